//! Settings of an event or an organiser (spec rest-api 2.1, 14): one value for each key, with what is inherited.

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::{Caller, keep_refusal, list::asks_for, read, respond};
use crate::{
    ctx::Ctx,
    event::edit::{self, Stored},
    http::{self, ApiError},
    idempotency::{Answer, Call},
    port::{db::Tx, lock::EventLock},
    record,
    staff::{self, Permission},
    time::Timestamp,
};

/// Which settings there are and who may change them.
pub struct Group {
    /// Key → what it is if nobody has said anything, as JSON.
    pub keys: &'static [(&'static str, &'static str)],
    /// The right to see them.
    pub read: Permission,
    /// The right to change them.
    pub write: Permission,
    /// What the log calls a change.
    pub action: &'static str,
}

/// Keys that need a right of their own, by how they begin.
const SPECIAL: &[(&str, &str)] = &[
    ("payment_", "event.settings.payment:write"),
    ("tax_", "event.settings.tax:write"),
    ("invoice_", "event.settings.invoicing:write"),
];

/// Answers GET and PATCH.
pub async fn handle(ctx: &'static Ctx, request: Request, group: &Group) -> Result<Response<Body>, ApiError> {
    match *request.method() {
        Method::GET => show(ctx, request, group).await,
        Method::PATCH => change(ctx, request, group).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

fn default_of(text: &str) -> Value {
    serde_json::from_str(text).expect("defaults of settings are declared as JSON")
}

/// What is told; also keys of ways to pay that somebody has set.
fn told(stored: &Stored, group: &Group) -> Map<String, Value> {
    let known = |key: &str| group.keys.iter().any(|(known, _)| *known == key);
    let of_providers =
        stored.inherited.keys().chain(stored.own.keys()).filter(|key| is_of_provider(key) && !known(key));
    let mut told: Map<String, Value> = group
        .keys
        .iter()
        .map(|(key, default)| ((*key).to_owned(), stored.effective(key, &default_of(default))))
        .collect();
    told.extend(of_providers.map(|key| (key.clone(), stored.effective(key, &Value::Null))));
    told
}

fn is_of_provider(key: &str) -> bool {
    key.starts_with("payment_banktransfer_") || key.starts_with("payment_manual_")
}

fn body(stored: &Stored, group: &Group, explains: bool) -> Value {
    let told = told(stored, group);
    if !explains {
        return Value::Object(told);
    }
    let explain = |(key, value): (String, Value)| {
        let label = key.replace('_', " ");
        (key, json!({ "value": value, "label": label, "help_text": null, "readonly": false }))
    };
    Value::Object(told.into_iter().map(explain).collect())
}

async fn show(ctx: &'static Ctx, request: Request, group: &Group) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, group.read).await?;
    let stored = edit::stored_settings(&*db, caller.scope).await?;
    Ok(http::json(StatusCode::OK, &body(&stored, group, asks_for(&request, "explain"))))
}

async fn change(ctx: &'static Ctx, request: Request, group: &Group) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, group.write).await?;
    let rights = staff::authenticate(&request, &*db).await?.permissions;
    let call = Call::by(&request, caller.scope.token())?;
    let now = ctx.now();
    let tx = db.begin().await?;
    let done = once(&tx, &call, &request, (&caller, &rights), group, now).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

async fn once(
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    (caller, rights): (&Caller, &[String]),
    group: &Group,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    if let Some(answer) = call.begin(tx, now).await? {
        return Ok(answer);
    }
    let _lock = match caller.scope.event() {
        Some(event) => Some(EventLock::acquire(tx, event).await?),
        None => {
            record::lock_organizer(tx, caller.scope.organizer()).await?;
            None
        }
    };
    let mut stored = edit::stored_settings(tx, caller.scope).await?;
    let zone = caller.event.as_ref().map_or(jiff::tz::TimeZone::UTC, |event| event.timezone.clone());
    let mut said = read::object(request)?;
    let mut faults = read::Faults::default();
    for (key, value) in &said {
        let known = group.keys.iter().find(|(known, _)| known == key).map(|(_, default)| default_of(default));
        let of_provider = (caller.event.is_some() && is_of_provider(key)).then_some(Value::Null);
        // Unknown keys are ignored, as all unknown fields are.
        let Some(default) = known.or(of_provider) else { continue };
        if !may_change(key, rights) && caller.event.is_some() {
            return Err(ApiError::Refused(format!("You do not have permission to change the setting \"{key}\".")));
        }
        if let Some(text) = edit::setting_fault(key, value, &default, &zone) {
            faults.add(key, text);
        }
        match value {
            Value::Null => drop(stored.own.remove(key)),
            value => drop(stored.own.insert(key.clone(), value.clone())),
        }
    }
    faults.check()?;
    edit::store_settings(tx, caller.scope, stored.own.clone()).await?;
    // What is not known may be another system's secret.
    said.retain(|key, _| group.keys.iter().any(|(known, _)| known == key) || is_of_provider(key));
    let object = if caller.event.is_some() { "event" } else { "organizer" };
    let said = Value::Object(said);
    record::log(tx, caller.scope, (object, caller.scope.id()), group.action, &said, now).await?;
    let answer = Answer { status: 200, body: body(&stored, group, asks_for(request, "explain")) };
    call.end(tx, &answer).await?;
    Ok(answer)
}

fn may_change(key: &str, rights: &[String]) -> bool {
    let special = SPECIAL.iter().find(|(begin, _)| key.starts_with(begin)).map(|(_, right)| *right);
    special.is_none_or(|right| rights.iter().any(|granted| granted == "*" || granted == right))
}
