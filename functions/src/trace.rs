//! Logs: JSON lines that CloudWatch can search. Never names, addresses, tokens or bodies.

use std::{
    io::Write as _,
    sync::atomic::{AtomicBool, Ordering},
};

use lambda_runtime::Context;
use tracing::{Span, field::Empty};
use tracing_subscriber::EnvFilter;

use crate::event::Event;

/// Whether standard output is the log: in functions, not in the local stack or tests.
static LOGGING: AtomicBool = AtomicBool::new(false);

/// Starts logging to standard output; `RUST_LOG` chooses the level, `info` without it.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call, as in tests, keeps the first logger.
    let _ = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).try_init();
    LOGGING.store(true, Ordering::Relaxed);
}

/// Writes a line in the embedded metric format, which CloudWatch reads metrics from. It must be a line of its own, as it is.
pub fn metrics(line: &serde_json::Value) {
    if LOGGING.load(Ordering::Relaxed) {
        // A log that cannot be written to cannot be told so.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// The root span of an invocation: which function, which request, and whether the sandbox was new.
pub fn invocation(context: &Context) -> Span {
    static WARM: AtomicBool = AtomicBool::new(false);
    let cold = !WARM.swap(true, Ordering::Relaxed);
    tracing::info_span!(
        "invocation",
        function = context.env_config.function_name,
        request_id = context.request_id,
        cold,
        event = Empty,
        order = Empty
    )
}

/// Every line of this invocation from here on names the event, as organiser/event.
pub fn about_event(event: &Event) {
    Span::current().record("event", format_args!("{}/{}", event.organizer.slug, event.slug));
}

/// Every line of this invocation from here on names the order.
pub fn about_order(code: &str) {
    Span::current().record("order", code);
}
