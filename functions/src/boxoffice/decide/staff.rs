//! Vouchers as staff makes them: whatever keeps places is decided under the event's lock (spec domain 6.3).

use std::collections::BTreeSet;

use super::{Batch, Outcome, Product, Uses};
use crate::{
    boxoffice::{SavedVoucher, Scope, Voucher, VoucherFault, VoucherTerms},
    id::{ItemId, QuotaId, VariationId, VoucherId},
};

impl Batch {
    pub(super) fn save_voucher(&mut self, id: Option<VoucherId>, terms: &VoucherTerms) -> Outcome {
        let before = match id {
            Some(id) => match self.stock.vouchers.get(&id).cloned() {
                Some(voucher) => Some(voucher),
                None => return Outcome::VoucherRefused(VoucherFault::Missing),
            },
            None => None,
        };
        if let Some(fault) = self.voucher_fault(id, before.as_ref(), terms) {
            return Outcome::VoucherRefused(fault);
        }
        let keeps = terms.block_quota && terms.is_valid(self.now);
        let wanted = if keeps { self.quotas_kept_by(terms) } else { BTreeSet::new() };
        if let Some(fault) = self.no_room(id, before.as_ref(), terms, &wanted) {
            return Outcome::VoucherRefused(fault);
        }
        match id {
            Some(id) => self.change_voucher(id, terms, keeps.then_some(wanted)),
            None => {
                for quota in &wanted {
                    self.use_quota(*quota, Uses::vouchers(terms.max_usages));
                }
            }
        }
        self.changes.saved_vouchers.push(SavedVoucher { id, terms: terms.clone(), holds_stock: keeps });
        // A second one with this code in the same batch is refused.
        self.codes.insert(terms.code.clone(), id.unwrap_or(VoucherId(0)));
        Outcome::VoucherSaved
    }

    /// Carts that hold it lose the position: nobody can order with a voucher that is not there.
    pub(super) fn delete_voucher(&mut self, id: VoucherId) -> Outcome {
        let Some(voucher) = self.stock.vouchers.get(&id) else {
            return Outcome::VoucherRefused(VoucherFault::Missing);
        };
        if voucher.redeemed > 0 {
            return Outcome::VoucherRefused(VoucherFault::InUse);
        }
        let positions = self.stock.cart_positions.values();
        let with: Vec<_> = positions.filter(|it| it.voucher == Some(id)).map(|it| it.id).collect();
        with.into_iter().for_each(|position| self.delete(position));
        let new: Vec<_> = self.changes.added.extract_if(.., |it| it.voucher == Some(id)).collect();
        for position in new {
            self.hold(position.product, Some(id), -1);
            position.parts.iter().for_each(|part| self.hold(part.product, None, -1));
        }
        if self.stock.vouchers[&id].holds_stock {
            self.stop_keeping(id, &[]);
        }
        self.stock.vouchers.remove(&id);
        self.changes.vouchers.remove(&id);
        self.changes.deleted_vouchers.push(id);
        Outcome::VoucherDeleted
    }

    /// Places are kept anew: the live carts that hold the voucher count where the voucher does not keep a place.
    fn change_voucher(&mut self, id: VoucherId, terms: &VoucherTerms, keeps: Option<BTreeSet<QuotaId>>) {
        let held = self.held_with(id);
        if self.stock.vouchers[&id].holds_stock {
            self.stop_keeping(id, &held);
        }
        held.iter().for_each(|product| self.hold(*product, Some(id), -1));
        let old_code = self.stock.vouchers[&id].terms.code.clone();
        self.codes.remove(&old_code);
        self.stock.vouchers.entry(id).and_modify(|voucher| {
            (voucher.terms, voucher.holds_stock) = (terms.clone(), keeps.is_some());
        });
        if let Some(quotas) = keeps {
            let unredeemed = self.stock.vouchers[&id].unredeemed();
            for quota in &quotas {
                self.use_quota(*quota, Uses::vouchers(unredeemed));
            }
            self.kept.insert(id, quotas);
        }
        held.iter().for_each(|product| self.hold(*product, Some(id), 1));
    }

    /// Products of live cart positions that hold a voucher, in all carts: they are loaded for vouchers that change. Those
    /// that came in the same batch are among them.
    fn held_with(&self, id: VoucherId) -> Vec<Product> {
        let positions = self.stock.cart_positions.values();
        let held = positions.filter(|it| it.voucher == Some(id) && it.holds_stock).map(|it| it.product);
        let new = self.changes.added.iter().filter(|it| it.voucher == Some(id)).map(|it| it.product);
        held.chain(new).collect()
    }

    fn voucher_fault(
        &self,
        id: Option<VoucherId>,
        before: Option<&Voucher>,
        terms: &VoucherTerms,
    ) -> Option<VoucherFault> {
        let is_series = self.stock.dates.is_some();
        let knows_date = |date| self.stock.dates.as_ref().is_some_and(|dates| dates.contains_key(&date));
        // Carts count as well, unlike in the reference: what they hold was promised.
        let used = before.map_or(0, |voucher| voucher.redeemed + voucher.in_carts);
        match () {
            () if self.codes.get(&terms.code).is_some_and(|other| Some(*other) != id) => Some(VoucherFault::CodeTaken),
            () if terms.max_usages < terms.min_usages.max(1) => Some(VoucherFault::UsagesOrder),
            () if terms.max_usages < used => Some(VoucherFault::AlreadyUsed),
            () if terms.date.is_some_and(|date| !knows_date(date)) => Some(VoucherFault::WrongDate),
            () if !terms.block_quota => self.scope_fault(terms),
            () if terms.scope == Scope::Any => Some(VoucherFault::NoScope),
            () if is_series && terms.date.is_none() => Some(VoucherFault::NoDate),
            () => self.scope_fault(terms),
        }
    }

    fn scope_fault(&self, terms: &VoucherTerms) -> Option<VoucherFault> {
        let of_item = |product: &Product, item: ItemId, variation: Option<VariationId>| {
            product.item == item && product.date.is_none() && variation.is_none_or(|it| product.variation == Some(it))
        };
        let (item, variation) = match terms.scope {
            Scope::Any => return None,
            Scope::Quota(id) => {
                let quota = self.stock.quotas.get(&id);
                let fits = quota.is_some_and(|quota| terms.date.is_none() || quota.date == terms.date);
                return (!fits).then_some(VoucherFault::WrongScope);
            }
            Scope::Item(item) => (item, None),
            Scope::Variation(item, variation) => (item, Some(variation)),
        };
        let Some(offer) = self.stock.offers.iter().find(|(product, _)| of_item(product, item, variation)) else {
            return Some(VoucherFault::WrongScope);
        };
        (!offer.1.sold_alone).then_some(VoucherFault::NotSoldAlone)
    }

    /// The first quota that has no room for what the voucher would keep in it and does not keep yet. Carts that hold it
    /// count there already, so their places are not needed twice.
    ///
    /// The reference does not look when `max_usages` of such a voucher goes up (spec domain 35.6). Here it does, because
    /// no voucher may oversell.
    fn no_room(
        &self,
        id: Option<VoucherId>,
        before: Option<&Voucher>,
        terms: &VoucherTerms,
        wanted: &BTreeSet<QuotaId>,
    ) -> Option<VoucherFault> {
        if terms.allow_ignore_quota {
            return None;
        }
        let unredeemed = terms.max_usages - before.map_or(0, |voucher| voucher.redeemed);
        let kept = id.and_then(|id| self.kept.get(&id));
        let held = id.map(|id| self.held_with(id)).unwrap_or_default();
        wanted.iter().find_map(|quota| {
            let kept_already = kept.is_some_and(|kept| kept.contains(quota));
            let counts = |product: &&Product| self.stock.quotas_of.get(product).is_some_and(|of| of.contains(quota));
            let counted = match before.filter(|_| kept_already) {
                Some(voucher) => voucher.unredeemed(),
                None => held.iter().filter(counts).count() as i64,
            };
            let needed = unredeemed - counted;
            let has_room = self.stock.quotas[quota].left_for_staff().is_none_or(|left| needed <= 0 || needed <= left);
            let fault = if kept_already { VoucherFault::NoRoomForMore(*quota) } else { VoucherFault::NoRoom(*quota) };
            (!has_room).then_some(fault)
        })
    }
}
