//! Add-ons of a position (spec domain 2.4).

use std::collections::BTreeMap;

use super::{Batch, CartId, CartOutcome, CartPosition, NewCartPosition, Product};
use crate::{
    boxoffice::{AddOnChoice, AddOnProblem, CartRefusal, UnitPrice},
    id::{CartPositionId, CategoryId},
    money::Money,
};

impl Batch {
    /// Gives positions exactly these add-ons, as far as there are places for them.
    pub(super) fn set_add_ons(&mut self, cart: &CartId, wanted: &[(CartPositionId, Vec<AddOnChoice>)]) -> CartOutcome {
        let present = self.positions_of(cart);
        let chosen = match self.add_ons_of(&present, wanted) {
            Ok(chosen) => chosen,
            Err(refused) => return CartOutcome { refused: Some(refused), ..CartOutcome::default() },
        };
        let (expires_at, max_extend_at) = self.reservation(&present);
        let removed = self.renew(&present, expires_at, max_extend_at);
        let mut outcome = CartOutcome { removed, ..CartOutcome::default() };
        let mut added = Vec::new();
        for (base, chosen) in &chosen {
            // It may have expired, and its place may be gone since.
            if self.stock.cart_positions.contains_key(&base.id) {
                for (choice, count) in self.take_surplus_away(base.id, chosen) {
                    let count = self.room_for_add_on(&choice, count, &mut outcome);
                    let custom_price = self.custom_price(&choice);
                    let Some(price) = self.add_on_price(choice.product, custom_price, base) else { continue };
                    for _ in 0..count {
                        self.hold(choice.product, None, 1);
                        added.push(NewCartPosition {
                            cart: cart.clone(),
                            product: choice.product,
                            price,
                            custom_price,
                            voucher: None,
                            addon_to: Some(base.id),
                            parts: Vec::new(),
                            expires_at,
                            max_extend_at,
                        });
                    }
                }
            }
        }
        let dropped = self.drop_too_few(cart, &mut added);
        outcome.unavailable.extend(dropped.new);
        outcome.removed.extend(dropped.present);
        outcome.added = added.len() as i64;
        self.apply_discounts(cart, &mut added);
        self.changes.added.append(&mut added);
        outcome
    }

    /// How many of an add-on there are places for; what is missing is noted.
    fn room_for_add_on(&self, choice: &AddOnChoice, count: i64, outcome: &mut CartOutcome) -> i64 {
        let room = if self.is_locked(choice.product, None) { 0 } else { self.room_for(choice.product, None) };
        if room < count {
            let told = if room == 0 { &mut outcome.unavailable } else { &mut outcome.in_part };
            told.push(choice.product);
        }
        count.min(room)
    }

    fn custom_price(&self, choice: &AddOnChoice) -> Option<Money> {
        let is_free = self.stock.offers.get(&choice.product).is_some_and(|offer| offer.free_price);
        choice.chosen_price.filter(|_| is_free)
    }

    /// Deletes what is not chosen any more; returns what is missing. An add-on of which the price is chosen anew is
    /// replaced.
    fn take_surplus_away(&mut self, base: CartPositionId, chosen: &[AddOnChoice]) -> Vec<(AddOnChoice, i64)> {
        let mut missing: Vec<(AddOnChoice, i64)> = chosen.iter().map(|choice| (choice.clone(), choice.count)).collect();
        for add_on in self.children_of(base).into_iter().filter(|child| !child.bundled) {
            let same = |(choice, count): &&mut (AddOnChoice, i64)| {
                let same_price = self.custom_price(choice) == add_on.custom_price;
                choice.product == add_on.product && same_price && *count > 0
            };
            match missing.iter_mut().find(same) {
                Some((_, count)) => *count -= 1,
                None => self.delete(add_on.id),
            }
        }
        missing.retain(|(_, count)| *count > 0);
        missing
    }

    /// The positions with what is wanted for them, on their dates, or why that cannot be.
    fn add_ons_of(
        &self,
        present: &[CartPosition],
        wanted: &[(CartPositionId, Vec<AddOnChoice>)],
    ) -> Result<Vec<(CartPosition, Vec<AddOnChoice>)>, CartRefusal> {
        let mut all = Vec::new();
        for (id, chosen) in wanted {
            let base = present.iter().find(|it| it.id == *id && it.parent.is_none());
            let base = base.ok_or(CartRefusal::AddOn(AddOnProblem::NoBase))?;
            let chosen: Vec<AddOnChoice> = chosen.iter().map(|choice| with_date_of(choice, base.product)).collect();
            let counts = chosen.iter().map(|choice| (choice.product, choice.count.max(0)));
            if let Some(problem) = self.add_on_problem(base.product, counts) {
                return Err(CartRefusal::AddOn(problem));
            }
            all.push((base.clone(), chosen));
        }
        let is_replaced = |it: &CartPosition| all.iter().any(|(base, _)| it.parent == Some(base.id) && !it.bundled);
        let others: Vec<CartPosition> = present.iter().filter(|it| !is_replaced(it)).cloned().collect();
        let counts = all.iter().flat_map(|(_, chosen)| chosen.iter().map(|choice| (choice.product, choice.count)));
        match self.broken_limit(&others, counts) {
            Some(refused) => Err(refused),
            None => Ok(all),
        }
    }

    /// What is wrong with the add-ons of a product, if something is.
    fn add_on_problem(&self, base: Product, add_ons: impl Iterator<Item = (Product, i64)>) -> Option<AddOnProblem> {
        let Some(offer) = self.stock.offers.get(&base) else { return Some(AddOnProblem::NoBase) };
        let mut per_category: BTreeMap<CategoryId, BTreeMap<Product, i64>> = BTreeMap::new();
        for (product, count) in add_ons {
            let category = self.stock.offers.get(&product).and_then(|offer| offer.category);
            let Some(rule) = offer.add_on_rule(category) else { return Some(AddOnProblem::NoBase) };
            *per_category.entry(rule.category).or_default().entry(product).or_default() += count;
        }
        let nothing = BTreeMap::new();
        offer.add_ons.iter().find_map(|rule| rule.problem(per_category.get(&rule.category).unwrap_or(&nothing)))
    }

    /// The first position of a cart whose add-ons are not as they must be.
    pub(super) fn wrong_add_ons(&self, cart: &CartId) -> Option<(CartPositionId, AddOnProblem)> {
        self.positions_of(cart).into_iter().filter(|position| position.parent.is_none()).find_map(|position| {
            let add_ons = self.children_of(position.id).into_iter().filter(|child| !child.bundled);
            Some((position.id, self.add_on_problem(position.product, add_ons.map(|child| (child.product, 1)))?))
        })
    }

    /// What an add-on costs: nothing where the rule or the voucher of its position says so.
    pub(super) fn add_on_price(
        &self,
        product: Product,
        custom: Option<Money>,
        base: &CartPosition,
    ) -> Option<UnitPrice> {
        let offer = self.stock.offers.get(&product)?;
        let rule = self.stock.offers.get(&base.product).and_then(|base| base.add_on_rule(offer.category));
        let by_voucher = base.voucher.is_some_and(|id| self.stock.vouchers[&id].terms.all_addons_included);
        let is_included = by_voucher || rule.is_some_and(|rule| rule.price_included);
        Some(if is_included { offer.included_price() } else { offer.unit_price(custom) })
    }
}

fn with_date_of(choice: &AddOnChoice, base: Product) -> AddOnChoice {
    AddOnChoice { product: Product { date: base.date, ..choice.product }, ..choice.clone() }
}
