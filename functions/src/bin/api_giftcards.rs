//! The function `api_giftcards`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_giftcards::handle)
}
