//! Orders (spec domain 11, 13).

mod change;
mod create;
mod settle;
mod state;

use std::collections::BTreeMap;

use self::change::Wanted;
use super::Batch;
use crate::{
    boxoffice::{
        CartId, CartPosition, ChangedOrder, Draft, NotPlaced, OrderAction, OrderFee, OrderRefusal, OrderStock, Outcome,
        PlacedOrder, PlacedPosition, PositionSecrets, Product, Uses,
    },
    cart::Session,
    id::{CartPositionId, OrderId},
    money::Money,
    order::OrderStatus,
    payment::Provider,
    port::codes::Codes,
    pricing::{Bill, FeeType, TaxedLine},
};

/// Where an order stands after something happened to it, or why it did not.
type Decision = Result<OrderStatus, OrderRefusal>;

/// An order that will be.
struct Placing<'a> {
    cart: &'a CartId,
    draft: &'a Draft,
    told: Session,
    payment: Provider,
    positions: Vec<CartPosition>,
    bill: Bill,
}

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
        // Whatever comes of it, the cart has the prices of now.
        self.cap_by_budget(cart);
        self.apply_discounts(cart, &mut []);
        if !gone.is_empty() {
            return Outcome::NotPlaced(NotPlaced::Unavailable(gone));
        }
        if let Some((position, problem)) = self.wrong_add_ons(cart) {
            return Outcome::NotPlaced(NotPlaced::AddOns(position, problem));
        }
        let Some((told, payment)) = self.told(agreed_total, &draft.told) else {
            return Outcome::NotPlaced(NotPlaced::Incomplete);
        };
        let positions = self.in_order(self.positions_of(cart));
        let lines = positions.iter().map(|position| position.price.taxed_line()).collect();
        let bill = self.stock.billing.bill(lines, Some(payment));
        if bill.total() != agreed_total.minor() {
            return Outcome::NotPlaced(NotPlaced::PriceChanged);
        }
        let free = agreed_total.is_zero();
        let ordered = Uses { paid: i64::from(free), pending: i64::from(!free), ..Uses::default() };
        for position in &positions {
            self.delete_one(position.id);
            self.redeem(position);
            self.use_places(position.product, ordered);
        }
        let placing = Placing { cart, draft, told, payment, positions, bill };
        self.write_down(index, placing)
    }

    /// Who orders, and how it will be paid; `None` if something is missing.
    fn told(&self, total: Money, told: &Session) -> Option<(Session, Provider)> {
        let rules = &self.stock.checkout;
        let is_enough = told.email.is_some() && (told.phone.is_some() || !rules.needs_phone);
        let payment = match total.is_zero() {
            true => Provider::Free,
            false => told.payment.filter(|chosen| rules.providers.contains(chosen))?,
        };
        is_enough.then(|| (told.clone(), payment))
    }

    fn write_down(&mut self, index: usize, placing: Placing<'_>) -> Outcome {
        let Placing { cart, draft, told, payment, positions, bill } = placing;
        let total = Money::new(bill.total(), self.stock.currency);
        let identity =
            self.stock.identities.remove(&index).expect("an identity is reserved for every order of a batch");
        let codes = Codes::of(&draft.seed, "secrets");
        let secret = codes.url_secret();
        let outcome = Outcome::Placed { order: identity.order, code: identity.code.clone(), secret: secret.clone() };
        let placed = |(position, line): (CartPosition, TaxedLine)| PlacedPosition {
            cart_position: position.id,
            product: position.product,
            price: position.price,
            line,
            parent: position.parent,
            secrets: PositionSecrets::draw(&codes),
        };
        self.changes.orders_placed.push(PlacedOrder {
            identity,
            cart: cart.clone(),
            may_have_answers: self.stock.checkout.asks_questions,
            told,
            locale: draft.locale.clone(),
            payment,
            status: if total.is_zero() { OrderStatus::Paid } else { OrderStatus::Pending },
            total,
            secret,
            internal_secret: codes.url_secret(),
            rounding: self.stock.billing.rounding,
            positions: positions.into_iter().zip(bill.lines).map(placed).collect(),
            fees: bill.payment_fee.map(|line| payment_fee(payment, line)).into_iter().collect(),
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
        on_top
            .into_iter()
            .flat_map(|it| {
                let below = children.remove(&it.id).unwrap_or_default();
                std::iter::once(it).chain(below)
            })
            .collect()
    }

    pub(super) fn pay_order(&mut self, id: OrderId, accept_late: bool, by_staff: bool) -> Outcome {
        let Ok(mut order) = self.order(id) else { return Outcome::NotPayable };
        match order.status {
            OrderStatus::Paid => return Outcome::AlreadyPaid,
            OrderStatus::Canceled => return Outcome::NotPayable,
            OrderStatus::Pending if order.require_approval => return Outcome::NotPayable,
            OrderStatus::Pending => {}
            OrderStatus::Expired if !accept_late => return Outcome::NotPayable,
            OrderStatus::Expired if !self.room_for_late(&order, by_staff) => return Outcome::NoRoom,
            OrderStatus::Expired if !self.budgets_allow(&order) => return Outcome::NoRoom,
            OrderStatus::Expired => {}
        }
        order.status = OrderStatus::Paid;
        self.replace(id, order);
        Outcome::Paid
    }

    /// Whether an expired order finds its places again. For the buyer, who waits for places comes first; staff does not
    /// count them (spec domain 4.5).
    fn room_for_late(&self, order: &OrderStock, by_staff: bool) -> bool {
        let products: Vec<Product> = order.products().collect();
        if by_staff { self.room_for_difference(&[], &products).is_ok() } else { self.room_for_all(&products) }
    }

    pub(super) fn expire_order(&mut self, id: OrderId) -> Outcome {
        let pending = self.order(id).ok().filter(|order| order.status == OrderStatus::Pending);
        let Some(mut order) = pending else { return Outcome::NotPending };
        order.status = OrderStatus::Expired;
        self.replace(id, order);
        Outcome::Expired
    }

    pub(super) fn change_order(&mut self, id: OrderId, action: &OrderAction) -> Outcome {
        let decided = match action {
            OrderAction::Cancel { fee } => self.cancel(id, fee.as_ref()),
            OrderAction::MarkRefunded => self.mark_refunded(id),
            OrderAction::MarkPending => self.mark_pending(id),
            OrderAction::Extend { expires_at, force } => self.extend(id, *expires_at, *force),
            OrderAction::Reactivate { expires_at, force } => self.reactivate(id, *expires_at, *force),
            OrderAction::Approve { expires_at } => self.approve(id, *expires_at),
            OrderAction::Deny => self.deny(id),
            OrderAction::Change { changes, read_at, expires_at, force } => {
                let (read_at, expires_at, force) = (*read_at, *expires_at, *force);
                self.change(id, &Wanted { changes, read_at, expires_at, force })
            }
        };
        decided.map_or_else(Outcome::OrderRefused, Outcome::OrderChanged)
    }

    fn order(&self, id: OrderId) -> Result<OrderStock, OrderRefusal> {
        self.stock.orders.get(&id).cloned().ok_or(OrderRefusal::Missing)
    }

    /// Puts an order in the place of what it was: the counters move at once, the rows are compared when the batch ends.
    fn replace(&mut self, id: OrderId, after: OrderStock) -> OrderStatus {
        let before = self.stock.orders.insert(id, after.clone()).expect("only what was read is replaced");
        for (order, sign) in [(&before, -1), (&after, 1)] {
            if let Some(uses) = held(order.status, sign) {
                order.products().for_each(|product| self.use_places(product, uses));
            }
        }
        self.move_vouchers(&before, &after);
        self.before.entry(id).or_insert(before);
        after.status
    }

    /// Payments that have begun are not wanted any more.
    fn give_up_payments(&mut self, id: OrderId) {
        self.payments_given_up.insert(id);
    }

    /// What is to be written of the orders that have changed.
    pub(super) fn changed_orders(&mut self) {
        for (id, before) in std::mem::take(&mut self.before) {
            let (gives_up, payment) = (self.payments_given_up.contains(&id), self.payments.get(&id).copied());
            let changed = ChangedOrder::between(&before, &self.stock.orders[&id], gives_up, payment);
            self.changes.orders.insert(id, changed);
        }
    }
}

/// The fee of the way to pay.
fn payment_fee(provider: Provider, line: TaxedLine) -> OrderFee {
    let internal_type = provider.identifier().to_owned();
    OrderFee { number: 1, fee_type: FeeType::Payment, internal_type, description: String::new(), line }
}

/// The places that a position of such an order holds (spec domain 10.2), times `sign`.
fn held(status: OrderStatus, sign: i64) -> Option<Uses> {
    match status {
        OrderStatus::Paid => Some(Uses { paid: sign, ..Uses::default() }),
        OrderStatus::Pending => Some(Uses { pending: sign, ..Uses::default() }),
        OrderStatus::Expired | OrderStatus::Canceled => None,
    }
}
