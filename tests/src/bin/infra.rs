//! Writes `infra/template.json`.
fn main() -> std::io::Result<()> {
    std::fs::write(tests::infra::path(), tests::infra::text())
}
