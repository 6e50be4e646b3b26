//! New codes for tickets, and doors that turn the old ones away (spec rest-api 9.5, 9.7, 9.11).

use serde_json::{Value, json};

use crate::{
    api_catalogue::Program,
    devices::{device, gig},
    shop::{TestShop, code_of},
};

/// A paid order of two seats, as the API tells it.
pub(crate) async fn sell(shop: &TestShop) -> Value {
    let code = code_of(&shop.buyer().buy(&[("Seat", 2)], None).await).to_owned();
    Program::new(shop, "org/events/gig/").get(&format!("orders/{code}/")).await
}

fn secrets(order: &Value) -> Vec<String> {
    let positions = order["positions"].as_array().unwrap();
    positions.iter().map(|position| position["secret"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_codes_of_an_order_open_nothing() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let list = api.add("checkinlists/", json!({ "name": "Main" })).await;
    let door = device(&shop, json!({ "name": "Door", "all_events": true })).await;
    let before = sell(&shop).await;
    shop.work().await;
    let path = format!("orders/{}/regenerate_secrets/", before["code"].as_str().unwrap());
    shop.clock.advance_seconds(60);
    let after = api.done("POST", &path, json!({})).await;
    let (old, new) = (secrets(&before), secrets(&after));
    assert!(new.iter().all(|secret| !old.contains(secret)) && new[0] != new[1]);
    assert!(before["secret"] != after["secret"] && before["last_modified"] != after["last_modified"]);
    let page = |order: &Value| order["url"].as_str().unwrap().strip_prefix(&shop.url).unwrap().to_owned();
    assert_eq!(shop.buyer().get(&page(&before)).await.status, 404);
    assert_eq!(shop.buyer().get(&page(&after)).await.status, 200);
    // The ticket is drawn anew, with the new code.
    shop.work().await;
    let ticket = shop.buyer().ticket(&page(&after)).await.unwrap();
    assert!(ticket.contains(&new[0][..8]), "{ticket}");

    let revoked = api.get("revokedsecrets/").await;
    let told: Vec<&str> =
        revoked["results"].as_array().unwrap().iter().map(|it| it["secret"].as_str().unwrap()).collect();
    assert_eq!((&revoked["count"], told), (&json!(2), vec![old[1].as_str(), old[0].as_str()]));
    let created = shop::time::Timestamp::parse(revoked["results"][0]["created"].as_str().unwrap()).unwrap();
    let since = |moment: shop::time::Timestamp| format!("revokedsecrets/?created_since={moment}");
    assert_eq!(api.get(&since(created)).await["count"], 2);
    assert_eq!(api.get(&since(shop.ctx.now())).await["count"], 0);
    assert!(api.refused("GET", "revokedsecrets/?created_since=now", json!({})).await.1["created_since"][0].is_string());
    assert_eq!(api.get("blockedsecrets/").await["count"], 0);

    let (status, body) = door.redeem(&[list], &old[0], "a", json!({})).await;
    assert_eq!((status, &body["status"], &body["reason"]), (400, &json!("error"), &json!("revoked")), "{body}");
    assert_eq!(body["position"]["id"], after["positions"][0]["id"]);
    assert_eq!(door.redeem(&[list], &new[0], "b", json!({})).await.0, 201);
    let (status, body) = door.redeem(&[list], &old[1], "c", json!({ "force": true })).await;
    assert_eq!((status, &body["status"]), (201, &json!("ok")), "{body}");
    assert_eq!(shop.number("select count(*) as number from checkin where successful and forced").await, 1);
    let attempts = api.get("checkins/?error_reason=revoked").await;
    assert_eq!((&attempts["count"], &attempts["results"][0]["position"]), (&json!(1), &after["positions"][0]["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ticket_gets_a_new_code_once_for_each_key() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let before = sell(&shop).await;
    let id = before["positions"][1]["id"].to_string();
    let url = format!("{}/api/v1/organizers/org/events/gig/orderpositions/{id}/regenerate_secrets/", shop.url);
    let client = crate::shop::http_client().build().unwrap();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = client.post(&url).header("authorization", format!("Token {}", shop.token));
        let response = request.header("x-idempotency-key", "once").send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        answers.push(response.text().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    let after = api.get(&format!("orders/{}/", before["code"].as_str().unwrap())).await;
    let (old, new) = (secrets(&before), secrets(&after));
    assert_eq!((&old[0], &before["secret"], old[1] == new[1]), (&new[0], &after["secret"], false));
    assert_eq!(api.get("revokedsecrets/").await["results"][0]["secret"], json!(old[1]));
    api.done("DELETE", &format!("orderpositions/{id}/"), json!({})).await;
    let path = format!("orderpositions/{id}/regenerate_secrets/");
    assert_eq!(api.refused("POST", &path, json!({})).await.0, 404, "it is cancelled");
    assert_eq!(api.get("revokedsecrets/").await["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_a_program_chooses_replaces_the_old_one() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let list = api.add("checkinlists/", json!({ "name": "Main" })).await;
    let door = device(&shop, json!({ "name": "Door", "all_events": true })).await;
    let before = sell(&shop).await;
    let old = secrets(&before);
    let path = format!("orderpositions/{}/", before["positions"][0]["id"]);
    for wrong in [json!(""), json!(null), json!(7), json!("x".repeat(256)), json!("two\nlines"), json!(old[1])] {
        let (status, faults) = api.refused("PATCH", &path, json!({ "secret": wrong })).await;
        assert!(status == 400 && faults["secret"][0].is_string(), "{wrong}: {faults}");
    }
    assert_eq!(api.get("revokedsecrets/").await["count"], 0);
    // The same again is no change.
    assert_eq!(api.done("PATCH", &path, json!({ "secret": old[0] })).await["secret"], json!(old[0]));
    assert_eq!(api.get("revokedsecrets/").await["count"], 0);
    assert_eq!(api.done("PATCH", &path, json!({ "secret": "WRISTBAND-1" })).await["secret"], "WRISTBAND-1");
    assert_eq!(api.get("revokedsecrets/").await["results"][0]["secret"], json!(old[0]));
    assert_eq!(door.redeem(&[list], &old[0], "a", json!({})).await.1["reason"], "revoked");
    // What is given back is good again.
    api.done("PATCH", &path, json!({ "secret": old[0] })).await;
    assert_eq!(api.get("revokedsecrets/").await["results"][0]["secret"], "WRISTBAND-1");
    assert_eq!(door.redeem(&[list], &old[0], "b", json!({})).await.0, 201);
    assert_eq!(door.redeem(&[list], "WRISTBAND-1", "c", json!({})).await.1["reason"], "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_order_gives_several_tickets_their_codes_or_none() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let before = sell(&shop).await;
    let order = format!("orders/{}/", before["code"].as_str().unwrap());
    let patch = |codes: [&str; 2]| {
        let id = |place: usize| &before["positions"][place]["id"];
        let of = |place: usize| json!({ "position": id(place), "body": { "secret": codes[place], "price": "1.00" } });
        json!({ "patch_positions": [of(0), of(1)] })
    };
    let (status, faults) = api.refused("POST", &format!("{order}change/"), patch(["BAND-1", "BAND-1"])).await;
    assert!(status == 400 && faults["patch_positions"][1]["secret"][0].is_string(), "{faults}");
    let (status, faults) = api.refused("POST", &format!("{order}change/"), patch(["", "BAND-2"])).await;
    assert!(status == 400 && faults["patch_positions"][0]["secret"][0].is_string(), "{faults}");
    let told = api.get(&order).await;
    assert_eq!((secrets(&told), &told["total"]), (secrets(&before), &before["total"]), "nothing has changed");
    let after = api.done("POST", &format!("{order}change/"), patch(["BAND-1", "BAND-2"])).await;
    assert_eq!((secrets(&after), &after["total"]), (vec!["BAND-1".to_owned(), "BAND-2".to_owned()], &json!("2.00")));
    assert_eq!(api.get("revokedsecrets/").await["count"], 2);
}
