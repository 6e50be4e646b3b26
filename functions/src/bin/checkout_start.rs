//! The function `checkout_start`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::checkout::start)
}
