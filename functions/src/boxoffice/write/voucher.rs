//! Writes vouchers and their counters.

use std::collections::BTreeMap;

use super::sql::{ADD_VOUCHER_USES, DELETE_VOUCHERS, EXPIRE_VOUCHERS, INSERT_VOUCHERS, UPDATE_VOUCHERS, expect_rows};
use crate::{
    boxoffice::{Changes, SavedVoucher, Scope, VoucherTerms, VoucherUses},
    id::{ItemId, QuotaId, SubeventId, VariationId, VoucherId},
    port::{
        db::{DbError, Param, Query, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

/// Writes what has changed about vouchers. Positions that hold a deleted one are deleted before.
pub(super) async fn write(lock: &EventLock<'_>, changes: &Changes, now: Timestamp) -> Result<(), DbError> {
    let (changed, new): (Vec<&SavedVoucher>, Vec<&SavedVoucher>) =
        changes.saved_vouchers.iter().partition(|voucher| voucher.id.is_some());
    tokio::try_join!(
        biased;
        add_uses(lock, &changes.vouchers),
        expire(lock, &changes.expired_vouchers),
        delete(lock, &changes.deleted_vouchers),
        update(lock, &changed),
        insert(lock, &new, now),
    )?;
    Ok(())
}

async fn add_uses(lock: &EventLock<'_>, uses: &BTreeMap<VoucherId, VoucherUses>) -> Result<(), DbError> {
    let uses: Vec<(&VoucherId, &VoucherUses)> =
        uses.iter().filter(|(_, uses)| **uses != VoucherUses::default()).collect();
    if uses.is_empty() {
        return Ok(());
    }
    let ids: Vec<VoucherId> = uses.iter().map(|(id, _)| **id).collect();
    let redeemed: Vec<i64> = uses.iter().map(|(_, uses)| uses.redeemed).collect();
    let in_carts: Vec<i64> = uses.iter().map(|(_, uses)| uses.in_carts).collect();
    let budgets: Vec<i64> = uses.iter().map(|(_, uses)| uses.budget_used).collect();
    let event = lock.event();
    let params = [p(&event), array(&ids), array(&redeemed), array(&in_carts), array(&budgets)];
    expect_rows(lock.tx().execute(ADD_VOUCHER_USES, &params).await?, uses.len())
}

async fn expire(lock: &EventLock<'_>, ids: &Vec<VoucherId>) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    lock.tx().execute(EXPIRE_VOUCHERS, &[p(&lock.event()), array(ids)]).await.map(|_| ())
}

async fn delete(lock: &EventLock<'_>, ids: &Vec<VoucherId>) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    expect_rows(lock.tx().execute(DELETE_VOUCHERS, &[p(&lock.event()), array(ids)]).await?, ids.len())
}

async fn update(lock: &EventLock<'_>, changed: &[&SavedVoucher]) -> Result<(), DbError> {
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<VoucherId> = changed.iter().filter_map(|voucher| voucher.id).collect();
    let columns = Columns::of(changed);
    let event = lock.event();
    let params: Vec<Param<'_>> = [p(&event), array(&ids)].into_iter().chain(columns.params()).collect();
    expect_rows(lock.tx().execute(UPDATE_VOUCHERS, &params).await?, ids.len())
}

async fn insert(lock: &EventLock<'_>, new: &[&SavedVoucher], now: Timestamp) -> Result<(), DbError> {
    if new.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(new);
    let event = lock.event();
    let params: Vec<Param<'_>> = [p(&event), p(&now)].into_iter().chain(columns.params()).collect();
    lock.tx().execute(INSERT_VOUCHERS, &params).await.map(|_| ())
}

/// The terms of vouchers by column.
struct Columns<'a> {
    codes: Vec<&'a str>,
    max_usages: Vec<i64>,
    min_usages: Vec<i64>,
    budgets: Vec<Option<i64>>,
    valid_until: Vec<Option<Timestamp>>,
    blocks: Vec<bool>,
    ignores: Vec<bool>,
    modes: Vec<&'static str>,
    values: Vec<i64>,
    items: Vec<Option<ItemId>>,
    variations: Vec<Option<VariationId>>,
    quotas: Vec<Option<QuotaId>>,
    dates: Vec<Option<SubeventId>>,
    shows_hidden: Vec<bool>,
    addons_included: Vec<bool>,
    bundles_included: Vec<bool>,
    holds_stock: Vec<bool>,
}

impl<'a> Columns<'a> {
    fn of(saved: &[&'a SavedVoucher]) -> Self {
        fn column<'a, T>(saved: &[&'a SavedVoucher], field: impl Fn(&'a VoucherTerms) -> T) -> Vec<T> {
            saved.iter().map(|voucher| field(&voucher.terms)).collect()
        }
        Self {
            codes: column(saved, |it| it.code.as_str()),
            max_usages: column(saved, |it| it.max_usages),
            min_usages: column(saved, |it| it.min_usages),
            budgets: column(saved, |it| it.budget),
            valid_until: column(saved, |it| it.valid_until),
            blocks: column(saved, |it| it.block_quota),
            ignores: column(saved, |it| it.allow_ignore_quota),
            modes: column(saved, |it| it.price_mode.code()),
            values: column(saved, |it| it.price_mode.value()),
            items: column(saved, |it| match it.scope {
                Scope::Item(item) | Scope::Variation(item, _) => Some(item),
                Scope::Any | Scope::Quota(_) => None,
            }),
            variations: column(saved, |it| match it.scope {
                Scope::Variation(_, variation) => Some(variation),
                Scope::Any | Scope::Item(_) | Scope::Quota(_) => None,
            }),
            quotas: column(saved, |it| match it.scope {
                Scope::Quota(quota) => Some(quota),
                Scope::Any | Scope::Item(_) | Scope::Variation(..) => None,
            }),
            dates: column(saved, |it| it.date),
            shows_hidden: column(saved, |it| it.show_hidden_items),
            addons_included: column(saved, |it| it.all_addons_included),
            bundles_included: column(saved, |it| it.all_bundles_included),
            holds_stock: saved.iter().map(|voucher| voucher.holds_stock).collect(),
        }
    }

    fn params(&self) -> [Param<'_>; 17] {
        [
            array(&self.codes),
            array(&self.max_usages),
            array(&self.min_usages),
            array(&self.budgets),
            array(&self.valid_until),
            array(&self.blocks),
            array(&self.ignores),
            array(&self.modes),
            array(&self.values),
            array(&self.items),
            array(&self.variations),
            array(&self.quotas),
            array(&self.dates),
            array(&self.shows_hidden),
            array(&self.addons_included),
            array(&self.bundles_included),
            array(&self.holds_stock),
        ]
    }
}
