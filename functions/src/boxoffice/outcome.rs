//! What became of a request.

use serde::{Deserialize, Serialize};

use super::{OrderRefusal, Product};
use crate::{
    id::{ItemId, OrderId},
    order::OrderStatus,
};

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The cart as it is now.
    Cart(CartOutcome),
    /// The cart became an order.
    Placed {
        /// Its row.
        order: OrderId,
        /// Its code.
        code: String,
        /// The buyer's key to it.
        secret: String,
    },
    /// No order, but the cart was brought up to date.
    NotPlaced(NotPlaced),
    /// The order was not paid before and is now.
    Paid,
    /// The order was paid already.
    AlreadyPaid,
    /// The order is cancelled, or late and not accepted.
    NotPayable,
    /// The order has expired and its places are sold.
    NoRoom,
    /// The order gave its places back.
    Expired,
    /// Nothing to do: the order is not pending.
    NotPending,
    /// No order without a cart: these positions cannot be, by their places in the request.
    NotCreated(Vec<(usize, OrderRefusal)>),
    /// What was asked for an order is done; it stands like this now.
    OrderChanged(OrderStatus),
    /// What was asked for an order is not done; nothing has changed.
    OrderRefused(OrderRefusal),
}

/// Why an order was not placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotPlaced {
    /// There is nothing in the cart.
    Empty,
    /// These are gone and were taken out of the cart.
    Unavailable(Vec<Product>),
    /// Prices have changed since the buyer saw them.
    PriceChanged,
}

/// What happened in a cart. The possible part is done even if another part is not (spec domain 8.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartOutcome {
    /// How many positions were added.
    pub added: i64,
    /// Products of which fewer than wanted were added, but some.
    pub in_part: Vec<Product>,
    /// Products of which nothing could be had.
    pub unavailable: Vec<Product>,
    /// Products whose reservation had ended and whose places are gone.
    pub removed: Vec<Product>,
    /// Nothing was added because of a limit.
    pub refused: Option<CartRefusal>,
}

/// A limit that a cart would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CartRefusal {
    /// Too many positions.
    MaxPositions(i64),
    /// Too many of one item.
    MaxPerOrder(ItemId, i64),
    /// Too few of one item.
    MinPerOrder(ItemId, i64),
}
