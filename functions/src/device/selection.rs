//! Which event, date and list a device should show now (spec rest-api 1).

use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// A day without a stated end is over this long after it began.
const LENGTH_SECONDS: i64 = 12 * 3600;

/// What a device could show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The event.
    pub event: String,
    /// Its date, in a series.
    pub subevent: Option<i64>,
    /// When the doors open.
    pub begins: Timestamp,
    /// When it is over, if that is stated.
    pub ends: Option<Timestamp>,
    /// Its lists, the best first.
    pub lists: Vec<i64>,
}

impl Choice {
    fn end(&self) -> Timestamp {
        self.ends.unwrap_or_else(|| self.begins.plus_seconds(LENGTH_SECONDS))
    }
}

/// What a device shows now.
#[derive(Debug, Default)]
pub struct Current {
    /// The event.
    pub event: Option<String>,
    /// Its date.
    pub subevent: Option<i64>,
    /// The list.
    pub list: Option<i64>,
}

impl Current {
    fn is(&self, choice: &Choice) -> bool {
        self.event.as_deref() == Some(choice.event.as_str()) && self.subevent == choice.subevent
    }
}

/// What to show: what runs wins, and what runs and is shown stays; else what comes next or was last, whichever is nearer
/// on the same day.
pub fn choose<'a>(choices: &'a [Choice], current: &Current, now: Timestamp, zone: &TimeZone) -> Option<&'a Choice> {
    let with_lists = || choices.iter().filter(|choice| !choice.lists.is_empty());
    let running = || with_lists().filter(|choice| choice.begins <= now && now <= choice.end());
    if let Some(kept) = running().find(|choice| current.is(choice)) {
        return Some(kept);
    }
    if let Some(latest) = running().max_by_key(|choice| choice.begins) {
        return Some(latest);
    }
    let last = with_lists().filter(|choice| choice.end() < now).max_by_key(|choice| choice.end());
    let next = with_lists().filter(|choice| choice.begins > now).min_by_key(|choice| choice.begins);
    let is_today = |moment: Timestamp| moment.in_zone(zone).date() == now.in_zone(zone).date();
    match (last, next) {
        (Some(last), Some(next)) => match (is_today(last.end()), is_today(next.begins)) {
            (true, true) => {
                let middle = (last.end().as_micros() + next.begins.as_micros()) / 2;
                Some(if now.as_micros() < middle { last } else { next })
            }
            (true, false) => Some(last),
            (false, _) => Some(next),
        },
        (last, next) => next.or(last),
    }
}

/// The list to show: the one that is shown stays if it is one of the choice's.
pub fn list(choice: &Choice, current: &Current) -> Option<i64> {
    let shown = current.list.filter(|list| current.is(choice) && choice.lists.contains(list));
    shown.or_else(|| choice.lists.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_micros(hour * 3_600_000_000)
    }

    fn choice(event: &str, from: i64, to: i64) -> Choice {
        Choice { event: event.to_owned(), subevent: None, begins: hour(from), ends: Some(hour(to)), lists: vec![from] }
    }

    fn chosen(choices: &[Choice], shown: Option<&str>, now: i64) -> Option<String> {
        let current = Current { event: shown.map(str::to_owned), ..Current::default() };
        choose(choices, &current, hour(now), &TimeZone::UTC).map(|choice| choice.event.clone())
    }

    #[test]
    fn what_runs_wins_and_what_is_shown_stays() {
        let choices = [choice("morning", 8, 12), choice("fair", 10, 20), choice("tomorrow", 34, 36)];
        assert_eq!(chosen(&choices, None, 11).as_deref(), Some("fair"));
        assert_eq!(chosen(&choices, Some("morning"), 11).as_deref(), Some("morning"));
        assert_eq!(chosen(&choices, Some("morning"), 13).as_deref(), Some("fair"));
        assert_eq!(chosen(&choices, None, 21).as_deref(), Some("fair"), "today's last one");
        assert_eq!(chosen(&choices, None, 30).as_deref(), Some("tomorrow"));
        assert_eq!(chosen(&[], None, 30), None);
        let day = [choice("noon", 8, 12), choice("night", 20, 23)];
        assert_eq!(chosen(&day, None, 15).as_deref(), Some("noon"));
        assert_eq!(chosen(&day, None, 17).as_deref(), Some("night"));
    }
}
