//! Amounts, percentages, dates and times as people of a language write them. The event's zone decides what day it is.

use jiff::tz::TimeZone;

use super::Lang;
use crate::money::{Currency, Money, TaxRate};
use crate::time::Timestamp;

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const WEEKDAYS_EN: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WEEKDAYS_DE: [&str; 7] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];

/// Keeps an amount and its currency, or a number and its unit, on one line.
const NO_BREAK: char = '\u{a0}';

/// `€1,234.50` in English, `1.234,50 €` in German; currencies without a well-known sign by their code.
pub fn money(lang: Lang, amount: Money) -> String {
    let number = number(lang, amount);
    let sign = if amount.minor() < 0 { "-" } else { "" };
    match (lang, symbol(&amount.currency())) {
        (Lang::En, Some(symbol)) => format!("{sign}{symbol}{number}"),
        (Lang::En, None) => format!("{sign}{}{NO_BREAK}{number}", amount.currency().code()),
        (Lang::De, symbol) => format!("{sign}{number}{NO_BREAK}{}", symbol.unwrap_or(amount.currency().code())),
    }
}

/// `19%` in English, `19 %` in German; decimals only where the rate has some.
pub fn percent(lang: Lang, rate: TaxRate) -> String {
    let text = rate.to_percent();
    let number = text.trim_end_matches('0').trim_end_matches('.');
    match lang {
        Lang::En => format!("{number}%"),
        Lang::De => format!("{}{NO_BREAK}%", number.replace('.', ",")),
    }
}

/// `12 September 2026`.
pub fn date(lang: Lang, moment: Timestamp, zone: &TimeZone) -> String {
    let day = moment.in_zone(zone);
    format!("{} {} {}", day_number(lang, &day), month(lang, &day), day.year())
}

/// `Saturday, 12 September 2026`.
pub fn long_date(lang: Lang, moment: Timestamp, zone: &TimeZone) -> String {
    let index = usize::try_from(moment.in_zone(zone).weekday().to_monday_zero_offset());
    let index = index.expect("weekdays count from 0 to 6");
    let weekday = match lang {
        Lang::En => WEEKDAYS_EN[index],
        Lang::De => WEEKDAYS_DE[index],
    };
    format!("{weekday}, {}", date(lang, moment, zone))
}

/// The days from `from` to `to`, as short as they can be said: one day with its weekday, else `12–14 September 2026`.
pub fn date_range(lang: Lang, from: Timestamp, to: Option<Timestamp>, zone: &TimeZone) -> String {
    let first = from.in_zone(zone);
    let Some(to) = to.filter(|to| to.in_zone(zone).date() > first.date()) else {
        return long_date(lang, from, zone);
    };
    let last = to.in_zone(zone);
    let end = date(lang, to, zone);
    if first.year() != last.year() {
        format!("{} – {end}", date(lang, from, zone))
    } else if first.month() != last.month() {
        format!("{} {} – {end}", day_number(lang, &first), month(lang, &first))
    } else {
        format!("{}–{end}", day_number(lang, &first))
    }
}

/// `20:00`, in German `20:00 Uhr`.
pub fn time(lang: Lang, moment: Timestamp, zone: &TimeZone) -> String {
    let clock = moment.in_zone(zone).strftime("%H:%M").to_string();
    match lang {
        Lang::En => clock,
        Lang::De => format!("{clock}{NO_BREAK}Uhr"),
    }
}

/// `12 September 2026, 20:00`.
pub fn date_time(lang: Lang, moment: Timestamp, zone: &TimeZone) -> String {
    format!("{}, {}", date(lang, moment, zone), time(lang, moment, zone))
}

/// A last moment: `Saturday, 12 September 2026`, with the time unless it is the end of that day.
pub fn deadline(lang: Lang, moment: Timestamp, zone: &TimeZone) -> String {
    let local = moment.in_zone(zone);
    let day = long_date(lang, moment, zone);
    if (local.hour(), local.minute()) == (23, 59) { day } else { format!("{day}, {}", time(lang, moment, zone)) }
}

/// Symbols that readers of both languages take for this currency and no other.
fn symbol(currency: &Currency) -> Option<&'static str> {
    match currency.code() {
        "EUR" => Some("€"),
        "USD" => Some("$"),
        "GBP" => Some("£"),
        "JPY" => Some("¥"),
        _ => None,
    }
}

/// The amount without its sign, with separators and the decimals of its currency.
fn number(lang: Lang, amount: Money) -> String {
    let (group, point) = match lang {
        Lang::En => (',', '.'),
        Lang::De => ('.', ','),
    };
    let minor = amount.minor().unsigned_abs();
    let scale = 10_u64.pow(amount.currency().decimals());
    let digits = (minor / scale).to_string();
    let mut whole = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            whole.push(group);
        }
        whole.push(digit);
    }
    if scale == 1 { whole } else { format!("{whole}{point}{:02}", minor % scale) }
}

fn day_number(lang: Lang, day: &jiff::ZonedDateTime) -> String {
    match lang {
        Lang::En => day.day().to_string(),
        Lang::De => format!("{}.", day.day()),
    }
}

fn month(lang: Lang, day: &jiff::ZonedDateTime) -> &'static str {
    let index = usize::try_from(day.month() - 1).expect("months count from 1");
    match lang {
        Lang::En => MONTHS_EN[index],
        Lang::De => MONTHS_DE[index],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str, currency: &str) -> Money {
        Money::parse_decimal(text, Currency::parse(currency).unwrap()).unwrap()
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn amounts() {
        assert_eq!(money(Lang::En, amount("23.00", "EUR")), "€23.00");
        assert_eq!(money(Lang::De, amount("1234567.5", "EUR")), "1.234.567,50\u{a0}€");
        assert_eq!(money(Lang::En, amount("-5.00", "EUR")), "-€5.00");
        assert_eq!(money(Lang::En, amount("2300", "JPY")), "¥2,300");
        assert_eq!(money(Lang::En, amount("7.05", "CHF")), "CHF\u{a0}7.05");
        assert_eq!(money(Lang::De, amount("999", "CHF")), "999,00\u{a0}CHF");
    }

    #[test]
    fn percentages() {
        let rate = |text| TaxRate::parse_percent(text).unwrap();
        assert_eq!(percent(Lang::En, rate("19.00")), "19%");
        assert_eq!(percent(Lang::De, rate("7.125")), "7,125\u{a0}%");
        assert_eq!(percent(Lang::En, rate("10")), "10%");
        assert_eq!(percent(Lang::En, TaxRate::ZERO), "0%");
    }

    #[test]
    fn ranges_say_nothing_twice() {
        let zone = berlin();
        let range = |lang, from, to| date_range(lang, at(from), Some(at(to)), &zone);
        assert_eq!(range(Lang::En, "2026-09-12T18:00:00Z", "2026-09-12T21:00:00Z"), "Saturday, 12 September 2026");
        assert_eq!(range(Lang::De, "2026-09-12T18:00:00Z", "2026-09-14T18:00:00Z"), "12.–14. September 2026");
        assert_eq!(range(Lang::En, "2026-09-30T18:00:00Z", "2026-10-02T18:00:00Z"), "30 September – 2 October 2026");
        assert_eq!(
            range(Lang::De, "2026-12-31T18:00:00Z", "2027-01-01T05:00:00Z"),
            "31. Dezember 2026 – 1. Januar 2027"
        );
        assert_eq!(date_range(Lang::De, at("2026-09-12T23:00:00Z"), None, &zone), "Sonntag, 13. September 2026");
    }

    #[test]
    fn times_are_those_of_the_event() {
        assert_eq!(time(Lang::De, at("2026-09-12T18:00:00Z"), &berlin()), "20:00\u{a0}Uhr");
        assert_eq!(date_time(Lang::En, at("2026-01-12T18:00:00Z"), &berlin()), "12 January 2026, 19:00");
        assert_eq!(deadline(Lang::En, at("2026-01-12T22:59:59Z"), &berlin()), "Monday, 12 January 2026");
        assert_eq!(deadline(Lang::En, at("2026-01-12T12:00:00Z"), &berlin()), "Monday, 12 January 2026, 13:00");
    }
}
