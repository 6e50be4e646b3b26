//! Carts that programs fill: prices as they are said, places and vouchers as for everybody.

use shop::{
    boxoffice::{CartId, OrderRefusal, Outcome, Request, Reservation, Scope, VoucherProblem, VoucherTerms},
    id::{CartPositionId, ItemId, QuotaId},
};

use super::{
    added,
    ask::{add, blocking, euros, price, product, terms},
    world::{RESERVATION, World},
};

/// A quota of two for product 1, and another for product 2.
fn of_two() -> World {
    World::new(&[(Some(2), &[1]), (Some(2), &[2])])
}

fn reserve(name: &str, number: i64, voucher: Option<&str>, parts: &[i64]) -> Request {
    let unit = Reservation {
        product: product(number),
        price: price(euros(700)),
        voucher: voucher.map(str::to_owned),
        parts: parts.iter().map(|number| (product(*number), price(euros(100)))).collect(),
        expires_at: None,
    };
    Request::Reserve { cart: CartId(name.to_owned()), unit: Box::new(unit) }
}

fn release(name: &str, position: CartPositionId) -> Request {
    Request::Release { cart: CartId(name.to_owned()), position }
}

fn is_done(world: &mut World, request: Request) -> bool {
    matches!(world.serve_one(request), Outcome::Cart(_))
}

#[test]
fn a_unit_is_reserved_with_all_that_comes_with_it_or_not_at_all() {
    let mut world = of_two();
    assert!(is_done(&mut world, reserve("a", 2, None, &[1])));
    assert_eq!((world.carts(1), world.carts(2)), (1, 1));
    let full = Outcome::NotCreated(vec![(2, OrderRefusal::NoRoom(QuotaId(1)))]);
    assert_eq!(world.serve_one(reserve("b", 2, None, &[1, 1])), full);
    assert_eq!((world.carts(1), world.carts(2)), (1, 1));
    // Nothing counts a product that no quota knows.
    let unknown = Outcome::NotCreated(vec![(0, OrderRefusal::NoQuota(product(3)))]);
    assert_eq!(world.serve_one(reserve("b", 3, None, &[])), unknown);
    let whole = world.positions("a")[0];
    assert!(is_done(&mut world, release("b", whole)), "it is in another cart: nothing happens");
    assert_eq!(world.carts(2), 1);
    assert!(is_done(&mut world, release("a", whole)));
    assert_eq!((world.carts(1), world.carts(2)), (0, 0));
    // Several in one batch share what is left, also those of one cart.
    let outcomes = world.serve(&[reserve("c", 1, None, &[]), reserve("d", 1, None, &[]), reserve("e", 1, None, &[])]);
    let done: Vec<bool> = outcomes.iter().map(|outcome| matches!(outcome, Outcome::Cart(_))).collect();
    assert_eq!((done, world.carts(1)), (vec![true, true, false], 2));
    world.pass(RESERVATION);
    assert_eq!((world.cart(add("f", &[(1, 2)])), world.carts(1)), (added(2), 2));
}

#[test]
fn a_voucher_brings_its_place_along_and_its_uses_are_counted() {
    let mut world = of_two();
    let id = world.voucher(terms("ONCE", 1));
    assert!(is_done(&mut world, reserve("a", 1, Some(" once "), &[])));
    assert_eq!((world.stock.vouchers[&id].in_carts, world.carts(1)), (1, 1));
    let refused = |problem| Outcome::NotCreated(vec![(0, OrderRefusal::Voucher(problem))]);
    assert_eq!(world.serve_one(reserve("b", 1, Some("ONCE"), &[])), refused(VoucherProblem::InOtherCarts));
    assert_eq!(world.serve_one(reserve("b", 1, Some("OTHER"), &[])), refused(VoucherProblem::Unknown));
    world.voucher(VoucherTerms { scope: Scope::Item(ItemId(2)), ..terms("TWO", 5) });
    assert_eq!(world.serve_one(reserve("b", 1, Some("TWO"), &[])), refused(VoucherProblem::OtherProduct));
    let used = world.positions("a")[0];
    assert!(is_done(&mut world, release("a", used)));
    assert_eq!((world.stock.vouchers[&id].in_carts, world.carts(1)), (0, 0));
    world.voucher(blocking("KEEP", 2, Scope::Item(ItemId(2))));
    assert_eq!(
        world.cart(add("c", &[(2, 1)])),
        shop::boxoffice::CartOutcome { unavailable: vec![product(2)], ..added(0) }
    );
    assert!(is_done(&mut world, reserve("d", 2, Some("KEEP"), &[])));
    assert_eq!(world.carts(2), 0, "the voucher keeps its place");
}
