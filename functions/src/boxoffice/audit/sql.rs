//! Counts again what the counters say.

use crate::{
    id::{EventId, QuotaId, VoucherId},
    port::db::{DbError, Query, p},
    time::Timestamp,
};

/// Per quota: the counters and what counting the rows gives. They are equal, always; the audit reports what is not.
/// `kept` are the quotas in which a voucher keeps places.
const RECOUNT: &str = "
    with kept as (
        select v.id as voucher_id, q.id as quota_id, v.max_usages - v.redeemed as unredeemed
          from voucher v join quota q on q.event_id = v.event_id and q.subevent_id is not distinct from v.subevent_id
         where v.event_id = $1 and v.holds_stock
           and (q.id = v.quota_id
                or exists (select 1 from quota_item qi
                            where qi.quota_id = q.id and qi.item_id = v.item_id
                              and (v.variation_id is null or qi.variation_id = v.variation_id)))),
    ordered as (
        select qi.quota_id, count(*) filter (where o.status = 'p') as paid, count(*) filter (where o.status = 'n') as pending
          from order_position op
          join orders o on o.id = op.order_id and o.status in ('n', 'p')
          join quota_item qi on qi.event_id = op.event_id and qi.item_id = op.item_id
               and qi.variation_id is not distinct from op.variation_id
          join quota q on q.id = qi.quota_id and q.subevent_id is not distinct from op.subevent_id
         where op.event_id = $1 and not op.canceled
         group by qi.quota_id),
    in_carts as (
        select qi.quota_id, count(*) as carts
          from cart_position cp
          join quota_item qi on qi.event_id = cp.event_id and qi.item_id = cp.item_id
               and qi.variation_id is not distinct from cp.variation_id
          join quota q on q.id = qi.quota_id and q.subevent_id is not distinct from cp.subevent_id
          left join kept k on k.voucher_id = cp.voucher_id and k.quota_id = q.id
         where cp.event_id = $1 and cp.holds_stock and k.voucher_id is null
         group by qi.quota_id)
    select q.id, c.paid, c.pending, c.carts, c.vouchers,
           coalesce(ordered.paid, 0) as paid_rows, coalesce(ordered.pending, 0) as pending_rows,
           coalesce(in_carts.carts, 0) as cart_rows,
           (select coalesce(sum(greatest(k.unredeemed, 0)), 0)::bigint from kept k where k.quota_id = q.id) as voucher_rows
      from quota q join quota_counter c on c.quota_id = q.id
      left join ordered on ordered.quota_id = q.id
      left join in_carts on in_carts.quota_id = q.id
     where q.event_id = $1
     order by q.id";

/// The quotas of an event whose counters differ from their rows: none, unless there is a bug.
pub async fn drifted_quotas(q: &impl Query, event: EventId) -> Result<Vec<QuotaId>, DbError> {
    let mut drifted = Vec::new();
    for row in q.query(RECOUNT, &[p(&event)]).await? {
        let number = |column: &str| row.get::<i64>(column);
        let counters = (number("paid")?, number("pending")?, number("carts")?, number("vouchers")?);
        let counted = (number("paid_rows")?, number("pending_rows")?, number("cart_rows")?, number("voucher_rows")?);
        if counters != counted {
            drifted.push(row.get("id")?);
        }
    }
    Ok(drifted)
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
pub const ALL: &[&str] = &[RECOUNT, RECOUNT_VOUCHERS, EVENTS_SOLD];
