//! The function `cart_extend`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::cart::extend)
}
