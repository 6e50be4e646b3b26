//! Statements about turns. Each is one update of one row, so two workers never get the same turn.

use crate::{
    port::db::{DbError, Query, p},
    time::Timestamp,
};

const TAKE: &str = "
    update mail_pace
       set first_at = greatest(next_at, $1), next_at = greatest(next_at, $1) + $2 * interval '1 microsecond'
    returning first_at as turn";

/// The next turn, now or later.
pub async fn take(q: &impl Query, now: Timestamp, distance_micros: i64) -> Result<Timestamp, DbError> {
    q.one(TAKE, &[p(&now), p(&distance_micros)]).await?.get("turn")
}

// The kinds are written out for the sake of the index `mail_first_idx`. A confirmation whose message is lost (its
// `retry_at` has come) holds nobody up.

const TAKE_SPARE: &str = "
    update mail_pace set next_at = greatest(next_at, $1) + $2 * interval '1 microsecond'
     where first_at <= $1
       and (next_at <= $1 or not exists (
            select from mail where state = 'queued' and retry_at > $1
               and kind in ('order_placed', 'order_free', 'order_paid', 'order_approved', 'order_approved_free')))
    returning next_at - $2 * interval '1 microsecond' as turn";

/// The next turn, if no confirmation waits for its own, nor for a worker while there is a line.
pub async fn take_spare(q: &impl Query, now: Timestamp, distance_micros: i64) -> Result<Option<Timestamp>, DbError> {
    q.opt(TAKE_SPARE, &[p(&now), p(&distance_micros)]).await?.map(|row| row.get("turn")).transpose()
}

const HAS_ROOM: &str = "
    select first_at <= $1
           and (next_at <= $1 or not exists (
                select from mail where state = 'queued' and retry_at > $1
                   and kind in ('order_placed', 'order_free', 'order_paid', 'order_approved', 'order_approved_free')))
           as room
      from mail_pace";

/// Whether [`take_spare`] would find a turn.
pub async fn has_room(q: &impl Query, now: Timestamp) -> Result<bool, DbError> {
    q.one(HAS_ROOM, &[p(&now)]).await?.get("room")
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[TAKE, TAKE_SPARE, HAS_ROOM];

#[cfg(test)]
mod tests {
    use super::{
        super::super::{Class, Kind},
        *,
    };

    #[test]
    fn the_kinds_that_go_first_are_those_of_the_class() {
        let migration = include_str!("../../../../migrations/0013_mail.sql");
        for text in [TAKE_SPARE, HAS_ROOM, migration] {
            let quoted = |kind: Kind| text.contains(&format!("'{}'", kind.name()));
            assert!(Kind::of_class(Class::First).all(quoted));
            assert!(!Kind::of_class(Class::Later).any(quoted));
        }
    }
}
