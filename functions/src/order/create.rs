//! Orders that come into being without a cart (spec rest-api 9.3).

use super::sql;
use crate::{
    boxoffice::{self, CreateOrder, OrderRefusal, Outcome, Request},
    catalogue::Catalogue,
    event::Event,
    id::OrderId,
    mail,
    order::OrderStatus,
    outbox::{self, Message, Outgoing},
    port::{
        db::{DbError, Tx},
        lock::EventLock,
    },
    staff::Staff,
    time::Timestamp,
};

/// Why there is no order.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// These positions cannot be, by their places in the request.
    #[error("some positions are not available")]
    Positions(Vec<(usize, OrderRefusal)>),
    /// The order as a whole cannot be.
    #[error("the order was refused: {0:?}")]
    Refused(OrderRefusal),
    /// Another order of the organiser has the code.
    #[error("the code is taken")]
    CodeTaken,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Creates an order: its rows, its places, its ledger, the log and the messages that follow, all in this transaction.
pub async fn create(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    catalogue: &Catalogue,
    wanted: CreateOrder,
    send_email: bool,
    now: Timestamp,
) -> Result<(OrderId, Outgoing), CreateError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    let request = Request::CreateOrder { order: Box::new(wanted) };
    let (outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &[request], now).await?;
    let order = match outcomes.into_iter().next() {
        Some(Outcome::Placed { order, .. }) => order,
        Some(Outcome::NotCreated(positions)) => return Err(CreateError::Positions(positions)),
        Some(Outcome::OrderRefused(refusal)) => return Err(CreateError::Refused(refusal)),
        other => unreachable!("an order is created or not, not {other:?}"),
    };
    let written = boxoffice::write(&lock, event, &changes, now).await;
    let mut outgoing = written.map_err(|error| match error.constraint() {
        Some("orders_code_key") => CreateError::CodeTaken,
        _ => CreateError::Db(error),
    })?;
    let actor = sql::Actor::Token(staff.token());
    sql::log(tx, event, &[order], "pretix.event.order.placed", &actor, now).await?;
    let changed = &changes.orders[&order];
    let (paid, free) = (changed.status == OrderStatus::Paid, changed.total.is_zero());
    if paid && !free {
        sql::log(tx, event, &[order], "pretix.event.order.paid", &actor, now).await?;
    }
    let kind = match (paid, free) {
        (true, true) => mail::Kind::OrderFree,
        (true, false) => mail::Kind::OrderPaid,
        (false, _) => mail::Kind::OrderPlaced,
    };
    // How to pay is told when the order is approved.
    let mail = match send_email && !changed.require_approval {
        true => Some(mail::queue(tx, event, order, kind, None, now).await?),
        false => None,
    };
    let first = match (paid, mail) {
        (true, then_mail) => Some(Message::RenderTickets { order, then_mail }),
        (false, Some(mail)) => Some(Message::SendMail { mail }),
        (false, None) => None,
    };
    let messages: Vec<Message> =
        first.into_iter().chain(event.staff_listens.then_some(Message::NotifyStaff { order })).collect();
    outgoing.add(outbox::record(tx, &messages, now).await?);
    Ok((order, outgoing))
}
