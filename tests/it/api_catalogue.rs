//! What is sold, as programs of organisers read and write it (spec rest-api 5).

use serde_json::{Value, json};

use crate::shop::{TestShop, document};

/// A program with a token of `org`.
pub(crate) struct Program<'a> {
    shop: &'a TestShop,
    /// What stands before every path.
    base: String,
}

impl<'a> Program<'a> {
    pub(crate) fn new(shop: &'a TestShop, base: &str) -> Self {
        Self { shop, base: base.to_owned() }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.shop.api(method, &format!("{}{path}", self.base), Some(&self.shop.token), body).await
    }

    /// A call that works.
    pub(crate) async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(method, path, (method != "GET").then_some(body)).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Adds something and returns its id.
    pub(crate) async fn add(&self, path: &str, body: Value) -> i64 {
        let (status, answer) = self.call("POST", path, Some(body)).await;
        assert_eq!(status, 201, "{path}: {answer}");
        answer["id"].as_i64().unwrap_or_default()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// A call that is refused.
    pub(crate) async fn refused(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, answer) = self.call(method, path, Some(body)).await;
        assert!((400..500).contains(&status), "{method} {path}: {status} {answer}");
        (status, answer)
    }
}

async fn gig() -> TestShop {
    let shop = TestShop::empty().await;
    shop.import(&document(10)).await;
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_made_from_nothing_and_sells() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let tax = api.add("taxrules/", json!({ "name": "Reduced", "rate": "7.00", "default": true })).await;
    let rules = api.get("taxrules/").await;
    assert_eq!(rules["count"], 2);
    let defaults: Vec<_> = rules["results"].as_array().unwrap().iter().filter(|rule| rule["default"] == true).collect();
    assert_eq!((defaults.len(), &defaults[0]["id"], &defaults[0]["rate"]), (1, &json!(tax), &json!("7.00")));

    let drinks = api.add("categories/", json!({ "name": { "en": "Drinks" }, "is_addon": true })).await;
    let shirt = json!({ "name": "Shirt", "default_price": 12.5, "tax_rule": tax,
                        "variations": [{ "value": "S" }, { "value": { "en": "L" }, "default_price": "14.00", "position": 1 }] });
    let shirt = api.done("POST", "items/", shirt).await;
    assert_eq!(shirt["default_price"], "12.50");
    assert_eq!((&shirt["has_variations"], &shirt["tax_rate"]), (&json!(true), &json!("7.00")));
    assert_eq!(shirt["variations"][0]["price"], "12.50");
    assert_eq!(shirt["variations"][1]["price"], "14.00");
    assert_eq!((&shirt["sales_channels"], &shirt["all_sales_channels"]), (&json!(["web"]), &json!(true)));
    let beer = api.add("items/", json!({ "name": "Beer", "default_price": "4.00", "category": drinks })).await;
    let pass = json!({ "name": { "en": "Pass", "de": "Pass" }, "default_price": "50.00", "admission": true,
                       "addons": [{ "addon_category": drinks, "max_count": 2, "multi_allowed": true }],
                       "bundles": [{ "bundled_item": beer, "count": 1, "designated_price": "3.00" }] });
    let pass = api.done("POST", "items/", pass).await;
    assert_eq!((&pass["personalized"], &pass["addons"][0]["max_count"]), (&json!(true), &json!(2)));
    assert_eq!(pass["bundles"][0]["designated_price"], "3.00");

    let large = shirt["variations"][1]["id"].clone();
    let quota = json!({ "name": "All", "size": 5, "items": [shirt["id"], beer, pass["id"]], "variations": [large] });
    let quota = api.add("quotas/", quota).await;
    let found = api.get(&format!("quotas/{quota}/?with_availability=true")).await;
    assert_eq!((&found["available"], &found["available_number"]), (&json!(true), &json!(5)));
    assert_eq!(found["variations"], json!([large]));
    let free = api.get(&format!("quotas/{quota}/availability/")).await;
    assert_eq!((&free["total_size"], &free["paid_orders"]), (&json!(5), &json!(0)));
    let shown = shop.buyer().get("/org/gig/").await;
    assert!(shown.says("Pass") && shown.says("14.00"), "{}", shown.html);
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_counts_something_else_counts_it_at_once() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    shop.buyer().buy(&[("Seat", 2)], None).await;
    let items = api.get("items/").await;
    let seat = items["results"][0]["id"].clone();
    let quota = api.add("quotas/", json!({ "name": "Second", "size": 3, "items": [seat], "variations": [] })).await;
    assert_eq!(api.get(&format!("quotas/{quota}/availability/")).await["available_number"], 1);
    let counters = shop.counters().await;
    assert_eq!(counters["Second"].0, 2);
    api.done("PATCH", &format!("quotas/{quota}/"), json!({ "size": 2 })).await;
    let sold_out = api.get(&format!("quotas/{quota}/availability/")).await;
    assert_eq!((&sold_out["available"], &sold_out["available_number"]), (&json!(false), &json!(0)));
    api.done("DELETE", &format!("quotas/{quota}/"), json!({})).await;
    assert_eq!(api.call("GET", &format!("quotas/{quota}/"), None).await.0, 404);
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_by_field_and_nothing_is_written() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let items = api.get("items/").await["count"].clone();
    let (status, faults) = api
        .refused(
            "POST",
            "items/",
            json!({ "default_price": "-1", "position": "x", "active": 7,
        "category": 999, "min_per_order": -1, "available_from": "yesterday", "issue_giftcard": true }),
        )
        .await;
    assert_eq!(status, 400);
    for field in
        ["name", "default_price", "position", "active", "category", "min_per_order", "available_from", "issue_giftcard"]
    {
        assert!(faults[field][0].is_string(), "{field}: {faults}");
    }
    let nested = json!({ "name": "A", "default_price": "1.00", "variations": [{ "value": "S" }, { "position": 1 }] });
    let (_, faults) = api.refused("POST", "items/", nested).await;
    assert_eq!(faults, json!({ "variations": [{}, { "value": ["This field is required."] }] }));
    let (_, faults) =
        api.refused("POST", "items/", json!({ "name": "A", "default_price": "1.00", "personalized": true })).await;
    assert!(faults["personalized"][0].is_string(), "{faults}");
    let long = "x".repeat(300);
    let (_, faults) = api.refused("POST", "categories/", json!({ "name": long, "position": 1e40 })).await;
    assert!(faults["name"][0].as_str().unwrap().contains("255") && faults["position"][0].is_string(), "{faults}");
    let (_, faults) =
        api.refused("POST", "quotas/", json!({ "name": "Q", "size": 1, "items": [], "subevent": 1 })).await;
    assert!(faults["subevent"][0].is_string(), "{faults}");
    assert_eq!(api.get("items/").await["count"], items);

    let item = api.get("items/").await["results"][0]["id"].to_string();
    let (status, _) = api.refused("POST", &format!("items/{item}/variations/"), json!({ "value": "S" })).await;
    assert_eq!(status, 403);
    let (_, faults) = api.refused("PATCH", &format!("items/{item}/"), json!({ "variations": [] })).await;
    assert!(faults["variations"][0].is_string(), "{faults}");
    let (_, faults) = api.refused("PUT", &format!("items/{item}/"), json!({ "position": 2 })).await;
    assert!(faults["name"][0].is_string() && faults["default_price"][0].is_string(), "{faults}");
    let changed = api.done("PATCH", &format!("items/{item}/"), json!({ "position": 2, "no_such_field": 1 })).await;
    assert_eq!(changed["position"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_refused() {
    let shop = gig().await;
    let http = crate::shop::http_client().build().unwrap();
    let send = async |kind: &str, body: String| {
        let url = format!("{}/api/v1/organizers/org/events/gig/categories/", shop.url);
        let request = http.post(url).header("authorization", format!("Token {}", shop.token));
        let answer = request.header("content-type", kind).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, answer) = send("application/json", "{\"name\": ".to_owned()).await;
    assert!(status == 400 && answer["detail"].as_str().unwrap().starts_with("JSON parse error"), "{answer}");
    let (status, answer) = send("application/json", "[1, 2]".to_owned()).await;
    assert!(status == 400 && answer["non_field_errors"][0].is_string(), "{answer}");
    assert_eq!(send("text/plain", "name".to_owned()).await.0, 415);
    assert_eq!(send("application/json", format!("\"{}\"", "x".repeat(10 * 1024 * 1024))).await.0, 413);
    let (status, answer) =
        send("application/x-www-form-urlencoded", "name=Drinks&is_addon=true&position=3".to_owned()).await;
    assert_eq!((status, &answer["position"], &answer["is_addon"]), (201, &json!(3), &json!(true)));
    assert_eq!(answer["name"], json!({ "en": "Drinks" }));
    let (status, answer) = send("application/json", r#"{"name": "A\u0000B", "what\u0000": "\u0000"}"#.to_owned()).await;
    assert_eq!((status, &answer["name"]["en"]), (201, &json!("AB")), "no database keeps NUL");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_with_filters_and_orderings() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    for number in 0..7 {
        api.add("categories/", json!({ "name": format!("C{number}"), "position": 7 - number, "is_addon": number < 2 }))
            .await;
    }
    let page = api.get("categories/?page_size=3&page=2").await;
    assert_eq!((&page["count"], page["results"].as_array().unwrap().len()), (&json!(7), 3));
    assert!(page["next"].as_str().unwrap().ends_with("/categories/?page_size=3&page=3"), "{page}");
    assert!(page["previous"].as_str().unwrap().ends_with("page=1"), "{page}");
    assert_eq!(page["results"][0]["name"]["en"], "C3");
    assert_eq!(api.get("categories/?is_addon=true").await["count"], 2);
    assert_eq!(api.get("categories/?ordering=-id").await["results"][0]["name"]["en"], "C6");
    assert_eq!(api.get("categories/?ordering=nothing&unknown=1").await["count"], 7);
    assert_eq!(api.refused("GET", "categories/?page=4&page_size=3", json!({})).await.0, 404);
    assert!(api.refused("GET", "categories/?is_addon=maybe", json!({})).await.1["is_addon"][0].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_only_sent_when_something_has_changed() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    api.add("categories/", json!({ "name": "A" })).await;
    let http = crate::shop::http_client().build().unwrap();
    let ask = async |header: &str, since: &str| {
        let url = format!("{}/api/v1/organizers/org/events/gig/categories/", shop.url);
        let request = http.get(url).header("authorization", format!("Token {}", shop.token));
        request.header(header, since).send().await.unwrap()
    };
    let changed = ask("accept", "*/*").await.headers()["last-modified"].to_str().unwrap().to_owned();
    assert_eq!(ask("if-modified-since", &changed).await.status().as_u16(), 304);
    assert_eq!(ask("if-unmodified-since", &changed).await.status().as_u16(), 200);
    shop.clock.advance_seconds(60);
    api.add("categories/", json!({ "name": "B" })).await;
    assert_eq!(ask("if-modified-since", &changed).await.status().as_u16(), 200);
    assert_eq!(ask("if-unmodified-since", &changed).await.status().as_u16(), 412);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_a_key_acts_once() {
    let shop = gig().await;
    let http = crate::shop::http_client().build().unwrap();
    let send = async |key: &str, name: &str| {
        let url = format!("{}/api/v1/organizers/org/events/gig/categories/", shop.url);
        let request = http.post(url).header("authorization", format!("Token {}", shop.token));
        let answer = request.header("x-idempotency-key", key).json(&json!({ "name": name })).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let first = send("one", "A").await;
    assert_eq!(first.0, 201);
    assert_eq!(send("one", "B").await, first);
    let refused = send("two", "").await;
    assert_eq!(refused.0, 400);
    assert_eq!(send("two", "C").await, refused, "a refusal is kept as well");
    assert_eq!(shop.number("select count(*) as number from category").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ordered_stays_and_what_lies_in_carts_goes() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.buyer().add(&[("Ticket", 2)]).await;
    let items = api.get("items/").await;
    let id = |place: usize| items["results"][place]["id"].to_string();
    let (status, answer) = api.refused("DELETE", &format!("items/{}/", id(0)), json!({})).await;
    assert!(status == 403 && answer["detail"].as_str().unwrap().contains("ordered"), "{answer}");
    api.done("DELETE", &format!("items/{}/", id(1)), json!({})).await;
    assert_eq!(shop.number("select count(*) as number from cart_position").await, 0);
    let counters = shop.counters().await;
    assert_eq!((counters["seats"], counters["tickets"]), ((1, 0, 0), (0, 0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_have_options_and_depend_on_each_other() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let item = api.get("items/").await["results"][1]["id"].clone();
    let size = json!({ "question": "Size?", "type": "C", "required": true, "items": [item],
                       "options": [{ "answer": "S", "identifier": "small" }, { "answer": { "de": "Groß" } }] });
    let size = api.done("POST", "questions/", size).await;
    assert_eq!(size["options"][0]["identifier"], "small");
    assert_eq!(size["options"][1]["identifier"].as_str().unwrap().len(), 8, "{size}");
    assert_eq!(size["identifier"].as_str().unwrap().len(), 8);
    let why = json!({ "question": "Why?", "type": "T", "items": [item], "dependency_question": size["id"],
                      "dependency_values": ["small"] });
    let why = api.done("POST", "questions/", why).await;
    let circle = json!({ "dependency_question": why["id"] });
    let (_, faults) = api.refused("PATCH", &format!("questions/{}/", size["id"]), circle).await;
    assert!(faults["dependency_question"][0].is_string(), "{faults}");
    let itself = json!({ "type": "B", "dependency_question": why["id"] });
    let (_, faults) = api.refused("PATCH", &format!("questions/{}/", why["id"]), itself).await;
    assert!(faults["dependency_question"][0].is_string(), "{faults}");
    let options = format!("questions/{}/options/", size["id"]);
    let medium = api.add(&options, json!({ "answer": "M", "identifier": "medium", "position": 5 })).await;
    let (_, faults) = api.refused("POST", &options, json!({ "answer": "X", "identifier": "medium" })).await;
    assert!(faults["identifier"][0].is_string(), "{faults}");
    assert_eq!(api.get(&options).await["count"], 3);
    api.done("DELETE", &format!("{options}{medium}/"), json!({})).await;
    assert_eq!(api.refused("GET", &format!("questions/{}/options/{medium}/", why["id"]), json!({})).await.0, 404);
    api.done("DELETE", &format!("questions/{}/", size["id"]), json!({})).await;
    assert_eq!(api.get(&format!("questions/{}/", why["id"])).await["dependency_question"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn discounts_are_checked_by_their_rules() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let (_, faults) = api.refused("POST", "discounts/", json!({ "internal_name": "D" })).await;
    assert!(faults["condition_min_count"][0].is_string(), "{faults}");
    let fine = json!({ "internal_name": "Two", "condition_min_count": 2, "benefit_discount_matching_percent": "50.00",
                       "benefit_only_apply_to_cheapest_n_matches": 1 });
    let discount = api.done("POST", "discounts/", fine).await;
    assert_eq!(discount["benefit_discount_matching_percent"], "50.00");
    assert_eq!(discount["sales_channels"], json!(["web"]));
    let path = format!("discounts/{}/", discount["id"]);
    let (_, faults) = api.refused("PATCH", &path, json!({ "sales_channels": ["api.shop"] })).await;
    assert!(faults["sales_channels"][0].is_string(), "{faults}");
    let (_, faults) = api.refused("PATCH", &path, json!({ "condition_all_products": false })).await;
    assert!(faults["condition_limit_products"][0].is_string(), "{faults}");
    let item = api.get("items/").await["results"][1]["id"].clone();
    let limited =
        api.done("PATCH", &path, json!({ "condition_all_products": false, "condition_limit_products": [item] })).await;
    assert_eq!(limited["condition_limit_products"], json!([item]));
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 2)]).await;
    assert!(buyer.shop().await.says("34.50"), "the second one costs half of it");
}
