//! Statements about files that are answers.

use super::AnswerFile;
use crate::{
    boxoffice::CartId,
    id::{EventId, OrderId, PositionId, QuestionId},
    port::db::{DbError, Query, Row, Tx, array, p},
    time::Timestamp,
    upload::Kind,
};

const INSERT: &str = "
    insert into answer_file (id, event_id, cart_id, file_name, content_type, object_key, created_at, expires_at)
    select $3, $1, $2, $4, $5, $6, $7, $8
     where (select count(*) from answer_file where event_id = $1 and cart_id = $2) < $9";

/// Notes a file that is about to come; false if the cart has `most` already.
pub(super) async fn insert(
    q: &impl Query,
    event: EventId,
    cart: &CartId,
    file: &AnswerFile,
    (now, expires_at): (Timestamp, Timestamp),
    most: i64,
) -> Result<bool, DbError> {
    let content_type = file.kind.content_type();
    let params = [
        p(&event),
        p(&cart.0),
        p(&file.id),
        p(&file.name),
        p(&content_type),
        p(&file.object_key),
        p(&now),
        p(&expires_at),
        p(&most),
    ];
    Ok(q.execute(INSERT, &params).await? > 0)
}

const OF_CART: &str = "
    select id, file_name, content_type, object_key from answer_file where event_id = $1 and cart_id = $2";

pub(super) async fn of_cart(q: &impl Query, event: EventId, cart: &CartId) -> Result<Vec<AnswerFile>, DbError> {
    q.query(OF_CART, &[p(&event), p(&cart.0)]).await?.iter().map(read).collect()
}

/// What belongs to an order opens with the order's secret alone: the cart's browser may be one that others use.
const OF_CART_BY_ID: &str = "
    select f.id, f.file_name, f.content_type, f.object_key
      from answer_file f
     where f.event_id = $1 and f.cart_id = $2 and f.id = $3
       and not exists (select from answer a where a.event_id = $1 and a.file_id = f.id and a.position_id is not null)";

pub(super) async fn of_cart_by_id(
    q: &impl Query,
    event: EventId,
    cart: &CartId,
    id: &str,
) -> Result<Option<AnswerFile>, DbError> {
    q.opt(OF_CART_BY_ID, &[p(&event), p(&cart.0), p(&id)]).await?.as_ref().map(read).transpose()
}

/// Once, however many of the order's positions it answers for.
const OF_ORDER_BY_ID: &str = "
    select f.id, f.file_name, f.content_type, f.object_key
      from answer_file f
     where f.event_id = $1 and f.id = $3
       and exists (select from answer a join order_position op on op.event_id = $1 and op.id = a.position_id
                    where a.event_id = $1 and a.file_id = f.id and op.order_id = $2)";

pub(super) async fn of_order_by_id(
    q: &impl Query,
    event: EventId,
    order: OrderId,
    id: &str,
) -> Result<Option<AnswerFile>, DbError> {
    q.opt(OF_ORDER_BY_ID, &[p(&event), p(&order), p(&id)]).await?.as_ref().map(read).transpose()
}

const OF_ANSWER: &str = "
    select f.id, f.file_name, f.content_type, f.object_key
      from answer a join answer_file f on f.event_id = a.event_id and f.id = a.file_id
     where a.event_id = $1 and a.position_id = $2 and a.question_id = $3";

pub(super) async fn of_answer(
    q: &impl Query,
    event: EventId,
    position: PositionId,
    question: QuestionId,
) -> Result<Option<AnswerFile>, DbError> {
    q.opt(OF_ANSWER, &[p(&event), p(&position), p(&question)]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<AnswerFile, DbError> {
    let content_type: String = row.get("content_type")?;
    let unknown = || DbError::UnknownValue { what: "type of a file", value: content_type.clone() };
    Ok(AnswerFile {
        id: row.get("id")?,
        name: row.get("file_name")?,
        kind: Kind::parse(&content_type).ok_or_else(unknown)?,
        object_key: row.get("object_key")?,
    })
}

/// Only files that the call itself has brought, whatever stands in an answer.
const LINK_TO_POSITION: &str = "
    with linked as (
        update answer a set file_id = f.id
          from order_position op
          join answer_file f on f.event_id = $1 and f.id = any($4)
         where op.event_id = $1 and op.order_id = $2 and op.positionid = $3 and a.event_id = $1 and a.position_id = op.id
           and a.answer = 'file:' || f.id || '/' || f.file_name
        returning f.id)
    update answer_file set expires_at = null where event_id = $1 and id in (select id from linked)";

pub(super) async fn link_to_position(
    tx: &Tx<'_>,
    event: EventId,
    (order, number): (OrderId, i32),
    files: &Vec<String>,
) -> Result<(), DbError> {
    tx.execute(LINK_TO_POSITION, &[p(&event), p(&order), p(&number), array(files)]).await.map(drop)
}

const FORGET: &str = "
    with gone as (
        delete from answer_file f
         where f.id in (select id from answer_file where expires_at <= $1 order by expires_at limit $2)
           -- Once more: an answer may have come to refer to it while this waited for its row.
           and f.expires_at <= $1
        returning f.object_key, f.event_id)
    insert into media_removal (object_key, organizer_id)
    select g.object_key, e.organizer_id from gone g join event e on e.id = g.event_id on conflict do nothing";

/// Forgets files that no answer has come to refer to, at most `max`, and notes that they are to be removed. Returns how many.
pub async fn forget(q: &impl Query, now: Timestamp, max: i64) -> Result<u64, DbError> {
    q.execute(FORGET, &[p(&now), p(&max)]).await
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[INSERT, OF_CART, OF_CART_BY_ID, OF_ORDER_BY_ID, OF_ANSWER, LINK_TO_POSITION, FORGET];
