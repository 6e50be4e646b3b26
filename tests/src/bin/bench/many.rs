//! `bench many`: many events at once, and what a hot one does to the others.

use std::process::ExitCode;

use crate::{
    Options,
    report::{self, Plan},
    shop::Failure,
};

/// Prints the table.
pub fn measure(options: &Options) -> ExitCode {
    match table(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn table(options: &Options) -> Result<(), Failure> {
    let (events, buyers) = (options.text("events", "50"), options.text("buyers", "256"));
    let one = ["--mode", "boxoffice", "--buyers", buyers, "--events", "1"];
    let many = ["--mode", "boxoffice", "--buyers", buyers, "--events", events];
    // Eight buyers at quiet events, then with a crowd at another event; only their times count.
    let quiet = ["--mode", "boxoffice", "--buyers", "8", "--events", "9", "--hot", "0", "--pool", "4"];
    let beside = ["--mode", "boxoffice", "--buyers", "72", "--events", "9", "--hot", "64", "--pool", "4"];
    let levels = vec![
        ("one event".to_owned(), one.map(str::to_owned).to_vec()),
        (format!("{events} events"), many.map(str::to_owned).to_vec()),
        ("quiet events".to_owned(), quiet.map(str::to_owned).to_vec()),
        ("beside a hot one".to_owned(), beside.map(str::to_owned).to_vec()),
    ];
    let figures = Plan(levels).run(options.number("seconds", 10))?;
    if let [one, many, quiet, beside] = figures.as_slice() {
        println!("\n{events} events sell {:.2} times as much as one", many.per_minute / one.per_minute);
        println!("beside a hot event, p99 of the others is {:.2} times as long", beside.p99_ms / quiet.p99_ms);
    }
    report::save("many", &figures)
}
