//! `bench growth`: the cost of an order in events that have sold a lot already.

use std::process::ExitCode;

use crate::{
    Options,
    report::{self, Plan},
    shop::{Failure, Shop},
};

/// Prints the table.
pub fn measure(options: &Options) -> ExitCode {
    match table(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn table(options: &Options) -> Result<(), Failure> {
    let filled = options.list("orders", "1000,100000,1000000");
    let buyers = options.text("buyers", "64");
    let level = |filled: &&str| {
        let words = ["--mode", "boxoffice", "--buyers", buyers, "--filled", filled];
        (format!("after {filled} orders"), words.map(str::to_owned).to_vec())
    };
    let figures = Plan(filled.iter().map(level).collect()).run(options.number("seconds", 10))?;
    if let (Some(first), Some(last)) = (figures.first(), figures.last()) {
        let cost = |it: &crate::meter::Figures| it.database_us + it.shop_us;
        let (rate, cpu) = (first.per_minute / last.per_minute, cost(last) / cost(first));
        println!("\ncost of an order after the most, against after the fewest: {rate:.2} in time, {cpu:.2} in CPU");
    }
    report::save("growth", &figures)
}

/// Orders that were sold before, with everything that belongs to them, and the counters that say so.
const FILL: &str = "
    insert into orders (organizer_id, event_id, code, status, secret, internal_secret, email, locale, testmode, created_at,
                        expires_at, total, modified_at)
    select e.organizer_id, e.id, upper(lpad(to_hex(n), 8, '0')), 'p', 's', 's', n || '@example.org', 'en', false,
           now() - n * interval '1 second', now(), 0, now()
      from event e, generate_series(1, {n}) n where e.slug = 'gig0';
    insert into order_position (organizer_id, event_id, order_id, positionid, item_id, price, tax_rate_ppm, tax_value, secret,
                                web_secret, pseudonymization_id)
    select o.organizer_id, o.event_id, o.id, 1, i.id, 0, 0, 0, 's' || o.id, 'w', 'p' || o.id
      from orders o join item i on i.event_id = o.event_id;
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at)
    select event_id, id, 1, 'free', 'confirmed', 0, now() from orders;
    insert into mail (organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
    select organizer_id, event_id, id, 'order_free', 'a@example.org', 'en', 'sent', now(), now() from orders;
    insert into form_outcome (event_id, form_token, outcome, created_at)
    select event_id, 'form' || id, '{\"Placed\": {}}', now() from orders;
    insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, created_at)
    select organizer_id, event_id, 'order', id, 'pretix.event.order.placed', 'buyer', now() from orders;
    update quota_counter c set paid = (select count(*) from order_position op where op.event_id = c.event_id);
    vacuum analyze; checkpoint";

/// Fills the first event of a shop.
pub async fn fill(shop: &Shop, orders: u64) -> Result<(), Failure> {
    if orders == 0 {
        return Ok(());
    }
    let admin = shop.admin().await?;
    for statement in FILL.replace("{n}", &orders.to_string()).split(';') {
        admin.batch_execute(statement).await?;
    }
    Ok(())
}
