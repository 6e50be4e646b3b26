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

/// Why a ticket did not get the code that was chosen for it.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError {
    /// Another ticket of the organiser has it.
    #[error("This secret is used by another ticket.")]
    Taken,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
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
    let (positions, link) = match whose {
        Whose::Order => (order.positions.iter().collect(), Some(codes.url_secret())),
        Whose::Position(position) => (vec![position], None),
    };
    let draw = |position: &&Position| sql::Drawn {
        position: position.id,
        ticket: codes.ticket_secret(),
        web: Some(codes.url_secret()),
    };
    replace(tx, staff, event, order, (&positions.iter().map(draw).collect::<Vec<_>>(), link.as_deref()), now).await
}

/// Gives a ticket the code that a program has chosen for it.
pub async fn choose(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    order: &Order,
    (position, code): (&Position, String),
    now: Timestamp,
) -> Result<Outgoing, ChooseError> {
    if position.secret == code {
        return Ok(Outgoing::default());
    }
    let drawn = [sql::Drawn { position: position.id, ticket: code, web: None }];
    replace(tx, staff, event, order, (&drawn, None), now).await.map_err(|error| match error.constraint() {
        Some("order_position_secret_key") => ChooseError::Taken,
        _ => error.into(),
    })
}

async fn replace(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    order: &Order,
    (drawn, link): (&[sql::Drawn], Option<&str>),
    now: Timestamp,
) -> Result<Outgoing, DbError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    // The order first, as doors take them.
    sql::touch(&lock, order.id, link, now).await?;
    sql::replace(&lock, event.organizer.id, order.id, drawn, now).await?;
    // A blocked ticket is blocked under its new code too.
    super::validity::sql::tell(&lock, &drawn.iter().map(|it| it.position).collect(), now).await?;
    super::log_by(tx, staff, event, order.id, "pretix.event.order.changed.secret", now).await?;
    match order.status {
        OrderStatus::Paid => {
            outbox::record(tx, &[Message::RenderTickets { order: order.id, then_mail: None }], now).await
        }
        OrderStatus::Pending | OrderStatus::Expired | OrderStatus::Canceled => Ok(Outgoing::default()),
    }
}
