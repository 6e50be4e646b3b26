//! Every statement fits the schema, the hot ones find their rows by an index, and states are the same on both sides.

use std::collections::BTreeSet;

use shop::{
    boxoffice::{self, PriceMode},
    cart,
    catalogue::{self, WindowMode},
    checkin, device, event, export, gift_card, idempotency, job,
    mail::{self, feedback::Verdict},
    order::{self, OrderStatus, PaymentState},
    outbox,
    port::{
        db::{Db, Query as _, p},
        queue::Queue,
    },
    pricing::{FeeType, Rounding},
    question::{self, QuestionType},
    record, staff, ticket, upload, voucher, waiting_list,
    webhook::{self, DeliveryState},
};

use crate::shop::TestShop;

const LISTS: &[(&str, &[&str])] = &[
    ("boxoffice/audit", boxoffice::audit::sql::ALL),
    ("boxoffice/load", boxoffice::load::sql::ALL),
    ("boxoffice/order", boxoffice::order::sql::ALL),
    ("boxoffice/waiting", boxoffice::waiting::sql::ALL),
    ("boxoffice/write", boxoffice::write::sql::ALL),
    ("cart", cart::sql::ALL),
    ("cart/edit", cart::edit::sql::ALL),
    ("catalogue", catalogue::sql::ALL),
    ("catalogue/edit", catalogue::edit::sql::ALL),
    ("checkin", checkin::sql::ALL),
    ("checkin/guests", checkin::guests::sql::ALL),
    ("device", device::sql::ALL),
    ("event", event::sql::ALL),
    ("event/edit", event::edit::sql::ALL),
    ("event/import", event::import::sql::ALL),
    ("event/snapshot", event::snapshot::sql::ALL),
    ("export", export::sql::ALL),
    ("export/table", export::table::sql::ALL),
    ("gift_card", gift_card::sql::ALL),
    ("idempotency", idempotency::sql::ALL),
    ("job", job::sql::ALL),
    ("mail", mail::sql::ALL),
    ("mail/feedback", mail::feedback::sql::ALL),
    ("mail/pace", mail::pace::sql::ALL),
    ("order", order::sql::ALL),
    ("order/bulk", order::bulk::sql::ALL),
    ("order/booking", order::booking::sql::ALL),
    ("order/create", order::create::sql::ALL),
    ("order/list", order::list::sql::ALL),
    ("order/search", order::search::sql::ALL),
    ("order/place", order::place::sql::ALL),
    ("order/secret", order::secret::sql::ALL),
    ("order/validity", order::validity::sql::ALL),
    ("outbox", outbox::sql::ALL),
    ("question", question::sql::ALL),
    ("question/edit", question::edit::sql::ALL),
    ("record", record::sql::ALL),
    ("staff", staff::sql::ALL),
    ("question/file", question::file::sql::ALL),
    ("staff/edit", staff::edit::sql::ALL),
    ("staff/invite", staff::invite::sql::ALL),
    ("staff/notice", staff::notice::sql::ALL),
    ("ticket", ticket::sql::ALL),
    ("ticket/print", ticket::print::sql::ALL),
    ("upload", upload::sql::ALL),
    ("upload/removal", upload::removal::sql::ALL),
    ("voucher", voucher::sql::ALL),
    ("waiting_list", waiting_list::sql::ALL),
    ("webhook", webhook::sql::ALL),
];

#[test]
fn every_list_is_looked_at() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/src");
    let mut folders = vec![root.clone()];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("sql.rs") {
                found.insert(folder.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    assert_eq!(found, LISTS.iter().map(|(name, _)| (*name).to_owned()).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared() {
    let shop = TestShop::empty().await;
    let (client, connection) = tokio_postgres::connect(shop.direct_url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for (name, statements) in LISTS {
        assert!(!statements.is_empty(), "{name}");
        for sql in *statements {
            #[expect(
                clippy::disallowed_methods,
                reason = "only the server can say whether a statement fits the schema"
            )]
            let prepared = client.prepare(sql).await;
            assert!(prepared.is_ok(), "{name}: {sql}\n{:?}", prepared.err());
        }
    }
}

/// Forty events with 500 orders each, every order with a position, a payment and a mail; 10,000 cart positions; an
/// outbox that has waited. Values hang together as in a real shop, as far as the planner can see.
const FILL: &str = "
    insert into organizer (slug, name, created_at) select 'o' || n, 'O', now() from generate_series(1, 4) n;
    insert into event (organizer_id, slug, name, live, currency, date_from, created_at)
    select o.id, 'e' || n, '{}', true, 'EUR', now(), now() from organizer o, generate_series(1, 10) n where o.slug ~ '^o[0-9]';
    insert into item (event_id, name, default_price) select id, '{}', 0 from event;
    insert into quota (event_id, name, size) select e.id, 'q' || n, 500 from event e, generate_series(1, 10) n;
    insert into quota_counter (quota_id, event_id) select id, event_id from quota;
    insert into quota_item (event_id, quota_id, item_id) select q.event_id, q.id, i.id from quota q join item i using (event_id);
    insert into orders (organizer_id, event_id, code, status, secret, internal_secret, email, locale, testmode, created_at,
                        expires_at, total, modified_at)
    select e.organizer_id, e.id, upper(lpad(to_hex(e.id * 1000 + n), 8, '0')), case when n % 20 = 0 then 'n' else 'p' end,
           's', 's', n || '@example.org', 'en', false, now() - n * interval '1 hour', now() + (n - 50) * interval '1 hour', 100,
           now()
      from event e, generate_series(1, 500) n;
    insert into order_position (organizer_id, event_id, order_id, positionid, item_id, price, tax_rate_ppm, tax_value, secret,
                                web_secret, pseudonymization_id)
    select o.organizer_id, o.event_id, o.id, 1, i.id, 100, 0, 0, 's' || o.id, 'w', 'p' || o.id
      from orders o join item i on i.event_id = o.event_id;
    insert into print_log (event_id, position_id, type, source, successful, datetime, created_at, info)
    select event_id, id, 'badge', 'app', true, now(), now(), '{}' from order_position;
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at)
    select event_id, id, 1, 'manual', 'confirmed', 100, now() from orders;
    insert into mail (organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
    select organizer_id, event_id, id, 'order_paid', 'a@example.org', 'en', case when id % 500 = 0 then 'queued' else 'sent' end,
           now() - interval '1 day', now() - interval '1 day' from orders;
    insert into cart_position (event_id, cart_id, item_id, price, listed_price, tax_rate_ppm, tax_value, created_at, expires_at,
                               max_extend_at, holds_stock)
    select i.event_id, 'cart' || n, i.id, 100, 100, 0, 0, now(), now() + (n - 10) * interval '1 minute', now(), n % 5 = 0
      from item i, generate_series(1, 250) n;
    insert into form_outcome (event_id, form_token, outcome, created_at)
    select id, 'form' || n, '{}', now() from event, generate_series(1, 250) n;
    insert into waiting_request (event_id, form_token, request, deadline)
    select id, 'form' || n, '{}', now() from event, generate_series(1, 250) n;
    insert into voucher (event_id, code, max_usages, valid_until, block_quota, holds_stock, created_at)
    select e.id, 'KEY' || n, 10, now() + n * interval '1 hour', true, true, now() from event e, generate_series(1, 200) n;
    insert into outbox (queue, body, created_at, due_at)
    select 'mail', '{}', now(), now() + case when n % 1000 = 0 then interval '-1 hour' else interval '1 hour' end
      from generate_series(1, 20000) n;
    update mail set provider_id = 'ses' || id where state = 'sent';
    insert into webhook (organizer_id, enabled, target_url, all_events, action_types, created_at)
    select id, true, 'https://example.org/', true, array['pretix.event.order.placed'], now() from organizer;
    insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, created_at, announced_at)
    select organizer_id, event_id, 'order', id, 'pretix.event.order.placed', 'buyer', now(),
           case when id % 1000 = 0 then null else now() end from orders;
    insert into webhook_delivery (organizer_id, webhook_id, action_id, state, retry_at, created_at)
    select l.organizer_id, w.id, l.id, case when l.id % 1000 = 0 then 'queued' else 'delivered' end, now(), now()
      from action_log l join webhook w using (organizer_id);
    insert into webhook_call (organizer_id, delivery_id, attempt, called_at, target_url, status, answer, duration_ms)
    select organizer_id, id, 1, now(), 'https://example.org/', 200, '', 7 from webhook_delivery;
    analyze";

/// One page of an event's orders.
const ORDERS: &str = "select o.id from orders o where o.event_id = $1 and ($2::jsonb->'status'";

/// Statements that run for every visitor, order or minute: a name, words that only it has, and its parameters. `EVENT`
/// and `ORDER` stand for ids of a row.
const HOT: &[(&str, &[&str], &str, &str)] = &[
    ("answers in a cart", cart::sql::ALL, "select a.cart_position_id", "EVENT, 'cart7'"),
    ("carts that become orders", order::place::sql::ALL, "id from cart_position", "EVENT, array[7, 8]::bigint[]"),
    ("repeated form", boxoffice::waiting::sql::ALL, "select outcome from", "EVENT, 'form7'"),
    ("voucher by code", boxoffice::load::sql::ALL, "and code = $2", "EVENT, 'KEY7'"),
    ("whether there are vouchers", boxoffice::load::sql::ALL, "as exist", "EVENT"),
    ("events that sold", boxoffice::audit::sql::ALL, "exists (select 1 from orders", "now() - interval '1 day'"),
    ("where places are", boxoffice::audit::sql::ALL, "from quota_ledger", "EVENT"),
    ("expired carts", boxoffice::load::sql::ALL, "count(*) as count\n", "EVENT, now()"),
    ("orders of a batch", boxoffice::order::sql::ALL, "as last_position", "EVENT, array[ORDER]"),
    ("positions of a batch", boxoffice::order::sql::ALL, "order by op.order_id, op.positionid", "EVENT, array[ORDER]"),
    ("ledger", boxoffice::order::sql::ALL, "insert into ledger_entry", "EVENT, array[ORDER], now()"),
    (
        "state of orders",
        boxoffice::order::sql::ALL,
        "update orders o",
        "EVENT, now(), array[ORDER], array['p'], array[100], array[now()], array[false], array[null::timestamptz]",
    ),
    ("order by code", order::sql::ALL, "select id from orders where organizer_id", "ORGANIZER, EVENT, CODE"),
    ("event of an order", order::sql::ALL, "select event_id from orders where id", "ORDER"),
    (
        "orders",
        order::sql::ALL,
        "internal_secret, email, phone, locale, testmode, sales_channel",
        "EVENT, array[ORDER]",
    ),
    ("positions", order::sql::ALL, "op.positionid, op.item_id", "EVENT, array[ORDER]"),
    ("payments", order::sql::ALL, "select order_id, local_id", "EVENT, array[ORDER]"),
    ("oldest orders", order::list::sql::ALL, ORDERS, "EVENT, '{}', 'datetime', false, 0, 50"),
    ("newest orders", order::list::sql::ALL, ORDERS, "EVENT, '{}', 'datetime', true, 0, 50"),
    ("orders by code", order::list::sql::ALL, ORDERS, "EVENT, '{}', 'code', false, 0, 50"),
    ("changed orders", order::list::sql::ALL, ORDERS, "EVENT, '{}', 'last_modified', true, 0, 50"),
    (
        "orders of an address",
        order::list::sql::ALL,
        ORDERS,
        r#"EVENT, '{"email": "7@example.org"}', 'datetime', false, 0, 50"#,
    ),
    (
        "pending orders",
        order::list::sql::ALL,
        "select case when $2::jsonb->>'status' = 'p' then\n                 (select count(*) from orders o where o.event_id = $1",
        r#"EVENT, '{"status": "n"}'"#,
    ),
    (
        "positions",
        order::list::sql::ALL,
        "select p.id, p.order_id from orders o",
        r#"EVENT, '{"include_canceled_positions": false}', 'order__datetime', false, 0, 50, false"#,
    ),
    (
        "guests",
        checkin::guests::sql::ALL,
        "r.id as list_id from (select",
        r#"EVENT, '{"list": 1, "all_products": true, "include_pending": false, "ignore_status": false}', 'order__datetime', true,
           0, 50, true"#,
    ),
    (
        "taken codes",
        boxoffice::load::sql::ALL,
        "from orders where organizer_id = $1 and code = any($2)",
        "ORGANIZER, array[CODE]",
    ),
    ("overdue orders", order::sql::ALL, "select id, expires_at", "EVENT, now(), 100, array[]::bigint[]"),
    ("events with overdue orders", order::sql::ALL, "distinct event_id", "now()"),
    ("claim of a mail", mail::sql::ALL, "set state = 'inflight'", "7, now(), 'staff_'"),
    ("due mails", mail::sql::ALL, "skip locked", "now(), now(), 500, array['order_placed']"),
    ("handled message", outbox::sql::ALL, "processed_at) values", "7, now()"),
    ("outbox leftovers", outbox::sql::ALL, "skip locked", "now(), 12, 500"),
    ("room for what can wait", mail::pace::sql::ALL, "as room", "now()"),
    ("news about a mail", mail::feedback::sql::ALL, "where provider_id", "'ses7', 'bounced', '', now()"),
    ("problems of an order", mail::feedback::sql::ALL, "f.recorded_at", "EVENT, ORDER"),
    ("actions to announce", webhook::sql::ALL, "as deliveries", "now(), 500, now(), 'pretix.event.order.placed'"),
    ("due webhooks", webhook::sql::ALL, "order by retry_at limit", "now(), now(), 500"),
    ("claim of a delivery", webhook::sql::ALL, "set state = 'inflight'", "7, now(), now()"),
    ("calls of a delivery", webhook::sql::ALL, "from webhook_call", "ORGANIZER, 7"),
    ("deliveries of a webhook", webhook::sql::ALL, "d.ended_at", "ORGANIZER, 7, null, null, 0, 50"),
    ("files of an order", ticket::sql::ALL, "op.order_id = $2", "EVENT, ORDER, 'pdf'"),
    ("prints of positions", ticket::print::sql::ALL, "l.position_id = any($2)", "EVENT, array[ORDER]"),
    ("order of a print", ticket::print::sql::ALL, "update orders o", "EVENT, ORDER, now()"),
];

/// Tables that grow with every sale: none of the hot statements may read one from end to end.
const LARGE: [&str; 12] = [
    "orders",
    "order_position",
    "payment",
    "print_log",
    "cart_position",
    "mail",
    "outbox",
    "quota_counter",
    "action_log",
    "webhook_delivery",
    "webhook_call",
    "voucher",
];

/// What happens inside functions of the database is not seen here: they are told not to read tables from end to end.
#[tokio::test(flavor = "multi_thread")]
async fn hot_statements_use_an_index() {
    let shop = TestShop::empty().await;
    let db = Db::connect(shop.direct_url(), None).await.unwrap();
    db.script(FILL).await.unwrap();
    let ids = "select id, event_id, organizer_id, code from orders order by id offset 7000 limit 1";
    let row = db.one(ids, &[]).await.unwrap();
    let number = |column: &str| row.get::<i64>(column).unwrap().to_string();
    let code: String = row.get("code").unwrap();
    for (name, list, words, values) in HOT {
        let statements: Vec<&&str> = list.iter().filter(|sql| sql.contains(words)).collect();
        assert_eq!(statements.len(), 1, "{name}: one statement has {words:?}");
        let values = values.replace("ORGANIZER", &number("organizer_id")).replace("EVENT", &number("event_id"));
        let values = values.replace("ORDER", &number("id")).replace("CODE", &format!("'{code}'"));
        db.script(&format!("deallocate all; prepare hot as {}", statements[0])).await.unwrap();
        let explain = format!("explain execute hot ({values})");
        let plan = db.query(Box::leak(explain.into_boxed_str()), &[]).await.unwrap();
        let lines: Vec<String> = plan.iter().map(|line| line.get("QUERY PLAN").unwrap()).collect();
        let scanned = |table: &&str| lines.iter().any(|line| reads_all_of(line, table));
        assert_eq!(LARGE.iter().find(|table| scanned(table)), None, "{name}:\n{}", lines.join("\n"));
    }
}

fn reads_all_of(line: &str, table: &str) -> bool {
    let rest = line.split("Seq Scan on ").nth(1);
    rest.is_some_and(|rest| rest.split_whitespace().next() == Some(table))
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_the_same_in_the_database() {
    let shop = TestShop::empty().await;
    let db = shop.ctx.db().await.unwrap();
    let mail_states = ["waiting", "queued", "inflight", "awaiting_retry", "failed", "sent"];
    let actors = ["buyer", "token", "system"];
    let price_modes = [PriceMode::None, PriceMode::Set(0), PriceMode::Subtract(0), PriceMode::Percent(0)];
    let expected: [(&str, BTreeSet<&str>); 19] = [
        ("orders_status", OrderStatus::ALL.map(OrderStatus::code).into()),
        ("payment_state", PaymentState::ALL.map(PaymentState::code).into()),
        ("outbox_queue", Queue::ALL.map(Queue::name).into()),
        ("orders_tax_rounding_mode", Rounding::ALL.map(Rounding::code).into()),
        ("order_fee_type", FeeType::ALL.map(FeeType::code).into()),
        ("question_type", QuestionType::ALL.map(QuestionType::code).into()),
        ("item_from_mode", WindowMode::ALL.map(WindowMode::code).into()),
        ("item_until_mode", WindowMode::ALL.map(WindowMode::code).into()),
        ("print_log_type", ticket::print::TYPES.iter().copied().collect()),
        ("bulk_action_action", order::bulk::Action::ALL.map(order::bulk::Action::name).into()),
        ("export_state", export::State::ALL.map(export::State::name).into()),
        ("mail_feedback_verdict", Verdict::ALL.map(Verdict::name).into()),
        ("item_variation_from_mode", WindowMode::ALL.map(WindowMode::code).into()),
        ("item_variation_until_mode", WindowMode::ALL.map(WindowMode::code).into()),
        ("item_hidden_if_mode", WindowMode::ALL.map(WindowMode::code).into()),
        ("voucher_price_mode", price_modes.map(PriceMode::code).into()),
        ("webhook_delivery_state", DeliveryState::ALL.map(DeliveryState::name).into()),
        // These two have no enum: the words stand in the statements alone.
        ("mail_state", mail_states.into()),
        ("action_log_actor", actors.into()),
    ];
    let rows = db.query(
        "select conname::text as name, pg_get_constraintdef(oid) as text from pg_constraint where contype = 'c'",
        &[],
    );
    let rows = rows.await.unwrap();
    let mut seen = 0;
    for row in &rows {
        let (name, text): (String, String) = (row.get("name").unwrap(), row.get("text").unwrap());
        let Some((_, words)) = expected.iter().find(|(constraint, _)| *constraint == name) else { continue };
        seen += 1;
        let quoted: BTreeSet<&str> = text.split('\'').skip(1).step_by(2).collect();
        assert_eq!(&quoted, words, "{name}: {text}");
    }
    assert_eq!(seen, expected.len());
    // Words in statements are words of the database.
    let in_statements: BTreeSet<&str> =
        mail::sql::ALL.iter().flat_map(|sql| sql.split('\'').skip(1).step_by(2)).collect();
    assert_eq!(in_statements, mail_states.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_constraint_says_names_nobody() {
    let shop = TestShop::empty().await;
    let db = shop.ctx.db().await.unwrap();
    let again = "insert into app_user (email, full_name, locale, created_at)
                 select email, full_name, locale, created_at from app_user";
    let error = db.execute(again, &[]).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.starts_with("23505 ") && source.ends_with("(app_user_email_key)"), "{source}");
    assert!(!format!("{error} {error:?} {error:#?} {source}").contains("team@org.example"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_the_database_are_told_to_use_indexes() {
    let shop = TestShop::empty().await;
    let db = Db::connect(shop.direct_url(), None).await.unwrap();
    // watch_catalogue only makes triggers.
    let careless = "select p.proname from pg_proc p
                     where p.proname <> 'watch_catalogue' and p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
                       and p.prolang = (select oid from pg_language where lanname = 'plpgsql')
                       and not coalesce('enable_seqscan=off' = any(p.proconfig), false)";
    let careless: Vec<String> =
        db.query(careless, &[]).await.unwrap().iter().map(|row| row.get("proname").unwrap()).collect();
    assert!(careless.is_empty(), "these keep plans that were made for empty tables: {careless:?}");
}

/// What an order costs must not grow with what was sold, whatever plans the connections have made when there was nothing.
#[tokio::test(flavor = "multi_thread")]
async fn plans_made_before_the_sale_read_no_more_later() {
    const BUYERS: usize = 120;
    let shop = TestShop::with_places(1000).await;
    for _ in 0..BUYERS {
        shop.buyer().buy(&[("Seat", 1)], None).await;
    }
    // Each connection tells what it has read when it gets around to it.
    let reads = "select indexrelname, idx_tup_read, idx_scan from pg_stat_user_indexes
                  where relname in ('orders', 'order_position', 'cart_position', 'form_outcome', 'item')
                    and idx_tup_read > 8 * $1::bigint + 100";
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    shop.buyer().shop().await;
    let db = Db::connect(shop.direct_url(), None).await.unwrap();
    let greedy: Vec<(String, i64, i64)> = db
        .query(reads, &[p(&(BUYERS as i64))])
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get("indexrelname").unwrap(), row.get("idx_tup_read").unwrap(), row.get("idx_scan").unwrap()))
        .collect();
    assert!(greedy.is_empty(), "index, entries read, scans for {BUYERS} orders: {greedy:?}");
}
