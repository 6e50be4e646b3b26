//! Vouchers of a document. What one keeps is decided by the box office, as for every other voucher.

use super::{
    catalogue::{Around, ItemIndex},
    reader::{Index, Object},
    refused,
};
use crate::{
    boxoffice::{PriceMode, VoucherTerms},
    money::TaxRate,
    time::Timestamp,
};

/// What vouchers refer to.
pub(super) struct Found<'a> {
    pub(super) items: &'a ItemIndex,
    pub(super) quotas: &'a Index,
    /// The dates of a series.
    pub(super) dates: Option<&'a Index>,
}

/// References are positions in the lists of the plan.
pub(super) struct Voucher {
    pub(super) code: String,
    pub(super) max_usages: i64,
    pub(super) min_usages: i64,
    pub(super) budget: Option<i64>,
    pub(super) valid_until: Option<Timestamp>,
    pub(super) block_quota: bool,
    pub(super) allow_ignore_quota: bool,
    pub(super) price_mode: PriceMode,
    pub(super) item: Option<usize>,
    pub(super) variation: Option<(usize, usize)>,
    pub(super) quota: Option<usize>,
    pub(super) date: Option<usize>,
    pub(super) show_hidden_items: bool,
    pub(super) all_addons_included: bool,
    pub(super) all_bundles_included: bool,
}

/// Most uses of a voucher.
const USAGES_MAX: i64 = i32::MAX as i64;

pub(super) fn vouchers(document: &Object<'_>, found: &Found<'_>, around: &Around<'_>) -> Vec<Voucher> {
    let objects = document.objects("vouchers");
    let vouchers: Vec<Voucher> = objects.iter().map(|object| voucher(object, found, around)).collect();
    for (place, object) in objects.iter().enumerate() {
        if vouchers[..place].iter().any(|earlier| earlier.code == vouchers[place].code) {
            object.fault("code", "another voucher has this code");
        }
    }
    vouchers
}

fn voucher(object: &Object<'_>, found: &Found<'_>, around: &Around<'_>) -> Voucher {
    object.require(&["code"]);
    object.refuse(refused::VOUCHER);
    let item = object.reference("item", &found.items.items, "item");
    let variation = object.one_of("variation", &found.items.variations, "variation");
    let quota = object.reference("quota", found.quotas, "quota");
    if variation.is_some_and(|(of, _)| item != Some(of)) {
        object.fault("variation", "the item of this variation is needed in 'item'");
    }
    if item.is_some() && quota.is_some() {
        object.fault("quota", "a voucher is for an item or for a quota, not for both");
    }
    let date = match found.dates {
        Some(dates) => object.reference("subevent", dates, "date"),
        None => {
            object.refuse(&[("subevent", "")]);
            None
        }
    };
    Voucher {
        code: VoucherTerms::normalized(object.word("code", 255).unwrap_or_default()),
        max_usages: object.number("max_usages", USAGES_MAX).unwrap_or(1),
        min_usages: object.number("min_usages", USAGES_MAX).unwrap_or(1).max(1),
        budget: object.amount("budget", around.currency),
        valid_until: object.moment("valid_until", around.zone),
        block_quota: object.flag("block_quota").unwrap_or(false),
        allow_ignore_quota: object.flag("allow_ignore_quota").unwrap_or(false),
        price_mode: price_mode(object, around),
        item,
        variation,
        quota,
        date,
        show_hidden_items: object.flag("show_hidden_items").unwrap_or(true),
        all_addons_included: object.flag("all_addons_included").unwrap_or(false),
        all_bundles_included: object.flag("all_bundles_included").unwrap_or(false),
    }
}

/// A mode without a value has no effect (spec domain 5.2).
fn price_mode(object: &Object<'_>, around: &Around<'_>) -> PriceMode {
    let amount = || object.amount("value", around.currency);
    match object.word("price_mode", 20).unwrap_or("none") {
        "none" => PriceMode::None,
        "set" => amount().map_or(PriceMode::None, PriceMode::Set),
        "subtract" => amount().map_or(PriceMode::None, PriceMode::Subtract),
        "percent" => match object.value("value") {
            None => PriceMode::None,
            Some(value) => percentage(object, value),
        },
        _ => {
            object.fault("price_mode", "'none', 'set', 'subtract' or 'percent' is needed");
            PriceMode::None
        }
    }
}

fn percentage(object: &Object<'_>, value: &serde_json::Value) -> PriceMode {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match TaxRate::parse_percent(&text) {
        Some(part) => PriceMode::Percent(part.0),
        None => {
            object.fault("value", "a percentage from 0 to 100 with at most 4 decimals is needed");
            PriceMode::None
        }
    }
}
