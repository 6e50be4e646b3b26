//! The function `checkout_addons_save`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::checkout::save_add_ons)
}
