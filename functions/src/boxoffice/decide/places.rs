//! Places: what is left, and taking and giving them (spec domain 4).

use std::collections::BTreeMap;

use super::Batch;
use crate::{
    boxoffice::{OrderRefusal, Product, Uses},
    id::{QuotaId, VoucherId},
};

impl Batch {
    /// How many units can be sold now: every quota of the product and of the parts that come with it must have room
    /// (spec domain 4.1, 4.6).
    pub(super) fn room_for(&self, product: Product, voucher: Option<VoucherId>) -> i64 {
        let Some(offer) = self.stock.offers.get(&product) else { return 0 };
        let parts = offer.bundles.iter().map(|part| (part.product, None, part.count));
        let units: Vec<_> = std::iter::once((product, voucher, 1)).chain(parts).collect();
        if units.iter().all(|(product, ..)| self.is_on_sale(*product)) {
            self.room_for_units(&units, voucher)
        } else {
            0
        }
    }

    pub(super) fn is_on_sale(&self, product: Product) -> bool {
        self.stock.offers.get(&product).is_some_and(|offer| offer.on_sale)
    }

    /// How often all of these (product, its voucher, count) fit together. `waiver` is the voucher that may excuse them
    /// from their quotas.
    ///
    /// The reference does not ask any quota of a product whose voucher keeps places, and so oversells a second quota that
    /// the voucher keeps nothing in (spec domain 6.4, 35.21). Here only the quotas that keep a place for it are left out.
    pub(super) fn room_for_units(&self, units: &[(Product, Option<VoucherId>, i64)], waiver: Option<VoucherId>) -> i64 {
        let mut needed: BTreeMap<QuotaId, i64> = BTreeMap::new();
        for (product, voucher, count) in units {
            let quotas = self.stock.quotas_of.get(product).map(Vec::as_slice).unwrap_or_default();
            if quotas.is_empty() {
                return 0;
            }
            for quota in quotas.iter().filter(|quota| !self.keeps(*voucher, **quota)) {
                *needed.entry(*quota).or_default() += count;
            }
        }
        if waiver.is_some_and(|id| self.stock.vouchers.get(&id).is_some_and(|it| it.terms.allow_ignore_quota)) {
            return i64::MAX;
        }
        let limited = needed.iter().filter_map(|(id, count)| Some(self.stock.quotas[id].left()? / count));
        limited.min().unwrap_or(i64::MAX)
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

    /// Whether a voucher keeps its places in a quota.
    pub(super) fn keeps(&self, voucher: Option<VoucherId>, quota: QuotaId) -> bool {
        voucher.and_then(|id| self.kept.get(&id)).is_some_and(|kept| kept.contains(&quota))
    }

    /// Puts places into a cart, or takes them out with a negative count. Where a voucher keeps the place, it is counted
    /// there already (spec domain 4.4).
    pub(super) fn hold(&mut self, product: Product, voucher: Option<VoucherId>, count: i64) {
        for id in self.stock.quotas_of.get(&product).cloned().unwrap_or_default() {
            if !self.keeps(voucher, id) {
                self.use_quota(id, Uses::carts(count));
            }
        }
        if let Some(voucher) = voucher {
            self.count_voucher(voucher, |uses| uses.in_carts += count);
        }
    }

    pub(super) fn use_places(&mut self, product: Product, delta: Uses) {
        for id in self.stock.quotas_of.get(&product).cloned().unwrap_or_default() {
            self.use_quota(id, delta);
        }
    }

    pub(super) fn use_quota(&mut self, id: QuotaId, delta: Uses) {
        self.stock.quotas.entry(id).and_modify(|quota| quota.uses.add(delta));
        self.changes.uses.entry(id).or_default().add(delta);
    }
}
