//! Statements about secrets of orders that are replaced, and those that were.

use crate::{
    id::{EventId, OrderId, OrganizerId, PositionId},
    port::{
        db::{DbError, Query, Row, array, p},
        lock::EventLock,
    },
    record::{Table, sql::list_rows},
    time::Timestamp,
};

/// New secrets of a position.
pub(super) struct Drawn {
    pub(super) position: PositionId,
    pub(super) ticket: String,
    /// That of the attendee's page, if it is a new one too.
    pub(super) web: Option<String>,
}

const REVOKE: &str = "
    insert into revoked_secret (organizer_id, event_id, position_id, secret, created_at)
    select op.organizer_id, op.event_id, op.id, op.secret, $5 from order_position op
     where op.organizer_id = $1 and op.event_id = $2 and op.order_id = $3 and op.id = any($4) order by op.id";
const REPLACE: &str = "
    update order_position op set secret = s.ticket, web_secret = coalesce(s.web, op.web_secret)
      from unnest($3::bigint[], $4::text[], $5::text[]) as s (id, ticket, web)
     where op.event_id = $1 and op.order_id = $2 and op.id = s.id";
/// A code that is in use again opens its door again.
const REINSTATE: &str = "delete from revoked_secret where organizer_id = $1 and event_id = $2 and secret = any($3)";
const DROP_TICKETS: &str = "delete from ticket_file where event_id = $1 and position_id = any($2)";

/// Keeps the old codes of positions as what is worth nothing, and writes the new ones.
pub(super) async fn replace(
    lock: &EventLock<'_>,
    organizer: OrganizerId,
    order: OrderId,
    drawn: &[Drawn],
    now: Timestamp,
) -> Result<(), DbError> {
    let ids: Vec<PositionId> = drawn.iter().map(|it| it.position).collect();
    let tickets: Vec<&str> = drawn.iter().map(|it| it.ticket.as_str()).collect();
    let webs: Vec<Option<&str>> = drawn.iter().map(|it| it.web.as_deref()).collect();
    let event = lock.event();
    lock.tx().execute(REVOKE, &[p(&organizer), p(&event), p(&order), array(&ids), p(&now)]).await?;
    lock.tx().execute(REINSTATE, &[p(&organizer), p(&event), array(&tickets)]).await?;
    lock.tx().execute(REPLACE, &[p(&event), p(&order), array(&ids), array(&tickets), array(&webs)]).await?;
    lock.tx().execute(DROP_TICKETS, &[p(&event), array(&ids)]).await.map(drop)
}

const TOUCH: &str = "
    update orders set secret = coalesce($3, secret), modified_at = greatest(modified_at, $4) where event_id = $1 and id = $2";

/// Writes the secret of the buyer's page, if it is a new one. Devices that keep orders ask for those that have changed.
pub(super) async fn touch(
    lock: &EventLock<'_>,
    order: OrderId,
    link: Option<&str>,
    now: Timestamp,
) -> Result<(), DbError> {
    lock.tx().execute(TOUCH, &[p(&lock.event()), p(&order), p(&link), p(&now)]).await.map(drop)
}

const REVOKED: &str = list_rows!(
    "revoked_secret",
    "to_jsonb(r)",
    "and ($2::jsonb->'created_since' is null or r.created_at >= ($2::jsonb->>'created_since')::timestamptz)",
    "case when $3 in ('created', 'id') then r.id end, r.id desc"
);

/// Codes of an event's tickets that are worth nothing any more, the newest first.
pub static REVOKED_SECRETS: Table =
    Table { object: "revokedsecret", list: REVOKED, find: "", insert: "", update: "", delete: "" };

const WHOSE: &str = "
    select r.event_id, r.position_id from revoked_secret r
     where r.organizer_id = $1 and r.event_id = any($2) and r.secret = $3 order by r.id desc limit 1";

/// The position that once had a code.
pub async fn former(
    q: &impl Query,
    organizer: OrganizerId,
    events: &Vec<EventId>,
    code: &str,
) -> Result<Option<(EventId, PositionId)>, DbError> {
    let row = q.opt(WHOSE, &[p(&organizer), array(events), p(&code)]).await?;
    row.map(|row: Row| Ok((row.get("event_id")?, row.get("position_id")?))).transpose()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[REVOKE, REPLACE, REINSTATE, DROP_TICKETS, TOUCH, REVOKED, WHOSE];
