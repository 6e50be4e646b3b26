//! Rows as programs of organisers read and write them: JSON objects by column, as the database has them (amounts in minor
//! units, rates in parts per million). A resource of the REST API is a [`Table`] of constant statements and a declaration of
//! its fields; what the rules say about a row is with the resource.

pub mod sql;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    id::{EventId, OrganizerId},
    port::{
        db::{Db, DbError, Param, Query, Row, Tx, array, p},
        lock::EventLock,
    },
    staff::Scope,
    time::Timestamp,
};

/// A row by column.
pub type Record = Map<String, Value>;

/// The statements of a table. `$1` is the event, or the organiser, that a right was checked for.
#[derive(Debug)]
pub struct Table {
    /// What the action log calls a row.
    pub object: &'static str,
    /// `$2` filter, `$3` ordering, `$4` offset, `$5` limit → `body`, `total`.
    pub list: &'static str,
    /// `$2` id → `body`.
    pub find: &'static str,
    /// `$2` record → `id`.
    pub insert: &'static str,
    /// `$2` id, `$3` record.
    pub update: &'static str,
    /// `$2` id.
    pub delete: &'static str,
}

/// Which part of a list, in which order.
#[derive(Debug, Clone)]
pub struct Part {
    /// Column → wanted value, as the statement reads it.
    pub filter: Record,
    /// One of the orderings of the statement, with `-` for the other direction; empty for the usual one.
    pub ordering: String,
    /// How many to leave out.
    pub offset: i64,
    /// How many at most.
    pub limit: i64,
}

/// The statements of a list that may be very long. `$1` is the event, or the events, and `$2` the filter.
#[derive(Debug)]
pub struct Paged {
    /// `$3` what it is sorted by, `$4` whether downwards, `$5` how many rows to leave out, `$6` how many at most, `$7` whether
    /// it is read from its end → the rows of the page.
    pub page: &'static str,
    /// The same with `total`: for a search, which has to look at every row, and then does so once.
    pub found: &'static str,
    /// → `total`.
    pub count: &'static str,
    /// What it is sorted by if nothing else is asked for.
    pub usual: &'static str,
}

/// Rows before a page from which on it is worth knowing whether the end of the list is nearer than its beginning.
const FAR: i64 = 500;

/// One page of a list, and how many rows there are in all; `None` where that is not known, beyond the end. The page comes first,
/// by an index where there is one; a page that is not full tells how many there are, and if not they are counted by themselves.
pub async fn page(
    db: &mut Db,
    list: &'static Paged,
    of: Param<'_>,
    part: &Part,
) -> Result<(Vec<Row>, Option<i64>), DbError> {
    if part.filter.contains_key("search") {
        return found(&*db, list.found, list.usual, of, part).await;
    }
    if part.offset < FAR {
        let rows = rows(&*db, (list.page, list.usual), &of, part, false).await?;
        let number = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let is_last = number < part.limit && (number > 0 || part.offset == 0);
        let total = if is_last { part.offset + number } else { count(&*db, list, &of, part).await? };
        return Ok((rows, Some(total)));
    }
    // What is read from the end depends on how many there are: both are of one moment, or rows could be missing.
    let tx = db.begin_reading().await?;
    let found = far_page(&tx, list, &of, part).await;
    tx.finish(found).await
}

async fn far_page(
    q: &impl Query,
    list: &Paged,
    of: &Param<'_>,
    part: &Part,
) -> Result<(Vec<Row>, Option<i64>), DbError> {
    let total = count(q, list, of, part).await?;
    if part.offset >= total {
        return Ok((Vec::new(), None));
    }
    let is_near_end = part.offset > total / 2;
    let mut part = part.clone();
    if is_near_end {
        part.limit = part.limit.min(total - part.offset);
        part.offset = total - part.offset - part.limit;
    }
    let mut rows = rows(q, (list.page, list.usual), of, &part, is_near_end).await?;
    if is_near_end {
        rows.reverse();
    }
    Ok((rows, Some(total)))
}

/// The same with a statement that counts as it goes.
pub async fn found(
    q: &impl Query,
    statement: &'static str,
    usual: &str,
    of: Param<'_>,
    part: &Part,
) -> Result<(Vec<Row>, Option<i64>), DbError> {
    let rows = rows(q, (statement, usual), &of, part, false).await?;
    let total = rows.first().map(|row| row.get("total")).transpose()?;
    Ok((rows, total))
}

async fn rows(
    q: &impl Query,
    (statement, usual): (&'static str, &str),
    of: &Param<'_>,
    part: &Part,
    backwards: bool,
) -> Result<Vec<Row>, DbError> {
    let filter = Value::Object(part.filter.clone());
    let (name, is_down) = match part.ordering.strip_prefix('-') {
        Some(name) => (name, true),
        None if part.ordering.is_empty() => (usual, false),
        None => (part.ordering.as_str(), false),
    };
    let down = is_down != backwards;
    let params = [of.clone(), p(&filter), p(&name), p(&down), p(&part.offset), p(&part.limit), p(&backwards)];
    q.query(statement, &params).await
}

async fn count(q: &impl Query, list: &Paged, of: &Param<'_>, part: &Part) -> Result<i64, DbError> {
    let filter = Value::Object(part.filter.clone());
    q.one(list.count, &[of.clone(), p(&filter)]).await?.get("total")
}

/// Rows of a list, and how many there are in all; `None` where that is not known, beyond the end.
pub async fn list(
    q: &impl Query,
    table: &'static Table,
    scope: Scope,
    part: &Part,
) -> Result<(Vec<Record>, Option<i64>), DbError> {
    let filter = Value::Object(part.filter.clone());
    let id = scope.id();
    let params = [p(&id), p(&filter), p(&part.ordering), p(&part.offset), p(&part.limit)];
    let rows = q.query(table.list, &params).await?;
    let total = rows.first().map(|row| row.get("total")).transpose()?;
    Ok((rows.iter().map(body).collect::<Result<_, _>>()?, total))
}

/// A row by its id.
pub async fn find(q: &impl Query, table: &'static Table, scope: Scope, id: i64) -> Result<Option<Record>, DbError> {
    q.opt(table.find, &[p(&scope.id()), p(&id)]).await?.as_ref().map(body).transpose()
}

/// The record in a row.
pub fn body(row: &Row) -> Result<Record, DbError> {
    match row.get("body")? {
        Value::Object(record) => Ok(record),
        other => Err(DbError::UnknownValue { what: "row", value: other.to_string() }),
    }
}

/// Adds a row and returns its id.
pub async fn insert(tx: &Tx<'_>, table: &'static Table, scope: Scope, record: &Record) -> Result<i64, DbError> {
    let record = Value::Object(record.clone());
    tx.one(table.insert, &[p(&scope.id()), p(&record)]).await?.get("id")
}

/// Replaces a row.
pub async fn update(tx: &Tx<'_>, table: &'static Table, scope: Scope, id: i64, record: &Record) -> Result<(), DbError> {
    let record = Value::Object(record.clone());
    tx.execute(table.update, &[p(&scope.id()), p(&id), p(&record)]).await.map(drop)
}

/// Removes a row. What still refers to it refuses by the name of its constraint.
pub async fn delete(tx: &Tx<'_>, table: &'static Table, scope: Scope, id: i64) -> Result<(), DbError> {
    tx.execute(table.delete, &[p(&scope.id()), p(&id)]).await.map(drop)
}

/// Records that a program has done something to a row (spec domain 23.1). `data` is what it said.
pub async fn log(
    tx: &Tx<'_>,
    scope: Scope,
    (object, id): (&str, i64),
    action: &str,
    data: &Value,
    now: Timestamp,
) -> Result<(), DbError> {
    let (organizer, event, token) = (scope.organizer(), scope.event(), scope.token());
    let params: [Param<'_>; 8] =
        [p(&organizer), p(&event), p(&object), p(&id), p(&action), p(data), p(&token), p(&now)];
    tx.execute(sql::LOG, &params).await.map(drop)
}

/// The same for many rows at once: ids with what was said about them.
pub async fn log_all(
    tx: &Tx<'_>,
    scope: Scope,
    object: &str,
    action: &str,
    said: Vec<(i64, Value)>,
    now: Timestamp,
) -> Result<(), DbError> {
    let (organizer, event, token) = (scope.organizer(), scope.event(), scope.token());
    let (ids, data): (Vec<i64>, Vec<Value>) = said.into_iter().unzip();
    let params: [Param<'_>; 8] =
        [p(&organizer), p(&event), p(&object), p(&action), p(&token), p(&now), array(&ids), array(&data)];
    tx.execute(sql::LOG_ALL, &params).await.map(drop)
}

/// When a program last changed a row of a kind (spec rest-api 0.5).
pub async fn last_change(q: &impl Query, event: EventId, object: &str) -> Result<Option<Timestamp>, DbError> {
    q.one(sql::LAST_CHANGE, &[p(&event), p(&object)]).await?.get("moment")
}

/// What a field may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A product category.
    Category,
    /// A product.
    Item,
    /// A variation of a product.
    Variation,
    /// A tax rule.
    TaxRule,
    /// A quota.
    Quota,
    /// A question.
    Question,
    /// A date of a series.
    Date,
}

impl Target {
    fn statement(self) -> &'static str {
        match self {
            Self::Category => sql::CATEGORIES_OF,
            Self::Item => sql::ITEMS_OF,
            Self::Variation => sql::VARIATIONS_OF,
            Self::TaxRule => sql::TAX_RULES_OF,
            Self::Quota => sql::QUOTAS_OF,
            Self::Question => sql::QUESTIONS_OF,
            Self::Date => sql::DATES_OF,
        }
    }
}

/// Those of `ids` that are the event's.
pub async fn known(q: &impl Query, scope: Scope, target: Target, ids: &Vec<i64>) -> Result<BTreeSet<i64>, DbError> {
    q.query(target.statement(), &[p(&scope.id()), array(ids)]).await?.iter().map(|row| row.get("id")).collect()
}

/// Writes to what belongs to an organiser as a whole take turns, as those in an event do by its lock.
pub async fn lock_organizer(tx: &Tx<'_>, organizer: OrganizerId) -> Result<(), DbError> {
    tx.one(sql::LOCK_ORGANIZER, &[p(&organizer)]).await.map(drop)
}

/// Counts the places of every quota of the event anew, or of one, after what they count has changed. It takes as long as
/// the event is large, and buyers wait meanwhile: nobody asks for it without need.
pub async fn recount(lock: &EventLock<'_>, quota: Option<i64>) -> Result<(), DbError> {
    lock.tx().execute(sql::RECOUNT, &[p(&lock.event()), p(&quota)]).await.map(drop)
}

/// A reference of a record, if it has one.
pub fn reference(record: &Record, column: &str) -> Option<i64> {
    record.get(column).and_then(Value::as_i64)
}

/// References of a record.
pub fn references(record: &Record, column: &str) -> Vec<i64> {
    let list = record.get(column).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_i64).collect()
}

/// Whether a flag of a record is set.
pub fn flag(record: &Record, column: &str) -> bool {
    record.get(column) == Some(&json!(true))
}

/// A moment of a record.
pub fn moment(record: &Record, column: &str) -> Option<Timestamp> {
    record.get(column).and_then(Value::as_str).and_then(Timestamp::parse)
}
