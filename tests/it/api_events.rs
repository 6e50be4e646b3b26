//! Events, dates, settings and vouchers, as programs of organisers read and write them (spec rest-api 2, 3, 4, 6, 14).

use serde_json::{Value, json};

use crate::{
    api_catalogue::Program,
    shop::{TestShop, document},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_organiser_sets_up_a_shop_from_nothing() {
    let shop = TestShop::empty().await;
    let organizer = Program::new(&shop, "org/");
    let early = json!({ "name": { "en": "Conference" }, "slug": "conf", "currency": "EUR", "live": true,
                        "date_from": "2999-06-01T10:00:00+02:00" });
    let (_, faults) = organizer.refused("POST", "events/", early.clone()).await;
    assert!(faults["live"][0].is_string(), "{faults}");
    let mut body = early;
    body["live"] = json!(false);
    body["timezone"] = json!("Europe/Berlin");
    let event = organizer.done("POST", "events/", body.clone()).await;
    assert_eq!(event["date_from"], "2999-06-01T08:00:00Z");
    assert_eq!((&event["live"], &event["sales_channels"]), (&json!(false), &json!(["web"])));
    assert_eq!(event["public_url"], format!("{}/org/conf/", shop.url));
    let (_, faults) = organizer.refused("POST", "events/", body).await;
    assert!(faults["slug"][0].is_string(), "{faults}");

    let api = Program::new(&shop, "org/events/conf/");
    let (_, faults) = api.refused("PATCH", "", json!({ "live": true })).await;
    assert!(faults["live"][0].as_str().unwrap().contains("quota"), "{faults}");
    let tax = api.add("taxrules/", json!({ "name": "VAT", "rate": "19.00" })).await;
    let item = json!({ "name": "Ticket", "default_price": "23.00", "tax_rule": tax, "admission": true });
    let item = api.add("items/", item).await;
    let quota = api.add("quotas/", json!({ "name": "Hall", "size": 10, "items": [item], "variations": [] })).await;
    let question = json!({ "question": "Diet?", "type": "S", "required": true, "items": [item] });
    api.add("questions/", question).await;
    let voucher = json!({ "code": "friend2026", "max_usages": 2, "price_mode": "percent", "value": "10.00", "item": item,
                          "block_quota": true, "tag": "friends", "budget": "50.00" });
    let voucher = api.done("POST", "vouchers/", voucher).await;
    assert_eq!(
        (&voucher["code"], &voucher["value"], &voucher["tag"]),
        (&json!("FRIEND2026"), &json!("10.00"), &json!("friends"))
    );
    let (_, faults) = api.refused("PATCH", "", json!({ "live": true })).await;
    assert!(faults["live"][0].as_str().unwrap().contains("payment"), "{faults}");
    let bank = json!({ "payment_banktransfer__enabled": true, "payment_banktransfer_bank_details_sepa_iban": "DE89370400440532013000",
                       "attendee_names_asked": false, "no_such_setting": 1 });
    let settings = api.done("PATCH", "settings/", bank).await;
    assert_eq!(
        (&settings["payment_banktransfer__enabled"], &settings["attendee_names_asked"]),
        (&json!(true), &json!(false))
    );
    assert!(settings.get("no_such_setting").is_none());
    assert_eq!(api.done("PATCH", "", json!({ "live": true })).await["live"], true);

    let free = api.get(&format!("quotas/{quota}/availability/")).await;
    assert_eq!((&free["available_number"], &free["blocking_vouchers"]), (&json!(8), &json!(2)));
    let buyer = shop.buyer().at("/org/conf/");
    assert!(buyer.shop().await.says("Ticket"));
    let order = json!({ "email": "ada@example.org", "payment_provider": "banktransfer", "positions": [{ "item": item, "variation": null }] });
    let order = api.done("POST", "orders/", order).await;
    assert_eq!((&order["status"], &order["total"]), (&json!("n"), &json!("23.00")));
    let paid = api.done("POST", &format!("orders/{}/mark_paid/", order["code"].as_str().unwrap()), json!({})).await;
    assert_eq!(paid["status"], "p");
    let free = api.get(&format!("quotas/{quota}/availability/")).await;
    assert_eq!((&free["available_number"], &free["paid_orders"]), (&json!(7), &json!(1)));
    assert_eq!(api.refused("DELETE", "", json!({})).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_copied_with_what_it_sells() {
    let shop = TestShop::empty().await;
    let gig = crate::authorisation::with_drinks(document(10));
    shop.import(&gig).await;
    let api = Program::new(&shop, "org/events/gig/");
    let item = api.get("items/").await["results"][1]["id"].clone();
    let parent = api.add("questions/", json!({ "question": "A?", "type": "B", "items": [item] })).await;
    let child = json!({ "question": "B?", "type": "S", "items": [item], "position": -1, "dependency_question": parent,
                        "dependency_values": ["True"] });
    let (_, faults) = api.refused("POST", "questions/", child.clone()).await;
    assert!(faults["position"][0].is_string(), "{faults}");
    let mut child = child;
    child["position"] = json!(0);
    api.add("questions/", child).await;
    let copy = json!({ "name": "Copy", "slug": "copy", "date_from": "2999-07-01T10:00:00Z" });
    let copied = api.done("POST", "clone/", copy).await;
    assert_eq!(
        (&copied["currency"], &copied["timezone"], &copied["live"]),
        (&json!("EUR"), &json!("Europe/Berlin"), &json!(false))
    );
    let copy = Program::new(&shop, "org/events/copy/");
    for list in ["items/", "categories/", "taxrules/", "quotas/", "questions/"] {
        assert_eq!(copy.get(list).await["count"], api.get(list).await["count"], "{list}");
    }
    let items = copy.get("items/").await;
    let with_add_ons =
        items["results"].as_array().unwrap().iter().find(|item| item["addons"] != json!([])).unwrap().clone();
    assert_eq!(with_add_ons["addons"][0]["addon_category"], copy.get("categories/").await["results"][0]["id"]);
    let questions = copy.get("questions/").await;
    let of = |text: &str| {
        let list = questions["results"].as_array().unwrap();
        list.iter().find(|question| question["question"]["en"] == text).unwrap().clone()
    };
    assert_eq!(of("B?")["dependency_question"], of("A?")["id"]);
    copy.done("PATCH", "", json!({ "live": true })).await;
    shop.buyer().at("/org/copy/").buy(&[("Seat", 1)], None).await;
    assert_eq!(
        api.done("POST", "clone/", json!({ "name": "X", "slug": "third", "date_from": "2999-07-01T10:00:00Z" })).await
            ["slug"],
        "third"
    );
    Program::new(&shop, "org/events/third/").done("DELETE", "", json!({})).await;
    assert_eq!(shop.api("GET", "org/events/third/", Some(&shop.token), None).await.0, 403);
    let list = Program::new(&shop, "org/").get("events/?search=copy").await;
    assert_eq!((&list["count"], &list["results"][0]["slug"]), (&json!(1), &json!("copy")));
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_have_prices_and_quotas_of_their_own() {
    let shop = TestShop::empty().await;
    let organizer = Program::new(&shop, "org/");
    let tour = json!({ "name": "Tour", "slug": "tour", "has_subevents": true, "date_from": "2999-06-01T10:00:00Z" });
    organizer.done("POST", "events/", tour).await;
    let api = Program::new(&shop, "org/events/tour/");
    let item = api.add("items/", json!({ "name": "Seat", "default_price": "0.00" })).await;
    let date = json!({ "name": "Monday", "active": true, "date_from": "2999-06-01T10:00:00Z", "meta_data": {},
                       "item_price_overrides": [{ "item": item, "price": "0.50" }] });
    let date = api.done("POST", "subevents/", date).await;
    assert_eq!((&date["event"], &date["item_price_overrides"][0]["price"]), (&json!("tour"), &json!("0.50")));
    let path = format!("subevents/{}/", date["id"]);
    let changed = json!({ "item_price_overrides": [{ "item": item, "price": "0.70", "disabled": true }] });
    let changed = api.done("PATCH", &path, changed).await;
    assert_eq!(
        changed["item_price_overrides"],
        json!([{ "item": item, "price": "0.70", "disabled": true,
                                                         "available_from": null, "available_until": null }])
    );
    assert_eq!(
        api.done("PATCH", &path, json!({ "item_price_overrides": [] })).await["item_price_overrides"],
        json!([])
    );
    let (_, faults) = api.refused("POST", "quotas/", json!({ "name": "Q", "size": 1, "items": [item] })).await;
    assert!(faults["subevent"][0].is_string(), "{faults}");
    let quota = api.add("quotas/", json!({ "name": "Q", "size": 1, "items": [item], "subevent": date["id"] })).await;
    assert_eq!(api.get(&format!("quotas/?subevent={}", date["id"])).await["results"][0]["id"], quota);
    assert_eq!(api.get("subevents/?is_future=true&active=true").await["count"], 1);
    api.done("PATCH", "", json!({ "live": true })).await;
    assert_eq!(shop.buyer().get(&format!("/org/tour/{}/", date["id"])).await.status, 200);
    let (_, faults) = api.refused("PATCH", "", json!({ "has_subevents": false })).await;
    assert!(faults["has_subevents"][0].is_string(), "{faults}");
    api.done("DELETE", &path, json!({})).await;
    assert_eq!(api.get("quotas/").await["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn vouchers_keep_places_and_refuse_what_breaks_their_rules() {
    let shop = TestShop::empty().await;
    shop.import(&document(3)).await;
    let api = Program::new(&shop, "org/events/gig/");
    let item = api.get("items/").await["results"][1]["id"].clone();
    let (_, faults) = api.refused("POST", "vouchers/", json!({ "block_quota": true })).await;
    assert!(faults["non_field_errors"][0].is_string(), "{faults}");
    let (_, faults) =
        api.refused("POST", "vouchers/", json!({ "block_quota": true, "item": item, "max_usages": 4 })).await;
    assert!(faults["non_field_errors"][0].is_string(), "{faults}");
    let (_, faults) =
        api.refused("POST", "vouchers/", json!({ "code": "ab", "price_mode": "percent", "value": "100.50" })).await;
    assert!(faults["code"][0].is_string() && faults["value"][0].is_string(), "{faults}");
    let batch = json!([{ "code": "FIRST", "item": item }, { "price_mode": "set", "value": "5.00" }]);
    let made = api.done("POST", "vouchers/batch_create/", batch).await;
    assert_eq!((&made[0]["code"], &made[1]["value"]), (&json!("FIRST"), &json!("5.00")));
    assert_eq!(made[1]["code"].as_str().unwrap().len(), 16);
    let (_, faults) =
        api.refused("POST", "vouchers/batch_create/", json!([{ "code": "THIRD" }, { "code": "first" }])).await;
    assert_eq!(faults[0], json!({}));
    assert!(faults[1]["code"][0].is_string(), "{faults}");
    let (_, faults) =
        api.refused("POST", "vouchers/batch_create/", json!([{ "code": "FOURTH" }, { "code": "fourth" }])).await;
    assert!(faults[1]["code"][0].is_string(), "{faults}");
    assert_eq!(api.get("vouchers/").await["count"], 2, "all or nothing");
    let path = format!("vouchers/{}/", made[0]["id"]);
    let kept = api.done("PATCH", &path, json!({ "block_quota": true, "max_usages": 2, "comment": "for Ada" })).await;
    assert_eq!((&kept["comment"], &kept["redeemed"]), (&json!("for Ada"), &json!(0)));
    shop.counters().await;
    assert_eq!(api.get("vouchers/?code=first").await["results"][0]["id"], made[0]["id"]);
    assert_eq!(api.get("vouchers/?active=true&ordering=-code").await["count"], 2);
    api.done("DELETE", &path, json!({})).await;
    assert_eq!(api.get("vouchers/").await["count"], 1);
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_write_at_the_same_time_lose_nothing() {
    let shop = TestShop::with_places(5).await;
    for path in ["org/", "org/events/gig/"] {
        let api = Program::new(&shop, path);
        for mail in 0..5 {
            let mail = format!("desk{mail}@example.org");
            tokio::join!(
                api.done("PATCH", "settings/", json!({ "contact_mail": mail })),
                api.done("PATCH", "settings/", json!({ "imprint_url": format!("https://example.org/{mail}") })),
                api.done("PATCH", "settings/", json!({ "locales": ["en", "de"] })),
            );
            let told = api.get("settings/").await;
            assert_eq!(told["contact_mail"], mail, "{path}");
            assert_eq!(told["imprint_url"], format!("https://example.org/{mail}"), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_properties_and_settings_belong_to_the_organiser() {
    let shop = TestShop::empty().await;
    shop.import(&document(3)).await;
    let api = Program::new(&shop, "org/");
    let shown = api.get("").await;
    assert_eq!((&shown["slug"], &shown["name"]), (&json!("org"), &json!("org (demo)")));
    let (_, faults) =
        api.refused("POST", "saleschannels/", json!({ "identifier": "desk", "label": "Desk", "type": "api" })).await;
    assert!(faults["identifier"][0].is_string(), "{faults}");
    let desk =
        api.done("POST", "saleschannels/", json!({ "identifier": "api.desk", "label": "Desk", "type": "api" })).await;
    assert_eq!(desk, json!({ "identifier": "api.desk", "label": { "en": "Desk" }, "type": "api", "position": 0 }));
    let item = api.get("events/gig/items/").await["results"][0]["id"].to_string();
    let path = format!("events/gig/items/{item}/");
    let limited = api.done("PATCH", &path, json!({ "sales_channels": ["api.desk"] })).await;
    assert_eq!(
        (&limited["all_sales_channels"], &limited["limit_sales_channels"]),
        (&json!(false), &json!(["api.desk"]))
    );
    assert_eq!(api.refused("DELETE", "saleschannels/api.desk/", json!({})).await.0, 403);
    let all = api.done("PATCH", &path, json!({ "all_sales_channels": true })).await;
    assert_eq!(all["sales_channels"], json!(["web", "api.desk"]));
    let (_, faults) =
        api.refused("PATCH", &path, json!({ "all_sales_channels": true, "sales_channels": ["web"] })).await;
    assert!(faults["sales_channels"][0].is_string(), "{faults}");
    api.done("DELETE", "saleschannels/api.desk/", json!({})).await;
    assert_eq!(api.refused("DELETE", "saleschannels/web/", json!({})).await.0, 403);

    let city = json!({ "name": "City", "default": "Berlin", "choices": [{ "key": "Berlin" }, { "key": "Bonn" }] });
    api.add("event_meta_properties/", city).await;
    assert_eq!(api.get("events/gig/").await["meta_data"], json!({ "City": "Berlin" }));
    let bonn = api.done("PATCH", "events/gig/", json!({ "meta_data": { "City": "Bonn" } })).await;
    assert_eq!(bonn["meta_data"], json!({ "City": "Bonn" }));
    assert_eq!(api.get("events/?attr[City]=Bonn").await["count"], 1);
    for wrong in [json!({ "City": "Rome" }), json!({ "Town": "Bonn" }), json!("Bonn")] {
        let (_, faults) = api.refused("PATCH", "events/gig/", json!({ "meta_data": wrong })).await;
        assert!(faults["meta_data"][0].is_string(), "{faults}");
    }

    let settings = api.done("PATCH", "settings/", json!({ "contact_mail": "desk@example.org" })).await;
    assert_eq!(settings["contact_mail"], "desk@example.org");
    assert_eq!(api.get("events/gig/settings/").await["contact_mail"], "desk@example.org", "events inherit it");
    api.done("PATCH", "events/gig/settings/", json!({ "contact_mail": "gig@example.org" })).await;
    assert_eq!(api.get("events/gig/settings/").await["contact_mail"], "gig@example.org");
    let back = api.done("PATCH", "events/gig/settings/", json!({ "contact_mail": null })).await;
    assert_eq!(back["contact_mail"], "desk@example.org");
    let (_, faults) = api
        .refused(
            "PATCH",
            "events/gig/settings/",
            json!({ "contact_mail": "nobody",
        "max_items_per_order": "many", "waiting_list_enabled": true }),
        )
        .await;
    for key in ["contact_mail", "max_items_per_order", "waiting_list_enabled"] {
        assert!(faults[key][0].is_string(), "{key}: {faults}");
    }
    let explained: Value = api.get("events/gig/settings/?explain=true").await;
    assert_eq!(explained["max_items_per_order"]["value"], 20);
}
