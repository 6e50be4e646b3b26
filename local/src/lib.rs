//! The embedded development stack.

pub mod demo;
