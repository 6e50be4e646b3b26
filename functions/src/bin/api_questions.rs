//! The function `api_questions`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_questions::handle)
}
