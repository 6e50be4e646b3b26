//! Statements about mails.

use super::{ATTEMPTS_MAX, CLAIM_STALE_SECONDS, Claimed, Kind, Recipient, Written};
use crate::{
    event::Event,
    id::{MailId, OrderId},
    port::db::{DbError, Query, Tx, p},
    time::Timestamp,
};

const INSERT: &str = "
    insert into mail (organizer_id, event_id, order_id, kind, recipient, locale, state, created_at)
    select o.organizer_id, o.event_id, o.id, $3, coalesce($4, o.email), coalesce($5, o.locale), 'queued', $6
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
    let kind = kind.name();
    let params = [p(&event.id), p(&order), p(&kind), p(&email), p(&locale), p(&now)];
    tx.one(INSERT, &params).await?.get("id")
}

const CLAIM: &str = "
    update mail set state = 'inflight', claimed_at = $2, attempts = attempts + 1
     where id = $1 and (state in ('queued', 'awaiting_retry') or (state = 'inflight' and claimed_at < $3))
    returning id, event_id, order_id, kind, recipient, locale, subject, body_text, body_html";

pub(super) async fn claim(tx: &Tx<'_>, mail: MailId, now: Timestamp) -> Result<Option<Claimed>, DbError> {
    let stale = now.plus_seconds(-CLAIM_STALE_SECONDS);
    let Some(row) = tx.opt(CLAIM, &[p(&mail), p(&now), p(&stale)]).await? else { return Ok(None) };
    let subject: Option<String> = row.get("subject")?;
    let written = match subject {
        Some(subject) => Some(Written { subject, text: row.get("body_text")?, html: row.get("body_html")? }),
        None => None,
    };
    Ok(Some(Claimed {
        id: row.get("id")?,
        event: row.get("event_id")?,
        order: row.get("order_id")?,
        kind: Kind::parse(row.get("kind")?)?,
        recipient: row.get("recipient")?,
        locale: row.get("locale")?,
        written,
    }))
}

const IS_OPEN: &str =
    "select exists (select 1 from mail where id = $1 and state in ('queued', 'inflight', 'awaiting_retry')) as open";

pub(super) async fn is_open(tx: &Tx<'_>, mail: MailId) -> Result<bool, DbError> {
    tx.one(IS_OPEN, &[p(&mail)]).await?.get("open")
}

const KEEP_TEXT: &str = "update mail set subject = $2, body_text = $3, body_html = $4 where id = $1";

/// Keeps the text of a mail, so that another try sends the same.
pub async fn keep_text(q: &impl Query, mail: MailId, text: &Written) -> Result<(), DbError> {
    q.execute(KEEP_TEXT, &[p(&mail), p(&text.subject), p(&text.text), p(&text.html)]).await.map(|_| ())
}

const MARK_SENT: &str = "update mail set state = 'sent', sent_at = $2, last_error = null where id = $1";

/// The other side has taken the mail.
pub async fn mark_sent(tx: &Tx<'_>, mail: MailId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(MARK_SENT, &[p(&mail), p(&now)]).await.map(|_| ())
}

const MARK_FAILED: &str = "update mail set state = 'failed', last_error = $2 where id = $1";

/// The mail can never be handed over.
pub async fn mark_failed(tx: &Tx<'_>, mail: MailId, error: &str) -> Result<(), DbError> {
    tx.execute(MARK_FAILED, &[p(&mail), p(&error)]).await.map(|_| ())
}

const MARK_RETRY: &str = "
    update mail set state = case when attempts < $3 then 'awaiting_retry' else 'failed' end, last_error = $2 where id = $1";

/// The mail was not taken this time.
pub async fn mark_retry(q: &impl Query, mail: MailId, error: &str) -> Result<(), DbError> {
    q.execute(MARK_RETRY, &[p(&mail), p(&error), p(&ATTEMPTS_MAX)]).await.map(|_| ())
}

const LEFT_BEHIND: &str = "
    select id from mail
     where (state in ('queued', 'awaiting_retry') and created_at < $1 and coalesce(claimed_at, created_at) < $1)
        or (state = 'inflight' and claimed_at < $2)
     order by id limit 500";

/// Mails that nobody is sending: queued or failed for longer than ten minutes, or claimed by a worker that died.
pub async fn left_behind(q: &impl Query, now: Timestamp) -> Result<Vec<MailId>, DbError> {
    let (unsent, stale) = (now.plus_seconds(-600), now.plus_seconds(-CLAIM_STALE_SECONDS));
    q.query(LEFT_BEHIND, &[p(&unsent), p(&stale)]).await?.iter().map(|row| row.get("id")).collect()
}

const RELEASE_CLAIMS: &str = "update mail set state = 'queued' where state = 'inflight'";

/// Gives back what workers had claimed, because all of them are gone (a restart of the local stack).
pub async fn release_claims(q: &impl Query) -> Result<(), DbError> {
    q.execute(RELEASE_CLAIMS, &[]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] =
    &[INSERT, CLAIM, IS_OPEN, KEEP_TEXT, MARK_SENT, MARK_FAILED, MARK_RETRY, LEFT_BEHIND, RELEASE_CLAIMS];
