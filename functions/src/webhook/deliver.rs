//! From an action in the log to a receiver's answer.

use std::time::{Duration, Instant};

use super::{Call, Claimed, DeliveryState, Open, payload, retry, sign, sql};
use crate::{
    ctx::Ctx,
    id::DeliveryId,
    outbox::{Envelope, Message, Outgoing},
    port::{
        callout::{Answer, CallError, Guard, Target as Address},
        db::DbError,
        queue::{DELAY_SECONDS_MAX, Queue},
    },
    time::Timestamp,
};

/// How many actions or deliveries one statement takes.
const ROUND_MAX: i64 = 500;
/// No round begins later than this after the first: the worker has a minute.
const ROUNDS_TIME: Duration = Duration::from_secs(20);

/// Decides for every action that nobody has looked at which webhooks hear of it, and sends those messages. Returns how
/// many deliveries that made.
pub async fn announce(ctx: &Ctx, now: Timestamp) -> Result<usize, DbError> {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < ROUNDS_TIME {
        let announced = sql::announce(&*ctx.db().await?, now, ROUND_MAX).await?;
        count += announced.deliveries.len();
        send(ctx, announced.deliveries).await;
        if announced.taken < ROUND_MAX {
            break;
        }
    }
    Ok(count)
}

/// Sends messages for deliveries whose time has come. Returns how many.
pub async fn requeue(ctx: &Ctx, now: Timestamp) -> Result<usize, DbError> {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < ROUNDS_TIME {
        let due = sql::take_due(&*ctx.db().await?, now, ROUND_MAX).await?;
        if due.is_empty() {
            break;
        }
        count += due.len();
        send(ctx, due).await;
    }
    Ok(count)
}

async fn send(ctx: &Ctx, deliveries: Vec<Open>) {
    let mut outgoing = Outgoing::default();
    for Open { id, organizer } in deliveries {
        outgoing.add(Outgoing::unrecorded(std::iter::once(Message::DeliverWebhook { delivery: id })).of(organizer));
    }
    outgoing.dispatch(ctx).await;
}

/// Makes one try: claim → call → record. A second message for the same delivery finds nothing to claim: then the answer
/// is false. No transaction is open and no connection is held while the receiver thinks.
pub async fn deliver(ctx: &Ctx, delivery: DeliveryId) -> Result<bool, DbError> {
    let now = ctx.now();
    let Some(claimed) = sql::claim(&*ctx.db().await?, delivery, now).await? else { return Ok(false) };
    let Some(request) = prepare(ctx, &claimed, now).await? else {
        sql::end(&*ctx.db().await?, &claimed, DeliveryState::Dropped, now, Some(now)).await?;
        return Ok(true);
    };
    let begun = Instant::now();
    let answered = call(ctx, &request).await;
    let duration_ms = i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX);
    record(ctx, &claimed, &request, answered, duration_ms).await?;
    Ok(true)
}

/// A message as it goes out.
struct Request {
    id: String,
    called_at: Timestamp,
    url: String,
    body: String,
    signature: String,
}

/// What is sent, and where: by the present state of the webhook. `None` if there is nothing to say, or nobody to hear.
async fn prepare(ctx: &Ctx, claimed: &Claimed, now: Timestamp) -> Result<Option<Request>, DbError> {
    let db = ctx.db().await?;
    let Some(target) = sql::target(&*db, claimed, now).await?.filter(|target| target.enabled) else { return Ok(None) };
    let body = match &claimed.payload {
        Some(known) => known.clone(),
        None => {
            let action = sql::action(&*db, claimed).await?;
            let Some(body) = action.as_ref().and_then(payload::payload) else { return Ok(None) };
            sql::keep_payload(&*db, claimed.id, &body).await?;
            body
        }
    };
    let id = format!("msg_{}", claimed.id);
    let derive = |nonce: &String| sign::SigningKey::derive(&ctx.config().secret_key, nonce);
    let keys: Vec<_> = target.nonces.iter().map(derive).collect();
    let signature = sign::header(&keys, &id, now.as_seconds(), &body);
    Ok(Some(Request { id, called_at: now, url: target.url, body, signature }))
}

async fn call(ctx: &Ctx, request: &Request) -> Result<Answer, CallError> {
    let address = Address::parse(&request.url)?;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", "Onsale-Webhooks/1".to_owned()),
        ("webhook-id", request.id.clone()),
        ("webhook-timestamp", request.called_at.as_seconds().to_string()),
        ("webhook-signature", request.signature.clone()),
    ];
    Guard::new(&ctx.config().webhook_private_addresses).post(&address, &headers, request.body.clone()).await
}

const GONE: u16 = 410;

/// Records the answer and what follows from it: the end, or the next try.
async fn record(
    ctx: &Ctx,
    claimed: &Claimed,
    request: &Request,
    answered: Result<Answer, CallError>,
    duration_ms: i32,
) -> Result<(), DbError> {
    let now = ctx.now();
    let (status, answer, asked) = match answered {
        Ok(Answer { status, body, retry_after }) => {
            let asked = retry_after.and_then(|header| retry::asked_seconds(&header, now.as_seconds()));
            (status, body, asked)
        }
        Err(error) => (0, error.to_string(), None),
    };
    let delay = retry::delay_seconds(claimed.step, asked, claimed.id.0);
    let (state, delay) = match (status, delay) {
        (200..=299, _) => (DeliveryState::Delivered, None),
        (GONE, _) | (_, None) => (DeliveryState::Failed, None),
        (_, Some(seconds)) => (DeliveryState::AwaitingRetry, Some(seconds)),
    };
    let retry_at = now.plus_seconds(delay.unwrap_or_default());
    let call = Call {
        attempt: claimed.attempt,
        called_at: request.called_at,
        target_url: request.url.clone(),
        status: i32::from(status),
        answer,
        duration_ms,
    };
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let recorded = async {
        sql::insert_call(&tx, claimed, &call).await?;
        if status == GONE {
            sql::disable(&tx, claimed.organizer, claimed.webhook).await?;
        }
        sql::end(&tx, claimed, state, retry_at, delay.is_none().then_some(now)).await
    }
    .await;
    tx.finish(recorded).await?;
    drop(db);
    tracing::info!(
        webhook.id = claimed.webhook.0,
        delivery.id = claimed.id.0,
        status,
        state = state.name(),
        "a webhook was called"
    );
    if let Some(seconds) = delay.filter(|seconds| *seconds < DELAY_SECONDS_MAX) {
        // Early tries come sooner than the periodic job, which sees to all the others and to this one, if it is lost.
        let again = Envelope::unrecorded(Message::DeliverWebhook { delivery: claimed.id }).body();
        ctx.queues().await.send_later(Queue::Notifications, &again, seconds + 1).await;
    }
    Ok(())
}
