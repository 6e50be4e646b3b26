//! One organiser from nothing to the books: what a script that was written for the API does (spec rest-api).

use serde_json::{Value, json};

use crate::{
    api_catalogue::Program,
    devices::device,
    exports,
    shop::{TestShop, code_of},
};

/// Fields of an answer, next to what they must say.
#[track_caller]
fn says(answer: &Value, expected: Value) {
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&answer[field], value, "{field} of {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organiser_plays_a_season_from_nothing_to_the_books() {
    let shop = TestShop::empty().await;
    let organizer = Program::new(&shop, "org/");
    let event = json!({ "name": { "en": "The Gig", "de": "Das Konzert" }, "slug": "gig", "currency": "EUR",
                        "date_from": "2999-06-01T20:00:00+02:00", "timezone": "Europe/Berlin" });
    let event = organizer.done("POST", "events/", event).await;
    says(
        &event,
        json!({ "slug": "gig", "live": false, "testmode": false, "currency": "EUR", "has_subevents": false,
                "date_from": "2999-06-01T18:00:00Z", "name": { "en": "The Gig", "de": "Das Konzert" } }),
    );

    // What is sold.
    let api = Program::new(&shop, "org/events/gig/");
    let rule = api.add("taxrules/", json!({ "name": "VAT", "rate": "19.00" })).await;
    let category = api.add("categories/", json!({ "name": "Tickets" })).await;
    let ticket = json!({ "name": "Ticket", "default_price": "23.00", "tax_rule": rule, "category": category, "admission": true });
    let ticket = api.add("items/", ticket).await;
    let shirt = json!({ "name": "Shirt", "default_price": "15.00", "tax_rule": rule, "has_variations": true,
                        "variations": [{ "value": "M" }, { "value": "L", "default_price": "17.00" }] });
    let shirt = api.done("POST", "items/", shirt).await;
    let (medium, large) = (&shirt["variations"][0]["id"], &shirt["variations"][1]["id"]);
    let hall = json!({ "name": "Hall", "size": 5, "items": [ticket], "variations": [] });
    let hall = api.add("quotas/", hall).await;
    let shirts = json!({ "name": "Shirts", "size": 2, "items": [shirt["id"]], "variations": [medium, large] });
    let shirts = api.add("quotas/", shirts).await;
    let diet = json!({ "question": "Diet?", "type": "C", "items": [ticket],
                       "options": [{ "answer": "Vegan", "identifier": "vegan" }, { "answer": "Any", "identifier": "any" }] });
    let diet = api.done("POST", "questions/", diet).await;
    let voucher = json!({ "code": "FRIEND", "max_usages": 1, "price_mode": "percent", "value": "50.00", "item": ticket,
                          "block_quota": true });
    says(&api.done("POST", "vouchers/", voucher).await, json!({ "code": "FRIEND", "value": "50.00", "redeemed": 0 }));
    let bank = json!({ "payment_banktransfer__enabled": true,
                       "payment_banktransfer_bank_details_sepa_iban": "DE89370400440532013000" });
    api.done("PATCH", "settings/", bank).await;
    let list = api.add("checkinlists/", json!({ "name": "Door" })).await;
    let vip = json!({ "name": "Shirts only", "all_products": false, "limit_products": [shirt["id"]] });
    let vip = api.add("checkinlists/", vip).await;
    says(&api.done("PATCH", "", json!({ "live": true })).await, json!({ "live": true }));
    let free = async |quota: i64| api.get(&format!("quotas/{quota}/availability/")).await["available_number"].clone();
    assert_eq!((free(hall).await, free(shirts).await), (json!(4), json!(2)));

    // A sale at the desk, with an answer and the voucher.
    let desk = json!({
        "email": "ada@example.org", "locale": "en", "payment_provider": "banktransfer",
        "positions": [
            { "item": ticket, "voucher": "FRIEND", "attendee_name": "Ada",
              "answers": [{ "question": diet["id"], "answer": "Vegan", "options": [diet["options"][0]["id"]] }] },
            { "item": shirt["id"], "variation": large },
        ],
    });
    let desk = api.done("POST", "orders/", desk).await;
    says(&desk, json!({ "status": "n", "total": "28.50", "email": "ada@example.org", "require_approval": false }));
    says(
        &desk["positions"][0],
        json!({ "price": "11.50", "tax_value": "1.84", "attendee_name": "Ada", "item": ticket }),
    );
    assert_eq!(desk["positions"][0]["answers"][0]["option_identifiers"], json!(["vegan"]));
    says(&desk["positions"][1], json!({ "price": "17.00", "variation": large, "positionid": 2 }));
    assert_eq!((free(hall).await, free(shirts).await), (json!(4), json!(1)));
    let desk_code = desk["code"].as_str().unwrap();
    let secret = desk["positions"][0]["secret"].as_str().unwrap();

    // A sale in the shop.
    let bought = shop.buyer().buy(&[("Ticket", 2)], Some("banktransfer")).await;
    let online_code = code_of(&bought);
    let online = api.get(&format!("orders/{online_code}/")).await;
    says(&online, json!({ "status": "n", "total": "46.00", "sales_channel": "web" }));
    assert_eq!(free(hall).await, json!(2));
    let too_many = json!({ "positions": [{ "item": ticket }, { "item": ticket }, { "item": ticket }] });
    let (status, faults) = api.refused("POST", "orders/", too_many).await;
    assert!(status == 400 && faults["positions"].is_array(), "{faults}");
    assert_eq!(free(hall).await, json!(2), "who is refused holds nothing");

    // The money comes; it is told twice.
    for code in [desk_code, online_code] {
        says(&api.done("POST", &format!("orders/{code}/mark_paid/"), json!({})).await, json!({ "status": "p" }));
        assert_eq!(api.refused("POST", &format!("orders/{code}/mark_paid/"), json!({})).await.0, 400);
    }
    let unpaid =
        json!({ "email": "bob@example.org", "payment_provider": "banktransfer", "positions": [{ "item": ticket }] });
    let unpaid = api.done("POST", "orders/", unpaid).await;
    shop.work().await;
    assert!(shop.mails().iter().any(|mail| mail.subject.contains(desk_code)), "{:?}", shop.mails());

    // The door.
    let door = device(&shop, json!({ "name": "Door", "all_events": true })).await;
    let (status, entered) = door.redeem(&[list], secret, "1", json!({})).await;
    assert_eq!(status, 201, "{entered}");
    says(&entered["position"], json!({ "order": desk_code, "attendee_name": "Ada", "positionid": 1 }));
    let refused = async |list: i64, secret: &str, nonce: &str, reason: &str| {
        let (status, answer) = door.redeem(&[list], secret, nonce, json!({})).await;
        assert_eq!((status, &answer["reason"]), (400, &json!(reason)), "{answer}");
    };
    refused(list, secret, "2", "already_redeemed").await;
    assert_eq!(door.redeem(&[list], secret, "3", json!({ "type": "exit" })).await.0, 201);
    assert_eq!(door.redeem(&[list], secret, "4", json!({})).await.0, 201, "whoever went out may come back");
    let unpaid_secret = unpaid["positions"][0]["secret"].as_str().unwrap();
    refused(list, unpaid_secret, "5", "unpaid").await;
    refused(vip, secret, "6", "product").await;
    assert_eq!(door.redeem(&[list], unpaid_secret, "7", json!({ "force": true })).await.0, 201);
    let forced = "select count(*) as number from checkin where successful and forced";
    assert_eq!(shop.number(forced).await, 1);
    assert_eq!(door.redeem(&[list], "nobody", "8", json!({})).await.0, 404);
    let online_secret = online["positions"][1]["secret"].as_str().unwrap();
    let offline = json!({ "force": true, "datetime": "2999-06-01T18:30:00Z" });
    assert_eq!(door.redeem(&[list], online_secret, "9", offline).await.0, 201);
    says(
        &api.get(&format!("checkinlists/{list}/status/")).await,
        json!({ "checkin_count": 2, "position_count": 4, "inside_count": 2 }),
    );

    // Half of the sale in the shop goes back.
    let payments = format!("orders/{online_code}/payments/");
    let paid = api.get(&payments).await["results"].as_array().unwrap().clone();
    let paid = paid.iter().find(|payment| payment["state"] == "confirmed").unwrap();
    says(paid, json!({ "amount": "46.00", "provider": "manual" }));
    let rest = online["positions"][0]["id"].to_string();
    api.call("DELETE", &format!("orderpositions/{rest}/"), None).await;
    let back = json!({ "state": "done", "amount": "23.00", "provider": "manual", "payment": paid["local_id"], "source": "admin" });
    says(
        &api.done("POST", &format!("orders/{online_code}/refunds/"), back).await,
        json!({ "state": "done", "amount": "23.00", "local_id": 1, "payment": paid["local_id"] }),
    );
    let online = api.get(&format!("orders/{online_code}/")).await;
    says(&online, json!({ "status": "p", "total": "23.00" }));
    assert_eq!((online["positions"].as_array().unwrap().len(), free(hall).await), (1, json!(2)));

    // The books.
    let file = exports::export(&shop, "orderlist", json!({ "_format": "orders:default" })).await;
    let csv = String::from_utf8(file).unwrap();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    for (code, total) in [(desk_code, "28.50"), (online_code, "23.00"), (unpaid["code"].as_str().unwrap(), "23.00")] {
        assert!(csv.lines().any(|line| line.contains(code) && line.contains(total)), "{code}: {csv}");
    }
    let orders = api.get("orders/?status=p&ordering=datetime").await;
    let found: Vec<_> = orders["results"].as_array().unwrap().iter().map(|order| order["code"].clone()).collect();
    assert_eq!(found, [json!(desk_code), json!(online_code)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_sells_through_a_channel_of_its_own() {
    let shop = TestShop::with_places(9).await;
    let organizer = Program::new(&shop, "org/");
    let desk = json!({ "identifier": "api.desk", "label": { "en": "Desk" }, "type": "api" });
    organizer.done("POST", "saleschannels/", desk).await;
    let api = Program::new(&shop, "org/events/gig/");
    let ticket = api.get("items/?search=Ticket").await["results"][0]["id"].clone();
    let cheap = json!({ "internal_name": "At the desk", "active": true, "condition_min_count": 1, "condition_all_products": true,
                        "benefit_same_products": true, "benefit_discount_matching_percent": "10.00",
                        "all_sales_channels": false, "limit_sales_channels": ["api.desk"] });
    api.done("POST", "discounts/", cheap).await;
    let order = |channel: &str| {
        json!({ "email": "ada@example.org", "payment_provider": "manual", "sales_channel": channel,
                "positions": [{ "item": ticket }] })
    };
    for (channel, total) in [("web", "23.00"), ("api.desk", "20.70")] {
        let placed = api.done("POST", "orders/", order(channel)).await;
        says(&placed, json!({ "sales_channel": channel, "total": total }));
    }
    assert_eq!(api.get("orders/?sales_channel=api.desk").await["count"], 1);
    let (status, faults) = api.refused("POST", "orders/", order("api.other")).await;
    assert!(status == 400 && faults["sales_channel"][0].is_string(), "{faults}");
    assert_eq!(organizer.refused("DELETE", "saleschannels/api.desk/", json!({})).await.0, 403);
}
