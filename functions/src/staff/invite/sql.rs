//! Statements about invitations to teams.

use super::Invite;
use crate::{
    id::{InviteId, OrganizerId, TeamId, UserId},
    port::db::{DbError, Query, Tx, p},
    record::Table,
    time::Timestamp,
};

/// One that was accepted is told as nothing but the address (spec rest-api 2.3).
macro_rules! invite_body {
    () => {
        "jsonb_build_object('id', case when r.user_id is null then r.id end, 'email', r.email, 'team_id', r.team_id)"
    };
}
const LIST: &str = concat!(
    "select ",
    invite_body!(),
    " as body, count(*) over () as total from team_invite r
      where r.organizer_id = $1 and r.team_id = ($2::jsonb->>'team_id')::bigint and r.user_id is null
      order by case when $3 = '-id' then r.id end desc, r.id offset $4 limit $5"
);
const FIND_BODY: &str =
    concat!("select ", invite_body!(), " as body from team_invite r where r.organizer_id = $1 and r.id = $2");
const DELETE: &str = "delete from team_invite where organizer_id = $1 and id = $2 and user_id is null";

/// Invitations of teams.
pub static INVITES: Table =
    Table { object: "team_invite", list: LIST, find: FIND_BODY, insert: "", update: "", delete: DELETE };

const IS_OPEN: &str = "
    select exists (select from team_invite where organizer_id = $1 and id = $2 and user_id is null) as is_open";

/// Whether nobody has accepted it yet.
pub async fn is_open(q: &impl Query, organizer: OrganizerId, id: i64) -> Result<bool, DbError> {
    q.one(IS_OPEN, &[p(&organizer), p(&id)]).await?.get("is_open")
}

/// What was found about somebody who is asked.
pub(super) struct Asked {
    pub id: InviteId,
    pub user: Option<UserId>,
    pub is_member: bool,
    pub locale: String,
}

/// Whom the shop knows is a member at once.
const INSERT: &str = "
    with wanted as (
        select t.id, coalesce(o.settings->>'locale', o.settings->'locales'->>0, 'en') as locale
          from team t join organizer o on o.id = t.organizer_id where t.organizer_id = $1 and t.id = $2),
    known as (
        select u.id, exists (select from team_member m where m.team_id = $2 and m.user_id = u.id) as is_member
          from app_user u where lower(u.email) = lower($3)),
    joined as (
        insert into team_member (team_id, user_id) select wanted.id, known.id from wanted, known on conflict do nothing),
    added as (
        insert into team_invite (organizer_id, team_id, email, created_at, user_id)
        select $1, wanted.id, $3, $4, (select id from known) from wanted returning id)
    select added.id, known.id as user_id, coalesce(known.is_member, false) as is_member, wanted.locale
      from added cross join wanted left join known on true";

pub(super) async fn insert(
    tx: &Tx<'_>,
    organizer: OrganizerId,
    team: TeamId,
    email: &str,
    now: Timestamp,
) -> Result<Asked, DbError> {
    let row = tx.one(INSERT, &[p(&organizer), p(&team), p(&email), p(&now)]).await?;
    Ok(Asked {
        id: row.get("id")?,
        user: row.get("user_id")?,
        is_member: row.get("is_member")?,
        locale: row.get("locale")?,
    })
}

/// By an id that the shop itself has signed or stored.
const FIND: &str = "
    select i.id, i.email, i.user_id, t.name as team_name, o.name as organizer_name
      from team_invite i join team t on t.organizer_id = i.organizer_id and t.id = i.team_id
           join organizer o on o.id = i.organizer_id
     where i.id = $1
       and (i.user_id is null
            or exists (select from team_member m where m.team_id = i.team_id and m.user_id = i.user_id))";

/// An invitation, unless whom it has made a member has left the team.
pub async fn find(q: &impl Query, id: InviteId) -> Result<Option<Invite>, DbError> {
    let Some(row) = q.opt(FIND, &[p(&id)]).await? else { return Ok(None) };
    Ok(Some(Invite {
        id: row.get("id")?,
        email: row.get("email")?,
        team_name: row.get("team_name")?,
        organizer_name: row.get("organizer_name")?,
        user: row.get("user_id")?,
    }))
}

/// The lock of the row makes the second of two that come at once find nothing open.
const ACCEPT: &str = "
    with open as (select id, organizer_id, team_id, email from team_invite where id = $1 and user_id is null for update),
    person as (
        insert into app_user (email, full_name, locale, created_at) select email, $2, $3, $4 from open
        on conflict ((lower(email))) do update set email = app_user.email returning id),
    joined as (
        insert into team_member (team_id, user_id) select open.team_id, person.id from open, person on conflict do nothing),
    told as (
        insert into action_log (organizer_id, object_type, object_id, action, data, actor_type, created_at)
        select organizer_id, 'team', team_id, 'pretix.team.member.joined', jsonb_build_object('invite', id), 'system', $4
          from open)
    update team_invite i set user_id = person.id from open, person where i.id = open.id";

pub(super) async fn accept(
    tx: &Tx<'_>,
    id: InviteId,
    full_name: &str,
    locale: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(ACCEPT, &[p(&id), p(&full_name), p(&locale), p(&now)]).await.map(drop)
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[LIST, FIND_BODY, DELETE, IS_OPEN, INSERT, FIND, ACCEPT];
