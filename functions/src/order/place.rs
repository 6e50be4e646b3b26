//! From a cart to an order (spec domain 11).

use super::{OrderStatus, PaymentState, sql};
use crate::{
    boxoffice::{self, CartId, NotPlaced, Outcome, Request},
    cart::{self, Position, Session},
    catalogue::Catalogue,
    event::Event,
    i18n::Lang,
    id::OrderId,
    mail,
    money::Money,
    outbox::{self, Message, Outgoing},
    payment::Provider,
    port::{
        codes::Codes,
        db::{DbError, Tx},
        lock::EventLock,
    },
    time::Timestamp,
};

/// Everything an order is made of.
pub struct PlaceOrder<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its catalogue.
    pub catalogue: &'a Catalogue,
    /// The cart.
    pub cart: &'a CartId,
    /// The form that was sent: sent again, it finds the same order.
    pub form_token: &'a str,
    /// The total that was shown.
    pub agreed_total: Money,
    /// The buyer's contact data.
    pub session: &'a Session,
    /// How it will be paid, if anything is to be paid.
    pub payment: Provider,
    /// The buyer's language.
    pub lang: Lang,
}

/// What became of it.
#[derive(Debug)]
pub enum Placement {
    /// There is an order, new or from the same form before.
    Order {
        /// Its code.
        code: String,
        /// Its secret.
        secret: String,
        /// What to send after the commit.
        outgoing: Outgoing,
    },
    /// There is none; the cart was brought up to date.
    None(NotPlaced),
}

/// How many codes are drawn; of a collision among so many something else is the cause.
const CODES_DRAWN: usize = 20;

/// Places the order. Nothing that is not needed for the sale happens under the lock: mails are written and tickets are
/// drawn by workers.
pub async fn place(tx: &Tx<'_>, order: &PlaceOrder<'_>, codes: &Codes, now: Timestamp) -> Result<Placement, DbError> {
    let event = order.event;
    let lock = EventLock::acquire(tx, event.id).await?;
    if let Some((code, secret)) = sql::by_form_token(tx, event.id, order.form_token).await? {
        return Ok(Placement::Order { code, secret, outgoing: Outgoing::default() });
    }
    let positions = cart::positions(tx, event, order.catalogue, order.cart).await?;
    let request = Request::PlaceOrder { cart: order.cart.clone(), agreed_total: order.agreed_total };
    let (outcomes, changes) = boxoffice::serve(&lock, event, order.catalogue, &[request], now).await?;
    let placement = match outcomes.into_iter().next() {
        Some(Outcome::Placed { positions: placed, free }) => {
            let mut positions: Vec<_> =
                positions.into_iter().filter(|position| placed.contains(&position.id)).collect();
            for renewed in &changes.renewed {
                let (Some(price), Some(position)) = (renewed.price, positions.iter_mut().find(|p| p.id == renewed.id))
                else {
                    continue;
                };
                (position.price, position.tax, position.tax_rate) = (price.gross, price.tax, price.tax_rate);
                position.saving = price.saving;
            }
            for repriced in &changes.repriced {
                for position in positions.iter_mut().filter(|position| position.id == repriced.id) {
                    let price = repriced.price;
                    (position.price, position.tax, position.saving) = (price.gross, price.tax, price.saving);
                }
            }
            write(&lock, order, &positions, free, codes, now).await?
        }
        Some(Outcome::NotPlaced(why)) => Placement::None(why),
        other => unreachable!("an order request is placed or not, not {other:?}"),
    };
    // Last, because deleting the cart's rows deletes the answers that the order has copied.
    boxoffice::write(&lock, &changes, now).await?;
    Ok(placement)
}

/// Writes the rows of a new order: the order, its positions, payment, log and messages.
async fn write(
    lock: &EventLock<'_>,
    order: &PlaceOrder<'_>,
    positions: &[Position],
    free: bool,
    codes: &Codes,
    now: Timestamp,
) -> Result<Placement, DbError> {
    let event = order.event;
    let code = unused_code(lock, event, codes).await?;
    let provider = if free { Provider::Free } else { order.payment };
    let new = NewOrder {
        code,
        status: if free { OrderStatus::Paid } else { OrderStatus::Pending },
        secret: codes.url_secret(),
        internal_secret: codes.url_secret(),
        expires_at: event.payment_deadline(now),
        payment: provider,
        payment_state: if free { PaymentState::Confirmed } else { PaymentState::Created },
    };
    let id = sql::insert_order(lock, order, &new, now).await?;
    let secrets: Vec<PositionSecrets> = positions.iter().map(|_| PositionSecrets::draw(codes)).collect();
    sql::insert_positions(lock, event, id, positions, &secrets).await?;
    sql::insert_payment(lock, id, &new, order.agreed_total, now).await?;
    sql::log(lock.tx(), event, &[id], "pretix.event.order.placed", &sql::Actor::Buyer, now).await?;
    let outgoing = messages(lock, event, id, free, now).await?;
    cart::sql::delete_session(lock, order.cart).await?;
    Ok(Placement::Order { code: new.code, secret: new.secret, outgoing })
}

/// The parts of an order that are decided here.
pub(super) struct NewOrder {
    pub code: String,
    pub status: OrderStatus,
    pub secret: String,
    pub internal_secret: String,
    pub expires_at: Timestamp,
    pub payment: Provider,
    pub payment_state: PaymentState,
}

/// The secrets of a position.
pub(super) struct PositionSecrets {
    pub ticket: String,
    pub web: String,
    pub pseudonym: String,
}

impl PositionSecrets {
    fn draw(codes: &Codes) -> Self {
        Self { ticket: codes.ticket_secret(), web: codes.url_secret(), pseudonym: codes.pseudonymization_id() }
    }
}

/// Shortest order code (spec domain 10.3).
const CODE_LENGTH: usize = 5;

/// A code that no order of the organiser has. Another event may take it before we commit: then the unique index
/// refuses and the buyer's second try draws another.
async fn unused_code(lock: &EventLock<'_>, event: &Event, codes: &Codes) -> Result<String, DbError> {
    for length in CODE_LENGTH.. {
        let drawn: Vec<String> = (0..CODES_DRAWN).map(|_| codes.order_code(length, event.testmode)).collect();
        let taken = sql::taken_codes(lock.tx(), event.organizer.id, &drawn).await?;
        if let Some(free) = drawn.into_iter().find(|code| !taken.contains(code)) {
            return Ok(free);
        }
    }
    unreachable!("some length has a free code")
}

/// A free order has its tickets at once and its mail carries them; others hear how to pay.
async fn messages(
    lock: &EventLock<'_>,
    event: &Event,
    order: OrderId,
    free: bool,
    now: Timestamp,
) -> Result<Outgoing, DbError> {
    let kind = if free { mail::Kind::OrderFree } else { mail::Kind::OrderPlaced };
    let mail = mail::queue(lock.tx(), event, order, kind, None, now).await?;
    let confirmation = match free {
        true => Message::RenderTickets { order, then_mail: Some(mail) },
        false => Message::SendMail { mail },
    };
    outbox::record(lock.tx(), &[confirmation, Message::NotifyStaff { order }], now).await
}
