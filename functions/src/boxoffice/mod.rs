//! The box office: the one place where places change hands.
//!
//! Whatever takes, moves or gives back a place of an event is a [`Request`]. A batch of them is decided by the pure
//! [`decide`] (no I/O, no clock, no randomness) on a [`Stock`] read under the event's lock, and the [`Changes`] are
//! written with a fixed number of statements in the same transaction:
//!
//! ```text
//! the event's lock → load → decide → write → commit
//! ```
//!
//! Buyers come through [`submit`]: it takes the lock if it is free and serves this request and all that wait with it;
//! else it leaves the request with those that wait, and looks now and then what has become of it.

pub mod audit;
mod batch;
mod changes;
mod creating;
mod decide;
pub mod load;
mod offer;
pub mod order;
mod outcome;
mod placing;
mod quota;
mod request;
mod stock;
mod submit;
mod voucher;
pub mod waiting;
pub mod write;

pub use batch::choose;
pub use changes::{
    ChangedOrder, Changes, NewCartPosition, NewPart, NewPayment, RenewedCartPosition, RepricedCartPosition,
    SavedVoucher,
};
pub use creating::{CreateFee, CreateOrder, CreatePosition, CreatedOrder, Reservation, Validity};
pub use decide::decide;
pub use load::load;
pub use offer::{AddOnRule, Bundle, Offer, UnitPrice};
pub use order::{
    CancellationFee, Change, FeeTax, NewPosition, OrderAction, OrderFee, OrderPosition, OrderRefusal, OrderStock,
    POSITIONS_PER_ORDER_MAX,
};
pub use outcome::{AddOnProblem, CartOutcome, CartRefusal, NotPlaced, Outcome};
pub use placing::{Draft, Identity, PlacedOrder, PlacedPosition, PositionSecrets};
pub use quota::{Availability, Quota, Uses};
pub use request::{AddOnChoice, Line, LineVoucher, Request, Subject};
use serde::{Deserialize, Serialize};
pub use stock::{CartPosition, CartRules, CheckoutRules, Stock, VoucherUse};
pub use submit::{SubmitError, Ticket, submit};
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

/// Decides `requests` for the event whose lock is held. What `event` and `catalogue` say is read again if it has changed
/// since. Nothing is written yet.
pub async fn serve(
    lock: &EventLock<'_>,
    event: &Event,
    catalogue: &Catalogue,
    requests: &[Request],
    now: Timestamp,
) -> Result<(Vec<Outcome>, Changes), DbError> {
    let stock = load(lock, event, catalogue, &requests.iter().collect::<Vec<_>>(), now).await?;
    Ok(decide(stock, requests, now))
}
