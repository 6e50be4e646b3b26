//! What a resource of the API consists of: its fields, what may be written into each, and how a row becomes JSON
//! (spec rest-api 0.2). The same declarations say what the API's own description says (`schema`).

use serde_json::{Map, Value, json};

use super::Around;
use crate::{
    money::{Currency, Money, TaxRate},
    record::{Record, Target},
    time::Timestamp,
};

/// The form of a field's value, outside and in its column.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// true or false.
    Flag,
    /// A text of at most so many characters.
    Text(usize),
    /// A text in several languages: an object, or one text when it is written.
    Localized(usize),
    /// A whole number between two others.
    Number(i64, i64),
    /// An amount of the event's currency from 0 upwards; minor units in the column.
    Amount,
    /// An amount in the currency that the object says in its column `currency`; minor units in the column. What is written
    /// is a decimal text until the rules of the object have found that currency.
    OwnAmount,
    /// A percentage from 0 to 100; parts per million in the column.
    Percent,
    /// A moment.
    Moment,
    /// A calendar day.
    Day,
    /// A geographic coordinate in degrees.
    Degrees,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// The id of a row of the event.
    Ref(Target),
    /// Ids of rows of the event.
    Refs(Target),
    /// A list of texts, each of at most so many characters.
    Words(usize),
    /// The sales channels of `all_sales_channels` and `limit_sales_channels` in one list, as clients knew it (spec
    /// rest-api 0.6).
    Channels,
    /// An object, or a list, that the shop keeps as it is.
    Json,
    /// Objects that can only be given when the whole is created.
    Parts(&'static [Field]),
    /// Objects that replace those that were there.
    Replaced(&'static [Field]),
    /// What the shop does not offer: it always has this value, given as JSON, and no other can be written.
    Fixed(&'static str),
}

/// When a field can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Always.
    Write,
    /// When the object is created.
    Create,
    /// Never: what is sent is ignored.
    Read,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name outside.
    pub name: &'static str,
    /// The column of its value.
    pub column: &'static str,
    /// The form of its value.
    pub kind: Kind,
    /// When it can be written.
    pub access: Access,
    /// It must be there, and must not be empty.
    pub required: bool,
    /// It may be null.
    pub null: bool,
    /// What it is if nothing is said, as JSON of its column.
    pub default: Option<&'static str>,
    /// What its text looks like, for those who read the description of the API; the rules of the object say the same.
    pub pattern: Option<&'static str>,
}

impl Field {
    /// A field that can be written and left out.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            column: name,
            kind,
            access: Access::Write,
            required: false,
            null: false,
            default: None,
            pattern: None,
        }
    }

    /// With a column of another name.
    pub const fn column(mut self, column: &'static str) -> Self {
        self.column = column;
        self
    }

    /// That must be there.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// That may be null.
    pub const fn null(mut self) -> Self {
        self.null = true;
        self
    }

    /// With a value of its own, as JSON, if nothing is said.
    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// Whose text looks like this.
    pub const fn like(mut self, pattern: &'static str) -> Self {
        self.pattern = Some(pattern);
        self
    }

    /// That cannot be written.
    pub const fn read_only(mut self) -> Self {
        self.access = Access::Read;
        self
    }

    /// That can only be written when the object is created.
    pub const fn create_only(mut self) -> Self {
        self.access = Access::Create;
        self
    }

    /// What the column has if nothing is said.
    pub(super) fn default_value(&self) -> Value {
        if let Some(text) = self.default {
            return serde_json::from_str(text).expect("defaults are declared as JSON");
        }
        if self.null {
            return Value::Null;
        }
        match self.kind {
            Kind::Flag => json!(false),
            Kind::Text(_) => json!(""),
            Kind::Number(least, _) => json!(least.max(0)),
            Kind::Amount | Kind::OwnAmount | Kind::Percent => json!(0),
            Kind::Refs(_) | Kind::Words(_) | Kind::Channels | Kind::Parts(_) | Kind::Replaced(_) => json!([]),
            Kind::Localized(_) | Kind::Json => json!({}),
            Kind::Choice(words) => json!(words.first()),
            Kind::Moment | Kind::Day | Kind::Degrees | Kind::Ref(_) | Kind::Fixed(_) => Value::Null,
        }
    }
}

/// An object as the API tells it.
pub fn show(fields: &[Field], record: &Record, around: &Around) -> Value {
    let shown = fields.iter().map(|field| (field.name.to_owned(), show_field(field, record, around)));
    Value::Object(shown.collect::<Map<_, _>>())
}

fn show_field(field: &Field, record: &Record, around: &Around) -> Value {
    let value = record.get(field.column).unwrap_or(&Value::Null);
    match field.kind {
        Kind::Fixed(text) => serde_json::from_str(text).expect("fixed values are declared as JSON"),
        Kind::Channels => json!(around.channels_of(record)),
        _ if value.is_null() => Value::Null,
        Kind::Amount => json!(value.as_i64().map(|minor| Money::new(minor, around.currency).to_decimal())),
        Kind::OwnAmount => {
            let currency = record.get("currency").and_then(Value::as_str).and_then(|code| Currency::parse(code).ok());
            let amount = value.as_i64().zip(currency).map(|(minor, currency)| Money::new(minor, currency));
            json!(amount.map(|amount| amount.to_decimal()))
        }
        Kind::Percent => {
            let ppm = value.as_i64().and_then(|ppm| i32::try_from(ppm).ok());
            json!(ppm.map(|ppm| TaxRate::from_ppm(ppm).to_percent()))
        }
        Kind::Moment => json!(value.as_str().and_then(Timestamp::parse).map(|moment| moment.to_string())),
        Kind::Parts(fields) | Kind::Replaced(fields) => {
            let parts = value.as_array().into_iter().flatten().filter_map(Value::as_object);
            parts.map(|part| show(fields, part, around)).collect()
        }
        Kind::Flag
        | Kind::Text(_)
        | Kind::Localized(_)
        | Kind::Number(..)
        | Kind::Day
        | Kind::Degrees
        | Kind::Choice(_)
        | Kind::Ref(_)
        | Kind::Refs(_)
        | Kind::Words(_)
        | Kind::Json => value.clone(),
    }
}

/// The JSON schema of an object with these fields, as it is told or as it is written.
pub fn schema(fields: &[Field], written: bool) -> Value {
    let of = |field: &&Field| !written || field.access != Access::Read;
    let properties: Map<String, Value> =
        fields.iter().filter(of).map(|field| (field.name.to_owned(), schema_of(field, written))).collect();
    let required: Vec<&str> = match written {
        true => fields.iter().filter(|field| field.required && of(field)).map(|field| field.name).collect(),
        false => fields.iter().map(|field| field.name).collect(),
    };
    json!({ "type": "object", "properties": properties, "required": required })
}

/// From 0 to 100, as a pattern.
pub const PERCENT: &str = r"(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)";
/// Something that can be seen.
const NOT_BLANK: &str = r"[^\s\x00]";

fn schema_of(field: &Field, written: bool) -> Value {
    let must_say = written && field.required;
    let mut schema = match field.kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Text(max) if must_say => json!({ "type": "string", "maxLength": max, "pattern": NOT_BLANK }),
        Kind::Text(max) => json!({ "type": "string", "maxLength": max }),
        Kind::Localized(max) if written => {
            let mut text = json!({ "type": "string", "maxLength": max });
            let mut texts = json!({ "type": "object", "maxProperties": 20,
                "propertyNames": { "pattern": "^[A-Za-z0-9_-]{2,20}$" }, "additionalProperties": text });
            if must_say {
                text["pattern"] = json!(NOT_BLANK);
                texts["not"] = json!({ "additionalProperties": { "not": { "pattern": NOT_BLANK } } });
            }
            json!({ "anyOf": [texts, text] })
        }
        Kind::Localized(_) => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Amount => json!({ "type": "string", "pattern": r"^\d{1,11}(\.\d{1,2})?$" }),
        Kind::Percent => json!({ "type": "string", "pattern": format!("^{PERCENT}$") }),
        Kind::OwnAmount => json!({ "type": "string", "pattern": r"^-?\d{1,11}(\.\d{1,2})?$" }),
        Kind::Moment => json!({ "type": "string", "format": "date-time" }),
        Kind::Day => json!({ "type": "string", "format": "date" }),
        Kind::Degrees => json!({ "type": "number", "minimum": -180, "maximum": 180 }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Ref(_) => json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX }),
        Kind::Refs(_) => {
            json!({ "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": i64::MAX } })
        }
        Kind::Words(max) => json!({ "type": "array", "items": { "type": "string", "maxLength": max } }),
        Kind::Channels => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Json if written && !field.null => json!({ "type": "object" }),
        Kind::Json => json!({}),
        Kind::Parts(fields) | Kind::Replaced(fields) => {
            json!({ "type": "array", "items": self::schema(fields, written) })
        }
        Kind::Fixed(text) => {
            let value: Value = serde_json::from_str(text).expect("fixed values are declared as JSON");
            json!({ "const": value })
        }
    };
    if let Some(pattern) = field.pattern.filter(|_| written) {
        schema["pattern"] = json!(pattern);
    }
    if field.null
        && let Some(kind) = schema.get("type").cloned()
    {
        schema["type"] = json!([kind, "null"]);
        if let Some(Value::Array(words)) = schema.get_mut("enum") {
            words.push(Value::Null);
        }
    }
    if field.null
        && let Some(Value::Array(kinds)) = schema.get_mut("anyOf")
    {
        kinds.push(json!({ "type": "null" }));
    }
    if field.access == Access::Read {
        schema["readOnly"] = json!(true);
    }
    schema
}
