//! Statements about what the provider told.

use super::{Problem, Verdict};
use crate::{
    id::{EventId, OrderId},
    port::db::{DbError, Query, p},
    time::Timestamp,
};

/// Told twice, it is recorded once. Mails that belong to no event have nowhere to show it.
const RECORD: &str = "
    with found as (select id, event_id, order_id from mail where provider_id = $1),
         told as (
             insert into mail_feedback (event_id, order_id, mail_id, verdict, detail, recorded_at)
             select event_id, order_id, id, $2, $3, $4 from found where event_id is not null
             on conflict do nothing)
    select count(*) as count from found";

pub(super) async fn record(
    q: &impl Query,
    provider_id: &str,
    verdict: Verdict,
    detail: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let verdict = verdict.name();
    let row = q.one(RECORD, &[p(&provider_id), p(&verdict), p(&detail), p(&now)]).await?;
    Ok(row.get::<i64>("count")? > 0)
}

const KEEP_EARLY: &str = "
    insert into mail_feedback_early (provider_id, verdict, detail, recorded_at) values ($1, $2, $3, $4)
    on conflict do nothing";

pub(super) async fn keep_early(
    q: &impl Query,
    provider_id: &str,
    verdict: Verdict,
    detail: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let verdict = verdict.name();
    q.execute(KEEP_EARLY, &[p(&provider_id), p(&verdict), p(&detail), p(&now)]).await.map(|_| ())
}

const SETTLE: &str = "
    with found as (select m.id, m.event_id, m.order_id from mail m where m.provider_id = $1),
         early as (delete from mail_feedback_early e
                    where e.provider_id = $1 and exists (select from found) returning e.verdict, e.detail, e.recorded_at),
         told as (
             insert into mail_feedback (event_id, order_id, mail_id, verdict, detail, recorded_at)
             select f.event_id, f.order_id, f.id, e.verdict, e.detail, e.recorded_at from found f, early e
              where f.event_id is not null
             on conflict do nothing)
    select count(*) as count from early";

pub(super) async fn settle(q: &impl Query, provider_id: &str) -> Result<bool, DbError> {
    Ok(q.one(SETTLE, &[p(&provider_id)]).await?.get::<i64>("count")? > 0)
}

const SETTLE_LEFT: &str = "
    with left_over as (select e.id, m.id as mail_id, m.event_id, m.order_id, e.verdict, e.detail, e.recorded_at
                         from mail_feedback_early e join mail m on m.provider_id = e.provider_id),
         gone as (delete from mail_feedback_early where id in (select id from left_over))
    insert into mail_feedback (event_id, order_id, mail_id, verdict, detail, recorded_at)
    select event_id, order_id, mail_id, verdict, detail, recorded_at from left_over where event_id is not null
    on conflict do nothing";

/// As `settle` for every mail whose name is noted: whoever noted it may have died before it settled.
pub async fn settle_left(q: &impl Query) -> Result<(), DbError> {
    q.execute(SETTLE_LEFT, &[]).await.map(|_| ())
}

const SWEEP_EARLY: &str = "delete from mail_feedback_early where recorded_at < $1";

/// Forgets what was told about mails that nobody knows.
pub async fn sweep_early(q: &impl Query, before: Timestamp) -> Result<(), DbError> {
    q.execute(SWEEP_EARLY, &[p(&before)]).await.map(|_| ())
}

const OF_ORDER: &str = "
    select m.recipient, f.verdict, f.detail, f.recorded_at
      from mail_feedback f join mail m on m.id = f.mail_id
     where f.event_id = $1 and f.order_id = $2 order by f.id";

/// What is known about the mails of an order, in the order in which it was told.
pub async fn of_order(q: &impl Query, event: EventId, order: OrderId) -> Result<Vec<Problem>, DbError> {
    let rows = q.query(OF_ORDER, &[p(&event), p(&order)]).await?;
    let read = rows.iter().map(|row| {
        Ok(Problem {
            recipient: row.get("recipient")?,
            verdict: Verdict::parse(row.get("verdict")?)?,
            detail: row.get("detail")?,
            recorded_at: row.get("recorded_at")?,
        })
    });
    read.collect()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[RECORD, KEEP_EARLY, SETTLE, SETTLE_LEFT, SWEEP_EARLY, OF_ORDER];
