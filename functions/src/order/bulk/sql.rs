//! Statements about actions on many orders.

use super::{Action, Progress, Wish};
use crate::{
    event::Event,
    id::{BulkActionId, EventId, OrderId, TokenId},
    port::{
        db::{DbError, Query, Tx, array, p},
        lock::EventLock,
    },
    staff::Staff,
    time::Timestamp,
};

const UNKNOWN_CODES: &str = "
    select code from unnest($2::text[]) as wanted (code)
     where not exists (select from orders o where o.organizer_id = (select organizer_id from event where id = $1)
                          and o.event_id = $1 and o.code = wanted.code)";

pub(super) async fn unknown_codes(q: &impl Query, event: EventId, codes: &Vec<String>) -> Result<Vec<String>, DbError> {
    q.query(UNKNOWN_CODES, &[p(&event), array(codes)]).await?.iter().map(|row| row.get("code")).collect()
}

const INSERT: &str = "
    insert into bulk_action (organizer_id, event_id, token_id, action, codes, send_email, note, created_at, expires_at,
                             total)
    select $1, $2, $3, $4, case when not $9::boolean then $5::text[] end, $6, $7, $8, $10,
           (select count(*) from orders
             where event_id = $2 and ($9 or code = any($5::text[])) and status = any($11::text[])
               and (not $12 or require_approval))
    returning id";

pub(super) async fn insert(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    wish: &Wish,
    now: Timestamp,
) -> Result<BulkActionId, DbError> {
    let (token, action) = (staff.token(), wish.action.name());
    let (all, codes) = (wish.codes.is_none(), wish.codes.clone().unwrap_or_default());
    let (statuses, waiting) = orders_of(wish.action);
    let params = [
        p(&event.organizer.id),
        p(&event.id),
        p(&token),
        p(&action),
        array(&codes),
        p(&wish.send_email),
        p(&wish.note),
        p(&now),
        p(&all),
        p(&wish.expires_at),
        array(&statuses),
        p(&waiting),
    ];
    tx.one(INSERT, &params).await?.get("id")
}

/// The states of the orders to which it can happen, and whether only those that wait for approval.
fn orders_of(action: Action) -> (Vec<&'static str>, bool) {
    (action.statuses().iter().map(|status| status.code()).collect(), action == Action::Deny)
}

const PROGRESS: &str = "
    select action, total, changed, refused, refusals, ended_at from bulk_action where event_id = $1 and id = $2";

pub(super) async fn progress(q: &impl Query, event: EventId, id: BulkActionId) -> Result<Option<Progress>, DbError> {
    let Some(row) = q.opt(PROGRESS, &[p(&event), p(&id)]).await? else { return Ok(None) };
    Ok(Some(Progress {
        action: action(row.get("action")?)?,
        total: row.get("total")?,
        changed: row.get("changed")?,
        refused: row.get("refused")?,
        refusals: row.get("refusals")?,
        ended_at: row.get("ended_at")?,
    }))
}

fn action(name: &str) -> Result<Action, DbError> {
    Action::parse(name).ok_or_else(|| DbError::UnknownValue { what: "bulk action", value: name.to_owned() })
}

/// An action that has not ended.
pub(super) struct Running {
    pub(super) token: TokenId,
    pub(super) action: Action,
    pub(super) codes: Option<Vec<String>>,
    pub(super) send_email: bool,
    pub(super) note: Option<String>,
    pub(super) expires_at: Option<Timestamp>,
    last_order: OrderId,
}

const LOCK: &str = "
    select token_id, action, codes, send_email, note, expires_at, last_order_id
      from bulk_action where event_id = $1 and id = $2 and ended_at is null for update";

pub(super) async fn lock(tx: &Tx<'_>, event: EventId, id: BulkActionId) -> Result<Option<Running>, DbError> {
    let Some(row) = tx.opt(LOCK, &[p(&event), p(&id)]).await? else { return Ok(None) };
    Ok(Some(Running {
        token: row.get("token_id")?,
        action: action(row.get("action")?)?,
        codes: row.get("codes")?,
        send_email: row.get("send_email")?,
        note: row.get("note")?,
        expires_at: row.get("expires_at")?,
        last_order: row.get("last_order_id")?,
    }))
}

const NEXT: &str = "
    select id, code from orders
     where event_id = $1 and id > $2 and ($6 or code = any($3)) and status = any($4::text[])
       and (not $7 or require_approval)
     order by id limit $5";

/// The orders of the next chunk, with their codes.
pub(super) async fn next(lock: &EventLock<'_>, running: &Running, max: i64) -> Result<Vec<(OrderId, String)>, DbError> {
    let (event, (statuses, waiting)) = (lock.event(), orders_of(running.action));
    let (all, codes) = (running.codes.is_none(), running.codes.clone().unwrap_or_default());
    let params = [p(&event), p(&running.last_order), array(&codes), array(&statuses), p(&max), p(&all), p(&waiting)];
    let rows = lock.tx().query(NEXT, &params).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("code")?))).collect()
}

/// The first so many refusals are kept.
const REFUSALS_MAX: i32 = 100;

const ADVANCE: &str = "
    update bulk_action set last_order_id = $2, changed = changed + $3, refused = refused + cardinality($4::text[]),
           refusals = case when jsonb_array_length(refusals) >= $6 then refusals
               else refusals || (select coalesce(jsonb_agg(jsonb_build_object('code', r.code, 'reason', r.reason)), '[]')
                                   from unnest($4::text[], $5::text[]) as r (code, reason)) end
     where id = $1";

/// Moves the mark behind a chunk.
pub(super) async fn advance(
    tx: &Tx<'_>,
    id: BulkActionId,
    last: OrderId,
    changed: usize,
    refused: &[(&str, String)],
) -> Result<(), DbError> {
    let changed = i64::try_from(changed).unwrap_or_default();
    let codes: Vec<&str> = refused.iter().map(|(code, _)| *code).collect();
    let reasons: Vec<&str> = refused.iter().map(|(_, reason)| reason.as_str()).collect();
    let params = [p(&id), p(&last), p(&changed), array(&codes), array(&reasons), p(&REFUSALS_MAX)];
    tx.execute(ADVANCE, &params).await.map(|_| ())
}

const END: &str = "update bulk_action set ended_at = $2 where id = $1";

pub(super) async fn end(tx: &Tx<'_>, id: BulkActionId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(END, &[p(&id), p(&now)]).await.map(|_| ())
}

const EVENT_OF: &str = "select event_id from bulk_action where id = $1";

/// The event of an action whose id the shop itself stored.
pub async fn event_of(q: &impl Query, id: BulkActionId) -> Result<Option<EventId>, DbError> {
    q.opt(EVENT_OF, &[p(&id)]).await?.map(|row| row.get("event_id")).transpose()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[UNKNOWN_CODES, INSERT, PROGRESS, LOCK, NEXT, ADVANCE, END, EVENT_OF];
