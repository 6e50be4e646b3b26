//! `POST …/orders/CODE/change/`: staff changes what is in an order.

use serde_json::{Value, json};

use crate::{
    authorisation::with_drinks,
    order_changes::check_books,
    shop::{TestShop, code_of, document},
};

async fn shop_with(change: impl FnOnce(&mut Value)) -> TestShop {
    let shop = TestShop::empty().await;
    let mut event = with_drinks(document(5));
    change(&mut event);
    shop.import(&event).await;
    shop
}

/// An order of so many tickets, as the API shows it.
async fn order_of(shop: &TestShop, count: i64) -> Value {
    let path = shop.buyer().buy(&[("Ticket", count)], Some("manual")).await;
    let path = format!("org/events/gig/orders/{}/", code_of(&path));
    shop.api("GET", &path, Some(&shop.token), None).await.1
}

async fn change(shop: &TestShop, order: &Value, query: &str, body: Value) -> (u16, Value) {
    let path = format!("org/events/gig/orders/{}/change/{query}", order["code"].as_str().unwrap());
    let answer = shop.api("POST", &path, Some(&shop.token), Some(body)).await;
    check_books(shop).await;
    answer
}

async fn item(shop: &TestShop, name: &'static str) -> i64 {
    let event = shop.gig().await;
    let catalogue = shop::catalogue::Catalogue::load(&*shop.ctx.db().await.unwrap(), &event).await.unwrap();
    catalogue.items.iter().find(|item| item.name.get(shop::i18n::Lang::En) == name).unwrap().id.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_goes_with_its_add_ons() {
    let shop = shop_with(|_| {}).await;
    let order = order_of(&shop, 2).await;
    let drink = item(&shop, "Drink").await;
    let more = json!({ "create_positions": [{ "item": drink, "addon_to": 1 }, { "item": drink, "addon_to": 1, "price": "2.00" }] });
    let (status, changed) = change(&shop, &order, "", more).await;
    assert_eq!((status, &changed["total"]), (200, &json!("52.00")), "{changed}");
    let positions = changed["positions"].as_array().unwrap();
    let ids: Vec<&Value> = positions.iter().map(|position| &position["addon_to"]).collect();
    let base = &positions[0]["id"];
    assert_eq!(ids, [&Value::Null, &Value::Null, base, base]);
    assert_eq!(shop.counters().await["drinks"], (0, 2, 0));
    // Nothing can be added to what was added itself.
    let (status, _) =
        change(&shop, &order, "", json!({ "create_positions": [{ "item": drink, "addon_to": 3 }] })).await;
    assert_eq!(status, 400);
    let (status, changed) = change(&shop, &order, "", json!({ "cancel_positions": [{ "position": base }] })).await;
    assert_eq!((status, &changed["total"]), (200, &json!("23.00")), "{changed}");
    assert_eq!(changed["positions"].as_array().unwrap().len(), 1);
    let counters = shop.counters().await;
    assert_eq!((counters["tickets"], counters["drinks"]), ((0, 1, 0), (0, 0, 0)), "all places are free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_goes_with_its_parts() {
    let shop = shop_with(|event| {
        event["items"][1]["bundles"] = json!([{ "bundled_item": 1, "count": 2, "designated_price": "3.00" }]);
    })
    .await;
    let order = order_of(&shop, 2).await;
    assert_eq!(order["positions"].as_array().unwrap().len(), 6);
    let base = &order["positions"][0]["id"];
    let (status, changed) = change(&shop, &order, "", json!({ "cancel_positions": [{ "position": base }] })).await;
    assert_eq!((status, &changed["total"]), (200, &json!("23.00")), "{changed}");
    assert_eq!(changed["positions"].as_array().unwrap().len(), 3);
    assert_eq!(shop.counters().await["seats"], (0, 2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn products_prices_and_fees_are_changed_together_or_not_at_all() {
    let shop = shop_with(|_| {}).await;
    let order = order_of(&shop, 2).await;
    let (first, second) = (&order["positions"][0]["id"], &order["positions"][1]["id"]);
    let seat = item(&shop, "Seat").await;
    let body = json!({
        "patch_positions": [
            { "position": first, "body": { "price": "20.00" } },
            { "position": second, "body": { "item": seat, "price": "0.00" } }
        ],
        "create_fees": [{ "fee_type": "service", "value": "1.50", "description": "Handling" }]
    });
    let (status, changed) = change(&shop, &order, "", body).await;
    assert_eq!((status, &changed["total"]), (200, &json!("21.50")), "{changed}");
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0));
    let fee = &changed["fees"][0]["id"];
    assert_eq!(fee.as_i64(), Some(shop.number("select max(id) as number from order_fee").await));
    let twice = json!({ "patch_fees": [{ "fee": fee, "body": { "value": "2.00" } }], "cancel_fees": [{ "fee": fee }] });
    assert_eq!(change(&shop, &order, "", twice).await.0, 400);
    let (_, changed) =
        change(&shop, &order, "", json!({ "patch_fees": [{ "fee": fee, "body": { "value": "2.00" } }] })).await;
    assert_eq!(changed["total"], "22.00");
    // One mistake, and nothing happens.
    let wrong = json!({
        "cancel_fees": [{ "fee": fee }],
        "cancel_positions": [{ "position": first }, { "position": 999_999_999 }]
    });
    let (status, error) = change(&shop, &order, "", wrong).await;
    assert_eq!(status, 400);
    assert!(error["cancel_positions"][0].as_object().unwrap().is_empty(), "{error}");
    assert!(error["cancel_positions"][1]["position"][0].as_str().unwrap().contains("does not exist"));
    let path = format!("org/events/gig/orders/{}/", order["code"].as_str().unwrap());
    assert_eq!(shop.api("GET", &path, Some(&shop.token), None).await.1["total"], "22.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_finds_no_room_unless_it_does_not_ask() {
    let shop = shop_with(|_| {}).await;
    let order = order_of(&shop, 5).await;
    let more = json!({ "create_positions": [{ "item": item(&shop, "Ticket").await }] });
    let (status, error) = change(&shop, &order, "", more.clone()).await;
    assert!(status == 400 && error.to_string().contains("tickets"), "{error}");
    assert_eq!(change(&shop, &order, "?check_quotas=false", more).await.0, 200);
    assert_eq!(shop.counters().await["tickets"], (0, 6, 0));
}
