//! One thing done to many orders, such as the cancellation of a whole event (spec domain 14.6).
//!
//! A worker goes through the orders by their ids, in chunks: each is one batch of the box office in a transaction that also
//! moves the mark of how far it is. So buyers get the event's lock between two chunks, a worker that dies is followed by
//! one that goes on behind the mark, and a message that comes twice does nothing twice. Orders that are placed meanwhile
//! are reached too; after the end nothing is: whoever cancels an event takes it offline first.

pub mod sql;

use crate::{
    boxoffice::{self, OrderAction, OrderRefusal, Outcome, Request},
    catalogue::Catalogue,
    event::Event,
    id::{BulkActionId, OrderId},
    mail,
    order::OrderStatus,
    outbox::{self, Message, Outgoing},
    port::{
        db::{DbError, Query, Tx},
        lock::EventLock,
    },
    staff::Staff,
    time::Timestamp,
};

/// What can be done to many orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Orders that are not cancelled yet are: an expired one could still be paid late.
    Cancel,
    /// Orders that wait for approval are turned down.
    Deny,
    /// Orders that are pending or expired get more time to pay.
    Extend,
    /// Orders that were cancelled are taken up again, as far as there is room.
    Reactivate,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cancel, Self::Deny, Self::Extend, Self::Reactivate];

    /// The word in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Deny => "deny",
            Self::Extend => "extend",
            Self::Reactivate => "reactivate",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The orders that it is for when none are named.
    fn statuses(self) -> &'static [OrderStatus] {
        match self {
            Self::Cancel => &[OrderStatus::Pending, OrderStatus::Paid, OrderStatus::Expired],
            Self::Deny => &[OrderStatus::Pending],
            Self::Extend => &[OrderStatus::Pending, OrderStatus::Expired],
            Self::Reactivate => &[OrderStatus::Canceled],
        }
    }

    fn of_one(self, event: &Event, expires_at: Option<Timestamp>, now: Timestamp) -> OrderAction {
        let expires_at = expires_at.unwrap_or_else(|| event.payment_deadline(now));
        match self {
            Self::Cancel => OrderAction::Cancel { fee: None },
            Self::Deny => OrderAction::Deny,
            Self::Extend => OrderAction::Extend { expires_at, force: false },
            Self::Reactivate => OrderAction::Reactivate { expires_at, force: false },
        }
    }

    fn logged(self) -> &'static str {
        match self {
            Self::Cancel => "pretix.event.order.canceled",
            Self::Deny => "pretix.event.order.denied",
            Self::Extend => "pretix.event.order.expirychanged",
            Self::Reactivate => "pretix.event.order.reactivated",
        }
    }

    /// What buyers are told, if there is a mail for it.
    fn mail(self) -> Option<mail::Kind> {
        match self {
            Self::Cancel => Some(mail::Kind::OrderCanceled),
            Self::Deny => Some(mail::Kind::OrderDenied),
            Self::Extend | Self::Reactivate => None,
        }
    }
}

/// What staff wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What is to happen.
    pub action: Action,
    /// To the orders with these codes, or to every order that it is for.
    pub codes: Option<Vec<String>>,
    /// Buyers are told.
    pub send_email: bool,
    /// What their mail says in staff's own words.
    pub note: Option<String>,
    /// Until when they can pay then; by the event's settings without it.
    pub expires_at: Option<Timestamp>,
}

/// How far it is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// What happens.
    pub action: Action,
    /// Orders that there were to be changed when it was asked for.
    pub total: i64,
    /// Orders that were changed.
    pub changed: i64,
    /// Orders that were refused.
    pub refused: i64,
    /// The first of those: code and reason.
    pub refusals: serde_json::Value,
    /// Nothing more happens.
    pub ended_at: Option<Timestamp>,
}

/// Why it was not begun.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The event has no orders with these codes.
    #[error("no orders with these codes: {0:?}")]
    Unknown(Vec<String>),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Orders of one chunk: short enough that nobody notices the wait for the lock.
pub const CHUNK: i64 = 50;

/// Asks for it. A worker does it.
pub async fn request(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    wish: &Wish,
    now: Timestamp,
) -> Result<(BulkActionId, Outgoing), RequestError> {
    if let Some(codes) = &wish.codes {
        let unknown = sql::unknown_codes(tx, staff.event(), codes).await?;
        if !unknown.is_empty() {
            return Err(RequestError::Unknown(unknown));
        }
    }
    let id = sql::insert(tx, staff, event, wish, now).await?;
    let outgoing = outbox::record(tx, &[Message::RunBulkAction { action: id }], now).await?;
    Ok((id, outgoing.of(event.organizer.id)))
}

/// How far an action of the event is.
pub async fn progress(q: &impl Query, staff: &Staff, id: BulkActionId) -> Result<Option<Progress>, DbError> {
    sql::progress(q, staff.event(), id).await
}

/// Orders that are changed in one transaction.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// At most so many.
    pub max: i64,
    /// The first of them, once it is known: also when the chunk fails.
    pub first: Option<OrderId>,
}

impl Chunk {
    /// A chunk that is still to be read.
    pub fn of(max: i64) -> Self {
        Self { max, first: None }
    }
}

/// Does the next chunk, in this transaction. False if nothing is left.
pub async fn run_chunk(
    tx: &Tx<'_>,
    event: &Event,
    catalogue: &Catalogue,
    id: BulkActionId,
    chunk: &mut Chunk,
    now: Timestamp,
) -> Result<bool, DbError> {
    // Its row is locked: of two workers one waits here, and goes on behind the other's mark.
    let Some(running) = sql::lock(tx, event.id, id).await? else { return Ok(false) };
    // They are looked for without the event's lock, which may take a while; what can happen to them is decided under it.
    let orders = sql::next(tx, event, &running, chunk.max).await?;
    chunk.first = orders.first().map(|(order, _)| *order);
    let Some((last, _)) = orders.last() else {
        sql::end(tx, id, now).await?;
        return Ok(false);
    };
    let lock = EventLock::acquire(tx, event.id).await?;
    let action = running.action.of_one(event, running.expires_at, now);
    let request = |(order, _): &(OrderId, String)| Request::ChangeOrder { order: *order, action: action.clone() };
    let requests: Vec<Request> = orders.iter().map(request).collect();
    let (outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &requests, now).await?;
    // Nothing to send: what a cancellation leads to is recorded below.
    let _no_messages = boxoffice::write(&lock, event, &changes, now).await?;
    let (mut changed, mut refused, mut tickets) = (Vec::new(), Vec::new(), Vec::new());
    for ((order, code), outcome) in orders.iter().zip(outcomes) {
        match outcome {
            Outcome::OrderChanged(status) => {
                changed.push(*order);
                if status == OrderStatus::Paid {
                    tickets.push(Message::RenderTickets { order: *order, then_mail: None });
                }
            }
            Outcome::OrderRefused(refusal) => refused.push((code.as_str(), reason(refusal))),
            other => unreachable!("an order is changed or not, not {other:?}"),
        }
    }
    let actor = super::sql::Actor::Token(running.token);
    super::sql::log(tx, event, &changed, running.action.logged(), &actor, now).await?;
    // Nobody waits for these: the relay sends them.
    let _not_at_once = outbox::record(tx, &tickets, now).await?;
    if let Some(kind) = running.action.mail().filter(|_| running.send_email) {
        mail::queue_mass(tx, event, &changed, kind, running.note.as_deref(), now).await?;
    }
    sql::advance(tx, id, *last, changed.len(), &refused).await?;
    Ok(true)
}

/// Leaves out an order, because something is wrong with it that another try does not mend: staff sees it among those that were
/// refused. Another worker may have done so meanwhile: then this is not the next one any more, and that one is to be done.
pub async fn skip(tx: &Tx<'_>, event: &Event, id: BulkActionId, failed: OrderId) -> Result<(), DbError> {
    let Some(running) = sql::lock(tx, event.id, id).await? else { return Ok(()) };
    let orders = sql::next(tx, event, &running, 1).await?;
    let Some((order, code)) = orders.first().filter(|(order, _)| *order == failed) else { return Ok(()) };
    sql::advance(tx, id, *order, 0, &[(code.as_str(), "Failed".to_owned())]).await
}

fn reason(refusal: OrderRefusal) -> String {
    format!("{refusal:?}")
}
