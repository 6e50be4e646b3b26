//! The waiting list (spec domain 17): one entry is one ticket that somebody would buy. Until it is served with a voucher it
//! counts in the quotas of its product.

pub mod sql;

use serde_json::json;

use crate::{
    boxoffice::{Availability, PriceMode, Scope, VoucherFault, VoucherTerms},
    catalogue::edit,
    event::Event,
    id::{EventId, ItemId, SubeventId, VariationId, VoucherId},
    mail::{self, Recipient},
    port::{
        codes::Codes,
        db::{DbError, Query},
        lock::EventLock,
    },
    time::Timestamp,
    voucher,
};

/// How long the voucher of an entry is good: the setting `waiting_list_hours`, which is not offered otherwise.
const VOUCHER_SECONDS: i64 = 48 * 3600;
/// How many entries for the same product one address may have: the setting `waiting_list_limit_per_user`.
const PER_ADDRESS_MAX: i64 = 1;
/// What its vouchers are marked with.
const TAG: &str = "waiting-list";

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// The item.
    pub item: i64,
    /// Its variation, if it has some.
    pub variation: Option<i64>,
    /// The date, in a series.
    pub date: Option<i64>,
}

/// Why somebody cannot wait for something (spec domain 17.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The variation is needed.
    NoVariation,
    /// The variation is none of the item's.
    OtherVariation,
    /// The date is needed.
    NoDate,
    /// The event has no dates.
    NotInSeries,
    /// It can be bought now.
    Available,
    /// The address waits for it already.
    Twice,
}

impl Fault {
    /// The field of the API that is wrong.
    pub const fn field(self) -> &'static str {
        match self {
            Self::NoVariation | Self::OtherVariation => "variation",
            Self::NoDate | Self::NotInSeries => "subevent",
            Self::Available | Self::Twice => "non_field_errors",
        }
    }

    /// What is wrong, for staff.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoVariation => "This item has variations: one of them is needed.",
            Self::OtherVariation => "This is not a variation of the item.",
            Self::NoDate => "A date is needed in a series.",
            Self::NotInSeries => "This event has no dates.",
            Self::Available => "This product can be bought now.",
            Self::Twice => "This address waits for this product already.",
        }
    }
}

/// Whether the product is one that can be waited for: `variations` are those of the item.
fn fault_of(wish: &Wish, is_series: bool, variations: &[i64]) -> Option<Fault> {
    match (wish.variation, wish.date) {
        (None, _) if !variations.is_empty() => Some(Fault::NoVariation),
        (Some(id), _) if !variations.contains(&id) => Some(Fault::OtherVariation),
        (_, None) if is_series => Some(Fault::NoDate),
        (_, Some(_)) if !is_series => Some(Fault::NotInSeries),
        _ => None,
    }
}

/// What speaks against an entry, a new one or one as it is to be. Under the event's lock: what is sold out now must be so
/// when the entry counts.
pub async fn fault(
    lock: &EventLock<'_>,
    event: &Event,
    wish: &Wish,
    email: &str,
    entry: Option<i64>,
    now: Timestamp,
) -> Result<Option<Fault>, DbError> {
    let q = lock.tx();
    let variations = edit::variations_of(q, event.id, &vec![wish.item]).await?;
    let variations: Vec<i64> = variations.into_iter().filter_map(|(_, variation)| variation).collect();
    if let Some(fault) = fault_of(wish, event.has_subevents, &variations) {
        return Ok(Some(fault));
    }
    if sql::others(q, event.id, wish, email, entry).await? >= PER_ADDRESS_MAX {
        return Ok(Some(Fault::Twice));
    }
    let is_available = matches!(availability(q, event.id, wish, now).await?, Availability::Ok(_));
    Ok(is_available.then_some(Fault::Available))
}

/// Whether a product can be bought: its worst quota says so, and one without a quota can be had without limit. Who waits
/// counts (spec domain 4.5).
async fn availability(q: &impl Query, event: EventId, wish: &Wish, now: Timestamp) -> Result<Availability, DbError> {
    let ids = sql::quotas_of(q, event, wish).await?;
    let quotas = edit::quota_uses(q, event, &ids, now).await?;
    Ok(quotas.iter().map(|(_, quota)| quota.availability()).min().unwrap_or(Availability::Ok(None)))
}

/// Counts who waits for some items, after their entries have changed.
pub async fn recount(lock: &EventLock<'_>, items: &Vec<i64>) -> Result<(), DbError> {
    sql::recount(lock, items).await
}

/// An entry that is to be served.
#[derive(Debug)]
pub struct Entry {
    /// Its row.
    pub id: i64,
    /// What it waits for.
    pub wish: Wish,
    /// Who waits.
    pub email: String,
    /// In which language they read.
    pub locale: String,
}

/// Serves an entry with a voucher that keeps its place, if there is one: others who wait do not count here (spec domain
/// 17.2), and sends it. The place moves from those who wait to those that vouchers keep, in the caller's transaction.
pub async fn serve(
    lock: &EventLock<'_>,
    event: &Event,
    entry: &Entry,
    codes: &Codes,
    now: Timestamp,
) -> Result<Result<VoucherId, VoucherFault>, DbError> {
    let wish = entry.wish;
    let item = ItemId(wish.item);
    let code = codes.voucher_code();
    let terms = VoucherTerms {
        code: code.clone(),
        max_usages: 1,
        min_usages: 1,
        budget: None,
        valid_until: Some(now.plus_seconds(VOUCHER_SECONDS)),
        block_quota: true,
        allow_ignore_quota: false,
        price_mode: PriceMode::None,
        scope: wish.variation.map_or(Scope::Item(item), |id| Scope::Variation(item, VariationId(id))),
        date: wish.date.map(SubeventId),
        show_hidden_items: true,
        all_addons_included: false,
        all_bundles_included: false,
    };
    let faults = voucher::save(lock, event, vec![(None, terms)], now).await?;
    if let Some(fault) = faults.into_iter().flatten().next() {
        return Ok(Err(fault));
    }
    let ids = voucher::ids(lock.tx(), event.id, &vec![code]).await?;
    let voucher = *ids.values().next().ok_or(DbError::RowCount(0))?;
    let comment = format!("Waiting list: {}", entry.email);
    voucher::note(lock, vec![json!({ "id": voucher, "tag": TAG, "comment": comment })]).await?;
    sql::serve(lock, entry.id, VoucherId(voucher)).await?;
    sql::recount(lock, &vec![wish.item]).await?;
    let recipient = Recipient { email: &entry.email, locale: &entry.locale };
    mail::queue_voucher(lock.tx(), event, VoucherId(voucher), &recipient, now).await?;
    Ok(Ok(VoucherId(voucher)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_an_item_with_its_variation_on_its_date() {
        let wish = |variation, date| Wish { item: 1, variation, date };
        assert_eq!(fault_of(&wish(None, None), false, &[]), None);
        assert_eq!(fault_of(&wish(None, None), false, &[7]), Some(Fault::NoVariation));
        assert_eq!(fault_of(&wish(Some(7), None), false, &[7]), None);
        assert_eq!(fault_of(&wish(Some(8), None), false, &[7]), Some(Fault::OtherVariation));
        assert_eq!(fault_of(&wish(Some(8), None), false, &[]), Some(Fault::OtherVariation));
        assert_eq!(fault_of(&wish(None, None), true, &[]), Some(Fault::NoDate));
        assert_eq!(fault_of(&wish(None, Some(3)), true, &[]), None);
        assert_eq!(fault_of(&wish(None, Some(3)), false, &[]), Some(Fault::NotInSeries));
    }
}
