//! An order that comes into being without a cart (spec rest-api 9.3).

use serde::{Deserialize, Serialize};

use super::{CartId, Identity, Product, UnitPrice};
use crate::{
    cart::Attendee,
    id::{QuestionId, TokenId},
    money::{Money, TaxRate},
    order::Address,
    payment::Provider,
    port::codes::Seed,
    pricing::{FeeType, Rounding},
    record::Record,
    time::Timestamp,
};

/// What a program wants an order to be. It travels with the request, so that whoever serves it can write all of it: a release
/// that does not know all of it leaves it to another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// Its positions in the order of their numbers, from 1.
    pub positions: Vec<CreatePosition>,
    /// Its fees in the order of their numbers, from 1.
    pub fees: Vec<CreateFee>,
    /// The code that it is to have; else one is drawn.
    pub code: Option<String>,
    /// The buyer's address.
    pub email: String,
    /// The buyer's phone.
    pub phone: Option<String>,
    /// The buyer's language.
    pub locale: String,
    /// Not a real order.
    pub testmode: bool,
    /// The channel it came through.
    pub sales_channel: String,
    /// For staff.
    pub comment: String,
    /// Good for admission though it is not paid.
    pub valid_if_pending: bool,
    /// It waits for somebody to approve it.
    pub require_approval: bool,
    /// How its taxes are rounded.
    pub rounding: Rounding,
    /// It is billed to a business.
    #[serde(default)]
    pub is_business: bool,
    /// Until when it must be paid.
    pub expires_at: Timestamp,
    /// How it is paid, or will be.
    pub payment: Option<Provider>,
    /// When the money was there: it is paid then.
    pub paid_at: Option<Timestamp>,
    /// What these carts hold is taken from them, and they are emptied.
    pub consume_carts: Vec<CartId>,
    /// Even if there is no room.
    pub force: bool,
    /// What is noted at it, by column: for staff, for doors, and where the bill goes.
    pub notes: Record,
    /// The buyer hears of it by mail.
    pub sends_mail: bool,
    /// The token of the program.
    pub by: TokenId,
    /// All secrets of the order are drawn from it.
    pub seed: Seed,
}

/// A position of such an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreatePosition {
    /// What.
    pub product: Product,
    /// What it costs in the catalogue, or as was said; its listed price is the catalogue's either way.
    pub price: UnitPrice,
    /// The price was said: nothing is computed.
    #[serde(default)]
    pub is_price_given: bool,
    /// The number of the earlier position that it is added to, or is a part of.
    #[serde(default)]
    pub parent: Option<i32>,
    /// It is a part of its parent.
    #[serde(default)]
    pub bundled: bool,
    /// The code of the voucher that it uses.
    #[serde(default)]
    pub voucher: Option<String>,
    /// Who comes with it.
    pub attendee: Attendee,
    /// Where they live.
    #[serde(default)]
    pub address: Address,
    /// What is answered to questions, in its stored form.
    pub answers: Vec<(QuestionId, String)>,
    /// From when until when its ticket is valid, if not like the event.
    pub valid: Validity,
}

/// From when until when a ticket is valid; where nothing is said, the event has no limit for it (spec domain 19.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// From when.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// A fee of such an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateFee {
    /// What it is for.
    pub fee_type: FeeType,
    /// A closer name.
    pub internal_type: String,
    /// What the buyer reads.
    pub description: String,
    /// How much, with tax, unless it is a share.
    pub gross: Money,
    /// So much of what the positions cost.
    #[serde(default)]
    pub share: Option<TaxRate>,
    /// The rate of the tax in it, unless it has those of the positions.
    pub tax_rate: TaxRate,
    /// Its tax is split as that of the positions: it becomes a fee for each of their rates.
    #[serde(default)]
    pub is_taxed_like_positions: bool,
}

/// An order without a cart, to be written. What is in it follows as a change.
#[derive(Debug, Clone)]
pub struct CreatedOrder {
    /// What it is known by.
    pub identity: Identity,
    /// The buyer's key to it.
    pub secret: String,
    /// Key of derived hashes (spec domain 10.4).
    pub internal_secret: String,
    /// What was wanted.
    pub wanted: CreateOrder,
}

/// What a program puts into a cart: one unit with what comes with it, at prices that it says (spec rest-api 8).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reservation {
    /// What.
    pub product: Product,
    /// What it costs.
    pub price: UnitPrice,
    /// The code of the voucher that it uses.
    pub voucher: Option<String>,
    /// Its parts and its add-ons.
    pub parts: Vec<(Product, UnitPrice)>,
    /// When it ends; after the usual time if nothing is said.
    pub expires_at: Option<Timestamp>,
}
