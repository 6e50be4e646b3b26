//! What the tests share.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod boxoffice;
pub mod chaos;
pub mod infra;
pub mod openapi;
pub mod proxy;
pub mod rehearsal;
pub mod scan;
pub mod shop;
