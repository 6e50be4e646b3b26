//! Writes `functions/assets/openapi.json`.
fn main() -> std::io::Result<()> {
    std::fs::write(tests::openapi::path(), tests::openapi::text())
}
