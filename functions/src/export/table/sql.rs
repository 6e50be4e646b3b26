//! Statements that read the rows of tables, in portions: each goes on after the id of the last row, so that the last
//! portion costs what the first does.

use serde_json::Value;

use super::Table;
use crate::{
    id::{EventId, ItemId, VariationId},
    money::TaxRate,
    order::OrderStatus,
    port::db::{DbError, Query, Row, p},
    time::Timestamp,
};

/// Rows of one portion.
const PORTION: i64 = 1000;

pub(super) struct OrderRow {
    pub(super) id: i64,
    pub(super) code: String,
    pub(super) status: OrderStatus,
    pub(super) email: String,
    pub(super) phone: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) paid_at: Option<Timestamp>,
    pub(super) total: i64,
    pub(super) tax: i64,
    pub(super) fees: i64,
    pub(super) positions: i64,
    pub(super) providers: Option<String>,
    pub(super) sales_channel: String,
    pub(super) locale: String,
    pub(super) testmode: bool,
    pub(super) comment: String,
}

const ORDERS: &str = "
    with portion as (
        select id, code, status, email, phone, created_at, expires_at, total, sales_channel, locale, testmode, comment
          from orders where event_id = $1 and id > $2 and (not $4 or status = 'p') order by id limit $3)
    select o.*, op.count as positions, (coalesce(op.tax, 0) + coalesce(f.tax, 0))::bigint as tax,
           coalesce(f.value, 0)::bigint as fees, pay.paid_at, pay.providers
      from portion o
      cross join lateral (select count(*) as count, sum(tax_value) as tax from order_position op
                           where op.order_id = o.id and not op.canceled) op
      cross join lateral (select sum(value) as value, sum(tax_value) as tax from order_fee f
                           where f.event_id = $1 and f.order_id = o.id and not f.canceled) f
      cross join lateral (select max(confirmed_at) as paid_at, string_agg(distinct provider, ', ') as providers
                            from payment p where p.order_id = o.id and p.state in ('created', 'pending', 'confirmed')) pay
     order by o.id";

pub(super) async fn orders(
    q: &impl Query,
    event: EventId,
    after: i64,
    paid_only: bool,
) -> Result<Vec<OrderRow>, DbError> {
    let rows = q.query(ORDERS, &[p(&event), p(&after), p(&PORTION), p(&paid_only)]).await?;
    let read = |row: &Row| {
        Ok(OrderRow {
            id: row.get("id")?,
            code: row.get("code")?,
            status: OrderStatus::parse(row.get("status")?)?,
            email: row.get("email")?,
            phone: row.get("phone")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            paid_at: row.get("paid_at")?,
            total: row.get("total")?,
            tax: row.get("tax")?,
            fees: row.get("fees")?,
            positions: row.get("positions")?,
            providers: row.get("providers")?,
            sales_channel: row.get("sales_channel")?,
            locale: row.get("locale")?,
            testmode: row.get("testmode")?,
            comment: row.get("comment")?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) struct PositionRow {
    pub(super) id: i64,
    pub(super) code: String,
    pub(super) number: i32,
    pub(super) status: OrderStatus,
    pub(super) email: String,
    pub(super) created_at: Timestamp,
    pub(super) date_from: Option<Timestamp>,
    pub(super) item: ItemId,
    pub(super) variation: Option<VariationId>,
    pub(super) price: i64,
    pub(super) tax_rate: TaxRate,
    pub(super) tax: i64,
    pub(super) attendee: Option<String>,
    pub(super) attendee_email: Option<String>,
    pub(super) company: Option<String>,
    pub(super) voucher: Option<String>,
    pub(super) pseudonym: String,
    pub(super) secret: String,
    /// By the id of the question.
    pub(super) answers: Value,
}

const POSITIONS: &str = "
    with portion as (
        select op.* from order_position op join orders o on o.event_id = op.event_id and o.id = op.order_id
         where op.event_id = $1 and op.id > $2 and not op.canceled and (not $4 or o.status = 'p')
         order by op.id limit $3)
    select op.id, o.code, op.positionid, o.status, o.email, o.created_at, s.date_from, op.item_id, op.variation_id,
           op.price, op.tax_rate_ppm, op.tax_value, op.attendee_name, op.attendee_email, op.company, v.code as voucher,
           op.pseudonymization_id, op.secret,
           coalesce((select jsonb_object_agg(a.question_id, a.answer) from answer a where a.position_id = op.id), '{}')
               as answers
      from portion op
      join orders o on o.event_id = op.event_id and o.id = op.order_id
      left join subevent s on s.event_id = op.event_id and s.id = op.subevent_id
      left join voucher v on v.id = op.voucher_id
     order by op.id";

pub(super) async fn positions(
    q: &impl Query,
    event: EventId,
    after: i64,
    paid_only: bool,
) -> Result<Vec<PositionRow>, DbError> {
    let rows = q.query(POSITIONS, &[p(&event), p(&after), p(&PORTION), p(&paid_only)]).await?;
    let read = |row: &Row| {
        Ok(PositionRow {
            id: row.get("id")?,
            code: row.get("code")?,
            number: row.get("positionid")?,
            status: OrderStatus::parse(row.get("status")?)?,
            email: row.get("email")?,
            created_at: row.get("created_at")?,
            date_from: row.get("date_from")?,
            item: row.get("item_id")?,
            variation: row.get("variation_id")?,
            price: row.get("price")?,
            tax_rate: TaxRate::from_ppm(row.get("tax_rate_ppm")?),
            tax: row.get("tax_value")?,
            attendee: row.get("attendee_name")?,
            attendee_email: row.get("attendee_email")?,
            company: row.get("company")?,
            voucher: row.get("voucher")?,
            pseudonym: row.get("pseudonymization_id")?,
            secret: row.get("secret")?,
            answers: row.get("answers")?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) struct FeeRow {
    pub(super) id: i64,
    pub(super) code: String,
    pub(super) status: OrderStatus,
    pub(super) email: String,
    pub(super) created_at: Timestamp,
    pub(super) fee_type: String,
    pub(super) description: String,
    pub(super) value: i64,
    pub(super) tax_rate_ppm: i32,
    pub(super) tax: i64,
}

const FEES: &str = "
    select f.id, o.code, o.status, o.email, o.created_at, f.fee_type, f.description, f.value, f.tax_rate_ppm, f.tax_value
      from order_fee f join orders o on o.event_id = f.event_id and o.id = f.order_id
     where f.event_id = $1 and f.id > $2 and not f.canceled and (not $4 or o.status = 'p')
     order by f.id limit $3";

pub(super) async fn fees(q: &impl Query, event: EventId, after: i64, paid_only: bool) -> Result<Vec<FeeRow>, DbError> {
    let rows = q.query(FEES, &[p(&event), p(&after), p(&PORTION), p(&paid_only)]).await?;
    let read = |row: &Row| {
        Ok(FeeRow {
            id: row.get("id")?,
            code: row.get("code")?,
            status: OrderStatus::parse(row.get("status")?)?,
            email: row.get("email")?,
            created_at: row.get("created_at")?,
            fee_type: row.get("fee_type")?,
            description: row.get("description")?,
            value: row.get("value")?,
            tax_rate_ppm: row.get("tax_rate_ppm")?,
            tax: row.get("tax_value")?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) struct PaymentRow {
    /// Its id; refunds come after payments.
    pub(super) place: i64,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) state: String,
    pub(super) amount: i64,
    pub(super) provider: String,
    pub(super) email: String,
}

/// Where refunds begin: no event has that many payments.
const REFUNDS: i64 = 1 << 62;

const PAYMENTS: &str = "
    select p.id as place, o.code, o.code || '-P-' || p.local_id as name, p.created_at, p.confirmed_at as ended_at, p.state,
           p.amount, p.provider, o.email
      from payment p join orders o on o.event_id = p.event_id and o.id = p.order_id
     where p.event_id = $1 and p.id > $2
     order by p.id limit $3";
const REFUNDS_PAGE: &str = "
    select r.id + $4 as place, o.code, o.code || '-R-' || r.local_id as name, r.created_at, r.executed_at as ended_at,
           r.state, -r.amount as amount, r.provider, o.email
      from refund r join orders o on o.event_id = r.event_id and o.id = r.order_id
     where r.event_id = $1 and r.id > $2
     order by r.id limit $3";

pub(super) async fn payments(q: &impl Query, event: EventId, after: i64) -> Result<Vec<PaymentRow>, DbError> {
    let mut rows = Vec::new();
    if after < REFUNDS {
        rows = q.query(PAYMENTS, &[p(&event), p(&after), p(&PORTION)]).await?;
    }
    if rows.is_empty() {
        let after = (after - REFUNDS).max(0);
        rows = q.query(REFUNDS_PAGE, &[p(&event), p(&after), p(&PORTION), p(&REFUNDS)]).await?;
    }
    let read = |row: &Row| {
        Ok(PaymentRow {
            place: row.get("place")?,
            code: row.get("code")?,
            name: row.get("name")?,
            created_at: row.get("created_at")?,
            ended_at: row.get("ended_at")?,
            state: row.get("state")?,
            amount: row.get("amount")?,
            provider: row.get("provider")?,
            email: row.get("email")?,
        })
    };
    rows.iter().map(read).collect()
}

const COUNT_ORDERS: &str = "
    select count(*) as count from orders where event_id = $1 and (not $2 or status = 'p')";
const COUNT_POSITIONS: &str = "
    select count(*) as count from order_position op join orders o on o.event_id = op.event_id and o.id = op.order_id
     where op.event_id = $1 and not op.canceled and (not $2 or o.status = 'p')";
const COUNT_FEES: &str = "
    select count(*) as count from order_fee f join orders o on o.event_id = f.event_id and o.id = f.order_id
     where f.event_id = $1 and not f.canceled and (not $2 or o.status = 'p')";
const COUNT_PAYMENTS: &str = "
    select (select count(*) from payment where event_id = $1) + (select count(*) from refund where event_id = $1 and not $2)
           as count";

pub(super) async fn count(q: &impl Query, table: Table, event: EventId, paid_only: bool) -> Result<i64, DbError> {
    let sql = match table {
        Table::Orders => COUNT_ORDERS,
        Table::Positions => COUNT_POSITIONS,
        Table::Fees => COUNT_FEES,
        Table::Payments => COUNT_PAYMENTS,
    };
    q.one(sql, &[p(&event), p(&paid_only)]).await?.get("count")
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] =
    &[ORDERS, POSITIONS, FEES, PAYMENTS, REFUNDS_PAGE, COUNT_ORDERS, COUNT_POSITIONS, COUNT_FEES, COUNT_PAYMENTS];
