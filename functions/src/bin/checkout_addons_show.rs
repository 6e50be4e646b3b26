//! The function `checkout_addons_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::checkout::show_add_ons)
}
