//! The waiting list as programs of organisers keep it (spec rest-api 7, domain 17).

use std::sync::Arc;

use serde_json::{Value, json};
use shop::outbox::Job;
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    after_sale::run,
    api_catalogue::Program,
    shop::{TestShop, code_of},
};

/// An event whose seats are all bought; the order and the id of the product.
async fn sold_out(places: i64) -> (TestShop, String, i64) {
    let shop = TestShop::with_places(places).await;
    let order = code_of(&shop.buyer().buy(&[("Seat", places)], None).await).to_owned();
    let items = Program::new(&shop, "org/events/gig/").get("items/").await;
    let seat = items["results"].as_array().unwrap().iter().find(|item| item["name"]["en"] == "Seat").unwrap();
    let seat = seat["id"].as_i64().unwrap();
    (shop, order, seat)
}

fn entry(item: i64, email: &str) -> Value {
    json!({ "item": item, "email": email })
}

async fn availability(api: &Program<'_>) -> Value {
    let quotas = api.get("quotas/").await;
    let seats = quotas["results"].as_array().unwrap().iter().find(|quota| quota["name"] == "seats").unwrap();
    api.get(&format!("quotas/{}/availability/", seats["id"])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_counts_until_they_leave() {
    let (shop, _, seat) = sold_out(1).await;
    let api = Program::new(&shop, "org/events/gig/");
    let said = json!({ "item": seat, "email": "ada@example.org", "name_parts": { "_scheme": "full", "full_name": "Ada L" },
                       "phone": "+49 30 1", "locale": "de", "priority": 3 });
    let told = api.done("POST", "waitinglistentries/", said).await;
    let id = told["id"].as_i64().unwrap();
    let expected = json!({ "id": id, "created": told["created"], "name": "Ada L",
        "name_parts": { "_scheme": "full", "full_name": "Ada L" }, "email": "ada@example.org", "phone": "+49 30 1",
        "voucher": null, "item": seat, "variation": null, "locale": "de", "subevent": null, "priority": 3 });
    assert_eq!(told, expected);
    assert_eq!(availability(&api).await["waiting_list"], 1);
    shop.counters().await;
    let one = format!("waitinglistentries/{id}/");
    let told = api.done("PATCH", &one, json!({ "name": "Ada", "priority": -1 })).await;
    assert_eq!((&told["name_parts"]["full_name"], &told["priority"]), (&json!("Ada"), &json!(-1)));
    assert_eq!(told["email"], "ada@example.org");
    let other = api.add("waitinglistentries/", entry(seat, "bob@example.org")).await;
    assert_eq!(availability(&api).await["waiting_list"], 2);
    for (query, expected) in [
        ("", vec![id, other]),
        ("?ordering=-created", vec![other, id]),
        ("?ordering=-email", vec![other, id]),
        ("?email=ADA@example.org", vec![id]),
        ("?locale=en", vec![other]),
        ("?has_voucher=true", vec![]),
        ("?has_voucher=false", vec![id, other]),
        (&format!("?item={seat}"), vec![id, other]),
        ("?item=7777777", vec![]),
    ] {
        let list = api.get(&format!("waitinglistentries/{query}")).await;
        let ids: Vec<i64> = list["results"].as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let put = json!({ "item": seat, "email": "carl@example.org" });
    assert_eq!(api.done("PUT", &format!("waitinglistentries/{other}/"), put).await["email"], "carl@example.org");
    api.done("DELETE", &one, json!({})).await;
    assert_eq!(api.call("GET", &one, None).await.0, 404);
    assert_eq!(availability(&api).await["waiting_list"], 1);
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_by_field_and_nobody_waits() {
    let (shop, _, seat) = sold_out(1).await;
    let api = Program::new(&shop, "org/events/gig/");
    let shirt = json!({ "name": "Shirt", "default_price": "1.00", "variations": [{ "value": "S" }, { "value": "L" }] });
    let shirt = api.done("POST", "items/", shirt).await;
    let (small, shirt) = (&shirt["variations"][0]["id"], &shirt["id"]);
    let quota = json!({ "name": "small", "size": 0, "items": [shirt], "variations": [small] });
    api.add("quotas/", quota).await;
    let tickets = api.get("items/").await;
    let ticket = tickets["results"].as_array().unwrap().iter().find(|item| item["name"]["en"] == "Ticket").unwrap();
    for (field, wrong) in [
        ("item", json!({ "email": "a@example.org" })),
        ("email", json!({ "item": seat })),
        ("email", json!({ "item": seat, "email": "nobody" })),
        ("item", json!({ "item": 7_777_777, "email": "a@example.org" })),
        ("variation", json!({ "item": shirt, "email": "a@example.org" })),
        ("variation", json!({ "item": seat, "variation": small, "email": "a@example.org" })),
        ("subevent", json!({ "item": seat, "subevent": 7_777_777, "email": "a@example.org" })),
        ("locale", json!({ "item": seat, "email": "a@example.org", "locale": "fr" })),
        ("priority", json!({ "item": seat, "email": "a@example.org", "priority": "high" })),
        ("name", json!({ "item": seat, "email": "a@example.org", "name": "A", "name_parts": { "full_name": "B" } })),
        ("name_parts", json!({ "item": seat, "email": "a@example.org", "name_parts": "B" })),
        ("name_parts", json!({ "item": seat, "email": "a@example.org", "name_parts": { "full_name": 7 } })),
        (
            "name_parts",
            json!({ "item": seat, "email": "a@example.org", "name_parts": { "full_name": "x".repeat(201) } }),
        ),
        ("non_field_errors", json!({ "item": ticket["id"], "email": "a@example.org" })),
    ] {
        let (status, faults) = api.refused("POST", "waitinglistentries/", wrong).await;
        assert!(status == 400 && faults[field][0].is_string(), "{field}: {status} {faults}");
    }
    assert_eq!(api.get("waitinglistentries/").await["count"], 0);
    let id = api.add("waitinglistentries/", entry(seat, "a@example.org")).await;
    let (status, faults) = api.refused("POST", "waitinglistentries/", entry(seat, "A@example.org")).await;
    assert!(status == 400 && faults["non_field_errors"][0].is_string(), "{faults}");
    // Somebody who waits for two things counts in both; who changes their mind moves.
    let both = json!({ "item": shirt, "variation": small, "email": "a@example.org" });
    let (status, faults) =
        api.refused("PATCH", &format!("waitinglistentries/{id}/"), json!({ "item": ticket["id"] })).await;
    assert!(status == 400 && faults["non_field_errors"][0].is_string(), "{faults}");
    api.done("PATCH", &format!("waitinglistentries/{id}/"), both).await;
    assert_eq!(availability(&api).await["waiting_list"], 0);
    shop.counters().await;
    // What somebody waits for stays.
    let status = api.refused("DELETE", &format!("items/{shirt}/"), json!({})).await.0;
    assert_eq!(status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_comes_back_is_for_who_waits() {
    let (shop, order, seat) = sold_out(1).await;
    let api = Program::new(&shop, "org/events/gig/");
    let id = api.add("waitinglistentries/", entry(seat, "ada@example.org")).await;
    let send = format!("waitinglistentries/{id}/send_voucher/");
    let (status, faults) = api.refused("POST", &send, json!({})).await;
    assert!(status == 400 && faults[0].is_string(), "nothing has come back: {status} {faults}");

    api.done("POST", &format!("orders/{order}/mark_canceled/"), json!({ "send_email": false })).await;
    let buy = |voucher: Option<&str>| json!({ "email": "x@example.org", "positions": [{ "item": seat, "voucher": voucher }] });
    let (status, faults) = api.refused("POST", "orders/", buy(None)).await;
    assert!(status == 400 && faults["positions"][0]["item"].is_array(), "somebody who comes by: {faults}");
    let page = shop.buyer().shop().await;
    let offers =
        |name: &str| page.html.contains(&format!("Number of {name}\"")) || page.html.contains(&format!("– {name}<"));
    assert!(offers("Ticket") && !offers("Seat"), "{}", page.html);

    let (status, body) = api.call("POST", &send, Some(json!({}))).await;
    assert_eq!((status, body), (204, Value::Null));
    shop.counters().await;
    let told = api.get(&format!("waitinglistentries/{id}/")).await;
    let voucher = api.get(&format!("vouchers/{}/", told["voucher"])).await;
    assert_eq!(
        (&voucher["block_quota"], &voucher["max_usages"], &voucher["item"]),
        (&json!(true), &json!(1), &json!(seat))
    );
    assert_eq!(
        (&voucher["tag"], &voucher["comment"]),
        (&json!("waiting-list"), &json!("Waiting list: ada@example.org"))
    );
    assert!(voucher["valid_until"].is_string());
    shop.clock.advance_seconds(60);
    run(&shop, Job::RequeueMails).await;
    shop.work().await;
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.subject.contains("waiting for you")).unwrap();
    let link = format!("/org/gig/redeem?voucher={}", voucher["code"].as_str().unwrap());
    assert!(mail.to.contains("ada@example.org") && mail.text.contains(&link) && mail.html.contains(&link), "{mail:?}");
    let free = availability(&api).await;
    assert_eq!((&free["waiting_list"], &free["blocking_vouchers"]), (&json!(0), &json!(1)));

    // It was served: once, and for good.
    let (status, faults) = api.refused("POST", &send, json!({})).await;
    assert!(status == 400 && faults[0].is_string(), "{faults}");
    assert_eq!(api.refused("PATCH", &format!("waitinglistentries/{id}/"), json!({ "priority": 1 })).await.0, 403);
    assert_eq!(api.refused("DELETE", &format!("waitinglistentries/{id}/"), json!({})).await.0, 403);
    // Who has a voucher can wait for one more.
    let more = api.add("waitinglistentries/", entry(seat, "ada@example.org")).await;
    assert_eq!(api.refused("POST", "orders/", buy(None)).await.0, 400);
    api.done("POST", "orders/", buy(voucher["code"].as_str())).await;
    assert_eq!(availability(&api).await["waiting_list"], 1);
    shop.counters().await;

    api.done("DELETE", &format!("waitinglistentries/{more}/"), json!({})).await;
    assert_eq!(api.get("waitinglistentries/?has_voucher=true").await["count"], 1);
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_goes_with_its_voucher() {
    let (shop, order, seat) = sold_out(1).await;
    let api = Program::new(&shop, "org/events/gig/");
    let id = api.add("waitinglistentries/", entry(seat, "ada@example.org")).await;
    api.done("POST", &format!("orders/{order}/mark_canceled/"), json!({ "send_email": false })).await;
    assert_eq!(api.call("POST", &format!("waitinglistentries/{id}/send_voucher/"), None).await.0, 204);
    let voucher = api.get(&format!("waitinglistentries/{id}/")).await["voucher"].clone();
    api.done("DELETE", &format!("vouchers/{voucher}/"), json!({})).await;
    assert_eq!(api.call("GET", &format!("waitinglistentries/{id}/"), None).await.0, 404);
    assert_eq!(availability(&api).await["available_number"], 1);
    shop.counters().await;
}

/// One place has come back, eight wait, and each is to be served three times at once.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_served_at_once_get_no_more_than_there_is() {
    let (shop, order, seat) = sold_out(1).await;
    let shop = Arc::new(shop);
    let api = Program::new(&shop, "org/events/gig/");
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(api.add("waitinglistentries/", entry(seat, &format!("b{n}@example.org"))).await);
    }
    api.done("POST", &format!("orders/{order}/mark_canceled/"), json!({ "send_email": false })).await;
    let start = Arc::new(Barrier::new(24));
    let mut racers = JoinSet::new();
    for n in 0..24 {
        let (shop, start, id) = (shop.clone(), start.clone(), ids[n % 8]);
        racers.spawn(async move {
            start.wait().await;
            let path = format!("org/events/gig/waitinglistentries/{id}/send_voucher/");
            shop.api("POST", &path, Some(&shop.token), None).await.0
        });
    }
    let answers = racers.join_all().await;
    let count = |status| answers.iter().filter(|it| **it == status).count();
    assert_eq!((count(204), count(400)), (1, 23), "{answers:?}");
    assert_eq!(api.get("vouchers/").await["count"], 1);
    let free = availability(&api).await;
    assert_eq!((&free["waiting_list"], &free["blocking_vouchers"]), (&json!(7), &json!(1)));
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_has_bought_goes_with_its_waiting_list() {
    let shop = TestShop::with_places(0).await;
    let api = Program::new(&shop, "org/events/gig/");
    let seat = api.get("items/?search=Seat").await["results"][0]["id"].as_i64().unwrap();
    let id = api.add("waitinglistentries/", entry(seat, "ada@example.org")).await;
    let quota = api.get("quotas/").await["results"][0]["id"].clone();
    api.done("PATCH", &format!("quotas/{quota}/"), json!({ "size": 1 })).await;
    assert_eq!(api.call("POST", &format!("waitinglistentries/{id}/send_voucher/"), None).await.0, 204);
    api.done("PATCH", "", json!({ "live": false })).await;
    let (status, answer) = api.call("DELETE", "", None).await;
    assert_eq!(status, 204, "{answer}");
    assert_eq!(shop.number("select count(*) as number from mail").await, 0);
}
