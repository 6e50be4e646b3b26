//! Tax rules and automatic discounts in the REST API (spec rest-api 5.5, 5.6).

use lambda_http::{Body, Request, Response};
use serde_json::json;

use super::api::{
    field::{Field, Kind},
    list::{Filter, Wanted},
    read::Faults,
    resource::{self, Ground, Resource},
    segments,
};
use crate::{
    catalogue::edit::{
        self,
        sql::{DISCOUNTS, TAX_RULES},
    },
    ctx::Ctx,
    http::ApiError,
    record::{Record, Table, Target, flag, moment, reference, references},
    staff::Permission,
};

/// Answers every route of tax rules and discounts: one function serves both.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    match segments(&request).get(6).copied() {
        Some("discounts") => resource::handle::<Discounts>(ctx, request).await,
        _ => resource::handle::<TaxRules>(ctx, request).await,
    }
}

/// Tax rules of an event.
pub struct TaxRules;

impl Resource for TaxRules {
    const KEY: &'static str = "taxrule";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("name", Kind::Localized(190)).required(),
        Field::new("internal_name", Kind::Text(190)).null(),
        Field::new("default", Kind::Flag).column("is_default"),
        Field::new("rate", Kind::Percent).column("rate_ppm").required(),
        Field::new("code", Kind::Text(190)).null(),
        Field::new("price_includes_tax", Kind::Flag).default("true"),
        Field::new("eu_reverse_charge", Kind::Fixed("false")),
        Field::new("home_country", Kind::Text(2)),
        Field::new("keep_gross_if_rate_changes", Kind::Flag),
        Field::new("custom_rules", Kind::Fixed("null")),
    ];
    const TABLE: &'static Table = &TAX_RULES;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::TaxWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.taxrule.added", "pretix.event.taxrule.changed", "pretix.event.taxrule.deleted"];
    const TELLS_CHANGES: bool = true;
    const IN_USE: &'static str = "This tax rule is in use and cannot be deleted.";

    /// Exactly one rule is the default, and the first one becomes it (spec domain 3.1).
    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let was_default = before.is_some_and(|before| flag(before, "is_default"));
        if was_default && !flag(draft, "is_default") {
            faults.add("default", "You can't remove the default property, instead set it on another tax rule.");
        }
        if before.is_none() && !edit::has_tax_rule(ground.tx, ground.event().id).await? {
            draft.insert("is_default".to_owned(), json!(true));
        }
        if flag(draft, "is_default") && !was_default && faults.is_empty() {
            edit::clear_default_tax_rule(ground.lock()).await?;
        }
        Ok(())
    }
}

/// Automatic discounts of an event.
pub struct Discounts;

/// Conditions go no further.
const COUNT_MAX: i64 = 1_000_000;

impl Resource for Discounts {
    const KEY: &'static str = "discount";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("active", Kind::Flag).default("true"),
        Field::new("internal_name", Kind::Text(255)).required(),
        Field::new("position", Kind::Number(0, 1_000_000)),
        Field::new("all_sales_channels", Kind::Flag).default("true"),
        Field::new("limit_sales_channels", Kind::Words(200)),
        Field::new("sales_channels", Kind::Channels),
        Field::new("available_from", Kind::Moment).null(),
        Field::new("available_until", Kind::Moment).null(),
        Field::new("subevent_mode", Kind::Choice(&["mixed", "same", "distinct"])),
        Field::new("subevent_date_from", Kind::Moment).null(),
        Field::new("subevent_date_until", Kind::Moment).null(),
        Field::new("condition_all_products", Kind::Flag).default("true"),
        Field::new("condition_limit_products", Kind::Refs(Target::Item)).column("condition_items"),
        Field::new("condition_apply_to_addons", Kind::Flag).default("true"),
        Field::new("condition_ignore_voucher_discounted", Kind::Flag),
        Field::new("condition_min_count", Kind::Number(0, COUNT_MAX)),
        Field::new("condition_min_value", Kind::Amount),
        Field::new("benefit_same_products", Kind::Flag).default("true"),
        Field::new("benefit_limit_products", Kind::Refs(Target::Item)).column("benefit_items"),
        Field::new("benefit_discount_matching_percent", Kind::Percent).column("benefit_ppm"),
        Field::new("benefit_only_apply_to_cheapest_n_matches", Kind::Number(1, COUNT_MAX))
            .column("benefit_cheapest")
            .null(),
        Field::new("benefit_apply_to_addons", Kind::Flag).default("true"),
        Field::new("benefit_ignore_voucher_discounted", Kind::Flag),
    ];
    const TABLE: &'static Table = &DISCOUNTS;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.discount.added", "pretix.event.discount.changed", "pretix.event.discount.deleted"];
    const FILTERS: &'static [Filter] = &[Filter::new("active", Wanted::Flag)];
    const ORDERINGS: &'static [&'static str] = &["position", "id"];
    const TELLS_CHANGES: bool = true;
    const IN_USE: &'static str =
        "This discount cannot be deleted because it has been used. Set it to inactive instead.";

    /// Spec domain 5.4.
    async fn check(
        _ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let number = |column: &str| reference(draft, column).unwrap_or(0);
        let distinct = draft.get("subevent_mode").is_some_and(|mode| mode == "distinct");
        let by_value = number("condition_min_value") > 0;
        if by_value == (number("condition_min_count") > 0) {
            let text = "You need to set either a minimum count or a minimum value, and not both.";
            faults.add("condition_min_count", text);
        }
        if by_value && distinct {
            let text = "You can only set a minimum value if the dates need not be distinct.";
            faults.add("condition_min_value", text);
        }
        if by_value && number("benefit_cheapest") > 0 {
            let text = "You cannot apply the discount only to some of the matched products with a minimum value.";
            faults.add("benefit_only_apply_to_cheapest_n_matches", text);
        }
        if distinct && !flag(draft, "benefit_same_products") {
            let text = "You cannot apply the discount to other products if the dates are distinct.";
            faults.add("benefit_same_products", text);
        }
        if !flag(draft, "condition_all_products") && references(draft, "condition_items").is_empty() {
            faults.add("condition_limit_products", "At least one product is needed.");
        }
        for (from, until) in [("available_from", "available_until"), ("subevent_date_from", "subevent_date_until")] {
            if moment(draft, from).zip(moment(draft, until)).is_some_and(|(from, until)| until < from) {
                faults.add(until, "This must not be before the beginning.");
            }
        }
        Ok(())
    }
}
