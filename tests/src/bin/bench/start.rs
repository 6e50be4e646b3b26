//! `bench start`: sizes and start times of the functions.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use shop::{routes::ROUTES, worker::WORKERS};

/// Starts of each binary; the middle one counts.
const STARTS: usize = 21;

/// Prints the table.
pub fn measure() -> ExitCode {
    let names: BTreeSet<&str> = ROUTES
        .iter()
        .map(|route| route.name)
        .chain(WORKERS.iter().map(|worker| worker.name))
        .chain(["migrate"])
        .collect();
    let folder = binaries();
    if let Some(missing) = names.iter().find(|name| !folder.join(name).exists()) {
        eprintln!("{missing} is not built. Run: cargo build --release -p shop --bins");
        return ExitCode::FAILURE;
    }
    let bar = ProgressBar::new((names.len() * STARTS) as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").expect("a valid template"));
    println!("{:<26} {:>9} {:>11} {:>11}", "function", "size", "start p50", "start max");
    for name in names {
        bar.set_message(name);
        let file = folder.join(name);
        let mut starts: Vec<Duration> = (0..STARTS)
            .map(|_| {
                bar.inc(1);
                start(&file)
            })
            .collect();
        starts.sort();
        let size_kb = std::fs::metadata(&file).map_or(0, |file| file.len() / 1000);
        let ms = |time: Duration| format!("{}.{:02} ms", time.as_millis(), time.subsec_micros() % 1000 / 10);
        let row = format!(
            "{name:<26} {:>6}.{} MB {:>11} {:>11}",
            size_kb / 1000,
            size_kb % 1000 / 100,
            ms(starts[STARTS / 2]),
            ms(starts[STARTS - 1])
        );
        bar.suspend(|| println!("{row}"));
    }
    bar.finish_and_clear();
    ExitCode::SUCCESS
}

/// The folder of the release binaries: this program lies in it.
fn binaries() -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a file");
    own.parent().expect("a file lies in a folder").to_owned()
}

/// Time from spawning a binary to its first request for an event.
fn start(file: &Path) -> Duration {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let began = Instant::now();
    let mut child = Command::new(file)
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "none"),
            ("AWS_SECRET_ACCESS_KEY", "none"),
            ("QUEUE_URL_PREFIX", "https://sqs.eu-central-1.amazonaws.com/000000000000/onsale-"),
            ("MEDIA_BUCKET", "onsale"),
            ("MAIL_URL", "ses:"),
            ("MAIL_FROM", "tickets@example.org"),
            ("PUBLIC_URL", "https://tickets.example.org"),
            ("SECRET_KEY", "only for measuring, protects nothing"),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", file.display()));
    let (mut socket, _) = listener.accept().expect("the function asks for an event");
    let mut request = [0; 64];
    let length = socket.read(&mut request).expect("the function asks for an event");
    let took = began.elapsed();
    assert!(request[..length].starts_with(b"GET /2018-06-01/runtime/invocation/next"), "not a Lambda function");
    let _ = child.kill();
    let _ = child.wait();
    let _ = socket.flush();
    took
}
