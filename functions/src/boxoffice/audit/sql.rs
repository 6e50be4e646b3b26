//! Counts again what the counters say.

use super::QuotaLedger;
use crate::{
    boxoffice::Uses,
    id::{EventId, VoucherId},
    port::db::{DbError, Query, Row, p},
    time::Timestamp,
};

const LEDGER: &str = "
    select l.quota_id, l.name, l.size, l.paid, l.pending, l.vouchers, l.carts, l.waiting, l.free,
           c.paid as paid_counter, c.pending as pending_counter, c.vouchers as vouchers_counter, c.carts as carts_counter,
           c.waiting as waiting_counter
      from quota_ledger l join quota_counter c on c.quota_id = l.quota_id
     where l.event_id = $1
     order by l.quota_id";

/// Where the places of an event's quotas are, counted from rows, beside what the counters say.
pub async fn ledger(q: &impl Query, event: EventId) -> Result<Vec<QuotaLedger>, DbError> {
    let read = |row: &Row| {
        Ok(QuotaLedger {
            id: row.get("quota_id")?,
            name: row.get("name")?,
            size: row.get("size")?,
            counted: Uses {
                paid: row.get("paid")?,
                pending: row.get("pending")?,
                vouchers: row.get("vouchers")?,
                carts: row.get("carts")?,
                waiting: row.get("waiting")?,
            },
            free: row.get("free")?,
            counters: Uses {
                paid: row.get("paid_counter")?,
                pending: row.get("pending_counter")?,
                vouchers: row.get("vouchers_counter")?,
                carts: row.get("carts_counter")?,
                waiting: row.get("waiting_counter")?,
            },
        })
    };
    q.query(LEDGER, &[p(&event)]).await?.iter().map(read).collect()
}

/// Vouchers whose counters differ from the rows. Redemptions may be more than the rows: a use that could not be given
/// back stays redeemed, and so do those of deleted test orders.
const RECOUNT_VOUCHERS: &str = "
    select v.id
      from voucher v
     cross join lateral (
           select coalesce(sum(op.voucher_budget_use) filter (where o.status in ('n', 'p')), 0)::bigint as budget,
                  count(*) filter (where o.status <> 'c') as uses
             from order_position op join orders o on o.id = op.order_id
            where op.voucher_id = v.id and not op.canceled) ordered
     where v.event_id = $1
       and (v.in_carts <> (select count(*) from cart_position cp where cp.voucher_id = v.id and cp.holds_stock)
            or v.budget_used <> ordered.budget or v.redeemed < ordered.uses)
     order by v.id";

/// The vouchers of an event whose counters differ from their rows: none, unless there is a bug.
pub async fn drifted_vouchers(q: &impl Query, event: EventId) -> Result<Vec<VoucherId>, DbError> {
    q.query(RECOUNT_VOUCHERS, &[p(&event)]).await?.iter().map(|row| row.get("id")).collect()
}

const EVENTS_SOLD: &str = "
    select e.id from event e
     where exists (select 1 from orders o where o.event_id = e.id and o.created_at >= $1)
     order by e.id limit 500";

/// Events with an order since `since`.
pub async fn events_sold(q: &impl Query, since: Timestamp) -> Result<Vec<EventId>, DbError> {
    q.query(EVENTS_SOLD, &[p(&since)]).await?.iter().map(|row| row.get("id")).collect()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[LEDGER, RECOUNT_VOUCHERS, EVENTS_SOLD];
