//! New secrets for an order and its tickets, when somebody knows the old ones who should not (spec domain 10.4, 15).

pub mod sql;

use super::{Order, OrderStatus, Position};
use crate::{
    event::Event,
    outbox::{self, Message, Outgoing},
    port::{
        codes::Codes,
        db::{DbError, Tx},
        lock::EventLock,
    },
    staff::Staff,
    time::Timestamp,
};

/// Whose secrets are drawn anew.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// The order's and those of all its positions.
    Order,
    /// Those of one position.
    Position(&'a Position),
}

/// Draws new secrets. What the old codes open is nothing from then on; tickets are drawn anew with the new ones.
pub async fn regenerate(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    order: &Order,
    (whose, codes): (Whose<'_>, &Codes),
    now: Timestamp,
) -> Result<Outgoing, DbError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    let (positions, link) = match whose {
        Whose::Order => (order.positions.iter().collect(), Some(codes.url_secret())),
        Whose::Position(position) => (vec![position], None),
    };
    let drawn = positions.iter().map(|it| sql::Drawn {
        position: it.id,
        ticket: codes.ticket_secret(),
        web: codes.url_secret(),
    });
    sql::replace(&lock, event.organizer.id, order.id, &drawn.collect::<Vec<_>>(), now).await?;
    sql::touch(&lock, order.id, link.as_deref(), now).await?;
    super::log_by(tx, staff, event, order.id, "pretix.event.order.changed.secret", now).await?;
    match order.status {
        OrderStatus::Paid => {
            outbox::record(tx, &[Message::RenderTickets { order: order.id, then_mail: None }], now).await
        }
        OrderStatus::Pending | OrderStatus::Expired | OrderStatus::Canceled => Ok(Outgoing::default()),
    }
}
