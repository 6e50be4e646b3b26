//! The list of orders in the REST API, and what its clients hear when something is not offered.

use serde_json::{Value, json};
use shop::routes::methods_at;

use crate::shop::{TestShop, code_of, document, http_client};

async fn list(shop: &TestShop, query: &str) -> (u16, Value) {
    shop.api("GET", &format!("org/events/gig/orders/{query}"), Some(&shop.token), None).await
}

/// The codes that a query finds.
async fn codes(shop: &TestShop, query: &str) -> Vec<String> {
    let (status, body) = list(shop, query).await;
    assert_eq!(status, 200, "{query}: {body}");
    body["results"].as_array().unwrap().iter().map(|order| order["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_orders() {
    let shop = TestShop::with_places(50).await;
    let first = code_of(&shop.buyer().buy(&[("Seat", 1)], None).await).to_owned();
    shop.clock.advance_seconds(60);
    let between = shop.ctx.now().to_string();
    shop.clock.advance_seconds(60);
    let second = code_of(&shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await).to_owned();
    let none: [&str; 0] = [];
    let both = [first.as_str(), second.as_str()];
    for query in ["", "?status=&email=&code=&testmode=", "?ordering=datetime", "?email=ADA@example.org"] {
        assert_eq!(codes(&shop, query).await, both, "{query}");
    }
    for query in ["?testmode=false", "?locale=en", "?sales_channel=web", "?pdf_data=false", "?unknown=1"] {
        assert_eq!(codes(&shop, query).await, both, "{query}");
    }
    assert_eq!(codes(&shop, "?ordering=-datetime").await, [both[1], both[0]]);
    for query in
        ["?status=p", "?status=P", &format!("?created_before={between}"), &format!("?code={}", first.to_lowercase())]
    {
        assert_eq!(codes(&shop, query).await, both[..1], "{query}");
    }
    for query in [&format!("?created_since={between}"), &format!("?modified_since={between}"), "?status=n"] {
        assert_eq!(codes(&shop, query).await, both[1..], "{query}");
    }
    let long = "x".repeat(5_000);
    for query in
        ["?testmode=true", "?locale=de", "?sales_channel=pos", &format!("?email={long}"), &format!("?code={long}")]
    {
        assert_eq!(codes(&shop, query).await, none, "{query}");
    }
    // Nobody is told about all orders when asking for some.
    for name in ["status", "testmode", "created_since", "created_before", "modified_since", "item", "customer"] {
        let (status, body) = list(&shop, &format!("?{name}=what")).await;
        assert_eq!(status, 400, "{name}");
        assert!(body[name][0].is_string(), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_keep_the_filter_and_end() {
    let shop = TestShop::with_places(50).await;
    for _ in 0..2 {
        shop.buyer().buy(&[("Seat", 1)], None).await;
    }
    let (_, body) = list(&shop, "?page_size=1&locale=en&ordering=-datetime").await;
    assert_eq!(body["count"], 2);
    let next = body["next"].as_str().unwrap().split("/orders/").nth(1).unwrap().to_owned();
    assert!(next.contains("locale=en") && next.contains("ordering=-datetime"), "{next}");
    let (_, last) = list(&shop, &next).await;
    assert!(last["next"].is_null() && last["results"][0]["code"] != body["results"][0]["code"]);
    for query in ["?page=2", "?page=0", "?page=last"] {
        assert_eq!(list(&shop, query).await, (404, json!({"detail": "Invalid page."})), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_is_not_offered_is_told() {
    let shop = TestShop::with_places(5).await;
    let code = code_of(&shop.buyer().buy(&[("Seat", 1)], None).await).to_owned();
    for (method, path) in [
        ("PUT", format!("{code}/")),
        ("DELETE", format!("{code}/")),
        ("DELETE", String::new()),
        ("GET", format!("{code}/mark_paid/")),
    ] {
        let path = format!("org/events/gig/orders/{path}");
        let (status, body) = shop.api(method, &path, Some(&shop.token), None).await;
        assert_eq!((status, body), (405, json!({"detail": "Method not allowed."})), "{method} {path}");
    }
    for (method, path, allowed) in [
        ("GET", "organizers/org/events/gig/cartpositions/bulk_create/", "POST"),
        ("PUT", "organizers/org/events/gig/vouchers/batch_create/", "POST"),
        ("GET", "uploads/", "POST"),
    ] {
        let request =
            http_client().build().unwrap().request(method.parse().unwrap(), format!("{}/api/v1/{path}", shop.url));
        let request = request.header("authorization", format!("Token {}", shop.token)).json(&json!({}));
        let answer = request.send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()),
            (405, allowed),
            "{method} {path}"
        );
    }
    for path in ["org/events/gig/orders/ZZZZZ/", "org/events/gig/what/", "org/what/is/this/"] {
        let (status, body) = shop.api("GET", path, Some(&shop.token), None).await;
        assert_eq!((status, body), (404, json!({"detail": "Not found."})), "{path}");
    }
    let (status, _) = shop.api("POST", "org/what/is/this/", Some(&shop.token), None).await;
    assert_eq!(status, 404, "no method fits a path that is not there");
    let allowed = |path: &str| methods_at(&format!("/api/v1/{path}"));
    assert_eq!(allowed("organizers/org/events/gig/orders/ABCDE/").as_deref(), Some("GET, PATCH"));
    assert_eq!(allowed("device/initialize").as_deref(), Some("POST"));
    assert_eq!(allowed("organizers/org/events/gig/vouchers/batch_create/").as_deref(), Some("POST"));
    assert_eq!(
        [allowed("organizers/org/events/gig/orders//"), allowed("organizers/org"), allowed("")],
        [None, None, None]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_database_is_a_conflict_in_the_api() {
    let shop = TestShop::with_places(5).await;
    let order = shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let mut db = shop.ctx.db().await.unwrap();
    let holder = db.begin().await.unwrap();
    holder.script("lock table orders in access exclusive mode").await.unwrap();
    let buyer = shop.buyer();
    let ((status, body), page) = tokio::join!(list(&shop, ""), buyer.get(&order));
    assert_eq!((status, page.status), (409, 503), "{body}");
    assert!(body["detail"].as_str().unwrap().contains("too busy"));
    holder.finish(Ok::<_, shop::port::db::DbError>(())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organiser_with_many_events_has_several_pages() {
    let shop = TestShop::empty().await;
    for number in 0..21 {
        let mut event = document(5);
        event["event"]["slug"] = json!(format!("gig{number:02}"));
        event["event"]["date_from"] = json!(format!("2999-06-{:02}T18:00:00Z", number + 1));
        shop.import(&event).await;
    }
    let reader = shop.buyer();
    let first = reader.get("/org/").await;
    assert_eq!(first.html.matches("class=\"entry\"").count(), 20);
    assert!(first.says("href=\"/org/?page=2\"") && !first.says("rel=\"prev\""));
    let second = reader.get("/org/?page=2").await;
    assert!(second.says("/org/gig20/") && second.says("href=\"/org/?page=1\"") && !second.says("rel=\"next\""));
    assert_eq!(second.html.matches("class=\"entry\"").count(), 1);
    for page in ["3", "0", "x", "99999999999999999999"] {
        assert_eq!(reader.get(&format!("/org/?page={page}")).await.status, 404, "{page}");
    }
    assert_eq!(reader.get("/org/?old=1").await.status, 200);
}
