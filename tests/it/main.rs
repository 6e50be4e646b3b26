//! The one test binary. Modules mirror what they test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authorisation;
mod infra;
mod routes;
mod tidy;
