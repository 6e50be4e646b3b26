//! Copies of shops that lie in the public part of the bucket: which there are, and which are old.

pub mod sql;

use super::Event;
use crate::{
    id::{EventId, OrganizerId},
    port::db::{DbError, Query},
    time::Timestamp,
};

/// A copy of a shop.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Of which event.
    pub event: EventId,
    /// Whose it is.
    pub organizer: OrganizerId,
    /// Where it lies.
    pub object_key: String,
    /// Of the page.
    pub hash: String,
}

/// Open shops whose copy was made before a moment, or never, each with the hash of its copy; the oldest first.
pub async fn due(
    q: &impl Query,
    now: Timestamp,
    made_before: Timestamp,
    max: i64,
) -> Result<Vec<(Event, Option<String>)>, DbError> {
    let mut due = Vec::new();
    for (event, hash) in sql::due(q, now, made_before, max).await? {
        if let Some(event) = super::by_id(q, event).await? {
            due.push((event, hash));
        }
    }
    Ok(due)
}

/// Copies of shops that are closed, or whose event is over.
pub async fn closed(q: &impl Query, now: Timestamp, max: i64) -> Result<Vec<Snapshot>, DbError> {
    sql::closed(q, now, max).await
}

/// Records that a copy is up to date.
pub async fn record(q: &impl Query, snapshot: &Snapshot, now: Timestamp) -> Result<(), DbError> {
    sql::record(q, snapshot, now).await
}

/// Forgets a copy that is gone.
pub async fn forget(q: &impl Query, event: EventId) -> Result<(), DbError> {
    sql::forget(q, event).await
}
