//! The function `event_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::event::show)
}
