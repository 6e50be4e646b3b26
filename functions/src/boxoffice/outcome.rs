//! What became of a request.

use serde::{Deserialize, Serialize};

use super::{OrderRefusal, Product, VoucherFault, VoucherProblem};
use crate::{
    id::{CartPositionId, CategoryId, ItemId, OrderId},
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
    /// The voucher is as staff wants it.
    VoucherSaved,
    /// The voucher is gone.
    VoucherDeleted,
    /// Nothing was done to the voucher.
    VoucherRefused(VoucherFault),
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
    /// The buyer has not told all that is needed.
    Incomplete,
    /// These are gone and were taken out of the cart.
    Unavailable(Vec<Product>),
    /// Prices have changed since the buyer saw them.
    PriceChanged,
    /// A position lacks an add-on that it must have, or has one that it must not have.
    AddOns(CartPositionId, AddOnProblem),
}

/// What happened in a cart. The possible part is done even if another part is not (spec domain 8.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
    /// What was wrong with the voucher; the rest was done.
    pub voucher: Option<VoucherProblem>,
    /// How many positions in the cart the voucher was applied to.
    pub vouchered: i64,
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
    /// The item can only be bought with a voucher.
    NeedsVoucher(ItemId),
    /// The item can only be bought as an add-on or as a part of another.
    NotSoldAlone(ItemId),
    /// The voucher does not work.
    Voucher(VoucherProblem),
    /// The add-ons do not fit.
    AddOn(AddOnProblem),
}

/// Why add-ons do not fit (spec domain 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddOnProblem {
    /// The position is not there, or takes no add-ons of this category.
    NoBase,
    /// More of the category than allowed.
    TooMany(CategoryId, i64),
    /// Fewer of the category than needed.
    TooFew(CategoryId, i64),
    /// The same product more than once.
    Repeated(ItemId),
}
