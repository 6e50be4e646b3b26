//! What a level of load has cost.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{
    shop::{Failure, Shop},
    slow_link,
};

/// One line of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Figures {
    /// How it was sold.
    pub mode: String,
    /// Buyers at the same time.
    pub buyers: u64,
    /// Milliseconds to the database and back.
    pub delay_ms: f64,
    /// Seconds measured.
    pub seconds: f64,
    /// Orders placed.
    pub orders: u64,
    /// Requests that were told to come later.
    pub busy: u64,
    /// Orders in a minute.
    pub per_minute: f64,
    /// Time of one purchase, in milliseconds: half of them, 95 %, 99 % were faster.
    pub p50_ms: f64,
    /// 95 %.
    pub p95_ms: f64,
    /// 99 %.
    pub p99_ms: f64,
    /// Time of its first step, until something is in the cart: half of them were faster.
    pub add_p50_ms: f64,
    /// 99 %.
    pub add_p99_ms: f64,
    /// Time of a bare commit of one row, over the connection of a buyer who is alone: half of them were faster.
    pub commit_p50_ms: f64,
    /// 99 %.
    pub commit_p99_ms: f64,
    /// Transactions that wrote orders.
    pub batches: i64,
    /// Orders of an average one.
    pub batch: f64,
    /// Statements for each order.
    pub statements: f64,
    /// Bytes of write-ahead log for each order.
    pub wal_bytes: f64,
    /// Microseconds of CPU in the database for each order.
    pub database_us: f64,
    /// Microseconds of CPU in this process (shop and load together) for each order.
    pub shop_us: f64,
}

/// Times of purchases.
#[derive(Default)]
pub struct Times(pub Vec<Duration>);

impl Times {
    /// The time that `part` of them are faster than, in milliseconds.
    pub fn quantile_ms(&mut self, part: f64) -> f64 {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let at = (last as f64 * part).round() as usize;
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

/// State of the counters at one moment.
pub struct Reading {
    at: Instant,
    orders: i64,
    batches: i64,
    statements: u64,
    wal: i64,
    database: Duration,
    own: Duration,
}

/// Reads the counters of a shop.
pub async fn read(shop: &Shop) -> Result<Reading, Failure> {
    let admin = shop.admin().await?;
    let row = admin
        .query_typed(
            "select (select count(*) from orders), (select count(distinct created_at) from orders),
                    (pg_current_wal_insert_lsn() - '0/0')::bigint, pg_backend_pid()",
            &[],
        )
        .await?;
    let row = &row[0];
    let (database, own) = cpu_times(parent_of(row.get::<_, i32>(3).unsigned_abs()));
    Ok(Reading {
        at: Instant::now(),
        orders: row.get(0),
        batches: row.get(1),
        statements: slow_link::statements(),
        wal: row.get(2),
        database,
        own,
    })
}

/// What lies between two readings.
#[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "figures for people")]
pub fn between(before: &Reading, after: &Reading, mut times: Times) -> Figures {
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let orders = (after.orders - before.orders).max(0);
    let (each, batches) = (orders.max(1) as f64, after.batches - before.batches);
    Figures {
        seconds,
        orders: orders as u64,
        per_minute: orders as f64 * 60.0 / seconds,
        p50_ms: times.quantile_ms(0.5),
        p95_ms: times.quantile_ms(0.95),
        p99_ms: times.quantile_ms(0.99),
        batches,
        batch: orders as f64 / batches.max(1) as f64,
        statements: (after.statements - before.statements) as f64 / each,
        wal_bytes: (after.wal - before.wal) as f64 / each,
        database_us: (after.database - before.database).as_secs_f64() * 1e6 / each,
        shop_us: (after.own - before.own).as_secs_f64() * 1e6 / each,
        ..Figures::default()
    }
}

/// A process, its parent, and the ticks of CPU that it has used, from the kernel's table.
fn process(pid: u32) -> Option<(u32, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<u64> = stat.rsplit_once(") ")?.1.split(' ').map(|field| field.parse().unwrap_or(0)).collect();
    // The parent is the 4th field of the line; user and system time are the 14th and 15th.
    Some((u32::try_from(*fields.get(1)?).ok()?, fields.get(11)? + fields.get(12)?))
}

/// CPU time of the database that this is a process of.
pub fn database_cpu(backend: u32) -> Duration {
    cpu_times(parent_of(backend)).0
}

fn parent_of(pid: u32) -> u32 {
    process(pid).map_or(0, |(parent, _)| parent)
}

/// CPU time of the database's processes and of this one.
fn cpu_times(postmaster: u32) -> (Duration, Duration) {
    let own = std::process::id();
    let (mut database, mut this) = (0, 0);
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        match process(pid) {
            Some((_, ticks)) if pid == own => this += ticks,
            Some((parent, ticks)) if parent == postmaster => database += ticks,
            _ => {}
        }
    }
    // The kernel counts hundredths of a second for programs.
    (Duration::from_millis(database * 10), Duration::from_millis(this * 10))
}
