//! Writes what was decided. Only ever under the event's lock.

pub mod sql;
mod voucher;

use super::{Changes, Uses, VoucherUses};
use crate::{
    port::{db::DbError, lock::EventLock},
    time::Timestamp,
};

/// Writes the changes of a batch: one statement for each kind of change that occurred.
pub async fn write(lock: &EventLock<'_>, changes: &Changes, now: Timestamp) -> Result<(), DbError> {
    if changes.uses.values().any(|uses| *uses != Uses::default()) {
        sql::add_uses(lock, &changes.uses).await?;
    }
    if !changes.released.is_empty() {
        sql::release(lock, &changes.released).await?;
    }
    if !changes.renewed.is_empty() {
        sql::renew(lock, &changes.renewed).await?;
    }
    if !changes.repriced.is_empty() {
        sql::reprice(lock, &changes.repriced).await?;
    }
    if !changes.deleted.is_empty() {
        sql::delete_cart_positions(lock, &changes.deleted).await?;
    }
    if !changes.added.is_empty() {
        sql::insert_cart_positions(lock, &changes.added, now).await?;
    }
    if !changes.closed.is_empty() {
        sql::close_quotas(lock, &changes.closed, now).await?;
    }
    if !changes.orders.is_empty() {
        sql::set_order_status(lock, &changes.orders, now).await?;
    }
    write_vouchers(lock, changes, now).await
}

async fn write_vouchers(lock: &EventLock<'_>, changes: &Changes, now: Timestamp) -> Result<(), DbError> {
    if changes.vouchers.values().any(|uses| *uses != VoucherUses::default()) {
        voucher::add_uses(lock, &changes.vouchers).await?;
    }
    if !changes.expired_vouchers.is_empty() {
        voucher::expire(lock, &changes.expired_vouchers).await?;
    }
    if !changes.deleted_vouchers.is_empty() {
        voucher::delete(lock, &changes.deleted_vouchers).await?;
    }
    if changes.saved_vouchers.iter().any(|voucher| voucher.id.is_some()) {
        voucher::update(lock, &changes.saved_vouchers).await?;
    }
    if changes.saved_vouchers.iter().any(|voucher| voucher.id.is_none()) {
        voucher::insert(lock, &changes.saved_vouchers, now).await?;
    }
    Ok(())
}
