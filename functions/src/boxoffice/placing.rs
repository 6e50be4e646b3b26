//! An order on its way from a cart into the database (spec domain 10, 11).

use serde::{Deserialize, Deserializer, Serialize};

use super::{CartId, OrderFee, Product, UnitPrice};
use crate::{
    cart::Session,
    id::{CartPositionId, MailId, OrderId},
    money::Money,
    order::{OrderStatus, PaymentState},
    payment::Provider,
    port::codes::{Codes, Seed},
    pricing::{Rounding, TaxedLine},
};

/// What an order needs besides its cart. It travels with the request, so that whoever serves it can write the order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Draft {
    /// What the buyer told. An earlier release leaves nothing here: its buyers are asked again.
    #[serde(deserialize_with = "told_or_nothing")]
    pub told: Session,
    /// The buyer's language.
    pub locale: String,
    /// All secrets of the order are drawn from it, so that deciding needs no randomness of its own.
    pub seed: Seed,
}

fn told_or_nothing<'de, D: Deserializer<'de>>(told: D) -> Result<Session, D::Error> {
    Option::deserialize(told).map(Option::unwrap_or_default)
}

/// What an order is known by, reserved before it is decided whether there will be one.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its row.
    pub order: OrderId,
    /// Its code, which no other order of the organiser has.
    pub code: String,
    /// Another order has the code that was asked for: there cannot be this one.
    pub is_taken: bool,
    /// The row of the mail that tells the buyer.
    pub mail: MailId,
}

/// An order to be written.
#[derive(Debug, Clone)]
pub struct PlacedOrder {
    /// What it is known by.
    pub identity: Identity,
    /// The cart that it was.
    pub cart: CartId,
    /// Its positions may have answers.
    pub may_have_answers: bool,
    /// Who ordered.
    pub told: Session,
    /// The buyer's language.
    pub locale: String,
    /// How it will be paid, if anything is to be paid.
    pub payment: Provider,
    /// Paid if nothing is to be paid.
    pub status: OrderStatus,
    /// What is to be paid.
    pub total: Money,
    /// The buyer's key to it.
    pub secret: String,
    /// Key of derived hashes (spec domain 10.4).
    pub internal_secret: String,
    /// How its taxes are rounded.
    pub rounding: Rounding,
    /// Its positions in the order of their numbers, from 1.
    pub positions: Vec<PlacedPosition>,
    /// Its fees in the order of their numbers, from 1.
    pub fees: Vec<OrderFee>,
}

impl PlacedOrder {
    /// Nothing is to be paid.
    pub fn is_free(&self) -> bool {
        self.total.is_zero()
    }

    /// The provider of its first payment.
    pub fn provider(&self) -> Provider {
        if self.is_free() { Provider::Free } else { self.payment }
    }

    /// The state of its first payment.
    pub fn payment_state(&self) -> PaymentState {
        if self.is_free() { PaymentState::Confirmed } else { PaymentState::Created }
    }
}

/// A position to be written. Attendee and answers are copied from the cart.
#[derive(Debug, Clone)]
pub struct PlacedPosition {
    /// Where it comes from.
    pub cart_position: CartPositionId,
    /// What it is.
    pub product: Product,
    /// What it costs, and what its voucher took off.
    pub price: UnitPrice,
    /// That price, rounded with the rest of the order.
    pub line: TaxedLine,
    /// The position of the cart that it was added to, or is a part of.
    pub parent: Option<CartPositionId>,
    /// Its secrets.
    pub secrets: PositionSecrets,
}

/// The secrets of a position (spec domain 10.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionSecrets {
    /// What the QR code says.
    pub ticket: String,
    /// Part of the attendee's page.
    pub web: String,
    /// A name that says nothing.
    pub pseudonym: String,
}

impl PositionSecrets {
    /// Draws them.
    pub fn draw(codes: &Codes) -> Self {
        Self { ticket: codes.ticket_secret(), web: codes.url_secret(), pseudonym: codes.pseudonymization_id() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_of_an_earlier_release_has_told_nothing() {
        let draft = Draft { told: Session::default(), locale: "en".to_owned(), seed: Codes::seeded(1).seed() };
        let mut left = serde_json::to_value(&draft).unwrap();
        left["told"] = serde_json::Value::Null;
        assert_eq!(serde_json::from_value::<Draft>(left).unwrap().told, draft.told);
    }
}
