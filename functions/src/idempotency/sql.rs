//! Statements about calls that may come twice.

use super::{Answer, TICKET_PREFIX};
use crate::{
    id::TokenId,
    port::db::{DbError, Query, Tx, p},
    time::Timestamp,
};

const TAKE: &str = "
    insert into api_call (token_id, key, created_at) values ($1, $2, $3) on conflict (token_id, key) do nothing";

pub(super) async fn take(tx: &Tx<'_>, token: TokenId, key: &String, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(TAKE, &[p(&token), p(key), p(&now)]).await? == 1)
}

const ANSWER: &str = "select status, body from api_call where token_id = $1 and key = $2 and status is not null";

pub(super) async fn answer(tx: &Tx<'_>, token: TokenId, key: &String) -> Result<Option<Answer>, DbError> {
    let row = tx.opt(ANSWER, &[p(&token), p(key)]).await?;
    row.map(|row| {
        let status: i32 = row.get("status")?;
        Ok(Answer { status: u16::try_from(status).unwrap_or_default(), body: row.get("body")? })
    })
    .transpose()
}

const KEEP: &str = "update api_call set status = $3, body = $4 where token_id = $1 and key = $2";

pub(super) async fn keep(tx: &Tx<'_>, token: TokenId, key: &String, answer: &Answer) -> Result<(), DbError> {
    tx.execute(KEEP, &[p(&token), p(key), p(&i32::from(answer.status)), p(&answer.body)]).await.map(|_| ())
}

/// With what the box office has recorded under their keys.
const SWEEP: &str = "
    with outcomes as (delete from form_outcome where form_token like $2 and created_at < $1)
    delete from api_call where created_at < $1";

/// Drops answers that nobody asks for any more.
pub async fn sweep(q: &impl Query, before: Timestamp) -> Result<(), DbError> {
    let keys = format!("{TICKET_PREFIX}%");
    q.execute(SWEEP, &[p(&before), p(&keys)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[TAKE, ANSWER, KEEP, SWEEP];
