//! What buyers take home besides single tickets: all of them in one file, and the event for their calendar.

use serde_json::json;
use shop::{
    port::db::{Db, Query as _},
    ticket,
};

use crate::{
    shop::{TestShop, code_of, http_client},
    ticket_pdf::qr_codes,
};

#[tokio::test(flavor = "multi_thread")]
async fn all_tickets_of_an_order_come_in_one_file_that_is_never_old() {
    let shop = TestShop::with_places(9).await;
    let buyer = shop.buyer();
    let single = buyer.buy(&[("Seat", 1)], None).await;
    let order = buyer.buy(&[("Seat", 3)], None).await;
    shop.work().await;
    assert!(!buyer.get(&single).await.says("/download/all/"), "one ticket needs no file for all");
    let all = format!("{order}download/all/pdf/");
    let page = buyer.get(&order).await;
    assert!(page.says(&all), "{}", page.html);
    let csrf = buyer.shop().await.hidden("csrf");
    let asked = buyer.post(&all, &[("csrf", &csrf)]).await;
    assert_eq!((asked.status, asked.location.as_deref()), (303, Some(format!("{all}?wait=yes").as_str())));
    assert_eq!(buyer.get(&all).await.status, 200, "the page that waits");
    shop.work().await;
    let fetch = async || {
        let ready = buyer.get(&all).await;
        assert_eq!(ready.status, 303);
        http_client().build().unwrap().get(ready.location.unwrap()).send().await.unwrap().bytes().await.unwrap()
    };
    let codes = qr_codes(&fetch().await);
    assert_eq!(codes.len(), 3);
    let change = "update order_position set attendee_name = 'Grace Hopper', secret = 'anothersecretofthisticket'
                   where positionid = 2 and order_id = (select max(id) from orders)";
    shop.ctx.db().await.unwrap().script(change).await.unwrap();
    assert_eq!(buyer.get(&all).await.status, 200, "the file is old");
    buyer.post(&all, &[("csrf", &csrf)]).await;
    shop.work().await;
    let codes = qr_codes(&fetch().await);
    assert_eq!((codes.len(), codes[1].as_str()), (3, "anothersecretofthisticket"));
    let stranger = all.replace("/order/", "/order/X");
    assert_eq!(buyer.get(&stranger).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_goes_into_a_calendar() {
    let shop = TestShop::with_places(5).await;
    assert!(shop.buyer().shop().await.says("href=\"/org/gig/ical/\""));
    let answer = http_client().build().unwrap().get(format!("{}/org/gig/ical/", shop.url)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], "text/calendar; charset=utf-8");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"gig.ics\"");
    let file = answer.text().await.unwrap();
    assert!(file.starts_with("BEGIN:VCALENDAR\r\n") && file.contains("\r\nDTSTART:29990601T180000Z\r\n"), "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_drawn_before_a_change_is_not_taken_for_the_ticket() {
    let shop = TestShop::with_places(5).await;
    let order = shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    let event = shop.gig().await;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    let id = db.one("select id from orders", &[]).await.unwrap().get("id").unwrap();
    let drawn = shop::order::by_id(&db, &event, id).await.unwrap().unwrap();
    let files = ticket::files(&db, &event, &drawn).await.unwrap();
    // A worker has drawn it and not recorded it yet, when staff changes the order.
    db.script("delete from ticket_file").await.unwrap();
    shop.clock.advance_seconds(1);
    let path = format!("org/events/gig/orders/{}/change/", code_of(&order));
    let position = drawn.live_positions().next().unwrap().id;
    let body = json!({ "patch_positions": [{ "position": position, "body": { "price": "0.00" } }],
                       "create_fees": [{ "fee_type": "service", "value": "0.00" }] });
    let (status, answer) = shop.api("POST", &path, Some(&shop.token), Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    let now = shop.ctx.now();
    let tx = db.begin().await.unwrap();
    let recorded = ticket::sql::record(&tx, event.id, &files, drawn.modified_at, now).await;
    assert!(tx.finish(recorded).await.is_err());
    // The worker tries again, and draws the order as it is.
    shop.work().await;
    assert_eq!(shop.number("select count(*) as number from ticket_file").await, 1);
}
