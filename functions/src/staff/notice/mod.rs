//! What members of staff are told by mail about orders: each chooses, for all events or for one (spec domain 23.2).
//!
//! There is no page to log in for this: every such mail leads to the page of its reader, by an address that nobody else
//! can guess.

pub mod sql;

use std::collections::BTreeSet;

use crate::{
    config::Config,
    id::{EventId, UserId},
    port::db::{DbError, Query, Tx},
    session::Signer,
};

/// New orders: members of teams that are told of them get these unless they choose otherwise.
pub const PLACED: &str = "pretix.event.order.placed";

/// What can be chosen, with the key of what people call it: only what this shop records. One that ends in `.*` stands for all that begin like it.
pub const TYPES: [(&str, &str); 10] = [
    (PLACED, "notice-placed"),
    ("pretix.event.order.placed.require_approval", "notice-approval"),
    ("pretix.event.order.paid", "notice-paid"),
    ("pretix.event.order.canceled", "notice-canceled"),
    ("pretix.event.order.reactivated", "notice-reactivated"),
    ("pretix.event.order.expired", "notice-expired"),
    ("pretix.event.order.modified", "notice-modified"),
    ("pretix.event.order.contact.changed", "notice-contact-changed"),
    ("pretix.event.order.changed.*", "notice-changed"),
    ("pretix.event.order.refund.created.externally", "notice-refund-external"),
];

/// What people call an action; `None` if nobody can be told of it.
pub fn title_key(action: &str) -> Option<&'static str> {
    let is = |name: &str| match name.strip_suffix('*') {
        Some(beginning) => action.starts_with(beginning),
        None => name == action,
    };
    TYPES.iter().find(|(name, _)| is(name)).map(|(_, key)| *key)
}

/// Where a member of staff chooses, with scheme and host.
pub fn url(config: &Config, user: UserId, event: Option<EventId>) -> String {
    let token = Signer(&config.secret_key).notice_token(user);
    let query = event.map(|event| format!("?event={event}")).unwrap_or_default();
    format!("{}/_notices/{user}/{token}/{query}", config.public_url)
}

/// A member of staff, found by the address of their page.
pub struct Reader {
    /// Who.
    pub user: UserId,
    /// Their mail address.
    pub email: String,
    /// Their language.
    pub locale: String,
}

/// The member of staff whose page has this address, if they are still one.
pub async fn reader(q: &impl Query, config: &Config, user: &str, token: &str) -> Result<Option<Reader>, DbError> {
    let Ok(user) = user.parse().map(UserId) else { return Ok(None) };
    match Signer(&config.secret_key).is_notice_token(user, token) {
        true => sql::reader(q, user).await,
        false => Ok(None),
    }
}

/// The event's name, if the reader works on it.
pub async fn event_of(q: &impl Query, reader: &Reader, event: EventId) -> Result<Option<sql::EventName>, DbError> {
    sql::event_of(q, reader.user, event).await
}

/// What the reader is told: in an event, or where nothing else was chosen.
pub async fn wanted(
    q: &impl Query,
    reader: &Reader,
    event: Option<EventId>,
) -> Result<BTreeSet<&'static str>, DbError> {
    let chosen = sql::choices(q, reader.user, event).await?;
    let by_default = sql::is_told_of_orders(q, reader.user, event).await?;
    let choice = |name: &str, here: bool| {
        chosen.iter().find(|choice| choice.action_type == name && choice.is_here == here).map(|choice| choice.wanted)
    };
    let is_wanted =
        |name: &str| choice(name, true).or_else(|| choice(name, false)).unwrap_or(name == PLACED && by_default);
    Ok(TYPES.iter().map(|(name, _)| *name).filter(|name| is_wanted(name)).collect())
}

/// Keeps what the reader chooses, all at once.
pub async fn choose(
    tx: &Tx<'_>,
    reader: &Reader,
    event: Option<EventId>,
    wanted: &BTreeSet<&str>,
) -> Result<(), DbError> {
    sql::choose(tx, reader.user, event, wanted).await
}

/// In an event the same as everywhere again.
pub async fn follow(tx: &Tx<'_>, reader: &Reader, event: EventId) -> Result<(), DbError> {
    sql::follow(tx, reader.user, event).await
}

/// No mails any more, of whatever event.
pub async fn stop(tx: &Tx<'_>, reader: &Reader) -> Result<(), DbError> {
    sql::stop(tx, reader.user).await?;
    sql::choose(tx, reader.user, None, &BTreeSet::new()).await
}
