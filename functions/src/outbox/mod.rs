//! What must happen because of a commit: rows of the same transaction, handed to SQS right after it.
//!
//! A row stays until its message was *handled*, so neither a lost queue nor a crash between commit and sending loses
//! one; the relay sends again what is still there. Messages therefore come at least once, and [`claim`] makes the
//! second one do nothing.

pub mod sql;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{
    ctx::Ctx,
    id::{BulkActionId, DeliveryId, EventId, ExportId, ItemId, MailId, OrderId, OrganizerId, OutboxId},
    mail::feedback::{self, Feedback},
    port::{
        db::{DbError, Query, Tx},
        queue::{self, Queue},
    },
    time::Timestamp,
};

/// What a message asks for. Messages carry ids, never data: the worker reads what is true when it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Message {
    /// Give back the places of this event's orders whose payment deadline has passed.
    #[serde(rename = "order.expire")]
    ExpireOrders {
        /// The event to look at.
        event: EventId,
    },
    /// Do to many orders what staff has asked for.
    #[serde(rename = "order.bulk")]
    RunBulkAction {
        /// The row of the action.
        action: BulkActionId,
    },
    /// Hand over a mail.
    #[serde(rename = "mail.send")]
    SendMail {
        /// The row of the mail.
        mail: MailId,
    },
    /// Make the ticket files of an order, then send the mail that waits for them.
    #[serde(rename = "ticket.render")]
    RenderTickets {
        /// The order.
        order: OrderId,
        /// A mail that has the tickets attached.
        then_mail: Option<MailId>,
    },
    /// Make the file with all tickets of an order.
    #[serde(rename = "ticket.render_order")]
    RenderOrder {
        /// The order.
        order: OrderId,
    },
    /// Make the file of an export.
    #[serde(rename = "export.make")]
    MakeExport {
        /// The row of the export.
        export: ExportId,
    },
    /// Make the sizes of a picture and put it in its place.
    #[serde(rename = "picture.make")]
    MakePicture {
        /// The event.
        event: EventId,
        /// Its product; the event itself without one.
        item: Option<ItemId>,
        /// The file that was sent.
        upload: String,
    },
    /// Tell the organiser's staff about a new order.
    #[serde(rename = "staff.order_placed")]
    NotifyStaff {
        /// The order.
        order: OrderId,
    },
    /// The provider has told what became of a mail. Not recorded: it comes from outside, and copies change nothing.
    #[serde(rename = "mail.feedback")]
    MailFeedback(Feedback),
    /// Look for actions that webhooks have not been told of. Not recorded: the log is its own outbox.
    #[serde(rename = "webhook.announce")]
    AnnounceActions,
    /// Tell a webhook. Not recorded: the row of the delivery drives what happens.
    #[serde(rename = "webhook.deliver")]
    DeliverWebhook {
        /// The row of the delivery.
        delivery: DeliveryId,
    },
    /// A periodic job is due.
    #[serde(rename = "periodic")]
    Periodic {
        /// Which one.
        job: Job,
    },
}

/// Periodic jobs (spec domain 27.2). Each may run twice without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Send again what was not handled.
    RelayOutbox,
    /// Look for orders whose payment deadline has passed.
    ExpireOrders,
    /// Look for mails that nobody is sending.
    RequeueMails,
    /// Look for actions and deliveries that webhooks have not been told of.
    RequeueWebhooks,
    /// Put copies of shops where the edge finds them when the shop cannot be reached.
    PublishShops,
    /// Drop what is no longer needed: old carts, form outcomes, records of handled messages.
    Sweep,
    /// Keep what searches for orders look at.
    KeepWords,
    /// Compare the quotas' counters with what they count.
    AuditStock,
}

impl Job {
    /// The word in messages and in the table of runs.
    pub fn name(self) -> &'static str {
        match self {
            Self::RelayOutbox => "relay_outbox",
            Self::ExpireOrders => "expire_orders",
            Self::RequeueMails => "requeue_mails",
            Self::RequeueWebhooks => "requeue_webhooks",
            Self::PublishShops => "publish_shops",
            Self::Sweep => "sweep",
            Self::KeepWords => "keep_words",
            Self::AuditStock => "audit_stock",
        }
    }
}

impl Message {
    /// The queue that carries the message.
    pub fn queue(&self) -> Queue {
        match self {
            Self::ExpireOrders { .. } | Self::RunBulkAction { .. } => Queue::Checkout,
            Self::SendMail { .. } => Queue::Mail,
            Self::RenderTickets { .. }
            | Self::RenderOrder { .. }
            | Self::MakeExport { .. }
            | Self::MakePicture { .. } => Queue::Default,
            Self::NotifyStaff { .. } | Self::MailFeedback(_) | Self::AnnounceActions | Self::DeliverWebhook { .. } => {
                Queue::Notifications
            }
            Self::Periodic { .. } => Queue::Background,
        }
    }
}

/// The body of an SQS message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of the message's form.
    pub v: u32,
    /// The outbox row it came from; none for messages of the scheduler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox: Option<OutboxId>,
    /// What to do.
    #[serde(flatten)]
    pub message: Message,
}

/// The version this program writes and reads.
const VERSION: u32 = 1;

impl Envelope {
    /// A message that is not recorded in the outbox.
    pub fn unrecorded(message: Message) -> Self {
        Self { v: VERSION, outbox: None, message }
    }

    /// The text that goes to SQS.
    pub fn body(&self) -> String {
        serde_json::to_string(self).expect("a message is plain data")
    }

    /// Reads the text of a message: one of ours, or news about a mail from its provider. `None` if it is not of a version
    /// and kind that this program knows.
    pub fn parse(body: &str) -> Option<Self> {
        let ours = serde_json::from_str(body).ok().filter(|envelope: &Self| envelope.v == VERSION);
        ours.or_else(|| feedback::parse(body).map(|feedback| Self::unrecorded(Message::MailFeedback(feedback))))
    }
}

/// Messages of a transaction, to be sent when it has committed.
#[derive(Debug, Default)]
#[must_use = "messages leave at once only if they are dispatched after the commit"]
pub struct Outgoing(Vec<Addressed>);

/// A message, its queue, and whose it is.
#[derive(Debug)]
struct Addressed {
    queue: Queue,
    envelope: Envelope,
    organizer: Option<OrganizerId>,
}

impl Addressed {
    fn new(envelope: Envelope) -> Self {
        Self { queue: envelope.message.queue(), envelope, organizer: None }
    }
}

impl Outgoing {
    /// Messages that need no record, because somebody sends them again anyway if they are lost.
    pub fn unrecorded(messages: impl Iterator<Item = Message>) -> Self {
        Self(messages.map(|message| Addressed::new(Envelope::unrecorded(message))).collect())
    }

    /// The same messages, known to be an organiser's: workers then serve organisers in turn.
    pub fn of(mut self, organizer: OrganizerId) -> Self {
        self.0.iter_mut().for_each(|message| message.organizer = Some(organizer));
        self
    }

    /// More messages.
    pub fn add(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// The messages of one queue, as it gets them.
    fn to(&self, queue: Queue) -> impl Iterator<Item = queue::Outgoing> {
        self.0.iter().filter(move |message| message.queue == queue).map(|message| queue::Outgoing {
            body: message.envelope.body(),
            group: message.organizer.map(|organizer| format!("organizer-{organizer}")),
        })
    }

    /// Hands the messages to SQS. What the queue does not take now, the relay sends later: nothing fails here.
    pub async fn dispatch(self, ctx: &Ctx) {
        for queue in Queue::ALL {
            let messages: Vec<_> = self.to(queue).collect();
            if !messages.is_empty() {
                ctx.queues().await.send_all(queue, &messages).await;
            }
        }
    }
}

/// Records messages in the transaction that makes them true. If somebody has a webhook, one more message goes along and
/// says that there may be new actions to tell of; should it be lost, the periodic job looks.
pub async fn record(tx: &Tx<'_>, messages: &[Message], now: Timestamp) -> Result<Outgoing, DbError> {
    if messages.is_empty() {
        return Ok(Outgoing::default());
    }
    let (ids, has_webhooks) = sql::insert(tx, messages, now).await?;
    let envelopes = ids.into_iter().zip(messages).map(|(id, message)| Envelope {
        v: VERSION,
        outbox: Some(id),
        message: message.clone(),
    });
    let wake = has_webhooks.then(|| Envelope::unrecorded(Message::AnnounceActions));
    Ok(Outgoing(envelopes.chain(wake).map(Addressed::new).collect()))
}

/// Marks a message as handled by `tx`. False if it was handled before: then there is nothing left to do.
///
/// The record is kept for a while after the outbox row is gone, because SQS may deliver a copy late.
pub async fn claim(tx: &Tx<'_>, envelope: &Envelope, now: Timestamp) -> Result<bool, DbError> {
    match envelope.outbox {
        Some(id) => sql::mark_processed(tx, id, now).await,
        None => Ok(true),
    }
}

/// A message that has not been handled for this long is sent again, and again after longer and longer times.
const RESEND_SECONDS: i64 = 120;
/// After so many sends, which take about seven hours, the relay stops: a message that always fails needs somebody who
/// looks. Its row stays.
pub const SENDS_MAX: i32 = 12;
/// How many leftovers the relay takes at once.
const RELAY_BATCH: i64 = 500;
/// No batch begins later than this after the first: the worker has a minute.
const RELAY_TIME: Duration = Duration::from_secs(20);

/// Sends again what was recorded but not handled. Returns how many were due.
pub async fn relay(ctx: &Ctx, now: Timestamp) -> Result<usize, DbError> {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < RELAY_TIME {
        let leftovers = sql::take_unhandled(&*ctx.db().await?, now, RELAY_BATCH).await?;
        if leftovers.is_empty() {
            break;
        }
        count += leftovers.len();
        let mut outgoing = Outgoing::default();
        for sql::Unhandled { id, sends, message } in leftovers {
            if sends >= SENDS_MAX {
                tracing::error!(outbox.id = id.0, sends, "a message is sent for the last time");
            }
            match message {
                Some(message) => outgoing.0.push(Addressed::new(Envelope { v: VERSION, outbox: Some(id), message })),
                None => tracing::error!(outbox.id = id.0, "a message in the outbox cannot be read"),
            }
        }
        outgoing.dispatch(ctx).await;
    }
    Ok(count)
}

/// Messages of one queue that are recorded and not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// How many.
    pub count: i64,
    /// How many of them were sent again.
    pub resent: i64,
    /// How many are not sent again: somebody must look.
    pub given_up: i64,
    /// When the oldest was recorded.
    pub oldest: Timestamp,
}

/// Makes the relay send everything that is not handled, what it has given up too: the queues were emptied (a restart
/// of queues that live in memory), or what made messages fail was mended.
pub async fn forget_sent(q: &impl Query) -> Result<(), DbError> {
    sql::forget_sent(q).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_several_organisers_stay_apart() {
        let message = |mail| Outgoing::unrecorded(std::iter::once(Message::SendMail { mail: MailId(mail) }));
        let mut outgoing = message(1).of(OrganizerId(7));
        outgoing.add(message(2).of(OrganizerId(8)));
        outgoing.add(message(3));
        let groups: Vec<_> = outgoing.to(Queue::Mail).map(|message| message.group).collect();
        assert_eq!(groups, [Some("organizer-7".to_owned()), Some("organizer-8".to_owned()), None]);
        assert_eq!(outgoing.to(Queue::Default).count(), 0);
    }
}
