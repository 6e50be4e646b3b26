//! The function `migrate`.
fn main() -> Result<(), lambda_runtime::Error> {
    shop::migrate::serve()
}
