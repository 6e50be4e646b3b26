//! Measurements. Each prints a table and says how to read it; ratios come from one run on one machine.
//!
//! - `start`: size of every function's binary, and time of a new process until it asks for its first event.
//! - `sale`: orders a minute on one event, by mode and number of buyers.
//! - `growth`: the cost of an order in events that have sold a lot already.
//! - `many`: fifty events at once.
//! - `api`: how long programs wait beside many orders, and how many orders they create.
//! - `rehearse`: the beginning of a sale at a shop that runs somewhere, in test mode.
//! - `usage`: what an order uses, for the cost model; writes `local/data/usage.json`.
//! - `workers`: messages a second of each worker, a large export, and a sale beside others outside that are slow.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]
#![expect(clippy::float_arithmetic, reason = "figures for people")]

mod api;
mod beside;
mod buyer;
mod growth;
mod level;
mod many;
mod meter;
mod modes;
mod rehearse;
mod report;
mod sale;
mod shop;
mod slow_link;
mod start;
mod usage;
mod workers;

use std::process::ExitCode;

const USAGE: &str = "usage: bench start
       bench sale [--seconds N] [--buyers 1,16,64,256,1000] [--modes naive,boxoffice,handlers,http,alone,raw] [--delay 0,0.5,2]
       bench growth [--seconds N] [--orders 1000,100000,1000000]
       bench many [--seconds N] [--events 50]
       bench api [--orders 100000] [--calls 200] [--clients 1,16,64] [--seconds N]
       bench rehearse URL [--buyers 100] [--within SECONDS] [--patience SECONDS]
       bench usage [--orders 200]
       bench workers [--orders 2000] [--rows 100000] [--seconds 15] [--parts messages,export,beside]";

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // The one that has an address.
    let address = (words.len() > 1 && words[0] == "rehearse").then(|| words.remove(1));
    let options = match Options::read(&words) {
        Ok(options) => options,
        Err(mistake) => {
            eprintln!("{mistake}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match words.first().map(String::as_str) {
        Some("start") => start::measure(),
        Some("sale") => sale::measure(&options),
        Some("growth") => growth::measure(&options),
        Some("many") => many::measure(&options),
        Some("api") => api::measure(&options),
        Some("rehearse") if address.is_some() => rehearse::measure(&address.unwrap_or_default(), &options),
        Some("workers") => workers::measure(&options),
        Some("usage") => usage::measure(&options),
        Some("export") => workers::export_alone(&options),
        // What the others start for each line of their tables, so that it has a process and a database of its own.
        Some("level") => level::run(&options),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// `--name value` pairs.
struct Options(Vec<(String, String)>);

impl Options {
    fn read(words: &[String]) -> Result<Self, String> {
        let pairs = words.iter().skip(1).collect::<Vec<_>>();
        let read = |pair: &[&String]| match pair {
            [name, value] if name.starts_with("--") => Ok((name[2..].to_owned(), (*value).clone())),
            other => Err(format!("not an option with a value: {other:?}")),
        };
        pairs.chunks(2).map(read).collect::<Result<_, _>>().map(Self)
    }

    fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.0.iter().rev().find(|(key, _)| key == name).map_or(default, |(_, value)| value)
    }

    fn list<'a>(&'a self, name: &str, default: &'a str) -> Vec<&'a str> {
        self.text(name, default).split(',').filter(|word| !word.is_empty()).collect()
    }

    fn number(&self, name: &str, default: u64) -> u64 {
        self.text(name, "").parse().unwrap_or(default)
    }
}
