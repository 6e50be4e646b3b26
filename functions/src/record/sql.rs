//! Statements that are the same for rows of every kind, and the words that those of single kinds are made of.

/// Adds a row of an event from a record.
macro_rules! insert_row {
    ($table:literal, $columns:expr) => {
        concat!(
            "insert into ",
            $table,
            " (event_id, ",
            $columns,
            ")
             select $1, ",
            $columns,
            " from jsonb_populate_record(null::",
            $table,
            ", $2) returning id"
        )
    };
}

/// Replaces a row of an event by a record.
macro_rules! update_row {
    ($table:literal, $columns:expr) => {
        concat!(
            "update ",
            $table,
            " set (",
            $columns,
            ") =
             (select ",
            $columns,
            " from jsonb_populate_record(null::",
            $table,
            ", $3)) where event_id = $1 and id = $2"
        )
    };
}

/// Removes a row of an event.
macro_rules! delete_row {
    ($table:literal) => {
        concat!("delete from ", $table, " where event_id = $1 and id = $2")
    };
}

/// A row of an event that needs nothing besides its columns.
macro_rules! find_row {
    ($table:literal) => {
        concat!("select to_jsonb(r) as body from ", $table, " r where event_id = $1 and id = $2")
    };
}

/// A list of an event's rows `r`: `body` is what is told of each, `filter` what `$2` says, `order` what `$3` says.
macro_rules! list_rows {
    ($table:literal, $body:expr, $filter:expr, $order:expr) => {
        concat!(
            "select ",
            $body,
            " as body, count(*) over () as total from ",
            $table,
            " r
              where r.event_id = $1 ",
            $filter,
            "
              order by ",
            $order,
            " offset $4 limit $5"
        )
    };
}

/// The same for the rows of several events: `$1` are their ids.
macro_rules! list_rows_of_events {
    ($table:literal, $body:expr, $filter:expr, $order:expr) => {
        concat!(
            "select ",
            $body,
            " as body, count(*) over () as total from ",
            $table,
            " r
              where r.event_id = any($1) ",
            $filter,
            "
              order by ",
            $order,
            " offset $4 limit $5"
        )
    };
}

/// Sorts by what `$3` names, downwards if `$4` says so; ends with a comma.
macro_rules! sort {
    ($($name:literal => $by:expr),+ $(,)?) => {
        concat!($(
            "case when $3 = '", $name, "' and not $4::boolean then ", $by, " end, case when $3 = '", $name,
            "' and $4::boolean then ", $by, " end desc, "
        ),+)
    };
}

pub(crate) use {delete_row, find_row, insert_row, list_rows, list_rows_of_events, sort, update_row};

pub(super) const LOG: &str = "
    insert into action_log (organizer_id, event_id, object_type, object_id, action, data, actor_type, actor_id, created_at)
    values ($1, $2, $3, $4, $5, $6, 'token', $7, $8)";

pub(super) const LOG_ALL: &str = "
    insert into action_log (organizer_id, event_id, object_type, object_id, action, data, actor_type, actor_id, created_at)
    select $1, $2, $3, said.id, $4, said.data, 'token', $5, $6
      from unnest($7::bigint[], $8::jsonb[]) with ordinality as said (id, data, n) order by said.n";

pub(super) const LAST_CHANGE: &str =
    "select max(created_at) as moment from action_log where event_id = $1 and object_type = $2";

pub(super) const LOCK_ORGANIZER: &str = "select id from organizer where id = $1 for no key update";

pub(super) const CATEGORIES_OF: &str = "select id from category where event_id = $1 and id = any($2)";
pub(super) const ITEMS_OF: &str = "select id from item where event_id = $1 and id = any($2)";
pub(super) const VARIATIONS_OF: &str = "select id from item_variation where event_id = $1 and id = any($2)";
pub(super) const TAX_RULES_OF: &str = "select id from tax_rule where event_id = $1 and id = any($2)";
pub(super) const QUOTAS_OF: &str = "select id from quota where event_id = $1 and id = any($2)";
pub(super) const QUESTIONS_OF: &str = "select id from question where event_id = $1 and id = any($2)";
pub(super) const DATES_OF: &str = "select id from subevent where event_id = $1 and id = any($2)";

/// The counters of all quotas of an event, or of one, from the rows that they count.
pub(super) const RECOUNT: &str = "
    update quota_counter c
       set paid = l.paid, pending = l.pending, vouchers = l.vouchers, carts = l.carts, waiting = l.waiting
      from quota_ledger l
     where c.event_id = $1 and l.event_id = $1 and l.quota_id = c.quota_id and ($2::bigint is null or l.quota_id = $2)";

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    LOG,
    LOG_ALL,
    LAST_CHANGE,
    LOCK_ORGANIZER,
    CATEGORIES_OF,
    ITEMS_OF,
    VARIATIONS_OF,
    TAX_RULES_OF,
    QUOTAS_OF,
    QUESTIONS_OF,
    DATES_OF,
    RECOUNT,
];
