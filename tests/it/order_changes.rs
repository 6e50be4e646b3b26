//! What happens to orders after they were placed, with the real statements: through the API and under races.

use std::sync::Arc;

use serde_json::{Value, json};
use shop::{
    boxoffice::{Change, NewPosition, OrderAction, OrderRefusal, PositionSecrets, Product, UnitPrice, Validity},
    cart::Attendee,
    catalogue::Catalogue,
    money::{Money, TaxRate},
    order::{self, Act, ActError, Address, Order},
    outbox::Job,
    port::{
        codes::Codes,
        db::{Db, Query as _, p},
    },
    staff::Staff,
};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    after_sale::run,
    shop::{TestShop, code_of},
};

/// Buys tickets for 23.00 each and returns the code of the order.
async fn buy(shop: &TestShop, count: i64) -> String {
    code_of(&shop.buyer().buy(&[("Ticket", count)], Some("banktransfer")).await).to_owned()
}

/// Posts an action.
async fn post(shop: &TestShop, code: &str, action: &str, body: Option<Value>) -> (u16, Value) {
    shop.api("POST", &format!("org/events/gig/orders/{code}/{action}/"), Some(&shop.token), body).await
}

/// Posts an action that must be done; returns the status of the order.
async fn done(shop: &TestShop, code: &str, action: &str, body: Option<Value>) -> String {
    let (status, order) = post(shop, code, action, body).await;
    assert_eq!(status, 200, "{action}: {order}");
    check_books(shop).await;
    order["status"].as_str().unwrap().to_owned()
}

/// Counters equal the recount (see [`TestShop::counters`]), and the sum of an order's ledger is what is sold of it.
pub(crate) async fn check_books(shop: &TestShop) {
    shop.counters().await;
    let differences = "
        with sold as (
            select op.order_id, op.positionid, op.item_id, op.subevent_id, op.price, op.tax_value, null::text as fee_type,
                   1 as count
              from order_position op join orders o on o.id = op.order_id
             where not op.canceled and o.status in ('n', 'p') and not o.require_approval
               and exists (select 1 from ledger_entry l where l.order_id = o.id)
            union all
            select f.order_id, null, null, null, f.value, f.tax_value, f.fee_type, 1
              from order_fee f join orders o on o.id = f.order_id
             where not f.canceled and o.status in ('n', 'p') and not o.require_approval
            union all
            select order_id, positionid, item_id, subevent_id, price, tax_value, fee_type, -count from ledger_entry)
        select count(*) as number from (
            select 1 from sold group by order_id, positionid, item_id, subevent_id, price, tax_value, fee_type
            having sum(count) <> 0) d";
    assert_eq!(shop.number(differences).await, 0, "the ledger differs from what is sold");
    let totals = "
        select count(*) as number from orders o
         where o.total <> (select coalesce(sum(op.price), 0) from order_position op where op.order_id = o.id and not op.canceled)
                          + (select coalesce(sum(f.value), 0) from order_fee f where f.order_id = o.id and not f.canceled)";
    assert_eq!(shop.number(totals).await, 0, "an order costs what is in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_actions_move_an_order_and_its_places() {
    let shop = TestShop::with_places(5).await;
    let code = buy(&shop, 2).await;
    let expires = Some(json!({"expires": "2999-01-31"}));
    // Action, body, status, places as (paid, pending).
    let steps = [
        ("extend", expires.clone(), "n", (0, 2)),
        ("mark_paid", None, "p", (2, 0)),
        ("mark_pending", None, "n", (0, 2)),
        ("mark_expired", None, "e", (0, 0)),
        ("extend", expires, "n", (0, 2)),
        ("mark_canceled", None, "c", (0, 0)),
        ("reactivate", None, "p", (2, 0)),
        ("mark_refunded", None, "c", (0, 0)),
    ];
    for (action, body, status, (paid, pending)) in steps {
        assert_eq!(done(&shop, &code, action, body).await, status, "{action}");
        assert_eq!(shop.counters().await["tickets"], (paid, pending, 0), "{action}");
    }
    let (_, order) = shop.api("GET", &format!("org/events/gig/orders/{code}/"), Some(&shop.token), None).await;
    assert_eq!(order["total"], "46.00");
    assert!(order["cancellation_date"].is_string());
    let ledger = "select count(*) filter (where count > 0) * 100 + count(*) filter (where count < 0) as number
                    from ledger_entry";
    // Two tickets were sold three times and taken back three times.
    assert_eq!(shop.number(ledger).await, 606);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_in_the_wrong_state_is_refused_in_words() {
    let shop = TestShop::with_places(2).await;
    let code = buy(&shop, 1).await;
    let cases = [
        ("mark_pending", None, json!({"detail": "The order is not paid."})),
        ("mark_refunded", None, json!({"detail": "The order is not paid."})),
        ("approve", None, json!({"detail": "The order is not waiting for approval."})),
        ("deny", None, json!({"detail": "The order is not waiting for approval."})),
        ("reactivate", None, json!({"detail": "Only canceled orders can be reactivated."})),
        ("extend", None, json!({"expires": ["This field is required."]})),
        ("extend", Some(json!({"expires": "soon"})), {
            json!({"expires": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."]})
        }),
        ("extend", Some(json!({"expires": "1999-12-31"})), {
            json!({"expires": ["The new expiry date needs to be in the future."]})
        }),
        ("mark_canceled", Some(json!({"cancellation_fee": "23.01"})), {
            json!({"detail": "The cancellation fee cannot be higher than the total of the order."})
        }),
        ("mark_canceled", Some(json!({"cancellation_fee": "-1.00"})), {
            json!({"cancellation_fee": ["A valid number is required."]})
        }),
        ("mark_canceled", Some(json!({"send_email": 1})), json!({"send_email": ["Must be true or false."]})),
    ];
    for (action, body, expected) in cases {
        assert_eq!(post(&shop, &code, action, body).await, (400, expected), "{action}");
    }
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0));
    // Somebody else has the last place and one more: what has expired cannot come back, unless it is forced.
    done(&shop, &code, "mark_expired", None).await;
    shop.buyer().add(&[("Ticket", 2)]).await;
    let full = "There is not enough quota available on quota \"tickets\" to perform the operation.";
    let extend = |force| Some(json!({"expires": "2999-01-31", "force": force}));
    assert_eq!(post(&shop, &code, "extend", extend(false)).await, (400, json!({"detail": full})));
    assert_eq!(done(&shop, &code, "extend", extend(true)).await, "n");
    assert_eq!(shop.counters().await["tickets"], (0, 1, 2));
    done(&shop, &code, "mark_canceled", None).await;
    assert_eq!(post(&shop, &code, "reactivate", None).await, (400, json!({"detail": full})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_fee_is_shown_and_never_expires() {
    let shop = TestShop::with_places(2).await;
    let path = shop.buyer().buy(&[("Ticket", 2)], Some("banktransfer")).await;
    let code = code_of(&path);
    let fee = Some(json!({"cancellation_fee": "11.50", "comment": "The hall is *closed*."}));
    assert_eq!(done(&shop, code, "mark_canceled", fee).await, "n");
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0));
    let (_, order) = shop.api("GET", &format!("org/events/gig/orders/{code}/"), Some(&shop.token), None).await;
    assert_eq!((&order["total"], &order["positions"]), (&json!("11.50"), &json!([])));
    let fees = order["fees"].as_array().unwrap();
    assert_eq!((&fees[0]["fee_type"], &fees[0]["value"], fees.len()), (&json!("cancellation"), &json!("11.50"), 1));
    let page = shop.buyer().get(&path).await;
    assert!(page.says("Cancellation fee") && page.says("€11.50"), "{}", page.html);
    shop.work().await;
    let (subject, mails) = (format!("Your order {code} was cancelled"), shop.mails());
    let mail = mails.iter().find(|mail| mail.subject == subject).expect("the buyer is told");
    assert!(mail.text.contains("The hall is *closed*.") && mail.text.contains("1 × Cancellation fee: €11.50"));
    // Long after its deadline it is still there, and can be paid.
    shop.clock.advance_seconds(90 * 24 * 3600);
    run(&shop, Job::ExpireOrders).await;
    assert_eq!(done(&shop, code, "mark_paid", None).await, "p");
    assert!(shop.buyer().get(&path).await.says("Canceled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_approval_is_approved_or_denied() {
    let shop = TestShop::with_places(5).await;
    let (first, second) = (buy(&shop, 1).await, buy(&shop, 1).await);
    // Placing such orders comes with a catalogue that asks for approval; here they are made to wait.
    let db = shop.ctx.db().await.unwrap();
    db.script("update orders set require_approval = true; delete from ledger_entry; delete from payment")
        .await
        .unwrap();
    drop(db);
    shop.clock.advance_seconds(90 * 24 * 3600);
    run(&shop, Job::ExpireOrders).await;
    assert_eq!(shop.counters().await["tickets"], (0, 2, 0), "what waits for approval never expires");
    let (status, body) = post(&shop, &first, "mark_paid", None).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(done(&shop, &first, "approve", None).await, "n");
    assert_eq!(done(&shop, &second, "deny", Some(json!({"comment": "Members only"}))).await, "c");
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0));
    shop.work().await;
    let mails = shop.mails();
    let about = |code: &str, words: &str| mails.iter().any(|mail| mail.subject == format!("Your order {code} {words}"));
    assert!(about(&first, "was approved") && about(&second, "was not approved"));
    assert!(mails.iter().any(|mail| mail.text.contains("Members only")));
    assert_eq!(done(&shop, &first, "mark_paid", None).await, "p");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_a_key_acts_once_and_answers_the_same() {
    let shop = TestShop::with_places(5).await;
    let code = buy(&shop, 1).await;
    let url = format!("{}/api/v1/organizers/org/events/gig/orders/{code}/mark_canceled/", shop.url);
    let call = async |key: &str, body: Value| {
        let request = crate::shop::http_client().build().unwrap().post(&url);
        let request = request.header("authorization", format!("Token {}", shop.token)).header("x-idempotency-key", key);
        let response = request.json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    // A refusal is kept too.
    let refused = call("a", json!({"cancellation_fee": "99.00"})).await;
    assert_eq!(refused.0, 400);
    assert_eq!(call("a", json!({})).await, refused);
    // Twice at once, and again later: one cancellation, one answer.
    let (first, second) = tokio::join!(call("b", json!({})), call("b", json!({})));
    assert_eq!((first.0, &first.1["status"]), (200, &json!("c")));
    assert_eq!(first, second);
    assert_eq!(done(&shop, &code, "reactivate", None).await, "n");
    assert_eq!(call("b", json!({})).await, first);
    let canceled = "select count(*) as number from action_log where action = 'pretix.event.order.canceled'";
    assert_eq!(shop.number(canceled).await, 1);
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0), "the repetition did nothing");
    assert_eq!(call("", json!({})).await.0, 400);
    assert_eq!(call(&"x".repeat(191), json!({})).await.0, 400);
    // After a day the key is forgotten.
    shop.clock.advance_seconds(24 * 3600 + 1);
    run(&shop, Job::Sweep).await;
    assert_eq!(call("b", json!({})).await.1["status"], "c");
    assert_eq!(shop.number(canceled).await, 2);
}

// --- changes, which have no route yet ---

/// Somebody of the organiser.
async fn staff(shop: &TestShop) -> Staff {
    let mut request = lambda_http::Request::default();
    let token = format!("Token {}", shop.token).parse().unwrap();
    request.headers_mut().insert("authorization", token);
    let db = shop.ctx.db().await.unwrap();
    Staff::authorise(&request, &*db, "org", "gig", shop::staff::Permission::OrdersWrite).await.unwrap().0
}

/// Changes an order over a connection of its own, as soon as everybody has come to `start`.
async fn act_together(
    shop: &TestShop,
    code: &str,
    start: &Barrier,
    wanted: impl FnOnce(&Order) -> OrderAction,
) -> Result<(), ActError> {
    let staff = staff(shop).await;
    let event = shop.gig().await;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    let catalogue = Catalogue::load(&db, &event).await.unwrap();
    let found = order::by_code(&db, &event, code).await.unwrap().unwrap();
    let act = Act { order: found.id, action: wanted(&found), send_email: false, note: None };
    start.wait().await;
    let tx = db.begin().await.unwrap();
    let done = order::act(&tx, &staff, &event, &catalogue, &act, shop.ctx.now()).await;
    tx.finish(done).await.map(|_| ())
}

async fn act(shop: &TestShop, code: &str, wanted: impl FnOnce(&Order) -> OrderAction) -> Result<(), ActError> {
    act_together(shop, code, &Barrier::new(1), wanted).await
}

fn change(order: &Order, changes: Vec<Change>) -> OrderAction {
    OrderAction::Change { changes, read_at: order.modified_at, expires_at: order.expires_at, force: false }
}

/// What is of the second product of the event, or of the first.
async fn product(shop: &TestShop, name: &'static str) -> Product {
    let sql = "select id from item where name ->> 'en' = $1 or name #>> '{}' = $1";
    let row = shop.ctx.db().await.unwrap().one(sql, &[p(&name)]).await.unwrap();
    Product::undated(row.get("id").unwrap(), None)
}

fn price(order: &Order, minor: i64) -> UnitPrice {
    UnitPrice::of_listed(Money::new(minor, order.total.currency()), TaxRate(190_000), true)
}

fn add(order: &Order, codes: &Codes, product: Product) -> Change {
    let secrets = PositionSecrets::draw(codes);
    let new = NewPosition {
        secrets,
        attendee: Attendee::default(),
        address: Address::default(),
        bundled: false,
        discount: None,
        valid: Validity::default(),
    };
    Change::AddPosition { product, parent: None, price: price(order, 2300), new: Box::new(new) }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_changes_what_is_in_an_order() {
    let shop = TestShop::with_places(2).await;
    let (ticket, seat) = (product(&shop, "Ticket").await, product(&shop, "Seat").await);
    let code = buy(&shop, 2).await;
    done(&shop, &code, "mark_paid", None).await;
    let codes = Codes::seeded(1);
    let refused = act(&shop, &code, |order| change(order, vec![add(order, &codes, ticket)])).await;
    assert!(matches!(refused, Err(ActError::Refused(OrderRefusal::NoRoom(_)))), "{refused:?}");
    // One ticket becomes a seat, another seat comes, and a fee.
    act(&shop, &code, |order| {
        let swap = Change::SwapProduct {
            number: 1,
            product: seat,
            gross: Some(Money::zero(order.total.currency())),
            tax_rate: TaxRate::ZERO,
        };
        let fee = Change::AddFee {
            fee_type: shop::pricing::FeeType::Service,
            internal_type: String::new(),
            description: "Exchange".to_owned(),
            gross: Money::new(500, order.total.currency()),
            tax_rate: TaxRate(190_000),
        };
        change(order, vec![swap, add(order, &codes, seat), fee])
    })
    .await
    .unwrap();
    check_books(&shop).await;
    let counters = shop.counters().await;
    assert_eq!((counters["tickets"], counters["seats"]), ((0, 1, 0), (0, 2, 0)), "23.00 + 23.00 + 5.00 is not paid");
    // The fee goes, and one position: paid with too much.
    act(&shop, &code, |order| {
        change(order, vec![Change::CancelPosition { number: 3 }, Change::CancelFee { number: 1 }])
    })
    .await
    .unwrap();
    check_books(&shop).await;
    let counters = shop.counters().await;
    assert_eq!((counters["tickets"], counters["seats"]), ((1, 0, 0), (1, 0, 0)));
    let (_, order) = shop.api("GET", &format!("org/events/gig/orders/{code}/"), Some(&shop.token), None).await;
    assert_eq!((&order["total"], &order["status"]), (&json!("23.00"), &json!("p")));
    let stale = act(&shop, &code, |order| OrderAction::Change {
        changes: vec![Change::CancelPosition { number: 2 }],
        read_at: order.created_at,
        expires_at: order.expires_at,
        force: false,
    });
    assert!(matches!(stale.await, Err(ActError::Refused(OrderRefusal::ChangedMeanwhile))));
}

const RACERS: usize = 64;

/// What a racer does with its order; the ticket and its number are given.
type Move = fn(&Order, Product, usize) -> OrderAction;

/// Orders of one ticket each, and so many connections that want something for one of them at the same moment.
async fn race(prepare: Option<&str>, places: i64, wanted: Move) -> (usize, Arc<TestShop>) {
    let shop = Arc::new(TestShop::with_places(RACERS as i64).await);
    let orders = racers(&shop, prepare).await;
    let held = if prepare.is_none() { RACERS as i64 } else { 0 };
    let size = format!("update quota set size = {} where name = 'tickets'", held + places);
    shop.ctx.db().await.unwrap().script(&size).await.unwrap();
    let ticket = product(&shop, "Ticket").await;
    let start = Arc::new(Barrier::new(RACERS));
    let mut race = JoinSet::new();
    for (number, code) in orders.into_iter().enumerate() {
        let (shop, start) = (shop.clone(), start.clone());
        race.spawn(async move { act_together(&shop, &code, &start, |order| wanted(order, ticket, number)).await });
    }
    let results = race.join_all().await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    let full = |it: &&Result<(), ActError>| matches!(it, Err(ActError::Refused(OrderRefusal::NoRoom(_))));
    assert_eq!(results.iter().filter(full).count() + won, RACERS, "{results:?}");
    check_books(&shop).await;
    (won, shop)
}

/// Orders of one ticket each, after something has happened to them.
async fn racers(shop: &TestShop, prepare: Option<&str>) -> Vec<String> {
    let mut orders = Vec::new();
    for _ in 0..RACERS {
        orders.push(buy(shop, 1).await);
    }
    for (code, action) in orders.iter().zip(prepare.into_iter().cycle()) {
        assert_eq!(post(shop, code, action, None).await.0, 200);
    }
    orders
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_orders_race_for_the_last_places() {
    let (won, shop) = race(Some("mark_canceled"), 5, |order, _, _| OrderAction::Reactivate {
        expires_at: order.expires_at,
        force: false,
    })
    .await;
    assert_eq!((won, shop.counters().await["tickets"]), (5, (0, 5, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_orders_race_for_the_last_places() {
    let (won, shop) =
        race(Some("mark_expired"), 5, |order, _, _| OrderAction::Extend { expires_at: order.expires_at, force: false })
            .await;
    assert_eq!((won, shop.counters().await["tickets"]), (5, (0, 5, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_race_for_the_last_places() {
    let (won, shop) =
        race(None, 5, |order, ticket, number| change(order, vec![add(order, &Codes::seeded(number as u64), ticket)]))
            .await;
    let held = RACERS as i64 + 5;
    assert_eq!((won, shop.counters().await["tickets"]), (5, (0, held, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn late_money_races_for_the_last_places() {
    let shop = Arc::new(TestShop::with_places(RACERS as i64).await);
    let orders = racers(&shop, Some("mark_expired")).await;
    shop.ctx.db().await.unwrap().script("update quota set size = 5 where name = 'tickets'").await.unwrap();
    let start = Arc::new(Barrier::new(RACERS));
    let mut race = JoinSet::new();
    for code in orders {
        let (shop, start) = (shop.clone(), start.clone());
        race.spawn(async move {
            let (staff, event) = (staff(&shop).await, shop.gig().await);
            let mut db = Db::connect(shop.database_url(), None).await.unwrap();
            let catalogue = Catalogue::load(&db, &event).await.unwrap();
            let found = order::by_code(&db, &event, &code).await.unwrap().unwrap();
            start.wait().await;
            let tx = db.begin().await.unwrap();
            let paid = order::mark_paid(&tx, &staff, &event, &catalogue, &found, false, shop.ctx.now()).await;
            tx.finish(paid).await.is_ok()
        });
    }
    let won = race.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!((won, shop.counters().await["tickets"]), (5, (5, 0, 0)));
    check_books(&shop).await;
}
