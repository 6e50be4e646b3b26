//! Many orders changed at once: a whole event is cancelled.

use serde_json::{Value, json};
use shop::{
    order::bulk,
    outbox::{Envelope, Job, Message},
    port::{db::Query as _, queue::Queue},
};

use crate::shop::{TestShop, code_of};

const ACTIONS: &str = "org/events/gig/bulk_actions/";

async fn begin(shop: &TestShop, body: Value) -> (u16, Value) {
    shop.api("POST", ACTIONS, Some(&shop.token), Some(body)).await
}

async fn progress(shop: &TestShop, begun: &Value) -> Value {
    shop.api("GET", &format!("{ACTIONS}{}/", begun["id"]), Some(&shop.token), None).await.1
}

/// A shop with many paid and pending orders, made in the database's own way of speaking to the box office.
async fn sold_out(orders: usize) -> TestShop {
    let shop = TestShop::with_places(500).await;
    let item = shop.number("select min(id) as number from item").await;
    for number in 0..orders {
        let status = if number.is_multiple_of(2) { "p" } else { "n" };
        let body = json!({"email": format!("b{number}@example.org"), "status": status, "payment_provider": "manual",
                          "send_email": false, "positions": [{"item": item, "price": "5.00"}]});
        let (status, order) = shop.api("POST", "org/events/gig/orders/", Some(&shop.token), Some(body)).await;
        assert_eq!(status, 201, "{order}");
    }
    shop.work().await;
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_event_is_cancelled_once_in_chunks_and_buyers_are_told() {
    let shop = sold_out(120).await;
    let mails = shop.mails().len();
    let (status, begun) =
        begin(&shop, json!({"action": "cancel", "all": true, "comment": "The hall is **closed**."})).await;
    assert_eq!(status, 202, "{begun}");
    assert_eq!(progress(&shop, &begun).await["status"], "running");
    // The message comes twice, to two workers at once, and one of them dies after a chunk: here it is done by hand.
    let id = shop::id::BulkActionId(begun["id"].as_i64().unwrap());
    let message = Envelope::unrecorded(Message::RunBulkAction { action: id });
    let event = shop.gig().await;
    let mut db = shop.ctx.db().await.unwrap();
    let catalogue = shop::catalogue::Catalogue::load(&*db, &event).await.unwrap();
    let tx = db.begin().await.unwrap();
    let mut chunk = bulk::Chunk::of(bulk::CHUNK);
    let ran = bulk::run_chunk(&tx, &event, &catalogue, id, &mut chunk, shop.ctx.now()).await;
    assert!(tx.finish(ran).await.unwrap(), "more is left");
    drop(db);
    let half = progress(&shop, &begun).await;
    assert_eq!((&half["total"], &half["changed"], &half["status"]), (&json!(120), &json!(50), &json!("running")));
    let (one, two) = (shop.sandbox(), shop.sandbox());
    let (one, two) = tokio::join!(
        shop::worker::checkout::handle(one, message.clone()),
        shop::worker::checkout::handle(two, message)
    );
    one.unwrap();
    two.unwrap();
    shop.work().await;
    let done = progress(&shop, &begun).await;
    assert_eq!((&done["changed"], &done["refused"], &done["status"]), (&json!(120), &json!(0), &json!("done")));
    assert_eq!(shop.number("select count(*) as number from orders where status <> 'c'").await, 0);
    assert_eq!(shop.counters().await["seats"], (0, 0, 0));
    let logged = "select count(*) as number from action_log where action = 'pretix.event.order.canceled'";
    assert_eq!(shop.number(logged).await, 120, "each once");
    assert_eq!(shop.number("select count(*) as number from outbox").await, 0);
    // The mails are let go by the job that looks every minute.
    let job = Envelope::unrecorded(Message::Periodic { job: Job::RequeueMails }).body();
    shop.ctx.queues().await.send(Queue::Background, &[job]).await;
    shop.work().await;
    let told: Vec<_> = shop.mails().into_iter().filter(|mail| mail.text.contains("The hall is **closed**.")).collect();
    assert_eq!((told.len(), shop.mails().len() - mails), (120, 120), "every buyer once");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_chosen_orders_are_changed_and_mistakes_are_named() {
    let shop = TestShop::with_places(20).await;
    let first = shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let (status, body) = begin(&shop, json!({"action": "cancel", "orders": [code_of(&first), "ZZZZZ"]})).await;
    assert_eq!((status, &body["orders"][0]), (400, &json!("Unknown: ZZZZZ.")));
    for body in [
        json!({"action": "cancel"}),
        json!({"action": "cancel", "orders": [], "all": true}),
        json!({"action": "x", "all": true}),
        json!({"action": "cancel", "all": true, "comment": "x".repeat(10_001)}),
        json!({"action": "cancel", "orders": ["\0"]}),
        json!({"action": "extend", "all": true, "expires": "2020-01-01"}),
    ] {
        assert_eq!(begin(&shop, body.clone()).await.0, 400, "{body}");
    }
    let chosen = json!({"action": "cancel", "orders": [code_of(&first)], "send_email": false});
    let (status, begun) = begin(&shop, chosen).await;
    assert_eq!(status, 202, "{begun}");
    shop.work().await;
    assert_eq!(progress(&shop, &begun).await["changed"], 1);
    assert_eq!(shop.number("select count(*) as number from orders where status = 'c'").await, 1);
    // Whoever names one again hears that it was refused.
    let again = json!({"action": "cancel", "orders": [code_of(&first)], "send_email": false, "comment": "\0"});
    let (status, begun) = begin(&shop, again).await;
    assert_eq!(status, 202, "{begun}");
    shop.work().await;
    let done = progress(&shop, &begun).await;
    assert_eq!((&done["total"], &done["changed"], &done["refused"]), (&json!(1), &json!(0), &json!(1)), "{done}");
    assert_eq!(shop.number("select count(*) as number from mail where kind = 'order_canceled'").await, 0);
}

/// It could still be paid late, and there is room for it again.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_order_of_a_cancelled_event_is_cancelled_too() {
    let shop = TestShop::with_places(20).await;
    let code = code_of(&shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await).to_owned();
    let act = |action: &'static str| format!("org/events/gig/orders/{code}/{action}/");
    assert_eq!(shop.api("POST", &act("mark_expired"), Some(&shop.token), None).await.0, 200);
    begin(&shop, json!({"action": "cancel", "all": true, "send_email": false})).await;
    shop.work().await;
    assert_eq!(shop.number("select count(*) as number from orders where status = 'c'").await, 1);
    assert_eq!(shop.api("POST", &act("mark_paid"), Some(&shop.token), None).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_taken_back_as_far_as_there_is_room_and_buyers_get_more_time() {
    let shop = TestShop::with_places(3).await;
    let paid = shop.buyer().buy(&[("Ticket", 2)], Some("manual")).await;
    let code = code_of(&paid).to_owned();
    let mark = format!("org/events/gig/orders/{code}/mark_paid/");
    assert_eq!(shop.api("POST", &mark, Some(&shop.token), None).await.0, 200);
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    begin(&shop, json!({"action": "cancel", "all": true, "send_email": false})).await;
    shop.work().await;
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0));
    // One place is sold meanwhile: there is room for the first, and not for the second.
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let (status, begun) = begin(&shop, json!({"action": "reactivate", "all": true})).await;
    assert_eq!(status, 202, "{begun}");
    shop.work().await;
    let done = progress(&shop, &begun).await;
    assert_eq!((&done["total"], &done["changed"], &done["refused"]), (&json!(2), &json!(1), &json!(1)), "{done}");
    assert!(done["refusals"][0]["reason"].as_str().unwrap().starts_with("NoRoom"), "{done}");
    assert_eq!(shop.counters().await["tickets"], (2, 1, 0));

    let body = json!({"action": "extend", "all": true});
    assert_eq!(
        begin(&shop, body).await.1["expires"][0].as_str().unwrap().split(',').next(),
        Some("The last day to pay is needed to extend")
    );
    assert_eq!(begin(&shop, json!({"action": "cancel", "all": true, "expires": "2998-01-01"})).await.0, 400);
    let (_, begun) = begin(&shop, json!({"action": "extend", "all": true, "expires": "2998-01-01"})).await;
    shop.work().await;
    assert_eq!(progress(&shop, &begun).await["changed"], 1);
    let late = "select count(*) as number from orders where expires_at = '2998-01-01 22:59:59+00'";
    assert_eq!(shop.number(late).await, 1);
}

/// The database refuses whatever happens to an order.
pub async fn break_order(shop: &TestShop, code: &str) {
    let broken = format!(
        "create function broken() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
         create trigger broken before update on orders for each row when (old.code = '{code}') execute function broken()"
    );
    shop.ctx.db().await.unwrap().script(&broken).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_written_stops_none_of_the_others() {
    let shop = sold_out(60).await;
    let bad =
        shop.ctx.db().await.unwrap().one("select code from orders order by id offset 20 limit 1", &[]).await.unwrap();
    let bad: String = bad.get("code").unwrap();
    break_order(&shop, &bad).await;
    let (_, begun) = begin(&shop, json!({"action": "cancel", "all": true, "send_email": false})).await;
    shop.work().await;
    let done = progress(&shop, &begun).await;
    assert_eq!(
        (&done["status"], &done["changed"], &done["refused"]),
        (&json!("done"), &json!(59), &json!(1)),
        "{done}"
    );
    assert_eq!(done["refusals"][0], json!({"code": bad, "reason": "Failed"}), "{done}");
    assert_eq!(shop.number("select count(*) as number from orders where status <> 'c'").await, 1);
    assert_eq!(shop.number("select count(*) as number from outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_workers_that_meet_a_bad_order_one_leaves_it_out_and_none_another() {
    let shop = sold_out(3).await;
    let first = "select code from orders order by id limit 1";
    let bad: String = shop.ctx.db().await.unwrap().one(first, &[]).await.unwrap().get("code").unwrap();
    break_order(&shop, &bad).await;
    let (_, begun) = begin(&shop, json!({"action": "cancel", "all": true, "send_email": false})).await;
    let id = shop::id::BulkActionId(begun["id"].as_i64().unwrap());
    let event = shop.gig().await;
    let mut db = shop.ctx.db().await.unwrap();
    let catalogue = shop::catalogue::Catalogue::load(&*db, &event).await.unwrap();
    // The message came twice: both workers fail at the same order before either has left it out.
    let mut failed = Vec::new();
    for _ in 0..2 {
        let mut chunk = bulk::Chunk::of(1);
        let tx = db.begin().await.unwrap();
        let ran = bulk::run_chunk(&tx, &event, &catalogue, id, &mut chunk, shop.ctx.now()).await;
        assert!(tx.finish(ran).await.is_err());
        failed.push(chunk.first.unwrap());
    }
    for order in failed {
        let tx = db.begin().await.unwrap();
        let skipped = bulk::skip(&tx, &event, id, order).await;
        tx.finish(skipped).await.unwrap();
    }
    drop(db);
    shop.work().await;
    let done = progress(&shop, &begun).await;
    assert_eq!((&done["changed"], &done["refused"]), (&json!(2), &json!(1)), "{done}");
    assert_eq!(done["refusals"], json!([{"code": bad, "reason": "Failed"}]), "{done}");
}
