//! The shop: everything that sells tickets, as a library of small functions.

pub mod config;
pub mod ctx;
pub mod i18n;
pub mod id;
pub mod migrate;
pub mod money;
pub mod page;
pub mod port;
pub mod time;
