//! What programs of organisers change about teams, their members and tokens (spec domain 30).

pub mod sql;

use crate::{
    id::OrganizerId,
    port::db::{DbError, Query, Tx, array, p},
};

/// The first of `slugs` that is no event of the organiser.
pub async fn unknown_event(
    q: &impl Query,
    organizer: OrganizerId,
    slugs: &Vec<String>,
) -> Result<Option<String>, DbError> {
    let rows = q.query(sql::KNOWN_EVENTS, &[p(&organizer), array(slugs)]).await?;
    let known: Vec<String> = rows.iter().map(|row| row.get("slug")).collect::<Result<_, _>>()?;
    Ok(slugs.iter().find(|slug| !known.contains(slug)).cloned())
}

/// Whether somebody could still change teams if this one could not.
pub async fn others_change_teams(q: &impl Query, organizer: OrganizerId, team: i64) -> Result<bool, DbError> {
    q.one(sql::OTHERS_CHANGE_TEAMS, &[p(&organizer), p(&team)]).await?.get("found")
}

/// Takes a member out of a team of the organiser.
pub async fn remove_member(tx: &Tx<'_>, organizer: OrganizerId, team: i64, user: i64) -> Result<(), DbError> {
    tx.execute(sql::REMOVE_MEMBER, &[p(&organizer), p(&team), p(&user)]).await.map(drop)
}
