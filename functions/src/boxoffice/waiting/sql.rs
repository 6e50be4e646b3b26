//! Statements about waiting requests and recorded outcomes.

use std::collections::BTreeSet;

use super::{Found, Left, Pace, Serving, Waiting, stored};
use crate::{
    boxoffice::{Outcome, Ticket, batch::BATCH_MAX},
    id::EventId,
    port::{
        db::{DbError, Query, Row, Tx, array, p},
        lock::{self, Attempt, EventLock},
    },
    time::Timestamp,
};

/// A backlog longer than this is refused at once (design: the box office).
const BACKLOG_MS_MAX: i32 = 10_000;
/// A pace older than this says nothing any more.
const PACE_SECONDS: i64 = 5;

const LEAVE: &str = "
    select id, batch_ms, spacing_ms, backlog_ms, next_at from leave_request($1, $2, $3, $4, $5, $6)";

/// Leaves a request, unless too many wait.
pub(in crate::boxoffice) async fn leave(
    q: &impl Query,
    event: EventId,
    ticket: &Ticket,
    deadline: Timestamp,
    now: Timestamp,
) -> Result<Left, DbError> {
    let (request, recent) = (stored(&ticket.request), now.plus_seconds(-PACE_SECONDS));
    let params = [p(&event), p(&ticket.key), p(&request), p(&deadline), p(&recent), p(&BACKLOG_MS_MAX)];
    let row = q.one(LEAVE, &params).await?;
    Ok(match row.get("id")? {
        Some(id) => Left::Waits(id, pace(&row)?),
        None => Left::TooMany,
    })
}

fn pace(row: &Row) -> Result<Option<Pace>, DbError> {
    let Some(batch_ms) = row.get("batch_ms")? else { return Ok(None) };
    let (spacing_ms, backlog_ms) = (row.get("spacing_ms")?, row.get("backlog_ms")?);
    Ok(Some(Pace { batch_ms, spacing_ms, backlog_ms, next_at: row.get("next_at")? }))
}

const LOOK: &str = "
    select outcome, free, batch_ms, spacing_ms, backlog_ms, next_at from look_for_outcome($1, $2, $3, $4)";

/// Looks what has become of a request.
pub(in crate::boxoffice) async fn look(
    q: &impl Query,
    event: EventId,
    key: &str,
    now: Timestamp,
) -> Result<Found, DbError> {
    let recent = now.plus_seconds(-PACE_SECONDS);
    let row = q.one(LOOK, &[p(&event), p(&key), p(&lock::stock_key(event)), p(&recent)]).await?;
    Ok(match row.get("outcome")? {
        Some(outcome) => Found::Outcome(outcome),
        None => Found::Nothing { free: row.get("free")?, pace: pace(&row)? },
    })
}

const WITHDRAW: &str = "delete from waiting_request where event_id = $1 and id = $2 and form_token = $3";

/// Takes a request back. Waits for a batch that has taken it. After a crash of the database, which loses the rows,
/// their numbers begin anew: the key says whether it is still the same request.
pub(in crate::boxoffice) async fn withdraw(q: &impl Query, event: EventId, id: i64, key: &str) -> Result<(), DbError> {
    q.execute(WITHDRAW, &[p(&event), p(&id), p(&key)]).await.map(|_| ())
}

const OUTCOME: &str = "select outcome from form_outcome where event_id = $1 and form_token = $2";

/// The recorded outcome of a request, if it was served.
pub async fn outcome(q: &impl Query, event: EventId, key: &str) -> Result<Option<Outcome>, DbError> {
    q.opt(OUTCOME, &[p(&event), p(&key)]).await?.map(|row| read_outcome(row.get("outcome")?)).transpose()
}

/// Reads the stored form of an outcome.
pub(in crate::boxoffice) fn read_outcome(stored: serde_json::Value) -> Result<Outcome, DbError> {
    let text = stored.to_string();
    serde_json::from_value(stored).map_err(|_| DbError::UnknownValue { what: "outcome", value: text })
}

const ATTEMPT: &str = "select won, id, form_token, request from try_batch($1, $2, $3, $4)";

/// Tries to get the event's lock, without waiting for it. With it come the requests that wait, at most `max`, in the
/// order of their arrival; those past their deadline are nobody's any more.
pub(in crate::boxoffice) async fn attempt(
    tx: &Tx<'_>,
    event: EventId,
    now: Timestamp,
    max: i64,
) -> Result<(Attempt, Vec<Waiting>), DbError> {
    let rows = tx.query(ATTEMPT, &[p(&event), p(&lock::stock_key(event)), p(&now), p(&max)]).await?;
    let won = rows.first().ok_or(DbError::RowCount(0))?.get("won")?;
    let mut waiting = Vec::new();
    for row in rows {
        let (Some(id), Some(key), Some(request)) = (row.get("id")?, row.get("form_token")?, row.get("request")?) else {
            continue;
        };
        let ticket = serde_json::from_value(request).ok().map(|request| Ticket { key, request });
        waiting.push(Waiting { id, ticket });
    }
    Ok((Attempt { event, won }, waiting))
}

const OPEN: &str = "select claimed, known, outcomes from open_batch($1, $2, $3)";

/// What is known before a batch decides.
pub(in crate::boxoffice) struct Opened {
    /// Rows that are this batch's now. A request that was withdrawn in the meantime is not among them.
    pub claimed: BTreeSet<i64>,
    /// Outcomes of requests that were served before.
    pub known: Vec<(String, Outcome)>,
}

/// Takes these rows out of those that wait, and reads what is known of these keys.
pub(in crate::boxoffice) async fn open(
    lock: &EventLock<'_>,
    rows: &Vec<i64>,
    keys: &Vec<String>,
) -> Result<Opened, DbError> {
    let row = lock.tx().one(OPEN, &[p(&lock.event()), array(rows), array(keys)]).await?;
    let claimed: Option<Vec<i64>> = row.get("claimed")?;
    let (known, outcomes): (Option<Vec<String>>, Option<Vec<serde_json::Value>>) =
        (row.get("known")?, row.get("outcomes")?);
    let known = known.unwrap_or_default().into_iter().zip(outcomes.unwrap_or_default());
    Ok(Opened {
        claimed: claimed.unwrap_or_default().into_iter().collect(),
        known: known.map(|(key, outcome)| Ok((key, read_outcome(outcome)?))).collect::<Result<_, DbError>>()?,
    })
}

const RECORD: &str = "select record_outcomes($1, $2, $3, $4)";

/// Records outcomes with what they say.
pub async fn record(lock: &EventLock<'_>, outcomes: &[(String, Outcome)], now: Timestamp) -> Result<(), DbError> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = outcomes.iter().map(|(key, _)| key.as_str()).collect();
    let stored = |(_, outcome): &(String, Outcome)| serde_json::to_value(outcome).expect("an outcome is plain data");
    let outcomes: Vec<serde_json::Value> = outcomes.iter().map(stored).collect();
    lock.tx().execute(RECORD, &[p(&lock.event()), p(&now), array(&keys), array(&outcomes)]).await.map(|_| ())
}

const SWEEP: &str = "delete from waiting_request where deadline < $1";

/// Drops requests that nobody waits for any more: their functions were stopped before they could take them back.
pub async fn sweep(q: &impl Query, now: Timestamp) -> Result<(), DbError> {
    q.execute(SWEEP, &[p(&now)]).await.map(|_| ())
}

/// What is left over by a full batch is counted, up to a bound; any other batch leaves nothing over.
const KEEP_PACE: &str = "
    insert into serving_pace (event_id, batch_ms, spacing_ms, backlog_ms, next_at, served_at)
    select $1, $2::integer, $3::integer, least($2::integer * (1 + count(*) / $4::bigint), 3600000), $5, $7
      from (select from waiting_request where event_id = $1 and $6 limit 20000) as waiting
        on conflict (event_id) do update
       set batch_ms = excluded.batch_ms, spacing_ms = excluded.spacing_ms, backlog_ms = excluded.backlog_ms,
           next_at = excluded.next_at, served_at = excluded.served_at";

/// Tells those who come how fast it goes.
pub(in crate::boxoffice) async fn keep_pace(lock: &EventLock<'_>, serving: Option<&Serving>) -> Result<(), DbError> {
    let Some(serving) = serving else { return Ok(()) };
    let (is_full, count) = (serving.count >= BATCH_MAX, serving.count.max(1));
    let event = lock.event();
    let params = [
        p(&event),
        p(&serving.batch_ms),
        p(&serving.spacing_ms),
        p(&count),
        p(&serving.next_at),
        p(&is_full),
        p(&serving.served_at),
    ];
    lock.tx().execute(KEEP_PACE, &params).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[LEAVE, LOOK, WITHDRAW, OUTCOME, ATTEMPT, OPEN, RECORD, SWEEP, KEEP_PACE];
