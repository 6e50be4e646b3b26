//! The shop: everything that sells tickets, as a library of small functions.

pub mod catalogue;
pub mod event;
pub mod id;
pub mod money;
pub mod port;
pub mod question;
pub mod time;
