//! The outside world: database, locks, queues, files, mail, clock, random codes.

mod aws;
pub mod callout;
pub mod clock;
pub mod codes;
pub mod db;
pub mod lock;
pub mod mailer;
pub mod media;
pub mod queue;
pub mod sign_in;
