//! The function `api_prices`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_prices::handle)
}
