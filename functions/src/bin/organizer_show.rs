//! The function `organizer_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::listing::organizer)
}
