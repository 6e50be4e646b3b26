//! Statements about copies of shops.

use super::Snapshot;
use crate::{
    id::EventId,
    port::db::{DbError, Query, p},
    time::Timestamp,
};

/// A day after its last day nobody looks for a shop any more.
const DUE: &str = "
    select e.id, s.hash from event e left join shop_snapshot s on s.event_id = e.id
     where e.live and (e.all_sales_channels or 'web' = any(e.limit_sales_channels))
       and (e.has_subevents or coalesce(e.date_to, e.date_from) > $1::timestamptz - interval '1 day')
       and (s.made_at is null or s.made_at < $2)
     order by s.made_at nulls first, e.id limit $3";

pub(super) async fn due(
    q: &impl Query,
    now: Timestamp,
    made_before: Timestamp,
    max: i64,
) -> Result<Vec<(EventId, Option<String>)>, DbError> {
    let rows = q.query(DUE, &[p(&now), p(&made_before), p(&max)]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("hash")?))).collect()
}

const CLOSED: &str = "
    select s.event_id, s.organizer_id, s.object_key, s.hash from shop_snapshot s join event e on e.id = s.event_id
     where not (e.live and (e.all_sales_channels or 'web' = any(e.limit_sales_channels))
                and (e.has_subevents or coalesce(e.date_to, e.date_from) > $1::timestamptz - interval '1 day'))
     order by s.event_id limit $2";

pub(super) async fn closed(q: &impl Query, now: Timestamp, max: i64) -> Result<Vec<Snapshot>, DbError> {
    let rows = q.query(CLOSED, &[p(&now), p(&max)]).await?;
    let read = rows.iter().map(|row| {
        Ok(Snapshot {
            event: row.get("event_id")?,
            organizer: row.get("organizer_id")?,
            object_key: row.get("object_key")?,
            hash: row.get("hash")?,
        })
    });
    read.collect()
}

const RECORD: &str = "
    insert into shop_snapshot (event_id, organizer_id, object_key, hash, made_at) values ($1, $2, $3, $4, $5)
    on conflict (event_id) do update
       set object_key = excluded.object_key, hash = excluded.hash, made_at = excluded.made_at";

pub(super) async fn record(q: &impl Query, snapshot: &Snapshot, now: Timestamp) -> Result<(), DbError> {
    let Snapshot { event, organizer, object_key, hash } = snapshot;
    q.execute(RECORD, &[p(event), p(organizer), p(object_key), p(hash), p(&now)]).await.map(|_| ())
}

const FORGET: &str = "delete from shop_snapshot where event_id = $1";

pub(super) async fn forget(q: &impl Query, event: EventId) -> Result<(), DbError> {
    q.execute(FORGET, &[p(&event)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[DUE, CLOSED, RECORD, FORGET];
