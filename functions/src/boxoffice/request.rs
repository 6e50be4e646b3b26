//! What somebody wants from the box office.

use super::{CartId, Product};
use crate::{
    id::{CartPositionId, OrderId},
    money::Money,
};

/// One line of "add to cart".
#[derive(Debug, Clone)]
pub struct Line {
    /// What.
    pub product: Product,
    /// How many; at least 1.
    pub count: i64,
    /// The price, with tax, that the buyer chose for a product with a free price.
    pub chosen_price: Option<Money>,
}

/// What somebody wants from the box office.
#[derive(Debug, Clone)]
pub enum Request {
    /// Put into a cart. An empty list renews the reservation of what is in it.
    AddToCart {
        /// The cart.
        cart: CartId,
        /// What to add.
        lines: Vec<Line>,
    },
    /// Take one position out of a cart.
    RemoveFromCart {
        /// The cart.
        cart: CartId,
        /// The position; ignored if it is not in this cart.
        position: CartPositionId,
    },
    /// Take everything out of a cart.
    ClearCart {
        /// The cart.
        cart: CartId,
    },
    /// Turn a cart into an order.
    PlaceOrder {
        /// The cart.
        cart: CartId,
        /// The total that the buyer agreed to.
        agreed_total: Money,
    },
    /// The money for an order is there.
    PayOrder {
        /// The order.
        order: OrderId,
        /// An expired order may become paid while there is room (spec domain 13.3).
        accept_late: bool,
    },
    /// The payment deadline of an order has passed.
    ExpireOrder {
        /// The order.
        order: OrderId,
    },
}
