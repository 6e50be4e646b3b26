//! Payments and refunds as staff books them (spec domain 12): what happened to money outside of the shop. Nothing is sent
//! anywhere.

pub mod sql;

use serde_json::{Value, json};

use super::{Order, OrderStatus, PayError, Payment, PaymentState, RefundState};
use crate::{
    boxoffice::{self, Outcome, Request},
    catalogue::Catalogue,
    event::Event,
    gift_card::{self, BookError, Entry},
    id::{GiftCardId, OrderId},
    mail,
    outbox::{self, Message, Outgoing},
    payment::GIFT_CARD,
    port::{
        db::{DbError, Tx},
        lock::EventLock,
    },
    record,
    staff::Staff,
    time::Timestamp,
};

/// A payment to be booked.
#[derive(Debug)]
pub struct NewPayment {
    /// How.
    pub provider: String,
    /// How far.
    pub state: PaymentState,
    /// Minor units.
    pub amount: i64,
    /// When the money was there, if it is.
    pub paid_at: Option<Timestamp>,
    /// What the program says about it.
    pub info: Value,
}

/// A refund to be booked.
#[derive(Debug)]
pub struct NewRefund {
    /// How.
    pub provider: String,
    /// How far.
    pub state: RefundState,
    /// Who wanted it: `admin`, `buyer` or `external`.
    pub source: String,
    /// Minor units.
    pub amount: i64,
    /// The number of the payment that is given back.
    pub payment: Option<i32>,
    /// When the money left.
    pub executed_at: Option<Timestamp>,
    /// For staff.
    pub comment: String,
    /// What the program says about it.
    pub info: Value,
}

/// Where a booking happens.
pub struct Desk<'a> {
    /// The transaction.
    pub tx: &'a Tx<'a>,
    /// The event's lock in it.
    pub lock: &'a EventLock<'a>,
    /// Who books.
    pub staff: &'a Staff,
    /// The event.
    pub event: &'a Event,
    /// The present moment.
    pub now: Timestamp,
}

impl Desk<'_> {
    async fn log(&self, order: OrderId, action: &'static str) -> Result<(), DbError> {
        let actor = super::sql::Actor::Token(self.staff.token());
        super::sql::log(self.tx, self.event, &[order], action, &actor, self.now).await
    }

    /// Notes what was booked on a gift card.
    pub(super) async fn log_card(&self, card: GiftCardId, amount: i64, action: &str) -> Result<(), DbError> {
        let scope = self.staff.scope().of_organizer();
        record::log(self.tx, scope, ("giftcard", card.0), action, &json!({ "value": amount }), self.now).await
    }

    async fn again(&self, order: OrderId) -> Result<Order, DbError> {
        super::by_id(self.tx, self.event, order).await?.ok_or(DbError::RowCount(0))
    }

    /// Books a payment and returns its number. It pays nothing yet, even if it is confirmed: see [`Self::settle`].
    pub async fn add_payment(&self, order: OrderId, new: &NewPayment) -> Result<i32, DbError> {
        let number = sql::insert_payment(self.lock, order, new, self.now).await?;
        self.log(order, "pretix.event.order.payment.added").await?;
        if new.state == PaymentState::Confirmed {
            self.log(order, "pretix.event.order.payment.confirmed").await?;
        }
        Ok(number)
    }

    /// The money of a payment is there.
    pub async fn confirm(&self, order: OrderId, payment: &Payment) -> Result<(), DbError> {
        let (state, at) = (PaymentState::Confirmed, Some(self.now));
        sql::set_payment(self.lock, order, payment.number, state, at).await?;
        self.log(order, "pretix.event.order.payment.confirmed").await
    }

    /// A payment that nobody waits for any more.
    pub async fn cancel(&self, order: OrderId, payment: &Payment) -> Result<(), DbError> {
        sql::set_payment(self.lock, order, payment.number, PaymentState::Canceled, None).await?;
        self.log(order, "pretix.event.order.payment.canceled").await
    }

    /// Marks the order as paid if its payments cover it (spec domain 12.1).
    pub async fn settle(&self, catalogue: &Catalogue, order: OrderId, send_email: bool) -> Result<Outgoing, PayError> {
        let order = self.again(order).await?;
        let is_open = matches!(order.status, OrderStatus::Pending | OrderStatus::Expired) && !order.require_approval;
        if !is_open || order.balance().minor() > 0 {
            return Ok(Outgoing::default());
        }
        let request = Request::PayOrder { order: order.id, accept_late: true, by_staff: true };
        let (outcomes, changes) = boxoffice::serve(self.lock, self.event, catalogue, &[request], self.now).await?;
        match outcomes.first() {
            Some(Outcome::Paid) => {}
            Some(Outcome::NoRoom) => return Err(PayError::NoRoom),
            _ => return Err(PayError::Canceled),
        }
        let mut outgoing = boxoffice::write(self.lock, self.event, &changes, self.now).await?;
        self.log(order.id, "pretix.event.order.paid").await?;
        let then_mail = match send_email {
            true => Some(mail::queue(self.tx, self.event, order.id, mail::Kind::OrderPaid, None, self.now).await?),
            false => None,
        };
        let message = Message::RenderTickets { order: order.id, then_mail };
        outgoing.add(outbox::record(self.tx, &[message], self.now).await?);
        Ok(outgoing)
    }

    /// Books a refund and returns its number.
    pub async fn add_refund(&self, order: OrderId, new: &NewRefund) -> Result<i32, DbError> {
        let number = sql::insert_refund(self.lock, order, new, self.now).await?;
        let external = new.state == RefundState::External;
        let action =
            if external { "pretix.event.order.refund.created.externally" } else { "pretix.event.order.refund.created" };
        self.log(order, action).await?;
        // Money that went back outside of the shop, and is just what was too much (spec domain 12.2).
        let settles = external && self.again(order).await?.balance().minor() + new.amount == 0;
        if new.state == RefundState::Done || settles {
            self.finish_refund(order, number).await?;
        }
        Ok(number)
    }

    /// Gives money of a payment with a gift card back to the same card, and returns the number of the refund (spec domain
    /// 20.1). `None` if the payment was not made with a card of the organiser.
    pub async fn refund_to_card(
        &self,
        order: OrderId,
        payment: &Payment,
        amount: i64,
        comment: &str,
    ) -> Result<Option<i32>, BookError> {
        let Some(card) = sql::card_of(self.lock, order, payment.number).await? else { return Ok(None) };
        let entry = Entry { amount, order: Some((self.event.id, order)), ..Entry::default() };
        gift_card::book(self.tx, self.event.organizer.id, card, &entry, self.now).await?;
        self.log_card(card, amount, "pretix.giftcards.transaction.refund").await?;
        let new = NewRefund {
            provider: GIFT_CARD.to_owned(),
            state: RefundState::Done,
            source: "admin".to_owned(),
            amount,
            payment: Some(payment.number),
            executed_at: Some(self.now),
            comment: comment.to_owned(),
            info: json!({ "gift_card": card }),
        };
        Ok(Some(self.add_refund(order, &new).await?))
    }

    /// The money was given back: its payment is refunded when all of it was.
    pub async fn finish_refund(&self, order: OrderId, refund: i32) -> Result<(), DbError> {
        sql::set_refund(self.lock, order, refund, RefundState::Done, Some(self.now)).await?;
        sql::mark_refunded_payments(self.lock, order).await?;
        self.log(order, "pretix.event.order.refund.done").await
    }

    /// The money is not given back after all.
    pub async fn cancel_refund(&self, order: OrderId, refund: i32) -> Result<(), DbError> {
        sql::set_refund(self.lock, order, refund, RefundState::Canceled, None).await?;
        self.log(order, "pretix.event.order.refund.canceled").await
    }
}
