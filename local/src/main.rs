//! `cargo run -p local`: the whole shop on this machine.

mod output;

use std::{net::Ipv4Addr, path::PathBuf, process::ExitCode, time::Duration};

use local::{
    cost::Sale,
    data::{DataError, DataFolder},
    environment, queues,
    stack::{Database, Options, Stack, StackError, VARIABLES},
};
use output::Steps;
use shop::{
    boxoffice::audit,
    event, job,
    port::{
        clock::Clock,
        db::Db,
        queue::{Queue, Queues},
    },
    time::Timestamp,
};
use tokio::signal::unix::{SignalKind, signal};

/// The port that the documentation names.
const PORT: u16 = 8000;

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Run { address: Ipv4Addr, port: u16, workers: bool },
    Migrate,
    Import(PathBuf),
    Queues,
    Jobs,
    Quotas { organizer: String, event: String },
    Redrive(Queue),
    Cost(Sale),
    Reset,
    Help,
}

fn parse(arguments: &[String]) -> Result<Command, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["migrate"] => Ok(Command::Migrate),
        ["import", file] => Ok(Command::Import(file.into())),
        ["queues"] => Ok(Command::Queues),
        ["jobs"] => Ok(Command::Jobs),
        ["quotas", event] => event
            .split_once('/')
            .map(|(organizer, event)| Command::Quotas { organizer: organizer.to_owned(), event: event.to_owned() })
            .ok_or_else(|| format!("`{event}` is no event: it is written as ORGANIZER/EVENT.")),
        ["redrive", name] => {
            let names = || Queue::ALL.map(Queue::name).join(", ");
            Queue::parse(name)
                .map(Command::Redrive)
                .ok_or_else(|| format!("`{name}` is no queue; there are {}.", names()))
        }
        ["cost", "--tickets", tickets, "--peak", peak] => {
            let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number."));
            Ok(Command::Cost(Sale { tickets: number(tickets)?, peak_per_minute: number(peak)? }))
        }
        ["cost", ..] => Err("It is written `cost --tickets NUMBER --peak ORDERS_IN_THE_BUSIEST_MINUTE`.".to_owned()),
        ["reset"] => Ok(Command::Reset),
        ["help" | "--help" | "-h"] => Ok(Command::Help),
        options => parse_run(options),
    }
}

fn parse_run(mut words: &[&str]) -> Result<Command, String> {
    let (mut address, mut port, mut workers) = (Ipv4Addr::LOCALHOST, PORT, true);
    loop {
        words = match words {
            [] => return Ok(Command::Run { address, port, workers }),
            ["--port", number, rest @ ..] => {
                port = number.parse().map_err(|_| format!("`{number}` is no port number."))?;
                rest
            }
            ["--address", text, rest @ ..] => {
                address =
                    text.parse().map_err(|_| format!("`{text}` is no address of this machine, such as 0.0.0.0."))?;
                rest
            }
            ["--without-workers", rest @ ..] => {
                workers = false;
                rest
            }
            other => return Err(format!("`{}` is not understood.", other.join(" "))),
        };
    }
}

fn options() -> Options {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../.onsale");
    let data_dir = environment::variable("ONSALE_DATA").unwrap_or_else(|| workspace.to_owned());
    let set = VARIABLES.iter().filter_map(|name| Some((*name, environment::variable(name)?)));
    Options { environment: set.collect(), port: PORT, ..Options::new(data_dir) }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = match parse(&arguments) {
        Ok(command) => command,
        Err(why) => {
            output::fail(&format!("{why}\n\n{}", output::USAGE));
            return ExitCode::from(2);
        }
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| "warn,rustack_sqs_core=error".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            output::fail(&why);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Run { address, port, workers } => serve(Options { address, port, workers, ..options() }).await,
        Command::Migrate => migrate(&options()).await,
        Command::Import(file) => import(&options(), &file).await,
        Command::Queues => queues(&options()).await,
        Command::Jobs => jobs(&options()).await,
        Command::Quotas { organizer, event } => quotas(&options(), &organizer, &event).await,
        Command::Redrive(queue) => redrive(&options(), queue).await,
        Command::Cost(sale) => {
            output::cost(sale);
            Ok(())
        }
        Command::Reset => {
            let folder = DataFolder::take(&options().data_dir).map_err(text)?;
            let path = folder.root().display().to_string();
            folder.clear().map_err(text)?;
            output::say(&format!("{path} is removed."));
            Ok(())
        }
        Command::Help => {
            output::say(output::USAGE);
            Ok(())
        }
    }
}

async fn serve(options: Options) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(text)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(text)?;
    let steps = Steps::begin();
    let progress = |what: &str| steps.step(what);
    // A signal while starting drops what has been started, which stops it.
    let started = tokio::select! {
        started = Stack::start(options, &progress) => Some(started),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    steps.end();
    let Some(started) = started else { return Ok(()) };
    let stack = started.map_err(text)?;
    output::addresses(&stack);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    output::say("Stopping …");
    stack.stop().await;
    Ok(())
}

async fn migrate(options: &Options) -> Result<(), String> {
    let steps = Steps::begin();
    let progress = |what: &str| steps.step(what);
    let outcome = async { Database::start(options, &progress).await?.migrate(&progress).await }.await;
    steps.end();
    let applied = outcome.map_err(text)?;
    output::say(&match applied.len() {
        0 => "Nothing to apply.".to_owned(),
        _ => format!("Applied: {}.", applied.join(", ")),
    });
    Ok(())
}

async fn import(options: &Options, file: &std::path::Path) -> Result<(), String> {
    let json = std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}.", file.display()))?;
    let mut document =
        serde_json::from_slice(&json).map_err(|error| format!("{} is no JSON: {error}.", file.display()))?;
    let (url, _database) = database(options).await?;
    let now: Timestamp = Clock::default().now();
    local::demo::expand(&mut document, now, &jiff::tz::TimeZone::UTC);
    let mut db = Db::connect(&url, None).await.map_err(text)?;
    let tx = db.begin().await.map_err(text)?;
    let imported = local::seed::import(&tx, &document, now).await;
    let imported = tx.finish(imported).await.map_err(text)?;
    output::say(&format!("Imported the event `{}`.", imported.slug));
    Ok(())
}

/// The address of the database: that of the running stack, else of one that is started for this and lives as long as
/// what comes with it.
async fn database(options: &Options) -> Result<(String, Option<Database>), String> {
    let steps = Steps::begin();
    let progress = |what: &str| steps.step(what);
    let found = match Database::start(options, &progress).await {
        Ok(database) => {
            database.migrate(&progress).await.map_err(text)?;
            (database.url.clone(), Some(database))
        }
        Err(StackError::Data(DataError::InUse { database_url, .. })) if !database_url.is_empty() => {
            (database_url, None)
        }
        Err(other) => return Err(other.to_string()),
    };
    steps.end();
    Ok(found)
}

/// Shows where the places of an event are.
async fn quotas(options: &Options, organizer: &str, slug: &str) -> Result<(), String> {
    let (url, _database) = database(options).await?;
    let db = Db::connect(&url, None).await.map_err(text)?;
    let event = event::find(&db, organizer, slug).await.map_err(text)?;
    let event = event.ok_or_else(|| format!("There is no event `{organizer}/{slug}`."))?;
    output::quotas(&audit::ledger(&db, event.id).await.map_err(text)?);
    Ok(())
}

/// Shows when each periodic job ran last.
async fn jobs(options: &Options) -> Result<(), String> {
    let (url, _database) = database(options).await?;
    let db = Db::connect(&url, None).await.map_err(text)?;
    output::jobs(&job::last_runs(&db).await.map_err(text)?, Clock::default().now());
    Ok(())
}

/// The queues and the database of the stack that runs on the data folder.
async fn running(options: &Options) -> Result<(Queues, Db), String> {
    match DataFolder::take(&options.data_dir) {
        Err(DataError::InUse { database_url, queue_url_prefix, .. }) if !queue_url_prefix.is_empty() => {
            let db = Db::connect(&database_url, None).await.map_err(text)?;
            Ok((queues::client(&queue_url_prefix), db))
        }
        Err(other @ DataError::Io { .. }) => Err(text(other)),
        _ => {
            Err("No stack is running here. Start it with `cargo run -p local`; its queues live in its memory."
                .to_owned())
        }
    }
}

/// How often the table of queues is drawn anew.
const REDRAW: Duration = Duration::from_secs(1);

/// Shows the queues; on a terminal again and again, until Ctrl-C.
async fn queues(options: &Options) -> Result<(), String> {
    let (client, db) = running(options).await?;
    let mut table = output::Table::begin();
    loop {
        let depths = queues::depths(&client, &db).await.map_err(text)?;
        table.show(&depths, Clock::default().now());
        if !table.is_live() {
            return Ok(());
        }
        tokio::time::sleep(REDRAW).await;
    }
}

async fn redrive(options: &Options, queue: Queue) -> Result<(), String> {
    let (client, _) = running(options).await?;
    let moved = queues::redrive(&client, queue).await.map_err(text)?;
    output::say(&match moved {
        0 => format!("The queue `{}` has no dead letters.", queue.name()),
        1 => format!("1 message is back in the queue `{}`.", queue.name()),
        many => format!("{many} messages are back in the queue `{}`.", queue.name()),
    });
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Command, String> {
        parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_understood_or_refused() {
        let run = |port, workers| Ok(Command::Run { address: Ipv4Addr::LOCALHOST, port, workers });
        assert_eq!(parsed(&[]), run(8000, true));
        assert_eq!(parsed(&["--port", "8080"]), run(8080, true));
        assert_eq!(parsed(&["--without-workers", "--port", "1"]), run(1, false));
        let open = Command::Run { address: Ipv4Addr::UNSPECIFIED, port: 8000, workers: true };
        assert_eq!(parsed(&["--address", "0.0.0.0"]), Ok(open));
        assert!(parsed(&["--address", "here"]).is_err_and(|why| why.contains("0.0.0.0")));
        assert_eq!(parsed(&["import", "a.json"]), Ok(Command::Import("a.json".into())));
        assert_eq!(parsed(&["queues"]), Ok(Command::Queues));
        assert_eq!(parsed(&["jobs"]), Ok(Command::Jobs));
        let demo = Command::Quotas { organizer: "demo".to_owned(), event: "night".to_owned() };
        assert_eq!(parsed(&["quotas", "demo/night"]), Ok(demo));
        assert!(parsed(&["quotas", "night"]).is_err_and(|why| why.contains("ORGANIZER/EVENT")));
        assert_eq!(parsed(&["redrive", "mail"]), Ok(Command::Redrive(Queue::Mail)));
        assert!(parsed(&["redrive", "males"]).is_err_and(|why| why.contains("notifications")));
        let sale = Sale { tickets: 9, peak_per_minute: 3 };
        assert_eq!(parsed(&["cost", "--tickets", "9", "--peak", "3"]), Ok(Command::Cost(sale)));
        assert!(parsed(&["cost", "--tickets", "9"]).is_err_and(|why| why.contains("--peak")));
        assert!(parsed(&["--port", "many"]).is_err());
        assert!(parsed(&["--port"]).is_err());
        assert!(parsed(&["rest"]).is_err());
    }
}
