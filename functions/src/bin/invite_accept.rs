//! The function `invite_accept`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::invites::handle)
}
