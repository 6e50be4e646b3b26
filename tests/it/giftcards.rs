//! Gift cards as programs of organisers issue and charge them (spec rest-api 2.6, domain 20.1).

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    api_catalogue::Program,
    shop::{TestShop, document, http_client, make_organizer},
};

async fn card(api: &Program<'_>, value: &str) -> i64 {
    api.add("giftcards/", json!({ "value": value, "currency": "EUR" })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_worth_what_was_booked_on_it() {
    let shop = TestShop::empty().await;
    let api = Program::new(&shop, "org/");
    let said = json!({ "secret": "Summer26", "value": "23.5", "currency": "EUR", "testmode": true,
                       "expires": "2027-12-31T23:59:59Z", "conditions": "Not for drinks" });
    let told = api.done("POST", "giftcards/", said).await;
    let id = told["id"].as_i64().unwrap();
    let expected = json!({ "id": id, "secret": "Summer26", "issuance": told["issuance"], "value": "23.50",
        "currency": "EUR", "testmode": true, "expires": "2027-12-31T23:59:59Z", "conditions": "Not for drinks",
        "owner_ticket": null, "issuer": "org" });
    assert_eq!(told, expected);
    assert!(told["issuance"].is_string());
    let one = format!("giftcards/{id}/");

    let told = api.done("POST", &format!("{one}transact/"), json!({ "value": "-3.50", "text": "Coffee" })).await;
    assert_eq!(told["value"], "20.00");
    let told = api.done("POST", &format!("{one}transact/"), json!({ "value": 5, "info": { "till": 7 } })).await;
    assert_eq!(told["value"], "25.00");
    let changed = json!({ "value": "10.00", "conditions": null, "expires": null });
    let told = api.done("PATCH", &one, changed).await;
    assert_eq!((&told["value"], &told["conditions"], &told["expires"]), (&json!("10.00"), &Value::Null, &Value::Null));
    // What is not said stays, and saying the same again books nothing.
    assert_eq!(api.done("PATCH", &one, json!({ "conditions": "x" })).await["value"], "10.00");
    api.done("PATCH", &one, json!({ "value": "10.00", "currency": "EUR", "secret": "Summer26" })).await;

    let list = api.get(&format!("{one}transactions/")).await;
    let values: Vec<&Value> = list["results"].as_array().unwrap().iter().map(|entry| &entry["value"]).collect();
    assert_eq!(values, ["23.50", "-3.50", "5.00", "-15.00"]);
    let coffee = &list["results"][1];
    let expected = json!({ "id": coffee["id"], "datetime": coffee["datetime"], "value": "-3.50", "event": null,
        "order": null, "text": "Coffee", "info": null, "acceptor": "org" });
    assert_eq!(*coffee, expected);
    assert_eq!(list["results"][2]["info"], json!({ "till": 7 }));
    assert_eq!(api.refused("DELETE", &one, json!({})).await.0, 405);
    assert_eq!(api.refused("PUT", &one, json!({})).await.0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_by_field_and_books_nothing() {
    let shop = TestShop::empty().await;
    let api = Program::new(&shop, "org/");
    for (field, wrong) in [
        ("value", json!({ "currency": "EUR" })),
        ("currency", json!({ "value": "1.00" })),
        ("value", json!({ "value": "-0.01", "currency": "EUR" })),
        ("value", json!({ "value": "1.234", "currency": "EUR" })),
        ("value", json!({ "value": "1.5", "currency": "JPY" })),
        ("value", json!({ "value": "much", "currency": "EUR" })),
        ("value", json!({ "value": null, "currency": "EUR" })),
        ("value", json!({ "value": [], "currency": "EUR" })),
        ("value", json!({ "value": "100000000000.00", "currency": "EUR" })),
        ("currency", json!({ "value": "1.00", "currency": "euro" })),
        ("currency", json!({ "value": "1.00", "currency": "eur" })),
        ("secret", json!({ "value": "1.00", "currency": "EUR", "secret": "x".repeat(191) })),
        ("expires", json!({ "value": "1.00", "currency": "EUR", "expires": "soon" })),
        ("owner_ticket", json!({ "value": "1.00", "currency": "EUR", "owner_ticket": 7 })),
    ] {
        let (status, faults) = api.refused("POST", "giftcards/", wrong).await;
        assert!(status == 400 && faults[field][0].is_string(), "{field}: {status} {faults}");
    }
    assert_eq!(api.get("giftcards/").await["count"], 0);

    let taken = json!({ "value": "1.00", "currency": "EUR", "secret": "ours" });
    let id = api.add("giftcards/", taken).await;
    let again = json!({ "value": "1.00", "currency": "EUR", "secret": "OURS" });
    let (status, faults) = api.refused("POST", "giftcards/", again.clone()).await;
    assert!(status == 400 && faults["secret"][0].is_string(), "{faults}");
    // Another organiser has secrets of its own, and sees none of ours.
    let token = make_organizer(shop.ctx, "third", &["*"]).await;
    assert_eq!(shop.api("POST", "third/giftcards/", Some(&token), Some(again)).await.0, 201);
    let path = format!("third/giftcards/{id}/");
    assert_eq!(shop.api("GET", &path, Some(&token), None).await.0, 404);
    assert_eq!(shop.api("GET", &format!("{path}transactions/"), Some(&token), None).await.0, 404);
    let take = Some(json!({ "value": "-1.00" }));
    assert_eq!(shop.api("POST", &format!("{path}transact/"), Some(&token), take).await.0, 404);

    let one = format!("giftcards/{id}/");
    for (field, wrong) in [
        ("value", json!({ "value": "-1.00" })),
        ("currency", json!({ "currency": "USD" })),
        ("secret", json!({ "secret": "other" })),
        ("testmode", json!({ "testmode": true })),
    ] {
        let (status, faults) = api.refused("PATCH", &one, wrong).await;
        assert!(status == 400 && faults[field][0].is_string(), "{field}: {status} {faults}");
    }
    for (field, wrong) in [
        ("value", json!({})),
        ("value", json!({ "value": "0.001" })),
        ("value", json!({ "value": "x" })),
        ("value", json!({ "value": "99999999999.99" })),
        ("text", json!({ "value": "1.00", "text": {} })),
    ] {
        let (status, faults) = api.refused("POST", &format!("{one}transact/"), wrong).await;
        assert!(status == 400 && faults[field][0].is_string(), "{field}: {status} {faults}");
    }
    let (status, faults) = api.refused("POST", &format!("{one}transact/"), json!({ "value": "-1.01" })).await;
    assert!(status == 409 && faults["value"][0].is_string(), "{status} {faults}");
    assert_eq!(api.get(&one).await["value"], "1.00");
    assert_eq!(api.get(&format!("{one}transactions/")).await["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_cards() {
    let shop = TestShop::empty().await;
    let api = Program::new(&shop, "org/");
    let first = card(&api, "5.00").await;
    let past = json!({ "value": 0, "currency": "JPY", "secret": "past", "testmode": true,
                       "expires": "2000-01-01T00:00:00Z" });
    let past = api.add("giftcards/", past).await;
    let yen = api.add("giftcards/", json!({ "value": "500", "currency": "JPY" })).await;
    for (query, expected) in [
        ("", vec![first, past, yen]),
        ("?ordering=-id", vec![yen, past, first]),
        ("?secret=PAST", vec![past]),
        ("?testmode=true", vec![past]),
        ("?testmode=false", vec![first, yen]),
        ("?expired=true", vec![past]),
        ("?expired=false", vec![first, yen]),
        ("?value=5", vec![first]),
        ("?value=500.00", vec![yen]),
        ("?value=0", vec![past]),
        ("?include_accepted=true", vec![first, past, yen]),
    ] {
        let list = api.get(&format!("giftcards/{query}")).await;
        let ids: Vec<i64> =
            list["results"].as_array().unwrap().iter().map(|card| card["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    assert_eq!(api.get(&format!("giftcards/{yen}/")).await["value"], "500.00");
    for query in ["?testmode=what", "?expired=7", "?value=much", "?value=1e9", "?value=."] {
        let (status, faults) = api.call("GET", &format!("giftcards/{query}"), None).await;
        assert!(status == 400 && faults.as_object().unwrap().values().all(Value::is_array), "{query}: {status}");
    }
}

/// Twenty-four times a quarter of what the card is worth, all at once.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_take_at_once_never_take_more_than_there_is() {
    let shop = Arc::new(TestShop::empty().await);
    let id = card(&Program::new(&shop, "org/"), "10.00").await;
    let start = Arc::new(Barrier::new(24));
    let mut racers = JoinSet::new();
    for _ in 0..24 {
        let (shop, start) = (shop.clone(), start.clone());
        racers.spawn(async move {
            start.wait().await;
            let path = format!("org/giftcards/{id}/transact/");
            shop.api("POST", &path, Some(&shop.token), Some(json!({ "value": "-2.50" }))).await.0
        });
    }
    let answers = racers.join_all().await;
    let count = |status| answers.iter().filter(|it| **it == status).count();
    assert_eq!((count(200), count(409)), (4, 20), "{answers:?}");
    let api = Program::new(&shop, "org/");
    assert_eq!(api.get(&format!("giftcards/{id}/")).await["value"], "0.00");
    assert_eq!(api.get(&format!("giftcards/{id}/transactions/")).await["count"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_again_books_once() {
    let shop = TestShop::empty().await;
    let api = Program::new(&shop, "org/");
    let call = async |key: &str, path: &str, said: Value| {
        let request = http_client().build().unwrap().post(format!("{}/api/v1/organizers/org/{path}", shop.url));
        let request = request.header("authorization", format!("Token {}", shop.token)).header("x-idempotency-key", key);
        let response = request.json(&said).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let said = json!({ "value": "10.00", "currency": "EUR" });
    let first = call("issue", "giftcards/", said.clone()).await;
    assert_eq!((first.0, call("issue", "giftcards/", said).await == first), (201, true));
    assert_eq!(api.get("giftcards/").await["count"], 1);
    let id = first.1["id"].as_i64().unwrap();
    let path = format!("giftcards/{id}/transact/");
    let (take, again) =
        (call("take", &path, json!({ "value": "-4.00" })), call("take", &path, json!({ "value": "-4.00" })));
    let (take, again) = tokio::join!(take, again);
    assert_eq!(take, again);
    assert_eq!((take.0, &take.1["value"]), (200, &json!("6.00")));
    // Too little today may be enough tomorrow: that answer is not kept.
    assert_eq!(call("later", &path, json!({ "value": "-7.00" })).await.0, 409);
    call("more", &path, json!({ "value": "1.00" })).await;
    assert_eq!(call("later", &path, json!({ "value": "-7.00" })).await.1["value"], "0.00");
    assert_eq!(api.get(&format!("giftcards/{id}/transactions/")).await["count"], 4);
}

/// A change of something else must not undo what is booked meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_conditions_leaves_the_money_alone() {
    let shop = Arc::new(TestShop::empty().await);
    let id = card(&Program::new(&shop, "org/"), "0.00").await;
    let mut calls = JoinSet::new();
    for round in 0..20 {
        let shop = shop.clone();
        calls.spawn(async move {
            let one = format!("org/giftcards/{id}/");
            let (method, path, said) = match round % 2 {
                0 => ("POST", format!("{one}transact/"), json!({ "value": "1.00" })),
                _ => ("PATCH", one, json!({ "conditions": format!("{round}") })),
            };
            shop.api(method, &path, Some(&shop.token), Some(said)).await.0
        });
    }
    assert!(calls.join_all().await.into_iter().all(|status| status == 200));
    assert_eq!(Program::new(&shop, "org/").get(&format!("giftcards/{id}/")).await["value"], "10.00");
}

/// An event with tickets of 23.00, and the id of that item.
async fn gig(places: i64) -> (TestShop, i64) {
    let shop = TestShop::with_places(places).await;
    let items = Program::new(&shop, "org/events/gig/").get("items/").await;
    let ticket = items["results"].as_array().unwrap().iter().find(|item| item["name"]["en"] == "Ticket").unwrap();
    let id = ticket["id"].as_i64().unwrap();
    (shop, id)
}

async fn named(api: &Program<'_>, secret: &str, value: &str) -> i64 {
    api.add("giftcards/", json!({ "value": value, "currency": "EUR", "secret": secret })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_with_cards_as_far_as_they_go() {
    let (shop, ticket) = gig(9).await;
    let (api, event) = (Program::new(&shop, "org/"), Program::new(&shop, "org/events/gig/"));
    let (first, second) = (named(&api, "first", "20.00").await, named(&api, "second", "20.00").await);
    let order = json!({ "email": "ada@example.org", "send_email": true, "positions": [{ "item": ticket }],
                        "use_gift_cards": ["SECOND", "first"] });
    let told = event.done("POST", "orders/", order).await;
    let payment = |n: usize| {
        let it = &told["payments"][n];
        (it["provider"].as_str().unwrap(), it["state"].as_str().unwrap(), it["amount"].as_str().unwrap())
    };
    assert_eq!((&told["status"], &told["total"]), (&json!("p"), &json!("23.00")));
    assert_eq!(payment(0), ("giftcard", "confirmed", "20.00"));
    assert_eq!(payment(1), ("giftcard", "confirmed", "3.00"));
    let worth = async |id: i64| api.get(&format!("giftcards/{id}/")).await["value"].clone();
    assert_eq!((worth(second).await, worth(first).await), (json!("0.00"), json!("17.00")));
    let entries = api.get(&format!("giftcards/{first}/transactions/")).await;
    let last = &entries["results"][1];
    assert_eq!((&last["value"], &last["event"], &last["order"]), (&json!("-3.00"), &json!("gig"), &told["code"]));
    assert_eq!(shop.counters().await["tickets"], (1, 0, 0));
    shop.work().await;
    assert!(shop.mails().iter().any(|mail| mail.subject.contains(told["code"].as_str().unwrap())));

    // What they do not have is still to be paid.
    let order = json!({ "positions": [{ "item": ticket }], "use_gift_cards": ["first"] });
    let part = event.done("POST", "orders/", order).await;
    assert_eq!((&part["status"], &part["payments"][0]["amount"]), (&json!("n"), &json!("17.00")));
    assert_eq!(worth(first).await, "0.00");
    let rest = json!({ "provider": "manual", "state": "confirmed", "amount": "6.00" });
    event.done("POST", &format!("orders/{}/payments/", part["code"].as_str().unwrap()), rest).await;
    let paid = event.get(&format!("orders/{}/", part["code"].as_str().unwrap())).await;
    assert_eq!(paid["status"], "p");
    assert_eq!(shop.counters().await["tickets"], (2, 0, 0));

    // Money goes back to the card that it came from.
    let pay = format!("orders/{}/payments/2/refund/", told["code"].as_str().unwrap());
    for wrong in ["0.00", "3.01"] {
        let (status, faults) = event.refused("POST", &pay, json!({ "amount": wrong })).await;
        assert!(status == 400 && faults["amount"][0].is_string(), "{faults}");
    }
    let refund = event.done("POST", &pay, json!({ "amount": "1.00" })).await;
    assert_eq!(
        (&refund["provider"], &refund["state"], &refund["amount"]),
        (&json!("giftcard"), &json!("done"), &json!("1.00"))
    );
    let (status, faults) = event.refused("POST", &pay, json!({ "amount": "2.01" })).await;
    assert!(status == 400 && faults["amount"][0].is_string(), "{faults}");
    event.done("POST", &pay, json!({})).await;
    assert_eq!(worth(first).await, "3.00");
    let told = event.get(&format!("orders/{}/", told["code"].as_str().unwrap())).await;
    assert_eq!(told["payments"][1]["state"], "refunded");
    assert_eq!(event.refused("POST", &pay, json!({})).await.0, 400);
    assert_eq!(worth(first).await, "3.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_cannot_pay_makes_no_order() {
    let (shop, ticket) = gig(9).await;
    let (api, event) = (Program::new(&shop, "org/"), Program::new(&shop, "org/events/gig/"));
    let good = named(&api, "good", "50.00").await;
    named(&api, "empty", "0.00").await;
    for (secret, card) in [
        ("past", json!({ "expires": "2001-01-01T00:00:00Z" })),
        ("yen", json!({ "currency": "JPY" })),
        ("test", json!({ "testmode": true })),
    ] {
        let mut said = json!({ "value": "9.00", "currency": "EUR", "secret": secret });
        said.as_object_mut().unwrap().extend(card.as_object().unwrap().clone());
        api.add("giftcards/", said).await;
    }
    let cards = |secrets: Value| json!({ "use_gift_cards": secrets });
    for wrong in [
        cards(json!(["good", "empty"])),
        cards(json!(["good", "past"])),
        cards(json!(["good", "yen"])),
        cards(json!(["good", "test"])),
        cards(json!(["good", "unknown"])),
        cards(json!(["good", "GOOD"])),
        cards(json!(["good", 7])),
        cards(json!("good")),
        json!({ "use_gift_cards": ["good"], "testmode": true }),
        json!({ "use_gift_cards": ["good"], "payment_provider": "manual" }),
        json!({ "use_gift_cards": ["good"], "payment_provider": "manual", "status": "p" }),
        json!({ "use_gift_cards": ["good"], "require_approval": true }),
    ] {
        let mut order = json!({ "positions": [{ "item": ticket }] });
        order.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let (status, faults) = event.refused("POST", "orders/", order).await;
        assert!(status == 400 && faults["use_gift_cards"][0].is_string(), "{wrong}: {status} {faults}");
    }
    // What is only looked at costs nothing.
    let preview = json!({ "positions": [{ "item": ticket }], "use_gift_cards": ["good"], "simulate": true });
    assert_eq!(event.done("POST", "orders/", preview).await["status"], "p");
    assert_eq!(api.get(&format!("giftcards/{good}/")).await["value"], "50.00");
    assert_eq!(event.get("orders/").await["count"], 0);
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0));
}

/// Two cards that are worth three tickets, named in either order by sixteen buyers of two events at once.
#[tokio::test(flavor = "multi_thread")]
async fn orders_that_want_the_same_cards_share_what_there_is() {
    let shop = TestShop::with_places(40).await;
    let mut other = document(40);
    other["event"]["slug"] = json!("matinee");
    shop.import(&other).await;
    let shop = Arc::new(shop);
    let api = Program::new(&shop, "org/");
    let mut tickets = Vec::new();
    for event in ["gig", "matinee"] {
        let items = api.get(&format!("events/{event}/items/")).await;
        let ticket = items["results"].as_array().unwrap().iter().find(|item| item["name"]["en"] == "Ticket").unwrap();
        tickets.push((event, ticket["id"].clone()));
    }
    let cards = [named(&api, "one", "40.00").await, named(&api, "two", "29.00").await];
    let start = Arc::new(Barrier::new(16));
    let mut buyers = JoinSet::new();
    for n in 0..16 {
        let (shop, start, (event, ticket)) = (shop.clone(), start.clone(), tickets[n % 2].clone());
        let secrets = if n % 4 < 2 { ["one", "two"] } else { ["two", "one"] };
        buyers.spawn(async move {
            let order = json!({ "positions": [{ "item": ticket }], "use_gift_cards": secrets });
            start.wait().await;
            let path = format!("org/events/{event}/orders/");
            let (status, told) = shop.api("POST", &path, Some(&shop.token), Some(order)).await;
            (status, told["status"].as_str().map(str::to_owned))
        });
    }
    let answers = buyers.join_all().await;
    assert!(answers.iter().all(|(status, _)| [201, 400].contains(status)), "nobody waits for each other: {answers:?}");
    let paid = answers.iter().filter(|(_, status)| status.as_deref() == Some("p")).count();
    assert!((1..=3).contains(&paid), "{answers:?}");
    for id in cards {
        let worth = api.get(&format!("giftcards/{id}/")).await["value"].as_str().unwrap().to_owned();
        assert!(!worth.starts_with('-'), "{worth}");
    }
    let taken = "select coalesce(-sum(amount), 0)::bigint as number from gift_card_entry where amount < 0";
    let paid = "select coalesce(sum(amount), 0)::bigint as number from payment where provider = 'giftcard'";
    assert_eq!(shop.number(taken).await, shop.number(paid).await);
}
