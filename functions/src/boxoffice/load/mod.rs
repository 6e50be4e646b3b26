//! Reads the stock that a batch needs. Only ever under the event's lock.

pub mod sql;

use std::collections::{BTreeMap, BTreeSet};

pub use sql::quotas_for_display;

use super::{CartId, CartRules, Identity, POSITIONS_PER_ORDER_MAX, Request, Stock, Subject, order};
use crate::{
    catalogue::Catalogue,
    event::{self, Event},
    id::{MailId, OrderId},
    port::{codes::Codes, db::DbError, lock::EventLock},
    time::Timestamp,
};

/// Reads what `requests` are about, in one round trip as a rule. `event` and `catalogue` were read before the lock was
/// taken: if they have changed since, they are read again.
pub async fn load(
    lock: &EventLock<'_>,
    event: &Event,
    catalogue: &Catalogue,
    requests: &[Request],
    now: Timestamp,
) -> Result<Stock, DbError> {
    let mut carts: BTreeSet<&CartId> = BTreeSet::new();
    let mut orders: Vec<OrderId> = Vec::new();
    for request in requests {
        match request.subject() {
            Subject::Cart(cart) => _ = carts.insert(cart),
            Subject::Order(order) => orders.push(order),
            Subject::New => {}
        }
        if let Request::CreateOrder { order } = request {
            carts.extend(&order.consume_carts);
        }
    }
    let (version, (quotas, quotas_of), cart_positions, orders, identities) = tokio::try_join!(
        biased;
        sql::version(lock),
        sql::quotas(lock),
        sql::cart_positions(lock, event.currency, &carts, now),
        order::sql::orders(lock, event.currency, &orders),
        identities(lock, event, requests),
    )?;
    let (rules, offers) = if version == event.version && version == catalogue.version {
        (rules(event), catalogue.offers(now))
    } else {
        let event = event::by_id(lock.tx(), event.id).await?.ok_or(DbError::RowCount(0))?;
        let catalogue = Catalogue::load(lock.tx(), &event).await?;
        (rules(&event), catalogue.offers(now))
    };
    let currency = event.currency;
    Ok(Stock { currency, rules, quotas, quotas_of, offers, cart_positions, identities, orders })
}

fn rules(event: &Event) -> CartRules {
    CartRules {
        reservation_seconds: event.settings.reservation_time() * 60,
        positions_max: event.settings.max_items_per_order().min(POSITIONS_PER_ORDER_MAX),
    }
}

/// Shortest order code, and how many are tried of a length before a longer one is (spec domain 10.3).
const CODE_LENGTH: usize = 5;
const TRIES_PER_LENGTH: usize = 20;

/// Reserves what the batch's new orders will be known by. The codes are free now; another event of the organiser may
/// take one before this batch commits: then the unique index refuses the batch, and it is served again.
async fn identities(
    lock: &EventLock<'_>,
    event: &Event,
    requests: &[Request],
) -> Result<BTreeMap<usize, Identity>, DbError> {
    let drafts = requests.iter().enumerate().filter_map(|(index, request)| match request {
        Request::PlaceOrder { draft, .. } => Some((index, &draft.seed)),
        Request::CreateOrder { order } => Some((index, &order.seed)),
        _ => None,
    });
    let mut drawn: Vec<(usize, Codes, String)> = drafts
        .map(|(index, seed)| {
            let codes = Codes::of(seed, "code");
            let code = codes.order_code(CODE_LENGTH, event.testmode);
            (index, codes, code)
        })
        .collect();
    if drawn.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (ids, mut taken): (Vec<(OrderId, MailId)>, BTreeSet<String>) = tokio::try_join!(
        biased;
        sql::reserve_ids(lock, drawn.len()),
        sql::taken_codes(lock, event.organizer.id, drawn.iter().map(|(.., code)| code.clone()).collect()),
    )?;
    let mut used = BTreeSet::new();
    let mut open: Vec<usize> = (0..drawn.len()).collect();
    for tries in 1.. {
        open.retain(|at| taken.contains(&drawn[*at].2) || !used.insert(drawn[*at].2.clone()));
        if open.is_empty() {
            break;
        }
        for at in &open {
            let (_, codes, code) = &mut drawn[*at];
            *code = codes.order_code(CODE_LENGTH + tries / TRIES_PER_LENGTH, event.testmode);
        }
        taken =
            sql::taken_codes(lock, event.organizer.id, open.iter().map(|at| drawn[*at].2.clone()).collect()).await?;
    }
    let known = drawn.into_iter().zip(ids);
    Ok(known.map(|((index, _, code), (order, mail))| (index, Identity { order, code, mail })).collect())
}
