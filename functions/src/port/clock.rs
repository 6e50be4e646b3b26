//! The clock. Domain code never reads it: `now` is a parameter.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use crate::time::Timestamp;

/// The time of day, possibly shifted.
#[derive(Debug, Default)]
pub struct Clock {
    /// Microseconds added to the time. Tests move it to see deadlines pass.
    offset_micros: AtomicI64,
    /// A clock that does not go: only its offset moves.
    stands_at: Option<Timestamp>,
}

impl Clock {
    /// A clock that moves only when somebody moves it or sleeps by it: a test sees an hour pass in no time.
    pub fn standing_at(moment: Timestamp) -> Self {
        Self { stands_at: Some(moment), ..Self::default() }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        let base = self.stands_at.unwrap_or_else(|| {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
            let now = jiff::Timestamp::now();
            Timestamp::from_jiff(now)
        });
        base.plus_micros(self.offset_micros.load(Ordering::Relaxed))
    }

    /// Moves the clock forward for whoever shares it.
    pub fn advance_seconds(&self, seconds: i64) {
        self.offset_micros.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// Sleeps until a moment; by a standing clock that takes no time.
    pub async fn sleep_until(&self, moment: Timestamp) {
        let micros = moment.as_micros() - self.now().as_micros();
        if self.stands_at.is_some() {
            self.offset_micros.fetch_add(micros.max(0), Ordering::Relaxed);
        } else {
            tokio::time::sleep(Duration::from_micros(u64::try_from(micros).unwrap_or_default())).await;
        }
    }
}
