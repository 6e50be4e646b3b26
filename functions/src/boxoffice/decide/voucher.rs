//! Vouchers in carts and orders (spec domain 6.4).

use std::collections::{BTreeMap, BTreeSet};

use super::{Batch, CartId, CartOutcome, CartPosition, NewCartPosition, OrderStock, Product, Uses};
use crate::{
    boxoffice::{CartRefusal, Line, RepricedCartPosition, Scope, UnitPrice, VoucherProblem, VoucherTerms, VoucherUses},
    id::{QuotaId, VoucherId},
    money::Money,
    order::OrderStatus,
};

impl Batch {
    /// Vouchers that have expired keep no places any more. Live carts that hold one count by themselves from now on:
    /// these are never more than what the voucher kept, so no quota gets fuller.
    pub(super) fn let_vouchers_expire(&mut self) {
        let expired = self.stock.vouchers.iter().filter(|(_, it)| it.holds_stock && !it.terms.is_valid(self.now));
        let mut expired: BTreeMap<VoucherId, Vec<Product>> = expired.map(|(id, _)| (*id, Vec::new())).collect();
        for position in self.stock.cart_positions.values().filter(|position| position.holds_stock) {
            if let Some(held) = position.voucher.and_then(|id| expired.get_mut(&id)) {
                held.push(position.product);
            }
        }
        for (id, held) in expired {
            self.stop_keeping(id, &held);
            self.changes.expired_vouchers.push(id);
        }
    }

    /// Gives back the places that a voucher keeps. Live carts hold these products with it.
    pub(super) fn stop_keeping(&mut self, id: VoucherId, held: &[Product]) {
        let unredeemed = self.stock.vouchers[&id].unredeemed();
        held.iter().for_each(|product| self.hold(*product, Some(id), -1));
        for quota in self.kept.remove(&id).unwrap_or_default() {
            self.use_quota(quota, Uses::vouchers(-unredeemed));
        }
        self.stock.vouchers.entry(id).and_modify(|voucher| voucher.holds_stock = false);
        held.iter().for_each(|product| self.hold(*product, Some(id), 1));
    }

    /// The quotas in which a voucher keeps places, if it does (spec domain 4.4).
    pub(super) fn quotas_kept_by(&self, terms: &VoucherTerms) -> BTreeSet<QuotaId> {
        let of_date = |id: &QuotaId| self.stock.quotas.get(id).is_some_and(|quota| quota.date == terms.date);
        let of = |product: Product| self.stock.quotas_of.get(&product).into_iter().flatten();
        let quotas: BTreeSet<QuotaId> = match terms.scope {
            Scope::Any => BTreeSet::new(),
            Scope::Quota(id) => BTreeSet::from([id]),
            Scope::Variation(item, variation) => {
                of(Product { item, variation: Some(variation), date: terms.date }).copied().collect()
            }
            Scope::Item(item) => {
                let first = Product { item, variation: None, date: None };
                let variations = self.stock.quotas_of.range(first..).take_while(|(product, _)| product.item == item);
                variations.flat_map(|(_, quotas)| quotas).copied().collect()
            }
        };
        quotas.into_iter().filter(of_date).collect()
    }

    pub(super) fn count_voucher(&mut self, id: VoucherId, add: impl Fn(&mut VoucherUses)) {
        let mut delta = VoucherUses::default();
        add(&mut delta);
        if let Some(voucher) = self.stock.vouchers.get_mut(&id) {
            voucher.redeemed += delta.redeemed;
            voucher.in_carts += delta.in_carts;
            voucher.budget_used += delta.budget_used;
            add(self.changes.vouchers.entry(id).or_default());
        }
    }

    /// The voucher behind a code that a buyer typed, if it is still good. One that this very batch creates has no row
    /// yet and is not known.
    pub(super) fn valid_voucher(&self, code: &str) -> Result<VoucherId, VoucherProblem> {
        let id = *self.codes.get(&VoucherTerms::normalized(code)).ok_or(VoucherProblem::Unknown)?;
        let voucher = self.stock.vouchers.get(&id).ok_or(VoucherProblem::Unknown)?;
        if voucher.terms.is_valid(self.now) { Ok(id) } else { Err(VoucherProblem::Expired) }
    }

    /// Whether a voucher is good for a product (spec domain 6.2).
    pub(super) fn check_fit(&self, id: VoucherId, product: Product) -> Result<(), VoucherProblem> {
        let terms = &self.stock.vouchers[&id].terms;
        let is_covered = match terms.scope {
            Scope::Any => true,
            Scope::Item(item) => product.item == item,
            Scope::Variation(item, variation) => product.item == item && product.variation == Some(variation),
            Scope::Quota(id) => self.stock.quotas_of.get(&product).is_some_and(|quotas| quotas.contains(&id)),
        };
        match () {
            () if !terms.fits_date(product) => Err(VoucherProblem::OtherDate),
            () if !is_covered => Err(VoucherProblem::OtherProduct),
            () => Ok(()),
        }
    }

    /// The voucher of a line, if the line has one that can be used for it, and how many uses are left. "One more" of
    /// something goes without the voucher once that is used up.
    pub(super) fn voucher_of(&self, line: &Line) -> Result<Option<VoucherId>, VoucherProblem> {
        let Some(wanted) = &line.voucher else { return Ok(None) };
        let id = self.valid_voucher(&wanted.code)?;
        self.check_fit(id, line.product)?;
        let is_used_up = self.stock.vouchers[&id].uses_left() == 0;
        Ok((!is_used_up || !wanted.unless_used_up).then_some(id))
    }

    /// Why a product cannot be had without a voucher, or with this one.
    pub(super) fn is_locked(&self, product: Product, voucher: Option<VoucherId>) -> bool {
        let Some(offer) = self.stock.offers.get(&product) else { return true };
        let shows_hidden = voucher.is_some_and(|id| self.stock.vouchers[&id].terms.show_hidden_items);
        (offer.needs_voucher && voucher.is_none()) || (offer.hidden_without_voucher && !shows_hidden)
    }

    /// Whether a position may go on with its voucher, apart from uses: the voucher is there, still good, and fits.
    pub(super) fn has_good_voucher(&self, position: &CartPosition) -> bool {
        position.voucher.is_none_or(|id| {
            let is_good = self.stock.vouchers.get(&id).is_some_and(|voucher| voucher.terms.is_valid(self.now));
            is_good && self.check_fit(id, position.product).is_ok()
        })
    }

    /// Why fewer uses are left than somebody wants.
    pub(super) fn shortage(&self, id: VoucherId, left: i64) -> VoucherProblem {
        match self.stock.vouchers[&id].unredeemed() {
            0 => VoucherProblem::Redeemed,
            _ if left == 0 => VoucherProblem::InOtherCarts,
            _ => VoucherProblem::InPart(left),
        }
    }

    /// What a unit costs with its voucher. `saved` is what others in the same cart already take out of its budget.
    pub(super) fn price(
        &self,
        product: Product,
        custom: Option<Money>,
        voucher: Option<VoucherId>,
        saved: i64,
    ) -> Option<UnitPrice> {
        let offer = self.stock.offers.get(&product)?;
        let voucher = voucher.and_then(|id| self.stock.vouchers.get(&id));
        let terms = voucher.map(|voucher| (&voucher.terms, voucher.budget_left().map(|left| left - saved)));
        Some(offer.price_with(custom, terms))
    }

    /// What the positions of a cart take out of a voucher's budget.
    pub(super) fn saved_in(&self, cart: &CartId, added: &[NewCartPosition], voucher: Option<VoucherId>) -> i64 {
        let has_budget = voucher.is_some_and(|id| self.stock.vouchers[&id].terms.budget.is_some());
        if !has_budget {
            return 0;
        }
        let ids = self.carts.get(cart).into_iter().flatten();
        let present = ids.filter_map(|id| self.stock.cart_positions.get(id));
        let present = present.filter(|it| it.voucher == voucher && it.holds_stock).map(|it| it.price.saving.minor());
        let new = added.iter().filter(|it| it.voucher == voucher).map(|it| it.price.saving.minor());
        present.chain(new).sum()
    }

    /// Uses a voucher for what is in the cart, where it saves most first (spec domain 8.5).
    pub(super) fn apply_voucher(&mut self, cart: &CartId, code: &str) -> CartOutcome {
        let refuse = |problem| CartOutcome { refused: Some(CartRefusal::Voucher(problem)), ..CartOutcome::default() };
        let id = match self.valid_voucher(code) {
            Ok(id) => id,
            Err(problem) => return refuse(problem),
        };
        let present = self.positions_of(cart);
        let candidates = self.candidates(id, &present);
        let with = present.iter().filter(|position| position.voucher == Some(id)).count() as i64;
        // What has expired in this cart comes back first, with its uses.
        let coming_back =
            present.iter().filter(|position| position.voucher == Some(id) && !position.holds_stock).count();
        let uses = (self.stock.vouchers[&id].uses_left() - coming_back as i64).max(0);
        let least = self.stock.vouchers[&id].least_in_cart();
        let count = uses.min(candidates.len() as i64);
        match () {
            () if candidates.is_empty() => return refuse(self.no_match(id, &present)),
            () if uses == 0 => return refuse(self.shortage(id, 0)),
            () if with + count < least => return refuse(VoucherProblem::TooFew(least)),
            () => {}
        }
        let (expires_at, max_extend_at) = self.reservation(&present);
        let removed = self.renew(&present, expires_at, max_extend_at);
        let mut outcome = CartOutcome { removed, ..CartOutcome::default() };
        for candidate in candidates.iter().take(usize::try_from(count).unwrap_or(usize::MAX)) {
            // It may have expired, and its place may be gone since.
            if let Some(position) = self.stock.cart_positions.get(&candidate.id).cloned() {
                self.use_voucher(&position, id);
                outcome.vouchered += 1;
            }
        }
        if count < candidates.len() as i64 {
            outcome.voucher = Some(VoucherProblem::InPart(outcome.vouchered));
        }
        let mut nothing = Vec::new();
        let dropped = self.drop_too_few(cart, &mut nothing);
        outcome.removed.extend(dropped.present);
        outcome.voucher = outcome.voucher.or(dropped.voucher);
        self.apply_discounts(cart, &mut []);
        outcome
    }

    /// Positions that can use a voucher, the largest saving first.
    fn candidates(&self, id: VoucherId, present: &[CartPosition]) -> Vec<CartPosition> {
        let can_use = |position: &&CartPosition| {
            let is_typed = position.custom_price.is_some_and(|typed| {
                self.price(position.product, None, None, 0).is_none_or(|price| price.gross != typed)
            });
            let is_free = position.voucher.is_none() && position.parent.is_none() && !is_typed;
            is_free && self.check_fit(id, position.product).is_ok() && !self.is_locked(position.product, Some(id))
        };
        let mut candidates: Vec<CartPosition> = present.iter().filter(can_use).cloned().collect();
        let saving = |position: &CartPosition| {
            let after = self.price(position.product, None, Some(id), 0).map_or(0, |price| price.gross.minor());
            position.price.line().minor() - after
        };
        candidates.sort_by_key(|position| (-saving(position), position.id));
        candidates
    }

    fn no_match(&self, id: VoucherId, present: &[CartPosition]) -> VoucherProblem {
        let other_date = |it: &CartPosition| self.check_fit(id, it.product) == Err(VoucherProblem::OtherDate);
        if !present.is_empty() && present.iter().all(other_date) {
            VoucherProblem::OtherDate
        } else {
            VoucherProblem::NoMatch
        }
    }

    /// Gives a live position a voucher: its place comes out of what the voucher keeps, its price goes down, and so do
    /// those of its add-ons and parts where the voucher includes them.
    fn use_voucher(&mut self, position: &CartPosition, id: VoucherId) {
        self.hold(position.product, position.voucher, -1);
        let saved = self.saved_in(&position.cart, &[], Some(id));
        self.hold(position.product, Some(id), 1);
        if let Some(price) = self.price(position.product, None, Some(id), saved) {
            self.reprice(position, Some(id), price);
        }
        let terms = self.stock.vouchers[&id].terms.clone();
        for child in self.children_of(position.id) {
            let is_included = if child.bundled { terms.all_bundles_included } else { terms.all_addons_included };
            if let Some(offer) = self.stock.offers.get(&child.product).filter(|_| is_included) {
                let price = offer.included_price();
                self.reprice(&child, None, price);
            }
        }
    }

    pub(super) fn reprice(&mut self, position: &CartPosition, voucher: Option<VoucherId>, price: UnitPrice) {
        self.stock.cart_positions.entry(position.id).and_modify(|it| {
            (it.voucher, it.price) = (voucher, price);
        });
        self.changes.repriced.push(RepricedCartPosition { id: position.id, voucher, price });
    }

    /// What a voucher takes off is never more than what its budget has left, which is decided here, under the lock: the
    /// positions share it in order, and the price of the rest goes up (spec domain 6.4).
    pub(super) fn cap_by_budget(&mut self, cart: &CartId) {
        let mut taken: BTreeMap<VoucherId, i64> = BTreeMap::new();
        for position in self.positions_of(cart) {
            let Some(id) = position.voucher else { continue };
            let Some(left) = self.stock.vouchers.get(&id).and_then(|voucher| voucher.budget_left()) else { continue };
            let taken = taken.entry(id).or_default();
            let left = (left - *taken).max(0);
            *taken += position.price.saving.minor().min(left);
            if position.price.saving.minor() <= left {
                continue;
            }
            let budget_left = self.stock.vouchers[&id].budget_left().unwrap_or_default();
            if let Some(price) = self.price(position.product, position.custom_price, Some(id), budget_left - left) {
                self.reprice(&position, Some(id), price);
            }
        }
    }

    /// Takes out what cannot be ordered any more: not on sale, locked, or with a voucher that is over or has no use left
    /// for it. A part takes the whole along.
    pub(super) fn drop_unsellable(&mut self, cart: &CartId) -> Vec<Product> {
        let mut dropped = Vec::new();
        let mut used: BTreeMap<VoucherId, i64> = BTreeMap::new();
        for position in self.positions_of(cart) {
            if !self.stock.cart_positions.contains_key(&position.id) {
                continue;
            }
            let has_use = position.voucher.is_none_or(|id| {
                let used = used.entry(id).or_default();
                *used += 1;
                *used <= self.stock.vouchers[&id].unredeemed()
            });
            let is_top = position.parent.is_none();
            let may_go = self.has_good_voucher(&position)
                && has_use
                && self.is_on_sale(position.product)
                && (!is_top || !self.is_locked(position.product, position.voucher));
            if !may_go {
                dropped.push(position.product);
                self.delete(position.id);
            }
        }
        dropped
    }

    /// An order takes a use, and what it took off the price, from a position that was in a cart.
    pub(super) fn redeem(&mut self, position: &CartPosition) {
        if let Some(id) = position.voucher {
            self.count_redeemed(id, 1);
            let saving = position.price.saving.minor();
            self.count_voucher(id, |uses| uses.budget_used += saving);
        }
    }

    /// Moves uses of vouchers between an order as it was and as it is, after its places have moved. What is cancelled gives
    /// its uses back; expired orders keep theirs, but not what they took out of a budget (spec domain 6.4, 35.12).
    ///
    /// A voucher that keeps places must find one in each of its quotas: where that one was sold in the meantime the use
    /// stays redeemed, because no voucher may oversell.
    pub(super) fn move_vouchers(&mut self, before: &OrderStock, after: &OrderStock) {
        for (id, count) in difference(&redeemed_by(before), &redeemed_by(after)) {
            for _ in count..0 {
                let kept = self.kept.get(&id).into_iter().flatten();
                let mut left = kept.map(|quota| self.stock.quotas[quota].left_for_staff());
                if left.all(|left| left.is_none_or(|left| left > 0)) {
                    self.count_redeemed(id, -1);
                }
            }
            if count > 0 {
                self.count_redeemed(id, count);
            }
        }
        for (id, sum) in difference(&budgets_of(before), &budgets_of(after)) {
            self.count_voucher(id, |uses| uses.budget_used += sum);
        }
    }

    /// Whether the budgets have what an order that does not count now took off.
    pub(super) fn budgets_allow(&self, order: &OrderStock) -> bool {
        let left = |id: &VoucherId| self.stock.vouchers.get(id).and_then(|voucher| voucher.budget_left());
        let pending = OrderStock { status: OrderStatus::Pending, ..order.clone() };
        budgets_of(&pending).iter().all(|(id, sum)| left(id).is_none_or(|left| *sum <= left))
    }

    /// Whether an order that holds nothing may come back with its vouchers.
    pub(super) fn vouchers_allow(&self, order: &OrderStock) -> bool {
        let pending = OrderStock { status: OrderStatus::Pending, ..order.clone() };
        let left = |id: &VoucherId| self.stock.vouchers.get(id).map_or(0, |voucher| voucher.uses_left());
        let again = difference(&redeemed_by(order), &redeemed_by(&pending));
        self.budgets_allow(order) && again.iter().all(|(id, count)| *count <= left(id))
    }

    /// Uses more or fewer: what the voucher keeps in its quotas shrinks or grows with them.
    fn count_redeemed(&mut self, id: VoucherId, count: i64) {
        let unredeemed = |batch: &Self| batch.stock.vouchers.get(&id).map_or(0, |voucher| voucher.unredeemed());
        let before = unredeemed(self);
        let redeemed = self.stock.vouchers.get(&id).map_or(0, |voucher| voucher.redeemed);
        let count = count.max(-redeemed);
        self.count_voucher(id, |uses| uses.redeemed += count);
        let kept = Uses::vouchers(unredeemed(self) - before);
        for quota in self.kept.get(&id).cloned().unwrap_or_default() {
            self.use_quota(quota, kept);
        }
    }
}

/// How often an order uses each voucher.
fn redeemed_by(order: &OrderStock) -> BTreeMap<VoucherId, i64> {
    let mut redeemed = BTreeMap::new();
    if order.status != OrderStatus::Canceled {
        for used in order.positions.iter().filter_map(|position| position.voucher) {
            *redeemed.entry(used.voucher).or_default() += 1;
        }
    }
    redeemed
}

/// What an order takes out of the budget of each voucher.
fn budgets_of(order: &OrderStock) -> BTreeMap<VoucherId, i64> {
    let mut budgets = BTreeMap::new();
    if matches!(order.status, OrderStatus::Pending | OrderStatus::Paid) {
        for used in order.positions.iter().filter_map(|position| position.voucher) {
            *budgets.entry(used.voucher).or_default() += used.budget_use;
        }
    }
    budgets
}

/// What is more in the second, or less.
fn difference(before: &BTreeMap<VoucherId, i64>, after: &BTreeMap<VoucherId, i64>) -> BTreeMap<VoucherId, i64> {
    let mut difference = after.clone();
    for (id, count) in before {
        *difference.entry(*id).or_default() -= count;
    }
    difference.retain(|_, count| *count != 0);
    difference
}
