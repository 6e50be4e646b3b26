//! Vouchers: what they are good for, what they take off a price, and how many uses are left (spec domain 6).

use serde::{Deserialize, Serialize};

use super::Product;
use crate::{
    id::{ItemId, QuotaId, SubeventId, VariationId},
    money::{Money, TaxRate},
    time::Timestamp,
};

/// What a voucher does to the listed price (spec domain 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PriceMode {
    /// Nothing.
    None,
    /// Replaces it by so many minor units, which may be more than it was.
    Set(i64),
    /// Takes so many minor units off, but never more than all.
    Subtract(i64),
    /// Takes so many parts per million off.
    Percent(u32),
}

impl PriceMode {
    /// The word in the database and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Set(_) => "set",
            Self::Subtract(_) => "subtract",
            Self::Percent(_) => "percent",
        }
    }

    /// The number in the database.
    pub fn value(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Set(minor) | Self::Subtract(minor) => minor,
            Self::Percent(ppm) => i64::from(ppm),
        }
    }

    /// Reads [`Self::code`] and [`Self::value`].
    pub fn parse(code: &str, value: i64) -> Option<Self> {
        match code {
            "none" => Some(Self::None),
            "set" => Some(Self::Set(value)),
            "subtract" => Some(Self::Subtract(value)),
            "percent" => u32::try_from(value).ok().filter(|ppm| *ppm <= 1_000_000).map(Self::Percent),
            _ => None,
        }
    }
}

/// Which products a voucher is good for (spec domain 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// All.
    Any,
    /// An item with all its variations.
    Item(ItemId),
    /// One variation.
    Variation(ItemId, VariationId),
    /// Whatever the quota counts.
    Quota(QuotaId),
}

/// What staff decides about a voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherTerms {
    /// What buyers type, in capital letters.
    pub code: String,
    /// How many positions it is good for.
    pub max_usages: i64,
    /// How many positions its first cart must have at least.
    pub min_usages: i64,
    /// Most that it takes off in all, in minor units.
    pub budget: Option<i64>,
    /// Until when it is good.
    pub valid_until: Option<Timestamp>,
    /// Places are kept for its remaining uses.
    pub block_quota: bool,
    /// It sells places that do not exist.
    pub allow_ignore_quota: bool,
    /// What it does to the price.
    pub price_mode: PriceMode,
    /// What it is good for.
    pub scope: Scope,
    /// The only date of the series that it is good for.
    pub date: Option<SubeventId>,
    /// Shows products that are hidden without a voucher.
    pub show_hidden_items: bool,
    /// Add-ons of its positions cost nothing.
    pub all_addons_included: bool,
    /// Bundled parts of its positions carry no part of the price.
    pub all_bundles_included: bool,
}

/// A voucher with its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// What staff decided.
    pub terms: VoucherTerms,
    /// Positions ordered with it. Expired orders among them (spec domain 35.12).
    pub redeemed: i64,
    /// Live cart positions that hold it.
    pub in_carts: i64,
    /// What it has taken off in orders that are pending or paid.
    pub budget_used: i64,
    /// Whether its remaining uses are counted in the quotas' vouchers.
    pub holds_stock: bool,
}

/// Differences of a voucher's counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VoucherUses {
    /// Positions ordered with it.
    pub redeemed: i64,
    /// Live cart positions that hold it.
    pub in_carts: i64,
    /// What it has taken off.
    pub budget_used: i64,
}

impl VoucherTerms {
    /// The form in which codes are kept and compared.
    pub fn normalized(code: &str) -> String {
        code.trim().to_uppercase()
    }

    /// The price after the voucher, taking off at most `limit` minor units (spec domain 5.2).
    pub fn price(&self, listed: Money, limit: Option<i64>) -> Money {
        let reduced = match self.price_mode {
            PriceMode::None => listed,
            PriceMode::Set(minor) => Money::new(minor, listed.currency()),
            PriceMode::Subtract(minor) => Money::new((listed.minor() - minor).max(0), listed.currency()),
            PriceMode::Percent(ppm) => listed.reduced_by(TaxRate(ppm)),
        };
        let lowest = limit.map_or(i64::MIN, |limit| listed.minor().saturating_sub(limit.max(0)));
        Money::new(reduced.minor().max(lowest), listed.currency())
    }

    /// Good until `now`: the last moment still counts.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_until.is_none_or(|until| until >= now)
    }

    /// Whether it is good for a date: without one of its own it is good for all.
    pub fn fits_date(&self, product: Product) -> bool {
        self.date.is_none() || self.date == product.date
    }
}

impl Voucher {
    /// Uses that no order has taken: so many places it keeps, if it keeps any.
    pub fn unredeemed(&self) -> i64 {
        (self.terms.max_usages - self.redeemed).max(0)
    }

    /// Uses that neither an order nor a live cart has taken.
    pub fn uses_left(&self) -> i64 {
        (self.unredeemed() - self.in_carts).max(0)
    }

    /// How many positions a cart must have of it (spec domain 6.4).
    pub fn least_in_cart(&self) -> i64 {
        (self.terms.min_usages - self.redeemed).max(1)
    }

    /// What it may still take off.
    pub fn budget_left(&self) -> Option<i64> {
        self.terms.budget.map(|budget| (budget - self.budget_used).max(0))
    }
}

/// Why a voucher does nothing (spec domain 8.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoucherProblem {
    /// There is no such code.
    Unknown,
    /// Its time is over.
    Expired,
    /// It is not good for this product.
    OtherProduct,
    /// It is good for another date.
    OtherDate,
    /// Nothing in the cart can use it.
    NoMatch,
    /// It is used up.
    Redeemed,
    /// Its last uses are in other carts.
    InOtherCarts,
    /// Only so many positions got it.
    InPart(i64),
    /// It needs at least so many positions in one cart.
    TooFew(i64),
    /// Positions were taken out because too few of its positions were left.
    RemovedTooFew(i64),
}

/// Why a voucher was not created, changed or deleted; [`Self::field`] names the field (spec domain 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoucherFault {
    /// There is no such voucher.
    Missing,
    /// Another voucher has this code.
    CodeTaken,
    /// Fewer uses than the least.
    UsagesOrder,
    /// More have been used already.
    AlreadyUsed,
    /// To keep places it must be for an item or a quota.
    NoScope,
    /// To keep places in a series it must be for one date.
    NoDate,
    /// The date is not one of this event's, or the event is no series.
    WrongDate,
    /// The item, variation or quota is not one of this event's.
    WrongScope,
    /// The item can only be bought as an add-on or as a part of a bundle.
    NotSoldAlone,
    /// There are not enough places to keep.
    NoRoom(QuotaId),
    /// It keeps places already, but there are none for more uses.
    NoRoomForMore(QuotaId),
    /// It was used: it cannot be deleted.
    InUse,
}

impl VoucherFault {
    /// What is wrong, for staff.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Missing => "there is no such voucher",
            Self::CodeTaken => "another voucher has this code",
            Self::UsagesOrder => "must not be less than min_usages",
            Self::AlreadyUsed => "more uses are in orders and carts already",
            Self::NoScope => "an item or a quota is needed to keep places",
            Self::NoDate => "a date of the series is needed to keep places",
            Self::WrongDate => "not a date of this event",
            Self::WrongScope => "not an item, variation or quota of this event and date",
            Self::NotSoldAlone => "this item can only be bought as an add-on or in a bundle",
            Self::NoRoom(_) => "there are not enough places to keep",
            Self::NoRoomForMore(_) => "there are no places to keep for more uses",
            Self::InUse => "a voucher that was used cannot be deleted",
        }
    }

    /// The field of the API that is wrong.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Missing | Self::InUse => "id",
            Self::CodeTaken => "code",
            Self::UsagesOrder | Self::AlreadyUsed | Self::NoRoomForMore(_) => "max_usages",
            Self::NoScope | Self::NoRoom(_) => "block_quota",
            Self::NoDate | Self::WrongDate => "subevent",
            Self::WrongScope | Self::NotSoldAlone => "item",
        }
    }
}
