//! The function `worker_background`.
fn main() -> Result<(), lambda_runtime::Error> {
    shop::worker::serve(shop::worker::background::handle)
}
