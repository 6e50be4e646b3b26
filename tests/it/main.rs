//! The one test binary. Modules mirror what they test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod after_sale;
mod authorisation;
mod browser;
mod crash;
mod import;
mod infra;
mod routes;
mod sale;
mod shop;
mod ticket_pdf;
mod tidy;
