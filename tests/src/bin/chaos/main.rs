//! Many paid orders through outbox, queues and workers, while workers are killed and every message comes twice. Ends
//! with exit code 1 if a promise was broken.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::{process::ExitCode, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tests::chaos::{self, Failure, Plan, Verdict};

const USAGE: &str = "usage: chaos [--orders 10000] [--kills 50] [--workers 3] [--hurry 10] [--seed 1] [--minutes 60]";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let ended = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // What the program starts itself.
        ["worker", origin, hurry] => match (origin.parse(), hurry.parse()) {
            (Ok(origin), Ok(hurry)) => chaos::worker::serve(origin, hurry).await.map(|()| true),
            _ => Err(USAGE.into()),
        },
        options => match plan(options) {
            Ok(plan) => run(&plan).await,
            Err(error) => Err(error),
        },
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn plan(words: &[&str]) -> Result<Plan, Failure> {
    let program = std::env::current_exe()?;
    let mut plan = Plan {
        orders: 10_000,
        kills: 50,
        workers: 3,
        hurry: 10,
        visibility: 15,
        patience: Duration::from_secs(3600),
        seed: 1,
        program,
    };
    for pair in words.chunks(2) {
        let [name, value] = pair else { return Err(USAGE.into()) };
        let value: u64 = value.parse().map_err(|_| format!("{value} is no number\n{USAGE}"))?;
        match *name {
            "--orders" => plan.orders = value.max(1),
            "--kills" => plan.kills = value,
            "--workers" => plan.workers = value.max(1),
            "--hurry" => plan.hurry = value.max(1),
            "--seed" => plan.seed = value,
            "--minutes" => plan.patience = Duration::from_secs(value * 60),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(plan)
}

async fn run(plan: &Plan) -> Result<bool, Failure> {
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} confirmed {elapsed} {msg}").expect("a valid template");
    let bar = ProgressBar::new(plan.orders).with_style(style);
    let verdict = chaos::run(plan, |progress| {
        bar.set_position(progress.confirmed);
        bar.set_message(format!("{} orders made, {} workers killed", progress.made, progress.kills));
    })
    .await?;
    bar.finish_and_clear();
    print(&verdict);
    Ok(verdict.is_kept())
}

fn print(verdict: &Verdict) {
    for (what, count) in &verdict.figures {
        println!("{count:>8}  {what}");
    }
    println!();
    for (promise, broken) in &verdict.promises {
        let mark = if *broken == 0 { "kept".to_owned() } else { format!("BROKEN {broken} times") };
        println!("{mark:>8}  {promise}");
    }
}
