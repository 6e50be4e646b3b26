//! What can be done to an order (spec rest-api 9.5).

use std::sync::Arc;

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{
    authorise,
    fields::Fields,
    find,
    json::{Extra, order_json},
    query::{add_history, positions_of},
};
use crate::{
    boxoffice::{CancellationFee, FeeTax, OrderAction, OrderRefusal},
    catalogue::Catalogue,
    ctx::Ctx,
    endpoint::api::keep_refusal,
    event::{Event, settings::CancellationTax},
    http::{self, ApiError},
    i18n::Lang,
    idempotency::{Answer, Call},
    money::TaxRate,
    order::{self, Act, ActError, Order, OrderStatus, PayError},
    outbox::Outgoing,
    port::{
        codes::Codes,
        db::{DbError, Query, Tx},
        lock::EventLock,
    },
    staff::{Permission, Staff},
    time::Timestamp,
};

/// An action, by the last part of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    MarkPaid,
    MarkCanceled,
    MarkPending,
    MarkExpired,
    MarkRefunded,
    Approve,
    Deny,
    Extend,
    Reactivate,
    Change,
}

const ACTIONS: [(&str, Action); 10] = [
    ("mark_paid", Action::MarkPaid),
    ("mark_canceled", Action::MarkCanceled),
    ("mark_pending", Action::MarkPending),
    ("mark_expired", Action::MarkExpired),
    ("mark_refunded", Action::MarkRefunded),
    ("approve", Action::Approve),
    ("deny", Action::Deny),
    ("extend", Action::Extend),
    ("reactivate", Action::Reactivate),
    ("change", Action::Change),
];

impl Action {
    /// The action of a path; codes of orders have capital letters only.
    pub(super) fn of(path: &str) -> Option<Self> {
        let name = path.trim_end_matches('/').rsplit('/').next()?;
        ACTIONS.into_iter().find(|(known, _)| *known == name).map(|(_, action)| action)
    }
}

/// Does it, once for each idempotency key, and answers with the order.
pub(super) async fn take(ctx: &'static Ctx, request: Request, action: Action) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let call = Call::of(&request, &staff)?;
    let now = ctx.now();
    let tx = db.begin().await?;
    let done = once(ctx, &tx, &call, &request, &staff, &event, action, now).await;
    let done = tx.finish(done).await;
    let (answer, outgoing) = keep_refusal(&mut db, &call, done, now).await?;
    drop(db);
    let code = answer.body["code"].as_str().unwrap_or_default();
    tracing::info!(event.id = event.id.0, order.code = code, ?action, "Order {code}: {action:?}");
    outgoing.of(event.organizer.id).dispatch(ctx).await;
    Ok(http::json(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK), &answer.body))
}

#[expect(clippy::too_many_arguments, reason = "everything that one call is about, passed on once")]
async fn once(
    ctx: &Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    staff: &Staff,
    event: &Event,
    action: Action,
    now: Timestamp,
) -> Result<(Answer, Outgoing), ApiError> {
    if let Some(answer) = call.begin(tx, now).await? {
        return Ok((answer, Outgoing::default()));
    }
    // What the box office changes is read and changed under its lock.
    let lock = EventLock::acquire(tx, event.id).await?;
    let order = find(tx, event, request).await?;
    let order = order::held(&lock, event, order.id).await?.ok_or(ApiError::NotFound)?;
    let catalogue = Arc::new(Catalogue::load(tx, event).await?);
    let ignores_quotas = http::query(request, "check_quotas").is_some_and(|value| value == "false");
    let codes = ctx.codes();
    let wanted =
        Wanted { staff, event, catalogue: &catalogue, order: &order, codes, takes_answers: false, ignores_quotas, now };
    let outgoing = wanted.act(tx, action, &Fields::read(request)?).await?;
    let order = find(tx, event, request).await?;
    let mut body = order_json(ctx, event, &order, &Extra::of(ctx, event, catalogue));
    add_history(tx, event.id, positions_of(&mut body).collect(), None).await?;
    let answer = Answer { status: 200, body };
    call.end(tx, &answer).await?;
    Ok((answer, outgoing))
}

/// An order of which something is wanted.
pub(super) struct Wanted<'a> {
    pub(super) staff: &'a Staff,
    pub(super) event: &'a Event,
    pub(super) catalogue: &'a Catalogue,
    pub(super) order: &'a Order,
    /// Where secrets of new positions come from.
    pub(super) codes: &'a Codes,
    /// Whoever asks writes the answers of new positions.
    pub(super) takes_answers: bool,
    /// A change is made even if there is no room.
    pub(super) ignores_quotas: bool,
    pub(super) now: Timestamp,
}

impl Wanted<'_> {
    pub(super) async fn act(&self, tx: &Tx<'_>, action: Action, fields: &Fields) -> Result<Outgoing, ApiError> {
        let (deadline, force) = (self.event.payment_deadline(self.now), false);
        let chosen = match action {
            Action::MarkPaid => return self.mark_paid(tx, fields.send_email()?).await,
            Action::MarkExpired => return self.mark_expired(tx).await,
            Action::MarkCanceled => OrderAction::Cancel { fee: self.cancellation_fee(fields, deadline)? },
            Action::MarkPending => OrderAction::MarkPending,
            Action::MarkRefunded => OrderAction::MarkRefunded,
            Action::Approve => OrderAction::Approve { expires_at: deadline },
            Action::Deny => OrderAction::Deny,
            Action::Extend => {
                let expires_at = self.event.end_of(fields.date("expires")?);
                OrderAction::Extend { expires_at, force: fields.flag("force", false)? }
            }
            Action::Reactivate => OrderAction::Reactivate { expires_at: deadline, force },
            Action::Change => {
                let (changes, read_at) = (self.changes(fields)?, self.order.modified_at);
                OrderAction::Change { changes, read_at, expires_at: deadline, force: self.ignores_quotas }
            }
        };
        let own = if action == Action::Change { self.own(fields)? } else { Vec::new() };
        let note = fields.string("comment")?.filter(|note| !note.is_empty());
        let act = Act {
            order: self.order.id,
            action: chosen,
            send_email: fields.flag("send_email", action != Action::Change)?,
            note,
        };
        let mut outgoing = match order::act(tx, self.staff, self.event, self.catalogue, &act, self.now).await {
            Ok(outgoing) => outgoing,
            Err(ActError::Db(error)) => return Err(error.into()),
            Err(ActError::Refused(refusal)) => return Err(self.refused(tx, action, refusal).await?),
        };
        self.write_own(tx, own, &mut outgoing).await?;
        Ok(outgoing)
    }

    async fn mark_paid(&self, tx: &Tx<'_>, send_email: bool) -> Result<Outgoing, ApiError> {
        let paid = order::mark_paid(tx, self.staff, self.event, self.catalogue, self.order, send_email, self.now).await;
        paid.map_err(|error| match error {
            PayError::Db(error) => error.into(),
            refused => ApiError::BadRequest(format!("{refused}.")),
        })
    }

    async fn mark_expired(&self, tx: &Tx<'_>) -> Result<Outgoing, ApiError> {
        match order::mark_expired(tx, self.staff, self.event, self.catalogue, self.order.id, self.now).await? {
            true => Ok(Outgoing::default()),
            false => Err(ApiError::BadRequest("The order is not pending.".to_owned())),
        }
    }

    fn cancellation_fee(&self, fields: &Fields, deadline: Timestamp) -> Result<Option<CancellationFee>, ApiError> {
        let Some(amount) = fields.amount("cancellation_fee", self.event)? else { return Ok(None) };
        let default =
            || self.catalogue.tax_rules.iter().find(|rule| rule.is_default).map_or(TaxRate::ZERO, |it| it.rate);
        let tax = match self.event.settings.tax_rule_cancellation() {
            CancellationTax::None => FeeTax::Rate(TaxRate::ZERO),
            CancellationTax::Default => FeeTax::Rate(default()),
            CancellationTax::Split => FeeTax::Split,
        };
        Ok(Some(CancellationFee { amount, keep: Vec::new(), tax, description: String::new(), deadline }))
    }

    /// Why nothing happened, in words.
    async fn refused(&self, q: &impl Query, action: Action, refusal: OrderRefusal) -> Result<ApiError, DbError> {
        let text = match refusal {
            OrderRefusal::Missing => return Ok(ApiError::NotFound),
            OrderRefusal::WrongState(status) => wrong_state(action, status).to_owned(),
            OrderRefusal::Approval => "The order is not waiting for approval.".to_owned(),
            OrderRefusal::NoRoom(_) | OrderRefusal::NoQuota(_) => {
                no_room(q, self.event, self.catalogue, refusal).await?
            }
            OrderRefusal::CodeTaken => "This order code is already in use.".to_owned(),
            OrderRefusal::FeeTooHigh => "The cancellation fee cannot be higher than the total of the order.".to_owned(),
            OrderRefusal::DeadlinePassed => "The new expiry date needs to be in the future.".to_owned(),
            OrderRefusal::ChangedMeanwhile => "The order was changed by somebody else meanwhile.".to_owned(),
            OrderRefusal::NoSuchPart(number) => format!("The order has no part {number}."),
            OrderRefusal::Empty => "The order has no positions.".to_owned(),
            OrderRefusal::TooMany => "The order would have too many positions.".to_owned(),
            OrderRefusal::NegativeTotal => "The order would cost less than nothing.".to_owned(),
            OrderRefusal::VoucherUsedUp | OrderRefusal::BudgetUsedUp | OrderRefusal::Voucher(_) => {
                "The voucher of this order has been used in the meantime.".to_owned()
            }
            OrderRefusal::NotFree | OrderRefusal::NoProvider => "Nothing says how the order is paid.".to_owned(),
        };
        Ok(match refusal {
            OrderRefusal::DeadlinePassed => ApiError::field("expires", text),
            _ => ApiError::BadRequest(text),
        })
    }
}

/// Why there is no place, in words.
pub(super) async fn no_room(
    q: &impl Query,
    event: &Event,
    catalogue: &Catalogue,
    refusal: OrderRefusal,
) -> Result<String, DbError> {
    Ok(match refusal {
        OrderRefusal::NoRoom(quota) => {
            let name = order::sql::quota_name(q, event.id, quota).await?;
            format!("There is not enough quota available on quota \"{name}\" to perform the operation.")
        }
        OrderRefusal::NoQuota(product) => {
            let name = catalogue.product_name(product, Lang::En);
            format!("The product \"{name}\" is not assigned to a quota.")
        }
        other => format!("The order cannot be like this: {other:?}."),
    })
}

fn wrong_state(action: Action, status: OrderStatus) -> &'static str {
    match action {
        Action::MarkPending | Action::MarkRefunded => "The order is not paid.",
        Action::Reactivate => "Only canceled orders can be reactivated.",
        Action::Extend if status == OrderStatus::Paid => "The order is paid; there is nothing to extend.",
        Action::Extend => "The order is canceled; reactivate it instead.",
        Action::MarkCanceled => "The order is canceled already.",
        Action::Change => "The order is canceled.",
        Action::MarkPaid | Action::MarkExpired | Action::Approve | Action::Deny => "The order is not pending.",
    }
}
