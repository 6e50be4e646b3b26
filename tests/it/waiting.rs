//! Requests that wait for the holder of the lock: whoever gives up, fails or dies in the middle hears the truth and
//! harms nobody else.

use std::time::{Duration, Instant};

use shop::{
    boxoffice::{Request, SubmitError, Ticket},
    id::EventId,
    port::{
        db::{Db, DbError, Query as _, p},
        lock::EventLock,
    },
};
use tests::boxoffice::crowd::{Gig, added};

use crate::shop::TestShop;

/// Leaves a request as a buyer does who finds the lock taken.
async fn leave(db: &Db, event: EventId, ticket: &Ticket) {
    let leave = "insert into waiting_request (event_id, form_token, request, deadline)
                 values ($1, $2, $3, now() + interval '1 hour')";
    let request = serde_json::to_value(&ticket.request).unwrap();
    db.execute(leave, &[p(&event), p(&ticket.key), p(&request)]).await.unwrap();
}

async fn eventually(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !happened().await {
        assert!(begun.elapsed() < Duration::from_secs(5), "not within five seconds: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

const WAITING: &str = "select count(*) as number from waiting_request";
const IN_CARTS: &str = "select count(*) as number from cart_position";

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_while_a_batch_begins_is_not_served() {
    let shop = TestShop::with_places(5).await;
    let gig = Gig::find(&shop.ctx.db().await.unwrap()).await;
    let (other, beside) = (shop.sandbox(), Db::connect(shop.database_url(), None).await.unwrap());
    let (early, holder) = (gig.add("early", 1), gig.add("holder", 1));
    leave(&beside, gig.event.id, &early).await;
    // The holder has read who waits and stands before the outcomes; in this moment the other one gives up.
    beside.script("begin; lock table form_outcome in access exclusive mode").await.unwrap();
    let serving = gig.submit(other, &holder);
    let giving_up = async {
        let stands = "select count(*) as number from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        eventually("the batch stands", async || shop.number(stands).await == 1).await;
        let withdraw = "delete from waiting_request where form_token = $1";
        let withdrawn = shop.ctx.db().await.unwrap().execute(withdraw, &[p(&early.key)]).await.unwrap();
        beside.script("commit").await.unwrap();
        withdrawn
    };
    let (served, withdrawn) = tokio::join!(serving, giving_up);
    assert_eq!((served.unwrap(), withdrawn), (added(1), 1));
    assert_eq!(shop.number(IN_CARTS).await, 1, "nobody hears of the other place");
    assert_eq!(shop.counters().await["seats"], (0, 0, 1));
    // It comes again: now it is served.
    assert_eq!(gig.submit(other, &early).await.unwrap(), added(1));
}

/// During a deploy, an order may be in a state that only a newer program knows.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_fails_for_whoever_asks_for_it_only() {
    let shop = TestShop::with_places(5).await;
    let gig = Gig::find(&shop.ctx.db().await.unwrap()).await;
    let (strange, good) = (shop.sandbox(), shop.sandbox());
    shop.buyer().buy(&[("Seat", 1)], None).await;
    let db = Db::connect(shop.database_url(), None).await.unwrap();
    db.script("alter table orders drop constraint orders_status; update orders set status = 'to come'").await.unwrap();
    let order = db.one("select id from orders", &[]).await.unwrap().get("id").unwrap();
    let expire = Ticket { key: "strange-order".to_owned(), request: Request::ExpireOrder { order } };
    let bread = gig.add("bread", 1);
    // The strange one waits when the good one gets the lock.
    leave(&db, gig.event.id, &expire).await;
    assert_eq!(gig.submit(good, &bread).await.unwrap(), added(1));
    let SubmitError::Db(error) = gig.submit(strange, &expire).await.unwrap_err() else { panic!("another refusal") };
    assert!(!error.to_string().contains("ada@example.org"), "{error}");
    assert_eq!(shop.number(IN_CARTS).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_served_fails_for_whoever_made_it_only() {
    let shop = TestShop::with_places(5).await;
    let gig = Gig::find(&shop.ctx.db().await.unwrap()).await;
    let (poisoned, good) = (shop.sandbox(), shop.sandbox());
    // The position that it would insert is refused by the database, and only this one.
    let refuse = "alter table cart_position add constraint poison check (cart_id <> 'poison')";
    shop.ctx.db().await.unwrap().script(refuse).await.unwrap();
    // Somebody holds the lock, so that both have to wait.
    let mut beside = Db::connect(shop.database_url(), None).await.unwrap();
    let tx = beside.begin().await.unwrap();
    // The value may go at once: the transaction holds the lock.
    EventLock::acquire(&tx, gig.event.id).await.unwrap();
    let (poison, bread) = (gig.add("poison", 1), gig.add("bread", 1));
    let holding = async {
        eventually("both wait", async || shop.number(WAITING).await == 2).await;
        tx.finish(Ok::<_, DbError>(())).await.unwrap();
    };
    let (refused, served, ()) = tokio::join!(gig.submit(poisoned, &poison), gig.submit(good, &bread), holding);
    assert!(
        matches!(&refused, Err(SubmitError::Db(DbError::Constraint { name, .. })) if name == "poison"),
        "{refused:?}"
    );
    assert_eq!(served.unwrap(), added(1));
    // It spoils no later batch either.
    let poisonous = "select count(*) as number from waiting_request where request::text like '%poison%'";
    assert_eq!(shop.number(poisonous).await, 0);
    assert_eq!(shop.counters().await["seats"], (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_lets_go_of_the_lock_at_once() {
    let shop = TestShop::with_places(5).await;
    let gig = Gig::find(&shop.ctx.db().await.unwrap()).await;
    let other = shop.sandbox();
    let mut db = shop.ctx.db().await.unwrap();
    let tx = db.begin().await.unwrap();
    EventLock::acquire(&tx, gig.event.id).await.unwrap();
    // What a panic in a handler does, or a gateway that hangs up. The sandbox is not used again.
    drop(tx);
    let begun = Instant::now();
    assert_eq!(gig.submit(other, &gig.add("next", 1)).await.unwrap(), added(1));
    assert!(begun.elapsed() < Duration::from_secs(3), "the next buyer waited for {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_whose_clock_is_ahead_serves_nobody_twice_and_nobody_wrongly() {
    let shop = TestShop::with_places(5).await;
    let gig = Gig::find(&shop.ctx.db().await.unwrap()).await;
    let early = gig.add("early", 1);
    leave(&shop.ctx.db().await.unwrap(), gig.event.id, &early).await;
    // For this holder nobody waits for the request any more.
    shop.clock.advance_seconds(2 * 3600);
    assert_eq!(gig.submit(shop.sandbox(), &gig.add("holder", 1)).await.unwrap(), added(1));
    assert_eq!(shop.counters().await["seats"], (0, 0, 1));
    // Whoever still waits for it comes again, and is served once.
    for _ in 0..2 {
        assert_eq!(gig.submit(shop.sandbox(), &early).await.unwrap(), added(1));
    }
    assert_eq!(shop.counters().await["seats"], (0, 0, 2));
}
