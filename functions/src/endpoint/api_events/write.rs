//! Creating, copying, changing and deleting events.

use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::{FIELDS, event_json};
use crate::{
    ctx::Ctx,
    endpoint::api::{
        Around, Caller, keep_refusal,
        list::parameter,
        read::{self, Faults, Written},
        respond,
    },
    event::{
        self, Event,
        edit::{self, clone, sql::EVENTS},
        import::event_slug_fault,
    },
    http::{self, ApiError},
    id::EventId,
    idempotency::{Answer, Call},
    money::Currency,
    port::{
        db::{DbError, Tx},
        lock::EventLock,
    },
    record::{self, Record, flag, moment},
    staff::{OrganizerStaff, Permission, Scope, Staff},
};

/// The event that a new one is a copy of.
struct Source {
    scope: Scope,
    event: Event,
}

/// Needs the right to create events; a copy needs the right to change what is copied too.
pub(super) async fn create(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let slug = http::path(&request, "organizer")?;
    let (staff, organizer) = OrganizerStaff::authorise(&request, &*db, &slug, Permission::EventsCreate).await?;
    let named = match http::path(&request, "event") {
        Ok(event) => {
            Staff::authorise(&request, &*db, &slug, &event, Permission::EventsCreate).await?;
            Some(event)
        }
        Err(_) => parameter(&request, "clone_from"),
    };
    let source = match named {
        None => None,
        Some(named) => {
            let (organizer, event) = named.split_once('/').unwrap_or((&slug, &named));
            let found = Staff::authorise(&request, &*db, organizer, event, Permission::EventWrite).await;
            let (staff, event) = found.map_err(|error| match error {
                ApiError::Forbidden => ApiError::Refused("You do not have permission to copy this event.".to_owned()),
                other => other,
            })?;
            Some(Source { scope: staff.scope(), event })
        }
    };
    let caller = Caller { scope: staff.scope(), organizer, event: None };
    let call = Call::by(&request, caller.scope.token())?;
    let around = caller.around(ctx, &*db, FIELDS, ctx.now()).await?;
    let tx = db.begin().await?;
    let done = create_once(&tx, &call, &request, &caller, source.as_ref(), around).await;
    finish(tx.finish(done).await, &mut db, &call, ctx).await
}

async fn finish(
    done: Result<Answer, ApiError>,
    db: &mut crate::port::db::Db,
    call: &Call,
    ctx: &Ctx,
) -> Result<Response<Body>, ApiError> {
    Ok(respond(&keep_refusal(db, call, done, ctx.now()).await?))
}

async fn create_once(
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    caller: &Caller,
    source: Option<&Source>,
    mut around: Around,
) -> Result<Answer, ApiError> {
    if let Some(answer) = call.begin(tx, around.now).await? {
        return Ok(answer);
    }
    let mut body = read::object(request)?;
    if let Some(source) = source {
        inherit(tx, &mut body, source).await?;
    }
    if let Some(zone) = body.get("timezone").and_then(Value::as_str).and_then(zone_of) {
        around.zone = zone;
    }
    let Written { mut record, mut faults, .. } = read::read(FIELDS, &body, None, true, &around);
    if flag(&record, "live") {
        let text = "Events cannot be created as 'live'. Quotas and payment must be added before sales can go live.";
        faults.add("live", text);
    }
    let slug = text(&record, "slug").to_owned();
    if let Some(fault) = event_slug_fault(&slug).filter(|_| !slug.is_empty()) {
        faults.add("slug", fault);
    }
    check(tx, caller, &record, None, &mut faults).await?;
    faults.check()?;
    if let Some(source) = source {
        let stored = edit::stored_settings(tx, source.scope).await?;
        record.insert("settings".to_owned(), Value::Object(stored.own));
    }
    record.insert("now".to_owned(), around.now.to_string().into());
    let inserted = record::insert(tx, &EVENTS, caller.scope, &record).await;
    let id = EventId(inserted.map_err(refusal)?);
    edit::join_team(tx, caller.scope.token(), id).await?;
    let new = caller.scope.within(id);
    if let Some(source) = source {
        clone::catalogue(tx, source.scope, new).await?;
    }
    record::log(tx, new, ("event", id.0), "pretix.event.added", &Value::Object(body), around.now).await?;
    let answer = Answer { status: 201, body: told(tx, caller, new, &around).await? };
    call.end(tx, &answer).await?;
    Ok(answer)
}

/// What a copy does not say is as it was.
async fn inherit(tx: &Tx<'_>, body: &mut Map<String, Value>, source: &Source) -> Result<(), ApiError> {
    let before = record::find(tx, &EVENTS, source.scope, source.scope.id()).await?.ok_or(ApiError::NotFound)?;
    let kept = [
        "currency",
        "timezone",
        "is_public",
        "testmode",
        "location",
        "geo_lat",
        "geo_lon",
        "has_subevents",
        "meta_data",
        "all_sales_channels",
        "limit_sales_channels",
    ];
    let says_channels =
        ["sales_channels", "all_sales_channels", "limit_sales_channels"].iter().any(|it| body.contains_key(*it));
    for name in kept.iter().filter(|name| !says_channels || !name.ends_with("sales_channels")) {
        let value = before.get(*name).cloned().unwrap_or_default();
        body.entry(*name).or_insert(value);
    }
    if body.get("currency").is_some_and(|wanted| Some(wanted) != before.get("currency")) {
        return Err(ApiError::field("currency", "A copy has the currency of the original."));
    }
    let is_series = body.get("has_subevents").and_then(read::read_flag);
    if is_series.is_some_and(|wanted| wanted != source.event.has_subevents) {
        return Err(ApiError::field("has_subevents", "A copy is a series if and only if the original is."));
    }
    Ok(())
}

fn zone_of(name: &str) -> Option<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(name).ok()
}

fn text<'a>(record: &'a Record, column: &str) -> &'a str {
    record.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// What an event says must make sense (spec domain 1.3).
async fn check(
    tx: &Tx<'_>,
    caller: &Caller,
    record: &Record,
    before: Option<&Record>,
    faults: &mut Faults,
) -> Result<(), DbError> {
    for (from, until, message) in [
        ("date_from", "date_to", "The event cannot end before it starts."),
        ("presale_start", "presale_end", "The event's presale cannot end before it starts."),
    ] {
        if moment(record, from).zip(moment(record, until)).is_some_and(|(from, until)| until < from) {
            faults.add(until, message);
        }
    }
    if Currency::parse(text(record, "currency")).is_err() {
        faults.add("currency", "A currency is three capital letters, such as EUR.");
    }
    if zone_of(text(record, "timezone")).is_none() {
        faults.add("timezone", "This is not a time zone.");
    }
    let said = record.get("meta_data").cloned().unwrap_or_default();
    let Value::Object(said) = said else {
        faults.add("meta_data", "Expected an object.");
        return Ok(());
    };
    if before.is_some_and(|before| before.get("meta_data") == record.get("meta_data")) {
        return Ok(());
    }
    let properties = edit::meta_properties(tx, caller.organizer.id).await?;
    for (name, value) in &said {
        let Some(property) = properties.iter().find(|property| property.name == *name) else {
            faults.add("meta_data", format!("Meta data property '{name}' does not exist."));
            continue;
        };
        let fits = |value: &str| {
            property.choices.as_ref().is_none_or(|it| value.is_empty() || it.iter().any(|key| key == value))
        };
        if value.as_str().is_none_or(|value| !fits(value)) {
            faults.add("meta_data", format!("Meta data property '{name}' does not allow this value."));
        }
    }
    Ok(())
}

fn refusal(error: DbError) -> ApiError {
    match error.constraint() {
        Some("event_slug_key") => ApiError::field("slug", "This slug has already been used for a different event."),
        Some("event_slug_form") => ApiError::field("slug", "This is no part of an address."),
        _ => error.into(),
    }
}

async fn told(tx: &Tx<'_>, caller: &Caller, scope: Scope, around: &Around) -> Result<Value, ApiError> {
    let found = record::find(tx, &EVENTS, scope, scope.id()).await?.ok_or(ApiError::NotFound)?;
    let properties = edit::meta_properties(tx, caller.organizer.id).await?;
    Ok(event_json(&found, &properties, around))
}

pub(super) async fn change(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::EventWrite).await?;
    let call = Call::by(&request, caller.scope.token())?;
    let around = caller.around(ctx, &*db, FIELDS, ctx.now()).await?;
    let tx = db.begin().await?;
    let done = change_once(&tx, &call, &request, &caller, around).await;
    finish(tx.finish(done).await, &mut db, &call, ctx).await
}

async fn change_once(
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    caller: &Caller,
    around: Around,
) -> Result<Answer, ApiError> {
    if let Some(answer) = call.begin(tx, around.now).await? {
        return Ok(answer);
    }
    let scope = caller.scope;
    let event = caller.event.as_ref().ok_or(ApiError::Forbidden)?;
    // Whether an event is open is decided on what it sells, which nobody changes meanwhile.
    let _lock = EventLock::acquire(tx, event.id).await?;
    let before = record::find(tx, &EVENTS, scope, scope.id()).await?.ok_or(ApiError::Forbidden)?;
    let body = read::object(request)?;
    let whole = *request.method() == ::http::Method::PUT;
    let Written { record, mut faults, .. } = read::read(FIELDS, &body, Some(&before), whole, &around);
    check(tx, caller, &record, Some(&before), &mut faults).await?;
    let ready = edit::readiness(tx, event.id).await?;
    if text(&record, "currency") != text(&before, "currency") && (ready.has_item || ready.has_order) {
        faults.add("currency", "The currency cannot be changed once there are products.");
    }
    let opens = flag(&record, "live") && !flag(&before, "live");
    if opens {
        let settings = event::by_id(tx, event.id).await?.ok_or(ApiError::Forbidden)?.settings;
        let free_only = text(&record, "currency") == "XXX";
        if !ready.has_quota {
            faults.add("live", "You need to configure at least one quota to sell anything.");
        }
        if ready.is_paid && (!settings.takes_payments() || free_only) {
            faults
                .add("live", "You have configured at least one paid product but have not enabled any payment methods.");
        }
        for name in &ready.missing_meta {
            faults.add("live", format!("You need to fill the meta parameter \"{name}\"."));
        }
    }
    faults.check()?;
    record::update(tx, &EVENTS, scope, scope.id(), &record).await.map_err(refusal)?;
    let mut actions = vec!["pretix.event.changed"];
    for (field, on, off) in [
        ("live", "pretix.event.live.activated", "pretix.event.live.deactivated"),
        ("testmode", "pretix.event.testmode.activated", "pretix.event.testmode.deactivated"),
    ] {
        match (flag(&before, field), flag(&record, field)) {
            (false, true) => actions.push(on),
            (true, false) => actions.push(off),
            _ => {}
        }
    }
    let said = Value::Object(body);
    for action in actions {
        record::log(tx, scope, ("event", scope.id()), action, &said, around.now).await?;
    }
    let answer = Answer { status: 200, body: told(tx, caller, scope, &around).await? };
    call.end(tx, &answer).await?;
    Ok(answer)
}

/// Only an event that nobody has ordered at goes, with everything in it.
pub(super) async fn delete(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::EventWrite).await?;
    let call = Call::by(&request, caller.scope.token())?;
    let now = ctx.now();
    let tx = db.begin().await?;
    let done = async {
        if let Some(answer) = call.begin(&tx, now).await? {
            return Ok(answer);
        }
        let scope = caller.scope;
        let _lock = EventLock::acquire(&tx, EventId(scope.id())).await?;
        let refused = || {
            ApiError::Refused(
                "The event can not be deleted as it already contains orders. Please set 'live' to false instead."
                    .to_owned(),
            )
        };
        if edit::readiness(&tx, EventId(scope.id())).await?.has_order {
            return Err(refused());
        }
        record::delete(&tx, &EVENTS, scope, scope.id()).await.map_err(|error| match error {
            DbError::Constraint { .. } => refused(),
            other => other.into(),
        })?;
        let slug = json!({ "slug": caller.event.as_ref().map(|event| event.slug.clone()) });
        record::log(&tx, scope.of_organizer(), ("event", scope.id()), "pretix.event.deleted", &slug, now).await?;
        let answer = Answer { status: 204, body: Value::Null };
        call.end(&tx, &answer).await?;
        Ok(answer)
    };
    let done = done.await;
    finish(tx.finish(done).await, &mut db, &call, ctx).await
}
