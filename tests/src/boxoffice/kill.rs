//! Buyers in processes of their own, who buy at one event until it is sold out, while the database, or whoever holds the
//! event's lock, is killed with SIGKILL. Whoever is left, and whoever comes in the place of the dead, asks again with the
//! same keys, as browsers do.

use std::{
    collections::HashMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use local::{pooler::Pooler, postgres::Cluster};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use shop::{
    boxoffice::Outcome,
    config::Config,
    ctx::Ctx,
    id::EventId,
    port::{
        db::{Db, Query as _, p},
        lock::stock_key,
    },
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task::{JoinHandle, JoinSet},
};

use super::crowd::{Crowd, Gig};
use crate::shop::{TestShop, document};

/// Processes, and buyers in each of them, every one with a connection of its own.
const PROCESSES: usize = 8;
const BUYERS: usize = 8;
/// How long a buyer may wait for an outcome, beside the time in which there is no database: the deadline of a request,
/// and a moment for the machine.
const WAIT_MAX: Duration = Duration::from_secs(11);
/// When a sale that does not end is a failure.
const SALE_MAX: Duration = Duration::from_secs(120);

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The database server with all its processes. It is started again at once and recovers; what is not logged is lost.
    Postgres,
    /// The process that holds the event's lock, in the middle of a batch.
    Holder,
}

/// What a kill has cost.
#[derive(Debug, Clone, Copy)]
pub struct Toll {
    /// Orders that buyers had heard of when it happened.
    pub heard_before: usize,
    /// Time without a database.
    pub down: Duration,
    /// The longest time from the first try of a request to its outcome.
    pub longest: Duration,
    /// The time of the whole sale.
    pub sale: Duration,
}

/// Connections of the pooler, if there is one.
const POOL: u32 = 8;

/// A shop on a database of its own that keeps what it has committed.
pub struct House {
    program: PathBuf,
    cluster: Cluster,
    _pooler: Option<Pooler>,
    shop: TestShop,
}

impl House {
    /// Opens it. `program` is the one that serves [`serve`].
    pub async fn open(program: &Path) -> Self {
        Self::open_behind(program, |_| None).await
    }

    /// Opens it behind a pooler in transaction mode, where nobody's connection breaks because the database does. Who
    /// holds a lock cannot be seen there.
    pub async fn open_pooled(program: &Path) -> Self {
        Self::open_behind(program, |url| Some(Pooler::start(url, POOL).unwrap())).await
    }

    async fn open_behind(program: &Path, pooler: impl FnOnce(&str) -> Option<Pooler>) -> Self {
        let cluster = Cluster::start_measured().await.unwrap();
        cluster.create_database("shop").await.unwrap();
        let mut db = Db::connect(&cluster.url("shop"), None).await.unwrap();
        shop::migrate::run(&mut db).await.unwrap();
        let admin = Db::connect(&cluster.admin_url("shop"), None).await.unwrap();
        for number in 0..PROCESSES {
            // The lock's holder is recognised by its role. Timeouts are the role's own business and not inherited.
            let (role, password) = (role(number), password(&cluster));
            admin
                .script(&format!(
                    "create role {role} login password '{password}' in role onsale;
                     alter role {role} set lock_timeout = '10s';
                     alter role {role} set statement_timeout = '30s';
                     alter role {role} set idle_in_transaction_session_timeout = '15s';"
                ))
                .await
                .unwrap();
        }
        let pooler = pooler(&cluster.url("shop"));
        let url = pooler.as_ref().map_or_else(|| cluster.url("shop"), |pooler| pooler.url("shop"));
        let shop = TestShop::on(url, 1).await;
        Self { program: program.to_owned(), cluster, _pooler: pooler, shop }
    }

    /// Sells all places of a new event, with a kill somewhere in between. Panics when something is lost, doubled, sold
    /// twice, or waits for too long.
    pub async fn sell(&self, victim: Victim, places: usize, seed: u64) -> Toll {
        let sale = self.sell_all(victim, places, seed);
        tokio::time::timeout(SALE_MAX, sale).await.expect("the sale comes to its end")
    }

    async fn sell_all(&self, victim: Victim, places: usize, seed: u64) -> Toll {
        let begun = Instant::now();
        let slug = format!("gig-{seed}");
        let mut event = document(i64::try_from(places).unwrap());
        event["event"]["slug"] = json!(slug);
        self.shop.import(&event).await;
        let gig = Gig::named(&self.shop.ctx.db().await.unwrap(), &slug).await;
        let event = gig.event.id;
        let crowd = Arc::new(Crowd::at(gig));
        let mut all: Vec<Buyers> =
            (0..PROCESSES).map(|number| Buyers::start(self, &slug, number, &[1; BUYERS], &crowd)).collect();
        // Not before the sale is going, and not when it is nearly over.
        let share = StdRng::seed_from_u64(seed).random_range(5..60);
        while crowd.orders_heard() * 100 < places * share {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let heard_before = crowd.orders_heard();
        let down = match victim {
            Victim::Postgres => self.kill_postgres(),
            Victim::Holder => {
                let number = self.kill_holder(event, &mut all).await;
                let dead = all.remove(number).ended().await;
                all.insert(number, Buyers::start(self, &slug, number, &dead, &crowd));
                Duration::ZERO
            }
        };
        for buyers in all {
            buyers.succeed().await;
        }
        let told = crowd.tell(&self.shop.ctx.db().await.unwrap()).await;
        assert_eq!((told.heard, told.found), (places, 0), "every place is sold to somebody who knows of it");
        assert!(told.longest < WAIT_MAX + down, "somebody waited for {:?}, {down:?} without a database", told.longest);
        Toll { heard_before, down, longest: told.longest, sale: begun.elapsed() }
    }

    /// Returns how long there was none.
    fn kill_postgres(&self) -> Duration {
        let begun = Instant::now();
        tokio::task::block_in_place(|| {
            self.cluster.kill().unwrap();
            self.cluster.revive().unwrap();
        });
        begun.elapsed()
    }

    /// Kills the process that holds the event's lock. It is stopped first: if it still holds it then, it is in the middle
    /// of a batch.
    async fn kill_holder(&self, event: EventId, all: &mut [Buyers]) -> usize {
        loop {
            let Some(holder) = self.holder(event).await else {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            };
            let buyers = &mut all[holder.0];
            buyers.signal("-STOP").await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            if self.holder(event).await == Some(holder) {
                buyers.child.start_kill().unwrap();
                return holder.0;
            }
            buyers.signal("-CONT").await;
        }
    }

    /// The process that holds the event's lock now, and its connection.
    async fn holder(&self, event: EventId) -> Option<(usize, i32)> {
        let holder = "
            select a.pid, substr(a.usename, 7)::bigint as number
              from pg_locks l join pg_stat_activity a on a.pid = l.pid and a.usename like 'crowd\\_%'
             where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32) | l.objid::bigint = $1";
        let db = self.shop.ctx.db().await.unwrap();
        let row = db.opt(holder, &[p(&stock_key(event))]).await.unwrap()?;
        Some((usize::try_from(row.get::<i64>("number").unwrap()).unwrap(), row.get("pid").unwrap()))
    }
}

fn role(number: usize) -> String {
    format!("crowd_{number}")
}

fn password(cluster: &Cluster) -> String {
    let url = cluster.url("shop");
    let password = url.split_once("onsale:").and_then(|(_, rest)| rest.split_once('@'));
    password.expect("the address of a local database").0.to_owned()
}

/// A process with some buyers.
struct Buyers {
    child: Child,
    /// What each of them is about to buy, as far as is known.
    at: Arc<Vec<AtomicUsize>>,
    listening: JoinHandle<()>,
}

impl Buyers {
    /// Starts a process whose buyers begin with these purchases, and notes what they tell.
    fn start(house: &House, slug: &str, number: usize, first: &[usize], crowd: &Arc<Crowd>) -> Self {
        let list: Vec<String> = first.iter().map(usize::to_string).collect();
        let mut command = Command::new(&house.program);
        command.args(["--buy", slug, "--process", &number.to_string(), "--from", &list.join(",")]);
        let mut variables: HashMap<&str, String> = house.shop.variables().clone();
        variables.entry("DATABASE_URL").and_modify(|url| *url = url.replacen("onsale", &role(number), 1));
        // It ends when its standard input does, so it outlives nobody.
        command.envs(variables).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program can be run");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let at: Arc<Vec<AtomicUsize>> = Arc::new(first.iter().map(|number| AtomicUsize::new(*number)).collect());
        let (crowd, places) = (crowd.clone(), at.clone());
        let listening = tokio::spawn(async move {
            while let Some(line) = lines.next_line().await.unwrap() {
                // The last words of a killed process may be incomplete: then it has not said them.
                let Ok(Told { buyer, purchase, key, heard }) = serde_json::from_str(&line) else { continue };
                places[buyer].store(purchase, Ordering::Relaxed);
                crowd.note(&key, heard);
            }
        });
        Self { child, at, listening }
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it was not waited for").to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
    }

    /// Waits until it has ended in whatever way; returns what its buyers were about to buy.
    async fn ended(mut self) -> Vec<usize> {
        self.child.wait().await.unwrap();
        self.listening.await.unwrap();
        self.at.iter().map(|number| number.load(Ordering::Relaxed)).collect()
    }

    /// Waits until its buyers have nothing left to buy.
    async fn succeed(mut self) {
        // Waiting closes the standard input, which would end the sale.
        let input = self.child.stdin.take();
        let status = self.child.wait().await.unwrap();
        self.listening.await.unwrap();
        drop(input);
        assert!(status.success(), "buyers met a bug: {status}");
    }
}

/// What a process tells on its standard output, a line for each request that is sent and for each outcome.
#[derive(serde::Serialize, serde::Deserialize)]
struct Told {
    buyer: usize,
    purchase: usize,
    key: String,
    heard: Option<Outcome>,
}

/// The life of a process with buyers: number `process`, each of whom begins with one of the purchases `first`. It ends
/// when everything is sold, or soon after its standard input has ended.
pub async fn serve(slug: &str, process: usize, first: &[usize]) {
    let config = Config::from_env().unwrap();
    let ctx = || -> &'static Ctx { Box::leak(Box::new(Ctx::new(config.clone()))) };
    let gig = Gig::named(&ctx().db().await.unwrap(), slug).await;
    let crowd = Arc::new(Crowd::at(gig));
    let mut buyers = JoinSet::new();
    for (buyer, &first) in first.iter().enumerate() {
        let (crowd, ctx) = (crowd.clone(), ctx());
        buyers.spawn(async move {
            let name = format!("{process}.{buyer}");
            let tell = |key: &str, heard: Option<&Outcome>| say(buyer, key, heard);
            crowd.buy(ctx, &name, first, tell).await;
        });
    }
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        crowd.stop();
    });
    buyers.join_all().await;
}

/// Says it in one piece, so that it is said or not said. Nobody may be there to hear it any more.
fn say(buyer: usize, key: &str, heard: Option<&Outcome>) {
    let purchase = key.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).expect("the name of a cart");
    let told: Value = json!(Told { buyer, purchase, key: key.to_owned(), heard: heard.cloned() });
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{told}\n").as_bytes()).and_then(|()| out.flush());
}
