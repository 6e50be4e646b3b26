//! Orders (spec domain 11, 13).

use super::Batch;
use crate::{
    boxoffice::{
        CartId, CartPosition, Draft, NotPlaced, Outcome, PlacedOrder, PlacedPosition, PositionSecrets, Product, Uses,
    },
    id::OrderId,
    money::Money,
    order::OrderStatus,
    port::codes::Codes,
};

impl Batch {
    pub(super) fn place_order(&mut self, index: usize, cart: &CartId, agreed_total: Money, draft: &Draft) -> Outcome {
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
        let total: i64 = positions.iter().map(|position| position.price.gross.minor()).sum();
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
        self.write_down(index, cart, agreed_total, draft, positions)
    }

    fn write_down(
        &mut self,
        index: usize,
        cart: &CartId,
        total: Money,
        draft: &Draft,
        mut positions: Vec<CartPosition>,
    ) -> Outcome {
        let identity =
            self.stock.identities.remove(&index).expect("an identity is reserved for every order of a batch");
        let codes = Codes::of(&draft.seed, "secrets");
        let secret = codes.url_secret();
        let rank = |product: &Product| self.stock.offers.get(product).map(|offer| offer.rank);
        positions.sort_by_key(|position| (rank(&position.product), position.price.gross.minor(), position.id));
        let outcome = Outcome::Placed { order: identity.order, code: identity.code.clone(), secret: secret.clone() };
        let placed = |position: CartPosition| PlacedPosition {
            cart_position: position.id,
            product: position.product,
            price: position.price,
            secrets: PositionSecrets::draw(&codes),
        };
        self.changes.orders_placed.push(PlacedOrder {
            identity,
            cart: cart.clone(),
            draft: draft.clone(),
            status: if total.is_zero() { OrderStatus::Paid } else { OrderStatus::Pending },
            total,
            secret,
            internal_secret: codes.url_secret(),
            positions: positions.into_iter().map(placed).collect(),
        });
        outcome
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
