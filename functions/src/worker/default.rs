//! Makes ticket files.

use super::{Done, WorkError};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event,
    id::{MailId, OrderId},
    mail, order,
    outbox::{self, Envelope, Message, Outgoing},
    port::db::{Db, DbError, Tx},
    ticket::{self, TicketFile},
    time::Timestamp,
};

/// Draws the tickets of an order and lets go the mail that waits for them.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    let Message::RenderTickets { order, then_mail } = envelope.message else { return Err(WorkError::Unknown) };
    let now = ctx.now();
    let mut db = ctx.db().await?;
    let rendered = render_missing(ctx, &db, order, now).await?;
    let tx = db.begin().await?;
    let recorded = record(&tx, &envelope, rendered, then_mail, now).await;
    let Some(outgoing) = tx.finish(recorded).await? else { return Ok(Done::Duplicate) };
    drop(db);
    outgoing.dispatch(ctx).await;
    Ok(Done::Handled)
}

/// Draws what is not in the bucket yet. No transaction is open meanwhile.
async fn render_missing(
    ctx: &Ctx,
    db: &Db,
    order: OrderId,
    now: Timestamp,
) -> Result<Option<(crate::id::EventId, Vec<TicketFile>)>, WorkError> {
    let Some(event) = order::sql::event_of(db, order).await? else { return Ok(None) };
    let Some(event) = event::by_id(db, event).await? else { return Ok(None) };
    let Some(order) = order::by_id(db, &event, order).await? else { return Ok(None) };
    if !ticket::can_download(&event, &order, now) {
        return Ok(None);
    }
    let catalogue = Catalogue::load(db, &event).await?;
    let known = ticket::files(db, &event, &order).await?;
    let mut made = Vec::new();
    for position in ticket::positions_with_ticket(&event, &catalogue, &order) {
        if !known.iter().any(|file| file.position == position.id) {
            made.push(ticket::render(ctx.media().await, &event, &catalogue, &order, position).await?);
        }
    }
    Ok(Some((event.id, made)))
}

async fn record(
    tx: &Tx<'_>,
    envelope: &Envelope,
    rendered: Option<(crate::id::EventId, Vec<TicketFile>)>,
    then_mail: Option<MailId>,
    now: Timestamp,
) -> Result<Option<Outgoing>, DbError> {
    if !outbox::claim(tx, envelope, now).await? {
        return Ok(None);
    }
    if let Some((event, files)) = rendered.filter(|(_, files)| !files.is_empty()) {
        ticket::sql::record(tx, event, &files, now).await?;
    }
    let Some(mail) = then_mail else { return Ok(Some(Outgoing::default())) };
    mail::sql::release(tx, mail, now).await?;
    outbox::record(tx, &[Message::SendMail { mail }], now).await.map(Some)
}
