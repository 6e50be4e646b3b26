//! The function `api_document`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_document::show)
}
