//! Time, as the caller passes it in.
//!
//! The core has no clock. Every function that depends on the time takes a
//! [`Timestamp`]. So days can pass in a test within a millisecond, and a device
//! without a system clock can use its own.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use httpdate::HttpDate;
use serde::{Deserialize, Serialize};

/// A moment: whole milliseconds since the Unix epoch.
///
/// Arithmetic saturates at both ends. Nothing that a server or a clock says can
/// make it overflow.
///
/// ```
/// use std::time::Duration;
/// use thingspace_core::Timestamp;
///
/// let login = Timestamp::from_millis(1_700_000_000_000);
/// let later = login + Duration::from_secs(20 * 60);
/// assert_eq!(later.since(login), Duration::from_secs(1200));
/// assert_eq!(login.since(later), Duration::ZERO);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The latest moment that can be expressed.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment this long before.
    pub(crate) fn before(self, length: Duration) -> Self {
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// The time since `earlier`; zero if that is not in the past.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Writes a date in UTC: `Tue, 14 Nov 2023 22:13:20 GMT`. A moment after the year
/// 9999 is written as the end of that year.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LAST_SECOND: u64 = 253_402_300_799;
        let seconds = Duration::from_secs((self.0 / 1000).min(LAST_SECOND));
        HttpDate::from(UNIX_EPOCH + seconds).fmt(f)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// Takes the time of a system clock, which only the caller may read. A clock
/// before 1970 reads as the epoch.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self::default() + time.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_its_milliseconds() {
        assert_eq!(
            Timestamp::from_millis(1_700_000_000_123).as_millis(),
            1_700_000_000_123
        );
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::default().since(Timestamp::MAX), Duration::ZERO);
    }

    #[test]
    fn a_moment_reads_as_a_date() {
        let moment = Timestamp::from_millis(1_700_000_000_999);
        assert_eq!(moment.to_string(), "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(Timestamp::MAX.to_string(), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn a_clock_before_the_epoch_reads_as_the_epoch() {
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Timestamp::from(before), Timestamp::default());
    }
}
