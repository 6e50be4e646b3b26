//! Who is on check-in lists (spec rest-api 10.1, 10.3).

pub mod sql;

use serde_json::{Value, json};

use super::List;
use crate::{
    id::{EventId, OrderId, PositionId},
    port::db::{Db, DbError, Query, Row, array, p},
    record::{self, Part, Record},
};

/// A position on a list.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// The position.
    pub position: PositionId,
    /// Its order.
    pub order: OrderId,
    /// Its event.
    pub event: EventId,
    /// The list.
    pub list: i64,
}

/// One page of who is on some lists, and how many there are; `None` where that is not known, beyond the end.
pub async fn of_lists(db: &mut Db, lists: &[List], part: &Part) -> Result<(Vec<Listed>, Option<i64>), DbError> {
    let (rows, total) = match lists {
        [one] => {
            let part = Part { filter: with_list(one, part.filter.clone()), ..part.clone() };
            record::page(db, &sql::GUESTS, p(&one.event), &part).await?
        }
        several => {
            let events: Vec<EventId> = several.iter().map(|list| list.event).collect();
            let mut part = part.clone();
            part.filter.insert("lists".to_owned(), several.iter().map(|list| list.id).collect());
            record::found(&*db, sql::OF_LISTS, sql::GUESTS.usual, array(&events), &part).await?
        }
    };
    let read = |row: &Row| {
        Ok(Listed {
            position: row.get("id")?,
            order: row.get("order_id")?,
            event: row.get("event_id")?,
            list: row.get("list_id")?,
        })
    };
    Ok((rows.iter().map(read).collect::<Result<_, DbError>>()?, total))
}

/// How many of each product are on a list, came in, and are inside.
pub async fn status(q: &impl Query, list: &List) -> Result<Vec<Row>, DbError> {
    q.query(sql::STATUS, &[p(&list.event), p(&Value::Object(with_list(list, Record::new())))]).await
}

/// A filter that says which list it is.
fn with_list(list: &List, mut filter: Record) -> Record {
    filter.insert("list".to_owned(), json!(list.id));
    filter.insert("all_products".to_owned(), json!(list.all_products));
    filter.insert("include_pending".to_owned(), json!(list.include_pending));
    if let Some(date) = list.subevent {
        filter.insert("list_subevent".to_owned(), json!(date));
    }
    filter
}
