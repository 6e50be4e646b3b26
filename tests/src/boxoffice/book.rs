//! Orders as the database keeps them.

use shop::{
    boxoffice::{ChangedOrder, CreatedOrder, OrderPosition, OrderStock, PlacedOrder, VoucherUse},
    id::{CartPositionId, VoucherId},
    order::OrderStatus,
    time::Timestamp,
};

use super::ask::euros;

/// What a cart has become.
pub fn order_of_placed(
    placed: &PlacedOrder,
    voucher: impl Fn(CartPositionId) -> Option<VoucherId>,
    now: Timestamp,
) -> OrderStock {
    let positions: Vec<_> = (1..)
        .zip(&placed.positions)
        .map(|(number, position)| {
            let (price, line) = (position.price, position.line);
            let voucher =
                voucher(position.cart_position).map(|voucher| VoucherUse { voucher, budget_use: price.saving.minor() });
            let parent = position.parent.and_then(|id| {
                let place = placed.positions.iter().position(|it| it.cart_position == id)?;
                i32::try_from(place + 1).ok()
            });
            OrderPosition { number, product: position.product, line, parent, voucher, new: None }
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
        rounding: placed.rounding,
        is_business: false,
        last_position: positions.len() as i32,
        positions,
        last_fee: placed.fees.len() as i32,
        fees: placed.fees.clone(),
    }
}

/// A created order before anything is in it.
pub fn created_order(created: &CreatedOrder, now: Timestamp) -> OrderStock {
    OrderStock {
        status: OrderStatus::Pending,
        require_approval: created.wanted.require_approval,
        expires_at: created.wanted.expires_at,
        cancelled_at: None,
        modified_at: now,
        total: euros(0),
        paid: euros(0),
        rounding: created.wanted.rounding,
        is_business: created.wanted.is_business,
        positions: Vec::new(),
        fees: Vec::new(),
        last_position: 0,
        last_fee: 0,
    }
}

/// As the database does it: what is added was not there, what is changed or cancelled was.
pub fn write_order(order: &mut OrderStock, changed: ChangedOrder, now: Timestamp) {
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
