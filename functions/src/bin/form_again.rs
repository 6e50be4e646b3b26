//! The function `form_again`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::again::repeat)
}
