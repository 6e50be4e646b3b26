//! `bench sale`: orders a minute on one event.

use std::process::ExitCode;

use crate::{Options, meter::Figures, report, report::Plan, shop::Failure};

/// Prints the table.
pub fn measure(options: &Options) -> ExitCode {
    match tables(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn tables(options: &Options) -> Result<(), Failure> {
    let mut levels = Vec::new();
    for delay in options.list("delay", "0") {
        for mode in options.list("modes", "raw,alone,naive,boxoffice,handlers,http") {
            // One connection is all that these two have.
            let crowds =
                if matches!(mode, "raw" | "alone") { vec!["1"] } else { options.list("buyers", "1,16,64,256,1000") };
            for buyers in crowds {
                let words = ["--mode", mode, "--buyers", buyers, "--delay-us", &micros(delay)?];
                levels.push((format!("{mode}, {buyers} buyers"), words.map(str::to_owned).to_vec()));
            }
        }
    }
    let figures = Plan(levels).run(options.number("seconds", 8))?;
    ratios(&figures);
    report::save("sale", &figures)
}

fn micros(milliseconds: &str) -> Result<String, Failure> {
    let (whole, part) = milliseconds.split_once('.').unwrap_or((milliseconds, ""));
    let micros: u64 = format!("{whole}{part:0<3}").parse().map_err(|_| format!("{milliseconds} is not a time"))?;
    Ok(micros.to_string())
}

/// What the figures mean to each other.
fn ratios(figures: &[Figures]) {
    let rate = |mode: &str, it: &Figures| {
        let same = |other: &&Figures| other.mode == mode && other.delay_ms.total_cmp(&it.delay_ms).is_eq();
        figures.iter().filter(same).map(|other| other.per_minute).fold(0.0, f64::max)
    };
    println!();
    for it in figures {
        let naive = rate("naive", it);
        if matches!(it.mode.as_str(), "boxoffice" | "handlers" | "http") && naive > 0.0 {
            let (times, mode) = (it.per_minute / naive, &it.mode);
            println!("{mode} at {} buyers, {} ms away: {times:.1} times the best naive rate", it.buyers, it.delay_ms);
        }
        if it.commit_p99_ms > 0.0 {
            println!(
                "{}, alone: a cart add takes {:.1} ms (p99 {:.1} ms), a bare commit {:.1} ms (p99 {:.1} ms): {:.1} commits (p99 {:.1})",
                it.mode,
                it.add_p50_ms,
                it.add_p99_ms,
                it.commit_p50_ms,
                it.commit_p99_ms,
                it.add_p50_ms / it.commit_p50_ms,
                it.add_p99_ms / it.commit_p99_ms
            );
        }
        let raw = rate("raw", it);
        if it.mode == "alone" && raw > 0.0 {
            println!("the box office alone: {:.0} % of raw inserts", it.per_minute * 100.0 / raw);
        }
    }
}
