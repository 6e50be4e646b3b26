//! Who works for an organiser, as a value: a function that needs a right takes a [`Staff`], so forgetting the check
//! does not compile.

mod create;
pub mod edit;
pub mod invite;
pub mod notice;
pub mod sql;

pub use create::{NewTeam, NewToken, NewUser, create_team, create_token, create_user, token_hash};
use http::header;
use lambda_http::{Request, RequestExt as _};

use crate::{
    device::profile::Profile,
    event::{self, Event, Organizer},
    http::{ApiError, header_text},
    id::{EventId, OrganizerId, TokenId},
    port::db::Query,
};

/// A named right of a team (spec domain 30, rest-api 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See what an event is and what it sells: every right in the event is enough.
    EventRead,
    /// Change an event and its settings.
    EventWrite,
    /// Change the dates of a series.
    DatesWrite,
    /// Change what is sold.
    ItemsWrite,
    /// Change tax rules.
    TaxWrite,
    /// See orders.
    OrdersRead,
    /// Change orders.
    OrdersWrite,
    /// See check-in lists and who is on them.
    CheckinRead,
    /// Let people in and out.
    CheckinWrite,
    /// See vouchers.
    VouchersRead,
    /// Change vouchers.
    VouchersWrite,
    /// See who the organiser is: every right is enough.
    OrganizerRead,
    /// Create events.
    EventsCreate,
    /// Change what concerns the organiser as a whole, such as webhooks.
    OrganizerWrite,
    /// Change teams, their members and tokens.
    TeamsWrite,
    /// See devices.
    DevicesRead,
    /// Add and change devices.
    DevicesWrite,
    /// See gift cards.
    GiftCardsRead,
    /// Issue gift cards, change them, put money on them and take it off.
    GiftCardsWrite,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::EventRead,
        Self::EventWrite,
        Self::DatesWrite,
        Self::ItemsWrite,
        Self::TaxWrite,
        Self::OrdersRead,
        Self::OrdersWrite,
        Self::CheckinRead,
        Self::CheckinWrite,
        Self::VouchersRead,
        Self::VouchersWrite,
        Self::OrganizerRead,
        Self::EventsCreate,
        Self::OrganizerWrite,
        Self::TeamsWrite,
        Self::DevicesRead,
        Self::DevicesWrite,
        Self::GiftCardsRead,
        Self::GiftCardsWrite,
    ];

    /// The name in the database and the API; `None` for what every team may.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::EventRead | Self::OrganizerRead => None,
            Self::EventWrite => Some("event.settings.general:write"),
            Self::DatesWrite => Some("event.subevents:write"),
            Self::ItemsWrite => Some("event.items:write"),
            Self::TaxWrite => Some("event.settings.tax:write"),
            Self::OrdersRead => Some("event.orders:read"),
            Self::OrdersWrite => Some("event.orders:write"),
            Self::CheckinRead | Self::CheckinWrite => Some("event.orders:checkin"),
            Self::VouchersRead => Some("event.vouchers:read"),
            Self::VouchersWrite => Some("event.vouchers:write"),
            Self::EventsCreate => Some("organizer.events:create"),
            Self::OrganizerWrite => Some("organizer.settings.general:write"),
            Self::TeamsWrite => Some("organizer.teams:write"),
            Self::DevicesRead => Some("organizer.devices:read"),
            Self::DevicesWrite => Some("organizer.devices:write"),
            Self::GiftCardsRead => Some("organizer.giftcards:read"),
            Self::GiftCardsWrite => Some("organizer.giftcards:write"),
        }
    }

    /// Who may change may also see.
    fn is_granted_by(self, granted: &str) -> bool {
        let Some(name) = self.name() else {
            return self == Self::OrganizerRead || granted == "*" || EVENT_PERMISSIONS.contains(&granted);
        };
        let of_writers = || name.strip_suffix(":read").is_some_and(|what| granted.strip_suffix(":write") == Some(what));
        // Whoever may see orders may see who comes in, and whoever may change them may let people in (spec rest-api 15).
        let of_orders = match self {
            Self::CheckinRead => granted == "event.orders:read" || granted == "event.orders:write",
            Self::CheckinWrite => granted == "event.orders:write",
            _ => false,
        };
        granted == "*" || granted == name || of_writers() || of_orders
    }
}

/// Every right that a team can have in events.
pub const EVENT_PERMISSIONS: &[&str] = &[
    "event.settings.general:write",
    "event.settings.payment:write",
    "event.settings.tax:write",
    "event.settings.invoicing:write",
    "event.subevents:write",
    "event.items:write",
    "event.orders:read",
    "event.orders:write",
    "event.orders:checkin",
    "event.vouchers:read",
    "event.vouchers:write",
    "event:cancel",
];

/// Every right that a team can have in the organiser.
pub const ORGANIZER_PERMISSIONS: &[&str] = &[
    "organizer.events:create",
    "organizer.settings.general:write",
    "organizer.teams:write",
    "organizer.giftcards:read",
    "organizer.giftcards:write",
    "organizer.customers:read",
    "organizer.customers:write",
    "organizer.reusablemedia:read",
    "organizer.reusablemedia:write",
    "organizer.devices:read",
    "organizer.devices:write",
    "organizer.seatingplans:write",
    "organizer.outgoingmails:read",
];

/// Whose rows a statement may touch: the event or the organiser that a right was checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    id: i64,
    organizer: OrganizerId,
    event: Option<EventId>,
    token: TokenId,
}

impl Scope {
    /// The organiser's rows, for whoever has a token of the organiser.
    pub fn of(credential: &Credential) -> Self {
        Self { id: credential.organizer.0, organizer: credential.organizer, event: None, token: credential.token }
    }

    /// The organiser's rows instead of those of one event.
    pub fn of_organizer(self) -> Self {
        Self { id: self.organizer.0, event: None, ..self }
    }

    /// The rows of an event that was made a moment ago, in the same transaction.
    pub fn within(self, event: EventId) -> Self {
        Self { id: event.0, event: Some(event), ..self }
    }

    /// The event, or else the organiser: what every statement is limited to.
    pub fn id(self) -> i64 {
        self.id
    }

    /// The organiser.
    pub fn organizer(self) -> OrganizerId {
        self.organizer
    }

    /// The event, if it is one.
    pub fn event(self) -> Option<EventId> {
        self.event
    }

    /// Who acts, for the log.
    pub fn token(self) -> TokenId {
        self.token
    }
}

/// A program of the organiser that may do what it asks for, in one event. Domain functions take the event from it.
#[derive(Debug)]
pub struct Staff {
    token: TokenId,
    event: EventId,
    organizer: OrganizerId,
}

/// A token with the rights of its team, or those that every device has.
#[derive(Debug, Clone)]
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
    /// The device that it is of, if it is not a team's, with what its profile lets it ask for.
    pub device: Option<(i64, Profile)>,
}

impl Credential {
    /// Whether it works in an event.
    pub fn reaches(&self, event: &Event) -> bool {
        self.organizer == event.organizer.id && self.includes(event.id)
    }

    /// Whether an event, which is the organiser's, is one of those that it works in.
    pub fn includes(&self, event: EventId) -> bool {
        self.all_events || self.events.contains(&event)
    }

    /// Whether the team has a right, in the events that are its own.
    pub fn grants(&self, permission: Permission) -> bool {
        self.permissions.iter().any(|granted| permission.is_granted_by(granted))
    }
}

/// The token of a request, whatever it may do. Teams say `Token`, devices say `Device`; what the profile of a device does
/// not list is 403 (spec rest-api 0.1).
pub async fn authenticate(request: &Request, q: &impl Query) -> Result<Credential, ApiError> {
    let header = header_text(request.headers(), header::AUTHORIZATION).unwrap_or_default();
    let (scheme, token) = header.split_once(' ').ok_or(ApiError::Unauthenticated)?;
    let found = sql::credential(q, &token_hash(token.trim())).await?.ok_or(ApiError::Unauthenticated)?;
    match (scheme, &found.device) {
        ("Token", None) => Ok(found),
        ("Device", Some((_, profile))) => match profile.allows(request.method().as_str(), request.raw_http_path()) {
            true => Ok(found),
            false => Err(ApiError::Forbidden),
        },
        _ => Err(ApiError::Unauthenticated),
    }
}

/// The device that a request comes from; everybody else is 401.
pub async fn device(request: &Request, q: &impl Query) -> Result<Credential, ApiError> {
    let found = authenticate(request, q).await?;
    if found.device.is_some() { Ok(found) } else { Err(ApiError::Unauthenticated) }
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
        if !credential.reaches(&event) || !credential.grants(permission) {
            return Err(ApiError::Forbidden);
        }
        Ok((Self { token: credential.token, event: event.id, organizer: event.organizer.id }, event))
    }

    /// The token, for the log.
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// The event that the right was checked for.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// The event's rows.
    pub fn scope(&self) -> Scope {
        Scope { id: self.event.0, organizer: self.organizer, event: Some(self.event), token: self.token }
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
    credential: Credential,
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
        Ok((Self { organizer: organizer.id, credential }, organizer))
    }

    /// The organiser that the right was checked for.
    pub fn organizer(&self) -> OrganizerId {
        self.organizer
    }

    /// The token, for the log.
    pub fn token(&self) -> TokenId {
        self.credential.token
    }

    /// The token with the rights of its team.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The organiser's rows.
    pub fn scope(&self) -> Scope {
        Scope { id: self.organizer.0, organizer: self.organizer, event: None, token: self.credential.token }
    }
}
