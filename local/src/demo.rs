//! The demo event: a document for the importer whose dates move with the clock.

use jiff::{Span, ToSpan as _, civil, tz::TimeZone};
use serde_json::Value;
use shop::time::Timestamp;

/// The demo organiser (`organizer`) and event, with all dates relative to `now`.
pub fn document(now: Timestamp) -> Value {
    let mut document: Value =
        serde_json::from_str(include_str!("../seed/demo.json")).expect("the demo document is JSON; a test reads it");
    let zone = document["event"]["timezone"].as_str().and_then(|name| TimeZone::get(name).ok());
    expand(&mut document, now, &zone.expect("the demo event names its time zone; a test reads it"));
    document
}

/// Replaces texts such as `"@+120d 09:00"` (120 days from today, at nine on the clock of `zone`) by moments.
/// What only looks similar stays as it is, and the importer then names it.
pub fn expand(value: &mut Value, now: Timestamp, zone: &TimeZone) {
    match value {
        Value::String(text) => {
            if let Some(moment) = moment(text, now, zone) {
                *text = moment.to_string();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|entry| expand(entry, now, zone)),
        Value::Object(fields) => fields.values_mut().for_each(|field| expand(field, now, zone)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (days, clock) = text.strip_prefix('@')?.split_once("d ")?;
    let days: Span = days.parse::<i32>().ok()?.days();
    let clock: civil::Time = clock.parse().ok()?;
    let day = now.in_zone(zone).date().checked_add(days).ok()?;
    Some(Timestamp::from_jiff(day.to_datetime(clock).to_zoned_datetime(zone.clone()).ok()?.timestamp()))
}
