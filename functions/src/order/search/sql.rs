//! Statements of searches, and of the words they look at. In the parts of statements `$1` is the event, or the events, and `$2`
//! the filter with `search`.

use crate::{
    id::EventId,
    port::db::{DbError, Query, p},
    time::Timestamp,
};

/// What is searched for as part of a pattern of `like`, where it stands for itself.
macro_rules! literally {
    ($text:literal) => {
        concat!("replace(replace(replace(lower(", $text, "), '!', '!!'), '%', '!%'), '_', '!_')")
    };
}
/// Whether a text has what is searched for, in letters of either size.
macro_rules! has {
    ($text:literal) => {
        concat!(
            "lower(",
            $text,
            ") like '%' || ",
            crate::order::search::sql::literally!("$2::jsonb->>'search'"),
            " || '%' escape '!'"
        )
    };
}
/// Orders that may be what is searched for: by their words, and all whose words may not be the last ones.
macro_rules! candidates {
    ($of:literal) => {
        concat!(
            "select w.order_id as id from order_words w where w.event_id ",
            $of,
            " and w.words like '%' || ",
            crate::order::search::sql::literally!("$2::jsonb->>'search'"),
            " || '%' escape '!'
             union
             select b.id
               from orders_beyond_words((select array_agg(e.id) from event e where e.id ",
            $of,
            "), not $2::jsonb ? 'search') as b (id)"
        )
    };
}
/// Ids of orders that a search finds. Each candidate is looked up by its id: how many there are, the planner cannot know.
macro_rules! found_orders {
    ($of:literal) => {
        concat!(
            "select c.id from (",
            crate::order::search::sql::candidates!($of),
            ") c cross join lateral (
                 select from orders o where o.event_id ",
            $of,
            " and o.id = c.id and (starts_with(o.code, upper($2::jsonb->>'search')) or ",
            crate::order::search::sql::has!("o.email"),
            " or ",
            crate::order::search::sql::has!("o.comment"),
            " or exists (select from order_position op where op.event_id = o.event_id and op.order_id = o.id and (
                     starts_with(op.secret, $2::jsonb->>'search') or ",
            crate::order::search::sql::has!("op.attendee_name"),
            " or ",
            crate::order::search::sql::has!("op.attendee_email"),
            " or ",
            crate::order::search::sql::has!("op.company"),
            "))) offset 0) o"
        )
    };
}
/// Ids of positions that a search finds; without one it is all of them.
macro_rules! found_positions {
    ($of:literal) => {
        concat!(
            "select p.id from (",
            crate::order::search::sql::candidates!($of),
            ") c cross join lateral (
                 select p.id from orders o join order_position p on p.event_id = o.event_id and p.order_id = o.id
                  where o.event_id ",
            $of,
            " and o.id = c.id and ($2::jsonb->'search' is null or starts_with(o.code, upper($2::jsonb->>'search')) or ",
            crate::order::search::sql::has!("o.email"),
            " or starts_with(p.secret, $2::jsonb->>'search') or ",
            crate::order::search::sql::has!("p.attendee_name"),
            " or ",
            crate::order::search::sql::has!("p.attendee_email"),
            ") offset 0) p"
        )
    };
}
pub(crate) use {candidates, found_orders, found_positions, has, literally};

const EVENTS_BEHIND: &str = "
    select e.id from event e
      left join order_words_until w on w.event_id = e.id
     where exists (select from orders o
            where o.event_id = e.id and o.modified_at > '-infinity' and o.modified_at > coalesce(w.until, '-infinity')
              and o.modified_at <= $1)
     limit $2";

/// Events with orders that changed up to this moment, and whose words were not kept.
pub(super) async fn events_behind(q: &impl Query, until: Timestamp, max: i64) -> Result<Vec<EventId>, DbError> {
    q.query(EVENTS_BEHIND, &[p(&until), p(&max)]).await?.iter().map(|row| row.get("id")).collect()
}

const KEEP_WORDS: &str = "
    with changed as (
        select o.id, o.modified_at from orders o
         where o.event_id = $1 and o.modified_at > '-infinity' and o.modified_at <= $2
           and o.modified_at > coalesce((select w.until from order_words_until w where w.event_id = $1), '-infinity')
         order by o.modified_at fetch first $3 rows with ties),
     kept as (
        insert into order_words as w (event_id, order_id, words)
        select o.event_id, o.id, lower(concat_ws(e'\\n', o.code, o.email, nullif(o.comment, ''), p.words))
          from changed c
          join orders o on o.event_id = $1 and o.id = c.id
          left join lateral (
              select string_agg(concat_ws(e'\\n', op.attendee_name, op.attendee_email, op.company, op.secret), e'\\n'
                                order by op.positionid) as words
                from order_position op where op.event_id = o.event_id and op.order_id = o.id) p on true
        on conflict (event_id, order_id) do update set words = excluded.words where w.words <> excluded.words)
    insert into order_words_until as w (event_id, until)
    select $1, max(c.modified_at) from changed c having count(*) > 0
    on conflict (event_id) do update set until = greatest(w.until, excluded.until)";

/// Keeps the words of the event's orders that changed longest ago, so many of them.
pub(super) async fn keep_words(q: &impl Query, event: EventId, until: Timestamp, max: i64) -> Result<(), DbError> {
    q.execute(KEEP_WORDS, &[p(&event), p(&until), p(&max)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[EVENTS_BEHIND, KEEP_WORDS];
