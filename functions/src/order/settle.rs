//! Paying and expiring orders (spec domain 13).

use super::{Order, PaymentState, sql};
use crate::{
    boxoffice::{self, Outcome, Request},
    catalogue::Catalogue,
    event::Event,
    id::OrderId,
    mail,
    outbox::{self, Message, Outgoing},
    payment::Provider,
    port::{
        db::{DbError, Tx},
        lock::EventLock,
    },
    staff::Staff,
    time::Timestamp,
};

/// Why an order was not marked as paid.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    /// Paid already.
    #[error("the order is already paid")]
    AlreadyPaid,
    /// Cancelled.
    #[error("the order is cancelled")]
    Canceled,
    /// Nobody has approved it yet.
    #[error("the order waits for approval")]
    Approval,
    /// Late, and its places are gone.
    #[error("the order has expired and there is no room left in its quotas")]
    NoRoom,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Staff says that the money for an order is there: a `manual` payment over the open balance is confirmed, other open
/// payments are given up (spec domain 13.6). A late order is paid as long as there is room.
pub async fn mark_paid(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    catalogue: &Catalogue,
    order: &Order,
    send_email: bool,
    now: Timestamp,
) -> Result<Outgoing, PayError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    let request = Request::PayOrder { order: order.id, accept_late: true, by_staff: true };
    let (outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &[request], now).await?;
    match outcomes.first() {
        Some(Outcome::Paid) => {}
        Some(Outcome::AlreadyPaid) => return Err(PayError::AlreadyPaid),
        Some(Outcome::NoRoom) => return Err(PayError::NoRoom),
        _ if order.require_approval => return Err(PayError::Approval),
        _ => return Err(PayError::Canceled),
    }
    let mut outgoing = boxoffice::write(&lock, event, &changes, now).await?;
    // Read again under the lock: a payment may have come in since the caller read the order.
    let order = super::by_id(tx, event, order.id).await?.ok_or(PayError::Canceled)?;
    sql::cancel_open_payments(&lock, order.id).await?;
    let settled = order.payments.iter().filter(|payment| payment.state == PaymentState::Confirmed);
    let open = order.total.minor() - settled.map(|payment| payment.amount.minor()).sum::<i64>();
    if open > 0 {
        sql::insert_confirmed_payment(&lock, order.id, Provider::Manual, open, now).await?;
    }
    let actor = sql::Actor::Token(staff.token());
    sql::log(tx, event, &[order.id], "pretix.event.order.paid", &actor, now).await?;
    let then_mail = match send_email {
        true => Some(mail::queue(tx, event, order.id, mail::Kind::OrderPaid, None, now).await?),
        false => None,
    };
    let message = Message::RenderTickets { order: order.id, then_mail };
    outgoing.add(outbox::record(tx, &[message], now).await?);
    Ok(outgoing)
}

/// How many orders one transaction expires: the lock is held for so long and no longer.
pub const EXPIRE_CHUNK: i64 = 100;

/// Overdue orders that expire in one transaction.
#[derive(Debug)]
pub struct Overdue<'a> {
    /// These do not expire: they have failed.
    but: &'a [OrderId],
    max: i64,
    /// The first of them, once it is known: also when they fail.
    pub first: Option<OrderId>,
}

impl<'a> Overdue<'a> {
    /// Up to `max` orders, without some.
    pub fn but(but: &'a [OrderId], max: i64) -> Self {
        Self { but, max, first: None }
    }
}

/// Expires overdue orders of the event and gives their places back (spec domain 13.2). Returns how many.
pub async fn expire_due(
    tx: &Tx<'_>,
    event: &Event,
    catalogue: &Catalogue,
    overdue: &mut Overdue<'_>,
    now: Timestamp,
) -> Result<usize, DbError> {
    if !event.settings.payment_term_expire_automatically() {
        return Ok(0);
    }
    let lock = EventLock::acquire(tx, event.id).await?;
    let found = sql::overdue(&lock, now, overdue.but, overdue.max).await?;
    overdue.first = found.first().map(|(order, _)| *order);
    let due = found.into_iter().filter(|(_, expires_at)| event.expire_moment(*expires_at) <= now);
    let requests: Vec<Request> = due.map(|(order, _)| Request::ExpireOrder { order }).collect();
    if requests.is_empty() {
        return Ok(0);
    }
    let (outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &requests, now).await?;
    let _nothing_to_send = boxoffice::write(&lock, event, &changes, now).await?;
    let expired: Vec<OrderId> = changes.orders.keys().copied().collect();
    sql::log(tx, event, &expired, "pretix.event.order.expired", &sql::Actor::System, now).await?;
    debug_assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Expired).count(), expired.len());
    Ok(expired.len())
}
