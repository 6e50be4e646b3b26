//! The deployment description: CloudFormation templates and a list of functions made from the tables of the shop, so that
//! a function, a route, a queue or a schedule cannot be forgotten in them. `cargo run -p tests --bin infra` writes them to
//! `infra/`.

mod alarms;
pub mod base;
mod cloudfront;
pub mod edge;
mod parts;
pub mod rights;

use std::path::PathBuf;

pub use edge::route_key;
use serde_json::{Map, Value, json};
use shop::{
    port::queue::Queue,
    routes::ROUTES,
    worker::{SCHEDULES, WORKERS},
};

/// The function that applies migrations: neither a route nor a worker.
pub const MIGRATE: &str = "migrate";

/// A page that takes longer than this has lost its reader.
const HTTP_SECONDS: u64 = 15;
/// A batch of messages is handled one after the other, and some of them draw PDF files.
const WORKER_SECONDS: u64 = 60;
/// A migration may have to rewrite a table.
const MIGRATE_SECONDS: u64 = 600;
/// Lambda assigns processor time by memory; less than this makes TLS handshakes slow.
const MEMORY_MB: u64 = 512;
/// Drawing tickets is the only work that computes.
const TICKET_MEMORY_MB: u64 = 1024;

/// Invocations at a time that nothing else of the account can take away from those who buy, and the most that they get:
/// what a database lets in. A holder serves others, so few invocations sell much.
const RESERVED: &[(&str, u64)] = &[
    ("cart_add", 60),
    ("checkout_start", 20),
    ("checkout_questions_show", 20),
    ("checkout_questions_save", 20),
    ("checkout_payment_show", 20),
    ("checkout_payment_save", 20),
    ("checkout_confirm_show", 20),
    ("order_place", 60),
];

/// The variables that `infra/deploy` gives every function: each reads the whole configuration at start and refuses to run
/// without it. Lambda sets those of AWS itself.
pub const ENVIRONMENT: &[&str] = &[
    "DATABASE_URL",
    "DATABASE_REPLICA_URL",
    "DATABASE_AUTH",
    "DATABASE_CA",
    "SECRET_KEY",
    "QUEUE_URL_PREFIX",
    "MEDIA_BUCKET",
    "MAIL_URL",
    "MAIL_FROM",
    "MAILS_PER_SECOND",
    "PUBLIC_URL",
    "WEBHOOK_PRIVATE_ADDRESSES",
];

/// Names of all functions, each once: routes, workers, migrations.
pub fn functions() -> Vec<&'static str> {
    let mut names: Vec<_> =
        http_functions().into_iter().chain(WORKERS.iter().map(|worker| worker.name)).chain([MIGRATE]).collect();
    names.sort_unstable();
    names
}

/// Names of the functions behind routes, each once.
pub fn http_functions() -> Vec<&'static str> {
    let mut names: Vec<_> = ROUTES.iter().map(|route| route.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The generated files of `infra/`, with what they have to contain.
pub fn files() -> Vec<(PathBuf, Value)> {
    let functions = functions();
    let reserved = RESERVED.iter().map(|(name, _)| name);
    for name in rights::RIGHTS.iter().map(|(name, _)| name).chain(reserved) {
        assert!(functions.contains(name), "{name} is listed, but is no function");
    }
    vec![(path("base.json"), base::template()), (path("edge.json"), edge::template()), (path("functions.json"), list())]
}

/// Where a file of the description is kept.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra")).join(name)
}

/// A file as it is written.
pub fn text(content: &Value) -> String {
    let pretty = serde_json::to_string_pretty(content).expect("a template is plain data");
    format!("{pretty}\n")
}

/// What `infra/deploy` has to know of functions and queues, and what it asks after a deploy.
fn list() -> Value {
    let functions: Map<String, Value> = functions().into_iter().map(|name| (name.to_owned(), function(name))).collect();
    let queues: Map<String, Value> =
        Queue::ALL.into_iter().map(|queue| (queue.name().to_owned(), json!(base::queue_id(queue)))).collect();
    json!({
        "alias": parts::LIVE,
        "migrate": MIGRATE,
        "environment": ENVIRONMENT,
        "functions": functions,
        "queues": queues,
        "routes": ROUTES.iter().map(|it| json!({ "function": it.name, "method": it.method, "path": it.path })).collect::<Vec<_>>(),
        "schedules": SCHEDULES.iter().map(|schedule| schedule.name).collect::<Vec<_>>(),
    })
}

fn function(name: &str) -> Value {
    let worker = base::worker(name);
    let (timeout_seconds, memory_mb) = match (worker, name) {
        (Some(worker), _) if worker.queue == Queue::Default => (WORKER_SECONDS, TICKET_MEMORY_MB),
        (Some(_), _) => (WORKER_SECONDS, MEMORY_MB),
        (None, MIGRATE) => (MIGRATE_SECONDS, MEMORY_MB),
        (None, _) => (HTTP_SECONDS, MEMORY_MB),
    };
    let reserved = RESERVED.iter().find(|(reserved, _)| *reserved == name).map(|(_, number)| number);
    json!({
        "role": format!("{}RoleArn", parts::id(name)),
        "memory_mb": memory_mb,
        "timeout_seconds": timeout_seconds,
        "reserved": reserved,
    })
}
