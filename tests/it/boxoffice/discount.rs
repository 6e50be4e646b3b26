//! Automatic discounts and fees where they meet carts and orders.

use shop::{
    boxoffice::{Bundle, NotPlaced, Outcome, PriceMode, VoucherTerms},
    id::DiscountId,
    money::TaxRate,
    payment::Provider,
    pricing::{Billing, Discount, PaymentFee, Rounding},
};
use tests::boxoffice::{
    ask::{add, add_ons, apply, discount, euros, place, product, remove, terms},
    world::World,
};

/// Product 2 costs 23.00; from three on there is a tenth less.
fn a_tenth_less_from_three() -> World {
    let mut world = World::new(&[(Some(10), &[2])]);
    world.stock.discounts = vec![discount(1, 3, 100_000)];
    world
}

fn prices(world: &World, name: &str) -> Vec<i64> {
    world.positions(name).iter().map(|id| world.stock.cart_positions[id].price.gross.minor()).collect()
}

#[test]
fn the_cart_as_a_whole_decides() {
    let mut world = a_tenth_less_from_three();
    world.cart(add("a", &[(2, 2)]));
    assert_eq!(prices(&world, "a"), [2300, 2300]);
    world.cart(add("a", &[(2, 1)]));
    assert_eq!(prices(&world, "a"), [2070; 3], "what was there is reduced too");
    assert_eq!(world.position("a").price.discount, Some(DiscountId(1)));
    let first = world.positions("a")[0];
    world.cart(remove("a", first));
    assert_eq!(prices(&world, "a"), [2300, 2300], "and comes back");
    assert!(!world.position("a").price.is_discounted());
}

#[test]
fn an_order_has_the_discounts_of_its_cart() {
    let mut world = a_tenth_less_from_three();
    world.cart(add("a", &[(2, 3)]));
    let order = world.order("a", 6210);
    assert_eq!(world.ordered(order).total, euros(6210));
}

#[test]
fn a_discount_that_has_ended_is_told_before_it_is_charged() {
    let mut world = a_tenth_less_from_three();
    world.stock.discounts[0].available_until = Some(world.now.plus_seconds(60));
    world.cart(add("a", &[(2, 3)]));
    world.pass(61);
    assert_eq!(world.serve_one(place("a", 6210)), Outcome::NotPlaced(NotPlaced::PriceChanged));
    assert_eq!(prices(&world, "a"), [2300; 3], "the buyer sees the price of now");
    world.order("a", 6900);
}

#[test]
fn a_discount_that_was_deleted_ends_as_well() {
    let mut world = a_tenth_less_from_three();
    world.cart(add("a", &[(2, 3)]));
    world.stock.discounts.clear();
    assert_eq!(world.serve_one(place("a", 6210)), Outcome::NotPlaced(NotPlaced::PriceChanged));
    world.order("a", 6900);
}

#[test]
fn an_expired_cart_comes_back_with_its_discount() {
    let mut world = a_tenth_less_from_three();
    world.cart(add("a", &[(2, 3)]));
    world.pass(3600);
    world.cart(add("a", &[]));
    assert_eq!(prices(&world, "a"), [2070; 3]);
    world.order("a", 6210);
}

#[test]
fn vouchers_come_before_discounts() {
    let mut world = a_tenth_less_from_three();
    world.voucher(VoucherTerms { price_mode: PriceMode::Subtract(300), ..terms("LESS", 1) });
    world.cart(add("a", &[(2, 3)]));
    world.cart(apply("a", "LESS"));
    assert_eq!(prices(&world, "a"), [1800, 2070, 2070], "a tenth of what is left");
    let reduced: Discount = Discount { condition_ignores_vouchers: true, ..discount(1, 2, 100_000) };
    world.stock.discounts = vec![reduced];
    world.cart(add("a", &[]));
    assert_eq!(prices(&world, "a"), [2000, 2070, 2070], "what a voucher has reduced is left out");
}

#[test]
fn parts_of_a_bundle_are_left_out() {
    let mut world = World::new(&[(Some(10), &[2]), (Some(10), &[4])]);
    world.offer(2).bundles.push(Bundle { product: product(4), count: 2, designated: euros(300) });
    world.stock.discounts = vec![discount(1, 3, 500_000)];
    world.cart(add("a", &[(2, 2)]));
    assert_eq!(prices(&world, "a"), [1700, 300, 300, 1700, 300, 300], "two are not three");
    world.cart(add("a", &[(2, 1)]));
    assert_eq!(prices(&world, "a"), [850, 300, 300, 850, 300, 300, 850, 300, 300], "parts are not reduced");
}

#[test]
fn add_ons_count_if_they_may() {
    let mut world = World::new(&[(Some(10), &[2]), (Some(10), &[3])]);
    let category = shop::id::CategoryId(1);
    world.offer(3).category = Some(category);
    world.offer(2).add_ons.push(shop::boxoffice::AddOnRule {
        category,
        min: 0,
        max: 2,
        multi_allowed: true,
        price_included: false,
    });
    world.stock.discounts = vec![discount(1, 3, 500_000)];
    world.cart(add("a", &[(2, 1)]));
    let base = world.positions("a")[0];
    world.cart(add_ons("a", base, &[(3, 2)]));
    assert_eq!(prices(&world, "a"), [1150; 3]);
    world.stock.discounts[0].condition_addons = false;
    world.cart(add("a", &[]));
    assert_eq!(prices(&world, "a"), [2300; 3]);
}

#[test]
fn the_way_to_pay_has_its_fee_and_all_is_rounded_together() {
    let mut world = World::new(&[(Some(10), &[2])]);
    let fee = PaymentFee { absolute: euros(50), percent: TaxRate(20_000), of_sum: false };
    world.stock.billing = Billing {
        rounding: Rounding::SumByNet,
        payment_fees: vec![(Provider::Manual, fee)],
        fee_tax: TaxRate(190_000),
    };
    world.cart(add("a", &[(2, 3)]));
    // 3 × 19.33 net are 69.01 with tax; 2 % of that and 0.50 are 1.88, which is 1.58 net: 59.57 net are 70.89.
    assert_eq!(world.serve_one(place("a", 6900)), Outcome::NotPlaced(NotPlaced::PriceChanged));
    let order = world.order("a", 7089);
    let order = world.ordered(order);
    assert_eq!(order.fees.len(), 1);
    assert_eq!((order.fees[0].line.gross, order.fees[0].internal_type.as_str()), (euros(188), "manual"));
    let net: i64 = order.positions.iter().map(|it| it.line.net()).chain([order.fees[0].line.net()]).sum();
    assert_eq!(net, 3 * 1933 + 158);
    assert_eq!(order.rounding, Rounding::SumByNet);
}
