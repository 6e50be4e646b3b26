//! The function `api_devices`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_devices::handle)
}
