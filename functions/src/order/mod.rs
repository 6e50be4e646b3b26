//! Orders: what they are and how they are found (spec domain 10).

mod act;
pub mod booking;
pub mod bulk;
pub mod create;
pub mod list;
pub mod place;
pub mod search;
pub mod secret;
mod settle;
pub mod sql;
pub mod validity;

pub use act::{Act, ActError, act, mark_expired};
pub use create::{CreateError, create_alone, created};
pub use settle::{EXPIRE_CHUNK, Overdue, PayError, expire_due, mark_paid};

use serde::{Deserialize, Serialize};

use crate::{
    boxoffice::Product,
    cart::Attendee,
    event::Event,
    id::{DiscountId, FeeId, OrderId, PositionId, QuestionId, TaxRuleId, VoucherId},
    money::{Money, TaxRate},
    payment::Provider,
    port::{
        db::{DbError, Query, Tx},
        lock::EventLock,
    },
    pricing::{FeeType, Rounding},
    question::file,
    record::Record,
    session,
    staff::Staff,
    time::Timestamp,
    trace,
};

/// Where an order stands (spec domain 10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderStatus {
    /// Waits for the money; holds its places.
    Pending,
    /// Paid, or nothing to pay.
    Paid,
    /// Not paid in time; its places are free again.
    Expired,
    /// Cancelled.
    Canceled,
}

impl OrderStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Paid, Self::Expired, Self::Canceled];

    /// The letter in the database and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pending => "n",
            Self::Paid => "p",
            Self::Expired => "e",
            Self::Canceled => "c",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|status| status.code() == code);
        found.ok_or_else(|| DbError::UnknownValue { what: "order status", value: code.to_owned() })
    }
}

/// State of a payment (spec domain 12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    /// The row exists; the buyer has yet to act.
    Created,
    /// The provider waits.
    Pending,
    /// The money is there.
    Confirmed,
    /// It did not work.
    Failed,
    /// Given up.
    Canceled,
    /// All of it was given back.
    Refunded,
}

impl PaymentState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Created, Self::Pending, Self::Confirmed, Self::Failed, Self::Canceled, Self::Refunded];

    /// The word in the database and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Refunded => "refunded",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|state| state.code() == code);
        found.ok_or_else(|| DbError::UnknownValue { what: "payment state", value: code.to_owned() })
    }
}

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its row.
    pub id: OrderId,
    /// What people say on the phone.
    pub code: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// Part of the buyer's address.
    pub secret: String,
    /// Key of derived hashes.
    pub internal_secret: String,
    /// The buyer's mail address.
    pub email: String,
    /// The buyer's phone.
    pub phone: Option<String>,
    /// The buyer's language.
    pub locale: String,
    /// Not a real order.
    pub testmode: bool,
    /// The channel it came through.
    pub sales_channel: String,
    /// When it was placed.
    pub created_at: Timestamp,
    /// Until when it must be paid.
    pub expires_at: Timestamp,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// What is to be paid in all.
    pub total: Money,
    /// For staff.
    pub comment: String,
    /// It waits for somebody to approve it.
    pub require_approval: bool,
    /// Good for admission though it is not paid.
    pub valid_if_pending: bool,
    /// How its taxes are rounded.
    pub rounding: Rounding,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// What was given back, or is on its way.
    pub refunded: Money,
    /// Its positions by number, cancelled ones among them.
    pub positions: Vec<Position>,
    /// Its fees by number, cancelled ones among them.
    pub fees: Vec<Fee>,
    /// Its payments by number.
    pub payments: Vec<Payment>,
    /// Its refunds by number.
    pub refunds: Vec<Refund>,
    /// What programs and staff note at it.
    pub notes: Notes,
}

/// A fee of an order.
#[derive(Debug, Clone)]
pub struct Fee {
    /// Its row.
    pub id: FeeId,
    /// 1..n in the order.
    pub number: i32,
    /// What it is for.
    pub fee_type: FeeType,
    /// A closer name, such as the payment provider's.
    pub internal_type: String,
    /// What the buyer reads.
    pub description: String,
    /// How much, with tax.
    pub value: Money,
    /// Rate of the tax in it.
    pub tax_rate: TaxRate,
    /// The tax in it.
    pub tax: Money,
    /// The rule that the rate is of.
    pub tax_rule: Option<TaxRuleRef>,
    /// Cancelled.
    pub canceled: bool,
}

/// The tax rule of something that was sold.
#[derive(Debug, Clone)]
pub struct TaxRuleRef {
    /// The rule.
    pub id: TaxRuleId,
    /// Its code for bookkeeping.
    pub code: Option<String>,
}

/// Where the person of a ticket lives, as far as a program has said so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Street and number, on one line or several.
    pub street: Option<String>,
    /// Postal code.
    pub zipcode: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Country, by its two letters.
    pub country: Option<String>,
    /// State or province.
    pub state: Option<String>,
}

/// A position of an order.
#[derive(Debug, Clone)]
pub struct Position {
    /// Its row.
    pub id: PositionId,
    /// 1..n in the order.
    pub number: i32,
    /// What it is.
    pub product: Product,
    /// Its price with tax.
    pub price: Money,
    /// Rate of the tax in it.
    pub tax_rate: TaxRate,
    /// The tax in it.
    pub tax: Money,
    /// The rule that the rate is of.
    pub tax_rule: Option<TaxRuleRef>,
    /// Who comes with it.
    pub attendee: Attendee,
    /// Where they live.
    pub address: Address,
    /// What its QR code says.
    pub secret: String,
    /// A name that says nothing.
    pub pseudonymization_id: String,
    /// The voucher that it was ordered with.
    pub voucher: Option<VoucherId>,
    /// What that took out of its budget.
    pub voucher_budget_use: Money,
    /// The automatic discount in its price.
    pub discount: Option<DiscountId>,
    /// The position that it was added to, or is a part of.
    pub parent: Option<PositionId>,
    /// It is a part of its parent.
    pub is_bundled: bool,
    /// Cancelled.
    pub canceled: bool,
    /// From when it is valid.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_until: Option<Timestamp>,
    /// What it is blocked by.
    pub blocks: Vec<String>,
    /// Answers in their stored form.
    pub answers: Vec<(QuestionId, String)>,
}

/// A payment of an order.
#[derive(Debug, Clone)]
pub struct Payment {
    /// 1..n in the order.
    pub number: i32,
    /// How.
    pub provider: String,
    /// How far.
    pub state: PaymentState,
    /// How much.
    pub amount: Money,
    /// When it began.
    pub created_at: Timestamp,
    /// When the money was there.
    pub confirmed_at: Option<Timestamp>,
    /// What the way to pay notes with it.
    pub info: serde_json::Value,
}

/// State of a refund (spec domain 12.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// To be sent.
    Created,
    /// On its way.
    Transit,
    /// Sent.
    Done,
    /// It did not work.
    Failed,
    /// Given up.
    Canceled,
    /// Told from outside; somebody decides what follows.
    External,
}

impl RefundState {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Created, Self::Transit, Self::Done, Self::Failed, Self::Canceled, Self::External];

    /// The word in the database and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Transit => "transit",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::External => "external",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Result<Self, DbError> {
        let found = Self::ALL.into_iter().find(|state| state.code() == code);
        found.ok_or_else(|| DbError::UnknownValue { what: "refund state", value: code.to_owned() })
    }
}

/// A refund of an order.
#[derive(Debug, Clone)]
pub struct Refund {
    /// 1..n in the order.
    pub number: i32,
    /// The number of the payment that is given back.
    pub payment: Option<i32>,
    /// How.
    pub provider: String,
    /// How far.
    pub state: RefundState,
    /// Who wanted it: `admin`, `buyer` or `external`.
    pub source: String,
    /// How much.
    pub amount: Money,
    /// When it began.
    pub created_at: Timestamp,
    /// When the money left.
    pub executed_at: Option<Timestamp>,
    /// For staff.
    pub comment: String,
    /// What the way to pay notes with it.
    pub info: serde_json::Value,
}

/// What programs and staff note at an order.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// The day on which staff wants to look at it again, as a date of the calendar.
    pub followup_at: Option<String>,
    /// Staff at the door looks twice.
    pub checkin_attention: bool,
    /// What staff at the door reads.
    pub checkin_text: Option<String>,
    /// Whatever a program keeps with it.
    pub api_meta: serde_json::Value,
    /// Whom it is billed to, by field; null if nobody said.
    pub invoice_address: serde_json::Value,
}

impl Order {
    /// Positions that are not cancelled.
    pub fn live_positions(&self) -> impl Iterator<Item = &Position> {
        self.positions.iter().filter(|position| !position.canceled)
    }

    /// Fees that are not cancelled.
    pub fn live_fees(&self) -> impl Iterator<Item = &Fee> {
        self.fees.iter().filter(|fee| !fee.canceled)
    }

    /// The taxes in its positions and fees, with their rates.
    pub fn taxes(&self) -> impl Iterator<Item = (TaxRate, Money)> {
        let positions = self.live_positions().map(|position| (position.tax_rate, position.tax));
        positions.chain(self.live_fees().map(|fee| (fee.tax_rate, fee.tax)))
    }

    /// What is still to be paid; less than nothing if too much was paid (spec domain 12.3).
    pub fn balance(&self) -> Money {
        let due = if self.status == OrderStatus::Canceled { 0 } else { self.total.minor() };
        let counts = |payment: &&Payment| matches!(payment.state, PaymentState::Confirmed | PaymentState::Refunded);
        let paid: i64 = self.payments.iter().filter(counts).map(|payment| payment.amount.minor()).sum();
        Money::new(due - paid + self.refunded.minor(), self.total.currency())
    }

    /// The way to pay that was chosen last.
    pub fn provider(&self) -> Option<Provider> {
        Provider::parse(&self.payments.last()?.provider)
    }

    /// The buyer's page of the order, from the root of the site.
    pub fn path(&self, event: &Event) -> String {
        path(event, &self.code, &self.secret)
    }

    /// The address for mails: opening it shows that the mail arrived (spec domain 10.4).
    pub fn path_from_mail(&self, event: &Event) -> String {
        format!("{}open/{}/", self.path(event), self.open_hash())
    }

    /// What proves that an address was taken from a mail.
    pub fn open_hash(&self) -> String {
        session::keyed_hash(&self.internal_secret, &["open", &self.code])[..9].to_owned()
    }
}

/// The buyer's page of an order, from the root of the site.
pub fn path(event: &Event, code: &str, secret: &str) -> String {
    format!("{}order/{code}/{secret}/", event.path())
}

/// An order of the event by what the buyer knows; case of the code does not matter (spec shop-ux 10).
pub async fn find(q: &impl Query, event: &Event, code: &str, secret: &str) -> Result<Option<Order>, DbError> {
    let order = by_code(q, event, code).await?;
    Ok(order.filter(|order| session::same(order.secret.as_bytes(), secret.as_bytes())))
}

/// An order of the event by its code, for staff.
pub async fn by_code(q: &impl Query, event: &Event, code: &str) -> Result<Option<Order>, DbError> {
    let Some(id) = sql::id_by_code(q, event, &code.to_ascii_uppercase()).await? else { return Ok(None) };
    by_id(q, event, id).await
}

/// An order of the event.
pub async fn by_id(q: &impl Query, event: &Event, id: OrderId) -> Result<Option<Order>, DbError> {
    Ok(sql::orders(q, event, &vec![id]).await?.pop().inspect(|order| trace::about_order(&order.code)))
}

/// An order as it stays until the transaction ends. The event's lock alone does not keep doors out, which note on an order
/// that one of its tickets was scanned.
pub async fn held(lock: &EventLock<'_>, event: &Event, id: OrderId) -> Result<Option<Order>, DbError> {
    sql::hold(lock, id).await?;
    by_id(lock.tx(), event, id).await
}

/// Records what a program has done to an order (spec domain 23.1).
pub async fn log_by(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    order: OrderId,
    action: &'static str,
    now: Timestamp,
) -> Result<(), DbError> {
    sql::log(tx, event, &[order], action, &sql::Actor::Token(staff.token()), now).await
}

/// Says who comes with a position: name, mail address, company, address, as far as `record` names them (spec domain 14.3).
pub async fn set_attendee(
    tx: &Tx<'_>,
    staff: &Staff,
    event: &Event,
    (order, position): (OrderId, PositionId),
    record: &Record,
    now: Timestamp,
) -> Result<(), DbError> {
    sql::set_attendee(tx, event.id, position, record).await?;
    log_by(tx, staff, event, order, "pretix.event.order.modified", now).await
}

/// Writes answers of an order that has none, by number of the position, in their stored form.
pub async fn set_answers(
    tx: &Tx<'_>,
    event: &Event,
    order: OrderId,
    answers: &[(i32, QuestionId, String)],
) -> Result<(), DbError> {
    if answers.is_empty() { Ok(()) } else { sql::insert_answers(tx, event.id, order, answers).await }
}

/// Writes all answers of a position anew, but for those to questions that are to keep theirs. Files that an answer says
/// belong to it from now on; those of answers that are gone go with them.
pub async fn replace_answers(
    tx: &Tx<'_>,
    event: &Event,
    (order, number): (OrderId, i32),
    said: Said,
) -> Result<(), DbError> {
    let Said { answers, kept, files } = said;
    sql::delete_answers(tx, event.id, (order, number), &kept).await?;
    let answers: Vec<_> = answers.into_iter().map(|(question, answer)| (number, question, answer)).collect();
    set_answers(tx, event, order, &answers).await?;
    if files.is_empty() { Ok(()) } else { file::link_to_position(tx, event.id, (order, number), &files).await }
}

/// What somebody says about the answers of a position.
#[derive(Debug, Default)]
pub struct Said {
    /// Answers in their stored form.
    pub answers: Vec<(QuestionId, String)>,
    /// Questions whose answers stay as they are.
    pub kept: Vec<QuestionId>,
    /// Files that answers are.
    pub files: Vec<String>,
}
