//! The box office: the one place where places change hands.
//!
//! Whatever takes, moves or gives back a place of an event is a [`Request`]. A batch of them is decided by the pure
//! [`decide`] (no I/O, no clock, no randomness) on a [`Stock`] read under the event's lock, and the [`Changes`] are
//! written with a fixed number of statements in the same transaction:
//!
//! ```text
//! EventLock::acquire → stock::load → decide → (rows of new orders) → stock::write → commit
//! ```

mod decide;
pub mod sql;
mod stock;

use std::collections::BTreeMap;

pub use decide::decide;
use serde::{Deserialize, Serialize};
pub use stock::{load, write};

use crate::{
    catalogue::Catalogue,
    event::Event,
    id::{CartPositionId, ItemId, OrderId, QuotaId, VariationId},
    money::{Currency, Money, TaxRate},
    order::OrderStatus,
    port::{db::DbError, lock::EventLock},
    time::Timestamp,
};

/// What a buyer chooses: an item, or one variation of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Product {
    /// The item.
    pub item: ItemId,
    /// Its variation, for items that have some.
    pub variation: Option<VariationId>,
}

/// Identity of a cart: random, known to one browser only (spec domain 8.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CartId(pub String);

/// Places of a quota in use, by kind of use; also a difference of such numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// Positions of paid orders.
    pub paid: i64,
    /// Positions of pending orders.
    pub pending: i64,
    /// Places kept by blocking vouchers.
    pub vouchers: i64,
    /// Positions in carts.
    pub carts: i64,
    /// Waiting list entries that count.
    pub waiting: i64,
}

impl Uses {
    /// All places in use.
    pub fn total(&self) -> i64 {
        self.paid + self.pending + self.vouchers + self.carts + self.waiting
    }

    fn add(&mut self, delta: Self) {
        self.paid += delta.paid;
        self.pending += delta.pending;
        self.vouchers += delta.vouchers;
        self.carts += delta.carts;
        self.waiting += delta.waiting;
    }

    const fn carts(count: i64) -> Self {
        Self { paid: 0, pending: 0, vouchers: 0, carts: count, waiting: 0 }
    }
}

/// A quota as it stands (spec domain 4).
#[derive(Debug, Clone)]
pub struct Quota {
    /// Number of places; `None` is unlimited.
    pub size: Option<i64>,
    /// A closed quota sells nothing, whatever is left.
    pub closed: bool,
    /// It closes by itself when it is sold out, and stays closed when places come back (spec domain 4.7).
    pub close_when_sold_out: bool,
    /// Places in use.
    pub uses: Uses,
}

/// Whether a product can be had, and why not (spec domain 4.2). Ordered from worst to best: the worst quota of a
/// product decides, the best product of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Sold out for good: everything is paid.
    Gone,
    /// Everything is ordered or kept; some may come back.
    Ordered,
    /// The last places are in carts.
    Reserved,
    /// So many are left; `None` means without limit.
    Ok(Option<i64>),
}

impl Availability {
    fn rank(self) -> (u8, i64) {
        match self {
            Self::Gone => (0, 0),
            Self::Ordered => (1, 0),
            Self::Reserved => (2, 0),
            Self::Ok(left) => (3, left.unwrap_or(i64::MAX)),
        }
    }
}

impl Ord for Availability {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Availability {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Quota {
    /// Places left: `None` is unlimited, never negative.
    pub fn left(&self) -> Option<i64> {
        if self.closed {
            return Some(0);
        }
        self.size.map(|size| (size - self.uses.total()).max(0))
    }

    /// The state of spec domain 4.2: the first subtraction that leaves nothing decides (4.4).
    pub fn availability(&self) -> Availability {
        if self.closed {
            return Availability::Ordered;
        }
        let Some(size) = self.size else { return Availability::Ok(None) };
        let uses = &self.uses;
        let after_paid = size - uses.paid;
        let after_ordered = after_paid - uses.pending - uses.vouchers;
        let after_carts = after_ordered - uses.carts;
        let left = after_carts - uses.waiting;
        match () {
            () if after_paid <= 0 => Availability::Gone,
            () if after_ordered <= 0 => Availability::Ordered,
            () if after_carts <= 0 => Availability::Reserved,
            () if left <= 0 => Availability::Ordered,
            () => Availability::Ok(Some(left)),
        }
    }
}

/// What the catalogue says about selling one product. Read before the lock is taken: prices and windows of the page
/// the buyer saw are good enough, places are not.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Active and inside its window.
    pub on_sale: bool,
    /// The listed price of one unit.
    pub listed: Money,
    /// The buyer may pay more.
    pub free_price: bool,
    /// Tax of the product.
    pub tax_rate: TaxRate,
    /// Whether `listed` contains the tax.
    pub price_includes_tax: bool,
    /// At least so many of the item in one order, or none.
    pub min_per_order: Option<i64>,
    /// At most so many of the item in one order.
    pub max_per_order: Option<i64>,
}

/// What one unit costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitPrice {
    /// The price in the catalogue.
    pub listed: Money,
    /// What the buyer pays, with tax.
    pub gross: Money,
    /// The tax in it.
    pub tax: Money,
    /// Its rate.
    pub tax_rate: TaxRate,
}

impl Offer {
    /// The price of one unit, with the higher price *including tax* that the buyer may have chosen (spec domain 5.3).
    pub fn unit_price(&self, chosen: Option<Money>) -> UnitPrice {
        let listed = UnitPrice::of_listed(self.listed, self.tax_rate, self.price_includes_tax);
        match chosen {
            Some(chosen) if self.free_price && chosen.minor() > listed.gross.minor() => {
                UnitPrice { listed: self.listed, ..UnitPrice::of_listed(chosen, self.tax_rate, true) }
            }
            _ => listed,
        }
    }
}

impl UnitPrice {
    /// A price of the catalogue, which contains its tax or does not (spec domain 3.2).
    pub fn of_listed(listed: Money, tax_rate: TaxRate, includes_tax: bool) -> Self {
        let (gross, tax) = listed.taxed(tax_rate, includes_tax);
        Self { listed, gross, tax, tax_rate }
    }

    /// The price without tax.
    pub fn net(&self) -> Money {
        Money::new(self.gross.minor() - self.tax.minor(), self.gross.currency())
    }
}

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
    /// What it costs, with tax.
    pub price: Money,
    /// When the reservation ends.
    pub expires_at: Timestamp,
    /// When renewing ends.
    pub max_extend_at: Timestamp,
    /// Whether it is counted in the quotas' carts.
    pub holds_stock: bool,
}

/// An order as far as it holds places.
#[derive(Debug, Clone)]
pub struct OrderStock {
    /// Its status.
    pub status: OrderStatus,
    /// What it holds, or held.
    pub products: Vec<Product>,
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
    /// The orders in the batch.
    pub orders: BTreeMap<OrderId, OrderStock>,
}

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

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The cart as it is now.
    Cart(CartOutcome),
    /// The positions became an order; its rows are to be written in the same transaction.
    Placed {
        /// The positions, in the order of their ids.
        positions: Vec<CartPositionId>,
        /// Nothing is to be paid.
        free: bool,
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
}

/// Why an order was not placed.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// New states of orders.
    pub orders: BTreeMap<OrderId, OrderStatus>,
    /// Quotas that have sold out and close.
    pub closed: Vec<QuotaId>,
}

/// No event may allow larger carts (spec domain 8.4).
const POSITIONS_MAX: i64 = 500;

/// Decides `requests` for the event whose lock is held. The changes are not written yet: rows of a new order that
/// copy from the cart come first.
pub async fn serve(
    lock: &EventLock<'_>,
    event: &Event,
    catalogue: &Catalogue,
    requests: &[Request],
    now: Timestamp,
) -> Result<(Vec<Outcome>, Changes), DbError> {
    let rules = CartRules {
        reservation_seconds: event.settings.reservation_time() * 60,
        positions_max: event.settings.max_items_per_order().min(POSITIONS_MAX),
    };
    let stock = load(lock, event.currency, rules, catalogue.offers(now), requests, now).await?;
    Ok(decide(stock, requests, now))
}
