//! The function `api_vouchers`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_vouchers::handle)
}
