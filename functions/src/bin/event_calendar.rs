//! The function `event_calendar`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::event::calendar)
}
