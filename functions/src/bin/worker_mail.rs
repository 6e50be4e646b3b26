//! The function `worker_mail`.
fn main() -> Result<(), lambda_runtime::Error> {
    shop::worker::serve(shop::worker::mail::handle)
}
