//! Migrations run once each, in order, and are never changed afterwards.

use std::path::Path;

use shop::{
    migrate::{self, MigrateError},
    port::db::{Db, Query as _},
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
