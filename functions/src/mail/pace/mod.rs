//! The provider takes so many mails a second and no more: all workers take turns through one row of the database.
//!
//! Turns have equal distances, so that no second, wherever it begins, has more of them than the limit. Tickets and
//! confirmations always get the next turn. A mail that can wait gets one only while no confirmation waits for its own, and
//! while none is in the queue or there is no line at all: else its row is put off, which costs next to nothing, and the
//! worker goes on to the confirmation behind it. The periodic job announces no more such mails in a minute than can be sent in a minute.

pub mod sql;

use super::Class;
use crate::{ctx::Ctx, port::db::DbError};

/// A mail that can wait and found no turn looks again after this time.
pub const PUT_OFF_SECONDS: i64 = 30;

/// Microseconds between two turns: rounded up, so that the limit holds.
fn distance_micros(per_second: i64) -> i64 {
    (1_000_000 + per_second - 1) / per_second
}

/// Whether a mail of this class may be sent now: asked before it is written, because most that may not need not be.
pub async fn has_room(ctx: &Ctx, class: Class) -> Result<bool, DbError> {
    match class {
        Class::First => Ok(true),
        Class::Later => sql::has_room(&*ctx.db().await?, ctx.now()).await,
    }
}

/// Waits for a mail's turn. False if it can wait and others go first. What is handed over right after this is within the
/// limit, but for how much longer the network takes for one mail than for another.
pub async fn take_turn(ctx: &Ctx, class: Class) -> Result<bool, DbError> {
    let (distance, now) = (distance_micros(ctx.config().mails_per_second), ctx.now());
    let turn = match class {
        Class::First => Some(sql::take(&*ctx.db().await?, now, distance).await?),
        Class::Later => sql::take_spare(&*ctx.db().await?, now, distance).await?,
    };
    if let Some(turn) = turn {
        ctx.sleep_until(turn).await;
    }
    Ok(turn.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_turns_than_the_limit() {
        for limit in [1, 3, 7, 14, 50, 999] {
            let distance = distance_micros(limit);
            assert!(distance * limit >= 1_000_000, "{limit}: the turn after the last is a second later");
            assert!(distance * (limit - 1) < 1_000_000, "{limit}: none is wasted");
        }
    }
}
