//! What the positions of an order without a cart cost, and which vouchers they use (spec rest-api 9.3, domain 5, 6.4).

use std::collections::BTreeMap;

use super::Batch;
use crate::{
    boxoffice::{
        Bundle, CartPosition, CreateOrder, CreatePosition, Offer, OrderRefusal, UnitPrice, VoucherProblem, VoucherTerms,
    },
    id::VoucherId,
    money::Money,
    pricing::apply_discounts,
};

/// A position as it will be.
pub(super) struct Settled {
    pub(super) price: UnitPrice,
    pub(super) voucher: Option<VoucherId>,
}

/// What the positions so far take from each voucher.
#[derive(Default)]
struct Taken {
    uses: i64,
    budget: i64,
}

impl Batch {
    /// Vouchers and prices of all positions, or what is wrong with which. Uses that consumed carts hold are there for
    /// the order. Even an order that is forced uses no voucher more often than it may be used.
    pub(super) fn settle_positions(
        &self,
        wanted: &CreateOrder,
        consumed: &[CartPosition],
    ) -> Result<Vec<Settled>, Vec<(usize, OrderRefusal)>> {
        let mut taken: BTreeMap<VoucherId, Taken> = BTreeMap::new();
        for id in consumed.iter().filter(|position| position.holds_stock).filter_map(|position| position.voucher) {
            taken.entry(id).or_default().uses -= 1;
        }
        let (mut settled, mut faults): (Vec<Settled>, Vec<(usize, OrderRefusal)>) = (Vec::new(), Vec::new());
        for (place, position) in wanted.positions.iter().enumerate() {
            match self.settle(wanted, place, position, &settled, &mut taken) {
                Ok(one) => settled.push(one),
                Err(refusal) => {
                    faults.push((place, refusal));
                    settled.push(Settled { price: position.price, voucher: None });
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.discount(wanted, &mut settled);
        Ok(settled)
    }

    fn settle(
        &self,
        wanted: &CreateOrder,
        place: usize,
        position: &CreatePosition,
        settled: &[Settled],
        taken: &mut BTreeMap<VoucherId, Taken>,
    ) -> Result<Settled, OrderRefusal> {
        let base = position.parent.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
        let Some(code) = &position.voucher else {
            let price = match base.and_then(|at| Some((wanted.positions.get(at)?, settled.get(at)?))) {
                _ if position.is_price_given => position.price,
                Some((base, above)) => self.price_below(position, base, above.voucher),
                None => self.price_on_top(wanted, place, None),
            };
            return Ok(Settled { price, voucher: None });
        };
        let id = self.valid_voucher(code).map_err(OrderRefusal::Voucher)?;
        self.check_fit(id, position.product).map_err(OrderRefusal::Voucher)?;
        let voucher = &self.stock.vouchers[&id];
        let taken = taken.entry(id).or_default();
        // What is in carts that are consumed was taken off already.
        if taken.uses >= voucher.unredeemed() - voucher.in_carts {
            let problem = match taken.uses.max(0) >= voucher.unredeemed() {
                true => VoucherProblem::Redeemed,
                false => VoucherProblem::InOtherCarts,
            };
            return Err(OrderRefusal::Voucher(problem));
        }
        let left = voucher.budget_left().map(|left| (left - taken.budget).max(0));
        let price = if position.is_price_given {
            let saving = self.needed_saving(position);
            if left.is_some_and(|left| saving.minor() > left) {
                return Err(OrderRefusal::BudgetUsedUp);
            }
            UnitPrice { saving, ..position.price }
        } else {
            let wants_saving = self.price_on_top(wanted, place, Some((&voucher.terms, None))).saving.minor() > 0;
            if wants_saving && left == Some(0) {
                return Err(OrderRefusal::BudgetUsedUp);
            }
            self.price_on_top(wanted, place, Some((&voucher.terms, left)))
        };
        taken.uses += 1;
        taken.budget += price.saving.minor();
        Ok(Settled { price, voucher: Some(id) })
    }

    /// What a price that was said is below the listed one: so much of the budget it needs.
    fn needed_saving(&self, position: &CreatePosition) -> Money {
        let includes_tax = self.stock.offers.get(&position.product).is_none_or(|offer| offer.price_includes_tax);
        let said = if includes_tax { position.price.gross } else { position.price.net() };
        Money::new((position.price.listed.minor() - said.minor()).max(0), said.currency())
    }

    /// The price of what belongs to no other. What stands on its parts in this very order is not in it.
    fn price_on_top(
        &self,
        wanted: &CreateOrder,
        place: usize,
        voucher: Option<(&VoucherTerms, Option<i64>)>,
    ) -> UnitPrice {
        let position = &wanted.positions[place];
        let Some(offer) = self.stock.offers.get(&position.product) else { return position.price };
        let number = i32::try_from(place + 1).ok();
        let parts = wanted.positions.iter().filter(|it| it.bundled && it.parent == number && !it.is_price_given);
        let present = parts.filter_map(|it| part_of(offer, it).map(|part| Bundle { count: 1, ..*part }));
        Offer { bundles: present.collect(), ..offer.clone() }.price_with(None, voucher)
    }

    /// The price of an add-on or a part: nothing where its position or the voucher of that pays for it.
    fn price_below(&self, position: &CreatePosition, base: &CreatePosition, voucher: Option<VoucherId>) -> UnitPrice {
        let offers = (self.stock.offers.get(&position.product), self.stock.offers.get(&base.product));
        let (Some(offer), Some(above)) = offers else { return position.price };
        let terms = voucher.map(|id| &self.stock.vouchers[&id].terms);
        if let Some(part) = part_of(above, position).filter(|_| position.bundled) {
            let is_included = terms.is_some_and(|terms| terms.all_bundles_included);
            return if is_included { offer.included_price() } else { offer.part_price(part.designated) };
        }
        let is_included = terms.is_some_and(|terms| terms.all_addons_included)
            || above.add_on_rule(offer.category).is_some_and(|rule| rule.price_included);
        if is_included { offer.included_price() } else { offer.unit_price(None) }
    }

    /// Automatic discounts of what has a computed price; what a client says something costs is what it costs.
    fn discount(&self, wanted: &CreateOrder, settled: &mut [Settled]) {
        if self.stock.discounts.is_empty() {
            return;
        }
        let mut add_ons: BTreeMap<i32, usize> = BTreeMap::new();
        let (mut places, mut lines) = (Vec::new(), Vec::new());
        for (place, position) in wanted.positions.iter().enumerate() {
            if position.is_price_given || position.bundled {
                continue;
            }
            let addon_index = position.parent.map(|parent| {
                let next = add_ons.entry(parent).or_default();
                *next += 1;
                *next
            });
            places.push(place);
            lines.push(self.discount_line(position.product, &settled[place].price, addon_index));
        }
        let results = apply_discounts(&self.stock.discounts, &lines, &wanted.sales_channel, self.now);
        for (place, result) in places.into_iter().zip(results) {
            settled[place].price = settled[place].price.discounted(result);
        }
    }
}

/// The rule by which a position is a part of a product.
fn part_of<'a>(offer: &'a Offer, position: &CreatePosition) -> Option<&'a Bundle> {
    offer.bundles.iter().find(|part| part.product == position.product)
}
