//! Reads the stock that a batch needs. Only ever under the event's lock.

pub mod sql;
mod voucher;

use std::collections::BTreeSet;

pub use sql::quotas_for_display;
pub use voucher::{voucher_by_code, voucher_codes, vouchers_exist};

use super::{CartId, CartRules, Request, Scope, Stock, VoucherTerms};
use crate::{
    catalogue::{Catalogue, WEB},
    event::Event,
    id::{OrderId, QuotaId, SubeventId, VoucherId},
    port::db::DbError,
    port::lock::EventLock,
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

/// Reads what `requests` are about, in one round trip; in a series the quotas come in a second one, because only those
/// of some dates are read. The catalogue was read before the lock was taken.
pub async fn load(
    lock: &EventLock<'_>,
    event: &Event,
    catalogue: &Catalogue,
    rules: CartRules,
    requests: &[Request],
    now: Timestamp,
) -> Result<Stock, DbError> {
    let mut named = Named::default();
    requests.iter().for_each(|request| named.add(request));
    let all_quotas = async {
        if event.has_subevents { Ok(sql::Quotas::default()) } else { sql::quotas(lock, &[], &[]).await }
    };
    let (mut quotas, cart_positions, orders, vouchers) = tokio::try_join!(
        biased;
        all_quotas,
        sql::cart_positions(lock, event.currency, &named.carts, &named.vouchers, now),
        sql::orders(lock, &named.orders),
        voucher::vouchers(lock, &named, now),
    )?;
    if event.has_subevents {
        named.dates.extend(cart_positions.values().filter_map(|position| position.product.date));
        named.dates.extend(orders.values().flat_map(|order| &order.products).filter_map(|product| product.date));
        vouchers.values().for_each(|voucher| named.add_terms(&voucher.terms));
        let (dates, ids) = (named.dates.iter().copied().collect::<Vec<_>>(), named.quotas.iter().copied());
        quotas = sql::quotas(lock, &dates, &ids.collect::<Vec<_>>()).await?;
    }
    let (quotas, quotas_of) = quotas;
    Ok(Stock {
        currency: event.currency,
        rules,
        dates: event.has_subevents.then(|| catalogue.dates.iter().map(|date| date.id).collect()),
        quotas,
        quotas_of,
        offers: catalogue.offers(event, WEB, &named.dates, now),
        vouchers,
        cart_positions,
        orders,
    })
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
            | Request::PlaceOrder { cart, .. } => {
                self.carts.insert(cart.clone());
            }
            Request::PayOrder { order, .. } | Request::ExpireOrder { order } => self.orders.push(*order),
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
