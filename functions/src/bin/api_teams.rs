//! The function `api_teams`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_teams::handle)
}
