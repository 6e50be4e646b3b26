//! Writes what a batch has decided.

use std::collections::BTreeMap;

use crate::{
    boxoffice::{NewCartPosition, RenewedCartPosition, Uses},
    id::{CartPositionId, ItemId, QuotaId, VariationId},
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

const ADD_USES: &str = "
    update quota_counter c
       set paid = c.paid + d.paid, pending = c.pending + d.pending, vouchers = c.vouchers + d.vouchers,
           carts = c.carts + d.carts, waiting = c.waiting + d.waiting
      from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
           as d (quota_id, paid, pending, vouchers, carts, waiting)
     where c.event_id = $1 and c.quota_id = d.quota_id";

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
    expect_rows(lock.tx().execute(ADD_USES, &params).await?, uses.len())
}

const RELEASE: &str = "update cart_position set holds_stock = false where event_id = $1 and id = any($2)";

pub(super) async fn release(lock: &EventLock<'_>, ids: &Vec<CartPositionId>) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
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
    if ids.is_empty() {
        return Ok(());
    }
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
    if added.is_empty() {
        return Ok(());
    }
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

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[ADD_USES, RELEASE, RENEW, DELETE_CART_POSITIONS, INSERT_CART_POSITIONS, CLOSE_QUOTAS];
