//! The one test binary. Modules mirror what they test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod after_sale;
mod authorisation;
mod gateway;
mod import;
mod infra;
mod routes;
mod s3;
mod sale;
mod shop;
mod sqs;
mod stack;
mod ticket_pdf;
mod tidy;
