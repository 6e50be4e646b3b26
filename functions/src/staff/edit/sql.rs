//! Statements that change teams, members and tokens.

use crate::record::Table;

macro_rules! team_body {
    () => {
        "to_jsonb(r) || jsonb_build_object('limit_events', (
             select coalesce(jsonb_agg(e.slug order by e.slug), '[]') from team_event te join event e on e.id = te.event_id
              where te.team_id = r.id))"
    };
}
const LIST_TEAMS: &str = concat!(
    "select ",
    team_body!(),
    " as body, count(*) over () as total from team r where r.organizer_id = $1 and jsonb_typeof($2) = 'object'
      order by case when $3 = '-id' then r.id end desc, r.id offset $4 limit $5"
);
const FIND_TEAM: &str = concat!("select ", team_body!(), " as body from team r where organizer_id = $1 and id = $2");
const INSERT_TEAM: &str = "
    with added as (
        insert into team (organizer_id, name, all_events, permissions)
        select $1, name, all_events, permissions from jsonb_populate_record(null::team, $2) returning id),
    limited as (
        insert into team_event (team_id, event_id, organizer_id)
        select added.id, e.id, $1 from added, event e where e.organizer_id = $1 and $2::jsonb->'limit_events' @> to_jsonb(e.slug))
    select id from added";
const UPDATE_TEAM: &str = "
    with wanted as (select e.id from event e where e.organizer_id = $1 and $3::jsonb->'limit_events' @> to_jsonb(e.slug)),
    gone as (delete from team_event te where te.organizer_id = $1 and te.team_id = $2
                and te.event_id not in (select id from wanted)),
    limited as (insert into team_event (team_id, event_id, organizer_id) select $2, w.id, $1 from wanted w on conflict do nothing)
    update team set (name, all_events, permissions)
        = (select name, all_events, permissions from jsonb_populate_record(null::team, $3))
     where organizer_id = $1 and id = $2";
/// Its tokens go with it.
const DELETE_TEAM: &str = "
    with tokens as (delete from api_token where organizer_id = $1 and team_id = $2)
    delete from team where organizer_id = $1 and id = $2";
pub(super) const KNOWN_EVENTS: &str = "select slug from event where organizer_id = $1 and slug = any($2)";
pub(super) const OTHERS_CHANGE_TEAMS: &str = "
    select exists (select 1 from team where organizer_id = $1 and id <> $2
                      and permissions && array['*', 'organizer.teams:write']) as found";

/// Teams.
pub static TEAMS: Table = Table {
    object: "team",
    list: LIST_TEAMS,
    find: FIND_TEAM,
    insert: INSERT_TEAM,
    update: UPDATE_TEAM,
    delete: DELETE_TEAM,
};

const LIST_MEMBERS: &str = "
    select jsonb_build_object('id', u.id, 'email', u.email, 'full_name', u.full_name, 'team_id', m.team_id) as body,
           count(*) over () as total
      from team t join team_member m on m.team_id = t.id join app_user u on u.id = m.user_id
     where t.organizer_id = $1 and m.team_id = ($2::jsonb->>'team_id')::bigint
     order by case when $3 = '-id' then u.id end desc, u.id offset $4 limit $5";
/// A user may be in several teams of the organiser: which one is said when one is removed.
const FIND_MEMBER: &str = "
    select jsonb_build_object('id', u.id, 'email', u.email, 'full_name', u.full_name,
               'teams', jsonb_agg(m.team_id)) as body
      from team t join team_member m on m.team_id = t.id join app_user u on u.id = m.user_id
     where t.organizer_id = $1 and u.id = $2 group by u.id";
pub(super) const REMOVE_MEMBER: &str = "
    delete from team_member m using team t
     where t.organizer_id = $1 and t.id = $2 and m.team_id = t.id and m.user_id = $3";

/// Members of teams. They are people who have a login: none is made here.
pub static MEMBERS: Table =
    Table { object: "team", list: LIST_MEMBERS, find: FIND_MEMBER, insert: "", update: "", delete: "" };

const LIST_TOKENS: &str = "
    select to_jsonb(r) - 'token_hash' as body, count(*) over () as total from api_token r
     where r.organizer_id = $1 and r.team_id = ($2::jsonb->>'team_id')::bigint
     order by case when $3 = '-id' then r.id end desc, r.id offset $4 limit $5";
const FIND_TOKEN: &str =
    "select to_jsonb(r) - 'token_hash' as body from api_token r where organizer_id = $1 and id = $2";
/// What was done with it stays explained.
const DELETE_TOKEN: &str = "update api_token set active = false where organizer_id = $1 and id = $2";

/// Tokens of teams. Their texts are drawn where they are shown, once.
pub static TOKENS: Table =
    Table { object: "team", list: LIST_TOKENS, find: FIND_TOKEN, insert: "", update: "", delete: DELETE_TOKEN };

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    LIST_TEAMS,
    FIND_TEAM,
    INSERT_TEAM,
    UPDATE_TEAM,
    DELETE_TEAM,
    KNOWN_EVENTS,
    OTHERS_CHANGE_TEAMS,
    LIST_MEMBERS,
    FIND_MEMBER,
    REMOVE_MEMBER,
    LIST_TOKENS,
    FIND_TOKEN,
    DELETE_TOKEN,
];
