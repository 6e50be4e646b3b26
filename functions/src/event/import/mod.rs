//! Creates an event from a JSON document in the shapes of the REST API (spec rest-api 3, 5, 14).
//!
//! `{"event": {…}, "settings": {…}, "tax_rules": […], "categories": […], "items": […], "subevents": […], "quotas": […],
//! "questions": […], "vouchers": […], "discounts": […]}`.
//! Ids are references inside the document. Unknown fields are ignored, as the API does; known ones that the shop cannot
//! honour are refused by name.

use std::{collections::BTreeMap, fmt};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use self::reader::{Faults, Object};
use super::settings::{self, Settings};
use crate::{
    id::{EventId, ItemId, OrganizerId, QuestionId, QuotaId, VariationId},
    money::Currency,
    port::db::{DbError, Query as _, Tx, p},
    time::Timestamp,
};

mod catalogue;
mod dates;
mod discounts;
mod links;
mod questions;
mod reader;
mod refused;
pub mod sql;
mod vouchers;
mod write;

pub use reader::Fault;

/// Why nothing was created.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Everything that is wrong with the document.
    #[error("{}", Lines(.0))]
    Invalid(Vec<Fault>),
    /// Somebody else has this part of the URL.
    #[error("the slug '{0}' is already taken")]
    SlugTaken(String),
    /// The organiser does not exist.
    #[error("there is no such organizer")]
    NoOrganizer,
    /// The database refused or was lost.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// One fault per line.
struct Lines<'a>(&'a [Fault]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// What was created, by the ids of the document.
#[derive(Debug)]
pub struct Imported {
    /// The new event.
    pub event: EventId,
    /// Its part of the URL.
    pub slug: String,
    /// New items by their ids in the document.
    pub items: BTreeMap<i64, ItemId>,
    /// New variations by their ids in the document.
    pub variations: BTreeMap<i64, VariationId>,
    /// New quotas by their ids in the document.
    pub quotas: BTreeMap<i64, QuotaId>,
    /// New questions by their ids in the document.
    pub questions: BTreeMap<i64, QuestionId>,
}

/// Creates the event of a document. Everything is checked before the first row is written; on an error the caller's
/// transaction must be rolled back, as [`Tx::finish`] does.
pub async fn import(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    document: &Value,
    now: Timestamp,
) -> Result<Imported, ImportError> {
    let row = tx.opt(sql::ORGANIZER_SETTINGS, &[p(&organizer)]).await?.ok_or(ImportError::NoOrganizer)?;
    let plan = Plan::read(document, &row.get("settings")?).map_err(ImportError::Invalid)?;
    plan.write(tx, organizer, now).await
}

/// Creates a tenant. `settings` is an object of settings that its events inherit.
pub async fn create_organizer(
    tx: &Tx<'_>,
    slug: &str,
    name: &str,
    settings: &Value,
    now: Timestamp,
) -> Result<OrganizerId, ImportError> {
    let faults = Faults::default();
    let document = serde_json::json!({ "slug": slug, "name": name, "settings": settings });
    if let Some(fields) = Object::root(&document, &faults) {
        fields.require(&["slug", "name"]);
        fields.name("name");
        check_slug(&fields, ORGANIZER_SLUGS_RESERVED);
        check_settings(&fields, &TimeZone::UTC);
    }
    faults.or(()).map_err(ImportError::Invalid)?;
    let created = tx.one(sql::INSERT_ORGANIZER, &[p(&slug), p(&name), p(settings), p(&now)]).await;
    Ok(created.map_err(|error| slug_taken(error, slug))?.get("id")?)
}

/// Two imports can pass each other, so the unique index decides.
fn slug_taken(error: DbError, slug: &str) -> ImportError {
    match error.constraint() {
        Some("organizer_slug_key" | "event_slug_key") => ImportError::SlugTaken(slug.to_owned()),
        _ => ImportError::Db(error),
    }
}

/// A document without mistakes, ready to be written.
pub struct Plan {
    event: EventPlan,
    tax_rules: Vec<catalogue::TaxRule>,
    categories: Vec<catalogue::Category>,
    items: Vec<catalogue::Item>,
    dates: Vec<dates::Date>,
    quotas: Vec<catalogue::Quota>,
    vouchers: Vec<vouchers::Voucher>,
    discounts: Vec<discounts::Discount>,
    questions: Vec<questions::Question>,
}

/// The columns of the event.
struct EventPlan {
    slug: String,
    name: Value,
    live: bool,
    testmode: bool,
    currency: String,
    timezone: String,
    date_from: Timestamp,
    date_to: Option<Timestamp>,
    date_admission: Option<Timestamp>,
    is_public: bool,
    presale_start: Option<Timestamp>,
    presale_end: Option<Timestamp>,
    location: Option<Value>,
    settings: Value,
    has_subevents: bool,
}

impl Plan {
    /// Reads a document, or says everything that is wrong with it. `organizer_settings` are inherited.
    pub fn read(document: &Value, organizer_settings: &Value) -> Result<Self, Vec<Fault>> {
        let faults = Faults::default();
        let plan = Object::root(document, &faults).and_then(|root| Self::read_all(&root, organizer_settings));
        // Without a plan there are faults, and the other way round with a plan there may be some.
        match plan {
            Some(plan) => faults.or(plan),
            None => Err(faults.or(()).expect_err("a document that cannot be read has a fault")),
        }
    }

    fn read_all(root: &Object<'_>, organizer_settings: &Value) -> Option<Self> {
        root.require(&["event"]);
        root.refuse(refused::DOCUMENT);
        let object = root.object("event")?;
        let zone = read_zone(&object);
        let currency = read_currency(&object);
        check_settings(root, &zone);
        let event = read_event(&object, root, &zone, currency);
        let (tax_rules, tax_rule_index) = catalogue::tax_rules(root);
        let (categories, category_index) = catalogue::categories(root);
        let add_on_categories: Vec<usize> =
            categories.iter().enumerate().filter(|(_, category)| category.is_addon).map(|(place, _)| place).collect();
        let around = catalogue::Around {
            categories: &category_index,
            add_on_categories: &add_on_categories,
            tax_rules: &tax_rule_index,
            currency,
            zone: &zone,
        };
        let (items, item_index) = catalogue::items(root, &around);
        let (dates, date_index) = dates::dates(root, &item_index, &around);
        if !event.has_subevents && !dates.is_empty() {
            root.fault("subevents", "only a series has dates");
        }
        let of_series = event.has_subevents.then_some(&date_index);
        let (quotas, quota_index) = catalogue::quotas(root, &items, &item_index, of_series);
        let found = vouchers::Found { items: &item_index, quotas: &quota_index, dates: of_series };
        let vouchers = vouchers::vouchers(root, &found, &around);
        let discounts = discounts::discounts(root, &item_index, &around);
        let questions = questions::questions(root, &item_index);
        let plan = Self { event, tax_rules, categories, items, dates, quotas, vouchers, discounts, questions };
        if plan.event.live {
            plan.check_live(&object, currency, organizer_settings);
        }
        Some(plan)
    }

    /// What an event needs before it can be open to the public (spec domain 1.3).
    fn check_live(&self, event: &Object<'_>, currency: Currency, organizer_settings: &Value) {
        if self.quotas.is_empty() {
            event.fault("live", "an event needs a quota before it can be live");
        }
        let settings = Settings::merge(organizer_settings.clone(), self.event.settings.clone());
        let is_paid = self.items.iter().any(catalogue::Item::is_paid);
        if is_paid && !settings.takes_payments() {
            event.fault("live", "an event with paid products needs a payment provider before it can be live");
        }
        if is_paid && currency.code() == "XXX" {
            event.fault("live", "an event with paid products needs a currency before it can be live");
        }
    }
}

fn read_event(event: &Object<'_>, root: &Object<'_>, zone: &TimeZone, currency: Currency) -> EventPlan {
    event.require(&["name", "slug", "currency", "date_from"]);
    event.refuse(refused::EVENT);
    check_slug(event, EVENT_SLUGS_RESERVED);
    let moment = |key| event.moment(key, zone);
    let (date_from, date_to) = (moment("date_from"), moment("date_to"));
    if date_from.zip(date_to).is_some_and(|(from, to)| to < from) {
        event.fault("date_to", "must not be before date_from");
    }
    let (presale_start, presale_end) = (moment("presale_start"), moment("presale_end"));
    if presale_start.zip(presale_end).is_some_and(|(start, end)| end < start) {
        event.fault("presale_end", "must not be before presale_start");
    }
    EventPlan {
        slug: event.word("slug", SLUG_MAX).unwrap_or_default().to_owned(),
        name: event.name("name"),
        live: event.flag("live").unwrap_or(false),
        testmode: event.flag("testmode").unwrap_or(false),
        currency: currency.code().to_owned(),
        timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
        date_from: date_from.unwrap_or(Timestamp::from_micros(0)),
        date_to,
        date_admission: moment("date_admission"),
        is_public: event.flag("is_public").unwrap_or(true),
        presale_start,
        presale_end,
        location: event.text("location"),
        has_subevents: event.flag("has_subevents").unwrap_or(false),
        settings: root.value("settings").cloned().unwrap_or_else(|| Value::Object(Map::new())),
    }
}

/// Other moments are read with the zone, so a wrong one counts as UTC until all faults are together.
fn read_zone(event: &Object<'_>) -> TimeZone {
    let Some(name) = event.word("timezone", 100) else { return TimeZone::UTC };
    TimeZone::get(name).unwrap_or_else(|_| {
        event.fault("timezone", "the name of a time zone is needed, such as Europe/Berlin");
        TimeZone::UTC
    })
}

fn read_currency(event: &Object<'_>) -> Currency {
    let currency = event.word("currency", 10).map(Currency::parse);
    currency.unwrap_or_else(|| Currency::parse("XXX")).unwrap_or_else(|error| {
        event.fault("currency", error.to_string());
        Currency::parse("XXX").expect("three capital letters")
    })
}

/// Longest part of a URL.
const SLUG_MAX: usize = 50;

/// Words that the shop's own URLs use or may use (spec domain 1.1).
const ORGANIZER_SLUGS_RESERVED: &[&str] = &[
    "download",
    "healthcheck",
    "locale",
    "control",
    "pretixdroid",
    "redirect",
    "jsi18n",
    "metrics",
    "_global",
    "__debug__",
    "about",
    "api",
    "csp_report",
    "widget",
    "lead",
    "scheduling",
];

/// The same below an organiser.
const EVENT_SLUGS_RESERVED: &[&str] = &[
    "download",
    "healthcheck",
    "locale",
    "control",
    "redirect",
    "jsi18n",
    "metrics",
    "_global",
    "__debug__",
    "api",
    "events",
    "csp_report",
    "widget",
    "customer",
    "account",
    "lead",
    "accessibility",
];

fn check_slug(object: &Object<'_>, reserved: &[&str]) {
    if let Some(fault) = object.word("slug", SLUG_MAX).and_then(|slug| slug_fault(slug, reserved)) {
        object.fault("slug", fault);
    }
}

fn slug_fault(slug: &str, reserved: &[&str]) -> Option<String> {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = slug.as_bytes();
    let is_form = is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte));
    if !is_form {
        Some("letters, digits, '.' and '-' are allowed, with a letter or digit at both ends".to_owned())
    } else if reserved.iter().any(|word| word.eq_ignore_ascii_case(slug)) {
        Some(format!("'{slug}' is a reserved word"))
    } else {
        None
    }
}

/// What is wrong with the part of the URL that a new event is to have.
pub fn event_slug_fault(slug: &str) -> Option<String> {
    slug_fault(slug, EVENT_SLUGS_RESERVED)
}

/// The only value of a setting that the shop cannot honour; `None` if it can.
pub fn not_offered(key: &str) -> Option<Value> {
    let provider = key.strip_prefix("payment_").and_then(|rest| rest.strip_suffix("__enabled"));
    let refused = refused::SETTINGS.iter().find(|(known, _)| *known == key).map(|(_, harmless)| *harmless);
    let foreign = provider.is_some_and(|provider| !refused::PROVIDERS.contains(&provider)).then_some("false");
    let harmless = refused.or(foreign)?;
    Some(serde_json::from_str(harmless).unwrap_or_else(|_| Value::from(harmless)))
}

/// Settings that the shop uses must have the right form; those that it cannot honour must not be used.
fn check_settings(root: &Object<'_>, zone: &TimeZone) {
    let Some(object) = root.object("settings") else { return };
    object.refuse(refused::SETTINGS);
    for (key, value) in object.fields() {
        if let Some(message) = settings::fault(key, value, zone) {
            object.fault(key, message);
        }
        let provider = key.strip_prefix("payment_").and_then(|rest| rest.strip_suffix("__enabled"));
        if provider.is_some_and(|provider| !refused::PROVIDERS.contains(&provider)) {
            object.refuse(&[(key, "false")]);
        }
    }
}
