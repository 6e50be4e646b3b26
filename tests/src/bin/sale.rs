//! `cargo run -p tests --bin sale -- URL`: buys a seat of the event `org/gig` of a running shop, from the first page to the
//! ticket. `cargo run -p tests --bin sale -- event` prints that event for `onsale import`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a check fails by panicking, and tells what it found")]

use std::time::{Duration, Instant};

use tests::shop::{Buyer, code_of, document, http_client};

#[tokio::main]
async fn main() {
    let argument = std::env::args().nth(1).expect("the address of the shop, or `event`");
    if argument == "event" {
        let mut event = document(100);
        event["organizer"] = serde_json::json!({ "slug": "org", "name": "Org (demo)" });
        println!("{event}");
        return;
    }
    let begun = Instant::now();
    let buyer = Buyer::visiting(argument.trim_end_matches('/'));
    assert_eq!(buyer.get("/org/gig/").await.status, 200);
    println!("first page after {} ms", begun.elapsed().as_millis());
    let order = buyer.buy(&[("Seat", 1)], None).await;
    println!("order {} after {} ms", code_of(&order), begun.elapsed().as_millis());
    let signed = loop {
        if let Some(signed) = buyer.ticket(&order).await {
            break signed;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no ticket within a minute");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let ticket = http_client().build().unwrap().get(signed).send().await.unwrap().bytes().await.unwrap();
    assert!(ticket.starts_with(b"%PDF"));
    println!("ticket of {} KB after {} ms", ticket.len() / 1024, begun.elapsed().as_millis());
}
