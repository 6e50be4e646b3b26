//! Statements about ticket files.

use super::{OUTPUT, TicketFile};
use crate::{
    id::{EventId, OrderId, PositionId},
    port::db::{DbError, Query, Tx, array, p},
    time::Timestamp,
};

const FILES: &str = "
    select t.position_id, t.object_key
      from ticket_file t join order_position op on op.event_id = t.event_id and op.id = t.position_id
     where t.event_id = $1 and op.order_id = $2 and t.output = $3
     order by op.positionid";

pub(super) async fn files(q: &impl Query, event: EventId, order: OrderId) -> Result<Vec<TicketFile>, DbError> {
    let rows = q.query(FILES, &[p(&event), p(&order), p(&OUTPUT)]).await?;
    rows.iter()
        .map(|row| Ok(TicketFile { position: row.get("position_id")?, object_key: row.get("object_key")? }))
        .collect()
}

const RECORD: &str = "
    insert into ticket_file (event_id, position_id, output, object_key, created_at)
    select $1, f.position_id, $2, f.object_key, $3
      from unnest($4::bigint[], $5::text[]) as f (position_id, object_key)
      join order_position op on op.event_id = $1 and op.id = f.position_id
      join orders o on o.id = op.order_id and o.modified_at = $6
    on conflict (position_id, output) do update set object_key = excluded.object_key, created_at = excluded.created_at";

/// Records files that lie in the bucket, drawn of an order as it was at a moment. If it has changed since, they may be
/// wrong: then this fails, and they are drawn again.
pub async fn record(
    tx: &Tx<'_>,
    event: EventId,
    files: &[TicketFile],
    as_of: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    let positions: Vec<PositionId> = files.iter().map(|file| file.position).collect();
    let keys: Vec<&str> = files.iter().map(|file| file.object_key.as_str()).collect();
    let params = [p(&event), p(&OUTPUT), p(&now), array(&positions), array(&keys), p(&as_of)];
    let recorded = usize::try_from(tx.execute(RECORD, &params).await?).unwrap_or_default();
    if recorded == files.len() { Ok(()) } else { Err(DbError::RowCount(recorded)) }
}

const ORDER_FILE: &str = "select object_key from order_ticket_file where event_id = $1 and order_id = $2";

/// Where the file with all tickets of an order lies, if there is one; perhaps an old one.
pub async fn order_file(q: &impl Query, event: EventId, order: OrderId) -> Result<Option<String>, DbError> {
    q.opt(ORDER_FILE, &[p(&event), p(&order)]).await?.map(|row| row.get("object_key")).transpose()
}

const RECORD_ORDER_FILE: &str = "
    insert into order_ticket_file (event_id, order_id, object_key, created_at) values ($1, $2, $3, $4)
    on conflict (order_id) do update set object_key = excluded.object_key, created_at = excluded.created_at";

/// Records that the file lies in the bucket.
pub async fn record_order_file(
    tx: &Tx<'_>,
    event: EventId,
    order: OrderId,
    object_key: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(RECORD_ORDER_FILE, &[p(&event), p(&order), p(&object_key), p(&now)]).await.map(|_| ())
}

/// A mail that is still to go takes its tickets along.
const FORGET_FILES: &str = "
    delete from ticket_file t
     where (t.position_id, t.output) in (
           select f.position_id, f.output
             from ticket_file f join order_position op on op.event_id = f.event_id and op.id = f.position_id
            where f.created_at < $1
              and not exists (select from mail m where m.event_id = op.event_id and m.order_id = op.order_id
                                 and m.state in ('waiting', 'queued', 'inflight', 'awaiting_retry'))
            order by f.created_at limit $2)";
const FORGET_ORDER_FILES: &str = "
    delete from order_ticket_file where order_id in (
           select order_id from order_ticket_file where created_at < $1 order by created_at limit $2)";

/// Forgets files that were drawn before a moment, at most `max` of each kind; returns how many.
pub async fn forget_files(q: &impl Query, before: Timestamp, max: i64) -> Result<u64, DbError> {
    let single = q.execute(FORGET_FILES, &[p(&before), p(&max)]).await?;
    Ok(single + q.execute(FORGET_ORDER_FILES, &[p(&before), p(&max)]).await?)
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[FILES, RECORD, ORDER_FILE, RECORD_ORDER_FILE, FORGET_FILES, FORGET_ORDER_FILES];
