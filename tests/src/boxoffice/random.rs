//! What organisers and buyers do on a random day with few places. Each function draws from its own generator and the
//! present state, so a new rule of selling is one more arm here and a check in [`World`].

use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use shop::{
    boxoffice::{Bundle, Change, OrderAction, PriceMode, Request, Scope, VoucherTerms},
    id::{CartPositionId, DiscountId, OrderId, QuotaId},
    money::TaxRate,
    payment::Provider,
    pricing::{Benefit, Billing, Dates, Discount, PaymentFee, Products, Rounding},
};

use super::{
    ask::{
        add, add_fee, add_position, add_with, apply, blocking, cancellation_fee, change, clear, create, euros, expire,
        pay, pay_late, place, price, product, remove, save, save_as, terms,
    },
    world::{RESERVATION, World},
};
use crate::shop::at;

const PRODUCTS: [i64; 5] = [1, 2, 3, 41, 42];
const CARTS: [&str; 4] = ["a", "b", "c", "d"];
const CODES: [&str; 3] = ["ONE", "TWO", "THREE"];

/// What somebody wants next: about a cart, about an order that there is, or about a voucher.
pub fn anything(world: &World, random: &mut StdRng) -> Request {
    let orders: Vec<OrderId> = world.stock.orders.keys().copied().collect();
    match (random.random_range(0..100), orders.choose(random)) {
        (0..24, Some(order)) => about_order(world, *order, random),
        (24..28, _) => created(world, random),
        (28..36, _) => staff_wish(world, random),
        _ => wish(world, CARTS.choose(random).unwrap(), random),
    }
}

/// What happens to an order next.
fn about_order(world: &World, order: OrderId, random: &mut StdRng) -> Request {
    if random.random_ratio(1, 2) {
        let request = *[pay, pay_late, expire].choose(random).unwrap();
        return request(order);
    }
    change(order, action(world, order, random))
}

/// An order that staff creates, sometimes from what a cart holds.
fn created(world: &World, random: &mut StdRng) -> Request {
    let products: Vec<i64> = (0..random.random_range(1..4)).map(|_| *PRODUCTS.choose(random).unwrap()).collect();
    let carts: Vec<&str> = CARTS.into_iter().filter(|_| random.random_ratio(1, 8)).collect();
    Request::CreateOrder { wanted: Box::new(create(world, &products, &carts)) }
}

/// Staff makes, changes or deletes a voucher.
fn staff_wish(world: &World, random: &mut StdRng) -> Request {
    let code = *CODES.choose(random).unwrap();
    let known = world.stock.vouchers.iter().find(|(_, voucher)| voucher.terms.code == code);
    let quota = QuotaId(random.random_range(1..=world.stock.quotas.len() as i64));
    let number = *PRODUCTS.choose(random).unwrap();
    let scope = match random.random_range(0..3) {
        0 => Scope::Quota(quota),
        1 => Scope::Item(product(number).item),
        _ => {
            product(number).variation.map_or(Scope::Any, |variation| Scope::Variation(product(number).item, variation))
        }
    };
    let uses = random.random_range(1..=5);
    let wanted = if random.random_ratio(1, 2) {
        blocking(code, uses, scope)
    } else {
        VoucherTerms { scope, ..terms(code, uses) }
    };
    let wanted = VoucherTerms {
        min_usages: if random.random_ratio(1, 5) { uses.min(2) } else { 1 },
        budget: random.random_ratio(1, 3).then(|| random.random_range(0..5_000)),
        valid_until: random
            .random_ratio(1, 3)
            .then(|| world.now.plus_seconds(random.random_range(-60..=2 * RESERVATION))),
        price_mode: *[PriceMode::None, PriceMode::Set(1_000), PriceMode::Subtract(500), PriceMode::Percent(250_000)]
            .choose(random)
            .unwrap(),
        all_bundles_included: random.random_ratio(1, 4),
        ..wanted
    };
    match known {
        Some((id, _)) if random.random_ratio(1, 5) => Request::DeleteVoucher { voucher: *id },
        Some((id, _)) => save_as(*id, wanted),
        None => save(wanted),
    }
}

/// A small event: up to four quotas, each counts some of the products; some products may be counted by none.
pub fn opening(random: &mut StdRng) -> World {
    let mut quotas: Vec<(Option<i64>, Vec<i64>)> = Vec::new();
    for _ in 0..random.random_range(1..=4) {
        let size = random.random_ratio(9, 10).then(|| random.random_range(0..=8));
        quotas.push((size, PRODUCTS.into_iter().filter(|_| random.random_ratio(1, 2)).collect()));
    }
    let quotas: Vec<(Option<i64>, &[i64])> = quotas.iter().map(|(size, products)| (*size, &products[..])).collect();
    let mut world = World::new(&quotas);
    let products: Vec<i64> = offered(&world);
    for number in products {
        let min = random.random_ratio(1, 4).then(|| random.random_range(2..=3));
        let max = random.random_ratio(1, 4).then(|| random.random_range(3..=5));
        world.limit(number, min, max);
    }
    // A limit is the item's, so its variations share it.
    if let Some((min, max)) = world.stock.offers.get(&product(41)).map(|it| (it.min_per_order, it.max_per_order))
        && world.stock.offers.contains_key(&product(42))
    {
        world.limit(42, min, max);
    }
    if random.random_ratio(1, 2) {
        world.stock.discounts = (1..=random.random_range(1..=3)).map(|id| discount(id, random)).collect();
    }
    if random.random_ratio(1, 3) {
        world.stock.billing = billing(random);
    }
    // Product 2 comes with product 1 now and then.
    if random.random_ratio(1, 3) && [1, 2].iter().all(|number| world.stock.offers.contains_key(&product(*number))) {
        let count = random.random_range(1..=2);
        world.offer(2).bundles.push(Bundle { product: product(1), count, designated: euros(300) });
    }
    world
}

/// How the organiser bills.
fn billing(random: &mut StdRng) -> Billing {
    let fee = PaymentFee {
        absolute: euros(random.random_range(0..200)),
        percent: TaxRate(random.random_range(0..=50_000)),
        of_sum: random.random_ratio(1, 2),
    };
    Billing {
        rounding: *Rounding::ALL.choose(random).unwrap(),
        payment_fees: vec![(Provider::Manual, fee)],
        fee_tax: TaxRate(*[0, 190_000].choose(random).unwrap()),
    }
}

/// An automatic discount, of any kind that is allowed.
fn discount(id: i64, random: &mut StdRng) -> Discount {
    let some = |random: &mut StdRng| match random.random_ratio(1, 2) {
        true => Products::All,
        false => Products::Some(PRODUCTS.iter().filter(|_| random.random()).map(|it| product(*it).item).collect()),
    };
    let by_value = random.random_ratio(1, 3);
    Discount {
        id: DiscountId(id),
        position: random.random_range(0..2),
        active: random.random_ratio(9, 10),
        available_from: None,
        available_until: random.random_ratio(1, 4).then(|| at("2030-01-01T13:00:00Z")),
        channels: None,
        dates: *[Dates::Mixed, Dates::Same].choose(random).unwrap(),
        date_from: None,
        date_until: None,
        condition: some(random),
        condition_addons: random.random(),
        condition_ignores_vouchers: random.random(),
        min_count: if by_value { 0 } else { random.random_range(1..=3) },
        min_value: euros(if by_value { random.random_range(1..=6_000) } else { 0 }),
        benefit: random.random_ratio(1, 3).then(|| Benefit {
            products: some(random),
            addons: random.random(),
            ignores_vouchers: random.random(),
        }),
        percent: TaxRate(*[0, 100_000, 333_333, 1_000_000].choose(random).unwrap()),
        cheapest: (!by_value && random.random_ratio(1, 2)).then(|| random.random_range(1..=2)),
    }
}

fn offered(world: &World) -> Vec<i64> {
    PRODUCTS.into_iter().filter(|number| world.stock.offers.contains_key(&product(*number))).collect()
}

/// The organiser changes something: sizes (also below what is sold), closing, prices, windows.
pub fn organise(world: &mut World, random: &mut StdRng) {
    let quota = random.random_range(1..=world.stock.quotas.len() as i64);
    let number = *offered(world).choose(random).unwrap();
    match random.random_range(0..4) {
        0 => world.quota(quota).size = Some(random.random_range(0..=10)),
        1 => world.quota(quota).closed = random.random_ratio(1, 3),
        2 => world.offer(number).listed = euros(*[0, 1000, 2300].choose(random).unwrap()),
        _ => world.offer(number).on_sale = random.random_ratio(2, 3),
    }
}

/// What staff does to an order.
fn action(world: &World, order: OrderId, random: &mut StdRng) -> OrderAction {
    let (expires_at, force) = (world.now.plus_seconds(random.random_range(-1..=5) * 60), false);
    match random.random_range(0..8) {
        0 => OrderAction::Cancel { fee: None },
        1 => OrderAction::Cancel { fee: Some(cancellation_fee(world, random.random_range(0..=4000))) },
        2 => OrderAction::MarkRefunded,
        3 => OrderAction::MarkPending,
        4 => OrderAction::Extend { expires_at, force },
        5 => OrderAction::Reactivate { expires_at, force },
        _ => {
            let read_at = world.stock.orders[&order].modified_at;
            let changes = (0..random.random_range(1..=3)).map(|_| change_of(world, order, random)).collect();
            OrderAction::Change { changes, read_at, expires_at, force }
        }
    }
}

fn change_of(world: &World, order: OrderId, random: &mut StdRng) -> Change {
    let wanted = product(*PRODUCTS.choose(random).unwrap());
    let last = world.stock.orders[&order].last_position;
    let (number, gross) = (random.random_range(1..=last.max(1)), euros(*[0, 100, 2300].choose(random).unwrap()));
    match random.random_range(0..7) {
        0 | 1 => add_position(wanted, gross),
        2 => Change::CancelPosition { number },
        3 => Change::SwapProduct {
            number,
            product: wanted,
            gross: random.random_ratio(1, 2).then_some(gross),
            tax_rate: price(gross).tax_rate,
        },
        4 => Change::SetPrice { number, gross },
        5 => add_fee(gross),
        _ => Change::CancelFee { number: 1 },
    }
}

/// What the buyer of a cart wants next.
fn wish(world: &World, name: &str, random: &mut StdRng) -> Request {
    match random.random_range(0..12) {
        10 => apply(name, CODES.choose(random).unwrap()),
        11 => {
            let number = *PRODUCTS.choose(random).unwrap();
            add_with(name, CODES.choose(random).unwrap(), &[(number, random.random_range(1..=3))])
        }
        0..=4 => {
            let mut lines: Vec<(i64, i64)> = Vec::new();
            for number in PRODUCTS {
                if random.random_ratio(1, 3) {
                    lines.push((number, random.random_range(1..=4)));
                }
            }
            add(name, &lines)
        }
        5 => {
            let all: Vec<CartPositionId> = world.stock.cart_positions.keys().copied().collect();
            let own = world.positions(name);
            let position = if random.random_ratio(3, 4) { own.choose(random) } else { all.choose(random) };
            remove(name, position.copied().unwrap_or(CartPositionId(0)))
        }
        6 => clear(name),
        _ if random.random_ratio(1, 10) => place(name, world.total(name) + 1),
        _ => place(name, world.total(name)),
    }
}
