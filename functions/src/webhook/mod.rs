//! Webhooks: telling programs of organisers what happened (spec domain 23.3).
//!
//! The action log is its own outbox: whoever records an action has announced it. A worker takes what nobody has looked
//! at and writes a row for each webhook that wants to hear of it ([`announce`]); from then on that row drives what
//! happens ([`deliver`]), as the row of a mail does. A receiver may hear of an action twice, with the same `webhook-id`,
//! if a worker dies between its answer and the commit after it. It reads what it wants to know through the API: payloads
//! carry no data.

mod deliver;
mod payload;
pub mod retry;
pub mod sign;
pub mod sql;

use std::collections::BTreeMap;

pub use deliver::{announce, deliver, requeue};
use sign::SigningKey;

use crate::{
    config::Secret,
    id::{ActionId, DeliveryId, OrganizerId, WebhookId},
    port::{
        callout::{CallError, Guard, Target as Address},
        db::{DbError, Query, Tx},
    },
    staff::OrganizerStaff,
    time::Timestamp,
};

/// Types that a webhook can ask for. One that ends in `.*` stands for all that begin like it; the concrete one is told.
pub const ACTION_TYPES: &[&str] = &[
    "pretix.customer.anonymized",
    "pretix.customer.changed",
    "pretix.customer.created",
    "pretix.event.added",
    "pretix.event.changed",
    "pretix.event.checkin",
    "pretix.event.checkin.reverted",
    "pretix.event.deleted",
    "pretix.event.item.*",
    "pretix.event.live.activated",
    "pretix.event.live.deactivated",
    "pretix.event.order.approved",
    "pretix.event.order.canceled",
    "pretix.event.order.changed.*",
    "pretix.event.order.contact.changed",
    "pretix.event.order.deleted",
    "pretix.event.order.denied",
    "pretix.event.order.expired",
    "pretix.event.order.expirychanged",
    "pretix.event.order.modified",
    "pretix.event.order.paid",
    "pretix.event.order.payment.confirmed",
    "pretix.event.order.placed",
    "pretix.event.order.placed.require_approval",
    "pretix.event.order.reactivated",
    "pretix.event.order.refund.canceled",
    "pretix.event.order.refund.created",
    "pretix.event.order.refund.created.externally",
    "pretix.event.order.refund.done",
    "pretix.event.order.refund.failed",
    "pretix.event.order.refund.requested",
    "pretix.event.orders.waitinglist.added",
    "pretix.event.orders.waitinglist.changed",
    "pretix.event.orders.waitinglist.deleted",
    "pretix.event.orders.waitinglist.voucher_assigned",
    "pretix.event.quota.*",
    "pretix.event.testmode.activated",
    "pretix.event.testmode.deactivated",
    "pretix.giftcards.created",
    "pretix.giftcards.modified",
    "pretix.giftcards.transaction.*",
    "pretix.subevent.added",
    "pretix.subevent.changed",
    "pretix.subevent.deleted",
    "pretix.voucher.added",
    "pretix.voucher.changed",
    "pretix.voucher.deleted",
];

/// How long a replaced secret signs beside its successor.
pub const ROTATION_SECONDS: i64 = 24 * 3600;
/// Longest address of a receiver.
const TARGET_LENGTH_MAX: usize = 1024;
/// Longest time that a worker may take for one try: above the worker's timeout.
const CLAIM_STALE_SECONDS: i64 = 120;
/// A queued delivery gets another message after this long: its own is lost.
const QUEUED_SECONDS: i64 = 600;
/// Deliveries are kept for this long.
pub const KEEP_SECONDS: i64 = 30 * 24 * 3600;

/// What an organiser says about a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Whether it is told anything.
    pub enabled: bool,
    /// Where the receiver listens.
    pub target_url: String,
    /// It hears of all events of the organiser.
    pub all_events: bool,
    /// Or of those with these slugs.
    pub limit_events: Vec<String>,
    /// What it hears of: some of [`ACTION_TYPES`].
    pub action_types: Vec<String>,
    /// For staff.
    pub comment: Option<String>,
}

/// A webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its row.
    pub id: WebhookId,
    /// What the organiser says about it.
    pub draft: Draft,
    nonce: String,
}

impl Webhook {
    /// What signs its messages.
    pub fn key(&self, secret_key: &Secret) -> SigningKey {
        SigningKey::derive(secret_key, &self.nonce)
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent now.
    Queued,
    /// A worker has it.
    Inflight,
    /// Not taken; the next try has its time.
    AwaitingRetry,
    /// The receiver has it.
    Delivered,
    /// Given up.
    Failed,
    /// There was nothing to tell, or nobody who wants to hear it any more.
    Dropped,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Inflight, Self::AwaitingRetry, Self::Delivered, Self::Failed, Self::Dropped];

    /// The word in the database and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Inflight => "inflight",
            Self::AwaitingRetry => "awaiting_retry",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| DbError::UnknownValue { what: "state of a delivery", value: name.to_owned() })
    }
}

/// One action told to one webhook, for those who look back.
pub struct Delivery {
    /// Its row.
    pub id: DeliveryId,
    /// What happened; `None` if the log has been swept.
    pub action: Option<String>,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i32,
    /// When something happens next, unless it is at its end.
    pub retry_at: Timestamp,
    /// What is told, once it was tried.
    pub payload: Option<String>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
}

/// One try.
pub struct Call {
    /// Which one.
    pub attempt: i32,
    /// When it began.
    pub called_at: Timestamp,
    /// Where it went.
    pub target_url: String,
    /// What was answered; 0 if nothing was.
    pub status: i32,
    /// The beginning of the answer, or why there is none.
    pub answer: String,
    /// How long it took.
    pub duration_ms: i32,
}

/// A delivery that this worker has claimed.
struct Claimed {
    id: DeliveryId,
    organizer: OrganizerId,
    webhook: WebhookId,
    action: ActionId,
    attempt: i32,
    step: i32,
    payload: Option<String>,
}

/// Where a delivery goes now and what signs it, the present secret first.
struct Target {
    enabled: bool,
    url: String,
    nonces: Vec<String>,
}

/// An action and what its payload names.
struct Action {
    id: ActionId,
    name: String,
    object_type: String,
    object_id: i64,
    organizer: String,
    event: Option<String>,
    /// The order's code, if it is about an order that still exists.
    code: Option<String>,
    /// Somebody who came in or went out.
    scan: Option<Scan>,
}

/// What is told of a scan besides its order.
struct Scan {
    position: i64,
    /// The number of the position in its order, if it is still there.
    number: Option<i32>,
    list: Option<i64>,
    direction: Option<String>,
}

/// What one round of announcing did.
struct Announced {
    taken: i64,
    deliveries: Vec<Open>,
}

/// A delivery to be made, and whose it is.
struct Open {
    id: DeliveryId,
    organizer: OrganizerId,
}

/// Why a webhook was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Field → what is allowed.
    #[error("some fields are wrong")]
    Refused(BTreeMap<String, Vec<String>>),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl SaveError {
    fn field(name: &str, message: impl Into<String>) -> Self {
        Self::Refused(BTreeMap::from([(name.to_owned(), vec![message.into()])]))
    }
}

/// Refuses an address that is none, and one that leads into a private network. A name that nobody knows yet is fine:
/// every delivery looks again.
pub async fn check_target(url: &str, guard: &Guard<'_>) -> Result<(), SaveError> {
    let refused = |message: &str| Err(SaveError::field("target_url", message));
    if url.len() > TARGET_LENGTH_MAX {
        return refused("Ensure this field has no more than 1024 characters.");
    }
    let Ok(address) = Address::parse(url) else { return refused("Enter a valid URL.") };
    match guard.resolve(&address).await {
        Err(CallError::Private) => refused("This address is not public, so nothing can be sent to it."),
        Err(_) | Ok(_) => Ok(()),
    }
}

/// Refuses what contradicts itself or names what does not exist (spec rest-api 2.5).
fn check(draft: &Draft) -> Result<(), SaveError> {
    if draft.all_events && !draft.limit_events.is_empty() {
        return Err(SaveError::field("non_field_errors", "You can set either limit_events or all_events."));
    }
    let unknown = draft.action_types.iter().find(|name| !ACTION_TYPES.contains(&name.as_str()));
    match unknown {
        Some(name) => Err(SaveError::field("action_types", format!("\"{name}\" is not a known action type."))),
        None => Ok(()),
    }
}

/// The webhooks of an organiser, and how many there are.
pub async fn list(
    q: &impl Query,
    staff: &OrganizerStaff,
    enabled: Option<bool>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Webhook>, i64), DbError> {
    sql::list(q, staff.organizer(), enabled, offset, limit).await
}

/// A webhook of an organiser.
pub async fn find(q: &impl Query, staff: &OrganizerStaff, webhook: WebhookId) -> Result<Option<Webhook>, DbError> {
    sql::by_id(q, staff.organizer(), webhook).await
}

/// Adds a webhook. Its address was checked with [`check_target`]; `nonce` is new and cannot be guessed.
pub async fn create(
    tx: &Tx<'_>,
    staff: &OrganizerStaff,
    draft: &Draft,
    nonce: &str,
    now: Timestamp,
) -> Result<WebhookId, SaveError> {
    check(draft)?;
    let organizer = staff.organizer();
    let webhook = sql::insert(tx, organizer, draft, now).await?;
    limit(tx, organizer, webhook, draft).await?;
    sql::add_secret(tx, organizer, webhook, nonce, now, now).await?;
    Ok(webhook)
}

/// Changes a webhook. A changed address was checked with [`check_target`].
pub async fn update(tx: &Tx<'_>, staff: &OrganizerStaff, webhook: WebhookId, draft: &Draft) -> Result<(), SaveError> {
    check(draft)?;
    sql::update(tx, staff.organizer(), webhook, draft).await?;
    limit(tx, staff.organizer(), webhook, draft).await
}

async fn limit(tx: &Tx<'_>, organizer: OrganizerId, webhook: WebhookId, draft: &Draft) -> Result<(), SaveError> {
    let wanted: Vec<String> = draft.limit_events.iter().map(|slug| slug.to_lowercase()).collect();
    let known = sql::known_events(tx, organizer, &wanted).await?;
    let unknown =
        draft.limit_events.iter().find(|slug| !known.iter().any(|(_, known)| known.eq_ignore_ascii_case(slug)));
    if let Some(slug) = unknown {
        return Err(SaveError::field("limit_events", format!("There is no event \"{slug}\".")));
    }
    let events = known.into_iter().map(|(id, _)| id).collect();
    Ok(sql::limit_events(tx, organizer, webhook, &events).await?)
}

/// Gives a webhook a new secret. The old one signs beside it for a day, so that no message is lost meanwhile.
pub async fn rotate_secret(
    tx: &Tx<'_>,
    staff: &OrganizerStaff,
    webhook: WebhookId,
    nonce: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    sql::add_secret(tx, staff.organizer(), webhook, nonce, now.plus_seconds(ROTATION_SECONDS), now).await
}

/// What a webhook was told, the newest first, and how much that is.
pub async fn deliveries(
    q: &impl Query,
    staff: &OrganizerStaff,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Delivery>, i64), DbError> {
    sql::deliveries(q, staff.organizer(), webhook, state, offset, limit).await
}

/// One delivery with every try.
pub async fn delivery(
    q: &impl Query,
    staff: &OrganizerStaff,
    webhook: WebhookId,
    delivery: DeliveryId,
) -> Result<Option<(Delivery, Vec<Call>)>, DbError> {
    let Some(found) = sql::delivery(q, staff.organizer(), webhook, delivery).await? else { return Ok(None) };
    let calls = sql::calls(q, staff.organizer(), delivery).await?;
    Ok(Some((found, calls)))
}

/// Makes a delivery once more, whatever became of it. Returns what is to be sent: nothing while a worker has it.
pub async fn replay_one(
    q: &impl Query,
    staff: &OrganizerStaff,
    webhook: WebhookId,
    delivery: DeliveryId,
    now: Timestamp,
) -> Result<Vec<DeliveryId>, DbError> {
    let which = sql::Replay { delivery: Some(delivery), since: None, until: None, only_undelivered: false };
    sql::replay(q, staff.organizer(), webhook, &which, now).await
}

/// Makes the deliveries of a time once more: all of them, or those that were not taken. Receivers know repeated ones by
/// their `webhook-id`.
pub async fn replay_range(
    q: &impl Query,
    staff: &OrganizerStaff,
    webhook: WebhookId,
    range: (Option<Timestamp>, Option<Timestamp>),
    only_undelivered: bool,
    now: Timestamp,
) -> Result<Vec<DeliveryId>, DbError> {
    let which = sql::Replay { delivery: None, since: range.0, until: range.1, only_undelivered };
    sql::replay(q, staff.organizer(), webhook, &which, now).await
}
