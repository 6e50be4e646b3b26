//! The function `api_webhooks`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_webhooks::handle)
}
