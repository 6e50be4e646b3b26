//! What an event has, as far as a batch needs it.

use std::collections::BTreeMap;

use super::{CartId, Identity, Offer, OrderStock, Product, Quota, UnitPrice, Voucher};
use crate::{
    id::{CartPositionId, OrderId, QuotaId, SubeventId, VoucherId},
    money::{Currency, Money},
    payment::Provider,
    pricing::{Billing, Discount},
    time::Timestamp,
};

/// Limits of carts, from the event's settings.
#[derive(Debug, Clone, Copy)]
pub struct CartRules {
    /// How long a cart keeps its places (spec domain 8.3).
    pub reservation_seconds: i64,
    /// Most positions in one cart (spec domain 8.4).
    pub positions_max: i64,
}

/// What an order needs besides its positions, from the event's settings.
#[derive(Debug, Clone, Default)]
pub struct CheckoutRules {
    /// Buyers are asked questions, so what lies in carts may have answers.
    pub asks_questions: bool,
    /// An order needs a phone number.
    pub needs_phone: bool,
    /// Ways to pay.
    pub providers: Vec<Provider>,
}

/// A position in a cart.
#[derive(Debug, Clone)]
pub struct CartPosition {
    /// Its row.
    pub id: CartPositionId,
    /// The cart.
    pub cart: CartId,
    /// What it is.
    pub product: Product,
    /// What it costs.
    pub price: UnitPrice,
    /// The price, with tax, that the buyer typed.
    pub custom_price: Option<Money>,
    /// The voucher that it uses.
    pub voucher: Option<VoucherId>,
    /// The position that it was added to, or is a part of.
    pub parent: Option<CartPositionId>,
    /// It is a part of its parent.
    pub bundled: bool,
    /// When the reservation ends.
    pub expires_at: Timestamp,
    /// When renewing ends.
    pub max_extend_at: Timestamp,
    /// Whether it is counted in the quotas' carts, or in its voucher's.
    pub holds_stock: bool,
}

/// A use of a voucher by a position of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoucherUse {
    /// The voucher.
    pub voucher: VoucherId,
    /// What it took off, in minor units.
    pub budget_use: i64,
}

/// What an event has, as far as a batch needs it.
#[derive(Debug, Clone)]
pub struct Stock {
    /// Currency of the event.
    pub currency: Currency,
    /// Limits of carts.
    pub rules: CartRules,
    /// Rounding, and what ways to pay cost.
    pub billing: Billing,
    /// The automatic discounts that count now.
    pub discounts: Vec<Discount>,
    /// When the dates of a series begin; `None` for an event that is none.
    pub dates: Option<BTreeMap<SubeventId, Timestamp>>,
    /// The quotas that the batch may touch: all of the event, in a series those of the dates in question.
    pub quotas: BTreeMap<QuotaId, Quota>,
    /// The quotas that count a product. A product without a quota cannot be sold (spec domain 2.2).
    pub quotas_of: BTreeMap<Product, Vec<QuotaId>>,
    /// What the catalogue says.
    pub offers: BTreeMap<Product, Offer>,
    /// Vouchers that the requests or the positions name, and those that keep places though they have expired.
    pub vouchers: BTreeMap<VoucherId, Voucher>,
    /// Positions of the carts in the batch, expired ones of other carts, and those whose voucher is about to change.
    pub cart_positions: BTreeMap<CartPositionId, CartPosition>,
    /// What an order needs besides its positions.
    pub checkout: CheckoutRules,
    /// For each request of the batch that may become an order, by its place in the batch.
    pub identities: BTreeMap<usize, Identity>,
    /// The orders in the batch.
    pub orders: BTreeMap<OrderId, OrderStock>,
}
