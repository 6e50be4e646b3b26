//! The function `api_checkin`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_checkin::handle)
}
