//! What the box office needs to know of the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::{AddOnLink, Catalogue, Date, Item, Variation, Visibility};
use crate::{
    boxoffice::{AddOnRule, Bundle, Offer, Product},
    event::Event,
    id::SubeventId,
    money::TaxRate,
    time::Timestamp,
};

impl Catalogue {
    /// Every product with its conditions at `now` in a sales channel: without a date, which a series does not sell, and
    /// on each of `dates`. Products that need an approval are not on sale yet.
    pub fn offers(
        &self,
        event: &Event,
        channel: &str,
        dates: &BTreeSet<SubeventId>,
        now: Timestamp,
    ) -> BTreeMap<Product, Offer> {
        let days = self.dates.iter().filter(|date| dates.contains(&date.id)).map(Some);
        let mut offers = BTreeMap::new();
        for date in std::iter::once(None).chain(days) {
            let sells = match date {
                Some(date) => date.is_selling(event, now),
                None => !event.has_subevents,
            };
            for item in &self.items {
                let own = item.variations.is_empty().then_some(None);
                for variation in own.into_iter().chain(item.variations.iter().map(Some)) {
                    let mut offer = self.offer(item, variation, date, channel, now);
                    offer.on_sale &= sells;
                    offers.insert(product_of(item, variation, date), offer);
                }
            }
        }
        offers
    }

    fn offer(
        &self,
        item: &Item,
        variation: Option<&Variation>,
        date: Option<&Date>,
        channel: &str,
        now: Timestamp,
    ) -> Offer {
        let rule = self.tax_rule(item);
        let add_on_only = item.category.and_then(|id| self.category(id)).is_some_and(|category| category.is_addon);
        let is_open = |variation: &Variation| {
            variation.visibility(now) == Visibility::Buyable && variation.channels.include(channel)
        };
        let on_sale = item.is_available(now)
            && item.channels.include(channel)
            && variation.is_none_or(is_open)
            && date.is_none_or(|date| date.sells(item, variation, now));
        let parts = item.bundles.iter().map(|link| Bundle {
            product: Product { item: link.item, variation: link.variation, date: date.map(|date| date.id) },
            count: i64::from(link.count),
            designated: link.designated_price,
        });
        Offer {
            rank: self.rank(product_of(item, variation, date)),
            on_sale: on_sale && !item.require_approval,
            sold_alone: !add_on_only && !item.require_bundling,
            needs_voucher: item.require_voucher,
            hidden_without_voucher: item.hide_without_voucher
                || variation.is_some_and(|variation| variation.hide_without_voucher),
            category: item.category,
            listed: match date {
                Some(date) => date.listed_price(item, variation),
                None => item.listed_price(variation),
            },
            free_price: item.free_price,
            tax_rate: rule.map_or(TaxRate::ZERO, |rule| rule.rate),
            price_includes_tax: rule.is_none_or(|rule| rule.price_includes_tax),
            min_per_order: item.min_per_order.map(i64::from),
            max_per_order: item.max_per_order.map(i64::from),
            bundles: parts.collect(),
            add_ons: item.add_ons.iter().map(AddOnLink::rule).collect(),
        }
    }

    /// The date with an id.
    pub fn date(&self, id: SubeventId) -> Option<&Date> {
        self.dates.iter().find(|date| date.id == id)
    }

    /// What a product is called: the item and its variation.
    pub fn product_name(&self, product: Product, lang: crate::i18n::Lang) -> String {
        let Some(item) = self.item(product.item) else { return String::new() };
        match product.variation.and_then(|id| item.variation(id)) {
            Some(variation) => format!("{} – {}", item.name.get(lang), variation.value.get(lang)),
            None => item.name.get(lang).to_owned(),
        }
    }

    /// Where a product stands in the shop; positions of an order are numbered in this order (spec domain 10.5).
    pub fn rank(&self, product: Product) -> (usize, usize, usize) {
        let date = product.date.and_then(|id| self.dates.iter().position(|date| date.id == id)).unwrap_or_default();
        let item = self.items.iter().position(|item| item.id == product.item).unwrap_or(usize::MAX);
        let variations = self.items.get(item).map(|item| item.variations.as_slice()).unwrap_or_default();
        let variation = variations.iter().position(|variation| Some(variation.id) == product.variation);
        (date, item, variation.unwrap_or_default())
    }
}

impl AddOnLink {
    /// The rule of it.
    pub fn rule(&self) -> AddOnRule {
        AddOnRule {
            category: self.category,
            min: i64::from(self.min_count),
            max: i64::from(self.max_count),
            multi_allowed: self.multi_allowed,
            price_included: self.price_included,
        }
    }
}

fn product_of(item: &Item, variation: Option<&Variation>, date: Option<&Date>) -> Product {
    Product { item: item.id, variation: variation.map(|variation| variation.id), date: date.map(|date| date.id) }
}
