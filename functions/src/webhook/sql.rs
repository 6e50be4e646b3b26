//! Statements about webhooks, their secrets and deliveries.

use super::{
    Action, Announced, CLAIM_STALE_SECONDS, Call, Claimed, Delivery, DeliveryState, Draft, Open, QUEUED_SECONDS, Scan,
    Target, Webhook,
};
use crate::{
    id::{DeliveryId, EventId, OrganizerId, WebhookId},
    port::db::{DbError, Query, Row, Tx, array, p},
    staff,
    time::Timestamp,
};

/// The columns of [`read_webhook`], for the statements below.
macro_rules! select_webhook {
    ($rest:literal) => {
        concat!(
            "
            select w.id, w.enabled, w.target_url, w.all_events, w.action_types, w.comment,
                   array(select e.slug from webhook_event we join event e on e.id = we.event_id
                          where we.webhook_id = w.id order by e.slug) as limit_events,
                   (select s.nonce from webhook_secret s where s.webhook_id = w.id and s.expires_at is null) as nonce
              from webhook w
            ",
            $rest
        )
    };
}

const LIST: &str = select_webhook!(
    "where w.organizer_id = $1 and ($2::boolean is null or w.enabled = $2) order by w.id offset $3 limit $4"
);
const COUNT: &str =
    "select count(*) as count from webhook where organizer_id = $1 and ($2::boolean is null or enabled = $2)";

pub(super) async fn list(
    q: &impl Query,
    organizer: OrganizerId,
    enabled: Option<bool>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Webhook>, i64), DbError> {
    let params = [p(&organizer), p(&enabled), p(&offset), p(&limit)];
    let rows = q.query(LIST, &params).await?;
    let webhooks = rows.iter().map(read_webhook).collect::<Result<_, DbError>>()?;
    Ok((webhooks, q.one(COUNT, &params[..2]).await?.get("count")?))
}

const BY_ID: &str = select_webhook!("where w.organizer_id = $1 and w.id = $2");

pub(super) async fn by_id(
    q: &impl Query,
    organizer: OrganizerId,
    webhook: WebhookId,
) -> Result<Option<Webhook>, DbError> {
    q.opt(BY_ID, &[p(&organizer), p(&webhook)]).await?.as_ref().map(read_webhook).transpose()
}

fn read_webhook(row: &Row) -> Result<Webhook, DbError> {
    Ok(Webhook {
        id: row.get("id")?,
        nonce: row.get("nonce")?,
        draft: Draft {
            enabled: row.get("enabled")?,
            target_url: row.get("target_url")?,
            all_events: row.get("all_events")?,
            limit_events: row.get("limit_events")?,
            action_types: row.get("action_types")?,
            comment: row.get("comment")?,
        },
    })
}

const KNOWN_EVENTS: &str = "select id, slug from event where organizer_id = $1 and lower(slug) = any($2)";

/// Ids and spellings of the organiser's events with these slugs, in lower case.
pub(super) async fn known_events(
    q: &impl Query,
    organizer: OrganizerId,
    slugs: &Vec<String>,
) -> Result<Vec<(EventId, String)>, DbError> {
    let rows = q.query(KNOWN_EVENTS, &[p(&organizer), array(slugs)]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("slug")?))).collect()
}

const INSERT: &str = "
    insert into webhook (organizer_id, enabled, target_url, all_events, action_types, comment, created_at)
    values ($1, $2, $3, $4, $5, $6, $7) returning id";

pub(super) async fn insert(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    draft: &Draft,
    now: Timestamp,
) -> Result<WebhookId, DbError> {
    let params = [
        p(&organizer),
        p(&draft.enabled),
        p(&draft.target_url),
        p(&draft.all_events),
        array(&draft.action_types),
        p(&draft.comment),
        p(&now),
    ];
    tx.one(INSERT, &params).await?.get("id")
}

const UPDATE: &str = "
    update webhook set enabled = $3, target_url = $4, all_events = $5, action_types = $6, comment = $7
     where organizer_id = $1 and id = $2";

pub(super) async fn update(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    webhook: WebhookId,
    draft: &Draft,
) -> Result<(), DbError> {
    let params = [
        p(&organizer),
        p(&webhook),
        p(&draft.enabled),
        p(&draft.target_url),
        p(&draft.all_events),
        array(&draft.action_types),
        p(&draft.comment),
    ];
    tx.execute(UPDATE, &params).await.map(|_| ())
}

const LIMIT_EVENTS: &str = "
    with gone as (delete from webhook_event where organizer_id = $1 and webhook_id = $2 and event_id <> all ($3))
    insert into webhook_event (organizer_id, webhook_id, event_id)
    select $1, $2, id from unnest($3::bigint[]) as e (id) on conflict do nothing";

pub(super) async fn limit_events(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    webhook: WebhookId,
    events: &Vec<EventId>,
) -> Result<(), DbError> {
    tx.execute(LIMIT_EVENTS, &[p(&organizer), p(&webhook), array(events)]).await.map(|_| ())
}

const RETIRE_SECRETS: &str = "
    update webhook_secret set expires_at = $3 where organizer_id = $1 and webhook_id = $2 and expires_at is null";
const INSERT_SECRET: &str =
    "insert into webhook_secret (organizer_id, webhook_id, nonce, created_at) values ($1, $2, $3, $4)";

/// Gives a webhook a secret; the one that it has signs beside it until `old_until`.
pub(super) async fn add_secret(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    webhook: WebhookId,
    nonce: &str,
    old_until: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(RETIRE_SECRETS, &[p(&organizer), p(&webhook), p(&old_until)]).await?;
    tx.execute(INSERT_SECRET, &[p(&organizer), p(&webhook), p(&nonce), p(&now)]).await.map(|_| ())
}

// --- announcing ---

/// Takes actions that nobody has looked at and writes a delivery for each webhook that wants to hear of one. Repeating
/// it changes nothing: an action is taken once, and a webhook hears of it once.
const ANNOUNCE: &str = "
    with due as (
        select id, organizer_id, event_id, action, object_type, object_id, created_at from action_log
         where announced_at is null order by id limit $2 for update skip locked),
    marked as (update action_log a set announced_at = $1 from due where a.id = due.id),
    -- Members of staff who want to hear of it, and may: in the event as they have chosen there, else as everywhere. Of new
    -- orders they are told at once.
    noticed as (
        insert into mail (organizer_id, event_id, order_id, kind, recipient, locale, action, state, created_at, retry_at)
        select o.organizer_id, o.event_id, o.id, 'staff_notice', u.email, u.locale, due.action, 'awaiting_retry', $1, $1
          from due join orders o on due.object_type = 'order' and o.event_id = due.event_id and o.id = due.object_id
          join notice_choice c on c.wanted and c.action_type <> $4
               and (c.action_type = due.action
                    or (right(c.action_type, 2) = '.*' and starts_with(due.action, left(c.action_type, -1))))
               and (c.event_id = due.event_id
                    or (c.event_id is null and not exists (
                           select from notice_choice here where here.user_id = c.user_id and here.event_id = due.event_id
                              and here.action_type = c.action_type)))
          join app_user u on u.id = c.user_id and u.is_active
         where exists (select from team_member m join team t on t.id = m.team_id
                        where m.user_id = u.id and t.organizer_id = due.organizer_id
                          and t.permissions && array['*', 'event.orders:read', 'event.orders:write']
                          and (t.all_events or exists (
                                  select from team_event te where te.team_id = t.id and te.event_id = due.event_id)))
         order by due.id),
    made as (
        insert into webhook_delivery (organizer_id, webhook_id, action_id, state, retry_at, created_at)
        select due.organizer_id, w.id, due.id, 'queued', $3, $1
          from due join webhook w on w.organizer_id = due.organizer_id and w.enabled and w.created_at <= due.created_at
         where (w.all_events or due.event_id is null or exists (
                   select 1 from webhook_event we where we.webhook_id = w.id and we.event_id = due.event_id))
           and exists (select 1 from unnest(w.action_types) as t (name)
                        where t.name = due.action
                           or (right(t.name, 2) = '.*' and starts_with(due.action, left(t.name, -1))))
         order by due.id
            on conflict do nothing
        returning id, organizer_id)
    select (select count(*) from due) as taken, array(select id from made order by id) as deliveries,
           array(select organizer_id from made order by id) as organizers";

pub(super) async fn announce(q: &impl Query, now: Timestamp, max: i64) -> Result<Announced, DbError> {
    let again = now.plus_seconds(QUEUED_SECONDS);
    let row = q.one(ANNOUNCE, &[p(&now), p(&max), p(&again), p(&staff::notice::PLACED)]).await?;
    let (deliveries, organizers): (Vec<DeliveryId>, Vec<OrganizerId>) =
        (row.get("deliveries")?, row.get("organizers")?);
    let deliveries = deliveries.into_iter().zip(organizers).map(|(id, organizer)| Open { id, organizer });
    Ok(Announced { taken: row.get("taken")?, deliveries: deliveries.collect() })
}

const TAKE_DUE: &str = "
    update webhook_delivery set state = 'queued', retry_at = $2
     where id in (select id from webhook_delivery
                   where state in ('queued', 'inflight', 'awaiting_retry') and retry_at <= $1
                   order by retry_at limit $3 for update skip locked)
    returning id, organizer_id";

/// Queues deliveries whose time has come, for the caller to send a message for. If that is lost, they come again.
pub(super) async fn take_due(q: &impl Query, now: Timestamp, max: i64) -> Result<Vec<Open>, DbError> {
    let again = now.plus_seconds(QUEUED_SECONDS);
    let rows = q.query(TAKE_DUE, &[p(&now), p(&again), p(&max)]).await?;
    rows.iter().map(|row| Ok(Open { id: row.get("id")?, organizer: row.get("organizer_id")? })).collect()
}

const RELEASE_CLAIMS: &str =
    "update webhook_delivery set state = 'queued', retry_at = created_at where state in ('queued', 'inflight')";

/// Makes every delivery due that a worker or a message had in hand, because all of them are gone (a restart of the
/// local stack).
pub async fn release_claims(q: &impl Query) -> Result<(), DbError> {
    q.execute(RELEASE_CLAIMS, &[]).await.map(|_| ())
}

// --- delivering ---

/// Claims only what is queued, or what waits for a try that is due: a message can be early.
const CLAIM: &str = "
    update webhook_delivery
       set state = 'inflight', attempts = attempts + 1, step = step + 1, retry_at = $2
     where id = $1 and (state = 'queued' or (state = 'awaiting_retry' and retry_at <= $3))
    returning id, organizer_id, webhook_id, action_id, attempts, step, payload";

pub(super) async fn claim(q: &impl Query, delivery: DeliveryId, now: Timestamp) -> Result<Option<Claimed>, DbError> {
    let stale = now.plus_seconds(CLAIM_STALE_SECONDS);
    let Some(row) = q.opt(CLAIM, &[p(&delivery), p(&stale), p(&now)]).await? else { return Ok(None) };
    Ok(Some(Claimed {
        id: row.get("id")?,
        organizer: row.get("organizer_id")?,
        webhook: row.get("webhook_id")?,
        action: row.get("action_id")?,
        attempt: row.get("attempts")?,
        step: row.get("step")?,
        payload: row.get("payload")?,
    }))
}

const TARGET: &str = "
    select w.enabled, w.target_url,
           array(select s.nonce from webhook_secret s
                  where s.webhook_id = w.id and (s.expires_at is null or s.expires_at > $3)
                  order by s.id desc) as nonces
      from webhook w where w.organizer_id = $1 and w.id = $2";

pub(super) async fn target(q: &impl Query, claimed: &Claimed, now: Timestamp) -> Result<Option<Target>, DbError> {
    let row = q.opt(TARGET, &[p(&claimed.organizer), p(&claimed.webhook), p(&now)]).await?;
    let read = row.map(|row| {
        Ok(Target { enabled: row.get("enabled")?, url: row.get("target_url")?, nonces: row.get("nonces")? })
    });
    read.transpose()
}

const ACTION: &str = "
    select l.id, l.action, l.object_type, l.object_id, o.slug as organizer, e.slug as event, ord.code,
           scan.position_id, op.positionid, (l.data->>'checkin_list')::bigint as list_id, l.data->>'type' as direction
      from action_log l
      join organizer o on o.id = l.organizer_id
      left join event e on e.id = l.event_id
      left join orders ord on l.object_type = 'order' and ord.event_id = l.event_id and ord.id = l.object_id
      left join lateral (select (l.data->>'orderposition_id')::bigint as position_id
                          where l.object_type = 'order' and l.action in ('pretix.event.checkin', 'pretix.event.checkin.denied')) scan
                on true
      left join order_position op on op.event_id = l.event_id and op.id = scan.position_id
     where l.organizer_id = $1 and l.id = $2";

pub(super) async fn action(q: &impl Query, claimed: &Claimed) -> Result<Option<Action>, DbError> {
    let Some(row) = q.opt(ACTION, &[p(&claimed.organizer), p(&claimed.action)]).await? else { return Ok(None) };
    Ok(Some(Action {
        id: row.get("id")?,
        name: row.get("action")?,
        object_type: row.get("object_type")?,
        object_id: row.get("object_id")?,
        organizer: row.get("organizer")?,
        event: row.get("event")?,
        code: row.get("code")?,
        scan: match row.get::<Option<i64>>("position_id")? {
            Some(position) => Some(Scan {
                position,
                number: row.get("positionid")?,
                list: row.get("list_id")?,
                direction: row.get("direction")?,
            }),
            None => None,
        },
    }))
}

const KEEP_PAYLOAD: &str = "update webhook_delivery set payload = $2 where id = $1";

pub(super) async fn keep_payload(q: &impl Query, delivery: DeliveryId, payload: &str) -> Result<(), DbError> {
    q.execute(KEEP_PAYLOAD, &[p(&delivery), p(&payload)]).await.map(|_| ())
}

/// Only the worker that made the present try may end it: the attempt is its fence.
const END: &str = "
    update webhook_delivery set state = $3, retry_at = $4, ended_at = $5
     where id = $1 and state = 'inflight' and attempts = $2";

pub(super) async fn end(
    q: &impl Query,
    claimed: &Claimed,
    state: DeliveryState,
    retry_at: Timestamp,
    ended_at: Option<Timestamp>,
) -> Result<(), DbError> {
    let state = state.name();
    q.execute(END, &[p(&claimed.id), p(&claimed.attempt), p(&state), p(&retry_at), p(&ended_at)]).await.map(|_| ())
}

const INSERT_CALL: &str = "
    insert into webhook_call (organizer_id, delivery_id, attempt, called_at, target_url, status, answer, duration_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(super) async fn insert_call(q: &impl Query, claimed: &Claimed, call: &Call) -> Result<(), DbError> {
    let params = [
        p(&claimed.organizer),
        p(&claimed.id),
        p(&call.attempt),
        p(&call.called_at),
        p(&call.target_url),
        p(&call.status),
        p(&call.answer),
        p(&call.duration_ms),
    ];
    q.execute(INSERT_CALL, &params).await.map(|_| ())
}

const DISABLE: &str = "update webhook set enabled = false where organizer_id = $1 and id = $2";

pub(super) async fn disable(q: &impl Query, organizer: OrganizerId, webhook: WebhookId) -> Result<(), DbError> {
    q.execute(DISABLE, &[p(&organizer), p(&webhook)]).await.map(|_| ())
}

// --- looking back ---

/// Deliveries of one webhook, the newest first.
const DELIVERIES: &str = "
    select d.id, d.action_id, d.state, d.attempts, d.retry_at, d.payload, d.created_at, d.ended_at,
           (select l.action from action_log l where l.organizer_id = d.organizer_id and l.id = d.action_id) as action
      from webhook_delivery d
     where d.organizer_id = $1 and d.webhook_id = $2 and ($3::bigint is null or d.id = $3)
       and ($4::text is null or d.state = $4)
     order by d.id desc offset $5 limit $6";
const COUNT_DELIVERIES: &str = "
    select count(*) as count from webhook_delivery d
     where d.organizer_id = $1 and d.webhook_id = $2 and ($3::bigint is null or d.id = $3)
       and ($4::text is null or d.state = $4)";

pub(super) async fn deliveries(
    q: &impl Query,
    organizer: OrganizerId,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Delivery>, i64), DbError> {
    let state = state.map(DeliveryState::name);
    let params = [p(&organizer), p(&webhook), p(&None::<i64>), p(&state), p(&offset), p(&limit)];
    let rows = q.query(DELIVERIES, &params).await?;
    let found = rows.iter().map(read_delivery).collect::<Result<_, DbError>>()?;
    Ok((found, q.one(COUNT_DELIVERIES, &params[..4]).await?.get("count")?))
}

pub(super) async fn delivery(
    q: &impl Query,
    organizer: OrganizerId,
    webhook: WebhookId,
    delivery: DeliveryId,
) -> Result<Option<Delivery>, DbError> {
    let (only, any_state, offset, limit) = (Some(delivery), None::<String>, 0_i64, 1_i64);
    let params = [p(&organizer), p(&webhook), p(&only), p(&any_state), p(&offset), p(&limit)];
    q.opt(DELIVERIES, &params).await?.as_ref().map(read_delivery).transpose()
}

fn read_delivery(row: &Row) -> Result<Delivery, DbError> {
    Ok(Delivery {
        id: row.get("id")?,
        action: row.get("action")?,
        state: DeliveryState::parse(row.get("state")?)?,
        attempts: row.get("attempts")?,
        retry_at: row.get("retry_at")?,
        payload: row.get("payload")?,
        created_at: row.get("created_at")?,
        ended_at: row.get("ended_at")?,
    })
}

const CALLS: &str = "
    select attempt, called_at, target_url, status, answer, duration_ms from webhook_call
     where organizer_id = $1 and delivery_id = $2 order by id";

pub(super) async fn calls(q: &impl Query, organizer: OrganizerId, delivery: DeliveryId) -> Result<Vec<Call>, DbError> {
    let rows = q.query(CALLS, &[p(&organizer), p(&delivery)]).await?;
    let read = rows.iter().map(|row| {
        Ok(Call {
            attempt: row.get("attempt")?,
            called_at: row.get("called_at")?,
            target_url: row.get("target_url")?,
            status: row.get("status")?,
            answer: row.get("answer")?,
            duration_ms: row.get("duration_ms")?,
        })
    });
    read.collect()
}

/// What is being delivered right now goes on; everything else begins its plan anew.
const REPLAY: &str = "
    update webhook_delivery set state = 'queued', step = 0, retry_at = $7, ended_at = null
     where organizer_id = $1 and webhook_id = $2 and state <> 'inflight' and ($3::bigint is null or id = $3)
       and ($4::timestamptz is null or created_at >= $4) and ($5::timestamptz is null or created_at < $5)
       and (not $6 or state in ('failed', 'dropped', 'awaiting_retry'))
    returning id";

/// Which deliveries are made once more.
pub(super) struct Replay {
    pub delivery: Option<DeliveryId>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub only_undelivered: bool,
}

pub(super) async fn replay(
    q: &impl Query,
    organizer: OrganizerId,
    webhook: WebhookId,
    which: &Replay,
    now: Timestamp,
) -> Result<Vec<DeliveryId>, DbError> {
    // The message of a single one is sent at once; should it be lost, or should there be many, the job looks soon.
    let params = [
        p(&organizer),
        p(&webhook),
        p(&which.delivery),
        p(&which.since),
        p(&which.until),
        p(&which.only_undelivered),
        p(&now),
    ];
    q.query(REPLAY, &params).await?.iter().map(|row| row.get("id")).collect()
}

const SWEEP: &str = "
    delete from webhook_delivery where id in (
        select id from webhook_delivery where created_at < $1
           and state in ('delivered', 'failed', 'dropped') order by created_at limit $2)";

/// Drops ended deliveries with their calls; returns how many.
pub async fn sweep(q: &impl Query, before: Timestamp, max: i64) -> Result<u64, DbError> {
    q.execute(SWEEP, &[p(&before), p(&max)]).await
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    LIST,
    COUNT,
    BY_ID,
    KNOWN_EVENTS,
    INSERT,
    UPDATE,
    LIMIT_EVENTS,
    RETIRE_SECRETS,
    INSERT_SECRET,
    ANNOUNCE,
    TAKE_DUE,
    RELEASE_CLAIMS,
    CLAIM,
    TARGET,
    ACTION,
    KEEP_PAYLOAD,
    END,
    INSERT_CALL,
    DISABLE,
    DELIVERIES,
    COUNT_DELIVERIES,
    CALLS,
    REPLAY,
    SWEEP,
];
