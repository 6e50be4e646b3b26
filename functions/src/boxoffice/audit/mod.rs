//! Counts again what the quotas' counters say: they must agree, always.

pub mod sql;

pub use sql::{drifted_vouchers, events_sold, ledger};

use super::Uses;
use crate::{
    id::{EventId, QuotaId},
    port::db::{DbError, Query},
};

/// Where the places of a quota are: `size` is the total of `counted` and `free`, if it has a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaLedger {
    /// The quota.
    pub id: QuotaId,
    /// Its name.
    pub name: String,
    /// Number of places; `None` is unlimited.
    pub size: Option<i64>,
    /// Places in use, counted from rows.
    pub counted: Uses,
    /// Places that are left; fewer than none if the quota was made smaller than what is in use.
    pub free: Option<i64>,
    /// Places in use as decisions see them.
    pub counters: Uses,
}

impl QuotaLedger {
    /// Whether the counters say something else than the rows.
    pub fn has_drifted(&self) -> bool {
        self.counters != self.counted
    }
}

/// The quotas of an event whose counters differ from their rows: none, unless there is a bug.
pub async fn drifted_quotas(q: &impl Query, event: EventId) -> Result<Vec<QuotaId>, DbError> {
    let drifted = ledger(q, event).await?.into_iter().filter(QuotaLedger::has_drifted);
    Ok(drifted.map(|quota| quota.id).collect())
}
