//! Statements about who is on check-in lists. `$1` is the event, or the events, and `$2` the filter, which says of one list what
//! it is; the rest is as in `order::list::sql`.

use crate::{
    checkin::sql::{is_meant, is_valid},
    order::search::sql::found_positions,
    record::{Paged, sql::sort},
};

/// One list `r`, whose values stand in the filter: what they do not ask for is no part of a plan.
macro_rules! this_list {
    () => {
        "(select $1::bigint as event_id, ($2::jsonb->>'list')::bigint as id, ($2::jsonb->>'list_subevent')::bigint as subevent_id,
                 ($2::jsonb->>'all_products')::boolean as all_products,
                 ($2::jsonb->>'include_pending')::boolean as include_pending) r"
    };
}
/// When a position `p` last came in on a list `r`; who never did stands before all others.
macro_rules! last_entry {
    () => {
        "coalesce((select max(c.datetime) from checkin c where c.event_id = p.event_id and c.position_id = p.id
                      and c.list_id = r.id and c.successful and c.type = 'entry'), '-infinity')"
    };
}
/// What a filter says of positions `p`.
macro_rules! chosen {
    () => {
        " ($2::jsonb->'item' is null or p.item_id = ($2::jsonb->>'item')::bigint)
       and ($2::jsonb->'variation' is null or p.variation_id = ($2::jsonb->>'variation')::bigint)
       and ($2::jsonb->'subevent' is null or p.subevent_id = ($2::jsonb->>'subevent')::bigint)
       and ($2::jsonb->'secret' is null or p.secret = $2::jsonb->>'secret')"
    };
}
/// What it says of their orders `o`, and of whether somebody came with them.
macro_rules! chosen_by_order {
    () => {
        concat!(
            " (($2::jsonb->>'ignore_status')::boolean or ",
            is_valid!(),
            ")
       and ($2::jsonb->'order' is null or o.code = upper($2::jsonb->>'order'))
       and ($2::jsonb->'order__status' is null or o.status = $2::jsonb->>'order__status')
       and ($2::jsonb->'has_checkin' is null or ($2::jsonb->>'has_checkin')::boolean = exists (
              select 1 from checkin c where c.event_id = p.event_id and c.position_id = p.id and c.list_id = r.id and c.successful))"
        )
    };
}
macro_rules! guests {
    ($list:expr, $of:literal) => {
        concat!(
            " from ",
            $list,
            " join orders o on o.event_id = r.event_id
              join order_position p on p.event_id = o.event_id and p.order_id = o.id
             where o.event_id ",
            $of,
            " and o.created_at > '-infinity' and not p.canceled and ",
            is_meant!(),
            " and ",
            chosen_by_order!(),
            " and ",
            chosen!()
        )
    };
}
macro_rules! by_guest {
    () => {
        concat!(
            " order by ",
            sort!(
                "order__datetime" => "o.created_at",
                "attendee_name" => "p.attendee_name",
                "order__code" => "o.code",
                "order__email" => "o.email",
                "last_checked_in" => last_entry!(),
                "positionid" => "p.positionid"
            ),
            "case when not $4::boolean then o.id end, case when $4::boolean then o.id end desc,
             case when not $7::boolean then p.positionid end, case when $7::boolean then p.positionid end desc, r.id"
        )
    };
}

macro_rules! found {
    ($list:expr, $of:literal) => {
        concat!(
            "with found as materialized (",
            found_positions!($of),
            ") select p.id, p.event_id, p.order_id, r.id as list_id, count(*) over () as total",
            guests!($list, $of),
            " and p.id in (select f.id from found f)",
            by_guest!(),
            " offset $5 limit $6"
        )
    };
}

const PAGE: &str = concat!(
    "select p.id, p.event_id, p.order_id, r.id as list_id",
    guests!(this_list!(), "= $1"),
    by_guest!(),
    " offset $5 limit $6"
);
const FOUND: &str = found!(this_list!(), "= $1");
/// All that are for the list are counted in an index, less those that are cancelled and those whose orders do not count; both
/// have indexes of their own. Only what is asked of the orders needs them.
const COUNT: &str = concat!(
    "select case when $2::jsonb ?| array['order', 'order__status', 'has_checkin'] then (select count(*)",
    guests!(this_list!(), "= $1"),
    ") else (select count(*) from ",
    this_list!(),
    " cross join order_position p where p.event_id = $1 and ",
    is_meant!(),
    " and ",
    chosen!(),
    ") - (select count(*) from ",
    this_list!(),
    " cross join order_position p where p.event_id = $1 and p.canceled and ",
    is_meant!(),
    " and ",
    chosen!(),
    ") - (select count(*) from ",
    this_list!(),
    " cross join orders o join order_position p on p.event_id = o.event_id and p.order_id = o.id
       where o.event_id = $1 and o.status <> 'p' and o.created_at > '-infinity' and not p.canceled
         and not ($2::jsonb->>'ignore_status')::boolean and not ",
    is_valid!(),
    " and ",
    is_meant!(),
    " and ",
    chosen!(),
    ") end as total"
);
/// Who is on one list.
pub(super) static GUESTS: Paged = Paged { page: PAGE, found: FOUND, count: COUNT, usual: "order__datetime" };

/// Who is on several lists, whose ids are in the filter: programs ask for that to search.
pub(super) const OF_LISTS: &str = found!(
    "(select l.* from checkin_list l where l.event_id = any($1)
         and l.id = any(array(select jsonb_array_elements_text($2::jsonb->'lists')::bigint))) r",
    "= any($1)"
);

/// How many of each product are on a list, came in, and are inside: counted as above, and who was scanned on the list by the
/// scans.
pub(super) const STATUS: &str = concat!(
    "with part as (
        select p.item_id, p.variation_id, count(*) as number from ",
    this_list!(),
    " cross join order_position p where p.event_id = $1 and ",
    is_meant!(),
    "    group by p.item_id, p.variation_id
        union all
        select p.item_id, p.variation_id, -count(*) from ",
    this_list!(),
    " cross join order_position p where p.event_id = $1 and p.canceled and ",
    is_meant!(),
    "    group by p.item_id, p.variation_id
        union all
        select p.item_id, p.variation_id, -count(*) from ",
    this_list!(),
    " cross join orders o join order_position p on p.event_id = o.event_id and p.order_id = o.id
         where o.event_id = $1 and o.status <> 'p' and o.created_at > '-infinity' and not p.canceled and not ",
    is_valid!(),
    " and ",
    is_meant!(),
    "    group by p.item_id, p.variation_id),
     listed as (select item_id, variation_id, sum(number)::bigint as positions from part group by item_id, variation_id),
     scanned as (
        select c.position_id, bool_or(c.type = 'entry') as entered, (array_agg(c.type order by c.datetime desc, c.id desc))[1] as last
          from checkin c where c.event_id = $1 and c.list_id = ($2::jsonb->>'list')::bigint and c.successful group by c.position_id),
     came as (
        select p.item_id, p.variation_id, count(*) filter (where s.entered) as checkins,
               count(*) filter (where s.last = 'entry') as inside
          from ",
    this_list!(),
    " cross join scanned s join order_position p on p.event_id = $1 and p.id = s.position_id
          join orders o on o.event_id = p.event_id and o.id = p.order_id
         where not p.canceled and ",
    is_meant!(),
    " and ",
    is_valid!(),
    "    group by p.item_id, p.variation_id)
     select l.item_id, l.variation_id, i.name, v.value, i.admission, l.positions, coalesce(c.checkins, 0) as checkins,
            coalesce(c.inside, 0) as inside
       from listed l
       join item i on i.event_id = $1 and i.id = l.item_id
       left join item_variation v on v.event_id = $1 and v.id = l.variation_id
       left join came c on c.item_id = l.item_id and c.variation_id is not distinct from l.variation_id
      where l.positions > 0 order by l.item_id, l.variation_id"
);

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[PAGE, FOUND, COUNT, OF_LISTS, STATUS];
