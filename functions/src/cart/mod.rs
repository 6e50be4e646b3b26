//! Carts: what a buyer has put aside, and what was told on the way to the order (spec domain 8, 9).

pub mod edit;
pub mod sql;

use serde::{Deserialize, Serialize};

use crate::{
    boxoffice::{CartId, Product},
    catalogue::Catalogue,
    event::Event,
    id::{CartPositionId, DiscountId, EventId, QuestionId},
    money::{Money, TaxRate},
    payment::Provider,
    port::db::{DbError, Query},
    pricing::{Bill, TaxedLine},
    time::Timestamp,
};

/// A position as the buyer sees it.
#[derive(Debug, Clone)]
pub struct Position {
    /// Its row.
    pub id: CartPositionId,
    /// What it is.
    pub product: Product,
    /// Its price in the catalogue.
    pub listed: Money,
    /// What its voucher takes off it.
    pub saving: Money,
    /// The price, with tax, that the buyer typed.
    pub custom_price: Option<Money>,
    /// The code of its voucher.
    pub voucher_code: Option<String>,
    /// The position that it was added to, or is a part of.
    pub parent: Option<CartPositionId>,
    /// It is a part of its parent.
    pub bundled: bool,
    /// Its price with tax.
    pub price: Money,
    /// Rate of the tax in it.
    pub tax_rate: TaxRate,
    /// The tax in it.
    pub tax: Money,
    /// What an automatic discount took off, with tax.
    pub off: Money,
    /// That discount.
    pub discount: Option<DiscountId>,
    /// When its reservation ends.
    pub expires_at: Timestamp,
    /// When renewing ends.
    pub max_extend_at: Timestamp,
    /// The attendee.
    pub attendee: Attendee,
    /// Answers in their stored form.
    pub answers: Vec<(QuestionId, String)>,
}

/// Who comes with a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// The full name.
    pub name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The company.
    pub company: Option<String>,
}

/// What the buyer told so far. The browser keeps it, signed ([`Signer::told`](crate::session::Signer::told)), until it
/// becomes part of the order: a row for it (spec domain 8.1) would be written and deleted again for every buyer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// The buyer's address; given once the questions step is complete.
    pub email: Option<String>,
    /// The buyer's phone.
    pub phone: Option<String>,
    /// The chosen way to pay.
    pub payment: Option<Provider>,
}

/// What the questions step has collected about one position.
#[derive(Debug, Clone)]
pub struct PositionAnswers {
    /// The position.
    pub id: CartPositionId,
    /// The attendee.
    pub attendee: Attendee,
    /// Answers in their stored form.
    pub answers: Vec<(QuestionId, String)>,
}

impl PositionAnswers {
    /// Whether there is nothing new in it.
    pub fn says_the_same_as(&self, known: &Position) -> bool {
        self.id == known.id && self.attendee == known.attendee && self.answers == known.answers
    }
}

/// The positions of a cart in the order of the shop, expired ones among them. What belongs to a position follows it, its
/// parts before its add-ons (spec domain 10.5).
pub async fn read(
    q: &impl Query,
    event: &Event,
    catalogue: &Catalogue,
    cart: &CartId,
) -> Result<Vec<Position>, DbError> {
    let answers =
        async { if catalogue.questions.is_empty() { Ok(Vec::new()) } else { sql::answers(q, event.id, cart).await } };
    let (mut positions, answers) = tokio::try_join!(biased; sql::read(q, event.id, event.currency, cart), answers)?;
    for (id, question, answer) in answers {
        // A position that has gone between the two statements has no answers either.
        positions.iter_mut().filter(|p| p.id == id).for_each(|p| p.answers.push((question, answer.clone())));
    }
    Ok(in_order(catalogue, positions))
}

/// The order of the shop; what belongs to a position follows it.
fn in_order(catalogue: &Catalogue, mut positions: Vec<Position>) -> Vec<Position> {
    let key = |position: &Position| (catalogue.rank(position.product), position.price.minor(), position.id);
    positions.sort_by_key(key);
    let (on_top, mut below): (Vec<_>, Vec<_>) = positions.into_iter().partition(|position| position.parent.is_none());
    below.sort_by_key(|position| !position.bundled);
    let mut ordered = Vec::new();
    for position in on_top {
        let id = position.id;
        ordered.push(position);
        ordered.extend(below.extract_if(.., |child| child.parent == Some(id)));
    }
    ordered
}

/// What the positions of a cart cost as a whole, paid in a certain way if one is chosen.
pub fn bill(catalogue: &Catalogue, positions: &[Position], provider: Option<Provider>) -> Bill {
    let line = |position: &Position| TaxedLine::new(position.price, position.tax, position.tax_rate);
    catalogue.billing.bill(positions.iter().map(line).collect(), provider)
}

/// Keeps what the questions step was told. One statement that commits by itself: a function that dies or is stopped keeps no
/// row, and so no batch, waiting.
pub async fn save_answers(
    q: &impl Query,
    event: EventId,
    cart: &CartId,
    told: &[PositionAnswers],
) -> Result<(), DbError> {
    sql::save_answers(q, event, cart, told).await
}
