//! `bench api`: how long programs wait for the REST API beside many orders, and how many orders they can create.
//! Everything goes through HTTP to a local gateway.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use shop::order::search;
use tests::{
    scan::App,
    shop::{http_client, make_token},
};
use tokio::task::JoinSet;

use crate::{
    Options, growth,
    meter::Times,
    modes,
    shop::{Failure, Shop},
};

/// What is read, with `{at}` for a moment that half of the orders are older than, and `{last}` for the last page.
const READS: &[(&str, &str)] = &[
    ("orders, first page", "orders/"),
    ("orders, last page", "orders/?page={last}"),
    ("orders, paid", "orders/?status=p"),
    ("orders of an address", "orders/?email=77@example.org"),
    ("orders, search for a code", "orders/?search=0000004D"),
    ("orders, latest first", "orders/?ordering=-datetime"),
    ("orders, changed since", "orders/?modified_since={at}"),
    ("order", "orders/0000004D/"),
    ("positions, first page", "orderpositions/"),
    ("positions, last page", "orderpositions/?page={last}"),
    ("positions of an order", "orderpositions/?order=0000004D"),
    ("guests of a list", "checkinlists/{list}/positions/"),
    ("guests, last page", "checkinlists/{list}/positions/?page={last}"),
    ("guests, search", "checkinlists/{list}/positions/?search=77@example.org"),
    ("status of a list", "checkinlists/{list}/status/"),
    ("scans", "checkins/"),
];

/// Rows of a page.
const PAGE: u64 = 50;

/// Prints the tables.
pub fn measure(options: &Options) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(tables(options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn tables(options: &Options) -> Result<(), Failure> {
    let (orders, calls) = (options.number("orders", 100_000), options.number("calls", 200));
    let seconds = Duration::from_secs(options.number("seconds", 8));
    for clients in options.list("clients", "1,16,64") {
        let clients: u64 = clients.parse()?;
        println!("orders created by {clients:>3} programs: {:>7.0} a minute", created(clients, seconds).await?);
    }
    waits(orders, calls).await
}

/// A program with a token.
#[derive(Clone)]
struct Program {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Program {
    async fn enter(shop: &Shop, url: &str) -> Result<Self, Failure> {
        let token = make_token(shop.sandbox(), "org").await;
        Ok(Self { http: http_client().build()?, base: format!("{url}/api/v1/organizers/org/"), token })
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.header("authorization", format!("Token {}", self.token));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, body) = (response.status(), response.text().await?);
        if status.is_success() {
            Ok(serde_json::from_str(&body)?)
        } else {
            Err(format!("{path}: {status} {body}").into())
        }
    }
}

/// How many orders so many programs create in a minute, each with one ticket.
async fn created(clients: u64, time: Duration) -> Result<f64, Failure> {
    let shop = Shop::open(1, Duration::ZERO, 0, None).await?;
    let gateway = modes::gateway(&shop, modes::Seller::Http, clients)?.ok_or("a gateway")?;
    let program = Program::enter(&shop, &gateway.url()).await?;
    let item = program.call("GET", "events/gig0/items/", None).await?["results"][0]["id"].clone();
    let order = Arc::new(json!({ "email": "ada@example.org", "locale": "en", "positions": [{ "item": item }] }));
    let stop = Arc::new(AtomicBool::new(false));
    let mut all: JoinSet<Result<u64, Failure>> = JoinSet::new();
    let began = Instant::now();
    for _ in 0..clients {
        let (program, order, stop) = (program.clone(), order.clone(), stop.clone());
        all.spawn(async move {
            let mut created = 0;
            while !stop.load(Ordering::Relaxed) {
                program.call("POST", "events/gig0/orders/", Some(&order)).await?;
                created += 1;
            }
            Ok(created)
        });
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut sum = 0;
    while let Some(created) = all.join_next().await {
        sum += created??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let sum = sum as f64;
    Ok(sum / began.elapsed().as_secs_f64() * 60.0)
}

/// The times of each kind of call.
async fn waits(orders: u64, calls: u64) -> Result<(), Failure> {
    let shop = Shop::open(1, Duration::ZERO, 0, None).await?;
    println!("\nfilling an event with {orders} orders");
    growth::fill(&shop, orders).await?;
    let ctx = shop.sandbox();
    search::keep_words(ctx, ctx.now().plus_seconds(60)).await?;
    let gateway = modes::gateway(&shop, modes::Seller::Http, 4)?.ok_or("a gateway")?;
    let program = Program::enter(&shop, &gateway.url()).await?;
    let list = program.call("POST", "events/gig0/checkinlists/", Some(&json!({ "name": "Door" }))).await?;
    let half = shop.sandbox().now().to_string();
    let bar = ProgressBar::new(calls * (READS.len() as u64 + 1))
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?);
    println!("{:<28} {:>8} {:>8}", "call", "p50 ms", "p99 ms");
    for (name, path) in READS {
        bar.set_message(*name);
        let path = path.replace("{at}", &half).replace("{list}", &list["id"].to_string());
        let path = format!("events/gig0/{}", path.replace("{last}", &orders.div_ceil(PAGE).to_string()));
        let mut times = Times::default();
        program.call("GET", &path, None).await?;
        for _ in 0..calls {
            let began = Instant::now();
            program.call("GET", &path, None).await?;
            times.0.push(began.elapsed());
            bar.inc(1);
        }
        bar.suspend(|| println!("{}", row(name, &mut times)));
    }
    bar.set_message("scan");
    let mut scans = scans(&program, &gateway.url(), &list["id"], calls, &bar).await?;
    bar.finish_and_clear();
    println!("{}", row("scan of a ticket", &mut scans));
    Ok(())
}

/// A door that scans one ticket after the other.
async fn scans(program: &Program, url: &str, list: &Value, calls: u64, bar: &ProgressBar) -> Result<Times, Failure> {
    let device = program.call("POST", "devices/", Some(&json!({ "name": "Door", "all_events": true }))).await?;
    let code = device["initialization_token"].as_str().ok_or("no code")?;
    let door = App::initialize(url, code).await.map_err(|(status, why)| format!("{status} {why}"))?;
    let lists = [list.as_i64().ok_or("no list")?];
    let mut times = Times::default();
    for number in 1..=calls {
        let began = Instant::now();
        let (status, answer) = door.redeem(&lists, &format!("s{number}"), &format!("n{number}"), json!({})).await;
        times.0.push(began.elapsed());
        bar.inc(1);
        if status != 201 {
            return Err(format!("a scan: {status} {answer}").into());
        }
    }
    Ok(times)
}

fn row(name: &str, times: &mut Times) -> String {
    format!("{name:<28} {:>8.1} {:>8.1}", times.quantile_ms(0.5), times.quantile_ms(0.99))
}
