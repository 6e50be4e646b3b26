//! Which orders, positions and transactions a list shows (spec rest-api 2.12, 9.2, 9.7, 9.11). A filter is an object: what it does not name does not
//! matter.

pub mod sql;

use super::Order;
use crate::{
    event::Event,
    id::{EventId, OrderId, PositionId},
    port::db::{DbError, Query, array, p},
    record::{self, Part, Record},
};

/// One page of the orders of some events, each with its event, and how many there are.
pub async fn orders_of(
    q: &impl Query,
    events: &Vec<EventId>,
    part: &Part,
) -> Result<(Vec<(EventId, OrderId)>, i64), DbError> {
    let filter = serde_json::Value::Object(part.filter.clone());
    let params = [array(events), p(&filter), p(&part.ordering), p(&part.offset), p(&part.limit)];
    let rows = q.query(sql::OF_EVENTS, &params).await?;
    let found = rows.iter().map(|row| Ok((row.get("event_id")?, row.get("id")?))).collect::<Result<_, DbError>>()?;
    Ok((found, q.one(sql::COUNT_OF_EVENTS, &[array(events), p(&filter)]).await?.get("total")?))
}

/// One page of the positions of some events, each with its event and order, and how many there are.
pub async fn positions_of(
    q: &impl Query,
    events: &Vec<EventId>,
    part: &Part,
) -> Result<(Vec<(EventId, OrderId, PositionId)>, i64), DbError> {
    let filter = serde_json::Value::Object(part.filter.clone());
    let params = [array(events), p(&filter), p(&part.ordering), p(&part.offset), p(&part.limit)];
    let rows = q.query(sql::POSITIONS_OF_EVENTS, &params).await?;
    let read = |row: &crate::port::db::Row| Ok((row.get("event_id")?, row.get("order_id")?, row.get("id")?));
    let found = rows.iter().map(read).collect::<Result<_, DbError>>()?;
    Ok((found, q.one(sql::COUNT_POSITIONS_OF_EVENTS, &[array(events), p(&filter)]).await?.get("total")?))
}

/// One page of the ledger of some events, and how many entries there are; `None` where that is not known, beyond the end.
pub async fn transactions(
    q: &impl Query,
    events: &Vec<EventId>,
    part: &Part,
) -> Result<(Vec<Record>, Option<i64>), DbError> {
    let filter = serde_json::Value::Object(part.filter.clone());
    let params = [array(events), p(&filter), p(&part.ordering), p(&part.offset), p(&part.limit)];
    let rows = q.query(sql::TRANSACTIONS, &params).await?;
    let total = rows.first().map(|row| row.get("total")).transpose()?;
    Ok((rows.iter().map(record::body).collect::<Result<_, _>>()?, total))
}

/// One page of the event's orders, and how many there are.
pub async fn orders(q: &impl Query, event: &Event, part: &Part) -> Result<(Vec<Order>, i64), DbError> {
    let filter = serde_json::Value::Object(part.filter.clone());
    let params = [p(&event.id), p(&filter), p(&part.ordering), p(&part.offset), p(&part.limit)];
    // The usual orderings have statements of their own, which an index serves.
    let rows = match part.ordering.as_str() {
        "" | "datetime" => {
            q.query(sql::OLDEST_FIRST, &[p(&event.id), p(&filter), p(&part.offset), p(&part.limit)]).await?
        }
        "-datetime" => q.query(sql::NEWEST_FIRST, &[p(&event.id), p(&filter), p(&part.offset), p(&part.limit)]).await?,
        "last_modified" => {
            q.query(sql::LAST_CHANGED_LAST, &[p(&event.id), p(&filter), p(&part.offset), p(&part.limit)]).await?
        }
        _ => q.query(sql::ORDERED, &params).await?,
    };
    let ids: Vec<OrderId> = rows.iter().map(|row| row.get("id")).collect::<Result<_, DbError>>()?;
    let total = q.one(sql::COUNT, &[p(&event.id), p(&filter)]).await?.get("total")?;
    Ok((in_order(q, event, &ids).await?, total))
}

/// The orders of these ids, in the order of the ids.
pub async fn in_order(q: &impl Query, event: &Event, ids: &Vec<OrderId>) -> Result<Vec<Order>, DbError> {
    let mut orders = super::sql::orders(q, event, ids).await?;
    orders.sort_by_key(|order| ids.iter().position(|id| *id == order.id));
    Ok(orders)
}

/// One page of the event's positions with their orders, and how many there are.
pub async fn positions(q: &impl Query, event: &Event, part: &Part) -> Result<(Vec<(PositionId, Order)>, i64), DbError> {
    let filter = serde_json::Value::Object(part.filter.clone());
    let params = [p(&event.id), p(&filter), p(&part.ordering), p(&part.offset), p(&part.limit)];
    let rows = q.query(sql::POSITIONS, &params).await?;
    let pairs: Vec<(PositionId, OrderId)> =
        rows.iter().map(|row| Ok((row.get("id")?, row.get("order_id")?))).collect::<Result<_, DbError>>()?;
    let mut ids: Vec<OrderId> = pairs.iter().map(|(_, order)| *order).collect();
    ids.sort_unstable();
    ids.dedup();
    let orders = super::sql::orders(q, event, &ids).await?;
    let of = |id: OrderId| orders.iter().find(|order| order.id == id).cloned();
    let found = pairs.into_iter().filter_map(|(position, order)| Some((position, of(order)?))).collect();
    Ok((found, q.one(sql::COUNT_POSITIONS, &[p(&event.id), p(&filter)]).await?.get("total")?))
}

/// The order of a position.
pub async fn order_of(q: &impl Query, event: &Event, position: PositionId) -> Result<Option<Order>, DbError> {
    match q.opt(sql::ORDER_OF, &[p(&event.id), p(&position)]).await? {
        Some(row) => super::by_id(q, event, row.get("order_id")?).await,
        None => Ok(None),
    }
}
