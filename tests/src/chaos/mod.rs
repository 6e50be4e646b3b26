//! What was promised to buyers, while workers are killed and every message comes twice.
//!
//! Orders are made by the shop's own function; some of its sandboxes never reach the queues, as if they died between commit and
//! sending. Workers are processes of their own that take messages from real queues, handle every one twice (half of them
//! twice at once) and are killed with SIGKILL again and again. Their clocks hurry, so that what takes minutes takes
//! seconds. In the end each order must have its ticket, its confirmation and its webhook calls: one of each.

mod crew;
pub mod orders;
pub mod sinks;
pub mod stack;
mod verdict;
pub mod worker;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use local::postgres::Cluster;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use shop::port::db::Query as _;

pub use self::verdict::Verdict;
use self::{crew::Crew, stack::Stack};

/// Whatever went wrong, in words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How much is done, and how much is broken.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many orders.
    pub orders: u64,
    /// How many kills.
    pub kills: u64,
    /// How many worker processes.
    pub workers: u64,
    /// How much faster the clocks go.
    pub hurry: u64,
    /// Seconds until a message that a killed worker had comes to another one.
    pub visibility: u64,
    /// The longest that it may take.
    pub patience: Duration,
    /// Chooses moments and victims.
    pub seed: u64,
    /// The program that `worker` words are for.
    pub program: PathBuf,
}

/// What has happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Orders that were made.
    pub made: u64,
    /// Orders whose confirmation was sent.
    pub confirmed: u64,
    /// Workers that were killed.
    pub kills: u64,
}

/// Runs the plan; tells how far it is from time to time.
pub async fn run(plan: &Plan, tell: impl Fn(Progress)) -> Result<Verdict, Failure> {
    let stack = Stack::start(plan, Cluster::start_ephemeral().await?).await?;
    let begun = Instant::now();
    let making = orders::make(&stack, plan.orders);
    let mut random = StdRng::seed_from_u64(plan.seed);
    // Kills are spread over the work, wherever it is just then.
    let mut moments: Vec<u64> = (0..plan.kills).map(|_| random.random_range(0..plan.orders * 95 / 100)).collect();
    moments.sort_unstable();
    let mut crew = Crew::start(plan, &stack)?;
    let mut kills = 0;
    let finished = loop {
        tokio::time::sleep(Duration::from_millis(random.random_range(20..250))).await;
        let confirmed = stack.confirmed().await?;
        tell(Progress { made: making.made(), confirmed, kills });
        if moments.get(usize::try_from(kills)?).is_some_and(|moment| *moment <= confirmed) {
            crew.kill_one(&mut random).await?;
            kills += 1;
        }
        if making.is_finished() && stack.is_idle().await? {
            break true;
        }
        if begun.elapsed() > plan.patience {
            break false;
        }
    };
    making.end().await?;
    let took = begun.elapsed();
    let deaths = crew.stop().await;
    let mut verdict = verdict::judge(&stack, plan.orders).await?;
    verdict.figures.extend([("seconds".to_owned(), took.as_secs()), ("workers killed".to_owned(), kills)]);
    verdict.expect("all work done in time", u64::from(!finished));
    verdict.expect("kills that were planned and not made", plan.kills - kills);
    verdict.expect("workers that ended by themselves", deaths);
    Ok(verdict)
}

impl Stack {
    async fn confirmed(&self) -> Result<u64, Failure> {
        let sql = "select count(*) as number from mail where kind = 'order_paid' and state = 'sent'";
        Ok(u64::try_from(self.ctx.db().await?.one(sql, &[]).await?.get::<i64>("number")?)?)
    }

    /// Nothing is recorded that is still to be done, and no message is in a queue.
    async fn is_idle(&self) -> Result<bool, Failure> {
        let sql = "select (select count(*) from outbox)
                        + (select count(*) from mail where state not in ('sent', 'failed'))
                        + (select count(*) from webhook_delivery where state in ('queued', 'inflight', 'awaiting_retry'))
                        + (select count(*) from action_log where announced_at is null) as number";
        let open: i64 = self.ctx.db().await?.one(sql, &[]).await?.get("number")?;
        Ok(open == 0 && self.messages("").await? == 0)
    }
}
