//! The outside world: database, lock, queues, files, mail, clock.

pub mod db;
