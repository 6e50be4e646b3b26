//! Statements that write a new organiser or event. Nobody else sees its rows before the commit, so no lock is needed.

pub(super) const ORGANIZER_SETTINGS: &str = "select settings from organizer where id = $1";

pub(super) const INSERT_ORGANIZER: &str =
    "insert into organizer (slug, name, settings, created_at) values ($1, $2, $3, $4) returning id";

pub(super) const INSERT_EVENT: &str = "
    insert into event (organizer_id, slug, name, live, testmode, currency, timezone, date_from, date_to, date_admission,
                       is_public, presale_start, presale_end, location, settings, created_at, has_subevents)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) returning id";

pub(super) const INSERT_TAX_RULE: &str = "
    insert into tax_rule (event_id, name, rate_ppm, code, price_includes_tax, is_default)
    values ($1, $2, $3, $4, $5, $6) returning id";

pub(super) const INSERT_CATEGORY: &str = "
    insert into category (event_id, name, internal_name, description, position, is_addon)
    values ($1, $2, $3, $4, $5, $6) returning id";

pub(super) const INSERT_ITEM: &str = "
    insert into item (event_id, category_id, tax_rule_id, name, internal_name, description, active, position,
                      default_price, original_price, free_price, admission, personalized, generate_tickets,
                      show_quota_left, available_from, available_until, available_from_mode, available_until_mode,
                      allow_cancel, min_per_order, max_per_order, require_voucher, hide_without_voucher, require_bundling,
                      allow_waitinglist, all_sales_channels, limit_sales_channels)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
            $26, $27, $28)
    returning id";

pub(super) const INSERT_VARIATION: &str = "
    insert into item_variation (event_id, item_id, value, description, active, position, default_price, original_price,
                                hide_without_voucher, available_from, available_until, available_from_mode,
                                available_until_mode, all_sales_channels, limit_sales_channels)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning id";

pub(super) const INSERT_ADD_ON: &str = "
    insert into item_addon (event_id, item_id, category_id, min_count, max_count, multi_allowed, price_included, position)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(super) const INSERT_BUNDLE: &str = "
    insert into item_bundle (event_id, item_id, bundled_item_id, bundled_variation_id, count, designated_price)
    values ($1, $2, $3, $4, $5, $6)";

pub(super) const INSERT_DATE: &str = "
    insert into subevent (event_id, name, active, is_public, date_from, date_to, date_admission, presale_start, presale_end,
                          location, frontpage_text, modified_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id";

pub(super) const INSERT_OVERRIDE: &str = "
    insert into subevent_override (event_id, subevent_id, item_id, variation_id, price, disabled, available_from,
                                   available_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(super) const INSERT_DISCOUNT: &str = "
    insert into discount (event_id, internal_name, active, position, all_sales_channels, limit_sales_channels,
                          available_from, available_until, subevent_mode, subevent_date_from, subevent_date_until,
                          condition_all_products, condition_apply_to_addons, condition_ignore_voucher_discounted,
                          condition_min_count, condition_min_value, benefit_same_products, benefit_apply_to_addons,
                          benefit_ignore_voucher_discounted, benefit_ppm, benefit_cheapest)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) returning id";

pub(super) const INSERT_DISCOUNT_ITEMS: &str = "
    insert into discount_item (event_id, discount_id, role, item_id) select $1, $2, $3, unnest($4::bigint[])";

/// A quota and its counters: nothing is sold yet, so they begin at zero.
pub(super) const INSERT_QUOTA: &str = "
    with added as (
        insert into quota (event_id, name, size, closed, close_when_sold_out, subevent_id, ignore_for_event_availability)
        values ($1, $2, $3, $4, $5, $6, $7)
        returning id, event_id),
    counted as (insert into quota_counter (quota_id, event_id) select id, event_id from added)
    select id from added";

pub(super) const INSERT_QUOTA_ITEMS: &str = "
    insert into quota_item (event_id, quota_id, item_id, variation_id)
    select $1, $2, counts.item_id, counts.variation_id from unnest($3::bigint[], $4::bigint[]) as counts (item_id, variation_id)";

pub(super) const INSERT_QUESTION: &str = "
    insert into question (event_id, question, help_text, identifier, type, required, hidden, position)
    values ($1, $2, $3, $4, $5, $6, $7, $8) returning id";

/// Dependencies come when all questions are there, because they may point forwards.
pub(super) const SET_DEPENDENCY: &str = "
    update question set dependency_question_id = $3, dependency_values = $4 where event_id = $1 and id = $2";

pub(super) const INSERT_QUESTION_ITEMS: &str = "
    insert into question_item (event_id, question_id, item_id) select $1, $2, unnest($3::bigint[])";

pub(super) const INSERT_OPTION: &str = "
    insert into question_option (event_id, question_id, identifier, answer, position) values ($1, $2, $3, $4, $5)";

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    ORGANIZER_SETTINGS,
    INSERT_ORGANIZER,
    INSERT_EVENT,
    INSERT_TAX_RULE,
    INSERT_CATEGORY,
    INSERT_ITEM,
    INSERT_VARIATION,
    INSERT_ADD_ON,
    INSERT_BUNDLE,
    INSERT_DATE,
    INSERT_OVERRIDE,
    INSERT_DISCOUNT,
    INSERT_DISCOUNT_ITEMS,
    INSERT_QUOTA,
    INSERT_QUOTA_ITEMS,
    INSERT_QUESTION,
    SET_DEPENDENCY,
    INSERT_QUESTION_ITEMS,
    INSERT_OPTION,
];
