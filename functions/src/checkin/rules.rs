//! The custom logic of a check-in list (spec domain 18.6): a tree of operators as JSON, evaluated on the clock of the event.

use std::collections::BTreeSet;

use jiff::{civil, tz::TimeZone};
use serde_json::Value;

use crate::time::Timestamp;

/// Deeper trees are refused when a list is written.
const DEPTH_MAX: usize = 20;

/// What rules can ask about.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The product.
    pub item: i64,
    /// Its variation.
    pub variation: Option<i64>,
    /// When the ticket is scanned.
    pub now: Timestamp,
    /// Entries on this list before, in order of time.
    pub entries: &'a [Timestamp],
    /// Whoever has the ticket is inside.
    pub is_present: bool,
    /// When the event, or its date, begins.
    pub date_from: Timestamp,
    /// When it ends.
    pub date_to: Option<Timestamp>,
    /// When the doors open.
    pub date_admission: Option<Timestamp>,
    /// The clock on its walls.
    pub zone: &'a TimeZone,
}

#[derive(Debug, Clone, PartialEq)]
enum Found {
    Nothing,
    Flag(bool),
    Number(i64),
    Text(String),
    Moment(Timestamp),
    Ids(Vec<i64>),
}

impl Found {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Flag(flag) => *flag,
            Self::Number(number) => *number != 0,
            Self::Text(text) => !text.is_empty(),
            Self::Moment(_) => true,
            Self::Ids(ids) => !ids.is_empty(),
        }
    }
}

const OPERATORS: [&str; 16] = [
    "and",
    "or",
    "inList",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "isBefore",
    "isAfter",
    "objectList",
    "entries_since",
    "entries_before",
    "entries_days_since",
    "entries_days_before",
];
const VARIABLES: [&str; 11] = [
    "product",
    "variation",
    "gate",
    "now",
    "now_isoweekday",
    "entries_number",
    "entries_today",
    "entries_days",
    "minutes_since_last_entry",
    "minutes_since_first_entry",
    "entry_status",
];
const TIMES: [&str; 5] = ["custom", "customtime", "date_from", "date_to", "date_admission"];

fn operation(rule: &Value) -> Option<(&str, &[Value])> {
    let (name, arguments) = rule.as_object()?.iter().next()?;
    let arguments = match arguments {
        Value::Array(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    Some((name, arguments))
}

fn is_empty(rules: &Value) -> bool {
    rules.is_null() || rules.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Whether rules can be evaluated; what is wrong with them, if not.
pub fn check(rules: &Value) -> Result<(), String> {
    if is_empty(rules) {
        return Ok(());
    }
    match rules {
        Value::Object(_) => check_part(rules, 0),
        _ => Err("The rules are not an object.".to_owned()),
    }
}

fn check_part(rule: &Value, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err("The rules are nested too deeply.".to_owned());
    }
    let Value::Object(fields) = rule else {
        return if rule.is_array() { Err("A list stands where a value is needed.".to_owned()) } else { Ok(()) };
    };
    let Some((name, arguments)) = operation(rule).filter(|_| fields.len() == 1) else {
        return Err("Every part of the rules has exactly one operator.".to_owned());
    };
    let word = arguments.first().and_then(Value::as_str).unwrap_or_default();
    match name {
        "var" if !VARIABLES.contains(&word) => Err(format!("There is no variable \"{word}\".")),
        "buildTime" if !TIMES.contains(&word) => Err(format!("There is no time \"{word}\".")),
        "buildTime" => {
            let written = arguments.get(1).and_then(Value::as_str).unwrap_or_default();
            let readable = match word {
                "custom" => Timestamp::parse(written).is_some() || written.parse::<civil::DateTime>().is_ok(),
                "customtime" => written.parse::<civil::Time>().is_ok(),
                _ => true,
            };
            if readable { Ok(()) } else { Err(format!("\"{written}\" is not a time.")) }
        }
        "var" | "lookup" => Ok(()),
        known if OPERATORS.contains(&known) => arguments.iter().try_for_each(|it| check_part(it, depth + 1)),
        other => Err(format!("There is no operator \"{other}\".")),
    }
}

/// Whether somebody may come in; if not, why, in words.
pub fn allows(rules: &Value, facts: &Facts<'_>) -> Result<(), String> {
    if is_empty(rules) || facts.evaluate(rules).is_true() { Ok(()) } else { Err(facts.explain(rules)) }
}

impl Facts<'_> {
    fn evaluate(&self, rule: &Value) -> Found {
        let Some((name, arguments)) = operation(rule) else {
            return match rule {
                Value::Bool(flag) => Found::Flag(*flag),
                Value::Number(number) => number.as_i64().map_or(Found::Nothing, Found::Number),
                Value::String(text) => Found::Text(text.clone()),
                _ => Found::Nothing,
            };
        };
        let argument = |place: usize| arguments.get(place).map_or(Found::Nothing, |it| self.evaluate(it));
        let compare = |holds: fn(i64, i64) -> bool| match (argument(0).number(), argument(1).number()) {
            (Some(left), Some(right)) => Found::Flag(holds(left, right)),
            _ => Found::Flag(false),
        };
        match name {
            "and" => Found::Flag(arguments.iter().all(|it| self.evaluate(it).is_true())),
            "or" => Found::Flag(arguments.iter().any(|it| self.evaluate(it).is_true())),
            "==" => Found::Flag(same(&argument(0), &argument(1))),
            "!=" => Found::Flag(!same(&argument(0), &argument(1))),
            "<" => compare(|left, right| left < right),
            "<=" => compare(|left, right| left <= right),
            ">" => compare(|left, right| left > right),
            ">=" => compare(|left, right| left >= right),
            "inList" => match (argument(0).number(), argument(1)) {
                (Some(id), Found::Ids(ids)) => Found::Flag(ids.contains(&id)),
                _ => Found::Flag(false),
            },
            "isBefore" | "isAfter" => {
                let tolerance = argument(2).number().unwrap_or(0).saturating_mul(60);
                match (argument(0), argument(1)) {
                    (Found::Moment(left), Found::Moment(right)) if name == "isBefore" => {
                        Found::Flag(left < right.plus_seconds(tolerance))
                    }
                    (Found::Moment(left), Found::Moment(right)) => {
                        Found::Flag(left > right.plus_seconds(tolerance.saturating_neg()))
                    }
                    _ => Found::Flag(false),
                }
            }
            "objectList" => Found::Ids(arguments.iter().filter_map(|it| self.evaluate(it).number()).collect()),
            "lookup" => argument(1).number().map_or(Found::Nothing, Found::Number),
            "buildTime" => self.build_time(arguments).map_or(Found::Nothing, Found::Moment),
            "var" => self.variable(arguments.first().and_then(Value::as_str).unwrap_or_default()),
            counted => match argument(0) {
                Found::Moment(limit) => self.count(counted, limit),
                _ => Found::Nothing,
            },
        }
    }

    fn count(&self, what: &str, limit: Timestamp) -> Found {
        let is_meant = |entry: &&Timestamp| if what.ends_with("_since") { **entry >= limit } else { **entry < limit };
        let meant = self.entries.iter().filter(is_meant);
        Found::Number(match what {
            "entries_since" | "entries_before" => size(meant.count()),
            _ => size(meant.map(|entry| self.day(*entry)).collect::<BTreeSet<_>>().len()),
        })
    }

    fn day(&self, moment: Timestamp) -> civil::Date {
        moment.in_zone(self.zone).date()
    }

    fn variable(&self, name: &str) -> Found {
        let minutes = |since: Option<&Timestamp>| {
            Found::Number(since.map_or(-1, |since| self.now.milliseconds_since(*since) / 60_000))
        };
        let today = self.day(self.now);
        match name {
            "product" => Found::Number(self.item),
            "variation" => self.variation.map_or(Found::Nothing, Found::Number),
            "now" => Found::Moment(self.now),
            "now_isoweekday" => Found::Number(self.now.in_zone(self.zone).weekday().to_monday_one_offset().into()),
            "entries_number" => Found::Number(size(self.entries.len())),
            "entries_today" => Found::Number(size(self.entries.iter().filter(|it| self.day(**it) == today).count())),
            "entries_days" => {
                Found::Number(size(self.entries.iter().map(|it| self.day(*it)).collect::<BTreeSet<_>>().len()))
            }
            "minutes_since_last_entry" => minutes(self.entries.last()),
            "minutes_since_first_entry" => minutes(self.entries.first()),
            "entry_status" => Found::Text(if self.is_present { "present" } else { "absent" }.to_owned()),
            // The shop has no gates.
            _ => Found::Nothing,
        }
    }

    fn build_time(&self, arguments: &[Value]) -> Option<Timestamp> {
        let written = arguments.get(1).and_then(Value::as_str).unwrap_or_default();
        let local = |moment: civil::DateTime| {
            moment.to_zoned_datetime(self.zone.clone()).ok().map(|it| Timestamp::from_jiff(it.timestamp()))
        };
        match arguments.first().and_then(Value::as_str)? {
            "custom" => Timestamp::parse(written).or_else(|| local(written.parse().ok()?)),
            "customtime" => local(self.day(self.now).to_datetime(written.parse().ok()?)),
            "date_to" => self.date_to.or(Some(self.date_from)),
            "date_admission" => self.date_admission.or(Some(self.date_from)),
            _ => Some(self.date_from),
        }
    }

    /// The reason of the part that is the nearest to being satisfied: the fewest failures in it.
    fn explain(&self, rule: &Value) -> String {
        self.failures(rule).1
    }

    fn failures(&self, rule: &Value) -> (usize, String) {
        if self.evaluate(rule).is_true() {
            return (0, String::new());
        }
        let other = || (1, "A rule of this list does not allow it.".to_owned());
        let Some((name, arguments)) = operation(rule) else { return other() };
        let failed = || arguments.iter().map(|it| self.failures(it)).filter(|(count, _)| *count > 0);
        match name {
            "and" => {
                let count = failed().map(|(count, _)| count).sum();
                failed().next().map_or_else(other, |(_, text)| (count, text))
            }
            "or" => failed().min_by_key(|(count, _)| *count).unwrap_or_else(other),
            "isAfter" | "isBefore" => match arguments.get(1).map(|it| self.evaluate(it)) {
                Some(Found::Moment(limit)) => {
                    let local = limit.in_zone(self.zone).strftime("%Y-%m-%d %H:%M").to_string();
                    let word = if name == "isAfter" { "from" } else { "until" };
                    (1, format!("Entry is only possible {word} {local}."))
                }
                _ => other(),
            },
            "inList" => (1, "This product is not admitted here.".to_owned()),
            "<" | "<=" | "==" | "!=" | ">" | ">=" => {
                let about = arguments.first().and_then(operation).map_or("", |(name, of)| match name {
                    "var" => of.first().and_then(Value::as_str).unwrap_or_default(),
                    counted => counted,
                });
                let text = match about {
                    "now_isoweekday" => "Entry is not possible on this day of the week.",
                    about if about.starts_with("entries_") => "The number of entries is used up.",
                    about if about.starts_with("minutes_") => "The time since another entry does not fit.",
                    "entry_status" => "Whoever has this ticket is inside or outside already.",
                    _ => return other(),
                };
                (1, text.to_owned())
            }
            _ => other(),
        }
    }
}

fn size(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn same(left: &Found, right: &Found) -> bool {
    match (left.number(), right.number()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn verdict(rules: &Value, now: &str, entries: &[&str]) -> Result<(), String> {
        check(rules).unwrap();
        let entries: Vec<Timestamp> = entries.iter().map(|text| moment(text)).collect();
        let facts = Facts {
            item: 3,
            variation: Some(7),
            now: moment(now),
            entries: &entries,
            is_present: !entries.is_empty(),
            date_from: moment("2026-12-24T18:00:00Z"),
            date_to: None,
            date_admission: Some(moment("2026-12-24T17:00:00Z")),
            zone: &TimeZone::get("Europe/Berlin").unwrap(),
        };
        allows(rules, &facts)
    }

    const EVENING: &str = "2026-12-24T23:30:00Z";

    #[test]
    fn products_and_variations_are_looked_up() {
        let of =
            |id: &str| json!({"inList": [{"var": "product"}, {"objectList": [{"lookup": ["product", id, "Seat"]}]}]});
        assert_eq!(verdict(&of("3"), EVENING, &[]), Ok(()));
        assert_eq!(verdict(&of("4"), EVENING, &[]), Err("This product is not admitted here.".to_owned()));
        let either = json!({"or": [of("4"), {"inList": [{"var": "variation"}, {"objectList": [{"lookup": ["variation", "7", ""]}]}]}]});
        assert_eq!(verdict(&either, EVENING, &[]), Ok(()));
        assert!(verdict(&json!({"and": [either, of("4")]}), EVENING, &[]).is_err());
    }

    #[test]
    fn times_are_the_events_own() {
        let after = |time: Value, tolerance: i64| json!({"isAfter": [{"var": "now"}, {"buildTime": time}, tolerance]});
        assert_eq!(verdict(&after(json!(["date_admission"]), 0), "2026-12-24T17:00:01Z", &[]), Ok(()));
        let early = verdict(&after(json!(["date_admission"]), 0), "2026-12-24T16:50:00Z", &[]);
        assert_eq!(early, Err("Entry is only possible from 2026-12-24 18:00.".to_owned()), "on the clock in Berlin");
        assert_eq!(verdict(&after(json!(["date_admission"]), 15), "2026-12-24T16:50:00Z", &[]), Ok(()));
        // The event has no end: its beginning stands for it.
        let before = json!({"isBefore": [{"var": "now"}, {"buildTime": ["date_to"]}]});
        assert_eq!(verdict(&before, "2026-12-24T17:59:59Z", &[]), Ok(()));
        assert!(verdict(&before, "2026-12-24T18:00:00Z", &[]).is_err());
        let lunch = after(json!(["customtime", "12:00:00"]), 0);
        assert_eq!(verdict(&lunch, "2026-12-24T11:00:01Z", &[]), Ok(()));
        assert!(verdict(&lunch, "2026-12-24T10:59:00Z", &[]).is_err());
        assert_eq!(
            verdict(&after(json!(["custom", "2026-12-24T17:00:00+01:00"]), 0), "2026-12-24T16:00:01Z", &[]),
            Ok(())
        );
        let friday = json!({"==": [{"var": "now_isoweekday"}, 5]});
        assert_eq!(verdict(&friday, EVENING, &[]), Ok(()), "past midnight in Berlin");
        assert!(verdict(&friday, "2026-12-24T22:30:00Z", &[]).is_err());
    }

    #[test]
    fn entries_are_counted_by_day_and_time() {
        let less = |what: Value, number: i64| json!({"<": [what, number]});
        // On the clock in Berlin the second one is on the 25th.
        let entries = ["2026-12-24T09:00:00Z", "2026-12-24T23:10:00Z"];
        let number = |name: &str| json!({"var": name});
        for (name, count) in [("entries_number", 2), ("entries_today", 1), ("entries_days", 2)] {
            assert!(verdict(&less(number(name), count), EVENING, &entries).is_err(), "{name}");
            assert_eq!(verdict(&less(number(name), count + 1), EVENING, &entries), Ok(()), "{name}");
        }
        for (name, minutes) in [("minutes_since_last_entry", 20), ("minutes_since_first_entry", 870)] {
            assert_eq!(verdict(&json!({"==": [number(name), minutes]}), EVENING, &entries), Ok(()), "{name}");
            assert_eq!(verdict(&json!({"==": [number(name), -1]}), EVENING, &[]), Ok(()), "{name}");
        }
        let limit = json!({"buildTime": ["custom", "2026-12-24T12:00:00Z"]});
        for name in ["entries_since", "entries_before", "entries_days_since", "entries_days_before"] {
            assert_eq!(verdict(&json!({"==": [{name: [limit]}, 1]}), EVENING, &entries), Ok(()), "{name}");
        }
        let absent = json!({"==": [{"var": "entry_status"}, "absent"]});
        assert_eq!(verdict(&absent, EVENING, &[]), Ok(()));
        assert!(verdict(&absent, EVENING, &entries).is_err());
    }

    #[test]
    fn the_nearest_alternative_explains() {
        let never = json!({"<": [{"var": "entries_number"}, 0]});
        let other = json!({"inList": [{"var": "product"}, {"objectList": []}]});
        let rules = json!({"or": [{"and": [other, never]}, never]});
        assert_eq!(verdict(&rules, EVENING, &[]), Err("The number of entries is used up.".to_owned()));
        assert_eq!(verdict(&json!({}), EVENING, &[]), Ok(()));
    }

    #[test]
    fn what_nobody_can_evaluate_is_refused() {
        for wrong in [
            json!([]),
            json!({"xor": [true]}),
            json!({"and": [true], "or": [true]}),
            json!({"var": "weather"}),
            json!({"isAfter": [{"var": "now"}, {"buildTime": ["custom", "soon"]}]}),
            json!({"isAfter": [{"var": "now"}, {"buildTime": ["teatime"]}]}),
        ] {
            assert!(check(&wrong).is_err(), "{wrong}");
        }
        let deep = (0..30).fold(json!(true), |rule, _| json!({ "and": [rule] }));
        assert!(check(&deep).is_err());
    }
}
