//! The rules of selling, as a pure function.

mod cart;
mod order;
mod places;

use std::collections::{BTreeMap, BTreeSet};

use super::{Availability, CartOutcome, Changes, NewPayment, OrderStock, Outcome, Request, Stock, Uses};
use crate::{id::OrderId, time::Timestamp};

/// A position with less time left counts as expired, so that nothing runs out while it is being bought (spec domain 8.3).
const MARGIN_SECONDS: i64 = 5;

/// Decides a batch in the order of arrival: one outcome for each request, and what to write for all of them.
///
/// Deterministic: the same stock, requests and moment give the same decision. A batch holds at most one request of a
/// cart, because positions get their ids only when they are written.
pub fn decide(stock: Stock, requests: &[Request], now: Timestamp) -> (Vec<Outcome>, Changes) {
    let mut batch = Batch {
        stock,
        changes: Changes::default(),
        before: BTreeMap::new(),
        payments_given_up: BTreeSet::new(),
        payments: BTreeMap::new(),
        now,
    };
    batch.release_expired();
    let outcomes = requests.iter().enumerate().map(|(index, request)| batch.serve(index, request)).collect();
    batch.changed_orders();
    batch.close_what_sold_out();
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
}

impl Batch {
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
            Request::PlaceOrder { cart, agreed_total, draft } => self.place_order(index, cart, *agreed_total, draft),
            Request::PayOrder { order, accept_late } => self.pay_order(*order, *accept_late),
            Request::CreateOrder { order } => self.create_order(index, order),
            Request::ChangeOrder { order, action } => self.change_order(*order, action),
            Request::ExpireOrder { order } => self.expire_order(*order),
        }
    }

    /// Expired carts are settled first thing in a batch, so that their places can be sold in it.
    fn release_expired(&mut self) {
        let margin = self.now.plus_seconds(MARGIN_SECONDS);
        let positions = self.stock.cart_positions.values();
        let expired: Vec<_> = positions.filter(|p| p.holds_stock && p.expires_at <= margin).cloned().collect();
        for position in expired {
            self.use_places(position.product, Uses::carts(-1));
            self.stock.cart_positions.entry(position.id).and_modify(|p| p.holds_stock = false);
            self.changes.released.push(position.id);
        }
    }

    /// Everything paid, ordered or kept closes such a quota; what is only in carts may still come back.
    fn close_what_sold_out(&mut self) {
        let touched = self.changes.uses.keys().filter_map(|id| Some((id, self.stock.quotas.get(id)?)));
        let sold_out = touched.filter(|(_, quota)| {
            quota.close_when_sold_out && !quota.closed && quota.availability() <= Availability::Ordered
        });
        self.changes.closed = sold_out.map(|(id, _)| *id).collect();
    }
}
