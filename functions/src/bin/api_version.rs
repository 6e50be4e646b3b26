//! The function `api_version`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_version::show)
}
