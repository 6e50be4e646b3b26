//! Tax rules, categories, items and quotas of a document.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    reader::{Index, Object, index, note_id},
    refused,
};
use crate::{
    catalogue::WindowMode,
    money::{Currency, TaxRate},
    time::Timestamp,
};

pub(super) struct TaxRule {
    pub(super) name: Value,
    pub(super) rate_ppm: i32,
    pub(super) code: Option<String>,
    pub(super) price_includes_tax: bool,
    pub(super) is_default: bool,
}

pub(super) struct Category {
    pub(super) name: Value,
    pub(super) internal_name: Option<String>,
    pub(super) description: Option<Value>,
    pub(super) position: i32,
    pub(super) is_addon: bool,
}

/// Where something is sold.
pub(super) struct Channels {
    pub(super) all: bool,
    pub(super) only: Vec<String>,
}

/// A category whose products can be added to an item.
pub(super) struct AddOn {
    pub(super) category: usize,
    pub(super) min_count: i32,
    pub(super) max_count: i32,
    pub(super) multi_allowed: bool,
    pub(super) price_included: bool,
    pub(super) position: i32,
}

/// A product that comes with an item: positions of the item, and of the variation in it.
pub(super) struct Bundle {
    pub(super) item: usize,
    pub(super) variation: Option<usize>,
    pub(super) count: i32,
    pub(super) designated_price: i64,
}

/// References are positions in the lists of the plan.
pub(super) struct Item {
    pub(super) id: Option<i64>,
    pub(super) category: Option<usize>,
    pub(super) tax_rule: Option<usize>,
    pub(super) name: Value,
    pub(super) internal_name: Option<String>,
    pub(super) description: Option<Value>,
    pub(super) active: bool,
    pub(super) position: i32,
    pub(super) default_price: i64,
    pub(super) original_price: Option<i64>,
    pub(super) free_price: bool,
    pub(super) admission: bool,
    pub(super) personalized: bool,
    pub(super) generate_tickets: Option<bool>,
    pub(super) show_quota_left: Option<bool>,
    pub(super) available_from: Option<Timestamp>,
    pub(super) available_until: Option<Timestamp>,
    pub(super) available_from_mode: &'static str,
    pub(super) available_until_mode: &'static str,
    pub(super) allow_cancel: bool,
    pub(super) min_per_order: Option<i32>,
    pub(super) max_per_order: Option<i32>,
    pub(super) require_voucher: bool,
    pub(super) hide_without_voucher: bool,
    pub(super) require_bundling: bool,
    pub(super) allow_waitinglist: bool,
    pub(super) channels: Channels,
    pub(super) add_ons: Vec<AddOn>,
    pub(super) bundles: Vec<Bundle>,
    pub(super) variations: Vec<Variation>,
}

impl Item {
    /// Some buyer would have to pay for it.
    pub(super) fn is_paid(&self) -> bool {
        let price = |variation: &Variation| variation.default_price.unwrap_or(self.default_price);
        let costs = match self.variations.as_slice() {
            [] => self.default_price > 0,
            variations => variations.iter().any(|variation| price(variation) > 0),
        };
        costs || self.free_price
    }
}

pub(super) struct Variation {
    pub(super) id: Option<i64>,
    pub(super) value: Value,
    pub(super) description: Option<Value>,
    pub(super) active: bool,
    pub(super) position: i32,
    pub(super) default_price: Option<i64>,
    pub(super) original_price: Option<i64>,
    pub(super) hide_without_voucher: bool,
    pub(super) available_from: Option<Timestamp>,
    pub(super) available_until: Option<Timestamp>,
    pub(super) available_from_mode: &'static str,
    pub(super) available_until_mode: &'static str,
    pub(super) channels: Channels,
}

pub(super) struct Quota {
    pub(super) id: Option<i64>,
    pub(super) name: String,
    pub(super) size: Option<i64>,
    pub(super) closed: bool,
    pub(super) close_when_sold_out: bool,
    pub(super) ignore_for_event_availability: bool,
    /// Position of the date.
    pub(super) date: Option<usize>,
    /// Positions of items, and of the variation in the item.
    pub(super) counts: Vec<(usize, Option<usize>)>,
}

pub(super) fn tax_rules(document: &Object<'_>) -> (Vec<TaxRule>, Index) {
    let objects = document.objects("tax_rules");
    let mut rules: Vec<TaxRule> = Vec::new();
    for object in &objects {
        object.require(&["name", "rate"]);
        object.refuse(refused::TAX_RULE);
        let is_default = object.flag("default").unwrap_or(false);
        if is_default && rules.iter().any(|rule| rule.is_default) {
            object.fault("default", "only one tax rule can be the default");
        }
        rules.push(TaxRule {
            name: object.name("name"),
            rate_ppm: rate(object),
            code: object.word("code", 190).map(str::to_owned),
            price_includes_tax: object.flag("price_includes_tax").unwrap_or(true),
            is_default,
        });
    }
    // One rule of an event is always the default.
    if !rules.iter().any(|rule| rule.is_default)
        && let Some(first) = rules.first_mut()
    {
        first.is_default = true;
    }
    (rules, index(&objects))
}

fn rate(object: &Object<'_>) -> i32 {
    let text = match object.value("rate") {
        None => return 0,
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let rate = TaxRate::parse_percent(&text).filter(|rate| rate.0 <= 1_000_000);
    if rate.is_none() {
        object.fault("rate", "a percentage from 0 to 100 with at most 4 decimals is needed");
    }
    rate.and_then(|rate| i32::try_from(rate.0).ok()).unwrap_or(0)
}

pub(super) fn categories(document: &Object<'_>) -> (Vec<Category>, Index) {
    let objects = document.objects("categories");
    let read = |object: &Object<'_>| {
        object.require(&["name"]);
        object.refuse(refused::CATEGORY);
        Category {
            name: object.name("name"),
            internal_name: object.word("internal_name", 255).map(str::to_owned),
            description: object.text("description"),
            position: object.small_number("position").unwrap_or(0),
            is_addon: object.flag("is_addon").unwrap_or(false),
        }
    };
    (objects.iter().map(read).collect(), index(&objects))
}

/// What items refer to, and how their prices and moments are written.
pub(super) struct Around<'a> {
    pub(super) categories: &'a Index,
    /// Positions of the categories whose products are add-ons.
    pub(super) add_on_categories: &'a [usize],
    pub(super) tax_rules: &'a Index,
    pub(super) currency: Currency,
    pub(super) zone: &'a TimeZone,
}

/// Positions by the ids that the file gives.
pub(super) struct ItemIndex {
    pub(super) items: Index,
    pub(super) variations: HashMap<i64, (usize, usize)>,
}

pub(super) fn items(document: &Object<'_>, around: &Around<'_>) -> (Vec<Item>, ItemIndex) {
    let objects = document.objects("items");
    let mut found = ItemIndex { items: index(&objects), variations: HashMap::new() };
    let mut items = Vec::new();
    for (position, object) in objects.iter().enumerate() {
        let variations = object.objects("variations");
        for (place, variation) in variations.iter().enumerate() {
            note_id(variation, &mut found.variations, (position, place));
        }
        items.push(item(object, &variations, around));
    }
    for (position, object) in objects.iter().enumerate() {
        let bundles = object.objects("bundles");
        items[position].bundles =
            bundles.iter().filter_map(|bundle| read_bundle(bundle, position, &items, &found, around)).collect();
    }
    for (position, object) in objects.iter().enumerate() {
        let nested = items[position].bundles.iter().any(|bundle| !items[bundle.item].bundles.is_empty());
        if nested {
            object.fault("bundles", "a bundled item must not have bundles itself");
        }
        let is_add_on = items[position].category.is_some_and(|category| around.add_on_categories.contains(&category));
        if is_add_on && !items[position].bundles.is_empty() {
            object.fault("bundles", "an add-on cannot come with other products");
        }
    }
    (items, found)
}

fn item(object: &Object<'_>, variations: &[Object<'_>], around: &Around<'_>) -> Item {
    object.require(&["name", "default_price"]);
    object.refuse(refused::ITEM);
    let admission = object.flag("admission").unwrap_or(false);
    let personalized = object.flag("personalized").unwrap_or(admission);
    if personalized && !admission {
        object.fault("personalized", "only an admission item can be personalized");
    }
    let (available_from, available_until) =
        (object.moment("available_from", around.zone), object.moment("available_until", around.zone));
    if available_from.zip(available_until).is_some_and(|(from, until)| until < from) {
        object.fault("available_until", "must not be before available_from");
    }
    let (min_per_order, max_per_order) = (object.small_number("min_per_order"), object.small_number("max_per_order"));
    if min_per_order.zip(max_per_order).is_some_and(|(min, max)| min > max) {
        object.fault("max_per_order", "must not be less than min_per_order");
    }
    let category = object.reference("category", around.categories, "category");
    Item {
        id: object.id(),
        category,
        tax_rule: object.reference("tax_rule", around.tax_rules, "tax rule"),
        name: object.name("name"),
        internal_name: object.word("internal_name", 255).map(str::to_owned),
        description: object.text("description"),
        active: object.flag("active").unwrap_or(true),
        position: object.small_number("position").unwrap_or(0),
        default_price: object.amount("default_price", around.currency).unwrap_or(0),
        original_price: object.amount("original_price", around.currency),
        free_price: object.flag("free_price").unwrap_or(false),
        admission,
        personalized,
        generate_tickets: object.flag("generate_tickets"),
        show_quota_left: object.flag("show_quota_left"),
        available_from,
        available_until,
        available_from_mode: window_mode(object, "available_from_mode"),
        available_until_mode: window_mode(object, "available_until_mode"),
        allow_cancel: object.flag("allow_cancel").unwrap_or(true),
        min_per_order,
        max_per_order,
        require_voucher: object.flag("require_voucher").unwrap_or(false),
        hide_without_voucher: object.flag("hide_without_voucher").unwrap_or(false),
        require_bundling: object.flag("require_bundling").unwrap_or(false),
        allow_waitinglist: object.flag("allow_waitinglist").unwrap_or(true),
        channels: channels(object),
        add_ons: add_ons(object, category, around),
        bundles: Vec::new(),
        variations: variations.iter().map(|variation| read_variation(variation, around)).collect(),
    }
}

fn read_bundle(
    object: &Object<'_>,
    owner: usize,
    items: &[Item],
    found: &ItemIndex,
    around: &Around<'_>,
) -> Option<Bundle> {
    object.require(&["bundled_item"]);
    let item = object.reference("bundled_item", &found.items, "item")?;
    let variation = object.one_of("bundled_variation", &found.variations, "variation");
    if item == owner {
        object.fault("bundled_item", "an item cannot come with itself");
    }
    let fits = match variation {
        Some((of, _)) => of == item,
        None => items[item].variations.is_empty(),
    };
    if !fits {
        object.fault("bundled_variation", "one of the variations of the bundled item is needed");
    }
    Some(Bundle {
        item,
        variation: variation.map(|(_, place)| place),
        count: object.small_number("count").unwrap_or(1).max(1),
        designated_price: object.amount("designated_price", around.currency).unwrap_or(0),
    })
}

fn read_add_on(object: &Object<'_>, around: &Around<'_>) -> Option<AddOn> {
    object.require(&["addon_category"]);
    let (min_count, max_count) =
        (object.small_number("min_count").unwrap_or(0), object.small_number("max_count").unwrap_or(1));
    if min_count > 0 {
        object.fault("min_count", "the shop cannot ask for add-ons yet: leave it out or set it to 0");
    }
    if max_count < min_count {
        object.fault("max_count", "must not be less than min_count");
    }
    let category = object.reference("addon_category", around.categories, "category")?;
    Some(AddOn {
        category,
        min_count,
        max_count,
        multi_allowed: object.flag("multi_allowed").unwrap_or(false),
        price_included: object.flag("price_included").unwrap_or(false),
        position: object.small_number("position").unwrap_or(0),
    })
}

fn add_ons(object: &Object<'_>, own_category: Option<usize>, around: &Around<'_>) -> Vec<AddOn> {
    let add_ons: Vec<AddOn> =
        object.objects("addons").iter().filter_map(|add_on| read_add_on(add_on, around)).collect();
    for (place, add_on) in add_ons.iter().enumerate() {
        if add_ons[..place].iter().any(|earlier| earlier.category == add_on.category) {
            object.fault("addons", "a category is listed twice");
        }
        if own_category == Some(add_on.category) {
            object.fault("addons", "the item's own category cannot be added to it");
        }
    }
    add_ons
}

/// `sales_channels` is the older form of the list (spec rest-api 0.6).
pub(super) fn channels(object: &Object<'_>) -> Channels {
    let older = object.words("sales_channels");
    let only = if older.is_empty() { object.words("limit_sales_channels") } else { older };
    let all = object.flag("all_sales_channels").unwrap_or(only.is_empty());
    Channels { all, only }
}

fn read_variation(object: &Object<'_>, around: &Around<'_>) -> Variation {
    object.require(&["value"]);
    object.refuse(refused::VARIATION);
    Variation {
        id: object.id(),
        value: object.name("value"),
        description: object.text("description"),
        active: object.flag("active").unwrap_or(true),
        position: object.small_number("position").unwrap_or(0),
        default_price: object.amount("default_price", around.currency),
        original_price: object.amount("original_price", around.currency),
        hide_without_voucher: object.flag("hide_without_voucher").unwrap_or(false),
        available_from: object.moment("available_from", around.zone),
        available_until: object.moment("available_until", around.zone),
        available_from_mode: window_mode(object, "available_from_mode"),
        available_until_mode: window_mode(object, "available_until_mode"),
        channels: channels(object),
    }
}

fn window_mode(object: &Object<'_>, key: &str) -> &'static str {
    let mode = object.word(key, 10).map_or(Some(WindowMode::Hide), WindowMode::parse);
    if mode.is_none() {
        object.fault(key, "'hide' or 'info' is needed");
    }
    mode.unwrap_or(WindowMode::Hide).code()
}

/// Quotas with what they count. An item with variations is counted by those that are listed with it (spec rest-api 5.4).
pub(super) fn quotas(
    document: &Object<'_>,
    items: &[Item],
    found: &ItemIndex,
    dates: Option<&Index>,
) -> (Vec<Quota>, Index) {
    let objects = document.objects("quotas");
    let places = index(&objects);
    (objects.iter().map(|object| quota(object, items, found, dates)).collect(), places)
}

fn quota(object: &Object<'_>, items: &[Item], found: &ItemIndex, dates: Option<&Index>) -> Quota {
    object.require(&["name"]);
    object.refuse(refused::QUOTA);
    let listed_items = object.references("items", &found.items, "item");
    let listed_variations = object.references("variations", &found.variations, "variation");
    for (place, (item, _)) in &listed_variations {
        if !listed_items.iter().any(|(_, listed)| listed == item) {
            object.fault(place, "the item of this variation is not among the items of the quota");
        }
    }
    let mut counts = Vec::new();
    for (place, item) in &listed_items {
        let variations =
            listed_variations.iter().filter(|(_, (of, _))| of == item).map(|(_, (_, variation))| *variation);
        let before = counts.len();
        counts.extend(variations.map(|variation| (*item, Some(variation))));
        match (items[*item].variations.is_empty(), counts.len() - before) {
            (true, _) => counts.push((*item, None)),
            (false, 0) => object.fault(place, "this item has variations, but none of them is among those of the quota"),
            (false, _) => {}
        }
    }
    let date = match dates {
        Some(dates) => {
            object.require(&["subevent"]);
            object.reference("subevent", dates, "date")
        }
        None => {
            object.refuse(&[("subevent", "")]);
            None
        }
    };
    Quota {
        id: object.id(),
        date,
        ignore_for_event_availability: object.flag("ignore_for_event_availability").unwrap_or(false),
        name: object.word("name", 200).unwrap_or_default().to_owned(),
        size: object.number("size", i64::from(i32::MAX)),
        closed: object.flag("closed").unwrap_or(false),
        close_when_sold_out: object.flag("close_when_sold_out").unwrap_or(false),
        counts,
    }
}
