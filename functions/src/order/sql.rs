//! Statements about orders, positions and payments.

use super::{
    Address, Fee, Notes, Order, OrderStatus, Payment, PaymentState, Position, Refund, RefundState, TaxRuleRef,
};
use crate::{
    boxoffice::Product,
    cart::Attendee,
    event::Event,
    id::{EventId, OrderId, PositionId, QuestionId, QuotaId, TokenId},
    money::{Money, TaxRate},
    payment::Provider,
    port::{
        db::{DbError, Query, Row, Tx, array, p},
        lock::EventLock,
    },
    pricing::{FeeType, Rounding},
    record::Record,
    time::Timestamp,
};

/// Codes are unique for the organiser: with it, the index leads to one row instead of all orders of the event.
const ID_BY_CODE: &str = "select id from orders where organizer_id = $1 and event_id = $2 and code = $3";

pub(super) async fn id_by_code(q: &impl Query, event: &Event, code: &str) -> Result<Option<OrderId>, DbError> {
    q.opt(ID_BY_CODE, &[p(&event.organizer.id), p(&event.id), p(&code)]).await?.map(|row| row.get("id")).transpose()
}

const EVENT_OF: &str = "select event_id from orders where id = $1";

/// The event of an order whose id the shop itself stored, such as one in a message.
pub async fn event_of(q: &impl Query, order: OrderId) -> Result<Option<EventId>, DbError> {
    q.opt(EVENT_OF, &[p(&order)]).await?.map(|row| row.get("event_id")).transpose()
}

const ORDERS: &str = "
    select id, code, status, secret, internal_secret, email, phone, locale, testmode, sales_channel, created_at,
           expires_at, modified_at, total, comment, require_approval, valid_if_pending, tax_rounding_mode, cancelled_at,
           custom_followup_at::text as followup_at, checkin_attention, checkin_text, api_meta,
           invoice_address, (select coalesce(sum(r.amount), 0)::bigint from refund r
             where r.order_id = orders.id and r.state in ('done', 'transit', 'created')) as refunded
      from orders where event_id = $1 and id = any($2)
     order by created_at desc, id desc";
/// No rule is kept with what was sold, only its rate: the product's is told as long as it has that rate.
const POSITIONS: &str = "
    select op.id, op.order_id, op.positionid, op.item_id, op.variation_id, op.subevent_id, op.price, op.tax_rate_ppm,
           op.tax_value, op.voucher_id, op.voucher_budget_use, op.discount_id, op.addon_to, op.is_bundled,
           t.id as tax_rule_id, t.code as tax_code, op.attendee_name, op.attendee_email, op.company, op.street, op.zipcode,
           op.city, op.country, op.state, op.secret, op.pseudonymization_id, op.canceled, op.valid_from,
           op.valid_until, op.blocks,
           coalesce(array_agg(a.question_id order by a.question_id) filter (where a.id is not null), '{}') as question_ids,
           coalesce(array_agg(a.answer order by a.question_id) filter (where a.id is not null), '{}') as answers
      from order_position op left join answer a on a.event_id = op.event_id and a.position_id = op.id
           left join item i on i.event_id = op.event_id and i.id = op.item_id
           left join tax_rule t on t.event_id = op.event_id and t.id = i.tax_rule_id and t.rate_ppm = op.tax_rate_ppm
     where op.event_id = $1 and op.order_id = any($2)
     group by op.id, t.id
     order by op.order_id, op.positionid";
/// What has this rate: the rule that fees are taxed by, or else the only one that has it.
const FEES: &str = "
    select f.id, f.order_id, f.number, f.fee_type, f.internal_type, f.description, f.value, f.tax_rate_ppm, f.tax_value,
           f.canceled, t.id as tax_rule_id, t.code as tax_code
      from order_fee f left join lateral (
               select r.id, r.code, r.is_default, count(*) over () as count from tax_rule r
                where r.event_id = $1 and r.rate_ppm = f.tax_rate_ppm and f.tax_rate_ppm > 0
                order by r.is_default desc, r.id limit 1) t on t.is_default or t.count = 1
     where f.event_id = $1 and f.order_id = any($2)
     order by f.order_id, f.number";
const PAYMENTS: &str = "
    select order_id, local_id, provider, state, amount, created_at, confirmed_at, info
      from payment where event_id = $1 and order_id = any($2)
     order by order_id, local_id";
const REFUNDS: &str = "
    select r.order_id, r.local_id, p.local_id as payment, r.provider, r.state, r.source, r.amount, r.created_at,
           r.executed_at, r.comment, r.info
      from refund r left join payment p on p.event_id = r.event_id and p.id = r.payment_id
     where r.event_id = $1 and r.order_id = any($2)
     order by r.order_id, r.local_id";

/// Orders of the event, newest first, with everything that belongs to them: five statements, however many.
pub(super) async fn orders(q: &impl Query, event: &Event, ids: &Vec<OrderId>) -> Result<Vec<Order>, DbError> {
    let params = [p(&event.id), array(ids)];
    let rows = q.query(ORDERS, &params).await?;
    let mut orders: Vec<Order> = rows.iter().map(|row| order(row, event)).collect::<Result<_, DbError>>()?;
    for row in q.query(POSITIONS, &params).await? {
        let owner: OrderId = row.get("order_id")?;
        let position = position(&row, event)?;
        orders.iter_mut().filter(|order| order.id == owner).for_each(|order| order.positions.push(position.clone()));
    }
    for row in q.query(FEES, &params).await? {
        let owner: OrderId = row.get("order_id")?;
        let fee = fee(&row, event)?;
        orders.iter_mut().filter(|order| order.id == owner).for_each(|order| order.fees.push(fee.clone()));
    }
    for row in q.query(PAYMENTS, &params).await? {
        let owner: OrderId = row.get("order_id")?;
        let payment = payment(&row, event)?;
        orders.iter_mut().filter(|order| order.id == owner).for_each(|order| order.payments.push(payment.clone()));
    }
    for row in q.query(REFUNDS, &params).await? {
        let owner: OrderId = row.get("order_id")?;
        let refund = refund(&row, event)?;
        orders.iter_mut().filter(|order| order.id == owner).for_each(|order| order.refunds.push(refund.clone()));
    }
    Ok(orders)
}

fn order(row: &Row, event: &Event) -> Result<Order, DbError> {
    Ok(Order {
        id: row.get("id")?,
        code: row.get("code")?,
        status: OrderStatus::parse(row.get("status")?)?,
        secret: row.get("secret")?,
        internal_secret: row.get("internal_secret")?,
        email: row.get("email")?,
        phone: row.get("phone")?,
        locale: row.get("locale")?,
        testmode: row.get("testmode")?,
        sales_channel: row.get("sales_channel")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        modified_at: row.get("modified_at")?,
        total: Money::new(row.get("total")?, event.currency),
        comment: row.get("comment")?,
        require_approval: row.get("require_approval")?,
        valid_if_pending: row.get("valid_if_pending")?,
        rounding: Rounding::read(row.get("tax_rounding_mode")?)?,
        cancelled_at: row.get("cancelled_at")?,
        refunded: Money::new(row.get("refunded")?, event.currency),
        positions: Vec::new(),
        fees: Vec::new(),
        payments: Vec::new(),
        refunds: Vec::new(),
        notes: Notes {
            followup_at: row.get("followup_at")?,
            checkin_attention: row.get("checkin_attention")?,
            checkin_text: row.get("checkin_text")?,
            api_meta: row.get("api_meta")?,
            invoice_address: row.get::<Option<serde_json::Value>>("invoice_address")?.unwrap_or_default(),
        },
    })
}

fn position(row: &Row, event: &Event) -> Result<Position, DbError> {
    let questions: Vec<QuestionId> = row.get("question_ids")?;
    let answers: Vec<String> = row.get("answers")?;
    Ok(Position {
        id: row.get("id")?,
        number: row.get("positionid")?,
        product: Product {
            item: row.get("item_id")?,
            variation: row.get("variation_id")?,
            date: row.get("subevent_id")?,
        },
        price: Money::new(row.get("price")?, event.currency),
        tax_rate: TaxRate::from_ppm(row.get("tax_rate_ppm")?),
        tax: Money::new(row.get("tax_value")?, event.currency),
        tax_rule: tax_rule(row)?,
        attendee: Attendee {
            name: row.get("attendee_name")?,
            email: row.get("attendee_email")?,
            company: row.get("company")?,
        },
        address: Address {
            street: row.get("street")?,
            zipcode: row.get("zipcode")?,
            city: row.get("city")?,
            country: row.get("country")?,
            state: row.get("state")?,
        },
        secret: row.get("secret")?,
        pseudonymization_id: row.get("pseudonymization_id")?,
        voucher: row.get("voucher_id")?,
        voucher_budget_use: Money::new(row.get("voucher_budget_use")?, event.currency),
        discount: row.get("discount_id")?,
        parent: row.get("addon_to")?,
        is_bundled: row.get("is_bundled")?,
        canceled: row.get("canceled")?,
        valid_from: row.get("valid_from")?,
        valid_until: row.get("valid_until")?,
        blocks: row.get("blocks")?,
        answers: questions.into_iter().zip(answers).collect(),
    })
}

fn tax_rule(row: &Row) -> Result<Option<TaxRuleRef>, DbError> {
    let Some(id) = row.get("tax_rule_id")? else { return Ok(None) };
    Ok(Some(TaxRuleRef { id, code: row.get("tax_code")? }))
}

fn fee(row: &Row, event: &Event) -> Result<Fee, DbError> {
    Ok(Fee {
        id: row.get("id")?,
        number: row.get("number")?,
        fee_type: FeeType::parse(row.get("fee_type")?)?,
        internal_type: row.get("internal_type")?,
        description: row.get("description")?,
        value: Money::new(row.get("value")?, event.currency),
        tax_rate: TaxRate::from_ppm(row.get("tax_rate_ppm")?),
        tax: Money::new(row.get("tax_value")?, event.currency),
        tax_rule: tax_rule(row)?,
        canceled: row.get("canceled")?,
    })
}

fn payment(row: &Row, event: &Event) -> Result<Payment, DbError> {
    Ok(Payment {
        number: row.get("local_id")?,
        provider: row.get("provider")?,
        state: PaymentState::parse(row.get("state")?)?,
        amount: Money::new(row.get("amount")?, event.currency),
        created_at: row.get("created_at")?,
        confirmed_at: row.get("confirmed_at")?,
        info: row.get("info")?,
    })
}

fn refund(row: &Row, event: &Event) -> Result<Refund, DbError> {
    Ok(Refund {
        number: row.get("local_id")?,
        payment: row.get("payment")?,
        provider: row.get("provider")?,
        state: RefundState::parse(row.get("state")?)?,
        source: row.get("source")?,
        amount: Money::new(row.get("amount")?, event.currency),
        created_at: row.get("created_at")?,
        executed_at: row.get("executed_at")?,
        comment: row.get("comment")?,
        info: row.get("info")?,
    })
}

const SET_NOTES: &str = "
    update orders set (comment, custom_followup_at, checkin_attention, checkin_text, email, locale, phone, valid_if_pending,
                       api_meta, invoice_address, modified_at)
         = (select comment, custom_followup_at, checkin_attention, checkin_text, email, locale, phone, valid_if_pending,
                   api_meta, invoice_address, modified_at from jsonb_populate_record(null::orders, $3))
     where event_id = $1 and id = $2";

/// Writes notes and contact data of an order, by column.
pub async fn set_notes(tx: &Tx<'_>, event: EventId, order: OrderId, record: &Record) -> Result<(), DbError> {
    let record = serde_json::Value::Object(record.clone());
    tx.execute(SET_NOTES, &[p(&event), p(&order), p(&record)]).await.map(drop)
}

const SET_ATTENDEE: &str = "
    update order_position op
       set (attendee_name, attendee_email, company, street, zipcode, city, country, state)
         = (select attendee_name, attendee_email, company, street, zipcode, city, country, state
              from jsonb_populate_record(op, $3))
     where event_id = $1 and id = $2";

pub(super) async fn set_attendee(
    tx: &Tx<'_>,
    event: EventId,
    position: PositionId,
    record: &Record,
) -> Result<(), DbError> {
    let record = serde_json::Value::Object(record.clone());
    tx.execute(SET_ATTENDEE, &[p(&event), p(&position), p(&record)]).await.map(drop)
}

const INSERT_ANSWERS: &str = "
    insert into answer (event_id, question_id, position_id, answer)
    select $1, said.question_id, op.id, said.answer
      from unnest($3::integer[], $4::bigint[], $5::text[]) as said (number, question_id, answer)
      join order_position op on op.event_id = $1 and op.order_id = $2 and op.positionid = said.number";

pub(super) async fn insert_answers(
    tx: &Tx<'_>,
    event: EventId,
    order: OrderId,
    answers: &[(i32, QuestionId, String)],
) -> Result<(), DbError> {
    let numbers: Vec<i32> = answers.iter().map(|(number, ..)| *number).collect();
    let questions: Vec<QuestionId> = answers.iter().map(|(_, question, _)| *question).collect();
    let texts: Vec<&str> = answers.iter().map(|(.., text)| text.as_str()).collect();
    let params = [p(&event), p(&order), array(&numbers), array(&questions), array(&texts)];
    tx.execute(INSERT_ANSWERS, &params).await.map(drop)
}

const DELETE_ANSWERS: &str = "
    delete from answer a using order_position op
     where a.event_id = $1 and op.event_id = $1 and op.order_id = $2 and op.positionid = $3 and a.position_id = op.id
       and a.question_id <> all($4)";

/// Deletes the answers of a position, but for those to some questions.
pub(super) async fn delete_answers(
    tx: &Tx<'_>,
    event: EventId,
    (order, number): (OrderId, i32),
    kept: &Vec<QuestionId>,
) -> Result<(), DbError> {
    tx.execute(DELETE_ANSWERS, &[p(&event), p(&order), p(&number), array(kept)]).await.map(drop)
}

const INSERT_PAYMENT: &str = "
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at, confirmed_at)
    select $1, $2, coalesce(max(local_id), 0) + 1, $3, $4, $5, $6, $7 from payment where event_id = $1 and order_id = $2";

pub(super) async fn insert_confirmed_payment(
    lock: &EventLock<'_>,
    order: OrderId,
    provider: Provider,
    amount: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    let (provider, state, confirmed_at) = (provider.identifier(), PaymentState::Confirmed.code(), Some(now));
    let event = lock.event();
    let params = [p(&event), p(&order), p(&provider), p(&state), p(&amount), p(&now), p(&confirmed_at)];
    lock.tx().execute(INSERT_PAYMENT, &params).await.map(|_| ())
}

const CANCEL_OPEN_PAYMENTS: &str =
    "update payment set state = 'canceled' where event_id = $1 and order_id = $2 and state in ('created', 'pending')";

pub(super) async fn cancel_open_payments(lock: &EventLock<'_>, order: OrderId) -> Result<(), DbError> {
    lock.tx().execute(CANCEL_OPEN_PAYMENTS, &[p(&lock.event()), p(&order)]).await.map(|_| ())
}

/// What waits for approval, is valid without payment or only owes a cancellation fee never expires by itself
/// (spec domain 13.2).
const OVERDUE: &str = "
    select id, expires_at from orders o
     where event_id = $1 and status = 'n' and expires_at < $2 and not require_approval and not valid_if_pending
       and not exists (select 1 from order_fee f where f.event_id = $1 and f.order_id = o.id
                          and f.fee_type = 'cancellation' and not f.canceled)
       and id <> all ($4)
     order by expires_at limit $3";

pub(super) async fn overdue(
    lock: &EventLock<'_>,
    now: Timestamp,
    but: &[OrderId],
    max: i64,
) -> Result<Vec<(OrderId, Timestamp)>, DbError> {
    let but = but.to_vec();
    let rows = lock.tx().query(OVERDUE, &[p(&lock.event()), p(&now), p(&max), array(&but)]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("expires_at")?))).collect()
}

const QUOTA_NAME: &str = "select name from quota where event_id = $1 and id = $2";

/// What staff calls a quota.
pub async fn quota_name(q: &impl Query, event: EventId, quota: QuotaId) -> Result<String, DbError> {
    q.one(QUOTA_NAME, &[p(&event), p(&quota)]).await?.get("name")
}

const EVENTS_WITH_OVERDUE: &str = "select distinct event_id from orders where status = 'n' and expires_at < $1";

/// Events that have an order whose payment deadline has passed.
pub async fn events_with_overdue(q: &impl Query, now: Timestamp) -> Result<Vec<EventId>, DbError> {
    q.query(EVENTS_WITH_OVERDUE, &[p(&now)]).await?.iter().map(|row| row.get("event_id")).collect()
}

const KNOW_EMAIL_WORKS: &str = "update orders set email_known_to_work = true where event_id = $1 and id = $2";

/// Remembers that a mail to the buyer has arrived.
pub async fn know_email_works(q: &impl Query, event: EventId, order: OrderId) -> Result<(), DbError> {
    q.execute(KNOW_EMAIL_WORKS, &[p(&event), p(&order)]).await.map(|_| ())
}

/// Who did something.
#[derive(Debug, Clone, Copy)]
pub enum Actor {
    /// The buyer.
    Buyer,
    /// A program with an API token.
    Token(TokenId),
    /// The shop itself.
    System,
}

const LOG: &str = "
    insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, actor_id, created_at)
    select $1, $2, 'order', id, $4, $5, $6, $7 from unnest($3::bigint[]) as o (id)";

/// Records that something happened to orders (spec domain 23.1).
pub(super) async fn log(
    tx: &Tx<'_>,
    event: &Event,
    orders: &[OrderId],
    action: &'static str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), DbError> {
    let (kind, id) = match actor {
        Actor::Buyer => ("buyer", None),
        Actor::Token(token) => ("token", Some(*token)),
        Actor::System => ("system", None),
    };
    let orders = orders.to_vec();
    let params = [p(&event.organizer.id), p(&event.id), array(&orders), p(&action), p(&kind), p(&id), p(&now)];
    tx.execute(LOG, &params).await.map(|_| ())
}

const HOLD: &str = "select 1 from orders where event_id = $1 and id = $2 for no key update";

pub(super) async fn hold(lock: &EventLock<'_>, id: OrderId) -> Result<(), DbError> {
    lock.tx().execute(HOLD, &[p(&lock.event()), p(&id)]).await.map(drop)
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    ID_BY_CODE,
    HOLD,
    EVENT_OF,
    ORDERS,
    POSITIONS,
    FEES,
    PAYMENTS,
    REFUNDS,
    SET_NOTES,
    SET_ATTENDEE,
    INSERT_ANSWERS,
    DELETE_ANSWERS,
    INSERT_PAYMENT,
    CANCEL_OPEN_PAYMENTS,
    OVERDUE,
    QUOTA_NAME,
    EVENTS_WITH_OVERDUE,
    KNOW_EMAIL_WORKS,
    LOG,
];
