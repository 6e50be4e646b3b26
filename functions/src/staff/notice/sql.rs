//! Statements about what members of staff want to be told.

use std::collections::BTreeSet;

use super::{Reader, TYPES};
use crate::{
    event::Localized,
    id::{EventId, UserId},
    port::db::{DbError, Query, Tx, array, p},
};

const READER: &str = "select email, locale from app_user where id = $1 and is_active";

pub(super) async fn reader(q: &impl Query, user: UserId) -> Result<Option<Reader>, DbError> {
    let Some(row) = q.opt(READER, &[p(&user)]).await? else { return Ok(None) };
    Ok(Some(Reader { user, email: row.get("email")?, locale: row.get("locale")? }))
}

/// An event that a reader works on.
pub struct EventName {
    /// Its id.
    pub id: EventId,
    /// Its name.
    pub name: Localized,
}

const EVENT_OF: &str = "
    select e.id, e.name from event e
     where e.id = $2
       and exists (select from team_member m join team t on t.id = m.team_id and t.organizer_id = e.organizer_id
                    where m.user_id = $1
                      and (t.all_events
                           or exists (select from team_event te where te.team_id = t.id and te.event_id = e.id)))";

pub(super) async fn event_of(q: &impl Query, user: UserId, event: EventId) -> Result<Option<EventName>, DbError> {
    let Some(row) = q.opt(EVENT_OF, &[p(&user), p(&event)]).await? else { return Ok(None) };
    Ok(Some(EventName { id: row.get("id")?, name: Localized::from_row(&row, "name")? }))
}

/// What somebody has chosen.
pub(super) struct Choice {
    pub action_type: String,
    pub wanted: bool,
    /// Chosen for just this place, and not for all events.
    pub is_here: bool,
}

const CHOICES: &str = "
    select action_type, wanted, event_id is not distinct from $2 as is_here
      from notice_choice where user_id = $1 and (event_id is null or event_id = $2)";

pub(super) async fn choices(q: &impl Query, user: UserId, event: Option<EventId>) -> Result<Vec<Choice>, DbError> {
    let rows = q.query(CHOICES, &[p(&user), p(&event)]).await?;
    let read = rows.iter().map(|row| {
        Ok(Choice { action_type: row.get("action_type")?, wanted: row.get("wanted")?, is_here: row.get("is_here")? })
    });
    read.collect()
}

const IS_TOLD_OF_ORDERS: &str = "
    select exists (select from team_member m join team t on t.id = m.team_id
                    where m.user_id = $1 and t.notify_orders
                      and ($2::bigint is null
                           or t.organizer_id = (select organizer_id from event where id = $2)
                              and (t.all_events or exists (
                                      select from team_event te where te.team_id = t.id and te.event_id = $2)))) as told";

pub(super) async fn is_told_of_orders(q: &impl Query, user: UserId, event: Option<EventId>) -> Result<bool, DbError> {
    q.one(IS_TOLD_OF_ORDERS, &[p(&user), p(&event)]).await?.get("told")
}

const CHOOSE: &str = "
    insert into notice_choice (user_id, organizer_id, event_id, action_type, wanted)
    select $1, (select organizer_id from event where id = $2), $2, name, name = any($4)
      from unnest($3::text[]) as t (name)
    on conflict on constraint notice_choice_key do update set wanted = excluded.wanted";

pub(super) async fn choose(
    tx: &Tx<'_>,
    user: UserId,
    event: Option<EventId>,
    wanted: &BTreeSet<&str>,
) -> Result<(), DbError> {
    let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    let wanted: Vec<&str> = wanted.iter().copied().collect();
    tx.execute(CHOOSE, &[p(&user), p(&event), array(&names), array(&wanted)]).await.map(|_| ())
}

const FOLLOW: &str = "delete from notice_choice where user_id = $1 and event_id = $2";

pub(super) async fn follow(tx: &Tx<'_>, user: UserId, event: EventId) -> Result<(), DbError> {
    tx.execute(FOLLOW, &[p(&user), p(&event)]).await.map(|_| ())
}

const STOP: &str = "delete from notice_choice where user_id = $1";

pub(super) async fn stop(tx: &Tx<'_>, user: UserId) -> Result<(), DbError> {
    tx.execute(STOP, &[p(&user)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[READER, EVENT_OF, CHOICES, IS_TOLD_OF_ORDERS, CHOOSE, FOLLOW, STOP];
