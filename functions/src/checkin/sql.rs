//! Statements about check-in lists and who came in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Attempt, Direction, List, Scan, Ticket};
use crate::{
    boxoffice::Product,
    event::Event,
    id::{EventId, OrderId, OrganizerId, PositionId, QuestionId, SubeventId},
    order::OrderStatus,
    port::{
        db::{DbError, Param, Query, Row, Tx, array, p},
        lock::ScanLock,
    },
    record::{
        Table,
        sql::{delete_row, list_rows},
    },
    time::Timestamp,
};

// --- lists ---

/// Positions `p` of orders `o` that are for what a list `r` is for.
macro_rules! is_meant {
    () => {
        "(r.subevent_id is null or p.subevent_id = r.subevent_id)
         and (r.all_products or exists (select 1 from checkin_list_item li where li.list_id = r.id and li.item_id = p.item_id))"
    };
}
/// Orders `o` that count on a list `r`.
macro_rules! is_valid {
    () => {
        "(o.status = 'p' or (o.status = 'n' and not o.require_approval and (r.include_pending or o.valid_if_pending)))"
    };
}
pub(super) use {is_meant, is_valid};

/// How many are on a list `r`: all that are for it are counted in an index, less those that are cancelled and those whose orders
/// do not count; both have indexes of their own.
macro_rules! position_count {
    () => {
        concat!(
            "(select count(*) from order_position p where p.event_id = r.event_id and ",
            is_meant!(),
            ") - (select count(*) from order_position p where p.event_id = r.event_id and p.canceled and ",
            is_meant!(),
            ") - (select count(*) from orders o join order_position p on p.event_id = o.event_id and p.order_id = o.id
                   where o.event_id = r.event_id and o.status <> 'p' and o.created_at > '-infinity' and not p.canceled and not ",
            is_valid!(),
            " and ",
            is_meant!(),
            ")"
        )
    };
}
macro_rules! list_body {
    () => {
        concat!(
            "(to_jsonb(r) || jsonb_build_object(
                'limit_products', (select coalesce(jsonb_agg(li.item_id order by li.item_id), '[]')
                                     from checkin_list_item li where li.event_id = r.event_id and li.list_id = r.id),
                'position_count', ",
            position_count!(),
            ",
                'checkin_count', (select count(distinct c.position_id) from checkin c
                                    join order_position p on p.event_id = c.event_id and p.id = c.position_id
                                    join orders o on o.event_id = p.event_id and o.id = p.order_id
                                   where c.event_id = r.event_id and c.list_id = r.id and c.successful and c.type = 'entry'
                                     and not p.canceled and ",
            is_meant!(),
            " and ",
            is_valid!(),
            ")))"
        )
    };
}
macro_rules! list_columns {
    () => {
        "name, all_products, subevent_id, include_pending, addon_match, allow_multiple_entries, allow_entry_after_exit, rules,
         ignore_in_statistics, consider_tickets_used"
    };
}
const LISTS: &str = list_rows!(
    "checkin_list",
    list_body!(),
    "and ($2::jsonb->'subevent' is null or r.subevent_id = ($2::jsonb->>'subevent')::bigint)
     and ($2::jsonb->'subevent_match' is null or r.subevent_id is null
          or r.subevent_id = ($2::jsonb->>'subevent_match')::bigint)
     and ($2::jsonb->'ends_after' is null or exists (
            select 1 from event e left join subevent s on s.event_id = e.id and s.id = r.subevent_id where e.id = r.event_id
               and (e.has_subevents and r.subevent_id is null
                    or coalesce(s.date_to, s.date_from, e.date_to, e.date_from) >= ($2::jsonb->>'ends_after')::timestamptz)))",
    "case when $3 = '-id' then r.id end desc, case when $3 = 'name' then r.name end, case when $3 = '-name' then r.name end desc, r.id"
);
const FIND_LIST: &str =
    concat!("select ", list_body!(), " as body from checkin_list r where r.event_id = $1 and r.id = $2");
const INSERT_LIST: &str = concat!(
    "with added as (insert into checkin_list (event_id, ",
    list_columns!(),
    ") select $1, ",
    list_columns!(),
    " from jsonb_populate_record(null::checkin_list, $2) returning id),
     limited as (insert into checkin_list_item (event_id, list_id, item_id)
                 select $1, added.id, wanted::bigint from added, jsonb_array_elements_text($2->'limit_products') wanted)
     select id from added"
);
const UPDATE_LIST: &str = concat!(
    "with wanted as (select distinct id::bigint as id from jsonb_array_elements_text($3::jsonb->'limit_products') id),
     gone as (delete from checkin_list_item where event_id = $1 and list_id = $2 and item_id not in (select id from wanted)),
     limited as (insert into checkin_list_item (event_id, list_id, item_id) select $1, $2, id from wanted on conflict do nothing)
     update checkin_list set (",
    list_columns!(),
    ") = (select ",
    list_columns!(),
    " from jsonb_populate_record(null::checkin_list, $3)) where event_id = $1 and id = $2"
);
const DELETE_LIST: &str = delete_row!("checkin_list");

/// Check-in lists of an event. What was scanned goes with its list.
pub static CHECKIN_LISTS: Table = Table {
    object: "checkinlist",
    list: LISTS,
    find: FIND_LIST,
    insert: INSERT_LIST,
    update: UPDATE_LIST,
    delete: DELETE_LIST,
};

const OF_ORGANIZER: &str = "
    select r.id, r.event_id, r.name, r.all_products, r.subevent_id, r.include_pending, r.addon_match,
           r.allow_multiple_entries, r.allow_entry_after_exit, r.rules, e.slug,
           array(select li.item_id from checkin_list_item li where li.event_id = r.event_id and li.list_id = r.id) as products
      from checkin_list r join event e on e.id = r.event_id
     where e.organizer_id = $1 and r.id = any($2) order by r.id";

/// Lists of an organiser by their ids, each with the slug of its event.
pub async fn lists(q: &impl Query, organizer: OrganizerId, ids: &Vec<i64>) -> Result<Vec<(List, String)>, DbError> {
    let read = |row: &Row| {
        let list = List {
            id: row.get("id")?,
            event: row.get("event_id")?,
            name: row.get("name")?,
            all_products: row.get("all_products")?,
            products: row.get("products")?,
            subevent: row.get("subevent_id")?,
            include_pending: row.get("include_pending")?,
            addon_match: row.get("addon_match")?,
            allow_multiple_entries: row.get("allow_multiple_entries")?,
            allow_entry_after_exit: row.get("allow_entry_after_exit")?,
            rules: row.get("rules")?,
        };
        Ok((list, row.get("slug")?))
    };
    q.query(OF_ORGANIZER, &[p(&organizer), array(ids)]).await?.iter().map(read).collect()
}

// --- tickets ---

macro_rules! ticket_columns {
    () => {
        "select p.id, p.event_id, p.order_id, p.item_id, p.variation_id, p.subevent_id, p.canceled, o.status,
                o.require_approval, o.valid_if_pending, cardinality(p.blocks) > 0 as blocked, p.valid_from, p.valid_until,
                (o.checkin_attention or i.checkin_attention or coalesce(v.checkin_attention, false)) as attention,
                array_remove(array[nullif(o.checkin_text, ''), nullif(v.checkin_text, ''), nullif(i.checkin_text, '')], null)
                    as texts"
    };
}
macro_rules! ticket_tables {
    () => {
        " from order_position p
          join orders o on o.event_id = p.event_id and o.id = p.order_id
          join item i on i.event_id = p.event_id and i.id = p.item_id
          left join item_variation v on v.event_id = p.event_id and v.id = p.variation_id"
    };
}
/// The organiser's tickets with a code, or with an id, and add-ons of what has the code.
const CANDIDATES: &str = concat!(
    ticket_columns!(),
    ", coalesce(p.secret = $3 or p.id = $4, false) as is_exact",
    ticket_tables!(),
    " where p.organizer_id = $1 and p.event_id = any($2)
        and p.id in (select x.id from order_position x where x.organizer_id = $1 and x.secret = $3
                     union all select x.id from order_position x where x.organizer_id = $1 and x.id = $4
                     union all select x.id from order_position b
                                 join order_position x on x.event_id = b.event_id and x.order_id = b.order_id and x.addon_to = b.id
                                where b.organizer_id = $1 and b.secret = $3)
      order by p.id"
);

fn read_ticket(row: &Row) -> Result<Ticket, DbError> {
    Ok(Ticket {
        position: row.get("id")?,
        event: row.get("event_id")?,
        order: row.get("order_id")?,
        product: Product {
            item: row.get("item_id")?,
            variation: row.get("variation_id")?,
            date: row.get("subevent_id")?,
        },
        canceled: row.get("canceled")?,
        status: OrderStatus::parse(row.get("status")?)?,
        require_approval: row.get("require_approval")?,
        valid_if_pending: row.get("valid_if_pending")?,
        blocked: row.get("blocked")?,
        valid_from: row.get("valid_from")?,
        valid_until: row.get("valid_until")?,
        is_exact: row.get("is_exact")?,
        attention: row.get("attention")?,
        texts: row.get("texts")?,
    })
}

/// Tickets that a code may mean.
pub async fn candidates(
    q: &impl Query,
    organizer: OrganizerId,
    events: &Vec<EventId>,
    code: &str,
    id: Option<i64>,
) -> Result<Vec<Ticket>, DbError> {
    let params: [Param<'_>; 4] = [p(&organizer), array(events), p(&code), p(&id)];
    q.query(CANDIDATES, &params).await?.iter().map(read_ticket).collect()
}

const TICKET: &str =
    concat!(ticket_columns!(), ", true as is_exact", ticket_tables!(), " where p.event_id = $1 and p.id = $2");

pub(super) async fn ticket(lock: &ScanLock<'_>, event: &Event) -> Result<Option<Ticket>, DbError> {
    lock.tx().opt(TICKET, &[p(&event.id), p(&lock.position())]).await?.as_ref().map(read_ticket).transpose()
}

const SCANS: &str = "
    select type, datetime, nonce, device_id from checkin
     where event_id = $1 and list_id = $2 and position_id = $3 and successful order by datetime, id";

fn direction(code: &str) -> Result<Direction, DbError> {
    Direction::parse(code).ok_or_else(|| DbError::UnknownValue { what: "check-in type", value: code.to_owned() })
}

pub(super) async fn scans(lock: &ScanLock<'_>, list: &List) -> Result<Vec<Scan>, DbError> {
    let rows = lock.tx().query(SCANS, &[p(&list.event), p(&list.id), p(&lock.position())]).await?;
    let read = |row: &Row| {
        Ok(Scan {
            direction: direction(row.get("type")?)?,
            at: row.get("datetime")?,
            nonce: row.get("nonce")?,
            device: row.get("device_id")?,
        })
    };
    rows.iter().map(read).collect()
}

const DATES: &str = "select date_from, date_to, date_admission from subevent where event_id = $1 and id = $2";

/// When the event, or its date, begins, ends and opens its doors.
pub(super) async fn dates(
    q: &impl Query,
    event: &Event,
    date: Option<SubeventId>,
) -> Result<(Timestamp, Option<Timestamp>, Option<Timestamp>), DbError> {
    let Some(date) = date else { return Ok((event.date_from, event.date_to, event.date_admission)) };
    let row = q.one(DATES, &[p(&event.id), p(&date)]).await?;
    Ok((row.get("date_from")?, row.get("date_to")?, row.get("date_admission")?))
}

const ANSWERS: &str = "select question_id, answer from answer where event_id = $1 and position_id = $2";

pub(super) async fn answers(lock: &ScanLock<'_>, event: EventId) -> Result<Vec<(QuestionId, String)>, DbError> {
    let rows = lock.tx().query(ANSWERS, &[p(&event), p(&lock.position())]).await?;
    rows.iter().map(|row| Ok((row.get("question_id")?, row.get("answer")?))).collect()
}

const KEEP_ANSWERS: &str = "
    insert into answer (event_id, position_id, question_id, answer)
    select $1, $2, a.question, a.text from unnest($3::bigint[], $4::text[]) as a (question, text)
    on conflict (position_id, question_id) do update set answer = excluded.answer";

pub(super) async fn keep_answers(
    lock: &ScanLock<'_>,
    event: EventId,
    answers: BTreeMap<i64, String>,
) -> Result<(), DbError> {
    if answers.is_empty() {
        return Ok(());
    }
    let (questions, texts): (Vec<i64>, Vec<String>) = answers.into_iter().unzip();
    let position = lock.position();
    let params: [Param<'_>; 4] = [p(&event), p(&position), array(&questions), array(&texts)];
    lock.tx().execute(KEEP_ANSWERS, &params).await.map(drop)
}

// --- what happened ---

const INSERT: &str = "
    insert into checkin (event_id, list_id, position_id, type, datetime, created_at, nonce, forced, force_sent, successful,
                         error_reason, error_explanation, raw_barcode, raw_source_type, raw_item_id, raw_variation_id,
                         raw_subevent_id, device_id)
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text is null, $10, $11, $12::jsonb->>'barcode', $12::jsonb->>'source',
           ($12::jsonb->>'item')::bigint, ($12::jsonb->>'variation')::bigint, ($12::jsonb->>'subevent')::bigint, $13
    returning id";

/// Writes an attempt.
pub async fn insert(
    tx: &Tx<'_>,
    (list, device): (&List, Option<i64>),
    attempt: &Attempt<'_>,
    now: Timestamp,
) -> Result<i64, DbError> {
    let direction = attempt.direction.code();
    let params: [Param<'_>; 13] = [
        p(&list.event),
        p(&list.id),
        p(&attempt.position),
        p(&direction),
        p(&attempt.at),
        p(&now),
        p(&attempt.nonce),
        p(&attempt.forced),
        p(&attempt.force_sent),
        p(&attempt.reason),
        p(&attempt.explanation),
        p(&attempt.raw),
        p(&device),
    ];
    tx.one(INSERT, &params).await?.get("id")
}

const TOUCH: &str = "update orders set modified_at = greatest(modified_at, $3) where event_id = $1 and id = $2";

pub(super) async fn touch(tx: &Tx<'_>, event: EventId, order: OrderId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(TOUCH, &[p(&event), p(&order), p(&now)]).await.map(drop)
}

const HOLD_ORDER: &str = "
    select o.id from order_position p join orders o on o.event_id = p.event_id and o.id = p.order_id
     where p.event_id = $1 and p.id = $2 for no key update of o";

/// The order of the ticket, which nobody changes until the commit.
pub(super) async fn hold_order(lock: &ScanLock<'_>, event: EventId) -> Result<Option<OrderId>, DbError> {
    let row = lock.tx().opt(HOLD_ORDER, &[p(&event), p(&lock.position())]).await?;
    row.map(|row| row.get("id")).transpose()
}

const FAILED_NONCE: &str = "
    select exists (select 1 from checkin where event_id = $1 and list_id = $2 and nonce = $3 and not successful
                      and device_id is not distinct from $4) as found";

/// Whether this failure of a device is written already: it has the same nonce.
pub async fn is_reported(
    q: &impl Query,
    list: &List,
    nonce: Option<&str>,
    device: Option<i64>,
) -> Result<bool, DbError> {
    q.one(FAILED_NONCE, &[p(&list.event), p(&list.id), p(&nonce), p(&device)]).await?.get("found")
}

const BY_NONCE: &str = "
    select id, event_id, list_id, position_id, datetime, successful, device_id from checkin
     where event_id = any($1) and list_id = any($2) and nonce = $3 order by id";

pub(super) struct Known {
    pub(super) id: i64,
    pub(super) event: EventId,
    pub(super) list: i64,
    pub(super) position: Option<PositionId>,
    pub(super) at: Timestamp,
    pub(super) successful: bool,
    pub(super) device: Option<i64>,
}

pub(super) async fn by_nonce(q: &impl Query, lists: &[List], nonce: &str) -> Result<Vec<Known>, DbError> {
    let events: Vec<EventId> = lists.iter().map(|list| list.event).collect();
    let ids: Vec<i64> = lists.iter().map(|list| list.id).collect();
    let read = |row: &Row| {
        Ok(Known {
            id: row.get("id")?,
            event: row.get("event_id")?,
            list: row.get("list_id")?,
            position: row.get("position_id")?,
            at: row.get("datetime")?,
            successful: row.get("successful")?,
            device: row.get("device_id")?,
        })
    };
    q.query(BY_NONCE, &[array(&events), array(&ids), p(&nonce)]).await?.iter().map(read).collect()
}

const ANNUL: &str = "
    update checkin set successful = false, error_reason = 'annulled', error_explanation = $3
     where event_id = $1 and id = $2 and successful";

/// Whether it was successful until now.
pub(super) async fn annul(tx: &Tx<'_>, scan: &Known, explanation: Option<&str>) -> Result<bool, DbError> {
    Ok(tx.execute(ANNUL, &[p(&scan.event), p(&scan.id), p(&explanation)]).await? > 0)
}

// --- reading ---

const OF_POSITIONS: &str = "
    select c.position_id, jsonb_build_object('id', c.id, 'datetime', c.datetime, 'list', c.list_id,
               'auto_checked_in', c.auto_checked_in, 'gate', null, 'device', c.device_id, 'device_id', d.device_id,
               'type', c.type) as body
      from checkin c left join device d on d.id = c.device_id
     where c.event_id = $1 and c.position_id = any($2) and c.successful and ($3::bigint is null or c.list_id = $3)
     order by c.datetime, c.id";

/// Successful scans of positions, or those on one list, as the API tells them.
pub async fn of_positions(
    q: &impl Query,
    event: EventId,
    positions: &Vec<i64>,
    list: Option<i64>,
) -> Result<Vec<(i64, Value)>, DbError> {
    let rows = q.query(OF_POSITIONS, &[p(&event), array(positions), p(&list)]).await?;
    let read = |row: &Row| {
        let mut body: Value = row.get("body")?;
        let moment = body["datetime"].as_str().and_then(Timestamp::parse);
        body["datetime"] = json!(moment.map(|moment| moment.to_string()));
        Ok((row.get("position_id")?, body))
    };
    rows.iter().map(read).collect()
}

macro_rules! by_attempt {
    () => {
        " order by case when $3 = '-datetime' then r.datetime end desc, case when $3 = 'datetime' then r.datetime end,
              case when $3 = '-id' then r.id end desc, r.id"
    };
}
/// What a filter says of attempts `r`.
macro_rules! attempts {
    () => {
        "where r.event_id = $1
       and ($2::jsonb->'successful' is null or r.successful = ($2::jsonb->>'successful')::boolean)
       and ($2::jsonb->'error_reason' is null or r.error_reason = $2::jsonb->>'error_reason')
       and ($2::jsonb->'list' is null or r.list_id = ($2::jsonb->>'list')::bigint)
       and ($2::jsonb->'type' is null or r.type = $2::jsonb->>'type')
       and ($2::jsonb->'device' is null or r.device_id = ($2::jsonb->>'device')::bigint)
       and ($2::jsonb->'auto_checked_in' is null or r.auto_checked_in = ($2::jsonb->>'auto_checked_in')::boolean)
       and ($2::jsonb->'created_since' is null or r.created_at >= ($2::jsonb->>'created_since')::timestamptz)
       and ($2::jsonb->'created_before' is null or r.created_at < ($2::jsonb->>'created_before')::timestamptz)
       and ($2::jsonb->'datetime_since' is null or r.datetime >= ($2::jsonb->>'datetime_since')::timestamptz)
       and ($2::jsonb->'datetime_before' is null or r.datetime < ($2::jsonb->>'datetime_before')::timestamptz)"
    };
}
const ATTEMPTS: &str = concat!(
    "select to_jsonb(r) || jsonb_build_object('device_number', d.device_id) as body, page.total
       from (select r.id, (select count(*) from checkin r ",
    attempts!(),
    ") as total from checkin r ",
    attempts!(),
    by_attempt!(),
    " offset $4 limit $5) page
       join checkin r on r.event_id = $1 and r.id = page.id
       left join device d on d.id = r.device_id",
    by_attempt!()
);

/// Every attempt in an event.
pub static ATTEMPT_TABLE: Table =
    Table { object: "checkin", list: ATTEMPTS, find: "", insert: "", update: "", delete: "" };

const ATTENTION: &str = "
    select p.id from order_position p
      join orders o on o.event_id = p.event_id and o.id = p.order_id
      join item i on i.event_id = p.event_id and i.id = p.item_id
      left join item_variation v on v.event_id = p.event_id and v.id = p.variation_id
     where p.event_id = $1 and p.id = any($2) and (o.checkin_attention or i.checkin_attention or v.checkin_attention)";

/// Those of some positions at which staff is to look twice.
pub async fn attention(q: &impl Query, event: EventId, positions: &Vec<i64>) -> Result<Vec<i64>, DbError> {
    q.query(ATTENTION, &[p(&event), array(positions)]).await?.iter().map(|row| row.get("id")).collect()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    LISTS,
    FIND_LIST,
    INSERT_LIST,
    UPDATE_LIST,
    DELETE_LIST,
    OF_ORGANIZER,
    CANDIDATES,
    TICKET,
    HOLD_ORDER,
    SCANS,
    DATES,
    ANSWERS,
    KEEP_ANSWERS,
    INSERT,
    TOUCH,
    FAILED_NONCE,
    BY_NONCE,
    ANNUL,
    OF_POSITIONS,
    ATTEMPTS,
    ATTENTION,
];
