//! The function `ticket_request`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::order::request_download)
}
