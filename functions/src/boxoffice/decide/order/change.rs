//! What staff changes in an order (spec domain 14.4).
//!
//! The reference looks for room before it takes its locks; here all of it is decided under the event's lock.

use super::{Batch, Decision};
use crate::{
    boxoffice::{Change, OrderFee, OrderPosition, OrderRefusal, OrderStock, POSITIONS_PER_ORDER_MAX, UnitPrice},
    id::OrderId,
    money::Money,
    order::OrderStatus,
    pricing::{TaxedLine, round},
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
        for change in wanted.changes {
            apply(&mut order, change)?;
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
}

/// Rounds all lines together and adds them up. An address, which would say whether the buyer is a business, is not kept
/// yet: nobody is one.
pub(super) fn price(order: &mut OrderStock) -> Result<(), OrderRefusal> {
    let positions = order.positions.iter().map(|position| position.line);
    let mut lines: Vec<TaxedLine> = positions.chain(order.fees.iter().map(|fee| fee.line)).collect();
    round(&mut lines, order.rounding, false);
    let places = order.positions.iter_mut().map(|position| &mut position.line);
    places.chain(order.fees.iter_mut().map(|fee| &mut fee.line)).zip(lines).for_each(|(place, line)| *place = line);
    let sum = order.sum();
    order.total = Money::new(sum, order.total.currency());
    if sum < 0 { Err(OrderRefusal::NegativeTotal) } else { Ok(()) }
}

fn apply(order: &mut OrderStock, change: &Change) -> Result<(), OrderRefusal> {
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
            position(order, *number)?;
            order.positions.retain(|it| it.number != *number && it.parent != Some(*number));
        }
        Change::SwapProduct { number, product, price } => {
            let position = position(order, *number)?;
            (position.product, position.line) = (*product, line(price));
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
                line: TaxedLine::new(*gross, gross.split_tax(*tax_rate).1, *tax_rate),
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
    *line = TaxedLine::new(gross, gross.split_tax(line.rate).1, line.rate);
}

fn position(order: &mut OrderStock, number: i32) -> Result<&mut OrderPosition, OrderRefusal> {
    order.positions.iter_mut().find(|position| position.number == number).ok_or(OrderRefusal::NoSuchPart(number))
}

fn fee(order: &mut OrderStock, number: i32) -> Result<&mut OrderFee, OrderRefusal> {
    order.fees.iter_mut().find(|fee| fee.number == number).ok_or(OrderRefusal::NoSuchPart(number))
}
