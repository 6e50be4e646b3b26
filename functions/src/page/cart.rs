//! The cart as a box on the event page and beside the checkout.

use super::{TaxLine, order::FeeLine};
use crate::id::CartPositionId;
use crate::money::Money;

/// What lies in a cart that is not empty.
#[derive(Debug, Clone)]
pub struct CartBox {
    /// The shop's root, such as `/org/event/`.
    pub base: String,
    /// See [`super::field::CSRF`].
    pub csrf: String,
    /// See [`super::field::FORM_TOKEN`].
    pub form_token: String,
    /// Equal positions are one line.
    pub lines: Vec<CartLine>,
    /// Fees in the total.
    pub fees: Vec<FeeLine>,
    /// Taxes in the total.
    pub taxes: Vec<TaxLine>,
    /// What is to be paid.
    pub total: Money,
    /// Seconds until the reservation ends, 0 when it has.
    pub seconds_left: i64,
    /// Whether something in it could use a voucher.
    pub takes_voucher: bool,
    /// Whether a renewal can make the time longer.
    pub can_extend: bool,
}

/// Equal positions of a cart.
#[derive(Debug, Clone)]
pub struct CartLine {
    /// The position that "−" takes away.
    pub id: CartPositionId,
    /// It belongs to the line above: a part of it, or an add-on.
    pub belongs: bool,
    /// It goes only with the line above.
    pub is_part: bool,
    /// Product and variation.
    pub name: String,
    /// Voucher and discount: one short line each.
    pub details: Vec<String>,
    /// How many.
    pub count: i64,
    /// The price of one.
    pub price: Money,
    /// The price of all.
    pub total: Money,
    /// Field names and values that "+" sends to `cart/add`; empty when one more cannot be had.
    pub again: Vec<(String, String)>,
}

impl CartBox {
    /// Number of tickets and other products.
    pub fn count(&self) -> i64 {
        self.lines.iter().filter(|line| !line.belongs).map(|line| line.count).sum()
    }

    /// Minutes until the reservation ends, rounded up.
    pub fn minutes_left(&self) -> i64 {
        (self.seconds_left + 59) / 60
    }

    /// The time left as a clock shows it.
    pub fn clock(&self) -> String {
        format!("{:02}:{:02}", self.seconds_left / 60, self.seconds_left % 60)
    }

    /// The time left as `datetime` of a `<time>`.
    pub fn duration(&self) -> String {
        format!("PT{}M{}S", self.seconds_left / 60, self.seconds_left % 60)
    }
}
