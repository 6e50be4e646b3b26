//! The function `api_pictures`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_pictures::handle)
}
