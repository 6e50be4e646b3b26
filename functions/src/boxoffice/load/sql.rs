//! Reads what a batch needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    boxoffice::{CartId, CartPosition, Product, Quota, UnitPrice, Uses},
    cart::{self, Session},
    id::{CartPositionId, EventId, MailId, OrderId, OrganizerId, QuotaId, SubeventId, VoucherId},
    money::{Currency, Money, TaxRate},
    port::{
        db::{DbError, Query, Row, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

/// Quotas of the event; in a series those of some dates, and some by themselves.
const QUOTAS: &str = "
    select q.id, q.size, q.closed, q.close_when_sold_out, q.subevent_id, q.ignore_for_event_availability,
           c.paid, c.pending, c.vouchers, c.carts, c.waiting
      from quota q join quota_counter c on c.quota_id = q.id
     where q.event_id = $1 and (q.subevent_id is null or q.subevent_id = any($2) or q.id = any($3))";
const QUOTA_ITEMS: &str = "
    select i.quota_id, i.item_id, i.variation_id, q.subevent_id
      from quota_item i join quota q on q.id = i.quota_id
     where i.event_id = $1 and (q.subevent_id is null or q.subevent_id = any($2) or q.id = any($3)) order by i.quota_id";

pub(super) type Quotas = (BTreeMap<QuotaId, Quota>, BTreeMap<Product, Vec<QuotaId>>);

pub(super) async fn quotas(lock: &EventLock<'_>, dates: &[SubeventId], ids: &[QuotaId]) -> Result<Quotas, DbError> {
    read_quotas(lock.tx(), lock.event(), dates.to_vec(), ids.to_vec()).await
}

const EXPIRED_CARTS: &str = "
    select c.item_id, c.variation_id, c.subevent_id, count(*) as count
      from cart_position c left join voucher v on v.id = c.voucher_id
     where c.event_id = $1 and c.holds_stock and c.expires_at <= $2 and not coalesce(v.holds_stock, false)
     group by c.item_id, c.variation_id, c.subevent_id";

/// The quotas of an event, in a series those of some dates, as they stand, without a lock: for display only, never for a decision. Expired carts count
/// as gone already: if the page counted them until the next batch releases them, nobody could begin that batch. Those
/// whose voucher keeps the place give nothing back.
pub async fn quotas_for_display(
    q: &impl Query,
    event: EventId,
    dates: Vec<SubeventId>,
    now: Timestamp,
) -> Result<Quotas, DbError> {
    let (mut quotas, quotas_of) = read_quotas(q, event, dates, Vec::new()).await?;
    for row in q.query(EXPIRED_CARTS, &[p(&event), p(&now)]).await? {
        let count: i64 = row.get("count")?;
        for quota in quotas_of.get(&product(&row)?).into_iter().flatten() {
            quotas.entry(*quota).and_modify(|quota| quota.uses.carts -= count);
        }
    }
    Ok((quotas, quotas_of))
}

async fn read_quotas(
    q: &impl Query,
    event: EventId,
    dates: Vec<SubeventId>,
    ids: Vec<QuotaId>,
) -> Result<Quotas, DbError> {
    let mut quotas = BTreeMap::new();
    let params = [p(&event), array(&dates), array(&ids)];
    let (quota_rows, item_rows) = tokio::try_join!(q.query(QUOTAS, &params), q.query(QUOTA_ITEMS, &params))?;
    for row in quota_rows {
        let uses = Uses {
            paid: row.get("paid")?,
            pending: row.get("pending")?,
            vouchers: row.get("vouchers")?,
            carts: row.get("carts")?,
            waiting: row.get("waiting")?,
        };
        let quota = Quota {
            size: row.get("size")?,
            closed: row.get("closed")?,
            close_when_sold_out: row.get("close_when_sold_out")?,
            date: row.get("subevent_id")?,
            ignore_for_event_availability: row.get("ignore_for_event_availability")?,
            uses,
        };
        quotas.insert(row.get("id")?, quota);
    }
    let mut quotas_of: BTreeMap<Product, Vec<QuotaId>> = BTreeMap::new();
    for row in item_rows {
        quotas_of.entry(product(&row)?).or_default().push(row.get("quota_id")?);
    }
    Ok((quotas, quotas_of))
}

pub(in crate::boxoffice) fn product(row: &Row) -> Result<Product, DbError> {
    Ok(Product { item: row.get("item_id")?, variation: row.get("variation_id")?, date: row.get("subevent_id")? })
}

/// Also expired positions of other carts, and those whose voucher changes.
const CART_POSITIONS: &str = "
    select id, cart_id, item_id, variation_id, subevent_id, price, listed_price, tax_rate_ppm, tax_value,
           voucher_saving, custom_price, voucher_id, addon_to, discount_id, discount_value,
           is_bundled, expires_at, max_extend_at, holds_stock
      from cart_positions_of_batch($1, $2, $3, $4)";

pub(super) async fn cart_positions(
    lock: &EventLock<'_>,
    currency: Currency,
    carts: &BTreeSet<CartId>,
    vouchers: &Vec<VoucherId>,
    now: Timestamp,
) -> Result<BTreeMap<CartPositionId, CartPosition>, DbError> {
    let carts: Vec<&str> = carts.iter().map(|cart| cart.0.as_str()).collect();
    let event = lock.event();
    let params = [p(&event), array(&carts), p(&now), array(vouchers)];
    let rows = lock.tx().query(CART_POSITIONS, &params).await?;
    let read = rows.iter().map(|row| {
        let custom_price: Option<i64> = row.get("custom_price")?;
        let position = CartPosition {
            id: row.get("id")?,
            cart: CartId(row.get("cart_id")?),
            product: product(row)?,
            price: UnitPrice {
                listed: Money::new(row.get("listed_price")?, currency),
                saving: Money::new(row.get("voucher_saving")?, currency),
                gross: Money::new(row.get("price")?, currency),
                tax: Money::new(row.get("tax_value")?, currency),
                tax_rate: TaxRate::from_ppm(row.get("tax_rate_ppm")?),
                off: row.get("discount_value")?,
                discount: row.get("discount_id")?,
            },
            custom_price: custom_price.map(|minor| Money::new(minor, currency)),
            voucher: row.get("voucher_id")?,
            parent: row.get("addon_to")?,
            bundled: row.get("is_bundled")?,
            expires_at: row.get("expires_at")?,
            max_extend_at: row.get("max_extend_at")?,
            holds_stock: row.get("holds_stock")?,
        };
        Ok((position.id, position))
    });
    read.collect()
}

const TOLD: &str = "select cart_id, data from checkout_session where event_id = $1 and cart_id = any($2)";

/// What the buyers of these carts told.
pub(super) async fn told(lock: &EventLock<'_>, carts: &[CartId]) -> Result<BTreeMap<CartId, Session>, DbError> {
    if carts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let carts: Vec<&str> = carts.iter().map(|cart| cart.0.as_str()).collect();
    let rows = lock.tx().query(TOLD, &[p(&lock.event()), array(&carts)]).await?;
    let told = rows.iter().map(|row| Ok((CartId(row.get("cart_id")?), cart::sql::read_session(row.get("data")?)?)));
    told.collect()
}

/// A statement that reads whole vouchers.
macro_rules! select_vouchers {
    ($from:literal) => {
        concat!(
            "
            select id, code, max_usages, min_usages, budget, valid_until, block_quota, allow_ignore_quota, price_mode,
                   value, item_id, variation_id, quota_id, subevent_id, show_hidden_items, all_addons_included,
                   all_bundles_included, redeemed, in_carts, budget_used, holds_stock
              from ",
            $from
        )
    };
}

pub(super) const VOUCHERS: &str = select_vouchers!("vouchers_of_batch($1, $2, $3, $4, $5, $6)");
pub(super) const VOUCHER_BY_CODE: &str = select_vouchers!("voucher where event_id = $1 and code = $2");
pub(super) const EXIST: &str = "select exists (select 1 from voucher where event_id = $1) as exist";

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
pub const ALL: &[&str] = &[
    QUOTAS,
    QUOTA_ITEMS,
    EXPIRED_CARTS,
    CART_POSITIONS,
    TOLD,
    VOUCHERS,
    VOUCHER_BY_CODE,
    EXIST,
    VERSION,
    RESERVE_IDS,
    TAKEN_CODES,
];
