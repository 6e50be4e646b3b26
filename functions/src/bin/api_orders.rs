//! The function `api_orders`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_orders::handle)
}
