//! The function `order_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::order::show)
}
