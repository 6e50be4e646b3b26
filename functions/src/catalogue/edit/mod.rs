//! What programs of organisers change in the catalogue. Every change is made under the event's lock and counted by the
//! version of the event, so that decisions see it.

pub mod sql;

use crate::{
    boxoffice::{Quota, Uses},
    id::EventId,
    port::{
        db::{DbError, Query, Row, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

/// Makes no rule the event's default, so that another one can become it.
pub async fn clear_default_tax_rule(lock: &EventLock<'_>) -> Result<(), DbError> {
    lock.tx().execute(sql::CLEAR_DEFAULT_TAX_RULE, &[p(&lock.event())]).await.map(drop)
}

/// Whether the event has a tax rule already.
pub async fn has_tax_rule(q: &impl Query, event: EventId) -> Result<bool, DbError> {
    q.one(sql::HAS_TAX_RULE, &[p(&event)]).await?.get("found")
}

/// Items with their variations: a row for each, and one without a variation for an item that has none.
pub async fn variations_of(
    q: &impl Query,
    event: EventId,
    items: &Vec<i64>,
) -> Result<Vec<(i64, Option<i64>)>, DbError> {
    let rows = q.query(sql::VARIATIONS_OF_ITEMS, &[p(&event), array(items)]).await?;
    rows.iter().map(|row| Ok((row.get("item_id")?, row.get("variation_id")?))).collect()
}

/// Takes an item, or one of its variations, out of all carts. What quotas count must be counted anew after it.
pub async fn empty_carts(lock: &EventLock<'_>, item: i64, variation: Option<i64>) -> Result<(), DbError> {
    let event = lock.event();
    lock.tx().execute(sql::EMPTY_CARTS, &[p(&event), p(&item), p(&variation)]).await?;
    recount_vouchers_in_carts(lock).await
}

/// Counts anew what carts hold of each voucher, after positions were deleted.
pub async fn recount_vouchers_in_carts(lock: &EventLock<'_>) -> Result<(), DbError> {
    lock.tx().execute(sql::RECOUNT_VOUCHERS_IN_CARTS, &[p(&lock.event())]).await.map(drop)
}

/// Every variation of the event with its item.
pub async fn items_of_variations(q: &impl Query, event: EventId) -> Result<Vec<(i64, i64)>, DbError> {
    let rows = q.query(sql::ITEMS_OF_VARIATIONS, &[p(&event)]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("item_id")?))).collect()
}

/// How an item is bundled: `(it has bundles, it is part of one)`.
pub async fn bundling_of(q: &impl Query, event: EventId, item: i64) -> Result<(bool, bool), DbError> {
    let row = q.one(sql::BUNDLING, &[p(&event), p(&item)]).await?;
    Ok((row.get("has_bundles")?, row.get("is_bundled")?))
}

/// The category of an item.
pub async fn category_of(q: &impl Query, event: EventId, item: i64) -> Result<Option<i64>, DbError> {
    match q.opt(sql::CATEGORY_OF, &[p(&event), p(&item)]).await? {
        Some(row) => row.get("category_id"),
        None => Ok(None),
    }
}

/// Quotas as they stand, without what lies in expired carts: for display only, never for a decision.
pub async fn quota_uses(
    q: &impl Query,
    event: EventId,
    quotas: &Vec<i64>,
    now: Timestamp,
) -> Result<Vec<(i64, Quota)>, DbError> {
    let rows = q.query(sql::QUOTA_USES, &[p(&event), array(quotas), p(&now)]).await?;
    let read = |row: &Row| {
        let uses = Uses {
            paid: row.get("paid")?,
            pending: row.get("pending")?,
            vouchers: row.get("vouchers")?,
            carts: row.get("carts")?,
            waiting: row.get("waiting")?,
        };
        let quota = Quota {
            size: row.get("size")?,
            closed: row.get("closed")?,
            close_when_sold_out: row.get("close_when_sold_out")?,
            date: row.get("subevent_id")?,
            ignore_for_event_availability: row.get("ignore_for_event_availability")?,
            uses,
        };
        Ok((row.get("id")?, quota))
    };
    rows.iter().map(read).collect()
}
