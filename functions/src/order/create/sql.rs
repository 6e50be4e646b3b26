//! Statements that write what belongs to orders of programs, for a whole batch.

use super::New;
use crate::{
    event::Event,
    id::{MailId, OrderId, QuestionId, TokenId},
    mail,
    port::{
        db::{DbError, Query, array, p},
        lock::EventLock,
    },
    time::Timestamp,
};

const ANSWERS: &str = "
    insert into answer (event_id, question_id, position_id, answer)
    select $1, said.question_id, op.id, said.answer
      from unnest($2::bigint[], $3::integer[], $4::bigint[], $5::text[]) as said (order_id, number, question_id, answer)
      join order_position op on op.event_id = $1 and op.order_id = said.order_id and op.positionid = said.number";

pub(super) async fn answers(lock: &EventLock<'_>, orders: &[New<'_>]) -> Result<(), DbError> {
    let said: Vec<(OrderId, i32, QuestionId, &str)> = orders.iter().flat_map(New::answers).collect();
    if said.is_empty() {
        return Ok(());
    }
    let owners: Vec<OrderId> = said.iter().map(|(order, ..)| *order).collect();
    let numbers: Vec<i32> = said.iter().map(|(_, number, ..)| *number).collect();
    let questions: Vec<QuestionId> = said.iter().map(|(.., question, _)| *question).collect();
    let texts: Vec<&str> = said.iter().map(|(.., text)| *text).collect();
    let event = lock.event();
    let params = [p(&event), array(&owners), array(&numbers), array(&questions), array(&texts)];
    lock.tx().execute(ANSWERS, &params).await.map(drop)
}

const LOG: &str = "
    insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, actor_id, created_at)
    select $1, $2, 'order', l.order_id, l.action, 'token', l.token_id, $3
      from unnest($4::bigint[], $5::text[], $6::bigint[]) as l (order_id, action, token_id)";

/// Records what happened to each order (spec domain 23.1).
pub(super) async fn log(
    lock: &EventLock<'_>,
    event: &Event,
    orders: &[New<'_>],
    now: Timestamp,
) -> Result<(), DbError> {
    let entries: Vec<(OrderId, &str, TokenId)> = orders.iter().flat_map(New::log).collect();
    let owners: Vec<OrderId> = entries.iter().map(|(order, ..)| *order).collect();
    let actions: Vec<&str> = entries.iter().map(|(_, action, _)| *action).collect();
    let tokens: Vec<TokenId> = entries.iter().map(|(.., token)| *token).collect();
    let params = [p(&event.organizer.id), p(&event.id), p(&now), array(&owners), array(&actions), array(&tokens)];
    lock.tx().execute(LOG, &params).await.map(drop)
}

const MAILS: &str = "
    insert into mail (id, organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
    overriding system value
    select m.id, $1, $2, m.order_id, m.kind, m.recipient, m.locale, case when m.waits then 'waiting' else 'queued' end,
           $3, case when m.waits then $4::timestamptz else $5::timestamptz end
      from unnest($6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::boolean[])
           as m (id, order_id, kind, recipient, locale, waits)";

/// Writes the mails down that tell buyers.
pub(super) async fn mails(
    lock: &EventLock<'_>,
    event: &Event,
    orders: &[New<'_>],
    now: Timestamp,
) -> Result<(), DbError> {
    let told: Vec<(&New<'_>, mail::Kind)> = orders.iter().filter_map(|order| Some((order, order.mail()?))).collect();
    if told.is_empty() {
        return Ok(());
    }
    let ids: Vec<MailId> = told.iter().map(|(order, _)| order.created.identity.mail).collect();
    let owners: Vec<OrderId> = told.iter().map(|(order, _)| order.id()).collect();
    let kinds: Vec<&str> = told.iter().map(|(_, kind)| kind.name()).collect();
    let recipients: Vec<&str> = told.iter().map(|(order, _)| order.created.wanted.email.as_str()).collect();
    let locales: Vec<&str> = told.iter().map(|(order, _)| order.created.wanted.locale.as_str()).collect();
    let waits: Vec<bool> = told.iter().map(|(_, kind)| kind.has_tickets()).collect();
    let (waiting, queued) = (now.plus_seconds(mail::WAIT_SECONDS), now.plus_seconds(mail::QUEUED_SECONDS));
    let params = [
        p(&event.organizer.id),
        p(&event.id),
        p(&now),
        p(&waiting),
        p(&queued),
        array(&ids),
        array(&owners),
        array(&kinds),
        array(&recipients),
        array(&locales),
        array(&waits),
    ];
    lock.tx().execute(MAILS, &params).await.map(drop)
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[ANSWERS, LOG, MAILS];
