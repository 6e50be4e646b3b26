//! Ticket files (spec rest-api 9.5, 9.7).

use ::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};
use serde_json::json;

use super::{authorise, find};
use crate::{
    ctx::Ctx,
    endpoint::api::number,
    http::{self, ApiError},
    id::PositionId,
    order::list,
    outbox::Outgoing,
    staff::Permission,
    ticket::{Download, OUTPUT, Which},
};

/// Seconds until it is worth asking again for a file that is being drawn.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Leads to the ticket of a position, or to all tickets of an order in one file. What has not been drawn yet is drawn now.
pub(super) async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    if http::path(&request, "output")? != OUTPUT {
        return Err(ApiError::NotFound);
    }
    let (order, which) = match http::path(&request, "orderposition") {
        Ok(_) => {
            let id = PositionId(number(&request, "orderposition")?);
            let order = list::order_of(&*db, &event, id).await?.ok_or(ApiError::NotFound)?;
            let number = order.live_positions().find(|it| it.id == id).map(|it| it.number);
            (order, Which::Number(number.ok_or(ApiError::NotFound)?))
        }
        Err(_) => (find(&*db, &event, &request).await?, Which::All),
    };
    let catalogue = ctx.storefronts().catalogue(&*db, &event).await?;
    let wanted = Download::find(&*db, &event, &catalogue, order, which, ctx.now()).await?;
    drop(db);
    let wanted = wanted.ok_or_else(|| ApiError::Refused("There is no ticket to download here now.".to_owned()))?;
    let Some(key) = &wanted.object_key else {
        // Whoever wants the file asks again, and so does the message if it should be lost: there is nothing to record.
        let drawing = Outgoing::unrecorded(std::iter::once(wanted.message()));
        drawing.of(event.organizer.id).dispatch(ctx).await;
        let body = json!({ "detail": "The file is being made. Please try again." });
        let mut response = http::json(StatusCode::CONFLICT, &body);
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_SECONDS);
        return Ok(response);
    };
    let url = ctx.media().await.download_url(key, &wanted.file_name(&event)).await.map_err(ApiError::internal)?;
    Ok(http::redirect(StatusCode::SEE_OTHER, &url))
}
