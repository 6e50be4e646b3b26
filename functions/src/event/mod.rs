//! Organisers and events: what they are, when an event sells, and until when its orders must be paid.

use jiff::{
    ToSpan as _, ZonedDateTime,
    civil::{self, Weekday},
    tz::TimeZone,
};

use crate::{
    id::{EventId, OrganizerId},
    money::Currency,
    port::db::{DbError, Query},
    time::Timestamp,
    trace,
    upload::Picture,
};

pub mod calendar;
pub mod edit;
pub mod import;
pub mod settings;
pub mod snapshot;
pub mod sql;
mod text;

use crate::i18n::Lang;
pub use crate::i18n::Localized;
pub use import::create_organizer;
pub use settings::{PaymentTermMode, Settings};

/// A tenant.
#[derive(Debug, Clone)]
pub struct Organizer {
    /// Its id.
    pub id: OrganizerId,
    /// Its part of the URL.
    pub slug: String,
    /// Its name.
    pub name: String,
}

/// An organiser in a list.
#[derive(Debug, Clone)]
pub struct OrganizerSummary {
    /// The organiser.
    pub organizer: Organizer,
    /// How many live public events it has.
    pub events: i64,
}

/// An event with its effective settings.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Counts the changes of the event and of what it sells.
    pub version: i64,
    /// Who runs it.
    pub organizer: Organizer,
    /// Its part of the URL.
    pub slug: String,
    /// Its name.
    pub name: Localized,
    /// Its logo.
    pub logo: Option<Picture>,
    /// The shop is open to the public.
    pub live: bool,
    /// Orders made now are tests.
    pub testmode: bool,
    /// Currency of all its prices.
    pub currency: Currency,
    /// The clock on its walls.
    pub timezone: TimeZone,
    /// When it begins.
    pub date_from: Timestamp,
    /// When it ends.
    pub date_to: Option<Timestamp>,
    /// When the doors open.
    pub date_admission: Option<Timestamp>,
    /// Listed on the organiser's page.
    pub is_public: bool,
    /// When the sale begins.
    pub presale_start: Option<Timestamp>,
    /// When the sale ends.
    pub presale_end: Option<Timestamp>,
    /// Where it is.
    pub location: Option<Localized>,
    /// Its settings over the organiser's over the defaults.
    pub settings: Settings,
    /// A series: it sells dates, not itself.
    pub has_subevents: bool,
    /// Sold in the shop, and not only through other sales channels.
    pub in_shop: bool,
    /// Somebody of the organiser's staff wants to hear of its orders.
    pub staff_listens: bool,
}

/// Whether an event sells now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presale {
    /// Not yet.
    NotStarted {
        /// When it will.
        start: Timestamp,
    },
    /// Now.
    Running,
    /// No more.
    Ended,
}

impl Event {
    /// The shop's root, such as `/org/event/`.
    pub fn path(&self) -> String {
        format!("/{}/{}/", self.organizer.slug, self.slug)
    }

    /// The event as a file for calendars.
    pub fn calendar_path(&self) -> String {
        format!("{}ical/", self.path())
    }

    /// The shop's languages, the one for readers of none of them first; English if it has none that the shop speaks.
    pub fn langs(&self) -> Vec<Lang> {
        let chosen = std::iter::once(self.settings.locale()).chain(self.settings.locales());
        let mut langs: Vec<Lang> = Vec::new();
        for lang in chosen.filter_map(Lang::parse) {
            if !langs.contains(&lang) {
                langs.push(lang);
            }
        }
        if langs.is_empty() { vec![Lang::En] } else { langs }
    }

    /// Whether the event sells at `now` (spec domain 1.3). Without an end of the presale it sells while it takes place.
    pub fn presale(&self, now: Timestamp) -> Presale {
        let ended = match self.presale_end.or(self.date_to.filter(|_| !self.has_subevents)) {
            Some(end) => now > end,
            // A series goes on as long as its dates do.
            None if self.has_subevents => false,
            None => now.in_zone(&self.timezone).date() > self.date_from.in_zone(&self.timezone).date(),
        };
        match self.presale_start {
            _ if ended => Presale::Ended,
            Some(start) if now < start => Presale::NotStarted { start },
            _ => Presale::Running,
        }
    }

    /// Until when an order placed at `now` must be paid (spec domain 13.1).
    pub fn payment_deadline(&self, now: Timestamp) -> Timestamp {
        let deadline = match self.settings.payment_term_mode() {
            PaymentTermMode::Days => self.end_of_working_day(now, self.settings.payment_term_days()),
            PaymentTermMode::Minutes => now.plus_seconds(self.settings.payment_term_minutes() * 60),
        };
        self.last_payment().map_or(deadline, |last| deadline.min(last))
    }

    /// From when an order that had to be paid until `expires` can be expired (spec domain 13.2).
    pub fn expire_moment(&self, expires: Timestamp) -> Timestamp {
        // Without a delay the deadline itself counts, which in minutes mode is not the end of a day.
        let delay_days = self.settings.payment_term_expire_delay_days();
        if delay_days == 0 {
            return expires;
        }
        let moment = self.end_of_working_day(expires, delay_days);
        // The last day may have been moved before the deadline since: that must not shorten what the buyer was told.
        self.last_payment().map_or(moment, |last| moment.min(last)).max(expires)
    }

    /// The moment after which no order can be paid any more: the end of the last payment day.
    pub fn last_payment(&self) -> Option<Timestamp> {
        let last = self.settings.payment_term_last(&self.timezone)?;
        Some(end_of_day(&last.in_zone(&self.timezone)))
    }

    /// 23:59:59 of a day on the event's clock.
    pub fn end_of(&self, day: civil::Date) -> Timestamp {
        let noon = day.at(12, 0, 0, 0).to_zoned_datetime(self.timezone.clone());
        noon.map_or(Timestamp::from_micros(i64::MAX), |noon| end_of_day(&noon))
    }

    /// 23:59:59 on the event's clock, `days` after `from`, moved off the weekend where the event wants it.
    fn end_of_working_day(&self, from: Timestamp, days: i64) -> Timestamp {
        let mut day = from.in_zone(&self.timezone).saturating_add(days.days());
        if self.settings.payment_term_weekdays() {
            let shift = match day.weekday() {
                Weekday::Saturday => 2,
                Weekday::Sunday => 1,
                _ => 0,
            };
            day = day.saturating_add(shift.days());
        }
        end_of_day(&day)
    }
}

fn end_of_day(day: &ZonedDateTime) -> Timestamp {
    let last_second = day.date().at(23, 59, 59, 0).to_zoned_datetime(day.time_zone().clone());
    // The last day of the calendar has no end in every zone.
    Timestamp::from_jiff(last_second.map_or(day.timestamp(), |end| end.timestamp()))
}

/// The event under `/organizer/event/`, in any case of letters.
pub async fn find(q: &impl Query, organizer_slug: &str, event_slug: &str) -> Result<Option<Event>, DbError> {
    Ok(sql::event_by_slug(q, organizer_slug, event_slug).await?.inspect(trace::about_event))
}

/// The event with an id that the shop itself stored; never pass one that a client chose.
pub async fn by_id(q: &impl Query, event: EventId) -> Result<Option<Event>, DbError> {
    Ok(sql::event_by_id(q, event).await?.inspect(trace::about_event))
}

/// All organisers by name, at most 500.
pub async fn organizers(q: &impl Query) -> Result<Vec<OrganizerSummary>, DbError> {
    sql::organizers(q).await
}

/// The organiser under `/organizer/`, in any case of letters.
pub async fn find_organizer(q: &impl Query, slug: &str) -> Result<Option<Organizer>, DbError> {
    sql::organizer_by_slug(q, slug).await
}

/// The organiser of a token.
pub async fn organizer_by_id(q: &impl Query, organizer: OrganizerId) -> Result<Option<Organizer>, DbError> {
    sql::organizer_by_id(q, organizer).await
}

/// Identifiers of the organiser's sales channels.
pub async fn sales_channels(q: &impl Query, organizer: OrganizerId) -> Result<Vec<String>, DbError> {
    sql::sales_channels(q, organizer).await
}

/// Live public events that are not over, the next one first, at most 500.
pub async fn upcoming(q: &impl Query, organizer: OrganizerId, now: Timestamp) -> Result<Vec<Event>, DbError> {
    sql::events_upcoming(q, organizer, now).await
}

/// Live public events that are over, the latest first, at most 500.
pub async fn past(q: &impl Query, organizer: OrganizerId, now: Timestamp) -> Result<Vec<Event>, DbError> {
    sql::events_past(q, organizer, now).await
}

/// Those of the organiser's events that are among `ids`, if these are limited, and have this slug, if one is said.
pub async fn ids(
    q: &impl Query,
    organizer: OrganizerId,
    ids: Option<&Vec<EventId>>,
    slug: Option<&str>,
) -> Result<Vec<EventId>, DbError> {
    sql::ids(q, organizer, ids, slug).await
}
