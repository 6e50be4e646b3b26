//! The rules of selling, as a pure function.

use std::collections::BTreeMap;

use super::{
    Availability, CartId, CartOutcome, CartPosition, CartRefusal, Changes, Line, NewCartPosition, NotPlaced, Outcome,
    Product, RenewedCartPosition, Request, Stock, Uses,
};
use crate::{
    id::{CartPositionId, ItemId, OrderId},
    money::Money,
    order::OrderStatus,
    time::Timestamp,
};

/// A position with less time left counts as expired, so that nothing runs out while it is being bought (spec domain 8.3).
const MARGIN_SECONDS: i64 = 5;
/// A cart can be renewed for this many reservation times in all (spec domain 8.3).
const EXTENSIONS_MAX: i64 = 11;

/// Decides a batch in the order of arrival: one outcome for each request, and what to write for all of them.
///
/// Deterministic: the same stock, requests and moment give the same decision. A batch holds at most one request of a
/// cart, because positions get their ids only when they are written.
pub fn decide(stock: Stock, requests: &[Request], now: Timestamp) -> (Vec<Outcome>, Changes) {
    let mut batch = Batch { stock, changes: Changes::default(), now };
    batch.release_expired();
    let outcomes = requests.iter().map(|request| batch.serve(request)).collect();
    batch.close_what_sold_out();
    (outcomes, batch.changes)
}

/// What went because too little of its item was left: positions that were there, and ones of this batch.
struct Dropped {
    present: Vec<Product>,
    new: Vec<Product>,
}

struct Batch {
    stock: Stock,
    changes: Changes,
    now: Timestamp,
}

impl Batch {
    fn serve(&mut self, request: &Request) -> Outcome {
        match request {
            Request::AddToCart { cart, lines } => Outcome::Cart(self.add_to_cart(cart, lines)),
            Request::RemoveFromCart { cart, position } => Outcome::Cart(self.remove_from_cart(cart, *position)),
            Request::ClearCart { cart } => {
                for position in self.positions_of(cart) {
                    self.delete(position.id);
                }
                Outcome::Cart(CartOutcome::default())
            }
            Request::PlaceOrder { cart, agreed_total } => self.place_order(cart, *agreed_total),
            Request::PayOrder { order, accept_late } => self.pay_order(*order, *accept_late),
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

    // --- carts ---

    fn add_to_cart(&mut self, cart: &CartId, lines: &[Line]) -> CartOutcome {
        let mut outcome = CartOutcome::default();
        let present = self.positions_of(cart);
        outcome.refused = self.broken_limit(&present, lines);
        if outcome.refused.is_some() {
            return outcome;
        }
        let (expires_at, max_extend_at) = self.reservation(&present);
        outcome.removed = self.renew(&present, expires_at, max_extend_at);
        for line in lines {
            let count = line.count.min(self.room_for(line.product));
            match count {
                0 => outcome.unavailable.push(line.product),
                _ if count < line.count => outcome.in_part.push(line.product),
                _ => {}
            }
            let Some(offer) = self.stock.offers.get(&line.product) else { continue };
            let price = offer.unit_price(line.chosen_price);
            let product = line.product;
            for _ in 0..count {
                self.use_places(product, Uses::carts(1));
                let added = NewCartPosition { cart: cart.clone(), product, price, expires_at, max_extend_at };
                self.changes.added.push(added);
                outcome.added += 1;
            }
        }
        let dropped = self.drop_below_minimum(cart);
        outcome.added -= dropped.new.len() as i64;
        outcome.in_part.retain(|product| !dropped.new.contains(product));
        outcome.unavailable.extend(dropped.new);
        outcome.unavailable.dedup();
        outcome.removed.extend(dropped.present);
        outcome
    }

    fn remove_from_cart(&mut self, cart: &CartId, id: CartPositionId) -> CartOutcome {
        if self.stock.cart_positions.get(&id).is_some_and(|position| position.cart == *cart) {
            self.delete(id);
        }
        self.add_to_cart(cart, &[])
    }

    /// Fewer of an item than its minimum cannot be ordered, so what is there of it goes too (spec domain 8.5).
    fn drop_below_minimum(&mut self, cart: &CartId) -> Dropped {
        let present = self.positions_of(cart);
        let mut per_item: BTreeMap<ItemId, i64> = BTreeMap::new();
        let new = self.changes.added.iter().filter(|position| position.cart == *cart).map(|position| position.product);
        for product in present.iter().map(|position| position.product).chain(new) {
            *per_item.entry(product.item).or_default() += 1;
        }
        let offers = &self.stock.offers;
        let is_below = |product: &Product| {
            let minimum = offers.get(product).and_then(|offer| offer.min_per_order);
            minimum.is_some_and(|minimum| per_item[&product.item] < minimum)
        };
        let present: Vec<_> = present.into_iter().filter(|position| is_below(&position.product)).collect();
        let is_dropped = |position: &mut NewCartPosition| position.cart == *cart && is_below(&position.product);
        let new: Vec<_> = self.changes.added.extract_if(.., is_dropped).map(|position| position.product).collect();
        for position in &present {
            self.delete(position.id);
        }
        for product in &new {
            self.use_places(*product, Uses::carts(-1));
        }
        Dropped { present: present.into_iter().map(|position| position.product).collect(), new }
    }

    /// Limits are checked for the whole request: breaking one changes nothing (spec domain 8.4, 8.5).
    fn broken_limit(&self, present: &[CartPosition], lines: &[Line]) -> Option<CartRefusal> {
        let wanted: i64 = lines.iter().map(|line| line.count).sum();
        let positions_max = self.stock.rules.positions_max;
        if wanted > 0 && present.len() as i64 + wanted > positions_max {
            return Some(CartRefusal::MaxPositions(positions_max));
        }
        let mut per_item: BTreeMap<ItemId, i64> = BTreeMap::new();
        for line in lines {
            *per_item.entry(line.product.item).or_default() += line.count;
        }
        for (&item, count) in &mut per_item {
            *count += present.iter().filter(|position| position.product.item == item).count() as i64;
        }
        lines.iter().find_map(|line| {
            let offer = self.stock.offers.get(&line.product)?;
            let count = per_item[&line.product.item];
            let above = offer.max_per_order.filter(|max| count > *max);
            let below = offer.min_per_order.filter(|min| count < *min);
            let item = line.product.item;
            above
                .map(|max| CartRefusal::MaxPerOrder(item, max))
                .or(below.map(|min| CartRefusal::MinPerOrder(item, min)))
        })
    }

    /// Until when a cart that is touched now keeps its places (spec domain 8.3).
    fn reservation(&self, present: &[CartPosition]) -> (Timestamp, Timestamp) {
        let seconds = self.stock.rules.reservation_seconds;
        let valid = present.iter().filter(|position| position.holds_stock);
        let inherited = valid.map(|position| position.max_extend_at).min();
        let max_extend_at = inherited.unwrap_or_else(|| self.now.plus_seconds(seconds * EXTENSIONS_MAX));
        (self.now.plus_seconds(seconds).min(max_extend_at), max_extend_at)
    }

    /// Extends what is valid and reserves again what has expired; returns what is gone.
    fn renew(&mut self, present: &[CartPosition], expires_at: Timestamp, max_extend_at: Timestamp) -> Vec<Product> {
        let mut gone = Vec::new();
        for position in present {
            if position.holds_stock {
                let renewed = RenewedCartPosition { id: position.id, expires_at, max_extend_at, price: None };
                self.changes.renewed.push(renewed);
            } else if self.room_for(position.product) > 0 {
                self.use_places(position.product, Uses::carts(1));
                let offer = &self.stock.offers[&position.product];
                // A price that the buyer chose freely stays chosen.
                let price = offer.unit_price(offer.free_price.then_some(position.price));
                let renewed = RenewedCartPosition { id: position.id, expires_at, max_extend_at, price: Some(price) };
                self.stock.cart_positions.entry(position.id).and_modify(|p| {
                    p.holds_stock = true;
                    p.price = price.gross;
                });
                self.changes.renewed.push(renewed);
            } else {
                self.delete(position.id);
                gone.push(position.product);
            }
        }
        gone
    }

    // --- orders ---

    fn place_order(&mut self, cart: &CartId, agreed_total: Money) -> Outcome {
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

    fn pay_order(&mut self, id: OrderId, accept_late: bool) -> Outcome {
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

    fn expire_order(&mut self, id: OrderId) -> Outcome {
        let pending = self.stock.orders.get(&id).filter(|order| order.status == OrderStatus::Pending).cloned();
        let Some(order) = pending else { return Outcome::NotPending };
        self.settle(id, &order.products, Uses { pending: -1, ..Uses::default() }, OrderStatus::Expired);
        Outcome::Expired
    }

    fn settle(&mut self, id: OrderId, products: &[Product], uses: Uses, status: OrderStatus) {
        for product in products {
            self.use_places(*product, uses);
        }
        self.stock.orders.entry(id).and_modify(|order| order.status = status);
        self.changes.orders.insert(id, status);
    }

    // --- places ---

    fn positions_of(&self, cart: &CartId) -> Vec<CartPosition> {
        self.stock.cart_positions.values().filter(|position| position.cart == *cart).cloned().collect()
    }

    fn delete(&mut self, id: CartPositionId) {
        if let Some(position) = self.stock.cart_positions.remove(&id) {
            if position.holds_stock {
                self.use_places(position.product, Uses::carts(-1));
            }
            self.changes.deleted.push(id);
        }
    }

    /// How many units can be sold now: every quota of the product must have room (spec domain 4.1).
    fn room_for(&self, product: Product) -> i64 {
        if !self.stock.offers.get(&product).is_some_and(|offer| offer.on_sale) {
            return 0;
        }
        self.places_left(product)
    }

    fn places_left(&self, product: Product) -> i64 {
        let quotas = self.stock.quotas_of.get(&product).map(Vec::as_slice).unwrap_or_default();
        if quotas.is_empty() {
            return 0;
        }
        quotas.iter().filter_map(|id| self.stock.quotas[id].left()).min().unwrap_or(i64::MAX)
    }

    /// Whether all products fit together. Windows and prices do not matter any more for an order.
    fn room_for_all(&mut self, products: &[Product]) -> bool {
        let before = self.stock.quotas.clone();
        let fits = products.iter().all(|product| {
            let fits = self.places_left(*product) > 0;
            for quota in self.stock.quotas_of.get(product).into_iter().flatten() {
                self.stock.quotas.entry(*quota).and_modify(|quota| quota.uses.paid += 1);
            }
            fits
        });
        self.stock.quotas = before;
        fits
    }

    fn use_places(&mut self, product: Product, delta: Uses) {
        for id in self.stock.quotas_of.get(&product).into_iter().flatten() {
            self.stock.quotas.entry(*id).and_modify(|quota| quota.uses.add(delta));
            self.changes.uses.entry(*id).or_default().add(delta);
        }
    }
}
