//! Mails: whose words they say, what goes with them, how fast they go, and what becomes of them.

use std::collections::VecDeque;

use serde_json::{Value, json};
use shop::{
    ctx::Ctx,
    event::settings::fault,
    id::MailId,
    mail::{self, Class, Kind, pace},
    outbox::{Envelope, Message},
    port::{
        clock::Clock,
        db::{Db, Query as _, p},
        queue::Queue,
    },
    time::Timestamp,
    worker,
};

use crate::shop::{TestShop, code_of, document};

/// A shop whose event has these settings too.
async fn with_settings(settings: &[(&str, Value)]) -> TestShop {
    let shop = TestShop::empty().await;
    let mut event = document(9);
    event["event"]["location"] = json!({"en": "Harbour Hall; Quay 1, Hamburg"});
    for (key, value) in settings {
        event["settings"][*key] = value.clone();
    }
    shop.import(&event).await;
    shop
}

fn to_buyer(shop: &TestShop) -> local::mailbox::Mail {
    shop.mails().into_iter().find(|mail| mail.to.contains("ada@example.org")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisers_own_words_are_sent_in_the_readers_language() {
    let text = "Dear **{name}**,\n\npay {total_with_currency} for {event} until {expire_date}:\n\n{payment_info}\n\n{url} {code}";
    let shop = with_settings(&[
        ("mail_subject_order_placed", json!({"en": "{code}: pay soon", "de": "{code}: bald zahlen"})),
        ("mail_text_order_placed", json!({"en": text, "de": "Hallo {name}"})),
    ])
    .await;
    let order = shop.buyer().buy(&[("Ticket", 1)], Some("banktransfer")).await;
    shop.work().await;
    let (mail, code) = (to_buyer(&shop), code_of(&order));
    assert_eq!(mail.subject, format!("{code}: pay soon"));
    assert!(mail.text.starts_with("Dear **Ada Lovelace**,"), "{}", mail.text);
    for said in ["€23.00 for The Gig until", "IBAN: DE89 3704 0044 0532 0130 00", &format!("GIG-{code}"), "/open/"] {
        assert!(mail.text.contains(said), "{said} in {}", mail.text);
    }
    assert!(mail.html.contains("Dear <strong>Ada Lovelace</strong>"), "{}", mail.html);
    assert!(!mail.html.contains("{name}") && !mail.html.contains("We have received your order"), "{}", mail.html);

    let order = shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    let reader = "update mail set locale = 'de' where kind = 'order_placed' and state <> 'sent'";
    shop.ctx.db().await.unwrap().script(reader).await.unwrap();
    shop.work().await;
    let subject = format!("{}: bald zahlen", code_of(&order));
    let mail = shop.mails().into_iter().find(|mail| mail.subject == subject).unwrap();
    assert!(mail.text.starts_with("Hallo Ada Lovelace"), "{}", mail.text);
}

#[test]
fn a_text_with_an_unknown_placeholder_is_not_saved() {
    let zone = jiff::tz::TimeZone::UTC;
    let why = |value: Value| fault("mail_text_order_paid", &value, &zone).map(|why| why.into_owned());
    assert_eq!(why(json!({"en": "Hello {name}", "de": "Hallo {name}"})), None);
    assert_eq!(why(json!("Hello {code} {}")), None);
    let refused = why(json!({"en": "Hello {name}", "de": "Hallo {nmae}"})).unwrap();
    assert!(refused.contains("{nmae}") && refused.contains("{name}"), "{refused}");
    let subject = fault("mail_subject_order_free", &json!("{secret}"), &zone).unwrap();
    assert!(subject.contains("{secret}"), "{subject}");
    assert_eq!(fault("frontpage_text", &json!("{anything}"), &zone), None, "braces mean nothing elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_file_goes_with_the_mail_where_it_is_wanted() {
    let shop = with_settings(&[("mail_attach_ical", json!(true)), ("mail_attach_ical_paid_only", json!(true))]).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.work().await;
    assert!(to_buyer(&shop).attachments.is_empty(), "it is not paid");
    let shop = with_settings(&[("mail_attach_ical", json!(true))]).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.work().await;
    let mail = to_buyer(&shop);
    let file = mail.attachments.iter().find(|file| file.name == "gig.ics").unwrap();
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    for line in [
        "BEGIN:VEVENT",
        "UID:onsale-org-gig-0@127.0.0.1",
        "DTSTART:29990601T180000Z",
        "DTEND:29990601T190000Z",
        "SUMMARY:The Gig",
        "LOCATION:Harbour Hall\\; Quay 1\\, Hamburg",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
    }
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
    let staff = shop.mails().into_iter().find(|mail| mail.to.contains("team@")).unwrap();
    assert!(staff.attachments.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_workers_together_never_send_more_than_the_limit_in_any_second() {
    let shop = TestShop::empty().await;
    let now = shop.ctx.now();
    let distance = 71_429;
    let workers = (0..10).map(|_| {
        let url = shop.database_url().to_owned();
        tokio::spawn(async move {
            let db = Db::connect(&url, None).await.unwrap();
            let mut turns = Vec::new();
            for _ in 0..20 {
                turns.push(pace::sql::take(&db, now, distance).await.unwrap());
            }
            turns
        })
    });
    let mut turns: Vec<Timestamp> = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        turns.extend(worker.await.unwrap());
    }
    turns.sort_unstable();
    assert_eq!((turns.len(), turns[0]), (200, now));
    assert!(turns.windows(15).all(|few| few[14].as_micros() - few[0].as_micros() > 1_000_000), "14 and no more");
    assert!(turns[199].as_micros() - now.as_micros() < 15_000_000, "and not many fewer");
}

/// A worker with a clock of its own that sleeps without taking time.
struct PacedWorker {
    ctx: &'static Ctx,
    clock: &'static Clock,
}

/// Mails of one order, written down as their causes would.
async fn write_down(shop: &TestShop, kind: Kind, count: i64, state: &str, at: Timestamp) -> VecDeque<MailId> {
    let sql = "
        insert into mail (organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
        select o.organizer_id, o.event_id, o.id, $1, 'ada@example.org', 'en', $3, $4,
               $4::timestamptz + case when $3 = 'queued' then interval '10 minutes' else interval '0' end
          from orders o, generate_series(1, $2) returning id";
    let (kind, db) = (kind.name(), shop.ctx.db().await.unwrap());
    let rows = db.query(sql, &[p(&kind), p(&count), p(&state), p(&at)]).await.unwrap();
    rows.iter().map(|row| row.get("id").unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_mails_keep_to_fourteen_a_second_and_tickets_overtake_mass_mail() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.ctx.db().await.unwrap().script("delete from mail").await.unwrap();
    let begin = shop.ctx.now();
    let workers: Vec<PacedWorker> = (0..5)
        .map(|_| {
            let clock: &'static Clock = Box::leak(Box::new(Clock::standing_at(begin)));
            PacedWorker { ctx: Box::leak(Box::new(shop.sandbox_with("MAILS_PER_SECOND", "14", clock))), clock }
        })
        .collect();
    let mut messages = VecDeque::new();
    let mut next_job = begin;
    write_down(&shop, Kind::OrderChanged, 700, "awaiting_retry", begin).await;
    let mut tickets_at = None;
    while shop.number("select count(*) as number from mail where state not in ('sent', 'failed')").await > 0 {
        // The worker whose time is the earliest is the next to do something.
        let worker = workers.iter().min_by_key(|worker| worker.clock.now()).unwrap();
        let now = worker.clock.now();
        if now >= next_job {
            next_job = now.plus_seconds(60);
            for class in [Class::First, Class::Later] {
                let db = shop.ctx.db().await.unwrap();
                messages.extend(mail::sql::take_due(&*db, class, now, 60 * 14).await.unwrap());
            }
        }
        if tickets_at.is_none() && now >= begin.plus_seconds(20) {
            tickets_at = Some(now);
            messages.extend(write_down(&shop, Kind::OrderPaid, 300, "queued", now).await);
        }
        match messages.pop_front() {
            Some(mail) => {
                let envelope = Envelope::unrecorded(Message::SendMail { mail });
                worker::mail::handle(worker.ctx, envelope).await.unwrap();
            }
            None => worker.clock.advance_seconds(1),
        }
    }
    let db = shop.ctx.db().await.unwrap();
    let rows = db.query("select kind, sent_at, attempts from mail order by sent_at", &[]).await.unwrap();
    let sent: Vec<(String, Timestamp)> =
        rows.iter().map(|row| (row.get("kind").unwrap(), row.get("sent_at").unwrap())).collect();
    assert_eq!((sent.len(), shop.mails().len()), (1000, 1000));
    for few in sent.windows(15) {
        assert!(few[14].1.as_micros() - few[0].1.as_micros() >= 1_000_000, "15 mails in a second from {}", few[0].1);
    }
    assert!(rows.iter().all(|row| row.get::<i32>("attempts").unwrap() == 1), "to be put off is no try");
    // Tickets come behind hundreds of mass mails and leave before them, at full speed.
    let tickets: Vec<usize> = (0..sent.len()).filter(|&at| sent[at].0 == Kind::OrderPaid.name()).collect();
    let (first, last) = (tickets[0], tickets[299]);
    assert!(first > 200 && last < 999, "mass mail before and after: {first}, {last}");
    assert!(last - first < 300 + 5, "{} others went between the tickets", last - first + 1 - 300);
    let waited = sent[first].1.as_micros() - tickets_at.unwrap().as_micros();
    assert!(waited <= 1_000_000, "the first ticket waited {waited} µs");
    let took = sent[last].1.as_micros() - sent[first].1.as_micros();
    assert!(took < 23_000_000, "300 tickets took {took} µs, which 14 a second do not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_is_shown_with_the_order() {
    let shop = TestShop::with_places(5).await;
    let order = shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.work().await;
    let db = shop.ctx.db().await.unwrap();
    db.script("update mail set provider_id = 'ses-' || kind").await.unwrap();
    drop(db);
    let news = json!({
        "notificationType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"diagnosticCode": "smtp; 550 unknown"}]},
        "mail": {"messageId": "ses-order_placed"}
    });
    let body = json!({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": news.to_string()}).to_string();
    let stranger = body.replace("ses-order_placed", "ses-of-another-shop");
    shop.ctx.queues().await.send(Queue::Notifications, &[body.clone(), body, stranger]).await;
    shop.work().await;
    let path = format!("org/events/gig/orders/{}/", code_of(&order));
    let (_, body) = shop.api("GET", &path, Some(&shop.token), None).await;
    let problems = body["mail_problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "told twice, shown once: {problems:?}");
    assert_eq!(problems[0]["verdict"], "bounced");
    assert_eq!(problems[0]["recipient"], "ada@example.org");
    assert_eq!(problems[0]["detail"], "smtp; 550 unknown");
}

/// What SES tells of a mail that it calls `ses-early`.
fn early_bounce() -> String {
    json!({
        "notificationType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"diagnosticCode": "smtp; 550 unknown"}]},
        "mail": {"messageId": "ses-early"}
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_may_come_before_the_name_of_its_mail_is_noted() {
    let shop = TestShop::with_places(5).await;
    let order = shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.work().await;
    let body = early_bounce();
    shop.ctx.queues().await.send(Queue::Notifications, &[body.clone(), body]).await;
    shop.work().await;
    let path = format!("org/events/gig/orders/{}/", code_of(&order));
    let problems = async || shop.api("GET", &path, Some(&shop.token), None).await.1["mail_problems"].clone();
    assert_eq!(problems().await, json!([]));
    // The worker that has sent the mail notes how the provider calls it.
    let db = shop.ctx.db().await.unwrap();
    db.script("update mail set state = 'inflight'").await.unwrap();
    let mail = db.one("select id, attempts from mail where kind = 'order_placed'", &[]).await.unwrap();
    let (mail, attempt) = (mail.get("id").unwrap(), mail.get("attempts").unwrap());
    shop::mail::sql::mark_sent(&*db, mail, attempt, Some("ses-early"), shop.ctx.now()).await.unwrap();
    assert!(shop::mail::feedback::settle(&*db, "ses-early").await.unwrap());
    assert!(!shop::mail::feedback::settle(&*db, "ses-early").await.unwrap(), "once");
    drop(db);
    let problems = problems().await;
    assert_eq!((problems.as_array().unwrap().len(), &problems[0]["verdict"]), (1, &json!("bounced")), "{problems}");
    // What nobody knows is forgotten after two weeks.
    let stranger = early_bounce().replace("ses-early", "ses-of-another-shop");
    shop.ctx.queues().await.send(Queue::Notifications, &[stranger]).await;
    shop.work().await;
    let kept = "select count(*) as number from mail_feedback_early";
    assert_eq!(shop.number(kept).await, 1);
    shop.clock.advance_seconds(15 * 24 * 3600);
    crate::after_sale::run(&shop, shop::outbox::Job::Sweep).await;
    assert_eq!(shop.number(kept).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_that_an_order_is_cancelled_which_was_taken_up_again() {
    let shop = TestShop::with_places(5).await;
    let mut told = Vec::new();
    for again in [false, true] {
        let code = code_of(&shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await).to_owned();
        shop.work().await;
        let path = |action: &str| format!("org/events/gig/orders/{code}/{action}/");
        let body = Some(json!({ "send_email": true }));
        let (status, answer) = shop.api("POST", &path("mark_canceled"), Some(&shop.token), body).await;
        assert_eq!(status, 200, "{answer}");
        if again {
            let (status, answer) = shop.api("POST", &path("reactivate"), Some(&shop.token), Some(json!({}))).await;
            assert_eq!(status, 200, "{answer}");
        }
        shop.work().await;
        told.push(shop.mails().iter().filter(|mail| mail.subject.contains("was cancelled")).count());
    }
    assert_eq!(told, [1, 1], "of the first order, not of the second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_is_shown_also_if_the_worker_dies_that_noted_the_name_of_its_mail() {
    let shop = TestShop::with_places(5).await;
    let order = shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.work().await;
    shop.ctx.queues().await.send(Queue::Notifications, &[early_bounce()]).await;
    shop.work().await;
    shop.ctx
        .db()
        .await
        .unwrap()
        .script("update mail set provider_id = 'ses-early' where kind = 'order_placed'")
        .await
        .unwrap();
    let path = format!("org/events/gig/orders/{}/", code_of(&order));
    for _ in 0..2 {
        crate::after_sale::run(&shop, shop::outbox::Job::Sweep).await;
        let problems = shop.api("GET", &path, Some(&shop.token), None).await.1["mail_problems"].clone();
        assert_eq!((problems.as_array().unwrap().len(), &problems[0]["verdict"]), (1, &json!("bounced")), "{problems}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_not_sent_twice_because_its_end_could_not_be_noted_at_once() {
    let shop = TestShop::with_places(5).await;
    // Once, as if the connection broke.
    let broken = "create sequence tries;
        create function broken() returns trigger language plpgsql as $$ begin
            if nextval('tries') = 1 then raise exception using errcode = '55P03'; end if;
            return new;
        end $$;
        create trigger broken before update on mail for each row when (new.state = 'sent') execute function broken()";
    shop.ctx.db().await.unwrap().script(broken).await.unwrap();
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
    shop.work().await;
    shop.clock.advance_seconds(shop::mail::CLAIM_STALE_SECONDS + 1);
    crate::after_sale::run(&shop, shop::outbox::Job::RequeueMails).await;
    let tries = "select sum(attempts)::bigint as number from mail where kind = 'order_placed' and state = 'sent'";
    assert_eq!(shop.number(tries).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounced_invitation_has_nowhere_to_be_shown_and_stops_nothing() {
    let shop = TestShop::with_places(5).await;
    let team = shop.number("select min(id) as number from team").await;
    let path = format!("org/teams/{team}/invites/");
    let asked = shop.api("POST", &path, Some(&shop.token), Some(json!({ "email": "lost@example.org" }))).await;
    assert_eq!(asked.0, 201, "{}", asked.1);
    shop.ctx.queues().await.send(Queue::Notifications, &[early_bounce()]).await;
    shop.work().await;
    let noted = "update mail set provider_id = 'ses-early' where kind = 'team_invite'";
    shop.ctx.db().await.unwrap().script(noted).await.unwrap();
    crate::after_sale::run(&shop, shop::outbox::Job::Sweep).await;
    let left = "select (select count(*) from mail_feedback_early) + (select count(*) from mail_feedback) as number";
    assert_eq!(shop.number(left).await, 0);
}
