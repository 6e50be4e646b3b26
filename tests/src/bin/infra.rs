//! Writes the generated files of `infra/`.
fn main() -> std::io::Result<()> {
    tests::infra::files().into_iter().try_for_each(|(path, content)| std::fs::write(path, tests::infra::text(&content)))
}
