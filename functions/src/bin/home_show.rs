//! The function `home_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::listing::home)
}
