//! Adding, changing and cancelling one position (spec rest-api 9.7): what `change` does to an order, for one of them.

use std::sync::Arc;

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::{
    actions::{Action, Wanted},
    answers::{self, Files},
    attendee, authorise,
    fields::Fields,
    json::{Extra, position_json},
    query::add_history,
};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    endpoint::api::{keep_refusal, number, read, respond},
    event::Event,
    http::{self, ApiError},
    id::PositionId,
    idempotency::{Answer, Call},
    order::{self, Order},
    outbox::Outgoing,
    port::{db::Tx, lock::EventLock},
    staff::{Permission, Staff},
};

/// Writes a position, once for each idempotency key.
pub(super) async fn write(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let call = Call::of(&request, &staff)?;
    let now = ctx.now();
    // The bucket is slow: nobody is to wait for it under the event's lock.
    let files = Files::fetch(ctx, &*db, &staff, &event, &request, now).await?;
    let tx = db.begin().await?;
    let done = once(ctx, &tx, &call, &request, (&staff, &event), &files).await;
    let done = tx.finish(done).await;
    let (answer, outgoing) = keep_refusal(&mut db, &call, done, now).await?;
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
    files: &Files,
) -> Result<(Answer, Outgoing), ApiError> {
    let now = ctx.now();
    if let Some(answer) = call.begin(tx, now).await? {
        return Ok((answer, Outgoing::default()));
    }
    // What the box office changes is read and changed under its lock.
    let lock = EventLock::acquire(tx, event.id).await?;
    let mut body = read::object(request)?;
    let order = order_of(tx, event, request, &body).await?;
    let order = order::held(&lock, event, order.id).await?.ok_or(ApiError::NotFound)?;
    let catalogue = Arc::new(Catalogue::load(tx, event).await?);
    let ignores_quotas = http::query(request, "check_quotas").is_some_and(|value| value == "false");
    let codes = ctx.codes();
    let wanted =
        Wanted { staff, event, catalogue: &catalogue, order: &order, codes, takes_answers: true, ignores_quotas, now };
    let position = number(request, "orderposition").ok();
    let said = answers::read_with(&Fields::of(&Value::Object(body.clone()))?, &catalogue, event, files)?;
    let change = match (request.method(), position) {
        (&Method::DELETE, Some(id)) => {
            if order.live_positions().count() < 2 {
                return Err(ApiError::BadRequest(
                    "This operation would leave the order empty. Please cancel the order itself instead.".to_owned(),
                ));
            }
            json!({ "cancel_positions": [{ "position": id }] })
        }
        (_, Some(id)) => {
            let attendee = attendee::take(&mut body)?;
            if !attendee.is_empty() {
                order::set_attendee(tx, staff, event, (order.id, PositionId(id)), &attendee, now).await?;
            }
            json!({ "patch_positions": [{ "position": id, "body": body }] })
        }
        (_, None) => {
            body.remove("order");
            json!({ "create_positions": [body] })
        }
    };
    let known: Vec<PositionId> = order.positions.iter().map(|position| position.id).collect();
    let outgoing = wanted.act(tx, Action::Change, &Fields::of(&change)?).await.map_err(of_one)?;
    let mut order = order::by_id(tx, event, order.id).await?.ok_or(ApiError::NotFound)?;
    let written = order.positions.iter().find(|it| position.map_or(!known.contains(&it.id), |id| it.id.0 == id));
    if let Some((number, said)) = written.map(|it| it.number).zip(said) {
        order::replace_answers(tx, event, (order.id, number), said).await?;
        order = order::by_id(tx, event, order.id).await?.ok_or(ApiError::NotFound)?;
    }
    let told = order.positions.iter().find(|it| match position {
        Some(id) => it.id.0 == id,
        None => !known.contains(&it.id),
    });
    let extra = Extra::of(ctx, event, catalogue);
    let status = match *request.method() {
        Method::DELETE => StatusCode::NO_CONTENT,
        Method::POST => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    let mut body = told.map(|position| position_json(event, &order, position, &extra)).unwrap_or_default();
    add_history(tx, event.id, vec![&mut body], None).await?;
    let answer = Answer { status: status.as_u16(), body };
    call.end(tx, &answer).await?;
    Ok((answer, outgoing))
}

/// The order of the position in the path, or the one that the body names.
async fn order_of(tx: &Tx<'_>, event: &Event, request: &Request, body: &Map<String, Value>) -> Result<Order, ApiError> {
    if http::path(request, "orderposition").is_ok() {
        let id = PositionId(number(request, "orderposition")?);
        let order = order::list::order_of(tx, event, id).await?.ok_or(ApiError::NotFound)?;
        let is_live = order.live_positions().any(|position| position.id == id);
        return if is_live { Ok(order) } else { Err(ApiError::NotFound) };
    }
    let unknown = || ApiError::field("order", "This order does not exist.");
    match body.get("order").and_then(Value::as_str) {
        None => Err(ApiError::field("order", "This field is required.")),
        Some(code) => order::by_code(tx, event, &code.replace('\0', "")).await?.ok_or_else(unknown),
    }
}

/// What is wrong with the only part of a change is wrong with the position.
fn of_one(error: ApiError) -> ApiError {
    let ApiError::InvalidParts(mut faults) = error else { return error };
    let lists = ["create_positions", "patch_positions", "cancel_positions"];
    match lists.iter().find_map(|name| Some(faults.get_mut(*name)?.get_mut(0)?.take())) {
        Some(fault) => ApiError::InvalidParts(fault),
        None => ApiError::InvalidParts(faults),
    }
}
