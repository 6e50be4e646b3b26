//! The dress rehearsal, at a shop that runs here.

use std::time::Duration;

use serde_json::json;
use tests::rehearsal::{End, Plan, Refusal, form, play, report, sum_up};

use crate::{api_catalogue::Program, shop::TestShop};

fn plan(shop: &TestShop, buyers: usize) -> Plan {
    let url = format!("{}/org/gig/", shop.url);
    Plan { url, buyers, within: Duration::from_millis(200), patience: Duration::from_secs(30) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_is_refused_where_tickets_are_real() {
    let shop = TestShop::with_places(5).await;
    assert!(matches!(play(&plan(&shop, 3), |_| ()).await, Err(Refusal::NotInTestMode(_))));
    assert!(matches!(play(&plan(&shop, 0), |_| ()).await, Err(Refusal::Buyers(0))));
    assert!(matches!(play(&plan(&shop, 1_000_000), |_| ()).await, Err(Refusal::Buyers(_))));
    let nowhere = Plan { url: format!("{}/org/nothing/", shop.url), ..plan(&shop, 1) };
    assert!(matches!(play(&nowhere, |_| ()).await, Err(Refusal::NoShop(..))));
    assert_eq!(shop.number("select count(*) as number from cart_position").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_an_order_or_an_honest_no_and_the_report_says_so() {
    let shop = TestShop::with_places(5).await;
    let api = Program::new(&shop, "org/events/gig/");
    api.done("PATCH", "", json!({ "testmode": true })).await;
    // Else whoever finds no seat any more takes a ticket.
    let ticket = api.get("items/?search=Ticket").await["results"][0]["id"].clone();
    api.done("PATCH", &format!("items/{ticket}/"), json!({ "active": false })).await;
    let plan = plan(&shop, 8);
    let visits = play(&plan, |_| ()).await.unwrap();
    let orders = visits.iter().filter(|visit| visit.end == End::Order).count();
    assert_eq!((orders, visits.len()), (5, 8), "{visits:?}");
    assert_eq!(shop.number("select count(*) as number from orders where testmode").await, 5);
    let summary = sum_up(&visits);
    assert!(summary.holds && summary.ends["an honest no: sold out"] == 3, "{summary:?}");
    let html = report::html(&plan, &visits, &summary);
    assert!(html.contains("Yes: everybody got an order") && html.matches("<svg").count() == 2, "{html}");
}

#[test]
fn forms_are_filled_as_somebody_without_a_script_does() {
    let page = r##"<form action="/else/"><input name="q" value="1"></form><form class="a" method="post" action="/x?a=1&#38;b=2">
        <input type="hidden" name="csrf" value="k"><input type="email" name="email" value="" required>
        <input type="radio" name="pay" value="bank" required><input type="radio" name="pay" value="cash" required>
        <input type="checkbox" name="news" value="yes"><input type="checkbox" name="terms" value="yes" required>
        <input type="number" name="item_7" value="0"><input type="number" name="item_8" value="0">
        <input type="file" name="card"><select name="size"><option value="">?</option><option value="m">M</option></select>
        <textarea name="note"></textarea></form>"##;
    let answers = form::Answers { email: "ada@example.org".to_owned() };
    let filled = form::fill(page, &["class=\"a\""], &answers).unwrap();
    let said: Vec<(&str, &str)> = filled.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(filled.action, "/x?a=1&b=2");
    assert_eq!(
        said,
        [
            ("csrf", "k"),
            ("email", "ada@example.org"),
            ("pay", "bank"),
            ("terms", "yes"),
            ("item_7", "1"),
            ("size", "m"),
            ("note", "Rehearsal")
        ]
    );
}
