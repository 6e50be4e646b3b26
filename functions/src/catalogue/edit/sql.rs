//! Statements that change categories, tax rules, items and what belongs to them, quotas, discounts.

use crate::record::{
    Table,
    sql::{delete_row, find_row, insert_row, list_rows, update_row},
};

// --- categories ---

macro_rules! category_columns {
    () => {
        "name, internal_name, description, position, is_addon"
    };
}
const LIST_CATEGORIES: &str = list_rows!(
    "category",
    "to_jsonb(r)",
    "and ($2::jsonb->'is_addon' is null or r.is_addon = ($2::jsonb->>'is_addon')::boolean)",
    "case when $3 = 'id' then r.id end, case when $3 = '-id' then r.id end desc,
     case when $3 = '-position' then r.position end desc, r.position, r.id"
);
const FIND_CATEGORY: &str = find_row!("category");
const INSERT_CATEGORY: &str = insert_row!("category", category_columns!());
const UPDATE_CATEGORY: &str = update_row!("category", category_columns!());
/// Its items stay, without a category; nothing is added from it any more.
const DELETE_CATEGORY: &str = "
    with freed as (update item set category_id = null where event_id = $1 and category_id = $2),
         unlinked as (delete from item_addon where event_id = $1 and category_id = $2)
    delete from category where event_id = $1 and id = $2";

/// Categories.
pub static CATEGORIES: Table = Table {
    object: "category",
    list: LIST_CATEGORIES,
    find: FIND_CATEGORY,
    insert: INSERT_CATEGORY,
    update: UPDATE_CATEGORY,
    delete: DELETE_CATEGORY,
};

// --- tax rules ---

macro_rules! tax_rule_columns {
    () => {
        "name, internal_name, is_default, rate_ppm, code, price_includes_tax, home_country, keep_gross_if_rate_changes"
    };
}
const LIST_TAX_RULES: &str = list_rows!(
    "tax_rule",
    "to_jsonb(r)",
    "and jsonb_typeof($2) = 'object'",
    "case when $3 = '-id' then r.id end desc, r.id"
);
const FIND_TAX_RULE: &str = find_row!("tax_rule");
const INSERT_TAX_RULE: &str = insert_row!("tax_rule", tax_rule_columns!());
const UPDATE_TAX_RULE: &str = update_row!("tax_rule", tax_rule_columns!());
const DELETE_TAX_RULE: &str = delete_row!("tax_rule");
pub(super) const CLEAR_DEFAULT_TAX_RULE: &str =
    "update tax_rule set is_default = false where event_id = $1 and is_default";
pub(super) const HAS_TAX_RULE: &str = "select exists (select 1 from tax_rule where event_id = $1) as found";

/// Tax rules.
pub static TAX_RULES: Table = Table {
    object: "taxrule",
    list: LIST_TAX_RULES,
    find: FIND_TAX_RULE,
    insert: INSERT_TAX_RULE,
    update: UPDATE_TAX_RULE,
    delete: DELETE_TAX_RULE,
};

// --- items ---

macro_rules! variation_columns {
    () => {
        "value, description, active, position, default_price, original_price, hide_without_voucher, available_from,
         available_until, available_from_mode, available_until_mode, all_sales_channels, limit_sales_channels,
         checkin_attention, checkin_text"
    };
}
macro_rules! item_columns {
    () => {
        "category_id, tax_rule_id, name, internal_name, description, active, position, default_price, original_price,
         free_price, admission, personalized, generate_tickets, show_quota_left, available_from, available_until,
         available_from_mode, available_until_mode, require_voucher, hide_without_voucher, allow_cancel,
         min_per_order, max_per_order, require_bundling, allow_waitinglist, all_sales_channels, limit_sales_channels,
         hidden_if_available, hidden_if_item_available, hidden_if_item_available_mode, checkin_attention, checkin_text"
    };
}
macro_rules! item_body {
    () => {
        "to_jsonb(r) || jsonb_build_object(
             'tax_rate', coalesce((select t.rate_ppm from tax_rule t where t.event_id = r.event_id and t.id = r.tax_rule_id), 0),
             'has_variations', exists (select 1 from item_variation v where v.event_id = r.event_id and v.item_id = r.id),
             'variations', (select coalesce(jsonb_agg(to_jsonb(v) || jsonb_build_object('price', coalesce(v.default_price, r.default_price))
                                                      order by v.position, v.id), '[]')
                              from item_variation v where v.event_id = r.event_id and v.item_id = r.id),
             'addons', (select coalesce(jsonb_agg(to_jsonb(a) order by a.position, a.id), '[]')
                          from item_addon a where a.event_id = r.event_id and a.item_id = r.id),
             'bundles', (select coalesce(jsonb_agg(to_jsonb(b) order by b.id), '[]')
                           from item_bundle b where b.event_id = r.event_id and b.item_id = r.id))"
    };
}
const LIST_ITEMS: &str = list_rows!(
    "item",
    item_body!(),
    "and ($2::jsonb->'active' is null or r.active = ($2::jsonb->>'active')::boolean)
     and ($2::jsonb->'category' is null or r.category_id = ($2::jsonb->>'category')::bigint)
     and ($2::jsonb->'admission' is null or r.admission = ($2::jsonb->>'admission')::boolean)
     and ($2::jsonb->'free_price' is null or r.free_price = ($2::jsonb->>'free_price')::boolean)
     and ($2::jsonb->'tax_rate' is null or ($2::jsonb->>'tax_rate')::integer = coalesce((select t.rate_ppm from tax_rule t
              where t.event_id = r.event_id and t.id = r.tax_rule_id), 0))
     and ($2::jsonb->'search' is null or strpos(lower(r.name::text), lower($2::jsonb->>'search')) > 0
          or strpos(lower(coalesce(r.internal_name, '')), lower($2::jsonb->>'search')) > 0)",
    "case when $3 = 'id' then r.id end, case when $3 = '-id' then r.id end desc,
     case when $3 = '-position' then r.position end desc, r.position, r.id"
);
const FIND_ITEM: &str = concat!("select ", item_body!(), " as body from item r where event_id = $1 and id = $2");
const INSERT_ITEM: &str = concat!(
    "with added as (", insert_row!("item", item_columns!()), "),
     variations as (
         insert into item_variation (event_id, item_id, ", variation_columns!(), ")
         select $1, added.id, ", variation_columns!(), "
           from added, jsonb_populate_recordset(null::item_variation, $2::jsonb->'variations') v),
     addons as (
         insert into item_addon (event_id, item_id, category_id, min_count, max_count, position, price_included, multi_allowed)
         select $1, added.id, a.category_id, a.min_count, a.max_count, a.position, a.price_included, a.multi_allowed
           from added, jsonb_populate_recordset(null::item_addon, $2::jsonb->'addons') a),
     bundles as (
         insert into item_bundle (event_id, item_id, bundled_item_id, bundled_variation_id, count, designated_price)
         select $1, added.id, b.bundled_item_id, b.bundled_variation_id, b.count, b.designated_price
           from added, jsonb_populate_recordset(null::item_bundle, $2::jsonb->'bundles') b)
     select id from added"
);
const UPDATE_ITEM: &str = update_row!("item", item_columns!());
/// With a note of its picture's files.
const DELETE_ITEM: &str = "
    with files as (insert into media_removal (object_key, organizer_id)
             select distinct k.key, e.organizer_id
               from item i join event e on e.id = i.event_id,
                    unnest(array[i.picture->>'large', i.picture->>'thumbnail']) as k (key)
              where i.event_id = $1 and i.id = $2 and k.key is not null
             on conflict do nothing)
    delete from item where event_id = $1 and id = $2";
pub(super) const VARIATIONS_OF_ITEMS: &str = "
    select i.id as item_id, v.id as variation_id
      from item i left join item_variation v on v.event_id = i.event_id and v.item_id = i.id
     where i.event_id = $1 and i.id = any($2) order by i.id, v.id";
/// Their add-ons go with them.
pub(super) const EMPTY_CARTS: &str = "
    delete from cart_position
     where event_id = $1 and item_id = $2 and ($3::bigint is null or variation_id = $3)";
pub(super) const RECOUNT_VOUCHERS_IN_CARTS: &str = "
    update voucher v
       set in_carts = (select count(*) from cart_position c where c.event_id = $1 and c.voucher_id = v.id and c.holds_stock)
     where v.event_id = $1 and v.in_carts > 0";
pub(super) const ITEMS_OF_VARIATIONS: &str = "select id, item_id from item_variation where event_id = $1";
pub(super) const BUNDLING: &str = "
    select exists (select 1 from item_bundle where event_id = $1 and item_id = $2) as has_bundles,
           exists (select 1 from item_bundle where event_id = $1 and bundled_item_id = $2) as is_bundled";
pub(super) const CATEGORY_OF: &str = "select category_id from item where event_id = $1 and id = $2";

/// Items.
pub static ITEMS: Table = Table {
    object: "item",
    list: LIST_ITEMS,
    find: FIND_ITEM,
    insert: INSERT_ITEM,
    update: UPDATE_ITEM,
    delete: DELETE_ITEM,
};

// --- what belongs to an item ---

macro_rules! variation_body {
    () => {
        "to_jsonb(r) || jsonb_build_object('price', coalesce(r.default_price,
             (select i.default_price from item i where i.event_id = r.event_id and i.id = r.item_id)))"
    };
}
const LIST_VARIATIONS: &str = list_rows!(
    "item_variation",
    variation_body!(),
    "and r.item_id = ($2::jsonb->>'item_id')::bigint and ($2::jsonb->'active' is null or r.active = ($2::jsonb->>'active')::boolean)
     and ($2::jsonb->'search' is null or strpos(lower(r.value::text), lower($2::jsonb->>'search')) > 0)",
    "case when $3 = 'id' then r.id end, case when $3 = '-id' then r.id end desc,
     case when $3 = '-position' then r.position end desc, r.position, r.id"
);
const FIND_VARIATION: &str =
    concat!("select ", variation_body!(), " as body from item_variation r where event_id = $1 and id = $2");
const INSERT_VARIATION: &str = insert_row!("item_variation", concat!("item_id, ", variation_columns!()));
const UPDATE_VARIATION: &str = update_row!("item_variation", variation_columns!());
const DELETE_VARIATION: &str = delete_row!("item_variation");

/// Variations of items.
pub static VARIATIONS: Table = Table {
    object: "item",
    list: LIST_VARIATIONS,
    find: FIND_VARIATION,
    insert: INSERT_VARIATION,
    update: UPDATE_VARIATION,
    delete: DELETE_VARIATION,
};

macro_rules! add_on_columns {
    () => {
        "category_id, min_count, max_count, position, price_included, multi_allowed"
    };
}
const LIST_ADD_ONS: &str = list_rows!(
    "item_addon",
    "to_jsonb(r)",
    "and r.item_id = ($2::jsonb->>'item_id')::bigint",
    "case when $3 = 'id' then r.id end, case when $3 = '-id' then r.id end desc, r.position, r.id"
);
const FIND_ADD_ON: &str = find_row!("item_addon");
const INSERT_ADD_ON: &str = insert_row!("item_addon", concat!("item_id, ", add_on_columns!()));
const UPDATE_ADD_ON: &str = update_row!("item_addon", add_on_columns!());
const DELETE_ADD_ON: &str = delete_row!("item_addon");

/// Categories whose products can be added to an item.
pub static ADD_ONS: Table = Table {
    object: "item",
    list: LIST_ADD_ONS,
    find: FIND_ADD_ON,
    insert: INSERT_ADD_ON,
    update: UPDATE_ADD_ON,
    delete: DELETE_ADD_ON,
};

macro_rules! bundle_columns {
    () => {
        "bundled_item_id, bundled_variation_id, count, designated_price"
    };
}
const LIST_BUNDLES: &str = list_rows!(
    "item_bundle",
    "to_jsonb(r)",
    "and r.item_id = ($2::jsonb->>'item_id')::bigint",
    "case when $3 = '-id' then r.id end desc, r.id"
);
const FIND_BUNDLE: &str = find_row!("item_bundle");
const INSERT_BUNDLE: &str = insert_row!("item_bundle", concat!("item_id, ", bundle_columns!()));
const UPDATE_BUNDLE: &str = update_row!("item_bundle", bundle_columns!());
const DELETE_BUNDLE: &str = delete_row!("item_bundle");

/// Parts that come with an item.
pub static BUNDLES: Table = Table {
    object: "item",
    list: LIST_BUNDLES,
    find: FIND_BUNDLE,
    insert: INSERT_BUNDLE,
    update: UPDATE_BUNDLE,
    delete: DELETE_BUNDLE,
};

// --- quotas ---

macro_rules! quota_columns {
    () => {
        "name, size, subevent_id, close_when_sold_out, closed, ignore_for_event_availability"
    };
}
macro_rules! quota_body {
    () => {
        "to_jsonb(r) || jsonb_build_object(
             'items', (select coalesce(jsonb_agg(distinct qi.item_id), '[]') from quota_item qi
                        where qi.event_id = r.event_id and qi.quota_id = r.id),
             'variations', (select coalesce(jsonb_agg(distinct qi.variation_id), '[]') from quota_item qi
                             where qi.event_id = r.event_id and qi.quota_id = r.id and qi.variation_id is not null))"
    };
}
const LIST_QUOTAS: &str = list_rows!(
    "quota",
    quota_body!(),
    "and ($2::jsonb->'subevent' is null or r.subevent_id = ($2::jsonb->>'subevent')::bigint)
     and ($2::jsonb->'subevent__in' is null or $2::jsonb->'subevent__in' @> to_jsonb(r.subevent_id))
     and ($2::jsonb->'items__in' is null or exists (select 1 from quota_item qi where qi.event_id = r.event_id
              and qi.quota_id = r.id and $2::jsonb->'items__in' @> to_jsonb(qi.item_id)))",
    "case when $3 = '-id' then r.id end desc, case when $3 = 'size' then r.size end,
     case when $3 = '-size' then r.size end desc, r.id"
);
const FIND_QUOTA: &str = concat!("select ", quota_body!(), " as body from quota r where event_id = $1 and id = $2");
const INSERT_QUOTA: &str = concat!(
    "with added as (",
    insert_row!("quota", quota_columns!()),
    "),
     counted as (insert into quota_counter (quota_id, event_id) select id, $1 from added),
     linked as (
         insert into quota_item (event_id, quota_id, item_id, variation_id)
         select $1, added.id, c.item_id, c.variation_id
           from added, jsonb_to_recordset($2::jsonb->'counts') as c (item_id bigint, variation_id bigint))
     select id from added"
);
const UPDATE_QUOTA: &str = concat!(
    "with counts as (select c.item_id, c.variation_id from jsonb_to_recordset($3::jsonb->'counts')
                         as c (item_id bigint, variation_id bigint)),
     gone as (delete from quota_item qi where qi.event_id = $1 and qi.quota_id = $2
                 and not exists (select 1 from counts c where c.item_id = qi.item_id
                                    and c.variation_id is not distinct from qi.variation_id)),
     linked as (insert into quota_item (event_id, quota_id, item_id, variation_id)
                select $1, $2, c.item_id, c.variation_id from counts c on conflict do nothing)
     ",
    update_row!("quota", quota_columns!())
);
const DELETE_QUOTA: &str = delete_row!("quota");
pub(super) const QUOTA_USES: &str = "
    select q.id, q.size, q.closed, q.close_when_sold_out, q.subevent_id, q.ignore_for_event_availability,
           c.paid, c.pending, c.vouchers, c.waiting,
           c.carts - (select count(*) from cart_position p join quota_item qi on qi.event_id = p.event_id
                             and qi.item_id = p.item_id and qi.variation_id is not distinct from p.variation_id
                       where p.event_id = $1 and qi.quota_id = q.id and p.holds_stock and p.expires_at < $3
                         and p.subevent_id is not distinct from q.subevent_id
                         and not exists (select 1 from voucher_keeps k where k.event_id = $1 and k.quota_id = q.id
                                            and k.voucher_id = p.voucher_id)) as carts
      from quota q join quota_counter c on c.quota_id = q.id
     where q.event_id = $1 and q.id = any($2)";

/// Quotas.
pub static QUOTAS: Table = Table {
    object: "quota",
    list: LIST_QUOTAS,
    find: FIND_QUOTA,
    insert: INSERT_QUOTA,
    update: UPDATE_QUOTA,
    delete: DELETE_QUOTA,
};

// --- discounts ---

macro_rules! discount_columns {
    () => {
        "internal_name, active, position, all_sales_channels, limit_sales_channels, available_from, available_until,
         subevent_mode, subevent_date_from, subevent_date_until, condition_all_products, condition_apply_to_addons,
         condition_ignore_voucher_discounted, condition_min_count, condition_min_value, benefit_same_products,
         benefit_apply_to_addons, benefit_ignore_voucher_discounted, benefit_ppm, benefit_cheapest"
    };
}
macro_rules! discount_body {
    () => {
        "to_jsonb(r) || jsonb_build_object(
             'condition_items', (select coalesce(jsonb_agg(d.item_id order by d.item_id), '[]') from discount_item d
                                  where d.event_id = r.event_id and d.discount_id = r.id and d.role = 'condition'),
             'benefit_items', (select coalesce(jsonb_agg(d.item_id order by d.item_id), '[]') from discount_item d
                                where d.event_id = r.event_id and d.discount_id = r.id and d.role = 'benefit'))"
    };
}
macro_rules! discount_items {
    ($record:literal) => {
        concat!(
            "select 'condition' as role, i::bigint as item_id from jsonb_array_elements_text(",
            $record,
            "::jsonb->'condition_items') i
              union all
             select 'benefit', i::bigint from jsonb_array_elements_text(",
            $record,
            "::jsonb->'benefit_items') i"
        )
    };
}
const LIST_DISCOUNTS: &str = list_rows!(
    "discount",
    discount_body!(),
    "and ($2::jsonb->'active' is null or r.active = ($2::jsonb->>'active')::boolean)",
    "case when $3 = 'id' then r.id end, case when $3 = '-id' then r.id end desc,
     case when $3 = '-position' then r.position end desc, r.position, r.id"
);
const FIND_DISCOUNT: &str =
    concat!("select ", discount_body!(), " as body from discount r where event_id = $1 and id = $2");
const INSERT_DISCOUNT: &str = concat!(
    "with added as (",
    insert_row!("discount", discount_columns!()),
    "),
     linked as (insert into discount_item (event_id, discount_id, role, item_id)
                select $1, added.id, w.role, w.item_id from added, (",
    discount_items!("$2"),
    ") w)
     select id from added"
);
const UPDATE_DISCOUNT: &str = concat!(
    "with wanted as (",
    discount_items!("$3"),
    "),
     gone as (delete from discount_item d where d.event_id = $1 and d.discount_id = $2
                 and not exists (select 1 from wanted w where w.role = d.role and w.item_id = d.item_id)),
     linked as (insert into discount_item (event_id, discount_id, role, item_id)
                select $1, $2, w.role, w.item_id from wanted w on conflict do nothing)
     ",
    update_row!("discount", discount_columns!())
);
const DELETE_DISCOUNT: &str = delete_row!("discount");

/// Automatic discounts.
pub static DISCOUNTS: Table = Table {
    object: "discount",
    list: LIST_DISCOUNTS,
    find: FIND_DISCOUNT,
    insert: INSERT_DISCOUNT,
    update: UPDATE_DISCOUNT,
    delete: DELETE_DISCOUNT,
};

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    LIST_CATEGORIES,
    FIND_CATEGORY,
    INSERT_CATEGORY,
    UPDATE_CATEGORY,
    DELETE_CATEGORY,
    LIST_TAX_RULES,
    FIND_TAX_RULE,
    INSERT_TAX_RULE,
    UPDATE_TAX_RULE,
    DELETE_TAX_RULE,
    CLEAR_DEFAULT_TAX_RULE,
    HAS_TAX_RULE,
    LIST_ITEMS,
    FIND_ITEM,
    INSERT_ITEM,
    UPDATE_ITEM,
    DELETE_ITEM,
    VARIATIONS_OF_ITEMS,
    EMPTY_CARTS,
    RECOUNT_VOUCHERS_IN_CARTS,
    ITEMS_OF_VARIATIONS,
    BUNDLING,
    CATEGORY_OF,
    LIST_VARIATIONS,
    FIND_VARIATION,
    INSERT_VARIATION,
    UPDATE_VARIATION,
    DELETE_VARIATION,
    LIST_ADD_ONS,
    FIND_ADD_ON,
    INSERT_ADD_ON,
    UPDATE_ADD_ON,
    DELETE_ADD_ON,
    LIST_BUNDLES,
    FIND_BUNDLE,
    INSERT_BUNDLE,
    UPDATE_BUNDLE,
    DELETE_BUNDLE,
    LIST_QUOTAS,
    FIND_QUOTA,
    INSERT_QUOTA,
    UPDATE_QUOTA,
    DELETE_QUOTA,
    QUOTA_USES,
    LIST_DISCOUNTS,
    FIND_DISCOUNT,
    INSERT_DISCOUNT,
    UPDATE_DISCOUNT,
    DELETE_DISCOUNT,
];
