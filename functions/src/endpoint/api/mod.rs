//! What all resources of the REST API share (spec rest-api 0): who calls, bodies, lists, errors, conditional requests.

pub mod field;
pub mod list;
pub mod name;
pub mod read;
pub mod resource;
pub mod settings;

use std::borrow::Cow;

use ::http::{HeaderValue, StatusCode, header};
use jiff::tz::TimeZone;
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::{Map, Value, json};

use self::{
    field::{Field, Kind},
    read::Written,
};
use crate::{
    ctx::Ctx,
    event::{self, Event, Organizer},
    http::{self, ApiError},
    id::EventId,
    idempotency::{Answer, Call},
    money::Currency,
    port::db::{Db, DbError, Query},
    record::{Record, flag},
    staff::{OrganizerStaff, Permission, Scope, Staff},
    time::Timestamp,
};

/// What values are read and told with.
#[derive(Debug)]
pub struct Around {
    /// Of all amounts.
    pub currency: Currency,
    /// For moments without a zone.
    pub zone: TimeZone,
    /// The organiser's sales channels; empty where nothing is said about them.
    pub channels: Vec<String>,
    /// The present moment.
    pub now: Timestamp,
    /// The origin of the shop's addresses.
    pub public_url: String,
    /// The organiser's part of addresses.
    pub organizer_slug: String,
    /// The event's, if it is about one.
    pub event_slug: Option<String>,
}

impl Around {
    /// What values of an event are told with, where nobody asks for channels or addresses.
    pub(super) fn plain(event: &Event, now: Timestamp) -> Self {
        Self {
            currency: event.currency,
            zone: event.timezone.clone(),
            channels: Vec::new(),
            now,
            public_url: String::new(),
            organizer_slug: event.organizer.slug.clone(),
            event_slug: Some(event.slug.clone()),
        }
    }

    /// The channels of a row in one list.
    pub(super) fn channels_of(&self, record: &Record) -> Vec<Cow<'_, str>> {
        if flag(record, "all_sales_channels") {
            return self.channels.iter().map(|name| Cow::Borrowed(name.as_str())).collect();
        }
        let limited = record.get("limit_sales_channels").and_then(Value::as_array);
        limited.into_iter().flatten().filter_map(|name| Some(Cow::Owned(name.as_str()?.to_owned()))).collect()
    }

    /// Sales channels are said in one list or in two fields, not in two ways at once (spec rest-api 0.6).
    fn read_channels(&self, fields: &[Field], body: &Map<String, Value>, written: &mut Written) {
        let Some(compatible) = fields.iter().find(|field| matches!(field.kind, Kind::Channels)) else { return };
        let is_said = |name: &str| body.contains_key(name);
        if let Some(given) = body.get(compatible.name) {
            let words = Field::new(compatible.name, Kind::Words(200));
            match read::read_field(&words, given, self) {
                Ok(Some(list)) if !is_said("all_sales_channels") && !is_said("limit_sales_channels") => {
                    let all =
                        self.channels.iter().all(|name| list.as_array().is_some_and(|it| it.contains(&json!(name))));
                    written.record.insert("all_sales_channels".to_owned(), json!(all));
                    written.record.insert("limit_sales_channels".to_owned(), if all { json!([]) } else { list });
                }
                Ok(Some(list)) => {
                    let said = json!(self.channels_of(&written.record));
                    let sorted = |list: &Value| {
                        let mut words: Vec<String> =
                            list.as_array().into_iter().flatten().map(Value::to_string).collect();
                        words.sort();
                        words
                    };
                    if sorted(&list) != sorted(&said) {
                        let text = "This contradicts all_sales_channels and limit_sales_channels.";
                        written.faults.add(compatible.name, text);
                    }
                }
                Ok(None) => {}
                Err(message) => written.faults.add(compatible.name, message),
            }
        } else if flag(&written.record, "all_sales_channels") {
            let limited = written.record.get("limit_sales_channels").is_some_and(|list| *list != json!([]));
            if limited && is_said("limit_sales_channels") {
                written.faults.add("limit_sales_channels", "This must be empty with all_sales_channels.");
            } else if limited {
                written.record.insert("limit_sales_channels".to_owned(), json!([]));
            }
        }
        let limited = written.record.get("limit_sales_channels").and_then(Value::as_array).cloned().unwrap_or_default();
        let unknown = limited.iter().filter_map(Value::as_str).find(|name| !self.channels.iter().any(|it| it == name));
        if let Some(name) = unknown {
            let said = if is_said(compatible.name) { compatible.name } else { "limit_sales_channels" };
            written.faults.add(said, format!("There is no sales channel \"{name}\"."));
        }
    }
}

/// Who calls, with the event that it is about.
#[derive(Debug)]
pub struct Caller {
    /// Whose rows.
    pub scope: Scope,
    /// The organiser.
    pub organizer: Organizer,
    /// The event, below one.
    pub event: Option<Event>,
}

impl Caller {
    /// Checks the right in the event of the path, or in the organiser if there is no event in it.
    pub async fn of(request: &Request, q: &impl Query, permission: Permission) -> Result<Self, ApiError> {
        let organizer = http::path(request, "organizer")?;
        match http::path(request, "event") {
            Ok(event) => {
                let (staff, event) = Staff::authorise(request, q, &organizer, &event, permission).await?;
                Ok(Self { scope: staff.scope(), organizer: event.organizer.clone(), event: Some(event) })
            }
            Err(_) => {
                let (staff, organizer) = OrganizerStaff::authorise(request, q, &organizer, permission).await?;
                Ok(Self { scope: staff.scope(), organizer, event: None })
            }
        }
    }

    /// Checks a right in the organiser of the path, and finds the events that the token may see with it: all of them, or
    /// the one that the parameter `event` names.
    pub async fn reach(
        request: &Request,
        q: &impl Query,
        permission: Permission,
    ) -> Result<(Self, Vec<EventId>), ApiError> {
        let slug = http::path(request, "organizer")?;
        let (staff, organizer) = OrganizerStaff::authorise(request, q, &slug, permission).await?;
        let credential = staff.credential();
        let limited = (!credential.all_events).then_some(&credential.events);
        let wanted = list::parameter(request, "event");
        let events = event::ids(q, organizer.id, limited, wanted.as_deref()).await?;
        Ok((Self { scope: staff.scope(), organizer, event: None }, events))
    }

    /// What values are read and told with.
    pub async fn around(&self, ctx: &Ctx, q: &impl Query, fields: &[Field], now: Timestamp) -> Result<Around, DbError> {
        let needs_channels = fields.iter().any(|field| matches!(field.kind, Kind::Channels));
        let channels = if needs_channels { event::sales_channels(q, self.organizer.id).await? } else { Vec::new() };
        let none = || Currency::parse("XXX").expect("three capital letters");
        Ok(Around {
            currency: self.event.as_ref().map_or_else(none, |event| event.currency),
            zone: self.event.as_ref().map_or(TimeZone::UTC, |event| event.timezone.clone()),
            channels,
            now,
            public_url: ctx.config().public_url.clone(),
            organizer_slug: self.organizer.slug.clone(),
            event_slug: self.event.as_ref().map(|event| event.slug.clone()),
        })
    }
}

/// The parts of a path: `api`, `v1`, `organizers`, …
pub fn segments(request: &Request) -> Vec<&str> {
    request.raw_http_path().trim_matches('/').split('/').collect()
}

/// A number in the path; what is no number is the id of nothing.
pub fn number(request: &Request, name: &str) -> Result<i64, ApiError> {
    http::path(request, name)?.parse().map_err(|_| ApiError::NotFound)
}

/// What came of a call. A refusal is kept for the call that comes again with the same key.
pub async fn keep_refusal<T>(
    db: &mut Db,
    call: &Call,
    done: Result<T, ApiError>,
    now: Timestamp,
) -> Result<T, ApiError> {
    if let Err(error) = &done
        && error.is_refusal()
    {
        let answer = Answer { status: 400, body: http::api_body(error) };
        let tx = db.begin().await?;
        let kept = call.keep(&tx, &answer, now).await;
        tx.finish(kept).await?;
    }
    done
}

/// An answer as a response; 204 has no body.
pub fn respond(answer: &Answer) -> Response<Body> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    match status {
        StatusCode::NO_CONTENT => http::respond(status, "application/json", Body::Empty),
        _ => http::json(status, &answer.body),
    }
}

/// Whether a client has what it asks for already, or wants it only if nothing has changed (spec rest-api 0.5): 304 and
/// 412. HTTP dates have whole seconds.
pub fn precondition(request: &Request, changed: Option<Timestamp>) -> Result<Option<Response<Body>>, ApiError> {
    let Some(changed) = changed else { return Ok(None) };
    let said = |name| http::header_text(request.headers(), name).and_then(|text| parse_http_date(&text));
    if said(header::IF_UNMODIFIED_SINCE).is_some_and(|since| changed.as_seconds() > since) {
        return Err(ApiError::ChangedSince);
    }
    if said(header::IF_MODIFIED_SINCE).is_some_and(|since| changed.as_seconds() <= since) {
        let mut response = http::respond(StatusCode::NOT_MODIFIED, "application/json", Body::Empty);
        last_modified(&mut response, Some(changed));
        return Ok(Some(response));
    }
    Ok(None)
}

/// Adds `Last-Modified`.
pub fn last_modified(response: &mut Response<Body>, changed: Option<Timestamp>) {
    let Some(changed) = changed else { return };
    let moment = changed.in_zone(&TimeZone::UTC).timestamp();
    let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment);
    if let Some(value) = text.ok().and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::LAST_MODIFIED, value);
    }
}

fn parse_http_date(text: &str) -> Option<i64> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(moment.as_second())
}
