//! Automatic discounts of an event, and how it bills (spec domain 3.3, 5.4, 12.4).

use super::{Catalogue, TaxRule};
use crate::{
    event::Event,
    id::DiscountId,
    money::{Money, TaxRate},
    payment::Provider,
    pricing::{Billing, Discount, PaymentFee},
    time::Timestamp,
};

impl Catalogue {
    /// The discounts that count at `now` in some sales channel; most events have none.
    pub fn discounts_in_force(&self, now: Timestamp) -> Vec<Discount> {
        self.discounts.iter().filter(|discount| discount.is_in_force(now)).cloned().collect()
    }

    /// By how much a discount reduces what it is about.
    pub fn discount_percent(&self, id: DiscountId) -> Option<TaxRate> {
        self.discounts.iter().find(|discount| discount.id == id).map(|discount| discount.percent)
    }
}

/// How an event bills, by its settings and the rule that taxes what has no rule of its own.
pub(super) fn billing(event: &Event, rules: &[TaxRule]) -> Billing {
    let settings = &event.settings;
    let fees = [Provider::BankTransfer, Provider::Manual].map(|provider| {
        let fee = settings.payment_fee(provider, event.currency);
        (provider, fee)
    });
    let costs =
        |fee: &(Provider, PaymentFee)| fee.1.absolute != Money::zero(event.currency) || fee.1.percent != TaxRate::ZERO;
    let default = rules.iter().find(|rule| rule.is_default).filter(|_| settings.taxes_payment_fees());
    Billing {
        rounding: settings.tax_rounding(),
        payment_fees: fees.into_iter().filter(costs).collect(),
        fee_tax: default.map_or(TaxRate::ZERO, |rule| rule.rate),
    }
}
