//! Statements about tokens and team members.

use super::Credential;
use crate::{
    device,
    event::Event,
    port::db::{DbError, Query, p},
};

pub(super) const INSERT_TEAM: &str = "
    insert into team (organizer_id, name, all_events, permissions, notify_orders)
    values ($1, $2, true, $3, $4) returning id";

/// One statement, so that a user is never without the team that explains them. The organiser is checked with the team.
pub(super) const INSERT_USER: &str = "
    with wanted as (select id from team where organizer_id = $1 and id = $2),
         added as (
             insert into app_user (email, full_name, locale, created_at)
             select $3, $4, $5, $6 from wanted returning id),
         joined as (
             insert into team_member (team_id, user_id) select wanted.id, added.id from wanted, added)
    select id from added";

pub(super) const INSERT_TOKEN: &str = "
    insert into api_token (organizer_id, team_id, name, token_hash, created_at) values ($1, $2, $3, $4, $5)
    returning id";

const CREDENTIAL: &str = "
    select t.id, t.organizer_id, team.permissions, coalesce(team.all_events, d.all_events) as all_events,
           array(select event_id from team_event te where te.team_id = team.id
                 union all select event_id from device_event de where de.device_id = d.id) as events,
           d.id as device_id, d.security_profile
      from api_token t left join team on team.id = t.team_id left join device d on d.id = t.device_id
     where t.token_hash = $1 and t.active and not coalesce(d.revoked, false)";

pub(super) async fn credential(q: &impl Query, hash: &Vec<u8>) -> Result<Option<Credential>, DbError> {
    let row = q.opt(CREDENTIAL, &[p(hash)]).await?;
    let read = row.map(|row| {
        let device = match row.get::<Option<i64>>("device_id")? {
            Some(id) => Some((id, device::sql::read_profile(row.get("security_profile")?)?)),
            None => None,
        };
        let of_devices = || device::PERMISSIONS.iter().map(|name| (*name).to_owned()).collect();
        Ok(Credential {
            token: row.get("id")?,
            organizer: row.get("organizer_id")?,
            permissions: row.get::<Option<Vec<String>>>("permissions")?.unwrap_or_else(of_devices),
            all_events: row.get("all_events")?,
            events: row.get("events")?,
            device,
        })
    });
    read.transpose()
}

/// A member of staff who wants to hear of new orders.
pub struct Subscriber {
    /// Where.
    pub email: String,
    /// In which language.
    pub locale: String,
}

const SUBSCRIBERS: &str = "
    select distinct u.email, u.locale
      from app_user u join team_member m on m.user_id = u.id join team t on t.id = m.team_id
     where u.is_active and t.organizer_id = $1 and t.permissions && array['*', 'event.orders:read', 'event.orders:write']
       and (t.all_events or exists (select 1 from team_event te where te.team_id = t.id and te.event_id = $2))
       and coalesce((select c.wanted from notice_choice c
                      where c.user_id = u.id and c.event_id = $2 and c.action_type = $3),
                    (select c.wanted from notice_choice c
                      where c.user_id = u.id and c.event_id is null and c.action_type = $3),
                    t.notify_orders)
     order by u.email";

/// Members of teams that may see the orders of the event, and want to be told of new ones.
pub async fn subscribers(q: &impl Query, event: &Event) -> Result<Vec<Subscriber>, DbError> {
    let rows = q.query(SUBSCRIBERS, &[p(&event.organizer.id), p(&event.id), p(&super::notice::PLACED)]).await?;
    rows.iter().map(|row| Ok(Subscriber { email: row.get("email")?, locale: row.get("locale")? })).collect()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[INSERT_TEAM, INSERT_USER, INSERT_TOKEN, CREDENTIAL, SUBSCRIBERS];
