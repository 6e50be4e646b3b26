//! The function `api_subevents`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_subevents::handle)
}
