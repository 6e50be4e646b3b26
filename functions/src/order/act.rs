//! What staff does to an order, apart from taking its money (spec domain 13.4, 13.5, 13.6, 14, 15).

use super::{OrderStatus, sql};
use crate::{
    boxoffice::{self, Change, OrderAction, OrderRefusal, Outcome, Request},
    catalogue::Catalogue,
    event::Event,
    id::OrderId,
    mail,
    outbox::{self, Message, Outgoing},
    port::{
        db::{DbError, Tx},
        lock::EventLock,
    },
    staff::Staff,
    time::Timestamp,
};

/// What staff wants.
#[derive(Debug, Clone)]
pub struct Act {
    /// The order.
    pub order: OrderId,
    /// What is to happen to it.
    pub action: OrderAction,
    /// The buyer is told, where there is a mail for it.
    pub send_email: bool,
    /// What the mail says in staff's own words.
    pub note: Option<String>,
}

/// Why nothing happened.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The rules are against it.
    #[error("the order was not changed: {0:?}")]
    Refused(OrderRefusal),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Does something to an order: its rows, its places, its ledger, the log and the messages that follow, all in this
/// transaction.
pub async fn act(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    catalogue: &Catalogue,
    wanted: &Act,
    now: Timestamp,
) -> Result<Outgoing, ActError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    let request = Request::ChangeOrder { order: wanted.order, action: wanted.action.clone() };
    let (outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &[request], now).await?;
    let status = match outcomes.into_iter().next() {
        Some(Outcome::OrderChanged(status)) => status,
        Some(Outcome::OrderRefused(refusal)) => return Err(ActError::Refused(refusal)),
        other => unreachable!("an order is changed or not, not {other:?}"),
    };
    let mut outgoing = boxoffice::write(&lock, event, &changes, now).await?;
    let actor = sql::Actor::Token(staff.token());
    for action in logged(&wanted.action) {
        sql::log(tx, event, &[wanted.order], action, &actor, now).await?;
    }
    outgoing.add(messages(tx, event, wanted, status, now).await?);
    Ok(outgoing)
}

/// Staff says that the time to pay is over (spec domain 13.6).
pub async fn mark_expired(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    catalogue: &Catalogue,
    order: OrderId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    let (outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &[Request::ExpireOrder { order }], now).await?;
    if outcomes.first() != Some(&Outcome::Expired) {
        return Ok(false);
    }
    let _nothing_to_send = boxoffice::write(&lock, event, &changes, now).await?;
    let actor = sql::Actor::Token(staff.token());
    sql::log(tx, event, &[order], "pretix.event.order.expired", &actor, now).await?;
    Ok(true)
}

/// What the log calls it: each kind of change once.
fn logged(action: &OrderAction) -> Vec<&'static str> {
    match action {
        OrderAction::Cancel { .. } | OrderAction::MarkRefunded => vec!["pretix.event.order.canceled"],
        OrderAction::MarkPending => vec!["pretix.event.order.unpaid"],
        OrderAction::Extend { .. } => vec!["pretix.event.order.expirychanged"],
        OrderAction::Reactivate { .. } => vec!["pretix.event.order.reactivated"],
        OrderAction::Approve { .. } => vec!["pretix.event.order.approved"],
        OrderAction::Deny => vec!["pretix.event.order.denied"],
        OrderAction::Change { changes, .. } => {
            let mut names: Vec<_> = changes.iter().map(changed).collect();
            names.sort_unstable();
            names.dedup();
            names
        }
    }
}

fn changed(change: &Change) -> &'static str {
    match change {
        Change::AddPosition { .. } => "pretix.event.order.changed.add",
        Change::CancelPosition { .. } => "pretix.event.order.changed.cancel",
        Change::SwapProduct { .. } => "pretix.event.order.changed.item",
        Change::SetPrice { .. } => "pretix.event.order.changed.price",
        Change::AddFee { .. } => "pretix.event.order.changed.addfee",
        Change::SetFee { .. } => "pretix.event.order.changed.feevalue",
        Change::CancelFee { .. } => "pretix.event.order.changed.cancelfee",
    }
}

/// Tells the buyer, and draws the tickets of what is paid now.
async fn messages(
    tx: &Tx<'_>,
    event: &Event,
    wanted: &Act,
    status: OrderStatus,
    now: Timestamp,
) -> Result<Outgoing, DbError> {
    let paid = status == OrderStatus::Paid;
    let kind = match &wanted.action {
        OrderAction::Cancel { .. } => Some(mail::Kind::OrderCanceled),
        OrderAction::Approve { .. } if paid => Some(mail::Kind::OrderApprovedFree),
        OrderAction::Approve { .. } => Some(mail::Kind::OrderApproved),
        OrderAction::Deny => Some(mail::Kind::OrderDenied),
        OrderAction::Change { .. } => Some(mail::Kind::OrderChanged),
        OrderAction::MarkRefunded
        | OrderAction::MarkPending
        | OrderAction::Extend { .. }
        | OrderAction::Reactivate { .. } => None,
    };
    let order = wanted.order;
    let mail = match kind.filter(|_| wanted.send_email) {
        Some(kind) => Some((kind, mail::queue_with_note(tx, event, order, kind, wanted.note.as_deref(), now).await?)),
        None => None,
    };
    let with_tickets = mail.filter(|(kind, _)| kind.has_tickets()).map(|(_, mail)| mail);
    let alone = mail.filter(|(kind, _)| !kind.has_tickets()).map(|(_, mail)| Message::SendMail { mail });
    let tickets = paid.then_some(Message::RenderTickets { order, then_mail: with_tickets });
    let messages: Vec<Message> = tickets.into_iter().chain(alone).collect();
    outbox::record(tx, &messages, now).await
}
