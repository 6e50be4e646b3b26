//! Statements about payments and refunds that staff books.

use super::{NewPayment, NewRefund};
use crate::{
    id::{GiftCardId, OrderId},
    order::{PaymentState, RefundState},
    port::{
        db::{DbError, Param, Query as _, p},
        lock::EventLock,
    },
    time::Timestamp,
};

const INSERT_PAYMENT: &str = "
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at, confirmed_at, info)
    select $1, $2, coalesce(max(local_id), 0) + 1, $3, $4, $5, $6, $7, $8 from payment where event_id = $1 and order_id = $2
    returning local_id";

pub(super) async fn insert_payment(
    lock: &EventLock<'_>,
    order: OrderId,
    new: &NewPayment,
    now: Timestamp,
) -> Result<i32, DbError> {
    let (event, state) = (lock.event(), new.state.code());
    let paid_at = (new.state == PaymentState::Confirmed).then(|| new.paid_at.unwrap_or(now));
    let params: [Param<'_>; 8] =
        [p(&event), p(&order), p(&new.provider), p(&state), p(&new.amount), p(&now), p(&paid_at), p(&new.info)];
    lock.tx().one(INSERT_PAYMENT, &params).await?.get("local_id")
}

const SET_PAYMENT: &str = "
    update payment set state = $4, confirmed_at = coalesce($5, confirmed_at)
     where event_id = $1 and order_id = $2 and local_id = $3";

pub(super) async fn set_payment(
    lock: &EventLock<'_>,
    order: OrderId,
    number: i32,
    state: PaymentState,
    at: Option<Timestamp>,
) -> Result<(), DbError> {
    let (event, state) = (lock.event(), state.code());
    lock.tx().execute(SET_PAYMENT, &[p(&event), p(&order), p(&number), p(&state), p(&at)]).await.map(drop)
}

const CARD_OF: &str = "
    select c.id from payment p join event e on e.id = p.event_id
      join gift_card c on c.organizer_id = e.organizer_id and c.id = (p.info->>'gift_card')::bigint
     where p.event_id = $1 and p.order_id = $2 and p.local_id = $3 and p.provider = 'giftcard'
       and jsonb_typeof(p.info->'gift_card') = 'number'";

/// The gift card that a payment was made with.
pub(super) async fn card_of(lock: &EventLock<'_>, order: OrderId, number: i32) -> Result<Option<GiftCardId>, DbError> {
    let row = lock.tx().opt(CARD_OF, &[p(&lock.event()), p(&order), p(&number)]).await?;
    row.map(|row| row.get("id")).transpose()
}

const INSERT_REFUND: &str = "
    insert into refund (event_id, order_id, local_id, payment_id, provider, state, source, amount, created_at, executed_at,
                        comment, info)
    select $1, $2, (select coalesce(max(local_id), 0) + 1 from refund where event_id = $1 and order_id = $2),
           (select id from payment where event_id = $1 and order_id = $2 and local_id = $3), $4, $5, $6, $7, $8, $9, $10, $11
    returning local_id";

pub(super) async fn insert_refund(
    lock: &EventLock<'_>,
    order: OrderId,
    new: &NewRefund,
    now: Timestamp,
) -> Result<i32, DbError> {
    let (event, state) = (lock.event(), new.state.code());
    let executed_at = new.executed_at.or((new.state == RefundState::Done).then_some(now));
    let params: [Param<'_>; 11] = [
        p(&event),
        p(&order),
        p(&new.payment),
        p(&new.provider),
        p(&state),
        p(&new.source),
        p(&new.amount),
        p(&now),
        p(&executed_at),
        p(&new.comment),
        p(&new.info),
    ];
    lock.tx().one(INSERT_REFUND, &params).await?.get("local_id")
}

const SET_REFUND: &str = "
    update refund set state = $4, executed_at = coalesce(executed_at, $5)
     where event_id = $1 and order_id = $2 and local_id = $3";

pub(super) async fn set_refund(
    lock: &EventLock<'_>,
    order: OrderId,
    number: i32,
    state: RefundState,
    at: Option<Timestamp>,
) -> Result<(), DbError> {
    let (event, state) = (lock.event(), state.code());
    lock.tx().execute(SET_REFUND, &[p(&event), p(&order), p(&number), p(&state), p(&at)]).await.map(drop)
}

const MARK_REFUNDED_PAYMENTS: &str = "
    update payment p set state = 'refunded'
     where p.event_id = $1 and p.order_id = $2 and p.state = 'confirmed' and p.amount > 0
       and p.amount <= (select coalesce(sum(r.amount), 0) from refund r
                         where r.event_id = $1 and r.payment_id = p.id and r.state = 'done')";

pub(super) async fn mark_refunded_payments(lock: &EventLock<'_>, order: OrderId) -> Result<(), DbError> {
    lock.tx().execute(MARK_REFUNDED_PAYMENTS, &[p(&lock.event()), p(&order)]).await.map(drop)
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[INSERT_PAYMENT, SET_PAYMENT, CARD_OF, INSERT_REFUND, SET_REFUND, MARK_REFUNDED_PAYMENTS];
