//! What buyers see when too many are there: the page tries again by itself, without a script, and nothing counts twice.

use shop::port::{
    db::{Db, Query as _, p},
    lock::EventLock,
};

use crate::shop::{Buyer, Page, TestShop};

/// Sends a form while the event's lock is taken and a long line waits.
async fn send_into_the_crowd(shop: &TestShop, buyer: &Buyer, path: &str, form: &[(String, String)]) -> Page {
    let event = shop.gig().await.id;
    let mut other = Db::connect(shop.database_url(), None).await.unwrap();
    let tx = other.begin().await.unwrap();
    // It is held until the transaction ends.
    let taken = EventLock::acquire(&tx, event).await.map(drop);
    let line = "insert into serving_pace (event_id, batch_ms, backlog_ms, spacing_ms, next_at)
                values ($1, 500, 60000, 0, $2)
                on conflict (event_id) do update set backlog_ms = excluded.backlog_ms, next_at = excluded.next_at";
    shop.ctx.db().await.unwrap().execute(line, &[p(&event), p(&shop.ctx.now())]).await.unwrap();
    let page = buyer.post_with(&[], path, form).await;
    tx.finish(taken).await.unwrap();
    shop.ctx.db().await.unwrap().execute("delete from serving_pace", &[]).await.unwrap();
    page
}

fn leads_on_by_itself(page: &Page) -> String {
    assert_eq!(page.status, 503, "{:?} {}", page.location, page.html);
    let start = "<meta http-equiv=\"refresh\" content=\"5; url=";
    let at = page.html.find(start).unwrap_or_else(|| panic!("no refresh in {}", page.html)) + start.len();
    page.html[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_met_a_crowd_is_served_once_without_a_script() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let form = buyer.fill(&[("Ticket", 2)]).await;
    let again = leads_on_by_itself(&send_into_the_crowd(&shop, &buyer, "/org/gig/cart/add", &form).await);
    assert_eq!(again, "/org/gig/again");
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0), "nothing has happened yet");
    let answer = buyer.get(&again).await;
    assert_eq!(answer.location.as_deref(), Some("/org/gig/"), "{}", answer.html);
    assert_eq!(shop.counters().await["tickets"], (0, 0, 2));
    // Loaded once more, or sent once more, it is the same form.
    assert_eq!(buyer.get(&again).await.location.as_deref(), Some("/org/gig/"));
    buyer.send(&form).await;
    assert_eq!(shop.counters().await["tickets"], (0, 0, 2));
    // The same for the order.
    buyer.tell("ada@example.org").await;
    buyer.pay_by("manual").await;
    let form = buyer.review().await;
    let again = leads_on_by_itself(&send_into_the_crowd(&shop, &buyer, "/org/gig/checkout/confirm/", &form).await);
    let order = buyer.get(&again).await.location.unwrap();
    assert!(order.contains("/order/"), "{order}");
    assert_eq!(buyer.order(&form).await.location.as_deref(), Some(order.as_str()));
    assert_eq!(shop.number("select count(*) as number from orders").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_has_the_form() {
    let shop = TestShop::with_places(5).await;
    let (buyer, other) = (shop.buyer(), shop.buyer());
    let form = buyer.fill(&[("Ticket", 2)]).await;
    leads_on_by_itself(&send_into_the_crowd(&shop, &buyer, "/org/gig/cart/add", &form).await);
    assert_eq!(other.get("/org/gig/again").await.location.as_deref(), Some("/org/gig/"));
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0));
    // Emptying a cart is not kept for later: its page does not lead on by itself.
    buyer.send(&form).await;
    let form = buyer.fill(&[]).await;
    let page = send_into_the_crowd(&shop, &buyer, "/org/gig/cart/clear", &form).await;
    assert_eq!(page.status, 503, "{:?} {}", page.location, page.html);
    assert!(!page.says("http-equiv=\"refresh\""), "{}", page.html);
}
