//! What somebody wants from the box office.

use serde::{Deserialize, Serialize};

use super::{CartId, CreateOrder, Draft, OrderAction, Product, Reservation, VoucherTerms};
use crate::{
    id::{CartPositionId, OrderId, VoucherId},
    money::Money,
};

/// One line of "add to cart".
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// What.
    pub product: Product,
    /// How many; at least 1.
    pub count: i64,
    /// The price, with tax, that the buyer chose for a product with a free price.
    pub chosen_price: Option<Money>,
    /// The voucher for it.
    pub voucher: Option<LineVoucher>,
}

/// A voucher in a line of "add to cart".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineVoucher {
    /// The code as it was typed.
    pub code: String,
    /// Without uses left, the line is added without it: "one more" of a position that has one (spec domain 8.5).
    pub unless_used_up: bool,
}

/// A product to be added to a position.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AddOnChoice {
    /// What; it gets the date of the position.
    pub product: Product,
    /// How many; at least 1.
    pub count: i64,
    /// The price, with tax, that the buyer chose for a product with a free price.
    pub chosen_price: Option<Money>,
}

/// What somebody wants from the box office. It says everything that is needed to serve it, because somebody else may.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// Use a voucher for what is in a cart already.
    ApplyVoucher {
        /// The cart.
        cart: CartId,
        /// The code as it was typed.
        code: String,
    },
    /// Choose the add-ons of positions, for all of them or for none; what is not chosen is taken away. Positions that are
    /// not named stay as they are.
    SetAddOns {
        /// The cart.
        cart: CartId,
        /// Positions, each with all of its add-ons.
        chosen: Vec<(CartPositionId, Vec<AddOnChoice>)>,
    },
    /// A program puts one unit into a cart. What else is in the cart does not matter.
    Reserve {
        /// The cart.
        cart: CartId,
        /// What.
        unit: Box<Reservation>,
    },
    /// A program takes one position out of a cart. The rest stays as it is.
    Release {
        /// The cart.
        cart: CartId,
        /// The position; ignored if it is not in this cart.
        position: CartPositionId,
    },
    /// Turn a cart into an order.
    PlaceOrder {
        /// The cart.
        cart: CartId,
        /// The total that the buyer agreed to.
        agreed_total: Money,
        /// The rest of the order.
        draft: Draft,
    },
    /// The money for an order is there.
    PayOrder {
        /// The order.
        order: OrderId,
        /// An expired order may become paid while there is room (spec domain 13.3).
        accept_late: bool,
        /// Staff says so: who waits for places does not count (spec domain 4.5).
        by_staff: bool,
    },
    /// An order comes into being without a cart.
    CreateOrder {
        /// What it is to be. The name tells an earlier release, which did not serve such orders for others, that it
        /// cannot.
        wanted: Box<CreateOrder>,
    },
    /// Something else happens to an order.
    ChangeOrder {
        /// The order.
        order: OrderId,
        /// What.
        action: OrderAction,
    },
    /// The payment deadline of an order has passed.
    ExpireOrder {
        /// The order.
        order: OrderId,
    },
    /// Create a voucher, or change one.
    SaveVoucher {
        /// The voucher to change.
        voucher: Option<VoucherId>,
        /// What it is to be.
        terms: VoucherTerms,
    },
    /// Delete a voucher that nobody has ordered with.
    DeleteVoucher {
        /// The voucher.
        voucher: VoucherId,
    },
}

/// What a request is about. A batch holds one request about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject<'a> {
    /// A cart.
    Cart(&'a CartId),
    /// An order.
    Order(OrderId),
    /// A voucher: by its row, or a new one by its code.
    Voucher(Option<VoucherId>, &'a str),
    /// A code that is chosen for an order.
    OrderCode(&'a str),
}

impl Request {
    /// All that it is about: an order that is created without a cart may take what lies in carts of others.
    pub fn subjects(&self) -> Vec<Subject<'_>> {
        match self {
            Self::AddToCart { cart, .. }
            | Self::RemoveFromCart { cart, .. }
            | Self::ClearCart { cart }
            | Self::ApplyVoucher { cart, .. }
            | Self::SetAddOns { cart, .. }
            | Self::Reserve { cart, .. }
            | Self::Release { cart, .. }
            | Self::PlaceOrder { cart, .. } => vec![Subject::Cart(cart)],
            Self::CreateOrder { wanted } => {
                let code = wanted.code.as_deref().map(Subject::OrderCode);
                code.into_iter().chain(wanted.consume_carts.iter().map(Subject::Cart)).collect()
            }
            Self::PayOrder { order, .. } | Self::ChangeOrder { order, .. } | Self::ExpireOrder { order } => {
                vec![Subject::Order(*order)]
            }
            Self::SaveVoucher { voucher: Some(voucher), .. } | Self::DeleteVoucher { voucher } => {
                vec![Subject::Voucher(Some(*voucher), "")]
            }
            Self::SaveVoucher { voucher: None, terms } => vec![Subject::Voucher(None, &terms.code)],
        }
    }
}
