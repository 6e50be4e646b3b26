//! Letting people in, as a scan app does it (spec rest-api 10, domain 18).

use serde_json::{Value, json};
use shop::port::db::Query as _;
use tests::scan::App;

use crate::{
    api_catalogue::Program,
    devices::{device, gig},
    shop::{TestShop, code_of, http_client},
};

struct Door {
    shop: TestShop,
    app: App,
    list: i64,
}

impl Door {
    async fn new(list: Value) -> Self {
        let shop = gig().await;
        let list = Program::new(&shop, "org/events/gig/").add("checkinlists/", list).await;
        let app = device(&shop, json!({ "name": "Door", "all_events": true })).await;
        Self { shop, app, list }
    }

    fn api(&self) -> Program<'_> {
        Program::new(&self.shop, "org/events/gig/")
    }

    /// Sells one ticket and returns the code of its order and its secret.
    async fn sell(&self, product: &str) -> (String, String) {
        let provider = (product == "Ticket").then_some("banktransfer");
        let order = self.shop.buyer().buy(&[(product, 1)], provider).await;
        let code = code_of(&order).to_owned();
        let told = self.api().get(&format!("orders/{code}/")).await;
        (code, told["positions"][0]["secret"].as_str().unwrap().to_owned())
    }

    async fn scan(&self, secret: &str, nonce: &str, more: Value) -> (u16, Value) {
        self.app.redeem(&[self.list], secret, nonce, more).await
    }

    async fn refused(&self, secret: &str, nonce: &str, more: Value, reason: &str) -> Value {
        let (status, body) = self.scan(secret, nonce, more).await;
        assert_eq!((status, &body["status"], &body["reason"]), (400, &json!("error"), &json!(reason)), "{body}");
        body
    }

    async fn entered(&self, secret: &str, nonce: &str, more: Value) -> Value {
        let (status, body) = self.scan(secret, nonce, more).await;
        assert_eq!((status, &body["status"]), (201, &json!("ok")), "{body}");
        body
    }

    async fn count(&self) -> i64 {
        self.shop.number("select count(*) as number from checkin where successful").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_app_works_through_an_evening() {
    let door = Door::new(json!({ "name": "Main" })).await;
    let (code, secret) = door.sell("Seat").await;
    let guests = door.app.all(&format!("events/gig/checkinlists/{}/positions/", door.list)).await;
    assert_eq!((guests.len(), &guests[0]["secret"], &guests[0]["order__status"]), (1, &json!(secret), &json!("p")));
    assert_eq!(door.app.all("events/gig/items/").await.len(), 2);
    let found = door.app.all(&format!("checkinrpc/search/?list={}&search={code}", door.list)).await;
    assert_eq!(found.len(), 1);
    for nothing in ["%25%25%25", "___"] {
        let found = door.app.all(&format!("checkinrpc/search/?list={}&search={nothing}", door.list)).await;
        assert_eq!(found.len(), 0, "{nothing} stands for itself");
    }

    let body = door.entered(&secret, "a", json!({})).await;
    let list = json!({ "id": door.list, "name": "Main", "event": "gig", "subevent": null, "include_pending": false });
    assert_eq!((&body["list"], &body["require_attention"], &body["checkin_texts"]), (&list, &json!(false), &json!([])));
    assert_eq!(
        (&body["position"]["id"], &body["position"]["checkins"][0]["type"]),
        (&guests[0]["id"], &json!("entry"))
    );
    // The answer was lost on the way: the same call again is the same scan.
    door.entered(&secret, "a", json!({})).await;
    assert_eq!(door.count().await, 1);
    let body = door.refused(&secret, "b", json!({}), "already_redeemed").await;
    assert_eq!(body["position"]["order"], json!(code));
    door.entered(&secret, "c", json!({ "type": "exit" })).await;
    door.entered(&secret, "d", json!({})).await;
    assert_eq!(door.count().await, 3);

    let status = door.api().get(&format!("checkinlists/{}/status/", door.list)).await;
    assert_eq!(
        (&status["checkin_count"], &status["position_count"], &status["inside_count"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!((&status["event"]["name"], &status["items"][0]["name"]), (&json!("The Gig"), &json!("Seat")));
    let told = door.api().get(&format!("checkinlists/{}/", door.list)).await;
    assert_eq!((&told["checkin_count"], &told["position_count"]), (&json!(1), &json!(1)));
    // Whoever reads the order sees it too (9.1).
    let order = door.api().get(&format!("orders/{code}/")).await;
    let scans = order["positions"][0]["checkins"].as_array().unwrap();
    assert_eq!((scans.len(), &scans[0]["list"], &scans[0]["device_id"]), (3, &json!(door.list), &json!(1)));
    assert_eq!(door.api().get("orders/").await["results"][0]["positions"][0]["checkins"].as_array().unwrap().len(), 3);
    // So does whoever changes it.
    let scans = |told: &Value| told["checkins"].as_array().unwrap().len();
    let position = format!("orderpositions/{}/", order["positions"][0]["id"]);
    let noted = door.api().done("PATCH", &format!("orders/{code}/"), json!({ "comment": "seen" })).await;
    let changed = door.api().done("POST", &format!("orders/{code}/change/"), json!({})).await;
    assert_eq!((scans(&noted["positions"][0]), scans(&changed["positions"][0])), (3, 3));
    assert_eq!(scans(&door.api().done("PATCH", &position, json!({ "company": "Navy" })).await), 3);
    let attempts = door.api().get("checkins/?successful=false").await;
    assert_eq!((&attempts["count"], &attempts["results"][0]["error_reason"]), (&json!(1), &json!("already_redeemed")));
    let logged =
        "select count(*) as number from action_log where action = 'pretix.event.checkin' and object_type = 'order'";
    assert_eq!(door.shop.number(logged).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_are_listed_in_order_with_what_is_asked_for() {
    let door = Door::new(json!({ "name": "Main" })).await;
    let list = format!("checkinlists/{}/positions/", door.list);
    let mut sold = Vec::new();
    for _ in 0..3 {
        sold.push(door.sell("Seat").await);
        door.shop.clock.advance_seconds(60);
    }
    for (place, email) in [(0, "c@example.org"), (1, "a@example.org"), (2, "b@example.org")] {
        door.api().done("PATCH", &format!("orders/{}/", sold[place].0), json!({ "email": email })).await;
    }
    for place in [2, 0] {
        door.entered(&sold[place].1, &format!("in-{place}"), json!({})).await;
        door.shop.clock.advance_seconds(60);
    }
    for (ordering, expected) in [
        ("order__email", [1, 2, 0]),
        ("-order__email", [0, 2, 1]),
        ("last_checked_in", [1, 2, 0]),
        ("-last_checked_in", [0, 2, 1]),
    ] {
        let told = door.api().get(&format!("{list}?ordering={ordering}")).await;
        let orders: Vec<&Value> = told["results"].as_array().unwrap().iter().map(|it| &it["order"]).collect();
        assert_eq!(orders, expected.map(|place| &sold[place].0).to_vec(), "{ordering}");
    }
    let plain = &door.api().get(&list).await["results"][0];
    let full =
        &door.api().get(&format!("{list}?expand=item&expand=variation,addons&expand=subevent")).await["results"][0];
    assert_eq!((&full["item"]["id"], &full["item"]["name"]["en"]), (&plain["item"], &json!("Seat")));
    assert_eq!((&full["variation"], &full["subevent"], &full["addons"]), (&Value::Null, &Value::Null, &json!([])));
    let item = door.api().get(&format!("items/{}/", plain["item"])).await;
    assert_eq!(full["item"], item, "it is told as everywhere");
    let slim = &door.api().get(&format!("{list}?exclude=secret&exclude=checkins.id")).await["results"][0];
    assert!(slim.get("secret").is_none() && slim["checkins"][0].get("id").is_none() && slim["id"] == plain["id"]);
    assert_eq!(slim["checkins"][0]["type"], "entry");
    let found = door.app.all(&format!("checkinrpc/search/?list={}&search={}&expand=item", door.list, sold[0].0)).await;
    assert_eq!(found[0]["item"]["id"], plain["item"]);
    let lists = door.api().get("checkinlists/?exclude=checkin_count&expand=subevent").await;
    assert!(lists["results"][0].get("checkin_count").is_none() && lists["results"][0]["subevent"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_without_a_network_are_uploaded_later() {
    let door = Door::new(json!({ "name": "Main" })).await;
    let (_, secret) = door.sell("Seat").await;
    let late = json!({ "force": true, "datetime": "2026-03-01T19:00:00Z" });
    for _ in 0..2 {
        let body = door.entered(&secret, "offline-1", late.clone()).await;
        assert_eq!(body["position"]["checkins"][0]["datetime"], "2026-03-01T19:00:00Z");
    }
    assert_eq!(door.count().await, 1);
    // Another door was offline too: nothing can be undone, but it is told that it was forced.
    door.entered(&secret, "offline-2", late).await;
    assert_eq!(door.shop.number("select count(*) as number from checkin where forced").await, 1);
    let path = format!("events/gig/checkinlists/{}/failed_checkins/", door.list);
    let failed =
        json!({ "raw_barcode": "what", "error_reason": "invalid", "nonce": "f", "datetime": "2026-03-01T19:01:00Z" });
    for _ in 0..2 {
        assert_eq!(door.app.ours("POST", &path, Some(failed.clone())).await.0, 201);
    }
    assert_eq!(door.api().get("checkins/?error_reason=invalid").await["count"], 1);
    let (status, faults) =
        door.app.ours("POST", &path, Some(json!({ "error_reason": "tired", "position": 999_999 }))).await;
    assert_eq!((status, faults.as_object().unwrap().len()), (400, 3), "{faults}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_and_kept() {
    let door = Door::new(json!({ "name": "Main", "include_pending": true })).await;
    let (status, body) = door.scan("nobody", "x", json!({})).await;
    assert_eq!((status, &body["status"], &body["reason"]), (404, &json!("error"), &json!("invalid")), "{body}");
    assert!(body["detail"].is_string() && body["list"]["id"] == door.list);
    let (code, secret) = door.sell("Ticket").await;
    door.refused(&secret, "a", json!({}), "unpaid").await;
    // Nothing is written where it is only tried.
    let before = door.shop.number("select count(*) as number from checkin").await;
    let (status, _) = door.scan(&secret, "s", json!({ "ignore_unpaid": true, "simulate": true })).await;
    assert_eq!((status, door.shop.number("select count(*) as number from checkin").await), (201, before));
    door.entered(&secret, "b", json!({ "ignore_unpaid": true })).await;
    door.api().done("POST", &format!("orders/{code}/mark_canceled/"), json!({})).await;
    door.refused(&secret, "c", json!({}), "canceled").await;
    // The older form, for clients that know no cancelled tickets; by secret and by id.
    let position = door.api().get("checkins/?successful=true").await["results"][0]["position"].to_string();
    let old_form = |ticket: &str| format!("checkinlists/{}/positions/{ticket}/redeem/", door.list);
    for ticket in [&secret, &position] {
        let (status, body) = door.api().refused("POST", &old_form(ticket), json!({})).await;
        assert_eq!((status, &body["reason"]), (400, &json!("unpaid")), "{body}");
    }
    // What a device reads from a ticket is never the number of a position.
    let by_id = format!("events/gig/{}", old_form(&position));
    assert_eq!(door.app.ours("POST", &by_id, Some(json!({}))).await.0, 404);
    let untrusted = format!("{}?untrusted_input=true", old_form(&position));
    assert_eq!(door.api().refused("POST", &untrusted, json!({})).await.0, 404);
    let item = door.api().get("items/").await["results"][0]["id"].clone();
    let seats = door
        .api()
        .add("checkinlists/", json!({ "name": "Seats", "all_products": false, "limit_products": [item] }))
        .await;
    let (_, other) = door.sell("Ticket").await;
    let (status, body) = door.app.redeem(&[seats], &other, "p", json!({})).await;
    assert_eq!((status, &body["reason"]), (400, &json!("product")), "{body}");
    let (status, faults) =
        door.scan(&secret, "a", json!({ "type": "in", "force": "perhaps", "datetime": "soon" })).await;
    assert_eq!((status, faults.as_object().unwrap().len()), (400, 3), "{faults}");
    let (status, _) = door.app.redeem(&[999_999], &secret, "a", json!({})).await;
    assert_eq!(status, 400);
    assert_eq!(door.app.redeem(&[door.list, seats], &secret, "a", json!({})).await.0, 400, "two lists of one event");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_questions_of_the_door_are_asked() {
    let door = Door::new(
        json!({ "name": "Main", "rules": {"<": [{"var": "entries_number"}, 2]}, "allow_multiple_entries": true }),
    )
    .await;
    let api = door.api();
    let wrong = json!({ "name": "x", "rules": {"xor": []} });
    assert!(api.refused("POST", "checkinlists/", wrong).await.1["rules"][0].is_string());
    let item = api.get("items/").await["results"][0]["id"].clone();
    let asked = json!({ "question": "Size?", "type": "C", "required": true, "ask_during_checkin": true, "items": [item],
                        "options": [{ "answer": "M", "identifier": "M" }, { "answer": "L", "identifier": "L" }] });
    let asked = api.done("POST", "questions/", asked).await;
    let (_, secret) = door.sell("Seat").await;
    let (status, body) = door.scan(&secret, "a", json!({})).await;
    assert_eq!(
        (status, &body["status"], &body["questions"][0]["id"]),
        (400, &json!("incomplete"), &asked["id"]),
        "{body}"
    );
    let id = asked["id"].to_string();
    assert_eq!(
        door.scan(&secret, "a", json!({ "answers": { id.clone(): "nothing" } })).await.1["status"],
        "incomplete"
    );
    let large = asked["options"][1]["id"].to_string();
    let twice = json!({ "answers": { format!("0{id}"): large, id: large } });
    let body = door.entered(&secret, "a", twice).await;
    assert_eq!(body["position"]["answers"][0]["option_identifiers"], json!(["L"]));
    door.entered(&secret, "b", json!({})).await;
    let body = door.refused(&secret, "c", json!({}), "rules").await;
    assert_eq!(body["reason_explanation"], "The number of entries is used up.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_taken_back_soon_after_by_its_own_device() {
    let door = Door::new(json!({ "name": "Main" })).await;
    let (_, secret) = door.sell("Seat").await;
    door.entered(&secret, "a", json!({})).await;
    let said = |nonce: &str| Some(json!({ "lists": [door.list], "nonce": nonce }));
    assert_eq!(door.app.ours("POST", "checkinrpc/annul/", said("z")).await.0, 404);
    door.shop.clock.advance_seconds(60);
    let synced = door.shop.ctx.now();
    let other = device(&door.shop, json!({ "name": "Other", "all_events": true })).await;
    assert_eq!(other.ours("POST", "checkinrpc/annul/", said("a")).await.0, 400);
    let (status, body) = door.app.ours("POST", "checkinrpc/annul/", said("a")).await;
    assert_eq!((status, &body), (200, &json!({ "status": "ok" })));
    assert_eq!(door.app.ours("POST", "checkinrpc/annul/", said("a")).await.0, 400, "it is not successful any more");
    // With a key, a call that is repeated is answered as before.
    let organizer = Program::new(&door.shop, "org/");
    let scan = json!({ "lists": [door.list], "secret": secret, "nonce": "desk" });
    organizer.done("POST", "checkinrpc/redeem/", scan).await;
    for _ in 0..2 {
        let request =
            http_client().build().unwrap().post(format!("{}/api/v1/organizers/org/checkinrpc/annul/", door.shop.url));
        let request =
            request.header("authorization", format!("Token {}", door.shop.token)).header("x-idempotency-key", "once");
        assert_eq!(request.json(&said("desk")).send().await.unwrap().status().as_u16(), 200);
    }
    // Other doors ask for orders that have changed since they did.
    let logged = "select count(*) as number from action_log where action = 'pretix.event.checkin.annulled'";
    assert_eq!(door.shop.number(logged).await, 2);
    let changed = door.app.all(&format!("events/gig/orders/?modified_since={synced}")).await;
    assert_eq!(changed.len(), 1, "doors that keep orders hear of it");
    assert_eq!(door.api().get("checkins/").await["results"][0]["error_reason"], "annulled");
    door.entered(&secret, "b", json!({})).await;
    door.shop.clock.advance_seconds(16 * 60);
    assert_eq!(door.app.ours("POST", "checkinrpc/annul/", said("b")).await.0, 400, "too late");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_because_the_answer_was_lost_gets_it_again() {
    let once = json!({"<": [{"var": "entries_number"}, 1]});
    let door = Door::new(json!({ "name": "Main", "rules": once, "allow_multiple_entries": true })).await;
    let (code, secret) = door.sell("Seat").await;
    for _ in 0..2 {
        door.entered(&secret, "a", json!({})).await;
    }
    assert_eq!(door.count().await, 1);
    for _ in 0..2 {
        door.refused(&secret, "b", json!({}), "rules").await;
        assert_eq!(door.scan("nobody", "c", json!({})).await.0, 404);
    }
    let told = "select count(*) as number from checkin where not successful";
    assert_eq!(door.shop.number(told).await, 2, "one attempt of each");
    let logged = "select count(*) as number from action_log where action ~ 'checkin.(denied|unknown)'";
    assert_eq!(door.shop.number(logged).await, 2);
    // Nor does what has happened since change what was said.
    door.api().done("POST", &format!("orders/{code}/mark_canceled/"), json!({})).await;
    door.entered(&secret, "a", json!({})).await;
    door.refused(&secret, "d", json!({}), "canceled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_changes_an_order_while_its_tickets_are_scanned() {
    let door = Door::new(json!({ "name": "Main", "allow_multiple_entries": true })).await;
    let (_, secret) = door.sell("Seat").await;
    let position = door.api().get("orderpositions/").await["results"][0]["id"].to_string();
    for round in 0..20 {
        let scans = (0..4).map(|gate| {
            let (door, secret, nonce) = (&door, &secret, format!("{round}-{gate}"));
            async move { door.scan(secret, &nonce, json!({})).await }
        });
        let price = json!({ "price": format!("{}.00", round + 1) });
        let path = format!("orderpositions/{position}/");
        let (scans, ()) = tokio::join!(futures(scans), async {
            door.api().done("PATCH", &path, price).await;
        });
        // What costs more than was paid is not paid any more, but nobody waits for anybody in a circle.
        assert!(scans.iter().all(|(status, _)| [201, 400].contains(status)), "{scans:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_doors_that_scan_one_ticket_at_once_let_one_in() {
    let door = Door::new(json!({ "name": "Main" })).await;
    for round in 0..5 {
        let (_, secret) = door.sell("Seat").await;
        let scans = (0..8).map(|gate| {
            let (secret, nonce) = (secret.clone(), format!("{round}-{gate}"));
            let door = &door;
            async move { door.scan(&secret, &nonce, json!({})).await.0 }
        });
        let statuses = futures(scans).await;
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 7, "{statuses:?}");
    }
}

/// Runs all at once.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut open: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = open.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in open.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_do_not_wait_for_the_sale() {
    let door = Door::new(json!({ "name": "Main" })).await;
    let (_, secret) = door.sell("Seat").await;
    let mut db = door.shop.sandbox().db().await.unwrap();
    let tx = db.begin().await.unwrap();
    let event = door.shop.gig().await;
    let lock = shop::port::lock::EventLock::acquire(&tx, event.id).await.unwrap();
    // Somebody sells and does not come to an end.
    let scan = door.entered(&secret, "a", json!({}));
    tokio::time::timeout(std::time::Duration::from_secs(5), scan).await.unwrap();
    lock.tx().one("select 1 as one", &[]).await.unwrap();
    tx.finish(Ok::<_, shop::port::db::DbError>(())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_ticket_and_its_add_ons_the_one_enters_that_is_valid_now() {
    let door = Door::new(json!({ "name": "Main", "addon_match": true })).await;
    let item = door.api().get("items/").await["results"][0]["id"].clone();
    let positions = json!([{ "positionid": 1, "item": item }, { "positionid": 2, "item": item, "addon_to": 1 }]);
    let order = json!({ "email": "ada@example.org", "payment_provider": "free", "positions": positions });
    let order = door.api().done("POST", "orders/", order).await;
    let [day, night] = [0, 1].map(|place| order["positions"][place]["id"].clone());
    let secret = order["positions"][0]["secret"].as_str().unwrap().to_owned();
    door.refused(&secret, "a", json!({}), "ambiguous").await;
    let last = async |position: &Value, until: Value, from: Value| {
        let times = json!({ "valid_until": until, "valid_from": from });
        door.api().done("PATCH", &format!("orderpositions/{position}/"), times).await;
    };
    last(&day, json!("2000-01-01T00:00:00Z"), Value::Null).await;
    assert_eq!(door.entered(&secret, "b", json!({})).await["position"]["id"], night);
    // None is: the one that will be says why.
    last(&night, Value::Null, json!("2998-01-01T00:00:00Z")).await;
    assert_eq!(door.refused(&secret, "c", json!({}), "invalid_time").await["position"]["id"], night);
    last(&night, json!("1999-01-01T00:00:00Z"), Value::Null).await;
    assert_eq!(door.refused(&secret, "d", json!({}), "invalid_time").await["position"]["id"], day);
}
