//! Statements about mails.

use super::{
    CLAIM_STALE_SECONDS, Claimed, Class, GIVE_UP_SECONDS, Kind, QUEUED_SECONDS, RETRY_LAST_SECONDS, RETRY_SECONDS,
    Recipient, WAIT_SECONDS, Written,
};
use crate::{
    event::Event,
    id::{InviteId, MailId, OrderId, OrganizerId, VoucherId},
    port::db::{DbError, Param, Query, Tx, array, p},
    time::Timestamp,
};

const INSERT: &str = "
    insert into mail (organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
    select o.organizer_id, o.event_id, o.id, $3, coalesce($4, o.email), coalesce($5, o.locale),
           case when $8 then 'waiting' else 'queued' end, $6, $7
      from orders o where o.event_id = $1 and o.id = $2
    returning id";

pub(super) async fn insert(
    tx: &Tx<'_>,
    event: &Event,
    order: OrderId,
    kind: Kind,
    recipient: Option<&Recipient<'_>>,
    now: Timestamp,
) -> Result<MailId, DbError> {
    let (email, locale) = (recipient.map(|to| to.email), recipient.map(|to| to.locale));
    let waits = kind.has_tickets();
    let retry_at = now.plus_seconds(if waits { WAIT_SECONDS } else { QUEUED_SECONDS });
    let kind = kind.name();
    let params = [p(&event.id), p(&order), p(&kind), p(&email), p(&locale), p(&now), p(&retry_at), p(&waits)];
    tx.one(INSERT, &params).await?.get("id")
}

const SET_NOTE: &str = "update mail set note = $2 where id = $1";

pub(super) async fn set_note(tx: &Tx<'_>, mail: MailId, note: &str) -> Result<(), DbError> {
    tx.execute(SET_NOTE, &[p(&mail), p(&note)]).await.map(|_| ())
}

const INSERT_MASS: &str = "
    insert into mail (organizer_id, event_id, order_id, kind, recipient, locale, note, state, created_at, retry_at)
    select o.organizer_id, o.event_id, o.id, $3, o.email, o.locale, $4, 'awaiting_retry', $5, $5
      from orders o where o.event_id = $1 and o.id = any($2) and length(o.email) > 0";

pub(super) async fn insert_mass(
    tx: &Tx<'_>,
    event: &Event,
    orders: &[OrderId],
    kind: Kind,
    note: Option<&str>,
    now: Timestamp,
) -> Result<(), DbError> {
    let (orders, kind) = (orders.to_vec(), kind.name());
    tx.execute(INSERT_MASS, &[p(&event.id), array(&orders), p(&kind), p(&note), p(&now)]).await.map(|_| ())
}

const INSERT_VOUCHER: &str = "
    insert into mail (organizer_id, event_id, kind, recipient, locale, voucher_id, state, created_at, retry_at)
    values ($1, $2, $3, $4, $5, $6, 'awaiting_retry', $7, $7)";

pub(super) async fn insert_voucher(
    tx: &Tx<'_>,
    event: &Event,
    voucher: VoucherId,
    to: &Recipient<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    let kind = Kind::WaitingListVoucher.name();
    let params: [Param<'_>; 7] =
        [p(&event.organizer.id), p(&event.id), p(&kind), p(&to.email), p(&to.locale), p(&voucher), p(&now)];
    tx.execute(INSERT_VOUCHER, &params).await.map(drop)
}

const INSERT_INVITE: &str = "
    insert into mail (organizer_id, kind, recipient, locale, invite_id, state, created_at, retry_at)
    values ($1, $2, $3, $4, $5, 'awaiting_retry', $6, $6)";

pub(super) async fn insert_invite(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    invite: InviteId,
    to: &Recipient<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    let kind = Kind::TeamInvite.name();
    let params = [p(&organizer), p(&kind), p(&to.email), p(&to.locale), p(&invite), p(&now)];
    tx.execute(INSERT_INVITE, &params).await.map(drop)
}

const RELEASE: &str = "update mail set state = 'queued', retry_at = $2 where id = $1 and state = 'waiting'";

/// The tickets that the mail waits for are there, or will never be.
pub async fn release(tx: &Tx<'_>, mail: MailId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(RELEASE, &[p(&mail), p(&now.plus_seconds(QUEUED_SECONDS))]).await.map(|_| ())
}

const CLAIM: &str = "
    update mail set state = 'inflight', retry_at = $2, attempts = attempts + 1
     where id = $1 and state = 'queued'
    returning id, attempts, event_id, order_id, voucher_id, invite_id, kind, recipient, locale, note, action,
              subject, body_text, body_html,
              case when starts_with(kind, $3) then (select u.id from app_user u where lower(u.email) = lower(recipient)) end
                  as reader";

/// Claims a mail for this worker. `None` if there is nothing to do now: it waits, is sent, or another worker has it.
pub async fn claim(tx: &Tx<'_>, mail: MailId, now: Timestamp) -> Result<Option<Claimed>, DbError> {
    let stale = now.plus_seconds(CLAIM_STALE_SECONDS);
    let Some(row) = tx.opt(CLAIM, &[p(&mail), p(&stale), p(&super::TO_STAFF)]).await? else { return Ok(None) };
    let subject: Option<String> = row.get("subject")?;
    let written = match subject {
        Some(subject) => Some(Written { subject, text: row.get("body_text")?, html: row.get("body_html")? }),
        None => None,
    };
    Ok(Some(Claimed {
        id: row.get("id")?,
        attempt: row.get("attempts")?,
        event: row.get("event_id")?,
        order: row.get("order_id")?,
        voucher: row.get("voucher_id")?,
        invite: row.get("invite_id")?,
        kind: Kind::parse(row.get("kind")?)?,
        recipient: row.get("recipient")?,
        locale: row.get("locale")?,
        note: row.get("note")?,
        action: row.get("action")?,
        reader: row.get("reader")?,
        written,
    }))
}

const KEEP_TEXT: &str = "update mail set subject = $2, body_text = $3, body_html = $4 where id = $1";

/// Keeps the text of a mail, so that another try sends the same.
pub async fn keep_text(q: &impl Query, mail: MailId, text: &Written) -> Result<(), DbError> {
    q.execute(KEEP_TEXT, &[p(&mail), p(&text.subject), p(&text.text), p(&text.html)]).await.map(|_| ())
}

// Only the worker that made the present try may end it: the attempt is its fence.

const MARK_SENT: &str = "
    update mail set state = 'sent', sent_at = $3, last_error = null, provider_id = $4
     where id = $1 and state = 'inflight' and attempts = $2";

/// The other side has taken the mail, and calls it `provider_id` from now on.
pub async fn mark_sent(
    q: &impl Query,
    mail: MailId,
    attempt: i32,
    provider_id: Option<&str>,
    now: Timestamp,
) -> Result<(), DbError> {
    q.execute(MARK_SENT, &[p(&mail), p(&attempt), p(&now), p(&provider_id)]).await.map(|_| ())
}

const PUT_OFF: &str = "
    update mail set state = 'awaiting_retry', retry_at = $3, attempts = attempts - 1
     where id = $1 and state = 'inflight' and attempts = $2";

/// The mail had no turn: this was no try.
pub async fn put_off(q: &impl Query, mail: MailId, attempt: i32, until: Timestamp) -> Result<(), DbError> {
    q.execute(PUT_OFF, &[p(&mail), p(&attempt), p(&until)]).await.map(|_| ())
}

const MARK_FAILED: &str = "
    update mail set state = 'failed', last_error = $3 where id = $1 and state = 'inflight' and attempts = $2";

/// The mail can never be handed over.
pub async fn mark_failed(q: &impl Query, mail: MailId, attempt: i32, error: &str) -> Result<(), DbError> {
    q.execute(MARK_FAILED, &[p(&mail), p(&attempt), p(&error)]).await.map(|_| ())
}

const MARK_RETRY: &str = "
    update mail set state = case when created_at > $5 then 'awaiting_retry' else 'failed' end, last_error = $3,
           retry_at = $4::timestamptz + make_interval(secs => coalesce(($6::integer[])[attempts], $7))
     where id = $1 and state = 'inflight' and attempts = $2
    returning state = 'failed' as failed";

/// The mail was not taken this time. True if that was the last time.
pub async fn mark_retry(
    q: &impl Query,
    mail: MailId,
    attempt: i32,
    error: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let (plan, give_up) = (RETRY_SECONDS.to_vec(), now.plus_seconds(-GIVE_UP_SECONDS));
    let params = [p(&mail), p(&attempt), p(&error), p(&now), p(&give_up), array(&plan), p(&RETRY_LAST_SECONDS)];
    q.opt(MARK_RETRY, &params).await?.map_or(Ok(false), |row| row.get("failed"))
}

const TAKE_DUE: &str = "
    update mail set state = 'queued', retry_at = $2
     where id in (select id from mail
                   where state in ('waiting', 'queued', 'inflight', 'awaiting_retry') and retry_at <= $1
                     and kind = any($4)
                   order by retry_at limit $3 for update skip locked)
    returning id";

/// Queues mails of a class whose time has come, for the caller to announce. If that fails, they come again ten minutes
/// later.
pub async fn take_due(q: &impl Query, class: Class, now: Timestamp, max: i64) -> Result<Vec<MailId>, DbError> {
    let again = now.plus_seconds(QUEUED_SECONDS);
    let kinds: Vec<&str> = Kind::of_class(class).map(Kind::name).collect();
    q.query(TAKE_DUE, &[p(&now), p(&again), p(&max), array(&kinds)]).await?.iter().map(|row| row.get("id")).collect()
}

const RELEASE_CLAIMS: &str =
    "update mail set state = 'queued', retry_at = created_at where state in ('queued', 'inflight')";

/// Makes every mail due that a worker or a message had in hand, because all of them are gone (a restart of the local
/// stack).
pub async fn release_claims(q: &impl Query) -> Result<(), DbError> {
    q.execute(RELEASE_CLAIMS, &[]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    INSERT,
    SET_NOTE,
    INSERT_MASS,
    INSERT_VOUCHER,
    INSERT_INVITE,
    RELEASE,
    CLAIM,
    KEEP_TEXT,
    MARK_SENT,
    PUT_OFF,
    MARK_FAILED,
    MARK_RETRY,
    TAKE_DUE,
    RELEASE_CLAIMS,
];
