//! The function `api_events`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_events::handle)
}
