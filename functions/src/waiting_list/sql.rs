//! Statements about who waits for a ticket.

use super::Wish;
use crate::{
    id::{EventId, VoucherId},
    port::{
        db::{DbError, Query, array, p},
        lock::EventLock,
    },
    record::{
        Table,
        sql::{delete_row, find_row, insert_row, list_rows, update_row},
    },
};

macro_rules! columns {
    () => {
        "name, email, phone, locale, item_id, variation_id, subevent_id, priority"
    };
}
const LIST: &str = list_rows!(
    "waiting_entry",
    "to_jsonb(r)",
    "and ($2::jsonb->'item' is null or r.item_id = ($2::jsonb->>'item')::bigint)
     and ($2::jsonb->'variation' is null or r.variation_id = ($2::jsonb->>'variation')::bigint)
     and ($2::jsonb->'email' is null or lower(r.email) = lower($2::jsonb->>'email'))
     and ($2::jsonb->'locale' is null or r.locale = $2::jsonb->>'locale')
     and ($2::jsonb->'has_voucher' is null or ($2::jsonb->>'has_voucher')::boolean = (r.voucher_id is not null))
     and ($2::jsonb->'subevent' is null or r.subevent_id = ($2::jsonb->>'subevent')::bigint)",
    "case when $3 = '-created' then r.created_at end desc, case when $3 = 'id' then r.id end,
     case when $3 in ('-id', '-created') then r.id end desc, case when $3 = 'email' then r.email end,
     case when $3 = '-email' then r.email end desc, case when $3 = 'item' then r.item_id end,
     case when $3 = '-item' then r.item_id end desc, r.created_at, r.id"
);
const FIND: &str = find_row!("waiting_entry");
const INSERT: &str = insert_row!("waiting_entry", concat!("created_at, ", columns!()));
const UPDATE: &str = update_row!("waiting_entry", columns!());
const DELETE: &str = delete_row!("waiting_entry");

/// Entries of a waiting list.
pub static ENTRIES: Table =
    Table { object: "waiting_list_entry", list: LIST, find: FIND, insert: INSERT, update: UPDATE, delete: DELETE };

const QUOTAS_OF: &str = "
    select qi.quota_id from quota_item qi join quota q on q.event_id = $1 and q.id = qi.quota_id
     where qi.event_id = $1 and qi.item_id = $2 and qi.variation_id is not distinct from $3
       and q.subevent_id is not distinct from $4";

/// The quotas that count a product.
pub(super) async fn quotas_of(q: &impl Query, event: EventId, wish: &Wish) -> Result<Vec<i64>, DbError> {
    let params = [p(&event), p(&wish.item), p(&wish.variation), p(&wish.date)];
    q.query(QUOTAS_OF, &params).await?.iter().map(|row| row.get("quota_id")).collect()
}

const OTHERS: &str = "
    select count(*) as others from waiting_entry
     where event_id = $1 and item_id = $2 and variation_id is not distinct from $3 and subevent_id is not distinct from $4
       and lower(email) = lower($5) and voucher_id is null and ($6::bigint is null or id <> $6)";

/// How many others with this address wait for the same.
pub(super) async fn others(
    q: &impl Query,
    event: EventId,
    wish: &Wish,
    email: &str,
    entry: Option<i64>,
) -> Result<i64, DbError> {
    let params = [p(&event), p(&wish.item), p(&wish.variation), p(&wish.date), p(&email), p(&entry)];
    q.one(OTHERS, &params).await?.get("others")
}

const SERVE: &str = "update waiting_entry set voucher_id = $3 where event_id = $1 and id = $2 and voucher_id is null";

/// Notes what an entry was served with.
pub(super) async fn serve(lock: &EventLock<'_>, entry: i64, voucher: VoucherId) -> Result<(), DbError> {
    lock.tx().execute(SERVE, &[p(&lock.event()), p(&entry), p(&voucher)]).await.map(drop)
}

/// Only who waits is counted anew, and only where these products are counted: it costs as much as people wait for them,
/// not as much as was sold.
const RECOUNT: &str = "
    update quota_counter c
       set waiting = (select count(*) from waiting_entry w
                        join quota_item qi on qi.event_id = $1 and qi.quota_id = q.id and qi.item_id = w.item_id
                             and qi.variation_id is not distinct from w.variation_id
                       where w.event_id = $1 and w.voucher_id is null
                         and w.subevent_id is not distinct from q.subevent_id)
      from quota q
     where c.event_id = $1 and q.event_id = $1 and q.id = c.quota_id
       and exists (select 1 from quota_item qi where qi.event_id = $1 and qi.quota_id = q.id and qi.item_id = any($2))";

/// Counts who waits for some items.
pub(super) async fn recount(lock: &EventLock<'_>, items: &Vec<i64>) -> Result<(), DbError> {
    lock.tx().execute(RECOUNT, &[p(&lock.event()), array(items)]).await.map(drop)
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[LIST, FIND, INSERT, UPDATE, DELETE, QUOTAS_OF, OTHERS, SERVE, RECOUNT];
