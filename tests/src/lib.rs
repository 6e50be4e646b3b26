//! What the tests share.

pub mod infra;
