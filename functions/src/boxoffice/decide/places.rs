//! Places: what is left, and taking and giving them (spec domain 4).

use super::Batch;
use crate::boxoffice::{Product, Uses};

impl Batch {
    /// How many units can be sold now: every quota of the product must have room (spec domain 4.1).
    pub(super) fn room_for(&self, product: Product) -> i64 {
        if !self.stock.offers.get(&product).is_some_and(|offer| offer.on_sale) {
            return 0;
        }
        self.places_left(product)
    }

    pub(super) fn places_left(&self, product: Product) -> i64 {
        let quotas = self.stock.quotas_of.get(&product).map(Vec::as_slice).unwrap_or_default();
        if quotas.is_empty() {
            return 0;
        }
        quotas.iter().filter_map(|id| self.stock.quotas[id].left()).min().unwrap_or(i64::MAX)
    }

    /// Whether all products fit together. Windows and prices do not matter any more for an order.
    pub(super) fn room_for_all(&mut self, products: &[Product]) -> bool {
        let before = self.stock.quotas.clone();
        let fits = products.iter().all(|product| {
            let fits = self.places_left(*product) > 0;
            for quota in self.stock.quotas_of.get(product).into_iter().flatten() {
                self.stock.quotas.entry(*quota).and_modify(|quota| quota.uses.paid += 1);
            }
            fits
        });
        self.stock.quotas = before;
        fits
    }

    pub(super) fn use_places(&mut self, product: Product, delta: Uses) {
        for id in self.stock.quotas_of.get(&product).into_iter().flatten() {
            self.stock.quotas.entry(*id).and_modify(|quota| quota.uses.add(delta));
            self.changes.uses.entry(*id).or_default().add(delta);
        }
    }
}
