//! One line of a table: a fresh shop, so many buyers, so many seconds. Runs in a process of its own.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    Options, beside, buyer, growth,
    meter::{self, Figures, Times},
    modes::{self, Mode, Seller},
    shop::{Failure, Shop},
};

/// Measures a level and prints its figures as a line of JSON.
pub fn run(options: &Options) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let figures = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(measure(options)));
    match figures.and_then(|figures| Ok(serde_json::to_string(&figures)?)) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<Figures, Failure> {
    let mode = Mode::parse(options.text("mode", "handlers"))?;
    let (buyers, events) = (options.number("buyers", 1), options.number("events", 1));
    let delay_us = options.number("delay-us", 0);
    let pool = u32::try_from(options.number("pool", pool_for(buyers)))?;
    let delay = Duration::from_micros(delay_us);
    let outside = beside::outside(options.text("beside", "nobody")).await?;
    let shop = Shop::open(events, delay, pool, outside.as_ref()).await?;
    let workers = outside.map(|_| beside::Workers::start(&shop));
    growth::fill(&shop, options.number("filled", 0)).await?;
    let time = Duration::from_secs(options.number("seconds", 8));
    let mut figures = match mode {
        Mode::Alone => modes::alone(&shop, time).await?,
        Mode::Raw => modes::raw(&shop, time).await?,
        Mode::Sold(seller) => {
            let hot = options.number("hot", 0);
            crowd(&shop, seller, Crowd { buyers, events, hot }, time).await?
        }
    };
    drop(workers);
    options.text("mode", "handlers").clone_into(&mut figures.mode);
    figures.buyers = buyers;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    {
        figures.delay_ms = delay_us as f64 / 1000.0;
    }
    Ok(figures)
}

/// How long what a buyer has done took.
#[derive(Default)]
struct Bought {
    purchases: Vec<Duration>,
    adds: Vec<Duration>,
    /// Bare commits; only of a buyer who is alone.
    commits: Vec<Duration>,
}

/// A crowd has a pooler in front of the database, as it is deployed: more connections than about two for each core do not
/// work faster.
fn pool_for(buyers: u64) -> u64 {
    if buyers < 64 { 0 } else { 4 }
}

/// Who buys what.
#[derive(Clone, Copy)]
struct Crowd {
    buyers: u64,
    events: u64,
    /// So many of them are at the first event, and their times are not counted; the others are at the other events.
    hot: u64,
}

impl Crowd {
    fn event_of(self, buyer: u64) -> u64 {
        match self.hot {
            0 => buyer % self.events,
            hot if buyer < hot => 0,
            hot => 1 + (buyer - hot) % (self.events - 1),
        }
    }
}

/// Buyers who buy one seat after the other, each as somebody new, spread over the events.
async fn crowd(shop: &Shop, seller: Seller, crowd: Crowd, time: Duration) -> Result<Figures, Failure> {
    let buyers = crowd.buyers;
    let (stop, busy) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let start = Arc::new(Barrier::new(usize::try_from(buyers)? + 1));
    let gateway = modes::gateway(shop, seller, buyers)?;
    let mut all: JoinSet<Result<Bought, Failure>> = JoinSet::new();
    for number in 0..buyers {
        let on_sale = shop.on_sale(crowd.event_of(number)).await?;
        let mut buyer = modes::Buyer::enter(shop, seller, gateway.as_ref(), on_sale).await?;
        let (stop, busy, start) = (stop.clone(), busy.clone(), start.clone());
        all.spawn(async move {
            // The first purchase opens connections and fills memories.
            let first = buyer.buy().await;
            start.wait().await;
            first?;
            let mut bought = Bought::default();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                match buyer.buy().await? {
                    buyer::Bought::Order { .. } if number < crowd.hot => {}
                    buyer::Bought::Order { added } => {
                        bought.purchases.push(began.elapsed());
                        bought.adds.push(added);
                    }
                    buyer::Bought::Busy => {
                        busy.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
                if buyers == 1 {
                    // In turns, so that both have met the same moments of the disk.
                    bought.commits.push(buyer.commit().await?);
                }
            }
            Ok(bought)
        });
    }
    start.wait().await;
    let before = meter::read(shop).await?;
    tokio::time::sleep(time).await;
    let after = meter::read(shop).await?;
    stop.store(true, Ordering::Relaxed);
    let (mut times, mut adds, mut commits) = (Times::default(), Times::default(), Times::default());
    while let Some(bought) = all.join_next().await {
        let bought = bought??;
        times.0.extend(bought.purchases);
        adds.0.extend(bought.adds);
        commits.0.extend(bought.commits);
    }
    modes::check(shop).await?;
    Ok(Figures {
        busy: busy.load(Ordering::Relaxed),
        add_p50_ms: adds.quantile_ms(0.5),
        add_p99_ms: adds.quantile_ms(0.99),
        commit_p50_ms: commits.quantile_ms(0.5),
        commit_p99_ms: commits.quantile_ms(0.99),
        ..meter::between(&before, &after, times)
    })
}
