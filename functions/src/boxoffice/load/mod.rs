//! Reads the stock that a batch needs. Only ever under the event's lock.

pub mod sql;
mod voucher;

use std::collections::{BTreeMap, BTreeSet};

pub use sql::{Quotas, quotas_for_display};
pub use voucher::{voucher_by_code, vouchers_exist};

use super::{
    CartId, CartRules, Change, CheckoutRules, Identity, Offer, OrderAction, POSITIONS_PER_ORDER_MAX, Product, Request,
    Scope, Stock, VoucherTerms, order,
};
use crate::{
    catalogue::{Catalogue, WEB},
    event::{self, Event},
    id::{OrderId, QuotaId, SubeventId, VoucherId},
    payment::Provider,
    port::{codes::Codes, db::DbError, lock::EventLock},
    pricing::{Billing, Discount},
    time::Timestamp,
};

/// What the requests of a batch name.
#[derive(Default)]
struct Named {
    carts: BTreeSet<CartId>,
    orders: Vec<OrderId>,
    /// Codes of vouchers.
    codes: BTreeSet<String>,
    /// Vouchers that are changed or deleted.
    vouchers: Vec<VoucherId>,
    dates: BTreeSet<SubeventId>,
    quotas: BTreeSet<QuotaId>,
}

/// Reads what `requests` are about, in one round trip as a rule; in a series the quotas come in a second one, because only
/// those of some dates are read. `event` and `catalogue` were read before the lock was taken: if they have changed since,
/// they are read again.
pub async fn load(
    lock: &EventLock<'_>,
    event: &Event,
    catalogue: &Catalogue,
    requests: &[&Request],
    now: Timestamp,
) -> Result<Stock, DbError> {
    let mut named = Named::default();
    requests.iter().for_each(|request| named.add(request));
    let (mut read, cart_positions, orders, vouchers, identities) = tokio::try_join!(
        biased;
        sql::quotas(lock, &[], &[]),
        sql::cart_positions(lock, event.currency, &named.carts, &named.vouchers, now),
        order::sql::orders(lock, event.currency, &named.orders),
        voucher::vouchers(lock, &named, now),
        identities(lock, event, requests),
    )?;
    if event.has_subevents {
        named.dates.extend(cart_positions.values().filter_map(|position| position.product.date));
        named.dates.extend(orders.values().flat_map(|order| order.products()).filter_map(|product| product.date));
        vouchers.values().for_each(|voucher| named.add_terms(&voucher.terms));
        let (dates, ids) = (named.dates.iter().copied().collect::<Vec<_>>(), named.quotas.iter().copied());
        read = sql::quotas(lock, &dates, &ids.collect::<Vec<_>>()).await?;
    }
    let conditions = if read.version == event.version && read.version == catalogue.version {
        conditions(event, catalogue, &named, now)
    } else {
        let event = event::by_id(lock.tx(), event.id).await?.ok_or(DbError::RowCount(0))?;
        conditions(&event, &Catalogue::load(lock.tx(), &event).await?, &named, now)
    };
    let currency = event.currency;
    let Conditions { rules, billing, discounts, dates, offers, checkout } = conditions;
    Ok(Stock {
        currency,
        rules,
        billing,
        discounts,
        dates,
        quotas: read.quotas,
        quotas_of: read.quotas_of,
        offers,
        vouchers,
        cart_positions,
        checkout,
        identities,
        orders,
    })
}

/// What the event and its catalogue say about selling.
struct Conditions {
    rules: CartRules,
    billing: Billing,
    discounts: Vec<Discount>,
    dates: Option<BTreeMap<SubeventId, Timestamp>>,
    offers: BTreeMap<Product, Offer>,
    checkout: CheckoutRules,
}

fn conditions(event: &Event, catalogue: &Catalogue, named: &Named, now: Timestamp) -> Conditions {
    let dates = event.has_subevents.then(|| catalogue.dates.iter().map(|date| (date.id, date.date_from)).collect());
    Conditions {
        rules: rules(event),
        billing: catalogue.billing.clone(),
        discounts: catalogue.discounts_in_force(now),
        dates,
        offers: catalogue.offers(event, WEB, &named.dates, now),
        checkout: CheckoutRules {
            asks_questions: !catalogue.questions.is_empty(),
            needs_phone: event.settings.order_phone_asked() && event.settings.order_phone_required(),
            providers: Provider::offered(event),
        },
    }
}

fn rules(event: &Event) -> CartRules {
    CartRules {
        reservation_seconds: event.settings.reservation_time() * 60,
        positions_max: event.settings.max_items_per_order().min(POSITIONS_PER_ORDER_MAX),
    }
}

impl Named {
    fn add(&mut self, request: &Request) {
        match request {
            Request::AddToCart { cart, lines } => {
                self.carts.insert(cart.clone());
                for line in lines {
                    self.dates.extend(line.product.date);
                    self.codes.extend(line.voucher.iter().map(|voucher| VoucherTerms::normalized(&voucher.code)));
                }
            }
            Request::ApplyVoucher { cart, code } => {
                self.carts.insert(cart.clone());
                self.codes.insert(VoucherTerms::normalized(code));
            }
            Request::RemoveFromCart { cart, .. }
            | Request::ClearCart { cart }
            | Request::SetAddOns { cart, .. }
            | Request::PlaceOrder { cart, .. }
            | Request::Release { cart, .. } => {
                self.carts.insert(cart.clone());
            }
            Request::Reserve { unit, .. } => {
                self.dates.extend(unit.product.date);
                self.codes.extend(unit.voucher.as_deref().map(VoucherTerms::normalized));
            }
            Request::PayOrder { order, .. } | Request::ExpireOrder { order } => self.orders.push(*order),
            Request::ChangeOrder { order, action } => {
                self.orders.push(*order);
                if let OrderAction::Change { changes, .. } = action {
                    self.dates.extend(changes.iter().filter_map(|change| match change {
                        Change::AddPosition { product, .. } | Change::SwapProduct { product, .. } => product.date,
                        _ => None,
                    }));
                }
            }
            Request::CreateOrder { wanted: order } => {
                self.carts.extend(order.consume_carts.iter().cloned());
                self.dates.extend(order.positions.iter().filter_map(|position| position.product.date));
                let codes = order.positions.iter().filter_map(|position| position.voucher.as_deref());
                self.codes.extend(codes.map(VoucherTerms::normalized));
            }
            Request::SaveVoucher { voucher, terms } => {
                self.vouchers.extend(*voucher);
                self.codes.insert(terms.code.clone());
                self.add_terms(terms);
            }
            Request::DeleteVoucher { voucher } => {
                self.vouchers.push(*voucher);
            }
        }
    }

    fn add_terms(&mut self, terms: &VoucherTerms) {
        self.dates.extend(terms.date);
        if let Scope::Quota(quota) = terms.scope {
            self.quotas.insert(quota);
        }
    }
}

/// Shortest order code, and how many are tried of a length before a longer one is (spec domain 10.3).
const CODE_LENGTH: usize = 5;
const TRIES_PER_LENGTH: usize = 20;

/// Reserves what the batch's new orders will be known by. The codes are free now, unless a program has chosen one. Another
/// event of the organiser may take one before this batch commits: then the unique index refuses the batch, and it is served
/// again.
async fn identities(
    lock: &EventLock<'_>,
    event: &Event,
    requests: &[&Request],
) -> Result<BTreeMap<usize, Identity>, DbError> {
    let drafts = requests.iter().enumerate().filter_map(|(index, request)| match *request {
        Request::PlaceOrder { draft, .. } => Some((index, &draft.seed, None)),
        Request::CreateOrder { wanted } => Some((index, &wanted.seed, wanted.code.clone())),
        _ => None,
    });
    let mut drawn: Vec<Drawn> = drafts
        .map(|(index, seed, chosen)| {
            let codes = Codes::of(seed, "code");
            let is_chosen = chosen.is_some();
            let code = chosen.unwrap_or_else(|| codes.order_code(CODE_LENGTH, event.testmode));
            Drawn { index, codes, code, is_chosen }
        })
        .collect();
    if drawn.is_empty() {
        return Ok(BTreeMap::new());
    }
    let codes = drawn.iter().map(|it| it.code.clone()).collect();
    let reserved = sql::reserve_orders(lock, event.organizer.id, codes).await?;
    let is_taken = drawn.iter().zip(&reserved).filter(|(_, reserved)| reserved.is_taken);
    let mut taken: BTreeSet<String> = is_taken.map(|(it, _)| it.code.clone()).collect();
    let chosen = drawn.iter().filter(|it| it.is_chosen);
    let mut used: BTreeSet<String> = chosen.map(|it| it.code.clone()).collect();
    let mut open: Vec<usize> = (0..drawn.len()).filter(|at| !drawn[*at].is_chosen).collect();
    for tries in 1.. {
        open.retain(|at| taken.contains(&drawn[*at].code) || !used.insert(drawn[*at].code.clone()));
        if open.is_empty() {
            break;
        }
        for at in &open {
            let Drawn { codes, code, .. } = &mut drawn[*at];
            *code = codes.order_code(CODE_LENGTH + tries / TRIES_PER_LENGTH, event.testmode);
        }
        taken =
            sql::taken_codes(lock, event.organizer.id, open.iter().map(|at| drawn[*at].code.clone()).collect()).await?;
    }
    let known = drawn.into_iter().zip(reserved).map(|(Drawn { index, code, is_chosen, .. }, reserved)| {
        let is_taken = is_chosen && reserved.is_taken;
        (index, Identity { order: reserved.order, code, is_taken, mail: reserved.mail })
    });
    Ok(known.collect())
}

/// A code for the order that a request of a batch is about.
struct Drawn {
    index: usize,
    codes: Codes,
    code: String,
    /// A program has chosen it: no other is drawn.
    is_chosen: bool,
}
