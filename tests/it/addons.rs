//! The add-ons step, from the cart to the tickets.

use serde_json::{Value, json};

use crate::{
    authorisation::with_drinks,
    order_changes::check_books,
    shop::{Buyer, Page, TestShop, code_of, document},
};

const STEP: &str = "/org/gig/checkout/addons/";

async fn shop_with(change: impl FnOnce(&mut Value)) -> TestShop {
    let shop = TestShop::empty().await;
    let mut event = with_drinks(document(50));
    change(&mut event);
    shop.import(&event).await;
    shop
}

/// The tokens of the step's form and its add-on fields, in the order of the page.
fn form(page: &Page) -> (Vec<(String, String)>, Vec<String>) {
    let html = &page.html[page.html.find("<form class=\"products\"").expect("the add-ons form")..];
    let form = Page { status: 200, location: None, html: html.to_owned() };
    let tokens = ["csrf", "form_token"].map(|name| (name.to_owned(), form.hidden(name)));
    let values = |start: &str, end: char| -> Vec<String> {
        html.split(start).skip(1).map(|rest| rest.split(end).next().unwrap().to_owned()).collect()
    };
    let of = values("name=\"addons_of\" value=\"", '"').into_iter().map(|id| ("addons_of".to_owned(), id));
    let fields = values("name=\"addon_", '"').into_iter().map(|rest| format!("addon_{rest}")).collect();
    (tokens.into_iter().chain(of).collect(), fields)
}

/// Fills the fields of the step, one after the other, and sends it.
async fn choose(buyer: &Buyer, counts: &[&str]) -> Page {
    let page = buyer.get(STEP).await;
    assert_eq!(page.status, 200, "{:?}", page.location);
    let (mut sent, fields) = form(&page);
    assert_eq!(fields.len(), counts.len(), "{fields:?}");
    sent.extend(fields.into_iter().zip(counts).map(|(field, count)| (field, (*count).to_owned())));
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    buyer.post(STEP, &sent).await
}

async fn order(shop: &TestShop, path: &str) -> Value {
    let path = format!("org/events/gig/orders/{}/", code_of(path));
    shop.api("GET", &path, Some(&shop.token), None).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn add_ons_are_bought_with_their_tickets() {
    let shop = shop_with(|event| event["settings"]["ticket_download_pending"] = json!(true)).await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 2)]).await;
    let start = buyer.get("/org/gig/checkout/start").await;
    assert_eq!(start.location.as_deref(), Some(STEP));
    assert!(!buyer.shop().await.says("Number of Drink"), "an add-on is not sold alone");
    let answer = choose(&buyer, &["2", "1"]).await;
    assert_eq!(answer.location.as_deref(), Some("/org/gig/checkout/questions/"), "{}", answer.html);
    assert_eq!(shop.counters().await["drinks"], (0, 0, 3));
    let cart = buyer.shop().await;
    assert!(cart.says("+ Drink") && cart.says("€58.00"), "{}", cart.html);
    buyer.tell("ada@example.org").await;
    buyer.pay_by("manual").await;
    let review = buyer.review().await;
    let path = buyer.order(&review).await.location.unwrap();
    let page = buyer.get(&path).await;
    assert_eq!(page.html.matches("+ Drink").count(), 3);
    // Tickets are for those who come, not for their drinks.
    assert_eq!(page.html.matches("<div class=\"ticket\">").count(), 2, "{}", page.html);
    let placed = order(&shop, &path).await;
    assert_eq!(placed["total"], "58.00");
    let positions = placed["positions"].as_array().unwrap();
    let parents: Vec<Option<usize>> = positions
        .iter()
        .map(|position| {
            positions.iter().position(|it| position["addon_to"].is_number() && it["id"] == position["addon_to"])
        })
        .collect();
    assert_eq!(parents.iter().flatten().count(), 3);
    assert!(parents.iter().enumerate().all(|(place, parent)| parent.is_none_or(|parent| parent < place)));
    assert_eq!(shop.counters().await["drinks"], (0, 3, 0));
    check_books(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_choice_can_be_changed_until_the_order() {
    let shop = shop_with(|_| {}).await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 1)]).await;
    choose(&buyer, &["2"]).await;
    assert!(buyer.get(STEP).await.says("value=\"2\" min=\"0\" max=\"2\""), "{}", buyer.get(STEP).await.html);
    choose(&buyer, &["0"]).await;
    assert_eq!(shop.counters().await["drinks"], (0, 0, 0));
    assert!(!buyer.shop().await.says("+ Drink"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_be_chosen_is_asked_until_it_is() {
    let shop = shop_with(|event| {
        event["items"][1]["addons"][0]["min_count"] = json!(2);
        let tea = json!({ "id": 4, "name": "Tea", "default_price": "3.00", "category": 1 });
        event["items"].as_array_mut().unwrap().push(tea);
        event["quotas"][2]["items"] = json!([3, 4]);
    })
    .await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 1)]).await;
    let questions = buyer.get("/org/gig/checkout/questions/").await;
    assert_eq!(questions.location.as_deref(), Some(STEP), "nobody gets past it");
    let refused = choose(&buyer, &["1", "0"]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.says("at least 2") && refused.says("value=\"1\" min"), "what was typed stays: {}", refused.html);
    let refused = choose(&buyer, &["2", "1"]).await;
    assert!(refused.status == 400 && refused.says("at most 2"));
    assert_eq!(shop.counters().await["drinks"], (0, 0, 0));
    let answer = choose(&buyer, &["1", "1"]).await;
    assert_eq!(answer.location.as_deref(), Some("/org/gig/checkout/questions/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_drink_goes_to_one_and_the_other_is_told() {
    let shop = shop_with(|event| event["quotas"][2]["size"] = json!(1)).await;
    let (first, second) = (shop.buyer(), shop.buyer());
    for buyer in [&first, &second] {
        buyer.add(&[("Ticket", 1)]).await;
    }
    let page = second.get(STEP).await;
    choose(&first, &["1"]).await;
    let (mut sent, fields) = form(&page);
    sent.push((fields[0].clone(), "1".to_owned()));
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = second.post(STEP, &sent).await;
    assert_eq!(answer.location.as_deref(), Some(STEP));
    assert!(second.get(STEP).await.says("Reserved"), "and sees that it is gone");
    assert!(first.get(STEP).await.says("checked"), "who has it may keep it");
    assert_eq!(shop.counters().await["drinks"], (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn included_add_ons_cost_nothing_and_say_so() {
    let shop = shop_with(|event| event["items"][1]["addons"][0]["price_included"] = json!(true)).await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 1)]).await;
    let page = buyer.get(STEP).await;
    assert!(page.says("FREE") && !page.says("€4.00"), "{}", page.html);
    choose(&buyer, &["2"]).await;
    let cart = buyer.shop().await;
    assert!(cart.says("+ Drink") && cart.says("€23.00") && !cart.says("€4.00"), "{}", cart.html);
}
