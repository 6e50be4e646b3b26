//! Orders that programs create without a cart.

use serde_json::{Value, json};

use crate::shop::{TestShop, code_of};

async fn create(shop: &TestShop, body: Value) -> (u16, Value) {
    shop.api("POST", "org/events/gig/orders/", Some(&shop.token), Some(body)).await
}

/// The ids of the items by their names.
async fn item(shop: &TestShop, name: &'static str) -> i64 {
    let sql = "select id as number from item where name ->> 'en' = $1 or name #>> '{}' = $1";
    let db = shop.ctx.db().await.unwrap();
    shop::port::db::Query::one(&*db, sql, &[shop::port::db::p(&name)]).await.unwrap().get("number").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_creates_an_order_as_it_likes() {
    let shop = TestShop::with_places(5).await;
    let (seat, ticket) = (item(&shop, "Seat").await, item(&shop, "Ticket").await);
    let rule = shop.number("select id as number from tax_rule").await;
    let (status, order) = create(
        &shop,
        json!({
            "code": "K7ZLM", "email": "ada@example.org", "phone": "+49301234567", "locale": "de", "status": "n",
            "payment_provider": "banktransfer", "comment": "desk 3", "expires": "2999-01-01T12:00:00Z",
            "send_email": true, "simulate": false,
            "fees": [{"fee_type": "service", "value": "1.50", "description": "Handling", "tax_rule": rule}],
            "positions": [
                {"item": ticket, "variation": null, "price": null, "attendee_name_parts": {"full_name": "Ada L."}},
                {"item": ticket, "price": "12.00", "attendee_name": "Grace", "company": "Navy"},
                {"item": seat}
            ]
        }),
    )
    .await;
    assert_eq!(status, 201, "{order}");
    let expected = [
        ("code", json!("K7ZLM")),
        ("status", json!("n")),
        ("total", json!("36.50")),
        ("locale", json!("de")),
        ("comment", json!("desk 3")),
        ("expires", json!("2999-01-01T12:00:00Z")),
        ("payment_provider", json!("banktransfer")),
    ];
    for (field, value) in expected {
        assert_eq!(order[field], value, "{field}");
    }
    let positions = order["positions"].as_array().unwrap();
    let prices = positions.iter().map(|it| (it["price"].as_str().unwrap(), it["tax_value"].as_str().unwrap()));
    assert_eq!(prices.collect::<Vec<_>>(), [("23.00", "3.67"), ("12.00", "1.92"), ("0.00", "0.00")]);
    assert_eq!((&positions[0]["attendee_name"], &positions[1]["company"]), (&json!("Ada L."), &json!("Navy")));
    assert_eq!((&order["fees"][0]["value"], &order["fees"][0]["tax_value"]), (&json!("1.50"), &json!("0.24")));
    assert_eq!((&order["payments"][0]["state"], &order["payments"][0]["amount"]), (&json!("created"), &json!("36.50")));
    let counters = shop.counters().await;
    assert_eq!((counters["tickets"], counters["seats"]), ((0, 2, 0), (0, 1, 0)));
    assert_eq!(shop.number("select sum(count) as number from ledger_entry").await, 4);
    shop.work().await;
    assert!(
        shop.mails().iter().any(|mail| mail.subject == "Ihre Bestellung K7ZLM für Das Konzert"),
        "{:?}",
        shop.mails()
    );
    // The code is taken now.
    let again = create(&shop, json!({"code": "K7ZLM", "positions": [{"item": seat}]})).await;
    assert_eq!(again, (400, json!({"code": ["This order code is already in use."]})));
    assert_eq!(shop.counters().await["seats"], (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_order_is_paid_free_or_waits() {
    let shop = TestShop::with_places(9).await;
    let (seat, ticket) = (item(&shop, "Seat").await, item(&shop, "Ticket").await);
    // Body → status, state of the payment, (paid, pending) of the tickets.
    let cases = [
        (
            json!({"status": "p", "payment_provider": "manual", "payment_date": "2029-01-01T00:00:00Z"}),
            "p",
            json!("confirmed"),
            (1, 0),
        ),
        (json!({"require_approval": true, "payment_provider": "manual"}), "n", json!(null), (1, 1)),
        (json!({}), "n", json!(null), (1, 2)),
    ];
    for (mut body, status, payment, (paid, pending)) in cases {
        body["positions"] = json!([{"item": ticket}]);
        let (code, order) = create(&shop, body).await;
        assert_eq!(
            (code, &order["status"], &order["payments"][0]["state"]),
            (201, &json!(status), &payment),
            "{order}"
        );
        assert_eq!(shop.counters().await["tickets"], (paid, pending, 0));
    }
    let (_, free) = create(&shop, json!({"positions": [{"item": seat}]})).await;
    assert_eq!((&free["status"], &free["payments"][0]["provider"]), (&json!("p"), &json!("free")));
    // An order that waits for approval is in no ledger.
    assert_eq!(shop.number("select sum(count) as number from ledger_entry").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_told_position_by_position() {
    let shop = TestShop::with_places(2).await;
    let (seat, ticket) = (item(&shop, "Seat").await, item(&shop, "Ticket").await);
    let full = |name: &str| json!({"item": [format!("There is not enough quota available on quota \"{name}\" to perform the operation.")]});
    let (status, body) =
        create(&shop, json!({"positions": [{"item": ticket}, {"item": ticket}, {"item": ticket}, {"item": seat}]}))
            .await;
    assert_eq!((status, body), (400, json!({"positions": [{}, {}, full("tickets"), {}]})));
    let cases = [
        (json!({}), json!({"positions": ["An order has 1 to 500 positions."]})),
        (json!({"positions": [{"item": seat}, {"item": 99}]}), {
            json!({"positions": [{}, {"item": ["Invalid pk \"99\" - object does not exist."]}]})
        }),
        (json!({"positions": [{"item": ticket}], "status": "p"}), {
            json!({"payment_provider": ["You cannot create a paid order without a payment provider."]})
        }),
        (json!({"positions": [{"item": ticket}], "payment_provider": "free"}), {
            json!({"payment_provider": ["You cannot use the free provider for an order that costs."]})
        }),
        (json!({"positions": [{"item": seat}], "code": "OIOIO"}), {
            json!({"code": ["A code has 5 to 16 of A-Z without I and O, and 0-9."]})
        }),
        (json!({"positions": [{"item": seat}], "expires": "1999-01-01T00:00:00Z"}), {
            json!({"expires": ["Expiration date must be in the future."]})
        }),
        (json!({"positions": [{"item": seat}], "locale": "fr"}), {
            json!({"locale": ["This language is not offered by the event."]})
        }),
        (json!({"positions": [{"item": seat, "voucher": "FRIEND"}]}), {
            json!({"positions": [{"voucher": ["There is no voucher with this code."]}]})
        }),
    ];
    for (body, expected) in cases {
        assert_eq!(create(&shop, body.clone()).await, (400, expected), "{body}");
    }
    assert_eq!(shop.number("select count(*) as number from orders").await, 0);
    // Forced, it is created although there is no room.
    let body = json!({"positions": [{"item": ticket}, {"item": ticket}, {"item": ticket}], "force": true});
    assert_eq!(create(&shop, body).await.0, 201);
    assert_eq!(shop.counters().await["tickets"], (0, 3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_order_leaves_nothing_behind() {
    let shop = TestShop::with_places(2).await;
    let ticket = item(&shop, "Ticket").await;
    let body = json!({"positions": [{"item": ticket}, {"item": ticket}], "simulate": true, "send_email": true});
    for _ in 0..2 {
        let (status, order) = create(&shop, body.clone()).await;
        assert_eq!((status, &order["code"], &order["total"]), (201, &json!("PREVIEW"), &json!("46.00")));
    }
    for table in ["orders", "order_position", "mail", "outbox", "ledger_entry", "action_log"] {
        let sql = format!("select count(*) as number from {table}");
        assert_eq!(shop.number(Box::leak(sql.into_boxed_str())).await, 0, "{table}");
    }
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cart_holds_is_there_for_the_order_that_consumes_it() {
    let shop = TestShop::with_places(2).await;
    let ticket = item(&shop, "Ticket").await;
    shop.buyer().add(&[("Ticket", 2)]).await;
    let db = shop.ctx.db().await.unwrap();
    let cart: String = shop::port::db::Query::one(&*db, "select max(cart_id) as id from cart_position", &[])
        .await
        .unwrap()
        .get("id")
        .unwrap();
    drop(db);
    let order = |carts: Value| json!({"positions": [{"item": ticket}], "consume_carts": carts});
    assert_eq!(create(&shop, order(json!([]))).await.0, 400, "the places are in the cart");
    assert_eq!(create(&shop, order(json!(["somebody else's"]))).await.0, 400);
    // Named twice, it gives its places once.
    assert_eq!(create(&shop, order(json!([cart, cart]))).await.0, 201);
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0), "the cart is empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_programs_create_orders_for_five_places() {
    let shop = std::sync::Arc::new(TestShop::with_places(5).await);
    let ticket = item(&shop, "Ticket").await;
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let shop = shop.clone();
        race.spawn(async move { create(&shop, json!({"positions": [{"item": ticket}]})).await.0 });
    }
    let answers = race.join_all().await;
    let created = answers.iter().filter(|status| **status == 201).count();
    assert_eq!((created, shop.counters().await["tickets"]), (5, (0, 5, 0)), "{answers:?}");
    // A bought order and a created one live side by side.
    let seat = code_of(&shop.buyer().buy(&[("Seat", 1)], None).await).to_owned();
    let (_, list) = shop.api("GET", &format!("org/events/gig/orders/?code={seat}"), Some(&shop.token), None).await;
    assert_eq!(list["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_can_be_a_share_and_be_taxed_like_the_positions() {
    let shop = TestShop::with_places(9).await;
    let (seat, ticket) = (item(&shop, "Seat").await, item(&shop, "Ticket").await);
    let fee = |more: Value| {
        let mut fee = json!({ "fee_type": "service", "value": "10.00" });
        fee.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fee
    };
    let order = |fees: Value| {
        let positions =
            json!([{ "item": ticket }, { "item": ticket, "price": "27.05" }, { "item": seat, "price": "10.00" }]);
        json!({ "positions": positions, "fees": fees })
    };
    let share = json!({ "_treat_value_as_percentage": true });
    let split = json!({ "_split_taxes_like_products": true });
    let (status, told) = create(&shop, order(json!([fee(share.clone()), fee(share), fee(split)]))).await;
    assert_eq!(status, 201, "{told}");
    let fees: Vec<[&str; 3]> = told["fees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fee| ["value", "tax_rate", "tax_value"].map(|name| fee[name].as_str().unwrap()))
        .collect();
    // Of 60.05, so no share is one of another fee; 50.05 of it have tax and 10.00 have none.
    let expected =
        [["6.01", "0.00", "0.00"], ["6.01", "0.00", "0.00"], ["1.67", "0.00", "0.00"], ["8.33", "19.00", "1.33"]];
    assert_eq!(fees, expected);
    assert_eq!(told["total"], "82.07");
    for (field, wrong) in [
        ("value", json!({ "_treat_value_as_percentage": true, "value": "100.01" })),
        ("value", json!({ "_treat_value_as_percentage": true, "value": "-1" })),
        ("value", json!({ "_treat_value_as_percentage": true, "value": null })),
        ("_treat_value_as_percentage", json!({ "_treat_value_as_percentage": "much" })),
        ("_split_taxes_like_products", json!({ "_split_taxes_like_products": 7 })),
    ] {
        let (status, faults) = create(&shop, order(json!([fee(wrong)]))).await;
        assert!(status == 400 && faults["fees"][0][field][0].is_string(), "{field}: {status} {faults}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_is_said_can_name_its_discount() {
    let shop = TestShop::with_places(9).await;
    let ticket = item(&shop, "Ticket").await;
    let discount = json!({ "internal_name": "Friends", "benefit_discount_matching_percent": "100.00",
                           "condition_min_count": 50, "active": true });
    let (status, told) = shop.api("POST", "org/events/gig/discounts/", Some(&shop.token), Some(discount)).await;
    assert_eq!(status, 201, "{told}");
    let discount = told["id"].clone();
    let (_, told) =
        create(&shop, json!({ "positions": [{ "item": ticket, "price": "9.00", "discount": discount }] })).await;
    assert_eq!((&told["positions"][0]["discount"], &told["positions"][0]["price"]), (&discount, &json!("9.00")));
    for wrong in [json!({ "discount": discount }), json!({ "price": "9.00", "discount": 7_777_777 })] {
        let mut position = json!({ "item": ticket });
        position.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let (status, faults) = create(&shop, json!({ "positions": [position] })).await;
        assert!(status == 400 && faults["positions"][0]["discount"][0].is_string(), "{faults}");
    }
    assert_eq!(shop.number("select count(*) as number from orders").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_billed_to_somebody() {
    let shop = TestShop::with_places(9).await;
    let ticket = item(&shop, "Ticket").await;
    let address = json!({ "is_business": true, "company": "Analytical Engines", "name_parts": { "full_name": "Ada L" },
        "street": "Row 1", "zipcode": "10115", "city": "Berlin", "country": "DE", "vat_id": "DE123",
        "internal_reference": "PO 7" });
    let (status, order) = create(&shop, json!({ "positions": [{ "item": ticket }], "invoice_address": address })).await;
    assert_eq!(status, 201, "{order}");
    let told = &order["invoice_address"];
    let expected = json!({ "last_modified": told["last_modified"], "is_business": true, "company": "Analytical Engines",
        "name": "Ada L", "name_parts": { "_scheme": "full", "full_name": "Ada L" }, "street": "Row 1", "zipcode": "10115",
        "city": "Berlin", "country": "DE", "state": "", "vat_id": "DE123", "vat_id_validated": false, "custom_field": "",
        "internal_reference": "PO 7", "transmission_type": "other", "transmission_info": null });
    assert_eq!(*told, expected);
    assert!(told["last_modified"].is_string());
    let path = format!("org/events/gig/orders/{}/", order["code"].as_str().unwrap());
    let call = async |method: &str, body: Option<Value>| shop.api(method, &path, Some(&shop.token), body).await;
    assert_eq!(call("GET", None).await.1["invoice_address"], expected);
    let (_, list) = shop.api("GET", "org/events/gig/orders/", Some(&shop.token), None).await;
    assert_eq!(list["results"][0]["invoice_address"], expected);

    // What is not said stays; null takes all of it away.
    shop.clock.advance_seconds(60);
    let patch = |address: Value| Some(json!({ "invoice_address": address }));
    let (status, changed) = call("PATCH", patch(json!({ "name": "Grace H", "city": "Bonn" }))).await;
    let changed = &changed["invoice_address"];
    assert_eq!(
        (status, &changed["name_parts"]["full_name"], &changed["city"]),
        (200, &json!("Grace H"), &json!("Bonn"))
    );
    assert_eq!((&changed["company"], &changed["vat_id"]), (&expected["company"], &expected["vat_id"]));
    assert_ne!(changed["last_modified"], expected["last_modified"]);
    assert_eq!(call("PATCH", Some(json!({ "comment": "x" }))).await.1["invoice_address"], *changed);
    for (field, wrong) in [
        ("country", json!({ "country": "Germany" })),
        ("country", json!({ "country": "de" })),
        ("name", json!({ "name": "A", "name_parts": { "full_name": "B" } })),
        ("name_parts", json!({ "name_parts": 7 })),
        ("is_business", json!({ "is_business": "very" })),
        ("street", json!({ "street": "x".repeat(1001) })),
    ] {
        let (status, faults) = call("PATCH", patch(wrong.clone())).await;
        assert!(status == 400 && faults["invoice_address"][field][0].is_string(), "{field}: {status} {faults}");
        let (status, faults) =
            create(&shop, json!({ "positions": [{ "item": ticket }], "invoice_address": wrong })).await;
        assert!(status == 400 && faults["invoice_address"][field][0].is_string(), "{field}: {status} {faults}");
    }
    let (status, faults) =
        create(&shop, json!({ "positions": [{ "item": ticket }], "invoice_address": "Berlin" })).await;
    assert!(status == 400 && faults["invoice_address"][0].is_string(), "{faults}");
    assert_eq!(call("PATCH", patch(Value::Null)).await.1["invoice_address"], Value::Null);
    assert_eq!(call("GET", None).await.1["invoice_address"], Value::Null);
    assert_eq!(shop.number("select count(*) as number from orders").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_is_billed_by_the_sum_of_net_prices() {
    let shop = TestShop::with_places(9).await;
    let ticket = item(&shop, "Ticket").await;
    let total = async |is_business: bool| {
        let (status, order) = create(
            &shop,
            json!({ "tax_rounding_mode": "sum_by_net_only_business", "invoice_address": { "is_business": is_business },
                    "positions": [{ "item": ticket }, { "item": ticket }, { "item": ticket }] }),
        )
        .await;
        assert_eq!(status, 201, "{order}");
        (order["total"].clone(), order["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(total(false).await.0, "69.00");
    let (business, code) = total(true).await;
    assert_eq!(business, "69.01");
    // It still is one when the order is changed.
    let path = format!("org/events/gig/orders/{code}/change/");
    let fee = json!({ "create_fees": [{ "fee_type": "other", "value": "1.00" }] });
    let (status, changed) = shop.api("POST", &path, Some(&shop.token), Some(fee)).await;
    assert_eq!((status, &changed["total"]), (200, &json!("70.01")), "{changed}");
}
