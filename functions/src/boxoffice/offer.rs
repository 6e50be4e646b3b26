//! What the catalogue says about selling a product, and what one unit costs (spec domain 3.2, 5).

use serde::{Deserialize, Serialize};

use super::{Product, VoucherTerms};
use crate::{
    id::{CategoryId, DiscountId},
    money::{Money, TaxRate},
    pricing::{Discounted, TaxedLine},
};

/// What the catalogue says about selling one product. Read before the lock is taken: prices and windows of the page
/// the buyer saw are good enough, places are not.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Place in the shop: date, item, variation; positions of an order are numbered by it (spec domain 10.5).
    pub rank: (usize, usize, usize),
    /// Active, inside its window, on a date that sells, in this sales channel.
    pub on_sale: bool,
    /// Not only as an add-on or as a part of a bundle.
    pub sold_alone: bool,
    /// Only with a voucher.
    pub needs_voucher: bool,
    /// Only with a voucher that shows hidden products.
    pub hidden_without_voucher: bool,
    /// The category, which decides what it can be added to.
    pub category: Option<CategoryId>,
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
    /// What each unit comes with.
    pub bundles: Vec<Bundle>,
    /// What can be added to each unit.
    pub add_ons: Vec<AddOnRule>,
}

/// A part that comes with each unit of a product (spec domain 2.5).
#[derive(Debug, Clone, Copy)]
pub struct Bundle {
    /// The part.
    pub product: Product,
    /// How many.
    pub count: i64,
    /// What of the product's price, with tax, stands on each of them.
    pub designated: Money,
}

/// A category whose products can be added to a product (spec domain 2.4).
#[derive(Debug, Clone, Copy)]
pub struct AddOnRule {
    /// The category.
    pub category: CategoryId,
    /// At least so many.
    pub min: i64,
    /// At most so many.
    pub max: i64,
    /// The same product more than once.
    pub multi_allowed: bool,
    /// They cost nothing.
    pub price_included: bool,
}

/// What one unit costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitPrice {
    /// The price in the catalogue.
    pub listed: Money,
    /// What a voucher took off it.
    pub saving: Money,
    /// What the buyer pays, with tax.
    pub gross: Money,
    /// The tax in it.
    pub tax: Money,
    /// Its rate.
    pub tax_rate: TaxRate,
    /// What an automatic discount took off, with tax.
    #[serde(default)]
    pub off: i64,
    /// That discount.
    #[serde(default)]
    pub discount: Option<DiscountId>,
}

impl Offer {
    /// Whether anybody can buy it by itself.
    pub const fn is_for_everybody(&self) -> bool {
        self.on_sale && self.sold_alone && !self.needs_voucher && !self.hidden_without_voucher
    }

    /// The price of one unit, with the higher price *including tax* that the buyer may have chosen (spec domain 5.3).
    pub fn unit_price(&self, chosen: Option<Money>) -> UnitPrice {
        self.price_with(chosen, None)
    }

    /// The price of one unit with a voucher that may take off at most so many minor units. What its parts cost is not
    /// in it any more.
    pub fn price_with(&self, chosen: Option<Money>, voucher: Option<(&VoucherTerms, Option<i64>)>) -> UnitPrice {
        let after_voucher = voucher.map_or(self.listed, |(terms, limit)| terms.price(self.listed, limit));
        let mut price = UnitPrice::of_listed(after_voucher, self.tax_rate, self.price_includes_tax);
        if let Some(chosen) = chosen.filter(|chosen| self.free_price && chosen.minor() > price.gross.minor()) {
            price = UnitPrice::of_listed(chosen, self.tax_rate, true);
        }
        let parts: i64 = self.bundles.iter().map(|part| part.designated.minor() * part.count).sum();
        if parts > 0 && !voucher.is_some_and(|(terms, _)| terms.all_bundles_included) {
            let rest = (price.gross.minor() - parts).max(0);
            price = UnitPrice::of_listed(Money::new(rest, price.gross.currency()), self.tax_rate, true);
        }
        let saving = (self.listed.minor() - after_voucher.minor()).max(0);
        UnitPrice { listed: self.listed, saving: Money::new(saving, self.listed.currency()), ..price }
    }

    /// The price of a part: what of the whole's price stands on it.
    pub fn part_price(&self, designated: Money) -> UnitPrice {
        UnitPrice::of_listed(designated, self.tax_rate, true)
    }

    /// The price as something that costs nothing because another position pays for it.
    pub fn included_price(&self) -> UnitPrice {
        UnitPrice::of_listed(Money::zero(self.listed.currency()), self.tax_rate, true)
    }

    /// The rule under which a product of a category can be added.
    pub fn add_on_rule(&self, category: Option<CategoryId>) -> Option<&AddOnRule> {
        self.add_ons.iter().find(|rule| Some(rule.category) == category)
    }
}

impl UnitPrice {
    /// A price of the catalogue, which contains its tax or does not (spec domain 3.2).
    pub fn of_listed(listed: Money, tax_rate: TaxRate, includes_tax: bool) -> Self {
        let (gross, tax) = listed.taxed(tax_rate, includes_tax);
        Self { listed, saving: Money::zero(listed.currency()), gross, tax, tax_rate, off: 0, discount: None }
    }

    /// The price with tax before automatic discounts.
    pub fn line(&self) -> Money {
        Money::new(self.gross.minor() + self.off, self.gross.currency())
    }

    /// An automatic discount is in it.
    pub const fn is_discounted(&self) -> bool {
        self.off != 0 || self.discount.is_some()
    }

    /// The price as automatic discounts make it. What an earlier one took off comes back first.
    pub fn discounted(self, Discounted { price, discount }: Discounted) -> Self {
        let off = self.line().minor() - price.minor();
        let tax = if price == self.gross { self.tax } else { price.split_tax(self.tax_rate).1 };
        Self { gross: price, tax, off, discount, ..self }
    }

    /// The price as a line of an order.
    pub fn taxed_line(&self) -> TaxedLine {
        TaxedLine::new(self.gross, self.tax, self.tax_rate)
    }

    /// The price without tax.
    pub fn net(&self) -> Money {
        Money::new(self.gross.minor() - self.tax.minor(), self.gross.currency())
    }
}
