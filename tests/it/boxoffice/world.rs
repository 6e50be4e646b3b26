//! A box office in memory: applies what was decided and checks after each batch that no place was lost or sold twice.

use std::collections::{BTreeMap, BTreeSet};

use shop::{
    boxoffice::{
        CartId, CartOutcome, CartPosition, CartRules, ChangedOrder, Changes, CreatedOrder, Draft, Identity, Line,
        Offer, OrderAction, OrderPosition, OrderRefusal, OrderStock, Outcome, PlacedOrder, Product, Quota, Request,
        Stock, Subject, Uses, decide,
    },
    id::{CartPositionId, ItemId, MailId, OrderId, QuotaId, VariationId},
    money::{Currency, Money, TaxRate},
    order::OrderStatus,
    payment::Provider,
    port::codes::Codes,
    pricing::{Rounding, TaxedLine},
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

/// Something else happens to an order.
pub fn change(order: OrderId, action: OrderAction) -> Request {
    Request::ChangeOrder { order, action }
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

    /// An order.
    pub fn ordered(&self, order: OrderId) -> &OrderStock {
        &self.stock.orders[&order]
    }

    /// An order, to be changed by hand.
    pub fn ordered_mut(&mut self, order: OrderId) -> &mut OrderStock {
        self.stock.orders.get_mut(&order).unwrap()
    }

    /// Does something to an order.
    pub fn act(&mut self, order: OrderId, action: OrderAction) -> Result<OrderStatus, OrderRefusal> {
        match self.serve_one(change(order, action)) {
            Outcome::OrderChanged(status) => Ok(status),
            Outcome::OrderRefused(refusal) => Err(refusal),
            other => panic!("not an order's outcome: {other:?}"),
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
        for (request, outcome) in requests.iter().zip(&outcomes) {
            // The caller books the money that it has brought.
            if let (Request::PayOrder { order, .. }, Outcome::Paid) = (request, outcome) {
                let order = self.ordered_mut(*order);
                order.paid = order.total;
            }
        }
        self.check_quotas(&before);
        self.check_orders(&before, requests);
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
            let order = order_of_placed(&placed, self.now);
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
        for created in changes.orders_created {
            let order = created_order(&created, self.now);
            assert!(self.stock.orders.insert(created.identity.order, order).is_none(), "an order is created once");
            self.next = self.next.max(created.identity.order.0 + 1);
        }
        for (id, changed) in changes.orders {
            let now = self.now;
            write_order(self.ordered_mut(id), changed, now);
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
            order.products().for_each(|product| count(&product, field));
        }
        for (id, quota) in &self.stock.quotas {
            assert_eq!(quota.uses, counted.get(id).copied().unwrap_or_default(), "counters of quota {id}");
            let size = if quota.closed { Some(0) } else { quota.size };
            let most = size.map(|size| size.max(before.quotas[id].uses.total()));
            assert!(most.is_none_or(|most| quota.uses.total() <= most), "quota {id} sold more than it has: {quota:?}");
        }
    }

    /// An order costs what is in it, numbers are never used twice, and nobody touches somebody else's order.
    fn check_orders(&self, before: &Stock, requests: &[Request]) {
        let touched: BTreeSet<_> = requests.iter().filter_map(order_of).collect();
        for (id, order) in &self.stock.orders {
            assert_eq!(order.total.minor(), order.sum(), "{order:?}");
            let mut numbers: Vec<i32> = order.positions.iter().map(|position| position.number).collect();
            assert!(numbers.is_sorted() && numbers.iter().all(|number| *number <= order.last_position), "{numbers:?}");
            numbers.dedup();
            assert_eq!(numbers.len(), order.positions.len());
            assert_eq!(order.cancelled_at.is_some(), order.status == OrderStatus::Canceled);
            assert!(!order.require_approval || order.status != OrderStatus::Paid, "paid without approval");
            if let Some(then) = before.orders.get(id) {
                assert!(touched.contains(id) || then == order, "somebody else's order");
            }
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

/// What a cart has become.
fn order_of_placed(placed: &PlacedOrder, now: Timestamp) -> OrderStock {
    let positions: Vec<_> = (1..)
        .zip(&placed.positions)
        .map(|(number, position)| {
            let price = position.price;
            let line = TaxedLine::new(price.gross, price.tax, price.tax_rate);
            OrderPosition { number, product: position.product, line, new: None }
        })
        .collect();
    OrderStock {
        status: placed.status,
        require_approval: false,
        expires_at: now.plus_seconds(14 * 24 * 3600),
        cancelled_at: None,
        modified_at: now,
        total: placed.total,
        paid: euros(0),
        rounding: Rounding::Line,
        last_position: positions.len() as i32,
        positions,
        fees: Vec::new(),
        last_fee: 0,
    }
}

/// A created order before anything is in it.
fn created_order(created: &CreatedOrder, now: Timestamp) -> OrderStock {
    OrderStock {
        status: OrderStatus::Pending,
        require_approval: created.wanted.require_approval,
        expires_at: created.wanted.expires_at,
        cancelled_at: None,
        modified_at: now,
        total: euros(0),
        paid: euros(0),
        rounding: created.wanted.rounding,
        positions: Vec::new(),
        fees: Vec::new(),
        last_position: 0,
        last_fee: 0,
    }
}

/// As the database does it: what is added was not there, what is changed or cancelled was.
fn write_order(order: &mut OrderStock, changed: ChangedOrder, now: Timestamp) {
    (order.status, order.total) = (changed.status, changed.total);
    (order.expires_at, order.cancelled_at) = (changed.expires_at, changed.cancelled_at);
    order.require_approval = changed.require_approval;
    order.modified_at = now.max(Timestamp::from_micros(order.modified_at.as_micros() + 1));
    for gone in changed.positions_canceled {
        let place = order.positions.iter().position(|it| *it == gone).expect("what is cancelled was there");
        order.positions.remove(place);
    }
    for different in changed.positions_changed {
        let place =
            order.positions.iter().position(|it| it.number == different.number).expect("what is changed was there");
        order.positions[place] = different;
    }
    for mut added in changed.positions_added {
        assert!(added.number > order.last_position && added.new.take().is_some());
        order.last_position = added.number;
        order.positions.push(added);
    }
    for gone in changed.fees_canceled {
        let place = order.fees.iter().position(|it| *it == gone).expect("what is cancelled was there");
        order.fees.remove(place);
    }
    for different in changed.fees_changed {
        let place = order.fees.iter().position(|it| it.number == different.number).expect("what is changed was there");
        order.fees[place] = different;
    }
    for added in changed.fees_added {
        assert!(added.number > order.last_fee);
        order.last_fee = added.number;
        order.fees.push(added);
    }
    order.paid = euros(
        order.paid.minor()
            + changed.payment.filter(|it| it.confirmed_at.is_some()).map_or(0, |payment| payment.amount.minor()),
    );
}

fn carts_of(requests: &[Request]) -> BTreeSet<CartId> {
    let cart = |request: &Request| match request.subject() {
        Subject::Cart(cart) => Some(cart.clone()),
        Subject::Order(_) | Subject::New => None,
    };
    let consumed = requests.iter().filter_map(|request| match request {
        Request::CreateOrder { order } => Some(order.consume_carts.clone()),
        _ => None,
    });
    requests.iter().filter_map(cart).chain(consumed.flatten()).collect()
}

fn order_of(request: &Request) -> Option<OrderId> {
    match request.subject() {
        Subject::Order(order) => Some(order),
        Subject::Cart(_) | Subject::New => None,
    }
}
