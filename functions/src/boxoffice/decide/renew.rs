//! Reservations: how long a cart keeps its places, and beginning anew (spec domain 8.3).

use super::{Batch, CartPosition, Product};
use crate::{
    boxoffice::{RenewedCartPosition, UnitPrice},
    id::VoucherId,
    time::Timestamp,
};

/// A cart can be renewed for this many reservation times in all (spec domain 8.3).
const EXTENSIONS_MAX: i64 = 11;

impl Batch {
    /// Until when a cart that is touched now keeps its places (spec domain 8.3).
    pub(super) fn reservation(&self, present: &[CartPosition]) -> (Timestamp, Timestamp) {
        let seconds = self.stock.rules.reservation_seconds;
        let valid = present.iter().filter(|position| position.holds_stock);
        let inherited = valid.map(|position| position.max_extend_at).min();
        let max_extend_at = inherited.unwrap_or_else(|| self.now.plus_seconds(seconds * EXTENSIONS_MAX));
        (self.now.plus_seconds(seconds).min(max_extend_at), max_extend_at)
    }

    /// Extends what is valid and reserves again what has expired; returns what is gone. A product and its parts stay or go
    /// together; an add-on can go alone.
    pub(super) fn renew(
        &mut self,
        present: &[CartPosition],
        expires_at: Timestamp,
        max_extend_at: Timestamp,
    ) -> Vec<Product> {
        let mut gone = Vec::new();
        for position in present.iter().filter(|position| position.parent.is_none()) {
            let (parts, add_ons): (Vec<_>, Vec<_>) =
                self.children_of(position.id).into_iter().partition(|child| child.bundled);
            let whole: Vec<CartPosition> = std::iter::once(position.clone()).chain(parts).collect();
            if !self.can_go_on(&whole) {
                self.delete(position.id);
                gone.push(position.product);
                continue;
            }
            for part in &whole {
                self.go_on(part, position, expires_at, max_extend_at);
            }
            for add_on in add_ons {
                if self.can_go_on(std::slice::from_ref(&add_on)) {
                    self.go_on(&add_on, position, expires_at, max_extend_at);
                } else {
                    self.delete(add_on.id);
                    gone.push(add_on.product);
                }
            }
        }
        gone
    }

    /// Whether there is room for those of the positions that have expired, the first of which may have a voucher.
    fn can_go_on(&self, positions: &[CartPosition]) -> bool {
        let expired: Vec<&CartPosition> = positions.iter().filter(|position| !position.holds_stock).collect();
        if expired.is_empty() {
            return true;
        }
        let may_go_on = |position: &&CartPosition| {
            let has_use = position.voucher.is_none_or(|id| self.stock.vouchers[&id].uses_left() > 0);
            self.is_on_sale(position.product) && self.has_good_voucher(position) && has_use
        };
        let units: Vec<_> = expired.iter().map(|position| (position.product, position.voucher, 1)).collect();
        expired.iter().all(may_go_on) && self.room_for_units(&units, positions[0].voucher) > 0
    }

    fn go_on(
        &mut self,
        position: &CartPosition,
        parent: &CartPosition,
        expires_at: Timestamp,
        max_extend_at: Timestamp,
    ) {
        let mut price = None;
        if !position.holds_stock {
            price = self.renewed_price(position, parent);
            self.hold(position.product, position.voucher, 1);
            self.stock.cart_positions.entry(position.id).and_modify(|it| {
                it.holds_stock = true;
                it.price = price.unwrap_or(it.price);
            });
        }
        self.changes.renewed.push(RenewedCartPosition { id: position.id, expires_at, max_extend_at, price });
    }

    /// The present price of an expired position. A price that the buyer chose freely stays chosen.
    fn renewed_price(&self, position: &CartPosition, parent: &CartPosition) -> Option<UnitPrice> {
        if position.bundled {
            return self.part_price(position.product, parent.product, parent.voucher);
        }
        if position.parent.is_some() {
            return self.add_on_price(position.product, position.custom_price, parent);
        }
        let saved = self.saved_in(&position.cart, &[], position.voucher);
        self.price(position.product, position.custom_price, position.voucher, saved)
    }

    /// What a part of a product costs now; as much as before if the catalogue does not know it as a part any more.
    pub(super) fn part_price(&self, part: Product, whole: Product, voucher: Option<VoucherId>) -> Option<UnitPrice> {
        let offer = self.stock.offers.get(&part)?;
        let bundle = self.stock.offers.get(&whole)?.bundles.iter().find(|bundle| bundle.product == part)?;
        let is_included = voucher.is_some_and(|id| self.stock.vouchers[&id].terms.all_bundles_included);
        Some(if is_included { offer.included_price() } else { offer.part_price(bundle.designated) })
    }
}
