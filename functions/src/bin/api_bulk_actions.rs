//! The function `api_bulk_actions`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_bulk_actions::handle)
}
