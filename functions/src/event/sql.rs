//! Statements about organisers, events and their staff.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Event, Localized, Organizer, OrganizerSummary, Settings};
use crate::{
    id::{EventId, OrganizerId},
    money::Currency,
    port::db::{DbError, Query, Row, array, p},
    time::Timestamp,
    upload::sql::read_picture,
};

/// The columns of [`read_event`], for the statements below.
macro_rules! select_event {
    ($rest:literal) => {
        concat!(
            "
            select e.id, e.version, e.slug, e.name, e.logo, e.live, e.testmode, e.currency, e.timezone, e.date_from, e.date_to,
                   e.date_admission, e.is_public, e.presale_start, e.presale_end, e.location, e.settings, e.has_subevents,
                   e.all_sales_channels or 'web' = any(e.limit_sales_channels) as in_shop,
                   exists (select from team t
                            where t.organizer_id = o.id
                              and (t.notify_orders
                                   or exists (select from team_member m join notice_choice c on c.user_id = m.user_id
                                               where m.team_id = t.id and c.wanted
                                                 and c.action_type = 'pretix.event.order.placed'))
                              and (t.all_events or exists (select from team_event te
                                                            where te.team_id = t.id and te.event_id = e.id)))
                   as staff_listens,
                   o.id as organizer_id, o.slug as organizer_slug, o.name as organizer_name,
                   o.settings as organizer_settings
              from event e join organizer o on o.id = e.organizer_id
            ",
            $rest
        )
    };
}

const EVENT_BY_SLUG: &str = select_event!("where lower(o.slug) = lower($1) and lower(e.slug) = lower($2)");

const EVENT_BY_ID: &str = select_event!("where e.id = $1");

/// Over is what its last day is over for: `date_to`, or the end of the calendar day of `date_from` (spec domain 1.3).
const EVENTS_UPCOMING: &str = select_event!(
    "where e.organizer_id = $1 and e.live and e.is_public
       and (e.all_sales_channels or 'web' = any(e.limit_sales_channels))
       and coalesce(e.date_to, (date_trunc('day', e.date_from at time zone e.timezone) + interval '1 day')
           at time zone e.timezone) >= $2
     order by e.date_from, e.slug limit 500"
);

const EVENTS_PAST: &str = select_event!(
    "where e.organizer_id = $1 and e.live and e.is_public
       and (e.all_sales_channels or 'web' = any(e.limit_sales_channels))
       and coalesce(e.date_to, (date_trunc('day', e.date_from at time zone e.timezone) + interval '1 day')
           at time zone e.timezone) < $2
     order by e.date_from desc, e.slug limit 500"
);

const ORGANIZERS: &str = "
    select o.id, o.slug, o.name,
           (select count(*) from event e where e.organizer_id = o.id and e.live and e.is_public) as events
      from organizer o order by o.name, o.id limit 500";

const ORGANIZER_BY_SLUG: &str = "select id, slug, name from organizer where lower(slug) = lower($1)";

const SALES_CHANNELS: &str = "select identifier from sales_channel where organizer_id = $1 order by position, id";

pub(super) async fn sales_channels(q: &impl Query, organizer: OrganizerId) -> Result<Vec<String>, DbError> {
    q.query(SALES_CHANNELS, &[p(&organizer)]).await?.iter().map(|row| row.get("identifier")).collect()
}

pub(super) async fn event_by_slug(q: &impl Query, organizer: &str, event: &str) -> Result<Option<Event>, DbError> {
    q.opt(EVENT_BY_SLUG, &[p(&organizer), p(&event)]).await?.as_ref().map(read_event).transpose()
}

pub(super) async fn event_by_id(q: &impl Query, event: EventId) -> Result<Option<Event>, DbError> {
    q.opt(EVENT_BY_ID, &[p(&event)]).await?.as_ref().map(read_event).transpose()
}

pub(super) async fn events_upcoming(
    q: &impl Query,
    organizer: OrganizerId,
    now: Timestamp,
) -> Result<Vec<Event>, DbError> {
    q.query(EVENTS_UPCOMING, &[p(&organizer), p(&now)]).await?.iter().map(read_event).collect()
}

pub(super) async fn events_past(q: &impl Query, organizer: OrganizerId, now: Timestamp) -> Result<Vec<Event>, DbError> {
    q.query(EVENTS_PAST, &[p(&organizer), p(&now)]).await?.iter().map(read_event).collect()
}

pub(super) async fn organizers(q: &impl Query) -> Result<Vec<OrganizerSummary>, DbError> {
    let summary = |row: &Row| Ok(OrganizerSummary { organizer: read_organizer(row)?, events: row.get("events")? });
    q.query(ORGANIZERS, &[]).await?.iter().map(summary).collect()
}

pub(super) async fn organizer_by_slug(q: &impl Query, slug: &str) -> Result<Option<Organizer>, DbError> {
    q.opt(ORGANIZER_BY_SLUG, &[p(&slug)]).await?.as_ref().map(read_organizer).transpose()
}

const ORGANIZER_BY_ID: &str = "select id, slug, name from organizer where id = $1";

pub(super) async fn organizer_by_id(q: &impl Query, organizer: OrganizerId) -> Result<Option<Organizer>, DbError> {
    q.opt(ORGANIZER_BY_ID, &[p(&organizer)]).await?.as_ref().map(read_organizer).transpose()
}

const IDS: &str = "
    select id from event where organizer_id = $1 and ($2 or id = any($3)) and ($4::text is null or slug = $4)";

pub(super) async fn ids(
    q: &impl Query,
    organizer: OrganizerId,
    ids: Option<&Vec<EventId>>,
    slug: Option<&str>,
) -> Result<Vec<EventId>, DbError> {
    let (all, ids) = (ids.is_none(), ids.cloned().unwrap_or_default());
    let rows = q.query(IDS, &[p(&organizer), p(&all), array(&ids), p(&slug)]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

fn read_organizer(row: &Row) -> Result<Organizer, DbError> {
    Ok(Organizer { id: row.get("id")?, slug: row.get("slug")?, name: row.get("name")? })
}

fn read_event(row: &Row) -> Result<Event, DbError> {
    let currency: String = row.get("currency")?;
    let timezone: String = row.get("timezone")?;
    let organizer_settings: Value = row.get("organizer_settings")?;
    Ok(Event {
        version: row.get("version")?,
        id: row.get("id")?,
        organizer: Organizer {
            id: row.get("organizer_id")?,
            slug: row.get("organizer_slug")?,
            name: row.get("organizer_name")?,
        },
        slug: row.get("slug")?,
        name: Localized::from_row(row, "name")?,
        logo: read_picture(row, "logo")?,
        live: row.get("live")?,
        testmode: row.get("testmode")?,
        currency: Currency::parse(&currency)
            .map_err(|_| DbError::UnknownValue { what: "currency", value: currency.clone() })?,
        timezone: TimeZone::get(&timezone)
            .map_err(|_| DbError::UnknownValue { what: "time zone", value: timezone.clone() })?,
        date_from: row.get("date_from")?,
        date_to: row.get("date_to")?,
        date_admission: row.get("date_admission")?,
        is_public: row.get("is_public")?,
        presale_start: row.get("presale_start")?,
        presale_end: row.get("presale_end")?,
        location: Localized::from_row_opt(row, "location")?,
        settings: Settings::merge(organizer_settings, row.get("settings")?),
        has_subevents: row.get("has_subevents")?,
        in_shop: row.get("in_shop")?,
        staff_listens: row.get("staff_listens")?,
    })
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    ORGANIZER_BY_ID,
    IDS,
    SALES_CHANNELS,
    EVENT_BY_SLUG,
    EVENT_BY_ID,
    EVENTS_UPCOMING,
    EVENTS_PAST,
    ORGANIZERS,
    ORGANIZER_BY_SLUG,
];
