//! Statements that change organisers, events, their settings, and dates of a series.

use serde_json::Value;

use crate::{
    id::EventId,
    port::db::{DbError, Query, array, p},
    record::{
        self, Part, Record, Table,
        sql::{insert_row, list_rows, list_rows_of_events, update_row},
    },
};

// --- events ---

macro_rules! event_columns {
    () => {
        "name, live, testmode, currency, date_from, date_to, date_admission, is_public, presale_start, presale_end,
         location, geo_lat, geo_lon, meta_data, timezone, all_sales_channels, limit_sales_channels"
    };
}
/// `$1` is the organiser.
pub(super) const LIST_EVENTS: &str = "
    select to_jsonb(r) - 'settings' as body, count(*) over () as total
      from event r
     where r.organizer_id = $1
       and ($2::jsonb->'events' is null or $2::jsonb->'events' @> to_jsonb(r.id))
       and ($2::jsonb->'is_public' is null or r.is_public = ($2::jsonb->>'is_public')::boolean)
       and ($2::jsonb->'live' is null or r.live = ($2::jsonb->>'live')::boolean)
       and ($2::jsonb->'has_subevents' is null or r.has_subevents = ($2::jsonb->>'has_subevents')::boolean)
       and ($2::jsonb->'testmode' is null or r.testmode = ($2::jsonb->>'testmode')::boolean)
       and ($2::jsonb->'is_past' is null or ($2::jsonb->>'is_past')::boolean = (not r.has_subevents
                and coalesce(r.date_to, r.date_from) < ($2::jsonb->>'now')::timestamptz))
       and ($2::jsonb->'is_future' is null or ($2::jsonb->>'is_future')::boolean = (r.has_subevents
                or coalesce(r.date_to, r.date_from) >= ($2::jsonb->>'now')::timestamptz))
       and ($2::jsonb->'ends_after' is null or r.has_subevents
                or coalesce(r.date_to, r.date_from) >= ($2::jsonb->>'ends_after')::timestamptz)
       and ($2::jsonb->'sales_channel' is null or r.all_sales_channels
                or $2::jsonb->>'sales_channel' = any(r.limit_sales_channels))
       and ($2::jsonb->'search' is null or strpos(lower(r.name::text), lower($2::jsonb->>'search')) > 0
                or strpos(lower(r.slug), lower($2::jsonb->>'search')) > 0
                or strpos(lower(coalesce(r.location::text, '')), lower($2::jsonb->>'search')) > 0)
       and ($2::jsonb->'date_from_after' is null or r.date_from >= ($2::jsonb->>'date_from_after')::timestamptz)
       and ($2::jsonb->'date_from_before' is null or r.date_from <= ($2::jsonb->>'date_from_before')::timestamptz)
       and ($2::jsonb->'date_to_after' is null or r.date_to >= ($2::jsonb->>'date_to_after')::timestamptz)
       and ($2::jsonb->'date_to_before' is null or r.date_to <= ($2::jsonb->>'date_to_before')::timestamptz)
       and ($2::jsonb->'attr' is null or r.meta_data @> ($2::jsonb->'attr'))
     order by case when $3 = '-slug' then r.slug end desc, case when $3 = 'date_from' then r.date_from end,
              case when $3 = '-date_from' then r.date_from end desc, r.slug
    offset $4 limit $5";
pub(super) const FIND_EVENT: &str = "select to_jsonb(r) - 'settings' as body from event r where id = $1 and id = $2";
pub(super) const INSERT_EVENT: &str = concat!(
    "insert into event (organizer_id, created_at, settings, slug, has_subevents, ",
    event_columns!(),
    ")
     select $1, ($2::jsonb->>'now')::timestamptz, coalesce($2::jsonb->'settings', '{}'), slug, has_subevents, ",
    event_columns!(),
    " from jsonb_populate_record(null::event, $2) returning id"
);
pub(super) const UPDATE_EVENT: &str = concat!(
    "update event set (",
    event_columns!(),
    ") = (select ",
    event_columns!(),
    " from jsonb_populate_record(null::event, $3)) where id = $1 and id = $2"
);
/// Everything that belongs to an event without orders, and a note of its files. What must stay refuses by its foreign
/// key.
pub(super) const DELETE_EVENT: &str = "
    with files as (insert into media_removal (object_key, organizer_id)
             select distinct f.key, e.organizer_id from event e,
                    lateral (select k.key from (select e.logo union all select picture from item where event_id = e.id) as p (picture),
                                    unnest(array[p.picture->>'large', p.picture->>'thumbnail']) as k (key)
                             union all select object_key from shop_snapshot where event_id = e.id
                             union all select object_key from answer_file where event_id = e.id) as f (key)
              where e.id = $1 and e.id = $2 and f.key is not null
             on conflict do nothing),
         -- Themselves, not with their carts: the questions are looked at before what goes with others has gone.
         told as (delete from answer a using cart_position c
                   where a.event_id = $1 and c.event_id = $1 and a.cart_position_id = c.id),
         carts as (delete from cart_position where event_id = $1),
         answers as (delete from answer_file where event_id = $1),
         mails as (delete from mail where event_id = $1 and order_id is null),
         sessions as (delete from checkout_session where event_id = $1),
         bulk as (delete from bulk_action where event_id = $1),
         outcomes as (delete from form_outcome where event_id = $1),
         actions as (delete from action_log where event_id = $1),
         vouchers as (delete from voucher where event_id = $1),
         discounts as (delete from discount where event_id = $1),
         questions as (delete from question where event_id = $1),
         quotas as (delete from quota where event_id = $1),
         items as (delete from item where event_id = $1),
         variations as (delete from item_variation where event_id = $1),
         addons as (delete from item_addon where event_id = $1),
         bundles as (delete from item_bundle where event_id = $1),
         categories as (delete from category where event_id = $1),
         rules as (delete from tax_rule where event_id = $1),
         dates as (delete from subevent where event_id = $1)
    delete from event where id = $1 and id = $2";
/// What an event needs before it can be open to the public, and what fixes its currency.
pub(super) const READINESS: &str = "
    select exists (select 1 from quota where event_id = $1) as has_quota,
           exists (select 1 from item i where i.event_id = $1 and (i.default_price > 0 or exists (
               select 1 from item_variation v where v.event_id = $1 and v.item_id = i.id and v.default_price > 0))) as is_paid,
           exists (select 1 from item where event_id = $1) as has_item,
           exists (select 1 from orders where event_id = $1) as has_order,
           array(select m.name from event_meta_property m join event e on e.organizer_id = m.organizer_id
                  where e.id = $1 and m.required and m.\"default\" = '' and coalesce(e.meta_data->>m.name, '') = '') as missing_meta";
pub(super) const META_PROPERTIES: &str = "
    select name, \"default\", choices from event_meta_property where organizer_id = $1 order by id";
/// A team that works on some events works on those that it creates.
pub(super) const JOIN_TEAM: &str = "
    insert into team_event (team_id, event_id, organizer_id)
    select t.id, $2, t.organizer_id from api_token a join team t on t.id = a.team_id where a.id = $1 and not t.all_events
    on conflict do nothing";

/// Events; `$1` is the event, but for lists and new ones the organiser.
pub static EVENTS: Table = Table {
    object: "event",
    list: LIST_EVENTS,
    find: FIND_EVENT,
    insert: INSERT_EVENT,
    update: UPDATE_EVENT,
    delete: DELETE_EVENT,
};

// --- settings ---

pub(super) const EVENT_SETTINGS: &str = "
    select e.settings as own, o.settings as inherited from event e join organizer o on o.id = e.organizer_id where e.id = $1";
pub(super) const SET_EVENT_SETTINGS: &str = "update event set settings = $2 where id = $1";
pub(super) const ORGANIZER_SETTINGS: &str =
    "select settings as own, '{}'::jsonb as inherited from organizer where id = $1";
pub(super) const SET_ORGANIZER_SETTINGS: &str = "update organizer set settings = $2 where id = $1";

// --- dates of a series ---

macro_rules! date_columns {
    () => {
        "name, active, is_public, date_from, date_to, date_admission, presale_start, presale_end, location, geo_lat, geo_lon,
         frontpage_text, meta_data, comment, modified_at"
    };
}
macro_rules! date_body {
    () => {
        "to_jsonb(r) || jsonb_build_object(
             'item_price_overrides', (select coalesce(jsonb_agg(to_jsonb(o) order by o.item_id), '[]') from subevent_override o
                 where o.event_id = r.event_id and o.subevent_id = r.id and o.variation_id is null),
             'variation_price_overrides', (select coalesce(jsonb_agg(to_jsonb(o) order by o.variation_id), '[]')
                 from subevent_override o
                where o.event_id = r.event_id and o.subevent_id = r.id and o.variation_id is not null))"
    };
}
macro_rules! overrides {
    ($record:literal) => {
        concat!(
            "select o.item_id, o.variation_id, o.price, o.disabled, o.available_from, o.available_until
               from jsonb_populate_recordset(null::subevent_override, ",
            $record,
            "::jsonb->'overrides') o"
        )
    };
}
macro_rules! date_filter {
    () => {
        "and ($2::jsonb->'is_public' is null or r.is_public = ($2::jsonb->>'is_public')::boolean)
     and ($2::jsonb->'active' is null or r.active = ($2::jsonb->>'active')::boolean)
     and ($2::jsonb->'event__live' is null or (select e.live from event e where e.id = r.event_id) = ($2::jsonb->>'event__live')::boolean)
     and ($2::jsonb->'is_past' is null or ($2::jsonb->>'is_past')::boolean
              = (coalesce(r.date_to, r.date_from) < ($2::jsonb->>'now')::timestamptz))
     and ($2::jsonb->'is_future' is null or ($2::jsonb->>'is_future')::boolean
              = (coalesce(r.date_to, r.date_from) >= ($2::jsonb->>'now')::timestamptz))
     and ($2::jsonb->'ends_after' is null or coalesce(r.date_to, r.date_from) >= ($2::jsonb->>'ends_after')::timestamptz)
     and ($2::jsonb->'modified_since' is null or r.modified_at >= ($2::jsonb->>'modified_since')::timestamptz)
     and ($2::jsonb->'search' is null or strpos(lower(r.name::text), lower($2::jsonb->>'search')) > 0
          or strpos(lower(coalesce(r.location::text, '')), lower($2::jsonb->>'search')) > 0)
     and ($2::jsonb->'date_from_after' is null or r.date_from >= ($2::jsonb->>'date_from_after')::timestamptz)
     and ($2::jsonb->'date_from_before' is null or r.date_from <= ($2::jsonb->>'date_from_before')::timestamptz)
     and ($2::jsonb->'date_to_after' is null or r.date_to >= ($2::jsonb->>'date_to_after')::timestamptz)
     and ($2::jsonb->'date_to_before' is null or r.date_to <= ($2::jsonb->>'date_to_before')::timestamptz)"
    };
}
macro_rules! date_order {
    () => {
        "case when $3 = 'id' then r.id end, case when $3 = '-id' then r.id end desc,
     case when $3 = '-date_from' then r.date_from end desc, case when $3 = 'last_modified' then r.modified_at end,
     case when $3 = '-last_modified' then r.modified_at end desc, r.date_from, r.id"
    };
}
const LIST_DATES: &str = list_rows!("subevent", date_body!(), date_filter!(), date_order!());
const DATES_OF_EVENTS: &str = list_rows_of_events!("subevent", date_body!(), date_filter!(), date_order!());

/// Dates of several events.
pub async fn dates_of(
    q: &impl Query,
    events: &Vec<EventId>,
    part: &Part,
) -> Result<(Vec<Record>, Option<i64>), DbError> {
    let filter = Value::Object(part.filter.clone());
    let params = [array(events), p(&filter), p(&part.ordering), p(&part.offset), p(&part.limit)];
    let rows = q.query(DATES_OF_EVENTS, &params).await?;
    let total = rows.first().map(|row| row.get("total")).transpose()?;
    Ok((rows.iter().map(record::body).collect::<Result<_, _>>()?, total))
}

const FIND_DATE: &str = concat!("select ", date_body!(), " as body from subevent r where event_id = $1 and id = $2");
const INSERT_DATE: &str = concat!(
    "with added as (",
    insert_row!("subevent", date_columns!()),
    "),
     overridden as (
         insert into subevent_override (event_id, subevent_id, item_id, variation_id, price, disabled, available_from,
                                        available_until)
         select $1, added.id, o.* from added, (",
    overrides!("$2"),
    ") o)
     select id from added"
);
const UPDATE_DATE: &str = update_row!("subevent", date_columns!());
/// The stored overrides are replaced by these, in two steps: a row may come again.
pub(super) const CLEAR_OVERRIDES: &str = "delete from subevent_override where event_id = $1 and subevent_id = $2";
pub(super) const INSERT_OVERRIDES: &str = concat!(
    "insert into subevent_override (event_id, subevent_id, item_id, variation_id, price, disabled, available_from,
                                    available_until)
     select $1, $2, o.* from (",
    overrides!("$3"),
    ") o"
);
/// Carts that refer to it go, and so do its quotas.
const DELETE_DATE: &str = "
    with carts as (delete from cart_position where event_id = $1 and subevent_id = $2),
         quotas as (delete from quota where event_id = $1 and subevent_id = $2)
    delete from subevent where event_id = $1 and id = $2";

/// Dates of a series.
pub static DATES: Table = Table {
    object: "subevent",
    list: LIST_DATES,
    find: FIND_DATE,
    insert: INSERT_DATE,
    update: UPDATE_DATE,
    delete: DELETE_DATE,
};

// --- organisers, their channels and properties ---

pub(super) const LIST_ORGANIZERS: &str = "
    select to_jsonb(r) - 'settings' as body, count(*) over () as total from organizer r
     where r.id = $1 and jsonb_typeof($2) = 'object' and $3 <> 'x' order by r.slug offset $4 limit $5";
const FIND_ORGANIZER: &str = "select to_jsonb(r) - 'settings' as body from organizer r where id = $1 and id = $2";

/// The organiser of a token; its name and address are not changed here.
pub static ORGANIZERS: Table =
    Table { object: "organizer", list: LIST_ORGANIZERS, find: FIND_ORGANIZER, insert: "", update: "", delete: "" };

macro_rules! channel_columns {
    () => {
        "identifier, label, type, position"
    };
}
const LIST_CHANNELS: &str = "
    select to_jsonb(r) as body, count(*) over () as total from sales_channel r
     where r.organizer_id = $1 and ($2::jsonb->'type' is null or r.type = $2::jsonb->>'type')
       and ($2::jsonb->'identifier' is null or r.identifier = $2::jsonb->>'identifier')
     order by case when $3 = '-position' then r.position end desc, r.position, r.id offset $4 limit $5";
const FIND_CHANNEL: &str = "select to_jsonb(r) as body from sales_channel r where organizer_id = $1 and id = $2";
pub(super) const CHANNEL_ID: &str = "select id from sales_channel where organizer_id = $1 and identifier = $2";
const INSERT_CHANNEL: &str = concat!(
    "insert into sales_channel (organizer_id, ",
    channel_columns!(),
    ") select $1, ",
    channel_columns!(),
    " from jsonb_populate_record(null::sales_channel, $2) returning id"
);
const UPDATE_CHANNEL: &str = concat!(
    "update sales_channel set (",
    channel_columns!(),
    ") = (select ",
    channel_columns!(),
    " from jsonb_populate_record(null::sales_channel, $3)) where organizer_id = $1 and id = $2"
);
const DELETE_CHANNEL: &str = "delete from sales_channel where organizer_id = $1 and id = $2";
/// Whether an order came through a channel, or something is limited to it.
pub(super) const CHANNEL_IN_USE: &str = "
    select exists (select 1 from orders where organizer_id = $1 and sales_channel = $2)
        or exists (select 1 from event e where e.organizer_id = $1 and ($2 = any(e.limit_sales_channels)
                or exists (select 1 from item i where i.event_id = e.id and $2 = any(i.limit_sales_channels))
                or exists (select 1 from item_variation v where v.event_id = e.id and $2 = any(v.limit_sales_channels))
                or exists (select 1 from discount d where d.event_id = e.id and $2 = any(d.limit_sales_channels)))) as found";

/// Sales channels of an organiser.
pub static CHANNELS: Table = Table {
    object: "saleschannel",
    list: LIST_CHANNELS,
    find: FIND_CHANNEL,
    insert: INSERT_CHANNEL,
    update: UPDATE_CHANNEL,
    delete: DELETE_CHANNEL,
};

macro_rules! property_columns {
    () => {
        "name, \"default\", required, protected, filter_public, public_label, filter_allowed, choices"
    };
}
const LIST_PROPERTIES: &str = "
    select to_jsonb(r) as body, count(*) over () as total from event_meta_property r
     where r.organizer_id = $1 and jsonb_typeof($2) = 'object'
     order by case when $3 = '-id' then r.id end desc, r.id offset $4 limit $5";
const FIND_PROPERTY: &str = "select to_jsonb(r) as body from event_meta_property r where organizer_id = $1 and id = $2";
const INSERT_PROPERTY: &str = concat!(
    "insert into event_meta_property (organizer_id, ",
    property_columns!(),
    ") select $1, ",
    property_columns!(),
    " from jsonb_populate_record(null::event_meta_property, $2) returning id"
);
const UPDATE_PROPERTY: &str = concat!(
    "update event_meta_property set (",
    property_columns!(),
    ") = (select ",
    property_columns!(),
    " from jsonb_populate_record(null::event_meta_property, $3)) where organizer_id = $1 and id = $2"
);
const DELETE_PROPERTY: &str = "delete from event_meta_property where organizer_id = $1 and id = $2";

/// What events say about themselves in words of the organiser.
pub static PROPERTIES: Table = Table {
    object: "eventmetaproperty",
    list: LIST_PROPERTIES,
    find: FIND_PROPERTY,
    insert: INSERT_PROPERTY,
    update: UPDATE_PROPERTY,
    delete: DELETE_PROPERTY,
};

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    LIST_EVENTS,
    FIND_EVENT,
    INSERT_EVENT,
    UPDATE_EVENT,
    DELETE_EVENT,
    READINESS,
    META_PROPERTIES,
    JOIN_TEAM,
    EVENT_SETTINGS,
    SET_EVENT_SETTINGS,
    ORGANIZER_SETTINGS,
    SET_ORGANIZER_SETTINGS,
    LIST_DATES,
    DATES_OF_EVENTS,
    FIND_DATE,
    INSERT_DATE,
    UPDATE_DATE,
    CLEAR_OVERRIDES,
    INSERT_OVERRIDES,
    DELETE_DATE,
    LIST_ORGANIZERS,
    FIND_ORGANIZER,
    LIST_CHANNELS,
    FIND_CHANNEL,
    CHANNEL_ID,
    INSERT_CHANNEL,
    UPDATE_CHANNEL,
    DELETE_CHANNEL,
    CHANNEL_IN_USE,
    LIST_PROPERTIES,
    FIND_PROPERTY,
    INSERT_PROPERTY,
    UPDATE_PROPERTY,
    DELETE_PROPERTY,
];
