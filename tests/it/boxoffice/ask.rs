//! What people ask of the box office, in short words.

use shop::{
    boxoffice::{
        AddOnChoice, CartId, Draft, Line, LineVoucher, OrderAction, PriceMode, Product, Request, Scope, VoucherTerms,
    },
    id::{CartPositionId, ItemId, OrderId, VariationId, VoucherId},
    money::{Currency, Money},
    payment::Provider,
    port::codes::Codes,
};

/// Product 7 is item 7; product 71 is variation 1 of item 7.
pub fn product(number: i64) -> Product {
    match number {
        0..10 => Product::undated(ItemId(number), None),
        _ => Product::undated(ItemId(number / 10), Some(VariationId(number % 10))),
    }
}

/// An amount in cents.
pub fn euros(cents: i64) -> Money {
    Money::new(cents, Currency::parse("EUR").unwrap())
}

fn cart(name: &str) -> CartId {
    CartId(name.to_owned())
}

/// Puts so many of these products into a cart.
pub fn add(name: &str, lines: &[(i64, i64)]) -> Request {
    let line = |(number, count): &(i64, i64)| Line {
        product: product(*number),
        count: *count,
        chosen_price: None,
        voucher: None,
    };
    Request::AddToCart { cart: cart(name), lines: lines.iter().map(line).collect() }
}

/// Puts products into a cart with a voucher.
pub fn add_with(name: &str, code: &str, lines: &[(i64, i64)]) -> Request {
    let Request::AddToCart { cart, mut lines } = add(name, lines) else { unreachable!() };
    for line in &mut lines {
        line.voucher = Some(LineVoucher { code: code.to_owned(), unless_used_up: false });
    }
    Request::AddToCart { cart, lines }
}

/// Uses a voucher for what is in a cart.
pub fn apply(name: &str, code: &str) -> Request {
    Request::ApplyVoucher { cart: cart(name), code: code.to_owned() }
}

/// Chooses all add-ons of a position.
pub fn add_ons(name: &str, position: CartPositionId, chosen: &[(i64, i64)]) -> Request {
    let choice =
        |(number, count): &(i64, i64)| AddOnChoice { product: product(*number), count: *count, chosen_price: None };
    Request::SetAddOns { cart: cart(name), position, chosen: chosen.iter().map(choice).collect() }
}

/// A voucher that changes nothing but may be used so often.
pub fn terms(code: &str, max_usages: i64) -> VoucherTerms {
    VoucherTerms {
        code: code.to_owned(),
        max_usages,
        min_usages: 1,
        budget: None,
        valid_until: None,
        block_quota: false,
        allow_ignore_quota: false,
        price_mode: PriceMode::None,
        scope: Scope::Any,
        date: None,
        show_hidden_items: true,
        all_addons_included: false,
        all_bundles_included: false,
    }
}

/// A voucher that keeps places.
pub fn blocking(code: &str, max_usages: i64, scope: Scope) -> VoucherTerms {
    VoucherTerms { block_quota: true, scope, ..terms(code, max_usages) }
}

/// Something else happens to an order.
pub fn change(order: OrderId, action: OrderAction) -> Request {
    Request::ChangeOrder { order, action }
}

/// Creates a voucher.
pub fn save(terms: VoucherTerms) -> Request {
    Request::SaveVoucher { voucher: None, terms }
}

/// Changes a voucher.
pub fn save_as(voucher: VoucherId, terms: VoucherTerms) -> Request {
    Request::SaveVoucher { voucher: Some(voucher), terms }
}

/// Takes a position out of a cart.
pub fn remove(name: &str, position: CartPositionId) -> Request {
    Request::RemoveFromCart { cart: cart(name), position }
}

/// Empties a cart.
pub fn clear(name: &str) -> Request {
    Request::ClearCart { cart: cart(name) }
}

/// Orders a cart for so many cents.
pub fn place(name: &str, cents: i64) -> Request {
    let draft = Draft {
        email: "ada@example.org".to_owned(),
        phone: None,
        locale: "en".to_owned(),
        payment: Provider::Manual,
        seed: Codes::seeded(1).seed(),
    };
    Request::PlaceOrder { cart: cart(name), agreed_total: euros(cents), draft }
}

/// Pays an order in time.
pub fn pay(order: OrderId) -> Request {
    Request::PayOrder { order, accept_late: false }
}

/// Pays an order, however late.
pub fn pay_late(order: OrderId) -> Request {
    Request::PayOrder { order, accept_late: true }
}

/// The deadline of an order has passed.
pub fn expire(order: OrderId) -> Request {
    Request::ExpireOrder { order }
}
