//! The function `api_waitinglist`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_waitinglist::handle)
}
