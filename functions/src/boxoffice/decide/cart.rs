//! Carts (spec domain 8).

use std::collections::BTreeMap;

use super::{Batch, CartId, CartOutcome, CartPosition, NewCartPosition, Product};
use crate::{
    boxoffice::{CartRefusal, Line, NewPart, VoucherProblem},
    id::{CartPositionId, ItemId, VoucherId},
    time::Timestamp,
};

/// What went because too little of it was left: positions that were there, and ones of this request.
#[derive(Default)]
pub(super) struct Dropped {
    pub(super) present: Vec<Product>,
    pub(super) new: Vec<Product>,
    pub(super) voucher: Option<VoucherProblem>,
}

impl Batch {
    pub(super) fn add_to_cart(&mut self, cart: &CartId, lines: &[Line]) -> CartOutcome {
        let mut outcome = CartOutcome::default();
        let present = self.positions_of(cart);
        outcome.refused = self.refusal(&present, lines);
        if outcome.refused.is_some() {
            return outcome;
        }
        let (expires_at, max_extend_at) = self.reservation(&present);
        outcome.removed = self.renew(&present, expires_at, max_extend_at);
        let mut added: Vec<NewCartPosition> = Vec::new();
        for line in lines {
            let voucher = self.voucher_of(line).unwrap_or_default();
            let count = self.count_to_add(line, voucher, &mut outcome);
            for _ in 0..count {
                let new = self.take(cart, line, voucher, &added, (expires_at, max_extend_at));
                added.extend(new);
            }
        }
        let dropped = self.drop_too_few(cart, &mut added);
        outcome.in_part.retain(|product| !dropped.new.contains(product));
        outcome.unavailable.extend(dropped.new);
        outcome.unavailable.dedup();
        outcome.removed.extend(dropped.present);
        outcome.voucher = outcome.voucher.or(dropped.voucher);
        outcome.added = added.len() as i64;
        self.apply_discounts(cart, &mut added);
        self.changes.added.append(&mut added);
        outcome
    }

    pub(super) fn remove_from_cart(&mut self, cart: &CartId, id: CartPositionId) -> CartOutcome {
        if self.stock.cart_positions.get(&id).is_some_and(|position| position.cart == *cart) {
            self.delete(id);
        }
        self.add_to_cart(cart, &[])
    }

    /// How many of a line there are places and voucher uses for; what is missing is noted.
    fn count_to_add(&self, line: &Line, voucher: Option<VoucherId>, outcome: &mut CartOutcome) -> i64 {
        let product = line.product;
        let is_locked = self.is_locked(product, voucher);
        let room = if is_locked { 0 } else { self.room_for(product, voucher) };
        if room < line.count {
            let told = if room == 0 { &mut outcome.unavailable } else { &mut outcome.in_part };
            told.push(product);
        }
        let count = line.count.min(room);
        let Some(id) = voucher else { return count };
        let left = self.stock.vouchers[&id].uses_left();
        if left < count {
            outcome.voucher = Some(self.shortage(id, left));
        }
        count.min(left)
    }

    /// One unit with the parts that come with it.
    fn take(
        &mut self,
        cart: &CartId,
        line: &Line,
        voucher: Option<VoucherId>,
        added: &[NewCartPosition],
        (expires_at, max_extend_at): (Timestamp, Timestamp),
    ) -> Option<NewCartPosition> {
        let product = line.product;
        let offer = self.stock.offers.get(&product)?;
        let custom_price = line.chosen_price.filter(|_| offer.free_price);
        let bundles = offer.bundles.clone();
        let price = self.price(product, custom_price, voucher, self.saved_in(cart, added, voucher))?;
        self.hold(product, voucher, 1);
        let mut parts = Vec::new();
        for bundle in bundles {
            let price = self.part_price(bundle.product, product, voucher)?;
            for _ in 0..bundle.count {
                self.hold(bundle.product, None, 1);
                parts.push(NewPart { product: bundle.product, price });
            }
        }
        let cart = cart.clone();
        Some(NewCartPosition {
            cart,
            product,
            price,
            custom_price,
            voucher,
            addon_to: None,
            parts,
            expires_at,
            max_extend_at,
        })
    }

    /// Fewer of an item than its minimum cannot be ordered, so what is there of it goes too; likewise all positions of a
    /// voucher that has a minimum (spec domain 8.5, 6.4). One may take the other below its minimum.
    pub(super) fn drop_too_few(&mut self, cart: &CartId, added: &mut Vec<NewCartPosition>) -> Dropped {
        let mut dropped = Dropped::default();
        loop {
            let present = self.positions_of(cart);
            let (items, vouchers) = (self.items_below(&present, added), self.vouchers_below(&present, added));
            if items.is_empty() && vouchers.is_empty() {
                return dropped;
            }
            if let Some((_, least)) = vouchers.first_key_value() {
                dropped.voucher = Some(VoucherProblem::RemovedTooFew(*least));
            }
            let goes = |item: ItemId, voucher: Option<VoucherId>| {
                items.contains(&item) || voucher.is_some_and(|id| vouchers.contains_key(&id))
            };
            for position in present.iter().filter(|it| !it.bundled && goes(it.product.item, it.voucher)) {
                // It may have gone with its parent.
                if self.stock.cart_positions.contains_key(&position.id) {
                    self.delete(position.id);
                    dropped.present.push(position.product);
                }
            }
            for new in added.extract_if(.., |it| goes(it.product.item, it.voucher)) {
                self.hold(new.product, new.voucher, -1);
                new.parts.iter().for_each(|part| self.hold(part.product, None, -1));
                dropped.new.push(new.product);
            }
        }
    }

    /// Items of which a cart has fewer than their minimum. Parts of bundles are nobody's choice and do not count.
    fn items_below(&self, present: &[CartPosition], added: &[NewCartPosition]) -> Vec<ItemId> {
        let mut counts: BTreeMap<ItemId, (i64, i64)> = BTreeMap::new();
        let present = present.iter().filter(|position| !position.bundled).map(|position| position.product);
        for product in present.chain(added.iter().map(|new| new.product)) {
            let least = self.stock.offers.get(&product).and_then(|offer| offer.min_per_order).unwrap_or_default();
            let (count, minimum) = counts.entry(product.item).or_default();
            *count += 1;
            *minimum = least.max(*minimum);
        }
        counts.into_iter().filter(|(_, (count, least))| count < least).map(|(item, _)| item).collect()
    }

    /// Vouchers of which a cart has fewer positions than it must, with that number.
    fn vouchers_below(&self, present: &[CartPosition], added: &[NewCartPosition]) -> BTreeMap<VoucherId, i64> {
        let mut counts: BTreeMap<VoucherId, i64> = BTreeMap::new();
        let used = present.iter().map(|position| position.voucher).chain(added.iter().map(|new| new.voucher));
        for id in used.flatten() {
            *counts.entry(id).or_default() += 1;
        }
        let least = |id: &VoucherId| self.stock.vouchers.get(id).map_or(1, |voucher| voucher.least_in_cart());
        counts
            .into_iter()
            .map(|(id, count)| (id, count, least(&id)))
            .filter(|(_, count, least)| count < least)
            .map(|(id, _, least)| (id, least))
            .collect()
    }

    /// Limits and conditions are checked for the whole request: breaking one changes nothing (spec domain 8.4, 8.5).
    fn refusal(&self, present: &[CartPosition], lines: &[Line]) -> Option<CartRefusal> {
        let wanted: i64 = lines.iter().map(|line| line.count).sum();
        let on_top = present.iter().filter(|position| position.parent.is_none()).count() as i64;
        let positions_max = self.stock.rules.positions_max;
        if wanted > 0 && on_top + wanted > positions_max {
            return Some(CartRefusal::MaxPositions(positions_max));
        }
        lines
            .iter()
            .find_map(|line| self.condition_of(line))
            .or_else(|| self.broken_limit(present, lines.iter().map(|line| (line.product, line.count))))
            .or_else(|| self.voucher_with_too_few(present, lines))
    }

    /// What a line lacks, however many places there are.
    fn condition_of(&self, line: &Line) -> Option<CartRefusal> {
        let offer = self.stock.offers.get(&line.product)?;
        let item = line.product.item;
        match self.voucher_of(line) {
            Err(problem) => Some(CartRefusal::Voucher(problem)),
            Ok(_) if !offer.sold_alone => Some(CartRefusal::NotSoldAlone(item)),
            Ok(None) if offer.needs_voucher && !offer.hidden_without_voucher => Some(CartRefusal::NeedsVoucher(item)),
            Ok(_) => None,
        }
    }

    /// The limits of items, over all variations and add-ons (spec domain 8.5).
    pub(super) fn broken_limit(
        &self,
        present: &[CartPosition],
        wanted: impl Iterator<Item = (Product, i64)> + Clone,
    ) -> Option<CartRefusal> {
        let mut per_item: BTreeMap<ItemId, i64> = BTreeMap::new();
        for (product, count) in wanted.clone() {
            *per_item.entry(product.item).or_default() += count;
        }
        for position in present.iter().filter(|position| !position.bundled) {
            per_item.entry(position.product.item).and_modify(|count| *count += 1);
        }
        wanted.into_iter().find_map(|(product, _)| {
            let offer = self.stock.offers.get(&product)?;
            let (item, count) = (product.item, per_item[&product.item]);
            let above = offer.max_per_order.filter(|max| count > *max);
            let below = offer.min_per_order.filter(|min| count < *min);
            above
                .map(|max| CartRefusal::MaxPerOrder(item, max))
                .or(below.map(|min| CartRefusal::MinPerOrder(item, min)))
        })
    }

    /// A voucher of which the cart would have fewer positions than it must (spec domain 6.4).
    fn voucher_with_too_few(&self, present: &[CartPosition], lines: &[Line]) -> Option<CartRefusal> {
        let mut counts: BTreeMap<VoucherId, i64> = BTreeMap::new();
        for line in lines {
            if let Ok(Some(id)) = self.voucher_of(line) {
                *counts.entry(id).or_default() += line.count;
            }
        }
        for id in present.iter().filter_map(|position| position.voucher) {
            counts.entry(id).and_modify(|count| *count += 1);
        }
        let least = |id: &VoucherId| self.stock.vouchers[id].least_in_cart();
        let too_few = counts.iter().find(|(id, count)| **count < least(id))?;
        Some(CartRefusal::Voucher(VoucherProblem::TooFew(least(too_few.0))))
    }
}
