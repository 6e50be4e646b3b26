//! Searches for orders and positions (spec rest-api 9.2, 9.7, 10): a text that is part of an address, a name, a company or a
//! comment, or with which a code or a secret begins.
//!
//! An index of all parts of words costs more than a sale should pay. So a job keeps one text an order, a moment behind. A
//! search takes what it finds there, and every order that has changed since, and looks at these orders themselves: it is never
//! behind, and never wrong.

pub mod sql;

use crate::{ctx::Ctx, port::db::DbError, time::Timestamp};

/// How far behind the job stays: longer than any statement runs, so that nothing appears behind its back.
const BEHIND_SECONDS: i64 = 60;
/// How many orders of an event are read at once, of how many events, and how often in one run.
const ORDERS_MAX: i64 = 2500;
const EVENTS_MAX: i64 = 100;
const ROUNDS_MAX: usize = 40;

/// Keeps the words of what has changed.
pub async fn keep_words(ctx: &Ctx, now: Timestamp) -> Result<(), DbError> {
    let until = now.plus_seconds(-BEHIND_SECONDS);
    for _ in 0..ROUNDS_MAX {
        let db = ctx.db().await?;
        let events = sql::events_behind(&*db, until, EVENTS_MAX).await?;
        if events.is_empty() {
            break;
        }
        for event in events {
            sql::keep_words(&*db, event, until, ORDERS_MAX).await?;
        }
    }
    Ok(())
}
