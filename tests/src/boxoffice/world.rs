//! A box office in memory: applies what was decided and checks after each batch that no place was lost or sold twice.

use std::collections::{BTreeMap, BTreeSet};

use shop::{
    boxoffice::{
        CartId, CartOutcome, CartPosition, CartRules, Changes, CheckoutRules, Identity, Offer, OrderAction,
        OrderRefusal, OrderStock, Outcome, Product, Quota, Request, SavedVoucher, Scope, Stock, Uses, Voucher,
        VoucherTerms, VoucherUses, decide,
    },
    id::{CartPositionId, ItemId, MailId, OrderId, QuotaId, SubeventId, VoucherId},
    money::{Currency, TaxRate},
    order::OrderStatus,
    payment::Provider,
    pricing::Billing,
    time::Timestamp,
};

use super::{
    about::{carts_of, codes_of, order_of, voucher_of},
    ask::{change, euros, place, product, save},
    book::{created_order, order_of_placed, write_order},
};
use crate::shop::at;

/// Seconds that a cart keeps its places.
pub const RESERVATION: i64 = 1800;
const POSITIONS_MAX: i64 = 10;

/// Everything there is.
pub struct World {
    /// All of the stock; a batch sees its part of it.
    pub stock: Stock,
    /// The present moment.
    pub now: Timestamp,
    /// When a cart took its first place since it last had none: its end is counted from here.
    begun: BTreeMap<CartId, Timestamp>,
    holds: Holds,
    /// Vouchers that have kept places: a use whose place was sold in the meantime does not come back.
    kept_once: BTreeSet<VoucherId>,
    next: i64,
}

/// Holds of places by positions in carts: how many began, and how they ended.
#[derive(Debug, Default)]
struct Holds {
    begun: usize,
    ordered: usize,
    expired: usize,
    given_back: usize,
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
            billing: Billing::default(),
            discounts: Vec::new(),
            dates: None,
            vouchers: BTreeMap::new(),
            checkout: CheckoutRules { providers: vec![Provider::Manual], ..CheckoutRules::default() },
            identities: BTreeMap::new(),
            orders: BTreeMap::new(),
        };
        for (id, (size, products)) in (1..).map(QuotaId).zip(quotas) {
            stock.quotas.insert(id, a_quota(*size));
            for number in *products {
                stock.quotas_of.entry(product(*number)).or_default().push(id);
            }
        }
        for number in quotas.iter().flat_map(|(_, products)| *products).chain(&[3]) {
            let offer = Offer {
                rank: (0, usize::try_from(*number).unwrap(), 0),
                on_sale: true,
                sold_alone: true,
                needs_voucher: false,
                hidden_without_voucher: false,
                category: None,
                bundles: Vec::new(),
                add_ons: Vec::new(),
                listed: euros(if *number == 1 { 0 } else { 2300 }),
                free_price: false,
                tax_rate: TaxRate(190_000),
                price_includes_tax: true,
                min_per_order: None,
                max_per_order: None,
            };
            stock.offers.insert(product(*number), offer);
        }
        Self {
            stock,
            now: at("2030-01-01T12:00:00Z"),
            begun: BTreeMap::new(),
            kept_once: BTreeSet::new(),
            holds: Holds::default(),
            next: 1,
        }
    }

    /// A new voucher, which must be possible.
    pub fn voucher(&mut self, terms: VoucherTerms) -> VoucherId {
        assert_eq!(self.serve_one(save(terms)), Outcome::VoucherSaved);
        *self.stock.vouchers.last_key_value().unwrap().0
    }

    /// Sells a product on a date: another product with quotas of its own, which is on offer if the date sells.
    pub fn on_date(&mut self, number: i64, date: i64, size: i64) -> Product {
        let dated = Product { date: Some(SubeventId(date)), ..product(number) };
        let id = QuotaId(self.stock.quotas.len() as i64 + 1);
        self.stock.quotas.insert(id, Quota { date: dated.date, ..a_quota(Some(size)) });
        self.stock.quotas_of.insert(dated, vec![id]);
        let offer = self.stock.offers[&product(number)].clone();
        self.stock.offers.insert(dated, offer);
        let begins = self.now.plus_seconds(date * 24 * 3600);
        self.stock.dates.get_or_insert_default().insert(SubeventId(date), begins);
        dated
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

    /// What a cart costs, paid as [`place`] does.
    pub fn total(&self, name: &str) -> i64 {
        let positions = self.stock.cart_positions.values().filter(|p| p.cart.0 == name);
        self.stock.billing.bill(positions.map(|p| p.price.taxed_line()).collect(), Some(Provider::Manual)).total()
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
        self.check_holds();
        self.check_vouchers(&before, requests);
        self.check_orders(&before, requests);
        self.check_carts(&before, requests, &outcomes);
        outcomes
    }

    /// Decides a batch and loses the decision, as whoever dies before the commit does.
    pub fn rehearse(&self, requests: &[Request]) {
        let _lost = decide(self.seen_by(requests), requests, self.now);
    }

    /// What is read for a batch: its carts and orders, expired positions of other carts, positions whose voucher changes or
    /// has expired with what belongs to them, and the vouchers of all of these.
    fn seen_by(&self, requests: &[Request]) -> Stock {
        let carts = carts_of(requests);
        let orders: BTreeSet<_> = requests.iter().filter_map(order_of).collect();
        let named: BTreeSet<VoucherId> = requests.iter().filter_map(voucher_of).collect();
        let mut stock = self.stock.clone();
        let over = |voucher: &Voucher| voucher.holds_stock && !voucher.terms.is_valid(self.now);
        let over: BTreeSet<VoucherId> =
            self.stock.vouchers.iter().filter(|(_, voucher)| over(voucher)).map(|(id, _)| *id).collect();
        let changes = |position: &CartPosition| {
            let parent = position.parent.and_then(|id| self.stock.cart_positions.get(&id));
            let of_parent = parent.and_then(|parent| parent.voucher).is_some_and(|id| named.contains(&id));
            of_parent || position.voucher.is_some_and(|id| named.contains(&id) || over.contains(&id))
        };
        let has_expired = |position: &CartPosition| position.holds_stock && position.expires_at <= self.now;
        stock.cart_positions.retain(|_, it| carts.contains(&it.cart) || has_expired(it) || changes(it));
        stock.orders.retain(|id, _| orders.contains(id));
        let codes: BTreeSet<String> = requests.iter().flat_map(codes_of).collect();
        let of_positions = stock.cart_positions.values().filter_map(|position| position.voucher);
        let of_orders = stock
            .orders
            .values()
            .flat_map(|order| &order.positions)
            .filter_map(|it| it.voucher)
            .map(|used| used.voucher);
        let wanted: BTreeSet<VoucherId> = of_positions.chain(of_orders).chain(named).chain(over).collect();
        stock.vouchers.retain(|id, voucher| wanted.contains(id) || codes.contains(&voucher.terms.code));
        for ((index, request), id) in requests.iter().enumerate().zip(self.next..) {
            let drawn = format!("CODE{id}");
            let code = if let Request::CreateOrder { wanted } = request { wanted.code.clone() } else { None };
            let identity =
                Identity { order: OrderId(id), code: code.unwrap_or(drawn), is_taken: false, mail: MailId(id) };
            stock.identities.insert(index, identity);
        }
        stock
    }

    /// As the database does it: orders first, then counters, released, renewed, deleted, added, states of orders.
    fn write(&mut self, changes: Changes) {
        let mut ordered: BTreeSet<CartPositionId> = BTreeSet::new();
        for placed in changes.orders_placed {
            for position in &placed.positions {
                assert!(ordered.insert(position.cart_position), "a position becomes part of one order");
            }
            for position in &placed.positions {
                let known = &self.stock.cart_positions[&position.cart_position];
                assert_eq!((known.product, &known.cart), (position.product, &placed.cart), "what lay in the cart");
            }
            let lines = placed.positions.iter().map(|position| position.line);
            let total: i64 = lines.chain(placed.fees.iter().map(|fee| fee.line)).map(|line| line.gross.minor()).sum();
            assert_eq!(total, placed.total.minor());
            for position in &placed.positions {
                let line = position.price.taxed_line();
                assert_eq!(position.line.undone(), line, "rounding can be undone");
            }
            let voucher = |id: CartPositionId| self.stock.cart_positions[&id].voucher;
            let order = order_of_placed(&placed, voucher, self.now);
            assert!(self.stock.orders.insert(placed.identity.order, order).is_none(), "an order is placed once");
            self.next = self.next.max(placed.identity.order.0 + 1);
        }
        for (id, delta) in changes.uses {
            let uses = &mut self.stock.quotas.get_mut(&id).unwrap().uses;
            uses.paid += delta.paid;
            uses.pending += delta.pending;
            uses.carts += delta.carts;
            uses.vouchers += delta.vouchers;
            assert_eq!(delta.waiting, 0);
        }
        for id in changes.released {
            let position = self.stock.cart_positions.get_mut(&id).unwrap();
            assert!(position.holds_stock && position.expires_at <= self.now, "only what has expired, and only once");
            position.holds_stock = false;
            self.holds.expired += 1;
        }
        for renewed in changes.renewed {
            let position = self.stock.cart_positions.get_mut(&renewed.id).unwrap();
            assert_eq!(renewed.price.is_some(), !position.holds_stock, "a live position keeps its price");
            self.holds.begun += usize::from(!position.holds_stock);
            position.holds_stock = true;
            position.price = renewed.price.unwrap_or(position.price);
            (position.expires_at, position.max_extend_at) = (renewed.expires_at, renewed.max_extend_at);
        }
        for repriced in changes.repriced {
            let position = self.stock.cart_positions.get_mut(&repriced.id).unwrap();
            (position.voucher, position.price) = (repriced.voucher, repriced.price);
        }
        for id in changes.deleted {
            let position = self.stock.cart_positions.remove(&id).expect("a position ends once");
            match (ordered.remove(&id), position.holds_stock) {
                (true, held) => {
                    assert!(held, "what is ordered holds its place until then");
                    self.holds.ordered += 1;
                }
                (false, true) => self.holds.given_back += 1,
                (false, false) => {}
            }
        }
        assert!(ordered.is_empty(), "what is ordered leaves the cart: {ordered:?}");
        for added in changes.added {
            let id = CartPositionId(self.next);
            self.next += 1;
            self.holds.begun += 1;
            let position = CartPosition {
                id,
                cart: added.cart,
                product: added.product,
                price: added.price,
                custom_price: added.custom_price,
                voucher: added.voucher,
                parent: added.addon_to,
                bundled: false,
                expires_at: added.expires_at,
                max_extend_at: added.max_extend_at,
                holds_stock: true,
            };
            for part in added.parts {
                let part_id = CartPositionId(self.next);
                self.next += 1;
                self.holds.begun += 1;
                let part = CartPosition {
                    id: part_id,
                    product: part.product,
                    price: part.price,
                    custom_price: None,
                    voucher: None,
                    parent: Some(id),
                    bundled: true,
                    ..position.clone()
                };
                self.stock.cart_positions.insert(part_id, part);
            }
            self.stock.cart_positions.insert(id, position);
        }
        self.write_vouchers(
            changes.vouchers,
            changes.expired_vouchers,
            changes.deleted_vouchers,
            changes.saved_vouchers,
        );
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

    fn write_vouchers(
        &mut self,
        uses: BTreeMap<VoucherId, VoucherUses>,
        expired: Vec<VoucherId>,
        deleted: Vec<VoucherId>,
        saved: Vec<SavedVoucher>,
    ) {
        for (id, delta) in uses {
            let voucher = self.stock.vouchers.get_mut(&id).unwrap();
            voucher.redeemed += delta.redeemed;
            voucher.in_carts += delta.in_carts;
            voucher.budget_used += delta.budget_used;
        }
        for id in expired {
            self.stock.vouchers.get_mut(&id).unwrap().holds_stock = false;
        }
        for id in deleted {
            self.stock.vouchers.remove(&id).unwrap();
        }
        for SavedVoucher { id, terms, holds_stock } in saved {
            if let Some(id) = id {
                let voucher = self.stock.vouchers.get_mut(&id).unwrap();
                (voucher.terms, voucher.holds_stock) = (terms, holds_stock);
            } else {
                let voucher = Voucher { terms, redeemed: 0, in_carts: 0, budget_used: 0, holds_stock };
                self.stock.vouchers.insert(VoucherId(self.next), voucher);
                self.next += 1;
            }
        }
        let kept_now = self.stock.vouchers.iter().filter(|(_, it)| it.holds_stock).map(|(id, _)| *id);
        self.kept_once.extend(kept_now);
    }

    /// The quotas in which a voucher keeps places, by the words of the spec.
    fn kept_by(&self, voucher: &Voucher) -> BTreeSet<QuotaId> {
        let products = self.stock.quotas_of.iter().filter(|(product, _)| match voucher.terms.scope {
            Scope::Any | Scope::Quota(_) => false,
            Scope::Item(item) => product.item == item,
            Scope::Variation(item, variation) => product.item == item && product.variation == Some(variation),
        });
        let mut kept: BTreeSet<QuotaId> = products.flat_map(|(_, quotas)| quotas.clone()).collect();
        if let Scope::Quota(quota) = voucher.terms.scope {
            kept.insert(quota);
        }
        kept.retain(|id| voucher.holds_stock && self.stock.quotas[id].date == voucher.terms.date);
        kept
    }

    /// Vouchers are used as often as they may be, their budgets are kept, and what they count is there.
    fn check_vouchers(&self, before: &Stock, requests: &[Request]) {
        for (id, voucher) in &self.stock.vouchers {
            let terms = &voucher.terms;
            let with = self.stock.cart_positions.values().filter(|it| it.voucher == Some(*id) && it.holds_stock);
            assert_eq!(voucher.in_carts, with.count() as i64, "carts of voucher {}", terms.code);
            assert!(voucher.redeemed + voucher.in_carts <= terms.max_usages, "{} is used too often", terms.code);
            let uses = |order: &&OrderStock, counts: &dyn Fn(OrderStatus) -> bool| -> Vec<i64> {
                let with = order.positions.iter().filter_map(|it| it.voucher).filter(|used| used.voucher == *id);
                if counts(order.status) { with.map(|used| used.budget_use).collect() } else { Vec::new() }
            };
            let orders = || self.stock.orders.values();
            let redeemed = orders().flat_map(|order| uses(&order, &|status| status != OrderStatus::Canceled)).count();
            let may_be_more = self.kept_once.contains(id) && voucher.redeemed > redeemed as i64;
            assert!(
                may_be_more || voucher.redeemed == redeemed as i64,
                "redeemed uses of {}: {} for {redeemed}",
                terms.code,
                voucher.redeemed
            );
            let counts = |status| matches!(status, OrderStatus::Paid | OrderStatus::Pending);
            let used: i64 = orders().flat_map(|order| uses(&order, &counts)).sum();
            assert_eq!(voucher.budget_used, used, "budget of {}", terms.code);
            // Staff may make the budget smaller than what was taken.
            if requests.iter().filter_map(voucher_of).any(|changed| changed == *id) {
                continue;
            }
            let before = before.vouchers.get(id).map_or(0, |voucher| voucher.budget_used);
            assert!(terms.budget.is_none_or(|budget| used <= budget.max(before)), "{} took off too much", terms.code);
        }
        for position in self.stock.cart_positions.values() {
            let parent = position.parent.map(|id| &self.stock.cart_positions[&id]);
            assert!(parent.is_none_or(|parent| parent.cart == position.cart), "a child is in the cart of its parent");
            assert!(position.price.gross.minor() >= 0);
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
        for order in self.stock.orders.values() {
            let field: fn(&mut Uses) -> &mut i64 = match order.status {
                OrderStatus::Paid => |uses| &mut uses.paid,
                OrderStatus::Pending => |uses| &mut uses.pending,
                OrderStatus::Expired | OrderStatus::Canceled => continue,
            };
            order.products().for_each(|product| count(&product, field));
        }
        for position in self.stock.cart_positions.values().filter(|position| position.holds_stock) {
            let voucher = position.voucher.map(|id| &self.stock.vouchers[&id]);
            let kept = voucher.map(|voucher| self.kept_by(voucher)).unwrap_or_default();
            for quota in self.stock.quotas_of.get(&position.product).into_iter().flatten() {
                counted.entry(*quota).or_default().carts += i64::from(!kept.contains(quota));
            }
        }
        for voucher in self.stock.vouchers.values() {
            for quota in self.kept_by(voucher) {
                counted.entry(quota).or_default().vouchers += voucher.unredeemed();
            }
        }
        let may_oversell = self.stock.vouchers.values().any(|voucher| voucher.terms.allow_ignore_quota);
        for (id, quota) in &self.stock.quotas {
            assert_eq!(quota.uses, counted.get(id).copied().unwrap_or_default(), "counters of quota {id}");
            let size = if quota.closed { Some(0) } else { quota.size };
            let most = size.map(|size| size.max(before.quotas[id].uses.total()));
            assert!(
                may_oversell || most.is_none_or(|most| quota.uses.total() <= most),
                "quota {id} sold more than it has: {quota:?}"
            );
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

    /// Each hold that began has ended once, by an order, by its time or by the buyer, or still goes on.
    fn check_holds(&self) {
        let Holds { begun, ordered, expired, given_back } = self.holds;
        let goes_on = self.stock.cart_positions.values().filter(|position| position.holds_stock).count();
        assert_eq!(begun, ordered + expired + given_back + goes_on, "{:?}, {goes_on} go on", self.holds);
    }

    /// Carts keep to the limits, nothing outlives its time, and nobody changes somebody else's cart.
    fn check_carts(&mut self, before: &Stock, requests: &[Request], outcomes: &[Outcome]) {
        let touched = carts_of(requests);
        // A request that is refused changes nothing, so it mends nothing either.
        let refused = |outcome: &Outcome| match outcome {
            Outcome::Cart(cart) => cart.refused.is_some(),
            Outcome::NotCreated(_) => true,
            _ => false,
        };
        let not_refused = requests.iter().zip(outcomes).filter(|(_, outcome)| !refused(outcome));
        let changed = carts_of(&not_refused.map(|(request, _)| request.clone()).collect::<Vec<_>>());
        let deletes_voucher = requests.iter().any(|request| matches!(request, Request::DeleteVoucher { .. }));
        let mut per_cart: BTreeMap<&CartId, i64> = BTreeMap::new();
        let mut per_item: BTreeMap<(&CartId, ItemId), i64> = BTreeMap::new();
        for position in self.stock.cart_positions.values() {
            assert!(!position.holds_stock || position.expires_at > self.now, "an expired position holds a place");
            assert!(position.expires_at <= position.max_extend_at);
            *per_cart.entry(&position.cart).or_default() += i64::from(position.parent.is_none());
            *per_item.entry((&position.cart, position.product.item)).or_default() += i64::from(!position.bundled);
        }
        assert!(per_cart.values().all(|count| *count <= POSITIONS_MAX));
        for position in self.stock.cart_positions.values().filter(|position| !position.bundled) {
            let offer = &self.stock.offers[&position.product];
            let count = per_item[&(&position.cart, position.product.item)];
            assert!(offer.max_per_order.is_none_or(|max| count <= max), "too many of one item");
            // A deleted voucher takes positions out of carts that nobody looks at until they are used again.
            let looked_at = changed.contains(&position.cart) && !deletes_voucher;
            assert!(!looked_at || offer.min_per_order.is_none_or(|min| count >= min), "too few of one item");
        }
        changed.iter().filter(|_| !deletes_voucher).for_each(|cart| self.check_discounts(cart));
        for position in before.cart_positions.values().filter(|position| !touched.contains(&position.cart)) {
            // Somebody may have deleted its voucher.
            let Some(after) = self.stock.cart_positions.get(&position.id) else { continue };
            assert_eq!((after.expires_at, after.price), (position.expires_at, position.price), "somebody else's cart");
        }
        // The end is counted from the first hold; a cart whose holds are all over begins anew.
        // So does one that a deleted voucher has emptied before something was added.
        let was_held = |cart: &CartId| {
            let held = |p: &CartPosition| p.cart == *cart && p.holds_stock && p.expires_at > self.now;
            let stays = |id| !deletes_voucher || self.stock.cart_positions.contains_key(id);
            before.cart_positions.iter().any(|(id, position)| held(position) && stays(id))
        };
        self.begun.retain(|cart, _| was_held(cart));
        for position in self.stock.cart_positions.values().filter(|position| position.holds_stock) {
            let begun = *self.begun.entry(position.cart.clone()).or_insert(self.now);
            assert!(position.max_extend_at <= begun.plus_seconds(11 * RESERVATION), "renewed for too long");
        }
    }
}

fn a_quota(size: Option<i64>) -> Quota {
    Quota {
        size,
        closed: false,
        close_when_sold_out: false,
        date: None,
        ignore_for_event_availability: false,
        uses: Uses::default(),
    }
}
