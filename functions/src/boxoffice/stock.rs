//! Reads the stock that a batch needs and writes what was decided. Only ever under the event's lock.

use std::collections::{BTreeMap, BTreeSet};

use super::{CartId, CartRules, Changes, Offer, Product, Request, Stock, sql};
use crate::{id::OrderId, money::Currency, port::db::DbError, port::lock::EventLock, time::Timestamp};

/// Reads what `requests` are about. `offers` come from the catalogue, read before the lock was taken.
pub async fn load(
    lock: &EventLock<'_>,
    currency: Currency,
    rules: CartRules,
    offers: BTreeMap<Product, Offer>,
    requests: &[Request],
    now: Timestamp,
) -> Result<Stock, DbError> {
    let carts: BTreeSet<&CartId> = requests.iter().filter_map(cart_of).collect();
    let orders: Vec<OrderId> = requests.iter().filter_map(order_of).collect();
    let (quotas, quotas_of) = sql::quotas(lock).await?;
    let cart_positions = sql::cart_positions(lock, currency, &carts, now).await?;
    let orders = if orders.is_empty() { BTreeMap::new() } else { sql::orders(lock, &orders).await? };
    Ok(Stock { currency, rules, quotas, quotas_of, offers, cart_positions, orders })
}

/// Writes the changes of a batch: one statement for each kind of change that occurred.
pub async fn write(lock: &EventLock<'_>, changes: &Changes, now: Timestamp) -> Result<(), DbError> {
    if changes.uses.values().any(|uses| *uses != super::Uses::default()) {
        sql::add_uses(lock, &changes.uses).await?;
    }
    if !changes.released.is_empty() {
        sql::release(lock, &changes.released).await?;
    }
    if !changes.renewed.is_empty() {
        sql::renew(lock, &changes.renewed).await?;
    }
    if !changes.deleted.is_empty() {
        sql::delete_cart_positions(lock, &changes.deleted).await?;
    }
    if !changes.added.is_empty() {
        sql::insert_cart_positions(lock, &changes.added, now).await?;
    }
    if !changes.closed.is_empty() {
        sql::close_quotas(lock, &changes.closed, now).await?;
    }
    if !changes.orders.is_empty() {
        sql::set_order_status(lock, &changes.orders, now).await?;
    }
    Ok(())
}

fn cart_of(request: &Request) -> Option<&CartId> {
    match request {
        Request::AddToCart { cart, .. }
        | Request::RemoveFromCart { cart, .. }
        | Request::ClearCart { cart }
        | Request::PlaceOrder { cart, .. } => Some(cart),
        Request::PayOrder { .. } | Request::ExpireOrder { .. } => None,
    }
}

fn order_of(request: &Request) -> Option<OrderId> {
    match request {
        Request::PayOrder { order, .. } | Request::ExpireOrder { order } => Some(*order),
        Request::AddToCart { .. }
        | Request::RemoveFromCart { .. }
        | Request::ClearCart { .. }
        | Request::PlaceOrder { .. } => None,
    }
}
