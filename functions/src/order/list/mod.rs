//! Which orders, positions and transactions a list shows (spec rest-api 2.12, 9.2, 9.7, 9.11). A filter is an object: what it does not name does not
//! matter. How a page is read: `record::page`.

pub mod sql;

use super::Order;
use crate::{
    event::Event,
    id::{EventId, OrderId, PositionId},
    port::db::{Db, DbError, Query, Row, array, p},
    record::{self, Part, Record},
};

/// One page of the orders of some events, each with its event, and how many there are.
pub async fn orders_of(
    db: &mut Db,
    events: &Vec<EventId>,
    part: &Part,
) -> Result<(Vec<(EventId, OrderId)>, Option<i64>), DbError> {
    let (rows, total) = record::page(db, &sql::ORDERS_OF_EVENTS, array(events), part).await?;
    let found = rows.iter().map(|row| Ok((row.get("event_id")?, row.get("id")?))).collect::<Result<_, DbError>>()?;
    Ok((found, total))
}

/// One page of the positions of some events, each with its event and order, and how many there are.
pub async fn positions_of(
    db: &mut Db,
    events: &Vec<EventId>,
    part: &Part,
) -> Result<(Vec<(EventId, OrderId, PositionId)>, Option<i64>), DbError> {
    let (rows, total) = record::page(db, &sql::POSITIONS_OF_EVENTS, array(events), part).await?;
    let read = |row: &Row| Ok((row.get("event_id")?, row.get("order_id")?, row.get("id")?));
    Ok((rows.iter().map(read).collect::<Result<_, DbError>>()?, total))
}

/// One page of the ledger of some events, and how many entries there are.
pub async fn transactions(
    db: &mut Db,
    events: &Vec<EventId>,
    part: &Part,
) -> Result<(Vec<Record>, Option<i64>), DbError> {
    let (rows, total) = record::page(db, &sql::ENTRIES, array(events), part).await?;
    Ok((rows.iter().map(record::body).collect::<Result<_, _>>()?, total))
}

/// One page of the event's orders, and how many there are.
pub async fn orders(db: &mut Db, event: &Event, part: &Part) -> Result<(Vec<Order>, Option<i64>), DbError> {
    let (rows, total) = record::page(db, &sql::ORDERS, p(&event.id), part).await?;
    let ids: Vec<OrderId> = rows.iter().map(|row| row.get("id")).collect::<Result<_, DbError>>()?;
    Ok((in_order(&*db, event, &ids).await?, total))
}

/// The orders of these ids, in the order of the ids.
pub async fn in_order(q: &impl Query, event: &Event, ids: &Vec<OrderId>) -> Result<Vec<Order>, DbError> {
    let mut orders = super::sql::orders(q, event, ids).await?;
    orders.sort_by_key(|order| ids.iter().position(|id| *id == order.id));
    Ok(orders)
}

/// One page of the event's positions with their orders, and how many there are.
pub async fn positions(
    db: &mut Db,
    event: &Event,
    part: &Part,
) -> Result<(Vec<(PositionId, Order)>, Option<i64>), DbError> {
    let (rows, total) = record::page(db, &sql::POSITIONS, p(&event.id), part).await?;
    let pairs: Vec<(PositionId, OrderId)> =
        rows.iter().map(|row| Ok((row.get("id")?, row.get("order_id")?))).collect::<Result<_, DbError>>()?;
    let mut ids: Vec<OrderId> = pairs.iter().map(|(_, order)| *order).collect();
    ids.sort_unstable();
    ids.dedup();
    let orders = super::sql::orders(&*db, event, &ids).await?;
    let of = |id: OrderId| orders.iter().find(|order| order.id == id).cloned();
    Ok((pairs.into_iter().filter_map(|(position, order)| Some((position, of(order)?))).collect(), total))
}

/// The order of a position.
pub async fn order_of(q: &impl Query, event: &Event, position: PositionId) -> Result<Option<Order>, DbError> {
    match q.opt(sql::ORDER_OF, &[p(&event.id), p(&position)]).await? {
        Some(row) => super::by_id(q, event, row.get("order_id")?).await,
        None => Ok(None),
    }
}
