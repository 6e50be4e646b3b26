//! The function `date_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::event::show_date)
}
