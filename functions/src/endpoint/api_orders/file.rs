//! The file that somebody gave as an answer (spec rest-api 9.7).

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::authorise;
use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    id::{PositionId, QuestionId},
    order,
    question::{self, file},
    staff::Permission,
};

/// Leads to the file, as one to save: browsers show nothing that strangers have sent.
pub(super) async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let id = |name| http::path(&request, name)?.parse::<i64>().map_err(|_| ApiError::NotFound);
    let (position, question) = (PositionId(id("orderposition")?), QuestionId(id("question")?));
    let file = file::of_answer(&*db, event.id, position, question).await?.ok_or(ApiError::NotFound)?;
    let order = order::list::order_of(&*db, &event, position).await?.ok_or(ApiError::NotFound)?;
    let questions = question::of_event(&*db, event.id).await?;
    drop(db);
    let number = order.positions.iter().find(|it| it.id == position).map(|it| it.number).unwrap_or_default();
    let asked = questions.iter().find(|it| it.id == question).map(|it| it.identifier.as_str()).unwrap_or_default();
    // Identifiers are organisers' words, and this becomes a header.
    let asked: String = asked.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    let name = format!("{}-{number}-{asked}.{}", order.code, file.kind.endings()[0]);
    let url = ctx.media().await.attachment_url(&file.object_key, &name).await;
    Ok(http::redirect(StatusCode::SEE_OTHER, &url.map_err(ApiError::internal)?))
}
