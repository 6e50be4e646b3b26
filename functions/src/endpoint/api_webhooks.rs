//! Webhooks in the REST API (spec rest-api 2.5), and what the reference has only on its pages: their deliveries, making
//! them once more, and secrets.

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::{Map, Value, json};

use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    id::{DeliveryId, WebhookId},
    outbox::{Message, Outgoing},
    port::callout::Guard,
    staff::{OrganizerStaff, Permission},
    time::Timestamp,
    webhook::{self, Call, Delivery, DeliveryState, Draft, SaveError, Webhook},
};

/// Answers every route of webhooks: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let organizer = http::path(&request, "organizer")?;
    let (staff, _) = OrganizerStaff::authorise(&request, &*db, &organizer, Permission::OrganizerWrite).await?;
    drop(db);
    let Ok(webhook) = number(&request, "webhook") else { return all(ctx, &staff, &request).await };
    let webhook = find(ctx, &staff, WebhookId(webhook.ok_or(ApiError::NotFound)?)).await?;
    let delivery =
        number(&request, "delivery").ok().map(|id| id.map(DeliveryId).ok_or(ApiError::NotFound)).transpose()?;
    let path = request.raw_http_path();
    match (request.method(), delivery, last_word(path)) {
        (&Method::GET, None, "deliveries") => deliveries(ctx, &staff, &webhook, &request).await,
        (&Method::POST, None, "replay") => replay_range(ctx, &staff, &webhook, &request).await,
        (&Method::POST, None, "rotate_secret") => rotate_secret(ctx, &staff, &webhook).await,
        (&Method::GET, None, _) => Ok(http::json(StatusCode::OK, &webhook_json(ctx, &webhook))),
        (&Method::PUT | &Method::PATCH, None, _) => change(ctx, &staff, webhook, &request).await,
        (&Method::DELETE, None, _) => disable(ctx, &staff, webhook).await,
        (&Method::GET, Some(delivery), _) => delivery_show(ctx, &staff, &webhook, delivery).await,
        (&Method::POST, Some(delivery), "replay") => replay_one(ctx, &staff, &webhook, delivery).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

async fn all(ctx: &Ctx, staff: &OrganizerStaff, request: &Request) -> Result<Response<Body>, ApiError> {
    match *request.method() {
        Method::GET => list(ctx, staff, request).await,
        Method::POST => create(ctx, staff, request).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

/// A number in the path: not there, or there and `None` if it is none.
fn number(request: &Request, name: &str) -> Result<Option<i64>, ApiError> {
    Ok(http::path(request, name)?.parse().ok())
}

/// `…/webhooks/7/replay/` → `replay`
fn last_word(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

async fn find(ctx: &Ctx, staff: &OrganizerStaff, webhook: WebhookId) -> Result<Webhook, ApiError> {
    webhook::find(&*ctx.db().await?, staff, webhook).await?.ok_or(ApiError::NotFound)
}

impl From<SaveError> for ApiError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Refused(fields) => Self::Invalid(fields),
            SaveError::Db(error) => error.into(),
        }
    }
}

// --- lists ---

/// Default and largest page (spec rest-api 0.2).
const PAGE_SIZE_MAX: i64 = 50;

/// The part of a list that is asked for.
struct Page {
    number: i64,
    size: i64,
}

impl Page {
    fn read(request: &Request) -> Result<Self, ApiError> {
        let number = |name: &str, default: i64| match parameter(request, name) {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|number| *number >= 1).ok_or(ApiError::InvalidPage),
        };
        Ok(Self { number: number("page", 1)?, size: number("page_size", PAGE_SIZE_MAX)?.min(PAGE_SIZE_MAX) })
    }

    fn offset(&self) -> i64 {
        (self.number - 1).saturating_mul(self.size)
    }

    /// The list's envelope; its links keep the filter.
    fn answer(
        &self,
        ctx: &Ctx,
        request: &Request,
        filter: &str,
        count: i64,
        results: Vec<Value>,
    ) -> Result<Response<Body>, ApiError> {
        if self.number > 1 && self.offset() >= count {
            return Err(ApiError::InvalidPage);
        }
        let address = |page: i64| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            if let Some(value) = parameter(request, filter) {
                query.append_pair(filter, &value);
            }
            query.append_pair("page_size", &self.size.to_string()).append_pair("page", &page.to_string());
            format!("{}{}?{}", ctx.config().public_url, request.raw_http_path(), query.finish())
        };
        let body = json!({
            "count": count,
            "next": (self.offset() + self.size < count).then(|| address(self.number + 1)),
            "previous": (self.number > 1).then(|| address(self.number - 1)),
            "results": results,
        });
        Ok(http::json(StatusCode::OK, &body))
    }
}

/// A parameter that is not empty.
fn parameter(request: &Request, name: &str) -> Option<String> {
    http::query(request, name).filter(|value| !value.is_empty())
}

async fn list(ctx: &Ctx, staff: &OrganizerStaff, request: &Request) -> Result<Response<Body>, ApiError> {
    let page = Page::read(request)?;
    let enabled = parameter(request, "enabled").map(|value| {
        value.to_ascii_lowercase().parse().map_err(|_| ApiError::field("enabled", "Allowed are true and false."))
    });
    let db = ctx.db().await?;
    let (found, count) = webhook::list(&*db, staff, enabled.transpose()?, page.offset(), page.size).await?;
    page.answer(ctx, request, "enabled", count, found.iter().map(|webhook| webhook_json(ctx, webhook)).collect())
}

async fn deliveries(
    ctx: &Ctx,
    staff: &OrganizerStaff,
    webhook: &Webhook,
    request: &Request,
) -> Result<Response<Body>, ApiError> {
    let page = Page::read(request)?;
    let state = parameter(request, "state").map(|name| {
        let words = || DeliveryState::ALL.map(DeliveryState::name).join(", ");
        DeliveryState::parse(&name).map_err(|_| ApiError::field("state", format!("Allowed are {}.", words())))
    });
    let db = ctx.db().await?;
    let state = state.transpose()?;
    let (found, count) = webhook::deliveries(&*db, staff, webhook.id, state, page.offset(), page.size).await?;
    page.answer(ctx, request, "state", count, found.iter().map(delivery_json).collect())
}

// --- saving ---

/// Adds a webhook; the answer has its secret, which is not shown again.
async fn create(ctx: &Ctx, staff: &OrganizerStaff, request: &Request) -> Result<Response<Body>, ApiError> {
    let empty = Draft {
        enabled: true,
        target_url: String::new(),
        all_events: false,
        limit_events: Vec::new(),
        action_types: Vec::new(),
        comment: None,
    };
    let draft = Fields::read(request)?.over(empty, &["target_url", "action_types"])?;
    webhook::check_target(&draft.target_url, &guard(ctx)).await?;
    let (nonce, now) = (ctx.codes().webhook_nonce(), ctx.now());
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let created = webhook::create(&tx, staff, &draft, &nonce, now).await;
    let id = tx.finish(created).await?;
    drop(db);
    let webhook = find(ctx, staff, id).await?;
    Ok(http::json(StatusCode::CREATED, &with_secret(ctx, &webhook)))
}

/// PUT says everything anew; PATCH says what changes.
async fn change(
    ctx: &Ctx,
    staff: &OrganizerStaff,
    webhook: Webhook,
    request: &Request,
) -> Result<Response<Body>, ApiError> {
    let needed: &[&str] = if request.method() == Method::PUT { &["target_url", "action_types"] } else { &[] };
    let draft = Fields::read(request)?.over(webhook.draft.clone(), needed)?;
    if draft.target_url != webhook.draft.target_url {
        webhook::check_target(&draft.target_url, &guard(ctx)).await?;
    }
    save(ctx, staff, webhook.id, &draft).await?;
    let webhook = find(ctx, staff, webhook.id).await?;
    Ok(http::json(StatusCode::OK, &webhook_json(ctx, &webhook)))
}

/// Deleting only switches off, as clients of the reference know it: what was told stays to be looked at.
async fn disable(ctx: &Ctx, staff: &OrganizerStaff, webhook: Webhook) -> Result<Response<Body>, ApiError> {
    save(ctx, staff, webhook.id, &Draft { enabled: false, ..webhook.draft }).await?;
    Ok(http::respond(StatusCode::NO_CONTENT, "application/json", Body::Empty))
}

async fn save(ctx: &Ctx, staff: &OrganizerStaff, webhook: WebhookId, draft: &Draft) -> Result<(), ApiError> {
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let saved = webhook::update(&tx, staff, webhook, draft).await;
    Ok(tx.finish(saved).await?)
}

/// A new secret; the old one signs beside it for a day.
async fn rotate_secret(ctx: &Ctx, staff: &OrganizerStaff, webhook: &Webhook) -> Result<Response<Body>, ApiError> {
    let (nonce, now) = (ctx.codes().webhook_nonce(), ctx.now());
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let rotated = webhook::rotate_secret(&tx, staff, webhook.id, &nonce, now).await;
    tx.finish(rotated).await?;
    drop(db);
    let webhook = find(ctx, staff, webhook.id).await?;
    Ok(http::json(StatusCode::OK, &with_secret(ctx, &webhook)))
}

fn guard(ctx: &Ctx) -> Guard<'_> {
    Guard::new(&ctx.config().webhook_private_addresses)
}

// --- deliveries ---

async fn delivery_show(
    ctx: &Ctx,
    staff: &OrganizerStaff,
    webhook: &Webhook,
    delivery: DeliveryId,
) -> Result<Response<Body>, ApiError> {
    let found = webhook::delivery(&*ctx.db().await?, staff, webhook.id, delivery).await?;
    let (delivery, calls) = found.ok_or(ApiError::NotFound)?;
    let mut body = delivery_json(&delivery);
    body["calls"] = calls.iter().map(call_json).collect();
    Ok(http::json(StatusCode::OK, &body))
}

async fn replay_one(
    ctx: &Ctx,
    staff: &OrganizerStaff,
    webhook: &Webhook,
    delivery: DeliveryId,
) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    webhook::delivery(&*db, staff, webhook.id, delivery).await?.ok_or(ApiError::NotFound)?;
    let again = webhook::replay_one(&*db, staff, webhook.id, delivery, ctx.now()).await?;
    drop(db);
    Ok(announce(ctx, staff, again).await)
}

/// `{"since": moment, "until": moment, "only_undelivered": bool}`, all of them optional; only those that were not taken
/// unless it says otherwise.
async fn replay_range(
    ctx: &Ctx,
    staff: &OrganizerStaff,
    webhook: &Webhook,
    request: &Request,
) -> Result<Response<Body>, ApiError> {
    let fields = Fields::read(request)?;
    let range = (fields.moment("since")?, fields.moment("until")?);
    let only_undelivered = fields.flag("only_undelivered")?.unwrap_or(true);
    let db = ctx.db().await?;
    let again = webhook::replay_range(&*db, staff, webhook.id, range, only_undelivered, ctx.now()).await?;
    drop(db);
    Ok(announce(ctx, staff, again).await)
}

/// The most messages that one request sends by itself; the periodic job sends the rest within a minute.
const REPLAY_SENT_MAX: usize = 100;

async fn announce(ctx: &Ctx, staff: &OrganizerStaff, deliveries: Vec<DeliveryId>) -> Response<Body> {
    let count = deliveries.len();
    let messages = deliveries.into_iter().take(REPLAY_SENT_MAX).map(|delivery| Message::DeliverWebhook { delivery });
    Outgoing::unrecorded(messages).of(staff.organizer()).dispatch(ctx).await;
    http::json(StatusCode::ACCEPTED, &json!({ "count": count }))
}

// --- reading ---

/// The fields of a JSON object; unknown ones are ignored (spec rest-api 0.2).
struct Fields(Map<String, Value>);

impl Fields {
    fn read(request: &Request) -> Result<Self, ApiError> {
        if request.body().is_empty() {
            return Ok(Self(Map::new()));
        }
        let body: Value = serde_json::from_slice(request.body())
            .map_err(|error| ApiError::BadRequest(format!("JSON parse error - {error}")))?;
        match body {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(ApiError::field("non_field_errors", "Invalid data. Expected an object.")),
        }
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(ApiError::field(name, "Must be true or false.")),
        }
    }

    fn string(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.replace('\0', "").trim().to_owned())),
            Some(_) => Err(ApiError::field(name, "Not a valid string.")),
        }
    }

    fn strings(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let texts = value.as_array().and_then(|list| list.iter().map(|it| it.as_str().map(str::to_owned)).collect());
        texts.map(Some).ok_or_else(|| ApiError::field(name, "Expected a list of texts."))
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let wrong = || ApiError::field(name, "Enter a date and time with a zone, such as 2026-12-27T10:00:00Z.");
        self.string(name)?.map(|text| Timestamp::parse(&text).ok_or_else(wrong)).transpose()
    }

    /// What is said here over what was there before; `needed` must be said here.
    fn over(&self, before: Draft, needed: &[&str]) -> Result<Draft, ApiError> {
        if let Some(name) = needed.iter().find(|name| !self.0.contains_key(**name)) {
            return Err(ApiError::field(name, "This field is required."));
        }
        let comment = match self.0.get("comment") {
            Some(Value::Null) => None,
            _ => self.string("comment")?.or(before.comment),
        };
        Ok(Draft {
            enabled: self.flag("enabled")?.unwrap_or(before.enabled),
            target_url: self.string("target_url")?.unwrap_or(before.target_url),
            all_events: self.flag("all_events")?.unwrap_or(before.all_events),
            limit_events: self.strings("limit_events")?.unwrap_or(before.limit_events),
            action_types: self.strings("action_types")?.unwrap_or(before.action_types),
            comment,
        })
    }
}

// --- writing ---

fn webhook_json(ctx: &Ctx, webhook: &Webhook) -> Value {
    let draft = &webhook.draft;
    json!({
        "id": webhook.id,
        "enabled": draft.enabled,
        "target_url": draft.target_url,
        "all_events": draft.all_events,
        "limit_events": draft.limit_events,
        "action_types": draft.action_types,
        "comment": draft.comment,
        "public_key": webhook.key(&ctx.config().secret_key).public_key(),
    })
}

fn with_secret(ctx: &Ctx, webhook: &Webhook) -> Value {
    let mut body = webhook_json(ctx, webhook);
    body["secret"] = json!(webhook.key(&ctx.config().secret_key).secret());
    body
}

fn delivery_json(delivery: &Delivery) -> Value {
    let payload = delivery.payload.as_deref().map(|text| serde_json::from_str(text).unwrap_or(Value::Null));
    let waits = delivery.ended_at.is_none();
    json!({
        "id": delivery.id,
        "webhook_id": format!("msg_{}", delivery.id),
        "action_type": delivery.action,
        "state": delivery.state.name(),
        "attempts": delivery.attempts,
        "created": delivery.created_at.to_string(),
        "ended": delivery.ended_at.map(|moment| moment.to_string()),
        "next_attempt": waits.then(|| delivery.retry_at.to_string()),
        "payload": payload,
    })
}

fn call_json(call: &Call) -> Value {
    json!({
        "attempt": call.attempt,
        "datetime": call.called_at.to_string(),
        "target_url": call.target_url,
        "return_code": call.status,
        "success": (200..300).contains(&call.status),
        "response_body": call.answer,
        "execution_time_ms": call.duration_ms,
    })
}
