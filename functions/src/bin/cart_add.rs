//! The function `cart_add`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::cart::add)
}
