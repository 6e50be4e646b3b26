//! Statements about orders in a batch: reading them under the lock, and writing what was decided. Each touches only rows
//! of the batch's orders.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{NewPosition, OrderFee, OrderPosition, OrderStock, write::Columns};
use crate::{
    boxoffice::{ChangedOrder, CreatedOrder, VoucherUse, load::sql::product, write::sql::expect_rows},
    id::{DiscountId, ItemId, OrderId, SubeventId, VariationId, VoucherId},
    money::{Currency, Money, TaxRate},
    order::OrderStatus,
    port::{
        db::{DbError, Query, Row, array, p},
        lock::EventLock,
    },
    pricing::{FeeType, Rounding, TaxedLine},
    time::Timestamp,
};

const ORDERS: &str = "
    select o.id, o.status, o.require_approval, o.expires_at, o.cancelled_at, o.modified_at, o.total, o.tax_rounding_mode,
           coalesce(o.invoice_address->'is_business' = 'true', false) as is_business,
           (select coalesce(max(op.positionid), 0) from order_position op where op.order_id = o.id) as last_position,
           (select coalesce(max(f.number), 0) from order_fee f where f.order_id = o.id) as last_fee,
           (select coalesce(sum(pa.amount), 0)::bigint from payment pa
             where pa.order_id = o.id and pa.state in ('confirmed', 'refunded'))
           - (select coalesce(sum(r.amount), 0)::bigint from refund r
               where r.order_id = o.id and r.state in ('done', 'transit', 'created')) as paid
      from orders o
     where o.event_id = $1 and o.id = any($2)";
const POSITIONS: &str = "
    select op.order_id, op.positionid as number, op.item_id, op.variation_id, op.subevent_id, op.price, op.tax_rate_ppm,
           op.tax_value, op.price_correction, op.tax_correction, op.voucher_id, op.voucher_budget_use,
           parent.positionid as parent
      from order_position op left join order_position parent on parent.event_id = $1 and parent.id = op.addon_to
     where op.event_id = $1 and op.order_id = any($2) and not op.canceled
     order by op.order_id, op.positionid";
const FEES: &str = "
    select order_id, number, fee_type, internal_type, description, value as price, tax_rate_ppm, tax_value,
           price_correction, tax_correction
      from order_fee
     where event_id = $1 and order_id = any($2) and not canceled
     order by order_id, number";

/// The orders of a batch, with what is not cancelled in them.
pub(in crate::boxoffice) async fn orders(
    lock: &EventLock<'_>,
    currency: Currency,
    ids: &Vec<OrderId>,
) -> Result<BTreeMap<OrderId, OrderStock>, DbError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (tx, event) = (lock.tx(), lock.event());
    let params = [p(&event), array(ids)];
    let (heads, positions, fees) =
        tokio::try_join!(biased; tx.query(ORDERS, &params), tx.query(POSITIONS, &params), tx.query(FEES, &params))?;
    let mut orders = BTreeMap::new();
    for row in heads {
        orders.insert(row.get("id")?, order(&row, currency)?);
    }
    for row in positions {
        let (number, product, line) = (row.get("number")?, product(&row)?, line(&row, currency)?);
        let parent = row.get("parent")?;
        if let Some(order) = orders.get_mut(&row.get("order_id")?) {
            let voucher: Option<VoucherId> = row.get("voucher_id")?;
            let budget_use = row.get("voucher_budget_use")?;
            let voucher = voucher.map(|voucher| VoucherUse { voucher, budget_use });
            order.positions.push(OrderPosition { number, product, line, parent, voucher, new: None });
        }
    }
    for row in fees {
        let fee = OrderFee {
            number: row.get("number")?,
            fee_type: FeeType::parse(row.get("fee_type")?)?,
            internal_type: row.get("internal_type")?,
            description: row.get("description")?,
            line: line(&row, currency)?,
        };
        if let Some(order) = orders.get_mut(&row.get("order_id")?) {
            order.fees.push(fee);
        }
    }
    Ok(orders)
}

fn order(row: &Row, currency: Currency) -> Result<OrderStock, DbError> {
    Ok(OrderStock {
        status: OrderStatus::parse(row.get("status")?)?,
        require_approval: row.get("require_approval")?,
        expires_at: row.get("expires_at")?,
        cancelled_at: row.get("cancelled_at")?,
        modified_at: row.get("modified_at")?,
        total: Money::new(row.get("total")?, currency),
        paid: Money::new(row.get("paid")?, currency),
        rounding: Rounding::read(row.get("tax_rounding_mode")?)?,
        is_business: row.get("is_business")?,
        positions: Vec::new(),
        fees: Vec::new(),
        last_position: row.get("last_position")?,
        last_fee: row.get("last_fee")?,
    })
}

fn line(row: &Row, currency: Currency) -> Result<TaxedLine, DbError> {
    Ok(TaxedLine {
        gross: Money::new(row.get("price")?, currency),
        tax: Money::new(row.get("tax_value")?, currency),
        rate: TaxRate::from_ppm(row.get("tax_rate_ppm")?),
        gross_correction: row.get("price_correction")?,
        tax_correction: row.get("tax_correction")?,
    })
}

/// The moment of a change is later than that of the one before, whatever the clock says: it tells two changes apart.
const SET_ORDERS: &str = "
    update orders o
       set status = s.status, total = s.total, expires_at = s.expires_at, require_approval = s.require_approval,
           cancelled_at = s.cancelled_at, modified_at = greatest($2, o.modified_at + interval '1 microsecond')
      from unnest($3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[], $7::boolean[], $8::timestamptz[])
           as s (id, status, total, expires_at, require_approval, cancelled_at)
     where o.event_id = $1 and o.id = s.id";

pub(super) async fn set_orders(
    lock: &EventLock<'_>,
    orders: &BTreeMap<OrderId, ChangedOrder>,
    now: Timestamp,
) -> Result<(), DbError> {
    let ids: Vec<OrderId> = orders.keys().copied().collect();
    let states: Vec<&str> = orders.values().map(|order| order.status.code()).collect();
    let totals: Vec<i64> = orders.values().map(|order| order.total.minor()).collect();
    let deadlines: Vec<Timestamp> = orders.values().map(|order| order.expires_at).collect();
    let approvals: Vec<bool> = orders.values().map(|order| order.require_approval).collect();
    let cancelled: Vec<Option<Timestamp>> = orders.values().map(|order| order.cancelled_at).collect();
    let event = lock.event();
    let params = [
        p(&event),
        p(&now),
        array(&ids),
        array(&states),
        array(&totals),
        array(&deadlines),
        array(&approvals),
        array(&cancelled),
    ];
    expect_rows(lock.tx().execute(SET_ORDERS, &params).await?, orders.len())
}

const SET_POSITIONS: &str = "
    update order_position op
       set item_id = s.item_id, variation_id = s.variation_id, subevent_id = s.subevent_id, price = s.price,
           tax_rate_ppm = s.tax_rate_ppm, tax_value = s.tax_value, price_correction = s.price_correction,
           tax_correction = s.tax_correction, canceled = s.canceled
      from unnest($2::bigint[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::integer[], $8::bigint[],
                  $9::bigint[], $10::bigint[], $11::boolean[], $12::bigint[])
           as s (order_id, positionid, item_id, variation_id, price, tax_rate_ppm, tax_value, price_correction,
                 tax_correction, canceled, subevent_id)
     where op.event_id = $1 and op.order_id = s.order_id and op.positionid = s.positionid";

/// Positions that are different, and positions that are cancelled.
pub(super) async fn set_positions(
    lock: &EventLock<'_>,
    changed: Vec<(OrderId, &OrderPosition)>,
    canceled: Vec<(OrderId, &OrderPosition)>,
) -> Result<(), DbError> {
    let positions: Vec<(OrderId, &OrderPosition)> = changed.iter().chain(&canceled).copied().collect();
    if positions.is_empty() {
        return Ok(());
    }
    let items: Vec<ItemId> = positions.iter().map(|(_, position)| position.product.item).collect();
    let variations: Vec<Option<VariationId>> =
        positions.iter().map(|(_, position)| position.product.variation).collect();
    let dates: Vec<Option<SubeventId>> = positions.iter().map(|(_, position)| position.product.date).collect();
    let are_canceled: Vec<bool> = (0..positions.len()).map(|place| place >= changed.len()).collect();
    let columns = Columns::of_positions(&positions);
    let event = lock.event();
    let params = [
        p(&event),
        array(&columns.orders),
        array(&columns.numbers),
        array(&items),
        array(&variations),
        array(&columns.prices),
        array(&columns.rates),
        array(&columns.taxes),
        array(&columns.price_corrections),
        array(&columns.tax_corrections),
        array(&are_canceled),
        array(&dates),
    ];
    expect_rows(lock.tx().execute(SET_POSITIONS, &params).await?, positions.len())
}

const ADD_POSITIONS: &str = "
    insert into order_position (organizer_id, event_id, order_id, positionid, item_id, variation_id, price, tax_rate_ppm,
                                tax_value, price_correction, tax_correction, attendee_name, attendee_email, company,
                                secret, web_secret, pseudonymization_id, subevent_id, addon_to, voucher_id,
                                voucher_budget_use, is_bundled, discount_id, valid_from, valid_until,
                                street, zipcode, city, country, state)
    select o.organizer_id, $1, a.order_id, a.positionid, a.item_id, a.variation_id, a.price, a.tax_rate_ppm, a.tax_value,
           a.price_correction, a.tax_correction, a.attendee_name, a.attendee_email, a.company, a.secret, a.web_secret,
           a.pseudonym, a.subevent_id, parent.id, a.voucher_id, a.budget_use, a.is_bundled, a.discount_id,
           a.valid_from, a.valid_until, a.address->>'street', a.address->>'zipcode', a.address->>'city', a.address->>'country',
           a.address->>'state'
      from unnest($2::bigint[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::integer[], $8::bigint[],
                  $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
                  $17::bigint[], $18::integer[], $19::bigint[], $20::bigint[], $21::boolean[], $22::bigint[],
                  $23::timestamptz[], $24::timestamptz[], $25::jsonb[])
           as a (order_id, positionid, item_id, variation_id, price, tax_rate_ppm, tax_value, price_correction,
                 tax_correction, attendee_name, attendee_email, company, secret, web_secret, pseudonym, subevent_id,
                 parent, voucher_id, budget_use, is_bundled, discount_id, valid_from, valid_until, address)
      join orders o on o.event_id = $1 and o.id = a.order_id
      left join order_position parent on parent.order_id = a.order_id and parent.positionid = a.parent";

pub(super) async fn add_positions(
    lock: &EventLock<'_>,
    positions: Vec<(OrderId, &OrderPosition)>,
) -> Result<(), DbError> {
    if positions.is_empty() {
        return Ok(());
    }
    let items: Vec<ItemId> = positions.iter().map(|(_, position)| position.product.item).collect();
    let variations: Vec<Option<VariationId>> =
        positions.iter().map(|(_, position)| position.product.variation).collect();
    let dates: Vec<Option<SubeventId>> = positions.iter().map(|(_, position)| position.product.date).collect();
    let news: Vec<&NewPosition> = positions.iter().filter_map(|(_, position)| position.new.as_deref()).collect();
    let names: Vec<Option<&str>> = news.iter().map(|new| new.attendee.name.as_deref()).collect();
    let emails: Vec<Option<&str>> = news.iter().map(|new| new.attendee.email.as_deref()).collect();
    let companies: Vec<Option<&str>> = news.iter().map(|new| new.attendee.company.as_deref()).collect();
    let tickets: Vec<&str> = news.iter().map(|new| new.secrets.ticket.as_str()).collect();
    let webs: Vec<&str> = news.iter().map(|new| new.secrets.web.as_str()).collect();
    let pseudonyms: Vec<&str> = news.iter().map(|new| new.secrets.pseudonym.as_str()).collect();
    let parents: Vec<Option<i32>> = positions.iter().map(|(_, position)| position.parent).collect();
    let vouchers: Vec<Option<VoucherId>> =
        positions.iter().map(|(_, position)| position.voucher.map(|used| used.voucher)).collect();
    let budget_uses: Vec<i64> =
        positions.iter().map(|(_, position)| position.voucher.map_or(0, |used| used.budget_use)).collect();
    let are_bundled: Vec<bool> = news.iter().map(|new| new.bundled).collect();
    let discounts: Vec<Option<DiscountId>> = news.iter().map(|new| new.discount).collect();
    let from: Vec<Option<Timestamp>> = news.iter().map(|new| new.valid.from).collect();
    let until: Vec<Option<Timestamp>> = news.iter().map(|new| new.valid.until).collect();
    let addresses: Vec<Value> = news.iter().map(|new| json!(new.address)).collect();
    let columns = Columns::of_positions(&positions);
    let event = lock.event();
    let params = [
        p(&event),
        array(&columns.orders),
        array(&columns.numbers),
        array(&items),
        array(&variations),
        array(&columns.prices),
        array(&columns.rates),
        array(&columns.taxes),
        array(&columns.price_corrections),
        array(&columns.tax_corrections),
        array(&names),
        array(&emails),
        array(&companies),
        array(&tickets),
        array(&webs),
        array(&pseudonyms),
        array(&dates),
        array(&parents),
        array(&vouchers),
        array(&budget_uses),
        array(&are_bundled),
        array(&discounts),
        array(&from),
        array(&until),
        array(&addresses),
    ];
    expect_rows(lock.tx().execute(ADD_POSITIONS, &params).await?, positions.len())
}

const INSERT_CREATED: &str = "
    insert into orders (id, organizer_id, event_id, code, status, secret, internal_secret, email, phone, locale, testmode,
                        sales_channel, comment, valid_if_pending, tax_rounding_mode, created_at, expires_at, total,
                        modified_at, custom_followup_at, checkin_attention, checkin_text, api_meta, invoice_address)
    overriding system value
    select c.id, e.organizer_id, e.id, c.code, 'n', c.secret, c.internal_secret, c.email, c.phone, c.locale, c.testmode,
           c.sales_channel, c.comment, c.valid_if_pending, c.rounding, $2::timestamptz, $2::timestamptz, 0,
           $2::timestamptz, n.custom_followup_at, coalesce(n.checkin_attention, false), n.checkin_text,
           coalesce(n.api_meta, '{}'), n.invoice_address
      from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::boolean[],
                  $11::text[], $12::text[], $13::boolean[], $14::text[], $15::jsonb[])
           as c (id, code, secret, internal_secret, email, phone, locale, testmode, sales_channel, comment,
                 valid_if_pending, rounding, notes)
      join event e on e.id = $1
     cross join lateral jsonb_populate_record(null::orders, c.notes) n";

/// New orders as they are before anything is in them; what is in them follows as a change.
pub(super) async fn insert_created(
    lock: &EventLock<'_>,
    orders: &[CreatedOrder],
    now: Timestamp,
) -> Result<(), DbError> {
    if orders.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(orders: &'a [CreatedOrder], value: impl Fn(&'a CreatedOrder) -> T) -> Vec<T> {
        orders.iter().map(value).collect()
    }
    let event = lock.event();
    let written = lock
        .tx()
        .execute(
            INSERT_CREATED,
            &[
                p(&event),
                p(&now),
                array(&column(orders, |order| order.identity.order)),
                array(&column(orders, |order| order.identity.code.as_str())),
                array(&column(orders, |order| order.secret.as_str())),
                array(&column(orders, |order| order.internal_secret.as_str())),
                array(&column(orders, |order| order.wanted.email.as_str())),
                array(&column(orders, |order| order.wanted.phone.as_deref())),
                array(&column(orders, |order| order.wanted.locale.as_str())),
                array(&column(orders, |order| order.wanted.testmode)),
                array(&column(orders, |order| order.wanted.sales_channel.as_str())),
                array(&column(orders, |order| order.wanted.comment.as_str())),
                array(&column(orders, |order| order.wanted.valid_if_pending)),
                array(&column(orders, |order| order.wanted.rounding.code())),
                array(&column(orders, |order| Value::Object(order.wanted.notes.clone()))),
            ],
        )
        .await?;
    expect_rows(written, orders.len())
}

const SET_FEES: &str = "
    update order_fee f
       set value = s.price, tax_rate_ppm = s.tax_rate_ppm, tax_value = s.tax_value,
           price_correction = s.price_correction, tax_correction = s.tax_correction, canceled = s.canceled
      from unnest($2::bigint[], $3::integer[], $4::bigint[], $5::integer[], $6::bigint[], $7::bigint[], $8::bigint[],
                  $9::boolean[])
           as s (order_id, number, price, tax_rate_ppm, tax_value, price_correction, tax_correction, canceled)
     where f.event_id = $1 and f.order_id = s.order_id and f.number = s.number";

/// Fees that are different, and fees that are cancelled.
pub(super) async fn set_fees(
    lock: &EventLock<'_>,
    changed: Vec<(OrderId, &OrderFee)>,
    canceled: Vec<(OrderId, &OrderFee)>,
) -> Result<(), DbError> {
    let fees: Vec<(OrderId, &OrderFee)> = changed.iter().chain(&canceled).copied().collect();
    if fees.is_empty() {
        return Ok(());
    }
    let are_canceled: Vec<bool> = (0..fees.len()).map(|place| place >= changed.len()).collect();
    let columns = Columns::of_fees(&fees);
    let event = lock.event();
    let params = [
        p(&event),
        array(&columns.orders),
        array(&columns.numbers),
        array(&columns.prices),
        array(&columns.rates),
        array(&columns.taxes),
        array(&columns.price_corrections),
        array(&columns.tax_corrections),
        array(&are_canceled),
    ];
    expect_rows(lock.tx().execute(SET_FEES, &params).await?, fees.len())
}

const ADD_FEES: &str = "
    insert into order_fee (event_id, order_id, number, fee_type, internal_type, description, value, tax_rate_ppm, tax_value,
                           price_correction, tax_correction)
    select $1, order_id, number, fee_type, internal_type, description, price, tax_rate_ppm, tax_value, price_correction,
           tax_correction
      from unnest($2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::integer[],
                  $9::bigint[], $10::bigint[], $11::bigint[])
           as a (order_id, number, fee_type, internal_type, description, price, tax_rate_ppm, tax_value, price_correction,
                 tax_correction)";

/// Fees that are new.
pub(crate) async fn add_fees(lock: &EventLock<'_>, fees: Vec<(OrderId, &OrderFee)>) -> Result<(), DbError> {
    if fees.is_empty() {
        return Ok(());
    }
    let types: Vec<&str> = fees.iter().map(|(_, fee)| fee.fee_type.code()).collect();
    let internal: Vec<&str> = fees.iter().map(|(_, fee)| fee.internal_type.as_str()).collect();
    let descriptions: Vec<&str> = fees.iter().map(|(_, fee)| fee.description.as_str()).collect();
    let columns = Columns::of_fees(&fees);
    let event = lock.event();
    let params = [
        p(&event),
        array(&columns.orders),
        array(&columns.numbers),
        array(&types),
        array(&internal),
        array(&descriptions),
        array(&columns.prices),
        array(&columns.rates),
        array(&columns.taxes),
        array(&columns.price_corrections),
        array(&columns.tax_corrections),
    ];
    expect_rows(lock.tx().execute(ADD_FEES, &params).await?, fees.len())
}

const GIVE_UP_PAYMENTS: &str = "
    update payment set state = 'canceled'
     where event_id = $1 and order_id = any($2) and state in ('created', 'pending')";

pub(super) async fn give_up_payments(lock: &EventLock<'_>, orders: Vec<OrderId>) -> Result<(), DbError> {
    if orders.is_empty() {
        return Ok(());
    }
    lock.tx().execute(GIVE_UP_PAYMENTS, &[p(&lock.event()), array(&orders)]).await.map(|_| ())
}

const ADD_PAYMENTS: &str = "
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at, confirmed_at)
    select $1, a.order_id,
           (select coalesce(max(pa.local_id), 0) + 1 from payment pa where pa.event_id = $1 and pa.order_id = a.order_id),
           a.provider, case when a.confirmed_at is null then 'created' else 'confirmed' end, a.amount, $2, a.confirmed_at
      from unnest($3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[])
           as a (order_id, provider, amount, confirmed_at)";

pub(super) async fn add_payments(
    lock: &EventLock<'_>,
    orders: &BTreeMap<OrderId, ChangedOrder>,
    now: Timestamp,
) -> Result<(), DbError> {
    let payments = orders.iter().filter_map(|(id, order)| Some((*id, order.payment?)));
    let ids: Vec<OrderId> = payments.clone().map(|(id, _)| id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let providers: Vec<&str> = payments.clone().map(|(_, payment)| payment.provider.identifier()).collect();
    let amounts: Vec<i64> = payments.clone().map(|(_, payment)| payment.amount.minor()).collect();
    let moments: Vec<Option<Timestamp>> = payments.map(|(_, payment)| payment.confirmed_at).collect();
    let event = lock.event();
    let params = [p(&event), p(&now), array(&ids), array(&providers), array(&amounts), array(&moments)];
    expect_rows(lock.tx().execute(ADD_PAYMENTS, &params).await?, ids.len())
}

const DROP_TICKETS: &str = "
    delete from ticket_file t using order_position op, unnest($2::bigint[], $3::integer[]) as s (order_id, positionid)
     where op.event_id = $1 and op.order_id = s.order_id and op.positionid = s.positionid
       and t.event_id = $1 and t.position_id = op.id";

/// Ticket files of positions that are different now are drawn anew when somebody asks for them.
pub(super) async fn drop_tickets(
    lock: &EventLock<'_>,
    positions: Vec<(OrderId, &OrderPosition)>,
) -> Result<(), DbError> {
    if positions.is_empty() {
        return Ok(());
    }
    let columns = Columns::of_positions(&positions);
    let event = lock.event();
    let params = [p(&event), array(&columns.orders), array(&columns.numbers)];
    lock.tx().execute(DROP_TICKETS, &params).await.map(|_| ())
}

/// What is sold as of now, less what the ledger says of it, is what the ledger lacks (spec domain 10.6).
const SETTLE_LEDGER: &str = "
    with touched as (
        select id, status in ('n', 'p') and not require_approval as counts
          from orders where event_id = $1 and id = any($2)),
    lines as (
        select op.order_id, op.positionid, op.item_id, op.variation_id, op.subevent_id, op.price, op.tax_rate_ppm,
               op.tax_value, null::text as fee_type, '' as internal_type, 1 as count
          from touched join order_position op on op.event_id = $1 and op.order_id = touched.id
         where touched.counts and not op.canceled
        union all
        select f.order_id, null, null, null, null, f.value, f.tax_rate_ppm, f.tax_value, f.fee_type, f.internal_type, 1
          from touched join order_fee f on f.event_id = $1 and f.order_id = touched.id
         where touched.counts and not f.canceled
        union all
        select l.order_id, l.positionid, l.item_id, l.variation_id, l.subevent_id, l.price, l.tax_rate_ppm, l.tax_value,
               l.fee_type, l.internal_type, -l.count
          from touched join ledger_entry l on l.event_id = $1 and l.order_id = touched.id)
    insert into ledger_entry (event_id, order_id, positionid, item_id, variation_id, subevent_id, price, tax_rate_ppm,
                              tax_value, fee_type, internal_type, count, created_at)
    select $1, order_id, positionid, item_id, variation_id, subevent_id, price, tax_rate_ppm, tax_value, fee_type,
           internal_type, sum(count), $3::timestamptz
      from lines
     group by order_id, positionid, item_id, variation_id, subevent_id, price, tax_rate_ppm, tax_value, fee_type, internal_type
    having sum(count) <> 0
     order by order_id, sum(count), positionid";

/// Appends to the ledger what has happened to these orders since it was written last.
pub async fn settle_ledger(lock: &EventLock<'_>, orders: Vec<OrderId>, now: Timestamp) -> Result<(), DbError> {
    lock.tx().execute(SETTLE_LEDGER, &[p(&lock.event()), array(&orders), p(&now)]).await.map(|_| ())
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    ORDERS,
    POSITIONS,
    FEES,
    SET_ORDERS,
    SET_POSITIONS,
    INSERT_CREATED,
    ADD_POSITIONS,
    SET_FEES,
    ADD_FEES,
    GIVE_UP_PAYMENTS,
    ADD_PAYMENTS,
    DROP_TICKETS,
    SETTLE_LEDGER,
];
