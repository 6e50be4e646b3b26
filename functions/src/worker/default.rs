//! Makes files: tickets and exports.

use super::{Done, WorkError};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event,
    export::{self, Made},
    id::{EventId, ExportId, MailId, OrderId},
    mail, order,
    outbox::{self, Envelope, Message, Outgoing},
    port::db::{Db, DbError, Tx},
    ticket::{self, OrderSheets, TicketFile},
    time::Timestamp,
};

/// Does what one message asks for.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    match envelope.message {
        Message::RenderTickets { order, then_mail } => render_tickets(ctx, &envelope, order, then_mail).await,
        Message::RenderOrder { order } => render_order(ctx, &envelope, order).await,
        Message::MakeExport { export } => make_export(ctx, &envelope, export).await,
        _ => Err(WorkError::Unknown),
    }
}

/// Writes an export. Its message is handled when the file is there, or will never be: until then the relay sends it
/// again.
async fn make_export(ctx: &Ctx, envelope: &Envelope, export: ExportId) -> Result<Done, WorkError> {
    let done = match export::make(ctx, export).await? {
        Made::Nothing => return Ok(Done::Duplicate),
        Made::Done { rows } => {
            tracing::info!(export.id = export.0, rows, "Export {export} made");
            Done::Handled
        }
        Made::Failed => Done::Handled,
    };
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let recorded = outbox::claim(&tx, envelope, ctx.now()).await;
    tx.finish(recorded).await?;
    Ok(done)
}

/// Draws the tickets of an order and lets go the mail that waits for them.
async fn render_tickets(
    ctx: &Ctx,
    envelope: &Envelope,
    order: OrderId,
    then_mail: Option<MailId>,
) -> Result<Done, WorkError> {
    let now = ctx.now();
    let mut db = ctx.db().await?;
    let rendered = render_missing(ctx, &db, order, now).await?;
    let tx = db.begin().await?;
    let recorded = record(&tx, envelope, rendered, then_mail, now).await;
    let Some(outgoing) = tx.finish(recorded).await? else { return Ok(Done::Duplicate) };
    drop(db);
    outgoing.dispatch(ctx).await;
    Ok(Done::Handled)
}

/// Draws all tickets of an order into one file, unless that is there already.
async fn render_order(ctx: &Ctx, envelope: &Envelope, order: OrderId) -> Result<Done, WorkError> {
    let now = ctx.now();
    let mut db = ctx.db().await?;
    let drawn = render_whole(ctx, &db, order, now).await?;
    let tx = db.begin().await?;
    let recorded = async {
        if !outbox::claim(&tx, envelope, now).await? {
            return Ok(Done::Duplicate);
        }
        if let Some((event, key)) = drawn {
            ticket::sql::record_order_file(&tx, event, order, &key, now).await?;
        }
        Ok::<_, DbError>(Done::Handled)
    }
    .await;
    Ok(tx.finish(recorded).await?)
}

async fn render_whole(
    ctx: &Ctx,
    db: &Db,
    order: OrderId,
    now: Timestamp,
) -> Result<Option<(EventId, String)>, WorkError> {
    let Some(event) = order::sql::event_of(db, order).await? else { return Ok(None) };
    let Some(event) = event::by_id(db, event).await? else { return Ok(None) };
    let Some(order) = order::by_id(db, &event, order).await? else { return Ok(None) };
    let sheets = OrderSheets::of(&event, &Catalogue::load(db, &event).await?, &order);
    if !ticket::can_download(&event, &order, now) || sheets.is_empty() {
        return Ok(None);
    }
    if ticket::sql::order_file(db, event.id, order.id).await?.as_ref() == Some(&sheets.object_key) {
        return Ok(None);
    }
    sheets.render(ctx.media().await).await?;
    Ok(Some((event.id, sheets.object_key)))
}

/// Draws what is not in the bucket yet. No transaction is open meanwhile.
async fn render_missing(
    ctx: &Ctx,
    db: &Db,
    order: OrderId,
    now: Timestamp,
) -> Result<Option<(EventId, Vec<TicketFile>)>, WorkError> {
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
    rendered: Option<(EventId, Vec<TicketFile>)>,
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
