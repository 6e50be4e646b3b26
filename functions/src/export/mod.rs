//! Exports: lists of an event as CSV or Excel files, made by a worker and kept for a day (spec domain 24.1).
//!
//! A file is written as it is read: rows come in portions, by the id of the last one, and leave in parts of a multipart
//! upload, so that neither memory nor a transaction grows with the event. What changes meanwhile may therefore be seen in one
//! portion and not in another; each row is true by itself.

mod cell;
mod csv;
mod make;
pub mod sql;
pub mod table;
mod xlsx;
mod zip;

use std::collections::BTreeMap;

pub use cell::Cell;
pub use csv::{Csv, Dialect};
pub use make::{Made, MakeError, make};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use table::Table;
pub use xlsx::Xlsx;

use crate::{
    checkin::{self, List},
    event::Event,
    id::ExportId,
    outbox::{self, Message, Outgoing},
    port::db::{DbError, Query, Tx},
    staff::Staff,
    time::Timestamp,
};

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exporter {
    /// Orders, their positions and their fees.
    Orders,
    /// Payments and refunds.
    Payments,
    /// The guests of a check-in list and how they stand at the door.
    Guests,
}

impl Exporter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Payments, Self::Guests];

    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orderlist",
            Self::Payments => "paymentlist",
            Self::Guests => "checkinlist",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|exporter| exporter.name() == name)
    }

    /// The key of what people call it.
    pub fn title_key(self) -> &'static str {
        match self {
            Self::Orders => "export-orderlist",
            Self::Payments => "export-paymentlist",
            Self::Guests => "export-checkinlist",
        }
    }

    /// What it consists of: sheets of a workbook, or one CSV file each.
    pub fn tables(self) -> &'static [Table] {
        match self {
            Self::Orders => &[Table::Orders, Table::Positions, Table::Fees],
            Self::Payments => &[Table::Payments],
            Self::Guests => &[Table::Guests],
        }
    }

    /// The words of [`Format`] that it takes.
    pub fn formats(self) -> Vec<String> {
        let csv = |table: &Table| Dialect::ALL.map(|dialect| Format::Csv(*table, dialect).name(self));
        std::iter::once(Format::Xlsx.name(self)).chain(self.tables().iter().flat_map(csv)).collect()
    }
}

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A workbook with a sheet for every table.
    Xlsx,
    /// One table as text.
    Csv(Table, Dialect),
}

impl Format {
    /// The word in the API: `xlsx`, `orders:default`, and without the table where there is only one.
    fn name(self, exporter: Exporter) -> String {
        match self {
            Self::Xlsx => "xlsx".to_owned(),
            Self::Csv(_, dialect) if exporter.tables().len() == 1 => dialect.name().to_owned(),
            Self::Csv(table, dialect) => format!("{}:{}", table.name(), dialect.name()),
        }
    }

    fn parse(name: &str, exporter: Exporter) -> Option<Self> {
        let csv = |table: &Table| Dialect::ALL.map(|dialect| Self::Csv(*table, dialect));
        let mut all = std::iter::once(Self::Xlsx).chain(exporter.tables().iter().flat_map(csv));
        all.find(|format| format.name(exporter) == name)
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv(..) => "text/csv; charset=utf-8",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv(..) => "csv",
        }
    }
}

/// What somebody wants to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Which lists.
    pub exporter: Exporter,
    /// As which file.
    pub format: Format,
    /// Only orders that are paid.
    pub paid_only: bool,
    /// Of which check-in list, if it is about one.
    pub guests: Option<Guests>,
}

/// What somebody wants to have of a check-in list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guests {
    /// The list.
    pub list: i64,
    /// With the codes that let in.
    pub secrets: bool,
    /// Only those whom the door is to look at twice.
    pub attention_only: bool,
}

impl Wish {
    /// Names of the parameters that an exporter understands, and whether it needs them.
    pub fn parameters(exporter: Exporter) -> &'static [(&'static str, bool)] {
        match exporter {
            Exporter::Orders => &[("_format", true), ("paid_only", false)],
            Exporter::Payments => &[("_format", true)],
            Exporter::Guests => &[
                ("_format", true),
                ("list", true),
                ("paid_only", false),
                ("secrets", false),
                ("attention_only", false),
            ],
        }
    }

    /// Reads parameters as the API gets them. Unlike elsewhere, unknown ones are faults (spec rest-api 13): a filter
    /// that has no effect would make a list of the wrong people.
    pub fn read(exporter: Exporter, parameters: &Map<String, Value>) -> Result<Self, BTreeMap<String, Vec<String>>> {
        let mut faults = BTreeMap::new();
        let known = Self::parameters(exporter);
        for name in parameters.keys().filter(|name| !known.iter().any(|(known, _)| known == name)) {
            faults.insert(name.clone(), vec!["This exporter has no such parameter.".to_owned()]);
        }
        let format = match parameters.get("_format") {
            Some(Value::String(name)) => Format::parse(name, exporter),
            _ => None,
        };
        if format.is_none() {
            let allowed = format!("Allowed are {}.", exporter.formats().join(", "));
            faults.insert("_format".to_owned(), vec![allowed]);
        }
        let mut flag = |name: &str, default| match parameters.get(name) {
            None | Some(Value::Null) => default,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                faults.insert(name.to_owned(), vec!["Must be true or false.".to_owned()]);
                default
            }
        };
        let paid_only = flag("paid_only", false);
        let (secrets, attention_only) = (flag("secrets", true), flag("attention_only", false));
        let guests = match exporter {
            Exporter::Guests => {
                let list = parameters.get("list").and_then(Value::as_i64);
                if list.is_none() {
                    faults.insert("list".to_owned(), vec!["The id of a check-in list is needed.".to_owned()]);
                }
                list.map(|list| Guests { list, secrets, attention_only })
            }
            Exporter::Orders | Exporter::Payments => None,
        };
        match format {
            Some(format) if faults.is_empty() => Ok(Self { exporter, format, paid_only, guests }),
            _ => Err(faults),
        }
    }

    fn shows_secrets(&self) -> bool {
        self.guests.is_none_or(|guests| guests.secrets)
    }

    fn attention_only(&self) -> bool {
        self.guests.is_some_and(|guests| guests.attention_only)
    }
}

/// Where an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has begun.
    Waiting,
    /// A worker writes it.
    Running,
    /// The file is there.
    Done,
    /// It could not be made.
    Failed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Done, Self::Failed];

    /// The word in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| DbError::UnknownValue { what: "state of an export", value: name.to_owned() })
    }
}

/// An export as its owner sees it.
#[derive(Debug, Clone)]
pub struct Export {
    /// Where it stands.
    pub state: State,
    /// How much of it is written, in percent.
    pub percentage: i64,
    /// Where the file lies, if it is done.
    pub object_key: String,
    /// What the file is called on the reader's disk.
    pub file_name: String,
}

/// Files are kept for this long.
pub const KEEP_SECONDS: i64 = 24 * 3600;
/// Longest time that a worker may take: above the worker's timeout.
const CLAIM_STALE_SECONDS: i64 = 120;
/// After so many tries an export has failed.
const TRIES_MAX: i32 = 3;

/// Asks for an export. Only whoever has the same token and knows `secret` gets the file.
pub async fn request(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    wish: &Wish,
    secret: &str,
    now: Timestamp,
) -> Result<(ExportId, Outgoing), DbError> {
    let file = match wish.format {
        Format::Xlsx => format!("{}_{}", event.slug, wish.exporter.name()),
        Format::Csv(table, _) => format!("{}_{}", event.slug, table.name()),
    };
    let file_name = format!("{file}.{}", wish.format.ending());
    let object_key = format!("exports/{}/{}/{secret}.{}", event.organizer.slug, event.slug, wish.format.ending());
    let id = sql::insert(tx, staff, event, wish, &sql::File { secret, file_name, object_key }, now).await?;
    let outgoing = outbox::record(tx, &[Message::MakeExport { export: id }], now).await?;
    Ok((id, outgoing.of(event.organizer.id)))
}

/// The check-in list of an event that an export is about.
pub async fn list(q: &impl Query, event: &Event, wish: &Wish) -> Result<Option<List>, DbError> {
    let Some(guests) = wish.guests else { return Ok(None) };
    let lists = checkin::sql::lists(q, event.organizer.id, &vec![guests.list]).await?;
    Ok(lists.into_iter().map(|(list, _)| list).find(|list| list.event == event.id))
}

/// An export of this token, while it is kept.
pub async fn find(
    q: &impl Query,
    staff: &Staff,
    exporter: Exporter,
    id: ExportId,
    secret: &str,
    now: Timestamp,
) -> Result<Option<Export>, DbError> {
    sql::find(q, staff, exporter, id, secret, now).await
}
