//! An event as a calendar file (RFC 5545), for mails and to download.

use jiff::{ToSpan as _, civil::Date};

use super::Event;
use crate::{i18n::Lang, present, time::Timestamp};

/// What the file of an event is called.
pub fn file_name(event: &Event) -> String {
    format!("{}.ics", event.slug)
}

/// A calendar with the event. Moments are in UTC, which every program puts into its own zone without a table of zones;
/// an event that shows no times takes whole days. `public_url` tells where the shop is; the same event has the same
/// identity in every file, so that a second one replaces the first.
pub fn file(event: &Event, public_url: &str, lang: Lang, now: Timestamp) -> String {
    let host = public_url.split("://").nth(1).unwrap_or(public_url).split(['/', ':']).next().unwrap_or_default();
    let shop = format!("{public_url}{}", event.path());
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Onsale//EN".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:onsale-{}-{}-0@{host}", event.organizer.slug, event.slug),
        format!("DTSTAMP:{}", moment(now)),
    ];
    lines.extend(time(event));
    lines.push(format!("SUMMARY:{}", escaped(event.name.get(lang))));
    if let Some(location) = present::location_line(event, lang) {
        lines.push(format!("LOCATION:{}", escaped(&location)));
    }
    let doors = event.date_admission.filter(|_| event.settings.show_times()).and_then(|_| present::times(event, lang));
    let description: Vec<String> =
        [Some(shop.clone()), doors, Some(event.organizer.name.clone())].into_iter().flatten().collect();
    lines.push(format!("DESCRIPTION:{}", escaped(&description.join("\n"))));
    lines.push(format!("ORGANIZER;CN=\"{}\":{shop}", event.organizer.name.replace(['"', '\r', '\n'], "'")));
    lines.push(format!("URL:{shop}"));
    lines.extend(["END:VEVENT".to_owned(), "END:VCALENDAR".to_owned()]);
    lines.iter().map(|line| folded(line)).collect()
}

/// Start and end: an hour later, or the same day, if the event does not say.
fn time(event: &Event) -> [String; 2] {
    let end = event.date_to.filter(|_| event.settings.show_date_to());
    if event.settings.show_times() {
        let end = end.unwrap_or(event.date_from.plus_seconds(3600));
        return [format!("DTSTART:{}", moment(event.date_from)), format!("DTEND:{}", moment(end))];
    }
    let day = |moment: Timestamp| moment.in_zone(&event.timezone).date();
    // The end of whole days is the first day after them.
    let last = day(end.unwrap_or(event.date_from));
    let after = last.checked_add(1.day()).unwrap_or(last);
    [format!("DTSTART;VALUE=DATE:{}", date(day(event.date_from))), format!("DTEND;VALUE=DATE:{}", date(after))]
}

fn date(day: Date) -> String {
    format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

fn moment(moment: Timestamp) -> String {
    let at = moment.in_zone(&jiff::tz::TimeZone::UTC);
    format!("{}T{:02}{:02}{:02}Z", date(at.date()), at.hour(), at.minute(), at.second())
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\\n")
}

/// Longest line in bytes, without its end.
const LINE_BYTES_MAX: usize = 75;

/// A line with its end; a long one goes on in the next lines after a space, and no letter is cut in two.
fn folded(line: &str) -> String {
    let mut folded = String::new();
    let mut length = 0;
    for letter in line.chars() {
        if length + letter.len_utf8() > LINE_BYTES_MAX {
            folded.push_str("\r\n ");
            length = 1;
        }
        folded.push(letter);
        length += letter.len_utf8();
    }
    folded + "\r\n"
}
