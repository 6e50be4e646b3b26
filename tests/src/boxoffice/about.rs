//! What requests are about.

use std::collections::BTreeSet;

use shop::{
    boxoffice::{CartId, Request, Subject, VoucherTerms},
    id::{OrderId, VoucherId},
};

/// The carts that requests are about.
pub fn carts_of(requests: &[Request]) -> BTreeSet<CartId> {
    let subjects = requests.iter().flat_map(Request::subjects);
    let cart = |subject| match subject {
        Subject::Cart(cart) => Some(cart.clone()),
        Subject::Order(_) | Subject::OrderCode(_) | Subject::Voucher(..) => None,
    };
    subjects.filter_map(cart).collect()
}

/// The order that a request is about.
pub fn order_of(request: &Request) -> Option<OrderId> {
    request.subjects().into_iter().find_map(|subject| match subject {
        Subject::Order(order) => Some(order),
        Subject::Cart(_) | Subject::OrderCode(_) | Subject::Voucher(..) => None,
    })
}

/// The voucher that a request changes.
pub fn voucher_of(request: &Request) -> Option<VoucherId> {
    match request {
        Request::SaveVoucher { voucher, .. } => *voucher,
        Request::DeleteVoucher { voucher } => Some(*voucher),
        _ => None,
    }
}

/// The codes of vouchers that a request names.
pub fn codes_of(request: &Request) -> Vec<String> {
    let codes = match request {
        Request::AddToCart { lines, .. } => lines.iter().flat_map(|line| &line.voucher).map(|it| &it.code).collect(),
        Request::ApplyVoucher { code, .. } => vec![code],
        Request::Reserve { unit, .. } => unit.voucher.iter().collect(),
        Request::SaveVoucher { terms, .. } => vec![&terms.code],
        _ => Vec::new(),
    };
    codes.into_iter().map(|code| VoucherTerms::normalized(code)).collect()
}
