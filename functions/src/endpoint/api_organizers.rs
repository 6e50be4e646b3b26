//! Organisers, their settings, sales channels and properties of events in the REST API (spec rest-api 2.1, 2.2, 2.11).

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::api::{
    Around, Caller,
    field::{self, Field, Kind},
    list::{Filter, Page, Wanted},
    read::Faults,
    resource::{self, Ground, Resource},
    segments,
    settings::{self, Group},
};
use crate::{
    ctx::Ctx,
    event::{
        self,
        edit::{
            self, keys,
            sql::{CHANNELS, ORGANIZERS, PROPERTIES},
        },
    },
    http::{self, ApiError},
    port::db::Query,
    record::{self, Record, Table},
    staff::{self, Permission},
};

const SETTINGS: Group = Group {
    keys: keys::ORGANIZER,
    read: Permission::OrganizerRead,
    write: Permission::OrganizerWrite,
    action: "pretix.organizer.settings",
};

/// Answers every route of organisers: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    match (request.method().clone(), segments(&request).get(4).copied()) {
        (_, Some("settings")) => settings::handle(ctx, request, &SETTINGS).await,
        (_, Some("saleschannels")) => resource::handle::<Channels>(ctx, request).await,
        (_, Some("event_meta_properties")) => resource::handle::<Properties>(ctx, request).await,
        (Method::GET, None) if http::path(&request, "organizer").is_err() => list(ctx, request).await,
        (Method::GET, None) => show(ctx, request, Permission::OrganizerRead).await,
        // Nothing that is said here has an effect, but for the right to say it.
        (Method::PATCH, None) => show(ctx, request, Permission::OrganizerWrite).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

const FIELDS: &[Field] = &[
    Field::new("name", Kind::Text(200)).read_only(),
    Field::new("slug", Kind::Text(50)).read_only(),
    Field::new("public_url", Kind::Text(1000)).read_only(),
    Field::new("plugins", Kind::Fixed("[]")).read_only(),
];

fn organizer_json(record: &Record, around: &Around) -> Value {
    let mut record = record.clone();
    let slug = record.get("slug").and_then(Value::as_str).unwrap_or_default();
    let url = format!("{}/{slug}/", around.public_url);
    record.insert("public_url".to_owned(), json!(url));
    field::show(FIELDS, &record, around)
}

/// The organiser of the token: there is no other that it may see.
async fn list(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let credential = staff::authenticate(&request, &*db).await?;
    let page = Page::read(&request)?;
    let scope = staff::Scope::of(&credential);
    let organizer = event::organizer_by_id(&*db, credential.organizer).await?.ok_or(ApiError::Unauthenticated)?;
    let caller = Caller { scope, organizer, event: None };
    let around = caller.around(ctx, &*db, FIELDS, ctx.now()).await?;
    let part = page.part(&request, Record::new(), &["slug", "name"]);
    let (found, total) = record::list(&*db, &ORGANIZERS, scope, &part).await?;
    page.answer(ctx, &request, total, found.iter().map(|record| organizer_json(record, &around)).collect())
}

async fn show(ctx: &'static Ctx, request: Request, permission: Permission) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, permission).await?;
    let around = caller.around(ctx, &*db, FIELDS, ctx.now()).await?;
    let found = record::find(&*db, &ORGANIZERS, caller.scope, caller.scope.id()).await?.ok_or(ApiError::Forbidden)?;
    Ok(http::json(StatusCode::OK, &organizer_json(&found, &around)))
}

/// Sales channels of an organiser, by their identifiers.
pub struct Channels;

impl Resource for Channels {
    const KEY: &'static str = "saleschannel";
    const FIELDS: &'static [Field] = &[
        Field::new("identifier", Kind::Text(200)).required().create_only().like("^api\\.[A-Za-z0-9._-]+$"),
        Field::new("label", Kind::Localized(200)).required(),
        Field::new("type", Kind::Choice(&["api", "web"])).required().create_only(),
        Field::new("position", Kind::Number(0, 1_000_000)),
    ];
    const TABLE: &'static Table = &CHANNELS;
    const READ: Permission = Permission::OrganizerWrite;
    const WRITE: Permission = Permission::OrganizerWrite;
    const LOG: [&'static str; 3] =
        ["pretix.saleschannel.created", "pretix.saleschannel.changed", "pretix.saleschannel.deleted"];
    const FILTERS: &'static [Filter] = &[Filter::new("type", Wanted::Text), Filter::new("identifier", Wanted::Text)];
    const ORDERINGS: &'static [&'static str] = &["position"];
    const IN_USE: &'static str = "This sales channel is in use and cannot be deleted.";

    async fn identify(request: &Request, q: &impl Query, scope: staff::Scope) -> Result<i64, ApiError> {
        let identifier = http::path(request, Self::KEY)?;
        edit::channel_id(q, scope.organizer(), &identifier).await?.ok_or(ApiError::NotFound)
    }

    async fn check(
        _ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let word = |column: &str| draft.get(column).and_then(Value::as_str).unwrap_or_default();
        if before.is_none() && word("type") != "api" {
            faults.add("type", "You can currently only create channels of type 'api' through the API.");
        }
        let name = word("identifier").strip_prefix("api.").unwrap_or_default();
        let is_name = !name.is_empty() && name.chars().all(|it| it.is_ascii_alphanumeric() || "._-".contains(it));
        if before.is_none() && !is_name {
            faults.add("identifier", "Your identifier needs to start with 'api.'.");
        }
        Ok(())
    }

    async fn deleting(ground: &Ground<'_>, _id: i64, record: &Record) -> Result<(), ApiError> {
        let identifier = record.get("identifier").and_then(Value::as_str).unwrap_or_default();
        let is_web = record.get("type").is_some_and(|kind| kind == "web");
        match is_web || edit::channel_in_use(ground.tx, ground.scope.organizer(), identifier).await? {
            true => Err(ApiError::Refused(Self::IN_USE.to_owned())),
            false => Ok(()),
        }
    }

    fn refused(constraint: &str) -> Option<(&'static str, &'static str)> {
        (constraint == "sales_channel_identifier_key").then_some(("identifier", "This identifier is used already."))
    }
}

/// What events say about themselves in words of the organiser.
pub struct Properties;

impl Resource for Properties {
    const KEY: &'static str = "property";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("name", Kind::Text(50)).required(),
        Field::new("default", Kind::Text(1000)),
        Field::new("required", Kind::Flag),
        Field::new("protected", Kind::Flag),
        Field::new("filter_public", Kind::Flag),
        Field::new("public_label", Kind::Localized(200)).null(),
        Field::new("filter_allowed", Kind::Flag).default("true"),
        Field::new("choices", Kind::Json).null(),
    ];
    const TABLE: &'static Table = &PROPERTIES;
    const READ: Permission = Permission::OrganizerWrite;
    const WRITE: Permission = Permission::OrganizerWrite;
    const LOG: [&'static str; 3] = ["pretix.property.created", "pretix.property.changed", "pretix.property.deleted"];

    async fn check(
        _ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let name = draft.get("name").and_then(Value::as_str).unwrap_or_default();
        if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-') {
            faults.add("name", "The property name may only contain letters, numbers and underscores.");
        }
        let choices = draft.get("choices").cloned().unwrap_or_default();
        let is_choice = |choice: &Value| choice["key"].as_str().is_some_and(|key| !key.is_empty());
        if !choices.is_null() && !choices.as_array().is_some_and(|list| list.iter().all(is_choice)) {
            faults.add("choices", "Expected a list of objects with a key and a label.");
        }
        Ok(())
    }

    fn refused(constraint: &str) -> Option<(&'static str, &'static str)> {
        (constraint == "event_meta_property_name_key").then_some(("name", "This name is used already."))
    }
}
