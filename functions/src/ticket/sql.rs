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
    select $1, position_id, $2, object_key, $3 from unnest($4::bigint[], $5::text[]) as f (position_id, object_key)
    on conflict (position_id, output) do update set object_key = excluded.object_key, created_at = excluded.created_at";

/// Records files that lie in the bucket.
pub async fn record(tx: &Tx<'_>, event: EventId, files: &[TicketFile], now: Timestamp) -> Result<(), DbError> {
    let positions: Vec<PositionId> = files.iter().map(|file| file.position).collect();
    let keys: Vec<&str> = files.iter().map(|file| file.object_key.as_str()).collect();
    tx.execute(RECORD, &[p(&event), p(&OUTPUT), p(&now), array(&positions), array(&keys)]).await.map(|_| ())
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

const OLD_FILES: &str = "
    (select object_key from ticket_file where created_at < $1 order by created_at limit $2)
    union all
    (select object_key from order_ticket_file where created_at < $1 order by created_at limit $2)";

/// Where files lie that were made before a moment, `max` of each kind.
pub async fn old_files(q: &impl Query, before: Timestamp, max: i64) -> Result<Vec<String>, DbError> {
    q.query(OLD_FILES, &[p(&before), p(&max)]).await?.iter().map(|row| row.get("object_key")).collect()
}

const FORGET_FILES: &str = "
    with single as (delete from ticket_file where created_at < $2 and object_key = any($1))
    delete from order_ticket_file where created_at < $2 and object_key = any($1)";

/// Forgets files that are gone.
pub async fn forget_files(q: &impl Query, object_keys: &Vec<String>, before: Timestamp) -> Result<(), DbError> {
    q.execute(FORGET_FILES, &[array(object_keys), p(&before)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[FILES, RECORD, ORDER_FILE, RECORD_ORDER_FILE, OLD_FILES, FORGET_FILES];
