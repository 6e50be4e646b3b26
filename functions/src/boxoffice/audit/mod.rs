//! Counts again what the quotas' counters say: they must agree, always.

pub mod sql;

pub use sql::{drifted_quotas, drifted_vouchers, events_sold};
