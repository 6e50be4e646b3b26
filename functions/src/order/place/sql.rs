//! Statements that write new orders, as many as there are in a batch.

use crate::{
    boxoffice::{PlacedOrder, PlacedPosition},
    event::Event,
    id::{CartPositionId, ItemId, OrderId, VariationId},
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

const INSERT_ORDERS: &str = "
    insert into orders (id, organizer_id, event_id, code, status, secret, internal_secret, email, phone, locale, testmode,
                        created_at, expires_at, total, modified_at, tax_rounding_mode)
    overriding system value
    select id, $1, $2, code, status, secret, internal_secret, email, phone, locale, $3, $4, $5, total, $4, rounding
      from unnest($6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
                  $14::bigint[], $15::text[])
           as o (id, code, status, secret, internal_secret, email, phone, locale, total, rounding)";

pub(super) async fn insert_orders(
    lock: &EventLock<'_>,
    event: &Event,
    orders: &[PlacedOrder],
    now: Timestamp,
) -> Result<(), DbError> {
    lock.tx()
        .execute(
            INSERT_ORDERS,
            &[
                p(&event.organizer.id),
                p(&lock.event()),
                p(&event.testmode),
                p(&now),
                p(&event.payment_deadline(now)),
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
            ],
        )
        .await
        .map(|_| ())
}

/// Attendees, dates and vouchers are copied from the cart. Numbers the rows itself, because add-ons and parts point to the
/// row that they belong to.
const INSERT_POSITIONS: &str = "
    with n as (
        select *, nextval('order_position_id_seq') as id
          from unnest($3::bigint[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::integer[],
                      $10::bigint[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[],
                      $16::bigint[], $17::bigint[], $18::bigint[])
               as n (order_id, number, cart_position_id, item_id, variation_id, price, tax_rate_ppm, tax_value, secret,
                     web_secret, pseudonym, saving, parent_id, price_correction, tax_correction, discount_id))
    insert into order_position (id, organizer_id, event_id, order_id, positionid, item_id, variation_id, subevent_id, price,
                                tax_rate_ppm, tax_value, attendee_name, attendee_email, company, secret, web_secret,
                                pseudonymization_id, voucher_id, voucher_budget_use, addon_to, is_bundled, price_correction,
                                tax_correction, discount_id)
    overriding system value
    select n.id, $1, $2, n.order_id, n.number, n.item_id, n.variation_id, c.subevent_id, n.price, n.tax_rate_ppm, n.tax_value,
           c.attendee_name, c.attendee_email, c.company, n.secret, n.web_secret, n.pseudonym, c.voucher_id,
           case when c.voucher_id is null then 0 else n.saving end, parent.id, c.is_bundled, n.price_correction, n.tax_correction,
           n.discount_id
      from n
      join cart_position c on c.event_id = $2 and c.id = n.cart_position_id
      left join n parent on parent.cart_position_id = n.parent_id";

pub(super) async fn insert_positions(
    lock: &EventLock<'_>,
    event: &Event,
    orders: &[PlacedOrder],
) -> Result<(), DbError> {
    let owners: Vec<OrderId> = position_column(orders, |order, _, _| order.identity.order);
    let cart_positions: Vec<CartPositionId> = position_column(orders, |_, _, position| position.cart_position);
    let items: Vec<ItemId> = position_column(orders, |_, _, position| position.product.item);
    let variations: Vec<Option<VariationId>> = position_column(orders, |_, _, position| position.product.variation);
    let written = lock
        .tx()
        .execute(
            INSERT_POSITIONS,
            &[
                p(&event.organizer.id),
                p(&lock.event()),
                array(&owners),
                array(&position_column(orders, |_, number, _| number)),
                array(&cart_positions),
                array(&items),
                array(&variations),
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
    if written == owners.len() as u64 { Ok(()) } else { Err(DbError::RowCount(usize::try_from(written).unwrap_or(0))) }
}

const COPY_ANSWERS: &str = "
    insert into answer (event_id, position_id, question_id, answer)
    select $1, op.id, a.question_id, a.answer
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

const INSERT_PAYMENTS: &str = "
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at, confirmed_at)
    select $1, order_id, 1, provider, state, amount, $2::timestamptz, case when state = 'confirmed' then $2::timestamptz end
      from unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[]) as n (order_id, provider, state, amount)";

pub(super) async fn insert_payments(
    lock: &EventLock<'_>,
    orders: &[PlacedOrder],
    now: Timestamp,
) -> Result<(), DbError> {
    lock.tx()
        .execute(
            INSERT_PAYMENTS,
            &[
                p(&lock.event()),
                p(&now),
                array(&column(orders, |order| order.identity.order)),
                array(&column(orders, |order| order.provider().identifier())),
                array(&column(orders, |order| order.payment_state().code())),
                array(&column(orders, |order| order.total.minor())),
            ],
        )
        .await
        .map(|_| ())
}

/// What was just sold is all that an order's ledger says.
const OPEN_LEDGER: &str = "
    insert into ledger_entry (event_id, order_id, positionid, item_id, variation_id, subevent_id, price, tax_rate_ppm, tax_value,
                              count, created_at)
    select $1, order_id, positionid, item_id, variation_id, subevent_id, price, tax_rate_ppm, tax_value, 1,
           $3::timestamptz
      from order_position where event_id = $1 and order_id = any($2)";
const OPEN_LEDGER_FEES: &str = "
    insert into ledger_entry (event_id, order_id, price, tax_rate_ppm, tax_value, fee_type, internal_type, count, created_at)
    select $1, order_id, value, tax_rate_ppm, tax_value, fee_type, internal_type, 1, $3::timestamptz
      from order_fee where event_id = $1 and order_id = any($2)";

pub(super) async fn open_ledger(lock: &EventLock<'_>, orders: &[PlacedOrder], now: Timestamp) -> Result<(), DbError> {
    let ids: Vec<OrderId> = column(orders, |order| order.identity.order);
    lock.tx().execute(OPEN_LEDGER, &[p(&lock.event()), array(&ids), p(&now)]).await?;
    let with_fees: Vec<OrderId> =
        orders.iter().filter(|order| !order.fees.is_empty()).map(|order| order.identity.order).collect();
    if with_fees.is_empty() {
        return Ok(());
    }
    lock.tx().execute(OPEN_LEDGER_FEES, &[p(&lock.event()), array(&with_fees), p(&now)]).await.map(|_| ())
}

const LOG_PLACED: &str = "
    insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, created_at)
    select $1, $2, 'order', id, 'pretix.event.order.placed', 'buyer', $4 from unnest($3::bigint[]) as o (id)";

pub(super) async fn log_placed(
    lock: &EventLock<'_>,
    event: &Event,
    orders: &[PlacedOrder],
    now: Timestamp,
) -> Result<(), DbError> {
    let ids: Vec<OrderId> = column(orders, |order| order.identity.order);
    lock.tx().execute(LOG_PLACED, &[p(&event.organizer.id), p(&lock.event()), array(&ids), p(&now)]).await.map(|_| ())
}

const DELETE_SESSIONS: &str = "delete from checkout_session where event_id = $1 and cart_id = any($2)";

pub(super) async fn delete_sessions(lock: &EventLock<'_>, orders: &[PlacedOrder]) -> Result<(), DbError> {
    let carts = column(orders, |order| order.cart.0.as_str());
    lock.tx().execute(DELETE_SESSIONS, &[p(&lock.event()), array(&carts)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    INSERT_ORDERS,
    INSERT_POSITIONS,
    COPY_ANSWERS,
    INSERT_PAYMENTS,
    OPEN_LEDGER,
    OPEN_LEDGER_FEES,
    LOG_PLACED,
    DELETE_SESSIONS,
];
