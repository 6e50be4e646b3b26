//! The function `order_answer_show`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::answer::show_of_order)
}
