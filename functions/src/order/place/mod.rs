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

/// Writes the orders of a batch: order, positions, answers, payment, log, mail and messages, with one statement for
/// each kind of row, all sent together. Nothing that is not needed for the sale happens under the lock: mails are
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
    let messages: Vec<Message> = orders.iter().flat_map(messages).collect();
    let of_each = orders.iter().flat_map(|order| order.fees.iter().map(|fee| (order.identity.order, fee)));
    let fees = of_each.collect();
    let (.., outgoing) = tokio::try_join!(
        biased;
        sql::insert_orders(lock, event, orders, now),
        sql::insert_positions(lock, event, orders),
        sql::copy_answers(lock, orders),
        boxoffice::order::sql::add_fees(lock, fees),
        sql::insert_payments(lock, orders, now),
        sql::open_ledger(lock, orders, now),
        sql::log_placed(lock, event, orders, now),
        sql::delete_sessions(lock, orders),
        mail::sql::insert_confirmations(lock, event, orders, now),
        outbox::record(lock.tx(), &messages, now),
    )?;
    Ok(outgoing)
}

/// The mail that confirms an order.
pub fn confirmation(order: &PlacedOrder) -> mail::Kind {
    if order.is_free() { mail::Kind::OrderFree } else { mail::Kind::OrderPlaced }
}

/// A free order has its tickets at once and its mail carries them; others hear how to pay.
fn messages(placed: &PlacedOrder) -> [Message; 2] {
    let (order, mail) = (placed.identity.order, placed.identity.mail);
    let confirmation = match placed.is_free() {
        true => Message::RenderTickets { order, then_mail: Some(mail) },
        false => Message::SendMail { mail },
    };
    [confirmation, Message::NotifyStaff { order }]
}
