//! A box office in memory: applies what was decided and checks after each batch that no place was lost or sold twice.

use std::collections::{BTreeMap, BTreeSet};

use shop::{
    boxoffice::{
        CartId, CartOutcome, CartPosition, CartRules, Changes, Draft, Identity, Line, Offer, OrderStock, Outcome,
        Product, Quota, Request, Stock, Subject, Uses, decide,
    },
    id::{CartPositionId, ItemId, MailId, OrderId, QuotaId, VariationId},
    money::{Currency, Money, TaxRate},
    order::OrderStatus,
    payment::Provider,
    port::codes::Codes,
    time::Timestamp,
};

use crate::shop::at;

/// Seconds that a cart keeps its places.
pub const RESERVATION: i64 = 1800;
const POSITIONS_MAX: i64 = 10;

/// Product 7 is item 7; product 71 is variation 1 of item 7.
pub fn product(number: i64) -> Product {
    match number {
        0..10 => Product { item: ItemId(number), variation: None },
        _ => Product { item: ItemId(number / 10), variation: Some(VariationId(number % 10)) },
    }
}

/// An amount in cents.
pub fn euros(cents: i64) -> Money {
    Money::new(cents, Currency::parse("EUR").unwrap())
}

fn cart(name: &str) -> CartId {
    CartId(name.to_owned())
}

/// Puts so many of these products into a cart.
pub fn add(name: &str, lines: &[(i64, i64)]) -> Request {
    let line = |(number, count): &(i64, i64)| Line { product: product(*number), count: *count, chosen_price: None };
    Request::AddToCart { cart: cart(name), lines: lines.iter().map(line).collect() }
}

/// Takes a position out of a cart.
pub fn remove(name: &str, position: CartPositionId) -> Request {
    Request::RemoveFromCart { cart: cart(name), position }
}

/// Empties a cart.
pub fn clear(name: &str) -> Request {
    Request::ClearCart { cart: cart(name) }
}

/// Orders a cart for so many cents.
pub fn place(name: &str, cents: i64) -> Request {
    let draft = Draft {
        email: "ada@example.org".to_owned(),
        phone: None,
        locale: "en".to_owned(),
        payment: Provider::Manual,
        seed: Codes::seeded(1).seed(),
    };
    Request::PlaceOrder { cart: cart(name), agreed_total: euros(cents), draft }
}

/// Pays an order in time.
pub fn pay(order: OrderId) -> Request {
    Request::PayOrder { order, accept_late: false }
}

/// Pays an order, however late.
pub fn pay_late(order: OrderId) -> Request {
    Request::PayOrder { order, accept_late: true }
}

/// The deadline of an order has passed.
pub fn expire(order: OrderId) -> Request {
    Request::ExpireOrder { order }
}

/// Everything there is.
pub struct World {
    /// All of the stock; a batch sees its part of it.
    pub stock: Stock,
    /// The present moment.
    pub now: Timestamp,
    /// When a cart took its first place since it last had none: its end is counted from here.
    begun: BTreeMap<CartId, Timestamp>,
    next: i64,
}

impl World {
    /// Quotas by their sizes and the products that they count. Product 1 is free, the others cost 23.00; product 3 is
    /// always on offer.
    pub fn new(quotas: &[(Option<i64>, &[i64])]) -> Self {
        let mut stock = Stock {
            currency: Currency::parse("EUR").unwrap(),
            rules: CartRules { reservation_seconds: RESERVATION, positions_max: POSITIONS_MAX },
            quotas: BTreeMap::new(),
            quotas_of: BTreeMap::new(),
            offers: BTreeMap::new(),
            cart_positions: BTreeMap::new(),
            identities: BTreeMap::new(),
            orders: BTreeMap::new(),
        };
        for (id, (size, products)) in (1..).map(QuotaId).zip(quotas) {
            stock
                .quotas
                .insert(id, Quota { size: *size, closed: false, close_when_sold_out: false, uses: Uses::default() });
            for number in *products {
                stock.quotas_of.entry(product(*number)).or_default().push(id);
            }
        }
        for number in quotas.iter().flat_map(|(_, products)| *products).chain(&[3]) {
            let offer = Offer {
                rank: (usize::try_from(*number).unwrap(), 0),
                on_sale: true,
                listed: euros(if *number == 1 { 0 } else { 2300 }),
                free_price: false,
                tax_rate: TaxRate(190_000),
                price_includes_tax: true,
                min_per_order: None,
                max_per_order: None,
            };
            stock.offers.insert(product(*number), offer);
        }
        Self { stock, now: at("2030-01-01T12:00:00Z"), begun: BTreeMap::new(), next: 1 }
    }

    /// A quota, to be changed by the organiser.
    pub fn quota(&mut self, number: i64) -> &mut Quota {
        self.stock.quotas.get_mut(&QuotaId(number)).unwrap()
    }

    /// An offer, to be changed by the organiser.
    pub fn offer(&mut self, number: i64) -> &mut Offer {
        self.stock.offers.get_mut(&product(number)).unwrap()
    }

    /// Limits how many of a product are in one order.
    pub fn limit(&mut self, number: i64, min: Option<i64>, max: Option<i64>) {
        let offer = self.offer(number);
        (offer.min_per_order, offer.max_per_order) = (min, max);
    }

    /// Lets time pass.
    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    /// Places of a quota in use.
    pub fn uses(&self, number: i64) -> Uses {
        self.stock.quotas[&QuotaId(number)].uses
    }

    /// Places of a quota in carts.
    pub fn carts(&self, number: i64) -> i64 {
        self.uses(number).carts
    }

    /// The positions of a cart.
    pub fn positions(&self, name: &str) -> Vec<CartPositionId> {
        self.stock.cart_positions.values().filter(|position| position.cart.0 == name).map(|p| p.id).collect()
    }

    /// The first position of a cart.
    pub fn position(&self, name: &str) -> &CartPosition {
        &self.stock.cart_positions[&self.positions(name)[0]]
    }

    /// What a cart costs.
    pub fn total(&self, name: &str) -> i64 {
        self.stock.cart_positions.values().filter(|p| p.cart.0 == name).map(|p| p.price.gross.minor()).sum()
    }

    /// Serves a request about a cart.
    pub fn cart(&mut self, request: Request) -> CartOutcome {
        match self.serve_one(request) {
            Outcome::Cart(outcome) => outcome,
            other => panic!("not a cart's outcome: {other:?}"),
        }
    }

    /// Orders a cart, which must succeed.
    pub fn order(&mut self, name: &str, cents: i64) -> OrderId {
        match self.serve_one(place(name, cents)) {
            Outcome::Placed { order, .. } => order,
            other => panic!("no order was placed: {other:?}"),
        }
    }

    /// Serves one request.
    pub fn serve_one(&mut self, request: Request) -> Outcome {
        self.serve(&[request]).remove(0)
    }

    /// Serves a batch, applies what was decided and checks that everything is still in order.
    pub fn serve(&mut self, requests: &[Request]) -> Vec<Outcome> {
        let before = self.stock.clone();
        let (outcomes, changes) = decide(self.seen_by(requests), requests, self.now);
        let (again, same) = decide(self.seen_by(requests), requests, self.now);
        assert_eq!((&outcomes, format!("{changes:?}")), (&again, format!("{same:?}")), "a decision can be repeated");
        self.write(changes);
        self.check_quotas(&before);
        self.check_carts(&before, requests);
        outcomes
    }

    /// What is read for a batch: its carts and orders, and expired positions of other carts.
    fn seen_by(&self, requests: &[Request]) -> Stock {
        let carts = carts_of(requests);
        let orders: BTreeSet<_> = requests.iter().filter_map(order_of).collect();
        let mut stock = self.stock.clone();
        let has_expired = |position: &CartPosition| position.holds_stock && position.expires_at <= self.now;
        stock.cart_positions.retain(|_, position| carts.contains(&position.cart) || has_expired(position));
        stock.orders.retain(|id, _| orders.contains(id));
        for (index, id) in (0..requests.len()).zip(self.next..) {
            let identity = Identity { order: OrderId(id), code: format!("CODE{id}"), mail: MailId(id) };
            stock.identities.insert(index, identity);
        }
        stock
    }

    /// As the database does it: orders first, then counters, released, renewed, deleted, added, states of orders.
    fn write(&mut self, changes: Changes) {
        for placed in changes.orders_placed {
            for position in &placed.positions {
                let known = &self.stock.cart_positions[&position.cart_position];
                assert_eq!((known.product, &known.cart), (position.product, &placed.cart), "what lay in the cart");
            }
            let total: i64 = placed.positions.iter().map(|position| position.price.gross.minor()).sum();
            assert_eq!(total, placed.total.minor());
            let products = placed.positions.iter().map(|position| position.product).collect();
            let order = OrderStock { status: placed.status, products };
            assert!(self.stock.orders.insert(placed.identity.order, order).is_none(), "an order is placed once");
            self.next = self.next.max(placed.identity.order.0 + 1);
        }
        for (id, delta) in changes.uses {
            let uses = &mut self.stock.quotas.get_mut(&id).unwrap().uses;
            uses.paid += delta.paid;
            uses.pending += delta.pending;
            uses.carts += delta.carts;
            assert_eq!((delta.vouchers, delta.waiting), (0, 0));
        }
        for id in changes.released {
            let position = self.stock.cart_positions.get_mut(&id).unwrap();
            assert!(position.holds_stock && position.expires_at <= self.now, "only what has expired, and only once");
            position.holds_stock = false;
        }
        for renewed in changes.renewed {
            let position = self.stock.cart_positions.get_mut(&renewed.id).unwrap();
            assert_eq!(renewed.price.is_some(), !position.holds_stock, "a live position keeps its price");
            position.holds_stock = true;
            position.price = renewed.price.unwrap_or(position.price);
            (position.expires_at, position.max_extend_at) = (renewed.expires_at, renewed.max_extend_at);
        }
        for id in changes.deleted {
            assert!(self.stock.cart_positions.remove(&id).is_some(), "a position ends once");
        }
        for added in changes.added {
            let id = CartPositionId(self.next);
            self.next += 1;
            let position = CartPosition {
                id,
                cart: added.cart,
                product: added.product,
                price: added.price,
                expires_at: added.expires_at,
                max_extend_at: added.max_extend_at,
                holds_stock: true,
            };
            self.stock.cart_positions.insert(id, position);
        }
        for (id, status) in changes.orders {
            self.stock.orders.get_mut(&id).unwrap().status = status;
        }
    }

    /// Counters equal a recount, and no quota has more in use than it may.
    fn check_quotas(&self, before: &Stock) {
        let mut counted: BTreeMap<QuotaId, Uses> = BTreeMap::new();
        let mut count = |product: &Product, field: fn(&mut Uses) -> &mut i64| {
            for quota in self.stock.quotas_of.get(product).into_iter().flatten() {
                *field(counted.entry(*quota).or_default()) += 1;
            }
        };
        for position in self.stock.cart_positions.values().filter(|position| position.holds_stock) {
            count(&position.product, |uses| &mut uses.carts);
        }
        for order in self.stock.orders.values() {
            let field: fn(&mut Uses) -> &mut i64 = match order.status {
                OrderStatus::Paid => |uses| &mut uses.paid,
                OrderStatus::Pending => |uses| &mut uses.pending,
                OrderStatus::Expired | OrderStatus::Canceled => continue,
            };
            order.products.iter().for_each(|product| count(product, field));
        }
        for (id, quota) in &self.stock.quotas {
            assert_eq!(quota.uses, counted.get(id).copied().unwrap_or_default(), "counters of quota {id}");
            let size = if quota.closed { Some(0) } else { quota.size };
            let most = size.map(|size| size.max(before.quotas[id].uses.total()));
            assert!(most.is_none_or(|most| quota.uses.total() <= most), "quota {id} sold more than it has: {quota:?}");
        }
    }

    /// Carts keep to the limits, nothing outlives its time, and nobody changes somebody else's cart.
    fn check_carts(&mut self, before: &Stock, requests: &[Request]) {
        let touched = carts_of(requests);
        let mut per_cart: BTreeMap<&CartId, i64> = BTreeMap::new();
        let mut per_item: BTreeMap<(&CartId, ItemId), i64> = BTreeMap::new();
        for position in self.stock.cart_positions.values() {
            assert!(!position.holds_stock || position.expires_at > self.now, "an expired position holds a place");
            assert!(position.expires_at <= position.max_extend_at);
            *per_cart.entry(&position.cart).or_default() += 1;
            *per_item.entry((&position.cart, position.product.item)).or_default() += 1;
        }
        assert!(per_cart.values().all(|count| *count <= POSITIONS_MAX));
        for position in self.stock.cart_positions.values() {
            let offer = &self.stock.offers[&position.product];
            let count = per_item[&(&position.cart, position.product.item)];
            assert!(offer.max_per_order.is_none_or(|max| count <= max), "too many of one item");
            assert!(offer.min_per_order.is_none_or(|min| count >= min), "too few of one item");
        }
        for position in before.cart_positions.values().filter(|position| !touched.contains(&position.cart)) {
            let after = &self.stock.cart_positions[&position.id];
            assert_eq!((after.expires_at, after.price), (position.expires_at, position.price), "somebody else's cart");
        }
        // The end is counted from the first hold; a cart whose holds are all over begins anew.
        let was_held = |cart: &CartId| {
            before.cart_positions.values().any(|p| p.cart == *cart && p.holds_stock && p.expires_at > self.now)
        };
        self.begun.retain(|cart, _| was_held(cart));
        for position in self.stock.cart_positions.values().filter(|position| position.holds_stock) {
            let begun = *self.begun.entry(position.cart.clone()).or_insert(self.now);
            assert!(position.max_extend_at <= begun.plus_seconds(11 * RESERVATION), "renewed for too long");
        }
    }
}

fn carts_of(requests: &[Request]) -> BTreeSet<CartId> {
    let cart = |request: &Request| match request.subject() {
        Subject::Cart(cart) => Some(cart.clone()),
        Subject::Order(_) => None,
    };
    requests.iter().filter_map(cart).collect()
}

fn order_of(request: &Request) -> Option<OrderId> {
    match request.subject() {
        Subject::Order(order) => Some(order),
        Subject::Cart(_) => None,
    }
}
