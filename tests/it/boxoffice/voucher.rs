//! Vouchers: what they are good for, what they take off, and the places that they keep.

use shop::{
    boxoffice::{
        CartOutcome, CartRefusal, NotPlaced, Outcome, PriceMode, Scope, VoucherFault, VoucherProblem, VoucherTerms,
    },
    id::{CartPositionId, ItemId, QuotaId, SubeventId, VoucherId},
};

use super::{
    added,
    ask::{
        add, add_with, apply, blocking, clear, euros, expire, pay_late, place, product, remove, save, save_as, terms,
    },
    two_products,
    world::{RESERVATION, World},
};

fn refused(problem: VoucherProblem) -> CartOutcome {
    CartOutcome { refused: Some(CartRefusal::Voucher(problem)), ..added(0) }
}

fn price_of_two(world: &World, name: &str) -> i64 {
    world.position(name).price.gross.minor()
}

#[test]
fn each_price_mode_does_what_it_says() {
    let cases = [
        (PriceMode::None, 2300),
        (PriceMode::Set(1000), 1000),
        (PriceMode::Set(3000), 3000),
        (PriceMode::Subtract(800), 1500),
        (PriceMode::Subtract(5000), 0),
        (PriceMode::Percent(250_000), 1725),
        (PriceMode::Percent(333_333), 1533),
        (PriceMode::Percent(1_000_000), 0),
    ];
    for (price_mode, price) in cases {
        let mut world = two_products(5);
        world.voucher(VoucherTerms { price_mode, ..terms("CODE", 5) });
        // Letters and spaces do not matter.
        assert_eq!(world.cart(add_with("a", " code ", &[(2, 1)])), added(1), "{price_mode:?}");
        assert_eq!(price_of_two(&world, "a"), price, "{price_mode:?}");
        world.order("a", price);
    }
}

#[test]
fn a_voucher_must_be_known_and_valid_and_for_the_product() {
    let now = two_products(1).now;
    let cases = [
        ("OTHER", terms("CODE", 1), VoucherProblem::Unknown),
        ("CODE", VoucherTerms { valid_until: Some(now.plus_seconds(-1)), ..terms("CODE", 1) }, VoucherProblem::Expired),
        ("CODE", VoucherTerms { scope: Scope::Item(ItemId(1)), ..terms("CODE", 1) }, VoucherProblem::OtherProduct),
    ];
    for (code, terms, problem) in cases {
        let mut world = two_products(5);
        world.voucher(terms);
        assert_eq!(world.cart(add_with("a", code, &[(2, 1)])), refused(problem));
        assert_eq!(world.carts(1), 0);
    }
    // The last moment still counts, and a quota covers what it counts: quota 2 counts product 2 only.
    let mut world = two_products(5);
    world.voucher(VoucherTerms { valid_until: Some(now), scope: Scope::Quota(QuotaId(2)), ..terms("CODE", 2) });
    assert_eq!(world.cart(add_with("a", "CODE", &[(2, 1)])), added(1));
    assert_eq!(world.cart(add_with("a", "CODE", &[(1, 1)])), refused(VoucherProblem::OtherProduct));
}

#[test]
fn uses_are_counted_in_carts_and_orders() {
    let mut world = two_products(50);
    world.voucher(terms("CODE", 3));
    assert_eq!(world.cart(add_with("a", "CODE", &[(2, 2)])), added(2));
    let part = CartOutcome { voucher: Some(VoucherProblem::InPart(1)), ..added(1) };
    assert_eq!(world.cart(add_with("b", "CODE", &[(2, 2)])), part);
    let none = CartOutcome { voucher: Some(VoucherProblem::InOtherCarts), ..added(0) };
    assert_eq!(world.cart(add_with("c", "CODE", &[(2, 1)])), none);
    // What expires in a cart can be used by the next one, and comes back only if it is still there.
    world.pass(RESERVATION);
    assert_eq!(world.cart(add_with("c", "CODE", &[(2, 3)])), added(3));
    assert_eq!(world.cart(add("a", &[])).removed, [product(2); 2]);
    world.order("c", 3 * 2300);
    let gone = CartOutcome { voucher: Some(VoucherProblem::Redeemed), ..added(0) };
    assert_eq!(world.cart(add_with("a", "CODE", &[(2, 1)])), gone);
}

#[test]
fn an_expired_order_keeps_its_uses_but_not_its_budget() {
    let mut world = two_products(50);
    let id =
        world.voucher(VoucherTerms { budget: Some(1000), price_mode: PriceMode::Subtract(1000), ..terms("CODE", 2) });
    world.cart(add_with("a", "CODE", &[(2, 1)]));
    let order = world.order("a", 1300);
    assert_eq!(world.serve_one(expire(order)), Outcome::Expired);
    assert_eq!((world.stock.vouchers[&id].redeemed, world.stock.vouchers[&id].budget_used), (1, 0));
    world.cart(add_with("b", "CODE", &[(2, 1)]));
    world.order("b", 1300);
    // The budget is spent: late money does not bring the discount back.
    assert_eq!(world.serve_one(pay_late(order)), Outcome::NoRoom);
}

#[test]
fn a_budget_is_shared_in_order_and_decided_when_the_order_is_placed() {
    let mut world = two_products(50);
    world.voucher(VoucherTerms { budget: Some(1500), price_mode: PriceMode::Subtract(1000), ..terms("CODE", 9) });
    world.cart(add_with("a", "CODE", &[(2, 2)]));
    assert_eq!(world.total("a"), 1300 + 1800, "the second one gets what is left");
    world.cart(add_with("b", "CODE", &[(2, 1)]));
    world.order("a", 1300 + 1800);
    // The other cart saw a discount that is spent now: nothing is ordered before its buyer has seen the new price.
    assert_eq!(world.serve_one(place("b", 1300)), Outcome::NotPlaced(NotPlaced::PriceChanged));
    world.order("b", 2300);
}

#[test]
fn kept_places_are_sold_to_nobody_else_and_counted_once() {
    let mut world = two_products(5);
    world.voucher(blocking("CODE", 3, Scope::Quota(QuotaId(1))));
    assert_eq!((world.uses(1).vouchers, world.uses(2).vouchers), (3, 0));
    assert_eq!(world.cart(add("a", &[(1, 5)])).added, 2);
    assert_eq!(world.cart(add_with("b", "CODE", &[(1, 2)])), added(2));
    assert_eq!((world.uses(1).vouchers, world.carts(1)), (3, 2), "two of the kept places lie in a cart");
    world.order("b", 0);
    assert_eq!((world.uses(1).vouchers, world.uses(1).paid), (1, 2));
    // Sold out for everybody but the voucher.
    assert_eq!(world.cart(add("c", &[(1, 1)])).unavailable, [product(1)]);
    assert_eq!(world.cart(add_with("c", "CODE", &[(1, 1)])), added(1));
}

#[test]
fn a_voucher_does_not_oversell_a_second_quota() {
    // The voucher keeps places in quota 1; product 2 needs one of quota 2 as well, which is full.
    let mut world = World::new(&[(Some(5), &[2]), (Some(1), &[1, 2])]);
    world.voucher(blocking("CODE", 3, Scope::Quota(QuotaId(1))));
    world.cart(add("a", &[(1, 1)]));
    let none = CartOutcome { unavailable: vec![product(2)], ..added(0) };
    assert_eq!(world.cart(add_with("b", "CODE", &[(2, 1)])), none);
    world.cart(clear("a"));
    assert_eq!(world.cart(add_with("b", "CODE", &[(2, 2)])).added, 1);
}

#[test]
fn only_a_voucher_that_may_ignores_quotas() {
    let mut world = two_products(1);
    world.voucher(VoucherTerms { allow_ignore_quota: true, ..terms("CODE", 3) });
    world.cart(add("a", &[(1, 1)]));
    assert_eq!(world.cart(add_with("b", "CODE", &[(2, 3)])), added(3));
    assert_eq!(world.carts(1), 4);
    world.order("b", 3 * 2300);
}

#[test]
fn an_expired_voucher_keeps_nothing_and_its_carts_count_by_themselves() {
    let mut world = two_products(4);
    let until = world.now.plus_seconds(600);
    let id = world.voucher(VoucherTerms { valid_until: Some(until), ..blocking("CODE", 3, Scope::Quota(QuotaId(1))) });
    world.cart(add_with("a", "CODE", &[(1, 1)]));
    world.now = until;
    assert_eq!(world.cart(add("b", &[(1, 4)])).added, 1);
    world.now = until.plus_seconds(1);
    assert_eq!(world.cart(add("c", &[(1, 4)])).added, 2);
    assert_eq!((world.uses(1).vouchers, world.carts(1)), (0, 4));
    assert!(!world.stock.vouchers[&id].holds_stock);
    // The cart that holds it cannot be ordered with it.
    assert_eq!(world.serve_one(place("a", 0)), Outcome::NotPlaced(NotPlaced::Unavailable(vec![product(1)])));
    assert_eq!(world.carts(1), 3);
}

#[test]
fn a_voucher_for_an_item_keeps_a_place_of_each_variation() {
    let mut world = World::new(&[(Some(2), &[41]), (Some(2), &[42])]);
    world.voucher(blocking("CODE", 1, Scope::Item(ItemId(4))));
    assert_eq!((world.uses(1).vouchers, world.uses(2).vouchers), (1, 1));
    world.cart(add_with("a", "CODE", &[(41, 1)]));
    world.order("a", 2300);
    assert_eq!((world.uses(1).vouchers, world.uses(2).vouchers, world.uses(1).pending), (0, 0, 1));
}

#[test]
fn a_voucher_that_would_keep_what_is_not_there_is_refused_with_its_field() {
    let quota = Scope::Quota(QuotaId(1));
    let mut world = two_products(5);
    world.cart(add("a", &[(1, 2)]));
    let no_room = VoucherFault::NoRoom(QuotaId(1));
    assert_eq!(world.serve_one(save(blocking("CODE", 4, quota))), Outcome::VoucherRefused(no_room));
    assert_eq!(no_room.field(), "block_quota");
    let id = world.voucher(blocking("CODE", 2, quota));
    // The reference lets the number of uses go up unseen.
    let more = VoucherFault::NoRoomForMore(QuotaId(1));
    assert_eq!(world.serve_one(save_as(id, blocking("CODE", 4, quota))), Outcome::VoucherRefused(more));
    assert_eq!(more.field(), "max_usages");
    assert_eq!(world.serve_one(save_as(id, blocking("CODE", 3, quota))), Outcome::VoucherSaved);
    assert_eq!(world.uses(1).vouchers, 3);
    assert_eq!(world.serve_one(save_as(id, terms("CODE", 3))), Outcome::VoucherSaved);
    assert_eq!(world.uses(1).vouchers, 0);
}

#[test]
fn what_is_wrong_with_a_voucher_is_told_by_field() {
    let cases = [
        (blocking("CODE", 1, Scope::Any), VoucherFault::NoScope, "block_quota"),
        (VoucherTerms { min_usages: 3, ..terms("CODE", 2) }, VoucherFault::UsagesOrder, "max_usages"),
        (terms("TAKEN", 1), VoucherFault::CodeTaken, "code"),
        (VoucherTerms { scope: Scope::Item(ItemId(77)), ..terms("CODE", 1) }, VoucherFault::WrongScope, "item"),
        (VoucherTerms { scope: Scope::Quota(QuotaId(77)), ..terms("CODE", 1) }, VoucherFault::WrongScope, "item"),
        (VoucherTerms { date: Some(SubeventId(1)), ..terms("CODE", 1) }, VoucherFault::WrongDate, "subevent"),
    ];
    let mut world = two_products(5);
    world.voucher(terms("TAKEN", 1));
    for (terms, fault, field) in cases {
        assert_eq!(world.serve_one(save(terms)), Outcome::VoucherRefused(fault));
        assert_eq!(fault.field(), field);
    }
    assert_eq!(
        world.serve_one(save_as(VoucherId(99), terms("CODE", 1))),
        Outcome::VoucherRefused(VoucherFault::Missing)
    );
    let id = world.voucher(terms("USED", 3));
    world.cart(add_with("a", "USED", &[(2, 2)]));
    // What lies in carts was promised.
    assert_eq!(world.serve_one(save_as(id, terms("USED", 1))), Outcome::VoucherRefused(VoucherFault::AlreadyUsed));
}

#[test]
fn a_deleted_voucher_takes_its_cart_positions_along_and_an_ordered_one_stays() {
    let mut world = two_products(5);
    let id = world.voucher(blocking("CODE", 2, Scope::Quota(QuotaId(1))));
    world.cart(add_with("a", "CODE", &[(2, 1)]));
    world.cart(add("a", &[(1, 1)]));
    let delete = || shop::boxoffice::Request::DeleteVoucher { voucher: id };
    assert_eq!(world.serve_one(delete()), Outcome::VoucherDeleted);
    assert_eq!((world.positions("a").len(), world.uses(1).total()), (1, 1));
    assert_eq!(world.serve_one(delete()), Outcome::VoucherRefused(VoucherFault::Missing));

    let mut world = two_products(5);
    let id = world.voucher(terms("CODE", 2));
    world.cart(add_with("a", "CODE", &[(1, 1)]));
    world.order("a", 0);
    let delete = shop::boxoffice::Request::DeleteVoucher { voucher: id };
    assert_eq!(world.serve_one(delete), Outcome::VoucherRefused(VoucherFault::InUse));
}

#[test]
fn a_voucher_goes_where_it_saves_most() {
    let mut world = World::new(&[(Some(9), &[1, 2, 4, 5])]);
    world.offer(4).listed = euros(4000);
    world.voucher(VoucherTerms { price_mode: PriceMode::Percent(500_000), ..terms("CODE", 2) });
    world.cart(add("a", &[(1, 1), (2, 1), (4, 1), (5, 1)]));
    let outcome = world.cart(apply("a", "code"));
    assert_eq!((outcome.vouchered, outcome.voucher), (2, Some(VoucherProblem::InPart(2))));
    assert_eq!(world.total("a"), 1150 + 2000 + 2300);
    // What has a voucher keeps it; uses are gone.
    assert_eq!(world.cart(apply("a", "CODE")), refused(VoucherProblem::InOtherCarts));
    let other = VoucherTerms { scope: Scope::Item(ItemId(4)), ..terms("OTHER", 9) };
    world.voucher(other);
    assert_eq!(world.cart(apply("a", "OTHER")), refused(VoucherProblem::NoMatch));
    assert_eq!(world.cart(apply("a", "NOTHING")), refused(VoucherProblem::Unknown));
}

#[test]
fn a_voucher_with_a_minimum_is_used_for_so_many_or_not_at_all() {
    let mut world = two_products(9);
    world.voucher(VoucherTerms { min_usages: 2, ..terms("CODE", 5) });
    assert_eq!(world.cart(add_with("a", "CODE", &[(2, 1)])), refused(VoucherProblem::TooFew(2)));
    assert_eq!(world.cart(add_with("a", "CODE", &[(2, 2)])), added(2));
    let outcome = world.cart(remove("a", world.positions("a")[0]));
    assert_eq!(outcome.removed, [product(2)]);
    assert_eq!(outcome.voucher, Some(VoucherProblem::RemovedTooFew(2)));
    assert_eq!(world.carts(1), 0);
    // Once it was used so often, single ones are possible.
    world.cart(add_with("a", "CODE", &[(2, 2)]));
    world.order("a", 2 * 2300);
    assert_eq!(world.cart(add_with("b", "CODE", &[(2, 1)])), added(1));
    world.cart(add("c", &[(2, 1)]));
    assert_eq!(world.cart(apply("c", "CODE")).vouchered, 1);
}

#[test]
fn products_that_need_a_voucher_are_sold_with_one() {
    let mut world = two_products(9);
    world.offer(2).needs_voucher = true;
    world.offer(1).hidden_without_voucher = true;
    world.voucher(terms("CODE", 9));
    world.voucher(VoucherTerms { show_hidden_items: false, ..terms("BLIND", 9) });
    assert_eq!(world.cart(add("a", &[(2, 1)])).refused, Some(CartRefusal::NeedsVoucher(product(2).item)));
    // A hidden product is said to be gone, not to be hidden.
    assert_eq!(world.cart(add("a", &[(1, 1)])).unavailable, [product(1)]);
    assert_eq!(world.cart(add_with("a", "BLIND", &[(1, 1)])).unavailable, [product(1)]);
    assert_eq!(world.cart(add_with("a", "CODE", &[(1, 1), (2, 1)])), added(2));
    assert_eq!(world.cart(add_with("a", "BLIND", &[(2, 1)])), added(1));
    world.order("a", 2 * 2300);
}

#[test]
fn a_free_price_stays_above_the_price_after_the_voucher() {
    let mut world = two_products(9);
    world.offer(2).free_price = true;
    world.voucher(VoucherTerms { price_mode: PriceMode::Subtract(1300), ..terms("CODE", 9) });
    for (chosen, price) in [(500, 1000), (1500, 1500)] {
        let mut request = add_with("a", "CODE", &[(2, 1)]);
        if let shop::boxoffice::Request::AddToCart { lines, .. } = &mut request {
            lines[0].chosen_price = Some(euros(chosen));
        }
        world.cart(clear("a"));
        world.cart(request);
        assert_eq!(world.total("a"), price, "{chosen}");
    }
}

#[test]
fn a_voucher_of_one_date_keeps_and_sells_only_that_date() {
    let mut world = two_products(9);
    let (first, second) = (world.on_date(2, 1, 2), world.on_date(2, 2, 2));
    let scope = Scope::Item(product(2).item);
    assert_eq!(world.serve_one(save(blocking("CODE", 1, scope))), Outcome::VoucherRefused(VoucherFault::NoDate));
    world.voucher(VoucherTerms { date: Some(SubeventId(1)), ..blocking("CODE", 1, scope) });
    let quota_of = |world: &World, product| world.stock.quotas_of[&product][0].0;
    assert_eq!((world.uses(quota_of(&world, first)).vouchers, world.uses(quota_of(&world, second)).vouchers), (1, 0));
    let with_date = |mut request: shop::boxoffice::Request, product| {
        if let shop::boxoffice::Request::AddToCart { lines, .. } = &mut request {
            lines[0].product = product;
        }
        request
    };
    let outcome = world.cart(with_date(add_with("a", "CODE", &[(2, 1)]), second));
    assert_eq!(outcome, refused(VoucherProblem::OtherDate));
    assert_eq!(world.cart(with_date(add_with("a", "CODE", &[(2, 1)]), first)), added(1));
    // One place of the first date is left, two of the second: each date has its own.
    assert_eq!(world.cart(with_date(add("b", &[(2, 3)]), first)).added, 1);
    assert_eq!(world.cart(with_date(add("c", &[(2, 3)]), second)).added, 2);
    world.order("a", 2300);
    world.order("b", 2300);
    assert_eq!(world.position("c").product.date, Some(SubeventId(2)));
    assert_ne!(world.positions("c")[0], CartPositionId(0));
}
