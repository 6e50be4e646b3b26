//! Statements about what the box office does not decide: lists of vouchers, and notes of staff.

use crate::record::{
    Table,
    sql::{find_row, list_rows, update_row},
};

const LIST: &str = list_rows!(
    "voucher",
    "to_jsonb(r)",
    "and ($2::jsonb->'code' is null or r.code = upper($2::jsonb->>'code'))
     and ($2::jsonb->'max_usages' is null or r.max_usages = ($2::jsonb->>'max_usages')::bigint)
     and ($2::jsonb->'redeemed' is null or r.redeemed = ($2::jsonb->>'redeemed')::bigint)
     and ($2::jsonb->'block_quota' is null or r.block_quota = ($2::jsonb->>'block_quota')::boolean)
     and ($2::jsonb->'allow_ignore_quota' is null or r.allow_ignore_quota = ($2::jsonb->>'allow_ignore_quota')::boolean)
     and ($2::jsonb->'price_mode' is null or r.price_mode = $2::jsonb->>'price_mode')
     and ($2::jsonb->'value' is null or r.value = ($2::jsonb->>'value')::bigint
              * case when r.price_mode = 'percent' then 100 else 1 end)
     and ($2::jsonb->'item' is null or r.item_id = ($2::jsonb->>'item')::bigint)
     and ($2::jsonb->'variation' is null or r.variation_id = ($2::jsonb->>'variation')::bigint)
     and ($2::jsonb->'quota' is null or r.quota_id = ($2::jsonb->>'quota')::bigint)
     and ($2::jsonb->'subevent' is null or r.subevent_id = ($2::jsonb->>'subevent')::bigint)
     and ($2::jsonb->'tag' is null or r.tag = $2::jsonb->>'tag')
     and ($2::jsonb->'active' is null or ($2::jsonb->>'active')::boolean
              = (r.redeemed < r.max_usages and (r.valid_until is null or r.valid_until >= ($2::jsonb->>'now')::timestamptz)))
     and ($2::jsonb->'search' is null or strpos(r.code, upper($2::jsonb->>'search')) > 0
          or strpos(lower(r.tag), lower($2::jsonb->>'search')) > 0
          or strpos(lower(r.comment), lower($2::jsonb->>'search')) > 0)",
    "case when $3 = '-id' then r.id end desc, case when $3 = 'code' then r.code end,
     case when $3 = '-code' then r.code end desc, case when $3 = 'max_usages' then r.max_usages end,
     case when $3 = '-max_usages' then r.max_usages end desc, case when $3 = 'valid_until' then r.valid_until end,
     case when $3 = '-valid_until' then r.valid_until end desc, case when $3 = 'value' then r.value end,
     case when $3 = '-value' then r.value end desc, r.id"
);
const FIND: &str = find_row!("voucher");
/// What buyers never see; the rest is the box office's.
const UPDATE: &str = update_row!("voucher", "tag, comment");
pub(super) const IDS_BY_CODE: &str = "select code, id from voucher where event_id = $1 and code = any($2)";
pub(super) const NOTE: &str = "
    update voucher v set tag = coalesce(n.tag, ''), comment = coalesce(n.comment, '')
      from jsonb_to_recordset($2) as n (id bigint, tag text, comment text)
     where v.event_id = $1 and v.id = n.id";
pub(super) const RECORDS: &str =
    "select to_jsonb(r) as body from voucher r where event_id = $1 and id = any($2) order by id";

/// Vouchers. They are added, changed and deleted by the box office; only the notes of staff are written here.
pub static VOUCHERS: Table =
    Table { object: "voucher", list: LIST, find: FIND, insert: "", update: UPDATE, delete: "" };

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[LIST, FIND, UPDATE, IDS_BY_CODE, NOTE, RECORDS];
