//! What happens to a whole order: cancelling, more time, coming back, approval (spec domain 13, 14.1, 15).

use super::{Batch, Decision};
use crate::{
    boxoffice::{CancellationFee, ChangedOrder, FeeTax, NewPayment, OrderFee, OrderRefusal, OrderStock},
    id::OrderId,
    money::Money,
    order::OrderStatus,
    payment::Provider,
    pricing::{FeeType, TaxedLine, split},
    time::Timestamp,
};

impl Batch {
    pub(super) fn cancel(&mut self, id: OrderId, fee: Option<&CancellationFee>) -> Decision {
        let mut order = self.order(id)?;
        if order.status == OrderStatus::Canceled {
            return Err(OrderRefusal::WrongState(order.status));
        }
        if order.positions.is_empty() {
            return Err(OrderRefusal::Empty);
        }
        match fee.filter(|fee| fee.amount.minor() > 0) {
            None => self.void(&mut order),
            Some(fee) => keep(&mut order, fee)?,
        }
        self.give_up_payments(id);
        Ok(self.replace(id, order))
    }

    pub(super) fn mark_refunded(&mut self, id: OrderId) -> Decision {
        let mut order = self.order(id)?;
        in_state(&order, OrderStatus::Paid)?;
        self.void(&mut order);
        self.give_up_payments(id);
        Ok(self.replace(id, order))
    }

    pub(super) fn mark_pending(&mut self, id: OrderId) -> Decision {
        let mut order = self.order(id)?;
        in_state(&order, OrderStatus::Paid)?;
        order.status = OrderStatus::Pending;
        Ok(self.replace(id, order))
    }

    pub(super) fn extend(&mut self, id: OrderId, expires_at: Timestamp, force: bool) -> Decision {
        let mut order = self.order(id)?;
        match order.status {
            OrderStatus::Paid | OrderStatus::Canceled => return Err(OrderRefusal::WrongState(order.status)),
            OrderStatus::Pending | OrderStatus::Expired if expires_at <= self.now => {
                return Err(OrderRefusal::DeadlinePassed);
            }
            OrderStatus::Pending => {}
            OrderStatus::Expired => {
                if !force {
                    self.room_again(&order)?;
                }
                order.status = OrderStatus::Pending;
            }
        }
        order.expires_at = expires_at;
        Ok(self.replace(id, order))
    }

    pub(super) fn reactivate(&mut self, id: OrderId, expires_at: Timestamp, force: bool) -> Decision {
        let mut order = self.order(id)?;
        in_state(&order, OrderStatus::Canceled)?;
        if order.positions.is_empty() {
            return Err(OrderRefusal::Empty);
        }
        if !force {
            self.room_again(&order)?;
        }
        order.cancelled_at = None;
        if order.is_covered() && !order.require_approval {
            order.status = OrderStatus::Paid;
        } else {
            (order.status, order.expires_at) = (OrderStatus::Pending, expires_at);
        }
        Ok(self.replace(id, order))
    }

    pub(super) fn approve(&mut self, id: OrderId, expires_at: Timestamp) -> Decision {
        let mut order = self.awaiting_approval(id)?;
        (order.require_approval, order.expires_at) = (false, expires_at);
        self.settle_if_free(id, &mut order);
        Ok(self.replace(id, order))
    }

    pub(super) fn deny(&mut self, id: OrderId) -> Decision {
        let mut order = self.awaiting_approval(id)?;
        self.void(&mut order);
        self.give_up_payments(id);
        Ok(self.replace(id, order))
    }

    fn awaiting_approval(&self, id: OrderId) -> Result<OrderStock, OrderRefusal> {
        let order = self.order(id)?;
        match order.status {
            OrderStatus::Pending if order.require_approval => Ok(order),
            _ => Err(OrderRefusal::Approval),
        }
    }

    /// An order that costs nothing is paid, by a payment that says so.
    pub(super) fn settle_if_free(&mut self, id: OrderId, order: &mut OrderStock) {
        if order.total.is_zero() && order.status == OrderStatus::Pending && !order.require_approval {
            order.status = OrderStatus::Paid;
            let confirmed_at = Some(self.now);
            self.payments.insert(id, NewPayment { provider: Provider::Free, amount: order.total, confirmed_at });
        }
    }

    /// Positions and fees stay as they are, so that the order can come back.
    fn void(&self, order: &mut OrderStock) {
        (order.status, order.cancelled_at) = (OrderStatus::Canceled, Some(self.now));
    }

    /// An order that holds nothing needs room for all it has, and its vouchers must still be good for it (spec domain 6.4).
    /// Who waits for places does not count here (spec domain 4.5).
    fn room_again(&self, order: &OrderStock) -> Result<(), OrderRefusal> {
        self.room_for_difference(&[], &order.products().collect::<Vec<_>>())?;
        if self.vouchers_allow(order) { Ok(()) } else { Err(OrderRefusal::VoucherUsedUp) }
    }
}

fn in_state(order: &OrderStock, status: OrderStatus) -> Result<(), OrderRefusal> {
    if order.status == status { Ok(()) } else { Err(OrderRefusal::WrongState(order.status)) }
}

/// All positions go, and all fees but some; what is to be kept beyond these is a fee. A part of the money may be there.
fn keep(order: &mut OrderStock, fee: &CancellationFee) -> Result<(), OrderRefusal> {
    if fee.amount.minor() > order.total.minor() {
        return Err(OrderRefusal::FeeTooHigh);
    }
    if let Some(number) = fee.keep.iter().find(|number| order.fees.iter().all(|it| it.number != **number)) {
        return Err(OrderRefusal::NoSuchPart(*number));
    }
    let canceled = std::mem::take(&mut order.positions);
    order.fees.retain(|it| fee.keep.contains(&it.number));
    let kept = order.sum();
    if kept > fee.amount.minor() {
        return Err(OrderRefusal::FeeTooHigh);
    }
    let rest = Money::new(fee.amount.minor() - kept, fee.amount.currency());
    let parts = match fee.tax {
        FeeTax::Rate(rate) => vec![(rate, rest)],
        FeeTax::Split => {
            let weights: Vec<_> = canceled.iter().map(|position| (position.line.rate, position.line.gross)).collect();
            split(rest, &weights)
        }
    };
    for (rate, gross) in parts.into_iter().filter(|(_, gross)| !gross.is_zero()) {
        order.last_fee += 1;
        order.fees.push(OrderFee {
            number: order.last_fee,
            fee_type: FeeType::Cancellation,
            internal_type: String::new(),
            description: fee.description.clone(),
            line: TaxedLine::new(gross, gross.split_tax(rate).1, rate),
        });
    }
    (order.total, order.require_approval) = (fee.amount, false);
    if order.is_covered() {
        order.status = OrderStatus::Paid;
    } else {
        (order.status, order.expires_at) = (OrderStatus::Pending, fee.deadline);
    }
    Ok(())
}

impl ChangedOrder {
    /// What is different between an order as it was read and as it is now.
    pub(in crate::boxoffice::decide) fn between(
        before: &OrderStock,
        after: &OrderStock,
        gives_up_payments: bool,
        payment: Option<NewPayment>,
    ) -> Self {
        let (positions_added, positions_changed, positions_canceled) =
            differences(&before.positions, &after.positions, |position| position.number);
        let (fees_added, fees_changed, fees_canceled) = differences(&before.fees, &after.fees, |fee| fee.number);
        Self {
            status: after.status,
            total: after.total,
            expires_at: after.expires_at,
            require_approval: after.require_approval,
            cancelled_at: after.cancelled_at,
            positions_added,
            positions_changed,
            positions_canceled,
            fees_added,
            fees_changed,
            fees_canceled,
            gives_up_payments,
            payment,
        }
    }
}

/// What is new, different and gone. Both lists are sorted by number.
fn differences<T: Clone + PartialEq>(before: &[T], after: &[T], number: fn(&T) -> i32) -> (Vec<T>, Vec<T>, Vec<T>) {
    let find = |list: &[T], it: &T| list.binary_search_by_key(&number(it), number).ok();
    let added = after.iter().filter(|it| find(before, it).is_none()).cloned().collect();
    let changed = after.iter().filter(|it| find(before, it).is_some_and(|at| before[at] != **it)).cloned().collect();
    let gone = before.iter().filter(|it| find(after, it).is_none()).cloned().collect();
    (added, changed, gone)
}
