//! Events in the REST API: list, create, copy, change, delete, settings (spec rest-api 3, 14; domain 1.3).

mod write;

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::{Value, json};

use super::api::{
    Around, Caller,
    field::{self, Field, Kind},
    list::{Filter, Page, Wanted, read_filters},
    segments,
    settings::{self, Group},
};
use crate::{
    ctx::Ctx,
    event::edit::{self, MetaProperty, keys, sql::EVENTS},
    http::{self, ApiError},
    record::{self, Record},
    staff::{OrganizerStaff, Permission},
};

const SETTINGS: Group = Group {
    keys: keys::EVENT,
    read: Permission::EventRead,
    write: Permission::EventWrite,
    action: "pretix.event.settings",
};

/// Answers every route of events: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let one = http::path(&request, "event").is_ok();
    match (request.method().clone(), one, segments(&request).get(6).copied()) {
        (_, true, Some("settings")) => settings::handle(ctx, request, &SETTINGS).await,
        (Method::POST, true, Some("clone")) | (Method::POST, false, _) => write::create(ctx, request).await,
        (Method::GET, false, _) => list(ctx, request).await,
        (Method::GET, true, None) => show(ctx, request).await,
        (Method::PATCH | Method::PUT, true, None) => write::change(ctx, request).await,
        (Method::DELETE, true, None) => write::delete(ctx, request).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

/// What can be said about an event.
pub const FIELDS: &[Field] = &[
    Field::new("name", Kind::Localized(200)).required(),
    Field::new("slug", Kind::Text(50)).required().create_only().like("^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,48}[a-zA-Z0-9])?$"),
    Field::new("live", Kind::Flag),
    Field::new("testmode", Kind::Flag),
    Field::new("currency", Kind::Text(3)).default("\"EUR\"").like("^[A-Z]{3}$"),
    Field::new("date_from", Kind::Moment).required(),
    Field::new("date_to", Kind::Moment).null(),
    Field::new("date_admission", Kind::Moment).null(),
    Field::new("is_public", Kind::Flag).default("true"),
    Field::new("presale_start", Kind::Moment).null(),
    Field::new("presale_end", Kind::Moment).null(),
    Field::new("location", Kind::Localized(1000)).null(),
    Field::new("geo_lat", Kind::Degrees).null(),
    Field::new("geo_lon", Kind::Degrees).null(),
    Field::new("has_subevents", Kind::Flag).create_only(),
    Field::new("meta_data", Kind::Json),
    Field::new("seating_plan", Kind::Fixed("null")),
    Field::new("seat_category_mapping", Kind::Fixed("{}")),
    // Which modules the reference had loaded says nothing here.
    Field::new("plugins", Kind::Fixed("[]")).read_only(),
    Field::new("timezone", Kind::Text(100)).default("\"UTC\""),
    Field::new("item_meta_properties", Kind::Fixed("{}")),
    Field::new("valid_keys", Kind::Fixed(r#"{"pretix_sig1": []}"#)).read_only(),
    Field::new("all_sales_channels", Kind::Flag).default("true"),
    Field::new("limit_sales_channels", Kind::Words(200)),
    Field::new("sales_channels", Kind::Channels),
    Field::new("public_url", Kind::Text(1000)).read_only(),
];

/// Parameters of the list of events.
pub const FILTERS: &[Filter] = &[
    Filter::new("is_public", Wanted::Flag),
    Filter::new("live", Wanted::Flag),
    Filter::new("has_subevents", Wanted::Flag),
    Filter::new("testmode", Wanted::Flag),
    Filter::new("is_past", Wanted::Flag),
    Filter::new("is_future", Wanted::Flag),
    Filter::new("ends_after", Wanted::Moment),
    Filter::new("sales_channel", Wanted::Text),
    Filter::new("search", Wanted::Text),
    Filter::new("date_from_after", Wanted::Moment),
    Filter::new("date_from_before", Wanted::Moment),
    Filter::new("date_to_after", Wanted::Moment),
    Filter::new("date_to_before", Wanted::Moment),
];

/// An event as it is told, with the properties that it says nothing about.
fn event_json(record: &Record, properties: &[MetaProperty], around: &Around) -> Value {
    let mut record = record.clone();
    let slug = record.get("slug").and_then(Value::as_str).unwrap_or_default();
    let url = format!("{}/{}/{slug}/", around.public_url, around.organizer_slug);
    record.insert("public_url".to_owned(), json!(url));
    let said = record.get("meta_data").cloned().unwrap_or_default();
    let meta = properties.iter().map(|it| (it.name.clone(), said.get(&it.name).cloned().unwrap_or(json!(it.default))));
    record.insert("meta_data".to_owned(), Value::Object(meta.collect()));
    field::show(FIELDS, &record, around)
}

/// The events of the organiser that the team works on.
async fn list(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let slug = http::path(&request, "organizer")?;
    let (staff, organizer) = OrganizerStaff::authorise(&request, &*db, &slug, Permission::OrganizerRead).await?;
    let caller = Caller { scope: staff.scope(), organizer, event: None };
    let around = caller.around(ctx, &*db, FIELDS, ctx.now()).await?;
    let page = Page::read(&request)?;
    let mut filter = read_filters(&request, FILTERS, &around)?;
    filter.insert("now".to_owned(), around.now.to_string().into());
    let credential = staff.credential();
    if !credential.all_events || !credential.grants(Permission::EventRead) {
        let sees = if credential.grants(Permission::EventRead) { credential.events.as_slice() } else { &[] };
        filter.insert("events".to_owned(), json!(sees));
    }
    if let Some(attributes) = attributes(&request) {
        filter.insert("attr".to_owned(), attributes);
    }
    let part = page.part(&request, filter, &["slug", "date_from"]);
    let (found, total) = record::list(&*db, &EVENTS, caller.scope, &part).await?;
    let properties = edit::meta_properties(&*db, caller.organizer.id).await?;
    let told = found.iter().map(|record| event_json(record, &properties, &around)).collect();
    page.answer(ctx, &request, total, told)
}

/// `attr[property]=value`.
fn attributes(request: &Request) -> Option<Value> {
    let parameters = request.query_string_parameters_ref()?;
    let named = parameters.iter().filter_map(|(name, value)| {
        let property = name.strip_prefix("attr[")?.strip_suffix(']')?;
        Some((property.replace('\0', ""), json!(value.replace('\0', ""))))
    });
    let wanted: serde_json::Map<String, Value> = named.collect();
    (!wanted.is_empty()).then_some(Value::Object(wanted))
}

async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::EventRead).await?;
    let around = caller.around(ctx, &*db, FIELDS, ctx.now()).await?;
    let found = record::find(&*db, &EVENTS, caller.scope, caller.scope.id()).await?.ok_or(ApiError::Forbidden)?;
    let properties = edit::meta_properties(&*db, caller.organizer.id).await?;
    Ok(http::json(StatusCode::OK, &event_json(&found, &properties, &around)))
}
