//! What the box office needs to know of the catalogue.

use std::collections::BTreeMap;

use super::{Catalogue, Item, Variation};
use crate::{
    boxoffice::{Offer, Product},
    money::TaxRate,
    time::Timestamp,
};

impl Catalogue {
    /// Every product with its conditions at `now`. Products that only come with a voucher, with an approval or as an
    /// add-on are not on sale in the shop.
    pub fn offers(&self, now: Timestamp) -> BTreeMap<Product, Offer> {
        let products = self.items.iter().flat_map(|item| {
            let own = item.variations.is_empty().then_some((item, None));
            own.into_iter().chain(item.variations.iter().map(move |variation| (item, Some(variation))))
        });
        products.map(|(item, variation)| (product_of(item, variation), self.offer(item, variation, now))).collect()
    }

    fn offer(&self, item: &Item, variation: Option<&Variation>, now: Timestamp) -> Offer {
        let rule = self.tax_rule(item);
        let add_on_only = item.category.and_then(|id| self.category(id)).is_some_and(|category| category.is_addon);
        let needs_more = item.require_voucher || item.hide_without_voucher || item.require_approval || add_on_only;
        Offer {
            rank: self.rank(product_of(item, variation)),
            on_sale: item.is_available(now) && variation.is_none_or(|variation| variation.active) && !needs_more,
            listed: item.listed_price(variation),
            free_price: item.free_price,
            tax_rate: rule.map_or(TaxRate::ZERO, |rule| rule.rate),
            price_includes_tax: rule.is_none_or(|rule| rule.price_includes_tax),
            min_per_order: item.min_per_order.map(i64::from),
            max_per_order: item.max_per_order.map(i64::from),
        }
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
    pub fn rank(&self, product: Product) -> (usize, usize) {
        let item = self.items.iter().position(|item| item.id == product.item).unwrap_or(usize::MAX);
        let variations = self.items.get(item).map(|item| item.variations.as_slice()).unwrap_or_default();
        let variation = variations.iter().position(|variation| Some(variation.id) == product.variation);
        (item, variation.unwrap_or_default())
    }
}

fn product_of(item: &Item, variation: Option<&Variation>) -> Product {
    Product { item: item.id, variation: variation.map(|variation| variation.id) }
}
