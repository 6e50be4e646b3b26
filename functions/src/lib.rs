//! The shop: everything that sells tickets, as a library of small functions.

pub mod boxoffice;
pub mod cart;
pub mod catalogue;
pub mod config;
pub mod ctx;
pub mod endpoint;
pub mod event;
pub mod http;
pub mod i18n;
pub mod id;
pub mod mail;
pub mod migrate;
pub mod money;
pub mod order;
pub mod outbox;
pub mod page;
pub mod payment;
pub mod port;
pub mod present;
pub mod question;
pub mod session;
pub mod staff;
pub mod ticket;
pub mod time;
pub mod trace;
pub mod worker;
