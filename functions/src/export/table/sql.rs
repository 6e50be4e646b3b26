//! Statements that read the rows of tables, in portions: each goes on after the id of the last row, so that the last
//! portion costs what the first does.
//!
//! That must hold also while Postgres believes that an event which has just sold out is small: it would gladly read and
//! sort all of it for every portion. So the event is part of the sequence, which only one index has; a portion has no other
//! condition, and rows that nobody wants come with an empty `row_id`; and what belongs to a row is looked up row by row.
//! Positions come by their orders: their table has other indexes that begin with the event.

use serde_json::Value;

use crate::{
    checkin::List,
    export::Wish,
    id::{EventId, ItemId, VariationId},
    money::TaxRate,
    order::OrderStatus,
    port::db::{DbError, Query, Row, array, p},
    time::Timestamp,
};

/// Rows of one portion.
const PORTION: i64 = 1000;

/// Rows of the event `$1` after the id `$2`, by the index of event and id.
macro_rules! after {
    ($table:literal) => {
        concat!("(", $table, ".event_id, ", $table, ".id) > ($1, $2) and ", $table, ".event_id <= $1")
    };
}
/// The order of a row `$table`, as `o`.
macro_rules! its_order {
    ($table:literal) => {
        concat!(
            " cross join lateral (select o.* from orders o
                                   where o.id = ",
            $table,
            ".order_id and o.event_id + 0 = $1 offset 0) o "
        )
    };
}
/// A portion of the event's orders, as `o`, and their positions of which `$condition` is true, as `p`.
macro_rules! positions_of_portion {
    ($columns:expr, $joined:expr, $condition:expr) => {
        concat!(
            "with portion as (select o.* from orders o where ",
            after!("o"),
            " order by o.event_id, o.id limit $3)
             select o.id as place, p.id as row_id, o.code, o.status, o.email, o.created_at, p.positionid, s.date_from,
                    p.item_id, p.variation_id, p.price, p.attendee_name, p.attendee_email, p.company, v.code as voucher,
                    p.pseudonymization_id, p.secret, ",
            $columns,
            "coalesce((select jsonb_object_agg(a.question_id, a.answer) from answer a
                        where a.position_id = p.id and a.event_id + 0 = $1), '{}') as answers
               from portion o
               left join lateral (select p.* from order_position p
                                   where p.order_id = o.id and p.event_id + 0 = $1 and not p.canceled and ",
            $condition,
            " offset 0) p on true
               left join lateral (select s.date_from from subevent s
                                   where s.id = p.subevent_id and s.event_id + 0 = $1 offset 0) s on true
               left join lateral (select v.code from voucher v
                                   where v.id = p.voucher_id and v.event_id + 0 = $1 offset 0) v on true ",
            $joined,
            " order by o.id, p.positionid"
        )
    };
}

/// How many rows `p` of a table belong to orders `o` of the event. They are looked up order by order: before Postgres has
/// counted what a sale has brought, any other way may read all of one table for each row of the other.
macro_rules! counted {
    ($table:literal, $condition:expr) => {
        concat!(
            "select coalesce(sum(p.count), 0)::bigint as count from orders o
              cross join lateral (select count(*) as count from ",
            $table,
            " p where p.order_id = o.id and p.event_id + 0 = $1 and ",
            $condition,
            " offset 0) p
              where o.event_id = $1"
        )
    };
}

/// Rows, and the place after which to go on; none if there are no more.
type Portion<R> = (Vec<R>, Option<i64>);

fn portion<R>(rows: &[Row], read: impl Fn(&Row) -> Result<R, DbError>) -> Result<Portion<R>, DbError> {
    let last = rows.last().map(|row| row.get("place")).transpose()?;
    let mut wanted = Vec::new();
    for row in rows {
        if row.get::<Option<i64>>("row_id")?.is_some() {
            wanted.push(read(row)?);
        }
    }
    Ok((wanted, last))
}

pub(super) struct OrderRow {
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

const ORDERS: &str = concat!(
    "with portion as (
        select id, code, status, email, phone, created_at, expires_at, total, sales_channel, locale, testmode, comment
          from orders o where ",
    after!("o"),
    " order by o.event_id, o.id limit $3)
    select o.*, o.id as place, case when not $4 or o.status = 'p' then o.id end as row_id, op.count as positions, (coalesce(op.tax, 0) + coalesce(f.tax, 0))::bigint as tax,
           coalesce(f.value, 0)::bigint as fees, pay.paid_at, pay.providers
      from portion o
      cross join lateral (select count(*) as count, sum(tax_value) as tax from order_position op
                           where op.order_id = o.id and not op.canceled) op
      cross join lateral (select sum(value) as value, sum(tax_value) as tax from order_fee f
                           where f.event_id = $1 and f.order_id = o.id and not f.canceled) f
      cross join lateral (select max(confirmed_at) as paid_at, string_agg(distinct provider, ', ') as providers
                            from payment p where p.order_id = o.id and p.state in ('created', 'pending', 'confirmed')) pay
     order by o.id"
);

pub(super) async fn orders(
    q: &impl Query,
    event: EventId,
    after: i64,
    paid_only: bool,
) -> Result<Portion<OrderRow>, DbError> {
    let rows = q.query(ORDERS, &[p(&event), p(&after), p(&PORTION), p(&paid_only)]).await?;
    let read = |row: &Row| {
        Ok(OrderRow {
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
    portion(&rows, read)
}

pub(super) struct PositionRow {
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

const POSITIONS: &str = positions_of_portion!("p.tax_rate_ppm, p.tax_value, ", "", "(not $4 or o.status = 'p')");

pub(super) async fn positions(
    q: &impl Query,
    event: EventId,
    after: i64,
    paid_only: bool,
) -> Result<Portion<PositionRow>, DbError> {
    let rows = q.query(POSITIONS, &[p(&event), p(&after), p(&PORTION), p(&paid_only)]).await?;
    let read = |row: &Row| {
        Ok(PositionRow {
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
    portion(&rows, read)
}

pub(super) struct FeeRow {
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

/// By the orders that they belong to, each with all its fees: there is an index of event and order.
const FEES: &str = concat!(
    "with portion as (
        select f.* from order_fee f where (f.event_id, f.order_id) > ($1, $2) and f.event_id <= $1
         order by f.event_id, f.order_id fetch first $3 rows with ties)
     select f.order_id as place, case when not f.canceled and (not $4 or o.status = 'p') then f.id end as row_id, o.code,
            o.status, o.email, o.created_at, f.fee_type, f.description, f.value, f.tax_rate_ppm, f.tax_value
       from portion f ",
    its_order!("f"),
    "order by f.order_id, f.id"
);

pub(super) async fn fees(
    q: &impl Query,
    event: EventId,
    after: i64,
    paid_only: bool,
) -> Result<Portion<FeeRow>, DbError> {
    let rows = q.query(FEES, &[p(&event), p(&after), p(&PORTION), p(&paid_only)]).await?;
    let read = |row: &Row| {
        Ok(FeeRow {
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
    portion(&rows, read)
}

pub(super) struct PaymentRow {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) created_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) state: String,
    pub(super) amount: i64,
    pub(super) provider: String,
    pub(super) email: String,
}

/// Refunds come after payments; this is where their places begin. No event has that many payments.
const REFUNDS: i64 = 1 << 62;

const PAYMENTS: &str = concat!(
    "select p.id as place, p.id as row_id, o.code, o.code || '-P-' || p.local_id as name, p.created_at, p.confirmed_at as ended_at, p.state,
            p.amount, p.provider, o.email
       from payment p ",
    its_order!("p"),
    "where ",
    after!("p"),
    " order by p.event_id, p.id limit $3"
);
const REFUNDS_PAGE: &str = concat!(
    "select r.id + $4 as place, r.id as row_id, o.code, o.code || '-R-' || r.local_id as name, r.created_at, r.executed_at as ended_at,
            r.state, -r.amount as amount, r.provider, o.email
       from refund r ",
    its_order!("r"),
    "where ",
    after!("r"),
    " order by r.event_id, r.id limit $3"
);

pub(super) async fn payments(q: &impl Query, event: EventId, after: i64) -> Result<Portion<PaymentRow>, DbError> {
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
    portion(&rows, read)
}

/// A guest of a check-in list.
pub(super) struct GuestRow {
    pub(super) code: String,
    pub(super) number: i32,
    pub(super) status: OrderStatus,
    pub(super) email: String,
    pub(super) phone: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) comment: String,
    pub(super) date_from: Option<Timestamp>,
    pub(super) item: ItemId,
    pub(super) variation: Option<VariationId>,
    pub(super) price: i64,
    pub(super) attendee: Option<String>,
    pub(super) attendee_email: Option<String>,
    pub(super) company: Option<String>,
    pub(super) voucher: Option<String>,
    pub(super) pseudonym: String,
    pub(super) secret: String,
    pub(super) attention: bool,
    pub(super) first_entry: Option<Timestamp>,
    pub(super) last_scan: Option<Timestamp>,
    pub(super) last_exit: Option<Timestamp>,
    pub(super) entries: i64,
    pub(super) present: bool,
    /// By the id of the question.
    pub(super) answers: Value,
}

/// Whether somebody at the door is to look twice at a position `p` of an order `o`.
macro_rules! attention {
    () => {
        "(o.checkin_attention
          or exists (select from item i where i.id = p.item_id and i.event_id + 0 = $1 and i.checkin_attention)
          or exists (select from item_variation t
                      where t.id = p.variation_id and t.event_id + 0 = $1 and t.checkin_attention))"
    };
}
/// Orders `o` that count on a list (spec domain 18.1).
macro_rules! counts {
    ($paid_only:literal, $pending:literal) => {
        concat!(
            "(o.status = 'p' or (not ",
            $paid_only,
            " and o.status = 'n' and not o.require_approval and (",
            $pending,
            " or o.valid_if_pending)))"
        )
    };
}
/// Their positions `p` that a list is for.
macro_rules! is_meant {
    ($all:literal, $items:literal, $date:literal, $attention_only:literal) => {
        concat!(
            "(",
            $all,
            " or p.item_id = any(",
            $items,
            ")) and (",
            $date,
            "::bigint is null or p.subevent_id = ",
            $date,
            ") and (not ",
            $attention_only,
            " or ",
            attention!(),
            ")"
        )
    };
}
const GUESTS: &str = positions_of_portion!(
    concat!(
        "o.phone, o.comment, c.first_entry, c.last_scan, c.last_exit, c.entries, c.present, ",
        attention!(),
        " as attention, "
    ),
    "cross join lateral (
        select min(c.datetime) filter (where c.type = 'entry') as first_entry, max(c.datetime) as last_scan,
               max(c.datetime) filter (where c.type = 'exit') as last_exit, count(*) filter (where c.type = 'entry') as entries,
               coalesce((array_agg(c.type order by c.datetime desc, c.id desc))[1] = 'entry', false) as present
          from checkin c
         where c.event_id = $1 and c.position_id = p.id and c.list_id + 0 = $5 and c.successful) c",
    concat!(counts!("$4", "$6"), " and ", is_meant!("$7", "$8", "$9", "$10"))
);

/// Guests of a list.
pub(super) async fn guests(
    q: &impl Query,
    event: EventId,
    after: i64,
    list: &List,
    wish: &Wish,
) -> Result<Portion<GuestRow>, DbError> {
    let attention_only = wish.attention_only();
    let params = [
        p(&event),
        p(&after),
        p(&PORTION),
        p(&wish.paid_only),
        p(&list.id),
        p(&list.include_pending),
        p(&list.all_products),
        array(&list.products),
        p(&list.subevent),
        p(&attention_only),
    ];
    let read = |row: &Row| {
        Ok(GuestRow {
            code: row.get("code")?,
            number: row.get("positionid")?,
            status: OrderStatus::parse(row.get("status")?)?,
            email: row.get("email")?,
            phone: row.get("phone")?,
            created_at: row.get("created_at")?,
            comment: row.get("comment")?,
            date_from: row.get("date_from")?,
            item: row.get("item_id")?,
            variation: row.get("variation_id")?,
            price: row.get("price")?,
            attendee: row.get("attendee_name")?,
            attendee_email: row.get("attendee_email")?,
            company: row.get("company")?,
            voucher: row.get("voucher")?,
            pseudonym: row.get("pseudonymization_id")?,
            secret: row.get("secret")?,
            attention: row.get("attention")?,
            first_entry: row.get("first_entry")?,
            last_scan: row.get("last_scan")?,
            last_exit: row.get("last_exit")?,
            entries: row.get("entries")?,
            present: row.get("present")?,
            answers: row.get("answers")?,
        })
    };
    portion(&q.query(GUESTS, &params).await?, read)
}

const COUNT_GUESTS: &str = counted!(
    "order_position",
    concat!("not p.canceled and ", counts!("$2", "$3"), " and ", is_meant!("$4", "$5", "$6", "$7"))
);

pub(super) async fn count_guests(q: &impl Query, event: EventId, list: &List, wish: &Wish) -> Result<i64, DbError> {
    let attention_only = wish.attention_only();
    let params = [
        p(&event),
        p(&wish.paid_only),
        p(&list.include_pending),
        p(&list.all_products),
        array(&list.products),
        p(&list.subevent),
        p(&attention_only),
    ];
    q.one(COUNT_GUESTS, &params).await?.get("count")
}

const COUNT_ORDERS: &str = "
    select count(*) as count from orders where event_id = $1 and (not $2 or status = 'p')";
const COUNT_POSITIONS: &str = counted!("order_position", "not p.canceled and (not $2 or o.status = 'p')");
const COUNT_FEES: &str = counted!("order_fee", "not p.canceled and (not $2 or o.status = 'p')");
const COUNT_PAYMENTS: &str = "
    select (select count(*) from payment where event_id = $1) + (select count(*) from refund where event_id = $1) as count";

pub(super) async fn count_orders(q: &impl Query, event: EventId, paid_only: bool) -> Result<i64, DbError> {
    q.one(COUNT_ORDERS, &[p(&event), p(&paid_only)]).await?.get("count")
}

pub(super) async fn count_positions(q: &impl Query, event: EventId, paid_only: bool) -> Result<i64, DbError> {
    q.one(COUNT_POSITIONS, &[p(&event), p(&paid_only)]).await?.get("count")
}

pub(super) async fn count_fees(q: &impl Query, event: EventId, paid_only: bool) -> Result<i64, DbError> {
    q.one(COUNT_FEES, &[p(&event), p(&paid_only)]).await?.get("count")
}

pub(super) async fn count_payments(q: &impl Query, event: EventId) -> Result<i64, DbError> {
    q.one(COUNT_PAYMENTS, &[p(&event)]).await?.get("count")
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    ORDERS,
    POSITIONS,
    FEES,
    PAYMENTS,
    REFUNDS_PAGE,
    GUESTS,
    COUNT_GUESTS,
    COUNT_ORDERS,
    COUNT_POSITIONS,
    COUNT_FEES,
    COUNT_PAYMENTS,
];
