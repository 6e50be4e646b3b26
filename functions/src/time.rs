//! Moments in UTC and their way into Postgres. The event's zone is used only to render and to compute deadlines.

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// Microseconds between 1970-01-01 and 2000-01-01, where Postgres begins to count.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A moment, with the precision that Postgres keeps (microseconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Timestamp(jiff::Timestamp);

impl From<i64> for Timestamp {
    fn from(micros: i64) -> Self {
        Self::from_micros(micros)
    }
}

impl From<Timestamp> for i64 {
    fn from(moment: Timestamp) -> Self {
        moment.as_micros()
    }
}

impl Timestamp {
    /// Cuts what Postgres would not keep, so that a stored moment equals the one in memory.
    pub fn from_jiff(moment: jiff::Timestamp) -> Self {
        Self::from_micros(moment.as_microsecond())
    }

    /// Microseconds since 1970; far beyond any event, the last moment that a calendar has.
    pub fn from_micros(micros: i64) -> Self {
        let edge = if micros < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        Self(jiff::Timestamp::from_microsecond(micros).unwrap_or(edge))
    }

    /// Reads ISO 8601 with a zone or offset, as the API writes moments, in the years from 1 on: the database does not
    /// have all of those before.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = text.parse::<jiff::Timestamp>().ok()?;
        (jiff::tz::Offset::UTC.to_datetime(moment).year() >= 1).then(|| Self::from_jiff(moment))
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Seconds since 1970, rounded down.
    pub fn as_seconds(self) -> i64 {
        self.0.as_microsecond().div_euclid(1_000_000)
    }

    /// The moment on the clock of `zone`.
    pub fn in_zone(self, zone: &jiff::tz::TimeZone) -> jiff::ZonedDateTime {
        self.0.to_zoned_datetime(zone.clone())
    }

    /// A later moment.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.as_micros().saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Milliseconds from `earlier` to this; negative if it is before.
    pub fn milliseconds_since(self, earlier: Self) -> i64 {
        (self.as_micros() - earlier.as_micros()) / 1000
    }

    /// A moment so many microseconds later.
    pub fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.as_micros().saturating_add(micros))
    }

    /// Whole seconds from `self` until `later`, 0 when it has passed.
    pub fn seconds_until(self, later: Self) -> i64 {
        ((later.as_micros() - self.as_micros()) / 1_000_000).max(0)
    }
}

impl std::fmt::Display for Timestamp {
    /// ISO 8601 in UTC, as the API writes moments.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a> FromSql<'a> for Timestamp {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(jiff::Timestamp::from_microsecond(micros.saturating_add(POSTGRES_EPOCH_MICROS))?))
    }
    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.put_i64(self.as_micros() - POSTGRES_EPOCH_MICROS);
        Ok(IsNull::No)
    }
    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
    to_sql_checked!();
}
