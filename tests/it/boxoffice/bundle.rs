//! Products that come with others: bundles and add-ons.

use shop::{
    boxoffice::{
        AddOnProblem, AddOnRule, Bundle, CartOutcome, CartRefusal, NotPlaced, Outcome, PriceMode, VoucherTerms,
    },
    id::{CartPositionId, CategoryId},
    money::TaxRate,
    order::OrderStatus,
};

use super::{
    added,
    ask::{add, add_ons, add_with, apply, clear, euros, place, product, remove, terms},
    world::{RESERVATION, World},
};

/// Product 2 (23.00) comes with two of product 4 at 3.00 each; quota 1 counts product 2, quota 2 product 4.
fn with_bundle(tickets: i64, drinks: i64) -> World {
    let mut world = World::new(&[(Some(tickets), &[2]), (Some(drinks), &[4])]);
    world.offer(2).bundles.push(Bundle { product: product(4), count: 2, designated: euros(300) });
    world.offer(4).tax_rate = TaxRate(70_000);
    world
}

/// Up to two of category 1 (products 4 and 5, 23.00 each) can be added to product 2.
fn with_add_ons(min: i64, places: i64) -> World {
    let mut world = World::new(&[(Some(9), &[2]), (Some(places), &[4, 5])]);
    let rule = AddOnRule { category: CategoryId(1), min, max: 2, multi_allowed: false, price_included: false };
    world.offer(2).add_ons.push(rule);
    for number in [4, 5] {
        world.offer(number).category = Some(CategoryId(1));
        world.offer(number).sold_alone = false;
    }
    world
}

#[test]
fn parts_take_places_and_a_share_of_the_price_with_their_own_tax() {
    let mut world = with_bundle(5, 9);
    assert_eq!(world.cart(add("a", &[(2, 1)])), added(1));
    let prices: Vec<_> = world
        .stock
        .cart_positions
        .values()
        .map(|it| (it.bundled, it.price.gross.minor(), it.price.tax.minor()))
        .collect();
    assert_eq!(prices, [(false, 1700, 271), (true, 300, 20), (true, 300, 20)]);
    assert_eq!((world.carts(1), world.carts(2), world.total("a")), (1, 2, 2300));
    let order = world.order("a", 2300);
    assert_eq!(world.stock.orders[&order].status, OrderStatus::Pending);
    assert_eq!((world.uses(1).pending, world.uses(2).pending), (1, 2));
}

#[test]
fn as_many_are_sold_as_there_are_parts_for() {
    let mut world = with_bundle(5, 5);
    let part = CartOutcome { in_part: vec![product(2)], ..added(2) };
    assert_eq!(world.cart(add("a", &[(2, 3)])), part);
    assert_eq!(world.carts(2), 4);
    let none = CartOutcome { unavailable: vec![product(2)], ..added(0) };
    assert_eq!(world.cart(add("b", &[(2, 1)])), none);
    // A part that is not sold any more takes the whole along.
    world.offer(4).on_sale = false;
    let gone = Outcome::NotPlaced(NotPlaced::Unavailable(vec![product(4); 2]));
    assert_eq!(world.serve_one(place("a", 2 * 2300)), gone);
    assert_eq!((world.carts(1), world.carts(2)), (0, 0));
}

#[test]
fn a_part_goes_with_the_whole() {
    let mut world = with_bundle(5, 9);
    world.cart(add("a", &[(2, 2)]));
    let part = world.stock.cart_positions.values().find(|position| position.bundled).unwrap().id;
    world.cart(remove("a", part));
    assert_eq!((world.positions("a").len(), world.carts(1), world.carts(2)), (3, 1, 2));
    world.cart(remove("a", world.positions("a")[0]));
    assert_eq!((world.carts(1), world.carts(2)), (0, 0));
}

#[test]
fn an_expired_bundle_comes_back_as_a_whole_or_not_at_all() {
    let mut world = with_bundle(5, 2);
    world.cart(add("a", &[(2, 1)]));
    world.pass(RESERVATION);
    assert!(world.cart(add("a", &[])).removed.is_empty());
    world.pass(RESERVATION);
    assert_eq!(world.cart(add("b", &[(4, 1)])), added(1));
    assert_eq!(world.cart(add("a", &[])).removed, [product(2)]);
    assert_eq!((world.positions("a").len(), world.carts(1), world.carts(2)), (0, 0, 1));
}

#[test]
fn a_voucher_applies_before_the_parts_are_taken_off() {
    let mut world = with_bundle(5, 20);
    world.voucher(VoucherTerms { price_mode: PriceMode::Subtract(1000), ..terms("LESS", 9) });
    world.voucher(VoucherTerms { all_bundles_included: true, ..terms("WHOLE", 9) });
    world.cart(add_with("a", "LESS", &[(2, 1)]));
    assert_eq!((world.position("a").price.gross, world.total("a")), (euros(700), 1300));
    world.cart(add("b", &[(2, 1)]));
    world.cart(apply("b", "WHOLE"));
    assert_eq!((world.position("b").price.gross, world.total("b")), (euros(2300), 2300));
    world.order("a", 1300);
    world.order("b", 2300);
    // Never below nothing: the parts keep their share.
    world.voucher(VoucherTerms { price_mode: PriceMode::Set(400), ..terms("CHEAP", 9) });
    world.cart(add_with("c", "CHEAP", &[(2, 1)]));
    assert_eq!(world.position("c").price.gross, euros(0));
}

#[test]
fn add_ons_keep_to_their_rules() {
    let cases: [(&[(i64, i64)], _); 4] = [
        (&[(4, 1), (5, 2)], AddOnProblem::TooMany(CategoryId(1), 2)),
        (&[(4, 2)], AddOnProblem::Repeated(product(4).item)),
        (&[], AddOnProblem::TooFew(CategoryId(1), 1)),
        (&[(2, 1)], AddOnProblem::NoBase),
    ];
    let mut world = with_add_ons(1, 9);
    world.cart(add("a", &[(2, 1)]));
    let base = world.positions("a")[0];
    for (chosen, problem) in cases {
        let refused = Some(CartRefusal::AddOn(problem));
        assert_eq!(world.cart(add_ons("a", base, chosen)).refused, refused, "{chosen:?}");
    }
    // Another cart's position, and an add-on by itself.
    assert_eq!(world.cart(add_ons("b", base, &[(4, 1)])).refused, Some(CartRefusal::AddOn(AddOnProblem::NoBase)));
    assert_eq!(world.cart(add("b", &[(4, 1)])).refused, Some(CartRefusal::NotSoldAlone(product(4).item)));
    // What must be there is missing: no order.
    let missing = AddOnProblem::TooFew(CategoryId(1), 1);
    assert_eq!(world.serve_one(place("a", 2300)), Outcome::NotPlaced(NotPlaced::AddOns(base, missing)));
    assert_eq!(world.cart(add_ons("a", base, &[(4, 1)])), added(1));
    world.order("a", 2 * 2300);
    assert_eq!((world.uses(1).pending, world.uses(2).pending), (1, 1));
}

#[test]
fn add_ons_are_exchanged_and_go_with_their_position() {
    let mut world = with_add_ons(0, 1);
    world.cart(add("a", &[(2, 1)]));
    let base = world.positions("a")[0];
    assert_eq!(world.cart(add_ons("a", base, &[(4, 1)])), added(1));
    // The place of the one is free for the other.
    assert_eq!(world.cart(add_ons("a", base, &[(5, 1)])), added(1));
    assert_eq!((world.positions("a").len(), world.carts(2)), (2, 1));
    let sold_out = CartOutcome { unavailable: vec![product(4)], ..added(0) };
    assert_eq!(world.cart(add_ons("a", base, &[(4, 1), (5, 1)])), sold_out);
    world.cart(remove("a", base));
    assert_eq!((world.positions("a").len(), world.carts(1), world.carts(2)), (0, 0, 0));
    world.cart(clear("a"));
    assert_eq!(
        world.cart(add_ons("a", CartPositionId(0), &[])).refused,
        Some(CartRefusal::AddOn(AddOnProblem::NoBase))
    );
}

#[test]
fn included_add_ons_cost_nothing() {
    let mut world = with_add_ons(0, 9);
    world.voucher(VoucherTerms { all_addons_included: true, ..terms("ALL", 9) });
    world.cart(add("a", &[(2, 1)]));
    let base = world.positions("a")[0];
    world.cart(add_ons("a", base, &[(4, 1)]));
    assert_eq!(world.total("a"), 2 * 2300);
    world.cart(apply("a", "ALL"));
    assert_eq!(world.total("a"), 2300);
    world.cart(add_ons("a", base, &[(4, 1), (5, 1)]));
    assert_eq!(world.total("a"), 2300);
    world.order("a", 2300);

    let mut world = with_add_ons(0, 9);
    world.offer(2).add_ons[0].price_included = true;
    world.cart(add("a", &[(2, 1)]));
    world.cart(add_ons("a", world.positions("a")[0], &[(4, 1)]));
    world.order("a", 2300);
}
