//! New secrets, and codes that are worth nothing any more (spec rest-api 9.5, 9.7, 9.11).

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{
    authorise, find,
    json::{Extra, order_json},
    query::{self, add_history, positions_of},
};
use crate::{
    ctx::Ctx,
    endpoint::api::{
        Caller,
        field::{self, Field, Kind},
        list::{Filter, Page, Wanted, read_filters},
        number, respond,
    },
    event::Event,
    http::{self, ApiError},
    id::PositionId,
    idempotency::{Answer, Call},
    order::{
        self, list,
        secret::{self, Whose, sql::REVOKED_SECRETS},
    },
    outbox::Outgoing,
    port::{db::Tx, lock::EventLock},
    record,
    staff::{Permission, Staff},
};

/// Draws new secrets for an order, or for one position, once for each idempotency key.
pub(super) async fn regenerate(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let call = Call::of(&request, &staff)?;
    let tx = db.begin().await?;
    let done = once(ctx, &tx, &call, &request, (&staff, &event)).await;
    let (answer, outgoing) = tx.finish(done).await?;
    drop(db);
    outgoing.of(event.organizer.id).dispatch(ctx).await;
    Ok(respond(&answer))
}

async fn once(
    ctx: &Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    (staff, event): (&Staff, &Event),
) -> Result<(Answer, Outgoing), ApiError> {
    let now = ctx.now();
    if let Some(answer) = call.begin(tx, now).await? {
        return Ok((answer, Outgoing::default()));
    }
    let _lock = EventLock::acquire(tx, event.id).await?;
    let one = match http::path(request, "orderposition") {
        Ok(_) => Some(PositionId(number(request, "orderposition")?)),
        Err(_) => None,
    };
    let order = match one {
        Some(id) => list::order_of(tx, event, id).await?.ok_or(ApiError::NotFound)?,
        None => find(tx, event, request).await?,
    };
    let whose = match one {
        Some(id) => Whose::Position(order.live_positions().find(|it| it.id == id).ok_or(ApiError::NotFound)?),
        None => Whose::Order,
    };
    let outgoing = secret::regenerate(tx, staff, event, &order, (whose, ctx.codes()), now).await?;
    let order = order::by_id(tx, event, order.id).await?.ok_or(ApiError::NotFound)?;
    let extra = Extra::of_event(ctx, tx, event).await?;
    let body = match one {
        Some(id) => {
            let mut told = query::told(event, &order, id, &extra).unwrap_or_default();
            add_history(tx, event.id, vec![&mut told], None).await?;
            told
        }
        None => {
            let mut told = order_json(ctx, event, &order, &extra);
            add_history(tx, event.id, positions_of(&mut told).collect(), None).await?;
            told
        }
    };
    let answer = Answer { status: StatusCode::OK.as_u16(), body };
    call.end(tx, &answer).await?;
    Ok((answer, outgoing))
}

const FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)),
    Field::new("secret", Kind::Text(1000)),
    Field::new("created", Kind::Moment).column("created_at"),
];
const FILTERS: &[Filter] = &[Filter::new("created_since", Wanted::Moment)];

/// One page of codes that were replaced, the newest first.
pub(super) async fn revoked(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::OrdersRead).await?;
    let around = caller.around(ctx, &*db, FIELDS, ctx.now()).await?;
    let page = Page::read(&request)?;
    let part = page.part(&request, read_filters(&request, FILTERS, &around)?, &["id", "created"]);
    let (found, total) = record::list(&*db, &REVOKED_SECRETS, caller.scope, &part).await?;
    page.answer(ctx, &request, total, found.iter().map(|it| field::show(FIELDS, it, &around)).collect())
}
