//! Selling, as buyers see it: through the HTTP front, with forms and cookies, without script.

use std::sync::Arc;

use serde_json::json;
use shop::{boxoffice::CartId, cart::Session, port::db::Query as _};
use tokio::sync::Barrier;

use crate::shop::{TestShop, code_of, document};

const ADDED: &str = "The products have been added to your cart.";

#[tokio::test(flavor = "multi_thread")]
async fn a_free_order_is_confirmed_at_once() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Seat", 2)], None).await;
    let page = buyer.get(&order).await;
    assert_eq!(page.status, 200);
    assert!(page.says("Confirmed") && page.says(code_of(&order)));
    assert_eq!(shop.counters().await["seats"], (2, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_the_money() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Ticket", 1)], Some("banktransfer")).await;
    let page = buyer.get(&order).await;
    assert!(page.says("Payment pending") && page.says("€23.00") && page.says("DE89 3704 0044 0532 0130 00"));
    assert!(page.says(&format!("GIG-{}", code_of(&order))), "the reference for the transfer");
    assert_eq!(shop.counters().await["tickets"], (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_four_buyers_for_five_places() {
    let shop = TestShop::with_places(5).await;
    let start = Arc::new(Barrier::new(24));
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let (buyer, start) = (shop.buyer(), start.clone());
        race.spawn(async move {
            let form = buyer.fill(&[("Seat", 1)]).await;
            start.wait().await;
            if !buyer.send(&form).await.says(ADDED) {
                return false;
            }
            buyer.tell("ada@example.org").await;
            let form = buyer.review().await;
            buyer.order(&form).await.location.is_some_and(|location| location.contains("/order/"))
        });
    }
    let winners = race.join_all().await.into_iter().filter(|won| *won).count();
    let sold = shop.number("select count(*) as number from order_position").await;
    assert_eq!((winners, sold), (5, 5));
    assert_eq!(shop.counters().await["seats"], (5, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_possible_is_added_and_the_rest_is_told() {
    let shop = TestShop::with_places(3).await;
    let page = shop.buyer().add(&[("Seat", 5)]).await;
    assert!(page.says("These products are not available in the number you wanted: Seat."));
    assert_eq!(shop.counters().await["seats"], (0, 0, 3));
    // All three are in a cart now: nobody else gets one, and the page says so.
    let page = shop.buyer().shop().await;
    assert!(page.says("Reserved") && !page.says("Number of Seat\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_counted_by_two_quotas_needs_room_in_both() {
    let shop = TestShop::empty().await;
    let mut event = document(5);
    event["quotas"] = json!([
        {"id": 1, "name": "house", "size": 4, "items": [1, 2]}, {"id": 2, "name": "tickets", "size": 3, "items": [2]}
    ]);
    shop.import(&event).await;
    shop.buyer().add(&[("Seat", 2)]).await;
    let page = shop.buyer().add(&[("Ticket", 3)]).await;
    assert!(page.says("not available in the number you wanted: Ticket."));
    let counters = shop.counters().await;
    assert_eq!((counters["house"], counters["tickets"]), ((0, 0, 4), (0, 0, 2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_comes_twice_acts_once() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let form = buyer.fill(&[("Seat", 2)]).await;
    // A double click: both arrive without a cart cookie.
    let (first, second) = tokio::join!(buyer.send(&form), buyer.send(&form));
    assert!(first.says(ADDED) && second.says(ADDED));
    assert_eq!(shop.counters().await["seats"], (0, 0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_on_order_shows_the_same_order() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    buyer.tell("ada@example.org").await;
    let form = buyer.review().await;
    let (first, second) = tokio::join!(buyer.order(&form), buyer.order(&form));
    let third = buyer.order(&form).await;
    assert!(first.location.as_ref().unwrap().contains("/order/"), "{first:?}");
    assert_eq!(first.location, second.location);
    assert_eq!(first.location, third.location);
    assert_eq!(shop.number("select count(*) as number from orders").await, 1);
    assert_eq!(shop.number("select count(*) as number from mail").await, 1);
    assert_eq!(shop.counters().await["seats"], (1, 0, 0));
}

/// What a buyer tells stays in the browser until there is an order.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_for_one_cart_says_nothing_about_another() {
    let shop = TestShop::with_places(5).await;
    let event = shop.gig().await;
    let (buyer, signer) = (shop.buyer(), shop::session::Signer(&shop.ctx.config().secret_key));
    buyer.add(&[("Seat", 1)]).await;
    let cart = shop.ctx.db().await.unwrap().one("select cart_id from cart_position", &[]).await.unwrap();
    let (cart, other) = (CartId(cart.get("cart_id").unwrap()), CartId("another".to_owned()));
    let told = Session { email: Some("ada@example.org".to_owned()), ..Session::default() };
    let pair = |cookie: String| cookie.split(';').next().unwrap().to_owned();
    let own = pair(signer.told_cookie(&event, &cart, &told, false));
    let forged = own.replacen("onsale_told=e", "onsale_told=f", 1);
    for (cookie, status) in
        [(own.clone(), 200), (pair(signer.told_cookie(&event, &other, &told, false)), 303), (forged, 303)]
    {
        assert!(cookie.starts_with("onsale_told="));
        let cookies = format!("{}; {cookie}", pair(signer.cart_cookie(&event, &cart, false)));
        let client = crate::shop::http_client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let confirm = client.get(format!("{}/org/gig/checkout/confirm/", shop.url)).header("cookie", cookies);
        assert_eq!(confirm.send().await.unwrap().status().as_u16(), status, "{cookie}");
    }
    // The order takes it away: the next cart of this browser begins with nothing.
    buyer.tell("ada@example.org").await;
    let form = buyer.review().await;
    buyer.order(&form).await;
    buyer.add(&[("Seat", 1)]).await;
    assert!(!buyer.get("/org/gig/checkout/questions/").await.says("ada@example.org"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cart_can_be_changed() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let page = buyer.add(&[("Seat", 2)]).await;
    let (csrf, id) = (page.hidden("csrf"), page.hidden("id"));
    let answer = buyer.post("/org/gig/cart/remove", &[("csrf", &csrf), ("id", &id)]).await;
    assert_eq!(answer.location.as_deref(), Some("/org/gig/"));
    assert_eq!(shop.counters().await["seats"], (0, 0, 1));
    // Somebody else's position is not taken away.
    let other = shop.buyer();
    let page = other.add(&[("Ticket", 1)]).await;
    let foreign = buyer.shop().await.hidden("id");
    other.post("/org/gig/cart/remove", &[("csrf", &page.hidden("csrf")), ("id", &foreign)]).await;
    assert_eq!(shop.counters().await["seats"], (0, 0, 1));
    buyer.post("/org/gig/cart/clear", &[("csrf", &csrf)]).await;
    assert_eq!(shop.counters().await["seats"], (0, 0, 0));
    assert!(buyer.shop().await.says("Your cart is now empty."));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_cart_gives_its_places_to_the_next_buyer() {
    let shop = TestShop::with_places(1).await;
    let first = shop.buyer();
    first.add(&[("Seat", 1)]).await;
    first.tell("ada@example.org").await;
    let form = first.review().await;
    shop.clock.advance_seconds(31 * 60);
    // Still free: the first one may still order, and the reservation begins anew.
    let page = first.post("/org/gig/cart/extend", &[("csrf", &form[0].1)]).await;
    assert_eq!(page.status, 303);
    assert_eq!(shop.counters().await["seats"], (0, 0, 1));
    shop.clock.advance_seconds(31 * 60);
    assert!(shop.buyer().add(&[("Seat", 1)]).await.says(ADDED));
    let answer = first.order(&form).await;
    assert_eq!(answer.location.as_deref(), Some("/org/gig/"), "the place is gone");
    assert!(first.shop().await.says("were removed from your cart"));
    assert_eq!(shop.number("select count(*) as number from orders").await, 0);
    assert_eq!(shop.counters().await["seats"], (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_form_comes_back_with_the_message_at_the_field_and_the_input_kept() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 1)]).await;
    let page = buyer.tell("ada@nowhere").await;
    assert_eq!(page.status, 400);
    assert!(
        page.says("Please enter an email address")
            && page.says("value=\"ada@nowhere\"")
            && page.says("value=\"Ada Lovelace\"")
    );
    assert!(page.says("aria-invalid=\"true\"") && page.says("id=\"email-error\""));
    // Nothing was kept: the next step leads back.
    assert_eq!(buyer.get("/org/gig/checkout/payment/").await.location.as_deref(), Some("/org/gig/checkout/questions/"));
    buyer.tell("ada@example.org").await;
    let page = buyer.pay_by("barter").await;
    assert!(page.status == 400 && page.says("Please choose how you would like to pay."));
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_wishes_are_refused_with_a_message() {
    let shop = TestShop::with_places(50).await;
    let buyer = shop.buyer();
    assert!(buyer.add(&[("Seat", 0)]).await.says("Please choose at least one product."));
    assert!(buyer.add(&[("Seat", 21)]).await.says("You cannot have more than 20 products in an order."));
    assert!(buyer.add(&[("Seat", -1)]).await.says("Please choose at least one product."));
    let mut form = buyer.fill(&[("Seat", 1)]).await;
    form[2].0 = "item_999999".to_owned();
    assert!(buyer.send(&form).await.says("not for sale"));
    assert_eq!(shop.counters().await["seats"], (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_somebody_else_does_nothing() {
    let shop = TestShop::with_places(5).await;
    let (buyer, other) = (shop.buyer(), shop.buyer());
    let page = buyer.add(&[("Seat", 1)]).await;
    other.add(&[("Ticket", 1)]).await;
    let foreign = buyer.shop().await.hidden("csrf");
    let answer = other.post("/org/gig/cart/clear", &[("csrf", &foreign)]).await;
    assert!(answer.status == 403 && answer.says("This form is too old"));
    assert_eq!(other.post("/org/gig/cart/clear", &[]).await.status, 403);
    assert_eq!(shop.counters().await["tickets"], (0, 0, 1));
    assert_eq!(page.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_looks_the_same_and_reveals_nothing() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Seat", 1)], None).await;
    let wrong_secret = format!("/org/gig/order/{}/aaaaaaaaaaaaaaaa/", code_of(&order));
    let pages = [
        "/nobody/",
        "/org/nothing/",
        "/org/gig/order/ZZZZZ/aaaaaaaaaaaaaaaa/",
        &wrong_secret,
        "/org/gig/what/is/this/",
    ];
    let mut bodies = std::collections::BTreeSet::new();
    for path in pages {
        let page = buyer.get(path).await;
        assert!(page.status == 404 && page.says("Page not found"), "{path}");
        bodies.insert(page.html);
    }
    assert_eq!(bodies.len(), 1, "the same page for everything that is not there");
    assert_eq!(buyer.get("/org/gig").await.location.as_deref(), Some("/org/gig/"));
    assert_eq!(buyer.get("/ORG/Gig/").await.location.as_deref(), Some("/org/gig/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused() {
    let shop = TestShop::with_places(5).await;
    let long = "x".repeat(300_000);
    let answer = shop.buyer().post("/org/gig/cart/add", &[("csrf", &long)]).await;
    assert!(answer.status == 413 && answer.says("larger than we can take"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_not_live_is_closed() {
    let shop = TestShop::empty().await;
    let mut event = document(5);
    event["event"]["live"] = json!(false);
    shop.import(&event).await;
    let page = shop.buyer().shop().await;
    assert!(page.status == 403 && page.says("Shop offline"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_the_readers_language() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let answer = buyer.get("/locale/set?locale=de&next=/org/gig/").await;
    assert_eq!(answer.location.as_deref(), Some("/org/gig/"));
    let page = buyer.shop().await;
    assert!(page.says("lang=\"de\"") && page.says("Das Konzert"));
    assert_eq!(buyer.get("/locale/set?locale=de&next=//evil.example/").await.location.as_deref(), Some("/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_price_stays_what_the_buyer_chose() {
    let shop = TestShop::empty().await;
    let mut event = document(50);
    event["tax_rules"][0]["price_includes_tax"] = json!(false);
    event["items"][1]["default_price"] = json!("10.00");
    event["items"][1]["free_price"] = json!(true);
    event["items"][1]["tax_rule"] = json!(1);
    shop.import(&event).await;
    let buyer = shop.buyer();
    let mut form = buyer.fill(&[("Ticket", 1)]).await;
    let price = form[2].0.replace("item_", "price_");
    form.push((price, "15.00".to_owned()));
    let page = buyer.send(&form).await;
    assert!(page.says("€15.00"), "with tax, as every price of this shop");
    // One more at the same price, and the same price after the reservation was renewed.
    let again = page.html.split("action=\"/org/gig/cart/add\"").nth(1).unwrap();
    let again = crate::shop::Page { status: 200, location: None, html: again.to_owned() };
    let (item, price) = (&form[2].0, &form[3].0);
    let fields = ["csrf", "form_token", item, price].map(|name| (name.to_owned(), again.hidden(name)));
    assert!(buyer.send(&fields).await.says("€30.00"));
    for _ in 0..3 {
        shop.clock.advance_seconds(31 * 60);
        let csrf = buyer.shop().await.hidden("csrf");
        buyer.post("/org/gig/cart/extend", &[("csrf", &csrf)]).await;
        assert!(buyer.shop().await.says("€30.00"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scarcest_quota_is_the_one_that_is_shown() {
    let shop = TestShop::empty().await;
    let mut event = document(5);
    event["settings"]["show_quota_left"] = json!(true);
    event["quotas"] = json!([
        {"id": 1, "name": "all", "size": null, "items": [1, 2]}, {"id": 2, "name": "tickets", "size": 3, "items": [2]}
    ]);
    shop.import(&event).await;
    let page = shop.buyer().shop().await;
    assert!(page.says("3 currently available") && page.says("max=\"3\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_closes_when_sold_out_stays_closed() {
    let shop = TestShop::empty().await;
    let mut event = document(1);
    event["quotas"][1]["close_when_sold_out"] = json!(true);
    shop.import(&event).await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 1)]).await;
    assert!(shop.buyer().shop().await.says("Reserved"), "a cart does not close it");
    buyer.tell("ada@example.org").await;
    buyer.pay_by("manual").await;
    let form = buyer.review().await;
    buyer.order(&form).await;
    let closed =
        "select count(*) as number from quota q join action_log l on l.object_type = 'quota' and l.object_id = q.id
                   where q.closed and l.action = 'pretix.event.quota.closed'";
    assert_eq!(shop.number(closed).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_choose_the_cart_of_another_browser() {
    let shop = TestShop::with_places(5).await;
    let attacker = shop.buyer().fill(&[("Seat", 1)]).await;
    let victim = shop.buyer();
    let csrf = victim.shop().await.hidden("csrf");
    // Without a form token, with one that was made up, and with one of another event there is no cart to share.
    for token in ["", "aaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaa.00000000000000000000000000000000"] {
        let fields = [("csrf", csrf.as_str()), ("form_token", token), (attacker[2].0.as_str(), "1")];
        assert_eq!(victim.post("/org/gig/cart/add", &fields).await.status, 403);
    }
    // A form that another site sends is refused, even with tokens that are genuine.
    for (header, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        let answer = victim.post_with(&[(header, value)], "/org/gig/cart/add", &attacker).await;
        assert_eq!(answer.status, 403, "{header}: {value}");
    }
    assert_eq!(shop.counters().await["seats"], (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_corrected_once() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    for (path, right) in [("/ORG/%67ig/", "/org/gig/"), ("/Org/gig/checkout/start?x=1", "/org/gig/checkout/start?x=1")]
    {
        assert_eq!(buyer.get(path).await.location.as_deref(), Some(right));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_term_at_the_end_of_time_is_no_problem() {
    let shop = TestShop::empty().await;
    let mut event = document(5);
    event["settings"]["payment_term_last"] = json!("9999-12-30");
    shop.import(&event).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("manual")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_price_is_never_guessed() {
    let shop = TestShop::empty().await;
    let mut event = document(50);
    event["items"][1]["free_price"] = json!(true);
    shop.import(&event).await;
    let buyer = shop.buyer();
    let add = async |price: &str| {
        let mut form = buyer.fill(&[("Ticket", 1)]).await;
        let item = form.iter().find(|(name, _)| name.starts_with("item_")).unwrap().0.clone();
        form.retain(|(name, _)| !name.starts_with("price"));
        form.push((item.replace("item_", "price_"), price.to_owned()));
        buyer.send(&form).await
    };
    for price in ["1,000", "1.000", "1,000.00", "many", "-1"] {
        assert!(add(price).await.says("Please enter a number as the price."), "{price}");
    }
    for price in ["100000000000", "99999999999999999999"] {
        assert!(add(price).await.says("The price you entered is too high."), "{price}");
    }
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0));
    for price in ["30,50", "2000000000.00"] {
        assert!(add(price).await.says(ADDED), "{price}");
    }
    let sum = shop.number("select sum(price)::bigint as number from cart_position").await;
    assert_eq!(sum, 3050 + 200_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_day_of_payments_nothing_is_reserved() {
    let shop = TestShop::empty().await;
    let mut event = document(5);
    event["settings"]["payment_term_last"] = json!(shop.ctx.now().plus_seconds(24 * 3600).to_string()[..10]);
    shop.import(&event).await;
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    let form = buyer.fill(&[("Seat", 1)]).await;
    shop.clock.advance_seconds(3 * 24 * 3600);
    let page = buyer.send(&form).await;
    assert!(page.says("All payments for this event must be in by now"), "{}", page.html);
    let csrf = [("csrf", form[0].1.as_str())];
    assert_eq!(buyer.post("/org/gig/cart/extend", &csrf).await.status, 303);
    assert!(buyer.shop().await.says("All payments for this event must be in by now"));
    assert_eq!(shop.number("select count(*) as number from cart_position").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_one_line_without_control_characters() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    buyer.add(&[("Ticket", 1)]).await;
    let path = "/org/gig/checkout/questions/";
    let page = buyer.get(path).await;
    let name = page.html.split("name=\"pos_").skip(1).map(|rest| rest.split('"').next().unwrap());
    let name = format!("pos_{}", name.clone().find(|name| name.ends_with("_name")).unwrap());
    let csrf = page.hidden("csrf");
    let form = [("csrf", csrf.as_str()), ("email", "ada@example.org"), (name.as_str(), "Ada\r\nLove\u{7}lace\u{1b}")];
    assert_eq!(buyer.post(path, &form).await.status, 303);
    let stored = "select count(*) as number from cart_position where attendee_name = 'Ada Lovelace'";
    assert_eq!(shop.number(stored).await, 1);
    // What has nothing else in it is empty.
    assert_eq!(buyer.post(path, &[form[0], form[1], (name.as_str(), "\u{7}\u{1b}")]).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_longer_than_any_of_ours_are_refused() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    let order = buyer.buy(&[("Seat", 1)], None).await;
    buyer.add(&[("Seat", 1)]).await;
    buyer.tell("ada@example.org").await;
    let mut form = buyer.review().await;
    // Hardly compressible, so that it would be too large for a row of an index.
    let long: String =
        (0..30_000_u64).map(|n| char::from(b'a' + (n * n * 2_654_435_761 % 1_000_003 % 26) as u8)).collect();
    form[1].1 = format!("{}{long}", form[1].1);
    assert_eq!(buyer.order(&form).await.status, 403);
    assert_eq!(shop.number("select count(*) as number from orders").await, 1);
    let long = &long[..5_000];
    let (code, secret) = (code_of(&order), order.trim_end_matches('/').rsplit('/').next().unwrap());
    for path in [
        format!("/org/gig/order/{long}/{secret}/"),
        format!("/org/gig/order/{code}/{long}/"),
        format!("/org/gig/order/{code}%00/{secret}/"),
        format!("{order}open/{long}/"),
        format!("{order}download/{long}/pdf/"),
        format!("/org/{long}/"),
        format!("/{long}/"),
    ] {
        assert_eq!(buyer.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_from_before_the_order_leads_back_to_the_shop() {
    let shop = TestShop::with_places(5).await;
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    let old = buyer.fill(&[("Seat", 1)]).await;
    buyer.tell("ada@example.org").await;
    let form = buyer.review().await;
    assert_eq!(buyer.order(&form).await.status, 303);
    assert!(buyer.send(&old).await.says("That page was too old, so nothing was changed."));
    assert_eq!(shop.counters().await["seats"], (1, 0, 0));
    assert!(buyer.add(&[("Seat", 1)]).await.says(ADDED));
}
