//! `cargo run -p tests --bin deployed`: the shop as it is deployed, on this machine. Starts an emulator of AWS that runs the
//! real functions and checks their rights, a Postgres behind a pooler in transaction mode, and the real `infra/deploy`;
//! then everything goes through the address that API Gateway has given.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a check fails by panicking, and tells what it found")]

mod checks;
mod emulator;
mod operations;

use std::{
    panic::AssertUnwindSafe,
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

use checks::Deployed;

/// Runs the checks one after the other; each has its own time.
struct Report {
    passed: u32,
    failed: Vec<&'static str>,
}

impl Report {
    async fn check(&mut self, what: &'static str, run: impl Future<Output = String>) {
        let begun = Instant::now();
        LAST_WORDS.lock().unwrap().take();
        let outcome = caught(run).await;
        let seconds = begun.elapsed().as_secs_f32();
        match outcome {
            Ok(note) => {
                self.passed += 1;
                println!("ok     {seconds:6.1} s  {what}{}{note}", if note.is_empty() { "" } else { ": " });
            }
            Err(why) => {
                self.failed.push(what);
                println!("FAILED {seconds:6.1} s  {what}: {why}");
            }
        }
    }
}

/// What the last panic said, and where.
static LAST_WORDS: Mutex<Option<String>> = Mutex::new(None);

/// The value, or the words of the panic.
async fn caught(run: impl Future<Output = String>) -> Result<String, String> {
    let mut run = Box::pin(run);
    std::future::poll_fn(move |context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(_) => std::task::Poll::Ready(Err(LAST_WORDS.lock().unwrap().take().unwrap_or_default())),
        }
    })
    .await
}

#[tokio::main]
async fn main() -> ExitCode {
    let begun = Instant::now();
    let deployed = Deployed::prepare().await;
    println!("prepared in {:.0} s: emulator, database, pooler, functions", begun.elapsed().as_secs_f32());
    std::panic::set_hook(Box::new(|panic| {
        // Of a check's own tasks and buyers, the first tells most.
        LAST_WORDS.lock().unwrap().get_or_insert_with(|| panic.to_string());
    }));
    let mut report = Report { passed: 0, failed: Vec::new() };

    report
        .check("a file of parameters that is wrong is refused by name", operations::wrong_parameters(&deployed))
        .await;
    report.check("a name that is taken is refused before anything is made", operations::taken_name(&deployed)).await;
    report.check("a deploy from nothing", operations::first_deploy(&deployed)).await;
    if !report.failed.is_empty() {
        println!("{}", deployed.log_end());
        return ExitCode::FAILURE;
    }
    deployed.import_event().await;
    report
        .check("a second deploy changes nothing that the plan did not tell", operations::plan_is_empty(&deployed))
        .await;
    report.check("every page and every API call answers", checks::no_route_fails(&deployed)).await;
    report.check("a free order: pages, ticket, mail", checks::free_sale(&deployed)).await;
    report.check("an order by bank transfer, paid through the API", checks::paid_sale(&deployed)).await;
    report.check("the API: orders made, listed, cancelled", checks::api(&deployed)).await;
    report.check("an export: made, downloaded", checks::export(&deployed)).await;
    report.check("poison: each queue gives it to its dead letters", checks::poison(&deployed)).await;
    report.check("dead letters go back to their worker", operations::redrive(&deployed)).await;
    report.check("a schedule fires: an overdue order expires", checks::schedule(&deployed)).await;
    report.check("no right was missing", operations::nothing_denied(&deployed)).await;
    report.check("an update under traffic fails no request", operations::update_under_traffic(&deployed)).await;
    report.check("a rollback under traffic fails no request", operations::rollback_under_traffic(&deployed)).await;
    report.check("a version that does not start never serves", operations::broken_version(&deployed)).await;
    report.check("code older than the database is refused", operations::older_schema(&deployed)).await;
    report.check("status and logs", operations::status_and_logs(&deployed)).await;
    report.check("what functions have done", operations::usage(&deployed)).await;
    report.check("destroy leaves the bucket of files and nothing else", operations::destroy(&deployed)).await;

    let (failed, seconds) = (report.failed.len(), begun.elapsed().as_secs());
    println!("{} passed, {failed} failed, {seconds} s in all", report.passed);
    if failed > 0 {
        println!("{}", deployed.log_end());
    }
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Waits until something is there.
async fn eventually<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
