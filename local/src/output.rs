//! What the program says: results on standard output, progress and errors on standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use local::{
    cost::{self, Line, Sale},
    mailbox,
    queues::Depth,
    stack::Stack,
};
use shop::{
    boxoffice::{Uses, audit::QuotaLedger},
    job,
    time::Timestamp,
};

/// How the program is used.
pub const USAGE: &str = "\
The shop on this machine: Postgres, S3, SQS and all functions in one process.

  cargo run -p local                       start everything; Ctrl-C stops it
  cargo run -p local -- --port 8080        … on another port than 8000
  cargo run -p local -- --address 0.0.0.0  … for others in the network too
  cargo run -p local -- --without-workers  serve HTTP only; messages wait in the outbox
  cargo run -p local -- migrate            only apply migrations
  cargo run -p local -- import FILE.json   import an event, also while the stack runs
  cargo run -p local -- queues             show the queues of the running stack; Ctrl-C ends it
  cargo run -p local -- jobs               show when each periodic job ran last
  cargo run -p local -- quotas ORG/EVENT   show where the places of an event are
  cargo run -p local -- redrive QUEUE      give the dead letters of a queue back to its worker
  cargo run -p local -- cost --tickets 10000 --peak 600
                                           what that sale would cost on AWS
  cargo run -p local -- reset              remove all data
  cargo run -p local -- help               this text

Data is kept in .onsale/, or in the folder ONSALE_DATA. To use other services set DATABASE_URL, AWS_ENDPOINT_URL (with
AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or MAIL_URL (smtp://host). RUST_LOG=info shows more.";

/// A line that turns while a step runs; plain lines when nobody watches.
pub struct Steps(Option<ProgressBar>);

impl Steps {
    /// Nothing is shown yet.
    pub fn begin() -> Self {
        Self(std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("a constant template");
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        }))
    }

    /// The next step has begun.
    pub fn step(&self, what: &str) {
        match &self.0 {
            Some(bar) => bar.set_message(what.to_owned()),
            None => eprintln!("{what} …"),
        }
    }

    /// No step is left.
    pub fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The table of queues, drawn over itself when somebody watches.
pub struct Table {
    live: bool,
    lines: usize,
}

impl Table {
    /// Nothing is shown yet.
    pub fn begin() -> Self {
        Self { live: std::io::stdout().is_terminal(), lines: 0 }
    }

    /// Whether it is to be drawn again.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Shows the queues as they are.
    pub fn show(&mut self, depths: &[Depth], now: Timestamp) {
        if self.live && self.lines > 0 {
            // Up to the first line of the last table, and clear from there.
            print!("\u{1b}[{}A\u{1b}[J", self.lines);
        }
        println!(
            "{:<14}{:>9}{:>9}{:>7}{:>6}{:>11}{:>8}{:>10}",
            "queue", "waiting", "in hand", "later", "dead", "unhandled", "resent", "oldest"
        );
        for depth in depths {
            let (count, resent, age) = match depth.open {
                Some(open) => (open.count, open.resent, format!("{} s", open.oldest.seconds_until(now))),
                None => (0, 0, "-".to_owned()),
            };
            let (name, waiting, in_hand) = (depth.queue.name(), depth.waiting, depth.in_flight);
            println!(
                "{name:<14}{waiting:>9}{in_hand:>9}{:>7}{:>6}{count:>11}{resent:>8}{age:>10}",
                depth.delayed, depth.dead
            );
        }
        self.lines = depths.len() + 1;
    }
}

/// When jobs ran last, and why the last run failed, if it did.
pub fn jobs(runs: &[job::Last], now: Timestamp) {
    println!("{:<20}{:>8}{:>14}{:>14}  state", "job", "runs", "begun", "worked");
    for last in runs {
        let ago = |moment: Timestamp| format!("{} s ago", moment.seconds_until(now));
        let state = match (&last.last_error, last.busy_until) {
            (_, Some(until)) if until > now => "at work".to_owned(),
            (_, Some(_)) => "died".to_owned(),
            (Some(error), None) => format!("failed: {error}"),
            (None, None) => "done".to_owned(),
        };
        let worked = last.succeeded_at.map_or("never".to_owned(), ago);
        println!("{:<20}{:>8}{:>14}{worked:>14}  {state}", last.job, last.runs, ago(last.started_at));
    }
}

/// Where places are. What the counters say otherwise stands below its quota.
pub fn quotas(ledger: &[QuotaLedger]) {
    let row = |name: &str, size: &str, uses: &Uses, free: &str| {
        let Uses { paid, pending, vouchers, carts, waiting } = uses;
        println!("{name:<24}{size:>9}{paid:>9}{pending:>9}{vouchers:>10}{carts:>8}{waiting:>9}{free:>9}");
    };
    println!(
        "{:<24}{:>9}{:>9}{:>9}{:>10}{:>8}{:>9}{:>9}",
        "quota", "size", "paid", "pending", "vouchers", "carts", "waiting", "free"
    );
    let number = |places: Option<i64>| places.map_or("no limit".to_owned(), |places| places.to_string());
    for quota in ledger {
        row(&quota.name, &number(quota.size), &quota.counted, &number(quota.free));
        if quota.has_drifted() {
            row("  DIFFERS: counters say", "", &quota.counters, "");
        }
    }
}

/// A result.
pub fn say(text: &str) {
    println!("{text}");
}

/// A failure, with what to do about it.
pub fn fail(text: &str) {
    eprintln!("Error: {text}");
}

/// Where to go now.
pub fn addresses(stack: &Stack) {
    let shop = &stack.config.public_url;
    println!();
    match &stack.demo {
        Some(demo) => {
            println!("  Demo shop  {shop}{}", demo.shop_path);
            println!("  API        {shop}/api/v1/   Authorization: Token {}", demo.api_token);
        }
        None => println!("  Shop       {shop}/"),
    }
    if stack.mailbox.is_some() {
        println!("  Mailbox    {shop}{}", mailbox::PATH);
    }
    println!("  Database   {}", stack.database_url);
    println!("\nCtrl-C stops.");
}

/// The bill of a sale and of an idle month.
#[expect(clippy::float_arithmetic, reason = "dollars for people")]
pub fn cost(sale: Sale) {
    let (prices, usage) = (cost::prices(), cost::usage());
    let lines = cost::bill(&prices, &usage, sale);
    let thousands = (f64::from(sale.tickets) / 1000.0).max(0.001);
    let row = |name: &str, line: &Line| {
        let Line { sale, month, sleeping_month, .. } = line;
        println!("{name:<18}{sale:>12.2}{:>16.2}{month:>14.2}{sleeping_month:>16.2}", sale / thousands);
    };
    println!("Dollars, by prices of {} ({}); usage {}.\n", prices.region, prices.as_of, usage.measured);
    println!("{:<18}{:>12}{:>16}{:>14}{:>16}", "", "this sale", "1,000 tickets", "idle month", "asleep, month");
    lines.iter().for_each(|line| row(line.service, line));
    let sum = |field: fn(&Line) -> f64| lines.iter().map(field).sum();
    let total = Line {
        service: "all",
        sale: sum(|line| line.sale),
        month: sum(|line| line.month),
        sleeping_month: sum(|line| line.sleeping_month),
    };
    row("all", &total);
}
