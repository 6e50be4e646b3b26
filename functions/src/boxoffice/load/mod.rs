//! Reads the stock that a batch needs. Only ever under the event's lock.

pub mod sql;

use std::collections::{BTreeMap, BTreeSet};

pub use sql::quotas_for_display;

use super::{CartId, CartRules, Offer, Product, Request, Stock};
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
