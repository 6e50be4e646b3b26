//! Statements about devices.

use serde_json::Value;

use super::profile::Profile;
use crate::{
    id::TokenId,
    port::db::{DbError, Param, Query, Row, Tx, array, p},
    record::Table,
    staff::Credential,
    time::Timestamp,
};

macro_rules! device_body {
    () => {
        "(to_jsonb(r) || jsonb_build_object('limit_events',
            (select coalesce(jsonb_agg(e.slug order by e.slug), '[]')
               from device_event de join event e on e.id = de.event_id where de.device_id = r.id)))"
    };
}
const LIST: &str = concat!(
    "select ",
    device_body!(),
    " as body, count(*) over () as total from device r where r.organizer_id = $1 and jsonb_typeof($2) = 'object'
      order by case when $3 = '-device_id' then r.device_id end desc, r.device_id offset $4 limit $5"
);
const FIND: &str = concat!("select ", device_body!(), " as body from device r where organizer_id = $1 and id = $2");
/// Whoever adds one has locked the organiser, so the next number is nobody else's.
const INSERT: &str = "
    with added as (
        insert into device (organizer_id, device_id, unique_serial, initialization_token, name, all_events,
                            security_profile, created_at)
        select $1, (select coalesce(max(device_id), 0) + 1 from device where organizer_id = $1), unique_serial,
               initialization_token, name, all_events, security_profile, created_at
          from jsonb_populate_record(null::device, $2) returning id),
    limited as (
        insert into device_event (device_id, event_id, organizer_id)
        select added.id, e.id, $1 from added, event e
         where e.organizer_id = $1 and $2::jsonb->'limit_events' @> to_jsonb(e.slug))
    select id from added";
const UPDATE: &str = "
    with wanted as (select e.id from event e where e.organizer_id = $1 and $3::jsonb->'limit_events' @> to_jsonb(e.slug)),
    gone as (delete from device_event de where de.organizer_id = $1 and de.device_id = $2
                and de.event_id not in (select id from wanted)),
    limited as (insert into device_event (device_id, event_id, organizer_id) select $2, w.id, $1 from wanted w
                on conflict do nothing)
    update device set (name, all_events, security_profile, revoked)
        = (select name, all_events, security_profile, coalesce(revoked, false) from jsonb_populate_record(null::device, $3))
     where organizer_id = $1 and id = $2";

/// Devices of an organiser.
pub static DEVICES: Table =
    Table { object: "device", list: LIST, find: FIND, insert: INSERT, update: UPDATE, delete: "" };

const BY_NUMBER: &str = "select id from device where organizer_id = $1 and device_id = $2";

/// The row of a device by its number.
pub async fn by_number(q: &impl Query, organizer: i64, number: i64) -> Result<Option<i64>, DbError> {
    let Ok(number) = i32::try_from(number) else { return Ok(None) };
    q.opt(BY_NUMBER, &[p(&organizer), p(&number)]).await?.map(|row| row.get("id")).transpose()
}

const REACHES_FURTHER: &str = "
    select exists (select 1 from event where organizer_id = $1 and slug = any($2) and id <> all($3))
        or exists (select 1 from device d where d.organizer_id = $1 and d.device_id = $4
                      and (d.all_events or exists (select 1 from device_event de
                                                    where de.device_id = d.id and de.event_id <> all($3)))) as found";

/// Whether these events, or those of a device by its number, are more than somebody may see.
pub async fn reaches_further(
    q: &impl Query,
    credential: &Credential,
    slugs: &Vec<String>,
    number: Option<i64>,
) -> Result<bool, DbError> {
    let number = number.and_then(|number| i32::try_from(number).ok());
    let params: [Param<'_>; 4] = [p(&credential.organizer), array(slugs), array(&credential.events), p(&number)];
    q.one(REACHES_FURTHER, &params).await?.get("found")
}

/// Two devices that read the same code take turns: the second one finds it used.
const FOR_INITIALIZATION: &str =
    "select id, initialized_at is not null as used, revoked from device where initialization_token = $1 for update";

pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) used: bool,
    pub(super) revoked: bool,
}

pub(super) async fn for_initialization(tx: &Tx<'_>, token: &str) -> Result<Option<Waiting>, DbError> {
    let row = tx.opt(FOR_INITIALIZATION, &[p(&token)]).await?;
    row.map(|row| Ok(Waiting { id: row.get("id")?, used: row.get("used")?, revoked: row.get("revoked")? })).transpose()
}

const INITIALIZE: &str = "
    with started as (update device set initialized_at = $2 where id = $1 returning id, organizer_id, name)
    insert into api_token (organizer_id, device_id, name, token_hash, created_at)
    select organizer_id, id, name, $3, $2 from started";

pub(super) async fn initialize(tx: &Tx<'_>, id: i64, now: Timestamp, hash: &Vec<u8>) -> Result<(), DbError> {
    tx.execute(INITIALIZE, &[p(&id), p(&now), p(hash)]).await.map(drop)
}

/// A public key is set once.
const DESCRIBE: &str = "
    update device set hardware_brand = $2::jsonb->>'hardware_brand', hardware_model = $2::jsonb->>'hardware_model',
           os_name = $2::jsonb->>'os_name', os_version = $2::jsonb->>'os_version',
           software_brand = $2::jsonb->>'software_brand', software_version = $2::jsonb->>'software_version',
           info = $2::jsonb->'info', rsa_pubkey = coalesce(rsa_pubkey, $2::jsonb->>'rsa_pubkey')
     where id = $1";

pub(super) async fn describe(tx: &Tx<'_>, id: i64, said: &Value) -> Result<(), DbError> {
    tx.execute(DESCRIBE, &[p(&id), p(said)]).await.map(drop)
}

const SHOW: &str = "
    select d.id, d.device_id, d.unique_serial, d.name, d.security_profile, o.slug, d.organizer_id, d.all_events,
           d.hardware_brand, d.hardware_model, d.os_name, d.os_version, d.software_brand, d.software_version,
           d.rsa_pubkey is not null as has_key
      from device d join organizer o on o.id = d.organizer_id where d.id = $1";

pub(super) async fn show(q: &impl Query, id: i64) -> Result<Row, DbError> {
    q.one(SHOW, &[p(&id)]).await
}

const OF_TOKEN: &str = "select device_id from api_token where id = $1";

/// The device that a token is of.
pub async fn of_token(q: &impl Query, token: TokenId) -> Result<Option<i64>, DbError> {
    q.one(OF_TOKEN, &[p(&token)]).await?.get("device_id")
}

const ROLL: &str = "update api_token set token_hash = $2 where device_id = $1";

pub(super) async fn roll(tx: &Tx<'_>, id: i64, hash: &Vec<u8>) -> Result<(), DbError> {
    tx.execute(ROLL, &[p(&id), p(hash)]).await.map(drop)
}

const REVOKE: &str = "
    with off as (update api_token set active = false where device_id = $1)
    update device set revoked = true where id = $1";

pub(super) async fn revoke(tx: &Tx<'_>, id: i64) -> Result<(), DbError> {
    tx.execute(REVOKE, &[p(&id)]).await.map(drop)
}

const SELECTABLE: &str = "
    select e.slug, e.name, e.timezone, s.id as subevent_id, coalesce(s.date_from, e.date_from) as date_from,
           coalesce(s.date_admission, s.date_from, e.date_admission, e.date_from) as begins,
           case when s.id is null then e.date_to else s.date_to end as ends,
           array(select l.id from checkin_list l where l.event_id = e.id and (l.subevent_id is null or l.subevent_id = s.id)
                  order by l.subevent_id is null, l.id) as lists
      from device d
      join event e on e.organizer_id = d.organizer_id and e.live
       and (d.all_events or exists (select 1 from device_event de where de.device_id = d.id and de.event_id = e.id))
      left join subevent s on s.event_id = e.id and s.active
     where d.id = $1 and (not e.has_subevents or s.id is not null)
     order by begins, e.id, s.id";

/// What a device could show, in order of time.
pub async fn selectable(q: &impl Query, id: i64) -> Result<Vec<Row>, DbError> {
    q.query(SELECTABLE, &[p(&id)]).await
}

/// Reads a stored profile.
pub fn read_profile(code: &str) -> Result<Profile, DbError> {
    Profile::parse(code).ok_or_else(|| DbError::UnknownValue { what: "security profile", value: code.to_owned() })
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    LIST,
    FIND,
    INSERT,
    UPDATE,
    BY_NUMBER,
    REACHES_FURTHER,
    FOR_INITIALIZATION,
    INITIALIZE,
    DESCRIBE,
    SHOW,
    OF_TOKEN,
    ROLL,
    REVOKE,
    SELECTABLE,
];
