//! Buying for a date of a series.

use serde_json::{Value, json};

use crate::{
    order_changes::check_books,
    shop::{Buyer, Page, TestShop, code_of, document},
};

/// A series of `dates` dates, each with a quota of `places` tickets; the second date costs less.
fn series(dates: i64, places: i64) -> Value {
    let mut event = document(places);
    event["event"]["has_subevents"] = json!(true);
    event["subevents"] = (1..=dates)
        .map(|id| {
            json!({
                "id": id, "name": format!("Evening {id}"), "active": true, "date_from": format!("2999-06-{:02}T18:00:00Z", id),
                "item_price_overrides": if id == 2 { json!([{ "item": 2, "price": "20.00" }]) } else { json!([]) }
            })
        })
        .collect();
    event["quotas"] = (1..=dates)
        .map(|id| json!({ "id": id, "name": format!("evening {id}"), "size": places, "items": [2], "subevent": id }))
        .collect();
    event
}

async fn shop_of(event: &Value) -> TestShop {
    let shop = TestShop::empty().await;
    shop.import(event).await;
    shop
}

/// The address of a date, taken from the list of dates.
async fn date(buyer: &Buyer, name: &str) -> String {
    let page = buyer.shop().await;
    let at = page.html.find(&format!("<h3>{name}</h3>")).unwrap_or_else(|| panic!("no {name} in {}", page.html));
    let link = page.html[at..].split("href=\"").nth(1).unwrap();
    link.split('"').next().unwrap().to_owned()
}

/// The form of a page with so many tickets.
fn fill(page: &Page, count: i64) -> Vec<(String, String)> {
    let products = page.html.find("<form class=\"products").expect("products");
    let form = Page { status: 200, location: None, html: page.html[products..].to_owned() };
    let hidden = ["csrf", "form_token", "subevent"].map(|name| (name.to_owned(), form.hidden(name)));
    hidden.into_iter().chain([(Buyer::field(&form, "Ticket"), count.to_string())]).collect()
}

/// Puts products of a date into the cart and returns the page that follows.
async fn add(buyer: &Buyer, name: &str, count: i64) -> Page {
    let page = buyer.get(&date(buyer, name).await).await;
    buyer.send(&fill(&page, count)).await
}

async fn order(shop: &TestShop, path: &str) -> Value {
    let path = format!("org/events/gig/orders/{}/", code_of(path));
    shop.api("GET", &path, Some(&shop.token), None).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_bought_for_a_date_at_its_price() {
    let shop = shop_of(&series(3, 5)).await;
    let buyer = shop.buyer();
    let page = buyer.shop().await;
    assert!(page.says("Evening 1") && page.says("Evening 3") && page.says("Buy now"), "{}", page.html);
    assert!(!page.says("Number of Ticket"), "nothing is sold without a date");
    let page = add(&buyer, "Evening 2", 2).await;
    assert!(page.says("€40.00") && page.says("Evening 2"), "back on the page of the date: {}", page.html);
    let page = add(&buyer, "Evening 3", 1).await;
    assert!(page.says("€63.00"));
    assert_eq!(shop.counters().await["evening 2"], (0, 0, 2));
    assert!(buyer.shop().await.says("Ticket · 2 June 2999"), "the cart says for when: {}", buyer.shop().await.html);
    buyer.tell("ada@example.org").await;
    buyer.pay_by("manual").await;
    let form = buyer.review().await;
    let path = buyer.order(&form).await.location.unwrap();
    assert!(buyer.get(&path).await.says("Ticket · 3 June 2999"));
    let placed = order(&shop, &path).await;
    assert_eq!(placed["total"], "63.00");
    assert!(placed["positions"].as_array().unwrap().iter().all(|position| position["subevent"].is_number()));
    let counters = shop.counters().await;
    assert_eq!(
        (counters["evening 1"], counters["evening 2"], counters["evening 3"]),
        ((0, 0, 0), (0, 2, 0), (0, 1, 0))
    );
    check_books(&shop).await;
    assert_eq!(shop.number("select count(*) as number from ledger_entry where subevent_id is null").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_is_sold_out_says_so_and_sells_nothing() {
    let shop = shop_of(&series(2, 1)).await;
    let (first, second) = (shop.buyer(), shop.buyer());
    let url = date(&second, "Evening 1").await;
    let form = fill(&second.get(&url).await, 1);
    add(&first, "Evening 1", 1).await;
    assert!(second.get("/org/gig/").await.says("Reserved"), "the other date is still there");
    let page = second.send(&form).await;
    assert!(page.says("no longer available") || page.says("not available"), "{}", page.html);
    first.tell("ada@example.org").await;
    first.pay_by("manual").await;
    let review = first.review().await;
    assert_eq!(first.order(&review).await.status, 303);
    let list = second.shop().await;
    assert!(list.says("Sold out") && list.says("Buy now"), "{}", list.html);
    assert!(second.get(&url).await.says("SOLD OUT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_that_are_hidden_over_or_not_yet_on_sale_cannot_be_bought() {
    let mut event = series(5, 5);
    event["subevents"][0]["active"] = json!(false);
    event["subevents"][1]["is_public"] = json!(false);
    event["subevents"][2]["date_from"] = json!("2020-01-01T18:00:00Z");
    event["subevents"][3]["presale_start"] = json!("2999-01-01T00:00:00Z");
    let shop = shop_of(&event).await;
    let buyer = shop.buyer();
    let page = buyer.shop().await;
    for hidden in ["Evening 1", "Evening 2", "Evening 3"] {
        assert!(!page.says(hidden), "{hidden}");
    }
    assert!(page.says("Evening 4") && page.says("Not yet on sale"));
    let not_yet = buyer.get(&date(&buyer, "Evening 4").await).await;
    assert!(not_yet.says("1 January 2999") && !not_yet.says("Number of Ticket"), "{}", not_yet.html);
    for sql in ["select min(id) as number from subevent", "select min(id) + 1 as number from subevent"] {
        let hidden = shop.number(sql).await;
        assert_eq!(buyer.get(&format!("/org/gig/{hidden}/")).await.status, 404);
    }
    // A form that names one all the same gets nothing.
    let open = buyer.get(&date(&buyer, "Evening 5").await).await;
    let field = Buyer::field(&open, "Ticket");
    for place in 0..4 {
        let id = shop.number("select min(id) as number from subevent").await + place;
        let form = [("csrf".to_owned(), open.hidden("csrf")), ("form_token".to_owned(), open.hidden("form_token"))];
        let rest = [("subevent".to_owned(), id.to_string()), (field.clone(), "1".to_owned())];
        let fields: Vec<(String, String)> = form.into_iter().chain(rest).collect();
        let sent: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(buyer.post("/org/gig/cart/add", &sent).await.status, 303);
    }
    assert_eq!(shop.number("select count(*) as number from cart_position").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_asks_for_its_date_first() {
    let mut event = series(2, 5);
    event["vouchers"] = json!([
        { "code": "ANYDAY", "price_mode": "set", "value": "10.00", "max_usages": 5 },
        { "code": "SECOND", "price_mode": "set", "value": "5.00", "max_usages": 5, "subevent": 2 }
    ]);
    let shop = shop_of(&event).await;
    let buyer = shop.buyer();
    let page = buyer.get("/org/gig/redeem?voucher=anyday").await;
    assert!(page.says("Choose a date") && page.says("redeem?voucher=ANYDAY&#38;subevent="), "{}", page.html);
    let first = shop.number("select min(id) as number from subevent").await;
    let page = buyer.get(&format!("/org/gig/redeem?voucher=ANYDAY&subevent={first}")).await;
    assert!(page.says("€10.00") && page.hidden("subevent") == first.to_string());
    let page = buyer.get("/org/gig/redeem?voucher=SECOND").await;
    assert!(page.says("€5.00") && page.hidden("subevent") == (first + 1).to_string(), "it is for one date");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_dates_come_on_pages() {
    let mut event = series(1, 5);
    event["subevents"] = (1..=60)
        .map(|id| json!({ "id": id, "name": format!("Night {id:02}"), "active": true, "date_from": format!("2999-{:02}-{:02}T18:00:00Z", 1 + id / 28, 1 + id % 28) }))
        .collect();
    let shop = shop_of(&event).await;
    let buyer = shop.buyer();
    let first = buyer.shop().await;
    assert!(first.says("Night 50") && !first.says("Night 51") && first.says("?page=2"));
    let second = buyer.get("/org/gig/?page=2").await;
    assert!(second.says("Night 51") && second.says("Night 60") && !second.says("Night 50"));
    assert_eq!(buyer.get("/org/gig/?page=3").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_a_series_come_by_mail_without_a_calendar_file() {
    let mut event = series(2, 5);
    event["settings"]["mail_attach_ical"] = json!(true);
    let shop = shop_of(&event).await;
    let buyer = shop.buyer();
    add(&buyer, "Evening 2", 2).await;
    buyer.tell("ada@example.org").await;
    buyer.pay_by("manual").await;
    let form = buyer.review().await;
    let path = buyer.order(&form).await.location.unwrap();
    let paid = format!("org/events/gig/orders/{}/mark_paid/", code_of(&path));
    assert_eq!(shop.api("POST", &paid, Some(&shop.token), None).await.0, 200);
    shop.work().await;
    let mails = shop.mails();
    let with_files = |mail: &&local::mailbox::Mail| !mail.attachments.is_empty();
    let files: Vec<usize> = mails.iter().filter(with_files).map(|mail| mail.attachments.len()).collect();
    assert_eq!(files, [2], "a ticket for each, and no day of the series as a whole");
    assert!(mails.iter().any(|mail| mail.text.contains("2 June 2999")), "the mail says for when");
    assert_eq!(buyer.get("/org/gig/ical/").await.status, 404);
}
