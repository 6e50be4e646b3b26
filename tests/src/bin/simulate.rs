//! Random histories of an event, with faults between any two steps, until a rule breaks or all seeds are through. Also
//! days on a real database under fire, and sales with a SIGKILL in the middle.
//! `cargo run --release -p tests --bin simulate -- --seeds 1000`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use indicatif::{ProgressBar, ProgressStyle};
use tests::{
    boxoffice::{
        fire::{self, Damage},
        kill::{self, House, Toll, Victim},
        simulate::{Broken, History, STEPS, Tally, keep_panics_quiet},
    },
    shop::TestShop,
};

const USAGE: &str = "usage: simulate [--seeds N] [--first SEED] [--steps N]
       simulate --seed SEED [--steps N | --only STEP,STEP,…]
       simulate --database [--seeds N] [--first SEED]
       simulate --kill postgres|holder|pooled [--times N] [--first SEED]";

/// What is asked for.
struct Wanted {
    first: u64,
    seeds: u64,
    steps: u64,
    only: Option<Vec<u64>>,
    mode: Mode,
}

/// Who is killed, and whether there is a pooler.
struct Kill {
    name: String,
    victim: Victim,
    pooled: bool,
}

impl Kill {
    fn parse(name: String) -> Option<Self> {
        let (victim, pooled) = match name.as_str() {
            "postgres" => (Victim::Postgres, false),
            "pooled" => (Victim::Postgres, true),
            "holder" => (Victim::Holder, false),
            _ => return None,
        };
        Some(Self { name, victim, pooled })
    }
}

enum Mode {
    Memory,
    Database,
    Kill(Kill),
    /// Buyers in a process that may be killed: what `--kill` starts.
    Buy {
        slug: String,
        process: usize,
        purchases: Vec<usize>,
    },
}

fn main() -> ExitCode {
    let Some(wanted) = read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match &wanted.mode {
        Mode::Memory => {}
        Mode::Database => return under_fire(&wanted),
        Mode::Kill(kill) => return with_kills(&wanted, kill),
        Mode::Buy { slug, process, purchases } => {
            runtime().block_on(kill::serve(slug, *process, purchases));
            return ExitCode::SUCCESS;
        }
    }
    // A broken rule is a panic; it is told once, with its shortest history.
    keep_panics_quiet();
    if let Some(steps) = wanted.only {
        return tell(&History { seed: wanted.first, steps });
    }
    in_memory(&wanted)
}

fn read(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted { first: 0, seeds: 1_000, steps: STEPS, only: None, mode: Mode::Memory };
    while let Some(word) = words.next() {
        if word == "--database" {
            wanted.mode = Mode::Database;
            continue;
        }
        let value = words.next()?;
        match word.as_str() {
            "--kill" => (wanted.mode, wanted.seeds) = (Mode::Kill(Kill::parse(value)?), 20),
            "--times" => wanted.seeds = value.parse().ok()?,
            "--buy" => wanted.mode = Mode::Buy { slug: value, process: 0, purchases: Vec::new() },
            "--process" | "--from" => {
                let Mode::Buy { process, purchases, .. } = &mut wanted.mode else { return None };
                match word.as_str() {
                    "--process" => *process = value.parse().ok()?,
                    _ => *purchases = value.split(',').map(|it| it.parse().ok()).collect::<Option<_>>()?,
                }
            }
            "--seeds" => wanted.seeds = value.parse().ok()?,
            "--first" => wanted.first = value.parse().ok()?,
            "--steps" => wanted.steps = value.parse().ok()?,
            "--seed" => (wanted.first, wanted.seeds) = (value.parse().ok()?, 1),
            "--only" => wanted.only = Some(value.split(',').map(|step| step.parse().ok()).collect::<Option<_>>()?),
            _ => return None,
        }
    }
    Some(wanted)
}

/// Goes through all seeds on all processors. The first failure ends it.
fn in_memory(wanted: &Wanted) -> ExitCode {
    let begun = Instant::now();
    let bar = bar(wanted.seeds);
    let (next, failed, total) = (AtomicU64::new(0), Mutex::new(None), Mutex::new(Tally::default()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= wanted.seeds || failed.lock().expect("nobody panics with it").is_some() {
                return;
            }
            let history = History::new(wanted.first + number, wanted.steps);
            match history.run() {
                Ok(tally) => total.lock().expect("nobody panics with it").add(tally),
                Err(_) => *failed.lock().expect("nobody panics with it") = Some(history),
            }
            bar.inc(1);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    bar.finish_and_clear();
    if let Some(history) = failed.into_inner().expect("nobody panics with it") {
        eprintln!("seed {} breaks a rule; looking for its shortest history …", history.seed);
        return tell(&history.shrink());
    }
    let Tally { steps, served, orders, repeated, lost } = total.into_inner().expect("nobody panics with it");
    println!("{steps} steps over {} seeds in {:.1?}, no rule was broken", wanted.seeds, begun.elapsed());
    println!("{served} requests served, {orders} orders placed, {repeated} repetitions, {lost} batches lost");
    ExitCode::SUCCESS
}

/// The days of all seeds, one after the other, in one shop on a real database. The first failure ends it.
fn under_fire(wanted: &Wanted) -> ExitCode {
    let begun = Instant::now();
    let bar = bar(wanted.seeds);
    let runtime = runtime();
    let mut total = Damage::default();
    let shop = runtime.block_on(TestShop::empty());
    for seed in wanted.first..wanted.first + wanted.seeds {
        let day = std::panic::AssertUnwindSafe(|| runtime.block_on(fire::day(&shop, seed)));
        match std::panic::catch_unwind(day) {
            Ok(damage) => total.add(damage),
            Err(_) => {
                bar.abandon();
                // The panic has said what was broken. Threads meet each other differently the next time.
                eprintln!("the day of seed {seed} broke a rule; again, as often as it takes:");
                eprintln!("cargo run --release -p tests --bin simulate -- --database --first {seed} --seeds 20");
                return ExitCode::FAILURE;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let Damage { requests, orders, faults, errors, found, refused } = total;
    println!("{} days on a database in {:.1?}, no rule was broken", wanted.seeds, begun.elapsed());
    println!("{requests} requests, {orders} orders, {faults} faults made, {errors} answers lost");
    println!(
        "{found} outcomes were recorded that nobody had heard of, {refused} buyers were told that nothing happened"
    );
    ExitCode::SUCCESS
}

/// Places of each event that is sold with a kill in between.
const PLACES: usize = 2_000;

/// Sells one event after the other, each with a kill in the middle. The first failure ends it.
fn with_kills(wanted: &Wanted, kill: &Kill) -> ExitCode {
    let begun = Instant::now();
    let (bar, runtime) = (bar(wanted.seeds), runtime());
    let program = std::env::current_exe().expect("this program is a file");
    let house = async { if kill.pooled { House::open_pooled(&program).await } else { House::open(&program).await } };
    let house = runtime.block_on(house);
    let mut rows = Vec::new();
    for seed in wanted.first..wanted.first + wanted.seeds {
        let sale = std::panic::AssertUnwindSafe(|| runtime.block_on(house.sell(kill.victim, PLACES, seed)));
        match std::panic::catch_unwind(sale) {
            Ok(toll) => rows.push((seed, toll)),
            Err(_) => {
                bar.abandon();
                table(&rows);
                eprintln!("the sale of seed {seed} broke a rule; again, as often as it takes:");
                let name = &kill.name;
                eprintln!("cargo run --release -p tests --bin simulate -- --kill {name} --first {seed} --times 20");
                return ExitCode::FAILURE;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    table(&rows);
    let longest = rows.iter().map(|(_, toll)| toll.longest).max().unwrap_or_default();
    println!(
        "{} kills in {:.0?}: every place was sold once, no order is lost, the longest wait was {longest:.2?}",
        rows.len(),
        begun.elapsed()
    );
    ExitCode::SUCCESS
}

fn table(rows: &[(u64, Toll)]) {
    println!(
        "{:>6} {:>7} {:>14} {:>10} {:>14} {:>8}",
        "seed", "places", "sold at kill", "down", "longest wait", "sale"
    );
    for (seed, Toll { heard_before, down, longest, sale }) in rows {
        println!("{seed:>6} {PLACES:>7} {heard_before:>14} {down:>10.2?} {longest:>14.2?} {sale:>8.1?}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started")
}

/// Goes through one history and tells it.
fn tell(history: &History) -> ExitCode {
    match history.run() {
        Ok(tally) => {
            println!("no rule was broken: {tally:?}");
            ExitCode::SUCCESS
        }
        Err(Broken { rule, story }) => {
            println!("{}\n\n{rule}\n\nagain:", story.join("\n"));
            let steps: Vec<String> = history.steps.iter().map(u64::to_string).collect();
            println!(
                "cargo run --release -p tests --bin simulate -- --seed {} --only {}",
                history.seed,
                steps.join(",")
            );
            ExitCode::FAILURE
        }
    }
}

fn bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {eta} left").expect("a valid template");
    ProgressBar::new(length).with_style(style)
}
