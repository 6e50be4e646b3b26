//! Orders as the box office sees them, and what can happen to one (spec domain 10, 13, 14, 15).

pub mod sql;
mod write;

use serde::{Deserialize, Serialize};
pub(super) use write::write;

use super::{PositionSecrets, Product, UnitPrice, Validity, VoucherProblem, VoucherUse};
use crate::{
    cart::Attendee,
    id::{DiscountId, QuotaId},
    money::{Money, TaxRate},
    order::{Address, OrderStatus},
    pricing::{FeeType, Rounding, TaxedLine},
    time::Timestamp,
};

/// No order may have more positions, whoever changes it (spec domain 8.4).
pub const POSITIONS_PER_ORDER_MAX: i64 = 500;

/// An order as far as the box office decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStock {
    /// Where it stands.
    pub status: OrderStatus,
    /// It waits for somebody to approve it. It is pending and holds its places meanwhile.
    pub require_approval: bool,
    /// Until when it must be paid.
    pub expires_at: Timestamp,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// What is to be paid in all.
    pub total: Money,
    /// What was paid and not given back (spec domain 12.3).
    pub paid: Money,
    /// How its taxes are rounded.
    pub rounding: Rounding,
    /// It is billed to a business, for which some round in another way.
    pub is_business: bool,
    /// Its positions that are not cancelled, by number.
    pub positions: Vec<OrderPosition>,
    /// Its fees that are not cancelled, by number.
    pub fees: Vec<OrderFee>,
    /// The highest number that a position of it has had: numbers are never used again.
    pub last_position: i32,
    /// The highest number that a fee of it has had.
    pub last_fee: i32,
}

/// A position of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPosition {
    /// 1..n in the order.
    pub number: i32,
    /// What it is.
    pub product: Product,
    /// What it costs.
    pub line: TaxedLine,
    /// The number of the position that it was added to, or is a part of.
    pub parent: Option<i32>,
    /// The voucher that it was ordered with.
    pub voucher: Option<VoucherUse>,
    /// What a position that is added brings with it.
    pub new: Option<Box<NewPosition>>,
}

/// What only a new position has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPosition {
    /// Its secrets, drawn by the caller: a decision has no chance in it.
    pub secrets: PositionSecrets,
    /// Who comes with it.
    pub attendee: Attendee,
    /// Where they live.
    #[serde(default)]
    pub address: Address,
    /// It is a part of the position that it belongs to.
    #[serde(default)]
    pub bundled: bool,
    /// The automatic discount in its price.
    #[serde(default)]
    pub discount: Option<DiscountId>,
    /// From when until when its ticket is valid.
    #[serde(default)]
    pub valid: Validity,
}

/// A fee of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFee {
    /// 1..n in the order.
    pub number: i32,
    /// What it is for.
    pub fee_type: FeeType,
    /// A closer name, such as the payment provider's.
    pub internal_type: String,
    /// What the buyer reads.
    pub description: String,
    /// What it costs.
    pub line: TaxedLine,
}

impl OrderStock {
    /// What its positions and fees cost.
    pub fn sum(&self) -> i64 {
        let positions: i64 = self.positions.iter().map(|position| position.line.gross.minor()).sum();
        positions + self.fees.iter().map(|fee| fee.line.gross.minor()).sum::<i64>()
    }

    /// What it holds, or held.
    pub fn products(&self) -> impl Iterator<Item = Product> {
        self.positions.iter().map(|position| position.product)
    }

    /// All that is to be paid is paid.
    pub fn is_covered(&self) -> bool {
        self.paid.minor() >= self.total.minor()
    }
}

/// How a cancellation fee is taxed (spec domain 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeeTax {
    /// With this rate.
    Rate(TaxRate),
    /// With the rates of what is cancelled, in proportion.
    Split,
}

/// What is kept of an order that is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationFee {
    /// How much in all, with what is kept of the fees.
    pub amount: Money,
    /// Numbers of fees that stay; they are part of the amount.
    pub keep: Vec<i32>,
    /// How the fee is taxed.
    pub tax: FeeTax,
    /// What the buyer reads.
    pub description: String,
    /// Until when the rest of it must be paid.
    pub deadline: Timestamp,
}

/// What can happen to an order, apart from being paid and expiring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderAction {
    /// Nobody comes (spec domain 14.1). With a fee the order stays, to be paid or paid, with all positions cancelled.
    Cancel {
        /// What is kept of it.
        fee: Option<CancellationFee>,
    },
    /// A paid order was paid back: it is cancelled (spec domain 13.6).
    MarkRefunded,
    /// A paid order waits for its money again (spec domain 13.6). No payment is touched.
    MarkPending,
    /// There is more time to pay (spec domain 13.4). An expired order takes its places again. Paid and cancelled orders
    /// are refused: the reference makes a paid one pending.
    Extend {
        /// Until when.
        expires_at: Timestamp,
        /// Even if there is no room.
        force: bool,
    },
    /// A cancelled order takes its places again (spec domain 13.5).
    Reactivate {
        /// Until when what is not paid must be paid.
        expires_at: Timestamp,
        /// Even if there is no room.
        force: bool,
    },
    /// An order that waits for approval may be paid (spec domain 15).
    Approve {
        /// Until when.
        expires_at: Timestamp,
    },
    /// An order that waits for approval is turned down.
    Deny,
    /// Staff changes what is in it (spec domain 14.4): all of the changes, or none.
    Change {
        /// What to do, one after the other.
        changes: Vec<Change>,
        /// The caller's knowledge of the order: if it has changed since, nothing is done.
        read_at: Timestamp,
        /// Until when what is newly to be paid must be paid.
        expires_at: Timestamp,
        /// Even if there is no room.
        force: bool,
    },
}

/// One change of what is in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// One position more.
    AddPosition {
        /// What.
        product: Product,
        /// The number of the position that it is added to.
        parent: Option<i32>,
        /// Its price.
        price: UnitPrice,
        /// Its secrets and who comes with it.
        new: Box<NewPosition>,
    },
    /// One position less, with its add-ons and parts.
    CancelPosition {
        /// Its number.
        number: i32,
    },
    /// Another product for a position. To another date its add-ons and parts come along.
    SwapProduct {
        /// Its number.
        number: i32,
        /// What it is now.
        product: Product,
        /// What it costs now, with tax; none means what it has cost.
        gross: Option<Money>,
        /// The rate of the tax in it.
        tax_rate: TaxRate,
    },
    /// Another price with tax for a position; its tax rate stays.
    SetPrice {
        /// Its number.
        number: i32,
        /// The price.
        gross: Money,
    },
    /// One fee more.
    AddFee {
        /// What it is for.
        fee_type: FeeType,
        /// A closer name.
        internal_type: String,
        /// What the buyer reads.
        description: String,
        /// How much, with tax.
        gross: Money,
        /// The rate of the tax in it.
        tax_rate: TaxRate,
    },
    /// Another amount with tax for a fee.
    SetFee {
        /// Its number.
        number: i32,
        /// The amount.
        gross: Money,
    },
    /// One fee less.
    CancelFee {
        /// Its number.
        number: i32,
    },
}

/// Why nothing happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderRefusal {
    /// The event has no such order.
    Missing,
    /// It does not stand where this can happen to it.
    WrongState(OrderStatus),
    /// It waits for approval, or it does not and should.
    Approval,
    /// A quota has no room for what it needs.
    NoRoom(QuotaId),
    /// A product that no quota counts cannot be sold.
    NoQuota(Product),
    /// More than the order costs cannot be kept.
    FeeTooHigh,
    /// The new deadline has passed already.
    DeadlinePassed,
    /// Somebody else has changed it meanwhile.
    ChangedMeanwhile,
    /// Another order of the organiser has the code that was asked for.
    CodeTaken,
    /// It has no such position or fee.
    NoSuchPart(i32),
    /// No position would be left: cancel it instead.
    Empty,
    /// It would have too many positions.
    TooMany,
    /// It would cost less than nothing.
    NegativeTotal,
    /// Its vouchers have no use or no budget left for it.
    VoucherUsedUp,
    /// A position cannot use its voucher.
    Voucher(VoucherProblem),
    /// The budget of a voucher does not have what the price of a position takes.
    BudgetUsedUp,
    /// It costs something, so nobody can pay it by paying nothing.
    NotFree,
    /// It is to be paid already, but nothing says how.
    NoProvider,
}
