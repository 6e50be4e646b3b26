//! What follows a sale: mails, tickets, payment, expiry. Workers are run by hand, so that each step can be seen.

use serde_json::json;
use shop::{
    outbox::{Envelope, Job, Message},
    port::{db::Query, queue::Queue},
};

use crate::{
    shop::{TestShop, code_of},
    ticket_pdf::qr_codes,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_free_order_brings_a_mail_with_the_tickets() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Seat", 2)], None).await;
    shop.work().await;
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.to.contains("ada@example.org")).unwrap();
    assert_eq!(mail.subject, format!("Your registration {} for The Gig", code_of(&order)));
    assert_eq!(mail.attachments.len(), 2);
    let secrets = secrets(&shop, &order).await;
    let scanned: Vec<String> = mail.attachments.iter().flat_map(|file| qr_codes(&file.bytes)).collect();
    assert_eq!(scanned, secrets);
    // The staff hears of it too, and nobody else does.
    let staff = mails.iter().filter(|mail| mail.to.contains("team@org.example"));
    assert_eq!((staff.count(), mails.len()), (1, 2));
    // The link in the mail shows that the address works and leads to the order.
    let link = mail.text.split_whitespace().find(|word| word.contains("/open/")).unwrap().replacen(&shop.url, "", 1);
    assert_eq!(buyer.get(&link).await.location.as_deref(), Some(order.as_str()));
    let wrong = format!("{order}open/000000000/");
    assert_eq!(buyer.get(&wrong).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn marking_an_order_paid_sends_the_tickets() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Ticket", 1)], Some("banktransfer")).await;
    shop.work().await;
    let placed = shop.mails();
    let mail = placed.iter().find(|mail| mail.to.contains("ada@example.org")).unwrap();
    assert!(mail.attachments.is_empty() && mail.text.contains("DE89 3704 0044 0532 0130 00"));
    assert!(!buyer.get(&order).await.says("download/1/pdf/"));

    let path = format!("org/events/gig/orders/{}/mark_paid/", code_of(&order));
    let (status, body) = shop.api("POST", &path, Some(&shop.token), None).await;
    assert_eq!((status, &body["status"]), (200, &json!("p")));
    let states: Vec<_> = body["payments"].as_array().unwrap().iter().map(|p| (&p["provider"], &p["state"])).collect();
    assert_eq!(states, [(&json!("banktransfer"), &json!("canceled")), (&json!("manual"), &json!("confirmed"))]);
    assert_eq!(shop.counters().await["tickets"], (1, 0, 0));
    let (status, body) = shop.api("POST", &path, Some(&shop.token), None).await;
    assert_eq!((status, body), (400, json!({"detail": "the order is already paid."})));

    shop.work().await;
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.subject.starts_with("Payment received")).unwrap();
    assert_eq!(qr_codes(&mail.attachments[0].bytes), secrets(&shop, &order).await);

    // The order page has the download, and the file is the same ticket.
    let page = buyer.get(&order).await;
    assert!(page.says("Paid"));
    let ticket = format!("{order}download/1/pdf/");
    assert!(page.says(&format!("href=\"{ticket}\"")), "a link, because browsers let no form lead to another site");
    let signed = buyer.get(&ticket).await.location.unwrap();
    let file = crate::shop::http_client().build().unwrap().get(signed).send().await.unwrap();
    assert_eq!(qr_codes(&file.bytes().await.unwrap()), secrets(&shop, &order).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_not_ready_is_waited_for() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Seat", 1)], None).await;
    let page = buyer.get(&format!("{order}download/1/pdf/")).await;
    assert!(page.status == 200 && page.says("http-equiv=\"refresh\"") && page.says("Your ticket is being printed"));
    // Asking ends at a page of the shop, also when the file is there by then.
    let csrf = page.hidden("csrf");
    let asked = buyer.post(&format!("{order}download/1/pdf/"), &[("csrf", &csrf)]).await;
    shop.work().await;
    let page = buyer.get(&asked.location.unwrap()).await;
    assert!(page.status == 200 && page.says(&format!("; url={order}download/1/pdf/\"")));
    assert_eq!(buyer.get(&format!("{order}download/1/pdf/")).await.status, 303);
    for path in ["download/2/pdf/", "download/x/pdf/"] {
        assert_eq!(buyer.get(&format!("{order}{path}")).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_order_expires_and_gives_its_places_back() {
    let shop = TestShop::with_places(1).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Ticket", 1)], Some("banktransfer")).await;
    run(&shop, Job::ExpireOrders).await;
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0), "not before the deadline");
    shop.clock.advance_seconds(20 * 24 * 3600);
    run(&shop, Job::ExpireOrders).await;
    run(&shop, Job::ExpireOrders).await;
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0));
    assert!(buyer.get(&order).await.says("was not paid in time"));

    // Late money is accepted while there is room, and not when there is none.
    let path = format!("org/events/gig/orders/{}/mark_paid/", code_of(&order));
    shop.buyer().add(&[("Ticket", 1)]).await;
    let (status, body) = shop.api("POST", &path, Some(&shop.token), None).await;
    assert_eq!(status, 400);
    assert!(body["detail"].as_str().unwrap().contains("no room left"), "{body}");
    shop.clock.advance_seconds(3600);
    let (status, body) = shop.api("POST", &path, Some(&shop.token), Some(json!({"send_email": false}))).await;
    assert_eq!((status, &body["status"]), (200, &json!("p")));
    assert_eq!(shop.counters().await["tickets"], (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_queues_lose_nothing_and_copies_double_nothing() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.lose_queues().await;
    assert_eq!((shop.work().await, shop.mails().len()), (0, 0));
    // The relay waits until a message had its time; after a loss it need not.
    shop::outbox::forget_sent(&*shop.ctx.db().await.unwrap()).await.unwrap();
    for _ in 0..3 {
        run(&shop, Job::RelayOutbox).await;
        shop::outbox::forget_sent(&*shop.ctx.db().await.unwrap()).await.unwrap();
    }
    assert_eq!(shop.mails().len(), 2, "one for the buyer, one for the staff");
    assert_eq!(shop.number("select count(*) as number from mail where state = 'sent' and attempts = 1").await, 2);
    assert_eq!(shop.number("select count(*) as number from outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_twice_sends_one_mail() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let id = shop.number("select (body->>'mail')::bigint as number from outbox where queue = 'mail'").await;
    let message = Message::SendMail { mail: shop::id::MailId(id) };
    let copy = Envelope::unrecorded(message).body();
    shop.ctx.queues().await.send(Queue::Mail, &[copy.clone(), copy]).await;
    shop.work().await;
    let to_buyer = shop.mails().into_iter().filter(|mail| mail.to.contains("ada@example.org")).count();
    assert_eq!(to_buyer, 1);
    assert_eq!(shop.number("select sum(attempts) as number from mail where kind = 'order_placed'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_died_with_a_mail_in_hand_is_replaced() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let mut db = shop.ctx.db().await.unwrap();
    let id = db.one("select id from mail", &[]).await.unwrap().get("id").unwrap();
    let tx = db.begin().await.unwrap();
    let claimed = shop::mail::claim(&tx, id, shop.ctx.now()).await;
    tx.finish(claimed).await.unwrap();
    drop(db);
    shop.work().await;
    assert!(!shop.mails().iter().any(|mail| mail.to.contains("ada@example.org")), "somebody else has it");
    shop.clock.advance_seconds(shop::mail::CLAIM_STALE_SECONDS + 1);
    run(&shop, Job::RequeueMails).await;
    assert_eq!(shop.mails().iter().filter(|mail| mail.to.contains("ada@example.org")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_holds_nothing_up() {
    let shop = TestShop::with_places(5).await;
    let poison = ["not json".to_owned(), r#"{"v":9,"kind":"mail.send","mail":1}"#.to_owned()];
    shop.ctx.queues().await.send(Queue::Default, &poison).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    assert_eq!(shop.mails().len(), 2);
}

async fn run(shop: &TestShop, job: Job) {
    let body = Envelope::unrecorded(Message::Periodic { job }).body();
    shop.ctx.queues().await.send(Queue::Background, &[body]).await;
    shop.work().await;
}

/// The secrets of an order's positions, as the API tells them.
async fn secrets(shop: &TestShop, order: &str) -> Vec<String> {
    let path = format!("org/events/gig/orders/{}/", code_of(order));
    let (status, body) = shop.api("GET", &path, Some(&shop.token), None).await;
    assert_eq!(status, 200);
    body["positions"].as_array().unwrap().iter().map(|p| p["secret"].as_str().unwrap().to_owned()).collect()
}
