//! The function `api_quotas`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_quotas::handle)
}
