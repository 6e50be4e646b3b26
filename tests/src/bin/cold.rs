//! `cargo run --release -p tests --bin cold`: how fast and how large each function is, as Lambda starts it. A stand-in for
//! Lambda's runtime API hands each fresh process one request for nothing that exists, and watches the clock. The functions
//! must have been built with the same profile: `cargo build --release -p shop --bins`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement fails by panicking, and tells what it found"
)]

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use local::{pooler::Pooler, postgres::Cluster};
use serde_json::{Value, json};
use shop::{migrate, port::db::Db, routes::ROUTES};
use tests::infra;

/// Starts of each function; the middle one counts.
const RUNS: usize = 5;

/// What one start was like.
#[derive(Clone, Copy)]
struct Start {
    /// From starting the process to its first question for work.
    polled: Duration,
    /// From the work to its answer, with the connection to the database.
    answered: Duration,
    /// The most memory that the process had.
    memory_kb: u64,
}

#[tokio::main]
async fn main() {
    let cluster = Cluster::start_ephemeral().await.unwrap();
    cluster.create_database("onsale").await.unwrap();
    migrate::run(&mut Db::connect(&cluster.url("onsale"), None).await.unwrap()).await.unwrap();
    let pooler = Pooler::start(&cluster.url("onsale"), 20).unwrap();
    let url = pooler.url("onsale");
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    #[expect(clippy::float_arithmetic, reason = "figures for people")]
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "| function | zipped MB | start to first poll, ms | first answer, ms | memory, MB |\n|---|---|---|---|---|"
    );
    let mut worst = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for name in infra::functions() {
        let program = folder.join(name);
        let bytes = zipped(&program);
        let mut starts: Vec<Start> = (0..RUNS).map(|_| start(&program, name, &url)).collect();
        let mut middle = |key: fn(&Start) -> Duration| {
            starts.sort_by_key(key);
            milliseconds(key(&starts[RUNS / 2]))
        };
        let (polled, answered) = (middle(|it| it.polled), middle(|it| it.answered));
        let memory = starts.iter().map(|it| it.memory_kb).max().unwrap_or_default();
        #[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "figures for people")]
        let (megabytes, memory) = (bytes as f64 / 1e6, memory as f64 / 1024.0);
        println!("| `{name}` | {megabytes:.2} | {polled:.1} | {answered:.1} | {memory:.1} |");
        worst = (worst.0.max(megabytes), worst.1.max(polled), worst.2.max(answered), worst.3.max(memory));
    }
    println!("| **most** | {:.2} | {:.1} | {:.1} | {:.1} |", worst.0, worst.1, worst.2, worst.3);
}

/// Bytes of the program as Lambda gets it.
fn zipped(program: &Path) -> usize {
    let bytes = std::fs::read(program).unwrap_or_else(|error| panic!("{}: {error}; build it first", program.display()));
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&bytes).unwrap();
    packed.finish().unwrap().len()
}

/// Starts a function once, gives it one thing to do, and stops it.
fn start(program: &Path, name: &str, database_url: &str) -> Start {
    let lambda = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let environment = HashMap::from([
        ("AWS_LAMBDA_RUNTIME_API", lambda.local_addr().unwrap().to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
        ("DATABASE_URL", database_url.to_owned()),
        ("QUEUE_URL_PREFIX", "http://127.0.0.1:9/0/onsale-".to_owned()),
        ("MEDIA_BUCKET", "files".to_owned()),
        ("MAIL_URL", "ses:".to_owned()),
        ("MAIL_FROM", "tickets@example.org".to_owned()),
        ("PUBLIC_URL", "http://127.0.0.1".to_owned()),
        ("SECRET_KEY", "-".repeat(32)),
    ]);
    let mut command = Command::new(program);
    command.env_clear().envs(environment).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut process = command.spawn().unwrap();
    let (mut next, _) = accept(&lambda);
    let polled = begun.elapsed();
    let work = work(name).to_string();
    let headers = "lambda-runtime-aws-request-id: r1\r\nlambda-runtime-deadline-ms: 99999999999999\r\n\
                   lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:0:function:f\r\ncontent-type: application/json";
    let begun = Instant::now();
    write!(next, "HTTP/1.1 200 OK\r\n{headers}\r\ncontent-length: {}\r\n\r\n{work}", work.len()).unwrap();
    // The answer comes over the same connection, or another one.
    let path = read_request(&mut BufReader::new(next.try_clone().unwrap())).unwrap_or_else(|| accept(&lambda).1);
    let answered = begun.elapsed();
    assert!(path.ends_with("/response"), "{name} answers with {path}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let memory_kb = most.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default();
    process.kill().unwrap();
    process.wait().unwrap();
    Start { polled, answered, memory_kb }
}

/// The next connection, and the path that it asks for.
fn accept(lambda: &TcpListener) -> (TcpStream, String) {
    let (stream, _) = lambda.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let path = read_request(&mut BufReader::new(stream.try_clone().unwrap())).unwrap_or_default();
    (stream, path)
}

/// Reads a request to its end; its path. Nothing if the connection ends.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|count| *count > 0)?;
    let path = first.split_whitespace().nth(1)?.to_owned();
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim().to_lowercase().split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().unwrap_or_default(),
            Some(_) => {}
            None => break,
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some(path)
}

/// Something to do that reads the database and changes nothing.
fn work(name: &str) -> Value {
    let Some(route) = ROUTES.iter().find(|route| route.name == name) else {
        return if name == infra::MIGRATE { json!({ "plan": true }) } else { json!({ "Records": [] }) };
    };
    let path = if route.path == "$default" { "/nothing".to_owned() } else { route.path.replace(['{', '}'], "") };
    let parameters = route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let parameters: HashMap<&str, &str> = parameters.map(|name| (name, name)).collect();
    let method = if route.method == "ANY" { "GET" } else { route.method };
    json!({
        "version": "2.0", "routeKey": infra::route_key(route.method, route.path), "rawPath": path, "rawQueryString": "",
        "headers": { "host": "127.0.0.1", "accept": "text/html" }, "isBase64Encoded": false, "pathParameters": parameters,
        "requestContext": {
            "accountId": "0", "apiId": "0", "domainName": "d", "domainPrefix": "d", "requestId": "r", "stage": "$default",
            "routeKey": "k", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "cold" },
        },
    })
}
