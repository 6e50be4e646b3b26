//! The function `api_exporters`.
fn main() -> Result<(), lambda_http::Error> {
    shop::http::serve(shop::endpoint::api_exporters::handle)
}
