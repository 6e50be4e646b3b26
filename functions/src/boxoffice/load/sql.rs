//! Reads what a batch needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    boxoffice::{CartId, CartPosition, Product, Quota, UnitPrice, Uses},
    id::{CartPositionId, EventId, MailId, OrderId, OrganizerId, QuotaId},
    money::{Currency, Money, TaxRate},
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

pub(in crate::boxoffice) fn product(row: &Row) -> Result<Product, DbError> {
    Ok(Product { item: row.get("item_id")?, variation: row.get("variation_id")? })
}

/// Expired carts are settled in portions: what is left over stays counted, which errs on the safe side.
const CART_POSITIONS: &str = "
    select id, cart_id, item_id, variation_id, price, listed_price, tax_rate_ppm, tax_value, expires_at, max_extend_at,
           holds_stock
      from cart_position where event_id = $1 and cart_id = any($2)
    union
    (select id, cart_id, item_id, variation_id, price, listed_price, tax_rate_ppm, tax_value, expires_at, max_extend_at,
            holds_stock
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
            price: UnitPrice {
                listed: Money::new(row.get("listed_price")?, currency),
                gross: Money::new(row.get("price")?, currency),
                tax: Money::new(row.get("tax_value")?, currency),
                tax_rate: TaxRate::from_ppm(row.get("tax_rate_ppm")?),
            },
            expires_at: row.get("expires_at")?,
            max_extend_at: row.get("max_extend_at")?,
            holds_stock: row.get("holds_stock")?,
        };
        Ok((position.id, position))
    });
    read.collect()
}

const VERSION: &str = "select version from event where id = $1";

/// Version of the event and of what it sells, as it is under the lock.
pub(super) async fn version(lock: &EventLock<'_>) -> Result<i64, DbError> {
    lock.tx().one(VERSION, &[p(&lock.event())]).await?.get("version")
}

const RESERVE_IDS: &str = "
    select nextval('orders_id_seq') as order_id, nextval('mail_id_seq') as mail_id from generate_series(1, $1)";

/// Ids of rows that are still to be written.
pub(super) async fn reserve_ids(lock: &EventLock<'_>, count: usize) -> Result<Vec<(OrderId, MailId)>, DbError> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let rows = lock.tx().query(RESERVE_IDS, &[p(&count)]).await?;
    rows.iter().map(|row| Ok((row.get("order_id")?, row.get("mail_id")?))).collect()
}

const TAKEN_CODES: &str = "select code from orders where organizer_id = $1 and code = any($2)";

/// Those of `codes` that orders of the organiser have.
pub(super) async fn taken_codes(
    lock: &EventLock<'_>,
    organizer: OrganizerId,
    codes: Vec<String>,
) -> Result<BTreeSet<String>, DbError> {
    let rows = lock.tx().query(TAKEN_CODES, &[p(&organizer), array(&codes)]).await?;
    rows.iter().map(|row| row.get("code")).collect()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[QUOTAS, QUOTA_ITEMS, EXPIRED_CARTS, CART_POSITIONS, VERSION, RESERVE_IDS, TAKEN_CODES];
