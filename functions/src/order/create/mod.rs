//! Orders that come into being without a cart (spec rest-api 9.3). Which ones there are, the box office has decided.

pub mod sql;

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    boxoffice::{self, ChangedOrder, CreateOrder, CreatedOrder, OrderRefusal, Outcome, Request},
    catalogue::Catalogue,
    event::Event,
    gift_card::{self, CardProblem, Due},
    id::{OrderId, QuestionId, TokenId},
    mail,
    order::{
        self, OrderStatus, PaymentState,
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

/// The order that a request to create one has come to.
pub fn created(outcome: Outcome) -> Result<OrderId, CreateError> {
    match outcome {
        Outcome::Placed { order, .. } => Ok(order),
        Outcome::NotCreated(positions) => Err(CreateError::Positions(positions)),
        Outcome::OrderRefused(refusal) => Err(CreateError::Refused(refusal)),
        other => unreachable!("an order is created or not, not {other:?}"),
    }
}

/// A new order of a batch, with what was decided about it.
struct New<'a> {
    created: &'a CreatedOrder,
    decided: &'a ChangedOrder,
}

impl New<'_> {
    fn id(&self) -> OrderId {
        self.created.identity.order
    }

    fn is_paid(&self) -> bool {
        self.decided.status == OrderStatus::Paid
    }

    fn answers(&self) -> impl Iterator<Item = (OrderId, i32, QuestionId, &str)> {
        let order = self.id();
        (1..).zip(&self.created.wanted.positions).flat_map(move |(number, position)| {
            position.answers.iter().map(move |(question, text)| (order, number, *question, text.as_str()))
        })
    }

    fn log(&self) -> impl Iterator<Item = (OrderId, &'static str, TokenId)> {
        let waits = self.decided.require_approval.then_some("pretix.event.order.placed.require_approval");
        let is_paid = self.is_paid() && !self.decided.total.is_zero();
        let paid = is_paid.then_some("pretix.event.order.paid");
        let actions = [Some("pretix.event.order.placed"), waits, paid];
        let (order, by) = (self.id(), self.created.wanted.by);
        actions.into_iter().flatten().map(move |action| (order, action, by))
    }

    /// What the buyer hears. How to pay is told when the order is approved.
    fn mail(&self) -> Option<mail::Kind> {
        let wanted = &self.created.wanted;
        let hears = wanted.sends_mail && !wanted.email.is_empty() && !self.decided.require_approval;
        hears.then(|| match (self.is_paid(), self.decided.total.is_zero()) {
            (true, true) => mail::Kind::OrderFree,
            (true, false) => mail::Kind::OrderPaid,
            (false, _) => mail::Kind::OrderPlaced,
        })
    }

    fn messages(&self, event: &Event) -> impl Iterator<Item = Message> + use<> {
        let (order, mail) = (self.id(), self.mail().map(|_| self.created.identity.mail));
        let first = match (self.is_paid(), mail) {
            (true, then_mail) => Some(Message::RenderTickets { order, then_mail }),
            (false, Some(mail)) => Some(Message::SendMail { mail }),
            (false, None) => None,
        };
        first.into_iter().chain(event.staff_listens.then_some(Message::NotifyStaff { order }))
    }
}

/// Writes what belongs to the new orders of a batch besides their rows: answers, the log, mails, and the messages that
/// follow. A fixed number of statements, sent together.
pub async fn write(
    lock: &EventLock<'_>,
    event: &Event,
    created: &[CreatedOrder],
    decided: &BTreeMap<OrderId, ChangedOrder>,
    now: Timestamp,
) -> Result<Outgoing, DbError> {
    if created.is_empty() {
        return Ok(Outgoing::default());
    }
    let orders: Vec<New<'_>> =
        created.iter().map(|created| New { created, decided: &decided[&created.identity.order] }).collect();
    let messages: Vec<Message> = orders.iter().flat_map(|order| order.messages(event)).collect();
    let (.., outgoing) = tokio::try_join!(
        biased;
        sql::answers(lock, &orders),
        sql::log(lock, event, &orders, now),
        sql::mails(lock, event, &orders, now),
        outbox::record(lock.tx(), &messages, now),
    )?;
    Ok(outgoing)
}

/// Creates an order in a transaction of its own: gift cards with these secrets pay as much of it as they can, or it is
/// only looked at. Others share a batch ([`boxoffice::submit`]).
pub async fn create_alone(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    catalogue: &Catalogue,
    mut wanted: CreateOrder,
    gift_cards: &[String],
    now: Timestamp,
) -> Result<(OrderId, Outgoing), CreateError> {
    let lock = EventLock::acquire(tx, staff.event()).await?;
    // What the mail says is known when the cards have paid.
    let sends_mail = std::mem::take(&mut wanted.sends_mail) && !wanted.email.is_empty();
    let (testmode, is_code_chosen) = (wanted.testmode, wanted.code.is_some());
    let request = Request::CreateOrder { wanted: Box::new(wanted) };
    let (outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &[request], now).await?;
    let order = outcomes.into_iter().next().map(created).ok_or(DbError::Undecided)??;
    let written = boxoffice::write(&lock, event, &changes, now).await;
    let mut outgoing = written.map_err(|error| match error.constraint() {
        // Another event of the organiser took it a moment ago.
        Some("orders_code_key") if is_code_chosen => CreateError::Refused(OrderRefusal::CodeTaken),
        _ => CreateError::Db(error),
    })?;
    let decided = &changes.orders[&order];
    let due = Due { order: (event.id, order), amount: decided.total, testmode };
    let is_covered = Cards { lock: &lock, staff, event, catalogue, now }.pay(gift_cards, &due, &mut outgoing).await?;
    if is_covered {
        order::log_by(tx, staff, event, order, "pretix.event.order.paid", now).await?;
    }
    let is_paid = is_covered || decided.status == OrderStatus::Paid;
    if !decided.require_approval {
        // Who has paid with cards has nothing to pay either (spec domain 22.1).
        let kind = if is_paid { mail::Kind::OrderFree } else { mail::Kind::OrderPlaced };
        let mail = match sends_mail {
            true => Some(mail::queue(tx, event, order, kind, None, now).await?),
            false => None,
        };
        let message = match (is_covered, mail) {
            (true, then_mail) => Some(Message::RenderTickets { order, then_mail }),
            (false, Some(mail)) if is_paid => Some(Message::RenderTickets { order, then_mail: Some(mail) }),
            (false, mail) => mail.map(|mail| Message::SendMail { mail }),
        };
        outgoing.add(outbox::record(tx, message.as_slice(), now).await?);
    }
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
        if secrets.is_empty() {
            return Ok(false);
        }
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
