//! Periodic jobs (spec domain 27.2). One run of each at a time; running twice does no harm.

use serde_json::{Value, json};

use super::{Done, WorkError, publish};
use crate::{
    boxoffice, cart,
    catalogue::Catalogue,
    ctx::Ctx,
    event, export,
    id::EventId,
    idempotency, job, mail, order,
    outbox::{self, Envelope, Job, Message, Outgoing},
    port::{
        db::{Db, DbError},
        lock::EventLock,
    },
    question, ticket,
    time::Timestamp,
    trace, upload, webhook,
};

/// How many mails are queued at once, and how often in one run.
const ROUND_MAX: i64 = 500;
const ROUNDS_MAX: usize = 20;

/// Runs the job that is due.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    let Message::Periodic { job } = envelope.message else { return Err(WorkError::Unknown) };
    let Some(run) = job::begin(&*ctx.db().await?, job, ctx.now()).await? else {
        tracing::info!(job = job.name(), "a job is left out: its last run is not over");
        return Ok(Done::Duplicate);
    };
    let done = run_job(ctx, job, ctx.now()).await;
    let error = done.as_ref().err().map(ToString::to_string);
    // The connection may have been lost meanwhile: ask for it again.
    job::end(&*ctx.db().await?, &run, error.as_deref(), ctx.now()).await?;
    done.map(|()| Done::Handled)
}

async fn run_job(ctx: &'static Ctx, job: Job, now: Timestamp) -> Result<(), WorkError> {
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
        Job::RequeueMails => requeue_mails(ctx, now).await?,
        Job::RequeueWebhooks => {
            webhook::announce(ctx, now).await?;
            webhook::requeue(ctx, now).await?;
        }
        Job::PublishShops => publish::shops(ctx, now).await?,
        Job::KeepWords => order::search::keep_words(ctx, now).await?,
        Job::Sweep => sweep(ctx, now).await?,
        Job::AuditStock => {
            audit_stock(ctx, now).await?;
        }
    }
    Ok(())
}

/// Announces mails whose time has come: confirmations all, of the others what can be sent until the next run.
async fn requeue_mails(ctx: &Ctx, now: Timestamp) -> Result<(), WorkError> {
    for _ in 0..ROUNDS_MAX {
        if announce_mails(ctx, mail::Class::First, now, ROUND_MAX).await? == 0 {
            break;
        }
    }
    let mut room = 60 * ctx.config().mails_per_second;
    while room > 0 {
        match announce_mails(ctx, mail::Class::Later, now, room.min(ROUND_MAX)).await? {
            0 => break,
            announced => room -= announced,
        }
    }
    Ok(())
}

async fn announce_mails(ctx: &Ctx, class: mail::Class, now: Timestamp, max: i64) -> Result<i64, WorkError> {
    let mails = mail::sql::take_due(&*ctx.db().await?, class, now, max).await?;
    let announced = i64::try_from(mails.len()).unwrap_or(max);
    Outgoing::unrecorded(mails.into_iter().map(|mail| Message::SendMail { mail })).dispatch(ctx).await;
    Ok(announced)
}

/// Carts and records of messages are kept for two weeks: longer than SQS keeps a message.
const KEEP_SECONDS: i64 = 14 * 24 * 3600;
/// How many rows one statement sweeps away.
const SWEEP_MAX: i64 = 5000;
/// How many files of a kind one run removes.
const FILES_MAX: i64 = 500;

async fn sweep(ctx: &Ctx, now: Timestamp) -> Result<(), WorkError> {
    let before = now.plus_seconds(-KEEP_SECONDS);
    let mut db = ctx.db().await?;
    for event in cart::sql::events_to_settle(&*db, before).await? {
        settle_carts(&mut db, event, now).await?;
    }
    boxoffice::waiting::sql::sweep(&*db, now).await?;
    cart::sql::sweep(&*db, before).await?;
    outbox::sql::sweep_processed(&*db, before).await?;
    idempotency::sql::sweep(&*db, now.plus_seconds(-idempotency::KEEP_SECONDS)).await?;
    let hooks_before = now.plus_seconds(-webhook::KEEP_SECONDS);
    while webhook::sql::sweep(&*db, hooks_before, SWEEP_MAX).await? > 0 {}
    drop(db);
    forget_tickets(ctx, now.plus_seconds(-ticket::KEEP_SECONDS)).await?;
    sweep_exports(ctx, now).await?;
    sweep_uploads(ctx, now).await?;
    while question::file::sql::forget(&*ctx.db().await?, now, SWEEP_MAX).await? > 0 {}
    mail::feedback::sql::settle_left(&*ctx.db().await?).await?;
    mail::feedback::sql::sweep_early(&*ctx.db().await?, before).await?;
    upload::removal::sweep(ctx, SWEEP_MAX).await
}

/// Removes files first: a row without a file is found again, a file without a row is not.
async fn sweep_exports(ctx: &Ctx, now: Timestamp) -> Result<(), WorkError> {
    let expired = export::sql::expired(&*ctx.db().await?, now, FILES_MAX).await?;
    for (id, object_key) in expired {
        ctx.media().await.delete(&object_key).await?;
        export::sql::delete(&*ctx.db().await?, id).await?;
    }
    Ok(())
}

/// Files that were sent and whose day is over, in the same order.
async fn sweep_uploads(ctx: &Ctx, now: Timestamp) -> Result<(), WorkError> {
    let expired = upload::sql::expired(&*ctx.db().await?, now, FILES_MAX).await?;
    for (id, object_key) in expired {
        ctx.media().await.delete(&object_key).await?;
        upload::sql::delete(&*ctx.db().await?, &id).await?;
    }
    Ok(())
}

/// Drawn tickets: whoever wants one again has it drawn again, perhaps at this moment and to the same place, so the files are
/// left to the bucket.
async fn forget_tickets(ctx: &Ctx, before: Timestamp) -> Result<(), WorkError> {
    let db = ctx.db().await?;
    while ticket::sql::forget_files(&*db, before, SWEEP_MAX).await? > 0 {}
    Ok(())
}

/// Lets go what expired carts of an event hold, in portions: a batch without requests does just that.
async fn settle_carts(db: &mut Db, event: EventId, now: Timestamp) -> Result<(), WorkError> {
    let Some(event) = event::by_id(&*db, event).await? else { return Ok(()) };
    let catalogue = Catalogue::load(&*db, &event).await?;
    loop {
        let tx = db.begin().await?;
        let settled = async {
            let lock = EventLock::acquire(&tx, event.id).await?;
            let (_, changes) = boxoffice::serve(&lock, &event, &catalogue, &[], now).await?;
            let _nothing_to_send = boxoffice::write(&lock, &event, &changes, now).await?;
            Ok::<_, DbError>(changes.released.len())
        }
        .await;
        if tx.finish(settled).await? == 0 {
            return Ok(());
        }
    }
}

/// How far back sales are audited.
const AUDIT_SECONDS: i64 = 24 * 3600;

/// Compares counters with rows wherever something was sold lately. Returns how many quotas and vouchers differ: none,
/// unless there is a bug.
pub async fn audit_stock(ctx: &Ctx, now: Timestamp) -> Result<usize, WorkError> {
    let db = ctx.db().await?;
    let mut drift = 0;
    for event in boxoffice::audit::events_sold(&*db, now.plus_seconds(-AUDIT_SECONDS)).await? {
        let quotas = boxoffice::audit::drifted_quotas(&*db, event).await?;
        if !quotas.is_empty() {
            tracing::error!(event.id = event.0, ?quotas, "counters differ from what they count");
            drift += quotas.len();
        }
        let vouchers = boxoffice::audit::drifted_vouchers(&*db, event).await?;
        if !vouchers.is_empty() {
            tracing::error!(event.id = event.0, ?vouchers, "vouchers differ from what was done with them");
            drift += vouchers.len();
        }
    }
    trace::metrics(&drift_metric(drift, now));
    Ok(drift)
}

/// How many quotas and vouchers differ, in CloudWatch's embedded metric format.
fn drift_metric(drift: usize, now: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": now.as_micros() / 1000,
            "CloudWatchMetrics": [{
                "Namespace": "Onsale",
                "Dimensions": [[]],
                "Metrics": [{ "Name": "StockDrift", "Unit": "Count" }],
            }],
        },
        "StockDrift": drift,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drift_is_a_metric_of_its_own() {
        let line = drift_metric(2, Timestamp::from_micros(7_000));
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!((&declared["Metrics"][0]["Name"], &declared["Dimensions"]), (&json!("StockDrift"), &json!([[]])));
        assert_eq!((&line["StockDrift"], &line["_aws"]["Timestamp"]), (&json!(2), &json!(7)));
    }
}
