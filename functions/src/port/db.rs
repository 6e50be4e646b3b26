//! Postgres.

use tokio_postgres::types::Type;

/// A Rust type that has one fixed Postgres type.
pub trait SqlType {
    /// The type its parameters are sent as.
    const TYPE: Type;
}
