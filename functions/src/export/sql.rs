//! Statements about exports.

use super::{CLAIM_STALE_SECONDS, Export, Exporter, Format, KEEP_SECONDS, State, TRIES_MAX, Wish};
use crate::{
    event::Event,
    id::{EventId, ExportId},
    port::db::{DbError, Query, Tx, p},
    staff::Staff,
    time::Timestamp,
};

/// Names of a file that will be.
pub(super) struct File<'a> {
    pub(super) secret: &'a str,
    pub(super) file_name: String,
    pub(super) object_key: String,
}

const INSERT: &str = "
    insert into export (organizer_id, event_id, token_id, exporter, format, paid_only, secret, file_name, object_key,
                        state, created_at, expires_at, guests)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10, $11, $12) returning id";

pub(super) async fn insert(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    wish: &Wish,
    file: &File<'_>,
    now: Timestamp,
) -> Result<ExportId, DbError> {
    let (token, exporter, format) = (staff.token(), wish.exporter.name(), wish.format.name(wish.exporter));
    let expires_at = now.plus_seconds(KEEP_SECONDS);
    let guests = wish.guests.map(|guests| serde_json::to_value(guests).expect("flags and an id are plain data"));
    let params = [
        p(&event.organizer.id),
        p(&event.id),
        p(&token),
        p(&exporter),
        p(&format),
        p(&wish.paid_only),
        p(&file.secret),
        p(&file.file_name),
        p(&file.object_key),
        p(&now),
        p(&expires_at),
        p(&guests),
    ];
    tx.one(INSERT, &params).await?.get("id")
}

const FIND: &str = "
    select state, rows_done * 100 / greatest(rows_total, 1) as percentage, object_key, file_name
      from export
     where event_id = $1 and token_id = $2 and exporter = $3 and id = $4 and secret = $5 and expires_at > $6";

pub(super) async fn find(
    q: &impl Query,
    staff: &Staff,
    exporter: Exporter,
    id: ExportId,
    secret: &str,
    now: Timestamp,
) -> Result<Option<Export>, DbError> {
    let (event, token, exporter) = (staff.event(), staff.token(), exporter.name());
    let row = q.opt(FIND, &[p(&event), p(&token), p(&exporter), p(&id), p(&secret), p(&now)]).await?;
    let read = row.map(|row| {
        Ok(Export {
            state: State::parse(row.get("state")?)?,
            // Rows may come while they are counted.
            percentage: row.get::<i64>("percentage")?.clamp(0, 99),
            object_key: row.get("object_key")?,
            file_name: row.get("file_name")?,
        })
    });
    read.transpose()
}

/// An export that this worker makes.
pub(super) struct Claimed {
    pub(super) id: ExportId,
    /// Which try this is: only its worker may say how it ended.
    pub(super) attempt: i32,
    pub(super) event: EventId,
    pub(super) wish: Wish,
    pub(super) object_key: String,
}

/// A try whose worker has died counts as one: after the last of them the export has failed.
const CLAIM: &str = "
    update export
       set state = case when attempts < $4 then 'running' else 'failed' end, attempts = least(attempts + 1, $4),
           claimed_at = $2, rows_done = 0
     where id = $1 and expires_at > $2 and (state = 'waiting' or (state = 'running' and claimed_at < $3))
    returning id, state, attempts, event_id, exporter, format, paid_only, guests, object_key";

/// Claims an export. `None` if there is nothing to do: it is made, has failed, or another worker has it.
pub(super) async fn claim(q: &impl Query, id: ExportId, now: Timestamp) -> Result<Option<Claimed>, DbError> {
    let stale = now.plus_seconds(-CLAIM_STALE_SECONDS);
    let Some(row) = q.opt(CLAIM, &[p(&id), p(&now), p(&stale), p(&TRIES_MAX)]).await? else { return Ok(None) };
    if State::parse(row.get("state")?)? == State::Failed {
        return Ok(None);
    }
    let unknown = |what, value: &str| DbError::UnknownValue { what, value: value.to_owned() };
    let (exporter, format): (&str, &str) = (row.get("exporter")?, row.get("format")?);
    let exporter = Exporter::parse(exporter).ok_or_else(|| unknown("exporter", exporter))?;
    let format = Format::parse(format, exporter).ok_or_else(|| unknown("format of an export", format))?;
    let guests: Option<serde_json::Value> = row.get("guests")?;
    let guests = guests.map(serde_json::from_value).transpose();
    let guests = guests.map_err(|_| DbError::unreadable("parameters of an export"))?;
    Ok(Some(Claimed {
        id: row.get("id")?,
        attempt: row.get("attempts")?,
        event: row.get("event_id")?,
        wish: Wish { exporter, format, paid_only: row.get("paid_only")?, guests },
        object_key: row.get("object_key")?,
    }))
}

const IS_OPEN: &str = "
    select exists (select from export where id = $1 and expires_at > $2 and state in ('waiting', 'running')) as is_open";

/// Whether an export is still to be made, by this worker or another.
pub(super) async fn is_open(q: &impl Query, id: ExportId, now: Timestamp) -> Result<bool, DbError> {
    q.one(IS_OPEN, &[p(&id), p(&now)]).await?.get("is_open")
}

const TELL: &str = "
    update export set rows_done = $3, rows_total = $4 where id = $1 and attempts = $2 and state = 'running'";

/// Says how far it is.
pub(super) async fn tell(q: &impl Query, claimed: &Claimed, done: i64, total: i64) -> Result<(), DbError> {
    q.execute(TELL, &[p(&claimed.id), p(&claimed.attempt), p(&done), p(&total)]).await.map(|_| ())
}

const END: &str = "
    update export set state = $3, last_error = $4, rows_done = $5, rows_total = $5
     where id = $1 and attempts = $2 and state = 'running'";

/// The file is there.
pub(super) async fn mark_done(q: &impl Query, claimed: &Claimed, rows: i64) -> Result<(), DbError> {
    end(q, claimed, State::Done, None, rows).await
}

/// It was not made this time, and waits for the next, unless this was the last.
pub(super) async fn mark_failed(
    q: &impl Query,
    claimed: &Claimed,
    error: &str,
    is_last: bool,
) -> Result<State, DbError> {
    let state = if is_last || claimed.attempt >= TRIES_MAX { State::Failed } else { State::Waiting };
    end(q, claimed, state, Some(error), 0).await.map(|()| state)
}

async fn end(q: &impl Query, claimed: &Claimed, state: State, error: Option<&str>, rows: i64) -> Result<(), DbError> {
    let state = state.name();
    q.execute(END, &[p(&claimed.id), p(&claimed.attempt), p(&state), p(&error), p(&rows)]).await.map(|_| ())
}

const EXPIRED: &str = "select id, object_key from export where expires_at <= $1 order by expires_at limit $2";

/// Exports that are not kept any longer, with where their files lie.
pub async fn expired(q: &impl Query, now: Timestamp, max: i64) -> Result<Vec<(ExportId, String)>, DbError> {
    let rows = q.query(EXPIRED, &[p(&now), p(&max)]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("object_key")?))).collect()
}

const DELETE: &str = "delete from export where id = $1";

/// Forgets an export whose file is gone.
pub async fn delete(q: &impl Query, id: ExportId) -> Result<(), DbError> {
    q.execute(DELETE, &[p(&id)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[INSERT, FIND, CLAIM, IS_OPEN, TELL, END, EXPIRED, DELETE];
