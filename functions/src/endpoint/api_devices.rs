//! Devices in the REST API: as staff manages them (spec rest-api 2.4) and as they speak for themselves (spec rest-api 1).

use ::http::{Method, StatusCode};
use jiff::tz::TimeZone;
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::api::{
    field::{Field, Kind},
    list::parameter,
    number, read,
    read::Faults,
    resource::{self, Ground, Resource},
    segments,
};
use crate::{
    ctx::Ctx,
    device::{
        self, InitializeError,
        selection::{self, Choice, Current},
        sql::{self, DEVICES},
    },
    http::{self, ApiError},
    port::db::{DbError, Query},
    record::{Record, Table, flag},
    staff::{self, Permission, Scope, edit},
    time::Timestamp,
};

/// Answers every route of devices: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let path = segments(&request);
    if path.get(2) != Some(&"device") {
        return match *request.method() {
            Method::PUT | Method::DELETE => Err(ApiError::MethodNotAllowed),
            Method::POST | Method::PATCH => {
                stay_within_reach(ctx, &request).await?;
                resource::handle::<Devices>(ctx, request).await
            }
            _ => resource::handle::<Devices>(ctx, request).await,
        };
    }
    match (request.method(), path.get(3).copied().unwrap_or_default()) {
        (&Method::POST, "initialize") => initialize(ctx, request).await,
        (&Method::POST, action @ ("update" | "roll" | "revoke")) => {
            let action = action.to_owned();
            act(ctx, request, &action).await
        }
        (&Method::GET, "info") => info(ctx, request).await,
        (&Method::GET, "eventselection") => select(ctx, request).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

/// Whoever may see some events lets devices into these, and changes no device that sees others.
async fn stay_within_reach(ctx: &Ctx, request: &Request) -> Result<(), ApiError> {
    let db = ctx.db().await?;
    let credential = staff::authenticate(request, &*db).await?;
    let Ok(body) = read::object(request) else { return Ok(()) };
    if credential.all_events {
        return Ok(());
    }
    let list = body.get("limit_events").and_then(Value::as_array);
    let slugs: Vec<String> = list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let wants_all = body.get("all_events").is_some_and(|said| read::read_flag(said) == Some(true));
    let device = number(request, Devices::KEY).ok();
    match wants_all || sql::reaches_further(&*db, &credential, &slugs, device).await? {
        true => Err(ApiError::Forbidden),
        false => Ok(()),
    }
}

/// Devices of an organiser.
pub struct Devices;

const fn told(name: &'static str) -> Field {
    Field::new(name, Kind::Text(190)).null().read_only()
}

impl Resource for Devices {
    const KEY: &'static str = "device";
    const FIELDS: &'static [Field] = &[
        Field::new("device_id", Kind::Number(1, i32::MAX as i64)).read_only(),
        told("unique_serial"),
        told("initialization_token"),
        Field::new("all_events", Kind::Flag),
        Field::new("limit_events", Kind::Words(50)),
        Field::new("revoked", Kind::Flag),
        Field::new("name", Kind::Text(190)).required(),
        Field::new("created", Kind::Moment).column("created_at").read_only(),
        Field::new("initialized", Kind::Moment).column("initialized_at").null().read_only(),
        told("hardware_brand"),
        told("hardware_model"),
        told("os_name"),
        told("os_version"),
        told("software_brand"),
        told("software_version"),
        Field::new(
            "security_profile",
            Kind::Choice(&["full", "pretixscan", "pretixscan_online_noorders", "pretixscan_online_kiosk"]),
        ),
        Field::new("gate", Kind::Fixed("null")),
    ];
    const TABLE: &'static Table = &DEVICES;
    const READ: Permission = Permission::DevicesRead;
    const WRITE: Permission = Permission::DevicesWrite;
    const LOG: [&'static str; 3] = ["pretix.device.created", "pretix.device.changed", "pretix.device.deleted"];
    const ORDERINGS: &'static [&'static str] = &["device_id"];

    async fn identify(request: &Request, q: &impl Query, scope: Scope) -> Result<i64, ApiError> {
        let number = number(request, Self::KEY)?;
        sql::by_number(q, scope.organizer().0, number).await?.ok_or(ApiError::NotFound)
    }

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let list = draft.get("limit_events").and_then(Value::as_array);
        let slugs: Vec<String> = list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        if flag(draft, "all_events") && !slugs.is_empty() {
            faults.add("non_field_errors", "Do not set both limit_events and all_events.");
        }
        if let Some(slug) = edit::unknown_event(ground.tx, ground.scope.organizer(), &slugs).await? {
            faults.add("limit_events", format!("There is no event \"{slug}\"."));
        }
        // Not in the spec's API, where only pages of staff can do it: a lost device must not come in again (domain 18.7).
        let was_revoked = before.is_some_and(|before| flag(before, "revoked"));
        if (before.is_none() && flag(draft, "revoked")) || (was_revoked && !flag(draft, "revoked")) {
            faults.add("revoked", "A device is revoked once and for all, and not when it is made.");
        }
        if before.is_none() {
            let codes = ground.ctx.codes();
            draft.insert("unique_serial".to_owned(), json!(codes.url_secret().to_ascii_uppercase()));
            draft.insert("initialization_token".to_owned(), json!(codes.url_secret()));
            draft.insert("created_at".to_owned(), json!(ground.now().to_string()));
        }
        Ok(())
    }

    /// The code is for those who may add devices.
    async fn complete(
        q: &impl Query,
        request: &Request,
        _scope: Scope,
        told: &mut [Value],
        _now: Timestamp,
    ) -> Result<(), DbError> {
        let may_see = match staff::authenticate(request, q).await {
            Ok(credential) => credential.grants(Permission::DevicesWrite),
            Err(_) => false,
        };
        if !may_see {
            told.iter_mut().for_each(|device| device["initialization_token"] = Value::Null);
        }
        Ok(())
    }
}

/// What a device says about itself: field, longest text, whether it must.
const SAID: [(&str, usize, bool); 7] = [
    ("hardware_brand", 190, true),
    ("hardware_model", 190, true),
    ("os_name", 190, false),
    ("os_version", 190, false),
    ("software_brand", 190, true),
    ("software_version", 190, true),
    ("rsa_pubkey", 10_000, false),
];

fn said(body: &Map<String, Value>, faults: &mut Faults) -> Value {
    let mut said = Map::new();
    for (name, most, required) in SAID {
        match body.get(name).unwrap_or(&Value::Null) {
            Value::String(text) if text.chars().count() > most => {
                faults.add(name, format!("Ensure this field has no more than {most} characters."));
            }
            Value::String(text) if !text.trim().is_empty() => drop(said.insert(name.to_owned(), json!(text))),
            Value::Null | Value::String(_) if required => faults.add(name, "This field is required."),
            Value::Null | Value::String(_) => {}
            _ => faults.add(name, "Not a valid string."),
        }
    }
    said.insert("info".to_owned(), body.get("info").cloned().unwrap_or(Value::Null));
    Value::Object(said)
}

async fn initialize(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let body = read::object(&request)?;
    let mut faults = Faults::default();
    let said = said(&body, &mut faults);
    let code = body.get("token").and_then(Value::as_str).unwrap_or_default();
    if code.is_empty() {
        faults.add("token", "This field is required.");
    }
    faults.check()?;
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let mut random = rand::make_rng::<rand::rngs::StdRng>();
    let done = device::initialize(&tx, code, &said, ctx.now(), &mut random).await;
    let body = tx.finish(done).await.map_err(|error| match error {
        InitializeError::Db(error) => error.into(),
        refused => ApiError::field("token", refused.to_string()),
    })?;
    Ok(http::json(StatusCode::OK, &body))
}

/// The device that asks.
async fn asking(request: &Request, q: &impl Query) -> Result<i64, ApiError> {
    staff::device(request, q).await?.device.map(|(id, _)| id).ok_or(ApiError::Unauthenticated)
}

async fn act(ctx: &'static Ctx, request: Request, action: &str) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let id = asking(&request, &*db).await?;
    let body = read::object(&request)?;
    let mut faults = Faults::default();
    let said = said(&body, &mut faults);
    if action == "update" {
        if said.get("rsa_pubkey").is_some() && device::has_key(&*db, id).await? {
            faults.add("rsa_pubkey", "The key of this device cannot be changed.");
        }
        faults.check()?;
    }
    let tx = db.begin().await?;
    let done = async {
        match action {
            "update" => device::update(&tx, id, &said).await,
            "roll" => device::roll(&tx, id, &mut rand::make_rng::<rand::rngs::StdRng>()).await,
            _ => {
                device::revoke(&tx, id).await?;
                device::told(&tx, id, None).await
            }
        }
    };
    let done = done.await;
    Ok(http::json(StatusCode::OK, &tx.finish(done).await?))
}

async fn info(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let id = asking(&request, &*db).await?;
    let body = json!({
        "device": device::told(&*db, id, None).await?,
        "server": { "version": super::api_version::told() },
        "medium_key_sets": [],
    });
    Ok(http::json(StatusCode::OK, &body))
}

async fn select(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let id = asking(&request, &*db).await?;
    let id_of = |name: &str| parameter(&request, name).and_then(|text| text.parse().ok());
    let current = Current {
        event: parameter(&request, "current_event"),
        subevent: id_of("current_subevent"),
        list: id_of("current_checkinlist"),
    };
    let rows = sql::selectable(&*db, id).await?;
    let (mut choices, mut names, mut zone) = (Vec::new(), Vec::new(), TimeZone::UTC);
    for row in &rows {
        choices.push(Choice {
            event: row.get("slug")?,
            subevent: row.get("subevent_id")?,
            begins: row.get("begins")?,
            ends: row.get("ends")?,
            lists: row.get("lists")?,
        });
        names.push(row.get::<Value>("name")?);
        zone = TimeZone::get(row.get("timezone")?).unwrap_or(zone);
    }
    let chosen = selection::choose(&choices, &current, ctx.now(), &zone).ok_or(ApiError::NotFound)?;
    let list = selection::list(chosen, &current);
    let is_shown = current.event.as_deref() == Some(chosen.event.as_str()) && current.subevent == chosen.subevent;
    if is_shown && list == current.list {
        return Ok(http::respond(StatusCode::NOT_MODIFIED, "application/json", Body::Empty));
    }
    let name = choices.iter().position(|choice| choice == chosen).map(|place| names[place].clone());
    let body = json!({
        "event": { "slug": chosen.event, "name": name },
        "subevent": chosen.subevent,
        "checkinlist": list,
    });
    Ok(http::json(StatusCode::OK, &body))
}
