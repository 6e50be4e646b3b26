//! The function `cart_voucher`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::cart::apply_voucher)
}
