//! What follows a sale: mails, tickets, payment, expiry. Workers are run by hand, so that each step can be seen.

use std::time::{Duration, Instant};

use serde_json::json;
use shop::{
    boxoffice::Uses,
    event::settings::fault,
    outbox::{Envelope, Job, Message, SENDS_MAX},
    port::{
        db::Query,
        queue::{Queue, Queues},
    },
};

use crate::{
    shop::{TestShop, code_of, document},
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
    let staff: Vec<_> = mails.iter().filter(|mail| mail.to.contains("team@org.example")).collect();
    assert_eq!((staff.len(), mails.len()), (1, 2));
    // The buyer's page is the buyer's.
    let leads_to = |path: &str| staff[0].text.contains(path) || staff[0].html.contains(path);
    assert!(leads_to("/org/gig/") && !leads_to("/order/"));
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
async fn an_order_that_cannot_expire_keeps_no_places_of_others() {
    let shop = TestShop::with_places(5).await;
    let mut orders = Vec::new();
    for _ in 0..4 {
        orders.push(shop.buyer().buy(&[("Ticket", 1)], Some("banktransfer")).await);
    }
    crate::bulk::break_order(&shop, code_of(&orders[1])).await;
    shop.clock.advance_seconds(20 * 24 * 3600);
    run(&shop, Job::ExpireOrders).await;
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0));
    for (number, order) in orders.iter().enumerate() {
        assert_eq!(shop.buyer().get(order).await.says("was not paid in time"), number != 1, "{order}");
    }
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
    let claimed = shop::mail::sql::claim(&tx, id, shop.ctx.now()).await;
    tx.finish(claimed).await.unwrap();
    drop(db);
    shop.work().await;
    assert!(!shop.mails().iter().any(|mail| mail.to.contains("ada@example.org")), "somebody else has it");
    shop.clock.advance_seconds(shop::mail::CLAIM_STALE_SECONDS + 1);
    run(&shop, Job::RequeueMails).await;
    assert_eq!(shop.mails().iter().filter(|mail| mail.to.contains("ada@example.org")).count(), 1);
}

/// What the row of the only mail of a kind says: state, attempts, seconds until it is due.
async fn mail_row(shop: &TestShop, kind: &str) -> (String, i32, i64) {
    let sql = "select state, attempts, retry_at from mail where kind = $1";
    let row = shop.ctx.db().await.unwrap().one(sql, &[shop::port::db::p(&kind)]).await.unwrap();
    let due = shop.ctx.now().seconds_until(row.get("retry_at").unwrap());
    (row.get("state").unwrap(), row.get("attempts").unwrap(), due)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_not_taken_is_tried_again_by_plan() {
    let shop = TestShop::with_places(5).await;
    // Neither a folder nor the beginning of one: every try fails for now.
    let folder = shop.ctx.config().mail.clone();
    let shop::config::MailTransport::Folder(folder) = folder else { panic!("tests write to a folder") };
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.work().await;
    let kind = "order_placed";
    assert_eq!(shop.number("select count(*) as number from outbox").await, 0, "the row alone drives what follows");
    for (attempt, seconds) in [(1, 60), (2, 300), (3, 600), (4, 1200), (5, 1800), (6, 3600), (7, 3600)] {
        let (state, attempts, due) = mail_row(&shop, kind).await;
        assert_eq!((state.as_str(), attempts), ("awaiting_retry", attempt));
        assert!((seconds - 30..=seconds).contains(&due), "{due} of {seconds}");
        // Neither a copy of the message nor the job hurries it.
        let id = shop.number("select id as number from mail where kind = 'order_placed'").await;
        let copy = Envelope::unrecorded(Message::SendMail { mail: shop::id::MailId(id) }).body();
        shop.ctx.queues().await.send(Queue::Mail, &[copy]).await;
        run(&shop, Job::RequeueMails).await;
        assert_eq!(mail_row(&shop, kind).await.1, attempt);
        shop.clock.advance_seconds(seconds + 1);
        run(&shop, Job::RequeueMails).await;
    }
    std::fs::remove_file(&folder).unwrap();
    shop.clock.advance_seconds(3601);
    run(&shop, Job::RequeueMails).await;
    assert_eq!(mail_row(&shop, kind).await.0, "sent");
    assert_eq!(shop.mails().iter().filter(|mail| mail.to.contains("ada@example.org")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_given_up_by_its_age() {
    let shop = TestShop::with_places(5).await;
    let shop::config::MailTransport::Folder(folder) = shop.ctx.config().mail.clone() else { panic!("a folder") };
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.clock.advance_seconds(shop::mail::GIVE_UP_SECONDS + 1);
    shop.work().await;
    assert_eq!(mail_row(&shop, "order_placed").await.0, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_with_tickets_waits_for_them() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.lose_queues().await;
    shop.clock.advance_seconds(3600);
    run(&shop, Job::RequeueMails).await;
    assert_eq!(mail_row(&shop, "order_free").await.0, "waiting");
    run(&shop, Job::RelayOutbox).await;
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.to.contains("ada@example.org")).unwrap();
    assert_eq!(mail.attachments.len(), 1);
    assert_eq!(mail_row(&shop, "order_free").await.0, "sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_without_tickets_that_nobody_draws() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.lose_queues().await;
    shop.clock.advance_seconds(shop::mail::WAIT_SECONDS + 1);
    run(&shop, Job::RequeueMails).await;
    let mails = shop.mails();
    let mail = mails.iter().find(|mail| mail.to.contains("ada@example.org")).unwrap();
    assert!(mail.attachments.is_empty());
    run(&shop, Job::RelayOutbox).await;
    assert_eq!(shop.mails().iter().filter(|mail| mail.to.contains("ada@example.org")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_worker_of_the_present_try_says_how_it_ended() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let mut db = shop.ctx.db().await.unwrap();
    let (id, now) = (db.one("select id from mail", &[]).await.unwrap().get("id").unwrap(), shop.ctx.now());
    for attempt in 1..=2 {
        let tx = db.begin().await.unwrap();
        let claimed = shop::mail::sql::claim(&tx, id, now).await;
        assert_eq!(tx.finish(claimed).await.unwrap().unwrap().attempt, attempt);
        if attempt == 1 {
            shop::mail::sql::take_due(&*db, shop::mail::Class::First, now.plus_seconds(121), 10).await.unwrap();
        }
    }
    shop::mail::sql::mark_sent(&*db, id, 1, None, now).await.unwrap();
    shop::mail::sql::mark_failed(&*db, id, 1, "late").await.unwrap();
    shop::mail::sql::mark_retry(&*db, id, 1, "late", now).await.unwrap();
    let state: String = db.one("select state from mail", &[]).await.unwrap().get("state").unwrap();
    assert_eq!(state, "inflight");
    shop::mail::sql::mark_sent(&*db, id, 2, None, now).await.unwrap();
    let state: String = db.one("select state from mail", &[]).await.unwrap().get("state").unwrap();
    assert_eq!(state, "sent");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_holds_nothing_up() {
    let shop = TestShop::with_places(5).await;
    let foreign = "insert into outbox (queue, body, created_at, due_at)
                   values ('mail', '{\"kind\": \"mail.fold\"}', now(), now() - interval '1 day')";
    shop.ctx.db().await.unwrap().execute(foreign, &[]).await.unwrap();
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.lose_queues().await;
    shop.clock.advance_seconds(121);
    run(&shop, Job::RelayOutbox).await;
    assert_eq!(shop.mails().len(), 2);
    assert_eq!(shop.number("select count(*) as number from outbox").await, 1, "the row stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_slows_down_and_stops() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    let mut begun = shop.ctx.now();
    let mut waits = Vec::new();
    while waits.len() < 20 {
        let row = shop.ctx.db().await.unwrap();
        let due = row.one("select max(due_at) as due, max(sends) as sends from outbox", &[]).await.unwrap();
        drop(row);
        let Some(at) = due.get::<Option<shop::time::Timestamp>>("due").unwrap() else {
            assert_eq!(due.get::<i32>("sends").unwrap(), SENDS_MAX);
            break;
        };
        waits.push((begun.seconds_until(at) + 5) / 10 * 10);
        shop.clock.advance_seconds(shop.ctx.now().seconds_until(at) + 1);
        begun = shop.ctx.now();
        assert_eq!(shop::outbox::relay(shop.ctx, begun).await.unwrap(), 2);
    }
    assert_eq!(waits, [120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600, 3600]);
    // What made it fail was mended.
    shop.lose_queues().await;
    shop::outbox::forget_sent(&*shop.ctx.db().await.unwrap()).await.unwrap();
    run(&shop, Job::RelayOutbox).await;
    assert_eq!(shop.mails().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_goes_on_until_nothing_is_due() {
    let shop = TestShop::empty().await;
    let many = "insert into outbox (queue, body, created_at, due_at)
                select 'mail', '{\"kind\": \"mail.send\", \"mail\": 1}', now(), now() from generate_series(1, 1200)";
    shop.ctx.db().await.unwrap().execute(many, &[]).await.unwrap();
    shop.clock.advance_seconds(1);
    assert_eq!(shop::outbox::relay(shop.ctx, shop.ctx.now()).await.unwrap(), 1200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_with_a_name_and_a_wrong_one_stop_no_mail() {
    let zone = jiff::tz::TimeZone::UTC;
    for (contact, fine) in
        [("info@example.org", true), ("Box Office <info@example.org>", true), ("", true), ("us", false)]
    {
        assert_eq!(fault("contact_mail", &json!(contact), &zone).is_none(), fine, "{contact}");
        let shop = TestShop::with_places(5).await;
        let set = "update event set settings = settings || jsonb_build_object('contact_mail', $1)";
        shop.ctx.db().await.unwrap().execute(set, &[shop::port::db::p(&contact)]).await.unwrap();
        shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
        shop.work().await;
        assert_eq!(mail_row(&shop, "order_placed").await.0, "sent", "{contact}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_does_not_answer_is_not_waited_for() {
    let shop = TestShop::empty().await;
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut config = shop.ctx.config().clone();
    config.aws.endpoint_sqs = Some(format!("http://{}", silent.local_addr().unwrap()));
    let begun = Instant::now();
    let bodies = vec!["a message".to_owned(); 30];
    assert!(Queues::new(&config).send(Queue::Mail, &bodies).await.is_empty());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_place_of_a_quota_is_somewhere() {
    let shop = TestShop::empty().await;
    let mut event = document(9);
    event["vouchers"] = json!([
        {"code": "KEPT", "max_usages": 3, "block_quota": true, "item": 2},
        {"code": "OPEN", "max_usages": 3, "item": 2}
    ]);
    shop.import(&event).await;
    shop.buyer().buy(&[("Ticket", 2)], Some("manual")).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.buyer().add(&[("Ticket", 1), ("Seat", 4)]).await;
    let event = shop.gig().await.id;
    let ledger = shop::boxoffice::audit::ledger(&*shop.ctx.db().await.unwrap(), event).await.unwrap();
    let told: Vec<_> =
        ledger.iter().map(|it| (it.name.as_str(), it.size, it.counted, it.free, it.has_drifted())).collect();
    let seats = Uses { paid: 1, carts: 4, ..Uses::default() };
    let tickets = Uses { pending: 2, vouchers: 3, carts: 1, ..Uses::default() };
    assert_eq!(told, [("seats", Some(9), seats, Some(4), false), ("tickets", Some(9), tickets, Some(3), false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_finds_counters_that_differ() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let audit = async || shop::worker::background::audit_stock(shop.ctx, shop.ctx.now()).await.unwrap();
    assert_eq!(audit().await, 0);
    let wrong = "update quota_counter set pending = pending + 1 where pending > 0";
    shop.ctx.db().await.unwrap().execute(wrong, &[]).await.unwrap();
    assert_eq!(audit().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_carts_are_swept_though_nobody_comes() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().add(&[("Seat", 2)]).await;
    assert_eq!(shop.counters().await["seats"], (0, 0, 2));
    shop.clock.advance_seconds(15 * 24 * 3600);
    run(&shop, Job::Sweep).await;
    assert_eq!(shop.counters().await["seats"], (0, 0, 0));
    assert_eq!(shop.number("select count(*) as number from cart_position").await, 0);
}

pub async fn run(shop: &TestShop, job: Job) {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_without_a_ticket_that_is_not_in_the_bucket() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    let db = shop.ctx.db().await.unwrap();
    let key: String = db.one("select object_key from ticket_file", &[]).await.unwrap().get("object_key").unwrap();
    shop.ctx.media().await.delete(&key).await.unwrap();
    db.script("update mail set state = 'queued' where kind = 'order_free'").await.unwrap();
    drop(db);
    let id = shop.number("select id as number from mail where kind = 'order_free'").await;
    let again = Envelope::unrecorded(Message::SendMail { mail: shop::id::MailId(id) }).body();
    shop.ctx.queues().await.send(Queue::Mail, &[again]).await;
    shop.work().await;
    let sent = "select count(*) as number from mail where kind = 'order_free' and state = 'sent'";
    assert_eq!(shop.number(sent).await, 1);
    let mails = shop.mails();
    assert!(mails.iter().any(|mail| mail.to.contains("ada@example.org") && mail.attachments.is_empty()), "{mails:?}");
}
