//! Who may call what: every route as nobody, as a stranger and as the right one. What is refused changes nothing.

mod answers;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shop::{
    event, order,
    port::db::Query as _,
    routes::{Access, ROUTES},
    staff,
};

use crate::shop::{Buyer, Page, TestShop, code_of, document, make_organizer};

/// What a route answers, by who asks.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Method of the route.
    pub method: &'static str,
    /// Path template of the route.
    pub path: &'static str,
    /// Somebody with nothing: no cart, no form of this shop, no secret, no token.
    nobody: u16,
    /// Somebody with the wrong thing: of another event, browser, order or organiser.
    stranger: u16,
    /// Somebody who may.
    right: u16,
}

const fn case(method: &'static str, path: &'static str, nobody: u16, stranger: u16, right: u16) -> Case {
    Case { method, path, nobody, stranger, right }
}

/// Every route. A test compares the list with the route table.
pub const CASES: &[Case] = &[
    case("GET", "/", 200, 200, 200),
    case("GET", "/static/{file}", 200, 200, 200),
    case("GET", "/locale/set", 303, 303, 303),
    case("GET", "/{organizer}/", 200, 200, 200),
    case("GET", "/{organizer}/{event}/ical/", 200, 200, 200),
    case("GET", "/{organizer}/{event}/", 200, 200, 200),
    // The event of the test is no series.
    case("GET", "/{organizer}/{event}/{date}/", 404, 404, 404),
    case("GET", "/{organizer}/{event}/redeem", 303, 303, 303),
    case("GET", "/{organizer}/{event}/again", 303, 303, 303),
    case("POST", "/{organizer}/{event}/cart/add", 403, 403, 303),
    case("POST", "/{organizer}/{event}/cart/remove", 403, 403, 303),
    case("POST", "/{organizer}/{event}/cart/clear", 403, 403, 303),
    case("POST", "/{organizer}/{event}/cart/extend", 403, 403, 303),
    case("POST", "/{organizer}/{event}/cart/voucher", 403, 403, 303),
    case("GET", "/{organizer}/{event}/checkout/start", 303, 303, 303),
    case("GET", "/{organizer}/{event}/checkout/addons/", 303, 303, 200),
    case("POST", "/{organizer}/{event}/checkout/addons/", 403, 403, 303),
    case("GET", "/{organizer}/{event}/checkout/questions/", 303, 303, 200),
    case("POST", "/{organizer}/{event}/checkout/questions/", 403, 403, 303),
    case("GET", "/{organizer}/{event}/checkout/payment/", 303, 303, 200),
    case("POST", "/{organizer}/{event}/checkout/payment/", 403, 403, 303),
    case("GET", "/{organizer}/{event}/checkout/confirm/", 303, 303, 200),
    case("POST", "/{organizer}/{event}/checkout/confirm/", 403, 403, 303),
    case("GET", "/{organizer}/{event}/checkout/answer/{file}/", 404, 404, 303),
    case("GET", "/{organizer}/{event}/order/{code}/{secret}/", 404, 404, 200),
    case("GET", "/{organizer}/{event}/order/{code}/{secret}/open/{hash}/", 404, 404, 303),
    case("GET", "/{organizer}/{event}/order/{code}/{secret}/answer/{file}/", 404, 404, 303),
    case("GET", "/{organizer}/{event}/order/{code}/{secret}/download/{position}/pdf/", 404, 404, 303),
    case("POST", "/{organizer}/{event}/order/{code}/{secret}/download/{position}/pdf/", 403, 404, 303),
    case("GET", "/_notices/{user}/{token}/", 404, 404, 200),
    case("POST", "/_notices/{user}/{token}/", 404, 404, 303),
    case("GET", "/_invites/{invite}/{token}/", 404, 404, 200),
    case("POST", "/_invites/{invite}/{token}/", 404, 404, 303),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/bulk_actions/", 401, 403, 400),
    case("GET", "/api/v1/organizers/{organizer}/events/{event}/bulk_actions/{bulk_action}/", 401, 403, 404),
    case("GET", "/api/v1/organizers/{organizer}/events/{event}/exporters/", 401, 403, 200),
    // Without parameters there is no format, and nobody has asked for the file that the test asks for.
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/exporters/{exporter}/run/", 401, 403, 400),
    case(
        "GET",
        "/api/v1/organizers/{organizer}/events/{event}/exporters/{exporter}/download/{export}/{secret}/",
        401,
        403,
        404,
    ),
    case("GET", "/api/v1/organizers/{organizer}/events/{event}/orders/", 401, 403, 200),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/", 401, 403, 400),
    case("GET", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/", 401, 403, 200),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_paid/", 401, 403, 200),
    // The order of the test is pending, so some actions are refused to the right one too: for the order's sake.
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_canceled/", 401, 403, 200),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_pending/", 401, 403, 400),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_expired/", 401, 403, 200),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_refunded/", 401, 403, 400),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/approve/", 401, 403, 400),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/deny/", 401, 403, 400),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/extend/", 401, 403, 400),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/reactivate/", 401, 403, 400),
    case("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/change/", 401, 403, 200),
    // No file is named, and none is sent.
    case("GET", "/api/v1/organizers/{organizer}/events/{event}/logo/", 401, 403, 200),
    case("PUT", "/api/v1/organizers/{organizer}/events/{event}/logo/", 401, 403, 400),
    case("DELETE", "/api/v1/organizers/{organizer}/events/{event}/logo/", 401, 403, 204),
    case("GET", "/api/v1/organizers/{organizer}/events/{event}/items/{item}/picture/", 401, 403, 200),
    case("PUT", "/api/v1/organizers/{organizer}/events/{event}/items/{item}/picture/", 401, 403, 400),
    case("DELETE", "/api/v1/organizers/{organizer}/events/{event}/items/{item}/picture/", 401, 403, 204),
    case("POST", "/api/v1/upload", 401, 403, 400),
    case("POST", "/api/v1/uploads/", 401, 403, 400),
    case("POST", "/api/v1/uploads/{upload}/finish/", 401, 403, 404),
    case("GET", "/api/v1/organizers/{organizer}/webhooks/", 401, 403, 200),
    case("POST", "/api/v1/organizers/{organizer}/webhooks/", 401, 403, 201),
    case("GET", "/api/v1/organizers/{organizer}/webhooks/{webhook}/", 401, 403, 200),
    case("PUT", "/api/v1/organizers/{organizer}/webhooks/{webhook}/", 401, 403, 200),
    case("PATCH", "/api/v1/organizers/{organizer}/webhooks/{webhook}/", 401, 403, 200),
    case("DELETE", "/api/v1/organizers/{organizer}/webhooks/{webhook}/", 401, 403, 204),
    case("POST", "/api/v1/organizers/{organizer}/webhooks/{webhook}/rotate_secret/", 401, 403, 200),
    case("POST", "/api/v1/organizers/{organizer}/webhooks/{webhook}/replay/", 401, 403, 202),
    case("GET", "/api/v1/organizers/{organizer}/webhooks/{webhook}/deliveries/", 401, 403, 200),
    case("GET", "/api/v1/organizers/{organizer}/webhooks/{webhook}/deliveries/{delivery}/", 401, 403, 200),
    case("POST", "/api/v1/organizers/{organizer}/webhooks/{webhook}/deliveries/{delivery}/replay/", 401, 403, 202),
    case("GET", "/api/v1/openapi.json", 200, 200, 200),
    case("GET", "/api/v1/version", 401, 200, 200),
    // Everybody sees the own organiser.
    case("GET", "/api/v1/organizers/", 401, 200, 200),
    case("ANY", "$default", 404, 404, 404),
];

/// The cases of routes with such access.
fn cases(wanted: fn(Access) -> bool) -> impl Iterator<Item = &'static Case> {
    let access =
        |case: &Case| ROUTES.iter().find(|it| (it.method, it.path) == (case.method, case.path)).unwrap().access;
    CASES.iter().filter(move |case| wanted(access(case)))
}

/// Whether the right to see orders is enough.
fn reads(case: &Case) -> bool {
    cases(|access| access == Access::Token(staff::Permission::OrdersRead)).any(|it| std::ptr::eq(it, case))
}

/// What stands in a path.
#[derive(Clone, Default)]
struct Place {
    organizer: String,
    event: String,
    code: String,
    secret: String,
    hash: String,
    /// A file that is an answer.
    file: String,
}

impl Place {
    fn of(organizer: &str, event: &str) -> Self {
        Self { organizer: organizer.to_owned(), event: event.to_owned(), ..Self::default() }
    }

    /// An order by its path.
    async fn of_order(shop: &TestShop, path: &str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let [organizer, event, _, code, secret] = parts[..] else { panic!("{path}") };
        let db = shop.ctx.db().await.unwrap();
        let found = event::find(&*db, organizer, event).await.unwrap().unwrap();
        let hash = order::find(&*db, &found, code, secret).await.unwrap().unwrap().open_hash();
        drop(db);
        let file = answers::give_order_a_file(shop, code).await;
        Self { code: code.to_owned(), secret: secret.to_owned(), hash, file, ..Self::of(organizer, event) }
    }

    fn path(&self, case: &Case) -> String {
        let names = [("organizer", &self.organizer), ("event", &self.event), ("code", &self.code)];
        let secrets = [("secret", &self.secret), ("hash", &self.hash), ("file", &self.file)];
        let filled = names
            .iter()
            .chain(secrets.iter().filter(|(name, value)| *name != "file" || !value.is_empty()))
            .fold(case.path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        let filled = filled
            .replace("{exporter}", "orderlist")
            .replace("{export}", "1")
            .replace("{bulk_action}", "1")
            .replace("{item}", "1");
        filled.replace("{position}", "1").replace("{date}", "1").replace("$default", "/org/gig/what/is/this/")
    }
}

/// The same with a `Drink` for 4.00 (item 3) that can be added to each `Ticket`, up to two of them.
pub(crate) fn with_drinks(mut event: Value) -> Value {
    event["categories"] = json!([{ "id": 1, "name": "Drinks", "is_addon": true }]);
    let drink = json!({ "id": 3, "name": "Drink", "default_price": "4.00", "category": 1, "tax_rule": 1 });
    event["items"].as_array_mut().unwrap().push(drink);
    event["items"][1]["addons"] = json!([{ "addon_category": 1, "max_count": 2, "multi_allowed": true }]);
    let size = event["quotas"][0]["size"].clone();
    let quota = json!({ "id": 3, "name": "drinks", "size": size, "items": [3], "variations": [] });
    event["quotas"].as_array_mut().unwrap().push(quota);
    event
}

/// `org/gig` and `org/matinee`, and `other/gig` of another organiser; each sells the same products.
pub(crate) async fn town() -> TestShop {
    let shop = TestShop::empty().await;
    let gig = with_drinks(document(50));
    shop.import(&gig).await;
    let mut matinee = gig;
    matinee["event"]["slug"] = json!("matinee");
    shop.import(&matinee).await;
    make_organizer(shop.ctx, "other", &["*"]).await;
    let mut concert = document(50);
    concert["event"]["name"] = json!("Foreign Concert");
    concert["items"][0]["name"] = json!("Foreign Seat");
    concert["items"][1]["name"] = json!("Foreign Ticket");
    shop.import_for("other", &concert).await;
    shop
}

/// A hash over every row of every table.
pub(crate) async fn fingerprint(shop: &TestShop) -> String {
    let db = shop.ctx.db().await.unwrap();
    let tables = "select tablename::text as name from pg_tables where schemaname = 'public' order by 1";
    let tables = db.query(tables, &[]).await.unwrap();
    let select = |table: String| format!("select '{table}' as name, row::text as line from {table} as row");
    let rows: Vec<String> = tables.iter().map(|row| select(row.get("name").unwrap())).collect();
    let sql = format!(
        "select md5(string_agg(name || line, '|' order by name, line)) as hash from ({}) as rows",
        rows.join(" union all ")
    );
    db.one(Box::leak(sql.into_boxed_str()), &[]).await.unwrap().get("hash").unwrap()
}

async fn call(buyer: &Buyer, case: &Case, path: &str, form: &[(String, String)]) -> Page {
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if case.method == "POST" { buyer.post(path, &fields).await } else { buyer.get(path).await }
}

fn with(form: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    form.iter().cloned().chain([(name.to_owned(), value.to_owned())]).collect()
}

/// A buyer with a ticket in the cart who has told everything.
async fn ready(shop: &TestShop, base: &str, product: &str) -> Buyer {
    let buyer = shop.buyer().at(base);
    buyer.add(&[(product, 1)]).await;
    buyer.tell("ada@example.org").await;
    assert_eq!(buyer.pay_by("banktransfer").await.status, 303);
    buyer
}

#[tokio::test(flavor = "multi_thread")]
async fn public_pages_show_nothing_of_somebody_else() {
    let shop = town().await;
    let (owner, stranger) =
        (ready(&shop, "/org/gig/", "Ticket").await, ready(&shop, "/other/gig/", "Foreign Ticket").await);
    let home = shop.buyer().get("/org/gig/").await.html;
    let file = home.split("/static/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let before = fingerprint(&shop).await;
    for case in cases(|access| access == Access::Public) {
        let path = Place::of("org", "gig").path(case).replace("{file}", &file);
        for (buyer, status) in [(&shop.buyer(), case.nobody), (&stranger, case.stranger), (&owner, case.right)] {
            let page = call(buyer, case, &path, &[]).await;
            assert_eq!(page.status, status, "{case:?}");
            assert!(!page.says("Foreign"), "{case:?}");
            let carts = ["ada@example.org", "Ada Lovelace"].iter().any(|told| page.says(told));
            assert!(!carts || std::ptr::eq(buyer, &owner), "{case:?} shows what somebody else told");
        }
    }
    assert_eq!(fingerprint(&shop).await, before, "looking changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_of_another_event_opens_nothing() {
    let shop = town().await;
    let foreign = ready(&shop, "/other/gig/", "Foreign Ticket").await;
    let (page, cart) = (foreign.shop().await, "select max(cart_id) as id from cart_position");
    assert!(page.says("Foreign Ticket"));
    let id: String = shop.ctx.db().await.unwrap().one(cart, &[]).await.unwrap().get("id").unwrap();
    let db = shop.ctx.db().await.unwrap();
    let other = event::find(&*db, "other", "gig").await.unwrap().unwrap();
    drop(db);
    let signer = shop::session::Signer(&shop.ctx.config().secret_key);
    let cookie = signer.cart_cookie(&other, &shop::boxoffice::CartId(id), false);
    let cookie = cookie.split(';').next().unwrap();
    for (base, status) in [("/other/gig/", 200), ("/org/gig/", 303), ("/org/matinee/", 303)] {
        let client = crate::shop::http_client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let questions = client.get(format!("{}{base}checkout/questions/", shop.url)).header("cookie", cookie);
        assert_eq!(questions.send().await.unwrap().status().as_u16(), status, "{base}");
    }
}

/// What the right one sends, without the CSRF token. Each of them changes something.
async fn form_of(shop: &TestShop, owner: &Buyer, case: &Case) -> Vec<(String, String)> {
    let position = shop.number("select max(id) as number from cart_position").await;
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let mut form: Vec<(String, String)> = match case.path.split_once("{event}/").unwrap().1 {
        "cart/add" => owner.fill(&[("Ticket", 1)]).await,
        "cart/remove" => pairs(&[("id", &position.to_string())]),
        "cart/clear" | "cart/extend" => Vec::new(),
        "cart/voucher" => pairs(&[("voucher", "NOTHING")]),
        "checkout/addons/" => {
            let drink = shop
                .number(
                    "select min(item_id) as number from quota_item i join quota q on q.id = i.quota_id
                                      join event e on e.id = q.event_id where q.name = 'drinks' and e.slug = 'gig'",
                )
                .await;
            pairs(&[("addons_of", &position.to_string()), (&format!("addon_{position}_{drink}"), "1")])
        }
        "checkout/questions/" => pairs(&[("email", "new@example.org"), (&format!("pos_{position}_name"), "Grace")]),
        "checkout/payment/" => pairs(&[("payment", "manual")]),
        "checkout/confirm/" => owner.review().await,
        other => panic!("no form for {other}"),
    };
    form.retain(|(name, _)| name != "csrf");
    form
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_form_of_this_shop_for_this_browser_does_something() {
    let shop = town().await;
    let neighbour = ready(&shop, "/org/gig/", "Ticket").await;
    let elsewhere =
        [ready(&shop, "/org/matinee/", "Ticket").await, ready(&shop, "/other/gig/", "Foreign Ticket").await];
    for case in cases(|access| access == Access::Form) {
        let owner = ready(&shop, "/org/gig/", "Ticket").await;
        let form = form_of(&shop, &owner, case).await;
        let right = owner.shop().await.hidden("csrf");
        let mut wrong = vec![neighbour.shop().await.hidden("csrf"), "0".repeat(right.len()), String::new()];
        for other in &elsewhere {
            wrong.push(other.shop().await.hidden("csrf"));
        }
        // Also of browsers without a cart.
        wrong.push(shop.buyer().at("/org/matinee/").shop().await.hidden("csrf"));
        wrong.push(shop.buyer().at("/other/gig/").shop().await.hidden("csrf"));
        let path = Place::of("org", "gig").path(case);
        shop.clock.advance_seconds(60);
        // How to pay is kept by the browser, all else by the database.
        let pays_later = async || owner.get("/org/gig/checkout/confirm/").await.says("Pay later");
        let before = (fingerprint(&shop).await, pays_later().await);
        for nobody in [&owner, &shop.buyer()] {
            assert_eq!(call(nobody, case, &path, &form).await.status, case.nobody, "{case:?}");
        }
        for token in &wrong {
            assert_eq!(call(&owner, case, &path, &with(&form, "csrf", token)).await.status, case.stranger, "{case:?}");
        }
        for other in elsewhere.iter().chain([&neighbour]) {
            // The owner's token is worth nothing in another browser.
            let answer = call(other, case, &path, &with(&form, "csrf", &right)).await;
            // Without a cart here, it looks like a page from before an order: back to the shop, with nothing done.
            let to_shop = answer.location.as_deref() == Some("/org/gig/") && case.path.contains("/cart/");
            let refused = answer.status == case.stranger || (to_shop && !std::ptr::eq(other, &neighbour));
            assert!(refused, "{case:?} {answer:?}");
        }
        assert_eq!((fingerprint(&shop).await, pays_later().await), before, "{case:?} was refused and did something");
        assert_eq!(call(&owner, case, &path, &with(&form, "csrf", &right)).await.status, case.right, "{case:?}");
        assert_ne!((fingerprint(&shop).await, pays_later().await), before, "{case:?} does something for the right one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_opens_with_its_secret_in_its_event_only() {
    let shop = town().await;
    let order = shop.buyer().buy(&[("Seat", 1)], None).await;
    let second = shop.buyer().buy(&[("Seat", 1)], None).await;
    let foreign = shop.buyer().at("/other/gig/").buy(&[("Foreign Seat", 1)], None).await;
    shop.work().await;
    let right = Place::of_order(&shop, &order).await;
    let (second, foreign) = (Place::of_order(&shop, &second).await, Place::of_order(&shop, &foreign).await);
    let wrong = [
        Place { secret: "a".repeat(right.secret.len()), ..right.clone() },
        Place { secret: right.secret.to_uppercase(), ..right.clone() },
        Place { code: "ZZZZZ".to_owned(), ..right.clone() },
        Place { secret: second.secret.clone(), ..right.clone() },
        Place { code: second.code.clone(), ..right.clone() },
        Place { event: "matinee".to_owned(), ..right.clone() },
        Place { organizer: "other".to_owned(), ..right.clone() },
        Place { organizer: "org".to_owned(), ..foreign.clone() },
        Place { organizer: "nobody".to_owned(), ..right.clone() },
    ];
    for case in cases(|access| matches!(access, Access::OrderSecret | Access::OrderSecretForm)) {
        let before = fingerprint(&shop).await;
        let buyer = shop.buyer();
        if case.method == "GET" {
            let guess = Place { secret: "guess".to_owned(), hash: "guess".to_owned(), ..right.clone() };
            assert_eq!(call(&buyer, case, &guess.path(case), &[]).await.status, case.nobody, "{case:?}");
        } else {
            assert_eq!(call(&buyer, case, &right.path(case), &[]).await.status, case.nobody, "{case:?}");
        }
        for place in &wrong {
            let shop_page = buyer.get(&format!("/{}/{}/", place.organizer, place.event)).await;
            let form = if shop_page.status == 200 { with(&[], "csrf", &shop_page.hidden("csrf")) } else { Vec::new() };
            let page = call(&buyer, case, &place.path(case), &form).await;
            assert_eq!(page.status, case.stranger, "{}", place.path(case));
        }
        if case.path.contains("{file}") {
            for file in [second.file.as_str(), &foreign.file, "x"] {
                let path = Place { file: file.to_owned(), ..right.clone() }.path(case);
                assert_eq!(buyer.get(&path).await.status, case.stranger, "{path}");
            }
        }
        if case.path.contains("{hash}") {
            for hash in ["000000000", &second.hash, "x"] {
                let path = Place { hash: hash.to_owned(), ..right.clone() }.path(case);
                assert_eq!(buyer.get(&path).await.status, case.stranger, "{path}");
            }
        }
        assert_eq!(fingerprint(&shop).await, before, "{case:?} was refused and did something");
        let form = with(&[], "csrf", &buyer.shop().await.hidden("csrf"));
        assert_eq!(call(&buyer, case, &right.path(case), &form).await.status, case.right, "{case:?}");
    }
}

/// A token of a new team of `org`, limited to the events of these slugs.
pub(crate) async fn token(shop: &TestShop, permissions: &[&str], events: Option<&str>) -> String {
    let mut db = shop.ctx.db().await.unwrap();
    let organizer = event::find_organizer(&*db, "org").await.unwrap().unwrap().id;
    let now = shop.ctx.now();
    let tx = db.begin().await.unwrap();
    let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
    let team = staff::NewTeam { organizer, name: "Team", permissions, notify_orders: false };
    let team = staff::create_team(&tx, &team).await.unwrap();
    if let Some(event) = events {
        let limit = format!(
            "update team set all_events = false where id = {team}; insert into team_event (team_id, event_id, organizer_id)
             select {team}, id, organizer_id from event where organizer_id = {organizer} and slug = '{event}'"
        );
        tx.script(&limit).await.unwrap();
    }
    let token = staff::NewToken { organizer, team, name: "tests" };
    let token = staff::create_token(&tx, &token, now, &mut crate::shop::random()).await;
    tx.finish(token).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_opens_with_a_token_of_the_organiser_with_the_right() {
    let shop = town().await;
    let foreign = make_organizer(shop.ctx, "third", &["*"]).await;
    let inactive = token(&shop, &["*"], None).await;
    let hash = "update api_token set active = false where id = (select max(id) from api_token)";
    shop.ctx.db().await.unwrap().script(hash).await.unwrap();
    let nothing = token(&shop, &[], None).await;
    let unrelated = token(&shop, &["event.orders:checkin", "event.vouchers:write", "orders"], None).await;
    let reading = token(&shop, &["event.orders:read"], None).await;
    let elsewhere = token(&shop, &["*"], Some("matinee")).await;
    let no_event = token(&shop, &["*"], Some("none")).await;
    let rights = ["event.orders:write", "event.items:write", "event.settings.general:write"];
    let here = token(&shop, &rights, Some("gig")).await;
    let mut orders = BTreeSet::new();
    for case in cases(|access| matches!(access, Access::Token(_))) {
        let order = shop.buyer().buy(&[("Ticket", 1)], Some("banktransfer")).await;
        let place = Place { code: code_of(&order).to_owned(), secret: "guess".to_owned(), ..Place::of("org", "gig") };
        orders.insert(place.code.clone());
        let ask = async |place: &Place, token: Option<&str>| {
            let path = place.path(case);
            let path = path.strip_prefix("/api/v1/organizers/").unwrap();
            shop.api(case.method, path, token, None).await.0
        };
        let before = fingerprint(&shop).await;
        for token in [None, Some(""), Some("unknown"), Some(inactive.as_str())] {
            assert_eq!(ask(&place, token).await, case.nobody, "{case:?} {token:?}");
        }
        for token in [&foreign, &nothing, &unrelated, &elsewhere, &no_event] {
            assert_eq!(ask(&place, Some(token)).await, case.stranger, "{case:?}");
        }
        if !reads(case) {
            assert_eq!(ask(&place, Some(&reading)).await, case.stranger, "{case:?}");
        }
        // An organiser or event that does not exist looks like one that is not ours.
        for (organizer, event) in [("other", "gig"), ("nobody", "gig"), ("org", "nothing")] {
            let place = Place { organizer: organizer.to_owned(), event: event.to_owned(), ..place.clone() };
            assert_eq!(ask(&place, Some(&shop.token)).await, case.stranger, "{case:?} {organizer}/{event}");
        }
        if case.path.contains("{code}") {
            let unknown = Place { code: "ZZZZZ".to_owned(), ..place.clone() };
            let other_event = Place { event: "matinee".to_owned(), ..place.clone() };
            assert_eq!(ask(&unknown, Some(&shop.token)).await, 404, "{case:?}");
            assert_eq!(ask(&other_event, Some(&shop.token)).await, 404, "{case:?}");
        }
        assert_eq!(fingerprint(&shop).await, before, "{case:?} was refused and did something");
        if reads(case) {
            assert_eq!(ask(&place, Some(&reading)).await, case.right, "{case:?}");
        }
        assert_eq!(ask(&place, Some(&here)).await, case.right, "{case:?}");
    }
    assert_eq!(orders.len(), cases(|access| matches!(access, Access::Token(_))).count());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_shows_its_own_organiser() {
    let shop = town().await;
    let foreign = make_organizer(shop.ctx, "third", &[]).await;
    for case in cases(|access| access == Access::AnyToken).filter(|case| case.path.ends_with("/organizers/")) {
        let ask = async |token: Option<&str>| shop.api(case.method, "", token, None).await;
        for token in [None, Some("unknown")] {
            assert_eq!(ask(token).await.0, case.nobody);
        }
        for (token, slug, status) in [(&foreign, "third", case.stranger), (&shop.token, "org", case.right)] {
            let (found, body) = ask(Some(token)).await;
            assert_eq!((found, &body["count"], &body["results"][0]["slug"]), (status, &json!(1), &json!(slug)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_is_told_the_version_and_no_other() {
    let shop = town().await;
    let foreign = make_organizer(shop.ctx, "third", &[]).await;
    let version = json!({ "pretix": "2026.8.0", "pretix_numeric": 20_260_080_000_000_i64 });
    for case in cases(|access| access == Access::AnyToken).filter(|case| case.path.ends_with("/version")) {
        let ask = async |token: Option<&str>| shop.api_at(case.method, case.path, token, None).await;
        for token in [None, Some(""), Some("unknown")] {
            let (status, body) = ask(token).await;
            assert_eq!(status, case.nobody);
            assert!(body["detail"].is_string(), "{body}");
        }
        assert_eq!(ask(Some(&foreign)).await, (case.stranger, version.clone()));
        assert_eq!(ask(Some(&shop.token)).await, (case.right, version.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_concerns_the_organiser_opens_with_a_right_of_the_organiser() {
    let shop = town().await;
    let foreign = make_organizer(shop.ctx, "third", &["*"]).await;
    let unrelated = token(&shop, &["event.orders:write", "organizer.teams:write"], None).await;
    let nothing = token(&shop, &[], None).await;
    // A team for some events may still have rights of the organiser.
    let right = token(&shop, &["organizer.settings.general:write"], Some("gig")).await;
    let hook = json!({"target_url": "https://198.41.0.4/", "all_events": true,
                      "action_types": ["pretix.event.order.placed"]});
    let add = async |organizer: &str, token: &str| {
        let path = format!("{organizer}/webhooks/");
        shop.api("POST", &path, Some(token), Some(hook.clone())).await.1["id"].to_string()
    };
    let (ours, theirs) = (add("org", &right).await, add("third", &foreign).await);
    shop.clock.advance_seconds(1);
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop::webhook::announce(shop.ctx, shop.ctx.now()).await.unwrap();
    let delivery = shop.number("select id as number from webhook_delivery").await.to_string();
    for case in cases(|access| matches!(access, Access::OrganizerToken(_))) {
        let ask = async |organizer: &str, hook_id: &str, token: Option<&str>| {
            let path = case.path.strip_prefix("/api/v1/organizers/").unwrap().replace("{organizer}", organizer);
            let path = path.replace("{webhook}", hook_id).replace("{delivery}", &delivery);
            let body = matches!(case.path.rsplit('/').nth(1), Some("webhooks" | "{webhook}")).then(|| hook.clone());
            shop.api(case.method, &path, token, body).await.0
        };
        let before = fingerprint(&shop).await;
        for token in [None, Some(""), Some("unknown")] {
            assert_eq!(ask("org", &ours, token).await, case.nobody, "{case:?} {token:?}");
        }
        for token in [&foreign, &unrelated, &nothing] {
            assert_eq!(ask("org", &ours, Some(token)).await, case.stranger, "{case:?}");
        }
        for organizer in ["other", "third", "nobody"] {
            assert_eq!(ask(organizer, &theirs, Some(&right)).await, case.stranger, "{case:?} {organizer}");
        }
        if case.path.contains("{webhook}") {
            assert_eq!(ask("org", &theirs, Some(&right)).await, 404, "{case:?}");
        }
        assert_eq!(fingerprint(&shop).await, before, "{case:?} was refused and did something");
        assert_eq!(ask("org", &ours, Some(&right)).await, case.right, "{case:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_by_a_program_with_a_right_and_is_its_own() {
    let shop = town().await;
    let foreign = make_organizer(shop.ctx, "third", &["*"]).await;
    let nothing = token(&shop, &[], None).await;
    let right = token(&shop, &["event.items:write"], Some("gig")).await;
    let draft = json!({ "file_name": "a.png", "content_type": "image/png" });
    let (status, begun) = shop.api_at("POST", "/api/v1/uploads/", Some(&right), Some(draft)).await;
    assert_eq!(status, 201);
    let id = begun["id"].as_str().unwrap().strip_prefix("file:").unwrap().to_owned();
    for case in cases(|access| access == Access::AnyToken).filter(|case| case.path.contains("/upload")) {
        let ask = async |id: &str, token: Option<&str>| {
            shop.api_at(case.method, &case.path.replace("{upload}", id), token, None).await.0
        };
        let before = fingerprint(&shop).await;
        for token in [None, Some(""), Some("unknown")] {
            assert_eq!(ask(&id, token).await, case.nobody, "{case:?}");
        }
        assert_eq!(ask(&id, Some(&nothing)).await, case.stranger, "{case:?}");
        // Other programs prepare files of their own, and do not know this one.
        for token in [&foreign, &shop.token] {
            assert_eq!(ask(&id, Some(token)).await, case.right, "{case:?}");
        }
        assert_eq!(ask("00000000-0000-4000-8000-000000000000", Some(&right)).await, case.right, "{case:?}");
        assert_eq!(fingerprint(&shop).await, before, "{case:?}");
    }
}
