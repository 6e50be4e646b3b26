//! Automatic discounts of a cart (spec domain 5.4, 8.4): they are found anew for the cart as a whole whenever something
//! in it changes, and once more when it becomes an order.

use std::collections::BTreeMap;

use super::{Batch, CartId, CartPosition, NewCartPosition, Product};
use crate::{
    boxoffice::UnitPrice,
    catalogue::WEB,
    id::CartPositionId,
    pricing::{DiscountLine, apply_discounts},
};

impl Batch {
    /// Gives what lies in a cart, and what comes into it, the prices after discounts. Lines are in the order of their ids,
    /// in which new ones will follow, so what decides between equal lines stays the same.
    pub(super) fn apply_discounts(&mut self, cart: &CartId, added: &mut [NewCartPosition]) {
        if self.stock.discounts.is_empty() && !self.has_discounts(cart) {
            return;
        }
        let present: Vec<CartPosition> = self.positions_of(cart).into_iter().filter(|it| !it.bundled).collect();
        let mut add_ons: BTreeMap<CartPositionId, usize> = BTreeMap::new();
        let mut number = |parent: Option<CartPositionId>| {
            let next = add_ons.entry(parent?).or_default();
            *next += 1;
            Some(*next)
        };
        let mut lines: Vec<DiscountLine> =
            present.iter().map(|it| self.discount_line(it.product, &it.price, number(it.parent))).collect();
        for new in added.iter() {
            lines.push(self.discount_line(new.product, &new.price, number(new.addon_to)));
        }
        let results = apply_discounts(&self.stock.discounts, &lines, WEB, self.now);
        let (old, new) = results.split_at(present.len());
        for (position, result) in present.iter().zip(old) {
            let price = position.price.discounted(*result);
            if price != position.price {
                self.reprice(position, position.voucher, price);
            }
        }
        for (position, result) in added.iter_mut().zip(new) {
            position.price = position.price.discounted(*result);
        }
    }

    /// Whether an earlier discount is in a cart: it may have ended since.
    fn has_discounts(&self, cart: &CartId) -> bool {
        let mut ids = self.carts.get(cart).into_iter().flatten();
        ids.any(|id| self.stock.cart_positions.get(id).is_some_and(|it| it.price.is_discounted()))
    }

    pub(super) fn discount_line(
        &self,
        product: Product,
        price: &UnitPrice,
        addon_index: Option<usize>,
    ) -> DiscountLine {
        let date_from = product.date.and_then(|date| self.stock.dates.as_ref()?.get(&date).copied());
        DiscountLine {
            item: product.item,
            date: product.date,
            date_from,
            price: price.line(),
            addon_index,
            is_bundled: false,
            has_voucher_discount: price.saving.minor() > 0,
        }
    }
}
