//! The function `cart_clear`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::cart::clear)
}
