//! Carts that programs fill (spec rest-api 8).

use std::collections::BTreeMap;

use super::Batch;
use crate::{
    boxoffice::{CartId, CartOutcome, NewCartPosition, NewPart, OrderRefusal, Outcome, Product, Reservation},
    id::{CartPositionId, QuotaId, VoucherId},
};

impl Batch {
    /// Puts a unit into a cart with all that comes with it, or nothing of it. Prices are as they were said; windows, limits
    /// of orders and products that need a voucher do not matter to programs, places and vouchers do.
    pub(super) fn reserve(&mut self, cart: &CartId, unit: &Reservation) -> Outcome {
        let voucher = match self.reservable(unit) {
            Ok(voucher) => voucher,
            Err(faults) => return Outcome::NotCreated(faults),
        };
        let usual = self.reservation(&[]);
        let (expires_at, max_extend_at) = unit.expires_at.map_or(usual, |moment| (moment, moment));
        self.hold(unit.product, voucher, 1);
        unit.parts.iter().for_each(|(product, _)| self.hold(*product, None, 1));
        self.changes.added.push(NewCartPosition {
            cart: cart.clone(),
            product: unit.product,
            price: unit.price,
            custom_price: None,
            voucher,
            addon_to: None,
            parts: unit.parts.iter().map(|(product, price)| NewPart { product: *product, price: *price }).collect(),
            expires_at,
            max_extend_at,
        });
        Outcome::Cart(CartOutcome { added: 1, ..CartOutcome::default() })
    }

    /// Takes a position out of a cart, with what belongs to it.
    pub(super) fn release(&mut self, cart: &CartId, id: CartPositionId) -> Outcome {
        if self.stock.cart_positions.get(&id).is_some_and(|position| position.cart == *cart) {
            self.delete(id);
        }
        Outcome::Cart(CartOutcome::default())
    }

    /// The voucher of a unit, if there is room for all of it; else what is wrong: with the unit at place 0, with its parts
    /// after it.
    fn reservable(&self, unit: &Reservation) -> Result<Option<VoucherId>, Vec<(usize, OrderRefusal)>> {
        let usable = |code: &String| {
            let id = self.valid_voucher(code)?;
            self.check_fit(id, unit.product)?;
            if self.stock.vouchers[&id].uses_left() > 0 { Ok(id) } else { Err(self.shortage(id, 0)) }
        };
        let voucher = unit.voucher.as_ref().map(usable).transpose();
        let voucher = voucher.map_err(|problem| vec![(0, OrderRefusal::Voucher(problem))])?;
        let is_excused = voucher.is_some_and(|id| self.stock.vouchers[&id].terms.allow_ignore_quota);
        let mut taken: BTreeMap<QuotaId, i64> = BTreeMap::new();
        let mut faults = Vec::new();
        let parts = unit.parts.iter().map(|(product, _)| (*product, None));
        let units = std::iter::once((unit.product, voucher)).chain(parts);
        for (place, (product, voucher)) in units.enumerate() {
            if let Err(refusal) = self.room_beside(product, voucher, &mut taken, is_excused) {
                faults.push((place, refusal));
            }
        }
        if faults.is_empty() { Ok(voucher) } else { Err(faults) }
    }

    /// Whether there is room for one more besides what is `taken`, which grows by it.
    fn room_beside(
        &self,
        product: Product,
        voucher: Option<VoucherId>,
        taken: &mut BTreeMap<QuotaId, i64>,
        is_excused: bool,
    ) -> Result<(), OrderRefusal> {
        let quotas = self.quotas_of(product);
        if quotas.is_empty() {
            return Err(OrderRefusal::NoQuota(product));
        }
        // A voucher brings its place along only where it keeps one (spec domain 6.4, 35.21).
        let needed: Vec<QuotaId> = quotas.iter().copied().filter(|quota| !self.keeps(voucher, *quota)).collect();
        for quota in &needed {
            *taken.entry(*quota).or_default() += 1;
        }
        let is_full = |quota: &&QuotaId| self.stock.quotas[*quota].left().is_some_and(|left| taken[*quota] > left);
        match needed.iter().find(is_full).filter(|_| !is_excused) {
            Some(quota) => Err(OrderRefusal::NoRoom(*quota)),
            None => Ok(()),
        }
    }
}
