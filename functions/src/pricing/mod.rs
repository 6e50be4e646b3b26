//! Amounts of an order, as pure rules: order-wide rounding of taxes, automatic discounts, fees, the bill (spec domain 3.3, 3.4,
//! 5.4, 12.4). Exact integer arithmetic; the rounding itself is `money.rs`'.

mod bill;
mod discount;
mod fee;
mod rounding;

pub use bill::{Bill, Billing};
pub use discount::{Benefit, Dates, Discount, DiscountLine, Discounted, Products, apply_discounts};
pub use fee::{FeeType, PaymentFee, split};
pub use rounding::{Rounding, TaxedLine, round};
