//! The function `worker_checkout`.
fn main() -> Result<(), lambda_runtime::Error> {
    shop::worker::serve(shop::worker::checkout::handle)
}
