//! Adding, changing and cancelling one position (spec rest-api 9.7): what `change` does to an order, for one of them.

use std::sync::Arc;

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::{
    actions::{Action, Wanted},
    answers::{self, Files},
    authorise,
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
    i18n::{Lang, countries},
    id::PositionId,
    idempotency::{Answer, Call},
    order::{self, Order},
    outbox::Outgoing,
    port::{db::Tx, lock::EventLock},
    record::Record,
    staff::{Permission, Staff},
};

/// What is written about attendees, without a rule of the box office.
const ATTENDEE: [&str; 9] = [
    "attendee_name",
    "attendee_name_parts",
    "attendee_email",
    "company",
    "street",
    "zipcode",
    "city",
    "country",
    "state",
];
/// What of it is one line of text.
const LINES: [&str; 6] = ["attendee_name", "attendee_email", "company", "zipcode", "city", "state"];
/// What of it comes with the position when it is added.
const WITH_POSITION: [&str; 4] = ["attendee_name", "attendee_name_parts", "attendee_email", "company"];

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
    let mut address = Record::new();
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
            let attendee = attendee(&mut body, &ATTENDEE)?;
            if !attendee.is_empty() {
                order::set_attendee(tx, staff, event, (order.id, PositionId(id)), &attendee, now).await?;
            }
            json!({ "patch_positions": [{ "position": id, "body": body }] })
        }
        (_, None) => {
            body.remove("order");
            let others: Vec<&str> = ATTENDEE.into_iter().filter(|name| !WITH_POSITION.contains(name)).collect();
            address = attendee(&mut body, &others)?;
            json!({ "create_positions": [body] })
        }
    };
    let known: Vec<PositionId> = order.positions.iter().map(|position| position.id).collect();
    let outgoing = wanted.act(tx, Action::Change, &Fields::of(&change)?).await.map_err(of_one)?;
    let mut order = order::by_id(tx, event, order.id).await?.ok_or(ApiError::NotFound)?;
    let written = order.positions.iter().find(|it| position.map_or(!known.contains(&it.id), |id| it.id.0 == id));
    let written = written.map(|it| (it.id, it.number));
    if let Some((id, number)) = written.filter(|_| said.is_some() || !address.is_empty()) {
        if let Some(said) = said {
            order::replace_answers(tx, event, (order.id, number), said).await?;
        }
        if !address.is_empty() {
            order::set_attendee(tx, staff, event, (order.id, id), &address, now).await?;
        }
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

/// What a body says about the attendee, by column; it is taken out of the body.
fn attendee(body: &mut Map<String, Value>, names: &[&str]) -> Result<Record, ApiError> {
    let said: Map<String, Value> =
        names.iter().filter_map(|name| Some(((*name).to_owned(), body.remove(*name)?))).collect();
    let fields = Fields::of(&Value::Object(said.clone()))?;
    let mut columns = Record::new();
    for name in LINES {
        if said.contains_key(name) {
            columns.insert(name.to_owned(), json!(fields.line(name)?));
        }
    }
    if let Some(parts) = fields.part("attendee_name_parts")? {
        columns.insert("attendee_name".to_owned(), json!(parts.line("full_name")?));
    }
    if said.contains_key("street") {
        columns.insert("street".to_owned(), json!(fields.lines("street")?));
    }
    if said.contains_key("country") {
        let country = fields.line("country")?;
        let is_known = |code: &String| countries(Lang::En).iter().any(|it| it.code == *code);
        if country.as_ref().is_some_and(|code| !is_known(code)) {
            return Err(ApiError::field("country", "A country is two capital letters, such as DE."));
        }
        columns.insert("country".to_owned(), json!(country));
    }
    let email = columns.get("attendee_email").and_then(Value::as_str);
    if email.is_some_and(|email| email.parse::<lettre::Address>().is_err()) {
        return Err(ApiError::field("attendee_email", "Enter a valid email address."));
    }
    Ok(columns)
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
