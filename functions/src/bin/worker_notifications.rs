//! The function `worker_notifications`.
fn main() -> Result<(), lambda_runtime::Error> {
    shop::worker::serve(shop::worker::notifications::handle)
}
