//! The people who run an organiser's events, and the tokens of their programs (spec domain 30).

use rand::{CryptoRng, RngExt as _, distr::Alphanumeric};
use sha2::{Digest as _, Sha256};

use super::sql;
use crate::{
    id::{OrganizerId, TeamId, UserId},
    port::db::{DbError, Query as _, Tx, array, p},
    time::Timestamp,
};

/// Length of an API token: 62^64 of them cannot be tried.
const TOKEN_LENGTH: usize = 64;

/// A team to be created. It works on all events of the organiser.
#[derive(Debug)]
pub struct NewTeam<'a> {
    /// Whose team.
    pub organizer: OrganizerId,
    /// Its name.
    pub name: &'a str,
    /// Named permissions; `*` grants all.
    pub permissions: Vec<String>,
    /// Members get a mail for each order.
    pub notify_orders: bool,
}

/// Creates a team.
pub async fn create_team(tx: &Tx<'_>, team: &NewTeam<'_>) -> Result<TeamId, DbError> {
    let params = [p(&team.organizer), p(&team.name), array(&team.permissions), p(&team.notify_orders)];
    tx.one(sql::INSERT_TEAM, &params).await?.get("id")
}

/// A backend user to be created, without a password yet.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Whose team.
    pub organizer: OrganizerId,
    /// The team that the user joins.
    pub team: TeamId,
    /// The mail address to log in with.
    pub email: &'a str,
    /// The name for colleagues.
    pub full_name: &'a str,
    /// The language of mails to the user.
    pub locale: &'a str,
}

/// Creates a user as a member of a team.
/// A mail address that is taken comes back as [`DbError::Constraint`] `app_user_email_key`.
pub async fn create_user(tx: &Tx<'_>, user: &NewUser<'_>, now: Timestamp) -> Result<UserId, DbError> {
    let params = [p(&user.organizer), p(&user.team), p(&user.email), p(&user.full_name), p(&user.locale), p(&now)];
    tx.one(sql::INSERT_USER, &params).await?.get("id")
}

/// An API token to be created.
#[derive(Debug)]
pub struct NewToken<'a> {
    /// Whose team.
    pub organizer: OrganizerId,
    /// The team whose permissions the token has.
    pub team: TeamId,
    /// What it is for.
    pub name: &'a str,
}

/// Creates an API token and returns its text, which is not stored and cannot be shown again.
pub async fn create_token(
    tx: &Tx<'_>,
    token: &NewToken<'_>,
    now: Timestamp,
    random: &mut impl CryptoRng,
) -> Result<String, DbError> {
    let text: String = random.sample_iter(Alphanumeric).take(TOKEN_LENGTH).map(char::from).collect();
    let hash = token_hash(&text);
    let hash = hash.as_slice();
    tx.one(sql::INSERT_TOKEN, &[p(&token.organizer), p(&token.team), p(&token.name), p(&hash), p(&now)]).await?;
    Ok(text)
}

/// The form in which tokens are stored and looked up.
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
