//! Who works for an organiser, as a value: a function that needs a right takes a [`Staff`], so forgetting the check
//! does not compile.

mod create;
pub mod notice;
pub mod sql;

pub use create::{NewTeam, NewToken, NewUser, create_team, create_token, create_user, token_hash};
use http::header;
use lambda_http::Request;

use crate::{
    event::{self, Event, Organizer},
    http::{ApiError, header_text},
    id::{EventId, OrganizerId, TokenId},
    port::db::Query,
};

/// A named right of a team (spec domain 30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Change an event and its settings.
    EventWrite,
    /// Change what is sold.
    ItemsWrite,
    /// See orders.
    OrdersRead,
    /// Change orders.
    OrdersWrite,
    /// Change what concerns the organiser as a whole, such as webhooks.
    OrganizerWrite,
}

impl Permission {
    /// The name in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::EventWrite => "event.settings.general:write",
            Self::ItemsWrite => "event.items:write",
            Self::OrdersRead => "event.orders:read",
            Self::OrdersWrite => "event.orders:write",
            Self::OrganizerWrite => "organizer.settings.general:write",
        }
    }

    /// Who may change may also see.
    fn is_granted_by(self, granted: &str) -> bool {
        granted == "*" || granted == self.name() || (self == Self::OrdersRead && granted == Self::OrdersWrite.name())
    }
}

/// A program of the organiser that may do what it asks for, in one event. Domain functions take the event from it.
#[derive(Debug)]
pub struct Staff {
    token: TokenId,
    event: EventId,
}

/// A token with the rights of its team.
pub struct Credential {
    /// The token.
    pub token: TokenId,
    /// Whose it is.
    pub organizer: OrganizerId,
    /// The rights of the team.
    pub permissions: Vec<String>,
    /// All events of the organiser.
    pub all_events: bool,
    /// Or these.
    pub events: Vec<EventId>,
}

impl Credential {
    fn grants(&self, permission: Permission) -> bool {
        self.permissions.iter().any(|granted| permission.is_granted_by(granted))
    }
}

/// The token of a request.
async fn authenticate(request: &Request, q: &impl Query) -> Result<Credential, ApiError> {
    let header = header_text(request.headers(), header::AUTHORIZATION).unwrap_or_default();
    let token = header.strip_prefix("Token ").ok_or(ApiError::Unauthenticated)?;
    sql::credential(q, &token_hash(token.trim())).await?.ok_or(ApiError::Unauthenticated)
}

impl Staff {
    /// Checks the token of a request for a right in an event. An unknown token is 401; a missing right and an unknown
    /// organiser or event are the same 403 (spec rest-api 0.1).
    pub async fn authorise(
        request: &Request,
        q: &impl Query,
        organizer_slug: &str,
        event_slug: &str,
        permission: Permission,
    ) -> Result<(Self, Event), ApiError> {
        let credential = authenticate(request, q).await?;
        let event = event::find(q, organizer_slug, event_slug).await?.ok_or(ApiError::Forbidden)?;
        let in_team = credential.all_events || credential.events.contains(&event.id);
        if credential.organizer != event.organizer.id || !in_team || !credential.grants(permission) {
            return Err(ApiError::Forbidden);
        }
        Ok((Self { token: credential.token, event: event.id }, event))
    }

    /// The token, for the log.
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// The event that the right was checked for.
    pub fn event(&self) -> EventId {
        self.event
    }
}

/// A program of an organiser, whatever its rights: for what it only prepares.
#[derive(Debug)]
pub struct Program {
    token: TokenId,
    organizer: OrganizerId,
}

impl Program {
    /// The program that a request comes from. An unknown token is 401; one without any right is 403.
    pub async fn authenticate(request: &Request, q: &impl Query) -> Result<Self, ApiError> {
        let credential = authenticate(request, q).await?;
        match credential.permissions.is_empty() {
            true => Err(ApiError::Forbidden),
            false => Ok(Self { token: credential.token, organizer: credential.organizer }),
        }
    }

    /// The token.
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// Whose program it is.
    pub fn organizer(&self) -> OrganizerId {
        self.organizer
    }
}

/// A program of the organiser that may do what it asks for in what concerns the organiser as a whole. Domain functions
/// take the organiser from it.
#[derive(Debug)]
pub struct OrganizerStaff {
    organizer: OrganizerId,
}

impl OrganizerStaff {
    /// Checks the token of a request for a right of the organiser, as [`Staff::authorise`] does for one in an event.
    /// The team need not work on all events.
    pub async fn authorise(
        request: &Request,
        q: &impl Query,
        organizer_slug: &str,
        permission: Permission,
    ) -> Result<(Self, Organizer), ApiError> {
        let credential = authenticate(request, q).await?;
        let organizer = event::find_organizer(q, organizer_slug).await?.ok_or(ApiError::Forbidden)?;
        if credential.organizer != organizer.id || !credential.grants(permission) {
            return Err(ApiError::Forbidden);
        }
        Ok((Self { organizer: organizer.id }, organizer))
    }

    /// The organiser that the right was checked for.
    pub fn organizer(&self) -> OrganizerId {
        self.organizer
    }
}
