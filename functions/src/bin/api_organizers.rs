//! The function `api_organizers`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_organizers::handle)
}
