//! What members of staff are told by mail, as each has chosen.

use serde_json::json;
use shop::{
    event,
    id::UserId,
    outbox::Job,
    port::db::Query as _,
    staff::{self, notice},
};

use crate::{
    after_sale::run,
    shop::{Page, TestShop, code_of, document, http_client},
};

const TEAM: &str = "team@org.example";

async fn user(shop: &TestShop, email: &str) -> UserId {
    let sql = "select id, email from app_user";
    let rows = shop.ctx.db().await.unwrap().query(sql, &[]).await.unwrap();
    rows.iter().find(|row| row.get::<String>("email").unwrap() == email).unwrap().get("id").unwrap()
}

/// The path of somebody's page.
async fn path(shop: &TestShop, email: &str, event: Option<&str>) -> String {
    let event = match event {
        None => None,
        Some(slug) => event::find(&*shop.ctx.db().await.unwrap(), "org", slug).await.unwrap().map(|event| event.id),
    };
    let url = notice::url(shop.ctx.config(), user(shop, email).await, event);
    url.strip_prefix(&shop.url).unwrap().to_owned()
}

async fn choose(shop: &TestShop, path: &str, actions: &[&str]) -> Page {
    let fields: Vec<(&str, &str)> = actions.iter().map(|action| ("wanted", *action)).collect();
    shop.buyer().post(path, &fields).await
}

/// Does what is due every minute, and hands everything over.
async fn minute(shop: &TestShop) {
    shop.clock.advance_seconds(61);
    for job in [Job::RequeueWebhooks, Job::RequeueMails] {
        run(shop, job).await;
    }
}

/// Subjects of the mails that somebody has got, in order.
fn subjects(shop: &TestShop, email: &str) -> Vec<String> {
    let mut mails = shop.mails();
    mails.retain(|mail| mail.to == email);
    mails.iter().rev().map(|mail| mail.subject.clone()).collect()
}

/// Buys a ticket and marks it as paid; returns its code.
async fn sell(shop: &TestShop, base: &str, slug: &str) -> String {
    let order = shop.buyer().at(base).buy(&[("Ticket", 1)], Some("banktransfer")).await;
    let code = code_of(&order).to_owned();
    let paid = format!("org/events/{slug}/orders/{code}/mark_paid/");
    assert_eq!(shop.api("POST", &paid, Some(&shop.token), None).await.0, 200);
    shop.work().await;
    minute(shop).await;
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_what_they_have_chosen_everywhere_or_in_one_event() {
    let shop = TestShop::with_places(20).await;
    let mut matinee = document(20);
    matinee["event"]["slug"] = json!("matinee");
    shop.import(&matinee).await;
    let code = sell(&shop, "/org/gig/", "gig").await;
    assert_eq!(subjects(&shop, TEAM), [format!("New order {code} for The Gig")], "as the team is told by itself");

    let (page, gig) = (path(&shop, TEAM, None).await, path(&shop, TEAM, Some("gig")).await);
    assert!(shop.buyer().get(&page).await.says("value=\"pretix.event.order.placed\" checked"));
    let saved = choose(&shop, &page, &["pretix.event.order.paid"]).await;
    assert_eq!(saved.status, 303);
    assert!(shop.buyer().get(&saved.location.unwrap()).await.says("Your choice is saved."));
    let code = sell(&shop, "/org/gig/", "gig").await;
    assert_eq!(subjects(&shop, TEAM).len(), 2);
    assert_eq!(subjects(&shop, TEAM)[1], format!("Order paid: {code} · The Gig"));
    let mail = shop.mails().into_iter().find(|mail| mail.to == TEAM).unwrap();
    assert!(mail.text.contains(&gig), "the mail leads to the page: {}", mail.text);

    // In one event something else, in the other still as everywhere.
    assert!(shop.buyer().get(&gig).await.says("for The Gig only"));
    choose(&shop, &gig, &["pretix.event.order.placed"]).await;
    let here = sell(&shop, "/org/gig/", "gig").await;
    let there = sell(&shop, "/org/matinee/", "matinee").await;
    let told = subjects(&shop, TEAM);
    assert_eq!(told[2..], [format!("New order {here} for The Gig"), format!("Order paid: {there} · The Gig")]);
    shop.buyer().post(&gig, &[("follow", "yes")]).await;
    sell(&shop, "/org/gig/", "gig").await;
    assert!(subjects(&shop, TEAM)[4].starts_with("Order paid: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_what_they_may_not_see_and_one_click_ends_it() {
    let shop = TestShop::with_places(20).await;
    let now = shop.ctx.now();
    let mut db = shop.ctx.db().await.unwrap();
    let organizer = event::find_organizer(&*db, "org").await.unwrap().unwrap().id;
    let tx = db.begin().await.unwrap();
    let permissions = vec!["event.items:write".to_owned()];
    let team = staff::NewTeam { organizer, name: "Catalogue", permissions, notify_orders: true };
    let team = staff::create_team(&tx, &team).await.unwrap();
    let new = staff::NewUser { organizer, team, email: "shelf@org.example", full_name: "Shelf", locale: "de" };
    let created = staff::create_user(&tx, &new, now).await;
    tx.finish(created).await.unwrap();
    drop(db);
    let shelf = path(&shop, "shelf@org.example", None).await;
    assert!(shop.buyer().get(&shelf).await.says("Mails über Bestellungen"));
    choose(&shop, &shelf, &["pretix.event.order.placed", "pretix.event.order.paid"]).await;
    let page = path(&shop, TEAM, None).await;
    choose(&shop, &page, &["pretix.event.order.placed", "pretix.event.order.paid"]).await;
    sell(&shop, "/org/gig/", "gig").await;
    assert_eq!(subjects(&shop, "shelf@org.example"), Vec::<String>::new());
    assert_eq!(subjects(&shop, TEAM).len(), 2);
    let mail = shop.mails().into_iter().find(|mail| mail.to == TEAM).unwrap();
    let one_click = format!("List-Unsubscribe: <{}{page}>", shop.url);
    let folder = shop.variables()["MAIL_URL"].strip_prefix("folder:").unwrap().to_owned();
    let raw = std::fs::read_to_string(format!("{folder}/{}.eml", mail.id)).unwrap();
    let unfolded = raw.replace("\r\n ", " ");
    assert!(
        unfolded.contains(&one_click) && unfolded.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        "{}",
        raw
    );

    // As a mail program sends it: from nowhere, with nothing but the form.
    let sent =
        http_client().redirect(reqwest::redirect::Policy::none()).build().unwrap().post(format!("{}{page}", shop.url));
    let sent = sent.form(&[("List-Unsubscribe", "One-Click")]).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 200);
    sell(&shop, "/org/gig/", "gig").await;
    assert_eq!(subjects(&shop, TEAM).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_opens_with_its_address_only() {
    let shop = TestShop::with_places(5).await;
    crate::shop::make_organizer(shop.ctx, "other", &["*"]).await;
    shop.import_for("other", &document(5)).await;
    let (ours, theirs) = (path(&shop, TEAM, None).await, path(&shop, "team@other.example", None).await);
    let token = |path: &str| path.split('/').nth(3).unwrap().to_owned();
    let foreign = ours.replace(&token(&ours), &token(&theirs));
    let guess = ours.replace(&token(&ours), &"0".repeat(token(&ours).len()));
    let other = event::find(&*shop.ctx.db().await.unwrap(), "other", "gig").await.unwrap().unwrap().id;
    let elsewhere = format!("{ours}?event={other}");
    for wrong in [&foreign, &guess, &elsewhere, &format!("{ours}?event=x"), &"/_notices/x/y/".to_owned()] {
        assert_eq!(shop.buyer().get(wrong).await.status, 404, "{wrong}");
        assert_eq!(choose(&shop, wrong, &["pretix.event.order.paid"]).await.status, 404, "{wrong}");
    }
    assert_eq!(shop.number("select count(*) as number from notice_choice").await, 0);
    assert_eq!((shop.buyer().get(&ours).await.status, choose(&shop, &ours, &[]).await.status), (200, 303));
    let away = "update app_user set is_active = false where email = 'team@org.example'";
    shop.ctx.db().await.unwrap().script(away).await.unwrap();
    assert_eq!(shop.buyer().get(&ours).await.status, 404);
}

#[test]
fn whatever_can_be_chosen_is_recorded_somewhere() {
    let mut open = vec![tests::infra::path("../functions/src")];
    let mut text = String::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.ends_with("staff/notice/mod.rs") && !path.ends_with("webhook/mod.rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    for (name, _) in notice::TYPES {
        let literal = format!("\"{}", name.trim_end_matches('*'));
        let whole = if name.ends_with('*') { literal } else { format!("{literal}\"") };
        assert!(text.contains(&whole), "nothing records {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_waits_for_approval_is_told_as_such() {
    let shop = TestShop::with_places(20).await;
    let page = path(&shop, TEAM, None).await;
    choose(&shop, &page, &["pretix.event.order.placed.require_approval"]).await;
    let item = shop.number("select id as number from item where name::text like '%Ticket%'").await;
    let mut codes = Vec::new();
    for waits in [true, false] {
        let order = json!({ "email": "ada@example.org", "locale": "en", "payment_provider": "manual",
                            "require_approval": waits, "positions": [{ "item": item }] });
        let (status, placed) = shop.api("POST", "org/events/gig/orders/", Some(&shop.token), Some(order)).await;
        assert_eq!(status, 201, "{placed}");
        codes.push(placed["code"].as_str().unwrap().to_owned());
    }
    shop.work().await;
    minute(&shop).await;
    assert_eq!(subjects(&shop, TEAM), [format!("Order waits for your approval: {} · The Gig", codes[0])]);
}
