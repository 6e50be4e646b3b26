//! Files that programs send, and pictures that buyers see.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::multipart;
use serde_json::{Value, json};
use shop::{
    outbox::{Envelope, Job, Message},
    port::db::Query as _,
    upload,
};

use crate::{
    after_sale::run,
    shop::{TestShop, http_client},
    ticket_pdf::qr_codes,
};

fn picture(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let image = DynamicImage::from(RgbImage::from_pixel(width, height, Rgb([12, 90, 160])));
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Asks for a form.
async fn begin(shop: &TestShop, name: &str, content_type: &str) -> (u16, Value) {
    let draft = json!({ "file_name": name, "content_type": content_type });
    shop.api_at("POST", "/api/v1/uploads/", Some(&shop.token), Some(draft)).await
}

/// Sends a file with a form, as a browser does.
async fn send(form: &Value, bytes: Vec<u8>, content_type: &str) -> u16 {
    let mut parts = multipart::Form::new();
    for (name, value) in form["fields"].as_object().unwrap() {
        parts = parts.text(name.clone(), value.as_str().unwrap().to_owned());
    }
    let file = multipart::Part::bytes(bytes).file_name("x").mime_str(content_type).unwrap();
    let client = http_client().build().unwrap();
    let sent = client.post(form["url"].as_str().unwrap()).multipart(parts.part("file", file)).send().await.unwrap();
    sent.status().as_u16()
}

async fn finish(shop: &TestShop, begun: &Value) -> (u16, Value) {
    let path = begun["finish"].as_str().unwrap().strip_prefix(&shop.url).unwrap();
    shop.api_at("POST", path, Some(&shop.token), None).await
}

/// A file that is there and was looked at.
async fn sent(shop: &TestShop, name: &str, content_type: &str, bytes: Vec<u8>) -> String {
    let (status, begun) = begin(shop, name, content_type).await;
    assert_eq!(status, 201, "{begun}");
    assert_eq!(send(&begun["form"], bytes, content_type).await, 201);
    let (status, file) = finish(shop, &begun).await;
    assert_eq!((status, &file["content_type"]), (200, &json!(content_type)), "{file}");
    file["id"].as_str().unwrap().to_owned()
}

/// Sends a file as the body of a call.
async fn post(shop: &TestShop, name: &str, content_type: &str, bytes: Vec<u8>) -> (u16, Value) {
    let request = http_client().build().unwrap().post(format!("{}/api/v1/upload", shop.url));
    let request = request
        .header("authorization", format!("Token {}", shop.token))
        .header("content-type", content_type)
        .header("content-disposition", format!("attachment; filename=\"{name}\""));
    let response = request.body(bytes).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
}

const LOGO: &str = "org/events/gig/logo/";

async fn item_path(shop: &TestShop, name: &str) -> String {
    let rows = shop.ctx.db().await.unwrap().query("select id, name::text as name from item", &[]).await.unwrap();
    let row = rows.iter().find(|row| row.get::<String>("name").unwrap().contains(name)).unwrap();
    format!("org/events/gig/items/{}/picture/", row.get::<i64>("id").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_goes_straight_into_the_bucket_and_is_seen_by_buyers() {
    let shop = TestShop::with_places(9).await;
    let file = sent(&shop, "logo.png", "image/png", picture(ImageFormat::Png, 2400, 400)).await;
    let put = json!({ "file": file });
    assert_eq!(shop.api("PUT", LOGO, Some(&shop.token), Some(put.clone())).await.0, 202);
    shop.work().await;
    let (status, shown) = shop.api("GET", LOGO, Some(&shop.token), None).await;
    assert_eq!((status, &shown["picture"]["width"], &shown["picture"]["height"]), (200, &json!(1170), &json!(195)));
    let url = shown["picture"]["url"].as_str().unwrap();
    let path = url.strip_prefix(&shop.url).unwrap();
    assert!(path.starts_with("/pub/org/gig/logo-"), "{path}");
    assert!(shop.buyer().shop().await.says(&format!("<img src=\"{path}\" alt=\"")));
    // Everybody sees it, at the address of the shop, and nothing else of the bucket.
    let fetch = async |url: &str| http_client().build().unwrap().get(url).send().await.unwrap();
    let seen = fetch(url).await;
    assert_eq!((seen.status().as_u16(), seen.headers()["content-type"].to_str().unwrap()), (200, "image/jpeg"));
    let large = image::load_from_memory(&seen.bytes().await.unwrap()).unwrap();
    assert_eq!((large.width(), large.height()), (1170, 195));
    let id = file.strip_prefix("file:").unwrap();
    for private in [format!("/uploads/{id}"), format!("/pub/../uploads/{id}"), format!("/pub/%2e%2e/uploads/{id}")] {
        assert_eq!(fetch(&format!("{}{private}", shop.url)).await.status().as_u16(), 404, "{private}");
    }

    // Another one takes its place, and the old one is gone.
    let file = sent(&shop, "new.jpg", "image/jpeg", picture(ImageFormat::Jpeg, 300, 300)).await;
    shop.api("PUT", LOGO, Some(&shop.token), Some(json!({ "file": file }))).await;
    shop.work().await;
    let (_, shown) = shop.api("GET", LOGO, Some(&shop.token), None).await;
    assert_eq!(shown["picture"]["file_name"], "new.jpg");
    assert_eq!(fetch(url).await.status().as_u16(), 404);
    let url = shown["picture"]["thumbnail"].as_str().unwrap().to_owned();
    assert_eq!(fetch(&url).await.status().as_u16(), 200);
    assert_eq!(shop.api("DELETE", LOGO, Some(&shop.token), None).await.0, 204);
    assert_eq!(shop.api("GET", LOGO, Some(&shop.token), None).await.1, json!({ "picture": null }));
    assert_eq!(fetch(&url).await.status().as_u16(), 404);
    assert!(!shop.buyer().shop().await.says("/pub/org/gig/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_has_a_thumbnail_and_tickets_have_the_logo() {
    let shop = TestShop::with_places(9).await;
    let (status, body) = post(&shop, "seat.gif", "image/gif", picture(ImageFormat::Gif, 400, 200)).await;
    assert_eq!(status, 201, "{body}");
    let path = item_path(&shop, "Seat").await;
    let put = json!({ "file": body["id"] });
    assert_eq!(shop.api("PUT", &path, Some(&shop.token), Some(put)).await.0, 202);
    let (_, logo) = post(&shop, "logo.png", "image/png", picture(ImageFormat::Png, 800, 200)).await;
    shop.api("PUT", LOGO, Some(&shop.token), Some(json!({ "file": logo["id"] }))).await;
    shop.work().await;
    let (_, shown) = shop.api("GET", &path, Some(&shop.token), None).await;
    let thumbnail = shown["picture"]["thumbnail"].as_str().unwrap().strip_prefix(&shop.url).unwrap().to_owned();
    let page = shop.buyer().shop().await;
    assert!(page.says(&format!("<img src=\"{thumbnail}\" alt=\"Picture of Seat")), "{}", page.html);
    let seen = http_client().build().unwrap().get(format!("{}{thumbnail}", shop.url)).send().await.unwrap();
    let small = image::load_from_memory(&seen.bytes().await.unwrap()).unwrap();
    assert_eq!((small.width(), small.height()), (180, 90));

    let order = shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    let key = shop.ctx.db().await.unwrap().one("select object_key from ticket_file", &[]).await.unwrap();
    let pdf = shop.ctx.media().await.get(&key.get::<String>("object_key").unwrap()).await.unwrap();
    assert_eq!(qr_codes(&pdf).len(), 1, "{order}");
    let has_picture =
        pdf.windows(14).any(|bytes| bytes == b"/Subtype/Image") || pdf.windows(15).any(|b| b == b"/Subtype /Image");
    assert!(has_picture, "the logo is in the ticket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_what_it_says_or_is_refused_with_what_is_allowed() {
    let shop = TestShop::with_places(5).await;
    let allowed = "Allowed are image/png, image/jpeg, image/gif, application/pdf.";
    let (status, body) = begin(&shop, "page.svg", "image/svg+xml").await;
    assert_eq!((status, body["content_type"][0].as_str().unwrap().ends_with(allowed)), (400, true), "{body}");
    let (status, body) = begin(&shop, "logo.exe", "image/png").await;
    assert_eq!((status, &body["file_name"][0]), (400, &json!("A file of the type image/png ends in png.")));

    // Nothing was sent yet.
    let (_, begun) = begin(&shop, "logo.png", "image/png").await;
    assert_eq!(finish(&shop, &begun).await, (400, json!({ "file": ["Nothing has been sent yet."] })));
    // The form takes no other type, no other place and no more than ten megabytes.
    let mut other_place = begun["form"].clone();
    other_place["fields"]["key"] = json!("pub/org/gig/logo.png");
    let mut other_type = begun["form"].clone();
    other_type["fields"]["Content-Type"] = json!("text/html");
    for form in [&other_place, &other_type] {
        assert!((400..500).contains(&send(form, b"<script>".to_vec(), "text/html").await));
    }
    assert!((400..500).contains(&send(&begun["form"], vec![0; upload::BYTES_MAX + 1], "image/png").await));
    // What is no picture is removed at once, whatever it is called.
    assert_eq!(send(&begun["form"], b"<html><script>alert(1)</script>".to_vec(), "image/png").await, 201);
    let (status, body) = finish(&shop, &begun).await;
    assert_eq!((status, body["file"][0].as_str().unwrap().ends_with(allowed)), (400, true), "{body}");
    assert_eq!(finish(&shop, &begun).await.0, 404);
    assert_eq!(shop.number("select count(*) as number from upload").await, 0);

    let (status, body) = post(&shop, "a.png", "image/png", picture(ImageFormat::Jpeg, 9, 9)).await;
    assert_eq!((status, &body["file"][0]), (400, &json!("The file is image/jpeg, not image/png.")));
    let mut broken = picture(ImageFormat::Png, 300, 300);
    broken.truncate(120);
    assert_eq!(post(&shop, "a.png", "image/png", broken).await.0, 400);
    let mut huge = picture(ImageFormat::Gif, 2, 2);
    huge[6..10].copy_from_slice(&[0xff, 0x2f, 0xff, 0x2f]);
    assert_eq!(post(&shop, "a.gif", "image/gif", huge).await.0, 400, "more pixels than anybody can hold");
    assert_eq!(post(&shop, "a.pdf", "application/pdf", b"%PDF-1.7 and so on".to_vec()).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_for_its_sender_and_for_a_day() {
    let shop = TestShop::with_places(5).await;
    let other = crate::shop::make_token(shop.ctx, "org").await;
    let refused = json!({ "file": ["The submitted file ID was not found."] });
    let (_, sent) = post(&shop, "logo.png", "image/png", picture(ImageFormat::Png, 9, 9)).await;
    let put = json!({ "file": sent["id"] });
    assert_eq!(shop.api("PUT", LOGO, Some(&other), Some(put.clone())).await, (400, refused.clone()));
    for nothing in ["file:1", "", "http://example.org/a.png"] {
        let put = json!({ "file": nothing });
        assert_eq!(shop.api("PUT", LOGO, Some(&shop.token), Some(put)).await, (400, refused.clone()));
    }
    let (_, begun) = begin(&shop, "logo.png", "image/png").await;
    let unchecked = json!({ "file": begun["id"] });
    assert_eq!(shop.api("PUT", LOGO, Some(&shop.token), Some(unchecked)).await, (400, refused.clone()));
    let (_, paper) = post(&shop, "a.pdf", "application/pdf", b"%PDF-1.7 and so on".to_vec()).await;
    let (status, body) = shop.api("PUT", LOGO, Some(&shop.token), Some(json!({ "file": paper["id"] }))).await;
    assert_eq!((status, body["file"][0].as_str().unwrap().contains("file type")), (400, true));

    let id = sent["id"].as_str().unwrap().strip_prefix("file:").unwrap();
    let key = format!("uploads/{id}");
    assert!(shop.ctx.media().await.find(&key).await.unwrap().is_some());
    shop.clock.advance_seconds(upload::KEEP_SECONDS + 1);
    assert_eq!(shop.api("PUT", LOGO, Some(&shop.token), Some(put)).await, (400, refused));
    run(&shop, Job::Sweep).await;
    assert!(shop.ctx.media().await.find(&key).await.unwrap().is_none(), "the file is gone");
    assert_eq!(shop.number("select count(*) as number from upload").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_that_was_asked_for_last_stays_whatever_is_made_first() {
    let shop = TestShop::with_places(5).await;
    let event = shop.gig().await.id;
    let mut messages = Vec::new();
    for name in ["first.png", "second.png"] {
        let file = sent(&shop, name, "image/png", picture(ImageFormat::Png, 300, 100)).await;
        let upload = file.strip_prefix("file:").unwrap().to_owned();
        assert_eq!(shop.api("PUT", LOGO, Some(&shop.token), Some(json!({ "file": file }))).await.0, 202);
        messages.push(Envelope::unrecorded(Message::MakePicture { event, item: None, upload }));
    }
    let (first, second) = (messages.remove(0), messages.remove(0));
    let shown = async || shop.api("GET", LOGO, Some(&shop.token), None).await.1["picture"]["file_name"].clone();
    shop::worker::default::handle(shop.ctx, second.clone()).await.unwrap();
    shop::worker::default::handle(shop.ctx, first).await.unwrap();
    assert_eq!(shown().await, "second.png");
    shop.work().await;
    assert_eq!(shown().await, "second.png");
    // Nor does one come back that was taken away.
    assert_eq!(shop.api("DELETE", LOGO, Some(&shop.token), None).await.0, 204);
    shop::worker::default::handle(shop.ctx, second).await.unwrap();
    assert_eq!(shown().await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn public_files_go_with_what_shows_them_also_after_a_try_that_failed() {
    let shop = TestShop::with_places(5).await;
    let waiting = "select count(*) as number from media_removal";
    let there = async |key: &str| shop.ctx.media().await.find(key).await.unwrap().is_some();
    // A picture of its own: tests share a bucket, and a key comes from what is in the file.
    let bytes = picture(ImageFormat::Png, 310, 110);
    let file = sent(&shop, "logo.png", "image/png", bytes.clone()).await;
    shop.api("PUT", LOGO, Some(&shop.token), Some(json!({ "file": file }))).await;
    let seat = item_path(&shop, "Seat").await;
    shop.api("PUT", &seat, Some(&shop.token), Some(json!({ "file": file }))).await;
    shop.work().await;
    run(&shop, Job::PublishShops).await;
    let files = "select e.logo->>'large' as logo, i.picture->>'large' as picture, s.object_key as copy
                   from event e join item i on i.event_id = e.id and i.picture is not null join shop_snapshot s on s.event_id = e.id";
    let row = shop.ctx.db().await.unwrap().one(files, &[]).await.unwrap();
    let [logo, product, copy] = ["logo", "picture", "copy"].map(|name| row.get::<String>(name).unwrap());
    for key in [&logo, &product, &copy] {
        assert!(there(key).await, "{key}");
    }

    // A removal of the same file that failed before it was used again.
    let left = format!("insert into media_removal select '{logo}', organizer_id from event");
    shop.ctx.db().await.unwrap().script(&left).await.unwrap();
    let again = sent(&shop, "logo.png", "image/png", bytes).await;
    shop.api("PUT", LOGO, Some(&shop.token), Some(json!({ "file": again }))).await;
    shop.work().await;
    run(&shop, Job::Sweep).await;
    assert!(there(&logo).await, "what is shown is not swept away");

    let item = seat.strip_suffix("picture/").unwrap();
    let (status, answer) = shop.api("DELETE", item, Some(&shop.token), None).await;
    assert_eq!(status, 204, "{answer}");
    assert_eq!(shop.number(waiting).await, 2);
    run(&shop, Job::Sweep).await;
    assert_eq!((there(&product).await, there(&logo).await, shop.number(waiting).await), (false, true, 0));
    shop.ctx.db().await.unwrap().script("update event set live = false").await.unwrap();
    let (status, answer) = shop.api("DELETE", "org/events/gig/", Some(&shop.token), None).await;
    assert_eq!(status, 204, "{answer}");
    assert_eq!(shop.number(waiting).await, 3, "the logo in two sizes and the copy");
    run(&shop, Job::Sweep).await;
    assert_eq!((there(&logo).await, there(&copy).await, shop.number(waiting).await), (false, false, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_drawn_too_late_leaves_nothing_behind() {
    let shop = TestShop::with_places(9).await;
    let (early, late) = (picture(ImageFormat::Png, 300, 200), picture(ImageFormat::Png, 200, 300));
    for (name, bytes) in [("early.png", &early), ("late.png", &late)] {
        let (_, sent) = post(&shop, name, "image/png", bytes.clone()).await;
        assert_eq!(shop.api("PUT", LOGO, Some(&shop.token), Some(json!({ "file": sent["id"] }))).await.0, 202);
    }
    shop.work().await;
    let (_, shown) = shop.api("GET", LOGO, Some(&shop.token), None).await;
    assert_eq!(shown["picture"]["file_name"], "late.png");
    for (bytes, is_there) in [(early, false), (late, true)] {
        let (drawn, _) = upload::picture::sizes(&bytes, "x.png", "pub/org/gig/logo").unwrap();
        for key in drawn.keys() {
            assert_eq!(shop.ctx.media().await.find(key).await.unwrap().is_some(), is_there, "{key}");
        }
    }
    assert_eq!(shop.number("select count(*) as number from media_removal").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_copy_of_a_message_leaves_no_picture_of_before_behind() {
    let shop = TestShop::with_places(9).await;
    let (early, late) = (picture(ImageFormat::Png, 300, 200), picture(ImageFormat::Png, 200, 300));
    let mut copies = Vec::new();
    for (name, bytes) in [("early.png", &early), ("late.png", &late)] {
        let (_, sent) = post(&shop, name, "image/png", bytes.clone()).await;
        assert_eq!(shop.api("PUT", LOGO, Some(&shop.token), Some(json!({ "file": sent["id"] }))).await.0, 202);
        let row = shop.ctx.db().await.unwrap().one("select id, body from outbox", &[]).await.unwrap();
        let message = serde_json::from_value(row.get("body").unwrap()).unwrap();
        copies.push(Envelope { outbox: Some(row.get("id").unwrap()), ..Envelope::unrecorded(message) });
        shop.work().await;
    }
    for copy in copies {
        let done = shop::worker::default::handle(shop.ctx, copy).await.unwrap();
        assert_eq!(done, shop::worker::Done::Duplicate);
    }
    for (bytes, is_there) in [(early, false), (late, true)] {
        let (drawn, _) = upload::picture::sizes(&bytes, "x.png", "pub/org/gig/logo").unwrap();
        for key in drawn.keys() {
            assert_eq!(shop.ctx.media().await.find(key).await.unwrap().is_some(), is_there, "{key}");
        }
    }
    assert_eq!(shop.number("select count(*) as number from media_removal").await, 0);
}
