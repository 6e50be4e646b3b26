//! Items (spec rest-api 5.2, domain 2.2).

use serde_json::json;

use super::parts::{ADD_ON_FIELDS, BUNDLE_FIELDS, VARIATION_FIELDS, check_add_on, check_bundle};
use crate::{
    catalogue::edit::{self, sql::ITEMS},
    endpoint::api::{
        field::{Field, Kind},
        list::{Filter, Wanted},
        read::Faults,
        resource::{Ground, Resource},
    },
    http::ApiError,
    record::{Record, Table, Target, flag, moment, reference},
    staff::Permission,
};

/// Items of an event.
pub struct Items;

/// What the shop shows outside of the time of sale.
pub(super) const WINDOW_MODES: Kind = Kind::Choice(&["hide", "info"]);
/// Limits of an order go no further.
const PER_ORDER_MAX: i64 = 100_000;

impl Resource for Items {
    const KEY: &'static str = "item";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("category", Kind::Ref(Target::Category)).column("category_id").null(),
        Field::new("name", Kind::Localized(255)).required(),
        Field::new("internal_name", Kind::Text(255)).null(),
        Field::new("active", Kind::Flag).default("true"),
        Field::new("all_sales_channels", Kind::Flag).default("true"),
        Field::new("limit_sales_channels", Kind::Words(200)),
        Field::new("sales_channels", Kind::Channels),
        Field::new("description", Kind::Localized(20_000)).null(),
        Field::new("default_price", Kind::Amount).required(),
        Field::new("free_price", Kind::Flag),
        Field::new("free_price_suggestion", Kind::Fixed("null")),
        Field::new("tax_rate", Kind::Percent).read_only(),
        Field::new("tax_rule", Kind::Ref(Target::TaxRule)).column("tax_rule_id").null(),
        Field::new("admission", Kind::Flag),
        // Like admission, if nothing is said.
        Field::new("personalized", Kind::Flag).default("null"),
        Field::new("position", Kind::Number(0, 1_000_000)),
        Field::new("picture", Kind::Fixed("null")),
        Field::new("available_from", Kind::Moment).null(),
        Field::new("available_from_mode", WINDOW_MODES),
        Field::new("available_until", Kind::Moment).null(),
        Field::new("available_until_mode", WINDOW_MODES),
        Field::new("require_voucher", Kind::Flag),
        Field::new("hide_without_voucher", Kind::Flag),
        Field::new("allow_cancel", Kind::Flag).default("true"),
        Field::new("require_bundling", Kind::Flag),
        Field::new("min_per_order", Kind::Number(0, PER_ORDER_MAX)).null(),
        Field::new("max_per_order", Kind::Number(0, PER_ORDER_MAX)).null(),
        Field::new("checkin_attention", Kind::Flag),
        Field::new("checkin_text", Kind::Text(10_000)).null(),
        Field::new("has_variations", Kind::Flag).read_only(),
        Field::new("variations", Kind::Parts(VARIATION_FIELDS)).create_only(),
        Field::new("addons", Kind::Parts(ADD_ON_FIELDS)).create_only(),
        Field::new("bundles", Kind::Parts(BUNDLE_FIELDS)).create_only(),
        Field::new("program_times", Kind::Fixed("[]")),
        Field::new("original_price", Kind::Amount).null(),
        Field::new("require_approval", Kind::Fixed("false")),
        Field::new("generate_tickets", Kind::Flag).null(),
        Field::new("show_quota_left", Kind::Flag).null(),
        Field::new("hidden_if_available", Kind::Ref(Target::Quota)).null(),
        Field::new("hidden_if_item_available", Kind::Ref(Target::Item)).null(),
        Field::new("hidden_if_item_available_mode", WINDOW_MODES),
        Field::new("allow_waitinglist", Kind::Flag).default("true"),
        Field::new("issue_giftcard", Kind::Fixed("false")),
        Field::new("meta_data", Kind::Fixed("{}")),
        Field::new("require_membership", Kind::Fixed("false")),
        Field::new("require_membership_types", Kind::Fixed("[]")),
        Field::new("require_membership_hidden", Kind::Fixed("false")),
        Field::new("grant_membership_type", Kind::Fixed("null")),
        Field::new("grant_membership_duration_like_event", Kind::Fixed("true")),
        Field::new("grant_membership_duration_days", Kind::Fixed("0")),
        Field::new("grant_membership_duration_months", Kind::Fixed("0")),
        Field::new("validity_mode", Kind::Fixed("null")),
        Field::new("validity_fixed_from", Kind::Fixed("null")),
        Field::new("validity_fixed_until", Kind::Fixed("null")),
        Field::new("validity_dynamic_duration_minutes", Kind::Fixed("null")),
        Field::new("validity_dynamic_duration_hours", Kind::Fixed("null")),
        Field::new("validity_dynamic_duration_days", Kind::Fixed("null")),
        Field::new("validity_dynamic_duration_months", Kind::Fixed("null")),
        Field::new("validity_dynamic_start_choice", Kind::Fixed("false")),
        Field::new("validity_dynamic_start_choice_day_limit", Kind::Fixed("null")),
        Field::new("media_policy", Kind::Fixed("null")),
        Field::new("media_type", Kind::Fixed("null")),
    ];
    const TABLE: &'static Table = &ITEMS;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.item.added", "pretix.event.item.changed", "pretix.event.item.deleted"];
    const FILTERS: &'static [Filter] = &[
        Filter::new("active", Wanted::Flag),
        Filter::new("category", Wanted::Number),
        Filter::new("admission", Wanted::Flag),
        Filter::new("free_price", Wanted::Flag),
        Filter::new("tax_rate", Wanted::Percent),
        Filter::new("search", Wanted::Text),
    ];
    const ORDERINGS: &'static [&'static str] = &["position", "id"];
    const TELLS_CHANGES: bool = true;
    const IN_USE: &'static str = "This item cannot be deleted because it has been ordered or something refers to it. \
                                  You can set it to inactive instead.";

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        if draft.get("personalized").is_none_or(|value| value.is_null()) {
            let admission = flag(draft, "admission");
            draft.insert("personalized".to_owned(), json!(admission));
        }
        if flag(draft, "personalized") && !flag(draft, "admission") {
            faults.add("personalized", "Only admission products can be personalized.");
        }
        check_window(draft, faults);
        let least = reference(draft, "min_per_order").zip(reference(draft, "max_per_order"));
        if least.is_some_and(|(min, max)| min > max) {
            faults.add("max_per_order", "This must not be less than min_per_order.");
        }
        let this = before.and_then(|before| reference(before, "id"));
        if this.is_some() && reference(draft, "hidden_if_item_available") == this {
            faults.add("hidden_if_item_available", "An item cannot depend on itself.");
        }
        if before.is_none() {
            check_parts(ground, draft, faults).await?;
        }
        Ok(())
    }

    async fn deleting(ground: &Ground<'_>, id: i64, _record: &Record) -> Result<(), ApiError> {
        Ok(edit::empty_carts(ground.lock(), id, None).await?)
    }

    async fn deleted(ground: &Ground<'_>) -> Result<(), ApiError> {
        Ok(crate::record::recount(ground.lock(), None).await?)
    }
}

/// The time of sale of an item or a variation.
pub(super) fn check_window(draft: &Record, faults: &mut Faults) {
    let window = moment(draft, "available_from").zip(moment(draft, "available_until"));
    if window.is_some_and(|(from, until)| until < from) {
        faults.add("available_until", "This must not be before available_from.");
    }
}

/// Parts that are given when the item is created.
async fn check_parts(ground: &Ground<'_>, draft: &Record, faults: &mut Faults) -> Result<(), ApiError> {
    let parts = |name: &str| {
        let list = draft.get(name).and_then(|list| list.as_array()).cloned().unwrap_or_default();
        list.into_iter().filter_map(|part| part.as_object().cloned()).collect::<Vec<_>>()
    };
    for variation in parts("variations") {
        let mut own = Faults::default();
        check_window(&variation, &mut own);
        if !own.is_empty() {
            faults.add("variations", "available_until must not be before available_from.");
        }
    }
    let categories: Vec<Option<i64>> = parts("addons").iter().map(|part| reference(part, "category_id")).collect();
    for (place, part) in parts("addons").iter().enumerate() {
        let is_twice = categories[..place].contains(&categories[place]);
        if let Some((_, message)) = check_add_on(part, reference(draft, "category_id"), is_twice) {
            faults.add("addons", message);
        }
    }
    for part in parts("bundles") {
        if let Some((_, message)) = check_bundle(ground, &part, None).await? {
            faults.add("bundles", message);
        }
    }
    if parts("variations").len() > 500 {
        faults.add("variations", "An item has at most 500 variations.");
    }
    Ok(())
}
