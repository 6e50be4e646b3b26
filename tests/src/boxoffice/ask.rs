//! What people ask of the box office, in short words.

use shop::{
    boxoffice::{
        AddOnChoice, CancellationFee, CartId, Change, CreateOrder, CreatePosition, Draft, FeeTax, Line, LineVoucher,
        NewPosition, OrderAction, PositionSecrets, PriceMode, Product, Request, Scope, UnitPrice, Validity,
        VoucherTerms,
    },
    cart::{Attendee, Session},
    id::{CartPositionId, DiscountId, ItemId, OrderId, TokenId, VariationId, VoucherId},
    money::{Currency, Money, TaxRate},
    order::Address,
    payment::Provider,
    port::codes::Codes,
    pricing::{Dates, Discount, FeeType, Products, Rounding},
    record::Record,
};

use super::world::World;

const DAY: i64 = 24 * 3600;

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
    Request::SetAddOns { cart: cart(name), chosen: vec![(position, chosen.iter().map(choice).collect())] }
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
        told: Session { email: Some("ada@example.org".to_owned()), phone: None, payment: Some(Provider::Manual) },
        locale: "en".to_owned(),
        seed: Codes::seeded(1).seed(),
    };
    Request::PlaceOrder { cart: cart(name), agreed_total: euros(cents), draft }
}

/// Pays an order in time.
pub fn pay(order: OrderId) -> Request {
    Request::PayOrder { order, accept_late: false, by_staff: false }
}

/// Pays an order, however late.
pub fn pay_late(order: OrderId) -> Request {
    Request::PayOrder { order, accept_late: true, by_staff: false }
}

/// Staff says that an order is paid, however late.
pub fn mark_paid(order: OrderId) -> Request {
    Request::PayOrder { order, accept_late: true, by_staff: true }
}

/// The deadline of an order has passed.
pub fn expire(order: OrderId) -> Request {
    Request::ExpireOrder { order }
}

/// A price at 19 %.
pub fn price(gross: Money) -> UnitPrice {
    UnitPrice::of_listed(gross, TaxRate(190_000), true)
}

/// From so many positions on, all of them cost so many parts per million less.
pub fn discount(id: i64, min_count: usize, ppm: u32) -> Discount {
    Discount {
        id: DiscountId(id),
        position: 0,
        active: true,
        available_from: None,
        available_until: None,
        channels: None,
        dates: Dates::Mixed,
        date_from: None,
        date_until: None,
        condition: Products::All,
        condition_addons: true,
        condition_ignores_vouchers: false,
        min_count,
        min_value: euros(0),
        benefit: None,
        percent: TaxRate(ppm),
        cheapest: None,
    }
}

/// One position more.
pub fn add_position(product: Product, gross: Money) -> Change {
    let secrets = PositionSecrets { ticket: String::new(), web: String::new(), pseudonym: String::new() };
    let new = Box::new(NewPosition {
        secrets,
        attendee: Attendee::default(),
        address: Address::default(),
        bundled: false,
        discount: None,
        valid: Validity::default(),
    });
    Change::AddPosition { product, parent: None, price: price(gross), new }
}

/// One fee more.
pub fn add_fee(gross: Money) -> Change {
    let (internal_type, description) = (String::new(), "Handling".to_owned());
    Change::AddFee { fee_type: FeeType::Service, internal_type, description, gross, tax_rate: TaxRate(70_000) }
}

/// So many cents are kept.
pub fn cancellation_fee(world: &World, cents: i64) -> CancellationFee {
    let deadline = world.now.plus_seconds(DAY);
    let description = "Cancellation".to_owned();
    CancellationFee { amount: euros(cents), keep: Vec::new(), tax: FeeTax::Split, description, deadline }
}

/// An order of these products at 23.00 each.
pub fn create(world: &World, products: &[i64], carts: &[&str]) -> CreateOrder {
    let position = |number: &i64| {
        let (price, attendee) = (price(euros(2300)), Attendee::default());
        CreatePosition {
            product: product(*number),
            price,
            is_price_given: true,
            parent: None,
            bundled: false,
            voucher: None,
            attendee,
            address: Address::default(),
            answers: Vec::new(),
            valid: Validity::default(),
        }
    };
    CreateOrder {
        positions: products.iter().map(position).collect(),
        fees: Vec::new(),
        code: None,
        email: String::new(),
        phone: None,
        locale: "en".to_owned(),
        testmode: false,
        sales_channel: "web".to_owned(),
        comment: String::new(),
        valid_if_pending: false,
        require_approval: false,
        rounding: Rounding::Line,
        is_business: false,
        expires_at: world.now.plus_seconds(DAY),
        payment: None,
        paid_at: None,
        consume_carts: carts.iter().map(|name| CartId((*name).to_owned())).collect(),
        force: false,
        notes: Record::new(),
        sends_mail: false,
        by: TokenId(1),
        seed: Codes::seeded(1).seed(),
    }
}
