//! What an event has, as far as a batch needs it.

use std::collections::BTreeMap;

use super::{CartId, Identity, Offer, OrderStock, Product, Quota, UnitPrice};
use crate::{
    id::{CartPositionId, OrderId, QuotaId},
    money::Currency,
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
    /// When the reservation ends.
    pub expires_at: Timestamp,
    /// When renewing ends.
    pub max_extend_at: Timestamp,
    /// Whether it is counted in the quotas' carts.
    pub holds_stock: bool,
}

/// What an event has, as far as a batch needs it.
#[derive(Debug, Clone)]
pub struct Stock {
    /// Currency of the event.
    pub currency: Currency,
    /// Limits of carts.
    pub rules: CartRules,
    /// Every quota of the event.
    pub quotas: BTreeMap<QuotaId, Quota>,
    /// The quotas that count a product. A product without a quota cannot be sold (spec domain 2.2).
    pub quotas_of: BTreeMap<Product, Vec<QuotaId>>,
    /// What the catalogue says.
    pub offers: BTreeMap<Product, Offer>,
    /// Positions of the carts in the batch, and expired ones of other carts.
    pub cart_positions: BTreeMap<CartPositionId, CartPosition>,
    /// For each request of the batch that may become an order, by its place in the batch.
    pub identities: BTreeMap<usize, Identity>,
    /// The orders in the batch.
    pub orders: BTreeMap<OrderId, OrderStock>,
}
