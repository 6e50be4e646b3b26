//! Statements of the box office. All take the event from the lock, so a row of another event is never found.

use std::collections::{BTreeMap, BTreeSet};

use super::{CartId, CartPosition, NewCartPosition, OrderStock, Product, Quota, RenewedCartPosition, Uses};
use crate::{
    id::{CartPositionId, EventId, ItemId, OrderId, QuotaId, VariationId},
    money::{Currency, Money},
    order::OrderStatus,
    port::{
        db::{DbError, Query, Row, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

const QUOTAS: &str = "
    select q.id, q.size, q.closed, q.close_when_sold_out, c.paid, c.pending, c.vouchers, c.carts, c.waiting
      from quota q join quota_counter c on c.quota_id = q.id
     where q.event_id = $1";
const QUOTA_ITEMS: &str =
    "select quota_id, item_id, variation_id from quota_item where event_id = $1 order by quota_id";

type Quotas = (BTreeMap<QuotaId, Quota>, BTreeMap<Product, Vec<QuotaId>>);

pub(super) async fn quotas(lock: &EventLock<'_>) -> Result<Quotas, DbError> {
    read_quotas(lock.tx(), lock.event()).await
}

const EXPIRED_CARTS: &str = "
    select item_id, variation_id, count(*) as count
      from cart_position where event_id = $1 and holds_stock and expires_at <= $2
     group by item_id, variation_id";

/// The quotas of an event as they stand, without a lock: for display only, never for a decision. Expired carts count
/// as gone already: if the page counted them until the next batch releases them, nobody could begin that batch.
pub async fn quotas_for_display(q: &impl Query, event: EventId, now: Timestamp) -> Result<Quotas, DbError> {
    let (mut quotas, quotas_of) = read_quotas(q, event).await?;
    for row in q.query(EXPIRED_CARTS, &[p(&event), p(&now)]).await? {
        let count: i64 = row.get("count")?;
        for quota in quotas_of.get(&product(&row)?).into_iter().flatten() {
            quotas.entry(*quota).and_modify(|quota| quota.uses.carts -= count);
        }
    }
    Ok((quotas, quotas_of))
}

async fn read_quotas(q: &impl Query, event: EventId) -> Result<Quotas, DbError> {
    let mut quotas = BTreeMap::new();
    for row in q.query(QUOTAS, &[p(&event)]).await? {
        let uses = Uses {
            paid: row.get("paid")?,
            pending: row.get("pending")?,
            vouchers: row.get("vouchers")?,
            carts: row.get("carts")?,
            waiting: row.get("waiting")?,
        };
        let close_when_sold_out = row.get("close_when_sold_out")?;
        let quota = Quota { size: row.get("size")?, closed: row.get("closed")?, close_when_sold_out, uses };
        quotas.insert(row.get("id")?, quota);
    }
    let mut quotas_of: BTreeMap<Product, Vec<QuotaId>> = BTreeMap::new();
    for row in q.query(QUOTA_ITEMS, &[p(&event)]).await? {
        quotas_of.entry(product(&row)?).or_default().push(row.get("quota_id")?);
    }
    Ok((quotas, quotas_of))
}

fn product(row: &Row) -> Result<Product, DbError> {
    Ok(Product { item: row.get("item_id")?, variation: row.get("variation_id")? })
}

/// Expired carts are settled in portions: what is left over stays counted, which errs on the safe side.
const CART_POSITIONS: &str = "
    select id, cart_id, item_id, variation_id, price, expires_at, max_extend_at, holds_stock
      from cart_position where event_id = $1 and cart_id = any($2)
    union
    (select id, cart_id, item_id, variation_id, price, expires_at, max_extend_at, holds_stock
       from cart_position where event_id = $1 and holds_stock and expires_at <= $3
      order by expires_at limit 1000)";

pub(super) async fn cart_positions(
    lock: &EventLock<'_>,
    currency: Currency,
    carts: &BTreeSet<&CartId>,
    now: Timestamp,
) -> Result<BTreeMap<CartPositionId, CartPosition>, DbError> {
    let carts: Vec<&str> = carts.iter().map(|cart| cart.0.as_str()).collect();
    let rows = lock.tx().query(CART_POSITIONS, &[p(&lock.event()), array(&carts), p(&now)]).await?;
    let read = rows.iter().map(|row| {
        let position = CartPosition {
            id: row.get("id")?,
            cart: CartId(row.get("cart_id")?),
            product: product(row)?,
            price: Money::new(row.get("price")?, currency),
            expires_at: row.get("expires_at")?,
            max_extend_at: row.get("max_extend_at")?,
            holds_stock: row.get("holds_stock")?,
        };
        Ok((position.id, position))
    });
    read.collect()
}

const ORDERS: &str = "
    select o.id, o.status, op.item_id, op.variation_id
      from orders o left join order_position op on op.order_id = o.id and not op.canceled
     where o.event_id = $1 and o.id = any($2)";

pub(super) async fn orders(lock: &EventLock<'_>, ids: &Vec<OrderId>) -> Result<BTreeMap<OrderId, OrderStock>, DbError> {
    let mut orders = BTreeMap::new();
    for row in lock.tx().query(ORDERS, &[p(&lock.event()), array(ids)]).await? {
        let status = OrderStatus::parse(row.get("status")?)?;
        let order: &mut OrderStock =
            orders.entry(row.get("id")?).or_insert(OrderStock { status, products: Vec::new() });
        if row.get::<Option<ItemId>>("item_id")?.is_some() {
            order.products.push(product(&row)?);
        }
    }
    Ok(orders)
}

/// What was read under the lock is still there: a statement that misses a row would make counters and rows disagree,
/// so the transaction fails instead.
fn expect_rows(touched: u64, expected: usize) -> Result<(), DbError> {
    if touched == expected as u64 {
        Ok(())
    } else {
        Err(DbError::RowCount(usize::try_from(touched).unwrap_or(usize::MAX)))
    }
}

const ADD_USES: &str = "
    update quota_counter c
       set paid = c.paid + d.paid, pending = c.pending + d.pending, vouchers = c.vouchers + d.vouchers,
           carts = c.carts + d.carts, waiting = c.waiting + d.waiting
      from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
           as d (quota_id, paid, pending, vouchers, carts, waiting)
     where c.event_id = $1 and c.quota_id = d.quota_id";

pub(super) async fn add_uses(lock: &EventLock<'_>, uses: &BTreeMap<QuotaId, Uses>) -> Result<(), DbError> {
    let quotas: Vec<QuotaId> = uses.keys().copied().collect();
    let column = |field: fn(&Uses) -> i64| -> Vec<i64> { uses.values().map(field).collect() };
    let (paid, pending, vouchers) =
        (column(|uses| uses.paid), column(|uses| uses.pending), column(|uses| uses.vouchers));
    let (carts, waiting) = (column(|uses| uses.carts), column(|uses| uses.waiting));
    let event = lock.event();
    let params =
        [p(&event), array(&quotas), array(&paid), array(&pending), array(&vouchers), array(&carts), array(&waiting)];
    expect_rows(lock.tx().execute(ADD_USES, &params).await?, uses.len())
}

const RELEASE: &str = "update cart_position set holds_stock = false where event_id = $1 and id = any($2)";

pub(super) async fn release(lock: &EventLock<'_>, ids: &Vec<CartPositionId>) -> Result<(), DbError> {
    expect_rows(lock.tx().execute(RELEASE, &[p(&lock.event()), array(ids)]).await?, ids.len())
}

const RENEW: &str = "
    update cart_position c
       set expires_at = r.expires_at, max_extend_at = r.max_extend_at, holds_stock = true,
           price = coalesce(r.price, c.price), listed_price = coalesce(r.listed_price, c.listed_price),
           tax_rate_ppm = coalesce(r.tax_rate_ppm, c.tax_rate_ppm), tax_value = coalesce(r.tax_value, c.tax_value)
      from unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::integer[], $8::bigint[])
           as r (id, expires_at, max_extend_at, price, listed_price, tax_rate_ppm, tax_value)
     where c.event_id = $1 and c.id = r.id";

pub(super) async fn renew(lock: &EventLock<'_>, renewed: &[RenewedCartPosition]) -> Result<(), DbError> {
    let ids: Vec<CartPositionId> = renewed.iter().map(|position| position.id).collect();
    let expires: Vec<Timestamp> = renewed.iter().map(|position| position.expires_at).collect();
    let max_extends: Vec<Timestamp> = renewed.iter().map(|position| position.max_extend_at).collect();
    let prices: Vec<Option<i64>> =
        renewed.iter().map(|position| position.price.map(|price| price.gross.minor())).collect();
    let listed: Vec<Option<i64>> =
        renewed.iter().map(|position| position.price.map(|price| price.listed.minor())).collect();
    let rates: Vec<Option<i32>> =
        renewed.iter().map(|position| position.price.map(|price| price.tax_rate.ppm())).collect();
    let taxes: Vec<Option<i64>> =
        renewed.iter().map(|position| position.price.map(|price| price.tax.minor())).collect();
    let event = lock.event();
    let params = [
        p(&event),
        array(&ids),
        array(&expires),
        array(&max_extends),
        array(&prices),
        array(&listed),
        array(&rates),
        array(&taxes),
    ];
    expect_rows(lock.tx().execute(RENEW, &params).await?, renewed.len())
}

const DELETE_CART_POSITIONS: &str = "delete from cart_position where event_id = $1 and id = any($2)";

pub(super) async fn delete_cart_positions(lock: &EventLock<'_>, ids: &Vec<CartPositionId>) -> Result<(), DbError> {
    expect_rows(lock.tx().execute(DELETE_CART_POSITIONS, &[p(&lock.event()), array(ids)]).await?, ids.len())
}

const INSERT_CART_POSITIONS: &str = "
    insert into cart_position (event_id, cart_id, item_id, variation_id, price, listed_price, tax_rate_ppm, tax_value,
                               created_at, expires_at, max_extend_at, holds_stock)
    select $1, cart_id, item_id, variation_id, price, listed_price, tax_rate_ppm, tax_value, $2, expires_at, max_extend_at, true
      from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::integer[], $9::bigint[],
                  $10::timestamptz[], $11::timestamptz[])
           with ordinality
           as a (cart_id, item_id, variation_id, price, listed_price, tax_rate_ppm, tax_value, expires_at, max_extend_at, n)
     order by n";

pub(super) async fn insert_cart_positions(
    lock: &EventLock<'_>,
    added: &[NewCartPosition],
    now: Timestamp,
) -> Result<(), DbError> {
    let carts: Vec<&str> = added.iter().map(|position| position.cart.0.as_str()).collect();
    let items: Vec<ItemId> = added.iter().map(|position| position.product.item).collect();
    let variations: Vec<Option<VariationId>> = added.iter().map(|position| position.product.variation).collect();
    let prices: Vec<i64> = added.iter().map(|position| position.price.gross.minor()).collect();
    let listed: Vec<i64> = added.iter().map(|position| position.price.listed.minor()).collect();
    let rates: Vec<i32> = added.iter().map(|position| position.price.tax_rate.ppm()).collect();
    let taxes: Vec<i64> = added.iter().map(|position| position.price.tax.minor()).collect();
    let expires: Vec<Timestamp> = added.iter().map(|position| position.expires_at).collect();
    let max_extends: Vec<Timestamp> = added.iter().map(|position| position.max_extend_at).collect();
    let event = lock.event();
    let params = [
        p(&event),
        p(&now),
        array(&carts),
        array(&items),
        array(&variations),
        array(&prices),
        array(&listed),
        array(&rates),
        array(&taxes),
        array(&expires),
        array(&max_extends),
    ];
    lock.tx().execute(INSERT_CART_POSITIONS, &params).await.map(|_| ())
}

const SET_ORDER_STATUS: &str = "
    update orders o set status = s.status, modified_at = $2
      from unnest($3::bigint[], $4::text[]) as s (id, status)
     where o.event_id = $1 and o.id = s.id";

pub(super) async fn set_order_status(
    lock: &EventLock<'_>,
    orders: &BTreeMap<OrderId, OrderStatus>,
    now: Timestamp,
) -> Result<(), DbError> {
    let ids: Vec<OrderId> = orders.keys().copied().collect();
    let states: Vec<&str> = orders.values().map(|status| status.code()).collect();
    expect_rows(
        lock.tx().execute(SET_ORDER_STATUS, &[p(&lock.event()), p(&now), array(&ids), array(&states)]).await?,
        orders.len(),
    )
}

const CLOSE_QUOTAS: &str = "
    with closed as (update quota set closed = true where event_id = $1 and id = any($2) returning id)
    insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, created_at)
    select event.organizer_id, event.id, 'quota', closed.id, 'pretix.event.quota.closed', 'system', $3
      from closed, event where event.id = $1";

pub(super) async fn close_quotas(lock: &EventLock<'_>, ids: &Vec<QuotaId>, now: Timestamp) -> Result<(), DbError> {
    lock.tx().execute(CLOSE_QUOTAS, &[p(&lock.event()), array(ids), p(&now)]).await.map(|_| ())
}

/// Per quota: the counters and what counting the rows gives. They are equal, always; the audit reports what is not.
const RECOUNT: &str = "
    select q.id, c.paid, c.pending, c.carts,
           (select count(*) from order_position op join orders o on o.id = op.order_id
              join quota_item qi on qi.quota_id = q.id and qi.item_id = op.item_id
                   and qi.variation_id is not distinct from op.variation_id
             where op.event_id = $1 and not op.canceled and o.status = 'p') as paid_rows,
           (select count(*) from order_position op join orders o on o.id = op.order_id
              join quota_item qi on qi.quota_id = q.id and qi.item_id = op.item_id
                   and qi.variation_id is not distinct from op.variation_id
             where op.event_id = $1 and not op.canceled and o.status = 'n') as pending_rows,
           (select count(*) from cart_position cp
              join quota_item qi on qi.quota_id = q.id and qi.item_id = cp.item_id
                   and qi.variation_id is not distinct from cp.variation_id
             where cp.event_id = $1 and cp.holds_stock) as cart_rows
      from quota q join quota_counter c on c.quota_id = q.id
     where q.event_id = $1
     order by q.id";

/// The quotas of an event whose counters differ from their rows: none, unless there is a bug.
pub async fn drifted_quotas(q: &impl Query, event: EventId) -> Result<Vec<QuotaId>, DbError> {
    let mut drifted = Vec::new();
    for row in q.query(RECOUNT, &[p(&event)]).await? {
        let number = |column: &str| row.get::<i64>(column);
        let counted = (number("paid_rows")?, number("pending_rows")?, number("cart_rows")?);
        if (number("paid")?, number("pending")?, number("carts")?) != counted {
            drifted.push(row.get("id")?);
        }
    }
    Ok(drifted)
}

const EVENTS_SOLD: &str = "
    select e.id from event e
     where exists (select 1 from orders o where o.event_id = e.id and o.created_at >= $1)
     order by e.id limit 500";

/// Events with an order since `since`.
pub async fn events_sold(q: &impl Query, since: Timestamp) -> Result<Vec<EventId>, DbError> {
    q.query(EVENTS_SOLD, &[p(&since)]).await?.iter().map(|row| row.get("id")).collect()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    QUOTAS,
    QUOTA_ITEMS,
    EXPIRED_CARTS,
    CART_POSITIONS,
    ORDERS,
    ADD_USES,
    RELEASE,
    RENEW,
    DELETE_CART_POSITIONS,
    INSERT_CART_POSITIONS,
    SET_ORDER_STATUS,
    CLOSE_QUOTAS,
    RECOUNT,
    EVENTS_SOLD,
];
