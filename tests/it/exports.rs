//! Exports: whose they are, what is in them, and that they end.

use std::io::Read as _;

use serde_json::{Value, json};
use shop::{
    export::{Cell, Xlsx},
    outbox::{Envelope, Job, Message},
    port::{db::Query as _, queue::Queue},
};

use crate::shop::{TestShop, code_of, http_client};

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
    let (status, body) = ask(&shop, "orderlist", json!({"_format": "orders:default", "items": [1]})).await;
    assert_eq!((status, body["items"].is_array()), (400, true), "{body}");
    let (status, body) = ask(&shop, "paymentlist", json!({"_format": "pdf", "paid_only": 3})).await;
    assert_eq!((status, body.as_object().unwrap().len()), (400, 2), "{body}");
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
