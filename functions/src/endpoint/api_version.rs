//! The version of the dialect that this API speaks (spec rest-api 1).

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    staff,
};

/// As a text and as a number, for programs that ask before they use something new.
const VERSION: (&str, i64) = ("2026.8.0", 20_260_080_000_000);

/// The version as programs are told it.
pub(super) fn told() -> Value {
    json!({ "pretix": VERSION.0, "pretix_numeric": VERSION.1 })
}

/// Tells whoever has a token.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    staff::authenticate(&request, &*db).await?;
    Ok(http::json(StatusCode::OK, &told()))
}
