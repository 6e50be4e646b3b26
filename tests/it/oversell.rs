//! Sixty-four buyers with a connection each, and fewer places. Without the event's lock each of these fails: how far is
//! said with the commit that brought them.

use std::sync::Arc;

use serde_json::json;
use shop::boxoffice::Outcome;
use tests::boxoffice::{
    books,
    crowd::{Gig, added},
};
use tokio::sync::Barrier;

use crate::shop::{TestShop, document};

const BUYERS: usize = 64;

/// Each buyer adds one of its product, `product(number)`, in a sandbox of its own and orders what it got. Returns how many
/// got something, by product.
async fn rush(shop: &TestShop, product: fn(usize) -> usize) -> [usize; 2] {
    let gig = Arc::new(Gig::find(&shop.ctx.db().await.unwrap()).await);
    let start = Arc::new(Barrier::new(BUYERS));
    let mut race = tokio::task::JoinSet::new();
    for number in 0..BUYERS {
        let (gig, start, ctx) = (gig.clone(), start.clone(), shop.sandbox());
        race.spawn(async move {
            // Connected before it begins.
            drop(ctx.db().await.unwrap());
            start.wait().await;
            let (product, cart) = (product(number), format!("cart {number}"));
            let got = gig.submit(ctx, &gig.add_nth(product, &cart, 1)).await.unwrap() == added(1);
            if got {
                let placed = gig.submit(ctx, &gig.place(&cart)).await.unwrap();
                assert!(matches!(placed, Outcome::Placed { .. }), "{placed:?}");
            }
            (product, got)
        });
    }
    let mut got = [0; 2];
    race.join_all().await.into_iter().filter(|(_, got)| *got).for_each(|(product, _)| got[product] += 1);
    got
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_buyers_for_ten_places() {
    let shop = TestShop::with_places(10).await;
    let got = rush(&shop, |_| 0).await;
    let orders = shop.number("select count(*) as number from order_position").await;
    assert_eq!((got, orders), ([10, 0], 10));
    assert_eq!(shop.counters().await["seats"], (10, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_buyers_for_products_that_share_a_quota() {
    let shop = TestShop::empty().await;
    let mut event = document(5);
    event["items"][1]["default_price"] = json!("0.00");
    event["quotas"] = json!([
        {"id": 1, "name": "seats", "size": 9, "items": [1]},
        {"id": 2, "name": "house", "size": 12, "items": [1, 2]},
        {"id": 3, "name": "tickets", "size": 10, "items": [2]},
    ]);
    shop.import(&event).await;
    let [seats, tickets] = rush(&shop, |number| number % 2).await;
    let event = shop.gig().await.id;
    books::check(&*shop.ctx.db().await.unwrap(), event).await;
    // Thirty-two want each of them, so the house is full and neither has more than its own quota.
    assert!(seats + tickets == 12 && seats <= 9 && tickets <= 10, "{seats} seats and {tickets} tickets");
    let counters = shop.counters().await;
    assert_eq!(counters["house"], (12, 0, 0));
    assert_eq!((counters["seats"].0, counters["tickets"].0), (seats as i64, tickets as i64));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_browsers_for_ten_places() {
    let shop = TestShop::with_sandboxes(BUYERS).await;
    shop.import(&document(10)).await;
    let start = Arc::new(Barrier::new(BUYERS));
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..BUYERS {
        let (buyer, start) = (shop.buyer(), start.clone());
        race.spawn(async move {
            let form = buyer.fill(&[("Seat", 1)]).await;
            start.wait().await;
            if !buyer.send(&form).await.says("The products have been added to your cart.") {
                return false;
            }
            buyer.tell("ada@example.org").await;
            let form = buyer.review().await;
            buyer.order(&form).await.location.is_some_and(|location| location.contains("/order/"))
        });
    }
    let winners = race.join_all().await.into_iter().filter(|won| *won).count();
    let sold = shop.number("select count(*) as number from order_position").await;
    assert_eq!((winners, sold), (10, 10));
    assert_eq!(shop.counters().await["seats"], (10, 0, 0));
}
