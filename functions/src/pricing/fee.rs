//! Fees (spec domain 3.4, 12.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    money::{Money, TaxRate},
    port::db::DbError,
};

/// What a fee is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeeType {
    /// For the way to pay.
    Payment,
    /// For sending something.
    Shipping,
    /// For the service.
    Service,
    /// Kept from a cancelled order.
    Cancellation,
    /// For an insurance.
    Insurance,
    /// For being late.
    Late,
    /// For anything else.
    Other,
    /// A gift card that pays.
    Giftcard,
}

impl FeeType {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Payment,
        Self::Shipping,
        Self::Service,
        Self::Cancellation,
        Self::Insurance,
        Self::Late,
        Self::Other,
        Self::Giftcard,
    ];

    /// The word in the database and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Shipping => "shipping",
            Self::Service => "service",
            Self::Cancellation => "cancellation",
            Self::Insurance => "insurance",
            Self::Late => "late",
            Self::Other => "other",
            Self::Giftcard => "giftcard",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|fee| fee.code() == code);
        found.ok_or_else(|| DbError::UnknownValue { what: "type of fee", value: code.to_owned() })
    }
}

/// What a way to pay costs the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentFee {
    /// Always.
    pub absolute: Money,
    /// Of the price; of the sum of price and fee if `of_sum`.
    pub percent: TaxRate,
    /// The provider takes its percentage of all that is paid, the fee included.
    pub of_sum: bool,
}

impl PaymentFee {
    /// The fee on top of a price. `None` when it does not fit, as 100 % of all that is paid never does. A free order
    /// needs no payment, so no fee either.
    pub fn on(&self, price: Money) -> Option<Money> {
        if price.is_zero() {
            return Some(Money::zero(price.currency()));
        }
        let percent = i64::from(self.percent.0);
        if self.of_sum {
            let sum = price.checked_add(self.absolute)?.checked_share(1_000_000, 1_000_000 - percent)?;
            return sum.checked_sub(price);
        }
        price.checked_share(percent, 1_000_000)?.checked_add(self.absolute)
    }
}

/// Splits an amount over tax rates in proportion to `weights`; the parts are the amount, always. What rounding makes
/// too much is taken from the lowest rate, and what it makes too little is given to the highest. Without any weight all
/// of it stays untaxed.
pub fn split(value: Money, weights: &[(TaxRate, Money)]) -> Vec<(TaxRate, Money)> {
    let mut by_rate: BTreeMap<u32, i64> = BTreeMap::new();
    for (rate, weight) in weights.iter().filter(|(_, weight)| weight.minor() > 0) {
        *by_rate.entry(rate.0).or_default() += weight.minor();
    }
    let whole: i64 = by_rate.values().sum();
    let part = |weight: i64| value.checked_share(weight, whole).expect("a part is never larger than the whole").minor();
    let mut parts: Vec<(u32, i64)> = by_rate.iter().map(|(rate, weight)| (*rate, part(*weight))).collect();
    let missing = value.minor() - parts.iter().map(|(_, part)| part).sum::<i64>();
    let bearer = if missing < 0 { parts.first_mut() } else { parts.last_mut() };
    match bearer {
        Some((_, part)) => *part += missing,
        None => parts.push((0, value.minor())),
    }
    parts.retain(|(_, part)| *part != 0);
    parts.into_iter().map(|(rate, part)| (TaxRate(rate), Money::new(part, value.currency()))).collect()
}
