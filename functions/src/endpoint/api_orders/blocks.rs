//! Tickets that are blocked, and what doors without a network know of them (spec rest-api 9.7, 9.11).

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{
    authorise,
    fields::Fields,
    json::Extra,
    query::{add_history, told},
};
use crate::{
    ctx::Ctx,
    endpoint::api::{
        Caller,
        field::{self, Field, Kind},
        keep_refusal,
        list::{Filter, Page, Wanted, read_filters},
        number, respond,
    },
    event::Event,
    http::ApiError,
    id::PositionId,
    idempotency::{Answer, Call},
    order::{
        self, list,
        validity::{self, sql::BLOCKED_SECRETS},
    },
    port::{db::Tx, lock::EventLock},
    record,
    staff::{Permission, Staff},
};

/// Blocks a ticket, or takes that back, once for each idempotency key.
pub(super) async fn change(ctx: &'static Ctx, request: Request, is_blocked: bool) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let call = Call::of(&request, &staff)?;
    let now = ctx.now();
    let tx = db.begin().await?;
    let done = once(ctx, &tx, &call, &request, (&staff, &event), is_blocked).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

async fn once(
    ctx: &Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    (staff, event): (&Staff, &Event),
    is_blocked: bool,
) -> Result<Answer, ApiError> {
    let now = ctx.now();
    if let Some(answer) = call.begin(tx, now).await? {
        return Ok(answer);
    }
    let lock = EventLock::acquire(tx, event.id).await?;
    let id = PositionId(number(request, "orderposition")?);
    let order = list::order_of(tx, event, id).await?.ok_or(ApiError::NotFound)?;
    let position = order.live_positions().find(|it| it.id == id).ok_or(ApiError::NotFound)?;
    let name =
        Fields::read(request)?.line("name")?.ok_or_else(|| ApiError::field("name", "This field is required."))?;
    if !validity::is_name(&name) {
        return Err(ApiError::field("name", "Allowed are admin, and names that begin with api:."));
    }
    validity::block(&lock, staff, event, &order, (position, &name, is_blocked), now).await?;
    let order = order::by_id(tx, event, order.id).await?.ok_or(ApiError::NotFound)?;
    let extra = Extra::of_event(ctx, tx, event).await?;
    let mut body = told(event, &order, id, &extra).unwrap_or_default();
    add_history(tx, event.id, vec![&mut body], None).await?;
    let answer = Answer { status: StatusCode::OK.as_u16(), body };
    call.end(tx, &answer).await?;
    Ok(answer)
}

const FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)),
    Field::new("secret", Kind::Text(1000)),
    Field::new("updated", Kind::Moment).column("updated_at"),
    Field::new("blocked", Kind::Flag),
];
const FILTERS: &[Filter] = &[Filter::new("blocked", Wanted::Flag), Filter::new("updated_since", Wanted::Moment)];

/// One page of codes that are blocked, or were.
pub(super) async fn list(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::OrdersRead).await?;
    let around = caller.around(ctx, &*db, FIELDS, ctx.now()).await?;
    let page = Page::read(&request)?;
    let part = page.part(&request, read_filters(&request, FILTERS, &around)?, &["id", "updated"]);
    let (found, total) = record::list(&*db, &BLOCKED_SECRETS, caller.scope, &part).await?;
    page.answer(ctx, &request, total, found.iter().map(|it| field::show(FIELDS, it, &around)).collect())
}
