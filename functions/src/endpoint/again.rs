//! Sends a form again that came when too many others did (see [`crate::repeat`]).

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{cart, checkout};
use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    repeat::Kept,
};

/// Serves the form that the browser has kept; without one it leads to the shop.
pub async fn repeat(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let Some(kept) = Kept::of(&request) else {
        let (organizer, event) = (http::path(&request, "organizer")?, http::path(&request, "event")?);
        let plain = |slug: &str| slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        return match plain(&organizer) && plain(&event) {
            true => Ok(http::redirect(StatusCode::SEE_OTHER, &format!("/{organizer}/{event}/"))),
            false => Err(ApiError::NotFound),
        };
    };
    let restored = kept.restored(request);
    let mut response = match kept.form.as_str() {
        "cart/add" => cart::add(ctx, restored).await?,
        "checkout/addons/" => checkout::save_add_ons(ctx, restored).await?,
        "checkout/confirm/" => checkout::place(ctx, restored).await?,
        _ => return Err(ApiError::NotFound),
    };
    kept.forget(&mut response, ctx.config().public_url.starts_with("https://"));
    Ok(response)
}
