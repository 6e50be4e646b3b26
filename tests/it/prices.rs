//! Prices from the first page to the order: discounts, fees, rounding. What a buyer was shown is what is charged.

use serde_json::{Value, json};
use shop::port::clock::Clock;

use crate::{
    order_changes::check_books,
    shop::{TestShop, code_of, document},
};

/// The event of the tests, changed a little.
async fn shop_with(change: impl FnOnce(&mut Value)) -> TestShop {
    let shop = TestShop::empty().await;
    let mut event = document(50);
    change(&mut event);
    shop.import(&event).await;
    shop
}

async fn order(shop: &TestShop, path: &str) -> Value {
    let path = format!("org/events/gig/orders/{}/", code_of(path));
    shop.api("GET", &path, Some(&shop.token), None).await.1
}

fn every_second_half_price(event: &mut Value) {
    event["discounts"] = json!([{
        "internal_name": "Two for one and a half", "condition_min_count": 2, "benefit_discount_matching_percent": "50.00",
        "benefit_only_apply_to_cheapest_n_matches": 1, "condition_all_products": false, "condition_limit_products": [2]
    }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_is_shown_in_the_cart_and_charged() {
    let shop = shop_with(every_second_half_price).await;
    let buyer = shop.buyer();
    let page = buyer.add(&[("Ticket", 1)]).await;
    assert!(page.says("€23.00") && !page.says("discount"));
    let page = buyer.add(&[("Ticket", 1)]).await;
    assert!(page.says("50% discount") && page.says("€11.50") && page.says("€34.50"), "{}", page.html);
    buyer.tell("ada@example.org").await;
    buyer.pay_by("manual").await;
    let form = buyer.review().await;
    let path = buyer.order(&form).await.location.unwrap();
    let page = buyer.get(&path).await;
    assert!(page.says("50% discount") && page.says("€34.50"));
    let order = order(&shop, &path).await;
    assert_eq!(order["total"], "34.50");
    let discounts: Vec<bool> =
        order["positions"].as_array().unwrap().iter().map(|position| position["discount"].is_number()).collect();
    assert_eq!(discounts.iter().filter(|has| **has).count(), 1);
    // 11.50 at 19 %.
    assert!(order["positions"].as_array().unwrap().iter().any(|position| position["tax_value"] == "1.84"));
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_that_ends_during_the_checkout_is_told() {
    let shop = shop_with(|event| {
        every_second_half_price(event);
        let soon = Clock::default().now().plus_seconds(600);
        event["discounts"][0]["available_until"] = json!(soon.to_string());
    })
    .await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 2)]).await;
    buyer.tell("ada@example.org").await;
    buyer.pay_by("manual").await;
    let form = buyer.review().await;
    shop.clock.advance_seconds(660);
    let answer = buyer.order(&form).await;
    assert_eq!(answer.location.as_deref(), Some("/org/gig/checkout/confirm/"));
    let page = buyer.get("/org/gig/checkout/confirm/").await;
    assert!(page.says("€46.00") && page.says("The price of some products"), "{}", page.html);
    assert_eq!(shop.number("select count(*) as number from orders").await, 0);
    let form = buyer.review().await;
    let path = buyer.order(&form).await.location.unwrap();
    assert_eq!(order(&shop, &path).await["total"], "46.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fee_of_a_way_to_pay_is_shown_before_it_is_charged() {
    let shop = shop_with(|event| {
        event["settings"]["payment_manual__fee_abs"] = json!("1.00");
        event["settings"]["payment_manual__fee_percent"] = json!("2.00");
        event["settings"]["payment_manual__fee_reverse_calc"] = json!(false);
    })
    .await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 2)]).await;
    buyer.tell("ada@example.org").await;
    let page = buyer.get("/org/gig/checkout/payment/").await;
    assert!(page.says("+ €1.92"), "{}", page.html);
    buyer.pay_by("manual").await;
    let page = buyer.get("/org/gig/checkout/confirm/").await;
    assert!(page.says("Payment fee") && page.says("€47.92"));
    let form = buyer.review().await;
    let path = buyer.order(&form).await.location.unwrap();
    assert!(buyer.get(&path).await.says("Payment fee"));
    let placed = order(&shop, &path).await;
    assert_eq!(placed["total"], "47.92");
    let fee = &placed["fees"][0];
    assert_eq!(
        (&fee["fee_type"], &fee["value"], &fee["tax_value"]),
        (&json!("payment"), &json!("1.92"), &json!("0.31"))
    );
    assert_eq!(placed["payments"][0]["amount"], "47.92");
    check_books(&shop).await;
    // Another way to pay, or nothing to pay, has no fee.
    let path = shop.buyer().buy(&[("Ticket", 1)], Some("banktransfer")).await;
    assert_eq!(
        (&order(&shop, &path).await["total"], &order(&shop, &path).await["fees"]),
        (&json!("23.00"), &json!([]))
    );
    let path = shop.buyer().buy(&[("Seat", 1)], None).await;
    assert_eq!(order(&shop, &path).await["fees"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn taxes_are_rounded_as_the_organiser_says() {
    let shop = shop_with(|event| {
        event["settings"]["tax_rounding"] = json!("sum_by_net");
        event["tax_rules"][0]["price_includes_tax"] = json!(false);
        event["items"][1]["default_price"] = json!("84.03");
    })
    .await;
    let buyer = shop.buyer();
    // 5 × 84.03 = 420.15 net, 499.98 with tax; line by line it would be 500.00.
    let page = buyer.add(&[("Ticket", 5)]).await;
    assert!(page.says("€499.98"), "{}", page.html);
    buyer.tell("ada@example.org").await;
    buyer.pay_by("manual").await;
    let form = buyer.review().await;
    let path = buyer.order(&form).await.location.unwrap();
    let placed = order(&shop, &path).await;
    assert_eq!((&placed["total"], &placed["tax_rounding_mode"]), (&json!("499.98"), &json!("sum_by_net")));
    check_books(&shop).await;
    // What was corrected is known, so that it can be undone.
    assert_eq!(shop.number("select sum(price_correction)::bigint as number from order_position").await.abs(), 2);
}
