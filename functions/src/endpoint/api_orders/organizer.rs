//! Orders, positions and transactions of all events that a token may see (spec rest-api 2.12, 9.11).

use std::collections::{BTreeMap, BTreeSet};

use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::{
    authorise,
    json::{Extra, order_json},
    query::{
        FILTERS, ORDERINGS, POSITION_FILTERS, POSITION_ORDERINGS, TO_COME, add_history, positions_of, refuse_to_come,
        told, trimmed,
    },
};
use crate::{
    ctx::Ctx,
    endpoint::api::{
        Caller,
        list::{Filter, Page, Wanted, asks_for, read_filters},
    },
    event::{self, Event},
    http::{self, ApiError},
    id::{EventId, OrderId},
    money::{Currency, Money, TaxRate},
    order::{Order, list},
    port::db::{DbError, Query},
    record::Record,
    staff::Permission,
    time::Timestamp,
};

/// An event with some of its orders, and what is asked in it.
struct Told {
    event: Event,
    orders: Vec<Order>,
    extra: Extra,
}

/// The orders of a page by event.
async fn load(
    ctx: &Ctx,
    request: &Request,
    q: &impl Query,
    wanted: &[(EventId, OrderId)],
) -> Result<Vec<Told>, ApiError> {
    let mut by_event: BTreeMap<EventId, BTreeSet<OrderId>> = BTreeMap::new();
    for (event, order) in wanted {
        by_event.entry(*event).or_default().insert(*order);
    }
    let mut told = Vec::new();
    for (id, orders) in by_event {
        let event = event::by_id(q, id).await?.ok_or(ApiError::NotFound)?;
        let orders = list::in_order(q, &event, &orders.into_iter().collect()).await?;
        let extra = Extra::of_event(ctx, q, &event).await?.asked_by(request);
        told.push(Told { event, orders, extra });
    }
    Ok(told)
}

/// One page of orders, the oldest first.
pub(super) async fn orders(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (caller, events) = Caller::reach(&request, &*db, Permission::OrdersRead).await?;
    let page = Page::read(&request)?;
    refuse_to_come(&request, TO_COME)?;
    let around = caller.around(ctx, &*db, &[], ctx.now()).await?;
    let part = page.part(&request, read_filters(&request, FILTERS, &around)?, ORDERINGS);
    let (found, total) = list::orders_of(&mut db, &events, &part).await?;
    let mut by_id: BTreeMap<OrderId, Value> = BTreeMap::new();
    for Told { event, orders, extra } in load(ctx, &request, &*db, &found).await? {
        let mut told: Vec<Value> = orders.iter().map(|order| order_json(ctx, &event, order, &extra)).collect();
        add_history(&*db, event.id, told.iter_mut().flat_map(positions_of).collect(), None).await?;
        by_id.extend(orders.iter().map(|order| order.id).zip(told));
    }
    let told = found.iter().filter_map(|(_, id)| Some(trimmed(&request, by_id.remove(id)?))).collect();
    let mut response = page.answer(ctx, &request, total, told)?;
    if let Ok(value) = around.now.to_string().parse() {
        response.headers_mut().insert("x-page-generated", value);
    }
    Ok(response)
}

/// One page of positions.
pub(super) async fn positions(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (caller, events) = Caller::reach(&request, &*db, Permission::OrdersRead).await?;
    let page = Page::read(&request)?;
    let around = caller.around(ctx, &*db, &[], ctx.now()).await?;
    let mut filter = read_filters(&request, POSITION_FILTERS, &around)?;
    let canceled = asks_for(&request, "include_canceled_positions");
    filter.insert("include_canceled_positions".to_owned(), json!(canceled));
    let part = page.part(&request, filter, POSITION_ORDERINGS);
    let (found, total) = list::positions_of(&mut db, &events, &part).await?;
    let wanted: Vec<_> = found.iter().map(|(event, order, _)| (*event, *order)).collect();
    let mut by_id: BTreeMap<i64, Value> = BTreeMap::new();
    for Told { event, orders, extra } in load(ctx, &request, &*db, &wanted).await? {
        let of_order = |id: OrderId| orders.iter().find(|order| order.id == id);
        let of_event = found.iter().filter(|(of, ..)| *of == event.id);
        let mut positions: Vec<Value> =
            of_event.filter_map(|(_, order, id)| told(&event, of_order(*order)?, *id, &extra)).collect();
        add_history(&*db, event.id, positions.iter_mut().collect(), None).await?;
        for mut position in positions {
            position["event"] = json!(event.slug);
            by_id.extend(position["id"].as_i64().map(|id| (id, position)));
        }
    }
    let told = found.iter().filter_map(|(.., id)| by_id.remove(&id.0)).collect();
    page.answer(ctx, &request, total, told)
}

const TRANSACTION_FILTERS: &[Filter] = &[
    Filter::new("order", Wanted::Text),
    Filter::new("datetime_since", Wanted::Moment),
    Filter::new("datetime_before", Wanted::Moment),
    Filter::new("created_since", Wanted::Moment),
    Filter::new("created_before", Wanted::Moment),
    Filter::new("item", Wanted::Number),
    Filter::new("item__in", Wanted::Numbers),
    Filter::new("variation", Wanted::Number),
    Filter::new("variation__in", Wanted::Numbers),
    Filter::new("subevent", Wanted::Number),
    Filter::new("subevent__in", Wanted::Numbers),
    Filter::new("tax_rate", Wanted::Percent),
    Filter::new("tax_rate__in", Wanted::Percents),
    Filter::new("fee_type", Wanted::Text),
    Filter::new("fee_type__in", Wanted::Texts),
];
/// The ledger does not say which rule a tax came from.
const TRANSACTION_TO_COME: &[&str] = &["tax_rule", "tax_rule__in", "tax_code", "tax_code__in"];

/// One page of the ledger, of one event or of all.
pub(super) async fn transactions(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (caller, events) = match http::path(&request, "event") {
        Ok(_) => {
            let (staff, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
            let (organizer, id) = (event.organizer.clone(), event.id);
            (Caller { scope: staff.scope(), organizer, event: Some(event) }, vec![id])
        }
        Err(_) => Caller::reach(&request, &*db, Permission::OrdersRead).await?,
    };
    let page = Page::read(&request)?;
    refuse_to_come(&request, TRANSACTION_TO_COME)?;
    let around = caller.around(ctx, &*db, &[], ctx.now()).await?;
    let filter = read_filters(&request, TRANSACTION_FILTERS, &around)?;
    let part = page.part(&request, filter, &["datetime", "created", "id"]);
    let (found, total) = list::transactions(&mut db, &events, &part).await?;
    let told = found.iter().map(|entry| transaction_json(entry, caller.event.is_none())).collect::<Result<_, _>>()?;
    page.answer(ctx, &request, total, told)
}

/// An entry of the ledger; lists of all events say which one it is of.
fn transaction_json(entry: &Record, names_event: bool) -> Result<Value, ApiError> {
    let field = |name: &str| entry.get(name).cloned().unwrap_or_default();
    let unreadable = || ApiError::from(DbError::unreadable("ledger entry"));
    let currency = entry.get("currency").and_then(Value::as_str).unwrap_or_default();
    let currency = Currency::parse(currency).map_err(|_| unreadable())?;
    let amount = |name: &str| field(name).as_i64().map(|minor| Money::new(minor, currency).to_decimal());
    let rate = field("tax_rate_ppm").as_i64().and_then(|ppm| i32::try_from(ppm).ok()).ok_or_else(unreadable)?;
    let moment = entry.get("created_at").and_then(Value::as_str).and_then(Timestamp::parse).ok_or_else(unreadable)?;
    let mut told = json!({
        "id": field("id"),
        "order": field("order"),
        "created": moment.to_string(),
        "datetime": moment.to_string(),
        "positionid": field("positionid"),
        "count": field("count"),
        "item": field("item_id"),
        "variation": field("variation_id"),
        "subevent": field("subevent_id"),
        "price": amount("price"),
        "tax_rate": TaxRate::from_ppm(rate).to_percent(),
        "tax_rule": null,
        "tax_code": null,
        "tax_value": amount("tax_value"),
        "fee_type": field("fee_type"),
        "internal_type": field("internal_type"),
    });
    if names_event {
        told["event"] = field("event");
    }
    Ok(told)
}
