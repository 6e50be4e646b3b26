//! The function `api_items`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_items::handle)
}
