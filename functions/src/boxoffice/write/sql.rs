//! Writes what a batch has decided.

use std::collections::BTreeMap;

use crate::{
    boxoffice::{NewCartPosition, Product, RenewedCartPosition, RepricedCartPosition, UnitPrice, Uses},
    id::{CartPositionId, DiscountId, ItemId, QuotaId, SubeventId, VariationId, VoucherId},
    port::{
        db::{DbError, Query, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

/// What was read under the lock is still there: a statement that misses a row would make counters and rows disagree,
/// so the transaction fails instead.
pub(in crate::boxoffice) fn expect_rows(touched: u64, expected: usize) -> Result<(), DbError> {
    if touched == expected as u64 {
        Ok(())
    } else {
        Err(DbError::RowCount(usize::try_from(touched).unwrap_or(usize::MAX)))
    }
}

const ADD_USES: &str = "select add_uses($1, $2, $3, $4, $5, $6, $7) as touched";

pub(super) async fn add_uses(lock: &EventLock<'_>, uses: BTreeMap<QuotaId, Uses>) -> Result<(), DbError> {
    if uses.is_empty() {
        return Ok(());
    }
    let quotas: Vec<QuotaId> = uses.keys().copied().collect();
    let column = |field: fn(&Uses) -> i64| -> Vec<i64> { uses.values().map(field).collect() };
    let (paid, pending, vouchers) =
        (column(|uses| uses.paid), column(|uses| uses.pending), column(|uses| uses.vouchers));
    let (carts, waiting) = (column(|uses| uses.carts), column(|uses| uses.waiting));
    let event = lock.event();
    let params =
        [p(&event), array(&quotas), array(&paid), array(&pending), array(&vouchers), array(&carts), array(&waiting)];
    let touched: i64 = lock.tx().one(ADD_USES, &params).await?.get("touched")?;
    expect_rows(touched.cast_unsigned(), uses.len())
}

const RELEASE: &str = "update cart_position set holds_stock = false where event_id = $1 and id = any($2)";

pub(super) async fn release(lock: &EventLock<'_>, ids: &Vec<CartPositionId>) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    expect_rows(lock.tx().execute(RELEASE, &[p(&lock.event()), array(ids)]).await?, ids.len())
}

/// A new price is one before discounts: these come with the prices that have changed.
const RENEW: &str = "
    update cart_position c
       set expires_at = r.expires_at, max_extend_at = r.max_extend_at, holds_stock = true,
           price = coalesce(r.price, c.price), listed_price = coalesce(r.listed_price, c.listed_price),
           tax_rate_ppm = coalesce(r.tax_rate_ppm, c.tax_rate_ppm), tax_value = coalesce(r.tax_value, c.tax_value),
           voucher_saving = coalesce(r.voucher_saving, c.voucher_saving),
           discount_id = case when r.price is null then c.discount_id end,
           discount_value = case when r.price is null then c.discount_value else 0 end
      from unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::integer[], $8::bigint[],
                  $9::bigint[])
           as r (id, expires_at, max_extend_at, price, listed_price, tax_rate_ppm, tax_value, voucher_saving)
     where c.event_id = $1 and c.id = r.id";

pub(super) async fn renew(lock: &EventLock<'_>, renewed: &[RenewedCartPosition]) -> Result<(), DbError> {
    if renewed.is_empty() {
        return Ok(());
    }
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
    let savings: Vec<Option<i64>> =
        renewed.iter().map(|position| position.price.map(|price| price.saving.minor())).collect();
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
        array(&savings),
    ];
    expect_rows(lock.tx().execute(RENEW, &params).await?, renewed.len())
}

/// Found by what they are: an index that knows nothing but the event may read all that lies in carts.
const DELETE_CART_POSITIONS: &str = "delete from cart_position where event_id + 0 = $1 and id = any($2)";

pub(super) async fn delete_cart_positions(lock: &EventLock<'_>, ids: &Vec<CartPositionId>) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    expect_rows(lock.tx().execute(DELETE_CART_POSITIONS, &[p(&lock.event()), array(ids)]).await?, ids.len())
}

const REPRICE: &str = "
    update cart_position c
       set voucher_id = r.voucher_id, price = r.price, listed_price = r.listed_price, tax_rate_ppm = r.tax_rate_ppm,
           tax_value = r.tax_value, voucher_saving = r.voucher_saving, discount_id = r.discount_id,
           discount_value = r.discount_value
      from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::integer[], $7::bigint[], $8::bigint[],
                  $9::bigint[], $10::bigint[])
           as r (id, voucher_id, price, listed_price, tax_rate_ppm, tax_value, voucher_saving, discount_id, discount_value)
     where c.event_id = $1 and c.id = r.id";

/// The last price of a position counts, if a batch has changed it more than once.
pub(super) async fn reprice(lock: &EventLock<'_>, repriced: &[RepricedCartPosition]) -> Result<(), DbError> {
    if repriced.is_empty() {
        return Ok(());
    }
    let last: BTreeMap<CartPositionId, &RepricedCartPosition> =
        repriced.iter().map(|position| (position.id, position)).collect();
    let ids: Vec<CartPositionId> = last.keys().copied().collect();
    let vouchers: Vec<Option<VoucherId>> = last.values().map(|position| position.voucher).collect();
    let column =
        |field: fn(&UnitPrice) -> i64| -> Vec<i64> { last.values().map(|position| field(&position.price)).collect() };
    let (prices, listed) = (column(|price| price.gross.minor()), column(|price| price.listed.minor()));
    let (taxes, savings) = (column(|price| price.tax.minor()), column(|price| price.saving.minor()));
    let rates: Vec<i32> = last.values().map(|position| position.price.tax_rate.ppm()).collect();
    let discounts: Vec<Option<DiscountId>> = last.values().map(|position| position.price.discount).collect();
    let off = column(|price| price.off);
    let event = lock.event();
    let params = [
        p(&event),
        array(&ids),
        array(&vouchers),
        array(&prices),
        array(&listed),
        array(&rates),
        array(&taxes),
        array(&savings),
        array(&discounts),
        array(&off),
    ];
    expect_rows(lock.tx().execute(REPRICE, &params).await?, last.len())
}

const ADD_TO_CARTS: &str = "
    select add_to_carts($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

/// A row of a new position or of a part of it.
struct NewRow<'a> {
    position: &'a NewCartPosition,
    product: Product,
    price: &'a UnitPrice,
    /// The number of the row that it is a part of, from 1.
    part_of: Option<i64>,
}

pub(super) async fn insert_cart_positions(
    lock: &EventLock<'_>,
    added: &[NewCartPosition],
    now: Timestamp,
) -> Result<(), DbError> {
    if added.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<NewRow<'_>> = Vec::new();
    for position in added {
        rows.push(NewRow { position, product: position.product, price: &position.price, part_of: None });
        let whole = Some(rows.len() as i64);
        let parts = position.parts.iter();
        rows.extend(parts.map(|part| NewRow { position, product: part.product, price: &part.price, part_of: whole }));
    }
    let own = |row: &NewRow<'_>| row.part_of.is_none();
    let carts: Vec<&str> = rows.iter().map(|row| row.position.cart.0.as_str()).collect();
    let items: Vec<ItemId> = rows.iter().map(|row| row.product.item).collect();
    let variations: Vec<Option<VariationId>> = rows.iter().map(|row| row.product.variation).collect();
    let dates: Vec<Option<SubeventId>> = rows.iter().map(|row| row.product.date).collect();
    let prices: Vec<i64> = rows.iter().map(|row| row.price.gross.minor()).collect();
    let listed: Vec<i64> = rows.iter().map(|row| row.price.listed.minor()).collect();
    let rates: Vec<i32> = rows.iter().map(|row| row.price.tax_rate.ppm()).collect();
    let taxes: Vec<i64> = rows.iter().map(|row| row.price.tax.minor()).collect();
    let savings: Vec<i64> = rows.iter().map(|row| row.price.saving.minor()).collect();
    let custom: Vec<Option<i64>> =
        rows.iter().map(|row| row.position.custom_price.filter(|_| own(row)).map(|price| price.minor())).collect();
    let vouchers: Vec<Option<VoucherId>> = rows.iter().map(|row| row.position.voucher.filter(|_| own(row))).collect();
    let addon_to: Vec<Option<CartPositionId>> =
        rows.iter().map(|row| row.position.addon_to.filter(|_| own(row))).collect();
    let part_of: Vec<Option<i64>> = rows.iter().map(|row| row.part_of).collect();
    let expires: Vec<Timestamp> = rows.iter().map(|row| row.position.expires_at).collect();
    let max_extends: Vec<Timestamp> = rows.iter().map(|row| row.position.max_extend_at).collect();
    let discounts: Vec<Option<DiscountId>> = rows.iter().map(|row| row.price.discount).collect();
    let off: Vec<i64> = rows.iter().map(|row| row.price.off).collect();
    let event = lock.event();
    let params = [
        p(&event),
        p(&now),
        array(&carts),
        array(&items),
        array(&variations),
        array(&dates),
        array(&prices),
        array(&listed),
        array(&rates),
        array(&taxes),
        array(&savings),
        array(&custom),
        array(&vouchers),
        array(&addon_to),
        array(&part_of),
        array(&expires),
        array(&max_extends),
        array(&discounts),
        array(&off),
    ];
    lock.tx().execute(ADD_TO_CARTS, &params).await.map(|_| ())
}

const CLOSE_QUOTAS: &str = "
    with closed as (update quota set closed = true where event_id = $1 and id = any($2) returning id)
    insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, created_at)
    select event.organizer_id, event.id, 'quota', closed.id, 'pretix.event.quota.closed', 'system', $3
      from closed, event where event.id = $1";

pub(super) async fn close_quotas(lock: &EventLock<'_>, ids: &Vec<QuotaId>, now: Timestamp) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    lock.tx().execute(CLOSE_QUOTAS, &[p(&lock.event()), array(ids), p(&now)]).await.map(|_| ())
}

pub(super) const ADD_VOUCHER_USES: &str = "
    update voucher v
       set redeemed = v.redeemed + d.redeemed, in_carts = v.in_carts + d.in_carts, budget_used = v.budget_used + d.budget_used
      from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) as d (id, redeemed, in_carts, budget_used)
     where v.event_id = $1 and v.id = d.id";

pub(super) const EXPIRE_VOUCHERS: &str = "update voucher set holds_stock = false where event_id = $1 and id = any($2)";

pub(super) const DELETE_VOUCHERS: &str = "delete from voucher where event_id = $1 and id = any($2)";

/// What staff decides about vouchers, as rows.
macro_rules! terms {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            "
      from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::boolean[], $9::boolean[],
                  $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::boolean[],
                  $17::boolean[], $18::boolean[], $19::boolean[])
           with ordinality
           as t (code, max_usages, min_usages, budget, valid_until, block_quota, allow_ignore_quota, price_mode, value, item_id,
                 variation_id, quota_id, subevent_id, show_hidden_items, all_addons_included, all_bundles_included,
                 holds_stock, n)
    ",
            $tail
        )
    };
}

pub(super) const UPDATE_VOUCHERS: &str = terms!(
    "
    update voucher v
       set code = t.code, max_usages = t.max_usages, min_usages = t.min_usages, budget = t.budget,
           valid_until = t.valid_until, block_quota = t.block_quota, allow_ignore_quota = t.allow_ignore_quota,
           price_mode = t.price_mode, value = t.value, item_id = t.item_id, variation_id = t.variation_id,
           quota_id = t.quota_id, subevent_id = t.subevent_id, show_hidden_items = t.show_hidden_items,
           all_addons_included = t.all_addons_included, all_bundles_included = t.all_bundles_included,
           holds_stock = t.holds_stock",
    "where v.event_id = $1 and v.id = ($2::bigint[])[t.n]"
);

pub(super) const INSERT_VOUCHERS: &str = terms!(
    "
    insert into voucher (event_id, created_at, code, max_usages, min_usages, budget, valid_until, block_quota,
                         allow_ignore_quota, price_mode, value, item_id, variation_id, quota_id, subevent_id,
                         show_hidden_items, all_addons_included, all_bundles_included, holds_stock)
    select $1, $2, t.code, t.max_usages, t.min_usages, t.budget, t.valid_until, t.block_quota, t.allow_ignore_quota,
           t.price_mode, t.value, t.item_id, t.variation_id, t.quota_id, t.subevent_id, t.show_hidden_items,
           t.all_addons_included, t.all_bundles_included, t.holds_stock",
    "order by t.n"
);

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    ADD_USES,
    RELEASE,
    RENEW,
    REPRICE,
    DELETE_CART_POSITIONS,
    ADD_TO_CARTS,
    CLOSE_QUOTAS,
    ADD_VOUCHER_USES,
    EXPIRE_VOUCHERS,
    DELETE_VOUCHERS,
    UPDATE_VOUCHERS,
    INSERT_VOUCHERS,
];
