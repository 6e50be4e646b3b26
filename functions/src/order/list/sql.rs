//! Statements of lists of orders, positions and transactions. `$1` is the event, or the events, and `$2` the filter; of pages
//! also `$3` what they are sorted by, `$4` whether downwards, `$5` how many to leave out, `$6` how many at most and `$7`
//! whether they are read from the end.
//!
//! A statement without a name is planned with its values. So a filter or an ordering that is not asked for is no part of the
//! plan, and what is asked for can be served by an index. Each index of lists has a condition, which only lists name: the
//! moments above `-infinity`.

use crate::{
    order::search::sql::{found_orders, found_positions},
    record::{Paged, sql::sort},
};

/// Orders of an organiser are found by their codes.
macro_rules! same_organizer {
    ($of:literal) => {
        concat!("(select e.organizer_id from event e where e.id ", $of, " limit 1)")
    };
}

/// What a filter says of orders `o` of an event (`= $1`) or of several (`= any($1)`), but for their status.
macro_rules! chosen_orders {
    ($of:literal) => {
        concat!(
            " ($2::jsonb->'code' is null or o.code = upper($2::jsonb->>'code') and o.organizer_id = ",
            same_organizer!($of),
            ")
       and ($2::jsonb->'email' is null
            or lower(o.email) = lower($2::jsonb->>'email') and o.created_at > '-infinity')
       and ($2::jsonb->'locale' is null or o.locale = $2::jsonb->>'locale')
       and ($2::jsonb->'testmode' is null or o.testmode = ($2::jsonb->>'testmode')::boolean)
       and ($2::jsonb->'require_approval' is null or o.require_approval = ($2::jsonb->>'require_approval')::boolean)
       and ($2::jsonb->'sales_channel' is null or o.sales_channel = $2::jsonb->>'sales_channel')
       and ($2::jsonb->'created_since' is null
            or o.created_at >= ($2::jsonb->>'created_since')::timestamptz and o.created_at > '-infinity')
       and ($2::jsonb->'created_before' is null
            or o.created_at < ($2::jsonb->>'created_before')::timestamptz and o.created_at > '-infinity')
       and ($2::jsonb->'modified_since' is null
            or o.modified_at >= ($2::jsonb->>'modified_since')::timestamptz and o.modified_at > '-infinity')
       and ($2::jsonb->'payment_provider' is null or exists (select 1 from payment p
                where p.event_id = o.event_id and p.order_id = o.id and p.provider = $2::jsonb->>'payment_provider'))
       and ($2::jsonb->'item' is null or exists (select 1 from order_position op
                where op.event_id = o.event_id and op.order_id = o.id and op.item_id = ($2::jsonb->>'item')::bigint))
       and ($2::jsonb->'variation' is null or exists (select 1 from order_position op
                where op.event_id = o.event_id and op.order_id = o.id and op.variation_id = ($2::jsonb->>'variation')::bigint))
       and ($2::jsonb->'subevent' is null or exists (select 1 from order_position op
                where op.event_id = o.event_id and op.order_id = o.id and op.subevent_id = ($2::jsonb->>'subevent')::bigint))
       and ($2::jsonb->'subevent_after' is null or exists (select 1 from order_position op join subevent s on s.id = op.subevent_id
                where op.event_id = o.event_id and op.order_id = o.id
                  and coalesce(s.date_to, s.date_from) > ($2::jsonb->>'subevent_after')::timestamptz))
       and ($2::jsonb->'subevent_before' is null or exists (select 1 from order_position op join subevent s on s.id = op.subevent_id
                where op.event_id = o.event_id and op.order_id = o.id
                  and s.date_from < ($2::jsonb->>'subevent_before')::timestamptz))"
        )
    };
}

/// Orders `o` that a filter lets through.
macro_rules! orders {
    ($of:literal) => {
        concat!(
            " from orders o where o.event_id ",
            $of,
            " and ($2::jsonb->'status' is null or o.status = $2::jsonb->>'status' and o.created_at > '-infinity') and ",
            chosen_orders!($of)
        )
    };
}

/// The same for a page, sorted, and with one more condition.
macro_rules! sorted_orders {
    ($of:literal, $more:literal) => {
        concat!(
            orders!($of),
            " and o.created_at > '-infinity' and ($3 <> 'last_modified' or o.modified_at > '-infinity')
              and ($3 <> 'code' or o.organizer_id = ",
            same_organizer!($of),
            ")",
            $more,
            by_order!()
        )
    };
}
macro_rules! by_order {
    () => {
        concat!(
            " order by ",
            sort!(
                "datetime" => "o.created_at",
                "code" => "o.code",
                "status" => "o.status",
                "last_modified" => "o.modified_at",
                "cancellation_date" => "o.cancelled_at"
            ),
            "case when not $4::boolean then o.id end, case when $4::boolean then o.id end desc"
        )
    };
}

/// How many. Orders are counted in an index, which does not know their status; but those that are not paid have one of
/// their own, into which nothing comes that is paid at once.
macro_rules! count_orders {
    ($of:literal) => {
        concat!(
            "select case when $2::jsonb->>'status' = 'p' then
                 (select count(*) from orders o where o.event_id ",
            $of,
            " and ",
            chosen_orders!($of),
            ") - (select count(*) from orders o where o.event_id ",
            $of,
            " and o.status <> 'p' and o.created_at > '-infinity' and ",
            chosen_orders!($of),
            ") else (select count(*) ",
            orders!($of),
            ") end as total"
        )
    };
}

const PAGE: &str = concat!("select o.id", sorted_orders!("= $1", ""), " offset $5 limit $6");
const FOUND: &str = concat!(
    "with found as materialized (",
    found_orders!("= $1"),
    ") select o.id, count(*) over () as total",
    sorted_orders!("= $1", " and o.id in (select f.id from found f)"),
    " offset $5 limit $6"
);
const COUNT: &str = count_orders!("= $1");
/// The orders of an event.
pub(super) static ORDERS: Paged = Paged { page: PAGE, found: FOUND, count: COUNT, usual: "datetime" };

/// As many of each event as could be on the page, by an index; of these the page.
const PAGE_OF_EVENTS: &str = concat!(
    "select o.id, o.event_id from unnest($1::bigint[]) as of (event_id) cross join lateral (
         select o.id, o.event_id, o.created_at, o.code, o.status, o.modified_at, o.cancelled_at",
    sorted_orders!("= of.event_id", ""),
    " limit $5::bigint + $6::bigint) o",
    by_order!(),
    " offset $5 limit $6"
);
const FOUND_OF_EVENTS: &str = concat!(
    "with found as materialized (",
    found_orders!("= any($1)"),
    ") select o.id, o.event_id, count(*) over () as total",
    sorted_orders!("= any($1)", " and o.id in (select f.id from found f)"),
    " offset $5 limit $6"
);
const COUNT_OF_EVENTS: &str = count_orders!("= any($1)");
/// The orders of several events.
pub(super) static ORDERS_OF_EVENTS: Paged =
    Paged { page: PAGE_OF_EVENTS, found: FOUND_OF_EVENTS, count: COUNT_OF_EVENTS, usual: "datetime" };

/// What a filter says of positions `p`, but for whether they are cancelled.
macro_rules! chosen_positions {
    ($of:literal) => {
        concat!(
            " ($2::jsonb->'item' is null or p.item_id = ($2::jsonb->>'item')::bigint)
       and ($2::jsonb->'item__in' is null or $2::jsonb->'item__in' @> to_jsonb(p.item_id))
       and ($2::jsonb->'variation' is null or p.variation_id = ($2::jsonb->>'variation')::bigint)
       and ($2::jsonb->'variation__in' is null or $2::jsonb->'variation__in' @> to_jsonb(p.variation_id))
       and ($2::jsonb->'subevent' is null or p.subevent_id = ($2::jsonb->>'subevent')::bigint)
       and ($2::jsonb->'subevent__in' is null or $2::jsonb->'subevent__in' @> to_jsonb(p.subevent_id))
       and ($2::jsonb->'addon_to' is null or p.addon_to = ($2::jsonb->>'addon_to')::bigint)
       and ($2::jsonb->'addon_to__in' is null or $2::jsonb->'addon_to__in' @> to_jsonb(p.addon_to))
       and ($2::jsonb->'attendee_name' is null or lower(p.attendee_name) = lower($2::jsonb->>'attendee_name'))
       and ($2::jsonb->'secret' is null or p.secret = $2::jsonb->>'secret' and p.organizer_id = ",
            same_organizer!($of),
            ")
       and ($2::jsonb->'pseudonymization_id' is null or p.pseudonymization_id = $2::jsonb->>'pseudonymization_id')
       and ($2::jsonb->'voucher' is null or p.voucher_id = ($2::jsonb->>'voucher')::bigint)
       and ($2::jsonb->'voucher__code' is null or p.voucher_id in (select v.id from voucher v
                where v.event_id ",
            $of,
            " and v.code = upper($2::jsonb->>'voucher__code')))"
        )
    };
}
/// What a filter says of their orders `o`.
macro_rules! of_chosen_orders {
    ($of:literal) => {
        concat!(
            " ($2::jsonb->'order' is null or o.code = upper($2::jsonb->>'order') and o.organizer_id = ",
            same_organizer!($of),
            ")
       and ($2::jsonb->'order__status' is null or o.status = $2::jsonb->>'order__status')
       and ($2::jsonb->'order__status__in' is null or $2::jsonb->'order__status__in' @> to_jsonb(o.status))"
        )
    };
}
macro_rules! is_shown {
    () => {
        "(not p.canceled or ($2::jsonb->>'include_canceled_positions')::boolean)"
    };
}
macro_rules! positions {
    ($of:literal) => {
        concat!(
            " from orders o join order_position p on p.event_id = o.event_id and p.order_id = o.id
             where o.event_id ",
            $of,
            " and o.created_at > '-infinity' and ",
            is_shown!(),
            " and ",
            of_chosen_orders!($of),
            " and ",
            chosen_positions!($of)
        )
    };
}
macro_rules! by_position {
    () => {
        concat!(
            " order by ",
            sort!(
                "order__datetime" => "o.created_at",
                "order__code" => "o.code",
                "positionid" => "p.positionid",
                "attendee_name" => "p.attendee_name",
                "order__status" => "o.status"
            ),
            "case when not $4::boolean then o.id end, case when $4::boolean then o.id end desc,
             case when not $7::boolean then p.positionid end, case when $7::boolean then p.positionid end desc"
        )
    };
}
/// All are counted in an index, less those that are cancelled, and less those of orders that are not paid if these are not
/// asked for: both have indexes of their own. Only what else is asked of the orders needs them.
macro_rules! count_positions {
    ($of:literal) => {
        concat!(
            "select case when $2::jsonb ?| array['order', 'order__status__in'] or $2::jsonb->>'order__status' <> 'p' then
                 (select count(*)",
            positions!($of),
            ") else (select count(*) from order_position p where p.event_id ",
            $of,
            " and ",
            chosen_positions!($of),
            ") - (select count(*) from order_position p where p.canceled and not ",
            is_shown!(),
            " and p.event_id ",
            $of,
            " and ",
            chosen_positions!($of),
            ") - (select count(*) from orders o join order_position p on p.event_id = o.event_id and p.order_id = o.id
                   where $2::jsonb->>'order__status' = 'p' and o.event_id ",
            $of,
            " and o.status <> 'p' and o.created_at > '-infinity' and ",
            is_shown!(),
            " and ",
            chosen_positions!($of),
            ") end as total"
        )
    };
}
const PAGE_OF_POSITIONS: &str =
    concat!("select p.id, p.order_id", positions!("= $1"), by_position!(), " offset $5 limit $6");
const FOUND_POSITIONS: &str = concat!(
    "with found as materialized (",
    found_positions!("= $1"),
    ") select p.id, p.order_id, p.event_id, count(*) over () as total",
    positions!("= $1"),
    " and p.id in (select f.id from found f)",
    by_position!(),
    " offset $5 limit $6"
);
const COUNT_POSITIONS: &str = count_positions!("= $1");
/// The positions of an event.
pub(super) static POSITIONS: Paged =
    Paged { page: PAGE_OF_POSITIONS, found: FOUND_POSITIONS, count: COUNT_POSITIONS, usual: "order__datetime" };
const PAGE_OF_POSITIONS_OF_EVENTS: &str = concat!(
    "select p.id, p.order_id, p.event_id from unnest($1::bigint[]) as of (event_id) cross join lateral (
         select p.id, p.order_id, p.event_id, p.positionid, p.attendee_name, o.created_at, o.code, o.status",
    positions!("= of.event_id"),
    by_position!(),
    " limit $5::bigint + $6::bigint) p cross join lateral (select p.created_at, p.code, p.status, p.order_id as id) o",
    by_position!(),
    " offset $5 limit $6"
);
const FOUND_POSITIONS_OF_EVENTS: &str = concat!(
    "with found as materialized (",
    found_positions!("= any($1)"),
    ") select p.id, p.order_id, p.event_id, count(*) over () as total",
    positions!("= any($1)"),
    " and p.id in (select f.id from found f)",
    by_position!(),
    " offset $5 limit $6"
);
const COUNT_POSITIONS_OF_EVENTS: &str = count_positions!("= any($1)");
/// The positions of several events.
pub(super) static POSITIONS_OF_EVENTS: Paged = Paged {
    page: PAGE_OF_POSITIONS_OF_EVENTS,
    found: FOUND_POSITIONS_OF_EVENTS,
    count: COUNT_POSITIONS_OF_EVENTS,
    usual: "order__datetime",
};

pub(super) const ORDER_OF: &str = "select order_id from order_position where event_id = $1 and id = $2";

/// Entries `l` of the ledger of several events.
macro_rules! entries {
    () => {
        " from ledger_entry l
     where l.event_id = any($1)
       and ($2::jsonb->'order' is null or l.order_id in (select o.id from orders o
                where o.event_id = any($1) and o.code = upper($2::jsonb->>'order')))
       and ($2::jsonb->'datetime_since' is null or l.created_at >= ($2::jsonb->>'datetime_since')::timestamptz)
       and ($2::jsonb->'datetime_before' is null or l.created_at < ($2::jsonb->>'datetime_before')::timestamptz)
       and ($2::jsonb->'created_since' is null or l.created_at >= ($2::jsonb->>'created_since')::timestamptz)
       and ($2::jsonb->'created_before' is null or l.created_at < ($2::jsonb->>'created_before')::timestamptz)
       and ($2::jsonb->'item' is null or l.item_id = ($2::jsonb->>'item')::bigint)
       and ($2::jsonb->'item__in' is null or $2::jsonb->'item__in' @> to_jsonb(l.item_id))
       and ($2::jsonb->'variation' is null or l.variation_id = ($2::jsonb->>'variation')::bigint)
       and ($2::jsonb->'variation__in' is null or $2::jsonb->'variation__in' @> to_jsonb(l.variation_id))
       and ($2::jsonb->'subevent' is null or l.subevent_id = ($2::jsonb->>'subevent')::bigint)
       and ($2::jsonb->'subevent__in' is null or $2::jsonb->'subevent__in' @> to_jsonb(l.subevent_id))
       and ($2::jsonb->'tax_rate' is null or l.tax_rate_ppm = ($2::jsonb->>'tax_rate')::integer)
       and ($2::jsonb->'tax_rate__in' is null or $2::jsonb->'tax_rate__in' @> to_jsonb(l.tax_rate_ppm))
       and ($2::jsonb->'fee_type' is null or l.fee_type = $2::jsonb->>'fee_type')
       and ($2::jsonb->'fee_type__in' is null or $2::jsonb->'fee_type__in' @> to_jsonb(l.fee_type))"
    };
}
macro_rules! by_entry {
    () => {
        concat!(
            " order by ",
            sort!("datetime" => "l.created_at", "created" => "l.created_at"),
            "case when not $4::boolean then l.id end, case when $4::boolean then l.id end desc"
        )
    };
}
/// What is told of an entry is put together for the page alone.
macro_rules! page_of_entries {
    ($total:literal) => {
        concat!(
            "select to_jsonb(l) || jsonb_build_object('order', o.code, 'event', e.slug, 'currency', e.currency) as body, page.total
               from (select l.id, l.event_id, ",
            $total,
            " as total",
            entries!(),
            by_entry!(),
            " offset $5 limit $6) page
               join ledger_entry l on l.id = page.id and l.event_id = page.event_id
               join orders o on o.event_id = l.event_id and o.id = l.order_id
               join event e on e.id = l.event_id",
            by_entry!()
        )
    };
}
const PAGE_OF_ENTRIES: &str = page_of_entries!("null::bigint");
const FOUND_ENTRIES: &str = page_of_entries!("count(*) over ()");
const COUNT_ENTRIES: &str = concat!("select count(*) as total", entries!());
/// The ledger of several events.
pub(super) static ENTRIES: Paged =
    Paged { page: PAGE_OF_ENTRIES, found: FOUND_ENTRIES, count: COUNT_ENTRIES, usual: "datetime" };

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    PAGE,
    FOUND,
    COUNT,
    PAGE_OF_EVENTS,
    FOUND_OF_EVENTS,
    COUNT_OF_EVENTS,
    PAGE_OF_POSITIONS,
    FOUND_POSITIONS,
    COUNT_POSITIONS,
    PAGE_OF_POSITIONS_OF_EVENTS,
    FOUND_POSITIONS_OF_EVENTS,
    COUNT_POSITIONS_OF_EVENTS,
    ORDER_OF,
    PAGE_OF_ENTRIES,
    FOUND_ENTRIES,
    COUNT_ENTRIES,
];
