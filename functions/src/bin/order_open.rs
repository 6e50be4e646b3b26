//! The function `order_open`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::order::open)
}
