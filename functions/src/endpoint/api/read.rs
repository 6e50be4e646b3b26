//! Bodies of requests: what is written into each field, and everything that is wrong with it at once (spec rest-api 0.3).

use std::collections::BTreeMap;

use ::http::header;
use lambda_http::Request;
use serde_json::{Map, Value, json};

use super::{
    Around,
    field::{Access, Field, Kind},
};
use crate::{
    event::settings::parse_moment,
    http::{ApiError, header_text},
    money::{Money, TaxRate},
    record::{Record, Target},
    time::Timestamp,
};

/// No amount may be larger (spec domain 5.3), so that sums of them always fit.
pub const AMOUNT_MAX: i64 = 9_999_999_999_999;

/// The object in a body: JSON, or a form (spec rest-api 0.2). No body is an empty object.
pub fn object(request: &Request) -> Result<Map<String, Value>, ApiError> {
    match value(request)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(ApiError::field("non_field_errors", "Invalid data. Expected an object.")),
    }
}

/// The value in a body, without the character that the database does not have.
pub fn value(request: &Request) -> Result<Value, ApiError> {
    if request.body().is_empty() {
        return Ok(json!({}));
    }
    let content_type = header_text(request.headers(), header::CONTENT_TYPE).unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json" | "" => serde_json::from_slice(request.body())
            .map(|value| cleaned(&value))
            .map_err(|error| ApiError::BadRequest(format!("JSON parse error - {error}"))),
        "application/x-www-form-urlencoded" => Ok(cleaned(&form(request))),
        other => Err(ApiError::UnsupportedMedia(format!("Unsupported media type \"{other}\" in request."))),
    }
}

/// A field that comes several times is a list.
fn form(request: &Request) -> Value {
    let mut fields: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(request.body()) {
        fields.entry(name.into_owned()).or_default().push(json!(value));
    }
    let one = |mut values: Vec<Value>| if values.len() == 1 { values.remove(0) } else { json!(values) };
    Value::Object(fields.into_iter().map(|(name, values)| (name, one(values))).collect())
}

/// What is wrong with a body, by field.
#[derive(Debug, Default)]
pub struct Faults(Map<String, Value>);

impl Faults {
    /// One more.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        let messages = self.0.entry(field).or_insert_with(|| json!([]));
        if let Value::Array(messages) = messages {
            messages.push(json!(message.into()));
        }
    }

    /// What is wrong with the parts of a field, in a list parallel to them.
    fn add_parts(&mut self, field: &str, parts: Vec<Value>) {
        self.0.insert(field.to_owned(), json!(parts));
    }

    /// What is wrong with an object in a field.
    pub fn add_object(&mut self, field: &str, of_object: Self) {
        if !of_object.is_empty() {
            self.0.insert(field.to_owned(), of_object.into_value());
        }
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The refusal, if there is something.
    pub fn check(self) -> Result<(), ApiError> {
        if self.is_empty() { Ok(()) } else { Err(ApiError::InvalidParts(Value::Object(self.0))) }
    }

    /// All of it.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

/// A reference that is still to be looked up.
#[derive(Debug)]
pub struct Reference {
    /// The field that has it.
    pub field: &'static str,
    /// What it refers to.
    pub target: Target,
    /// The ids.
    pub ids: Vec<i64>,
}

/// What a body says.
#[derive(Debug, Default)]
pub struct Written {
    /// What was there before, with what is written now.
    pub record: Record,
    /// References in it, that of parts among them.
    pub references: Vec<Reference>,
    /// What is wrong.
    pub faults: Faults,
}

/// Reads a body over what was there before; without that, an object that is created. `whole` says that what is required
/// must be in the body even so.
pub fn read(
    fields: &'static [Field],
    body: &Map<String, Value>,
    before: Option<&Record>,
    whole: bool,
    around: &Around,
) -> Written {
    let mut written = Written { record: before.cloned().unwrap_or_default(), ..Written::default() };
    for field in fields {
        if matches!(field.kind, Kind::Channels) {
            continue;
        }
        match (body.get(field.name), before) {
            _ if field.access == Access::Read => {}
            (None, None) if field.required => written.faults.add(field.name, "This field is required."),
            (None, None) => {
                written.record.insert(field.column.to_owned(), field.default_value());
            }
            (None, Some(_)) if whole && field.required => {
                written.faults.add(field.name, "This field is required.");
            }
            (None, Some(_)) => {}
            (Some(_), Some(_)) if matches!(field.kind, Kind::Parts(_)) => {
                let text = "This cannot be changed here. Use the endpoint of its own.";
                written.faults.add(field.name, text);
            }
            (Some(given), _) => written.take(field, given, before, around),
        }
    }
    around.read_channels(fields, body, &mut written);
    written
}

impl Written {
    fn take(&mut self, field: &'static Field, given: &Value, before: Option<&Record>, around: &Around) {
        if let Kind::Parts(fields) | Kind::Replaced(fields) = field.kind {
            self.take_parts(field, fields, given, around);
            return;
        }
        match read_field(field, given, around) {
            Ok(Some(value)) => {
                let known = before.and_then(|before| before.get(field.column));
                if field.access == Access::Create && known.is_some_and(|known| *known != value) {
                    self.faults.add(field.name, "This field cannot be changed.");
                }
                if let Kind::Ref(target) | Kind::Refs(target) = field.kind {
                    let ids: Vec<i64> = match &value {
                        Value::Array(ids) => ids.iter().filter_map(Value::as_i64).collect(),
                        id => id.as_i64().into_iter().collect(),
                    };
                    self.references.push(Reference { field: field.name, target, ids });
                }
                self.record.insert(field.column.to_owned(), value);
            }
            Ok(None) => {}
            Err(message) => self.faults.add(field.name, message),
        }
    }

    fn take_parts(&mut self, field: &'static Field, fields: &'static [Field], given: &Value, around: &Around) {
        let Some(list) = given.as_array() else {
            let kind = kind_of(given);
            self.faults.add(field.name, format!("Expected a list of items but got type \"{kind}\"."));
            return;
        };
        if list.len() > PARTS_MAX {
            self.faults.add(field.name, format!("Ensure this field has no more than {PARTS_MAX} elements."));
            return;
        }
        let (mut parts, mut faults) = (Vec::new(), Vec::new());
        for part in list {
            let Some(body) = part.as_object() else {
                let message = format!("Invalid data. Expected a dictionary, but got {}.", kind_of(part));
                faults.push(json!({ "non_field_errors": [message] }));
                continue;
            };
            let written = read(fields, body, None, true, around);
            parts.push(Value::Object(written.record));
            self.references.extend(written.references);
            faults.push(written.faults.into_value());
        }
        if faults.iter().any(|fault| *fault != json!({})) {
            self.faults.add_parts(field.name, faults);
        }
        self.record.insert(field.column.to_owned(), Value::Array(parts));
    }
}

/// Most parts of one object.
const PARTS_MAX: usize = 10_000;
/// Longest value without a form of its own: a page of such objects must fit into an answer.
const JSON_BYTES_MAX: usize = 50_000;

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// The value for the column of a field; `None` leaves the column as it is.
pub fn read_field(field: &Field, given: &Value, around: &Around) -> Result<Option<Value>, String> {
    if let Kind::Fixed(text) = field.kind {
        let fixed: Value = serde_json::from_str(text).expect("fixed values are declared as JSON");
        let nothing = [Value::Null, json!(""), json!([]), json!({}), json!(false)];
        return match *given == fixed || nothing.contains(given) {
            true => Ok(None),
            false => Err("This is not available.".to_owned()),
        };
    }
    // A form has no null; an empty text is as near as it gets.
    let is_text = matches!(field.kind, Kind::Text(_) | Kind::Localized(_) | Kind::Json);
    let given = if field.null && !is_text && *given == "" { &Value::Null } else { given };
    if given.is_null() {
        return match (field.null, field.kind) {
            (true, _) => Ok(Some(Value::Null)),
            // Clients send null for "none" where the reference keeps an empty text.
            (false, Kind::Text(_)) if !field.required => Ok(Some(json!(""))),
            (false, _) => Err("This field may not be null.".to_owned()),
        };
    }
    let value = match field.kind {
        Kind::Flag => json!(read_flag(given).ok_or("Must be a valid boolean.")?),
        Kind::Text(max) => json!(read_text(given, max)?),
        Kind::Localized(max) => read_localized(given, max)?,
        Kind::Number(least, most) => json!(read_number(given, least, most)?),
        Kind::Amount => json!(read_amount(given, around)?),
        Kind::OwnAmount => json!(read_decimal(given).ok_or("A valid number is required.")?),
        Kind::Percent => {
            let text = read_decimal(given).ok_or("A valid number is required.")?;
            json!(TaxRate::parse_percent(&text).ok_or("Enter a percentage from 0 to 100.")?.ppm())
        }
        Kind::Moment => json!(read_moment(given, around)?.to_string()),
        Kind::Day => {
            let day = given.as_str().and_then(|text| text.parse::<jiff::civil::Date>().ok());
            let day = day.filter(|day| (1..=9999).contains(&day.year()));
            json!(day.ok_or("Date has wrong format. Use YYYY-MM-DD.")?.to_string())
        }
        Kind::Degrees => {
            let number = given.as_f64().or_else(|| given.as_str()?.trim().parse().ok());
            json!(number.filter(|number| (-180.0..=180.0).contains(number)).ok_or("A valid number is required.")?)
        }
        Kind::Choice(words) => {
            let word = given.as_str().filter(|word| words.contains(word));
            json!(word.ok_or_else(|| format!("\"{}\" is not a valid choice.", plain(given)))?)
        }
        Kind::Ref(_) => json!(read_id(given)?),
        Kind::Refs(_) => {
            let mut ids = Vec::new();
            for given in listed(given)? {
                let id = read_id(given)?;
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            json!(ids)
        }
        Kind::Words(max) => {
            let words: Result<Vec<String>, String> = listed(given)?.into_iter().map(|it| read_text(it, max)).collect();
            json!(words?)
        }
        Kind::Json if given.to_string().len() > JSON_BYTES_MAX => {
            return Err(format!("Ensure this field has no more than {JSON_BYTES_MAX} bytes."));
        }
        Kind::Json => given.clone(),
        Kind::Channels | Kind::Parts(_) | Kind::Replaced(_) | Kind::Fixed(_) => return Ok(None),
    };
    if field.required && is_blank(&value) {
        return Err("This field may not be blank.".to_owned());
    }
    Ok(Some(value))
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Object(texts) => texts.values().all(|text| *text == ""),
        _ => false,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One value of a form is a list of one.
fn listed(given: &Value) -> Result<Vec<&Value>, String> {
    match given {
        Value::Array(list) if list.len() <= 10_000 => Ok(list.iter().collect()),
        Value::Array(_) => Err("Ensure this field has no more than 10000 elements.".to_owned()),
        Value::String(_) => Ok(vec![given]),
        other => Err(format!("Expected a list of items but got type \"{}\".", kind_of(other))),
    }
}

/// True and false, and the words that forms and the reference have for them.
pub fn read_flag(given: &Value) -> Option<bool> {
    match given {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => Some(true),
            "false" | "0" | "off" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn read_text(given: &Value, max: usize) -> Result<String, String> {
    let text = match given {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err("Not a valid string.".to_owned()),
    };
    // Postgres has no NUL in its texts.
    let text = text.replace('\0', "").trim().to_owned();
    match text.chars().count() <= max {
        true => Ok(text),
        false => Err(format!("Ensure this field has no more than {max} characters.")),
    }
}

fn read_localized(given: &Value, max: usize) -> Result<Value, String> {
    let texts = match given {
        Value::String(_) => Map::from_iter([("en".to_owned(), given.clone())]),
        Value::Object(texts) => texts.clone(),
        _ => return Err("Expected a text, or an object of texts by language.".to_owned()),
    };
    let mut read = Map::new();
    for (language, text) in texts.iter().filter(|(_, text)| !text.is_null()) {
        let is_code = (2..=20).contains(&language.len())
            && language.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_');
        if !is_code {
            return Err(format!("\"{}\" is not a language.", language.replace('\0', "")));
        }
        read.insert(language.clone(), json!(read_text(text, max)?));
    }
    Ok(Value::Object(read))
}

/// A whole number, also if it is written as `4.0`, which in JSON is the same.
fn whole(given: &Value) -> Option<i64> {
    match given {
        Value::Number(number) => number.as_i64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok()),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    }
}

fn read_number(given: &Value, least: i64, most: i64) -> Result<i64, String> {
    let number = whole(given).ok_or("A valid integer is required.")?;
    if number < least {
        return Err(format!("Ensure this value is greater than or equal to {least}."));
    }
    if number > most {
        return Err(format!("Ensure this value is less than or equal to {most}."));
    }
    Ok(number)
}

fn read_id(given: &Value) -> Result<i64, String> {
    whole(given).ok_or_else(|| format!("Incorrect type. Expected pk value, received {}.", kind_of(given)))
}

fn read_decimal(given: &Value) -> Option<String> {
    match given {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An amount from 0 upwards in minor units.
pub fn read_amount(given: &Value, around: &Around) -> Result<i64, String> {
    let text = read_decimal(given).ok_or("A valid number is required.")?;
    let amount = Money::parse_decimal(&text, around.currency).map_err(|error| match error {
        crate::money::MoneyError::Amount(decimals) => {
            format!("A valid number with at most {decimals} decimal places is required.")
        }
        _ => "Ensure that there are no more than 13 digits in total.".to_owned(),
    })?;
    match amount.minor() {
        minor if minor < 0 => Err("Ensure this value is greater than or equal to 0.".to_owned()),
        minor if minor > AMOUNT_MAX => Err("Ensure that there are no more than 13 digits in total.".to_owned()),
        minor => Ok(minor),
    }
}

/// A moment; without a zone it is on the event's clock.
pub fn read_moment(given: &Value, around: &Around) -> Result<Timestamp, String> {
    let moment = given.as_str().and_then(|text| parse_moment(text.trim(), &around.zone));
    // What no calendar of a database has is no moment either.
    let years = (-62_135_596_800..=253_402_300_799).contains(&moment.map_or(i64::MIN, Timestamp::as_seconds));
    moment.filter(|_| years).ok_or_else(|| "Datetime has wrong format. Use ISO 8601, with a zone.".to_owned())
}

/// JSON that the database can keep: without the character that it has not.
fn cleaned(given: &Value) -> Value {
    match given {
        Value::String(text) => json!(text.replace('\0', "")),
        Value::Array(list) => list.iter().map(cleaned).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.replace('\0', ""), cleaned(value))).collect())
        }
        other => other.clone(),
    }
}
