//! Add-ons of a position (spec domain 2.4).

use std::collections::BTreeMap;

use super::{Batch, CartId, CartOutcome, CartPosition, NewCartPosition, Product};
use crate::{
    boxoffice::{AddOnChoice, AddOnProblem, AddOnRule, CartRefusal, UnitPrice},
    id::{CartPositionId, CategoryId},
    money::Money,
};

impl Batch {
    /// Gives a position exactly these add-ons, as far as there are places for them.
    pub(super) fn set_add_ons(&mut self, cart: &CartId, id: CartPositionId, chosen: &[AddOnChoice]) -> CartOutcome {
        let base = self.stock.cart_positions.get(&id).filter(|it| it.cart == *cart && it.parent.is_none()).cloned();
        let Some(base) = base else {
            let refused = Some(CartRefusal::AddOn(AddOnProblem::NoBase));
            return CartOutcome { refused, ..CartOutcome::default() };
        };
        let chosen: Vec<AddOnChoice> = chosen.iter().map(|choice| with_date_of(choice, base.product)).collect();
        let present = self.positions_of(cart);
        let refused = self.add_on_refusal(&base, &present, &chosen);
        if refused.is_some() {
            return CartOutcome { refused, ..CartOutcome::default() };
        }
        let (expires_at, max_extend_at) = self.reservation(&present);
        let mut outcome =
            CartOutcome { removed: self.renew(&present, expires_at, max_extend_at), ..CartOutcome::default() };
        if !self.stock.cart_positions.contains_key(&id) {
            return outcome;
        }
        let missing = self.take_surplus_away(id, &chosen);
        let mut added = Vec::new();
        for (choice, count) in missing {
            let room = if self.is_locked(choice.product, None) { 0 } else { self.room_for(choice.product, None) };
            if room < count {
                let told = if room == 0 { &mut outcome.unavailable } else { &mut outcome.in_part };
                told.push(choice.product);
            }
            let custom_price = self.custom_price(&choice);
            let Some(price) = self.add_on_price(choice.product, custom_price, &base) else { continue };
            for _ in 0..count.min(room) {
                self.hold(choice.product, None, 1);
                added.push(NewCartPosition {
                    cart: cart.clone(),
                    product: choice.product,
                    price,
                    custom_price,
                    voucher: None,
                    addon_to: Some(id),
                    parts: Vec::new(),
                    expires_at,
                    max_extend_at,
                });
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

    fn add_on_refusal(
        &self,
        base: &CartPosition,
        present: &[CartPosition],
        chosen: &[AddOnChoice],
    ) -> Option<CartRefusal> {
        let products: Vec<Product> = chosen
            .iter()
            .flat_map(|choice| std::iter::repeat_n(choice.product, choice.count.max(0) as usize))
            .collect();
        let problem = self.add_on_problem(base.product, &products);
        let others: Vec<CartPosition> = present.iter().filter(|it| it.parent != Some(base.id)).cloned().collect();
        let wanted = chosen.iter().map(|choice| (choice.product, choice.count));
        problem.map(CartRefusal::AddOn).or_else(|| self.broken_limit(&others, wanted))
    }

    /// What is wrong with the add-ons of a product, if something is.
    fn add_on_problem(&self, base: Product, add_ons: &[Product]) -> Option<AddOnProblem> {
        let Some(offer) = self.stock.offers.get(&base) else { return Some(AddOnProblem::NoBase) };
        let mut per_category: BTreeMap<CategoryId, BTreeMap<Product, i64>> = BTreeMap::new();
        for product in add_ons {
            let category = self.stock.offers.get(product).and_then(|offer| offer.category);
            let Some(rule) = offer.add_on_rule(category) else { return Some(AddOnProblem::NoBase) };
            *per_category.entry(rule.category).or_default().entry(*product).or_default() += 1;
        }
        offer.add_ons.iter().find_map(|rule| problem_with(rule, per_category.get(&rule.category)))
    }

    /// The first position of a cart whose add-ons are not as they must be.
    pub(super) fn wrong_add_ons(&self, cart: &CartId) -> Option<(CartPositionId, AddOnProblem)> {
        self.positions_of(cart).into_iter().filter(|position| position.parent.is_none()).find_map(|position| {
            let add_ons = self.children_of(position.id).into_iter().filter(|child| !child.bundled);
            let products: Vec<Product> = add_ons.map(|child| child.product).collect();
            Some((position.id, self.add_on_problem(position.product, &products)?))
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

fn problem_with(rule: &AddOnRule, chosen: Option<&BTreeMap<Product, i64>>) -> Option<AddOnProblem> {
    let count: i64 = chosen.map_or(0, |chosen| chosen.values().sum());
    let repeated =
        chosen.and_then(|chosen| chosen.iter().find(|(_, count)| **count > 1)).map(|(product, _)| product.item);
    match repeated.filter(|_| !rule.multi_allowed) {
        _ if count > rule.max => Some(AddOnProblem::TooMany(rule.category, rule.max)),
        _ if count < rule.min => Some(AddOnProblem::TooFew(rule.category, rule.min)),
        Some(item) => Some(AddOnProblem::Repeated(item)),
        None => None,
    }
}
