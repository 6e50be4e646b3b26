//! Reading texts in several languages from rows.

use crate::{
    i18n::Localized,
    port::db::{DbError, Row},
};

impl Localized {
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
