//! What a shop costs on AWS: list prices, times what was measured of an order. Rough on purpose: it tells what dominates.

#![expect(clippy::float_arithmetic, reason = "dollars for people, not money of the shop")]

use serde::{Deserialize, Serialize};
use shop::worker::SCHEDULES;

/// List prices in dollars, with their date and region.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// When they were written down.
    pub as_of: String,
    /// Where they hold.
    pub region: String,
    lambda_gb_second: f64,
    lambda_million_requests: f64,
    api_million_requests: f64,
    sqs_million_requests: f64,
    scheduler_million_invocations: f64,
    s3_thousand_puts: f64,
    s3_thousand_gets: f64,
    s3_gb_month: f64,
    ses_thousand_mails: f64,
    ses_gb_attachments: f64,
    logs_gb: f64,
    internet_gb: f64,
    aurora_acu_hour: f64,
    aurora_gb_month: f64,
    aurora_million_io: f64,
    proxy_month_min: f64,
    nat_hour: f64,
    endpoint_hour: f64,
    alarm_month: f64,
    secret_month: f64,
    dashboard_month: f64,
}

/// What one order of one ticket uses, and what is there without any. Measured by `bench usage`, but for what says that it is
/// counted by hand or assumed. CPU is that of a whole core.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say what they are, in milliseconds, kilobytes or trips to the database")]
pub struct Usage {
    pub measured: String,
    pub http_requests: f64,
    pub http_cpu_ms: f64,
    pub http_trips: f64,
    pub worker_messages: f64,
    pub worker_cpu_ms: f64,
    pub worker_trips: f64,
    pub view_cpu_ms: f64,
    pub view_trips: f64,
    /// Of one run of a periodic job.
    pub schedule_cpu_ms: f64,
    pub schedule_trips: f64,
    pub mails: f64,
    pub files: f64,
    pub file_kb: f64,
    pub database_cpu_ms: f64,
    pub database_kb: f64,
    pub wal_kb: f64,
    /// By the as-deployed tests.
    pub counted_log_kb: f64,
    pub counted_alarms: f64,
    pub counted_secrets: f64,
    pub counted_endpoints: f64,
    pub http_memory_mb: f64,
    pub worker_memory_mb: f64,
    pub assumed_page_kb: f64,
    pub assumed_views_per_order: f64,
    /// To the database and back.
    pub assumed_trip_ms: f64,
    /// A call of SQS, S3 or SES.
    pub assumed_call_ms: f64,
}

/// A sale: how many tickets, and how many orders in its busiest minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    /// Tickets, one an order.
    pub tickets: u32,
    /// Orders in the busiest minute.
    pub peak_per_minute: u32,
}

/// A line of the bill.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The service.
    pub service: &'static str,
    /// Dollars for the sale.
    pub sale: f64,
    /// Dollars for a month in which nothing happens, with everything that `infra/deploy` makes by default.
    pub month: f64,
    /// The same month when the database may sleep: without proxy, way out and schedules.
    pub sleeping_month: f64,
}

/// The prices of the data file.
pub fn prices() -> Prices {
    serde_json::from_str(include_str!("../data/prices.json")).expect("the data file is right; a test reads it")
}

/// The measured usage of the data file.
pub fn usage() -> Usage {
    serde_json::from_str(include_str!("../data/usage.json")).expect("the data file is right; a test reads it")
}

const HOURS_OF_MONTH: f64 = 730.0;
/// Processors that come with one capacity unit of Aurora (an instance of two has 16 GB, which are eight units), of which no
/// more than this part should be busy.
const PROCESSORS_OF_UNIT: f64 = 0.25;
const BUSY_PART: f64 = 0.7;
/// The least that an awake Aurora takes.
const UNITS_MIN: f64 = 0.5;
/// A sale warms up and cools down: the database is large for longer than the sale lasts.
const SALE_HOURS_MIN: f64 = 1.0;
/// A message is sent, received, and deleted; receiving alone is batched.
const CALLS_OF_MESSAGE: f64 = 2.5;
/// An empty queue is asked all the time: five pollers a queue, every 20 seconds, five queues.
const EMPTY_RECEIVES_OF_MONTH: f64 = 5.0 * 5.0 * 3.0 * 60.0 * HOURS_OF_MONTH;

/// Memory that comes with a whole processor.
const MB_OF_PROCESSOR: f64 = 1769.0;
/// Aurora counts what it writes of the log in pieces.
const WAL_KB_OF_WRITE: f64 = 4.0;

/// GB-seconds of a function that computes for so long, goes to the database and calls AWS so often, one after the other. It gets
/// as much of a processor as it has memory.
fn gb_seconds(usage: &Usage, cpu_ms: f64, trips: f64, calls: f64, memory_mb: f64) -> f64 {
    let computing = cpu_ms / (memory_mb / MB_OF_PROCESSOR).min(1.0);
    (computing + trips * usage.assumed_trip_ms + calls * usage.assumed_call_ms) / 1e3 * memory_mb / 1024.0
}

/// The bill of a sale, and of an idle month.
pub fn bill(prices: &Prices, usage: &Usage, sale: Sale) -> Vec<Line> {
    let orders = f64::from(sale.tickets);
    let line = |service, sale, month, sleeping_month| Line { service, sale, month, sleeping_month };
    let everywhere = |service, sale, month| line(service, sale, month, month);
    let views = usage.assumed_views_per_order;
    let requests = usage.http_requests + views;
    // An order sends its messages with one call. A file is stored once and read once.
    let http_gb_seconds = gb_seconds(
        usage,
        usage.http_cpu_ms + views * usage.view_cpu_ms,
        usage.http_trips + views * usage.view_trips,
        1.0,
        usage.http_memory_mb,
    );
    let worker_calls = usage.worker_messages + usage.mails + 2.0 * usage.files;
    let worker_gb_seconds =
        gb_seconds(usage, usage.worker_cpu_ms, usage.worker_trips, worker_calls, usage.worker_memory_mb);
    let lambda = orders
        * ((http_gb_seconds + worker_gb_seconds) * prices.lambda_gb_second
            + (requests + usage.worker_messages) / 1e6 * prices.lambda_million_requests);
    let runs: f64 = SCHEDULES.iter().map(|schedule| HOURS_OF_MONTH * 3600.0 / schedule.every.as_secs_f64()).sum();
    let run_gb_seconds = gb_seconds(usage, usage.schedule_cpu_ms, usage.schedule_trips, 0.0, usage.worker_memory_mb);
    let idle_lambda = runs * (run_gb_seconds * prices.lambda_gb_second + prices.lambda_million_requests / 1e6);
    let peak_units =
        f64::from(sale.peak_per_minute) / 60.0 * usage.database_cpu_ms / 1e3 / PROCESSORS_OF_UNIT / BUSY_PART;
    let sale_hours = (orders / f64::from(sale.peak_per_minute.max(1)) / 60.0).max(SALE_HOURS_MIN);
    let database_gb = orders * usage.database_kb / 1e6;
    let database = (peak_units - UNITS_MIN).max(0.0) * sale_hours * prices.aurora_acu_hour
        + orders * usage.wal_kb / WAL_KB_OF_WRITE / 1e6 * prices.aurora_million_io
        + database_gb * prices.aurora_gb_month;
    // The jobs of every minute keep it awake, also without a proxy.
    let awake = UNITS_MIN * HOURS_OF_MONTH * prices.aurora_acu_hour;
    vec![
        line("Lambda", lambda, idle_lambda, 0.0),
        everywhere("API Gateway", orders * requests / 1e6 * prices.api_million_requests, 0.0),
        everywhere(
            "SQS",
            orders * usage.worker_messages * CALLS_OF_MESSAGE / 1e6 * prices.sqs_million_requests,
            EMPTY_RECEIVES_OF_MONTH / 1e6 * prices.sqs_million_requests,
        ),
        line("Scheduler", 0.0, runs / 1e6 * prices.scheduler_million_invocations, 0.0),
        everywhere(
            "SES",
            orders * usage.mails * (prices.ses_thousand_mails / 1e3 + usage.file_kb / 1e6 * prices.ses_gb_attachments),
            0.0,
        ),
        everywhere(
            "S3",
            orders
                * usage.files
                * ((prices.s3_thousand_puts + prices.s3_thousand_gets) / 1e3
                    + usage.file_kb / 1e6 * prices.s3_gb_month),
            0.0,
        ),
        line("Aurora", database, awake, 0.0),
        line("RDS Proxy", 0.0, prices.proxy_month_min, 0.0),
        line("NAT gateway", 0.0, HOURS_OF_MONTH * prices.nat_hour, 0.0),
        everywhere("Endpoints", 0.0, usage.counted_endpoints * HOURS_OF_MONTH * prices.endpoint_hour),
        everywhere(
            "CloudWatch",
            orders * usage.counted_log_kb / 1e6 * prices.logs_gb,
            usage.counted_alarms * prices.alarm_month + prices.dashboard_month,
        ),
        everywhere("Secrets Manager", 0.0, usage.counted_secrets * prices.secret_month),
        everywhere("Traffic", orders * requests * usage.assumed_page_kb / 1e6 * prices.internet_gb, 0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(tickets: u32, peak_per_minute: u32) -> f64 {
        bill(&prices(), &usage(), Sale { tickets, peak_per_minute }).iter().map(|line| line.sale).sum()
    }

    #[test]
    fn more_tickets_and_a_higher_peak_cost_more_and_nothing_is_negative() {
        assert!(total(1_000, 100) < total(10_000, 100) && total(10_000, 100) < total(100_000, 100));
        assert!(total(10_000, 100) <= total(10_000, 10_000));
        assert_eq!(total(0, 0), 0.0);
        for line in bill(&prices(), &usage(), Sale { tickets: 1_000, peak_per_minute: 1 }) {
            assert!(line.sale >= 0.0 && line.month >= line.sleeping_month, "{line:?}");
        }
    }
}
