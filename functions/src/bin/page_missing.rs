//! The function `page_missing`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::site::missing)
}
