//! Reads what a batch needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    boxoffice::{CartId, CartPosition, Product, Quota, UnitPrice, Uses},
    id::{CartPositionId, EventId, ItemId, MailId, OrderId, OrganizerId, QuotaId, SubeventId, VariationId, VoucherId},
    money::{Currency, Money, TaxRate},
    port::{
        db::{DbError, Query, Row, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

const QUOTAS: &str = "
    select version, id, size, closed, close_when_sold_out, subevent_id, ignore_for_event_availability, paid, pending,
           vouchers, carts, waiting, items, variations
      from quotas_of_event($1, $2, $3)";

/// Quotas as they stand.
pub struct Quotas {
    /// Version of the event and of what it sells.
    pub version: i64,
    /// The quotas.
    pub quotas: BTreeMap<QuotaId, Quota>,
    /// Those that count a product.
    pub quotas_of: BTreeMap<Product, Vec<QuotaId>>,
}

/// Quotas of the event; in a series those of some dates, and some by themselves.
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
    let mut read = read_quotas(q, event, dates, Vec::new()).await?;
    for row in q.query(EXPIRED_CARTS, &[p(&event), p(&now)]).await? {
        let count: i64 = row.get("count")?;
        for quota in read.quotas_of.get(&product(&row)?).into_iter().flatten() {
            read.quotas.entry(*quota).and_modify(|quota| quota.uses.carts -= count);
        }
    }
    Ok(read)
}

async fn read_quotas(
    q: &impl Query,
    event: EventId,
    dates: Vec<SubeventId>,
    ids: Vec<QuotaId>,
) -> Result<Quotas, DbError> {
    let rows = q.query(QUOTAS, &[p(&event), array(&dates), array(&ids)]).await?;
    let version = rows.first().ok_or(DbError::RowCount(0))?.get("version")?;
    let mut quotas = BTreeMap::new();
    let mut quotas_of: BTreeMap<Product, Vec<QuotaId>> = BTreeMap::new();
    for row in rows {
        let Some(id) = row.get("id")? else { continue };
        let uses = Uses {
            paid: row.get("paid")?,
            pending: row.get("pending")?,
            vouchers: row.get("vouchers")?,
            carts: row.get("carts")?,
            waiting: row.get("waiting")?,
        };
        let date = row.get("subevent_id")?;
        let quota = Quota {
            size: row.get("size")?,
            closed: row.get("closed")?,
            close_when_sold_out: row.get("close_when_sold_out")?,
            date,
            ignore_for_event_availability: row.get("ignore_for_event_availability")?,
            uses,
        };
        quotas.insert(id, quota);
        let (items, variations): (Option<Vec<ItemId>>, Option<Vec<i64>>) = (row.get("items")?, row.get("variations")?);
        for (item, variation) in items.into_iter().flatten().zip(variations.into_iter().flatten()) {
            let variation = (variation != 0).then_some(VariationId(variation));
            quotas_of.entry(Product { item, variation, date }).or_default().push(id);
        }
    }
    Ok(Quotas { version, quotas, quotas_of })
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

const RESERVE_ORDERS: &str = "select order_id, mail_id, is_taken from reserve_orders($1, $2)";

/// Numbers of an order and a mail that are still to be written.
pub(super) struct Reserved {
    pub order: OrderId,
    pub mail: MailId,
    /// An order of the organiser has the code.
    pub is_taken: bool,
}

/// Numbers for an order with each of `codes`.
pub(super) async fn reserve_orders(
    lock: &EventLock<'_>,
    organizer: OrganizerId,
    codes: Vec<String>,
) -> Result<Vec<Reserved>, DbError> {
    let rows = lock.tx().query(RESERVE_ORDERS, &[p(&organizer), array(&codes)]).await?;
    let read = rows.iter().map(|row| {
        Ok(Reserved { order: row.get("order_id")?, mail: row.get("mail_id")?, is_taken: row.get("is_taken")? })
    });
    read.collect()
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
pub const ALL: &[&str] =
    &[QUOTAS, EXPIRED_CARTS, CART_POSITIONS, VOUCHERS, VOUCHER_BY_CODE, EXIST, RESERVE_ORDERS, TAKEN_CODES];
