//! Orders (spec domain 11, 13).

use super::Batch;
use crate::{
    boxoffice::{CartId, NotPlaced, Outcome, Product, Uses},
    id::OrderId,
    money::Money,
    order::OrderStatus,
};

impl Batch {
    pub(super) fn place_order(&mut self, cart: &CartId, agreed_total: Money) -> Outcome {
        let present = self.positions_of(cart);
        if present.is_empty() {
            return Outcome::NotPlaced(NotPlaced::Empty);
        }
        // A live reservation needs no new look at the quotas; an expired one does (spec domain 25.3).
        let (expires_at, max_extend_at) = self.reservation(&present);
        let mut gone = self.renew(&present, expires_at, max_extend_at);
        for position in self.positions_of(cart) {
            if !self.stock.offers.get(&position.product).is_some_and(|offer| offer.on_sale) {
                self.delete(position.id);
                gone.push(position.product);
            }
        }
        gone.extend(self.drop_below_minimum(cart).present);
        if !gone.is_empty() {
            return Outcome::NotPlaced(NotPlaced::Unavailable(gone));
        }
        let positions = self.positions_of(cart);
        let total: i64 = positions.iter().map(|position| position.price.minor()).sum();
        if total != agreed_total.minor() {
            return Outcome::NotPlaced(NotPlaced::PriceChanged);
        }
        let free = total == 0;
        let moved = Uses { carts: -1, paid: i64::from(free), pending: i64::from(!free), ..Uses::default() };
        for position in &positions {
            self.use_places(position.product, moved);
            self.stock.cart_positions.remove(&position.id);
            self.changes.deleted.push(position.id);
        }
        Outcome::Placed { positions: positions.iter().map(|position| position.id).collect(), free }
    }

    pub(super) fn pay_order(&mut self, id: OrderId, accept_late: bool) -> Outcome {
        let Some(order) = self.stock.orders.get(&id).cloned() else { return Outcome::NotPayable };
        let uses = match order.status {
            OrderStatus::Paid => return Outcome::AlreadyPaid,
            OrderStatus::Canceled => return Outcome::NotPayable,
            OrderStatus::Pending => Uses { pending: -1, paid: 1, ..Uses::default() },
            OrderStatus::Expired if !accept_late => return Outcome::NotPayable,
            OrderStatus::Expired if !self.room_for_all(&order.products) => return Outcome::NoRoom,
            OrderStatus::Expired => Uses { paid: 1, ..Uses::default() },
        };
        self.settle(id, &order.products, uses, OrderStatus::Paid);
        Outcome::Paid
    }

    pub(super) fn expire_order(&mut self, id: OrderId) -> Outcome {
        let pending = self.stock.orders.get(&id).filter(|order| order.status == OrderStatus::Pending).cloned();
        let Some(order) = pending else { return Outcome::NotPending };
        self.settle(id, &order.products, Uses { pending: -1, ..Uses::default() }, OrderStatus::Expired);
        Outcome::Expired
    }

    pub(super) fn settle(&mut self, id: OrderId, products: &[Product], uses: Uses, status: OrderStatus) {
        for product in products {
            self.use_places(*product, uses);
        }
        self.stock.orders.entry(id).and_modify(|order| order.status = status);
        self.changes.orders.insert(id, status);
    }
}
