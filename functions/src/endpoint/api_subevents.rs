//! Dates of a series in the REST API (spec rest-api 4, domain 1.4).

use std::collections::{BTreeMap, btree_map::Entry};

use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::api::{
    Around, Caller,
    field::{self, Field, Kind},
    list::{Filter, Page, Wanted, read_filters},
    read::Faults,
    resource::{self, Ground, Resource},
};
use crate::{
    catalogue::edit,
    ctx::Ctx,
    event::{
        self,
        edit::{
            replace_overrides,
            sql::{DATES, dates_of},
        },
    },
    http::{self, ApiError},
    id::EventId,
    record::{Record, Table, Target, flag, moment, recount, reference},
    staff::Permission,
};

/// Answers every route of dates.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    if http::path(&request, "event").is_err() {
        return of_organizer(ctx, request).await;
    }
    resource::handle::<Dates>(ctx, request).await
}

/// One page of the dates of all series that the token may see (spec rest-api 2.12).
async fn of_organizer(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let now = ctx.now();
    let (caller, ids) = Caller::reach(&request, &*db, Permission::EventRead).await?;
    let page = Page::read(&request)?;
    let around = caller.around(ctx, &*db, &[], now).await?;
    let mut filter = read_filters(&request, Dates::FILTERS, &around)?;
    filter.insert("now".to_owned(), now.to_string().into());
    let part = page.part(&request, filter, Dates::ORDERINGS);
    let (found, total) = dates_of(&*db, &ids, &part).await?;
    let mut events: BTreeMap<i64, Around> = BTreeMap::new();
    let mut told = Vec::new();
    for mut record in found {
        let id = reference(&record, "event_id").ok_or(ApiError::NotFound)?;
        let around = match events.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let event = event::by_id(&*db, EventId(id)).await?.ok_or(ApiError::NotFound)?;
                free.insert(Around::plain(&event, now))
            }
        };
        Dates::loaded(&mut record, around);
        told.push(field::show(Dates::FIELDS, &record, around));
    }
    let mut response = page.answer(ctx, &request, total, told)?;
    if let Ok(value) = now.to_string().parse() {
        response.headers_mut().insert("x-page-generated", value);
    }
    Ok(response)
}

const ITEM_OVERRIDE: &[Field] = &[
    Field::new("item", Kind::Ref(Target::Item)).column("item_id").required(),
    Field::new("price", Kind::Amount).null(),
    Field::new("disabled", Kind::Flag),
    Field::new("available_from", Kind::Moment).null(),
    Field::new("available_until", Kind::Moment).null(),
];
const VARIATION_OVERRIDE: &[Field] = &[
    Field::new("variation", Kind::Ref(Target::Variation)).column("variation_id").required(),
    Field::new("price", Kind::Amount).null(),
    Field::new("disabled", Kind::Flag),
    Field::new("available_from", Kind::Moment).null(),
    Field::new("available_until", Kind::Moment).null(),
];

/// Dates of a series.
pub struct Dates;

impl Resource for Dates {
    const KEY: &'static str = "subevent";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("name", Kind::Localized(200)).required(),
        Field::new("event", Kind::Text(50)).read_only(),
        Field::new("active", Kind::Flag),
        Field::new("is_public", Kind::Flag).default("true"),
        Field::new("date_from", Kind::Moment).required(),
        Field::new("date_to", Kind::Moment).null(),
        Field::new("date_admission", Kind::Moment).null(),
        Field::new("presale_start", Kind::Moment).null(),
        Field::new("presale_end", Kind::Moment).null(),
        Field::new("location", Kind::Localized(1000)).null(),
        Field::new("geo_lat", Kind::Degrees).null(),
        Field::new("geo_lon", Kind::Degrees).null(),
        Field::new("frontpage_text", Kind::Localized(20_000)).null(),
        Field::new("seating_plan", Kind::Fixed("null")),
        Field::new("seat_category_mapping", Kind::Fixed("{}")),
        Field::new("item_price_overrides", Kind::Replaced(ITEM_OVERRIDE)),
        Field::new("variation_price_overrides", Kind::Replaced(VARIATION_OVERRIDE)),
        Field::new("meta_data", Kind::Json),
        Field::new("comment", Kind::Text(10_000)),
        Field::new("last_modified", Kind::Moment).column("modified_at").read_only(),
    ];
    const TABLE: &'static Table = &DATES;
    const READ: Permission = Permission::EventRead;
    const WRITE: Permission = Permission::DatesWrite;
    const LOG: [&'static str; 3] = ["pretix.subevent.added", "pretix.subevent.changed", "pretix.subevent.deleted"];
    const FILTERS: &'static [Filter] = &[
        Filter::new("is_public", Wanted::Flag),
        Filter::new("active", Wanted::Flag),
        Filter::new("event__live", Wanted::Flag),
        Filter::new("is_past", Wanted::Flag),
        Filter::new("is_future", Wanted::Flag),
        Filter::new("ends_after", Wanted::Moment),
        Filter::new("modified_since", Wanted::Moment),
        Filter::new("search", Wanted::Text),
        Filter::new("date_from_after", Wanted::Moment),
        Filter::new("date_from_before", Wanted::Moment),
        Filter::new("date_to_after", Wanted::Moment),
        Filter::new("date_to_before", Wanted::Moment),
    ];
    const ORDERINGS: &'static [&'static str] = &["date_from", "id", "last_modified"];
    const TELLS_CHANGES: bool = true;
    const IN_USE: &'static str = "The sub-event can not be deleted as it has already been used in orders. Please set \
                                  'active' to false instead to hide it from users.";

    fn loaded(record: &mut Record, around: &Around) {
        record.insert("event".to_owned(), json!(around.event_slug));
    }

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        if before.is_none() && !ground.event().has_subevents {
            faults.add("non_field_errors", "This event is not a series of dates.");
        }
        for (from, until, message) in [
            ("date_from", "date_to", "The event cannot end before it starts."),
            ("presale_start", "presale_end", "The event's presale cannot end before it starts."),
        ] {
            if moment(draft, from).zip(moment(draft, until)).is_some_and(|(from, until)| until < from) {
                faults.add(until, message);
            }
        }
        check_meta(ground, draft, before, faults).await?;
        let overrides = overrides(ground, draft, faults).await?;
        draft.insert("overrides".to_owned(), overrides);
        draft.insert("modified_at".to_owned(), json!(ground.now().to_string()));
        Ok(())
    }

    async fn written(ground: &Ground<'_>, id: i64, draft: &Record, before: Option<&Record>) -> Result<(), ApiError> {
        if before.is_some() {
            replace_overrides(ground.tx, ground.event().id, id, draft).await?;
        }
        Ok(())
    }

    async fn deleted(ground: &Ground<'_>) -> Result<(), ApiError> {
        edit::recount_vouchers_in_carts(ground.lock()).await?;
        Ok(recount(ground.lock(), None).await?)
    }
}

async fn check_meta(
    ground: &Ground<'_>,
    draft: &Record,
    before: Option<&Record>,
    faults: &mut Faults,
) -> Result<(), ApiError> {
    if before.is_some_and(|before| before.get("meta_data") == draft.get("meta_data")) {
        return Ok(());
    }
    let Some(Value::Object(said)) = draft.get("meta_data") else {
        faults.add("meta_data", "Expected an object.");
        return Ok(());
    };
    let properties = crate::event::edit::meta_properties(ground.tx, ground.scope.organizer()).await?;
    for (name, value) in said {
        let found = properties.iter().find(|property| property.name == *name);
        let fits = found.is_some_and(|property| {
            let value = value.as_str();
            value.is_some_and(|value| property.choices.as_ref().is_none_or(|it| it.iter().any(|key| key == value)))
        });
        if !fits {
            faults
                .add("meta_data", format!("Meta data property '{name}' does not exist or does not allow this value."));
        }
    }
    Ok(())
}

/// What the date says differently, as rows: both lists replace what was there.
async fn overrides(ground: &Ground<'_>, draft: &Record, faults: &mut Faults) -> Result<Value, ApiError> {
    let parts = |name: &str| {
        let list = draft.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        list.into_iter().filter_map(|part| part.as_object().cloned()).collect::<Vec<Record>>()
    };
    let items = edit::items_of_variations(ground.tx, ground.event().id).await?;
    let mut rows: Vec<Record> = Vec::new();
    for name in ["item_price_overrides", "variation_price_overrides"] {
        for mut part in parts(name) {
            if let Some(variation) = reference(&part, "variation_id") {
                let item = items.iter().find(|(known, _)| *known == variation).map(|(_, item)| *item);
                part.insert("item_id".to_owned(), json!(item));
            }
            let window = moment(&part, "available_from").zip(moment(&part, "available_until"));
            if window.is_some_and(|(from, until)| until < from) {
                faults.add(name, "available_until must not be before available_from.");
            }
            let says_something = reference(&part, "price").is_some()
                || flag(&part, "disabled")
                || moment(&part, "available_from").is_some()
                || moment(&part, "available_until").is_some();
            let key = |row: &Record| (reference(row, "item_id"), reference(row, "variation_id"));
            if rows.iter().any(|row| key(row) == key(&part)) {
                faults.add(name, "There can be one override for each product.");
            } else if says_something {
                rows.push(part);
            }
        }
    }
    Ok(json!(rows))
}
