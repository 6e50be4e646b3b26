//! Exports: whose they are, what is in them, and that they end.

use std::io::Read as _;

use serde_json::{Value, json};
use shop::{
    export::{Cell, Xlsx, table},
    outbox::{Envelope, Job, Message},
    port::{
        db::{Db, Query as _},
        queue::Queue,
    },
};

use crate::{
    api_catalogue::Program,
    devices,
    shop::{TestShop, code_of, http_client},
};

const EXPORTERS: &str = "org/events/gig/exporters";

async fn ask(shop: &TestShop, exporter: &str, parameters: Value) -> (u16, Value) {
    shop.api("POST", &format!("{EXPORTERS}/{exporter}/run/"), Some(&shop.token), Some(parameters)).await
}

/// Asks, lets the workers work, and fetches the file.
pub(crate) async fn export(shop: &TestShop, exporter: &str, parameters: Value) -> Vec<u8> {
    let (status, body) = ask(shop, exporter, parameters).await;
    assert_eq!(status, 202, "{body}");
    let url = body["download"].as_str().unwrap();
    assert_eq!(fetch(shop, url, &shop.token).await.0, 409, "nobody has made it yet");
    shop.work().await;
    let (status, file) = fetch(shop, url, &shop.token).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&file));
    file
}

/// What the address leads to.
async fn fetch(shop: &TestShop, url: &str, token: &str) -> (u16, Vec<u8>) {
    let client = http_client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(url).header("authorization", format!("Token {token}")).send().await.unwrap();
    if answer.status().as_u16() != 303 {
        return (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec());
    }
    let signed = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(!signed.starts_with(&shop.url), "the file comes from the bucket");
    let file = client.get(signed).send().await.unwrap();
    assert!(file.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"gig_"));
    (file.status().as_u16(), file.bytes().await.unwrap().to_vec())
}

fn lines(csv: Vec<u8>) -> Vec<String> {
    String::from_utf8(csv).unwrap().lines().map(str::to_owned).collect()
}

/// The content of a file in a ZIP archive, by the archive's own directory.
fn unzipped(archive: &[u8], name: &str) -> String {
    let number = |at: usize, length: usize| {
        archive[at..at + length].iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let end = archive.len() - 22;
    assert_eq!(number(end, 4), 0x0605_4b50);
    let (count, mut at) = (number(end + 10, 2), number(end + 16, 4));
    for _ in 0..count {
        let length = number(at + 28, 2);
        if &archive[at + 46..at + 46 + length] == name.as_bytes() {
            let (crc, compressed, size, local) =
                (number(at + 16, 4), number(at + 20, 4), number(at + 24, 4), number(at + 42, 4));
            let from = local + 30 + number(local + 26, 2) + number(local + 28, 2);
            let mut text = Vec::new();
            flate2::read::DeflateDecoder::new(&archive[from..from + compressed]).read_to_end(&mut text).unwrap();
            let mut sum = flate2::Crc::new();
            sum.update(&text);
            assert_eq!((text.len(), sum.sum() as usize), (size, crc), "{name}");
            return String::from_utf8(text).unwrap();
        }
        at += 46 + length;
    }
    panic!("{name} is not in the archive")
}

async fn sold() -> (TestShop, String) {
    let shop = TestShop::with_places(9).await;
    let order = shop.buyer().buy(&[("Ticket", 2), ("Seat", 1)], Some("banktransfer")).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    (shop, code_of(&order).to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_say_what_was_sold() {
    let (shop, code) = sold().await;
    let evil = "update order_position set attendee_name = '=HYPERLINK(\"https://evil.example\")' where positionid = 1
                  and order_id = (select min(id) from orders)";
    shop.ctx.db().await.unwrap().script(evil).await.unwrap();
    let orders = lines(export(&shop, "orderlist", json!({"_format": "orders:default"})).await);
    assert_eq!(orders.len(), 3);
    assert!(orders[0].starts_with("Order code,Status,Email,Phone,Created,"), "{}", orders[0]);
    assert!(orders[1].starts_with(&format!("{code},Payment pending,ada@example.org,,")), "{}", orders[1]);
    assert!(orders[1].contains(",46.00,EUR,7.34,0.00,3,banktransfer,web,en,no,"), "{}", orders[1]);
    let paid = lines(export(&shop, "orderlist", json!({"_format": "orders:default", "paid_only": true})).await);
    assert_eq!(paid.len(), 2);
    let positions = lines(export(&shop, "orderlist", json!({"_format": "positions:semicolon"})).await);
    assert_eq!(positions.len(), 5);
    let sold = ";\"23,00\";EUR;\"19,00\";\"3,67\";";
    assert_eq!(positions.iter().filter(|line| line.contains(sold)).count(), 2, "{positions:?}");
    assert!(positions.iter().any(|line| line.contains("\"'=HYPERLINK(")), "a formula stays text: {positions:?}");
    let payments = lines(export(&shop, "paymentlist", json!({"_format": "default"})).await);
    assert!(payments[1].starts_with(&format!("{code},{code}-P-1,")), "{}", payments[1]);
    assert_eq!(payments.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_in_list_says_who_is_in() {
    let shop = devices::gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let all = api.add("checkinlists/", json!({ "name": "All", "include_pending": true })).await;
    let paid = api.add("checkinlists/", json!({ "name": "Main" })).await;
    let foreign = Program::new(&shop, "org/events/matinee/").add("checkinlists/", json!({ "name": "Other" })).await;
    let seats = shop.buyer().buy(&[("Seat", 2)], None).await;
    let pending = shop.buyer().buy(&[("Ticket", 1)], Some("banktransfer")).await;
    let (seats, pending) = (code_of(&seats).to_owned(), code_of(&pending).to_owned());
    let told = api.get(&format!("orders/{seats}/")).await;
    let secrets: Vec<&str> =
        told["positions"].as_array().unwrap().iter().map(|it| it["secret"].as_str().unwrap()).collect();
    let door = devices::device(&shop, json!({ "name": "Door", "all_events": true })).await;
    for (nonce, list, secret, direction) in
        [("a", all, secrets[0], "entry"), ("b", all, secrets[1], "entry"), ("c", all, secrets[1], "exit")]
    {
        let (status, body) = door.redeem(&[list], secret, nonce, json!({ "type": direction })).await;
        assert_eq!(status, 201, "{body}");
    }
    assert_eq!(door.redeem(&[all], secrets[0], "d", json!({})).await.0, 400, "a refused scan is none");

    let table = lines(export(&shop, "checkinlist", json!({"_format": "default", "list": all})).await);
    assert_eq!(table.len(), 4, "{table:?}");
    let column = |name: &str| table[0].split(',').position(|it| it == name).unwrap();
    let cell = |row: usize, name: &str| table[row].split(',').nth(column(name)).unwrap().to_owned();
    let (state, code) = ("Checked in", "Ticket code");
    assert_eq!([cell(1, state), cell(2, state), cell(3, state)], ["yes", "no", "no"]);
    assert_eq!([cell(1, code), cell(2, code)], [secrets[0], secrets[1]]);
    assert_eq!([cell(1, "Order code"), cell(3, "Order code")], [seats.clone(), pending.clone()]);
    assert_eq!([cell(1, "Entries"), cell(3, "Entries")], ["1", "0"]);
    assert!(!cell(1, "First entry").is_empty() && cell(1, "Last exit").is_empty(), "{}", table[1]);
    assert!(!cell(2, "Last exit").is_empty() && cell(3, "Last scan").is_empty(), "{table:?}");
    assert_eq!([cell(1, "Status"), cell(3, "Status")], ["Paid", "Payment pending"]);

    let other =
        lines(export(&shop, "checkinlist", json!({"_format": "default", "list": paid, "secrets": false})).await);
    assert_eq!(other.len(), 3, "open orders are not on the other list: {other:?}");
    assert!(!other[0].contains(code) && !other.concat().contains(secrets[0]), "{other:?}");
    assert!(other[1].contains(",no,"), "nobody came in by this list: {other:?}");
    let only = json!({"_format": "default", "list": all, "paid_only": true});
    assert_eq!(lines(export(&shop, "checkinlist", only).await).len(), 3);
    let attention = json!({"_format": "default", "list": all, "attention_only": true});
    assert_eq!(lines(export(&shop, "checkinlist", attention.clone()).await).len(), 1);
    api.done("PATCH", &format!("orders/{pending}/"), json!({ "checkin_attention": true })).await;
    assert!(lines(export(&shop, "checkinlist", attention).await)[1].starts_with(&pending));
    let book = export(&shop, "checkinlist", json!({"_format": "xlsx", "list": all})).await;
    assert_eq!(unzipped(&book, "xl/worksheets/sheet1.xml").matches("<row>").count(), 4);

    let (status, body) = ask(&shop, "checkinlist", json!({"_format": "xlsx", "list": foreign})).await;
    assert_eq!((status, body["list"].is_array()), (400, true), "a list of another event: {body}");
    let (_, body) = ask(&shop, "checkinlist", json!({"_format": "xlsx", "list": paid})).await;
    api.done("DELETE", &format!("checkinlists/{paid}/"), json!({})).await;
    shop.work().await;
    assert_eq!(fetch(&shop, body["download"].as_str().unwrap(), &shop.token).await.0, 410, "the list is gone");
}

/// Events that have just sold 4000 orders each; the planner has not heard of it.
const JUST_SOLD: &str = "
    insert into organizer (slug, name, created_at) values ('o', 'O', now());
    insert into event (organizer_id, slug, name, live, currency, date_from, created_at)
    select id, 'e', '{}', true, 'EUR', now(), now() from organizer;
    insert into item (event_id, name, default_price) select id, '{}', 0 from event;
    insert into checkin_list (event_id, name) select id, 'Door' from event;
    insert into orders (organizer_id, event_id, code, status, secret, internal_secret, email, locale, testmode, created_at,
                        expires_at, total, modified_at)
    select e.organizer_id, e.id, 'X' || lpad(n::text, 8, '0'), 'p', 's', 's', n || '@example.org', 'en', false, now(), now(),
           100, now()
      from event e, generate_series(1, 4000) n;
    insert into order_position (organizer_id, event_id, order_id, positionid, item_id, price, tax_rate_ppm, tax_value, secret,
                                web_secret, pseudonymization_id)
    select o.organizer_id, o.event_id, o.id, 1, i.id, 100, 0, 0, 's' || o.id, 'w', 'p' || o.id
      from orders o join item i on i.event_id = o.event_id;
    insert into checkin (event_id, list_id, position_id, type, datetime, created_at, successful)
    select p.event_id, l.id, p.id, 'entry', now(), now(), true from order_position p join checkin_list l using (event_id);
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at)
    select event_id, id, 1, 'manual', 'confirmed', 100, now() from orders;
    insert into refund (event_id, order_id, local_id, provider, state, source, amount, created_at)
    select event_id, id, 1, 'manual', 'done', 'admin', 100, now() from orders;
    insert into order_fee (event_id, order_id, number, fee_type, value) select event_id, id, 1, 'other', 100 from orders";

/// The first portion of every table reads what stands in it, not the event.
#[tokio::test(flavor = "multi_thread")]
async fn a_portion_costs_no_more_when_the_event_grows() {
    const FIRST: &[(&str, &str)] = &[
        ("as providers", "EVENT, 0, 1000, true"),
        ("p.tax_rate_ppm", "EVENT, 0, 1000, true"),
        ("f.fee_type", "EVENT, 0, 1000, true"),
        ("'-P-'", "EVENT, 0, 1000"),
        ("'-R-'", "EVENT, 0, 1000, 0"),
        ("as first_entry", "EVENT, 0, 1000, false, LIST, false, true, array[]::bigint[], null, false"),
    ];
    let shop = TestShop::empty().await;
    let db = Db::connect(shop.direct_url(), None).await.unwrap();
    db.script(JUST_SOLD).await.unwrap();
    let ids = db.one("select event_id, id from checkin_list order by id limit 1", &[]).await.unwrap();
    let (event, list): (i64, i64) = (ids.get("event_id").unwrap(), ids.get("id").unwrap());
    for (words, values) in FIRST {
        let portion = |sql: &&&str| sql.contains(words) && !sql.contains("count(*) as count from");
        let sql = table::sql::ALL.iter().find(portion).unwrap_or_else(|| panic!("a statement has {words}"));
        let values = values.replace("EVENT", &event.to_string()).replace("LIST", &list.to_string());
        db.script(&format!("deallocate all; prepare portion as {sql}")).await.unwrap();
        let explain = format!("explain (analyze, timing off) execute portion ({values})");
        let plan = db.query(Box::leak(explain.into_boxed_str()), &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|line| line.get("QUERY PLAN").unwrap()).collect();
        let most = plan.iter().filter_map(|line| rows_of(line)).max();
        assert!(most.is_some_and(|most| (1000..2000).contains(&most)), "{words}: {most:?}\n{}", plan.join("\n"));
    }
}

/// How many rows a line of a plan came to: `… (actual rows=1 loops=1000)`.
fn rows_of(line: &str) -> Option<u64> {
    let (rows, loops) = line.split_once("(actual rows=")?.1.split_once(" loops=")?;
    let loops: u64 = loops.trim_end_matches(')').parse().ok()?;
    Some(rows.split('.').next()?.parse::<u64>().ok()? * loops)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_has_a_sheet_for_every_table() {
    let (shop, code) = sold().await;
    let book = export(&shop, "orderlist", json!({"_format": "xlsx"})).await;
    let names = unzipped(&book, "xl/workbook.xml");
    for name in ["Orders", "Positions", "Fees"] {
        assert!(names.contains(&format!("<sheet name=\"{name}\"")), "{names}");
    }
    let orders = unzipped(&book, "xl/worksheets/sheet1.xml");
    assert_eq!(orders.matches("<row>").count(), 3);
    assert!(orders.contains(&format!(">{code}</t>")) && orders.contains("<v>46.00</v>"), "{orders}");
    assert_eq!(unzipped(&book, "xl/worksheets/sheet2.xml").matches("<row>").count(), 5);
    assert!(unzipped(&book, "xl/worksheets/sheet3.xml").ends_with("</sheetData></worksheet>"));
    assert!(unzipped(&book, "[Content_Types].xml").contains("/xl/worksheets/sheet3.xml"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_for_who_asked_and_for_a_day() {
    let (shop, _) = sold().await;
    let (_, body) = ask(&shop, "orderlist", json!({"_format": "xlsx"})).await;
    let url = body["download"].as_str().unwrap().to_owned();
    shop.work().await;
    let other = crate::shop::make_token(shop.ctx, "org").await;
    assert_eq!(fetch(&shop, &url, &other).await.0, 404, "another token of the same organiser");
    let wrong = format!("{}x/", url.trim_end_matches('/'));
    assert_eq!(fetch(&shop, &wrong, &shop.token).await.0, 404);
    assert_eq!(fetch(&shop, &url.replace("/orderlist/", "/paymentlist/"), &shop.token).await.0, 404);
    assert_eq!(fetch(&shop, &url, &shop.token).await.0, 200);
    let key = shop.ctx.db().await.unwrap().one("select object_key from export", &[]).await.unwrap();
    let key: String = key.get("object_key").unwrap();
    assert!(shop.ctx.media().await.get(&key).await.is_ok());
    shop.clock.advance_seconds(shop::export::KEEP_SECONDS + 1);
    assert_eq!(fetch(&shop, &url, &shop.token).await.0, 404);
    let sweep = Envelope::unrecorded(Message::Periodic { job: Job::Sweep }).body();
    shop.ctx.queues().await.send(Queue::Background, &[sweep]).await;
    shop.work().await;
    assert!(shop.ctx.media().await.get(&key).await.is_err(), "the file is gone too");
    assert_eq!(shop.number("select count(*) as number from export").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_exporter_does_not_know_is_refused() {
    let shop = TestShop::with_places(5).await;
    let (status, list) = shop.api("GET", &format!("{EXPORTERS}/"), Some(&shop.token), None).await;
    assert_eq!((status, &list["results"][0]["identifier"]), (200, &json!("orderlist")));
    assert_eq!(list["results"][1]["input_parameters"][0]["choices"], json!(["xlsx", "default", "excel", "semicolon"]));
    assert_eq!(list["results"][2]["identifier"], json!("checkinlist"));
    assert_eq!(list["results"][2]["input_parameters"][1], json!({ "name": "list", "required": true }));
    let (status, body) = ask(&shop, "orderlist", json!({"_format": "orders:default", "items": [1]})).await;
    assert_eq!((status, body["items"].is_array()), (400, true), "{body}");
    let (status, body) = ask(&shop, "paymentlist", json!({"_format": "pdf", "paid_only": 3})).await;
    assert_eq!((status, body.as_object().unwrap().len()), (400, 2), "{body}");
    let (status, body) = ask(&shop, "checkinlist", json!({"_format": "xlsx", "secrets": "no"})).await;
    assert_eq!((status, body["list"].is_array(), body["secrets"].is_array()), (400, true, true), "{body}");
    assert_eq!(ask(&shop, "dekodi_nrei", json!({"_format": "xlsx"})).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_always_fails_says_so_and_a_dead_worker_loses_nothing() {
    let (shop, _) = sold().await;
    let (_, body) = ask(&shop, "orderlist", json!({"_format": "xlsx"})).await;
    let url = body["download"].as_str().unwrap().to_owned();
    let id = shop.number("select id as number from export").await;
    // A worker has claimed it and died.
    let dead = "update export set state = 'running', attempts = 1, claimed_at = now() + interval '1 day'";
    shop.ctx.db().await.unwrap().script(dead).await.unwrap();
    shop.work().await;
    assert_eq!(fetch(&shop, &url, &shop.token).await.0, 409, "its time is not up");
    shop.clock.advance_seconds(180);
    let late = "update export set claimed_at = created_at";
    shop.ctx.db().await.unwrap().script(late).await.unwrap();
    let relay = Envelope::unrecorded(Message::Periodic { job: Job::RelayOutbox }).body();
    shop.ctx.queues().await.send(Queue::Background, std::slice::from_ref(&relay)).await;
    shop.work().await;
    assert_eq!(fetch(&shop, &url, &shop.token).await.0, 200, "the relay has asked again");

    let again = format!(
        "update export set state = 'waiting', attempts = 0, object_key = 'x' || repeat('y', 2000) where id = {id}"
    );
    shop.ctx.db().await.unwrap().script(&again).await.unwrap();
    for _ in 0..3 {
        let message = Envelope::unrecorded(Message::MakeExport { export: shop::id::ExportId(id) }).body();
        shop.ctx.queues().await.send(Queue::Default, &[message]).await;
        shop.work().await;
    }
    assert_eq!(fetch(&shop, &url, &shop.token).await.0, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_kills_its_workers_says_so_and_is_over() {
    let (shop, _) = sold().await;
    let (_, body) = ask(&shop, "orderlist", json!({"_format": "xlsx"})).await;
    let url = body["download"].as_str().unwrap().to_owned();
    let dead = "update export set state = 'running', attempts = 3, claimed_at = created_at - interval '1 day'";
    shop.ctx.db().await.unwrap().script(dead).await.unwrap();
    shop.work().await;
    assert_eq!(fetch(&shop, &url, &shop.token).await.0, 410, "the third worker was the last");
    assert_eq!(shop.number("select count(*) as number from outbox").await, 0, "nobody sends it again");
}

#[test]
fn a_large_workbook_leaves_as_it_is_written() {
    let mut book = Xlsx::new(&["Many".to_owned()]);
    book.begin(1, &["Name".to_owned()]);
    let (mut file, mut largest) = (Vec::new(), 0);
    for number in 0..50_000 {
        book.row(&[Cell::Text(format!("Person {number}")), Cell::count(number)]).unwrap();
        if number % 1000 == 0 {
            let part = book.take();
            largest = largest.max(part.len());
            file.extend(part);
        }
    }
    book.finish();
    file.extend(book.take());
    assert!(largest < 200_000, "{largest} bytes at once");
    assert_eq!(unzipped(&file, "xl/worksheets/sheet1.xml").matches("<row>").count(), 50_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_several_parts_arrives_whole() {
    let shop = TestShop::empty().await;
    let media = shop.ctx.media().await;
    let piece: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut upload = media.begin_upload("exports/test.bin", "application/octet-stream");
    for _ in 0..7 {
        upload.push(piece.clone()).await.unwrap();
    }
    upload.finish().await.unwrap();
    assert!(media.get("exports/test.bin").await.unwrap() == piece.repeat(7));
    let mut upload = media.begin_upload("exports/never.bin", "application/octet-stream");
    for _ in 0..4 {
        upload.push(piece.clone()).await.unwrap();
    }
    upload.abandon().await;
    assert!(media.get("exports/never.bin").await.is_err());
}
