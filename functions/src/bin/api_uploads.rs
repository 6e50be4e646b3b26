//! The function `api_uploads`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_uploads::handle)
}
