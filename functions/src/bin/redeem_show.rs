//! The function `redeem_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::event::redeem)
}
