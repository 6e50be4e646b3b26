//! The function `asset_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::site::asset)
}
