//! The asynchronous half of selling: so far, expiring orders.

use super::{Done, WorkError};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event, order,
    outbox::{Envelope, Message},
};

/// Expires overdue orders of one event, in chunks, so that buyers get the lock in between. The message is not
/// recorded: a lost one is sent again by the next run of the periodic job, and a second one finds nothing to do.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    let Message::ExpireOrders { event } = envelope.message else { return Err(WorkError::Unknown) };
    let mut db = ctx.db().await?;
    let Some(event) = event::by_id(&*db, event).await? else { return Ok(Done::Handled) };
    let catalogue = Catalogue::load(&*db, &event).await?;
    loop {
        let tx = db.begin().await?;
        let expired = order::expire_due(&tx, &event, &catalogue, ctx.now()).await;
        let expired = tx.finish(expired).await?;
        if expired == 0 {
            return Ok(Done::Handled);
        }
        tracing::info!(event.id = event.id.0, count = expired, "orders expired");
    }
}
