//! `bench rehearse URL`: plays the beginning of a sale at a shop that runs somewhere, and says whether it would hold.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tests::rehearsal::{self, Plan, report};

use crate::{Options, shop::Failure};

/// Plays it. Exit code 1 if the sale would not hold, 2 if nothing was played.
pub fn measure(url: &str, options: &Options) -> ExitCode {
    match played(url, options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn played(url: &str, options: &Options) -> Result<bool, Failure> {
    let plan = Plan {
        url: url.to_owned(),
        buyers: usize::try_from(options.number("buyers", 100))?,
        within: Duration::from_secs(options.number("within", 10)),
        patience: Duration::from_secs(options.number("patience", 60).max(1)),
    };
    let bar = ProgressBar::new(plan.buyers as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos} of {len} buyers are done, {elapsed}")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let visits = runtime.block_on(rehearsal::play(&plan, |done| bar.set_position(done as u64)))?;
    bar.finish_and_clear();
    let summary = rehearsal::sum_up(&visits);
    for (end, count) in &summary.ends {
        println!("{count:>8}  {end}");
    }
    println!("{:>8.0}  orders a minute", summary.orders_per_minute);
    for (step, (count, middle, slow)) in &summary.steps {
        println!("{count:>8}  requests \"{step}\": p50 {} ms, p99 {} ms", middle.as_millis(), slow.as_millis());
    }
    println!("{:>8}  times the shop said that it was busy", summary.busy);
    println!("Would my sale hold? {}", report::answer(&summary));
    let file = PathBuf::from(".onsale/bench/rehearsal.html");
    std::fs::create_dir_all(".onsale/bench")?;
    std::fs::write(&file, report::html(&plan, &visits, &summary))?;
    println!("report in {}", file.display());
    Ok(summary.holds)
}
