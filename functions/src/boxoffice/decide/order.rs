//! Orders (spec domain 11, 13).

use std::collections::BTreeMap;

use super::Batch;
use crate::{
    boxoffice::{
        CartId, CartPosition, Draft, NotPlaced, Outcome, PlacedOrder, PlacedPosition, PositionSecrets, Product, Uses,
    },
    id::{CartPositionId, OrderId},
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
        gone.extend(self.drop_unsellable(cart));
        gone.extend(self.drop_too_few(cart, &mut Vec::new()).present);
        if !gone.is_empty() {
            return Outcome::NotPlaced(NotPlaced::Unavailable(gone));
        }
        if let Some((position, problem)) = self.wrong_add_ons(cart) {
            return Outcome::NotPlaced(NotPlaced::AddOns(position, problem));
        }
        self.cap_by_budget(cart);
        let positions = self.positions_of(cart);
        let total: i64 = positions.iter().map(|position| position.price.gross.minor()).sum();
        if total != agreed_total.minor() {
            return Outcome::NotPlaced(NotPlaced::PriceChanged);
        }
        let free = total == 0;
        let ordered = Uses { paid: i64::from(free), pending: i64::from(!free), ..Uses::default() };
        for position in &positions {
            self.delete_one(position.id);
            self.redeem(position);
            self.use_places(position.product, ordered);
        }
        self.write_down(index, cart, agreed_total, draft, positions)
    }

    fn write_down(
        &mut self,
        index: usize,
        cart: &CartId,
        total: Money,
        draft: &Draft,
        positions: Vec<CartPosition>,
    ) -> Outcome {
        let identity =
            self.stock.identities.remove(&index).expect("an identity is reserved for every order of a batch");
        let codes = Codes::of(&draft.seed, "secrets");
        let secret = codes.url_secret();
        let positions = self.in_order(positions);
        let outcome = Outcome::Placed { order: identity.order, code: identity.code.clone(), secret: secret.clone() };
        let placed = |position: CartPosition| PlacedPosition {
            cart_position: position.id,
            product: position.product,
            price: position.price,
            parent: position.parent,
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

    /// The order in which positions are numbered: by date, place in the shop, price; what belongs to a position follows
    /// it, its parts before its add-ons (spec domain 10.5).
    fn in_order(&self, mut positions: Vec<CartPosition>) -> Vec<CartPosition> {
        let rank = |product: &Product| self.stock.offers.get(product).map(|offer| offer.rank);
        positions.sort_by_key(|it| (!it.bundled, rank(&it.product), it.price.gross.minor(), it.id));
        let mut children: BTreeMap<CartPositionId, Vec<CartPosition>> = BTreeMap::new();
        let mut on_top: Vec<CartPosition> = Vec::new();
        for position in positions {
            match position.parent {
                Some(parent) => children.entry(parent).or_default().push(position),
                None => on_top.push(position),
            }
        }
        on_top.into_iter().flat_map(|it| {
            let below = children.remove(&it.id).unwrap_or_default();
            std::iter::once(it).chain(below)
        }).collect()
    }

    pub(super) fn pay_order(&mut self, id: OrderId, accept_late: bool) -> Outcome {
        let Some(order) = self.stock.orders.get(&id).cloned() else { return Outcome::NotPayable };
        let uses = match order.status {
            OrderStatus::Paid => return Outcome::AlreadyPaid,
            OrderStatus::Canceled => return Outcome::NotPayable,
            OrderStatus::Pending => Uses { pending: -1, paid: 1, ..Uses::default() },
            OrderStatus::Expired if !accept_late => return Outcome::NotPayable,
            OrderStatus::Expired if !self.room_for_all(&order.products) => return Outcome::NoRoom,
            OrderStatus::Expired if !self.budgets_allow(&order.vouchers) => return Outcome::NoRoom,
            OrderStatus::Expired => Uses { paid: 1, ..Uses::default() },
        };
        if order.status == OrderStatus::Expired {
            self.use_budgets(&order.vouchers, 1);
        }
        self.settle(id, &order.products, uses, OrderStatus::Paid);
        Outcome::Paid
    }

    pub(super) fn expire_order(&mut self, id: OrderId) -> Outcome {
        let pending = self.stock.orders.get(&id).filter(|order| order.status == OrderStatus::Pending).cloned();
        let Some(order) = pending else { return Outcome::NotPending };
        self.settle(id, &order.products, Uses { pending: -1, ..Uses::default() }, OrderStatus::Expired);
        // The use stays redeemed, but what it took off can be given to others (spec domain 6.4, 35.12).
        self.use_budgets(&order.vouchers, -1);
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
