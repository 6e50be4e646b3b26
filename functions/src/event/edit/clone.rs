//! Copies what an event sells into a new one (spec domain 1.3): everything but orders, vouchers, dates and what belongs to
//! them. Every row goes the way of a row that a program adds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    catalogue::edit::sql::{BUNDLES, CATEGORIES, DISCOUNTS, ITEMS, QUOTAS, TAX_RULES},
    port::db::{DbError, Tx},
    question::edit::sql::QUESTIONS,
    record::{self, Part, Record, Table, reference, references},
    staff::Scope,
};

/// New ids by old ones.
type Ids = BTreeMap<i64, i64>;

/// More rows of a kind than any event has.
const ROWS_MAX: i64 = 100_000;

async fn all(tx: &Tx<'_>, table: &'static Table, scope: Scope, filter: Record) -> Result<Vec<Record>, DbError> {
    let part = Part { filter, ordering: String::new(), offset: 0, limit: ROWS_MAX };
    Ok(record::list(tx, table, scope, &part).await?.0)
}

fn id_of(record: &Record) -> i64 {
    reference(record, "id").unwrap_or_default()
}

/// A reference to the copy of what was referred to; what was not copied is not referred to any more.
fn follow(record: &mut Record, column: &str, ids: &Ids) {
    let copy = reference(record, column).and_then(|id| ids.get(&id));
    record.insert(column.to_owned(), json!(copy));
}

fn follow_all(record: &mut Record, column: &str, ids: &Ids) {
    let copies: Vec<&i64> = references(record, column).iter().filter_map(|id| ids.get(id)).collect();
    record.insert(column.to_owned(), json!(copies));
}

fn parts(record: &Record, name: &str) -> Vec<Record> {
    let list = record.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    list.into_iter().filter_map(|part| part.as_object().cloned()).collect()
}

async fn copy(
    tx: &Tx<'_>,
    table: &'static Table,
    (from, to): (Scope, Scope),
    change: impl Fn(&mut Record),
) -> Result<Ids, DbError> {
    let mut ids = Ids::new();
    for mut row in all(tx, table, from, Record::new()).await? {
        change(&mut row);
        let new = record::insert(tx, table, to, &row).await?;
        ids.insert(id_of(&row), new);
    }
    Ok(ids)
}

/// Copies the catalogue of one event into another that has none.
pub async fn catalogue(tx: &Tx<'_>, from: Scope, to: Scope) -> Result<(), DbError> {
    let both = (from, to);
    let rules = copy(tx, &TAX_RULES, both, |_| {}).await?;
    let categories = copy(tx, &CATEGORIES, both, |_| {}).await?;
    let (items, variations) = copy_items(tx, both, &rules, &categories).await?;
    let quotas = copy_quotas(tx, both, &items, &variations).await?;
    tie_items(tx, both, &items, &variations, &quotas).await?;
    copy(tx, &DISCOUNTS, both, |row| {
        follow_all(row, "condition_items", &items);
        follow_all(row, "benefit_items", &items);
    })
    .await?;
    copy_questions(tx, both, &items).await
}

async fn copy_items(
    tx: &Tx<'_>,
    (from, to): (Scope, Scope),
    rules: &Ids,
    categories: &Ids,
) -> Result<(Ids, Ids), DbError> {
    let (mut items, mut variations) = (Ids::new(), Ids::new());
    for mut row in all(tx, &ITEMS, from, Record::new()).await? {
        follow(&mut row, "category_id", categories);
        follow(&mut row, "tax_rule_id", rules);
        let mut add_ons = parts(&row, "addons");
        add_ons.iter_mut().for_each(|part| follow(part, "category_id", categories));
        row.insert("addons".to_owned(), json!(add_ons));
        // These refer to other items and to quotas, which may not be there yet.
        row.insert("bundles".to_owned(), json!([]));
        row.insert("hidden_if_available".to_owned(), Value::Null);
        row.insert("hidden_if_item_available".to_owned(), Value::Null);
        let new = record::insert(tx, &ITEMS, to, &row).await?;
        let copied = record::find(tx, &ITEMS, to, new).await?.unwrap_or_default();
        // Both come in the same order.
        let pairs = parts(&row, "variations").into_iter().zip(parts(&copied, "variations"));
        variations.extend(pairs.map(|(old, new)| (id_of(&old), id_of(&new))));
        items.insert(id_of(&row), new);
    }
    Ok((items, variations))
}

async fn copy_quotas(tx: &Tx<'_>, (from, to): (Scope, Scope), items: &Ids, variations: &Ids) -> Result<Ids, DbError> {
    let mut quotas = Ids::new();
    let own_variations = all(tx, &ITEMS, from, Record::new()).await?;
    let has_variations =
        |item: i64| own_variations.iter().any(|row| id_of(row) == item && !parts(row, "variations").is_empty());
    let item_of = |variation: i64| {
        let found = own_variations.iter().find(|row| parts(row, "variations").iter().any(|it| id_of(it) == variation));
        found.map(id_of)
    };
    // Quotas of dates stay with their dates.
    let rows = all(tx, &QUOTAS, from, Record::new()).await?;
    for mut row in rows.into_iter().filter(|row| reference(row, "subevent_id").is_none()) {
        let whole = references(&row, "items").into_iter().filter(|item| !has_variations(*item));
        let counts = whole.filter_map(|item| Some(json!({ "item_id": items.get(&item)? })));
        let of_variations = references(&row, "variations").into_iter().filter_map(|variation| {
            let item = items.get(&item_of(variation)?)?;
            Some(json!({ "item_id": item, "variation_id": variations.get(&variation)? }))
        });
        let counts: Vec<Value> = counts.chain(of_variations).collect();
        row.insert("counts".to_owned(), json!(counts));
        row.insert("closed".to_owned(), json!(false));
        quotas.insert(id_of(&row), record::insert(tx, &QUOTAS, to, &row).await?);
    }
    Ok(quotas)
}

/// What ties items to others.
async fn tie_items(
    tx: &Tx<'_>,
    (from, to): (Scope, Scope),
    items: &Ids,
    variations: &Ids,
    quotas: &Ids,
) -> Result<(), DbError> {
    for row in all(tx, &ITEMS, from, Record::new()).await? {
        let Some(new) = items.get(&id_of(&row)) else { continue };
        for mut bundle in parts(&row, "bundles") {
            bundle.insert("item_id".to_owned(), json!(new));
            follow(&mut bundle, "bundled_item_id", items);
            follow(&mut bundle, "bundled_variation_id", variations);
            record::insert(tx, &BUNDLES, to, &bundle).await?;
        }
        let is_tied =
            ["hidden_if_available", "hidden_if_item_available"].iter().any(|it| reference(&row, it).is_some());
        if is_tied && let Some(mut copied) = record::find(tx, &ITEMS, to, *new).await? {
            for (column, ids) in [("hidden_if_available", quotas), ("hidden_if_item_available", items)] {
                let target = reference(&row, column).and_then(|id| ids.get(&id));
                copied.insert(column.to_owned(), json!(target));
            }
            record::update(tx, &ITEMS, to, *new, &copied).await?;
        }
    }
    Ok(())
}

/// Dependencies come when all questions are there.
async fn copy_questions(tx: &Tx<'_>, both: (Scope, Scope), items: &Ids) -> Result<(), DbError> {
    let (from, to) = both;
    let questions = copy(tx, &QUESTIONS, both, |row| {
        follow_all(row, "items", items);
        row.insert("dependency_question_id".to_owned(), Value::Null);
    })
    .await?;
    for row in all(tx, &QUESTIONS, from, Record::new()).await? {
        let Some(new) = questions.get(&id_of(&row)) else { continue };
        if reference(&row, "dependency_question_id").is_some()
            && let Some(mut copied) = record::find(tx, &QUESTIONS, to, *new).await?
        {
            let parent = reference(&row, "dependency_question_id").and_then(|id| questions.get(&id));
            copied.insert("dependency_question_id".to_owned(), json!(parent));
            record::update(tx, &QUESTIONS, to, *new, &copied).await?;
        }
    }
    Ok(())
}
