//! Files that buyers have sent as answers, for those who have sent them (spec domain 7.1).

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{order, visit::Visit};
use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    question::file::{self, AnswerFile},
};

/// A file of the browser's cart.
pub async fn show_of_cart(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let cart = visit.cart.as_ref().ok_or(ApiError::NotFound)?;
    let file = file::of_cart_by_id(&*db, visit.event.id, cart, &http::path(&request, "file")?).await?;
    drop(db);
    lead_to(ctx, file).await
}

/// A file of the order whose secret is in the address.
pub async fn show_of_order(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let order = order::find(&visit, &*db, &request).await?;
    let file = file::of_order_by_id(&*db, visit.event.id, order.id, &http::path(&request, "file")?).await?;
    drop(db);
    lead_to(ctx, file).await
}

/// As a file to save: browsers show nothing that strangers have sent.
async fn lead_to(ctx: &Ctx, file: Option<AnswerFile>) -> Result<Response<Body>, ApiError> {
    let file = file.ok_or(ApiError::NotFound)?;
    let url = ctx.media().await.attachment_url(&file.object_key, &file.name).await.map_err(ApiError::internal)?;
    Ok(http::redirect(StatusCode::SEE_OTHER, &url))
}
