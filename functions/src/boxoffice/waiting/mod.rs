//! Requests that wait for whoever holds the event's lock next.

pub mod sql;

use super::{Request, Ticket};
use crate::time::Timestamp;

/// A request that somebody has left.
pub(super) struct Waiting {
    /// Its row.
    pub id: i64,
    /// The request with its key. `None` if this program cannot read it: a newer one has left it and serves it.
    pub ticket: Option<Ticket>,
}

/// How fast the event is served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How long the last batch took, in milliseconds.
    pub batch_ms: i32,
    /// How far apart batches begin at least, in milliseconds.
    pub spacing_ms: i32,
    /// How long those who are left over will wait, in milliseconds.
    pub backlog_ms: i32,
    /// When the next batch begins. `None` if whoever served the last one has gone.
    pub next_at: Option<Timestamp>,
}

/// What a batch tells about the pace.
pub(super) struct Serving {
    /// How many requests it has served.
    pub count: i64,
    /// How long it took, in milliseconds.
    pub batch_ms: i32,
    /// How far from its beginning the next one begins at least, in milliseconds.
    pub spacing_ms: i32,
    /// When the next one begins, if this holder goes on.
    pub next_at: Option<Timestamp>,
    /// When it was over.
    pub served_at: Timestamp,
}

/// What became of the attempt to leave a request.
pub(super) enum Left {
    /// It waits, as a row of this number.
    Waits(i64, Option<Pace>),
    /// So many wait already that it would take too long.
    TooMany,
}

/// What somebody who waits finds out.
pub(super) enum Found {
    /// The outcome, in its stored form.
    Outcome(serde_json::Value),
    /// Nothing yet.
    Nothing {
        /// Nobody holds the lock.
        free: bool,
        /// How fast it goes, if somebody has served others a moment ago.
        pace: Option<Pace>,
    },
}

/// The stored form of a request.
fn stored(request: &Request) -> serde_json::Value {
    serde_json::to_value(request).expect("a request is plain data")
}
