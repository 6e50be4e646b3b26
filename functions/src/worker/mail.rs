//! Hands mails over.

use super::{Done, WorkError};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event,
    id::MailId,
    mail::{Claimed, Written, compose, sql},
    order,
    outbox::{self, Envelope, Message},
    port::{
        db::{DbError, Query},
        mailer::{MailError, OutgoingMail},
    },
    ticket,
};

/// Sends one mail: claim → hand over → record. From the claim on, the row of the mail alone drives what follows, so the
/// message is handled with it; a second message for the same mail finds nothing to claim.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    let Message::SendMail { mail } = envelope.message else { return Err(WorkError::Unknown) };
    let Some(claimed) = claim(ctx, &envelope, mail).await? else { return Ok(Done::Duplicate) };
    let attempt = claimed.attempt;
    let sent = send(ctx, claimed).await;
    // The connection may have been lost meanwhile: ask for it again.
    let (db, now) = (ctx.db().await?, ctx.now());
    match sent {
        Ok(()) => sql::mark_sent(&*db, mail, attempt, now).await?,
        Err(WorkError::Mail(MailError::Permanent(why))) => {
            tracing::error!(mail.id = mail.0, "a mail was refused for good");
            sql::mark_failed(&*db, mail, attempt, &why).await?;
        }
        // What the server says may name the recipient: it stays in the row.
        Err(error) => match sql::mark_retry(&*db, mail, attempt, &error.to_string(), now).await? {
            true => tracing::error!(mail.id = mail.0, attempt, "a mail was given up"),
            false => tracing::warn!(mail.id = mail.0, attempt, "a mail was not sent and is tried again later"),
        },
    }
    Ok(Done::Handled)
}

async fn claim(ctx: &Ctx, envelope: &Envelope, mail: MailId) -> Result<Option<Claimed>, WorkError> {
    let now = ctx.now();
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let claimed = async {
        outbox::claim(&tx, envelope, now).await?;
        sql::claim(&tx, mail, now).await
    }
    .await;
    Ok(tx.finish(claimed).await?)
}

async fn send(ctx: &Ctx, claimed: Claimed) -> Result<(), WorkError> {
    let outgoing = prepare(ctx, &*ctx.db().await?, claimed).await?;
    Ok(ctx.mailer().await?.send(&outgoing).await?)
}

/// The mail with its text, written now if no earlier try has, and with the tickets that exist.
async fn prepare(ctx: &Ctx, q: &impl Query, claimed: Claimed) -> Result<OutgoingMail, WorkError> {
    let gone = |what| DbError::UnknownValue { what, value: claimed.id.to_string() };
    let event = event::by_id(q, claimed.event).await?.ok_or_else(|| gone("event of mail"))?;
    let order = order::by_id(q, &event, claimed.order).await?.ok_or_else(|| gone("order of mail"))?;
    let Written { subject, text, html } = match claimed.written {
        Some(written) => written,
        None => {
            let catalogue = Catalogue::load(q, &event).await?;
            let written = compose(ctx.config(), &event, &catalogue, &order, &claimed);
            sql::keep_text(q, claimed.id, &written).await?;
            written
        }
    };
    let mut attachments = Vec::new();
    if claimed.kind.has_tickets() && event.settings.mail_attach_tickets() {
        for file in ticket::files(q, &event, &order).await? {
            if let Some(position) = order.positions.iter().find(|position| position.id == file.position) {
                let bytes = ctx.media().await.get(&file.object_key).await?;
                attachments.push((ticket::file_name(&event, &order, position), bytes));
            }
        }
    }
    Ok(OutgoingMail {
        id: format!("mail-{:012}", claimed.id.0),
        from_name: event.settings.mail_from_name().unwrap_or(&event.organizer.name).to_owned(),
        reply_to: event.settings.contact_mail().map(str::to_owned),
        recipient: claimed.recipient,
        subject,
        text,
        html,
        attachments,
    })
}
