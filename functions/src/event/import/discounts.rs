//! Automatic discounts of a document (spec domain 5.4, rest-api 5.5).

use super::{
    catalogue::{Around, Channels, ItemIndex, channels},
    reader::Object,
};
use crate::{money::TaxRate, pricing::Dates, time::Timestamp};

/// Items are positions in the lists of the plan.
pub(super) struct Discount {
    pub(super) internal_name: String,
    pub(super) active: bool,
    pub(super) position: i32,
    pub(super) channels: Channels,
    pub(super) available_from: Option<Timestamp>,
    pub(super) available_until: Option<Timestamp>,
    pub(super) dates: Dates,
    pub(super) date_from: Option<Timestamp>,
    pub(super) date_until: Option<Timestamp>,
    pub(super) condition_all_products: bool,
    pub(super) condition_items: Vec<usize>,
    pub(super) condition_addons: bool,
    pub(super) condition_ignores_vouchers: bool,
    pub(super) min_count: i32,
    pub(super) min_value: i64,
    pub(super) benefit_same_products: bool,
    pub(super) benefit_items: Vec<usize>,
    pub(super) benefit_addons: bool,
    pub(super) benefit_ignores_vouchers: bool,
    pub(super) percent: TaxRate,
    pub(super) cheapest: Option<i32>,
}

pub(super) fn discounts(document: &Object<'_>, items: &ItemIndex, around: &Around<'_>) -> Vec<Discount> {
    document.objects("discounts").iter().map(|object| discount(object, items, around)).collect()
}

fn discount(object: &Object<'_>, items: &ItemIndex, around: &Around<'_>) -> Discount {
    object.require(&["benefit_discount_matching_percent"]);
    let moment = |key| object.moment(key, around.zone);
    let flag = |key, default| object.flag(key).unwrap_or(default);
    let listed = |key| object.references(key, &items.items, "item").into_iter().map(|(_, item)| item).collect();
    let discount = Discount {
        internal_name: object.word("internal_name", 255).unwrap_or_default().to_owned(),
        active: flag("active", true),
        position: object.small_number("position").unwrap_or(0),
        channels: channels(object),
        available_from: moment("available_from"),
        available_until: moment("available_until"),
        dates: dates(object),
        date_from: moment("subevent_date_from"),
        date_until: moment("subevent_date_until"),
        condition_all_products: flag("condition_all_products", true),
        condition_items: listed("condition_limit_products"),
        condition_addons: flag("condition_apply_to_addons", true),
        condition_ignores_vouchers: flag("condition_ignore_voucher_discounted", false),
        min_count: object.small_number("condition_min_count").unwrap_or(0),
        min_value: object.amount("condition_min_value", around.currency).unwrap_or(0),
        benefit_same_products: flag("benefit_same_products", true),
        benefit_items: listed("benefit_limit_products"),
        benefit_addons: flag("benefit_apply_to_addons", true),
        benefit_ignores_vouchers: flag("benefit_ignore_voucher_discounted", false),
        percent: percent(object),
        cheapest: object.small_number("benefit_only_apply_to_cheapest_n_matches"),
    };
    note_faults(object, &discount);
    discount
}

/// What does not go together.
fn note_faults(object: &Object<'_>, discount: &Discount) {
    let ends_early = |from: Option<Timestamp>, until: Option<Timestamp>| from.zip(until).is_some_and(|it| it.1 < it.0);
    if ends_early(discount.available_from, discount.available_until) {
        object.fault("available_until", "must not be before available_from");
    }
    if ends_early(discount.date_from, discount.date_until) {
        object.fault("subevent_date_until", "must not be before subevent_date_from");
    }
    if (discount.min_count > 0) == (discount.min_value > 0) {
        object.fault("condition_min_count", "either this or condition_min_value is needed, above 0");
    }
    if discount.min_value > 0 && discount.cheapest.is_some() {
        object.fault("benefit_only_apply_to_cheapest_n_matches", "does not go with condition_min_value");
    }
    if discount.min_value > 0 && discount.dates == Dates::Distinct {
        object.fault("subevent_mode", "'distinct' does not go with condition_min_value");
    }
    if discount.dates == Dates::Distinct && !discount.benefit_same_products {
        object.fault("benefit_same_products", "must be true with subevent_mode 'distinct'");
    }
    if discount.cheapest == Some(0) {
        object.fault("benefit_only_apply_to_cheapest_n_matches", "a whole number from 1 upwards is needed");
    }
}

fn dates(object: &Object<'_>) -> Dates {
    let Some(word) = object.word("subevent_mode", 20) else { return Dates::Mixed };
    Dates::parse(word).unwrap_or_else(|| {
        object.fault("subevent_mode", "'mixed', 'same' or 'distinct' is needed");
        Dates::Mixed
    })
}

fn percent(object: &Object<'_>) -> TaxRate {
    let key = "benefit_discount_matching_percent";
    let Some(value) = object.value(key) else { return TaxRate::ZERO };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    TaxRate::parse_percent(&text).unwrap_or_else(|| {
        object.fault(key, "a percentage from 0 to 100 with at most 4 decimals is needed");
        TaxRate::ZERO
    })
}
