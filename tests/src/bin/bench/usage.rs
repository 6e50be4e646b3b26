//! `bench usage`: what an order uses, for the cost model. Buyers go through real pages, one after the other; the shop's functions
//! run on a thread of their own, so that the CPU they use can be told from everybody else's. Writes `local/data/usage.json`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc,
    time::Duration,
};

use local::{cost::Usage, functions, gateway::Gateway, gateway::pool::Pool, poller};
use shop::{
    config::Config,
    ctx::Ctx,
    port::{db::Query as _, queue::Queue},
    time::Timestamp,
    worker::{self, SCHEDULES, WORKERS, Worker},
};
use tests::{
    chaos::stack::Stack,
    rehearsal::{self, End, Plan, Visit},
};
use tokio::runtime::{Builder, Handle};

use crate::{
    Options, meter,
    shop::{Failure, far_away},
    slow_link, workers,
};

/// Time between two buyers: more than one needs.
const PACE: Duration = Duration::from_millis(150);
/// How often a page is only looked at, and how often each periodic job runs.
const VIEWS: u64 = 200;
const RUNS: u64 = 20;

/// Measures, prints, and writes the file.
pub fn measure(options: &Options) -> ExitCode {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let measured =
        runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(usage(options.number("orders", 200))));
    match measured.and_then(|usage| Ok((serde_json::to_string_pretty(&usage)?, file()))) {
        Ok((text, file)) => match std::fs::write(&file, format!("{text}\n")) {
            Ok(()) => {
                println!("{text}\n\nwritten to {}", file.display());
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/data/usage.json")
}

/// A thread on which functions run, and nothing else.
struct Functions {
    handle: Handle,
    /// What the kernel tells of the thread: first of all its nanoseconds of CPU.
    stat: String,
}

impl Functions {
    fn start() -> Result<Self, Failure> {
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let thread = std::fs::read_link("/proc/thread-self")?;
            let _ = tell.send((runtime.handle().clone(), format!("/proc/{}/schedstat", thread.display())));
            runtime.block_on(std::future::pending::<std::io::Result<()>>())
        });
        let (handle, stat) = told.recv()?;
        Ok(Self { handle, stat })
    }

    fn spent(&self) -> Result<Spent, Failure> {
        let text = std::fs::read_to_string(&self.stat)?;
        let cpu = Duration::from_nanos(text.split_whitespace().next().ok_or("no time")?.parse()?);
        Ok(Spent { cpu, trips: slow_link::statements() })
    }
}

/// What the functions have used so far.
struct Spent {
    cpu: Duration,
    trips: u64,
}

impl Spent {
    /// Milliseconds of CPU and trips to the database since then, for each of so many.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn since(&self, before: &Self, count: u64) -> (f64, f64) {
        let each = count.max(1) as f64;
        let cpu = (self.cpu - before.cpu).as_secs_f64() * 1e3;
        (rounded(cpu / each), rounded((self.trips - before.trips) as f64 / each))
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

/// What the database has used so far.
struct Database {
    cpu: Duration,
    wal: i64,
    size: i64,
}

impl Database {
    async fn read(stack: &Stack) -> Result<Self, Failure> {
        let sql =
            "select (pg_current_wal_insert_lsn() - '0/0')::bigint as wal, pg_database_size(current_database()) as size,
                          pg_backend_pid()::bigint as pid";
        let row = stack.ctx.db().await?.one(sql, &[]).await?;
        let cpu = meter::database_cpu(u32::try_from(row.get::<i64>("pid")?)?);
        Ok(Self { cpu, wal: row.get("wal")?, size: row.get("size")? })
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn usage(orders: u64) -> Result<Usage, Failure> {
    let stack = workers::stack(orders * 2).await?;
    stack.ctx.db().await?.script("update event set testmode = true").await?;
    let functions = Functions::start()?;
    // A link without a delay counts what goes through it.
    let mut variables = stack.variables.clone();
    variables.insert("DATABASE_URL", far_away(&stack.variables["DATABASE_URL"], Duration::ZERO).await?);
    let config = Config::from_lookup(|name| variables.get(name).cloned())?;
    let ctx: &'static Ctx = Box::leak(Box::new(Ctx::new(config)));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        Gateway::new(functions::entries(&Pool::new(vec![ctx], 5000)), None).serve(listener)
    };
    let gateway = functions.handle.spawn(serve).await??;
    let page = format!("{}/org/gig/", gateway.url());

    // The first ones open connections and fill memories.
    buy(&page, 5).await?;
    handle_all(&stack, &functions, ctx).await?;
    let before = functions.spent()?;
    for _ in 0..VIEWS {
        tests::shop::http_client().build()?.get(&page).send().await?.bytes().await?;
    }
    let (view_cpu_ms, view_trips) = functions.spent()?.since(&before, VIEWS);

    let (mails_before, files_before) = (mails(&stack)?, files(&stack.bucket())?);
    let (database, begun) = (Database::read(&stack).await?, functions.spent()?);
    let visits = buy(&page, usize::try_from(orders)?).await?;
    let bought = functions.spent()?;
    let handled = handle_all(&stack, &functions, ctx).await?;
    let after = Database::read(&stack).await?;
    let requests: usize = visits.iter().map(|visit| visit.steps.len()).sum();
    let (http_cpu_ms, http_trips) = bought.since(&begun, orders);
    let (worker_cpu_ms, worker_trips) = functions.spent()?.since(&bought, orders);
    let each = |count: f64| rounded(count / orders as f64);
    let mails = mails(&stack)? - mails_before;
    let (files, bytes) = files(&stack.bucket())?;
    let (files, bytes) = (files - files_before.0, bytes - files_before.1);

    let (mut schedule_cpu_ms, mut schedule_trips, mut often) = (0.0, 0.0, 0.0);
    let background = worker_of(Queue::Background)?;
    for schedule in SCHEDULES {
        let before = functions.spent()?;
        for _ in 0..RUNS {
            let event = poller::event(
                Queue::Background,
                &[aws_sdk_sqs::types::Message::builder().body(schedule.body()).build()],
            );
            functions.handle.spawn(worker::run(ctx, background, event)).await?;
        }
        let (cpu, trips) = functions.spent()?.since(&before, RUNS);
        let rate = 1.0 / schedule.every.as_secs_f64();
        (schedule_cpu_ms, schedule_trips, often) =
            (schedule_cpu_ms + cpu * rate, schedule_trips + trips * rate, often + rate);
    }
    let counted = local::cost::usage();
    let today = Timestamp::to_string(&stack.ctx.now());
    Ok(Usage {
        measured: format!(
            "measured on {} over {orders} orders by `bench usage`; traffic, latencies and what is counted as such are assumed",
            &today[..10]
        ),
        http_requests: each(requests as f64),
        http_cpu_ms,
        http_trips,
        worker_messages: each(handled as f64),
        worker_cpu_ms,
        worker_trips,
        view_cpu_ms,
        view_trips,
        schedule_cpu_ms: rounded(schedule_cpu_ms / often),
        schedule_trips: rounded(schedule_trips / often),
        mails: each(mails as f64),
        files: each(files as f64),
        file_kb: rounded(bytes as f64 / files.max(1) as f64 / 1e3),
        database_cpu_ms: each((after.cpu - database.cpu).as_secs_f64() * 1e3),
        database_kb: each((after.size - database.size) as f64 / 1e3),
        wal_kb: each((after.wal - database.wal) as f64 / 1e3),
        ..counted
    })
}

async fn buy(page: &str, buyers: usize) -> Result<Vec<Visit>, Failure> {
    let within = PACE * u32::try_from(buyers)?;
    let plan = Plan { url: page.to_owned(), buyers, within, patience: Duration::from_secs(30) };
    let visits = rehearsal::play(&plan, |_| ()).await?;
    match visits.iter().find(|visit| visit.end != End::Order) {
        Some(visit) => Err(format!("a buyer has no order: {:?}", visit.end).into()),
        None => Ok(visits),
    }
}

fn worker_of(queue: Queue) -> Result<&'static Worker, Failure> {
    WORKERS.iter().find(|worker| worker.queue == queue).ok_or_else(|| "no worker".into())
}

/// Handles everything that waits, until nothing comes any more; how many messages that were. Receiving and deleting them is
/// done by AWS and not by functions.
async fn handle_all(stack: &Stack, functions: &Functions, ctx: &'static Ctx) -> Result<u64, Failure> {
    let (mut count, mut idle) = (0, 0);
    while idle < 2 {
        idle += 1;
        for queue in [Queue::Default, Queue::Mail, Queue::Notifications] {
            let worker = worker_of(queue)?;
            let queues = stack.ctx.queues().await;
            let (client, url) = (queues.client(), queues.url(queue));
            loop {
                let receive = client.receive_message().queue_url(&url).max_number_of_messages(worker.batch_max.into());
                let messages = receive.send().await?.messages.unwrap_or_default();
                if messages.is_empty() {
                    break;
                }
                let answer = functions.handle.spawn(worker::run(ctx, worker, poller::event(queue, &messages))).await?;
                if !answer.batch_item_failures.is_empty() {
                    return Err(format!("{} messages failed", answer.batch_item_failures.len()).into());
                }
                for message in &messages {
                    let handle = message.receipt_handle().unwrap_or_default();
                    client.delete_message().queue_url(&url).receipt_handle(handle).send().await?;
                }
                (count, idle) = (count + messages.len() as u64, 0);
            }
        }
    }
    Ok(count)
}

/// How many mails were handed over.
fn mails(stack: &Stack) -> Result<u64, Failure> {
    Ok(stack.mails.taken.lock().map_err(|_| "the mail server died")?.values().sum())
}

/// How many files there are, and their bytes.
fn files(folder: &Path) -> Result<(u64, u64), Failure> {
    let (mut count, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (more, size) = match entry.file_type()? {
            kind if kind.is_dir() => files(&entry.path())?,
            _ if entry.file_name().to_string_lossy().starts_with('.') => (0, 0),
            _ => (1, entry.metadata()?.len()),
        };
        (count, bytes) = (count + more, bytes + size);
    }
    Ok((count, bytes))
}
