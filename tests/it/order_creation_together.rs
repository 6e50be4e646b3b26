//! Orders of programs that come at the same time: they share a batch, and each is whole.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use shop::{
    boxoffice::{Request, Ticket, choose},
    outbox::Job,
    port::{
        db::{Db, Query as _},
        lock::EventLock,
    },
};
use tests::boxoffice::{ask, crowd::Gig, world::World};
use tokio::task::JoinSet;

use crate::{after_sale::run, api_catalogue::Program, shop::TestShop};

/// Creates an order, with a key if there is one.
async fn create(shop: &TestShop, key: Option<&str>, body: &Value) -> (u16, Value) {
    let url = format!("{}/api/v1/organizers/org/events/gig/orders/", shop.url);
    let request = crate::shop::http_client().build().unwrap().post(url).json(body);
    let request = request.header("authorization", format!("Token {}", shop.token));
    let request = key.into_iter().fold(request, |request, key| request.header("x-idempotency-key", key));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Holds the event's lock until so many requests wait, and then hears all of them.
async fn behind_a_holder<T, F>(shop: &TestShop, waiting: i64, requests: impl Iterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let event = Gig::find(&shop.ctx.db().await.unwrap()).await.event.id;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    let tx = db.begin().await.unwrap();
    EventLock::acquire(&tx, event).await.unwrap();
    let requests: JoinSet<T> = requests.collect();
    let begun = Instant::now();
    while shop.number("select count(*) as number from waiting_request").await < waiting {
        assert!(begun.elapsed() < Duration::from_secs(8), "requests do not wait for the holder");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(tx);
    requests.join_all().await
}

async fn seat(shop: &TestShop) -> Value {
    Program::new(shop, "org/events/gig/").get("items/?search=Seat").await["results"][0]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_share_a_batch_and_each_order_is_whole() {
    let shop = Arc::new(TestShop::with_places(9).await);
    let api = Program::new(&shop, "org/events/gig/");
    let seat = seat(&shop).await;
    let question = api.add("questions/", json!({ "question": { "en": "Size" }, "type": "S", "items": [seat] })).await;
    let requests = (0..6).map(|number| {
        let (shop, seat) = (shop.clone(), seat.clone());
        async move {
            let body = json!({
                "email": format!("buyer{number}@example.org"),
                "checkin_text": format!("row {number}"), "checkin_attention": number % 2 == 0,
                "api_meta": { "desk": number },
                "invoice_address": { "name_parts": { "full_name": format!("Buyer {number}") } },
                "send_email": number != 5,
                "positions": [{
                    "item": seat, "attendee_name": format!("Guest {number}"),
                    "answers": [{ "question": question, "answer": format!("size {number}"), "options": [] }],
                    "valid_from": "2999-01-01T10:00:00Z", "valid_until": "2999-01-02T10:00:00Z"
                }]
            });
            (number, create(&shop, None, &body).await)
        }
    });
    let orders = behind_a_holder(&shop, 6, requests).await;
    for (number, (status, order)) in &orders {
        assert_eq!(*status, 201, "{order}");
        // What was answered is what the order is for whoever asks later.
        let mut later = api.get(&format!("orders/{}/", order["code"].as_str().unwrap())).await;
        later.as_object_mut().unwrap().remove("mail_problems");
        assert_eq!(later, *order);
        let position = &order["positions"][0];
        let told = [
            (&order["email"], json!(format!("buyer{number}@example.org"))),
            (&order["status"], json!("p")),
            (&order["checkin_text"], json!(format!("row {number}"))),
            (&order["checkin_attention"], json!(number % 2 == 0)),
            (&order["api_meta"], json!({ "desk": number })),
            (&order["invoice_address"]["name_parts"]["full_name"], json!(format!("Buyer {number}"))),
            (&position["attendee_name"], json!(format!("Guest {number}"))),
            (&position["answers"][0]["answer"], json!(format!("size {number}"))),
            (&position["valid_from"], json!("2999-01-01T10:00:00Z")),
            (&position["valid_until"], json!("2999-01-02T10:00:00Z")),
        ];
        for (found, wanted) in told {
            assert_eq!(*found, wanted, "{order}");
        }
    }
    assert_eq!(shop.counters().await["seats"], (6, 0, 0));
    // All that waited were served at once: a batch has one time.
    assert_eq!(shop.number("select count(distinct created_at) as number from orders").await, 1);
    let placed = "select count(*) as number from action_log l join orders o on o.id = l.object_id
                   where l.action = 'pretix.event.order.placed' and l.actor_type = 'token'";
    assert_eq!(shop.number(placed).await, 6);
    shop.work().await;
    let buyers = shop.mails().into_iter().map(|mail| mail.to).filter(|to| to.starts_with("buyer"));
    let mut told: Vec<String> = buyers.collect();
    told.sort_unstable();
    assert_eq!(told, (0..5).map(|number| format!("buyer{number}@example.org")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_again_hears_of_the_order_that_it_has_made() {
    let shop = Arc::new(TestShop::with_places(9).await);
    let body = Arc::new(json!({ "positions": [{ "item": seat(&shop).await }] }));
    let requests = (0..4).map(|_| {
        let (shop, body) = (shop.clone(), body.clone());
        async move { create(&shop, Some("once"), &body).await }
    });
    let answers = behind_a_holder(&shop, 4, requests).await;
    let other = create(&shop, Some("another"), &body).await;
    // Its function died between the commit and the answer; when it comes again, it could not be made any more.
    shop.ctx.db().await.unwrap().execute("delete from api_call", &[]).await.unwrap();
    let seat = format!("items/{}/", body["positions"][0]["item"]);
    Program::new(&shop, "org/events/gig/").done("PATCH", &seat, json!({ "active": false })).await;
    let again = create(&shop, Some("once"), &body).await;
    for answer in &answers {
        assert_eq!((answer.0, &answer.1["code"]), (201, &again.1["code"]), "{answers:?}");
    }
    assert_eq!((again.0, other.0), (201, 201));
    assert_ne!(again.1["code"], other.1["code"]);
    assert_eq!(shop.counters().await["seats"], (2, 0, 0));
    // One that was refused stays refused.
    let wrong = create(&shop, Some("wrong"), &json!({ "positions": [] })).await;
    assert_eq!((wrong.0, create(&shop, Some("wrong"), &body).await.0), (400, 400));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_programs_that_choose_a_code_one_gets_it() {
    let shop = Arc::new(TestShop::with_places(9).await);
    let body = Arc::new(json!({ "code": "ABC37", "positions": [{ "item": seat(&shop).await }] }));
    let requests = (0..3).map(|_| {
        let (shop, body) = (shop.clone(), body.clone());
        async move { create(&shop, None, &body).await }
    });
    let mut answers = behind_a_holder(&shop, 3, requests).await;
    answers.push(create(&shop, None, &body).await);
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 201);
    assert_eq!((made.len(), &made[0].1["code"]), (1, &json!("ABC37")));
    for (status, told) in refused {
        assert_eq!((status, told), (400, json!({ "code": ["This order code is already in use."] })));
    }
    assert_eq!(shop.counters().await["seats"], (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_forgotten_after_a_day() {
    let shop = TestShop::with_places(9).await;
    let body = json!({ "positions": [{ "item": seat(&shop).await }] });
    let first = create(&shop, Some("daily"), &body).await;
    shop.clock.advance_seconds(24 * 3600 + 1);
    run(&shop, Job::Sweep).await;
    let next = create(&shop, Some("daily"), &body).await;
    assert_eq!((first.0, next.0), (201, 201));
    assert_ne!(first.1["code"], next.1["code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_batch_could_write_is_refused_before_it() {
    let shop = TestShop::with_places(9).await;
    let seat = seat(&shop).await;
    let with = |field: &str, value: Value| json!({ "positions": [{ "item": seat, field: value }] });
    let of_order = |field: &str, value: Value| {
        let mut body = json!({ "positions": [{ "item": seat }] });
        body[field] = value;
        body
    };
    let fee = json!({ "fee_type": "other", "value": "1.00" });
    let mut backwards = with("valid_from", json!("2999-01-02T10:00:00Z"));
    backwards["positions"][0]["valid_until"] = json!("2999-01-01T10:00:00Z");
    let wrong = [
        (with("valid_from", json!("-005000-01-01T00:00:00Z")), "/positions/0/valid_from"),
        (backwards, "/positions/0/valid_until"),
        (of_order("comment", json!("x".repeat(10_001))), "/comment"),
        (of_order("fees", json!(vec![fee; 101])), "/fees"),
    ];
    for (body, place) in wrong {
        let (status, told) = create(&shop, None, &body).await;
        assert!(status == 400 && told.pointer(place).is_some(), "{place}: {status} {told}");
    }
    let (status, order) = create(&shop, None, &of_order("api_meta", json!({ "a\0b": "c\0d" }))).await;
    assert_eq!((status, &order["api_meta"]), (201, &json!({ "ab": "cd" })));
}

/// One such order may be as large as those of hundreds of buyers: the lock is not held for as many of them.
#[test]
fn a_batch_has_few_large_orders() {
    let world = World::new(&[(None, &[7])]);
    let ticket = |count: usize, name: &str| {
        let wanted = Box::new(ask::create(&world, &vec![7; count], &[]));
        Ticket { key: name.to_owned(), request: Request::CreateOrder { wanted } }
    };
    let tickets = [ticket(500, "a"), ticket(1600, "b"), ticket(500, "c"), ticket(1000, "d"), ticket(1, "e")];
    let keys = |tickets: &[Ticket]| -> Vec<String> { choose(tickets.iter()).iter().map(|it| it.key.clone()).collect() };
    assert_eq!(keys(&tickets), ["a"]);
    assert_eq!(keys(&tickets[1..]), ["b"]);
    assert_eq!(keys(&tickets[2..]), ["c", "d", "e"]);
    assert_eq!(keys(&[ticket(3000, "alone")]), ["alone"]);
}
