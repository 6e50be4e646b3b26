//! Mails: queued with the cause, written when they are sent, sent once (spec domain 22).
//!
//! A worker claims a mail (`queued → inflight`), hands it over, and records that. Only a queued mail can be claimed,
//! whoever asks. What is not sent then has a moment at which the periodic job queues it again ([`sql::take_due`]): a
//! mail whose tickets are not drawn (`waiting`), that was not taken (`awaiting_retry`), or whose worker has died
//! (`inflight`). So a mail can be handed over twice only if the server's "taken" is lost on the way, or the worker or the
//! database dies between it and the commit after it; both copies then have the same Message-ID.

mod compose;
pub mod feedback;
pub mod pace;
pub mod sql;
pub mod template;

pub use compose::{compose, compose_invite, compose_voucher};

use crate::{
    event::Event,
    id::{EventId, InviteId, MailId, OrderId, OrganizerId, UserId, VoucherId},
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
    /// Order cancelled.
    OrderCanceled,
    /// Order approved, to be paid.
    OrderApproved,
    /// Order approved, nothing to pay.
    OrderApprovedFree,
    /// Order turned down.
    OrderDenied,
    /// Order changed by staff.
    OrderChanged,
    /// A voucher for somebody who waited.
    WaitingListVoucher,
    /// An invitation to a team.
    TeamInvite,
    /// New order, for staff.
    StaffOrderPlaced,
    /// Something else that happened to an order, for those of the staff who want to hear of it.
    StaffNotice,
}

/// Which mails go first when the provider takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Tickets and confirmations: somebody waits for them.
    First,
    /// What can wait a little.
    Later,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::OrderPlaced,
        Self::OrderFree,
        Self::OrderPaid,
        Self::OrderCanceled,
        Self::OrderApproved,
        Self::OrderApprovedFree,
        Self::OrderDenied,
        Self::OrderChanged,
        Self::WaitingListVoucher,
        Self::TeamInvite,
        Self::StaffOrderPlaced,
        Self::StaffNotice,
    ];

    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrderPlaced => "order_placed",
            Self::OrderFree => "order_free",
            Self::OrderPaid => "order_paid",
            Self::OrderCanceled => "order_canceled",
            Self::OrderApproved => "order_approved",
            Self::OrderApprovedFree => "order_approved_free",
            Self::OrderDenied => "order_denied",
            Self::OrderChanged => "order_changed",
            Self::WaitingListVoucher => "waiting_list_voucher",
            Self::TeamInvite => "team_invite",
            Self::StaffOrderPlaced => "staff_order_placed",
            Self::StaffNotice => "staff_notice",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| DbError::UnknownValue { what: "kind of mail", value: name.to_owned() })
    }

    /// Which class it belongs to.
    pub fn class(self) -> Class {
        match self {
            Self::OrderPlaced | Self::OrderFree | Self::OrderPaid | Self::OrderApproved | Self::OrderApprovedFree => {
                Class::First
            }
            Self::OrderCanceled
            | Self::OrderDenied
            | Self::OrderChanged
            | Self::WaitingListVoucher
            | Self::TeamInvite
            | Self::StaffOrderPlaced
            | Self::StaffNotice => Class::Later,
        }
    }

    /// The settings with the organiser's own subject and own text, if there may be some.
    pub fn settings_keys(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::OrderPlaced => ("mail_subject_order_placed", "mail_text_order_placed"),
            Self::OrderFree => ("mail_subject_order_free", "mail_text_order_free"),
            Self::OrderPaid => ("mail_subject_order_paid", "mail_text_order_paid"),
            Self::OrderCanceled => ("mail_subject_order_canceled", "mail_text_order_canceled"),
            Self::OrderApproved => ("mail_subject_order_approved", "mail_text_order_approved"),
            Self::OrderApprovedFree => ("mail_subject_order_approved_free", "mail_text_order_approved_free"),
            Self::OrderDenied => ("mail_subject_order_denied", "mail_text_order_denied"),
            Self::OrderChanged => ("mail_subject_order_changed", "mail_text_order_changed"),
            Self::WaitingListVoucher | Self::TeamInvite | Self::StaffOrderPlaced | Self::StaffNotice => return None,
        })
    }

    /// The kinds of a class.
    pub fn of_class(class: Class) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |kind| kind.class() == class)
    }

    /// Whether the tickets of the order come with it.
    pub fn has_tickets(self) -> bool {
        matches!(self, Self::OrderFree | Self::OrderPaid | Self::OrderApprovedFree)
    }
}

/// What the names of kinds for staff begin with.
const TO_STAFF: &str = "staff_";
/// Longest time that a worker may take to hand over a mail: above the worker's timeout.
pub const CLAIM_STALE_SECONDS: i64 = 120;
/// Seconds until the next try, by number of tries (spec domain 22.2); after these, [`RETRY_LAST_SECONDS`].
const RETRY_SECONDS: [i32; 5] = [60, 300, 600, 1200, 1800];
/// Seconds between the later tries.
const RETRY_LAST_SECONDS: i32 = 3600;
/// A mail of this age that is not taken has failed.
pub const GIVE_UP_SECONDS: i64 = 24 * 3600;
/// A mail that waits for its tickets for this long goes without them.
pub const WAIT_SECONDS: i64 = 6 * 3600;
/// A queued mail is announced again after this long: its message is lost.
pub(crate) const QUEUED_SECONDS: i64 = 600;

/// Someone who is not the buyer.
pub struct Recipient<'a> {
    /// Where.
    pub email: &'a str,
    /// In which language.
    pub locale: &'a str,
}

/// Writes a mail down in the transaction of its cause. Without a recipient it goes to the buyer. One that brings the
/// tickets waits until [`sql::release`]; the others are to be announced with a message.
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

/// Writes a mail to the buyer down, with something that staff adds to it in its own words (Markdown).
pub async fn queue_with_note(
    tx: &Tx<'_>,
    event: &Event,
    order: OrderId,
    kind: Kind,
    note: Option<&str>,
    now: Timestamp,
) -> Result<MailId, DbError> {
    let mail = sql::insert(tx, event, order, kind, None, now).await?;
    if let Some(note) = note {
        sql::set_note(tx, mail, note).await?;
    }
    Ok(mail)
}

/// Writes a mail down that brings a voucher to somebody who has no order. The job that looks every minute announces it.
pub async fn queue_voucher(
    tx: &Tx<'_>,
    event: &Event,
    voucher: VoucherId,
    recipient: &Recipient<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    sql::insert_voucher(tx, event, voucher, recipient, now).await
}

/// Writes a mail down that asks somebody to join a team. The job that looks every minute announces it.
pub async fn queue_invite(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    invite: InviteId,
    recipient: &Recipient<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    sql::insert_invite(tx, organizer, invite, recipient, now).await
}

/// Writes mails to the buyers of many orders down. They have no messages: the job that looks every minute announces as
/// many of them as can be sent until its next run, so that nobody's ticket stands behind all of them.
pub async fn queue_mass(
    tx: &Tx<'_>,
    event: &Event,
    orders: &[OrderId],
    kind: Kind,
    note: Option<&str>,
    now: Timestamp,
) -> Result<(), DbError> {
    sql::insert_mass(tx, event, orders, kind, note, now).await
}

/// A mail that this worker has claimed.
pub struct Claimed {
    /// Its row.
    pub id: MailId,
    /// Which try this is: only its worker may say how it ended.
    pub attempt: i32,
    /// Its event, unless it concerns the organiser as a whole.
    pub event: Option<EventId>,
    /// Its order, if it is about one.
    pub order: Option<OrderId>,
    /// The voucher that it brings, if it brings one.
    pub voucher: Option<VoucherId>,
    /// The invitation that it brings, if it brings one.
    pub invite: Option<InviteId>,
    /// What it is about.
    pub kind: Kind,
    /// Where it goes.
    pub recipient: String,
    /// In which language.
    pub locale: String,
    /// What staff adds to it.
    pub note: Option<String>,
    /// What happened, in mails to staff.
    pub action: Option<String>,
    /// The member of staff that it goes to.
    pub reader: Option<UserId>,
    /// Its text, if an earlier try has written it: what was written once is what is sent.
    pub written: Option<Written>,
}

/// The text of a mail.
#[derive(Clone)]
pub struct Written {
    /// The subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}
