//! The function `cart_remove`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::cart::remove)
}
