//! The function `locale_set`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::site::set_locale)
}
