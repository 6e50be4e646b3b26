//! `POST …/orders/`: an order without a cart (spec rest-api 9.3).

use std::sync::Arc;

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::json;

use super::{
    actions::no_room,
    authorise,
    fields::Fields,
    json::{Extra, order_json},
    patch,
    reader::{Reader, gift_cards},
};
use crate::{
    boxoffice::{self, CreateOrder, OrderRefusal, Outcome, Ticket, VoucherProblem},
    catalogue::Catalogue,
    ctx::Ctx,
    endpoint::api::{keep_refusal, respond},
    event::{self, Event},
    http::ApiError,
    id::OrderId,
    idempotency::{Answer, Call},
    order::{self, CreateError},
    outbox::Outgoing,
    port::db::{Db, DbError, Query, Tx},
    staff::{Permission, Staff},
    time::Timestamp,
};

/// Creates an order, once for each idempotency key, and answers with it.
pub(super) async fn create(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let call = Call::of(&request, &staff)?;
    let now = ctx.now();
    if let Some(answer) = call.answered(&mut db, now).await? {
        return Ok(respond(&answer));
    }
    let desk = Desk { ctx, staff: &staff, event: &event, catalogue: ctx.storefronts().catalogue(&*db, &event).await? };
    let done = desk.make(&mut db, &call, &request, now).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

/// What a call asks for.
struct Asked {
    wanted: CreateOrder,
    gift_cards: Vec<String>,
    /// Nothing is to be kept of it.
    simulates: bool,
}

/// How a transaction ends without a commit.
enum Ending {
    /// It was only to be looked at.
    Preview(Answer),
    /// It was not possible.
    Refused(ApiError),
}

impl From<ApiError> for Ending {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<DbError> for Ending {
    fn from(error: DbError) -> Self {
        Self::Refused(error.into())
    }
}

/// Where orders are created.
struct Desk<'a> {
    ctx: &'static Ctx,
    staff: &'a Staff,
    event: &'a Event,
    catalogue: Arc<Catalogue>,
}

impl Desk<'_> {
    async fn read(&self, q: &impl Query, request: &Request, now: Timestamp) -> Result<Asked, ApiError> {
        let fields = Fields::read(request)?;
        let channels = event::sales_channels(q, self.event.organizer.id).await?;
        let reader = Reader { event: self.event, catalogue: &self.catalogue, now };
        let mut wanted = reader.order(&fields, &channels, self.staff.token(), self.ctx.codes().seed())?;
        wanted.notes = patch::notes_of_new(self.event, &fields, &wanted, now)?;
        Ok(Asked { wanted, gift_cards: gift_cards(&fields)?, simulates: fields.flag("simulate", false)? })
    }

    /// In a batch with what others want at this moment, unless that cannot be.
    async fn make(&self, db: &mut Db, call: &Call, request: &Request, now: Timestamp) -> Result<Answer, ApiError> {
        let key = call.ticket_key();
        if let Some(key) = &key
            && let Some(outcome) = boxoffice::waiting::sql::outcome(&*db, self.event.id, key).await?
        {
            // It was served, and nobody was told. What is said now may not even be possible any more.
            return self.told(db, call, outcome, 0, now).await;
        }
        let asked = self.read(&*db, request, now).await?;
        if asked.simulates || !asked.gift_cards.is_empty() {
            return self.alone(db, call, asked, now).await;
        }
        let count = asked.wanted.positions.len();
        let request = boxoffice::Request::CreateOrder { wanted: Box::new(asked.wanted) };
        let ticket = Ticket { key: key.unwrap_or_else(|| self.ctx.codes().form_token()), request };
        let outcome = boxoffice::submit(self.ctx, db, self.event, &self.catalogue, &ticket).await?;
        self.told(db, call, outcome, count, now).await
    }

    /// The answer to a call whose request, of so many positions, was served in a batch.
    async fn told(
        &self,
        db: &mut Db,
        call: &Call,
        outcome: Outcome,
        count: usize,
        now: Timestamp,
    ) -> Result<Answer, ApiError> {
        let order = match order::created(outcome) {
            Ok(order) => order,
            Err(error) => return Err(self.refusal(&*db, error, count).await?),
        };
        let answer = self.answer(&*db, order).await?;
        self.log(&answer);
        let tx = db.begin().await?;
        let kept = call.keep(&tx, &answer, now).await;
        tx.finish(kept).await?;
        Ok(answer)
    }

    /// In a transaction of its own.
    async fn alone(&self, db: &mut Db, call: &Call, asked: Asked, now: Timestamp) -> Result<Answer, ApiError> {
        let tx = db.begin().await?;
        let done = self.in_transaction(&tx, call, asked, now).await;
        match tx.finish(done).await {
            Ok((answer, outgoing)) => {
                self.log(&answer);
                outgoing.of(self.event.organizer.id).dispatch(self.ctx).await;
                Ok(answer)
            }
            Err(Ending::Preview(answer)) => Ok(answer),
            Err(Ending::Refused(error)) => Err(error),
        }
    }

    async fn in_transaction(
        &self,
        tx: &Tx<'_>,
        call: &Call,
        asked: Asked,
        now: Timestamp,
    ) -> Result<(Answer, Outgoing), Ending> {
        if let Some(answer) = call.begin(tx, now).await? {
            return Ok((answer, Outgoing::default()));
        }
        let Asked { wanted, gift_cards, simulates } = asked;
        let count = wanted.positions.len();
        let created = order::create_alone(tx, self.staff, self.event, &self.catalogue, wanted, &gift_cards, now).await;
        let (order, outgoing) = match created {
            Ok(created) => created,
            Err(error) => return Err(self.refusal(tx, error, count).await?.into()),
        };
        let mut answer = self.answer(tx, order).await?;
        if simulates {
            answer.body["code"] = json!("PREVIEW");
            return Err(Ending::Preview(answer));
        }
        call.end(tx, &answer).await?;
        Ok((answer, outgoing))
    }

    async fn answer(&self, q: &impl Query, order: OrderId) -> Result<Answer, ApiError> {
        let order = order::by_id(q, self.event, order).await?.ok_or(ApiError::NotFound)?;
        let extra = Extra::of(self.ctx, self.event, self.catalogue.clone());
        let body = order_json(self.ctx, self.event, &order, &extra);
        Ok(Answer { status: StatusCode::CREATED.as_u16(), body })
    }

    fn log(&self, answer: &Answer) {
        let code = answer.body["code"].as_str().unwrap_or_default();
        tracing::info!(event.id = self.event.id.0, order.code = code, "Order {code} created");
    }

    /// Why there is no order, as the caller reads it.
    async fn refusal(&self, q: &impl Query, error: CreateError, count: usize) -> Result<ApiError, ApiError> {
        Ok(match error {
            CreateError::Db(error) => error.into(),
            CreateError::GiftCard(problem) => ApiError::field("use_gift_cards", problem.text()),
            CreateError::Refused(refusal) => of_whole(refusal),
            CreateError::Positions(faults) => refused(q, self.event, &self.catalogue, &faults, count).await?,
        })
    }
}

/// Errors in a list parallel to the positions. A call that comes again may say fewer than the first one.
async fn refused(
    q: &impl Query,
    event: &Event,
    catalogue: &Catalogue,
    faults: &[(usize, OrderRefusal)],
    count: usize,
) -> Result<ApiError, ApiError> {
    let count = faults.iter().map(|(place, _)| place + 1).fold(count, usize::max);
    let mut positions = vec![json!({}); count];
    for (place, refusal) in faults {
        positions[*place] = match refusal {
            OrderRefusal::Voucher(problem) => json!({ "voucher": [voucher_problem(*problem)] }),
            OrderRefusal::BudgetUsedUp => json!({ "voucher": ["The budget of this voucher is used up."] }),
            _ => json!({ "item": [no_room(q, event, catalogue, *refusal).await?] }),
        };
    }
    Ok(ApiError::InvalidParts(json!({ "positions": positions })))
}

/// Why there cannot be such an order as a whole.
fn of_whole(refusal: OrderRefusal) -> ApiError {
    match refusal {
        OrderRefusal::CodeTaken => ApiError::field("code", "This order code is already in use."),
        OrderRefusal::NotFree => {
            ApiError::field("payment_provider", "You cannot use the free provider for an order that costs.")
        }
        OrderRefusal::NoProvider => {
            ApiError::field("payment_provider", "You cannot create a paid order without a payment provider.")
        }
        _ => ApiError::BadRequest("The order would cost less than nothing.".to_owned()),
    }
}

pub(super) fn voucher_problem(problem: VoucherProblem) -> &'static str {
    match problem {
        VoucherProblem::Unknown => "There is no voucher with this code.",
        VoucherProblem::Expired => "This voucher has expired.",
        VoucherProblem::OtherProduct | VoucherProblem::NoMatch => "This voucher is not good for this product.",
        VoucherProblem::OtherDate => "This voucher is good for another date.",
        VoucherProblem::InOtherCarts => "The last uses of this voucher are in carts.",
        VoucherProblem::Redeemed
        | VoucherProblem::InPart(_)
        | VoucherProblem::TooFew(_)
        | VoucherProblem::RemovedTooFew(_) => "This voucher has no uses left for this position.",
    }
}
