//! Counts again what the counters say.

use crate::{
    id::{EventId, QuotaId},
    port::db::{DbError, Query, p},
    time::Timestamp,
};

/// Per quota: the counters and what counting the rows gives. They are equal, always; the audit reports what is not.
const RECOUNT: &str = "
    select q.id, c.paid, c.pending, c.carts,
           (select count(*) from order_position op join orders o on o.id = op.order_id
              join quota_item qi on qi.quota_id = q.id and qi.item_id = op.item_id
                   and qi.variation_id is not distinct from op.variation_id
             where op.event_id = $1 and not op.canceled and o.status = 'p') as paid_rows,
           (select count(*) from order_position op join orders o on o.id = op.order_id
              join quota_item qi on qi.quota_id = q.id and qi.item_id = op.item_id
                   and qi.variation_id is not distinct from op.variation_id
             where op.event_id = $1 and not op.canceled and o.status = 'n') as pending_rows,
           (select count(*) from cart_position cp
              join quota_item qi on qi.quota_id = q.id and qi.item_id = cp.item_id
                   and qi.variation_id is not distinct from cp.variation_id
             where cp.event_id = $1 and cp.holds_stock) as cart_rows
      from quota q join quota_counter c on c.quota_id = q.id
     where q.event_id = $1
     order by q.id";

/// The quotas of an event whose counters differ from their rows: none, unless there is a bug.
pub async fn drifted_quotas(q: &impl Query, event: EventId) -> Result<Vec<QuotaId>, DbError> {
    let mut drifted = Vec::new();
    for row in q.query(RECOUNT, &[p(&event)]).await? {
        let number = |column: &str| row.get::<i64>(column);
        let counted = (number("paid_rows")?, number("pending_rows")?, number("cart_rows")?);
        if (number("paid")?, number("pending")?, number("carts")?) != counted {
            drifted.push(row.get("id")?);
        }
    }
    Ok(drifted)
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
pub const ALL: &[&str] = &[RECOUNT, EVENTS_SOLD];
