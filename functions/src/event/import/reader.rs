//! Reads JSON objects and notes everything that is wrong with them by path, so that one run reports all mistakes.

use std::{cell::RefCell, collections::HashMap, fmt};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::{
    event::{Localized, settings::parse_moment},
    money::{Currency, Money},
    time::Timestamp,
};

/// Longest long text, in characters and per language.
const TEXT_MAX: usize = 20_000;

/// Largest amount in minor units: as many digits as the reference keeps, and far from any overflow.
const AMOUNT_MAX: i64 = 9_999_999_999_999;

/// One mistake in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: `items[3].default_price`.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// All mistakes found so far.
#[derive(Default)]
pub(super) struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    pub(super) fn add(&self, path: impl Into<String>, message: impl Into<String>) {
        self.0.borrow_mut().push(Fault { path: path.into(), message: message.into() });
    }

    /// `value` if nothing was wrong.
    pub(super) fn or<T>(self, value: T) -> Result<T, Vec<Fault>> {
        let faults = self.0.into_inner();
        if faults.is_empty() { Ok(value) } else { Err(faults) }
    }
}

/// Where something stands in a list, by the id that the file gives it.
pub(super) type Index = HashMap<i64, usize>;

/// An object of the document. A null field is a missing field. What cannot be read is noted and comes back as `None`.
pub(super) struct Object<'a> {
    path: String,
    fields: &'a Map<String, Value>,
    faults: &'a Faults,
}

impl<'a> Object<'a> {
    /// The document itself.
    pub(super) fn root(document: &'a Value, faults: &'a Faults) -> Option<Self> {
        if document.is_object() && holds_nul(document) {
            faults.add("document", "texts must not hold the character U+0000");
        }
        match document {
            Value::Object(fields) => Some(Self { path: String::new(), fields, faults }),
            _ => {
                faults.add("document", "an object is needed");
                None
            }
        }
    }

    pub(super) fn fault(&self, key: &str, message: impl Into<String>) {
        self.faults.add(self.path_of(key), message);
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The field, unless it is missing or null.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn fields(&self) -> &'a Map<String, Value> {
        self.fields
    }

    /// Notes each of the fields that is missing.
    pub(super) fn require(&self, keys: &[&str]) {
        for key in keys.iter().filter(|key| self.value(key).is_none()) {
            self.fault(key, "is missing");
        }
    }

    /// Notes each field that has another value than its default: `(name, default)`, in the words of [`plain`].
    pub(super) fn refuse(&self, unsupported: &[(&str, &str)]) {
        for (key, default) in unsupported {
            let used = self.fields.get(*key).map(plain).is_some_and(|value| !value.is_empty() && value != *default);
            if used {
                let harmless = if default.is_empty() { "leave it out" } else { "leave it out or set it to" };
                self.fault(key, format!("the shop cannot do this yet: {harmless} {default}").trim_end());
            }
        }
    }

    fn read<T>(&self, key: &str, wanted: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let result = read(self.value(key)?);
        if result.is_none() {
            self.fault(key, wanted);
        }
        result
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.read(key, "true or false is needed", Value::as_bool)
    }

    /// A whole number from 0 to `max`.
    pub(super) fn number(&self, key: &str, max: i64) -> Option<i64> {
        self.read(key, &format!("a whole number from 0 to {max} is needed"), |value| {
            value.as_i64().filter(|number| (0..=max).contains(number))
        })
    }

    /// A number for an `integer` column.
    pub(super) fn small_number(&self, key: &str) -> Option<i32> {
        self.number(key, i64::from(i32::MAX)).and_then(|number| i32::try_from(number).ok())
    }

    /// A text of at most `max` characters. An empty one is as good as none.
    pub(super) fn word(&self, key: &str, max: usize) -> Option<&'a str> {
        self.read(key, &format!("a text of at most {max} characters is needed"), |value| {
            value.as_str().filter(|text| text.chars().count() <= max)
        })
        .filter(|text| !text.is_empty())
    }

    /// A short text in one or more languages that must not be empty, as its database form.
    pub(super) fn name(&self, key: &str) -> Value {
        let name = self.localized(key, 200);
        if name.as_ref().is_some_and(Localized::is_empty) {
            self.fault(key, "must not be empty");
        }
        database_form(name.unwrap_or_default())
    }

    /// A long text in one or more languages, as its database form.
    pub(super) fn text(&self, key: &str) -> Option<Value> {
        self.localized(key, TEXT_MAX).filter(|text| !text.is_empty()).map(database_form)
    }

    fn localized(&self, key: &str, max: usize) -> Option<Localized> {
        let wanted = format!("a text of at most {max} characters is needed, or an object of such texts by language");
        self.read(key, &wanted, |value| {
            let text: Localized = serde_json::from_value(value.clone()).ok()?;
            text.0.values().all(|text| text.chars().count() <= max).then_some(text)
        })
    }

    /// An amount of money from 0 upwards, in minor units.
    pub(super) fn amount(&self, key: &str, currency: Currency) -> Option<i64> {
        let text = match self.value(key)? {
            Value::String(text) => text.clone(),
            // The digits as they stand in the file, so no float is involved in what a price is.
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        match Money::parse_decimal(&text, currency) {
            Ok(amount) if (0..=AMOUNT_MAX).contains(&amount.minor()) => return Some(amount.minor()),
            Ok(amount) if amount.minor() < 0 => self.fault(key, "an amount must not be negative"),
            Ok(_) => self.fault(key, "the amount is too large"),
            Err(error) => self.fault(key, error.to_string()),
        }
        None
    }

    /// A moment; one without an offset is on the clock of `zone`.
    pub(super) fn moment(&self, key: &str, zone: &TimeZone) -> Option<Timestamp> {
        self.read(key, "a moment is needed, such as 2026-01-31T18:00:00+01:00", |value| {
            parse_moment(value.as_str()?, zone)
        })
    }

    /// The object in a field.
    pub(super) fn object(&self, key: &str) -> Option<Self> {
        let fields = self.read(key, "an object is needed", Value::as_object)?;
        Some(Self { path: self.path_of(key), fields, faults: self.faults })
    }

    /// The objects of a list; a missing list is empty.
    pub(super) fn objects(&self, key: &str) -> Vec<Self> {
        let entries = self.read(key, "a list is needed", Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut objects = Vec::new();
        for (position, entry) in entries.iter().enumerate() {
            let path = format!("{}[{position}]", self.path_of(key));
            match entry {
                Value::Object(fields) => objects.push(Self { path, fields, faults: self.faults }),
                _ => self.faults.add(path, "an object is needed"),
            }
        }
        objects
    }

    /// The texts of a list; a missing list is empty.
    pub(super) fn words(&self, key: &str) -> Vec<String> {
        let texts = self.read(key, "a list of texts is needed", |value| {
            value.as_array()?.iter().map(|entry| entry.as_str().map(str::to_owned)).collect()
        });
        texts.unwrap_or_default()
    }

    /// The id that the file gives this object. [`note_id`] tells if it cannot be used.
    pub(super) fn id(&self) -> Option<i64> {
        self.value("id").and_then(Value::as_i64)
    }

    /// Position of what a field refers to.
    pub(super) fn reference(&self, key: &str, index: &Index, what: &str) -> Option<usize> {
        let id = self.read(key, &format!("the id of a {what} is needed"), Value::as_i64)?;
        let found = index.get(&id).copied();
        if found.is_none() {
            self.fault(key, format!("no {what} with id {id} in this file"));
        }
        found
    }

    /// What a field refers to by an id of its own kind.
    pub(super) fn one_of<T: Copy>(&self, key: &str, index: &HashMap<i64, T>, what: &str) -> Option<T> {
        let id = self.read(key, &format!("the id of a {what} is needed"), Value::as_i64)?;
        let found = index.get(&id).copied();
        if found.is_none() {
            self.fault(key, format!("no {what} with id {id} in this file"));
        }
        found
    }

    /// Ids and positions of what a list refers to, with the place of each in the list.
    pub(super) fn references<T: Copy>(&self, key: &str, index: &HashMap<i64, T>, what: &str) -> Vec<(String, T)> {
        let entries = self.read(key, &format!("a list of ids of {what}s is needed"), Value::as_array);
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for (position, entry) in entries.map_or(&[][..], Vec::as_slice).iter().enumerate() {
            let place = format!("{key}[{position}]");
            match entry.as_i64() {
                None => self.fault(&place, format!("the id of a {what} is needed")),
                Some(id) if seen.contains(&id) => self.fault(&place, format!("{what} {id} is listed twice")),
                Some(id) => match index.get(&id) {
                    Some(target) => found.push((place, *target)),
                    None => self.fault(&place, format!("no {what} with id {id} in this file")),
                },
            }
            seen.extend(entry.as_i64());
        }
        found
    }
}

/// Positions by id. Ids that cannot be used are noted.
pub(super) fn index(objects: &[Object<'_>]) -> Index {
    let mut index = Index::new();
    for (position, object) in objects.iter().enumerate() {
        note_id(object, &mut index, position);
    }
    index
}

/// Remembers what stands under the id of `object`, if it has one. A wrong or taken id is noted.
pub(super) fn note_id<T>(object: &Object<'_>, index: &mut HashMap<i64, T>, target: T) {
    if let Some(id) = object.read("id", "a whole number is needed", Value::as_i64)
        && index.insert(id, target).is_some()
    {
        object.fault("id", format!("{id} is used twice"));
    }
}

/// One form for the ways in which the reference writes a value: `True` is `true`, what is empty is ``.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text == "True" || text == "False" => text.to_lowercase(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
        other => other.to_string(),
    }
}

fn database_form(text: Localized) -> Value {
    Value::Object(text.0.into_iter().map(|(language, text)| (language, Value::String(text))).collect())
}

/// Postgres stores every character but this one.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
