//! The function `order_place`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::checkout::place)
}
