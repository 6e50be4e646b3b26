//! Invitations to teams in the REST API (spec rest-api 2.3).

use lambda_http::Request;
use serde_json::Value;

use super::Teams;
use crate::{
    endpoint::api::{
        field::{Field, Kind},
        number,
        read::Faults,
        resource::{Ground, Parent, Resource},
    },
    http::ApiError,
    id::TeamId,
    port::db::Query,
    record::{self, Record, Table, reference},
    staff::{
        Permission, Scope,
        edit::sql::TEAMS,
        invite::{self, Asked, sql::INVITES},
    },
};

/// Who was asked to join a team and has not come yet.
pub struct Invites;

impl Resource for Invites {
    const KEY: &'static str = "invite";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).null().read_only(),
        Field::new("email", Kind::Text(254)).required(),
    ];
    const TABLE: &'static Table = &INVITES;
    const READ: Permission = Permission::TeamsWrite;
    const WRITE: Permission = Permission::TeamsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.team.invite.created", "pretix.team.invite.changed", "pretix.team.invite.deleted"];
    const PARENT: Option<Parent> = Some(Parent { key: Teams::KEY, table: &TEAMS, column: "team_id" });

    /// One that was accepted is a member, and no invitation any more.
    async fn identify(request: &Request, q: &impl Query, scope: Scope) -> Result<i64, ApiError> {
        let id = number(request, Self::KEY)?;
        match invite::sql::is_open(q, scope.organizer(), id).await? {
            true => Ok(id),
            false => Err(ApiError::NotFound),
        }
    }

    async fn check(
        _ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        if email(draft).parse::<lettre::Address>().is_err() {
            faults.add("email", "Enter a valid email address.");
        }
        Ok(())
    }

    async fn store(ground: &Ground<'_>, _id: Option<i64>, draft: &Record) -> Result<i64, ApiError> {
        let team = TeamId(reference(draft, "team_id").unwrap_or_default());
        let asked = invite::ask(ground.tx, ground.scope, team, email(draft), ground.now()).await;
        let asked = asked.map_err(|error| match error.constraint() {
            Some("team_invite_open_key") => ApiError::field("email", "This person has been invited already."),
            _ => error.into(),
        })?;
        match asked {
            Asked::ByMail(id) => Ok(id.0),
            Asked::Joined(id) => {
                let (team, said) = (("team", team.0), Value::Object(Record::new()));
                record::log(ground.tx, ground.scope, team, "pretix.team.member.added", &said, ground.now()).await?;
                Ok(id.0)
            }
            Asked::IsMember => Err(ApiError::field("email", "This person is a member of the team already.")),
        }
    }
}

fn email(draft: &Record) -> &str {
    draft.get("email").and_then(Value::as_str).unwrap_or_default()
}
