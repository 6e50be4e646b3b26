//! Logs: JSON lines that CloudWatch can search. Never names, addresses, tokens or bodies.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard output; `RUST_LOG` chooses the level, `info` without it.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call, as in tests, keeps the first logger.
    let _ = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).try_init();
}
