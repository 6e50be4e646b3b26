//! Statements about categories, items, variations, tax rules.

use super::{AddOnLink, BundleLink, Category, Channels, Date, Item, Override, TaxRule, Variation, WindowMode};
use crate::{
    event::Localized,
    id::{EventId, ItemId, SubeventId},
    money::{Currency, Money, TaxRate},
    port::db::{DbError, Query, Row, p},
    pricing::{Benefit, Dates, Discount, Products},
    upload::sql::read_picture,
};

const CATEGORIES: &str = "
    select id, name, internal_name, description, position, is_addon
      from category where event_id = $1 order by position, id";

const ITEMS: &str = "
    select i.id, i.category_id, i.tax_rule_id, i.name, i.internal_name, i.description, i.picture, i.active, i.position,
           i.default_price, i.original_price, i.free_price, i.admission, i.personalized, i.generate_tickets,
           i.show_quota_left, i.available_from, i.available_until, i.available_from_mode, i.available_until_mode,
           i.require_voucher, i.hide_without_voucher, i.require_approval, i.allow_cancel, i.min_per_order,
           i.max_per_order, i.require_bundling, i.allow_waitinglist, i.all_sales_channels, i.limit_sales_channels,
           i.hidden_if_available, i.hidden_if_item_available, i.hidden_if_item_available_mode
      from item i left join category c on c.event_id = i.event_id and c.id = i.category_id
     where i.event_id = $1
     order by c.position nulls first, c.id nulls first, i.position, i.id";

const VARIATIONS: &str = "
    select id, item_id, value, description, active, position, default_price, original_price, hide_without_voucher,
           available_from, available_until, available_from_mode, available_until_mode, all_sales_channels,
           limit_sales_channels
      from item_variation where event_id = $1 order by item_id, position, id";

const TAX_RULES: &str = "
    select id, name, rate_ppm, code, price_includes_tax, is_default from tax_rule where event_id = $1 order by id";

pub(super) async fn categories(q: &impl Query, event: EventId) -> Result<Vec<Category>, DbError> {
    let read = |row: &Row| {
        Ok(Category {
            id: row.get("id")?,
            name: Localized::from_row(row, "name")?,
            internal_name: row.get("internal_name")?,
            description: Localized::from_row_opt(row, "description")?,
            position: row.get("position")?,
            is_addon: row.get("is_addon")?,
        })
    };
    q.query(CATEGORIES, &[p(&event)]).await?.iter().map(read).collect()
}

/// Items still without their variations.
pub(super) async fn items(q: &impl Query, event: EventId, currency: Currency) -> Result<Vec<Item>, DbError> {
    let read = |row: &Row| {
        Ok(Item {
            id: row.get("id")?,
            category: row.get("category_id")?,
            tax_rule: row.get("tax_rule_id")?,
            name: Localized::from_row(row, "name")?,
            internal_name: row.get("internal_name")?,
            description: Localized::from_row_opt(row, "description")?,
            picture: read_picture(row, "picture")?,
            active: row.get("active")?,
            position: row.get("position")?,
            default_price: Money::new(row.get("default_price")?, currency),
            original_price: amount(row, "original_price", currency)?,
            free_price: row.get("free_price")?,
            admission: row.get("admission")?,
            personalized: row.get("personalized")?,
            generate_tickets: row.get("generate_tickets")?,
            show_quota_left: row.get("show_quota_left")?,
            available_from: row.get("available_from")?,
            available_until: row.get("available_until")?,
            available_from_mode: window_mode(row, "available_from_mode")?,
            available_until_mode: window_mode(row, "available_until_mode")?,
            require_voucher: row.get("require_voucher")?,
            hide_without_voucher: row.get("hide_without_voucher")?,
            require_approval: row.get("require_approval")?,
            allow_cancel: row.get("allow_cancel")?,
            min_per_order: row.get("min_per_order")?,
            max_per_order: row.get("max_per_order")?,
            require_bundling: row.get("require_bundling")?,
            allow_waitinglist: row.get("allow_waitinglist")?,
            channels: channels(row)?,
            hidden_if_available: row.get("hidden_if_available")?,
            hidden_if_item_available: match row.get("hidden_if_item_available")? {
                Some(item) => Some((item, window_mode(row, "hidden_if_item_available_mode")?)),
                None => None,
            },
            add_ons: Vec::new(),
            bundles: Vec::new(),
            variations: Vec::new(),
        })
    };
    q.query(ITEMS, &[p(&event)]).await?.iter().map(read).collect()
}

pub(super) async fn variations(
    q: &impl Query,
    event: EventId,
    currency: Currency,
) -> Result<Vec<(ItemId, Variation)>, DbError> {
    let read = |row: &Row| {
        let variation = Variation {
            id: row.get("id")?,
            value: Localized::from_row(row, "value")?,
            description: Localized::from_row_opt(row, "description")?,
            active: row.get("active")?,
            position: row.get("position")?,
            default_price: amount(row, "default_price", currency)?,
            original_price: amount(row, "original_price", currency)?,
            hide_without_voucher: row.get("hide_without_voucher")?,
            available_from: row.get("available_from")?,
            available_until: row.get("available_until")?,
            available_from_mode: window_mode(row, "available_from_mode")?,
            available_until_mode: window_mode(row, "available_until_mode")?,
            channels: channels(row)?,
        };
        Ok((row.get("item_id")?, variation))
    };
    q.query(VARIATIONS, &[p(&event)]).await?.iter().map(read).collect()
}

pub(super) async fn tax_rules(q: &impl Query, event: EventId) -> Result<Vec<TaxRule>, DbError> {
    let read = |row: &Row| {
        let ppm: i32 = row.get("rate_ppm")?;
        let rate =
            u32::try_from(ppm).map_err(|_| DbError::UnknownValue { what: "tax rate", value: ppm.to_string() })?;
        Ok(TaxRule {
            id: row.get("id")?,
            name: Localized::from_row(row, "name")?,
            rate: TaxRate(rate),
            code: row.get("code")?,
            price_includes_tax: row.get("price_includes_tax")?,
            is_default: row.get("is_default")?,
        })
    };
    q.query(TAX_RULES, &[p(&event)]).await?.iter().map(read).collect()
}

fn amount(row: &Row, column: &str, currency: Currency) -> Result<Option<Money>, DbError> {
    let minor: Option<i64> = row.get(column)?;
    Ok(minor.map(|minor| Money::new(minor, currency)))
}

fn window_mode(row: &Row, column: &str) -> Result<WindowMode, DbError> {
    let code: String = row.get(column)?;
    WindowMode::parse(&code).ok_or(DbError::UnknownValue { what: "window mode", value: code })
}

fn channels(row: &Row) -> Result<Channels, DbError> {
    Ok(if row.get("all_sales_channels")? { Channels::All } else { Channels::Only(row.get("limit_sales_channels")?) })
}

const ADD_ONS: &str = "
    select item_id, category_id, min_count, max_count, multi_allowed, price_included
      from item_addon where event_id = $1 order by item_id, position, id";

pub(super) async fn add_ons(q: &impl Query, event: EventId) -> Result<Vec<(ItemId, AddOnLink)>, DbError> {
    let read = |row: &Row| {
        let link = AddOnLink {
            category: row.get("category_id")?,
            min_count: row.get("min_count")?,
            max_count: row.get("max_count")?,
            multi_allowed: row.get("multi_allowed")?,
            price_included: row.get("price_included")?,
        };
        Ok((row.get("item_id")?, link))
    };
    q.query(ADD_ONS, &[p(&event)]).await?.iter().map(read).collect()
}

const BUNDLES: &str = "
    select item_id, bundled_item_id, bundled_variation_id, count, designated_price
      from item_bundle where event_id = $1 order by item_id, id";

pub(super) async fn bundles(
    q: &impl Query,
    event: EventId,
    currency: Currency,
) -> Result<Vec<(ItemId, BundleLink)>, DbError> {
    let read = |row: &Row| {
        let link = BundleLink {
            item: row.get("bundled_item_id")?,
            variation: row.get("bundled_variation_id")?,
            count: row.get("count")?,
            designated_price: Money::new(row.get("designated_price")?, currency),
        };
        Ok((row.get("item_id")?, link))
    };
    q.query(BUNDLES, &[p(&event)]).await?.iter().map(read).collect()
}

const DATES: &str = "
    select id, name, active, is_public, date_from, date_to, date_admission, presale_start, presale_end, location,
           frontpage_text
      from subevent where event_id = $1 order by date_from, id";

/// Dates still without what they say differently.
pub(super) async fn dates(q: &impl Query, event: EventId) -> Result<Vec<Date>, DbError> {
    let read = |row: &Row| {
        Ok(Date {
            id: row.get("id")?,
            name: Localized::from_row(row, "name")?,
            active: row.get("active")?,
            is_public: row.get("is_public")?,
            date_from: row.get("date_from")?,
            date_to: row.get("date_to")?,
            date_admission: row.get("date_admission")?,
            presale_start: row.get("presale_start")?,
            presale_end: row.get("presale_end")?,
            location: Localized::from_row_opt(row, "location")?,
            frontpage_text: Localized::from_row_opt(row, "frontpage_text")?,
            overrides: Vec::new(),
        })
    };
    q.query(DATES, &[p(&event)]).await?.iter().map(read).collect()
}

const OVERRIDES: &str = "
    select subevent_id, item_id, variation_id, price, disabled, available_from, available_until
      from subevent_override where event_id = $1 order by subevent_id, item_id, variation_id";

pub(super) async fn overrides(
    q: &impl Query,
    event: EventId,
    currency: Currency,
) -> Result<Vec<(SubeventId, Override)>, DbError> {
    let read = |row: &Row| {
        let says = Override {
            item: row.get("item_id")?,
            variation: row.get("variation_id")?,
            price: amount(row, "price", currency)?,
            disabled: row.get("disabled")?,
            available_from: row.get("available_from")?,
            available_until: row.get("available_until")?,
        };
        Ok((row.get("subevent_id")?, says))
    };
    q.query(OVERRIDES, &[p(&event)]).await?.iter().map(read).collect()
}

const DISCOUNTS: &str = "
    select d.id, d.position, d.active, d.available_from, d.available_until, d.all_sales_channels, d.limit_sales_channels,
           d.subevent_mode, d.subevent_date_from, d.subevent_date_until, d.condition_all_products,
           d.condition_apply_to_addons, d.condition_ignore_voucher_discounted, d.condition_min_count,
           d.condition_min_value, d.benefit_same_products, d.benefit_apply_to_addons,
           d.benefit_ignore_voucher_discounted, d.benefit_ppm, d.benefit_cheapest,
           array(select i.item_id from discount_item i where i.discount_id = d.id and i.role = 'condition') as condition_items,
           array(select i.item_id from discount_item i where i.discount_id = d.id and i.role = 'benefit') as benefit_items
      from discount d where d.event_id = $1 order by d.position, d.id";

pub(super) async fn discounts(q: &impl Query, event: EventId, currency: Currency) -> Result<Vec<Discount>, DbError> {
    let products = |row: &Row, column: &str| {
        let items: Vec<ItemId> = row.get(column)?;
        Ok::<_, DbError>(Products::Some(items.into_iter().collect()))
    };
    let read = |row: &Row| {
        let mode: String = row.get("subevent_mode")?;
        let condition =
            if row.get("condition_all_products")? { Products::All } else { products(row, "condition_items")? };
        let benefit = Benefit {
            products: products(row, "benefit_items")?,
            addons: row.get("benefit_apply_to_addons")?,
            ignores_vouchers: row.get("benefit_ignore_voucher_discounted")?,
        };
        let same: bool = row.get("benefit_same_products")?;
        Ok(Discount {
            id: row.get("id")?,
            position: row.get("position")?,
            active: row.get("active")?,
            available_from: row.get("available_from")?,
            available_until: row.get("available_until")?,
            channels: match channels(row)? {
                Channels::All => None,
                Channels::Only(identifiers) => Some(identifiers.into_iter().collect()),
            },
            dates: Dates::parse(&mode).ok_or(DbError::UnknownValue { what: "subevent mode", value: mode })?,
            date_from: row.get("subevent_date_from")?,
            date_until: row.get("subevent_date_until")?,
            condition,
            condition_addons: row.get("condition_apply_to_addons")?,
            condition_ignores_vouchers: row.get("condition_ignore_voucher_discounted")?,
            min_count: usize::try_from(row.get::<i32>("condition_min_count")?).unwrap_or_default(),
            min_value: Money::new(row.get("condition_min_value")?, currency),
            benefit: (!same).then_some(benefit),
            percent: TaxRate::from_ppm(row.get("benefit_ppm")?),
            cheapest: row.get::<Option<i32>>("benefit_cheapest")?.and_then(|count| usize::try_from(count).ok()),
        })
    };
    q.query(DISCOUNTS, &[p(&event)]).await?.iter().map(read).collect()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[CATEGORIES, ITEMS, VARIATIONS, TAX_RULES, ADD_ONS, BUNDLES, DATES, OVERRIDES, DISCOUNTS];
