//! Reads vouchers. What it costs does not depend on how many the event has.

use std::collections::BTreeMap;

use super::Named;
use super::sql::{EXIST, VOUCHER_BY_CODE, VOUCHERS};
use crate::{
    boxoffice::{PriceMode, Scope, Voucher, VoucherTerms},
    id::{EventId, ItemId, QuotaId, VariationId, VoucherId},
    port::{
        db::{DbError, Query, Row, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

/// The vouchers with these codes or ids, those of the carts, of the orders and of expired carts, and those that keep
/// places though they have expired, in portions: what is left over keeps its places a little longer, which errs on the
/// safe side.
pub(super) async fn vouchers(
    lock: &EventLock<'_>,
    named: &Named,
    now: Timestamp,
) -> Result<BTreeMap<VoucherId, Voucher>, DbError> {
    let codes: Vec<&str> = named.codes.iter().map(String::as_str).collect();
    let carts: Vec<&str> = named.carts.iter().map(|cart| cart.0.as_str()).collect();
    let event = lock.event();
    let params = [p(&event), array(&codes), array(&named.vouchers), p(&now), array(&carts), array(&named.orders)];
    let rows = lock.tx().query(VOUCHERS, &params).await?;
    rows.iter().map(read).collect()
}

/// A voucher as it stands, without a lock: for display only.
pub async fn voucher_by_code(
    q: &impl Query,
    event: EventId,
    code: &str,
) -> Result<Option<(VoucherId, Voucher)>, DbError> {
    let code = VoucherTerms::normalized(code);
    q.opt(VOUCHER_BY_CODE, &[p(&event), p(&code)]).await?.as_ref().map(read).transpose()
}

/// Whether an event has vouchers at all.
pub async fn vouchers_exist(q: &impl Query, event: EventId) -> Result<bool, DbError> {
    q.one(EXIST, &[p(&event)]).await?.get("exist")
}

fn read(row: &Row) -> Result<(VoucherId, Voucher), DbError> {
    let (mode, value): (String, i64) = (row.get("price_mode")?, row.get("value")?);
    let price_mode = PriceMode::parse(&mode, value).ok_or(DbError::UnknownValue { what: "price mode", value: mode })?;
    let (item, variation): (Option<ItemId>, Option<VariationId>) = (row.get("item_id")?, row.get("variation_id")?);
    let quota: Option<QuotaId> = row.get("quota_id")?;
    let scope = match (item, variation, quota) {
        (Some(item), Some(variation), _) => Scope::Variation(item, variation),
        (Some(item), None, _) => Scope::Item(item),
        (None, _, Some(quota)) => Scope::Quota(quota),
        (None, _, None) => Scope::Any,
    };
    let terms = VoucherTerms {
        code: row.get("code")?,
        max_usages: row.get("max_usages")?,
        min_usages: row.get("min_usages")?,
        budget: row.get("budget")?,
        valid_until: row.get("valid_until")?,
        block_quota: row.get("block_quota")?,
        allow_ignore_quota: row.get("allow_ignore_quota")?,
        price_mode,
        scope,
        date: row.get("subevent_id")?,
        show_hidden_items: row.get("show_hidden_items")?,
        all_addons_included: row.get("all_addons_included")?,
        all_bundles_included: row.get("all_bundles_included")?,
    };
    let voucher = Voucher {
        terms,
        redeemed: row.get("redeemed")?,
        in_carts: row.get("in_carts")?,
        budget_used: row.get("budget_used")?,
        holds_stock: row.get("holds_stock")?,
    };
    Ok((row.get("id")?, voucher))
}
