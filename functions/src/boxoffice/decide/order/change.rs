//! What staff changes in an order (spec domain 14.4).
//!
//! The reference looks for room before it takes its locks; here all of it is decided under the event's lock.

use std::collections::BTreeSet;

use super::{Batch, Decision};
use crate::{
    boxoffice::{Change, OrderFee, OrderPosition, OrderRefusal, OrderStock, POSITIONS_PER_ORDER_MAX, UnitPrice},
    id::OrderId,
    money::{Money, TaxRate},
    order::OrderStatus,
    pricing::{FeeType, TaxedLine, round},
    time::Timestamp,
};

/// What staff wants of an order.
pub(super) struct Wanted<'a> {
    pub(super) changes: &'a [Change],
    pub(super) read_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) force: bool,
}

impl Batch {
    pub(super) fn change(&mut self, id: OrderId, wanted: &Wanted<'_>) -> Decision {
        let before = self.order(id)?;
        if before.modified_at != wanted.read_at || self.before.contains_key(&id) {
            return Err(OrderRefusal::ChangedMeanwhile);
        }
        if before.status == OrderStatus::Canceled {
            return Err(OrderRefusal::WrongState(before.status));
        }
        let mut order = before.clone();
        let mut gone = BTreeSet::new();
        for change in wanted.changes {
            apply(&mut order, change, &mut gone)?;
        }
        if order.positions.is_empty() {
            return Err(OrderRefusal::Empty);
        }
        if order.positions.len() as i64 > POSITIONS_PER_ORDER_MAX.max(before.positions.len() as i64) {
            return Err(OrderRefusal::TooMany);
        }
        // An expired order holds nothing, so it needs nothing either.
        if !wanted.force && order.status != OrderStatus::Expired {
            let products = |order: &OrderStock| order.products().collect::<Vec<_>>();
            self.room_for_difference(&products(&before), &products(&order))?;
        }
        self.charge_for_payment(&mut order, wanted.changes);
        price(&mut order)?;
        if order.total != before.total {
            self.give_up_payments(id);
            match order.status {
                OrderStatus::Paid if !order.is_covered() => {
                    (order.status, order.expires_at) = (OrderStatus::Pending, wanted.expires_at);
                }
                OrderStatus::Pending if order.total.is_zero() => self.settle_if_free(id, &mut order),
                OrderStatus::Pending if order.is_covered() && !order.require_approval => {
                    order.status = OrderStatus::Paid;
                }
                OrderStatus::Pending | OrderStatus::Paid | OrderStatus::Expired | OrderStatus::Canceled => {}
            }
        }
        Ok(self.replace(id, order))
    }

    /// What the way to pay costs follows what is to be paid, unless staff has just said what it costs (spec domain 14.4).
    fn charge_for_payment(&self, order: &mut OrderStock, changes: &[Change]) {
        let billing = &self.stock.billing;
        let provider_of = |fee: &OrderFee| {
            let mut providers = billing.payment_fees.iter().map(|(provider, _)| *provider);
            providers.find(|it| fee.fee_type == FeeType::Payment && it.identifier() == fee.internal_type)
        };
        let is_set = |fee: &OrderFee| {
            changes.iter().any(|change| matches!(change, Change::SetFee { number, .. } if *number == fee.number))
        };
        let found = order.fees.iter().position(|fee| provider_of(fee).is_some() && !is_set(fee));
        let Some(at) = found.filter(|_| order.status == OrderStatus::Pending) else { return };
        let fee = order.fees.remove(at);
        let mut lines = lines(order);
        round(&mut lines, order.rounding, order.is_business);
        let sum = lines.iter().map(|line| line.gross.minor()).sum();
        let price = Money::new(sum, order.total.currency());
        let amount = provider_of(&fee).and_then(|provider| billing.payment_fee(provider, price));
        let line = taxed(amount.unwrap_or(Money::zero(price.currency())), fee.line.rate);
        order.fees.insert(at, OrderFee { line, ..fee });
    }
}

/// Rounds all lines together and adds them up.
pub(super) fn price(order: &mut OrderStock) -> Result<(), OrderRefusal> {
    let mut lines = lines(order);
    round(&mut lines, order.rounding, order.is_business);
    let places = order.positions.iter_mut().map(|position| &mut position.line);
    places.chain(order.fees.iter_mut().map(|fee| &mut fee.line)).zip(lines).for_each(|(place, line)| *place = line);
    let sum = order.sum();
    order.total = Money::new(sum, order.total.currency());
    if sum < 0 { Err(OrderRefusal::NegativeTotal) } else { Ok(()) }
}

fn lines(order: &OrderStock) -> Vec<TaxedLine> {
    let positions = order.positions.iter().map(|position| position.line);
    positions.chain(order.fees.iter().map(|fee| fee.line)).collect()
}

/// `gone` are the numbers of positions that went with the one that they belonged to: who names them as well gets what was
/// wanted.
fn apply(order: &mut OrderStock, change: &Change, gone: &mut BTreeSet<i32>) -> Result<(), OrderRefusal> {
    match change {
        Change::AddPosition { product, parent, price, new } => {
            let base = parent.map(|number| position(order, number).map(|it| it.parent)).transpose()?;
            // Nothing is added to what was added itself.
            if let Some(number) = parent.filter(|_| base.flatten().is_some()) {
                return Err(OrderRefusal::NoSuchPart(number));
            }
            order.last_position += 1;
            let new = Some(new.clone());
            order.positions.push(OrderPosition {
                number: order.last_position,
                product: *product,
                line: line(price),
                parent: *parent,
                voucher: None,
                new,
            });
        }
        Change::CancelPosition { number } => {
            if gone.remove(number) {
                return Ok(());
            }
            position(order, *number)?;
            gone.extend(order.positions.iter().filter(|it| it.parent == Some(*number)).map(|it| it.number));
            order.positions.retain(|it| it.number != *number && it.parent != Some(*number));
        }
        Change::SwapProduct { number, product, gross, tax_rate } => {
            let position = position(order, *number)?;
            // What rounding with others has added is not a part of the price.
            let gross = gross.unwrap_or(position.line.undone().gross);
            (position.product, position.line) = (*product, taxed(gross, *tax_rate));
            for below in order.positions.iter_mut().filter(|it| it.parent == Some(*number)) {
                below.product.date = product.date;
            }
        }
        Change::SetPrice { number, gross } => reprice(&mut position(order, *number)?.line, *gross),
        Change::AddFee { fee_type, internal_type, description, gross, tax_rate } => {
            order.last_fee += 1;
            order.fees.push(OrderFee {
                number: order.last_fee,
                fee_type: *fee_type,
                internal_type: internal_type.clone(),
                description: description.clone(),
                line: taxed(*gross, *tax_rate),
            });
        }
        Change::SetFee { number, gross } => reprice(&mut fee(order, *number)?.line, *gross),
        Change::CancelFee { number } => {
            fee(order, *number)?;
            order.fees.retain(|fee| fee.number != *number);
        }
    }
    Ok(())
}

fn line(price: &UnitPrice) -> TaxedLine {
    TaxedLine::new(price.gross, price.tax, price.tax_rate)
}

fn reprice(line: &mut TaxedLine, gross: Money) {
    *line = taxed(gross, line.rate);
}

fn taxed(gross: Money, rate: TaxRate) -> TaxedLine {
    TaxedLine::new(gross, gross.split_tax(rate).1, rate)
}

fn position(order: &mut OrderStock, number: i32) -> Result<&mut OrderPosition, OrderRefusal> {
    order.positions.iter_mut().find(|position| position.number == number).ok_or(OrderRefusal::NoSuchPart(number))
}

fn fee(order: &mut OrderStock, number: i32) -> Result<&mut OrderFee, OrderRefusal> {
    order.fees.iter_mut().find(|fee| fee.number == number).ok_or(OrderRefusal::NoSuchPart(number))
}
