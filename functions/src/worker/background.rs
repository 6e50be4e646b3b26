//! Periodic jobs (spec domain 27.2). Each may run twice, or twice at once, without harm.

use super::WorkError;
use crate::{
    cart,
    ctx::Ctx,
    mail, order,
    outbox::{self, Envelope, Job, Message, Outgoing},
    time::Timestamp,
};

/// How many mails are queued at once, and how often in one run.
const ROUND_MAX: i64 = 500;
const ROUNDS_MAX: usize = 20;

/// Runs the job that is due.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<(), WorkError> {
    let Message::Periodic { job } = envelope.message else { return Err(WorkError::Unknown) };
    let now = ctx.now();
    match job {
        Job::RelayOutbox => {
            let count = outbox::relay(ctx, now).await?;
            if count > 0 {
                tracing::info!(count, "messages were sent again");
            }
        }
        Job::ExpireOrders => {
            let events = order::sql::events_with_overdue(&*ctx.db().await?, now).await?;
            let messages = events.into_iter().map(|event| Message::ExpireOrders { event });
            Outgoing::unrecorded(messages).dispatch(ctx).await;
        }
        Job::RequeueMails => {
            for _ in 0..ROUNDS_MAX {
                let mails = mail::sql::take_due(&*ctx.db().await?, now, ROUND_MAX).await?;
                if mails.is_empty() {
                    break;
                }
                Outgoing::unrecorded(mails.into_iter().map(|mail| Message::SendMail { mail })).dispatch(ctx).await;
            }
        }
        Job::Sweep => sweep(ctx, now).await?,
    }
    Ok(())
}

/// Carts and records of messages are kept for two weeks: longer than SQS keeps a message.
const KEEP_SECONDS: i64 = 14 * 24 * 3600;

async fn sweep(ctx: &Ctx, now: Timestamp) -> Result<(), WorkError> {
    let db = ctx.db().await?;
    let before = now.plus_seconds(-KEEP_SECONDS);
    cart::sql::sweep(&*db, before).await?;
    outbox::sql::sweep_processed(&*db, before).await?;
    Ok(())
}
