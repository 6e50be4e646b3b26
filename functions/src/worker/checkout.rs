//! The asynchronous half of selling: expiring orders, and what staff does to many at once.

use std::time::{Duration, Instant};

use super::{Done, WorkError};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event::{self, Event},
    id::{BulkActionId, EventId},
    order::{self, bulk},
    outbox::{self, Envelope, Message, Outgoing},
    port::db::{DbError, Tx},
};

/// No chunk begins later than this after the first: the worker has a minute.
const CHUNKS_TIME: Duration = Duration::from_secs(30);

/// Does what one message asks for.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    match envelope.message {
        Message::ExpireOrders { event } => expire_orders(ctx, event).await,
        Message::RunBulkAction { action } => run_bulk_action(ctx, &envelope, action).await,
        _ => Err(WorkError::Unknown),
    }
}

/// Expires overdue orders of one event, in chunks, so that buyers get the lock in between. The message is not
/// recorded: a lost one is sent again by the next run of the periodic job, and a second one finds nothing to do. A chunk that
/// fails is done order by order; one that cannot expire keeps no other's places.
async fn expire_orders(ctx: &Ctx, event: EventId) -> Result<Done, WorkError> {
    let mut db = ctx.db().await?;
    let Some(event) = event::by_id(&*db, event).await? else { return Ok(Done::Handled) };
    let catalogue = Catalogue::load(&*db, &event).await?;
    let mut left_out = Vec::new();
    let mut failed = None;
    // Orders that are done one by one, because a chunk with one of them failed.
    let mut single = 0;
    loop {
        let mut chunk = order::Overdue::but(&left_out, if single > 0 { 1 } else { order::EXPIRE_CHUNK });
        let tx = db.begin().await?;
        let expired = order::expire_due(&tx, &event, &catalogue, &mut chunk, ctx.now()).await;
        match tx.finish(expired).await {
            Ok(0) => return failed.map_or(Ok(Done::Handled), |error: DbError| Err(error.into())),
            Ok(count) => tracing::info!(event.id = event.id.0, count, "orders expired"),
            // It passes: the message comes again.
            Err(error @ (DbError::Busy(_) | DbError::Address(_))) => return Err(error.into()),
            Err(_) if single == 0 => {
                single = order::EXPIRE_CHUNK;
                continue;
            }
            Err(error) => {
                let Some(order) = chunk.first else { return Err(error.into()) };
                let said = &error as &dyn std::error::Error;
                tracing::error!(event.id = event.id.0, order.id = order.0, error = said, "an order does not expire");
                left_out.push(order);
                failed = Some(error);
            }
        }
        single = (single - 1).max(0);
    }
}

/// Does chunks of a bulk action until its time is up; then another message goes on. The recorded message is handled with
/// the last chunk: should all of them be lost, the relay sends it again. A chunk that fails is done order by order, and the one
/// that is the reason is left out.
async fn run_bulk_action(ctx: &Ctx, envelope: &Envelope, action: BulkActionId) -> Result<Done, WorkError> {
    let begun = Instant::now();
    let mut db = ctx.db().await?;
    let found = match bulk::sql::event_of(&*db, action).await? {
        Some(event) => event::by_id(&*db, event).await?,
        None => None,
    };
    let Some(event) = found else { return Ok(Done::Handled) };
    let catalogue = Catalogue::load(&*db, &event).await?;
    // Orders that are done one by one, because a chunk with one of them failed.
    let mut single = 0;
    while begun.elapsed() < CHUNKS_TIME {
        let mut chunk = bulk::Chunk::of(if single > 0 { 1 } else { bulk::CHUNK });
        let tx = db.begin().await?;
        let ran = run_chunk(ctx, &tx, envelope, &event, &catalogue, action, &mut chunk).await;
        match tx.finish(ran).await {
            Ok(true) => single = (single - 1).max(0),
            Ok(false) => {
                drop(db);
                Outgoing::unrecorded(std::iter::once(Message::AnnounceActions)).dispatch(ctx).await;
                return Ok(Done::Handled);
            }
            // It passes: the message comes again.
            Err(error @ (DbError::Busy(_) | DbError::Address(_))) => return Err(error.into()),
            Err(_) if single == 0 => single = bulk::CHUNK,
            Err(error) => {
                tracing::error!(
                    event.id = event.id.0,
                    error = &error as &dyn std::error::Error,
                    "an order is left out"
                );
                let Some(order) = chunk.first else { return Err(error.into()) };
                let tx = db.begin().await?;
                let skipped = bulk::skip(&tx, &event, action, order).await;
                tx.finish(skipped).await?;
                single -= 1;
            }
        }
    }
    drop(db);
    Outgoing::unrecorded(std::iter::once(Message::RunBulkAction { action })).dispatch(ctx).await;
    Ok(Done::Handled)
}

async fn run_chunk(
    ctx: &Ctx,
    tx: &Tx<'_>,
    envelope: &Envelope,
    event: &Event,
    catalogue: &Catalogue,
    action: BulkActionId,
    chunk: &mut bulk::Chunk,
) -> Result<bool, DbError> {
    let now = ctx.now();
    let is_left = bulk::run_chunk(tx, event, catalogue, action, chunk, now).await?;
    if !is_left {
        outbox::claim(tx, envelope, now).await?;
    }
    Ok(is_left)
}
