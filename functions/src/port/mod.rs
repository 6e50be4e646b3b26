//! The outside world: database, locks, queues, files, mail, clock, random codes.

pub mod db;
pub mod lock;
