//! Texts that organisers write in several languages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::port::db::{DbError, Row};

/// A text by language code. Read from an object (`{"en": "Seat", "de": "Platz"}`) or from one text for all languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "LocalizedIn")]
pub struct Localized(pub BTreeMap<String, String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum LocalizedIn {
    One(String),
    Many(BTreeMap<String, String>),
}

impl From<LocalizedIn> for Localized {
    fn from(text: LocalizedIn) -> Self {
        match text {
            LocalizedIn::One(text) => Self(BTreeMap::from([("en".to_owned(), text)])),
            LocalizedIn::Many(texts) => Self(texts),
        }
    }
}

impl Localized {
    /// The text for a reader of `lang`: that language, else its base language, else English, else any, else nothing.
    pub fn get(&self, lang: &str) -> &str {
        let base = lang.split(['-', '_']).next().unwrap_or(lang);
        let filled = |code: &str| self.0.get(code).filter(|text| !text.is_empty());
        [lang, base, "en"]
            .into_iter()
            .find_map(filled)
            .or_else(|| self.0.values().find(|text| !text.is_empty()))
            .map_or("", String::as_str)
    }

    /// True when no language has a text.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(String::is_empty)
    }

    /// The text in a `jsonb` column that is never null.
    pub fn from_row(row: &Row, column: &str) -> Result<Self, DbError> {
        Self::read(row.get(column)?)
    }

    /// The text in a `jsonb` column that may be null. Empty texts count as none.
    pub fn from_row_opt(row: &Row, column: &str) -> Result<Option<Self>, DbError> {
        let value: Option<serde_json::Value> = row.get(column)?;
        Ok(value.map(Self::read).transpose()?.filter(|text| !text.is_empty()))
    }

    fn read(value: serde_json::Value) -> Result<Self, DbError> {
        let shown = value.to_string();
        serde_json::from_value(value).map_err(|_| DbError::UnknownValue { what: "text", value: shown })
    }
}
