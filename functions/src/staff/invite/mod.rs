//! Invitations to teams (spec rest-api 2.3). A mail brings an address that nobody else can guess; whoever opens it and
//! accepts is a member, who has no password and needs none: all that members get so far are mails.

pub mod sql;

use crate::{
    config::Config,
    i18n::Lang,
    id::{InviteId, TeamId, UserId},
    mail::{self, Recipient},
    port::db::{DbError, Query, Tx},
    session::Signer,
    staff::Scope,
    time::Timestamp,
};

/// An invitation.
#[derive(Debug)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// Whom it is for.
    pub email: String,
    /// What the team is called.
    pub team_name: String,
    /// What the organiser is called.
    pub organizer_name: String,
    /// The member that it has made, once it was accepted.
    pub user: Option<UserId>,
}

impl Invite {
    /// Where it is accepted, with scheme and host.
    pub fn url(&self, config: &Config) -> String {
        format!("{}/_invites/{}/{}/", config.public_url, self.id, Signer(&config.secret_key).invite_token(self.id))
    }
}

/// What became of asking somebody.
#[derive(Debug)]
pub enum Asked {
    /// A mail is on its way.
    ByMail(InviteId),
    /// The shop knows the address: its owner is a member at once, and the invitation is one that was accepted.
    Joined(InviteId),
    /// The address is a member's already.
    IsMember,
}

/// Asks somebody to join a team of the organiser. An address that was asked already comes back as
/// [`DbError::Constraint`] `team_invite_open_key`.
pub async fn ask(tx: &Tx<'_>, scope: Scope, team: TeamId, email: &str, now: Timestamp) -> Result<Asked, DbError> {
    let organizer = scope.organizer();
    let asked = sql::insert(tx, organizer, team, email, now).await?;
    Ok(match (asked.user, asked.is_member) {
        (Some(_), true) => Asked::IsMember,
        (Some(_), false) => Asked::Joined(asked.id),
        (None, _) => {
            let to = Recipient { email, locale: &asked.locale };
            mail::queue_invite(tx, organizer, asked.id, &to, now).await?;
            Asked::ByMail(asked.id)
        }
    })
}

/// The invitation whose page has this address, unless whom it has made a member has left the team.
pub async fn find(q: &impl Query, config: &Config, id: &str, token: &str) -> Result<Option<Invite>, DbError> {
    let Ok(id) = id.parse().map(InviteId) else { return Ok(None) };
    match Signer(&config.secret_key).is_invite_token(id, token) {
        true => sql::find(q, id).await,
        false => Ok(None),
    }
}

/// Makes a member of whoever has the invitation; a second time there is nothing to do. An address that has become known
/// meanwhile keeps its name.
pub async fn accept(tx: &Tx<'_>, invite: &Invite, full_name: &str, lang: Lang, now: Timestamp) -> Result<(), DbError> {
    sql::accept(tx, invite.id, full_name, lang.code(), now).await
}
