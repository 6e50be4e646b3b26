//! What the API says about itself: OpenAPI 3.1, made from the route table and the declared fields when the shop is built
//! (`cargo run -p tests --bin openapi`), because a function does not know the routes of the others.

use ::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};

use crate::{
    ctx::Ctx,
    http::{self, ApiError},
};

const DOCUMENT: &str = include_str!("../../assets/openapi.json");

/// The document.
pub async fn show(_ctx: &'static Ctx, _request: Request) -> Result<Response<Body>, ApiError> {
    let mut response = http::respond(StatusCode::OK, "application/json", Body::Text(DOCUMENT.to_owned()));
    let kept = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}
