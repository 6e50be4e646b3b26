//! Writes what was decided. Only ever under the event's lock.

pub mod sql;
mod voucher;

use super::{Changes, Uses, order as orders};
use crate::{
    event::Event,
    order,
    outbox::Outgoing,
    port::{db::DbError, lock::EventLock},
    time::Timestamp,
};

/// Writes the changes of a batch: one statement for each kind of change that occurred, all sent together. Returns what
/// is to be sent when they are committed.
pub async fn write(
    lock: &EventLock<'_>,
    event: &Event,
    changes: &Changes,
    now: Timestamp,
) -> Result<Outgoing, DbError> {
    let uses =
        changes.uses.iter().filter(|(_, uses)| **uses != Uses::default()).map(|(id, uses)| (*id, *uses)).collect();
    let (mut outgoing, .., of_created) = tokio::try_join!(
        biased;
        // First, because deleting the cart's rows deletes the answers that an order copies.
        order::place::write(lock, event, &changes.orders_placed, now),
        sql::add_uses(lock, uses),
        sql::release(lock, &changes.released),
        sql::renew(lock, &changes.renewed),
        sql::reprice(lock, &changes.repriced),
        sql::delete_cart_positions(lock, &changes.deleted),
        sql::insert_cart_positions(lock, &changes.added, now),
        sql::close_quotas(lock, &changes.closed, now),
        orders::write(lock, &changes.orders_created, &changes.orders, now),
        voucher::write(lock, changes, now),
        order::create::write(lock, event, &changes.orders_created, &changes.orders, now),
    )?;
    outgoing.add(of_created);
    Ok(outgoing)
}
