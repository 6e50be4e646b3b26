//! The box office: the one place where places change hands.
//!
//! Whatever takes, moves or gives back a place of an event is a [`Request`]. A batch of them is decided by the pure
//! [`decide`] (no I/O, no clock, no randomness) on a [`Stock`] read under the event's lock, and the [`Changes`] are
//! written with a fixed number of statements in the same transaction:
//!
//! ```text
//! EventLock::acquire → load → decide → (rows of new orders) → write → commit
//! ```

pub mod audit;
mod changes;
mod decide;
pub mod load;
mod offer;
mod outcome;
mod quota;
mod request;
mod stock;
mod voucher;
pub mod write;

pub use changes::{Changes, NewCartPosition, NewPart, RenewedCartPosition, RepricedCartPosition, SavedVoucher};
pub use decide::decide;
pub use load::load;
pub use offer::{AddOnRule, Bundle, Offer, UnitPrice};
pub use outcome::{AddOnProblem, CartOutcome, CartRefusal, NotPlaced, Outcome};
pub use quota::{Availability, Quota, Uses};
pub use request::{AddOnChoice, Line, LineVoucher, Request};
use serde::{Deserialize, Serialize};
pub use stock::{CartPosition, CartRules, OrderStock, Stock, VoucherUse};
pub use voucher::{PriceMode, Scope, Voucher, VoucherFault, VoucherProblem, VoucherTerms, VoucherUses};
pub use write::write;

use crate::{
    catalogue::Catalogue,
    event::Event,
    id::{ItemId, SubeventId, VariationId},
    port::{db::DbError, lock::EventLock},
    time::Timestamp,
};

/// What a buyer chooses: an item, or one variation of it, on one date if the event is a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Product {
    /// The item.
    pub item: ItemId,
    /// Its variation, for items that have some.
    pub variation: Option<VariationId>,
    /// The date, in a series.
    pub date: Option<SubeventId>,
}

impl Product {
    /// A product of an event that is not a series.
    pub const fn undated(item: ItemId, variation: Option<VariationId>) -> Self {
        Self { item, variation, date: None }
    }
}

/// Identity of a cart: random, known to one browser only (spec domain 8.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CartId(pub String);

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
    let stock = load(lock, event, catalogue, rules, requests, now).await?;
    Ok(decide(stock, requests, now))
}
