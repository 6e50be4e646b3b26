//! What can happen to an order, rule by rule.

use shop::{
    boxoffice::{CancellationFee, Change, CreateOrder, OrderAction, OrderRefusal, Outcome, Request},
    id::{OrderId, QuotaId},
    money::TaxRate,
    order::OrderStatus,
    payment::Provider,
    pricing::{Billing, FeeType, PaymentFee, Rounding},
};

use super::{
    ask::{
        add, add_fee, add_position, cancellation_fee, change, create, euros, expire, mark_paid, pay, pay_late, price,
        product,
    },
    two_products,
    world::World,
};

const DAY: i64 = 24 * 3600;

fn extend(world: &World, force: bool) -> OrderAction {
    OrderAction::Extend { expires_at: world.now.plus_seconds(DAY), force }
}

fn reactivate(world: &World, force: bool) -> OrderAction {
    OrderAction::Reactivate { expires_at: world.now.plus_seconds(DAY), force }
}

/// Changes an order that nobody else touches.
fn edit(world: &mut World, order: OrderId, changes: Vec<Change>) -> Result<OrderStatus, OrderRefusal> {
    let read_at = world.ordered(order).modified_at;
    let expires_at = world.now.plus_seconds(DAY);
    world.act(order, OrderAction::Change { changes, read_at, expires_at, force: false })
}

/// Two tickets for 23.00 in a quota of `places`.
fn two_tickets(places: i64) -> (World, OrderId) {
    let mut world = two_products(places);
    world.cart(add("a", &[(2, 2)]));
    let order = world.order("a", 4600);
    (world, order)
}

#[test]
fn each_action_needs_its_state() {
    use OrderStatus::{Canceled, Expired, Paid, Pending};
    type Prepare = fn(&mut World, OrderId);
    let states: [(OrderStatus, Prepare); 4] = [
        (Pending, |_, _| {}),
        (Paid, |world, order| drop(world.serve_one(pay(order)))),
        (Expired, |world, order| drop(world.serve_one(expire(order)))),
        (Canceled, |world, order| _ = world.act(order, OrderAction::Cancel { fee: None })),
    ];
    type Action = fn(&World) -> OrderAction;
    let actions: [(&str, Action, [Option<OrderStatus>; 4]); 6] = [
        // From pending, paid, expired and cancelled.
        ("cancel", |_| OrderAction::Cancel { fee: None }, [Some(Canceled), Some(Canceled), Some(Canceled), None]),
        ("refunded", |_| OrderAction::MarkRefunded, [None, Some(Canceled), None, None]),
        ("pending", |_| OrderAction::MarkPending, [None, Some(Pending), None, None]),
        ("extend", |world| extend(world, false), [Some(Pending), None, Some(Pending), None]),
        ("reactivate", |world| reactivate(world, false), [None, None, None, Some(Pending)]),
        ("deny", |_| OrderAction::Deny, [None; 4]),
    ];
    for (name, action, expected) in actions {
        for ((state, prepare), expected) in states.iter().zip(expected) {
            let (mut world, order) = two_tickets(2);
            prepare(&mut world, order);
            let action = action(&world);
            let outcome = world.act(order, action);
            assert_eq!(outcome.ok(), expected, "{name} from {state:?}");
            let (status, uses) = (world.ordered(order).status, world.uses(1));
            assert_eq!(status, expected.unwrap_or(*state), "{name} from {state:?}");
            let held = match status {
                Pending => (2, 0),
                Paid => (0, 2),
                Expired | Canceled => (0, 0),
            };
            assert_eq!((uses.pending, uses.paid), held, "{name} from {state:?}");
        }
    }
    let (mut world, _) = two_tickets(2);
    assert_eq!(world.act(OrderId(999), OrderAction::MarkPending), Err(OrderRefusal::Missing));
}

#[test]
fn what_comes_back_needs_room_again_unless_it_is_forced() {
    type Go = fn(&mut World, OrderId);
    type Back = fn(&World, bool) -> OrderAction;
    let ways: [(Go, Back); 2] = [
        (|world, order| drop(world.serve_one(expire(order))), extend),
        (|world, order| _ = world.act(order, OrderAction::Cancel { fee: None }), reactivate),
    ];
    for (go, back) in ways {
        let (mut world, order) = two_tickets(2);
        go(&mut world, order);
        world.cart(add("b", &[(1, 1)]));
        let (normal, forced) = (back(&world, false), back(&world, true));
        assert_eq!(world.act(order, normal), Err(OrderRefusal::NoRoom(QuotaId(1))));
        assert_eq!(world.uses(1).pending, 0);
        // Staff may overbook: the quota is grown here so that the world's own check agrees.
        world.quota(1).size = Some(3);
        world.quota(1).closed = true;
        let normal = back(&world, false);
        assert_eq!(world.act(order, normal), Err(OrderRefusal::NoRoom(QuotaId(1))), "a closed quota sells nothing");
        world.quota(1).closed = false;
        assert_eq!(world.act(order, forced), Ok(OrderStatus::Pending));
        assert_eq!(world.uses(1).pending, 2);
        assert_eq!(world.ordered(order).expires_at, world.now.plus_seconds(DAY));
    }
}

#[test]
fn who_waits_for_places_does_not_stop_staff() {
    let (mut world, order) = two_tickets(2);
    world.serve_one(expire(order));
    world.quota(1).uses.waiting = 2;
    let (outcomes, _) = shop::boxoffice::decide(world.stock.clone(), &[pay_late(order)], world.now);
    assert_eq!(outcomes, [Outcome::NoRoom], "money that comes late waits in line");
    let (outcomes, _) = shop::boxoffice::decide(world.stock.clone(), &[mark_paid(order)], world.now);
    assert_eq!(outcomes, [Outcome::Paid], "but not if staff says that it is there");
    let (outcomes, _) =
        shop::boxoffice::decide(world.stock.clone(), &[change(order, extend(&world, false))], world.now);
    assert_eq!(outcomes, [Outcome::OrderChanged(OrderStatus::Pending)]);
}

#[test]
fn a_deadline_lies_in_the_future() {
    let (mut world, order) = two_tickets(2);
    let expires_at = world.now;
    let extend = OrderAction::Extend { expires_at, force: true };
    assert_eq!(world.act(order, extend), Err(OrderRefusal::DeadlinePassed));
}

#[test]
fn a_reactivated_order_with_all_its_money_is_paid() {
    let (mut world, order) = two_tickets(2);
    world.serve_one(pay(order));
    world.act(order, OrderAction::Cancel { fee: None }).unwrap();
    let back = reactivate(&world, false);
    assert_eq!(world.act(order, back), Ok(OrderStatus::Paid));
    assert_eq!((world.uses(1).paid, world.uses(1).pending), (2, 0));
}

#[test]
fn a_cancellation_fee_keeps_the_order_and_frees_its_places() {
    // Paid before, fee in cents → status and what is owed.
    let cases =
        [(true, 1500, OrderStatus::Paid), (false, 1500, OrderStatus::Pending), (false, 4600, OrderStatus::Pending)];
    for (paid, cents, status) in cases {
        let (mut world, order) = two_tickets(2);
        if paid {
            world.serve_one(pay(order));
        }
        let fee = cancellation_fee(&world, cents);
        assert_eq!(world.act(order, OrderAction::Cancel { fee: Some(fee) }), Ok(status));
        assert_eq!(world.uses(1).total(), 0);
        let deadline = world.now.plus_seconds(DAY);
        let order = world.ordered(order);
        assert_eq!((order.total, order.positions.len()), (euros(cents), 0));
        let fees: Vec<_> = order.fees.iter().map(|fee| (fee.fee_type, fee.line.gross, fee.line.rate)).collect();
        assert_eq!(fees, [(FeeType::Cancellation, euros(cents), TaxRate(190_000))]);
        assert!(paid || order.expires_at == deadline);
    }
    let (mut world, order) = two_tickets(2);
    let fee = cancellation_fee(&world, 4601);
    assert_eq!(world.act(order, OrderAction::Cancel { fee: Some(fee) }), Err(OrderRefusal::FeeTooHigh));
    assert_eq!(world.uses(1).pending, 2);
    // Nothing is left to cancel after that.
    let fee = cancellation_fee(&world, 100);
    world.act(order, OrderAction::Cancel { fee: Some(fee) }).unwrap();
    assert_eq!(world.act(order, OrderAction::Cancel { fee: None }), Err(OrderRefusal::Empty));
}

#[test]
fn a_fee_that_stays_is_part_of_the_cancellation_fee() {
    let (mut world, order) = two_tickets(2);
    edit(&mut world, order, vec![add_fee(euros(300)), add_fee(euros(500))]).unwrap();
    let fee = |keep| CancellationFee { keep, ..cancellation_fee(&world, 1000) };
    let (missing, too_much) = (fee(vec![9]), CancellationFee { amount: euros(400), ..fee(vec![2]) });
    let some = fee(vec![2]);
    assert_eq!(world.act(order, OrderAction::Cancel { fee: Some(missing) }), Err(OrderRefusal::NoSuchPart(9)));
    assert_eq!(world.act(order, OrderAction::Cancel { fee: Some(too_much) }), Err(OrderRefusal::FeeTooHigh));
    world.act(order, OrderAction::Cancel { fee: Some(some) }).unwrap();
    let fees: Vec<_> = world.ordered(order).fees.iter().map(|fee| (fee.fee_type, fee.line.gross)).collect();
    assert_eq!(fees, [(FeeType::Service, euros(500)), (FeeType::Cancellation, euros(500))]);
}

#[test]
fn what_waits_for_approval_holds_its_places_and_cannot_be_paid() {
    let (mut world, order) = two_tickets(2);
    let approve = OrderAction::Approve { expires_at: world.now.plus_seconds(DAY) };
    assert_eq!(world.act(order, approve.clone()), Err(OrderRefusal::Approval));
    world.ordered_mut(order).require_approval = true;
    assert_eq!(world.serve_one(pay(order)), Outcome::NotPayable);
    assert_eq!(world.act(order, approve.clone()), Ok(OrderStatus::Pending));
    assert_eq!(world.ordered(order).expires_at, world.now.plus_seconds(DAY));
    assert_eq!(world.uses(1).pending, 2);

    let (mut world, order) = two_tickets(2);
    world.ordered_mut(order).require_approval = true;
    assert_eq!(world.act(order, OrderAction::Deny), Ok(OrderStatus::Canceled));
    assert_eq!(world.uses(1).total(), 0);
    assert_eq!(world.act(order, approve), Err(OrderRefusal::Approval));
    // It comes back as something that still waits.
    let back = reactivate(&world, false);
    assert_eq!(world.act(order, back), Ok(OrderStatus::Pending));
    assert!(world.ordered(order).require_approval);
}

#[test]
fn an_approved_order_that_costs_nothing_is_confirmed() {
    let (mut world, order) = two_tickets(2);
    let free = (1..=2).map(|number| Change::SetPrice { number, gross: euros(0) }).collect();
    world.ordered_mut(order).require_approval = true;
    assert_eq!(edit(&mut world, order, free), Ok(OrderStatus::Pending), "it still waits");
    let approve = OrderAction::Approve { expires_at: world.now.plus_seconds(DAY) };
    assert_eq!(world.act(order, approve), Ok(OrderStatus::Paid));
    assert_eq!((world.uses(1).paid, world.uses(1).pending), (2, 0));
}

#[test]
fn a_change_needs_room_for_what_it_adds_less_what_it_gives_back() {
    let swap = |number, to| Change::SwapProduct {
        number,
        product: product(to),
        gross: Some(euros(2300)),
        tax_rate: price(euros(2300)).tax_rate,
    };
    let (mut world, order) = two_tickets(2);
    // Products 1 and 2 share the full quota: a swap inside it needs no room, and one more has none.
    assert_eq!(edit(&mut world, order, vec![swap(1, 1)]), Ok(OrderStatus::Pending));
    assert_eq!((world.uses(1).pending, world.uses(2).pending), (2, 1));
    let one_more = || add_position(product(1), euros(2300));
    assert_eq!(edit(&mut world, order, vec![one_more()]), Err(OrderRefusal::NoRoom(QuotaId(1))));
    // One for another is even.
    let one_for_another = vec![one_more(), Change::CancelPosition { number: 1 }];
    assert_eq!(edit(&mut world, order, one_for_another), Ok(OrderStatus::Pending));
    let numbers: Vec<_> = world.ordered(order).positions.iter().map(|position| position.number).collect();
    assert_eq!(numbers, [2, 3]);
    // A product of no quota is not sold.
    assert_eq!(edit(&mut world, order, vec![swap(2, 3)]), Err(OrderRefusal::NoQuota(product(3))));
    assert_eq!(world.uses(1).pending, 2);
}

#[test]
fn a_change_is_all_or_nothing() {
    let (mut world, order) = two_tickets(5);
    let cases = [
        (vec![Change::CancelPosition { number: 1 }, Change::CancelPosition { number: 2 }], OrderRefusal::Empty),
        (vec![Change::CancelPosition { number: 1 }, Change::CancelPosition { number: 7 }], OrderRefusal::NoSuchPart(7)),
        (vec![Change::SetPrice { number: 1, gross: euros(-5000) }], OrderRefusal::NegativeTotal),
        ((0..500).map(|_| add_position(product(2), euros(0))).collect(), OrderRefusal::NoRoom(QuotaId(1))),
    ];
    let before = world.ordered(order).clone();
    for (changes, refusal) in cases {
        let expected = if changes.len() == 500 { OrderRefusal::TooMany } else { refusal };
        assert_eq!(edit(&mut world, order, changes), Err(expected));
        assert_eq!(*world.ordered(order), before);
    }
    // Who has read an older state is refused, also in one batch.
    let stale = OrderAction::Change {
        changes: vec![Change::CancelPosition { number: 1 }],
        read_at: before.modified_at,
        expires_at: before.expires_at,
        force: false,
    };
    let outcomes = world.serve(&[change(order, stale.clone()), change(order, stale)]);
    let refused = Outcome::OrderRefused(OrderRefusal::ChangedMeanwhile);
    assert_eq!(outcomes, [Outcome::OrderChanged(OrderStatus::Pending), refused]);
    assert_eq!(world.uses(1).pending, 1);
}

#[test]
fn the_price_of_a_change_decides_whether_money_is_missing() {
    let (mut world, order) = two_tickets(5);
    world.serve_one(pay(order));
    // More to pay: pending again. As much as was paid: paid again.
    assert_eq!(edit(&mut world, order, vec![add_fee(euros(200))]), Ok(OrderStatus::Pending));
    assert_eq!((world.ordered(order).total, world.uses(1).pending), (euros(4800), 2));
    assert_eq!(world.ordered(order).expires_at, world.now.plus_seconds(DAY));
    assert_eq!(edit(&mut world, order, vec![Change::CancelFee { number: 1 }]), Ok(OrderStatus::Paid));
    assert_eq!((world.ordered(order).total, world.uses(1).paid), (euros(4600), 2));
    // Cheaper: too much was paid, which changes nothing.
    assert_eq!(edit(&mut world, order, vec![Change::SetPrice { number: 1, gross: euros(100) }]), Ok(OrderStatus::Paid));
    assert_eq!(world.ordered(order).total, euros(2400));
    // A pending order that costs nothing any more is confirmed.
    let (mut world, order) = two_tickets(5);
    let free = (1..=2).map(|number| Change::SetPrice { number, gross: euros(0) }).collect();
    assert_eq!(edit(&mut world, order, free), Ok(OrderStatus::Paid));
}

#[test]
fn an_expired_order_holds_nothing_when_it_is_changed() {
    let (mut world, order) = two_tickets(2);
    world.serve_one(expire(order));
    assert_eq!(edit(&mut world, order, vec![add_position(product(2), euros(2300))]), Ok(OrderStatus::Expired));
    assert_eq!(world.uses(1).total(), 0);
    world.act(order, OrderAction::Cancel { fee: None }).unwrap();
    let changed = edit(&mut world, order, vec![Change::CancelPosition { number: 1 }]);
    assert_eq!(changed, Err(OrderRefusal::WrongState(OrderStatus::Canceled)));
}

#[test]
fn several_things_can_happen_to_an_order_in_one_batch() {
    let (mut world, order) = two_tickets(2);
    let back = reactivate(&world, false);
    let batch = [
        pay(order),
        change(order, OrderAction::MarkPending),
        expire(order),
        change(order, extend(&world, false)),
        change(order, OrderAction::Cancel { fee: None }),
        change(order, back),
    ];
    world.serve(&batch);
    assert_eq!(world.ordered(order).status, OrderStatus::Pending);
    assert_eq!((world.uses(1).pending, world.uses(1).paid), (2, 0));
}

fn serve(world: &mut World, order: CreateOrder) -> Outcome {
    world.serve_one(Request::CreateOrder { wanted: Box::new(order) })
}

#[test]
fn a_created_order_needs_room_and_names_each_position_without() {
    let mut world = two_products(2);
    let wanted = create(&world, &[1, 3, 2, 1], &[]);
    let faults = vec![(1, OrderRefusal::NoQuota(product(3))), (3, OrderRefusal::NoRoom(QuotaId(1)))];
    assert_eq!(serve(&mut world, wanted), Outcome::NotCreated(faults));
    assert_eq!(world.uses(1).total(), 0);
    let wanted = create(&world, &[1, 2], &[]);
    assert!(matches!(serve(&mut world, wanted), Outcome::Placed { .. }));
    assert_eq!((world.uses(1).pending, world.uses(2).pending), (2, 1));
    let (id, order) = world.stock.orders.last_key_value().unwrap();
    assert_eq!((order.total, order.positions.len(), order.last_position), (euros(4600), 2, 2));
    // It lives on like any other.
    let id = *id;
    world.act(id, OrderAction::Cancel { fee: None }).unwrap();
    assert_eq!(world.uses(1).total(), 0);
}

#[test]
fn a_created_order_takes_what_a_cart_holds() {
    let mut world = two_products(2);
    world.cart(add("a", &[(1, 2)]));
    let wanted = create(&world, &[2], &[]);
    assert_eq!(serve(&mut world, wanted), Outcome::NotCreated(vec![(0, OrderRefusal::NoRoom(QuotaId(1)))]));
    let three = create(&world, &[2, 2, 2], &["a"]);
    assert_eq!(serve(&mut world, three), Outcome::NotCreated(vec![(2, OrderRefusal::NoRoom(QuotaId(1)))]));
    assert_eq!(world.carts(1), 2, "a refused order leaves the cart alone");
    let wanted = create(&world, &[2], &["a"]);
    assert!(matches!(serve(&mut world, wanted), Outcome::Placed { .. }));
    assert_eq!((world.carts(1), world.uses(1).pending, world.positions("a").len()), (0, 1, 0));
}

#[test]
fn a_created_order_is_paid_if_it_says_so_or_costs_nothing() {
    let mut world = two_products(9);
    let paid = CreateOrder { paid_at: Some(world.now), payment: Some(Provider::Manual), ..create(&world, &[2], &[]) };
    let mut free = create(&world, &[1], &[]);
    free.positions[0].price = price(euros(0));
    let waits = CreateOrder { require_approval: true, ..free.clone() };
    for (wanted, status) in [(paid, OrderStatus::Paid), (free, OrderStatus::Paid), (waits, OrderStatus::Pending)] {
        serve(&mut world, wanted);
        let order = world.stock.orders.last_key_value().unwrap().1;
        assert_eq!(order.status, status);
        assert!(order.is_covered());
    }
    assert_eq!((world.uses(1).paid, world.uses(1).pending), (2, 1));
}

#[test]
fn staff_may_name_what_goes_with_the_rest() {
    let (mut world, order) = two_tickets(5);
    let mut below = add_position(product(1), euros(100));
    if let Change::AddPosition { parent, .. } = &mut below {
        *parent = Some(1);
    }
    assert_eq!(edit(&mut world, order, vec![below]), Ok(OrderStatus::Pending));
    let both = vec![Change::CancelPosition { number: 1 }, Change::CancelPosition { number: 3 }];
    assert_eq!(edit(&mut world, order, both), Ok(OrderStatus::Pending));
    let numbers: Vec<_> = world.ordered(order).positions.iter().map(|position| position.number).collect();
    assert_eq!(numbers, [2]);
    let gone = vec![Change::CancelPosition { number: 3 }];
    assert_eq!(edit(&mut world, order, gone), Err(OrderRefusal::NoSuchPart(3)));
}

#[test]
fn a_product_that_is_moved_keeps_its_price_without_what_rounding_added() {
    let (mut world, order) = two_tickets(5);
    let rate = TaxRate(70_000);
    world.ordered_mut(order).rounding = Rounding::SumByNet;
    let net = |number| Change::SwapProduct { number, product: product(2), gross: Some(euros(1061)), tax_rate: rate };
    let more = add_position(product(2), euros(1061));
    assert!(edit(&mut world, order, vec![net(1), net(2), more]).is_ok());
    assert!(edit(&mut world, order, vec![net(3)]).is_ok());
    let total = world.ordered(order).total;
    for number in 1..=3 {
        let moved = Change::SwapProduct { number, product: product(1), gross: None, tax_rate: rate };
        assert!(edit(&mut world, order, vec![moved]).is_ok());
        assert_eq!(world.ordered(order).total, total, "moving position {number} costs nothing");
    }
}

#[test]
fn the_fee_for_the_way_to_pay_follows_the_price() {
    let mut world = World::new(&[(Some(10), &[1, 2])]);
    let fee = PaymentFee { absolute: euros(50), percent: TaxRate(20_000), of_sum: false };
    world.stock.billing = Billing { payment_fees: vec![(Provider::Manual, fee)], ..Billing::default() };
    world.cart(add("a", &[(2, 1)]));
    let order = world.order("a", 2396);
    let fees =
        |world: &World| -> Vec<i64> { world.ordered(order).fees.iter().map(|fee| fee.line.gross.minor()).collect() };
    assert_eq!(fees(&world), [96], "2 % of 23.00 and 0.50");
    assert_eq!(edit(&mut world, order, vec![add_position(product(2), euros(2300))]), Ok(OrderStatus::Pending));
    assert_eq!((fees(&world), world.ordered(order).total), (vec![142], euros(4742)));
    let said = vec![Change::SetFee { number: 1, gross: euros(7) }, Change::CancelPosition { number: 2 }];
    assert_eq!(edit(&mut world, order, said), Ok(OrderStatus::Pending));
    assert_eq!(fees(&world), [7], "what staff has said counts");
}
