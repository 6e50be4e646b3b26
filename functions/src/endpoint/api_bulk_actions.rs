//! Many orders changed by one call, in the background. Not known to the reference, whose pages alone can do it.

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde::Deserialize;
use serde_json::json;

use crate::{
    ctx::Ctx,
    event::Event,
    http::{self, ApiError},
    id::BulkActionId,
    order::bulk::{self, Action, RequestError, Wish},
    staff::{Permission, Staff},
};

/// Answers both routes.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (organizer, event) = (http::path(&request, "organizer")?, http::path(&request, "event")?);
    let reads = request.method() == Method::GET;
    let permission = if reads { Permission::OrdersRead } else { Permission::OrdersWrite };
    let (staff, event) = Staff::authorise(&request, &*db, &organizer, &event, permission).await?;
    drop(db);
    if reads { show(ctx, &staff, &request).await } else { begin(ctx, &staff, &event, &request).await }
}

/// What is to happen to which orders: those with these codes, or all with `"all": true`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    action: String,
    #[serde(default)]
    orders: Option<Vec<String>>,
    #[serde(default)]
    all: bool,
    #[serde(default = "yes")]
    send_email: bool,
    #[serde(default)]
    comment: Option<String>,
    /// The last day to pay, for `extend`.
    #[serde(default)]
    expires: Option<String>,
}

fn yes() -> bool {
    true
}

impl Fields {
    fn wish(self, event: &Event) -> Result<Wish, ApiError> {
        let words = || Action::ALL.map(Action::name).join(", ");
        let action = Action::parse(&self.action);
        let action = action.ok_or_else(|| ApiError::field("action", format!("Allowed are {}.", words())))?;
        // Nobody cancels an event by forgetting a field.
        if self.orders.is_some() == self.all {
            return Err(ApiError::field("orders", "A list of codes is needed, or \"all\": true."));
        }
        if self.expires.is_some() != (action == Action::Extend) {
            return Err(ApiError::field("expires", "The last day to pay is needed to extend, and for nothing else."));
        }
        let day = self.expires.map(|text| text.parse::<jiff::civil::Date>()).transpose();
        let day = day.map_err(|_| ApiError::field("expires", "A date such as 2030-12-31 is needed."))?;
        let expires_at = day.map(|day| event.end_of(day));
        let note = self.comment.filter(|note| !note.is_empty());
        Ok(Wish { action, codes: self.orders, send_email: self.send_email, note, expires_at })
    }
}

async fn begin(ctx: &Ctx, staff: &Staff, event: &Event, request: &Request) -> Result<Response<Body>, ApiError> {
    let fields: Fields =
        serde_json::from_slice(request.body()).map_err(|error| ApiError::BadRequest(error.to_string()))?;
    let wish = fields.wish(event)?;
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let asked = bulk::request(&tx, staff, event, &wish, ctx.now()).await;
    let (id, outgoing) = tx.finish(asked).await.map_err(|error| match error {
        RequestError::Unknown(codes) => ApiError::field("orders", format!("Unknown: {}.", codes.join(", "))),
        RequestError::Db(error) => error.into(),
    })?;
    drop(db);
    tracing::info!(
        event.id = event.id.0,
        bulk_action.id = id.0,
        action = wish.action.name(),
        "Bulk action {id} asked for"
    );
    outgoing.dispatch(ctx).await;
    let path = format!("/api/v1/organizers/{}/events/{}/bulk_actions/{id}/", event.organizer.slug, event.slug);
    let url = format!("{}{path}", ctx.config().public_url);
    Ok(http::json(StatusCode::ACCEPTED, &json!({ "id": id, "url": url })))
}

async fn show(ctx: &Ctx, staff: &Staff, request: &Request) -> Result<Response<Body>, ApiError> {
    let id: i64 = http::path(request, "bulk_action")?.parse().map_err(|_| ApiError::NotFound)?;
    let progress = bulk::progress(&*ctx.db().await?, staff, BulkActionId(id)).await?.ok_or(ApiError::NotFound)?;
    let body = json!({
        "id": id,
        "action": progress.action.name(),
        "status": if progress.ended_at.is_some() { "done" } else { "running" },
        "total": progress.total,
        "changed": progress.changed,
        "refused": progress.refused,
        "refusals": progress.refusals,
    });
    Ok(http::json(StatusCode::OK, &body))
}
