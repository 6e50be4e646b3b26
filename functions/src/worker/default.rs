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
    upload::{self, Picture, Subject, removal},
};

/// Does what one message asks for.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    match envelope.message {
        Message::RenderTickets { order, then_mail } => render_tickets(ctx, &envelope, order, then_mail).await,
        Message::RenderOrder { order } => render_order(ctx, &envelope, order).await,
        Message::MakeExport { export } => make_export(ctx, &envelope, export).await,
        Message::MakePicture { event, item, ref upload } => {
            make_picture(ctx, &envelope, event, item.map_or(Subject::Event, Subject::Item), upload).await
        }
        _ => Err(WorkError::Unknown),
    }
}

/// Writes an export. Its message is handled when the file is there, or will never be: until then the relay sends it
/// again.
async fn make_export(ctx: &Ctx, envelope: &Envelope, export: ExportId) -> Result<Done, WorkError> {
    let done = match export::make(ctx, export).await? {
        Made::Elsewhere => return Ok(Done::Duplicate),
        Made::Over => Done::Duplicate,
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

/// Publishes the sizes of a picture and puts it in the place of the old one, which is removed then; so is this one if another
/// has been asked for since.
async fn make_picture(
    ctx: &Ctx,
    envelope: &Envelope,
    event: EventId,
    subject: Subject,
    upload: &str,
) -> Result<Done, WorkError> {
    let now = ctx.now();
    let mut db = ctx.db().await?;
    let made = match publish_picture(ctx, &db, event, subject, upload).await {
        // The file was replaced after it was checked. It does not get better by trying again.
        Err(WorkError::Picture(error)) => {
            tracing::warn!(event.id = event.0, %error, "a picture cannot be read");
            None
        }
        other => other?,
    };
    let tx = db.begin().await?;
    let recorded = async {
        let done = if outbox::claim(&tx, envelope, now).await? { Done::Handled } else { Done::Duplicate };
        let Some(picture) = &made else { return Ok((done, Vec::new())) };
        // A late copy has drawn it once more, and by now another one may be shown.
        if done == Done::Duplicate || !upload::is_wanted(&tx, event, subject, upload).await? {
            return Ok::<_, DbError>((done, upload::discard(&tx, event, picture).await?));
        }
        let old = upload::replace(&tx, event, subject, Some(picture)).await?;
        let gone = old.iter().flat_map(Picture::keys).filter(|key| !picture.keys().contains(key));
        Ok((done, gone.map(str::to_owned).collect()))
    }
    .await;
    let (done, gone) = tx.finish(recorded).await?;
    drop(db);
    removal::remove(ctx, &gone.iter().map(String::as_str).collect::<Vec<_>>()).await;
    Ok(done)
}

/// `None` if there is nothing left to do: the file's day is over, or the event is gone.
async fn publish_picture(
    ctx: &Ctx,
    db: &Db,
    event: EventId,
    subject: Subject,
    upload: &str,
) -> Result<Option<Picture>, WorkError> {
    let Some(event) = event::by_id(db, event).await? else { return Ok(None) };
    let Some(upload) = upload::sql::of_organizer(db, event.organizer.id, upload).await? else { return Ok(None) };
    let Some(bytes) = ctx.media().await.find(&upload.object_key).await? else { return Ok(None) };
    let name = match subject {
        Subject::Event => "logo".to_owned(),
        Subject::Item(item) => format!("item-{item}"),
    };
    let place = format!("pub/{}/{}/{name}", event.organizer.slug, event.slug);
    let (picture, sizes) = upload::picture::sizes(&bytes, &upload.file_name, &place)?;
    removal::keep(db, &picture.keys()).await?;
    for size in sizes {
        ctx.media().await.publish(&size.key, size.kind.content_type(), size.bytes).await?;
    }
    Ok(Some(picture))
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
    let drawn = render_missing(ctx, &db, order, now).await?;
    let tx = db.begin().await?;
    let recorded = record(&tx, envelope, drawn, then_mail, now).await;
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
    let media = ctx.media().await;
    sheets.render(media, ticket::logo(media, &event).await?.as_ref()).await?;
    Ok(Some((event.id, sheets.object_key)))
}

/// Draws what is not in the bucket yet. No transaction is open meanwhile.
async fn render_missing(ctx: &Ctx, db: &Db, order: OrderId, now: Timestamp) -> Result<Option<Drawn>, WorkError> {
    let Some(event) = order::sql::event_of(db, order).await? else { return Ok(None) };
    let Some(event) = event::by_id(db, event).await? else { return Ok(None) };
    let Some(order) = order::by_id(db, &event, order).await? else { return Ok(None) };
    if !ticket::can_download(&event, &order, now) {
        return Ok(None);
    }
    let catalogue = Catalogue::load(db, &event).await?;
    let known = ticket::files(db, &event, &order).await?;
    let positions = ticket::positions_with_ticket(&event, &catalogue, &order);
    let missing: Vec<_> = positions.filter(|position| !known.iter().any(|file| file.position == position.id)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let mut files = Vec::new();
    let media = ctx.media().await;
    let logo = ticket::logo(media, &event).await?;
    for position in missing {
        files.push(ticket::render(media, &event, &catalogue, &order, position, logo.as_ref()).await?);
    }
    Ok(Some(Drawn { event: event.id, files, as_of: order.modified_at }))
}

/// Tickets that were drawn.
struct Drawn {
    event: EventId,
    files: Vec<TicketFile>,
    /// When their order had last changed.
    as_of: Timestamp,
}

async fn record(
    tx: &Tx<'_>,
    envelope: &Envelope,
    drawn: Option<Drawn>,
    then_mail: Option<MailId>,
    now: Timestamp,
) -> Result<Option<Outgoing>, DbError> {
    if !outbox::claim(tx, envelope, now).await? {
        return Ok(None);
    }
    if let Some(Drawn { event, files, as_of }) = drawn {
        ticket::sql::record(tx, event, &files, as_of, now).await?;
    }
    let Some(mail) = then_mail else { return Ok(Some(Outgoing::default())) };
    mail::sql::release(tx, mail, now).await?;
    outbox::record(tx, &[Message::SendMail { mail }], now).await.map(Some)
}
