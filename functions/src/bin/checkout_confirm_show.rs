//! The function `checkout_confirm_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::checkout::show_confirm)
}
