//! Writes what has changed in orders: one statement for each kind of change that occurred, however many orders, all
//! sent together.

use std::collections::BTreeMap;

use super::{OrderFee, OrderPosition, sql};
use crate::{
    boxoffice::{ChangedOrder, CreatedOrder},
    id::OrderId,
    port::{db::DbError, lock::EventLock},
    time::Timestamp,
};

/// The changed orders of a batch.
type Changed = BTreeMap<OrderId, ChangedOrder>;

/// Writes orders, positions, fees, payments and, last, the ledger that follows from them.
pub(in crate::boxoffice) async fn write(
    lock: &EventLock<'_>,
    created: &[CreatedOrder],
    orders: &Changed,
    now: Timestamp,
) -> Result<(), DbError> {
    if orders.is_empty() {
        return Ok(());
    }
    let ids: Vec<OrderId> = orders.keys().copied().collect();
    let given_up = orders.iter().filter(|(_, order)| order.gives_up_payments).map(|(id, _)| *id).collect();
    tokio::try_join!(
        biased;
        sql::insert_created(lock, created, now),
        sql::set_orders(lock, orders, now),
        sql::drop_tickets(lock, of(orders, |order| &order.positions_changed)),
        sql::set_positions(
            lock,
            of(orders, |order| &order.positions_changed),
            of(orders, |order| &order.positions_canceled),
        ),
        // What is below another position finds its row.
        sql::add_positions(lock, added(orders, |position| position.parent.is_none())),
        sql::add_positions(lock, added(orders, |position| position.parent.is_some())),
        sql::set_fees(lock, of(orders, |order| &order.fees_changed), of(orders, |order| &order.fees_canceled)),
        sql::add_fees(lock, of(orders, |order| &order.fees_added)),
        sql::give_up_payments(lock, given_up),
        sql::add_payments(lock, orders, now),
        sql::settle_ledger(lock, ids, now),
    )?;
    Ok(())
}

/// A list of every order, as one list.
fn of<T>(orders: &Changed, list: fn(&ChangedOrder) -> &Vec<T>) -> Vec<(OrderId, &T)> {
    orders.iter().flat_map(|(id, order)| list(order).iter().map(move |it| (*id, it))).collect()
}

/// New positions of every order, on top or below.
fn added(orders: &Changed, is_wanted: fn(&OrderPosition) -> bool) -> Vec<(OrderId, &OrderPosition)> {
    of(orders, |order| &order.positions_added).into_iter().filter(|(_, position)| is_wanted(position)).collect()
}

/// Columns of positions or fees.
pub(super) struct Columns {
    pub(super) orders: Vec<OrderId>,
    pub(super) numbers: Vec<i32>,
    pub(super) prices: Vec<i64>,
    pub(super) rates: Vec<i32>,
    pub(super) taxes: Vec<i64>,
    pub(super) price_corrections: Vec<i64>,
    pub(super) tax_corrections: Vec<i64>,
}

impl Columns {
    pub(super) fn of_positions(positions: &[(OrderId, &OrderPosition)]) -> Self {
        Self::of(positions.iter().map(|(order, it)| (*order, it.number, it.line)))
    }

    pub(super) fn of_fees(fees: &[(OrderId, &OrderFee)]) -> Self {
        Self::of(fees.iter().map(|(order, it)| (*order, it.number, it.line)))
    }

    fn of(lines: impl Iterator<Item = (OrderId, i32, crate::pricing::TaxedLine)> + Clone) -> Self {
        Self {
            orders: lines.clone().map(|(order, ..)| order).collect(),
            numbers: lines.clone().map(|(_, number, _)| number).collect(),
            prices: lines.clone().map(|(.., line)| line.gross.minor()).collect(),
            rates: lines.clone().map(|(.., line)| line.rate.ppm()).collect(),
            taxes: lines.clone().map(|(.., line)| line.tax.minor()).collect(),
            price_corrections: lines.clone().map(|(.., line)| line.gross_correction).collect(),
            tax_corrections: lines.map(|(.., line)| line.tax_correction).collect(),
        }
    }
}
