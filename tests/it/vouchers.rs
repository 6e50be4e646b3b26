//! Vouchers, add-ons, bundles and dates with the real statements: through pages, and under races.

use std::sync::Arc;

use serde_json::{Value, json};
use shop::{
    boxoffice::{
        self, AddOnChoice, CartId, Draft, Line, LineVoucher, NotPlaced, Outcome, PriceMode, Product, Request, Scope,
        VoucherFault, VoucherTerms,
    },
    cart::Session,
    catalogue::Catalogue,
    id::{CartPositionId, ItemId, QuotaId, SubeventId, VoucherId},
    money::Money,
    payment::Provider,
    port::{
        codes::Codes,
        db::{Db, Query as _},
        lock::EventLock,
    },
};
use tokio::{sync::Barrier, task::JoinSet};

use crate::shop::{TestShop, document};

const RACERS: usize = 64;

/// The event of the tests with vouchers.
async fn with_vouchers(places: i64, vouchers: Value) -> Arc<TestShop> {
    let shop = TestShop::empty().await;
    let mut event = document(places);
    event["vouchers"] = vouchers;
    shop.import(&event).await;
    Arc::new(shop)
}

async fn number(shop: &TestShop, sql: &'static str) -> i64 {
    shop.number(sql).await
}

/// A product of the event by its name.
async fn product(shop: &TestShop, name: &'static str) -> Product {
    let event = shop.gig().await;
    let catalogue = Catalogue::load(&*shop.ctx.db().await.unwrap(), &event).await.unwrap();
    let named = |text: &shop::event::Localized| text.get(shop::i18n::Lang::En) == name;
    let item: ItemId = catalogue.items.iter().find(|item| named(&item.name)).unwrap().id;
    Product::undated(item, None)
}

fn cart(name: &str) -> CartId {
    CartId(name.to_owned())
}

fn euros(shop: &shop::event::Event, cents: i64) -> Money {
    Money::new(cents, shop.currency)
}

fn line(product: Product, count: i64, code: Option<&str>) -> Line {
    let voucher = code.map(|code| LineVoucher { code: code.to_owned(), unless_used_up: false });
    Line { product, count, chosen_price: None, voucher }
}

fn add(name: &str, product: Product, count: i64, code: Option<&str>) -> Request {
    Request::AddToCart { cart: cart(name), lines: vec![line(product, count, code)] }
}

fn place(name: &str, total: Money) -> Request {
    let draft = Draft {
        told: Session { email: Some("ada@example.org".to_owned()), phone: None, payment: Some(Provider::Manual) },
        locale: "en".to_owned(),
        seed: Codes::random().seed(),
    };
    Request::PlaceOrder { cart: cart(name), agreed_total: total, draft }
}

fn terms(code: &str, max_usages: i64, scope: Scope) -> VoucherTerms {
    VoucherTerms {
        code: code.to_owned(),
        max_usages,
        min_usages: 1,
        budget: None,
        valid_until: None,
        block_quota: scope != Scope::Any,
        allow_ignore_quota: false,
        price_mode: PriceMode::None,
        scope,
        date: None,
        show_hidden_items: true,
        all_addons_included: false,
        all_bundles_included: false,
    }
}

/// Asks the box office over a connection of its own, as soon as everybody has come to `start`.
async fn ask_together(shop: &TestShop, start: &Barrier, request: Request) -> Outcome {
    let event = shop.gig().await;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    let catalogue = Catalogue::load(&db, &event).await.unwrap();
    start.wait().await;
    let tx = db.begin().await.unwrap();
    let served = async {
        let now = shop.ctx.now();
        let lock = EventLock::acquire(&tx, event.id).await?;
        let (outcomes, changes) = boxoffice::serve(&lock, &event, &catalogue, &[request], now).await?;
        drop(boxoffice::write(&lock, &event, &changes, now).await?);
        Ok::<_, shop::port::db::DbError>(outcomes.into_iter().next().unwrap())
    };
    let served = served.await;
    tx.finish(served).await.unwrap()
}

async fn ask(shop: &TestShop, request: Request) -> Outcome {
    ask_together(shop, &Barrier::new(1), request).await
}

/// All of these at once.
async fn race(shop: &Arc<TestShop>, requests: Vec<Request>) -> Vec<Outcome> {
    let start = Arc::new(Barrier::new(requests.len()));
    let mut race = JoinSet::new();
    for request in requests {
        let (shop, start) = (shop.clone(), start.clone());
        race.spawn(async move { ask_together(&shop, &start, request).await });
    }
    race.join_all().await
}

fn added(outcomes: &[Outcome]) -> i64 {
    outcomes.iter().map(|outcome| if let Outcome::Cart(cart) = outcome { cart.added } else { 0 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_carts_race_for_five_uses_of_a_voucher() {
    let shop = with_vouchers(1000, json!([{"code": "FIVE", "max_usages": 5}])).await;
    let ticket = product(&shop, "Ticket").await;
    let wanted = (0..RACERS).map(|racer| add(&format!("cart{racer}"), ticket, 1, Some("five"))).collect();
    let outcomes = race(&shop, wanted).await;
    let held = number(&shop, "select count(*) as number from cart_position where voucher_id is not null").await;
    assert_eq!((added(&outcomes), held), (5, 5));
    assert_eq!(shop.counters().await["tickets"], (0, 0, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_orders_race_for_the_budget_of_a_voucher() {
    let voucher =
        json!([{"code": "TEN", "max_usages": 500, "price_mode": "subtract", "value": "10.00", "budget": "50.00"}]);
    let shop = with_vouchers(1000, voucher).await;
    let (ticket, event) = (product(&shop, "Ticket").await, shop.gig().await);
    for racer in 0..RACERS {
        ask(&shop, add(&format!("cart{racer}"), ticket, 1, Some("TEN"))).await;
    }
    let wanted = (0..RACERS).map(|racer| place(&format!("cart{racer}"), euros(&event, 1300))).collect();
    let outcomes = race(&shop, wanted).await;
    let placed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Placed { .. })).count();
    let refused = outcomes.iter().filter(|outcome| **outcome == Outcome::NotPlaced(NotPlaced::PriceChanged)).count();
    let used = number(&shop, "select sum(voucher_budget_use)::bigint as number from order_position").await;
    assert_eq!((placed, refused, used), (5, RACERS - 5, 5000));
    // Who was refused sees the full price now.
    let still = number(&shop, "select min(price)::bigint as number from cart_position where holds_stock").await;
    assert_eq!(still, 2300);
    assert_eq!(shop.counters().await["tickets"], (0, 5, RACERS as i64 - 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_and_staff_race_for_the_places_of_shared_quotas() {
    let shop = TestShop::empty().await;
    let mut event = document(1000);
    event["items"][0]["bundles"] = json!([{"bundled_item": 2, "count": 1}]);
    // The house has 12 places for everything: a seat comes with a ticket and takes two.
    event["quotas"] = json!([
        {"id": 1, "name": "house", "size": 12, "items": [1, 2]}, {"id": 2, "name": "tickets", "size": 50, "items": [2]}
    ]);
    shop.import(&event).await;
    let shop = Arc::new(shop);
    let (seat, ticket) = (product(&shop, "Seat").await, product(&shop, "Ticket").await);
    let house = QuotaId(number(&shop, "select id as number from quota where name = 'house'").await);
    let wanted = (0..RACERS as i64).map(|racer| match racer % 3 {
        0 => add(&format!("cart{racer}"), seat, 1, None),
        1 => add(&format!("cart{racer}"), ticket, 1, None),
        _ => Request::SaveVoucher { voucher: None, terms: terms(&format!("KEEP{racer}"), 1, Scope::Quota(house)) },
    });
    let outcomes = race(&shop, wanted.collect()).await;
    let kept = outcomes.iter().filter(|outcome| **outcome == Outcome::VoucherSaved).count() as i64;
    let refused = Outcome::VoucherRefused(VoucherFault::NoRoom(house));
    assert!(outcomes.contains(&refused), "somebody found the house full");
    let carts = shop.counters().await["house"].2;
    assert_eq!(carts + kept, 12, "{carts} in carts, {kept} kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_is_redeemed_on_its_page() {
    let vouchers = json!([
        {"code": "Friends", "max_usages": 2, "price_mode": "percent", "value": "50.00", "item": 2, "block_quota": true},
        {"code": "OLD", "valid_until": "2020-01-01T00:00:00Z"}
    ]);
    let shop = with_vouchers(3, vouchers).await;
    let buyer = shop.buyer();
    assert!(buyer.shop().await.says("Redeem a voucher"));
    // One ticket is left for those without a voucher.
    assert!(buyer.add(&[("Ticket", 3)]).await.says("not available in the number you wanted: Ticket."));
    let friend = shop.buyer();
    assert!(friend.shop().await.says("Reserved"));
    let page = friend.get("/org/gig/redeem?voucher=friends").await;
    assert!(page.status == 200 && page.says("€11.50") && page.says("<del>") && page.says("FRIENDS"), "{}", page.html);
    assert!(!page.says(">Seat<"), "only what the voucher is good for");
    let field = crate::shop::Buyer::field(&page, "Ticket");
    let tokens = ["csrf", "form_token", "_voucher_code"].map(|name| (name.to_owned(), page.hidden(name)));
    let form: Vec<_> = tokens.into_iter().chain([(field, "2".to_owned())]).collect();
    let page = friend.send(&form).await;
    assert!(page.says("have been added") && page.says("Voucher: FRIENDS") && page.says("€23.00"));
    friend.tell("ada@example.org").await;
    friend.pay_by("manual").await;
    let form = friend.review().await;
    assert!(friend.order(&form).await.location.unwrap().contains("/order/"));
    assert_eq!(shop.counters().await["tickets"], (0, 2, 1));
    assert_eq!(number(&shop, "select redeemed as number from voucher where code = 'FRIENDS'").await, 2);
    for (code, message) in [("friends", "used up"), ("OLD", "no longer valid"), ("NOBODY", "not known")] {
        let answer = friend.get(&format!("/org/gig/redeem?voucher={code}")).await;
        assert_eq!(answer.location.as_deref(), Some("/org/gig/"));
        assert!(friend.shop().await.says(message), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_is_used_for_what_is_in_the_cart() {
    let shop = with_vouchers(5, json!([{"code": "LESS", "price_mode": "subtract", "value": "3.00"}])).await;
    let buyer = shop.buyer();
    let page = buyer.add(&[("Ticket", 2)]).await;
    let (csrf, form_token) = (page.hidden("csrf"), page.hidden("form_token"));
    let send = async |code: &str| {
        let fields = [("csrf", csrf.as_str()), ("form_token", form_token.as_str()), ("voucher", code)];
        buyer.post("/org/gig/cart/voucher", &fields).await;
        buyer.shop().await
    };
    assert!(send("WRONG").await.says("not known"));
    let page = send("less").await;
    assert!(page.says("The voucher has been applied to 1 product.") && page.says("could only be used for 1 product"));
    assert!(page.says("€20.00") && page.says("€43.00") && page.says("Voucher: LESS"));
    assert_eq!(shop.counters().await["tickets"], (0, 0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_and_add_ons_become_positions_of_the_order_below_their_own() {
    let shop = TestShop::empty().await;
    let mut event = document(9);
    event["categories"] = json!([{"id": 1, "name": "Extras", "is_addon": true}]);
    event["items"].as_array_mut().unwrap().extend([
        json!({"id": 3, "name": "Drink", "default_price": "4.00"}),
        json!({"id": 4, "name": "Book", "default_price": "9.00", "category": 1}),
    ]);
    event["items"][1]["bundles"] = json!([{"bundled_item": 3, "count": 2, "designated_price": "4.00"}]);
    event["items"][1]["addons"] = json!([{"addon_category": 1, "max_count": 2, "multi_allowed": true}]);
    let counted = json!({"id": 3, "name": "rest", "size": 9, "items": [3, 4]});
    event["quotas"].as_array_mut().unwrap().push(counted);
    shop.import(&event).await;
    let (ticket, book) = (product(&shop, "Ticket").await, product(&shop, "Book").await);
    let event = shop.gig().await;
    assert_eq!(added(&[ask(&shop, add("a", ticket, 1, None)).await]), 1);
    let base = number(&shop, "select id as number from cart_position where addon_to is null").await;
    let chosen = vec![AddOnChoice { product: book, count: 2, chosen_price: None }];
    let choose = Request::SetAddOns { cart: cart("a"), chosen: vec![(CartPositionId(base), chosen)] };
    assert_eq!(added(&[ask(&shop, choose).await]), 2);
    assert_eq!(shop.counters().await["rest"], (0, 0, 4));
    let placed = ask(&shop, place("a", euros(&event, 2300 + 2 * 900))).await;
    assert!(matches!(placed, Outcome::Placed { .. }), "{placed:?}");
    let below = "select count(*) as number from order_position op join order_position parent on parent.id = op.addon_to
                  where parent.positionid = 1 and (op.is_bundled and op.positionid in (2, 3) and op.price = 400
                                                   or not op.is_bundled and op.positionid in (4, 5) and op.price = 900)";
    assert_eq!(number(&shop, below).await, 4);
    assert_eq!(number(&shop, "select price as number from order_position where positionid = 1").await, 1500);
    assert_eq!((shop.counters().await["rest"], shop.counters().await["tickets"]), ((0, 4, 0), (0, 1, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_deleted_voucher_keeps_the_counters_true() {
    let shop = with_vouchers(5, json!([{"code": "KEEP", "max_usages": 3, "quota": 2, "block_quota": true}])).await;
    let ticket = product(&shop, "Ticket").await;
    let kept = || number(&shop, "select vouchers as number from quota_counter order by quota_id desc limit 1");
    ask(&shop, add("a", ticket, 1, Some("KEEP"))).await;
    assert_eq!((kept().await, shop.counters().await["tickets"]), (3, (0, 0, 0)));
    let id = VoucherId(number(&shop, "select id as number from voucher").await);
    let quota = QuotaId(number(&shop, "select max(id) as number from quota").await);
    let change = |terms| Request::SaveVoucher { voucher: Some(id), terms };
    let too_many = ask(&shop, change(terms("KEEP", 6, Scope::Quota(quota)))).await;
    assert_eq!(too_many, Outcome::VoucherRefused(VoucherFault::NoRoomForMore(quota)));
    assert_eq!(ask(&shop, change(terms("KEEP", 3, Scope::Any))).await, Outcome::VoucherSaved);
    assert_eq!((kept().await, shop.counters().await["tickets"]), (0, (0, 0, 1)));
    assert_eq!(ask(&shop, Request::DeleteVoucher { voucher: id }).await, Outcome::VoucherDeleted);
    assert_eq!(number(&shop, "select count(*) as number from cart_position").await, 0);
    assert_eq!(shop.counters().await["tickets"], (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_voucher_gives_its_places_back() {
    let shop = with_vouchers(5, json!([])).await;
    let (ticket, now) = (product(&shop, "Ticket").await, shop.ctx.now());
    let quota = QuotaId(number(&shop, "select max(id) as number from quota").await);
    let valid_until = Some(now.plus_seconds(60));
    let voucher = VoucherTerms { valid_until, ..terms("SOON", 4, Scope::Quota(quota)) };
    assert_eq!(ask(&shop, Request::SaveVoucher { voucher: None, terms: voucher }).await, Outcome::VoucherSaved);
    ask(&shop, add("a", ticket, 2, Some("SOON"))).await;
    assert_eq!(added(&[ask(&shop, add("b", ticket, 5, None)).await]), 1);
    shop.clock.advance_seconds(61);
    assert_eq!(added(&[ask(&shop, add("c", ticket, 5, None)).await]), 2);
    assert_eq!(shop.counters().await["tickets"], (0, 0, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_date_of_a_series_has_its_places_its_prices_and_its_end() {
    let shop = TestShop::empty().await;
    let mut event = document(5);
    event["event"]["has_subevents"] = json!(true);
    event["event"]["live"] = json!(false);
    event["subevents"] = json!([
        {"id": 1, "name": "First", "active": true, "date_from": "2999-06-01T18:00:00Z",
         "item_price_overrides": [{"item": 2, "price": "19.00"}]},
        {"id": 2, "name": "Second", "active": true, "date_from": "2999-06-02T18:00:00Z",
         "item_price_overrides": [{"item": 1, "disabled": true}]},
        {"id": 3, "name": "Not yet", "active": true, "date_from": "2999-06-03T18:00:00Z", "presale_start": "2998-01-01T00:00:00Z"}
    ]);
    event["quotas"] = json!([
        {"id": 1, "name": "first", "size": 2, "items": [1, 2], "subevent": 1},
        {"id": 2, "name": "second", "size": 3, "items": [1, 2], "subevent": 2},
        {"id": 3, "name": "third", "size": 3, "items": [1, 2], "subevent": 3}
    ]);
    shop.import(&event).await;
    let (seat, ticket) = (product(&shop, "Seat").await, product(&shop, "Ticket").await);
    let ids = shop.ctx.db().await.unwrap().query("select id from subevent order by date_from", &[]).await.unwrap();
    let ids: Vec<SubeventId> = ids.iter().map(|row| row.get("id").unwrap()).collect();
    let on = |product: Product, date: usize| Product { date: Some(ids[date]), ..product };
    let cases = [(ticket, 0, 2), (ticket, 1, 3), (seat, 1, 0), (ticket, 2, 0)];
    for (place, (product, date, count)) in cases.into_iter().enumerate() {
        let outcome = ask(&shop, add(&format!("cart{place}"), on(product, date), 5, None)).await;
        assert_eq!(added(&[outcome]), count, "product {place} on date {date}");
    }
    assert_eq!(added(&[ask(&shop, add("none", ticket, 1, None)).await]), 0, "a series sells dates");
    let prices = "select sum(price)::bigint as number from cart_position";
    assert_eq!(number(&shop, prices).await, 2 * 1900 + 3 * 2300);
    let total = euros(&shop.gig().await, 3 * 2300);
    assert!(matches!(ask(&shop, place("cart1", total)).await, Outcome::Placed { .. }));
    let counters = shop.counters().await;
    assert_eq!((counters["first"], counters["second"], counters["third"]), ((0, 0, 2), (0, 3, 0), (0, 0, 0)));
    let dated = "select count(*) as number from order_position op join subevent s on s.id = op.subevent_id where s.name->>'en' = 'Second'";
    assert_eq!(number(&shop, dated).await, 3);
}
