//! The function `notices_edit`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::notices::handle)
}
