//! Statements about what was printed.

use serde_json::{Value, json};

use super::Print;
use crate::{
    id::{EventId, OrderId, PositionId},
    port::db::{DbError, Param, Query, Row, Tx, array, p},
    time::Timestamp,
};

const TOUCH_ORDER: &str = "
    update orders o set modified_at = greatest(o.modified_at, $3)
      from order_position p
     where p.event_id = $1 and p.id = $2 and o.event_id = p.event_id and o.id = p.order_id
    returning o.id";

/// The order of a ticket, changed now.
pub(super) async fn touch_order(
    tx: &Tx<'_>,
    event: EventId,
    position: PositionId,
    now: Timestamp,
) -> Result<Option<OrderId>, DbError> {
    tx.opt(TOUCH_ORDER, &[p(&event), p(&position), p(&now)]).await?.map(|row| row.get("id")).transpose()
}

macro_rules! body {
    () => {
        "select l.position_id, jsonb_build_object('id', l.id, 'successful', l.successful, 'datetime', l.datetime,
                'source', l.source, 'type', l.type, 'device_id', d.device_id, 'info', l.info) as body"
    };
}

const INSERT: &str = concat!(
    "with l as (
        insert into print_log (event_id, position_id, type, source, successful, datetime, created_at, info, device_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        returning id, position_id, type, source, successful, datetime, info, device_id) ",
    body!(),
    " from l left join device d on d.id = l.device_id"
);

/// Writes it, and returns it as the API tells it.
pub(super) async fn insert(
    tx: &Tx<'_>,
    event: EventId,
    position: PositionId,
    print: &Print<'_>,
    now: Timestamp,
) -> Result<Value, DbError> {
    let params: [Param<'_>; 9] = [
        p(&event),
        p(&position),
        p(&print.kind),
        p(&print.source),
        p(&print.successful),
        p(&print.at),
        p(&now),
        p(print.info),
        p(&print.device),
    ];
    Ok(told(&tx.one(INSERT, &params).await?)?.1)
}

const OF_POSITIONS: &str = concat!(
    body!(),
    " from print_log l left join device d on d.id = l.device_id
     where l.event_id = $1 and l.position_id = any($2) order by l.datetime, l.id"
);

/// What was printed of positions, each as the API tells it.
pub async fn of_positions(q: &impl Query, event: EventId, positions: &Vec<i64>) -> Result<Vec<(i64, Value)>, DbError> {
    q.query(OF_POSITIONS, &[p(&event), array(positions)]).await?.iter().map(told).collect()
}

fn told(row: &Row) -> Result<(i64, Value), DbError> {
    let mut body: Value = row.get("body")?;
    let moment = body["datetime"].as_str().and_then(Timestamp::parse);
    body["datetime"] = json!(moment.map(|moment| moment.to_string()));
    Ok((row.get("position_id")?, body))
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[TOUCH_ORDER, INSERT, OF_POSITIONS];
