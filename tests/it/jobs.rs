//! Periodic jobs: one run of each at a time, and what they clear away.

use serde_json::json;
use shop::{
    job,
    outbox::{Envelope, Job, Message},
    port::{db::Query as _, queue::Queue},
    ticket,
};

use crate::{
    after_sale::run,
    shop::{TestShop, document, http_client},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_has_one_run_at_a_time_and_a_dead_one_is_not_waited_for_for_ever() {
    let shop = TestShop::empty().await;
    let begin = async || job::begin(&*shop.ctx.db().await.unwrap(), Job::Sweep, shop.ctx.now()).await.unwrap();
    let dead = begin().await.expect("nobody is at it");
    assert!(begin().await.is_none());
    run(&shop, Job::Sweep).await;
    let last = || async { job::last_runs(&*shop.ctx.db().await.unwrap()).await.unwrap().remove(0) };
    assert_eq!((last().await.runs, last().await.ended_at), (1, None), "the message was dropped");
    shop.clock.advance_seconds(91);
    let next = begin().await.expect("the last run is dead");
    // It was not dead after all: what it says counts no more.
    job::end(&*shop.ctx.db().await.unwrap(), &dead, None, shop.ctx.now()).await.unwrap();
    assert!(begin().await.is_none());
    job::end(&*shop.ctx.db().await.unwrap(), &next, Some("no room"), shop.ctx.now()).await.unwrap();
    assert_eq!((last().await.runs, last().await.succeeded_at), (2, None));
    assert_eq!(last().await.last_error.as_deref(), Some("no room"));
    run(&shop, Job::Sweep).await;
    let last = last().await;
    assert_eq!((last.runs, last.last_error, last.busy_until), (3, None, None));
    assert_eq!(last.succeeded_at, last.ended_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_workers_one_runs_a_job() {
    let shop = TestShop::empty().await;
    let claims = (0..8).map(|_| {
        let (ctx, now) = (shop.sandbox(), shop.ctx.now());
        tokio::spawn(
            async move { job::begin(&*ctx.db().await.unwrap(), Job::AuditStock, now).await.unwrap().is_some() },
        )
    });
    let mut begun = 0;
    for claim in claims.collect::<Vec<_>>() {
        begun += u32::from(claim.await.unwrap());
    }
    assert_eq!(begun, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn drawn_tickets_are_kept_for_three_days_and_drawn_again_when_somebody_asks() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Seat", 2)], None).await;
    shop.work().await;
    let all = format!("{order}download/all/pdf/");
    let csrf = buyer.shop().await.hidden("csrf");
    buyer.post(&all, &[("csrf", &csrf)]).await;
    shop.work().await;
    let files = "select count(*) as number from (select object_key from ticket_file
                  union all select object_key from order_ticket_file) f";
    assert_eq!(shop.number(files).await, 3);
    run(&shop, Job::Sweep).await;
    assert_eq!(shop.number(files).await, 3, "it is not time yet");

    shop.clock.advance_seconds(ticket::KEEP_SECONDS + 60);
    run(&shop, Job::Sweep).await;
    assert_eq!(shop.number(files).await, 0);
    let ticket = format!("{order}download/1/pdf/");
    assert_eq!(buyer.get(&ticket).await.status, 200, "the page that asks for it");
    let csrf = buyer.shop().await.hidden("csrf");
    buyer.post(&ticket, &[("csrf", &csrf)]).await;
    shop.work().await;
    let ready = buyer.get(&ticket).await;
    assert_eq!(ready.status, 303);
    let file = http_client().build().unwrap().get(ready.location.unwrap()).send().await.unwrap();
    assert!(file.bytes().await.unwrap().starts_with(b"%PDF"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_says_so_and_comes_again() {
    let shop = TestShop::empty().await;
    shop.ctx.db().await.unwrap().script("alter table outbox rename to outbox_away").await.unwrap();
    let body = Envelope::unrecorded(Message::Periodic { job: Job::RelayOutbox }).body();
    shop.ctx.queues().await.send(Queue::Background, &[body]).await;
    shop.work().await;
    let runs = job::last_runs(&*shop.ctx.db().await.unwrap()).await.unwrap();
    assert!(runs[0].last_error.is_some() && runs[0].busy_until.is_none());
    shop.ctx.db().await.unwrap().script("alter table outbox_away rename to outbox").await.unwrap();
    run(&shop, Job::RelayOutbox).await;
    let runs = job::last_runs(&*shop.ctx.db().await.unwrap()).await.unwrap();
    assert!(runs[0].last_error.is_none() && runs[0].succeeded_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_every_open_shop_waits_at_the_edge() {
    let shop = TestShop::with_places(5).await;
    shop.buyer().add(&[("Seat", 1)]).await;
    run(&shop, Job::PublishShops).await;
    let url = format!("{}/pub/shops/org/gig/index.html", shop.url);
    let fetch = async || http_client().build().unwrap().get(&url).send().await.unwrap();
    let copy = fetch().await;
    assert_eq!(copy.headers()["content-type"], "text/html; charset=utf-8");
    let html = copy.text().await.unwrap();
    assert!(html.contains("<h1>The Gig</h1>") && html.contains("Ticket") && html.contains("€23.00"), "{html}");
    assert!(html.contains("The shop is hard to reach right now."));
    let sends = ["<button", "name=\"csrf\" value=\"\"", "<select", "type=\"number\""];
    assert_eq!(sends.map(|part| html.contains(part)), [false, true, false, false], "there is nothing to send: {html}");
    let hash = "select hash from shop_snapshot";
    let hash = async || shop.ctx.db().await.unwrap().one(hash, &[]).await.unwrap().get::<String>("hash").unwrap();
    let first = hash().await;
    shop.clock.advance_seconds(300);
    run(&shop, Job::PublishShops).await;
    assert_eq!(hash().await, first, "the same page for everybody at any time");
    shop.ctx.db().await.unwrap().script("update event set name = '{\"en\": \"The New Gig\"}'").await.unwrap();
    shop.clock.advance_seconds(300);
    run(&shop, Job::PublishShops).await;
    assert!(fetch().await.text().await.unwrap().contains("<h1>The New Gig</h1>"));

    shop.ctx.db().await.unwrap().script("update event set live = false").await.unwrap();
    run(&shop, Job::PublishShops).await;
    assert_eq!(fetch().await.status().as_u16(), 404, "a shop that is closed has no copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_be_removed_keeps_no_other_shop_from_being_copied() {
    let shop = TestShop::with_places(5).await;
    let mut closed = document(5);
    closed["event"]["slug"] = json!("closed");
    shop.import(&closed).await;
    run(&shop, Job::PublishShops).await;
    // No bucket takes such a key.
    let broken = "update event set live = false where slug = 'closed';
                  update shop_snapshot set object_key = 'x' || repeat('y', 2000)
                   where event_id = (select id from event where slug = 'closed');
                  update event set name = '{\"en\": \"The New Gig\"}' where slug = 'gig'";
    shop.ctx.db().await.unwrap().script(broken).await.unwrap();
    shop.clock.advance_seconds(300);
    run(&shop, Job::PublishShops).await;
    let copy =
        http_client().build().unwrap().get(format!("{}/pub/shops/org/gig/index.html", shop.url)).send().await.unwrap();
    assert!(copy.text().await.unwrap().contains("<h1>The New Gig</h1>"));
    assert_eq!(shop.number("select count(*) as number from shop_snapshot").await, 2, "it is tried again");
}
