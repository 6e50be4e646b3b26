//! Categories (spec rest-api 5.1).

use crate::{
    catalogue::edit::sql::CATEGORIES,
    endpoint::api::{
        field::{Field, Kind},
        list::{Filter, Wanted},
        resource::Resource,
    },
    record::Table,
    staff::Permission,
};

/// Categories of an event.
pub struct Categories;

impl Resource for Categories {
    const KEY: &'static str = "category";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("name", Kind::Localized(255)).required(),
        Field::new("internal_name", Kind::Text(255)).null(),
        Field::new("description", Kind::Localized(20_000)).null(),
        Field::new("position", Kind::Number(0, 1_000_000)),
        Field::new("is_addon", Kind::Flag),
        Field::new("cross_selling_mode", Kind::Fixed("null")),
        Field::new("cross_selling_condition", Kind::Fixed("null")),
        Field::new("cross_selling_match_products", Kind::Fixed("[]")),
    ];
    const TABLE: &'static Table = &CATEGORIES;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::ItemsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.event.category.added", "pretix.event.category.changed", "pretix.event.category.deleted"];
    const FILTERS: &'static [Filter] = &[Filter::new("is_addon", Wanted::Flag)];
    const ORDERINGS: &'static [&'static str] = &["position", "id"];
    const TELLS_CHANGES: bool = true;
}
