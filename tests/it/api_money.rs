//! Lists of orders and positions, notes, payments and refunds, as programs of organisers use them (spec rest-api 9).

use serde_json::{Value, json};

use crate::{
    api_catalogue::Program,
    shop::{TestShop, document},
};

async fn gig(places: i64) -> TestShop {
    let shop = TestShop::empty().await;
    shop.import(&document(places)).await;
    shop
}

/// An order of so many tickets that nobody has paid.
async fn order(api: &Program<'_>, tickets: usize, email: &str) -> Value {
    let item = api.get("items/").await["results"][1]["id"].clone();
    let position = json!({ "item": item, "variation": null, "attendee_name": "Ada Lovelace" });
    let body = json!({ "email": email, "payment_provider": "banktransfer", "positions": vec![position; tickets] });
    api.done("POST", "orders/", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_by_what_is_known_of_them() {
    let shop = gig(20).await;
    let api = Program::new(&shop, "org/events/gig/");
    let first = order(&api, 1, "ada@example.org").await;
    shop.clock.advance_seconds(60);
    let second = order(&api, 2, "Grace@example.org").await;
    let code = |order: &Value| order["code"].as_str().unwrap().to_owned();
    api.done("POST", &format!("orders/{}/mark_paid/", code(&first)), json!({})).await;
    let (item, since) = (second["positions"][0]["item"].clone(), second["datetime"].as_str().unwrap().to_owned());
    let secret = second["positions"][1]["secret"].as_str().unwrap()[..8].to_owned();
    for (query, found) in [
        ("status=N".to_owned(), vec![&second]),
        ("status=p".to_owned(), vec![&first]),
        ("email=GRACE@EXAMPLE.ORG".to_owned(), vec![&second]),
        (format!("code={}", code(&first).to_lowercase()), vec![&first]),
        (format!("created_since={since}"), vec![&second]),
        (format!("created_before={since}"), vec![&first]),
        (format!("item={item}"), vec![&first, &second]),
        ("item=999999".to_owned(), vec![]),
        ("search=lovelace".to_owned(), vec![&first, &second]),
        ("search=gRACE@Example".to_owned(), vec![&second]),
        ("search=ADA%20love".to_owned(), vec![&first, &second]),
        ("search=ada_love".to_owned(), vec![]),
        ("search=a%25e".to_owned(), vec![]),
        ("search=!".to_owned(), vec![]),
        ("search=l%C3%B6velace".to_owned(), vec![]),
        (format!("search={secret}"), vec![&second]),
        (format!("search={}", &code(&second)[..4]), vec![&second]),
        ("payment_provider=manual".to_owned(), vec![&first]),
        ("require_approval=true".to_owned(), vec![]),
        ("ordering=-datetime".to_owned(), vec![&second, &first]),
        ("ordering=-status,code".to_owned(), vec![&first, &second]),
        ("ordering=last_modified".to_owned(), vec![&second, &first]),
        ("unknown=1".to_owned(), vec![&first, &second]),
    ] {
        let list = api.get(&format!("orders/?{query}")).await;
        let codes: Vec<_> = list["results"].as_array().unwrap().iter().map(code).collect();
        let mut expected: Vec<_> = found.iter().map(|order| code(order)).collect();
        let mut got = codes.clone();
        if !query.starts_with("ordering") {
            expected.sort();
            got.sort();
        }
        assert_eq!(got, expected, "{query}");
        assert_eq!(list["count"], expected.len(), "{query}");
    }
    assert!(
        api.refused("GET", "orders/?status=x&created_since=now", json!({})).await.1["created_since"][0].is_string()
    );
    let slim = api.get("orders/?include=code&include=positions.id").await;
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&slim["results"][0]), ["code", "positions"]);
    assert_eq!(fields(&slim["results"][0]["positions"][0]), ["id"]);
    let without = api.get(&format!("orders/{}/?exclude=positions.secret&exclude=payments", code(&first))).await;
    assert!(without["positions"][0].get("secret").is_none() && without.get("payments").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_listed_changed_and_cancelled_one_by_one() {
    let shop = gig(20).await;
    let api = Program::new(&shop, "org/events/gig/");
    let order = order(&api, 2, "ada@example.org").await;
    let code = order["code"].as_str().unwrap().to_owned();
    let list = api.get(&format!("orderpositions/?order={code}&ordering=-positionid")).await;
    assert_eq!((&list["count"], &list["results"][0]["positionid"]), (&json!(2), &json!(2)));
    assert_eq!(list["results"][0]["attendee_name_parts"], json!({ "_scheme": "full", "full_name": "Ada Lovelace" }));
    let id = list["results"][0]["id"].to_string();
    let path = format!("orderpositions/{id}/");
    let secret = list["results"][0]["secret"].as_str().unwrap();
    assert_eq!(api.get(&format!("orderpositions/?secret={secret}")).await["results"][0]["id"].to_string(), id);
    assert_eq!(api.get("orderpositions/?order__status__in=p,e").await["count"], 0);
    let grace = json!({ "attendee_name": "Grace Hopper", "attendee_email": "grace@example.org", "price": "20.00" });
    let changed = api.done("PATCH", &path, grace).await;
    assert_eq!((&changed["attendee_name"], &changed["price"]), (&json!("Grace Hopper"), &json!("20.00")));
    assert_eq!(api.get(&format!("orders/{code}/")).await["total"], "43.00");
    let (_, faults) = api.refused("PATCH", &path, json!({ "price": "many" })).await;
    assert!(faults["price"][0].is_string(), "{faults}");
    let item = order["positions"][0]["item"].clone();
    let added = json!({ "order": code, "item": item, "price": "5.00" });
    let added = api.done("POST", "orderpositions/", added).await;
    assert_eq!((&added["positionid"], &added["order"], &added["price"]), (&json!(3), &json!(code), &json!("5.00")));
    api.done("DELETE", &path, json!({})).await;
    assert_eq!(api.refused("GET", &path, json!({})).await.0, 404);
    assert_eq!(api.get(&format!("{path}?include_canceled_positions=true")).await["canceled"], true);
    assert_eq!(api.get("orderpositions/").await["count"], 2);
    assert_eq!(api.get("orderpositions/?include_canceled_positions=true").await["count"], 3);
    api.done("DELETE", &format!("orderpositions/{}/", added["id"]), json!({})).await;
    let last = api.get("orderpositions/").await["results"][0]["id"].to_string();
    assert_eq!(api.refused("DELETE", &format!("orderpositions/{last}/"), json!({})).await.0, 400);
    assert_eq!(api.refused("PUT", &format!("orderpositions/{last}/"), json!({})).await.0, 405);
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_kept_with_the_order_and_the_rest_is_ignored() {
    let shop = gig(20).await;
    let api = Program::new(&shop, "org/events/gig/");
    let order = order(&api, 1, "ada@example.org").await;
    let path = format!("orders/{}/", order["code"].as_str().unwrap());
    let notes = json!({ "comment": "desk 3", "custom_followup_at": "2999-01-02", "checkin_attention": true,
                        "checkin_text": "VIP", "email": "grace@example.org", "phone": "+49301234567", "locale": "de",
                        "api_meta": { "crm": 42 }, "total": "0.00", "status": "p" });
    let changed = api.done("PATCH", &path, notes.clone()).await;
    for field in
        ["comment", "custom_followup_at", "checkin_attention", "checkin_text", "email", "phone", "locale", "api_meta"]
    {
        assert_eq!(changed[field], notes[field], "{field}");
    }
    assert_eq!((&changed["total"], &changed["status"]), (&json!("23.00"), &json!("n")));
    let (_, faults) = api
        .refused(
            "PATCH",
            &path,
            json!({ "email": "nobody", "locale": "fr", "custom_followup_at": "soon",
                                                          "api_meta": 1, "invoice_address": 7 }),
        )
        .await;
    for field in ["custom_followup_at", "invoice_address"] {
        assert!(faults[field][0].is_string(), "{field}: {faults}");
    }
    let (_, faults) = api.refused("PATCH", &path, json!({ "email": "nobody", "locale": "fr", "api_meta": 1 })).await;
    for field in ["email", "locale", "api_meta"] {
        assert!(faults[field][0].is_string(), "{field}: {faults}");
    }
    let logged = "select count(*) as number from action_log where action in ('pretix.event.order.contact.changed',
                  'pretix.event.order.comment', 'pretix.event.order.locale.changed')";
    assert_eq!(shop.number(logged).await, 3);
    assert_eq!(api.refused("PUT", &path, json!({})).await.0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_booked_and_pays_the_order_when_it_is_enough() {
    let shop = gig(20).await;
    let api = Program::new(&shop, "org/events/gig/");
    let order = order(&api, 2, "ada@example.org").await;
    let base = format!("orders/{}/", order["code"].as_str().unwrap());
    let payments = format!("{base}payments/");
    let list = api.get(&payments).await;
    assert_eq!((&list["count"], &list["results"][0]["state"]), (&json!(1), &json!("created")));
    assert!(list["results"][0]["payment_url"].as_str().unwrap().contains("/order/"));
    let part = json!({ "provider": "banktransfer", "state": "confirmed", "amount": "40.00" });
    let part = api.done("POST", &payments, part).await;
    assert_eq!((&part["local_id"], &part["state"], &part["amount"]), (&json!(2), &json!("confirmed"), &json!("40.00")));
    assert_eq!(api.get(&base).await["status"], "n");
    let rest = api.done("POST", &payments, json!({ "provider": "manual", "state": "created", "amount": "6.00" })).await;
    let rest = format!("{payments}{}/", rest["local_id"]);
    let confirmed = api.done("POST", &format!("{rest}confirm/"), json!({ "send_email": false })).await;
    assert_eq!(confirmed["state"], "confirmed");
    assert_eq!(api.get(&base).await["status"], "p");
    assert_eq!(api.refused("POST", &format!("{rest}confirm/"), json!({})).await.0, 400);
    assert_eq!(api.refused("POST", &format!("{rest}cancel/"), json!({})).await.0, 400);
    assert_eq!(api.done("POST", &format!("{payments}1/cancel/"), json!({})).await["state"], "canceled");
    let (_, faults) = api.refused("POST", &format!("{rest}refund/"), json!({})).await;
    assert!(faults["amount"][0].as_str().unwrap().contains("not available"), "{faults}");
    let (_, faults) =
        api.refused("POST", &payments, json!({ "provider": "bitcoin", "state": "confirmed", "amount": "1.00" })).await;
    assert!(faults["provider"][0].is_string(), "{faults}");
    let (_, faults) = api.refused("POST", &payments, json!({ "state": "paid" })).await;
    for field in ["provider", "state", "amount"] {
        assert!(faults[field][0].is_string(), "{field}: {faults}");
    }
    assert_eq!(api.refused("GET", &format!("{payments}99/"), json!({})).await.0, 404);

    let refunds = format!("{base}refunds/");
    let back = json!({ "state": "created", "source": "admin", "amount": "6.00", "payment": 3, "provider": "manual",
                       "comment": "sorry" });
    let back = api.done("POST", &refunds, back).await;
    assert_eq!((&back["local_id"], &back["state"], &back["payment"]), (&json!(1), &json!("created"), &json!(3)));
    let done = api.done("POST", &format!("{refunds}1/done/"), json!({})).await;
    assert!(done["state"] == "done" && done["execution_date"].is_string(), "{done}");
    assert_eq!(api.get(&rest).await["state"], "refunded");
    assert_eq!(api.refused("POST", &format!("{refunds}1/cancel/"), json!({})).await.0, 400);
    let all = json!({ "state": "done", "source": "admin", "amount": "40.00", "payment": 2, "provider": "banktransfer",
                      "mark_canceled": true });
    api.done("POST", &refunds, all).await;
    let order = api.get(&base).await;
    assert_eq!((&order["status"], order["refunds"].as_array().unwrap().len()), (&json!("c"), 2));
    let (_, faults) = api
        .refused(
            "POST",
            &refunds,
            json!({ "state": "done", "source": "admin", "amount": "1.00",
                                                            "payment": 77, "provider": "manual" }),
        )
        .await;
    assert!(faults["payment"][0].is_string(), "{faults}");
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_money_again_only_if_some_is_missing() {
    let shop = gig(5).await;
    let api = Program::new(&shop, "org/events/gig/");
    let paid = order(&api, 1, "ada@example.org").await;
    let base = format!("orders/{}/", paid["code"].as_str().unwrap());
    let refunds = format!("{base}refunds/");
    // 23.00 are due and 25.00 were paid.
    let money = json!({ "provider": "banktransfer", "state": "confirmed", "amount": "25.00" });
    api.done("POST", &format!("{base}payments/"), money).await;
    shop.clock.advance_seconds(60 * 24 * 3600);
    let back = |state: &str, amount: &str| json!({ "state": state, "source": "admin", "amount": amount, "provider": "manual", "mark_pending": true });
    api.done("POST", &refunds, back("failed", "10.00")).await;
    api.done("POST", &refunds, back("done", "1.00")).await;
    assert_eq!(api.get(&base).await["status"], "p", "all is paid");
    // What was too much went back outside of the shop: that is done at once.
    let external = json!({ "state": "external", "source": "external", "amount": "1.00", "provider": "manual" });
    assert_eq!(api.done("POST", &refunds, external).await["state"], "done");
    api.done("POST", &refunds, back("done", "3.00")).await;
    let open = api.get(&base).await;
    assert_eq!(open["status"], "n");
    assert!(open["expires"].as_str() > paid["expires"].as_str(), "{} after {}", open["expires"], paid["expires"]);
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_places_that_are_gone_is_booked_all_the_same() {
    let shop = gig(1).await;
    let api = Program::new(&shop, "org/events/gig/");
    let late = order(&api, 1, "ada@example.org").await;
    let base = format!("orders/{}/", late["code"].as_str().unwrap());
    api.done("POST", &format!("{base}mark_expired/"), json!({})).await;
    order(&api, 1, "grace@example.org").await;
    let money = json!({ "provider": "banktransfer", "state": "confirmed", "amount": "23.00" });
    assert_eq!(api.done("POST", &format!("{base}payments/"), money).await["state"], "confirmed");
    assert_eq!(api.get(&base).await["status"], "e");
    shop.counters().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_say_which_option_was_chosen() {
    let shop = gig(20).await;
    let api = Program::new(&shop, "org/events/gig/");
    let item = api.get("items/").await["results"][1]["id"].clone();
    let size = json!({ "question": "Size?", "type": "C", "items": [item],
                       "options": [{ "answer": "Small", "identifier": "s" }, { "answer": "Large", "identifier": "l" }] });
    let size = api.done("POST", "questions/", size).await;
    let order = order(&api, 1, "ada@example.org").await;
    let sql = format!(
        "insert into answer (event_id, question_id, position_id, answer)
         select event_id, {}, id, 'l' from order_position where id = {}",
        size["id"], order["positions"][0]["id"]
    );
    shop.ctx.db().await.unwrap().script(&sql).await.unwrap();
    let told = api.get(&format!("orders/{}/", order["code"].as_str().unwrap())).await;
    let answer = json!({ "question": size["id"], "answer": "Large", "question_identifier": size["identifier"],
                         "options": [size["options"][1]["id"]], "option_identifiers": ["l"] });
    assert_eq!(told["positions"][0]["answers"], json!([answer]));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_and_notes_come_with_a_new_order() {
    let shop = gig(20).await;
    let api = Program::new(&shop, "org/events/gig/");
    let item = api.get("items/").await["results"][1]["id"].clone();
    let size = json!({ "question": "Size?", "type": "C", "items": [item], "required": true,
                       "options": [{ "answer": "Small", "identifier": "s" }, { "answer": "Large", "identifier": "l" }] });
    let size = api.done("POST", "questions/", size).await;
    let text = api.add("questions/", json!({ "question": "Diet?", "type": "S", "items": [item] })).await;
    let body = |answers: Value| {
        json!({ "email": "ada@example.org", "payment_provider": "banktransfer", "api_meta": { "crm": 42 }, "checkin_text": "VIP",
                "positions": [{ "item": item, "variation": null }, { "item": item, "variation": null, "answers": answers }] })
    };
    let answers = json!([{ "question": size["id"], "answer": "Large", "options": [size["options"][1]["id"]] },
                         { "question": text, "answer": "none", "options": [] }]);
    let order = api.done("POST", "orders/", body(answers)).await;
    assert_eq!((&order["api_meta"], &order["checkin_text"]), (&json!({ "crm": 42 }), &json!("VIP")));
    assert_eq!(order["positions"][0]["answers"], json!([]));
    let told = order["positions"][1]["answers"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["option_identifiers"], &told[1]["answer"]), (2, &json!(["l"]), &json!("none")));
    let wrong = json!([{ "question": size["id"], "answer": "", "options": [99] }, { "question": 77, "answer": "x" }]);
    let (_, faults) = api.refused("POST", "orders/", body(wrong)).await;
    assert_eq!(faults["positions"][0], json!({}));
    assert!(faults["positions"][1]["answers"][0]["options"][0].is_string(), "{faults}");
    assert!(faults["positions"][1]["answers"][1]["question"][0].is_string(), "{faults}");
    let path = format!("orderpositions/{}/", order["positions"][1]["id"]);
    let vegan = json!({ "answers": [{ "question": text, "answer": "vegan" }] });
    let changed = api.done("PATCH", &path, vegan).await;
    assert_eq!((changed["answers"].as_array().unwrap().len(), &changed["answers"][0]["answer"]), (1, &json!("vegan")));
    let added = json!({ "order": order["code"], "item": item, "answers": [{ "question": text, "answer": "kosher" }] });
    assert_eq!(api.done("POST", "orderpositions/", added).await["answers"][0]["answer"], "kosher");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sold_says_by_which_rule_it_is_taxed_and_money_what_was_noted_with_it() {
    let shop = gig(20).await;
    let api = Program::new(&shop, "org/events/gig/");
    let rule = api.get("taxrules/").await["results"][0]["id"].clone();
    api.done("PATCH", &format!("taxrules/{rule}/"), json!({ "code": "S/standard" })).await;
    let rules = |told: &Value| (told["tax_rule"].clone(), told["tax_code"].clone());
    let known = (rule.clone(), json!("S/standard"));
    let ticket = api.get("items/").await["results"][1]["id"].clone();
    let fees =
        json!([{ "fee_type": "service", "value": "1.19", "tax_rule": rule }, { "fee_type": "other", "value": "1.00" }]);
    let body = json!({ "email": "ada@example.org", "payment_provider": "banktransfer", "fees": fees,
                       "positions": [{ "item": ticket }] });
    let order = api.done("POST", "orders/", body).await;
    assert_eq!((rules(&order["positions"][0]), rules(&order["fees"][0])), (known.clone(), known.clone()));
    assert_eq!(rules(&order["fees"][1]), (Value::Null, Value::Null), "nothing is known of it");
    let base = format!("orders/{}/", order["code"].as_str().unwrap());
    let money = json!({ "provider": "manual", "state": "confirmed", "amount": "5.00", "info": { "desk": 3 } });
    api.done("POST", &format!("{base}payments/"), money).await;
    let back = json!({ "provider": "manual", "state": "done", "source": "admin", "amount": "1.00", "payment": 2,
                       "info": { "desk": 4 } });
    api.done("POST", &format!("{base}refunds/"), back).await;
    let told = api.get(&base).await;
    assert_eq!(
        (&told["payments"][1]["details"], &told["refunds"][0]["details"]),
        (&json!({ "desk": 3 }), &json!({ "desk": 4 }))
    );
    // A rate that was changed since is not that of the order.
    api.done("PATCH", &format!("taxrules/{rule}/"), json!({ "rate": "7.00" })).await;
    let told = api.get(&base).await;
    assert_eq!(
        (rules(&told["positions"][0]), &told["positions"][0]["tax_rate"]),
        ((Value::Null, Value::Null), &json!("19.00"))
    );
    assert_eq!(rules(&told["fees"][0]), (Value::Null, Value::Null));
    // Of several with the rate of a fee, the one that is for fees.
    let other = api.done("POST", "taxrules/", json!({ "name": "Other", "rate": "19.00" })).await;
    assert_eq!(rules(&api.get(&base).await["fees"][0]).0, other["id"]);
    api.done("POST", "taxrules/", json!({ "name": "Third", "rate": "19.00" })).await;
    assert_eq!(rules(&api.get(&base).await["fees"][0]).0, Value::Null, "any of two");
    api.done("PATCH", &format!("taxrules/{rule}/"), json!({ "rate": "19.00" })).await;
    let told = api.get("orderpositions/").await["results"][0].clone();
    assert_eq!((rules(&told), rules(&api.get(&base).await["fees"][0])), (known.clone(), known));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_keeps_the_address_of_its_person() {
    let shop = gig(20).await;
    let api = Program::new(&shop, "org/events/gig/");
    let order = order(&api, 1, "ada@example.org").await;
    let names = ["street", "zipcode", "city", "country", "state"];
    let of = |told: &Value| names.map(|name| told[name].clone());
    assert_eq!(of(&order["positions"][0]), names.map(|_| Value::Null));
    let path = format!("orderpositions/{}/", order["positions"][0]["id"]);
    let address =
        json!({ "street": "Road 1\nBack house", "zipcode": "10115", "city": "Berlin", "country": "DE", "state": "BE" });
    let told = api.done("PATCH", &path, address.clone()).await;
    assert_eq!((of(&told), &told["attendee_name"]), (of(&address), &json!("Ada Lovelace")));
    let told = api.done("PATCH", &path, json!({ "city": "Potsdam", "state": null, "company": "Navy" })).await;
    assert_eq!((&told["city"], &told["state"], &told["zipcode"]), (&json!("Potsdam"), &Value::Null, &json!("10115")));
    let listed = &api.get("orderpositions/").await["results"][0];
    assert_eq!((of(listed), &listed["company"]), (of(&told), &json!("Navy")));
    for wrong in [
        json!({ "country": "Germany" }),
        json!({ "country": "XY" }),
        json!({ "city": 5 }),
        json!({ "zipcode": "1\n2" }),
    ] {
        let field = wrong.as_object().unwrap().keys().next().unwrap();
        let (status, faults) = api.refused("PATCH", &path, wrong.clone()).await;
        assert_eq!((status, faults[field][0].is_string()), (400, true), "{wrong}: {faults}");
    }
    let ticket = api.get("items/").await["results"][1]["id"].clone();
    let added = json!({ "order": order["code"], "item": ticket, "attendee_name": "Grace", "street": "Pier 2", "country": "US" });
    let added = api.done("POST", "orderpositions/", added).await;
    assert_eq!(
        (&added["attendee_name"], &added["street"], &added["country"]),
        (&json!("Grace"), &json!("Pier 2"), &json!("US"))
    );
    let changed = format!("orders/{}/change/", order["code"].as_str().unwrap());
    let told = api
        .done(
            "POST",
            &changed,
            json!({ "patch_positions": [{ "position": added["id"], "body": { "price": "9.00" } }] }),
        )
        .await;
    assert_eq!(told["positions"][1]["street"], "Pier 2", "other changes leave it");
    // With the order, or with a change of it.
    let lives = |person: &str| {
        let mut position = address.clone();
        position["item"] = ticket.clone();
        position["attendee_name"] = json!(person);
        position
    };
    let body = json!({ "payment_provider": "banktransfer", "positions": [lives("Ada"), { "item": ticket }] });
    let order = api.done("POST", "orders/", body).await;
    assert_eq!(of(&order["positions"][0]), of(&address));
    assert_eq!(of(&order["positions"][1]), names.map(|_| Value::Null));
    let path = format!("orders/{}/change/", order["code"].as_str().unwrap());
    let told = api.done("POST", &path, json!({ "create_positions": [lives("Grace")] })).await;
    assert_eq!((of(&told["positions"][2]), &told["positions"][2]["attendee_name"]), (of(&address), &json!("Grace")));
    for (field, wrong) in [("country", "Germany"), ("attendee_email", "nobody")] {
        let mut position = lives("Ada");
        position[field] = json!(wrong);
        let (status, faults) = api.refused("POST", "orders/", json!({ "positions": [position] })).await;
        assert_eq!((status, faults["positions"][0][field][0].is_string()), (400, true), "{faults}");
        let (status, faults) = api.refused("POST", &path, json!({ "create_positions": [position] })).await;
        assert_eq!((status, faults["create_positions"][0][field][0].is_string()), (400, true), "{faults}");
    }
}
