//! Prices in the box office in memory.

use std::collections::BTreeMap;

use shop::{
    boxoffice::{CartId, CartPosition},
    id::CartPositionId,
    pricing::{DiscountLine, apply_discounts},
};

use super::world::World;

impl World {
    /// What automatic discounts make of a cart as a whole is what its positions cost.
    pub(super) fn check_discounts(&self, cart: &CartId) {
        let positions: Vec<&CartPosition> =
            self.stock.cart_positions.values().filter(|it| it.cart == *cart && !it.bundled).collect();
        let mut add_ons: BTreeMap<CartPositionId, usize> = BTreeMap::new();
        let lines: Vec<DiscountLine> = positions
            .iter()
            .map(|it| DiscountLine {
                item: it.product.item,
                date: it.product.date,
                date_from: it.product.date.map(|date| self.stock.dates.as_ref().unwrap()[&date]),
                price: it.price.line(),
                addon_index: it.parent.map(|parent| {
                    let index = add_ons.entry(parent).or_default();
                    *index += 1;
                    *index
                }),
                is_bundled: false,
                has_voucher_discount: it.price.saving.minor() > 0,
            })
            .collect();
        let wanted = apply_discounts(&self.stock.discounts, &lines, "web", self.now);
        for (position, wanted) in positions.iter().zip(wanted) {
            assert_eq!((position.price.gross, position.price.discount), (wanted.price, wanted.discount));
            assert_eq!(position.price.tax, position.price.gross.split_tax(position.price.tax_rate).1);
        }
    }
}
