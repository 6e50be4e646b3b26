//! What stands in a field of a table.

use jiff::civil::DateTime;

use crate::{event::Event, time::Timestamp};

/// The content of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Somebody's words.
    Text(String),
    /// A decimal number in digits: `-12.50`.
    Number(String),
    /// A moment on the event's clock.
    Moment(DateTime),
    /// Yes or no.
    Flag(bool),
}

impl Cell {
    /// Text that may be missing.
    pub fn text(text: Option<String>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Empty, Self::Text)
    }

    /// A whole number.
    pub fn count(count: i64) -> Self {
        Self::Number(count.to_string())
    }

    /// A moment that may be missing, to the second.
    pub fn moment(event: &Event, moment: Option<Timestamp>) -> Self {
        let whole = |moment: Timestamp| {
            let local = moment.in_zone(&event.timezone).datetime();
            local.with().subsec_nanosecond(0).build().unwrap_or(local)
        };
        moment.map_or(Self::Empty, |moment| Self::Moment(whole(moment)))
    }
}
