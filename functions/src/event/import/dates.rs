//! Dates of a series, and what they say differently about products.

use serde_json::Value;

use super::{
    catalogue::{Around, ItemIndex},
    reader::{Index, Object, index},
    refused,
};
use crate::time::Timestamp;

/// References are positions in the lists of the plan.
pub(super) struct Date {
    pub(super) name: Value,
    pub(super) active: bool,
    pub(super) is_public: bool,
    pub(super) date_from: Timestamp,
    pub(super) date_to: Option<Timestamp>,
    pub(super) date_admission: Option<Timestamp>,
    pub(super) presale_start: Option<Timestamp>,
    pub(super) presale_end: Option<Timestamp>,
    pub(super) location: Option<Value>,
    pub(super) frontpage_text: Option<Value>,
    pub(super) overrides: Vec<Override>,
}

/// What a date says differently about an item, or about a variation of it.
pub(super) struct Override {
    pub(super) item: usize,
    pub(super) variation: Option<usize>,
    pub(super) price: Option<i64>,
    pub(super) disabled: bool,
    pub(super) available_from: Option<Timestamp>,
    pub(super) available_until: Option<Timestamp>,
}

pub(super) fn dates(document: &Object<'_>, items: &ItemIndex, around: &Around<'_>) -> (Vec<Date>, Index) {
    let objects = document.objects("subevents");
    (objects.iter().map(|object| date(object, items, around)).collect(), index(&objects))
}

fn date(object: &Object<'_>, items: &ItemIndex, around: &Around<'_>) -> Date {
    object.require(&["name", "date_from"]);
    object.refuse(refused::SUBEVENT);
    let moment = |key| object.moment(key, around.zone);
    let (date_from, date_to) = (moment("date_from"), moment("date_to"));
    if date_from.zip(date_to).is_some_and(|(from, to)| to < from) {
        object.fault("date_to", "must not be before date_from");
    }
    let (presale_start, presale_end) = (moment("presale_start"), moment("presale_end"));
    if presale_start.zip(presale_end).is_some_and(|(start, end)| end < start) {
        object.fault("presale_end", "must not be before presale_start");
    }
    let of_items = object.objects("item_price_overrides");
    let of_variations = object.objects("variation_price_overrides");
    let of_items = of_items.iter().filter_map(|says| {
        let item = says.reference("item", &items.items, "item")?;
        Some(read_override(says, item, None, around))
    });
    let of_variations = of_variations.iter().filter_map(|says| {
        let (item, variation) = says.one_of("variation", &items.variations, "variation")?;
        Some(read_override(says, item, Some(variation), around))
    });
    Date {
        name: object.name("name"),
        active: object.flag("active").unwrap_or(false),
        is_public: object.flag("is_public").unwrap_or(true),
        date_from: date_from.unwrap_or(Timestamp::from_micros(0)),
        date_to,
        date_admission: moment("date_admission"),
        presale_start,
        presale_end,
        location: object.text("location"),
        frontpage_text: object.text("frontpage_text"),
        overrides: of_items.chain(of_variations).collect(),
    }
}

fn read_override(object: &Object<'_>, item: usize, variation: Option<usize>, around: &Around<'_>) -> Override {
    Override {
        item,
        variation,
        price: object.amount("price", around.currency),
        disabled: object.flag("disabled").unwrap_or(false),
        available_from: object.moment("available_from", around.zone),
        available_until: object.moment("available_until", around.zone),
    }
}
