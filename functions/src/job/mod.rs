//! Runs of periodic jobs: one at a time of each, and when it ran last (spec domain 27.2).
//!
//! A run is claimed and ended, never held by a connection: a worker that dies is waited for as long as one may take, then
//! the next run goes on. Jobs stay safe to run twice all the same.

pub mod sql;

use crate::{
    outbox::Job,
    port::db::{DbError, Query},
    time::Timestamp,
};

/// Longest time that a run may take: above the worker's timeout.
const BUSY_SECONDS: i64 = 90;

/// A run that this worker has claimed.
#[derive(Debug)]
pub struct Run {
    job: Job,
    number: i64,
}

/// When a job ran last.
#[derive(Debug, Clone)]
pub struct Last {
    /// Its name.
    pub job: String,
    /// How often it was begun.
    pub runs: i64,
    /// When it was begun the last time.
    pub started_at: Timestamp,
    /// When a run came to its end the last time, well or not.
    pub ended_at: Option<Timestamp>,
    /// When it worked the last time.
    pub succeeded_at: Option<Timestamp>,
    /// Somebody is at it, or was and died.
    pub busy_until: Option<Timestamp>,
    /// Why the last run did not work.
    pub last_error: Option<String>,
}

/// Begins a run. `None` while another one is at it.
pub async fn begin(q: &impl Query, job: Job, now: Timestamp) -> Result<Option<Run>, DbError> {
    let number = sql::begin(q, job, now, now.plus_seconds(BUSY_SECONDS)).await?;
    Ok(number.map(|number| Run { job, number }))
}

/// Ends a run, with why it did not work. A run that somebody else has followed by now says nothing any more.
pub async fn end(q: &impl Query, run: &Run, error: Option<&str>, now: Timestamp) -> Result<(), DbError> {
    sql::end(q, run, error, now).await
}

/// The last run of every job that has run.
pub async fn last_runs(q: &impl Query) -> Result<Vec<Last>, DbError> {
    sql::last_runs(q).await
}
