//! Statements about when tickets are valid, and what blocks them.

use crate::{
    id::{EventId, OrderId, PositionId},
    port::{
        db::{DbError, Query, Tx, array, p},
        lock::EventLock,
    },
    record::{Record, Table, sql::list_rows},
    time::Timestamp,
};

const SET: &str = "
    update order_position
       set valid_from = case when $3::jsonb ? 'valid_from' then ($3::jsonb->>'valid_from')::timestamptz else valid_from end,
           valid_until = case when $3::jsonb ? 'valid_until' then ($3::jsonb->>'valid_until')::timestamptz else valid_until end
     where event_id = $1 and id = $2";

pub(super) async fn set(tx: &Tx<'_>, event: EventId, position: PositionId, record: &Record) -> Result<(), DbError> {
    let record = serde_json::Value::Object(record.clone());
    tx.execute(SET, &[p(&event), p(&position), p(&record)]).await.map(drop)
}

const SET_BLOCKS: &str = "update order_position set blocks = $3 where event_id = $1 and id = $2";

pub(super) async fn set_blocks(
    lock: &EventLock<'_>,
    position: PositionId,
    blocks: &Vec<String>,
) -> Result<(), DbError> {
    lock.tx().execute(SET_BLOCKS, &[p(&lock.event()), p(&position), array(blocks)]).await.map(drop)
}

const DROP_TICKET: &str = "delete from ticket_file where event_id = $1 and position_id = $2";

/// Its file is drawn anew when somebody may have it.
pub(super) async fn drop_ticket(lock: &EventLock<'_>, position: PositionId) -> Result<(), DbError> {
    lock.tx().execute(DROP_TICKET, &[p(&lock.event()), p(&position)]).await.map(drop)
}

/// A code that was never blocked is not told.
const TELL: &str = "
    insert into blocked_secret (organizer_id, event_id, position_id, secret, blocked, updated_at)
    select op.organizer_id, op.event_id, op.id, op.secret, cardinality(op.blocks) > 0, $3 from order_position op
     where op.event_id = $1 and op.id = any($2)
       and (cardinality(op.blocks) > 0
            or exists (select 1 from blocked_secret b where b.organizer_id = op.organizer_id and b.secret = op.secret))
    on conflict (organizer_id, secret) do update
       set blocked = excluded.blocked, updated_at = excluded.updated_at, position_id = excluded.position_id,
           event_id = excluded.event_id
     where blocked_secret.blocked <> excluded.blocked or blocked_secret.position_id <> excluded.position_id";

/// Tells doors without a network which codes of these positions are blocked now.
pub async fn tell(lock: &EventLock<'_>, positions: &Vec<PositionId>, now: Timestamp) -> Result<(), DbError> {
    lock.tx().execute(TELL, &[p(&lock.event()), array(positions), p(&now)]).await.map(drop)
}

const TOUCH: &str = "update orders set modified_at = greatest(modified_at, $3) where event_id = $1 and id = $2";

/// Devices that keep orders ask for those that have changed.
pub(super) async fn touch(tx: &Tx<'_>, event: EventId, order: OrderId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(TOUCH, &[p(&event), p(&order), p(&now)]).await.map(drop)
}

const BLOCKED: &str = list_rows!(
    "blocked_secret",
    "to_jsonb(r)",
    "and ($2::jsonb->'blocked' is null or r.blocked = ($2::jsonb->>'blocked')::boolean)
     and ($2::jsonb->'updated_since' is null or r.updated_at >= ($2::jsonb->>'updated_since')::timestamptz)",
    "case when $3 in ('updated', 'id') then r.updated_at end, case when $3 = '' or $3 like '-%' then r.updated_at end desc, r.id"
);

/// Codes of an event's tickets that are blocked, or were, those that changed last first.
pub static BLOCKED_SECRETS: Table =
    Table { object: "blockedsecret", list: BLOCKED, find: "", insert: "", update: "", delete: "" };

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[SET, SET_BLOCKS, DROP_TICKET, TELL, TOUCH, BLOCKED];
