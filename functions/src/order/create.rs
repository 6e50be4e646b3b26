//! Orders that come into being without a cart (spec rest-api 9.3).

use serde_json::json;

use super::sql;
use crate::{
    boxoffice::{self, CreateOrder, OrderRefusal, Outcome, Request},
    catalogue::Catalogue,
    event::Event,
    gift_card::{self, CardProblem, Due},
    id::OrderId,
    mail,
    order::{
        OrderStatus, PaymentState,
        booking::{Desk, NewPayment},
    },
    outbox::{self, Message, Outgoing},
    payment::GIFT_CARD,
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
    /// A gift card that was to pay cannot.
    #[error("a gift card cannot be used: {0:?}")]
    GiftCard(CardProblem),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<gift_card::PayError> for CreateError {
    fn from(error: gift_card::PayError) -> Self {
        match error {
            gift_card::PayError::Card(problem) => Self::GiftCard(problem),
            gift_card::PayError::Db(error) => Self::Db(error),
        }
    }
}

/// Creates an order: its rows, its places, its ledger, the log and the messages that follow, all in this transaction. Gift
/// cards with these secrets pay as much of it as they can.
#[expect(clippy::too_many_arguments, reason = "each of them is said by the caller")]
pub async fn create(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    catalogue: &Catalogue,
    wanted: CreateOrder,
    gift_cards: &[String],
    send_email: bool,
    now: Timestamp,
) -> Result<(OrderId, Outgoing), CreateError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    let testmode = wanted.testmode;
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
    if changed.require_approval {
        sql::log(tx, event, &[order], "pretix.event.order.placed.require_approval", &actor, now).await?;
    }
    let due = Due { order: (event.id, order), amount: changed.total, testmode };
    let cards = Cards { lock: &lock, staff, event, catalogue, now };
    let by_cards = match gift_cards.is_empty() {
        true => false,
        false => cards.pay(gift_cards, &due, &mut outgoing).await?,
    };
    let (paid, free) = (by_cards || changed.status == OrderStatus::Paid, changed.total.is_zero());
    let kind = match (paid, free) {
        // Who has paid with cards has nothing to pay either (spec domain 22.1).
        (true, true) => mail::Kind::OrderFree,
        (true, false) if by_cards => mail::Kind::OrderFree,
        (true, false) => mail::Kind::OrderPaid,
        (false, _) => mail::Kind::OrderPlaced,
    };
    let log_paid = async {
        match paid && !free {
            true => sql::log(tx, event, &[order], "pretix.event.order.paid", &actor, now).await,
            false => Ok(()),
        }
    };
    // How to pay is told when the order is approved.
    let queue_mail = async {
        match send_email && !changed.require_approval {
            true => mail::queue(tx, event, order, kind, None, now).await.map(Some),
            false => Ok(None),
        }
    };
    let ((), mail) = tokio::try_join!(biased; log_paid, queue_mail)?;
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

/// Where gift cards pay for an order that has just come into being.
struct Cards<'a> {
    lock: &'a EventLock<'a>,
    staff: &'a Staff,
    event: &'a Event,
    catalogue: &'a Catalogue,
    now: Timestamp,
}

impl Cards<'_> {
    /// Takes what they have, as a payment for each, and says whether that is all that is due. An order that is paid in part
    /// waits for the rest.
    async fn pay(&self, secrets: &[String], due: &Due, outgoing: &mut Outgoing) -> Result<bool, CreateError> {
        let (tx, (_, order)) = (self.lock.tx(), due.order);
        let desk = Desk { tx, lock: self.lock, staff: self.staff, event: self.event, now: self.now };
        let given = gift_card::take(tx, self.event.organizer.id, secrets, due, self.now).await?;
        for (card, amount) in &given {
            let payment = NewPayment {
                provider: GIFT_CARD.to_owned(),
                state: PaymentState::Confirmed,
                amount: *amount,
                paid_at: Some(self.now),
                info: json!({ "gift_card": card }),
            };
            desk.add_payment(order, &payment).await?;
            desk.log_card(*card, -amount, "pretix.giftcards.transaction.payment").await?;
        }
        let is_covered = !given.is_empty() && given.iter().map(|(_, amount)| amount).sum::<i64>() >= due.amount.minor();
        if is_covered {
            let request = Request::PayOrder { order, accept_late: true, by_staff: true };
            let (outcomes, changes) =
                boxoffice::serve(self.lock, self.event, self.catalogue, &[request], self.now).await?;
            let Some(Outcome::Paid) = outcomes.first() else {
                unreachable!("an order that holds its places can be paid, not {outcomes:?}")
            };
            outgoing.add(boxoffice::write(self.lock, self.event, &changes, self.now).await?);
        }
        Ok(is_covered)
    }
}
