//! Hands mails over.

use super::WorkError;
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event,
    id::MailId,
    mail::{self, Claim, Claimed, Written, compose, sql},
    order,
    outbox::{self, Envelope, Message},
    port::{
        db::{DbError, Query},
        mailer::{MailError, OutgoingMail},
    },
    ticket,
};

/// Sends one mail: claim → hand over → record. A second message for the same mail finds it claimed or sent.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<(), WorkError> {
    let Message::SendMail { mail } = envelope.message else { return Err(WorkError::Unknown) };
    let now = ctx.now();
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let claim = mail::claim(&tx, mail, now).await;
    let claimed = match tx.finish(claim).await? {
        Claim::Ours(claimed) => claimed,
        // The worker that has it records the message; if it died, the mail is found again later.
        Claim::Taken => return Ok(()),
        Claim::Done => {
            let tx = db.begin().await?;
            let done = outbox::claim(&tx, &envelope, now).await;
            tx.finish(done).await?;
            return Ok(());
        }
    };
    let outgoing = prepare(ctx, &*db, *claimed).await;
    let sent = match outgoing {
        Ok(outgoing) => ctx.mailer().await?.send(&outgoing).await,
        Err(WorkError::Mail(error)) => Err(error),
        Err(error) => {
            sql::mark_retry(&*db, mail, &error.to_string()).await?;
            return Err(error);
        }
    };
    match sent {
        Ok(()) => settle(ctx, &mut db, &envelope, mail, None).await,
        Err(MailError::Permanent(why)) => {
            tracing::error!(mail.id = mail.0, "a mail was refused for good");
            settle(ctx, &mut db, &envelope, mail, Some(&why)).await
        }
        Err(MailError::Temporary(why)) => {
            sql::mark_retry(&*db, mail, &why).await?;
            Err(MailError::Temporary(why).into())
        }
    }
}

/// Records the end of a mail together with the end of its message.
async fn settle(
    ctx: &Ctx,
    db: &mut crate::port::db::Db,
    envelope: &Envelope,
    mail: MailId,
    failure: Option<&str>,
) -> Result<(), WorkError> {
    let now = ctx.now();
    let tx = db.begin().await?;
    let recorded = async {
        match failure {
            None => sql::mark_sent(&tx, mail, now).await?,
            Some(why) => sql::mark_failed(&tx, mail, why).await?,
        }
        outbox::claim(&tx, envelope, now).await
    }
    .await;
    tx.finish(recorded).await?;
    Ok(())
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
            let written = compose(ctx.config(), &event, &catalogue, &order, claimed.kind, &claimed.locale);
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
