//! Statements about files that are to be removed.

use crate::port::db::{DbError, Query, Tx, array, p};

/// In no order: files that cannot be removed must not stand before all others.
const WAITING: &str = "select object_key from media_removal order by random() limit $1";

pub(super) async fn waiting(q: &impl Query, max: i64) -> Result<Vec<String>, DbError> {
    q.query(WAITING, &[p(&max)]).await?.iter().map(|row| row.get("object_key")).collect()
}

const TAKE: &str = "delete from media_removal where object_key = $1";

/// Takes a note; false if there is none.
pub(super) async fn take(tx: &Tx<'_>, key: &str) -> Result<bool, DbError> {
    Ok(tx.execute(TAKE, &[p(&key)]).await? > 0)
}

const KEEP: &str = "delete from media_removal where object_key = any($1)";

pub(super) async fn keep(q: &impl Query, keys: &[&str]) -> Result<(), DbError> {
    let keys = keys.to_vec();
    q.execute(KEEP, &[array(&keys)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[WAITING, TAKE, KEEP];
