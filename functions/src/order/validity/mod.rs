//! When a ticket is valid, and what it is blocked by (spec domain 19.3, 19.4).

pub mod sql;

use super::{Order, Position};
use crate::{
    event::Event,
    id::{OrderId, PositionId},
    port::{
        db::{DbError, Tx},
        lock::EventLock,
    },
    record::Record,
    staff::Staff,
    time::Timestamp,
};

/// Says from when until when a ticket is valid, as far as `record` names it.
pub async fn set(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    (order, position): (OrderId, PositionId),
    record: &Record,
    now: Timestamp,
) -> Result<(), DbError> {
    sql::touch(tx, event.id, order, now).await?;
    sql::set(tx, event.id, position, record).await?;
    super::log_by(tx, staff, event, order, "pretix.event.order.changed.validity", now).await
}

/// Whether a name is one that a block can have: staff's, or one of a program's own.
pub fn is_name(name: &str) -> bool {
    let own = name.strip_prefix("api:").unwrap_or_default();
    name == "admin" || (!own.is_empty() && name.len() <= 100 && own.chars().all(|it| it.is_ascii_graphic()))
}

/// Blocks a ticket under a name, or takes that back. A ticket opens no door while there is any.
pub async fn block(
    lock: &EventLock<'_>,
    staff: &Staff,
    event: &Event,
    order: &Order,
    (position, name, is_blocked): (&Position, &str, bool),
    now: Timestamp,
) -> Result<(), DbError> {
    if position.blocks.iter().any(|it| it == name) == is_blocked {
        return Ok(());
    }
    let mut blocks: Vec<String> = position.blocks.iter().filter(|it| *it != name).cloned().collect();
    if is_blocked {
        blocks.push(name.to_owned());
    }
    // The order first, as doors take them.
    sql::touch(lock.tx(), event.id, order.id, now).await?;
    sql::set_blocks(lock, position.id, &blocks).await?;
    sql::drop_ticket(lock, position.id).await?;
    sql::tell(lock, &vec![position.id], now).await?;
    let action =
        if is_blocked { "pretix.event.order.changed.add_block" } else { "pretix.event.order.changed.remove_block" };
    super::log_by(lock.tx(), staff, event, order.id, action, now).await
}
