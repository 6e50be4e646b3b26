//! The clock. Domain code never reads it: `now` is a parameter.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::time::Timestamp;

/// The time of day, possibly shifted.
#[derive(Debug, Default)]
pub struct Clock {
    /// Seconds added to the system's time. Tests move it to see deadlines pass.
    offset_seconds: AtomicI64,
}

impl Clock {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let now = jiff::Timestamp::now();
        Timestamp::from_jiff(now).plus_seconds(self.offset_seconds.load(Ordering::Relaxed))
    }

    /// Moves the clock forward for whoever shares it.
    pub fn advance_seconds(&self, seconds: i64) {
        self.offset_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}
