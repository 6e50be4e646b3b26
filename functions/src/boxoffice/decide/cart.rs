//! Carts (spec domain 8).

use std::collections::BTreeMap;

use super::Batch;
use crate::{
    boxoffice::{
        CartId, CartOutcome, CartPosition, CartRefusal, Line, NewCartPosition, Product, RenewedCartPosition, Uses,
    },
    id::{CartPositionId, ItemId},
    time::Timestamp,
};

/// A cart can be renewed for this many reservation times in all (spec domain 8.3).
const EXTENSIONS_MAX: i64 = 11;

/// What went because too little of its item was left: positions that were there, and ones of this batch.
pub(super) struct Dropped {
    pub(super) present: Vec<Product>,
    new: Vec<Product>,
}
impl Batch {
    pub(super) fn add_to_cart(&mut self, cart: &CartId, lines: &[Line]) -> CartOutcome {
        let mut outcome = CartOutcome::default();
        let present = self.positions_of(cart);
        outcome.refused = self.broken_limit(&present, lines);
        if outcome.refused.is_some() {
            return outcome;
        }
        let (expires_at, max_extend_at) = self.reservation(&present);
        outcome.removed = self.renew(&present, expires_at, max_extend_at);
        for line in lines {
            let count = line.count.min(self.room_for(line.product));
            match count {
                0 => outcome.unavailable.push(line.product),
                _ if count < line.count => outcome.in_part.push(line.product),
                _ => {}
            }
            let Some(offer) = self.stock.offers.get(&line.product) else { continue };
            let price = offer.unit_price(line.chosen_price);
            let product = line.product;
            for _ in 0..count {
                self.use_places(product, Uses::carts(1));
                let added = NewCartPosition { cart: cart.clone(), product, price, expires_at, max_extend_at };
                self.changes.added.push(added);
                outcome.added += 1;
            }
        }
        let dropped = self.drop_below_minimum(cart);
        outcome.added -= dropped.new.len() as i64;
        outcome.in_part.retain(|product| !dropped.new.contains(product));
        outcome.unavailable.extend(dropped.new);
        outcome.unavailable.dedup();
        outcome.removed.extend(dropped.present);
        outcome
    }

    pub(super) fn remove_from_cart(&mut self, cart: &CartId, id: CartPositionId) -> CartOutcome {
        if self.stock.cart_positions.get(&id).is_some_and(|position| position.cart == *cart) {
            self.delete(id);
        }
        self.add_to_cart(cart, &[])
    }

    /// Fewer of an item than its minimum cannot be ordered, so what is there of it goes too (spec domain 8.5).
    pub(super) fn drop_below_minimum(&mut self, cart: &CartId) -> Dropped {
        let present = self.positions_of(cart);
        let mut per_item: BTreeMap<ItemId, i64> = BTreeMap::new();
        let new = self.changes.added.iter().filter(|position| position.cart == *cart).map(|position| position.product);
        for product in present.iter().map(|position| position.product).chain(new) {
            *per_item.entry(product.item).or_default() += 1;
        }
        let offers = &self.stock.offers;
        let is_below = |product: &Product| {
            let minimum = offers.get(product).and_then(|offer| offer.min_per_order);
            minimum.is_some_and(|minimum| per_item[&product.item] < minimum)
        };
        let present: Vec<_> = present.into_iter().filter(|position| is_below(&position.product)).collect();
        let is_dropped = |position: &mut NewCartPosition| position.cart == *cart && is_below(&position.product);
        let new: Vec<_> = self.changes.added.extract_if(.., is_dropped).map(|position| position.product).collect();
        for position in &present {
            self.delete(position.id);
        }
        for product in &new {
            self.use_places(*product, Uses::carts(-1));
        }
        Dropped { present: present.into_iter().map(|position| position.product).collect(), new }
    }

    /// Limits are checked for the whole request: breaking one changes nothing (spec domain 8.4, 8.5).
    pub(super) fn broken_limit(&self, present: &[CartPosition], lines: &[Line]) -> Option<CartRefusal> {
        let wanted: i64 = lines.iter().map(|line| line.count).sum();
        let positions_max = self.stock.rules.positions_max;
        if wanted > 0 && present.len() as i64 + wanted > positions_max {
            return Some(CartRefusal::MaxPositions(positions_max));
        }
        let mut per_item: BTreeMap<ItemId, i64> = BTreeMap::new();
        for line in lines {
            *per_item.entry(line.product.item).or_default() += line.count;
        }
        for (&item, count) in &mut per_item {
            *count += present.iter().filter(|position| position.product.item == item).count() as i64;
        }
        lines.iter().find_map(|line| {
            let offer = self.stock.offers.get(&line.product)?;
            let count = per_item[&line.product.item];
            let above = offer.max_per_order.filter(|max| count > *max);
            let below = offer.min_per_order.filter(|min| count < *min);
            let item = line.product.item;
            above
                .map(|max| CartRefusal::MaxPerOrder(item, max))
                .or(below.map(|min| CartRefusal::MinPerOrder(item, min)))
        })
    }

    /// Until when a cart that is touched now keeps its places (spec domain 8.3).
    pub(super) fn reservation(&self, present: &[CartPosition]) -> (Timestamp, Timestamp) {
        let seconds = self.stock.rules.reservation_seconds;
        let valid = present.iter().filter(|position| position.holds_stock);
        let inherited = valid.map(|position| position.max_extend_at).min();
        let max_extend_at = inherited.unwrap_or_else(|| self.now.plus_seconds(seconds * EXTENSIONS_MAX));
        (self.now.plus_seconds(seconds).min(max_extend_at), max_extend_at)
    }

    /// Extends what is valid and reserves again what has expired; returns what is gone.
    pub(super) fn renew(
        &mut self,
        present: &[CartPosition],
        expires_at: Timestamp,
        max_extend_at: Timestamp,
    ) -> Vec<Product> {
        let mut gone = Vec::new();
        for position in present {
            if position.holds_stock {
                let renewed = RenewedCartPosition { id: position.id, expires_at, max_extend_at, price: None };
                self.changes.renewed.push(renewed);
            } else if self.room_for(position.product) > 0 {
                self.use_places(position.product, Uses::carts(1));
                let offer = &self.stock.offers[&position.product];
                // A price that the buyer chose freely stays chosen.
                let price = offer.unit_price(offer.free_price.then_some(position.price.gross));
                let renewed = RenewedCartPosition { id: position.id, expires_at, max_extend_at, price: Some(price) };
                self.stock.cart_positions.entry(position.id).and_modify(|p| {
                    p.holds_stock = true;
                    p.price = price;
                });
                self.changes.renewed.push(renewed);
            } else {
                self.delete(position.id);
                gone.push(position.product);
            }
        }
        gone
    }

    pub(super) fn positions_of(&self, cart: &CartId) -> Vec<CartPosition> {
        self.stock.cart_positions.values().filter(|position| position.cart == *cart).cloned().collect()
    }

    pub(super) fn delete(&mut self, id: CartPositionId) {
        if let Some(position) = self.stock.cart_positions.remove(&id) {
            if position.holds_stock {
                self.use_places(position.product, Uses::carts(-1));
            }
            self.changes.deleted.push(id);
        }
    }
}
