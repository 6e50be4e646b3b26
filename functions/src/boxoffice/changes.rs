//! What is to be written so that the database agrees with what was decided.

use std::collections::BTreeMap;

use super::{CartId, PlacedOrder, Product, UnitPrice, Uses};
use crate::{
    id::{CartPositionId, OrderId, QuotaId},
    order::OrderStatus,
    time::Timestamp,
};

/// A position to be put into a cart.
#[derive(Debug, Clone)]
pub struct NewCartPosition {
    /// The cart.
    pub cart: CartId,
    /// What.
    pub product: Product,
    /// Its price.
    pub price: UnitPrice,
    /// When the reservation ends.
    pub expires_at: Timestamp,
    /// When renewing ends.
    pub max_extend_at: Timestamp,
}

/// A position whose reservation begins anew, at the present price if it had ended.
#[derive(Debug, Clone)]
pub struct RenewedCartPosition {
    /// The position.
    pub id: CartPositionId,
    /// When the reservation ends now.
    pub expires_at: Timestamp,
    /// When renewing ends.
    pub max_extend_at: Timestamp,
    /// The new price, if the reservation had ended.
    pub price: Option<UnitPrice>,
}

/// What is to be written so that the database agrees with the outcomes.
#[derive(Debug, Default)]
pub struct Changes {
    /// Differences of the quotas' counters.
    pub uses: BTreeMap<QuotaId, Uses>,
    /// Positions whose time has passed: they hold nothing any more.
    pub released: Vec<CartPositionId>,
    /// Positions that go on.
    pub renewed: Vec<RenewedCartPosition>,
    /// Positions to add.
    pub added: Vec<NewCartPosition>,
    /// Positions to delete.
    pub deleted: Vec<CartPositionId>,
    /// Orders to be written, from positions that are to be deleted.
    pub orders_placed: Vec<PlacedOrder>,
    /// New states of orders.
    pub orders: BTreeMap<OrderId, OrderStatus>,
    /// Quotas that have sold out and close.
    pub closed: Vec<QuotaId>,
}
