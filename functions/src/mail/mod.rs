//! Mails: queued with the cause, written when they are sent, sent once (spec domain 22).
//!
//! A worker claims a mail (`queued → inflight`), hands it over, and records that. A worker that dies in between leaves
//! it `inflight`; after [`CLAIM_STALE_SECONDS`] another one may claim it. So a mail can be handed over twice only if a
//! worker dies between the server's "taken" and the commit after it; both copies then have the same Message-ID.

mod compose;
pub mod sql;

pub use compose::compose;

use crate::{
    event::Event,
    id::{EventId, MailId, OrderId},
    port::db::{DbError, Tx},
    time::Timestamp,
};

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Order placed, to be paid.
    OrderPlaced,
    /// Order placed, nothing to pay.
    OrderFree,
    /// Order paid.
    OrderPaid,
    /// New order, for staff.
    StaffOrderPlaced,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OrderPlaced, Self::OrderFree, Self::OrderPaid, Self::StaffOrderPlaced];

    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrderPlaced => "order_placed",
            Self::OrderFree => "order_free",
            Self::OrderPaid => "order_paid",
            Self::StaffOrderPlaced => "staff_order_placed",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| DbError::UnknownValue { what: "kind of mail", value: name.to_owned() })
    }

    /// Whether the tickets of the order come with it.
    pub fn has_tickets(self) -> bool {
        matches!(self, Self::OrderFree | Self::OrderPaid)
    }
}

/// Longest time that a worker may take to hand over a mail: above the worker's timeout.
pub const CLAIM_STALE_SECONDS: i64 = 120;
/// After so many tries a mail has failed.
pub const ATTEMPTS_MAX: i32 = 10;

/// Someone who is not the buyer.
pub struct Recipient<'a> {
    /// Where.
    pub email: &'a str,
    /// In which language.
    pub locale: &'a str,
}

/// Puts a mail into the outbox table, in the transaction of its cause. Without a recipient it goes to the buyer.
pub async fn queue(
    tx: &Tx<'_>,
    event: &Event,
    order: OrderId,
    kind: Kind,
    recipient: Option<&Recipient<'_>>,
    now: Timestamp,
) -> Result<MailId, DbError> {
    sql::insert(tx, event, order, kind, recipient, now).await
}

/// A mail that this worker has claimed.
pub struct Claimed {
    /// Its row.
    pub id: MailId,
    /// Its event.
    pub event: EventId,
    /// Its order.
    pub order: OrderId,
    /// What it is about.
    pub kind: Kind,
    /// Where it goes.
    pub recipient: String,
    /// In which language.
    pub locale: String,
    /// Its text, if an earlier try has written it: what was written once is what is sent.
    pub written: Option<Written>,
}

/// The text of a mail.
pub struct Written {
    /// The subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// What [`claim`] found.
pub enum Claim {
    /// It is ours to send.
    Ours(Box<Claimed>),
    /// It was sent or given up.
    Done,
    /// Another worker has it.
    Taken,
}

/// Claims a mail for this worker.
pub async fn claim(tx: &Tx<'_>, mail: MailId, now: Timestamp) -> Result<Claim, DbError> {
    if let Some(claimed) = sql::claim(tx, mail, now).await? {
        return Ok(Claim::Ours(Box::new(claimed)));
    }
    Ok(if sql::is_open(tx, mail).await? { Claim::Taken } else { Claim::Done })
}
