//! The only place that reads the time of day, so that tests can set it.
//!
//! Durations (time limits, measurements) use [`std::time::Instant`] and are none of this room's business.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time of day; clones share one setting.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// What is added to the system's time, in microseconds: 0 but in tests.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        Timestamp(system_micros().saturating_add(self.ahead.load(Ordering::Relaxed)))
    }

    /// Lets `by` go past at once (tests only).
    pub fn advance(&self, by: Duration) {
        self.ahead.fetch_add(micros(by), Ordering::Relaxed);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn system_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// An instant in microseconds since 1970-01-01T00:00:00Z, as it is stored (BIGINT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How long it took from `earlier` until this instant; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// UTC with its calendar; out of the calendar's range: 1970.
    pub fn utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// Whole seconds since 1970, as the header `webhook-timestamp` has them.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// RFC 3339 in UTC to the second: `2026-05-03T09:12:44Z`.
    pub fn rfc3339(self) -> String {
        let whole = self.utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        whole.format(&Rfc3339).unwrap_or_default()
    }
}

/// RFC 3339, in any zone.
impl std::str::FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok();
        // In another zone a day more or less can leave the calendar.
        let at = at.filter(|at| at.checked_to_offset(time::UtcOffset::UTC).is_some_and(|at| at.year() >= 0));
        at.map(Self::from).ok_or_else(|| format!("“{text}” is not a time such as 2026-05-03T09:12:44Z"))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        Self(i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

crate::db::stored_as_bigint!(Timestamp, Timestamp::as_micros, Timestamp::from_micros);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_printed_in_utc_to_the_second() {
        assert_eq!(Timestamp::from_micros(1_777_799_564_999_999).rfc3339(), "2026-05-03T09:12:44Z");
    }

    #[test]
    fn a_time_that_utc_can_not_say_is_none() {
        assert!("9999-12-31T23:59:59-12:00".parse::<Timestamp>().is_err());
        assert!("0000-01-01T00:00:00+12:00".parse::<Timestamp>().is_err());
        let last = "9999-12-31T23:59:59Z".parse::<Timestamp>().map(Timestamp::rfc3339);
        assert_eq!(last.as_deref(), Ok("9999-12-31T23:59:59Z"));
    }

    #[test]
    fn time_goes_on_after_the_clock_was_set_ahead() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now().since(before) >= Duration::from_secs(3600));
    }
}
