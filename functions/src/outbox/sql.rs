//! Statements about the outbox and the records of handled messages.

use super::{Message, Open, RESEND_SECONDS, SENDS_MAX};
use crate::{
    id::OutboxId,
    port::{
        db::{DbError, Query, Tx, array, p},
        queue::Queue,
    },
    time::Timestamp,
};

const INSERT: &str = "
    insert into outbox (queue, body, created_at, due_at)
    select queue, body, $3, $4 from unnest($1::text[], $2::jsonb[]) with ordinality as m (queue, body, n) order by n
    returning id, exists (select 1 from webhook where enabled) as has_webhooks";

/// The ids of the new rows, and whether anybody has a webhook.
pub(super) async fn insert(
    tx: &Tx<'_>,
    messages: &[Message],
    now: Timestamp,
) -> Result<(Vec<OutboxId>, bool), DbError> {
    let queues: Vec<&str> = messages.iter().map(|message| message.queue().name()).collect();
    let bodies: Vec<serde_json::Value> =
        messages.iter().map(|message| serde_json::to_value(message).expect("a message is plain data")).collect();
    let due_at = now.plus_seconds(RESEND_SECONDS);
    let rows = tx.query(INSERT, &[array(&queues), array(&bodies), p(&now), p(&due_at)]).await?;
    let has_webhooks = rows.first().map_or(Ok(false), |row| row.get("has_webhooks"))?;
    Ok((rows.iter().map(|row| row.get("id")).collect::<Result<_, DbError>>()?, has_webhooks))
}

const MARK_PROCESSED: &str = "
    with done as (delete from outbox where id = $1)
    insert into processed_message (outbox_id, processed_at) values ($1, $2) on conflict do nothing";

pub(super) async fn mark_processed(tx: &Tx<'_>, id: OutboxId, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(MARK_PROCESSED, &[p(&id), p(&now)]).await? == 1)
}

/// Two minutes between the first two sends, then twice as long each time, up to an hour.
const TAKE_UNHANDLED: &str = "
    update outbox
       set sends = sends + 1,
           due_at = case when sends + 1 < $2 then $1 + least(3600, 120 * power(2, sends)) * interval '1 second' end
     where id in (select id from outbox where due_at <= $1 order by due_at limit $3 for update skip locked)
    returning id, sends, body";

/// A row that the relay has taken.
pub(super) struct Unhandled {
    pub id: OutboxId,
    pub sends: i32,
    /// `None` if this program does not know such a message: a newer one has written it.
    pub message: Option<Message>,
}

pub(super) async fn take_unhandled(q: &impl Query, now: Timestamp, max: i64) -> Result<Vec<Unhandled>, DbError> {
    let rows = q.query(TAKE_UNHANDLED, &[p(&now), p(&SENDS_MAX), p(&max)]).await?;
    let read = rows.iter().map(|row| {
        let message = serde_json::from_value(row.get("body")?).ok();
        Ok(Unhandled { id: row.get("id")?, sends: row.get("sends")?, message })
    });
    read.collect()
}

const FORGET_SENT: &str = "update outbox set due_at = created_at, sends = 1";

pub(super) async fn forget_sent(q: &impl Query) -> Result<(), DbError> {
    q.execute(FORGET_SENT, &[]).await.map(|_| ())
}

const OPEN_BY_QUEUE: &str = "
    select queue, count(*) as count, count(*) filter (where sends > 1) as resent,
           count(*) filter (where due_at is null) as given_up, min(created_at) as oldest
      from outbox group by queue";

/// What is recorded and not handled, by queue.
pub async fn open_by_queue(q: &impl Query) -> Result<Vec<(Queue, Open)>, DbError> {
    let rows = q.query(OPEN_BY_QUEUE, &[]).await?;
    let read = rows.iter().map(|row| {
        let name: String = row.get("queue")?;
        let queue = Queue::parse(&name).ok_or(DbError::UnknownValue { what: "queue", value: name })?;
        let open = Open {
            count: row.get("count")?,
            resent: row.get("resent")?,
            given_up: row.get("given_up")?,
            oldest: row.get("oldest")?,
        };
        Ok((queue, open))
    });
    read.collect()
}

const SWEEP_PROCESSED: &str = "delete from processed_message where processed_at < $1";

/// Drops records of messages that no queue can deliver again.
pub async fn sweep_processed(q: &impl Query, before: Timestamp) -> Result<(), DbError> {
    q.execute(SWEEP_PROCESSED, &[p(&before)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[INSERT, MARK_PROCESSED, TAKE_UNHANDLED, FORGET_SENT, OPEN_BY_QUEUE, SWEEP_PROCESSED];
