//! What programs of organisers change about the organiser, its events, their settings and dates.

pub mod clone;
pub mod keys;
pub mod sql;

use serde_json::{Map, Value, json};

use super::{Settings, settings};
use crate::{
    id::{EventId, OrganizerId, TokenId},
    port::db::{DbError, Query, Tx, p},
    staff::Scope,
};

/// What decides whether an event can be open to the public, and what fixes its currency (spec domain 1.3).
#[derive(Debug)]
pub struct Readiness {
    /// It has a quota.
    pub has_quota: bool,
    /// It sells something that costs.
    pub is_paid: bool,
    /// It sells something.
    pub has_item: bool,
    /// Somebody has ordered.
    pub has_order: bool,
    /// Properties that must have a value and have none.
    pub missing_meta: Vec<String>,
}

/// How far an event is.
pub async fn readiness(q: &impl Query, event: EventId) -> Result<Readiness, DbError> {
    let row = q.one(sql::READINESS, &[p(&event)]).await?;
    Ok(Readiness {
        has_quota: row.get("has_quota")?,
        is_paid: row.get("is_paid")?,
        has_item: row.get("has_item")?,
        has_order: row.get("has_order")?,
        missing_meta: row.get("missing_meta")?,
    })
}

/// A property of an organiser's events.
#[derive(Debug)]
pub struct MetaProperty {
    /// Its name.
    pub name: String,
    /// What it is where nothing is said.
    pub default: String,
    /// The only values that it may have.
    pub choices: Option<Vec<String>>,
}

/// The properties of an organiser's events.
pub async fn meta_properties(q: &impl Query, organizer: OrganizerId) -> Result<Vec<MetaProperty>, DbError> {
    let rows = q.query(sql::META_PROPERTIES, &[p(&organizer)]).await?;
    let read = rows.iter().map(|row| {
        let choices: Option<Value> = row.get("choices")?;
        let choices = choices.and_then(|choices| {
            let list = choices.as_array()?;
            Some(list.iter().filter_map(|choice| Some(choice["key"].as_str()?.to_owned())).collect())
        });
        Ok(MetaProperty { name: row.get("name")?, default: row.get("default")?, choices })
    });
    read.collect()
}

/// The team of a token works on an event that it has created.
pub async fn join_team(tx: &Tx<'_>, token: TokenId, event: EventId) -> Result<(), DbError> {
    tx.execute(sql::JOIN_TEAM, &[p(&token), p(&event)]).await.map(drop)
}

/// The row of a sales channel.
pub async fn channel_id(q: &impl Query, organizer: OrganizerId, identifier: &str) -> Result<Option<i64>, DbError> {
    q.opt(sql::CHANNEL_ID, &[p(&organizer), p(&identifier)]).await?.map(|row| row.get("id")).transpose()
}

/// Whether an order came through a sales channel, or something is limited to it.
pub async fn channel_in_use(q: &impl Query, organizer: OrganizerId, identifier: &str) -> Result<bool, DbError> {
    q.one(sql::CHANNEL_IN_USE, &[p(&organizer), p(&identifier)]).await?.get("found")
}

/// Replaces what a date of a series says differently about products.
pub async fn replace_overrides(
    tx: &Tx<'_>,
    event: EventId,
    date: i64,
    record: &Map<String, Value>,
) -> Result<(), DbError> {
    let record = Value::Object(record.clone());
    tx.execute(sql::CLEAR_OVERRIDES, &[p(&event), p(&date)]).await?;
    tx.execute(sql::INSERT_OVERRIDES, &[p(&event), p(&date), p(&record)]).await.map(drop)
}

/// Settings of an event or of an organiser, with what it inherits.
#[derive(Debug)]
pub struct Stored {
    /// What it says itself.
    pub own: Map<String, Value>,
    /// What it inherits.
    pub inherited: Map<String, Value>,
}

/// The settings of the event, or of the organiser.
pub async fn stored_settings(q: &impl Query, scope: Scope) -> Result<Stored, DbError> {
    let sql = if scope.event().is_some() { sql::EVENT_SETTINGS } else { sql::ORGANIZER_SETTINGS };
    let row = q.one(sql, &[p(&scope.id())]).await?;
    let object = |value: Value| if let Value::Object(map) = value { map } else { Map::new() };
    Ok(Stored { own: object(row.get("own")?), inherited: object(row.get("inherited")?) })
}

/// Replaces what it says itself.
pub async fn store_settings(tx: &Tx<'_>, scope: Scope, own: Map<String, Value>) -> Result<(), DbError> {
    let sql = if scope.event().is_some() { sql::SET_EVENT_SETTINGS } else { sql::SET_ORGANIZER_SETTINGS };
    tx.execute(sql, &[p(&scope.id()), p(&Value::Object(own))]).await.map(drop)
}

impl Stored {
    /// What a setting is, in the form of its default.
    pub fn effective(&self, key: &str, default: &Value) -> Value {
        let said = self.own.get(key).filter(|value| !value.is_null()).or_else(|| self.inherited.get(key));
        match (said.filter(|value| !value.is_null()), default) {
            (None, default) => default.clone(),
            (Some(value), Value::Bool(_)) => {
                json!(matches!(value, Value::Bool(true)) || *value == "True" || *value == "true")
            }
            (Some(Value::String(digits)), Value::Number(_)) => {
                digits.parse::<i64>().map_or_else(|_| json!(digits), |number| json!(number))
            }
            (Some(value), _) => value.clone(),
        }
    }

    /// All of it together, as the shop sees it.
    pub fn merged(&self) -> Settings {
        Settings::merge(Value::Object(self.inherited.clone()), Value::Object(self.own.clone()))
    }
}

/// What is wrong with a new value of a setting, if the shop knows the setting.
pub fn setting_fault(key: &str, value: &Value, default: &Value, zone: &jiff::tz::TimeZone) -> Option<String> {
    if value.is_null() {
        return None;
    }
    if let Some(harmless) = super::import::not_offered(key) {
        let nothing = [json!(""), json!([]), json!({}), json!(false), json!("False")];
        if *value != harmless && !nothing.contains(value) && *value != *default {
            return Some("This is not available.".to_owned());
        }
    }
    if let Some(text) = settings::fault(key, value, zone) {
        return Some(text.into_owned());
    }
    let is_flag =
        |value: &Value| value.is_boolean() || ["True", "False", "true", "false"].iter().any(|it| *value == *it);
    let fits = match default {
        Value::Bool(_) => is_flag(value),
        Value::Number(_) => value.is_i64() || value.as_str().is_some_and(|digits| digits.parse::<i64>().is_ok()),
        Value::Array(_) => value.is_array(),
        _ => value.to_string().len() <= 100_000,
    };
    (!fits).then(|| "This is no value for this setting.".to_owned())
}
