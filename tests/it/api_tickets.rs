//! Tickets for programs: their files, what they say, and what was printed of them (spec rest-api 9.1, 9.5, 9.7, domain 19.1).

use serde_json::{Value, json};
use shop::ticket::VARIABLES;

use crate::{
    api_catalogue::Program,
    api_secrets::sell,
    devices::{device, gig},
    shop::{TestShop, at, code_of, document, http_client},
    ticket_pdf::qr_codes,
};

const NO_DOWNLOADS: Value = Value::Array(Vec::new());

/// What the address of a file answers: the status, when to ask again, and the file.
async fn fetch(shop: &TestShop, url: &str) -> (u16, Option<String>, Vec<u8>) {
    let client = http_client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(url).header("authorization", format!("Token {}", shop.token)).send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, again) = (answer.status().as_u16(), header("retry-after"));
    let Some(location) = header("location") else { return (status, again, Vec::new()) };
    let file = client.get(location).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "application/pdf");
    (status, again, file.bytes().await.unwrap().to_vec())
}

fn url_of(told: &Value) -> &str {
    let [download] = &told["downloads"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!(download["output"], "pdf");
    download["url"].as_str().unwrap()
}

fn codes(order: &Value) -> Vec<&str> {
    order["positions"].as_array().unwrap().iter().map(|position| position["secret"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_fetch_the_tickets_that_they_are_told_of() {
    let shop = gig().await;
    let order = sell(&shop).await;
    let messages = "select count(*) as number from outbox";
    let before = shop.number(messages).await;
    let ticket = url_of(&order["positions"][0]);
    for url in [ticket, url_of(&order)] {
        let (status, again, _) = fetch(&shop, url).await;
        assert_eq!((status, again.as_deref()), (409, Some("5")), "{url}");
    }
    // Every message is lost: whoever asks again sends one again, and nothing is written for that.
    shop.lose_queues().await;
    for url in [ticket, ticket, url_of(&order)] {
        assert_eq!(fetch(&shop, url).await.0, 409);
    }
    assert_eq!(shop.number(messages).await, before);
    shop.work().await;
    let (status, _, file) = fetch(&shop, ticket).await;
    assert_eq!((status, qr_codes(&file)), (303, vec![codes(&order)[0].to_owned()]));
    let (status, _, file) = fetch(&shop, url_of(&order)).await;
    assert_eq!((status, qr_codes(&file)), (303, codes(&order).iter().map(|code| (*code).to_owned()).collect()));
    for wrong in [ticket.replace("/pdf/", "/passbook/"), ticket.replace("orderpositions/", "orderpositions/9")] {
        assert_eq!(fetch(&shop, &wrong).await.0, 404, "{wrong}");
    }
    let elsewhere = ticket.replace("/gig/", "/matinee/");
    assert_eq!(fetch(&shop, &elsewhere).await.0, 404, "{elsewhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_told_of_exactly_where_they_can_be_had() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let seat = api.get("items/").await["results"][0]["id"].clone();
    let asks = json!({ "email": "ada@example.org", "locale": "en", "require_approval": true,
                       "positions": [{ "item": seat }, { "item": seat }] });
    let asking = format!("orders/{}/", api.done("POST", "orders/", asks).await["code"].as_str().unwrap());
    let pending = format!("orders/{}/", code_of(&shop.buyer().buy(&[("Ticket", 2)], Some("manual")).await));
    // Of an order and of its first ticket.
    let check = async |order: &str, can_be_had: [bool; 2]| {
        let told = api.get(order).await;
        let ticket = api.get(&format!("orderpositions/{}/", told["positions"][0]["id"])).await;
        assert_eq!(ticket["downloads"], told["positions"][0]["downloads"]);
        let base = format!("{}/api/v1/organizers/org/events/gig/", shop.url);
        let urls = [
            format!("{base}{order}download/pdf/"),
            format!("{base}orderpositions/{}/download/pdf/", told["positions"][0]["id"]),
        ];
        for ((told, url), can_be_had) in [told.clone(), ticket].iter().zip(&urls).zip(can_be_had) {
            match can_be_had {
                true => assert_eq!(url_of(told), url),
                false => assert_eq!(told["downloads"], NO_DOWNLOADS),
            }
            let status = fetch(&shop, url).await.0;
            assert_eq!(status, if can_be_had { 409 } else { 403 }, "{url}");
        }
        told
    };
    check(&pending, [false, false]).await;
    api.done("PATCH", &pending, json!({ "valid_if_pending": true })).await;
    check(&pending, [true, true]).await;
    api.done("PATCH", &pending, json!({ "valid_if_pending": false })).await;
    check(&pending, [false, false]).await;
    api.done("PATCH", "settings/", json!({ "ticket_download_pending": true })).await;
    check(&pending, [true, true]).await;
    // Nobody knows yet whether they may come.
    check(&asking, [false, false]).await;
    api.done("POST", &format!("{asking}approve/"), json!({})).await;
    let told = check(&asking, [true, true]).await;
    let block = format!("orderpositions/{}/add_block/", told["positions"][0]["id"]);
    assert_eq!(api.done("POST", &block, json!({ "name": "admin" })).await["downloads"], NO_DOWNLOADS);
    check(&asking, [true, false]).await;
    api.done("PATCH", "settings/", json!({ "ticket_download": false })).await;
    check(&asking, [false, false]).await;
    api.done("PATCH", "settings/", json!({ "ticket_download": true })).await;
    check(&asking, [true, false]).await;
    api.done("POST", &format!("{pending}mark_canceled/"), json!({})).await;
    check(&pending, [false, false]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_printed_stands_with_the_ticket_wherever_it_is_told() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let list = api.add("checkinlists/", json!({ "name": "Main" })).await;
    let before = sell(&shop).await;
    let (id, code) = (&before["positions"][0]["id"], before["code"].as_str().unwrap());
    let path = format!("orderpositions/{id}/printlog/");
    for (wrong, field) in [
        (json!({ "type": "badge" }), "source"),
        (json!({ "source": "app" }), "type"),
        (json!({ "source": "app", "type": "poster" }), "type"),
        (json!({ "source": "x".repeat(256), "type": "badge" }), "source"),
        (json!({ "source": "app", "type": "badge", "successful": "perhaps" }), "successful"),
        (json!({ "source": "app", "type": "badge", "datetime": "yesterday" }), "datetime"),
        (json!({ "source": "app", "type": "badge", "info": ["a"] }), "info"),
        (json!({ "source": "app", "type": "badge", "info": { "log": "x".repeat(3_000) } }), "info"),
    ] {
        let (status, faults) = api.refused("POST", &path, wrong.clone()).await;
        assert!(status == 400 && faults[field][0].is_string(), "{wrong}: {faults}");
    }
    assert_eq!(api.get(&format!("orders/{code}/")).await, before, "what is refused leaves nothing");
    shop.clock.advance_seconds(60);
    let said = json!({ "source": "badge app", "type": "badge", "successful": false, "info": { "printer": "A\u{0}1" },
                       "datetime": "2020-05-01T12:00:00+02:00" });
    let failed = api.done("POST", &path, said).await;
    let expected = json!({ "id": failed["id"], "source": "badge app", "type": "badge", "successful": false,
                           "info": { "printer": "A1" }, "datetime": "2020-05-01T10:00:00Z", "device_id": null });
    assert_eq!(failed, expected);
    let kiosk = json!({ "name": "Kiosk", "all_events": true, "security_profile": "pretixscan_online_kiosk" });
    let kiosk = device(&shop, kiosk).await;
    let (status, printed) =
        kiosk.ours("POST", &format!("events/gig/{path}"), Some(json!({ "source": "kiosk", "type": "ticket" }))).await;
    assert_eq!((status, &printed["device_id"], &printed["successful"]), (201, &json!(1), &json!(true)), "{printed}");
    let age = shop.ctx.now().as_seconds() - at(printed["datetime"].as_str().unwrap()).as_seconds();
    assert!((0..60).contains(&age) && printed["info"] == json!({}), "{printed}");

    let both = json!([failed, printed]);
    let order = api.get(&format!("orders/{code}/")).await;
    assert_eq!((&order["positions"][0]["print_logs"], &order["positions"][1]["print_logs"]), (&both, &json!([])));
    assert_ne!(order["last_modified"], before["last_modified"], "who keeps orders hears of it");
    let organizer = Program::new(&shop, "org/");
    let door = api.get(&format!("checkinlists/{list}/positions/")).await;
    for told in [
        api.get("orders/").await["results"][0]["positions"][0].clone(),
        organizer.get("orders/").await["results"][0]["positions"][0].clone(),
        api.get("orderpositions/").await["results"][0].clone(),
        organizer.get("orderpositions/").await["results"][0].clone(),
        api.get(&format!("orderpositions/{id}/")).await,
        door["results"].as_array().unwrap().iter().find(|it| it["id"] == *id).unwrap().clone(),
        kiosk.redeem(&[list], codes(&before)[0], "a", json!({})).await.1["position"].clone(),
        api.done("POST", &format!("orderpositions/{id}/add_block/"), json!({ "name": "admin" })).await,
    ] {
        assert_eq!(told["print_logs"], both, "{told}");
    }
    // It was printed, whatever became of the ticket since.
    api.done("DELETE", &format!("orderpositions/{id}/"), json!({})).await;
    api.done("POST", &path, json!({ "source": "app", "type": "other" })).await;
    let canceled = api.get(&format!("orderpositions/{id}/?include_canceled_positions=true")).await;
    assert_eq!(canceled["print_logs"].as_array().unwrap().len(), 3);
    for (wrong, body) in [("9999999", json!({ "source": "app", "type": "other" })), ("x", json!({}))] {
        let status = api.refused("POST", &format!("orderpositions/{wrong}/printlog/"), body).await.0;
        assert_eq!(status, 404, "{wrong}");
    }
    let matinee = Program::new(&shop, "org/events/matinee/");
    assert_eq!(matinee.refused("POST", &path, json!({ "source": "app", "type": "other" })).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_print_that_is_reported_twice_with_one_key_is_one() {
    let shop = gig().await;
    let order = sell(&shop).await;
    let id = &order["positions"][0]["id"];
    let url = format!("{}/api/v1/organizers/org/events/gig/orderpositions/{id}/printlog/", shop.url);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = http_client().build().unwrap().post(&url).header("x-idempotency-key", "once");
        let request = request.header("authorization", format!("Token {}", shop.token));
        let answer = request.json(&json!({ "source": "app", "type": "badge" })).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201);
        answers.push(answer.json::<Value>().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    let told = Program::new(&shop, "org/events/gig/").get(&format!("orderpositions/{id}/")).await;
    assert_eq!(told["print_logs"], json!([answers[0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_ticket_says_is_told_to_whoever_asks_for_it() {
    let shop = TestShop::empty().await;
    let mut gig = crate::authorisation::with_drinks(document(20));
    gig["event"]["location"] = json!({ "en": "Hall 1\nBerlin" });
    gig["questions"] = json!([{ "id": 1, "question": "Meal", "type": "C", "identifier": "MEAL", "items": [2],
                                "options": [{ "identifier": "V", "answer": { "en": "Vegan", "de": "Vegan" } }] }]);
    shop.import(&gig).await;
    let api = Program::new(&shop, "org/events/gig/");
    let list = api.add("checkinlists/", json!({ "name": "Main" })).await;
    let items = api.get("items/").await;
    let item = |name: &str| {
        let all = items["results"].as_array().unwrap();
        all.iter().find(|item| item["name"]["en"] == name).unwrap()["id"].clone()
    };
    let question = api.get("questions/").await["results"][0].clone();
    let order = json!({
        "email": "ada@example.org", "locale": "en", "status": "p", "payment_provider": "manual", "positions": [
            { "positionid": 1, "item": item("Ticket"), "attendee_name_parts": { "full_name": "Ada Lovelace" }, "company": "Ada Ltd",
              "answers": [{ "question": question["id"], "answer": "V", "options": [question["options"][0]["id"]] }] },
            { "positionid": 2, "addon_to": 1, "item": item("Drink") },
        ],
    });
    let order = api.done("POST", "orders/", order).await;
    let (id, code) = (order["positions"][0]["id"].clone(), order["code"].as_str().unwrap());
    assert!(order["positions"][0]["pdf_data"].is_null() && api.get("orders/").await["results"][0]["code"] == code);
    let texts = api.get(&format!("orderpositions/{id}/?pdf_data=true")).await["pdf_data"].clone();
    let answer = format!("question_{}", question["id"]);
    for (name, text) in [
        ("event_name", "The Gig"),
        ("event_location", "Hall 1\nBerlin"),
        ("item", "Ticket"),
        ("variation", ""),
        ("attendee_name", "Ada Lovelace"),
        ("attendee_company", "Ada Ltd"),
        ("attendee_email", ""),
        ("order", code),
        ("positionid", "1"),
        ("price", "€23.00"),
        ("addons", "Drink"),
        ("valid_from", ""),
        ("secret", order["positions"][0]["secret"].as_str().unwrap()),
        (&answer, "Vegan"),
    ] {
        assert_eq!(texts[name], text, "{name}");
    }
    assert!(texts["event_date"].as_str().unwrap().contains("2999"), "{texts}");
    let names: Vec<&String> = texts.as_object().unwrap().keys().filter(|name| !name.starts_with("question_")).collect();
    assert_eq!(names, VARIABLES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "the description names all of them");

    let organizer = Program::new(&shop, "org/");
    let door = device(&shop, json!({ "name": "Door", "all_events": true })).await;
    let scan = json!({ "lists": [list], "secret": order["positions"][0]["secret"] });
    for (asked, told) in [
        ("orders", api.get("orders/?pdf_data=true").await["results"][0]["positions"][0].clone()),
        ("one order", api.get(&format!("orders/{code}/?pdf_data=true")).await["positions"][0].clone()),
        ("all orders", organizer.get("orders/?pdf_data=true").await["results"][0]["positions"][0].clone()),
        ("positions", api.get("orderpositions/?pdf_data=true").await["results"][0].clone()),
        ("all positions", organizer.get("orderpositions/?pdf_data=true").await["results"][0].clone()),
        ("guests", api.get(&format!("checkinlists/{list}/positions/?pdf_data=true")).await["results"][0].clone()),
        ("search", {
            let path = format!("checkinrpc/search/?list={list}&search=Lovelace&pdf_data=true");
            organizer.get(&path).await["results"][0].clone()
        }),
        ("scan", door.ours("POST", "checkinrpc/redeem/?pdf_data=true", Some(scan)).await.1["position"].clone()),
    ] {
        assert_eq!(told["pdf_data"], texts, "{asked}");
        assert_eq!(told["id"], id, "{asked}");
    }
    let told = door.ours("GET", &format!("events/gig/checkinlists/{list}/positions/"), None).await.1;
    assert!(told["results"][0]["pdf_data"].is_null(), "only who asks is told");
    assert_eq!(told["results"][0]["downloads"], NO_DOWNLOADS, "doors have no use for files");
}
