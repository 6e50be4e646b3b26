//! Carts that programs fill (spec rest-api 8): they hold places, and orders consume them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    api_catalogue::Program,
    authorisation::with_drinks,
    shop::{TestShop, document, make_organizer},
};

const CARTS: &str = "cartpositions/";

struct Gig {
    shop: Arc<TestShop>,
    seat: Value,
    ticket: Value,
    drink: Value,
}

impl Gig {
    /// Seats and tickets, so many of each, drinks for tickets, and vouchers.
    async fn new(places: i64) -> Self {
        let shop = TestShop::empty().await;
        let mut event = with_drinks(document(places));
        event["items"][1]["bundles"] = json!([{ "bundled_item": 1, "count": 1, "designated_price": "0.00" }]);
        event["vouchers"] = json!([{ "code": "TWICE", "max_usages": 2, "item": 1 },
                                   { "code": "OLD", "valid_until": "2020-01-01T00:00:00Z" }]);
        event["questions"] = json!([{ "id": 1, "question": "Size?", "type": "S", "items": [2], "identifier": "SIZE" }]);
        shop.import(&event).await;
        let items = Program::new(&shop, "org/events/gig/").get("items/?ordering=id").await;
        let [seat, ticket, drink] = [0, 1, 2].map(|place| items["results"][place]["id"].clone());
        Self { shop: Arc::new(shop), seat, ticket, drink }
    }

    fn api(&self) -> Program<'_> {
        Program::new(&self.shop, "org/events/gig/")
    }

    fn seat(&self) -> Value {
        json!({ "cart_id": "desk@api", "item": self.seat, "price": "4.00" })
    }

    /// How many of a quota lie in carts.
    async fn held(&self, quota: &str) -> i64 {
        self.shop.counters().await[quota].2
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_holds_its_place_until_it_is_taken_out_or_its_time_is_over() {
    let gig = Gig::new(3).await;
    let api = gig.api();
    let added = api.done("POST", CARTS, gig.seat()).await;
    let id = added["id"].to_string();
    assert_eq!((&added["cart_id"], &added["price"], &added["item"]), (&json!("desk@api"), &json!("4.00"), &gig.seat));
    assert_eq!((&added["addons"], &added["bundled"], &added["is_bundled"]), (&json!([]), &json!([]), &json!(false)));
    let mut told = added.clone();
    told.as_object_mut().unwrap().retain(|name, _| !["addons", "bundled"].contains(&name.as_str()));
    assert_eq!(api.get(&format!("{CARTS}{id}/")).await, told);
    assert_eq!(gig.held("seats").await, 1);
    // Nobody has said which cart: it is a new one.
    let mut nameless = gig.seat();
    nameless.as_object_mut().unwrap().remove("cart_id");
    let other = api.done("POST", CARTS, nameless).await;
    let cart = other["cart_id"].as_str().unwrap();
    assert!(cart.ends_with("@api") && cart.len() > 40, "{cart}");
    let list = api.get("cartpositions/?ordering=-datetime").await;
    assert_eq!((&list["count"], &list["results"][0]["id"]), (&json!(2), &other["id"]));
    // What buyers have in their carts is nobody's business here, but it takes places too.
    gig.shop.buyer().add(&[("Seat", 1)]).await;
    assert_eq!(api.get(CARTS).await["count"], 2);
    let foreign = gig.shop.number("select max(id) as number from cart_position").await;
    assert_eq!(api.refused("GET", &format!("{CARTS}{foreign}/"), json!({})).await.0, 404);
    assert_eq!(api.refused("DELETE", &format!("{CARTS}{foreign}/"), json!({})).await.0, 404);
    let (status, faults) = api.refused("POST", CARTS, gig.seat()).await;
    assert_eq!(status, 400);
    assert!(faults["item"][0].as_str().unwrap().contains("\"seats\""), "{faults}");
    assert_eq!(gig.held("seats").await, 3);
    api.done("DELETE", &format!("{CARTS}{id}/"), json!({})).await;
    assert_eq!(api.refused("DELETE", &format!("{CARTS}{id}/"), json!({})).await.0, 404);
    assert_eq!(gig.held("seats").await, 2);
    // The other one still has its time.
    assert_eq!(api.get(CARTS).await["results"][0]["expires"], other["expires"]);
    gig.shop.clock.advance_seconds(31 * 60);
    for _ in 0..3 {
        api.done("POST", CARTS, gig.seat()).await;
    }
    assert_eq!(gig.held("seats").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_position_comes_and_goes_with_it() {
    let gig = Gig::new(5).await;
    let api = gig.api();
    let answer = json!({ "question": api.get("questions/").await["results"][0]["id"], "answer": "large" });
    let body = json!({
        "item": gig.ticket, "price": "20.00", "attendee_name": "Ada Lovelace", "attendee_email": "ada@example.org",
        "answers": [answer], "expires": "2999-01-01T00:00:00Z",
        "bundled": [{ "item": gig.seat, "price": "1.00" }], "addons": [{ "item": gig.drink, "price": "3.00" }],
    });
    let added = api.done("POST", CARTS, body.clone()).await;
    let (part, drink) = (&added["bundled"][0], &added["addons"][0]);
    assert_eq!([&part["addon_to"], &drink["addon_to"]], [&added["id"], &added["id"]]);
    assert_eq!((&part["is_bundled"], &drink["is_bundled"]), (&json!(true), &json!(false)));
    assert_eq!((&part["price"], &drink["price"], &added["price"]), (&json!("1.00"), &json!("3.00"), &json!("20.00")));
    assert_eq!(added["attendee_name_parts"]["full_name"], "Ada Lovelace");
    assert_eq!(added["answers"][0]["answer"], "large");
    assert_eq!([&added["expires"], &drink["expires"]], [&json!("2999-01-01T00:00:00Z"); 2]);
    let held = async || [gig.held("seats").await, gig.held("tickets").await, gig.held("drinks").await];
    assert_eq!(held().await, [1, 1, 1]);
    // An add-on can go alone, a part takes the whole along.
    api.done("DELETE", &format!("{CARTS}{}/", drink["id"]), json!({})).await;
    assert_eq!(held().await, [1, 1, 0]);
    api.done("DELETE", &format!("{CARTS}{}/", part["id"]), json!({})).await;
    assert_eq!((held().await, &api.get(CARTS).await["count"]), ([0, 0, 0], &json!(0)));
    // There is nothing of it if a part of it cannot be.
    gig.shop.buyer().add(&[("Seat", 5)]).await;
    let (_, faults) = api.refused("POST", CARTS, body.clone()).await;
    assert!(faults["bundled"][0]["item"][0].is_string() && faults.get("item").is_none(), "{faults}");
    assert_eq!((held().await, &api.get(CARTS).await["count"]), ([5, 0, 0], &json!(0)));
    let wrong = json!({ "item": gig.ticket, "price": "1.00", "bundled": [{ "item": gig.drink, "price": "1.00" }],
                        "addons": [] });
    assert!(api.refused("POST", CARTS, wrong).await.1["bundled"][0]["item"][0].is_string());
    let wrong = json!({ "item": gig.ticket, "price": "1.00",
                        "addons": [{ "item": gig.drink, "price": "1.00" }, { "item": gig.seat, "price": "1.00" }] });
    let (_, faults) = api.refused("POST", CARTS, wrong).await;
    assert_eq!((&faults["addons"][0], faults["addons"][1]["item"][0].is_string()), (&json!({}), true), "{faults}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_by_field_and_changes_nothing() {
    let gig = Gig::new(5).await;
    let api = gig.api();
    for (field, value) in [
        ("cart_id", json!("desk")),
        ("cart_id", json!(7)),
        ("cart_id", json!(format!("{}@api", "x".repeat(300)))),
        ("item", json!(999_999)),
        ("item", Value::Null),
        ("item", json!("many")),
        ("variation", json!(1)),
        ("subevent", json!(1)),
        ("price", Value::Null),
        ("price", json!("-1.00")),
        ("price", json!("99999999999999999999")),
        ("expires", json!("2020-01-01T00:00:00Z")),
        ("expires", json!("soon")),
        ("voucher", json!("NOTHING")),
        ("voucher", json!("OLD")),
        ("voucher", json!(1)),
        ("seat", json!("A-1")),
        ("includes_tax", json!(false)),
        ("sales_channel", json!("pos")),
        ("addons", json!("some")),
        ("answers", json!([{ "question": 999_999, "answer": "x" }])),
    ] {
        let mut body = gig.seat();
        body[field] = value.clone();
        let (status, faults) = api.refused("POST", CARTS, body).await;
        assert!(status == 400 && faults.get(field).is_some(), "{field} {value}: {status} {faults}");
    }
    for body in [json!([]), json!("cart"), json!([gig.seat()])] {
        assert_eq!(api.refused("POST", CARTS, body).await.0, 400);
    }
    assert_eq!(api.refused("POST", "cartpositions/bulk_create/", gig.seat()).await.0, 400);
    assert_eq!(api.refused("POST", "cartpositions/bulk_create/", json!(vec![gig.seat(); 501])).await.0, 400);
    assert_eq!((gig.held("seats").await, &api.get(CARTS).await["count"]), (0, &json!(0)));
    assert_eq!(api.refused("PUT", "cartpositions/1/", gig.seat()).await.0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_created_each_by_itself() {
    let gig = Gig::new(3).await;
    let api = gig.api();
    let mut second = gig.seat();
    second["cart_id"] = json!("other@api");
    let mut wrong = gig.seat();
    wrong["price"] = json!("much");
    let rows = json!([gig.seat(), wrong, second, 7, gig.seat(), gig.seat()]);
    let results = api.done("POST", "cartpositions/bulk_create/", rows).await["results"].clone();
    let successes: Vec<bool> = results.as_array().unwrap().iter().map(|it| it["success"] == true).collect();
    assert_eq!(successes, [true, false, true, false, true, false], "{results}");
    assert_eq!((&results[2]["data"]["cart_id"], &results[2]["errors"]), (&json!("other@api"), &Value::Null));
    assert!(results[1]["errors"]["price"][0].is_string() && results[1]["data"].is_null());
    assert!(results[5]["errors"]["item"][0].as_str().unwrap().contains("quota"), "{results}");
    let list = api.get(CARTS).await;
    let ids: Vec<&Value> = list["results"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(api.get("cartpositions/?cart_id=other@api").await["results"][0]["id"], results[2]["data"]["id"]);
    assert_eq!(ids, [0, 2, 4].map(|place| &results[place]["data"]["id"]));
    assert_eq!(gig.held("seats").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_takes_what_its_cart_holds() {
    let gig = Gig::new(2).await;
    let api = gig.api();
    let mut used = gig.seat();
    used["voucher"] = json!("twice");
    for _ in 0..2 {
        assert!(api.done("POST", CARTS, used.clone()).await["voucher"].is_i64());
    }
    // The voucher has no uses left for a third, nor the quota a place.
    assert!(api.refused("POST", CARTS, used).await.1["voucher"][0].is_string());
    let position = json!({ "item": gig.seat, "price": "4.00", "voucher": "TWICE" });
    let order = |carts: Value| {
        json!({ "positions": [position, position], "consume_carts": carts, "email": "a@example.org",
                                       "payment_provider": "banktransfer" })
    };
    assert!(api.refused("POST", "orders/", order(json!([]))).await.1["positions"].is_array());
    assert_eq!(api.done("POST", "orders/", order(json!(["desk@api"]))).await["total"], "8.00");
    assert_eq!(gig.shop.counters().await["seats"], (0, 2, 0));
    assert_eq!(api.get(CARTS).await["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_adds_once_and_racers_never_get_too_much() {
    let gig = Gig::new(5).await;
    let client = crate::shop::http_client().build().unwrap();
    let url = format!("{}/api/v1/organizers/org/events/gig/cartpositions/", gig.shop.url);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = client.post(&url).header("authorization", format!("Token {}", gig.shop.token));
        let response = request.header("x-idempotency-key", "once").json(&gig.seat()).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 201);
        answers.push(response.text().await.unwrap());
    }
    assert_eq!((answers[0] == answers[1], gig.held("seats").await), (true, 1));
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (shop, body) = (gig.shop.clone(), gig.seat());
        race.spawn(
            async move { shop.api("POST", "org/events/gig/cartpositions/", Some(&shop.token), Some(body)).await.0 },
        );
    }
    let answers = race.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 4, "{answers:?}");
    assert!(answers.iter().all(|status| [201, 400].contains(status)), "{answers:?}");
    assert_eq!(gig.held("seats").await, 5);
    let foreign = make_organizer(gig.shop.ctx, "third", &["*"]).await;
    assert_eq!(gig.shop.api("GET", "org/events/gig/cartpositions/", Some(&foreign), None).await.0, 403);
}
