//! Statements about files that were sent, and about pictures.

use super::{KEEP_SECONDS, Kind, Picture, Subject, Upload};
use crate::{
    id::{EventId, ItemId, OrganizerId, TokenId},
    port::db::{DbError, Query, Row, Tx, array, p},
    staff::{Program, Staff},
    time::Timestamp,
};

const INSERT: &str = "
    insert into upload (id, organizer_id, token_id, file_name, content_type, object_key, checked_at, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

pub(super) async fn insert(
    q: &impl Query,
    program: &Program,
    upload: &Upload,
    checked_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), DbError> {
    let (organizer, token, content_type) = (program.organizer(), program.token(), upload.kind.content_type());
    let expires_at = now.plus_seconds(KEEP_SECONDS);
    let params = [
        p(&upload.id),
        p(&organizer),
        p(&token),
        p(&upload.file_name),
        p(&content_type),
        p(&upload.object_key),
        p(&checked_at),
        p(&now),
        p(&expires_at),
    ];
    q.execute(INSERT, &params).await.map(|_| ())
}

const FIND: &str = "
    select id, file_name, content_type, object_key, checked_at is not null as is_checked
      from upload where id = $1 and token_id = $2 and expires_at > $3";

/// A file of this token whose day is not over.
pub(super) async fn find(
    q: &impl Query,
    program: &Program,
    id: &str,
    now: Timestamp,
) -> Result<Option<Upload>, DbError> {
    of_token(q, program.token(), id, now).await
}

/// The same, for who works in an event.
pub(super) async fn find_for(
    q: &impl Query,
    staff: &Staff,
    id: &str,
    now: Timestamp,
) -> Result<Option<Upload>, DbError> {
    of_token(q, staff.token(), id, now).await
}

async fn of_token(q: &impl Query, token: TokenId, id: &str, now: Timestamp) -> Result<Option<Upload>, DbError> {
    q.opt(FIND, &[p(&id), p(&token), p(&now)]).await?.as_ref().map(read).transpose()
}

const OF_ORGANIZER: &str = "
    select id, file_name, content_type, object_key, checked_at is not null as is_checked
      from upload where id = $1 and organizer_id = $2 and checked_at is not null";

/// A file that an organiser's token has sent, for the worker that uses it.
pub async fn of_organizer(q: &impl Query, organizer: OrganizerId, id: &str) -> Result<Option<Upload>, DbError> {
    q.opt(OF_ORGANIZER, &[p(&id), p(&organizer)]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Upload, DbError> {
    let content_type: String = row.get("content_type")?;
    let unknown = || DbError::UnknownValue { what: "type of a file", value: content_type.clone() };
    Ok(Upload {
        id: row.get("id")?,
        file_name: row.get("file_name")?,
        kind: Kind::parse(&content_type).ok_or_else(unknown)?,
        object_key: row.get("object_key")?,
        is_checked: row.get("is_checked")?,
    })
}

const MARK_CHECKED: &str = "update upload set checked_at = $2 where id = $1";

pub(super) async fn mark_checked(q: &impl Query, id: &str, now: Timestamp) -> Result<(), DbError> {
    q.execute(MARK_CHECKED, &[p(&id), p(&now)]).await.map(|_| ())
}

const DELETE: &str = "delete from upload where id = $1";

/// Forgets a file that is gone.
pub async fn delete(q: &impl Query, id: &str) -> Result<(), DbError> {
    q.execute(DELETE, &[p(&id)]).await.map(|_| ())
}

const EXPIRED: &str = "select id, object_key from upload where expires_at <= $1 order by expires_at limit $2";

/// Files whose day is over, with where they lie.
pub async fn expired(q: &impl Query, now: Timestamp, max: i64) -> Result<Vec<(String, String)>, DbError> {
    let rows = q.query(EXPIRED, &[p(&now), p(&max)]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("object_key")?))).collect()
}

/// Notes the files of the row `old` that the new picture does not have any more, and takes back the notes of those that it has.
macro_rules! note_files {
    ($organizer:literal, $new:literal) => {
        concat!(
            "gone as (insert into media_removal (object_key, organizer_id)
                 select k.key, ",
            $organizer,
            " from old, unnest(array[old.picture->>'large', old.picture->>'thumbnail']) as k (key)
                  where k.key is not null and k.key not in (coalesce(",
            $new,
            "::jsonb->>'large', ''), coalesce(",
            $new,
            "::jsonb->>'thumbnail', ''))
                 on conflict do nothing),
             kept as (delete from media_removal where object_key in (",
            $new,
            "::jsonb->>'large', ",
            $new,
            "::jsonb->>'thumbnail'))"
        )
    };
}

const REPLACE_LOGO: &str = concat!(
    "with old as (select id, organizer_id, logo as picture from event where id = $1 for update), ",
    note_files!("old.organizer_id", "$2"),
    " update event e set logo = $2 from old where e.id = old.id returning old.picture as old"
);

pub(super) async fn replace_logo(
    q: &impl Query,
    event: EventId,
    picture: Option<&Picture>,
) -> Result<Option<Picture>, DbError> {
    old(q.opt(REPLACE_LOGO, &[p(&event), p(&json(picture))]).await?)
}

const REPLACE_PICTURE: &str = concat!(
    "with old as (select id, picture from item where event_id = $1 and id = $2 for update), ",
    note_files!("(select organizer_id from event where id = $1)", "$3"),
    " update item i set picture = $3 from old where i.event_id = $1 and i.id = old.id returning old.picture as old"
);

pub(super) async fn replace_picture(
    q: &impl Query,
    event: EventId,
    item: ItemId,
    picture: Option<&Picture>,
) -> Result<Option<Picture>, DbError> {
    old(q.opt(REPLACE_PICTURE, &[p(&event), p(&item), p(&json(picture))]).await?)
}

const WANT: &str = "
    insert into picture_wanted (event_id, item_id, upload_id) values ($1, $2, $3)
    on conflict (event_id, item_id) do update set upload_id = excluded.upload_id";

/// Records what somebody asks for: the picture of a file, or none.
pub(super) async fn want(tx: &Tx<'_>, event: EventId, subject: Subject, upload: Option<&str>) -> Result<(), DbError> {
    let item = subject.item();
    tx.execute(WANT, &[p(&event), p(&item), p(&upload)]).await.map(|_| ())
}

const WANTED: &str = "
    select upload_id from picture_wanted where event_id = $1 and item_id is not distinct from $2 for update";

/// Whether a file is what was asked for last. Nothing is known of what was asked for before this was recorded.
pub(super) async fn is_wanted(tx: &Tx<'_>, event: EventId, subject: Subject, upload: &str) -> Result<bool, DbError> {
    let item = subject.item();
    let Some(row) = tx.opt(WANTED, &[p(&event), p(&item)]).await? else { return Ok(true) };
    Ok(row.get::<Option<String>>("upload_id")?.as_deref() == Some(upload))
}

const DISCARD: &str = "
    insert into media_removal (object_key, organizer_id)
    select k.key, e.organizer_id from event e, unnest($2::text[]) as k (key)
     where e.id = $1
       and not exists (
             select from (select e.logo union all select i.picture from item i where i.event_id = $1) as shown (picture)
              where k.key in (shown.picture->>'large', shown.picture->>'thumbnail'))
        on conflict do nothing
    returning object_key";

/// Notes files that were drawn for nothing as to be removed, unless they are shown; returns which.
pub(super) async fn discard(tx: &Tx<'_>, event: EventId, picture: &Picture) -> Result<Vec<String>, DbError> {
    let keys = picture.keys().to_vec();
    tx.query(DISCARD, &[p(&event), array(&keys)]).await?.iter().map(|row| row.get("object_key")).collect()
}

fn json(picture: Option<&Picture>) -> Option<serde_json::Value> {
    picture.map(|picture| serde_json::to_value(picture).expect("a picture is plain data"))
}

fn old(row: Option<Row>) -> Result<Option<Picture>, DbError> {
    row.map_or(Ok(None), |row| read_picture(&row, "old"))
}

/// A picture in a column of a table.
pub fn read_picture(row: &Row, column: &str) -> Result<Option<Picture>, DbError> {
    let value: Option<serde_json::Value> = row.get(column)?;
    let Some(value) = value else { return Ok(None) };
    let read = serde_json::from_value(value.clone());
    read.map(Some).map_err(|_| DbError::UnknownValue { what: "picture", value: value.to_string() })
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] =
    &[INSERT, FIND, OF_ORGANIZER, MARK_CHECKED, DELETE, EXPIRED, REPLACE_LOGO, REPLACE_PICTURE, WANT, WANTED, DISCARD];
