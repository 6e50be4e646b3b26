//! Orders that have no cart (spec rest-api 9.3).

use std::collections::BTreeMap;

use super::{Batch, change::price, settle::Settled};
use crate::{
    boxoffice::{
        CartPosition, ChangedOrder, CreateFee, CreateOrder, CreatePosition, CreatedOrder, NewPayment, NewPosition,
        OrderFee, OrderPosition, OrderRefusal, OrderStock, Outcome, PositionSecrets, Product, Uses, VoucherUse,
    },
    id::QuotaId,
    money::{Money, TaxRate},
    order::OrderStatus,
    payment::Provider,
    port::codes::Codes,
    pricing::{TaxedLine, split},
    time::Timestamp,
};

impl Batch {
    /// An order as somebody wants it, or why not: each position that cannot be has its reason. Who waits for places
    /// comes first, but what the consumed carts hold is there for the order.
    pub(in crate::boxoffice::decide) fn create_order(&mut self, index: usize, wanted: &CreateOrder) -> Outcome {
        if self.stock.identities.get(&index).is_some_and(|identity| identity.is_taken) {
            return Outcome::OrderRefused(OrderRefusal::CodeTaken);
        }
        let consumed: Vec<CartPosition> =
            wanted.consume_carts.iter().flat_map(|cart| self.positions_of(cart)).collect();
        let settled = match self.settle_positions(wanted, &consumed) {
            Ok(settled) => settled,
            Err(faults) => return Outcome::NotCreated(faults),
        };
        let faults = if wanted.force { Vec::new() } else { self.without_room(wanted, &settled, &consumed) };
        if !faults.is_empty() {
            return Outcome::NotCreated(faults);
        }
        let codes = Codes::of(&wanted.seed, "secrets");
        let empty = empty_order(wanted, Money::zero(self.stock.currency), self.now);
        let mut order = fill(&empty, wanted, &settled, &codes);
        if let Err(refusal) = price(&mut order).and_then(|()| payable(&order, wanted)) {
            return Outcome::OrderRefused(refusal);
        }
        for position in consumed {
            self.delete(position.id);
        }
        let payment = self.settle_new(&mut order, wanted);
        let uses = match order.status {
            OrderStatus::Paid => Uses { paid: 1, ..Uses::default() },
            OrderStatus::Pending | OrderStatus::Expired | OrderStatus::Canceled => {
                Uses { pending: 1, ..Uses::default() }
            }
        };
        order.products().for_each(|product| self.use_places(product, uses));
        self.move_vouchers(&empty, &order);
        let identity =
            self.stock.identities.remove(&index).expect("an identity is reserved for every order of a batch");
        let (id, code, secret) = (identity.order, identity.code.clone(), codes.url_secret());
        let internal_secret = codes.url_secret();
        let created = CreatedOrder { identity, secret: secret.clone(), internal_secret, wanted: wanted.clone() };
        self.changes.orders_created.push(created);
        self.changes.orders.insert(id, ChangedOrder::between(&empty, &order, false, payment));
        Outcome::Placed { order: id, code, secret }
    }

    /// Positions for which a quota lacks room, one after the other, and positions that no quota counts.
    fn without_room(
        &self,
        wanted: &CreateOrder,
        settled: &[Settled],
        consumed: &[CartPosition],
    ) -> Vec<(usize, OrderRefusal)> {
        let mut taken: BTreeMap<QuotaId, i64> = BTreeMap::new();
        for position in consumed.iter().filter(|position| position.holds_stock) {
            // Where a voucher keeps the place, the cart has none to give.
            for quota in self.quotas_of(position.product).iter().filter(|quota| !self.keeps(position.voucher, **quota))
            {
                *taken.entry(*quota).or_default() -= 1;
            }
        }
        let mut faults = Vec::new();
        for (place, (position, Settled { voucher, .. })) in wanted.positions.iter().zip(settled).enumerate() {
            let quotas = self.quotas_of(position.product);
            if quotas.is_empty() {
                faults.push((place, OrderRefusal::NoQuota(position.product)));
            }
            // A voucher brings its place along only where it keeps one (spec domain 6.4, 35.21).
            let needed: Vec<&QuotaId> = quotas.iter().filter(|quota| !self.keeps(*voucher, **quota)).collect();
            for quota in &needed {
                *taken.entry(**quota).or_default() += 1;
            }
            let full = |quota: &&&QuotaId| self.stock.quotas[**quota].left().is_some_and(|left| taken[**quota] > left);
            let is_excused = voucher.is_some_and(|id| self.stock.vouchers[&id].terms.allow_ignore_quota);
            if let Some(quota) = needed.iter().find(full).filter(|_| !is_excused) {
                faults.push((place, OrderRefusal::NoRoom(**quota)));
            }
        }
        faults
    }

    pub(in crate::boxoffice::decide) fn quotas_of(&self, product: Product) -> &[QuotaId] {
        self.stock.quotas_of.get(&product).map(Vec::as_slice).unwrap_or_default()
    }

    /// What costs nothing is paid, what was paid is paid, and the rest has a payment that is still to come.
    fn settle_new(&self, order: &mut OrderStock, wanted: &CreateOrder) -> Option<NewPayment> {
        let free = order.total.is_zero() && !order.require_approval;
        let confirmed_at = if free { Some(self.now) } else { wanted.paid_at };
        if confirmed_at.is_some() {
            order.status = OrderStatus::Paid;
        }
        let provider = if free { Some(Provider::Free) } else { wanted.payment };
        let provider = provider.filter(|_| !order.require_approval)?;
        Some(NewPayment { provider, amount: order.total, confirmed_at })
    }
}

/// What an order is before anything is in it.
fn empty_order(wanted: &CreateOrder, zero: Money, now: Timestamp) -> OrderStock {
    OrderStock {
        status: OrderStatus::Pending,
        require_approval: wanted.require_approval,
        expires_at: wanted.expires_at,
        cancelled_at: None,
        modified_at: now,
        total: zero,
        paid: zero,
        rounding: wanted.rounding,
        is_business: wanted.is_business,
        positions: Vec::new(),
        fees: Vec::new(),
        last_position: 0,
        last_fee: 0,
    }
}

/// Whether what is said of its payment fits what it costs.
fn payable(order: &OrderStock, wanted: &CreateOrder) -> Result<(), OrderRefusal> {
    match wanted.payment {
        _ if order.total.is_zero() => Ok(()),
        Some(Provider::Free) => Err(OrderRefusal::NotFree),
        None if wanted.paid_at.is_some() => Err(OrderRefusal::NoProvider),
        _ => Ok(()),
    }
}

/// What a fee comes to, by rate of tax: a share is one of what the positions cost, before any fee (spec rest-api 9.3).
fn charges(fee: &CreateFee, positions: &[TaxedLine]) -> Vec<(TaxRate, Money)> {
    let sum: i64 = positions.iter().map(|line| line.gross.minor()).sum();
    let share = |of: TaxRate| Money::new(sum, fee.gross.currency()).checked_share(i64::from(of.0), 1_000_000);
    let gross = fee.share.and_then(share).unwrap_or(fee.gross);
    if !fee.is_taxed_like_positions {
        return vec![(fee.tax_rate, gross)];
    }
    let weights: Vec<(TaxRate, Money)> = positions.iter().map(|line| (line.rate, line.gross)).collect();
    split(gross, &weights)
}

fn fill(empty: &OrderStock, wanted: &CreateOrder, settled: &[Settled], codes: &Codes) -> OrderStock {
    let position = |(number, (it, settled)): (i32, (&CreatePosition, &Settled))| OrderPosition {
        number,
        product: it.product,
        line: settled.price.taxed_line(),
        parent: it.parent,
        voucher: settled.voucher.map(|voucher| VoucherUse { voucher, budget_use: settled.price.saving.minor() }),
        new: Some(Box::new(NewPosition {
            secrets: PositionSecrets::draw(codes),
            attendee: it.attendee.clone(),
            address: it.address.clone(),
            bundled: it.bundled,
            discount: settled.price.discount,
            valid: it.valid,
        })),
    };
    let lines: Vec<TaxedLine> = settled.iter().map(|it| it.price.taxed_line()).collect();
    let fee = |(number, (it, rate, gross)): (i32, (&CreateFee, TaxRate, Money))| OrderFee {
        number,
        fee_type: it.fee_type,
        internal_type: it.internal_type.clone(),
        description: it.description.clone(),
        line: TaxedLine::new(gross, gross.split_tax(rate).1, rate),
    };
    let charged = |it| charges(it, &lines).into_iter().map(move |(rate, gross)| (it, rate, gross));
    OrderStock {
        positions: (1..).zip(wanted.positions.iter().zip(settled)).map(position).collect(),
        fees: (1..).zip(wanted.fees.iter().flat_map(charged)).map(fee).collect(),
        ..empty.clone()
    }
}
