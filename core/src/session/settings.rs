//! The numbers that a session goes by: each with a name, a default and a
//! reason.

use std::{num::NonZeroU32, time::Duration};

use thiserror::Error;

/// How long a session token lives without use (documented by Verizon).
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// How long a bearer token lives from its first issue (documented by Verizon);
/// assumed where an answer does not say.
pub const BEARER_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// After how many failed logins in a row the platform locks the user name,
/// which only Verizon's support unlocks (documented by Verizon).
pub const PLATFORM_LOCKS_AT: u8 = 5;

/// What a session goes by. Start from the default and change what differs:
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
    /// How many logins may fail, or have an unknown fate, before the guard
    /// closes. 2 by default: one slip and one repetition, and still as many
    /// left again before the platform locks.
    pub max_failed_logins: MaxFailedLogins,

    /// The scopes to ask for with the bearer token, separated by spaces. None
    /// by default: what the application has.
    pub scope: Option<String>,

    /// How long before its end a bearer token is renewed: what clocks may
    /// differ by, and what a request may take on its way. 60 seconds by
    /// default. A token that lives no longer than this is used to its end.
    pub clock_skew: Duration,

    /// After how long without use a session is taken for dead, and a login is
    /// made before the next call. 19 minutes by default: a minute less than
    /// [`IDLE_TIMEOUT`], for clocks and for a request's way.
    pub idle_timeout: Duration,

    /// How long one request may take, from its sending to the end of its
    /// answer. 30 seconds by default.
    pub attempt_timeout: Duration,

    /// How long a whole call may take, with everything that it waits for.
    /// Unlimited by default; [`Call::with_deadline`](super::Call::with_deadline)
    /// sets it for one call. A login that this cuts short has an unknown fate
    /// and counts: leave enough time for one.
    pub call_timeout: Option<Duration>,

    /// How many failures a call takes before it gives up: 3 by default.
    pub max_attempts: NonZeroU32,

    /// The pause after a first failure, doubled with each further one. Half a
    /// second by default. The actual pause is between half of it and all of it.
    pub first_backoff: Duration,

    /// The longest such pause. 30 seconds by default.
    pub longest_backoff: Duration,

    /// The longest that a call waits for the service to be ready again,
    /// whatever `Retry-After` says. A call that would have to wait longer ends
    /// with what made it wait. 60 seconds by default.
    pub longest_wait: Duration,

    /// The largest body of an answer that is taken, in bytes. 16 MiB by default.
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

/// How many logins may fail before the guard closes: from 1 to 4, since the
/// platform locks the user name at 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxFailedLogins(u8);

impl MaxFailedLogins {
    /// Fails for anything but 1 to 4.
    pub const fn new(number: u8) -> Result<Self, SettingsError> {
        if number == 0 || number >= PLATFORM_LOCKS_AT {
            return Err(SettingsError::MaxFailedLogins(number));
        }
        Ok(Self(number))
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Default for MaxFailedLogins {
    fn default() -> Self {
        Self(2)
    }
}

/// Why a setting can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Not a number of failed logins to stop at.
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
        assert_eq!(IDLE_TIMEOUT, Duration::from_secs(1200));
        assert_eq!(Settings::default().idle_timeout, Duration::from_secs(1140));
        assert_eq!(BEARER_LIFETIME, Duration::from_secs(3600));
    }

    #[test]
    fn law_2_the_guard_always_closes_before_the_platform_locks() {
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
