//! What belongs to an item: variations, add-ons, bundles (spec rest-api 5.2, domain 2.3 to 2.5).

use super::items::{WINDOW_MODES, check_window};
use crate::{
    catalogue::edit::{
        self,
        sql::{ADD_ONS, BUNDLES, ITEMS, VARIATIONS},
    },
    endpoint::api::{
        field::{Field, Kind},
        list::{Filter, Wanted},
        read::Faults,
        resource::{Ground, Parent, Resource},
    },
    http::ApiError,
    port::db::DbError,
    record::{self, Record, Table, Target, flag, reference},
    staff::Permission,
};

const ITEM: Option<Parent> = Some(Parent { key: "item", table: &ITEMS, column: "item_id" });

/// What can be said about a variation.
pub(super) const VARIATION_FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
    Field::new("value", Kind::Localized(255)).required(),
    Field::new("active", Kind::Flag).default("true"),
    Field::new("description", Kind::Localized(20_000)).null(),
    Field::new("position", Kind::Number(0, 1_000_000)),
    Field::new("default_price", Kind::Amount).null(),
    Field::new("price", Kind::Amount).read_only(),
    Field::new("original_price", Kind::Amount).null(),
    Field::new("free_price_suggestion", Kind::Fixed("null")),
    Field::new("require_approval", Kind::Fixed("false")),
    Field::new("require_membership", Kind::Fixed("false")),
    Field::new("require_membership_types", Kind::Fixed("[]")),
    Field::new("require_membership_hidden", Kind::Fixed("false")),
    Field::new("checkin_attention", Kind::Flag),
    Field::new("checkin_text", Kind::Text(10_000)).null(),
    Field::new("available_from", Kind::Moment).null(),
    Field::new("available_from_mode", WINDOW_MODES),
    Field::new("available_until", Kind::Moment).null(),
    Field::new("available_until_mode", WINDOW_MODES),
    Field::new("all_sales_channels", Kind::Flag).default("true"),
    Field::new("limit_sales_channels", Kind::Words(200)),
    Field::new("sales_channels", Kind::Channels),
    Field::new("hide_without_voucher", Kind::Flag),
    Field::new("meta_data", Kind::Fixed("{}")),
];

/// Variations of an item.
pub struct Variations;

impl Resource for Variations {
    const KEY: &'static str = "variation";
    const FIELDS: &'static [Field] = VARIATION_FIELDS;
    const TABLE: &'static Table = &VARIATIONS;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] = [
        "pretix.event.item.variation.added",
        "pretix.event.item.variation.changed",
        "pretix.event.item.variation.deleted",
    ];
    const PARENT: Option<Parent> = ITEM;
    const FILTERS: &'static [Filter] = &[Filter::new("active", Wanted::Flag), Filter::new("search", Wanted::Text)];
    const ORDERINGS: &'static [&'static str] = &["position", "id"];
    const IN_USE: &'static str = "This variation cannot be deleted because it has been ordered or something refers to \
                                  it. You can set it to inactive instead.";

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let has_variations = ground.parent.as_ref().is_some_and(|item| flag(item, "has_variations"));
        if before.is_none() && !has_variations {
            // An item has variations or none for its whole life (spec domain 2.3).
            return Err(ApiError::Refused("This item was created without variations and cannot have any.".to_owned()));
        }
        check_window(draft, faults);
        Ok(())
    }

    async fn deleting(ground: &Ground<'_>, id: i64, record: &Record) -> Result<(), ApiError> {
        let item = reference(record, "item_id").unwrap_or_default();
        if edit::variations_of(ground.tx, ground.event().id, &vec![item]).await?.len() < 2 {
            return Err(ApiError::Refused("The last variation of an item cannot be deleted.".to_owned()));
        }
        Ok(edit::empty_carts(ground.lock(), item, Some(id)).await?)
    }

    async fn deleted(ground: &Ground<'_>) -> Result<(), ApiError> {
        Ok(record::recount(ground.lock(), None).await?)
    }
}

/// What can be said about an add-on.
pub(super) const ADD_ON_FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
    Field::new("addon_category", Kind::Ref(Target::Category)).column("category_id").required(),
    Field::new("min_count", Kind::Number(0, 10_000)),
    Field::new("max_count", Kind::Number(0, 10_000)).default("1"),
    Field::new("position", Kind::Number(0, 1_000_000)),
    Field::new("price_included", Kind::Flag),
    Field::new("multi_allowed", Kind::Flag),
];

/// Categories whose products can be added to an item.
pub struct AddOns;

impl Resource for AddOns {
    const KEY: &'static str = "addon";
    const FIELDS: &'static [Field] = ADD_ON_FIELDS;
    const TABLE: &'static Table = &ADD_ONS;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.item.addons.added", "pretix.event.item.addons.changed", "pretix.event.item.addons.removed"];
    const PARENT: Option<Parent> = ITEM;
    const ORDERINGS: &'static [&'static str] = &["position", "id"];

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let own = ground.parent.as_ref().and_then(|item| reference(item, "category_id"));
        if let Some((field, message)) = check_add_on(draft, own, false) {
            faults.add(field, message);
        }
        Ok(())
    }

    fn refused(constraint: &str) -> Option<(&'static str, &'static str)> {
        (constraint == "item_addon_key").then_some(("addon_category", TWICE))
    }
}

const TWICE: &str = "The item already has an add-on of this category.";

/// What is wrong with an add-on, and in which field.
pub(super) fn check_add_on(
    part: &Record,
    own_category: Option<i64>,
    is_twice: bool,
) -> Option<(&'static str, &'static str)> {
    let category = reference(part, "category_id");
    match () {
        () if reference(part, "max_count") < reference(part, "min_count") => {
            Some(("max_count", "The maximum count needs to be at least the minimum count."))
        }
        () if category.is_some() && category == own_category => {
            Some(("addon_category", "The add-on's category must not be the item's own."))
        }
        () if is_twice => Some(("addon_category", TWICE)),
        () => None,
    }
}

/// What can be said about a bundle.
pub(super) const BUNDLE_FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
    Field::new("bundled_item", Kind::Ref(Target::Item)).column("bundled_item_id").required(),
    Field::new("bundled_variation", Kind::Ref(Target::Variation)).column("bundled_variation_id").null(),
    Field::new("count", Kind::Number(1, 1000)).default("1"),
    Field::new("designated_price", Kind::Amount),
];

/// Parts that come with an item.
pub struct Bundles;

impl Resource for Bundles {
    const KEY: &'static str = "bundle";
    const FIELDS: &'static [Field] = BUNDLE_FIELDS;
    const TABLE: &'static Table = &BUNDLES;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.item.bundles.added", "pretix.event.item.bundles.changed", "pretix.event.item.bundles.removed"];
    const PARENT: Option<Parent> = ITEM;

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let item = ground.parent.as_ref().and_then(|item| reference(item, "id"));
        if let Some((field, message)) = check_bundle(ground, draft, item).await? {
            faults.add(field, message);
        }
        Ok(())
    }
}

/// What is wrong with a part of an item, and in which field. A new item has no id yet.
pub(super) async fn check_bundle(
    ground: &Ground<'_>,
    part: &Record,
    item: Option<i64>,
) -> Result<Option<(&'static str, &'static str)>, DbError> {
    let event = ground.event().id;
    let bundled = reference(part, "bundled_item_id").unwrap_or_default();
    if item == Some(bundled) {
        return Ok(Some(("bundled_item", "An item cannot be a part of itself.")));
    }
    let (has_bundles, _) = edit::bundling_of(ground.tx, event, bundled).await?;
    let is_bundled = match item {
        Some(item) => edit::bundling_of(ground.tx, event, item).await?.1,
        None => false,
    };
    if has_bundles || is_bundled {
        return Ok(Some(("bundled_item", "Bundles cannot be nested.")));
    }
    let variations = edit::variations_of(ground.tx, event, &vec![bundled]).await?;
    let wanted = reference(part, "bundled_variation_id");
    let fits = variations.iter().any(|(_, variation)| *variation == wanted);
    Ok((!fits).then_some(("bundled_variation", "Choose one of the variations of the bundled item.")))
}
