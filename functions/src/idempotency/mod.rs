//! Calls of the API that may come twice and act once (spec rest-api 0.4).
//!
//! A call with a key inserts its record first, so that a second one with the same key waits for the first one's end
//! and then finds what it was answered. The record is part of the transaction that does the work: an answer is kept
//! exactly if what it says was done. Orders are made in a batch with others: there the box office keeps the outcome under
//! the call's key in that transaction, and the answer follows.

pub mod sql;

use std::convert::Infallible;

use lambda_http::Request;
use serde_json::Value;

use crate::{
    http::ApiError,
    id::TokenId,
    port::db::{Db, DbError, Tx},
    staff::Staff,
    time::Timestamp,
};

/// The header that carries the key.
const HEADER: &str = "x-idempotency-key";
/// Longest key.
const KEY_LENGTH_MAX: usize = 190;
/// Answers are kept for a day.
pub const KEEP_SECONDS: i64 = 24 * 3600;

/// What keys of the box office begin with that are keys of calls: they are kept as long as answers.
const TICKET_PREFIX: &str = "api:";

/// What a call was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// What was found in a transaction that keeps nothing.
struct Undone(Result<Option<Answer>, DbError>);

impl From<DbError> for Undone {
    fn from(error: DbError) -> Self {
        Self(Err(error))
    }
}

/// A call that may carry a key. Keys are the token's own.
#[derive(Debug)]
pub struct Call {
    token: TokenId,
    key: Option<String>,
}

impl Call {
    /// Reads the key of a request.
    pub fn of(request: &Request, staff: &Staff) -> Result<Self, ApiError> {
        Self::by(request, staff.token())
    }

    /// Reads the key of a request that is made with a token.
    pub fn by(request: &Request, token: TokenId) -> Result<Self, ApiError> {
        let key = request.headers().get(HEADER).map(|value| value.to_str().unwrap_or_default().to_owned());
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_LENGTH_MAX) {
            return Err(ApiError::BadRequest("An idempotency key has 1 to 190 ASCII characters.".to_owned()));
        }
        Ok(Self { token, key })
    }

    /// Takes the key, or finds what the same key was answered before, whatever was asked then. Waits while the first
    /// call runs.
    pub async fn begin(&self, tx: &Tx<'_>, now: Timestamp) -> Result<Option<Answer>, DbError> {
        let Some(key) = &self.key else { return Ok(None) };
        if sql::take(tx, self.token, key, now).await? {
            return Ok(None);
        }
        sql::answer(tx, self.token, key).await
    }

    /// What the same key was answered before. Waits while a call runs that has begun with it. The key is not taken: the
    /// transaction is undone.
    pub async fn answered(&self, db: &mut Db, now: Timestamp) -> Result<Option<Answer>, DbError> {
        if self.key.is_none() {
            return Ok(None);
        }
        let tx = db.begin().await?;
        let found = self.begin(&tx, now).await;
        match tx.finish(Err::<Infallible, _>(Undone(found))).await {
            Err(Undone(found)) => found,
        }
    }

    /// The key by which the box office knows this call's request, if it has one.
    pub fn ticket_key(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("{TICKET_PREFIX}{}:{key}", self.token.0))
    }

    /// Keeps the answer.
    pub async fn end(&self, tx: &Tx<'_>, answer: &Answer) -> Result<(), DbError> {
        let Some(key) = &self.key else { return Ok(()) };
        sql::keep(tx, self.token, key, answer).await
    }

    /// Keeps an answer outside the transaction that has done the work, or has undone it. Another call may have got in
    /// between: its answer stays.
    pub async fn keep(&self, tx: &Tx<'_>, answer: &Answer, now: Timestamp) -> Result<(), DbError> {
        match self.begin(tx, now).await? {
            Some(_) => Ok(()),
            None => self.end(tx, answer).await,
        }
    }
}
