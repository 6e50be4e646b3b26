//! Orders that programs create without a cart: vouchers, add-ons, parts and automatic discounts (spec rest-api 9.3).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    authorisation::with_drinks,
    order_changes::check_books,
    shop::{TestShop, document},
};

async fn shop_with(places: i64, change: impl FnOnce(&mut Value)) -> Arc<TestShop> {
    let shop = TestShop::empty().await;
    let mut event = document(places);
    change(&mut event);
    shop.import(&event).await;
    Arc::new(shop)
}

async fn with_vouchers(places: i64, vouchers: Value) -> Arc<TestShop> {
    shop_with(places, |event| event["vouchers"] = vouchers).await
}

async fn create(shop: &TestShop, body: Value) -> (u16, Value) {
    shop.api("POST", "org/events/gig/orders/", Some(&shop.token), Some(body)).await
}

/// What an order costs whose positions are these, and what each of them does.
async fn prices(shop: &TestShop, positions: Value) -> (Value, Vec<String>) {
    let (status, order) = create(shop, json!({ "positions": positions })).await;
    assert_eq!(status, 201, "{order}");
    let positions = order["positions"].as_array().unwrap();
    (order["total"].clone(), positions.iter().map(|it| it["price"].as_str().unwrap().to_owned()).collect())
}

async fn item(shop: &TestShop, name: &'static str) -> i64 {
    let sql = "select id as number from item where name ->> 'en' = $1 or name #>> '{}' = $1";
    let db = shop.ctx.db().await.unwrap();
    shop::port::db::Query::one(&*db, sql, &[shop::port::db::p(&name)]).await.unwrap().get("number").unwrap()
}

/// So many orders with these positions at once: how many there are, and that nobody met a failure.
async fn race(shop: &Arc<TestShop>, racers: usize, body: &Value) -> usize {
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..racers {
        let (shop, body) = (shop.clone(), body.clone());
        race.spawn(async move { create(&shop, body).await.0 });
    }
    let answers = race.join_all().await;
    assert!(answers.iter().all(|status| [201, 400].contains(status)), "{answers:?}");
    answers.iter().filter(|status| **status == 201).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_uses_vouchers() {
    let shop = with_vouchers(
        9,
        json!([{"code": "HALF", "max_usages": 2, "price_mode": "percent", "value": "50.00"},
               {"code": "OLD", "valid_until": "2020-01-01T00:00:00Z"}, {"code": "SEATS", "item": 1}]),
    )
    .await;
    let ticket = item(&shop, "Ticket").await;
    let one = |code: &str| json!({ "item": ticket, "voucher": code });
    let faults = [
        ("OLD", "This voucher has expired."),
        ("SEATS", "This voucher is not good for this product."),
        ("NONE", "There is no voucher with this code."),
    ];
    for (code, text) in faults {
        let answer = create(&shop, json!({"positions": [{"item": ticket}, one(code)], "force": true})).await;
        assert_eq!(answer, (400, json!({"positions": [{}, {"voucher": [text]}]})));
    }
    let used_up = json!({"voucher": ["This voucher has no uses left for this position."]});
    let (_, three) = create(&shop, json!({"positions": [one("half"), one("half"), one("half")]})).await;
    assert_eq!(three["positions"][2], used_up, "{three}");
    let (_, order) =
        create(&shop, json!({"positions": [one("half"), {"item": ticket, "price": "1.00", "voucher": "HALF"}]})).await;
    assert_eq!((&order["total"], &order["positions"][0]["price"]), (&json!("12.50"), &json!("11.50")), "{order}");
    assert_eq!(order["positions"][1]["voucher_budget_use"], "22.00");
    assert!(order["positions"][0]["voucher"].is_number());
    assert_eq!(create(&shop, json!({"positions": [one("HALF")]})).await, (400, json!({"positions": [used_up]})));
    assert_eq!(shop.number("select redeemed::bigint as number from voucher where code = 'HALF'").await, 2);
    // Who cancels gives the uses back.
    let path = format!("org/events/gig/orders/{}/mark_canceled/", order["code"].as_str().unwrap());
    assert_eq!(shop.api("POST", &path, Some(&shop.token), None).await.0, 200);
    assert_eq!(shop.number("select redeemed::bigint as number from voucher where code = 'HALF'").await, 0);
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_raises_a_computed_price_and_refuses_a_given_one() {
    let voucher =
        json!([{"code": "TEN", "max_usages": 50, "price_mode": "subtract", "value": "10.00", "budget": "15.00"}]);
    let shop = with_vouchers(9, voucher).await;
    let ticket = item(&shop, "Ticket").await;
    let spent = json!({"voucher": ["The budget of this voucher is used up."]});
    let given = json!([{"item": ticket, "voucher": "TEN", "price": "7.99"}]);
    assert_eq!(create(&shop, json!({"positions": given})).await, (400, json!({"positions": [spent]})));
    let one = json!({"item": ticket, "voucher": "TEN"});
    assert_eq!(prices(&shop, json!([one, one])).await, (json!("31.00"), vec!["13.00".to_owned(), "18.00".to_owned()]));
    assert_eq!(create(&shop, json!({"positions": [one]})).await, (400, json!({"positions": [spent]})));
    // The full price takes nothing out of it.
    let full = json!([{"item": ticket, "voucher": "TEN", "price": "23.00"}]);
    assert_eq!(prices(&shop, full).await.0, "23.00");
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_that_keeps_places_brings_them_along() {
    let shop = with_vouchers(2, json!([{"code": "KEEP", "max_usages": 2, "item": 2, "block_quota": true}])).await;
    let ticket = item(&shop, "Ticket").await;
    assert_eq!(create(&shop, json!({"positions": [{"item": ticket}]})).await.0, 400, "both places are kept");
    let body = json!({"positions": [{"item": ticket, "voucher": "KEEP"}]});
    assert_eq!(race(&shop, 16, &body).await, 2);
    assert_eq!(shop.counters().await["tickets"], (0, 2, 0));
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_programs_race_for_uses_budget_and_places() {
    let vouchers = json!([
        {"code": "FIVE", "max_usages": 5},
        {"code": "TEN", "max_usages": 500, "price_mode": "subtract", "value": "10.00", "budget": "50.00"}
    ]);
    let shop = with_vouchers(12, vouchers).await;
    let ticket = item(&shop, "Ticket").await;
    let with = |code: &str| json!({"positions": [{"item": ticket, "voucher": code}]});
    assert_eq!(race(&shop, 32, &with("FIVE")).await, 5);
    let dear = json!({"positions": [{"item": ticket, "voucher": "TEN", "price": "13.00"}]});
    assert_eq!(race(&shop, 32, &dear).await, 5);
    assert_eq!(race(&shop, 32, &json!({"positions": [{"item": ticket}]})).await, 2, "twelve places in all");
    let used = shop.number("select sum(voucher_budget_use)::bigint as number from order_position").await;
    assert_eq!((used, shop.counters().await["tickets"]), (5000, (0, 12, 0)));
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consumed_carts_give_their_uses_to_the_order() {
    let shop = with_vouchers(9, json!([{"code": "ONE", "max_usages": 1}])).await;
    let ticket = item(&shop, "Ticket").await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 1)]).await;
    let one = |carts: &[&str]| json!({"positions": [{"item": ticket, "voucher": "ONE"}], "consume_carts": carts});
    let cart = {
        let db = shop.ctx.db().await.unwrap();
        use shop::port::db::Query as _;
        db.execute("update cart_position set voucher_id = (select id from voucher)", &[]).await.unwrap();
        db.execute("update voucher set in_carts = 1", &[]).await.unwrap();
        db.one("select max(cart_id) as id from cart_position", &[]).await.unwrap().get::<String>("id").unwrap()
    };
    let (status, refused) = create(&shop, one(&[])).await;
    assert_eq!((status, refused["positions"][0].get("voucher").is_some()), (400, true), "{refused}");
    assert_eq!(create(&shop, one(&[&cart])).await.0, 201);
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0));
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn add_ons_and_parts_belong_to_positions_before_them() {
    let shop = shop_with(9, |event| {
        *event = with_drinks(event.clone());
        event["items"][1]["bundles"] = json!([{"bundled_item": 1, "count": 1, "designated_price": "3.00"}]);
        event["vouchers"] = json!([{"code": "ALL", "max_usages": 9, "all_addons_included": true,
                                    "all_bundles_included": true}]);
    })
    .await;
    let (seat, ticket, drink) = (item(&shop, "Seat").await, item(&shop, "Ticket").await, item(&shop, "Drink").await);
    let all = |base: Value| {
        json!([base, {"positionid": 2, "item": drink, "addon_to": 1},
               {"positionid": 3, "item": seat, "addon_to": 1, "is_bundled": true}])
    };
    let base = json!({"positionid": 1, "item": ticket});
    let (status, order) = create(&shop, json!({"positions": all(base.clone())})).await;
    assert_eq!((status, &order["total"]), (201, &json!("27.00")), "{order}");
    let positions = order["positions"].as_array().unwrap();
    let told: Vec<_> = positions.iter().map(|it| (it["price"].as_str().unwrap(), it["addon_to"].clone())).collect();
    let id = positions[0]["id"].clone();
    assert_eq!(told, [("20.00", json!(null)), ("4.00", id.clone()), ("3.00", id)]);
    let parts = shop.number("select count(*) as number from order_position where is_bundled and addon_to is not null");
    assert_eq!(parts.await, 1);
    let included = json!({"positionid": 1, "item": ticket, "voucher": "ALL"});
    let (total, each) = prices(&shop, all(included)).await;
    assert_eq!((total, each), (json!("23.00"), ["23.00", "0.00", "0.00"].map(str::to_owned).to_vec()));
    let faults = [
        (json!([base, {"item": drink, "addon_to": 1}]), 1, "positionid"),
        (json!([base, {"positionid": 3, "item": drink, "addon_to": 1}]), 1, "positionid"),
        (json!([base, {"positionid": 2, "item": drink, "addon_to": 2}]), 1, "addon_to"),
        (json!([base, {"positionid": 2, "item": drink, "addon_to": 9}]), 1, "addon_to"),
        (json!([{"item": drink, "addon_to": 1}]), 0, "addon_to"),
        (json!([base, {"positionid": 2, "item": seat, "is_bundled": true}]), 1, "is_bundled"),
        (json!([base, {"positionid": 2, "item": drink, "addon_to": 1, "voucher": "ALL"}]), 1, "voucher"),
        (
            json!([base, {"positionid": 2, "item": drink, "addon_to": 1}, {"positionid": 3, "item": drink, "addon_to": 2}]),
            2,
            "addon_to",
        ),
    ];
    for (positions, place, field) in faults {
        let (status, body) = create(&shop, json!({ "positions": positions })).await;
        assert_eq!((status, body["positions"][place].get(field).is_some()), (400, true), "{field}: {body}");
    }
    assert_eq!(shop.number("select count(*) as number from orders").await, 2);
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn automatic_discounts_count_for_computed_prices_only() {
    let shop = shop_with(9, |event| {
        event["discounts"] = json!([{
            "internal_name": "Every second half price", "condition_min_count": 2, "condition_all_products": false,
            "benefit_discount_matching_percent": "50.00", "benefit_only_apply_to_cheapest_n_matches": 1,
            "condition_limit_products": [2]
        }]);
    })
    .await;
    let ticket = item(&shop, "Ticket").await;
    let computed = json!({"item": ticket});
    let (_, order) = create(&shop, json!({"positions": [computed, computed]})).await;
    assert_eq!(order["total"], "34.50", "{order}");
    let discounted = order["positions"].as_array().unwrap().iter().filter(|it| !it["discount"].is_null()).count();
    assert_eq!(discounted, 1);
    let given = json!({"item": ticket, "price": "23.00"});
    assert_eq!(prices(&shop, json!([given, given])).await.0, "46.00");
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_order_uses_no_voucher_and_a_free_one_is_paid() {
    let shop = with_vouchers(9, json!([{"code": "GIFT", "max_usages": 1, "price_mode": "set", "value": "0.00"}])).await;
    let ticket = item(&shop, "Ticket").await;
    let body = |simulate: bool| json!({"positions": [{"item": ticket, "voucher": "GIFT"}], "simulate": simulate});
    let (status, seen) = create(&shop, body(true)).await;
    assert_eq!((status, &seen["code"], &seen["total"]), (201, &json!("PREVIEW"), &json!("0.00")));
    assert_eq!(shop.number("select redeemed::bigint as number from voucher").await, 0);
    let (_, order) = create(&shop, body(false)).await;
    assert_eq!((&order["status"], &order["payments"][0]["provider"]), (&json!("p"), &json!("free")), "{order}");
    assert_eq!(shop.number("select redeemed::bigint as number from voucher").await, 1);
    check_books(&shop).await;
}
