//! Lists of orders and positions: what is asked for, and how much of each is told (spec rest-api 9.2, 9.7).

use std::collections::BTreeMap;

use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::{Value, json};

use super::{
    authorise,
    json::{Extra, order_json, position_json},
};
use crate::{
    checkin,
    ctx::Ctx,
    endpoint::api::{
        Around,
        list::{Filter, Page, Wanted, asks_for, read_filters},
        number,
    },
    event::Event,
    http::{self, ApiError},
    id::{EventId, PositionId},
    order::{Order, list},
    port::db::{DbError, Query},
    staff::Permission,
    ticket,
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::new("code", Wanted::Text),
    Filter::new("status", Wanted::Lower(&["n", "p", "e", "c"])),
    Filter::new("email", Wanted::Text),
    Filter::new("locale", Wanted::Text),
    Filter::new("testmode", Wanted::Flag),
    Filter::new("require_approval", Wanted::Flag),
    Filter::new("sales_channel", Wanted::Text),
    Filter::new("payment_provider", Wanted::Text),
    Filter::new("item", Wanted::Number),
    Filter::new("variation", Wanted::Number),
    Filter::new("subevent", Wanted::Number),
    Filter::new("subevent_after", Wanted::Moment),
    Filter::new("subevent_before", Wanted::Moment),
    Filter::new("search", Wanted::Text),
    Filter::new("created_since", Wanted::Moment),
    Filter::new("created_before", Wanted::Moment),
    Filter::new("modified_since", Wanted::Moment),
];
pub(super) const ORDERINGS: &[&str] = &["datetime", "code", "status", "last_modified", "cancellation_date"];

/// Parameters of the dialect that would change a list, but not yet here: refused, so that nobody takes everything for
/// what was chosen. `false` asks for what is done anyway.
pub(super) const TO_COME: &[&str] = &["customer"];

pub(super) fn refuse_to_come(request: &Request, names: &[&str]) -> Result<(), ApiError> {
    let asked = |name: &&&str| http::query(request, name).is_some_and(|value| !value.is_empty() && value != "false");
    match names.iter().find(asked) {
        Some(name) => Err(ApiError::field(name, "This is not available.")),
        None => Ok(()),
    }
}

/// What values of an event are read and told with, apart from its sales channels.
pub(in crate::endpoint) fn around_event(ctx: &Ctx, event: &Event) -> Around {
    Around { public_url: ctx.config().public_url.clone(), ..Around::plain(event, ctx.now()) }
}

/// One page of orders, the oldest first.
pub(super) async fn orders(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let page = Page::read(&request)?;
    refuse_to_come(&request, TO_COME)?;
    let around = around_event(ctx, &event);
    let part = page.part(&request, read_filters(&request, FILTERS, &around)?, ORDERINGS);
    let (orders, total) = list::orders(&mut db, &event, &part).await?;
    let extra = Extra::of_event(ctx, &*db, &event).await?.asked_by(&request);
    let mut told: Vec<Value> = orders.iter().map(|order| order_json(ctx, &event, order, &extra)).collect();
    add_history(&*db, event.id, told.iter_mut().flat_map(positions_of).collect(), None).await?;
    let told = told.into_iter().map(|order| trimmed(&request, order)).collect();
    let mut response = page.answer(ctx, &request, total, told)?;
    if let Ok(value) = around.now.to_string().parse() {
        response.headers_mut().insert("x-page-generated", value);
    }
    Ok(response)
}

/// How much is told: `include` names all that is, `exclude` what is not; both may be dotted and come several times.
pub(in crate::endpoint) fn trimmed(request: &Request, mut body: Value) -> Value {
    let paths = |name: &str| -> Vec<String> {
        let parameters = request.query_string_parameters_ref().and_then(|parameters| parameters.all(name));
        parameters.into_iter().flatten().flat_map(|value| value.split(',')).map(str::to_owned).collect()
    };
    let (include, exclude) = (paths("include"), paths("exclude"));
    if !include.is_empty() {
        keep(&mut body, "", &include);
    }
    for path in &exclude {
        drop_path(&mut body, path);
    }
    body
}

fn keep(value: &mut Value, at: &str, wanted: &[String]) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|it| keep(it, at, wanted)),
        Value::Object(fields) => {
            let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
            fields.retain(|name, _| {
                let path = path(name);
                wanted.iter().any(|it| *it == path || it.starts_with(&format!("{path}.")))
            });
            for (name, inner) in fields {
                let path = path(name);
                if !wanted.contains(&path) {
                    keep(inner, &path, wanted);
                }
            }
        }
        _ => {}
    }
}

fn drop_path(value: &mut Value, path: &str) {
    match (value, path.split_once('.')) {
        (Value::Array(list), _) => list.iter_mut().for_each(|it| drop_path(it, path)),
        (Value::Object(fields), None) => drop(fields.remove(path)),
        (Value::Object(fields), Some((name, rest))) => {
            if let Some(inner) = fields.get_mut(name) {
                drop_path(inner, rest);
            }
        }
        _ => {}
    }
}

pub(super) const POSITION_FILTERS: &[Filter] = &[
    Filter::new("order", Wanted::Text),
    Filter::new("order__status", Wanted::Lower(&["n", "p", "e", "c"])),
    Filter::new("order__status__in", Wanted::Texts),
    Filter::new("item", Wanted::Number),
    Filter::new("item__in", Wanted::Numbers),
    Filter::new("variation", Wanted::Number),
    Filter::new("variation__in", Wanted::Numbers),
    Filter::new("subevent", Wanted::Number),
    Filter::new("subevent__in", Wanted::Numbers),
    Filter::new("addon_to", Wanted::Number),
    Filter::new("addon_to__in", Wanted::Numbers),
    Filter::new("attendee_name", Wanted::Text),
    Filter::new("secret", Wanted::Text),
    Filter::new("pseudonymization_id", Wanted::Text),
    Filter::new("voucher", Wanted::Number),
    Filter::new("voucher__code", Wanted::Text),
    Filter::new("search", Wanted::Text),
];
pub(super) const POSITION_ORDERINGS: &[&str] =
    &["order__datetime", "order__code", "positionid", "attendee_name", "order__status"];

/// One page of positions.
pub(super) async fn positions(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let page = Page::read(&request)?;
    let mut filter = read_filters(&request, POSITION_FILTERS, &around_event(ctx, &event))?;
    let canceled = asks_for(&request, "include_canceled_positions");
    filter.insert("include_canceled_positions".to_owned(), json!(canceled));
    let part = page.part(&request, filter, POSITION_ORDERINGS);
    let (found, total) = list::positions(&mut db, &event, &part).await?;
    let extra = Extra::of_event(ctx, &*db, &event).await?.asked_by(&request);
    let mut told: Vec<Value> = found.iter().filter_map(|(id, order)| told(&event, order, *id, &extra)).collect();
    add_history(&*db, event.id, told.iter_mut().collect(), None).await?;
    page.answer(ctx, &request, total, told)
}

/// A position of an order as a list tells it.
pub(super) fn told(event: &Event, order: &Order, id: PositionId, extra: &Extra) -> Option<Value> {
    let position = order.positions.iter().find(|position| position.id == id)?;
    Some(position_json(event, order, position, extra))
}

/// One position.
pub(super) async fn position(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let id = PositionId(number(&request, "orderposition")?);
    let order = list::order_of(&*db, &event, id).await?.ok_or(ApiError::NotFound)?;
    let extra = Extra::of_event(ctx, &*db, &event).await?.asked_by(&request);
    let is_shown = asks_for(&request, "include_canceled_positions") || order.live_positions().any(|it| it.id == id);
    let mut told = told(&event, &order, id, &extra).filter(|_| is_shown).ok_or(ApiError::NotFound)?;
    add_history(&*db, event.id, vec![&mut told], None).await?;
    Ok(http::json(::http::StatusCode::OK, &told))
}

/// The positions of an order as it is told.
pub(super) fn positions_of(order: &mut Value) -> impl Iterator<Item = &mut Value> {
    order["positions"].as_array_mut().into_iter().flatten()
}

/// Adds to positions who came in with them, on one list or on all, and what was printed of them.
pub(in crate::endpoint) async fn add_history(
    q: &impl Query,
    event: EventId,
    positions: Vec<&mut Value>,
    list: Option<i64>,
) -> Result<(), DbError> {
    let mut by_id: BTreeMap<i64, &mut Value> =
        positions.into_iter().filter_map(|position| Some((position["id"].as_i64()?, position))).collect();
    if by_id.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = by_id.keys().copied().collect();
    let (scans, prints) = tokio::try_join!(
        checkin::sql::of_positions(q, event, &ids, list),
        ticket::print::sql::of_positions(q, event, &ids),
    )?;
    for (name, found) in [("checkins", scans), ("print_logs", prints)] {
        for (id, body) in found {
            if let Some(told) = by_id.get_mut(&id).and_then(|position| position[name].as_array_mut()) {
                told.push(body);
            }
        }
    }
    Ok(())
}
