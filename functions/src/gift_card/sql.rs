//! Statements about gift cards. What a card is worth is always summed up from its entries.

use serde_json::Value;

use super::{Card, Entry};
use crate::{
    id::{GiftCardId, OrganizerId},
    money::Currency,
    port::db::{DbError, Param, Query, Row, Tx, array, p},
    record::Table,
    time::Timestamp,
};

const LIST: &str = "
    select to_jsonb(r) || jsonb_build_object('value', worth.amount) as body, count(*) over () as total
      from gift_card r
      cross join lateral (select coalesce(sum(e.amount), 0)::bigint as amount from gift_card_entry e
                           where e.organizer_id = $1 and e.card_id = r.id) worth
     where r.organizer_id = $1
       and ($2::jsonb->'secret' is null or upper(r.secret) = upper($2::jsonb->>'secret'))
       and ($2::jsonb->'testmode' is null or r.testmode = ($2::jsonb->>'testmode')::boolean)
       and ($2::jsonb->'expired' is null or ($2::jsonb->>'expired')::boolean
                = (r.expires_at is not null and r.expires_at < ($2::jsonb->>'now')::timestamptz))
       and ($2::jsonb->'value' is null or ($2::jsonb->>'value')::numeric * power(10::numeric, r.decimals) = worth.amount)
     order by case when $3 = '-id' then r.id end desc, r.id offset $4 limit $5";
const FIND: &str = "
    select to_jsonb(r) || jsonb_build_object('value', (
               select coalesce(sum(e.amount), 0)::bigint from gift_card_entry e
                where e.organizer_id = $1 and e.card_id = r.id)) as body
      from gift_card r where r.organizer_id = $1 and r.id = $2";
const INSERT: &str = "
    insert into gift_card (organizer_id, secret, currency, decimals, testmode, created_at, expires_at, conditions)
    select $1, secret, currency, decimals, testmode, created_at, expires_at, conditions
      from jsonb_populate_record(null::gift_card, $2) returning id";
/// What can change later; the rest stays as it was issued.
const UPDATE: &str = "
    update gift_card set (expires_at, conditions)
        = (select expires_at, conditions from jsonb_populate_record(null::gift_card, $3))
     where organizer_id = $1 and id = $2";

/// Gift cards. None is ever deleted.
pub static CARDS: Table =
    Table { object: "giftcard", list: LIST, find: FIND, insert: INSERT, update: UPDATE, delete: "" };

macro_rules! entry_body {
    () => {
        "to_jsonb(r) || jsonb_build_object('currency', c.currency, 'event', e.slug, 'order', o.code)"
    };
}
const LIST_ENTRIES: &str = concat!(
    "select ",
    entry_body!(),
    " as body, count(*) over () as total
      from gift_card_entry r
      join gift_card c on c.organizer_id = $1 and c.id = r.card_id
      left join event e on e.organizer_id = $1 and e.id = r.event_id
      left join orders o on o.event_id = r.event_id and o.id = r.order_id
     where r.organizer_id = $1 and r.card_id = ($2::jsonb->>'card_id')::bigint
     order by case when $3 = '-id' then r.id end desc, r.id offset $4 limit $5"
);
const FIND_ENTRY: &str = concat!(
    "select ",
    entry_body!(),
    " as body
      from gift_card_entry r
      join gift_card c on c.organizer_id = $1 and c.id = r.card_id
      left join event e on e.organizer_id = $1 and e.id = r.event_id
      left join orders o on o.event_id = r.event_id and o.id = r.order_id
     where r.organizer_id = $1 and r.id = $2"
);

/// Entries of cards. They are only added, by [`super::book`].
pub static ENTRIES: Table =
    Table { object: "giftcard", list: LIST_ENTRIES, find: FIND_ENTRY, insert: "", update: "", delete: "" };

/// Whoever wants to write entries of the card waits here for those who do.
const LOCK: &str = "select currency from gift_card where organizer_id = $1 and id = $2 for no key update";

/// Locks a card until the transaction ends; `None` if there is none. What it is worth must be asked for in a statement of
/// its own: this one may have waited, and sees what was there before.
pub(super) async fn lock(tx: &Tx<'_>, organizer: OrganizerId, card: GiftCardId) -> Result<Option<Currency>, DbError> {
    let row = tx.opt(LOCK, &[p(&organizer), p(&card)]).await?;
    row.map(|row| row.get("currency").and_then(|code: String| currency(&code))).transpose()
}

fn currency(code: &str) -> Result<Currency, DbError> {
    Currency::parse(code).map_err(|_| DbError::UnknownValue { what: "currency", value: code.to_owned() })
}

const LOCK_ALL: &str = "
    select id, upper(secret) as key, currency, testmode, expires_at from gift_card
     where organizer_id = $1 and upper(secret) = any(select upper(said) from unnest($2::text[]) as said)
     order by id for no key update";

/// Locks the cards with these secrets, the oldest one first. See [`lock`] for what they are worth.
pub(super) async fn lock_all(tx: &Tx<'_>, organizer: OrganizerId, secrets: &[String]) -> Result<Vec<Card>, DbError> {
    let read = |row: &Row| {
        let code: String = row.get("currency")?;
        Ok(Card {
            id: row.get("id")?,
            key: row.get("key")?,
            currency: currency(&code)?,
            testmode: row.get("testmode")?,
            expires_at: row.get("expires_at")?,
        })
    };
    let secrets: Vec<String> = secrets.iter().map(|secret| secret.to_uppercase()).collect();
    tx.query(LOCK_ALL, &[p(&organizer), array(&secrets)]).await?.iter().map(read).collect()
}

const WORTH: &str = "
    select coalesce(sum(amount), 0)::bigint as worth from gift_card_entry where organizer_id = $1 and card_id = $2";

pub(super) async fn worth(q: &impl Query, organizer: OrganizerId, card: GiftCardId) -> Result<i64, DbError> {
    q.one(WORTH, &[p(&organizer), p(&card)]).await?.get("worth")
}

const ADD_ENTRY: &str = "
    insert into gift_card_entry (organizer_id, card_id, amount, text, info, event_id, order_id, created_at)
    values ($1, $2, $3, $4, nullif($5, 'null'::jsonb), $6, $7, $8)";

pub(super) async fn add_entry(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    card: GiftCardId,
    entry: &Entry,
    now: Timestamp,
) -> Result<(), DbError> {
    let (event, order) = (entry.order.map(|it| it.0), entry.order.map(|it| it.1));
    let info: &Value = &entry.info;
    let params: [Param<'_>; 8] =
        [p(&organizer), p(&card), p(&entry.amount), p(&entry.text), p(info), p(&event), p(&order), p(&now)];
    tx.execute(ADD_ENTRY, &params).await.map(drop)
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[LIST, FIND, INSERT, UPDATE, LIST_ENTRIES, FIND_ENTRY, LOCK, LOCK_ALL, WORTH, ADD_ENTRY];
