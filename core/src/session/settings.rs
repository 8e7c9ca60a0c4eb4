//! All numbers that tune the machine: each with a name, a default and a reason.

use std::{num::NonZeroU32, time::Duration};

use thiserror::Error;

/// The time that a bearer token lives from its first issue (documented by
/// Verizon); assumed where a response does not say.
pub(super) const BEARER_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The number of failed logins in a row at which the platform locks the user
/// name, which only Verizon's support unlocks (documented by Verizon).
pub const PLATFORM_LOCKS_AT: u8 = 5;

/// The number of events that are held for a driver that does not drain them; the
/// oldest are dropped first (our choice).
pub const MAX_EVENTS: usize = 64;

/// The longest backoff of token fetches and logins, whatever the service asks
/// for: a longer `Retry-After` is taken for a mistake (our choice).
pub const LONGEST_REQUESTED_BACKOFF: Duration = Duration::from_secs(24 * 60 * 60);

/// The time by which a lease outlasts its operation's deadline, so that a driver
/// that runs into the deadline has the time to say so (our choice).
pub(super) const LEASE_GRACE: Duration = Duration::from_secs(5);

/// The shortest time that a fetched bearer token is used, whatever lifetime the
/// service gives it: so that a token given out at its very end does not set off
/// one fetch after the other (our choice).
pub(super) const SHORTEST_BEARER_USE: Duration = Duration::from_secs(1);

/// The time by which a session's last use may run ahead of the last one that the
/// [version](super::Session::version) reported (our choice).
pub(super) const USE_GRAIN: Duration = Duration::from_secs(60);

/// A session that is refused within this time after its login is short-lived
/// (our choice: three times the 96 seconds that were reported from the field).
pub(super) const SHORT_LIVED_SESSION: Duration = Duration::from_secs(5 * 60);

/// The number of short-lived sessions in a row that delay no login (our choice).
pub(super) const FREE_SHORT_LIVED_SESSIONS: u32 = 2;

/// The login cooldown after one more; it doubles with each further one (our
/// choice).
pub(super) const FIRST_COOLDOWN: Duration = Duration::from_secs(60);

/// The longest login cooldown (our choice).
pub(super) const LONGEST_COOLDOWN: Duration = Duration::from_secs(20 * 60);

/// The number of results of operations that are held for the calls that wait for
/// them; the oldest are dropped first (our choice: operations come one at a time,
/// and whoever waits looks after each).
pub(super) const MAX_RESULTS: usize = 8;

/// The number of times that a change to a shared session is tried because others
/// were faster: far more than any number of honest processes needs (our choice).
pub(super) const MAX_SAVE_ATTEMPTS: u32 = 1000;

/// The greatest version, number of operations or password epoch that a snapshot may
/// hold: more than any session reaches, and the greatest that every reader of JSON
/// holds exactly.
pub(super) const GREATEST_NUMBER: u64 = (1 << 53) - 1;

/// The settings of a session. Start from the default and change what differs:
///
/// ```
/// use std::time::Duration;
/// use thingspace_core::session::{MaxFailedLogins, Settings};
///
/// let mut settings = Settings::default();
/// settings.max_failed_logins = MaxFailedLogins::new(1)?;
/// settings.call_timeout = Some(Duration::from_secs(90));
/// # Ok::<(), thingspace_core::session::SettingsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The number of logins that may fail, or have an unknown outcome, before the
    /// login guard is blocked. 2 by default: one slip and one retry, and still as
    /// many left again before the platform locks.
    pub max_failed_logins: MaxFailedLogins,

    /// The scopes to ask for with the bearer token, separated by spaces. None
    /// by default: what the application has.
    pub scope: Option<String>,

    /// The time before its end at which a bearer token is renewed: clocks may
    /// differ, and a request takes time on its way. 60 seconds by default. A
    /// token that lives no longer than this is used to its end.
    pub clock_skew: Duration,

    /// The time without use after which a session is taken for dead, and a login
    /// is made before the next call. 19 minutes by default: a minute less than a
    /// session token lives without use (20 minutes, documented by Verizon), for
    /// clocks and for a request's way.
    pub idle_timeout: Duration,

    /// The time that one request may take, from its sending to the end of its
    /// response. 30 seconds by default.
    pub attempt_timeout: Duration,

    /// The time that a whole call may take, with everything that it waits for.
    /// Unlimited by default; [`Call::with_deadline`](super::Call::with_deadline)
    /// sets it for one call. It does not cut a login short that the call needs:
    /// that belongs to the session and goes on.
    pub call_timeout: Option<Duration>,

    /// The number of failures after which a call gives up. 3 by default.
    #[doc(alias = "retry")]
    pub max_attempts: NonZeroU32,

    /// The backoff after a first failure, doubled with each further one. Half a
    /// second by default. The actual backoff is between half of it and all of it.
    pub first_backoff: Duration,

    /// The longest such backoff. 30 seconds by default.
    pub longest_backoff: Duration,

    /// The longest that a call waits for the service to be ready again,
    /// whatever `Retry-After` says. A call that would have to wait longer ends
    /// with the failure that made it wait. 60 seconds by default.
    pub longest_wait: Duration,

    /// The largest body of a response that is taken, in bytes. 16 MiB by default.
    pub max_body: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_failed_logins: MaxFailedLogins::default(),
            scope: None,
            clock_skew: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(19 * 60),
            attempt_timeout: Duration::from_secs(30),
            call_timeout: None,
            max_attempts: const { NonZeroU32::new(3).unwrap() },
            first_backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(30),
            longest_wait: Duration::from_secs(60),
            max_body: 16 * 1024 * 1024,
        }
    }
}

/// The number of logins that may fail before the login guard is blocked: from 1
/// to 4, since the platform locks the user name at 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxFailedLogins(u8);

impl MaxFailedLogins {
    /// Takes the number. Fails for anything but 1 to 4.
    pub const fn new(number: u8) -> Result<Self, SettingsError> {
        if number == 0 || number >= PLATFORM_LOCKS_AT {
            return Err(SettingsError::MaxFailedLogins(number));
        }
        Ok(Self(number))
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Default for MaxFailedLogins {
    fn default() -> Self {
        Self(2)
    }
}

/// The reason why a setting is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The number is not one of failed logins to stop at.
    #[error(
        "{0} is no number of failed logins to stop at; give one from 1 to 4, since the platform locks the user name at 5"
    )]
    MaxFailedLogins(u8),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_used_until_a_minute_before_it_is_over() {
        assert_eq!(Settings::default().idle_timeout, Duration::from_secs(1140));
        assert_eq!(BEARER_LIFETIME, Duration::from_secs(3600));
    }

    #[test]
    fn law_2_the_guard_is_always_blocked_before_the_platform_locks() {
        for number in 1..=4 {
            assert_eq!(MaxFailedLogins::new(number).unwrap().number(), number);
        }
        for number in [0, 5, 255] {
            assert_eq!(
                MaxFailedLogins::new(number),
                Err(SettingsError::MaxFailedLogins(number))
            );
        }
    }
}
