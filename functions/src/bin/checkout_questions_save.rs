//! The function `checkout_questions_save`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::checkout::save_questions)
}
