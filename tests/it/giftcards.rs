//! Gift cards as programs of organisers issue and charge them (spec rest-api 2.6, domain 20.1).

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    api_catalogue::Program,
    shop::{TestShop, http_client, make_organizer},
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
