//! The rules of selling, as a pure function.

mod addon;
mod cart;
mod discount;
mod order;
mod places;
mod renew;
mod reserve;
mod staff;
mod voucher;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Availability, CartId, CartOutcome, CartPosition, Changes, NewCartPosition, NewPayment, OrderStock, Outcome,
    Product, Request, Stock, Uses,
};
use crate::{
    id::{CartPositionId, OrderId, QuotaId, VoucherId},
    time::Timestamp,
};

/// A position with less time left counts as expired, so that nothing runs out while it is being bought (spec domain 8.3).
const MARGIN_SECONDS: i64 = 5;

/// Decides a batch in the order of arrival: one outcome for each request, and what to write for all of them.
///
/// Deterministic: the same stock, requests and moment give the same decision. A batch holds at most one request of a
/// cart, because positions get their ids only when they are written, and likewise at most one that changes a voucher.
pub fn decide(stock: Stock, requests: &[Request], now: Timestamp) -> (Vec<Outcome>, Changes) {
    let mut batch = Batch::new(stock, now);
    batch.release_expired();
    batch.let_vouchers_expire();
    let outcomes = requests.iter().enumerate().map(|(index, request)| batch.serve(index, request)).collect();
    batch.changed_orders();
    batch.close_what_sold_out();
    batch.forget_time_for_deleted();
    (outcomes, batch.changes)
}

struct Batch {
    stock: Stock,
    changes: Changes,
    /// Orders that have changed, as they were read.
    before: BTreeMap<OrderId, OrderStock>,
    /// Orders whose open payments are given up.
    payments_given_up: BTreeSet<OrderId>,
    /// Payments that come with a change.
    payments: BTreeMap<OrderId, NewPayment>,
    now: Timestamp,
    /// Positions by cart: nothing may look at all positions for one request.
    carts: BTreeMap<CartId, BTreeSet<CartPositionId>>,
    /// Add-ons and parts by the position that they belong to.
    children: BTreeMap<CartPositionId, BTreeSet<CartPositionId>>,
    /// Vouchers by their codes.
    codes: BTreeMap<String, VoucherId>,
    /// In which quotas a voucher keeps places.
    kept: BTreeMap<VoucherId, BTreeSet<QuotaId>>,
}

impl Batch {
    fn new(stock: Stock, now: Timestamp) -> Self {
        let mut carts: BTreeMap<CartId, BTreeSet<CartPositionId>> = BTreeMap::new();
        let mut children: BTreeMap<CartPositionId, BTreeSet<CartPositionId>> = BTreeMap::new();
        for position in stock.cart_positions.values() {
            carts.entry(position.cart.clone()).or_default().insert(position.id);
            if let Some(parent) = position.parent {
                children.entry(parent).or_default().insert(position.id);
            }
        }
        let codes = stock.vouchers.iter().map(|(id, voucher)| (voucher.terms.code.clone(), *id)).collect();
        let mut batch = Self {
            stock,
            changes: Changes::default(),
            before: BTreeMap::new(),
            payments_given_up: BTreeSet::new(),
            payments: BTreeMap::new(),
            now,
            carts,
            children,
            codes,
            kept: BTreeMap::new(),
        };
        let keeping = batch.stock.vouchers.iter().filter(|(_, voucher)| voucher.holds_stock);
        batch.kept = keeping.map(|(id, voucher)| (*id, batch.quotas_kept_by(&voucher.terms))).collect();
        batch
    }

    fn serve(&mut self, index: usize, request: &Request) -> Outcome {
        match request {
            Request::AddToCart { cart, lines } => Outcome::Cart(self.add_to_cart(cart, lines)),
            Request::RemoveFromCart { cart, position } => Outcome::Cart(self.remove_from_cart(cart, *position)),
            Request::ClearCart { cart } => {
                for position in self.positions_of(cart) {
                    self.delete(position.id);
                }
                Outcome::Cart(CartOutcome::default())
            }
            Request::ApplyVoucher { cart, code } => Outcome::Cart(self.apply_voucher(cart, code)),
            Request::SetAddOns { cart, chosen } => Outcome::Cart(self.set_add_ons(cart, chosen)),
            Request::Reserve { cart, unit } => self.reserve(cart, unit),
            Request::Release { cart, position } => self.release(cart, *position),
            Request::PlaceOrder { cart, agreed_total, draft } => self.place_order(index, cart, *agreed_total, draft),
            Request::PayOrder { order, accept_late, by_staff } => self.pay_order(*order, *accept_late, *by_staff),
            Request::CreateOrder { wanted } => self.create_order(index, wanted),
            Request::ChangeOrder { order, action } => self.change_order(*order, action),
            Request::ExpireOrder { order } => self.expire_order(*order),
            Request::SaveVoucher { voucher, terms } => self.save_voucher(*voucher, terms),
            Request::DeleteVoucher { voucher } => self.delete_voucher(*voucher),
        }
    }

    /// Expired carts are settled first thing in a batch, so that their places can be sold in it.
    fn release_expired(&mut self) {
        let margin = self.now.plus_seconds(MARGIN_SECONDS);
        let positions = self.stock.cart_positions.values();
        let expired: Vec<_> = positions.filter(|p| p.holds_stock && p.expires_at <= margin).cloned().collect();
        for position in expired {
            self.hold(position.product, position.voucher, -1);
            self.stock.cart_positions.entry(position.id).and_modify(|p| p.holds_stock = false);
            self.changes.released.push(position.id);
        }
    }

    /// What ends in this batch, such as a cart that becomes an order, need not get more time first; what was reserved
    /// again has a new price that the order needs.
    fn forget_time_for_deleted(&mut self) {
        let deleted: BTreeSet<CartPositionId> = self.changes.deleted.iter().copied().collect();
        self.changes.renewed.retain(|renewed| renewed.price.is_some() || !deleted.contains(&renewed.id));
    }

    /// Everything paid, ordered or kept closes such a quota; what is only in carts may still come back.
    fn close_what_sold_out(&mut self) {
        let touched = self.changes.uses.keys().filter_map(|id| Some((id, self.stock.quotas.get(id)?)));
        let sold_out = touched.filter(|(_, quota)| {
            quota.close_when_sold_out && !quota.closed && quota.availability() <= Availability::Ordered
        });
        self.changes.closed = sold_out.map(|(id, _)| *id).collect();
    }

    /// What is in a cart, in the order of the ids.
    fn positions_of(&self, cart: &CartId) -> Vec<CartPosition> {
        let ids = self.carts.get(cart).into_iter().flatten();
        ids.filter_map(|id| self.stock.cart_positions.get(id)).cloned().collect()
    }

    /// Add-ons and parts of a position, in the order of the ids.
    fn children_of(&self, parent: CartPositionId) -> Vec<CartPosition> {
        let ids = self.children.get(&parent).into_iter().flatten();
        ids.filter_map(|id| self.stock.cart_positions.get(id)).cloned().collect()
    }

    /// Takes a position out of its cart, with its add-ons and parts. A part cannot go alone: it takes the whole along
    /// (spec domain 2.5).
    fn delete(&mut self, id: CartPositionId) {
        let Some(position) = self.stock.cart_positions.get(&id) else { return };
        match position.parent.filter(|_| position.bundled) {
            Some(whole) if self.stock.cart_positions.contains_key(&whole) => self.delete_with_children(whole),
            _ => self.delete_with_children(id),
        }
    }

    fn delete_with_children(&mut self, id: CartPositionId) {
        for child in self.children_of(id) {
            self.delete_one(child.id);
        }
        self.delete_one(id);
    }

    fn delete_one(&mut self, id: CartPositionId) {
        let Some(position) = self.stock.cart_positions.remove(&id) else { return };
        if position.holds_stock {
            self.hold(position.product, position.voucher, -1);
        }
        self.carts.entry(position.cart).and_modify(|ids| {
            ids.remove(&id);
        });
        self.changes.deleted.push(id);
    }
}
