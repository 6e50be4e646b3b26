//! Payments and refunds of an order (spec rest-api 9.8, 9.9): what happened to money outside of the shop.

use ::http::Method;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::{
    authorise, find,
    json::{payment_json, refund_json},
};
use crate::{
    boxoffice::OrderAction,
    catalogue::Catalogue,
    ctx::Ctx,
    endpoint::api::{
        Around,
        field::{Field, Kind},
        keep_refusal,
        list::Page,
        number, read, respond, segments,
    },
    event::Event,
    gift_card::BookError,
    http::{self, ApiError},
    idempotency::{Answer, Call},
    order::{
        self, Act, ActError, Order, PayError, Payment, PaymentState, Refund, RefundState,
        booking::{Desk, NewPayment, NewRefund},
    },
    outbox::Outgoing,
    payment::{GIFT_CARD, Provider},
    port::{db::Tx, lock::EventLock},
    record::{Record, flag, moment, reference},
    staff::{Permission, Staff},
};

const PAYMENT_FIELDS: &[Field] = &[
    Field::new("provider", Kind::Text(190)).required(),
    Field::new("state", Kind::Choice(&["created", "pending", "confirmed", "failed", "canceled", "refunded"]))
        .required(),
    Field::new("amount", Kind::Amount).required(),
    Field::new("payment_date", Kind::Moment).null(),
    Field::new("info", Kind::Json),
    Field::new("send_email", Kind::Flag).default("true"),
    // What has no room is not sold, whoever says so.
    Field::new("force", Kind::Fixed("false")),
];
const REFUND_FIELDS: &[Field] = &[
    Field::new("state", Kind::Choice(&["created", "transit", "done", "failed", "canceled", "external"])).required(),
    Field::new("source", Kind::Choice(&["admin", "buyer", "external"])).required(),
    Field::new("amount", Kind::Amount).required(),
    Field::new("payment", Kind::Number(1, i32::MAX as i64)).null(),
    Field::new("provider", Kind::Text(190)).required(),
    Field::new("execution_date", Kind::Moment).null(),
    Field::new("info", Kind::Json),
    Field::new("comment", Kind::Text(10_000)),
    Field::new("mark_canceled", Kind::Flag),
    Field::new("mark_refunded", Kind::Flag),
    Field::new("mark_pending", Kind::Flag),
];
const ACTION_FIELDS: &[Field] = &[
    Field::new("send_email", Kind::Flag).default("true"),
    // What has no room is not sold, whoever says so.
    Field::new("force", Kind::Fixed("false")),
    Field::new("mark_canceled", Kind::Flag),
    Field::new("mark_refunded", Kind::Flag),
    Field::new("amount", Kind::Amount).null(),
    Field::new("comment", Kind::Text(10_000)),
];
/// What a program may say about a payment.
const INFO_BYTES_MAX: usize = 50_000;

/// Answers what is below an order's payments or refunds.
pub(super) async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let path = segments(&request);
    let is_payment = path.get(8) == Some(&"payments");
    match (request.method().clone(), path.len()) {
        (Method::GET, 9 | 10) => look(ctx, request, is_payment).await,
        (Method::POST, 9 | 11) => book(ctx, request, is_payment).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

async fn look(ctx: &'static Ctx, request: Request, is_payment: bool) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (_, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let order = find(&*db, &event, &request).await?;
    if http::path(&request, if is_payment { "payment" } else { "refund" }).is_ok() {
        let told = match is_payment {
            true => payment_json(ctx, &event, &order, payment(&order, &request)?),
            false => refund_json(refund(&order, &request)?),
        };
        return Ok(http::json(::http::StatusCode::OK, &told));
    }
    let all: Vec<Value> = match is_payment {
        true => order.payments.iter().map(|it| payment_json(ctx, &event, &order, it)).collect(),
        false => order.refunds.iter().map(refund_json).collect(),
    };
    let page = Page::read(&request)?;
    let total = i64::try_from(all.len()).ok();
    let on_page = |count: i64| usize::try_from(count).unwrap_or(usize::MAX);
    let told = all.into_iter().skip(on_page(page.offset())).take(on_page(page.size())).collect();
    page.answer(ctx, &request, total, told)
}

fn payment<'a>(order: &'a Order, request: &Request) -> Result<&'a Payment, ApiError> {
    let id = number(request, "payment")?;
    order.payments.iter().find(|payment| i64::from(payment.number) == id).ok_or(ApiError::NotFound)
}

fn refund<'a>(order: &'a Order, request: &Request) -> Result<&'a Refund, ApiError> {
    let id = number(request, "refund")?;
    order.refunds.iter().find(|refund| i64::from(refund.number) == id).ok_or(ApiError::NotFound)
}

async fn book(ctx: &'static Ctx, request: Request, is_payment: bool) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let call = Call::of(&request, &staff)?;
    let now = ctx.now();
    let tx = db.begin().await?;
    let done = once(ctx, &tx, &call, &request, (&staff, &event), is_payment).await;
    let done = tx.finish(done).await;
    let (answer, outgoing) = keep_refusal(&mut db, &call, done, now).await?;
    drop(db);
    outgoing.of(event.organizer.id).dispatch(ctx).await;
    Ok(respond(&answer))
}

async fn once(
    ctx: &Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    (staff, event): (&Staff, &Event),
    is_payment: bool,
) -> Result<(Answer, Outgoing), ApiError> {
    let now = ctx.now();
    if let Some(answer) = call.begin(tx, now).await? {
        return Ok((answer, Outgoing::default()));
    }
    let lock = EventLock::acquire(tx, event.id).await?;
    let desk = Desk { tx, lock: &lock, staff, event, now };
    let order = find(tx, event, request).await?;
    let catalogue = Catalogue::load(tx, event).await?;
    let around = Around {
        currency: event.currency,
        zone: event.timezone.clone(),
        channels: Vec::new(),
        now,
        public_url: String::new(),
        organizer_slug: event.organizer.slug.clone(),
        event_slug: Some(event.slug.clone()),
    };
    let action = segments(request).get(10).copied();
    let fields = match (action, is_payment) {
        (Some(_), _) => ACTION_FIELDS,
        (None, true) => PAYMENT_FIELDS,
        (None, false) => REFUND_FIELDS,
    };
    let written = read::read(fields, &read::object(request)?, None, true, &around);
    written.faults.check()?;
    let work = Work { desk: &desk, order: &order, catalogue: &catalogue, said: &written.record };
    let (number, status, outgoing) = match (action, is_payment) {
        (None, true) => work.add_payment().await?,
        (Some(action), true) => work.act_on_payment(payment(&order, request)?, action).await?,
        (None, false) => work.add_refund().await?,
        (Some(action), false) => work.act_on_refund(refund(&order, request)?, action).await?,
    };
    let order = find(tx, event, request).await?;
    let tells_payment = is_payment && action != Some("refund");
    let body = match tells_payment {
        true => order.payments.iter().find(|it| it.number == number).map(|it| payment_json(ctx, event, &order, it)),
        false => order.refunds.iter().find(|it| it.number == number).map(refund_json),
    };
    let answer = Answer { status, body: body.unwrap_or_default() };
    call.end(tx, &answer).await?;
    Ok((answer, outgoing))
}

/// What is booked: number of the row, status of the answer, what is to be sent.
type Booked = (i32, u16, Outgoing);

struct Work<'a> {
    desk: &'a Desk<'a>,
    order: &'a Order,
    catalogue: &'a Catalogue,
    said: &'a Record,
}

impl Work<'_> {
    fn word(&self, field: &str) -> &str {
        self.said.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn info(&self) -> Result<Value, ApiError> {
        let info = self.said.get("info").cloned().unwrap_or(json!({}));
        match info.is_object() && info.to_string().len() <= INFO_BYTES_MAX {
            true => Ok(info),
            false => Err(ApiError::field("info", "Expected an object of at most 50000 bytes.")),
        }
    }

    async fn add_payment(&self) -> Result<Booked, ApiError> {
        let unknown = || ApiError::field("provider", "The given payment provider is not known.");
        let provider = Provider::parse(self.word("provider")).ok_or_else(unknown)?;
        let state = PaymentState::parse(self.word("state"))?;
        let new = NewPayment {
            provider: provider.identifier().to_owned(),
            state,
            amount: reference(self.said, "amount").unwrap_or_default(),
            paid_at: moment(self.said, "payment_date"),
            info: self.info()?,
        };
        let number = self.desk.add_payment(self.order.id, &new).await?;
        let settled = match state {
            PaymentState::Confirmed => self.settle().await,
            _ => Ok(Outgoing::default()),
        };
        // The money is there even if there is no place any more (spec domain 12.1).
        let outgoing = match settled {
            Err(PayError::NoRoom) => Outgoing::default(),
            other => other.map_err(refused)?,
        };
        Ok((number, 201, outgoing))
    }

    async fn settle(&self) -> Result<Outgoing, PayError> {
        self.desk.settle(self.catalogue, self.order.id, flag(self.said, "send_email")).await
    }

    async fn act_on_payment(&self, payment: &Payment, action: &str) -> Result<Booked, ApiError> {
        let is_open = matches!(payment.state, PaymentState::Created | PaymentState::Pending);
        let outgoing = match action {
            "confirm" if is_open => {
                self.desk.confirm(self.order.id, payment).await?;
                self.settle().await.map_err(refused)?
            }
            "cancel" if is_open => {
                self.desk.cancel(self.order.id, payment).await?;
                Outgoing::default()
            }
            "refund" if payment.state == PaymentState::Confirmed => return self.refund(payment).await,
            _ => return Err(ApiError::BadRequest("Invalid state of payment.".to_owned())),
        };
        Ok((payment.number, 200, outgoing))
    }

    /// What a gift card has paid goes back to it.
    async fn refund(&self, payment: &Payment) -> Result<Booked, ApiError> {
        if payment.provider != GIFT_CARD {
            return Err(self.no_refund(payment));
        }
        let is_on_its_way = |it: &&Refund| match it.state {
            RefundState::Created | RefundState::Transit | RefundState::Done | RefundState::External => true,
            RefundState::Failed | RefundState::Canceled => false,
        };
        let of_payment = self.order.refunds.iter().filter(|it| it.payment == Some(payment.number));
        let refunded: i64 = of_payment.filter(is_on_its_way).map(|it| it.amount.minor()).sum();
        let left = payment.amount.minor() - refunded;
        let amount = reference(self.said, "amount").unwrap_or(left);
        if amount <= 0 || amount > left {
            return Err(ApiError::field("amount", "Ensure this is more than nothing and no more than is left of it."));
        }
        let given = self.desk.refund_to_card(self.order.id, payment, amount, self.word("comment")).await;
        let number = given.map_err(|error| match error {
            BookError::Db(error) => error.into(),
            BookError::Missing | BookError::TooLittle(_) | BookError::TooMuch => {
                ApiError::field("amount", "The gift card cannot take this.")
            }
        })?;
        let Some(number) = number else { return Err(self.no_refund(payment)) };
        Ok((number, 200, self.follow_up().await?))
    }

    /// No other way to pay can send money back by itself yet: it is booked as a refund when it was sent.
    fn no_refund(&self, payment: &Payment) -> ApiError {
        let wanted = reference(self.said, "amount").unwrap_or(payment.amount.minor());
        let text = match wanted {
            wanted if wanted <= 0 => "Invalid refund amount.",
            wanted if wanted > payment.amount.minor() => "The refund amount needs to be less than the payment amount.",
            wanted if wanted == payment.amount.minor() => "Full refund not available for this payment method.",
            _ => "Partial refund not available for this payment method.",
        };
        ApiError::field("amount", text)
    }

    async fn add_refund(&self) -> Result<Booked, ApiError> {
        let payment = reference(self.said, "payment").and_then(|number| i32::try_from(number).ok());
        if payment.is_some_and(|number| !self.order.payments.iter().any(|it| it.number == number)) {
            return Err(ApiError::field("payment", "This payment does not exist."));
        }
        let state = RefundState::parse(self.word("state"))?;
        let new = NewRefund {
            provider: self.word("provider").to_owned(),
            state,
            source: self.word("source").to_owned(),
            amount: reference(self.said, "amount").unwrap_or_default(),
            payment,
            executed_at: moment(self.said, "execution_date"),
            comment: self.word("comment").to_owned(),
            info: self.info()?,
        };
        let number = self.desk.add_refund(self.order.id, &new).await?;
        let outgoing = self.follow_up().await?;
        Ok((number, 201, outgoing))
    }

    async fn act_on_refund(&self, refund: &Refund, action: &str) -> Result<Booked, ApiError> {
        let (id, number) = (self.order.id, refund.number);
        match (action, refund.state) {
            ("done", RefundState::Created | RefundState::Transit) | ("process", RefundState::External) => {
                self.desk.finish_refund(id, number).await?;
            }
            ("cancel", RefundState::Created | RefundState::Transit | RefundState::External) => {
                self.desk.cancel_refund(id, number).await?;
            }
            _ => return Err(ApiError::BadRequest("Invalid state of refund.".to_owned())),
        }
        let outgoing = if action == "process" { self.follow_up().await? } else { Outgoing::default() };
        Ok((number, 200, outgoing))
    }

    /// What becomes of the order that was paid. It waits for money again only if some is missing, and with a new deadline
    /// (spec domain 12.2).
    async fn follow_up(&self) -> Result<Outgoing, ApiError> {
        let desk = self.desk;
        let order = order::by_id(desk.tx, desk.event, self.order.id).await?.ok_or(ApiError::NotFound)?;
        let is_void = flag(self.said, "mark_canceled") || flag(self.said, "mark_refunded");
        let is_open = flag(self.said, "mark_pending") && order.balance().minor() > 0;
        let expires_at = desk.event.payment_deadline(desk.now);
        let actions = match () {
            () if is_void => vec![OrderAction::MarkRefunded],
            () if is_open => vec![OrderAction::MarkPending, OrderAction::Extend { expires_at, force: false }],
            () => Vec::new(),
        };
        let mut all = Outgoing::default();
        for action in actions {
            let act = Act { order: order.id, action, send_email: false, note: None };
            match order::act(desk.tx, desk.staff, desk.event, self.catalogue, &act, desk.now).await {
                Ok(outgoing) => all.add(outgoing),
                Err(ActError::Db(error)) => return Err(error.into()),
                // It was not paid: there is nothing that the refund changes about it.
                Err(ActError::Refused(_)) => break,
            }
        }
        Ok(all)
    }
}

fn refused(error: PayError) -> ApiError {
    match error {
        PayError::Db(error) => error.into(),
        refused => ApiError::BadRequest(format!("{refused}.")),
    }
}
