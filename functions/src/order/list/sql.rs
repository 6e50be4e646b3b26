//! Statements of lists of orders, positions and transactions. `$1` is the event, or the events, and `$2` the filter.

/// Orders `o` that a filter lets through, of an event (`= $1`) or of several (`= any($1)`). The moments are always there:
/// naming them opens the indexes of lists.
macro_rules! orders {
    ($of:literal, $head:literal, $tail:literal) => {
        concat!(
            $head,
            "
      from orders o
     where o.event_id ",
            $of,
            " and o.created_at > '-infinity' and o.modified_at > '-infinity'
       and ($2::jsonb->'status' is null or o.status = $2::jsonb->>'status')
       and ($2::jsonb->'code' is null or o.code = upper($2::jsonb->>'code'))
       and ($2::jsonb->'email' is null or lower(o.email) = lower($2::jsonb->>'email'))
       and ($2::jsonb->'locale' is null or o.locale = $2::jsonb->>'locale')
       and ($2::jsonb->'testmode' is null or o.testmode = ($2::jsonb->>'testmode')::boolean)
       and ($2::jsonb->'require_approval' is null or o.require_approval = ($2::jsonb->>'require_approval')::boolean)
       and ($2::jsonb->'sales_channel' is null or o.sales_channel = $2::jsonb->>'sales_channel')
       and ($2::jsonb->'created_since' is null or o.created_at >= ($2::jsonb->>'created_since')::timestamptz)
       and ($2::jsonb->'created_before' is null or o.created_at < ($2::jsonb->>'created_before')::timestamptz)
       and ($2::jsonb->'modified_since' is null or o.modified_at >= ($2::jsonb->>'modified_since')::timestamptz)
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
                  and s.date_from < ($2::jsonb->>'subevent_before')::timestamptz))
       and ($2::jsonb->'search' is null or starts_with(o.code, upper($2::jsonb->>'search'))
            or strpos(lower(o.email), lower($2::jsonb->>'search')) > 0
            or strpos(lower(o.comment), lower($2::jsonb->>'search')) > 0
            or o.id in (select op.order_id from order_position op
                         where op.event_id ",
            $of,
            " and (strpos(lower(op.attendee_name), lower($2::jsonb->>'search')) > 0
                               or strpos(lower(op.attendee_email), lower($2::jsonb->>'search')) > 0
                               or strpos(lower(op.company), lower($2::jsonb->>'search')) > 0
                               or starts_with(op.secret, $2::jsonb->>'search'))))
    ",
            $tail
        )
    };
}
pub(super) const COUNT: &str = orders!("= $1", "select count(*) as total", "");
pub(super) const OLDEST_FIRST: &str = orders!("= $1", "select o.id", "order by o.created_at, o.id offset $3 limit $4");
pub(super) const NEWEST_FIRST: &str =
    orders!("= $1", "select o.id", "order by o.created_at desc, o.id desc offset $3 limit $4");
pub(super) const LAST_CHANGED_LAST: &str =
    orders!("= $1", "select o.id", "order by o.modified_at, o.id offset $3 limit $4");
pub(super) const ORDERED: &str = orders!(
    "= $1",
    "select o.id",
    "order by case when $3 = 'code' then o.code end, case when $3 = '-code' then o.code end desc,
              case when $3 = 'status' then o.status end, case when $3 = '-status' then o.status end desc,
              case when $3 = '-last_modified' then o.modified_at end desc,
              case when $3 = 'cancellation_date' then o.cancelled_at end,
              case when $3 = '-cancellation_date' then o.cancelled_at end desc, o.created_at, o.id offset $4 limit $5"
);

pub(super) const COUNT_OF_EVENTS: &str = orders!("= any($1)", "select count(*) as total", "");
pub(super) const OF_EVENTS: &str = orders!(
    "= any($1)",
    "select o.id, o.event_id",
    "order by case when $3 = 'code' then o.code end, case when $3 = '-code' then o.code end desc,
              case when $3 = 'status' then o.status end, case when $3 = '-status' then o.status end desc,
              case when $3 = 'last_modified' then o.modified_at end,
              case when $3 = '-last_modified' then o.modified_at end desc,
              case when $3 = 'cancellation_date' then o.cancelled_at end,
              case when $3 = '-cancellation_date' then o.cancelled_at end desc,
              case when $3 = '-datetime' then o.created_at end desc, o.created_at, o.id offset $4 limit $5"
);

/// Positions `p` of orders `o` that a filter lets through.
macro_rules! positions {
    ($of:literal, $head:literal, $tail:expr) => {
        concat!(
            $head,
            "
      from order_position p join orders o on o.event_id = p.event_id and o.id = p.order_id
     where p.event_id ",
            $of,
            "
       and (not p.canceled or ($2::jsonb->>'include_canceled_positions')::boolean)
       and ($2::jsonb->'order' is null or o.code = upper($2::jsonb->>'order'))
       and ($2::jsonb->'order__status' is null or o.status = $2::jsonb->>'order__status')
       and ($2::jsonb->'order__status__in' is null or $2::jsonb->'order__status__in' @> to_jsonb(o.status))
       and ($2::jsonb->'item' is null or p.item_id = ($2::jsonb->>'item')::bigint)
       and ($2::jsonb->'item__in' is null or $2::jsonb->'item__in' @> to_jsonb(p.item_id))
       and ($2::jsonb->'variation' is null or p.variation_id = ($2::jsonb->>'variation')::bigint)
       and ($2::jsonb->'variation__in' is null or $2::jsonb->'variation__in' @> to_jsonb(p.variation_id))
       and ($2::jsonb->'subevent' is null or p.subevent_id = ($2::jsonb->>'subevent')::bigint)
       and ($2::jsonb->'subevent__in' is null or $2::jsonb->'subevent__in' @> to_jsonb(p.subevent_id))
       and ($2::jsonb->'addon_to' is null or p.addon_to = ($2::jsonb->>'addon_to')::bigint)
       and ($2::jsonb->'addon_to__in' is null or $2::jsonb->'addon_to__in' @> to_jsonb(p.addon_to))
       and ($2::jsonb->'attendee_name' is null or lower(p.attendee_name) = lower($2::jsonb->>'attendee_name'))
       and ($2::jsonb->'secret' is null or p.secret = $2::jsonb->>'secret')
       and ($2::jsonb->'pseudonymization_id' is null or p.pseudonymization_id = $2::jsonb->>'pseudonymization_id')
       and ($2::jsonb->'voucher' is null or p.voucher_id = ($2::jsonb->>'voucher')::bigint)
       and ($2::jsonb->'voucher__code' is null or p.voucher_id in (select v.id from voucher v
                where v.event_id ",
            $of,
            " and v.code = upper($2::jsonb->>'voucher__code')))
       and ($2::jsonb->'search' is null or starts_with(o.code, upper($2::jsonb->>'search'))
            or starts_with(p.secret, $2::jsonb->>'search')
            or strpos(lower(p.attendee_name), lower($2::jsonb->>'search')) > 0
            or strpos(lower(p.attendee_email), lower($2::jsonb->>'search')) > 0
            or strpos(lower(o.email), lower($2::jsonb->>'search')) > 0)
    ",
            $tail
        )
    };
}
pub(super) const COUNT_POSITIONS: &str = positions!("= $1", "select count(*) as total", "");
/// The orderings of positions.
macro_rules! by_position {
    () => {
        "order by case when $3 = 'order__code' then o.code end, case when $3 = '-order__code' then o.code end desc,
              case when $3 = 'positionid' then p.positionid end, case when $3 = '-positionid' then p.positionid end desc,
              case when $3 = 'attendee_name' then p.attendee_name end,
              case when $3 = '-attendee_name' then p.attendee_name end desc,
              case when $3 = 'order__status' then o.status end, case when $3 = '-order__status' then o.status end desc,
              case when $3 = '-order__datetime' then o.created_at end desc,
              o.created_at, o.id, p.positionid offset $4 limit $5"
    };
}
pub(super) const POSITIONS: &str = positions!("= $1", "select p.id, p.order_id", by_position!());
pub(super) const COUNT_POSITIONS_OF_EVENTS: &str = positions!("= any($1)", "select count(*) as total", "");
pub(super) const POSITIONS_OF_EVENTS: &str =
    positions!("= any($1)", "select p.id, p.order_id, p.event_id", by_position!());
pub(super) const ORDER_OF: &str = "select order_id from order_position where event_id = $1 and id = $2";

/// Entries `l` of the ledger, of several events.
pub(super) const TRANSACTIONS: &str = "
    select to_jsonb(l) || jsonb_build_object('order', o.code, 'event', e.slug, 'currency', e.currency) as body,
           count(*) over () as total
      from ledger_entry l
      join orders o on o.event_id = l.event_id and o.id = l.order_id
      join event e on e.id = l.event_id
     where l.event_id = any($1)
       and ($2::jsonb->'order' is null or o.code = upper($2::jsonb->>'order'))
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
       and ($2::jsonb->'fee_type__in' is null or $2::jsonb->'fee_type__in' @> to_jsonb(l.fee_type))
     order by case when $3 in ('-datetime', '-created') then l.created_at end desc,
              case when $3 = '-id' then l.id end desc, case when $3 = 'id' then l.id end, l.created_at, l.id
    offset $4 limit $5";

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    COUNT,
    OLDEST_FIRST,
    NEWEST_FIRST,
    LAST_CHANGED_LAST,
    ORDERED,
    COUNT_OF_EVENTS,
    OF_EVENTS,
    COUNT_POSITIONS,
    POSITIONS,
    COUNT_POSITIONS_OF_EVENTS,
    POSITIONS_OF_EVENTS,
    ORDER_OF,
    TRANSACTIONS,
];
