//! The function `worker_default`.
fn main() -> Result<(), lambda_runtime::Error> {
    shop::worker::serve(shop::worker::default::handle)
}
