//! Bodies of calls about orders, field by field (spec rest-api 0.2, 0.3).

use std::collections::BTreeMap;

use lambda_http::Request;
use serde_json::{Map, Value};

use crate::{
    endpoint::api::read,
    event::Event,
    http::ApiError,
    money::{Money, TaxRate},
    time::Timestamp,
};

/// No amount may be larger (spec domain 5.3), so that sums of them always fit.
const AMOUNT_MAX: i64 = 9_999_999_999_999;

/// The body of an action: an object, or nothing.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn read(request: &Request) -> Result<Self, ApiError> {
        read::object(request).map(Self)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether there is such a field, even if it is null.
    pub(super) fn names(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// An object of a list.
    pub(super) fn of(value: &Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(fields) => Ok(Self(fields.clone())),
            _ => Err(ApiError::field("non_field_errors", "Invalid data. Expected an object.")),
        }
    }

    /// The same with another value in one field.
    pub(super) fn with(&self, name: &str, value: Value) -> Self {
        let mut fields = self.0.clone();
        fields.insert(name.to_owned(), value);
        Self(fields)
    }

    /// Refuses what the shop cannot honour yet, so that nobody believes it was done.
    pub(super) fn refuse(&self, names: &[&str]) -> Result<(), ApiError> {
        let empty = |value: &Value| match value {
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Bool(flag) => !flag,
            _ => false,
        };
        match names.iter().find(|name| self.get(name).is_some_and(|value| !empty(value))) {
            Some(name) => Err(ApiError::field(name, "This is not available.")),
            None => Ok(()),
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<&[Value], ApiError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(ApiError::field(name, "Expected a list of items.")),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => {
                value.as_i64().map(Some).ok_or_else(|| ApiError::field(name, "A valid integer is required."))
            }
        }
    }

    /// One line of text.
    pub(super) fn line(&self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self.string(name)?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match &text {
            Some(text) if text.chars().any(char::is_control) || text.len() > 500 => {
                Err(ApiError::field(name, "Ensure this is one line of at most 500 characters."))
            }
            _ => Ok(text),
        }
    }

    /// A text that may have several lines.
    pub(super) fn lines(&self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self.string(name)?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match &text {
            Some(text) if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r')) || text.len() > 1000 => {
                Err(ApiError::field(name, "Ensure this is a text of at most 1000 characters."))
            }
            _ => Ok(text),
        }
    }

    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let wrong = || ApiError::field(name, "Datetime has wrong format. Use ISO 8601 with a zone.");
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Timestamp::parse(text).map(Some).ok_or_else(wrong),
            Some(_) => Err(wrong()),
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, ApiError> {
        match self.0.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ApiError::field(name, "Must be true or false.")),
        }
    }

    /// A flag for which null means something of its own.
    pub(super) fn flag_or_null(&self, name: &str, default: bool, null: bool) -> Result<bool, ApiError> {
        match self.0.get(name) {
            Some(Value::Null) => Ok(null),
            _ => self.flag(name, default),
        }
    }

    /// An object in the object.
    pub(super) fn part(&self, name: &str) -> Result<Option<Self>, ApiError> {
        self.get(name).map(Self::of).transpose()
    }

    pub(super) fn send_email(&self) -> Result<bool, ApiError> {
        self.flag("send_email", true)
    }

    pub(super) fn string(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.replace('\0', ""))),
            Some(_) => Err(ApiError::field(name, "Not a valid string.")),
        }
    }

    pub(super) fn amount(&self, name: &str, event: &Event) -> Result<Option<Money>, ApiError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(number) => number.to_string(),
        };
        let amount = Money::parse_decimal(&text, event.currency)
            .ok()
            .filter(|amount| (0..=AMOUNT_MAX).contains(&amount.minor()));
        amount.map(Some).ok_or_else(|| ApiError::field(name, "A valid number is required."))
    }

    /// A percentage that must be there.
    pub(super) fn percent(&self, name: &str) -> Result<TaxRate, ApiError> {
        let text = match self.get(name) {
            None => return Err(ApiError::field(name, "This field is required.")),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(number) => number.to_string(),
        };
        TaxRate::parse_percent(&text).ok_or_else(|| ApiError::field(name, "Enter a percentage from 0 to 100."))
    }

    pub(super) fn date(&self, name: &str) -> Result<jiff::civil::Date, ApiError> {
        let wrong = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";
        match self.get(name) {
            None => {
                Err(ApiError::Invalid(BTreeMap::from([(name.to_owned(), vec!["This field is required.".to_owned()])])))
            }
            Some(Value::String(text)) => text.parse().map_err(|_| ApiError::field(name, wrong)),
            Some(_) => Err(ApiError::field(name, wrong)),
        }
    }
}
