//! New orders become rows (spec domain 11). Which ones there are, the box office has decided.

pub mod sql;

use crate::{
    boxoffice::{self, PlacedOrder},
    event::Event,
    mail,
    outbox::{self, Message, Outgoing},
    port::{db::DbError, lock::EventLock},
    time::Timestamp,
};

/// Writes the orders of a batch with all that belongs to them, with a fixed number of statements that are sent together. Nothing that is not needed for the sale happens under the lock: mails are
/// written and tickets are drawn by workers.
pub async fn write(
    lock: &EventLock<'_>,
    event: &Event,
    orders: &[PlacedOrder],
    now: Timestamp,
) -> Result<Outgoing, DbError> {
    if orders.is_empty() {
        return Ok(Outgoing::default());
    }
    let messages: Vec<Message> = orders.iter().flat_map(|order| messages(order, event)).collect();
    let of_each = orders.iter().flat_map(|order| order.fees.iter().map(|fee| (order.identity.order, fee)));
    let fees = of_each.collect();
    let (.., outgoing) = tokio::try_join!(
        biased;
        sql::hold_carts(lock, orders),
        sql::place(lock, event, orders, now),
        sql::copy_answers(lock, orders),
        boxoffice::order::sql::add_fees(lock, fees),
        sql::open_ledger_of_fees(lock, orders, now),
        outbox::record(lock.tx(), &messages, now),
    )?;
    Ok(outgoing)
}

/// The mail that confirms an order.
pub fn confirmation(order: &PlacedOrder) -> mail::Kind {
    if order.is_free() { mail::Kind::OrderFree } else { mail::Kind::OrderPlaced }
}

/// A free order has its tickets at once and its mail carries them; others hear how to pay. Nobody is told what nobody
/// wants to hear.
fn messages(placed: &PlacedOrder, event: &Event) -> impl Iterator<Item = Message> + use<> {
    let (order, mail) = (placed.identity.order, placed.identity.mail);
    let confirmation = match placed.is_free() {
        true => Message::RenderTickets { order, then_mail: Some(mail) },
        false => Message::SendMail { mail },
    };
    std::iter::once(confirmation).chain(event.staff_listens.then_some(Message::NotifyStaff { order }))
}
