//! Lists over all events of an organiser, and the ledger, as programs read them (spec rest-api 2.12, 9.11).

use serde_json::{Value, json};

use crate::{
    authorisation::{token, town},
    shop::{TestShop, code_of, document},
};

async fn get(shop: &TestShop, path: &str, token: &str) -> Value {
    let (status, body) = shop.api("GET", path, Some(token), None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn each(list: &Value, field: &str) -> Vec<Value> {
    list["results"].as_array().unwrap().iter().map(|row| row[field].clone()).collect()
}

/// An order in each of three events, a minute after the other, the last of another organiser; returns the first two.
async fn sold(shop: &TestShop) -> [String; 2] {
    let gig = shop.buyer().buy(&[("Seat", 2)], None).await;
    shop.clock.advance_seconds(60);
    let matinee = shop.buyer().at("/org/matinee/").buy(&[("Ticket", 1)], Some("banktransfer")).await;
    shop.clock.advance_seconds(60);
    shop.buyer().at("/other/gig/").buy(&[("Foreign Seat", 1)], None).await;
    [gig, matinee].map(|path| code_of(&path).to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_all_events_are_told_to_who_may_see_them() {
    let shop = town().await;
    let [gig, matinee] = sold(&shop).await;
    let between = "ordering=-datetime&page_size=1";
    for (query, expected) in [
        (String::new(), vec![&gig, &matinee]),
        ("ordering=-datetime".to_owned(), vec![&matinee, &gig]),
        ("ordering=last_modified".to_owned(), vec![&gig, &matinee]),
        ("status=p".to_owned(), vec![&gig]),
        (format!("code={}", matinee.to_lowercase()), vec![&matinee]),
        (format!("search={matinee}"), vec![&matinee]),
        ("search=lovelace".to_owned(), vec![&matinee]),
        ("event=matinee".to_owned(), vec![&matinee]),
        ("event=nothing".to_owned(), vec![]),
        (between.to_owned(), vec![&matinee]),
        (format!("{between}&page=2"), vec![&gig]),
    ] {
        let list = get(&shop, &format!("org/orders/?{query}"), &shop.token).await;
        assert_eq!(each(&list, "code"), expected.into_iter().map(|code| json!(code)).collect::<Vec<_>>(), "{query}");
    }
    // Each is told as in the list of its event.
    let all = get(&shop, "org/orders/", &shop.token).await;
    for (place, event) in ["gig", "matinee"].into_iter().enumerate() {
        let of_event = get(&shop, &format!("org/events/{event}/orders/"), &shop.token).await;
        assert_eq!(all["results"][place], of_event["results"][0]);
    }
    let slim = get(&shop, "org/orders/?include=code", &shop.token).await;
    assert_eq!(slim["results"][0], json!({ "code": gig }));
    let limited = token(&shop, &["event.orders:read"], Some("matinee")).await;
    let none = token(&shop, &["event.orders:read"], Some("none")).await;
    for (token, expected) in [(&limited, vec![json!(matinee)]), (&none, vec![])] {
        assert_eq!(each(&get(&shop, "org/orders/", token).await, "code"), expected);
        assert_eq!(each(&get(&shop, "org/orderpositions/", token).await, "order"), expected);
        assert_eq!(each(&get(&shop, "org/transactions/", token).await, "order"), expected);
        assert_eq!(get(&shop, "org/orders/?event=gig", token).await["count"], 0);
    }
    let (status, body) = shop.api("GET", "org/orders/?status=x&item=y", Some(&shop.token), None).await;
    assert_eq!((status, body["status"][0].is_string(), body["item"][0].is_string()), (400, true, true), "{body}");
    assert_eq!(shop.api("POST", "org/orders/", Some(&shop.token), Some(json!({}))).await.0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_of_all_events_say_which_event_is_theirs() {
    let shop = town().await;
    let [gig, matinee] = sold(&shop).await;
    let all = get(&shop, "org/orderpositions/", &shop.token).await;
    assert_eq!((&all["count"], each(&all, "event")), (&json!(3), vec![json!("gig"), json!("gig"), json!("matinee")]));
    assert_eq!(each(&all, "order"), [json!(gig), json!(gig), json!(matinee)]);
    for (query, expected) in [
        ("event=matinee", vec![3]),
        ("ordering=-order__datetime,positionid", vec![3, 1, 2]),
        ("order__status=n", vec![3]),
        ("attendee_name=ada%20lovelace", vec![3]),
        ("page_size=2&page=2", vec![3]),
        ("voucher__code=NOTHING", vec![]),
    ] {
        let list = get(&shop, &format!("org/orderpositions/?{query}"), &shop.token).await;
        let expected: Vec<Value> = expected.into_iter().map(|at: usize| all["results"][at - 1]["id"].clone()).collect();
        assert_eq!(each(&list, "id"), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_tells_what_was_sold_and_taken_back() {
    let shop = town().await;
    let [_, matinee] = sold(&shop).await;
    let since = shop.ctx.now().to_string();
    let cancel = format!("org/events/matinee/orders/{matinee}/mark_canceled/");
    assert_eq!(shop.api("POST", &cancel, Some(&shop.token), Some(json!({}))).await.0, 200);
    let list = get(&shop, "org/events/matinee/transactions/", &shop.token).await;
    assert_eq!((&list["count"], each(&list, "count")), (&json!(2), vec![json!(1), json!(-1)]));
    let sale = &list["results"][0];
    let told = [&sale["order"], &sale["price"], &sale["tax_rate"], &sale["tax_value"], &sale["positionid"]];
    assert_eq!(told, [&json!(matinee), &json!("23.00"), &json!("19.00"), &json!("3.67"), &json!(1)]);
    assert!(sale.get("event").is_none() && sale["fee_type"].is_null() && sale["datetime"].is_string());
    let item = sale["item"].clone();
    for (query, expected) in [
        (String::new(), vec!["gig", "gig", "matinee", "matinee"]),
        ("ordering=-datetime".to_owned(), vec!["matinee", "matinee", "gig", "gig"]),
        ("event=gig".to_owned(), vec!["gig", "gig"]),
        (format!("datetime_since={since}"), vec!["matinee"]),
        (format!("created_before={since}"), vec!["gig", "gig", "matinee"]),
        (format!("item={item}"), vec!["matinee", "matinee"]),
        (format!("item__in=999999,{item}&page_size=1&page=2"), vec!["matinee"]),
        ("tax_rate=19".to_owned(), vec!["matinee", "matinee"]),
        ("tax_rate__in=7.00,0.00".to_owned(), vec!["gig", "gig"]),
        ("fee_type__in=payment,service".to_owned(), vec![]),
        (format!("order={matinee}"), vec!["matinee", "matinee"]),
    ] {
        let list = get(&shop, &format!("org/transactions/?{query}"), &shop.token).await;
        assert_eq!(each(&list, "event"), expected.into_iter().map(|slug| json!(slug)).collect::<Vec<_>>(), "{query}");
    }
    for query in ["tax_rate=much", "tax_rate__in=1,x", "datetime_since=now", "tax_rule=1", "subevent__in=a"] {
        let (status, body) = shop.api("GET", &format!("org/transactions/?{query}"), Some(&shop.token), None).await;
        let name = query.split('=').next().unwrap();
        assert!(status == 400 && body[name][0].is_string(), "{query}: {status} {body}");
    }
    assert_eq!(shop.api("GET", "org/transactions/?page=9", Some(&shop.token), None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_of_all_series_are_told_as_in_their_events() {
    let shop = town().await;
    for (slug, month) in [("winter", 1), ("summer", 6)] {
        let mut series = document(5);
        series["event"]["slug"] = json!(slug);
        series["event"]["has_subevents"] = json!(true);
        series["subevents"] = (1..=2)
            .map(|id| {
                json!({ "id": id, "name": format!("{slug} {id}"), "active": true,
                              "date_from": format!("2999-{month:02}-0{id}T18:00:00Z"),
                              "item_price_overrides": [{ "item": 2, "price": "9.50" }] })
            })
            .collect();
        series["quotas"] =
            (1..=2).map(|id| json!({ "id": id, "name": "q", "size": 5, "items": [2], "subevent": id })).collect();
        shop.import(&series).await;
    }
    let all = get(&shop, "org/subevents/", &shop.token).await;
    assert_eq!(each(&all, "event"), ["winter", "winter", "summer", "summer"]);
    let of_event = get(&shop, "org/events/summer/subevents/", &shop.token).await;
    assert_eq!(all["results"][2], of_event["results"][0]);
    assert_eq!(all["results"][2]["item_price_overrides"][0]["price"], "9.50");
    for (query, expected) in [
        ("event=winter", vec!["winter", "winter"]),
        ("ordering=-date_from&page_size=1&page=2", vec!["summer"]),
        ("search=winter%202", vec!["winter"]),
        ("date_from_after=2999-06-02T00:00:00Z", vec!["summer"]),
        ("is_past=true", vec![]),
    ] {
        let list = get(&shop, &format!("org/subevents/?{query}"), &shop.token).await;
        assert_eq!(each(&list, "event"), expected, "{query}");
    }
    let limited = token(&shop, &["event.vouchers:read"], Some("summer")).await;
    assert_eq!(each(&get(&shop, "org/subevents/", &limited).await, "event"), ["summer", "summer"]);
    assert_eq!(shop.api("GET", "org/subevents/?is_past=perhaps", Some(&shop.token), None).await.0, 400);
}
