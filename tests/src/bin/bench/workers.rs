//! `bench workers`: what the workers can do, and that those they wait for slow no sale.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use aws_sdk_sqs::types::MessageSystemAttributeName;
use indicatif::{ProgressBar, ProgressStyle};
use local::{poller, postgres::Cluster};
use shop::{
    config::Config,
    ctx::Ctx,
    export,
    id::ExportId,
    port::{db::Query as _, queue::Queue},
    worker::{self, WORKERS, Worker},
};
use tests::chaos::{Plan, orders, stack::Stack};

use crate::{Options, report, report::Plan as Levels, shop::Failure};

/// How many sandboxes share a queue: more than this machine has processors.
const SANDBOXES: usize = 4;

/// Prints the tables.
pub fn measure(options: &Options) -> ExitCode {
    end(tables(options))
}

fn end(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn tables(options: &Options) -> Result<(), Failure> {
    let parts = options.list("parts", "messages,export,beside");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if parts.contains(&"messages") {
        runtime.block_on(messages(options.number("orders", 2000)))?;
    }
    if parts.contains(&"export") {
        runtime.block_on(exports(options.number("rows", 100_000)))?;
    }
    drop(runtime);
    if parts.contains(&"beside") { beside(options.number("seconds", 15)) } else { Ok(()) }
}

/// A shop with everything around its workers.
pub async fn stack(orders: u64) -> Result<Stack, Failure> {
    let plan = Plan {
        orders,
        kills: 0,
        workers: 0,
        hurry: 1,
        visibility: 60,
        patience: Duration::ZERO,
        seed: 1,
        program: std::env::current_exe()?,
    };
    Stack::start(&plan, Cluster::start_measured().await?).await
}

// --- messages ---

async fn messages(count: u64) -> Result<(), Failure> {
    let stack = stack(count).await?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} orders {elapsed}").expect("a valid template");
    let bar = ProgressBar::new(count).with_style(style);
    let making = orders::make(&stack, count);
    while !making.is_finished() {
        bar.set_position(making.made());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    making.end().await?;
    bar.finish_and_clear();
    println!("{:<15} {:>9} {:>8} {:>10}  what a message is", "worker", "messages", "seconds", "messages/s");
    drain(&stack, Queue::Default, "a ticket drawn and stored").await?;
    drain(&stack, Queue::Mail, "a mail with its ticket handed over").await?;
    drain(&stack, Queue::Notifications, "staff told, webhooks asked, a webhook called").await?;
    drain(&stack, Queue::Mail, "a mail to staff handed over").await?;
    println!();
    Ok(())
}

/// Handles everything that is in a queue, and prints how fast.
async fn drain(stack: &Stack, queue: Queue, what: &str) -> Result<(), Failure> {
    let worker = WORKERS.iter().find(|worker| worker.queue == queue).ok_or("no worker")?;
    let began = Instant::now();
    let polls: Vec<_> = (0..SANDBOXES)
        .map(|_| Ok::<_, Failure>(tokio::spawn(handle_all(stack.sandbox()?, worker))))
        .collect::<Result<_, _>>()?;
    let mut count = 0;
    for poll in polls {
        count += poll.await??;
    }
    let seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = count as f64 / seconds;
    println!("{:<15} {count:>9} {seconds:>8.1} {rate:>10.0}  {what}", worker.queue.name());
    Ok(())
}

async fn handle_all(ctx: &'static Ctx, worker: &'static Worker) -> Result<usize, Failure> {
    let queues = ctx.queues().await;
    let (client, url) = (queues.client(), queues.url(worker.queue));
    let mut count = 0;
    loop {
        let receive = client.receive_message().queue_url(&url).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        let messages = receive.send().await?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(count);
        }
        let answer = worker::run(ctx, worker, poller::event(worker.queue, &messages)).await;
        if !answer.batch_item_failures.is_empty() {
            return Err(format!("{} messages failed", answer.batch_item_failures.len()).into());
        }
        for message in &messages {
            let handle = message.receipt_handle().unwrap_or_default();
            client.delete_message().queue_url(&url).receipt_handle(handle).send().await?;
        }
        count += messages.len();
    }
}

// --- exports ---

/// Many orders with one position and one payment each.
const FILL: &str = "
    create temp table made on commit drop as
    with e as (select id, organizer_id from event), i as (select min(id) as id from item),
         o as (insert into orders (organizer_id, event_id, code, status, secret, internal_secret, email, phone, locale,
                                   testmode, created_at, expires_at, total, modified_at)
               select e.organizer_id, e.id, 'X' || lpad(upper(to_hex(n)), 8, '0'), 'p', 's' || n, 's' || n,
                      'buyer' || n || '@example.org', '+4930' || n, 'en', false, now(), now(), 2300, now()
                 from e, generate_series(1, ROWS) n
               returning id, organizer_id, event_id)
    select o.*, i.id as item_id from o, i;
    insert into order_position (organizer_id, event_id, order_id, positionid, item_id, price, tax_rate_ppm, tax_value,
                                attendee_name, secret, web_secret, pseudonymization_id)
    select organizer_id, event_id, id, 1, item_id, 2300, 190000, 367, 'Ada Lovelace ' || id, 'secret' || id, 'w' || id,
           'P' || id from made;
    insert into payment (event_id, order_id, local_id, provider, state, amount, created_at, confirmed_at)
    select event_id, id, 1, 'manual', 'confirmed', 2300, now(), now() from made;
    with list as (insert into checkin_list (event_id, name) select id, 'Door' from event returning id)
    insert into checkin (event_id, list_id, position_id, type, datetime, created_at, successful)
    select p.event_id, list.id, p.id, 'entry', now(), now(), true from list, made join order_position p on p.order_id = made.id";

async fn exports(rows: u64) -> Result<(), Failure> {
    let stack = stack(10).await?;
    stack.ctx.db().await?.script(&FILL.replace("ROWS", &rows.to_string())).await?;
    println!("{:<34} {:>8} {:>8} {:>9} {:>9}", "export", "rows", "seconds", "file MB", "memory MB");
    let kinds = [
        ("orderlist", "positions:default"),
        ("orderlist", "orders:default"),
        ("paymentlist", "default"),
        ("orderlist", "xlsx"),
        ("checkinlist", "default"),
    ];
    for (exporter, format) in kinds {
        let insert = "
            insert into export (organizer_id, event_id, token_id, exporter, format, paid_only, secret, file_name,
                                object_key, state, created_at, expires_at, guests)
            select e.organizer_id, e.id, t.id, $1, $2, false, 's', 'f', 'exports/measured', 'waiting', now(),
                   now() + interval '1 day',
                   case when $1 = 'checkinlist'
                        then jsonb_build_object('list', l.id, 'secrets', true, 'attention_only', false) end
              from event e join checkin_list l on l.event_id = e.id, api_token t limit 1 returning id";
        let params = [shop::port::db::p(&exporter), shop::port::db::p(&format)];
        let id: i64 = stack.ctx.db().await?.one(insert, &params).await?.get("id")?;
        // A process of its own, whose memory is that of the export.
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        command.args(["export", "--id", &id.to_string()]).envs(&stack.variables);
        let output = command.output().await?;
        let megabytes = std::fs::metadata(stack.bucket().join("exports/measured"))?.len() / 1_000_000;
        let words = String::from_utf8_lossy(&output.stdout);
        let [rows, seconds, memory] = words.split_whitespace().collect::<Vec<_>>()[..] else {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the export {exporter} as {format} failed: {why}").into());
        };
        println!("{:<34} {rows:>8} {seconds:>8} {megabytes:>9} {memory:>9}", format!("{exporter} {format}"));
    }
    println!();
    Ok(())
}

/// Makes one export and prints its rows, its seconds, and the most memory that this process had.
pub fn export_alone(options: &Options) -> ExitCode {
    let made = || -> Result<(), Failure> {
        let ctx = Ctx::new(Config::from_env()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let began = Instant::now();
        let id = ExportId(i64::try_from(options.number("id", 0))?);
        let made = runtime.block_on(export::make(&ctx, id))?;
        let seconds = began.elapsed().as_secs_f64();
        let export::Made::Done { rows } = made else { return Err(format!("not made: {made:?}").into()) };
        let status = std::fs::read_to_string("/proc/self/status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse()?;
        println!("{rows} {seconds:.1} {}", kilobytes / 1024);
        Ok(())
    };
    end(made())
}

// --- beside a sale ---

fn beside(seconds: u64) -> Result<(), Failure> {
    println!(
        "sale of one event to 64 buyers, with workers beside it and others outside that are quick, or slow: a mail"
    );
    println!("server that takes 10 s for a mail, and a receiver that never answers");
    let level = |outside: &str| {
        let words = ["--mode", "handlers", "--buyers", "64", "--beside", outside];
        (format!("{outside} outside"), words.map(str::to_owned).to_vec())
    };
    let kinds = ["quick", "slow", "quick", "slow", "nobody"];
    let figures = Levels(kinds.map(level).to_vec()).run(seconds)?;
    let rate = |kind: &str| {
        let of_kind: Vec<f64> =
            kinds.iter().zip(&figures).filter(|(it, _)| **it == kind).map(|(_, it)| it.per_minute).collect();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let mean = of_kind.iter().sum::<f64>() / of_kind.len() as f64;
        mean
    };
    println!("slow ones outside change the rate by {:+.1} %", (rate("slow") / rate("quick") - 1.0) * 100.0);
    report::save("workers", &figures)
}
