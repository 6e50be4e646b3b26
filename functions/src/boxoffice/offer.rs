//! What the catalogue says about selling a product, and what one unit costs (spec domain 3.2, 5).

use serde::{Deserialize, Serialize};

use crate::money::{Money, TaxRate};

/// What the catalogue says about selling one product. Read before the lock is taken: prices and windows of the page
/// the buyer saw are good enough, places are not.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Place in the shop; positions of an order are numbered by it (spec domain 10.5).
    pub rank: (usize, usize),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
