//! Statements about the outbox and the records of handled messages.

use super::Message;
use crate::{
    id::OutboxId,
    port::db::{DbError, Query, Tx, array, p},
    time::Timestamp,
};

const INSERT: &str = "
    insert into outbox (queue, body, created_at, sent_at)
    select queue, body, $3, $3 from unnest($1::text[], $2::jsonb[]) with ordinality as m (queue, body, n) order by n
    returning id";

pub(super) async fn insert(tx: &Tx<'_>, messages: &[Message], now: Timestamp) -> Result<Vec<OutboxId>, DbError> {
    let queues: Vec<&str> = messages.iter().map(|message| message.queue().name()).collect();
    let bodies: Vec<serde_json::Value> =
        messages.iter().map(|message| serde_json::to_value(message).expect("a message is plain data")).collect();
    let rows = tx.query(INSERT, &[array(&queues), array(&bodies), p(&now)]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

const MARK_PROCESSED: &str = "
    with done as (delete from outbox where id = $1)
    insert into processed_message (outbox_id, processed_at) values ($1, $2) on conflict do nothing";

pub(super) async fn mark_processed(tx: &Tx<'_>, id: OutboxId, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(MARK_PROCESSED, &[p(&id), p(&now)]).await? == 1)
}

const TAKE_UNHANDLED: &str = "
    update outbox set sent_at = $2
     where id in (select id from outbox where sent_at is null or sent_at < $1
                   order by sent_at nulls first limit $3 for update skip locked)
    returning id, body";

pub(super) async fn take_unhandled(
    q: &impl Query,
    older_than: Timestamp,
    now: Timestamp,
    max: i64,
) -> Result<Vec<(OutboxId, Message)>, DbError> {
    let rows = q.query(TAKE_UNHANDLED, &[p(&older_than), p(&now), p(&max)]).await?;
    let read = rows.iter().map(|row| {
        let body: serde_json::Value = row.get("body")?;
        let text = body.to_string();
        let message = serde_json::from_value(body);
        Ok((row.get("id")?, message.map_err(|_| DbError::UnknownValue { what: "message", value: text })?))
    });
    read.collect()
}

const FORGET_SENT: &str = "update outbox set sent_at = null where sent_at is not null";

pub(super) async fn forget_sent(q: &impl Query) -> Result<(), DbError> {
    q.execute(FORGET_SENT, &[]).await.map(|_| ())
}

const SWEEP_PROCESSED: &str = "delete from processed_message where processed_at < $1";

/// Drops records of messages that no queue can deliver again.
pub async fn sweep_processed(q: &impl Query, before: Timestamp) -> Result<(), DbError> {
    q.execute(SWEEP_PROCESSED, &[p(&before)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[INSERT, MARK_PROCESSED, TAKE_UNHANDLED, FORGET_SENT, SWEEP_PROCESSED];
