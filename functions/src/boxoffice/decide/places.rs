//! Places: what is left, and taking and giving them (spec domain 4).

use std::collections::BTreeMap;

use super::Batch;
use crate::{
    boxoffice::{OrderRefusal, Product, Uses},
    id::QuotaId,
};

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
    pub(super) fn room_for_all(&self, products: &[Product]) -> bool {
        let Ok(needs) = self.needs(&[], products) else { return false };
        needs.iter().all(|(id, count)| self.stock.quotas[id].left().is_none_or(|left| *count <= left))
    }

    /// Whether there is room for what an order newly needs, less what it gives back (spec domain 14.4): a swap inside a
    /// quota needs none. Staff does not count who waits (spec domain 4.5).
    pub(super) fn room_for_difference(&self, given: &[Product], taken: &[Product]) -> Result<(), OrderRefusal> {
        let needs = self.needs(given, taken)?;
        let lacks = |(id, count): &(&QuotaId, &i64)| {
            let left = self.stock.quotas[id].left_for_staff();
            **count > 0 && left.is_some_and(|left| **count > left)
        };
        needs.iter().find(lacks).map_or(Ok(()), |(id, _)| Err(OrderRefusal::NoRoom(*id)))
    }

    /// Places per quota that `taken` needs and `given` gives back. A product that is newly taken must have a quota.
    fn needs(&self, given: &[Product], taken: &[Product]) -> Result<BTreeMap<QuotaId, i64>, OrderRefusal> {
        let mut needs: BTreeMap<QuotaId, i64> = BTreeMap::new();
        for (products, sign) in [(given, -1), (taken, 1)] {
            for product in products {
                let quotas = self.stock.quotas_of.get(product).map(Vec::as_slice).unwrap_or_default();
                if quotas.is_empty() && sign > 0 && !given.contains(product) {
                    return Err(OrderRefusal::NoQuota(*product));
                }
                for quota in quotas {
                    *needs.entry(*quota).or_default() += sign;
                }
            }
        }
        Ok(needs)
    }

    pub(super) fn use_places(&mut self, product: Product, delta: Uses) {
        for id in self.stock.quotas_of.get(&product).into_iter().flatten() {
            self.stock.quotas.entry(*id).and_modify(|quota| quota.uses.add(delta));
            self.changes.uses.entry(*id).or_default().add(delta);
        }
    }
}
