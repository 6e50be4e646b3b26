//! Statements that write new orders, as many as there are in a batch.

use super::confirmation;
use crate::{
    boxoffice::{PlacedOrder, PlacedPosition},
    event::Event,
    id::OrderId,
    mail,
    port::{
        db::{DbError, Query, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

/// One value of each order.
fn column<'a, T>(orders: &'a [PlacedOrder], value: impl Fn(&'a PlacedOrder) -> T) -> Vec<T> {
    orders.iter().map(value).collect()
}

/// One value of each position of each order; the second is its number in its order.
fn position_column<'a, T>(
    orders: &'a [PlacedOrder],
    value: impl Fn(&'a PlacedOrder, i32, &'a PlacedPosition) -> T,
) -> Vec<T> {
    let value = &value;
    orders
        .iter()
        .flat_map(|order| (1..).zip(&order.positions).map(move |(n, position)| value(order, n, position)))
        .collect()
}

const PLACE: &str = "
    select place_orders($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                        $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38) as positions";

/// Writes orders with their positions, payments, ledger, log and the mails that confirm them.
pub(super) async fn place(
    lock: &EventLock<'_>,
    event: &Event,
    orders: &[PlacedOrder],
    now: Timestamp,
) -> Result<(), DbError> {
    let owners: Vec<OrderId> = position_column(orders, |order, _, _| order.identity.order);
    let row = lock
        .tx()
        .one(
            PLACE,
            &[
                p(&event.organizer.id),
                p(&lock.event()),
                p(&event.testmode),
                p(&now),
                p(&event.payment_deadline(now)),
                p(&now.plus_seconds(mail::WAIT_SECONDS)),
                p(&now.plus_seconds(mail::QUEUED_SECONDS)),
                array(&column(orders, |order| order.identity.order)),
                array(&column(orders, |order| order.identity.code.as_str())),
                array(&column(orders, |order| order.status.code())),
                array(&column(orders, |order| order.secret.as_str())),
                array(&column(orders, |order| order.internal_secret.as_str())),
                array(&column(orders, |order| order.told.email.as_deref().unwrap_or_default())),
                array(&column(orders, |order| order.told.phone.as_deref())),
                array(&column(orders, |order| order.locale.as_str())),
                array(&column(orders, |order| order.total.minor())),
                array(&column(orders, |order| order.rounding.code())),
                array(&column(orders, |order| order.provider().identifier())),
                array(&column(orders, |order| order.payment_state().code())),
                array(&column(orders, |order| order.identity.mail)),
                array(&column(orders, |order| confirmation(order).name())),
                array(&column(orders, |order| confirmation(order).has_tickets())),
                array(&owners),
                array(&position_column(orders, |_, number, _| number)),
                array(&position_column(orders, |_, _, position| position.cart_position)),
                array(&position_column(orders, |_, _, position| position.product.item)),
                array(&position_column(orders, |_, _, position| position.product.variation)),
                array(&position_column(orders, |_, _, position| position.line.gross.minor())),
                array(&position_column(orders, |_, _, position| position.price.tax_rate.ppm())),
                array(&position_column(orders, |_, _, position| position.line.tax.minor())),
                array(&position_column(orders, |_, _, position| position.secrets.ticket.as_str())),
                array(&position_column(orders, |_, _, position| position.secrets.web.as_str())),
                array(&position_column(orders, |_, _, position| position.secrets.pseudonym.as_str())),
                array(&position_column(orders, |_, _, position| position.price.saving.minor())),
                array(&position_column(orders, |_, _, position| position.parent)),
                array(&position_column(orders, |_, _, position| position.line.gross_correction)),
                array(&position_column(orders, |_, _, position| position.line.tax_correction)),
                array(&position_column(orders, |_, _, position| position.price.discount)),
            ],
        )
        .await?;
    let written: i64 = row.get("positions")?;
    let written = usize::try_from(written).unwrap_or(0);
    if written == owners.len() { Ok(()) } else { Err(DbError::RowCount(written)) }
}

/// By their ids, as those take them who save answers.
const HOLD_CARTS: &str = "
    select id from cart_position where event_id + 0 = $1 and id = any($2) order by id for no key update";

/// Waits for a buyer who is saving answers at this very moment: what is copied is then what was saved, and no file of it is
/// removed as nobody's before the order has it.
pub(super) async fn hold_carts(lock: &EventLock<'_>, orders: &[PlacedOrder]) -> Result<(), DbError> {
    if orders.iter().all(|order| !order.may_have_answers) {
        return Ok(());
    }
    let positions = position_column(orders, |_, _, position| position.cart_position);
    lock.tx().execute(HOLD_CARTS, &[p(&lock.event()), array(&positions)]).await.map(drop)
}

const COPY_ANSWERS: &str = "
    insert into answer (event_id, position_id, question_id, answer, file_id)
    select $1, op.id, a.question_id, a.answer, a.file_id
      from unnest($2::bigint[], $3::integer[], $4::bigint[]) as n (order_id, number, cart_position_id)
      join answer a on a.event_id = $1 and a.cart_position_id = n.cart_position_id
      join order_position op on op.event_id = $1 and op.order_id = n.order_id and op.positionid = n.number";

pub(super) async fn copy_answers(lock: &EventLock<'_>, orders: &[PlacedOrder]) -> Result<(), DbError> {
    if orders.iter().all(|order| !order.may_have_answers) {
        return Ok(());
    }
    lock.tx()
        .execute(
            COPY_ANSWERS,
            &[
                p(&lock.event()),
                array(&position_column(orders, |order, _, _| order.identity.order)),
                array(&position_column(orders, |_, number, _| number)),
                array(&position_column(orders, |_, _, position| position.cart_position)),
            ],
        )
        .await
        .map(|_| ())
}

/// Fees of new orders are in their ledgers too.
const OPEN_LEDGER_FEES: &str = "
    insert into ledger_entry (event_id, order_id, price, tax_rate_ppm, tax_value, fee_type, internal_type, count, created_at)
    select $1, order_id, value, tax_rate_ppm, tax_value, fee_type, internal_type, 1, $3::timestamptz
      from order_fee where event_id = $1 and order_id = any($2)";

pub(super) async fn open_ledger_of_fees(
    lock: &EventLock<'_>,
    orders: &[PlacedOrder],
    now: Timestamp,
) -> Result<(), DbError> {
    let with_fees: Vec<OrderId> =
        orders.iter().filter(|order| !order.fees.is_empty()).map(|order| order.identity.order).collect();
    if with_fees.is_empty() {
        return Ok(());
    }
    lock.tx().execute(OPEN_LEDGER_FEES, &[p(&lock.event()), array(&with_fees), p(&now)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[HOLD_CARTS, PLACE, COPY_ANSWERS, OPEN_LEDGER_FEES];
