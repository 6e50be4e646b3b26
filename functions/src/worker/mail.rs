//! Hands mails over.

use std::time::Duration;

use super::{Done, WorkError};
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event::{self, Event, calendar},
    i18n::Lang,
    id::MailId,
    mail::{Claimed, Kind, Written, compose, compose_invite, compose_voucher, feedback, pace, sql},
    order::{self, Order, OrderStatus},
    outbox::{self, Envelope, Message},
    port::{
        db::{DbError, Query},
        mailer::{File, MailError, OutgoingMail},
    },
    record::{Record, moment, reference},
    staff::{invite, notice},
    ticket, voucher,
};

/// Sends one mail: claim → write → wait for its turn → hand over → record. From the claim on, the row of the mail alone
/// drives what follows, so the message is handled with it; a second message for the same mail finds nothing to claim.
pub async fn handle(ctx: &'static Ctx, envelope: Envelope) -> Result<Done, WorkError> {
    let Message::SendMail { mail } = envelope.message else { return Err(WorkError::Unknown) };
    let Some(claimed) = claim(ctx, &envelope, mail).await? else { return Ok(Done::Duplicate) };
    let attempt = claimed.attempt;
    let sent = send(ctx, claimed).await;
    for tries in 1.. {
        match record(ctx, mail, attempt, &sent).await {
            // What is not recorded is sent a second time: a connection that broke unnoticed is not worth that.
            Err(WorkError::Db(DbError::Busy(why))) if tries < RECORD_TRIES => {
                tracing::warn!(
                    mail.id = mail.0,
                    tries,
                    error = &why as &dyn std::error::Error,
                    "a mail's end is noted once more"
                );
                tokio::time::sleep(RECORD_PAUSE).await;
            }
            recorded => return recorded,
        }
    }
    unreachable!("the last try returns")
}

/// How often the end of a mail is tried to be noted, and the time in between. Each says the same, so that it may happen twice.
const RECORD_TRIES: u32 = 3;
const RECORD_PAUSE: Duration = Duration::from_millis(500);

async fn record(ctx: &Ctx, mail: MailId, attempt: i32, sent: &Result<Handed, WorkError>) -> Result<Done, WorkError> {
    // The connection may have been lost meanwhile: ask for it again.
    let (db, now) = (ctx.db().await?, ctx.now());
    match sent {
        Ok(Handed::Over { provider_id }) => {
            sql::mark_sent(&*db, mail, attempt, provider_id.as_deref(), now).await?;
            if let Some(provider_id) = provider_id {
                feedback::settle(&*db, provider_id).await?;
            }
        }
        Ok(Handed::Overtaken) => {
            tracing::info!(mail.id = mail.0, "a mail is not sent: what it tells is not so any more");
            sql::mark_failed(&*db, mail, attempt, "Not sent: what it tells is not so any more.").await?;
        }
        Ok(Handed::NotNow) => {
            sql::put_off(&*db, mail, attempt, now.plus_seconds(pace::PUT_OFF_SECONDS)).await?;
        }
        Err(WorkError::Mail(MailError::Permanent(why))) => {
            tracing::error!(mail.id = mail.0, "a mail was refused for good");
            sql::mark_failed(&*db, mail, attempt, why).await?;
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

/// What became of a try that did not fail.
enum Handed {
    /// The other side has it.
    Over {
        /// How it calls the mail.
        provider_id: Option<String>,
    },
    /// Others go first.
    NotNow,
    /// What it would tell is not so any more.
    Overtaken,
}

async fn send(ctx: &Ctx, claimed: Claimed) -> Result<Handed, WorkError> {
    let class = claimed.kind.class();
    if !pace::has_room(ctx, class).await? {
        return Ok(Handed::NotNow);
    }
    let Some(outgoing) = prepare(ctx, &*ctx.db().await?, claimed).await? else { return Ok(Handed::Overtaken) };
    if !pace::take_turn(ctx, class).await? {
        return Ok(Handed::NotNow);
    }
    let provider_id = ctx.mailer().await?.send(&outgoing).await?;
    Ok(Handed::Over { provider_id })
}

/// The mail with its text, written now if no earlier try has, and with the tickets that exist. `None` if it would tell that an
/// order is cancelled which was taken up again meanwhile.
async fn prepare(ctx: &Ctx, q: &impl Query, claimed: Claimed) -> Result<Option<OutgoingMail>, WorkError> {
    let gone = |what| DbError::UnknownValue { what, value: claimed.id.to_string() };
    let Some(event) = claimed.event else { return prepare_invite(ctx, q, claimed).await };
    let event = event::by_id(q, event).await?.ok_or_else(|| gone("event of mail"))?;
    let Some(id) = claimed.order else { return prepare_voucher(ctx, q, &event, claimed).await };
    let order = order::by_id(q, &event, id).await?.ok_or_else(|| gone("order of mail"))?;
    let is_over = matches!(claimed.kind, Kind::OrderCanceled | Kind::OrderDenied);
    // One that was cancelled for a fee has no positions left, but is not in the state "cancelled".
    if is_over && order.status != OrderStatus::Canceled && order.live_positions().next().is_some() {
        return Ok(None);
    }
    let written = match claimed.written {
        Some(ref written) => written.clone(),
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
                // The page draws it again for whoever asks; the mail is not to wait for what will not come.
                let Some(bytes) = ctx.media().await.find(&file.object_key).await? else { continue };
                let name = ticket::file_name(&event, &order, position);
                attachments.push(File { name, content_type: "application/pdf", bytes });
            }
        }
    }
    attachments.extend(calendar_file(ctx, &event, &order, claimed.kind));
    Ok(Some(outgoing(ctx, &event, claimed, written, attachments)))
}

/// A mail that brings a voucher. `None` if there is nothing left to bring.
async fn prepare_voucher(
    ctx: &Ctx,
    q: &impl Query,
    event: &Event,
    claimed: Claimed,
) -> Result<Option<OutgoingMail>, WorkError> {
    let Some(id) = claimed.voucher else { return Ok(None) };
    let found = voucher::records(q, event.id, vec![id.0]).await?.into_iter().next();
    let number = |record: &Record, column: &str| reference(record, column).unwrap_or_default();
    let is_good = |record: &Record| {
        let is_over = moment(record, "valid_until").is_some_and(|end| end < ctx.now());
        !is_over && number(record, "redeemed") < number(record, "max_usages")
    };
    let Some(record) = found.filter(is_good) else { return Ok(None) };
    let written = match claimed.written {
        Some(ref written) => written.clone(),
        None => {
            let catalogue = Catalogue::load(q, event).await?;
            let written = compose_voucher(ctx.config(), event, &catalogue, &record, &claimed.locale);
            sql::keep_text(q, claimed.id, &written).await?;
            written
        }
    };
    Ok(Some(outgoing(ctx, event, claimed, written, Vec::new())))
}

/// A mail that brings an invitation. `None` if it was taken back or accepted.
async fn prepare_invite(ctx: &Ctx, q: &impl Query, claimed: Claimed) -> Result<Option<OutgoingMail>, WorkError> {
    let Some(id) = claimed.invite else { return Ok(None) };
    let Some(invite) = invite::sql::find(q, id).await?.filter(|invite| invite.user.is_none()) else { return Ok(None) };
    let written = match claimed.written {
        Some(ref written) => written.clone(),
        None => {
            let written = compose_invite(ctx.config(), &invite, &claimed.locale);
            sql::keep_text(q, claimed.id, &written).await?;
            written
        }
    };
    let Written { subject, text, html } = written;
    Ok(Some(OutgoingMail {
        id: format!("mail-{:012}", claimed.id.0),
        from_name: invite.organizer_name,
        reply_to: None,
        unsubscribe_url: None,
        recipient: claimed.recipient,
        subject,
        text,
        html,
        attachments: Vec::new(),
    }))
}

fn outgoing(ctx: &Ctx, event: &Event, claimed: Claimed, written: Written, attachments: Vec<File>) -> OutgoingMail {
    let Written { subject, text, html } = written;
    OutgoingMail {
        id: format!("mail-{:012}", claimed.id.0),
        from_name: event.settings.mail_from_name().unwrap_or(&event.organizer.name).to_owned(),
        reply_to: event.settings.contact_mail().map(str::to_owned),
        unsubscribe_url: claimed.reader.map(|user| notice::url(ctx.config(), user, None)),
        recipient: claimed.recipient,
        subject,
        text,
        html,
        attachments,
    }
}

/// The event for the reader's calendar, where the organiser wants that.
fn calendar_file(ctx: &Ctx, event: &Event, order: &Order, kind: Kind) -> Option<File> {
    let settings = &event.settings;
    let wanted = match kind {
        Kind::OrderFree | Kind::OrderPaid | Kind::OrderApprovedFree => settings.mail_attach_ical(),
        Kind::OrderPlaced | Kind::OrderApproved | Kind::OrderChanged => {
            settings.mail_attach_ical() && !settings.mail_attach_ical_paid_only()
        }
        Kind::OrderCanceled
        | Kind::OrderDenied
        | Kind::WaitingListVoucher
        | Kind::TeamInvite
        | Kind::StaffOrderPlaced
        | Kind::StaffNotice => false,
    };
    // A series as a whole has no day to put there.
    (wanted && !event.has_subevents).then(|| {
        let lang = Lang::parse(&order.locale).unwrap_or_default();
        let bytes = calendar::file(event, &ctx.config().public_url, lang, ctx.now()).into_bytes();
        File { name: calendar::file_name(event), content_type: "text/calendar; charset=utf-8; method=PUBLISH", bytes }
    })
}
