//! Tickets that are blocked, or valid for a time, and what doors make of it (spec rest-api 9.6, 9.7, 9.11, domain 18.4, 19.3).

use serde_json::{Value, json};

use crate::{
    api_catalogue::Program,
    api_secrets::sell,
    devices::{device, gig},
    shop::code_of,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_ticket_opens_no_door_until_nothing_blocks_it() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let list = api.add("checkinlists/", json!({ "name": "Main" })).await;
    let door = device(&shop, json!({ "name": "Door", "all_events": true })).await;
    let before = sell(&shop).await;
    let path = format!("orderpositions/{}/", before["positions"][0]["id"]);
    let secret = before["positions"][0]["secret"].as_str().unwrap().to_owned();
    for wrong in
        [json!({}), json!({ "name": "" }), json!({ "name": "boss" }), json!({ "name": "api:" }), json!({ "name": 7 })]
    {
        let (status, faults) = api.refused("POST", &format!("{path}add_block/"), wrong.clone()).await;
        assert!(status == 400 && faults["name"][0].is_string(), "{wrong}: {faults}");
    }
    assert_eq!(api.get("blockedsecrets/").await["count"], 0);
    shop.clock.advance_seconds(60);
    let blocked = api.done("POST", &format!("{path}add_block/"), json!({ "name": "admin" })).await;
    assert_eq!(blocked["blocked"], json!(["admin"]));
    let blocked = api.done("POST", &format!("{path}add_block/"), json!({ "name": "api:fraud" })).await;
    assert_eq!(blocked["blocked"], json!(["admin", "api:fraud"]));
    // Once is enough.
    assert_eq!(api.done("POST", &format!("{path}add_block/"), json!({ "name": "admin" })).await, blocked);
    let order = api.get(&format!("orders/{}/", before["code"].as_str().unwrap())).await;
    assert!(order["last_modified"] != before["last_modified"] && order["positions"][1]["blocked"].is_null());

    let (status, body) = door.redeem(&[list], &secret, "a", json!({})).await;
    assert_eq!((status, &body["status"], &body["reason"]), (400, &json!("error"), &json!("blocked")), "{body}");
    let told = api.get("blockedsecrets/?blocked=true").await;
    assert_eq!((&told["count"], &told["results"][0]["secret"]), (&json!(1), &json!(secret)));
    let since = format!("blockedsecrets/?updated_since={}", told["results"][0]["updated"].as_str().unwrap());
    assert_eq!(api.get(&since).await["count"], 1);

    // A new code is blocked as well.
    api.done("PATCH", &path, json!({ "secret": "BAND-1" })).await;
    assert_eq!(api.get("blockedsecrets/?blocked=true").await["count"], 2);
    assert_eq!(door.redeem(&[list], "BAND-1", "b", json!({})).await.1["reason"], "blocked");

    shop.clock.advance_seconds(60);
    let left = api.done("POST", &format!("{path}remove_block/"), json!({ "name": "admin" })).await;
    assert_eq!(left["blocked"], json!(["api:fraud"]));
    assert_eq!(door.redeem(&[list], "BAND-1", "c", json!({})).await.1["reason"], "blocked");
    let free = api.done("POST", &format!("{path}remove_block/"), json!({ "name": "api:fraud" })).await;
    assert!(free["blocked"].is_null(), "{free}");
    assert_eq!(door.redeem(&[list], "BAND-1", "d", json!({})).await.0, 201);
    let told = api.get("blockedsecrets/?blocked=false").await;
    assert_eq!((&told["count"], &told["results"][0]["secret"]), (&json!(1), &json!("BAND-1")));
    assert_eq!(api.refused("POST", "orderpositions/999999/add_block/", json!({ "name": "admin" })).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_its_door_while_it_is_valid() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let list = api.add("checkinlists/", json!({ "name": "Main" })).await;
    let door = device(&shop, json!({ "name": "Door", "all_events": true })).await;
    let before = sell(&shop).await;
    let secret = before["positions"][0]["secret"].as_str().unwrap().to_owned();
    let path = format!("orderpositions/{}/", before["positions"][0]["id"]);
    let (status, faults) = api.refused("PATCH", &path, json!({ "valid_from": "tomorrow" })).await;
    assert!(status == 400 && faults["valid_from"][0].is_string(), "{faults}");
    let backwards = json!({ "valid_from": "2030-01-02T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z" });
    let (status, faults) = api.refused("PATCH", &path, backwards).await;
    assert!(status == 400 && faults["valid_until"][0].is_string(), "{faults}");
    let window = json!({ "valid_from": "2030-01-01T10:00:00Z", "valid_until": "2030-01-01T12:00:00Z" });
    let told = api.done("PATCH", &path, window).await;
    assert_eq!(
        (&told["valid_from"], &told["valid_until"]),
        (&json!("2030-01-01T10:00:00Z"), &json!("2030-01-01T12:00:00Z"))
    );
    for (moment, is_valid) in [("09:59:59", false), ("12:00:01", false), ("10:00:00", true)] {
        let at = json!({ "datetime": format!("2030-01-01T{moment}Z") });
        let (status, body) = door.redeem(&[list], &secret, moment, at).await;
        assert_eq!(status == 201, is_valid, "{moment}: {body}");
        assert!(is_valid || body["reason"] == "invalid_time", "{moment}: {body}");
    }
    let out = json!({ "type": "exit", "datetime": "2030-01-01T13:00:00Z" });
    assert_eq!(door.redeem(&[list], &secret, "out", out).await.0, 201, "whoever is inside may leave");
    // What is not named stays, null takes it away; the change of an order does the same.
    let id = &before["positions"][0]["id"];
    let change = json!({ "patch_positions": [{ "position": id, "body": { "valid_until": null } }] });
    let order = format!("orders/{}/", before["code"].as_str().unwrap());
    let after = api.done("POST", &format!("{order}change/"), change).await;
    let told = &after["positions"][0];
    assert_eq!((&told["valid_from"], &told["valid_until"]), (&json!("2030-01-01T10:00:00Z"), &Value::Null));
    assert!(after["positions"][1]["valid_from"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_ticket_is_not_handed_out() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Seat", 2)], None).await;
    let told = api.get(&format!("orders/{}/", code_of(&order))).await;
    let path = format!("orderpositions/{}/", told["positions"][0]["id"]);
    let offered = async || {
        let page = buyer.get(&order).await;
        [1, 2].map(|number| page.says(&format!("/download/{number}/pdf/")))
    };
    assert_eq!(offered().await, [true, true]);
    api.done("POST", &format!("{path}add_block/"), json!({ "name": "admin" })).await;
    assert_eq!(offered().await, [false, true]);
    assert_eq!(buyer.get(&format!("{order}download/1/pdf/")).await.status, 404);
    api.done("POST", &format!("{path}remove_block/"), json!({ "name": "admin" })).await;
    assert_eq!(offered().await, [true, true]);
}
