//! Tells the organiser's staff and programs what happened (spec domain 23.2, 23.3).

use super::{Done, WorkError};
use crate::{
    ctx::Ctx,
    event,
    id::OrderId,
    mail::{self, Recipient, feedback::Feedback},
    order,
    outbox::{self, Envelope, Message, Outgoing},
    port::db::{DbError, Tx},
    staff,
    time::Timestamp,
    webhook,
};

/// Does what one message asks for.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    match envelope.message {
        Message::NotifyStaff { order } => notify_staff(ctx, &envelope, order).await,
        Message::MailFeedback(feedback) => record_feedback(ctx, &feedback).await,
        Message::AnnounceActions => Ok(webhook::announce(ctx, ctx.now()).await.map(|_| Done::Handled)?),
        Message::DeliverWebhook { delivery } => match webhook::deliver(ctx, delivery).await? {
            true => Ok(Done::Handled),
            false => Ok(Done::Duplicate),
        },
        _ => Err(WorkError::Unknown),
    }
}

/// Keeps what the provider tells about a mail, for the people who look at its order.
async fn record_feedback(ctx: &Ctx, feedback: &Feedback) -> Result<Done, WorkError> {
    if !mail::feedback::record(&*ctx.db().await?, feedback, ctx.now()).await? {
        tracing::warn!(mail.provider_id = feedback.provider_id, "the provider tells about a mail that nobody knows");
    }
    Ok(Done::Handled)
}

/// Writes one mail for every member of staff who wants to hear of orders.
async fn notify_staff(ctx: &Ctx, envelope: &Envelope, order: OrderId) -> Result<Done, WorkError> {
    let now = ctx.now();
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let queued = queue_mails(&tx, envelope, order, now).await;
    let Some(outgoing) = tx.finish(queued).await? else { return Ok(Done::Duplicate) };
    drop(db);
    outgoing.dispatch(ctx).await;
    Ok(Done::Handled)
}

async fn queue_mails(
    tx: &Tx<'_>,
    envelope: &Envelope,
    order: OrderId,
    now: Timestamp,
) -> Result<Option<Outgoing>, DbError> {
    if !outbox::claim(tx, envelope, now).await? {
        return Ok(None);
    }
    let nothing = || Ok(Some(Outgoing::default()));
    let Some(event) = order::sql::event_of(tx, order).await? else { return nothing() };
    let Some(event) = event::by_id(tx, event).await? else { return nothing() };
    let mut messages = Vec::new();
    for subscriber in staff::sql::subscribers(tx, &event).await? {
        let recipient = Recipient { email: &subscriber.email, locale: &subscriber.locale };
        let mail = mail::queue(tx, &event, order, mail::Kind::StaffOrderPlaced, Some(&recipient), now).await?;
        messages.push(Message::SendMail { mail });
    }
    Ok(Some(outbox::record(tx, &messages, now).await?.of(event.organizer.id)))
}
