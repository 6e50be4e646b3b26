//! Migrations run once each, in order, and are never changed afterwards.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use shop::{
    migrate::{self, MigrateError},
    port::db::{Db, Query as _, p},
};

use crate::shop::TestShop;

async fn tables(db: &Db) -> i64 {
    let sql = "select count(*) as number from information_schema.columns where table_schema = 'public'";
    db.one(sql, &[]).await.unwrap().get("number").unwrap()
}

#[test]
fn the_list_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(migrate::names().collect::<Vec<_>>(), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_applies_nothing() {
    let shop = TestShop::with_places(5).await;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    let before = tables(&db).await;
    assert!(migrate::run(&mut db).await.unwrap().is_empty());
    assert_eq!(tables(&db).await, before);
    assert_eq!(shop.number("select count(*) as number from event").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_gets_all_of_them_once_even_if_two_deploys_race() {
    let shop = TestShop::empty().await;
    let mut first = Db::connect(shop.database_url(), None).await.unwrap();
    let mut second = Db::connect(shop.database_url(), None).await.unwrap();
    let before = tables(&first).await;
    first.script("drop schema public cascade; create schema public").await.unwrap();
    let (one, two) = tokio::join!(migrate::run(&mut first), migrate::run(&mut second));
    let mut applied = [one.unwrap(), two.unwrap()].concat();
    applied.sort_unstable();
    assert_eq!(applied, migrate::names().collect::<Vec<_>>());
    assert_eq!(tables(&first).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_changed_afterwards_is_refused() {
    let shop = TestShop::empty().await;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    db.script("update schema_migration set checksum = 'something else' where version = 2").await.unwrap();
    let refused = migrate::run(&mut db).await.unwrap_err();
    assert!(matches!(refused, MigrateError::Changed("0002_catalogue")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_what_is_missing_and_what_is_newer() {
    let shop = TestShop::empty().await;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    let last = migrate::names().last().unwrap();
    let plan = migrate::plan(&db).await.unwrap();
    assert_eq!((plan.pending.len(), plan.unknown.len()), (0, 0));
    db.script("update schema_migration set version = 9999, name = '9999_later' where version = (select max(version) from schema_migration)")
        .await
        .unwrap();
    let plan = migrate::plan(&db).await.unwrap();
    assert_eq!((plan.pending, plan.unknown), (vec![last], vec!["9999_later".to_owned()]));
    db.script("drop schema public cascade; create schema public").await.unwrap();
    let plan = migrate::plan(&db).await.unwrap();
    assert_eq!((plan.applied.len(), plan.pending.len()), (0, migrate::names().count()));
    assert_eq!(tables(&db).await, 0, "a plan changes nothing");
    assert_eq!(migrate::run(&mut db).await.unwrap().len(), migrate::names().count());
}

/// What may be deployed already: migrations after this one have to work while the shop sells.
const DEPLOYED: i32 = 19;
/// Nobody waits longer for a migration. It may wait for a table for a second, and others behind it.
const WAIT_MAX: Duration = Duration::from_millis(1500);

const FILL: &str = "
    insert into organizer (slug, name, created_at) values ('org', 'Org', now());
    insert into event (organizer_id, slug, name, live, currency, date_from, created_at)
    select id, 'gig', '{}', true, 'EUR', now(), now() from organizer;
    insert into item (event_id, name, default_price) select id, '{}', 0 from event;
    insert into orders (organizer_id, event_id, code, status, secret, internal_secret, email, locale, testmode, created_at,
                        expires_at, total, modified_at)
    select e.organizer_id, e.id, upper(lpad(to_hex(n), 8, '0')), 'p', 's', 's', n || '@example.org', 'en', false, now(), now(),
           100, now()
      from event e, generate_series(1, 100000) n;
    insert into order_position (organizer_id, event_id, order_id, positionid, item_id, price, tax_rate_ppm, tax_value, secret,
                                web_secret, pseudonymization_id)
    select o.organizer_id, o.event_id, o.id, 1, i.id, 100, 0, 0, 's' || o.id, 'w', 'p' || o.id
      from orders o join item i on i.event_id = o.event_id;
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at)
    select event_id, id, 1, 'manual', 'confirmed', 100, now() from orders;
    insert into mail (organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
    select organizer_id, event_id, id, 'order_paid', 'a@example.org', 'en', 'sent', now(), now() from orders";

/// What a shop that sells does to the large tables, in one transaction of some milliseconds.
const SELL: &[&str] = &[
    "select op.id from orders o join order_position op on op.order_id = o.id where o.id = $1",
    "update orders set modified_at = now() where id = $1",
    "update order_position set company = 'c' where order_id = $1",
    "update payment set amount = amount + 1 where order_id = $1",
    "update mail set retry_at = now() where event_id = (select event_id from orders where id = $1) and order_id = $1",
];

/// The longest that a transaction of the shop took until `stop`, and how many there were.
async fn sell(url: String, stop: &AtomicBool, first: i64) -> (Duration, u32) {
    let mut db = Db::connect(&url, None).await.unwrap();
    let (mut longest, mut count) = (Duration::ZERO, 0);
    while !stop.load(Relaxed) {
        let begun = Instant::now();
        let order = first + i64::from(count) * 7 % 90_000;
        let tx = db.begin().await.unwrap();
        for statement in SELL {
            tx.query(statement, &[p(&order)]).await.unwrap();
        }
        tx.finish(Ok::<_, shop::port::db::DbError>(())).await.unwrap();
        longest = longest.max(begun.elapsed());
        count += 1;
    }
    (longest, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_applied_to_a_hundred_thousand_orders_while_the_shop_sells() {
    let shop = TestShop::empty().await;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    db.script("drop schema public cascade; create schema public").await.unwrap();
    migrate::run_to(&mut db, DEPLOYED).await.unwrap();
    db.script("set statement_timeout = 0").await.unwrap();
    db.script(FILL).await.unwrap();
    let first: i64 = db.one("select min(id) as number from orders", &[]).await.unwrap().get("number").unwrap();
    let stop = AtomicBool::new(false);
    let url = || shop.database_url().to_owned();
    let migrate = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (begun, applied) = (Instant::now(), migrate::run(&mut db).await);
        let took = begun.elapsed();
        tokio::time::sleep(Duration::from_millis(500)).await;
        stop.store(true, Relaxed);
        (applied, took)
    };
    let sellers = (sell(url(), &stop, first), sell(url(), &stop, first + 1), sell(url(), &stop, first + 2));
    let ((applied, took), one, two, three) = tokio::join!(migrate, sellers.0, sellers.1, sellers.2);
    let applied = applied.unwrap();
    let new = migrate::names().filter(|name| name[..4].parse::<i32>().unwrap() > DEPLOYED).count();
    assert_eq!(applied.len(), new);
    let longest = one.0.max(two.0).max(three.0);
    assert!(one.1.min(two.1).min(three.1) > 5, "the shop sells meanwhile");
    assert!(longest < WAIT_MAX, "a buyer waited {longest:?} while {applied:?} took {took:?}");
}
