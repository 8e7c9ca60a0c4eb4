//! All numbers that tune the machine: each with a name, a default and a reason.

use std::{num::NonZeroU32, time::Duration};

use thiserror::Error;

use crate::environment::TrustedOrigin;

/// The time that a bearer token lives from its first issue (documented by
/// Verizon); assumed where a response does not say.
pub(super) const BEARER_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The number of failed logins in a row at which the platform locks the user
/// name, which only Verizon's support unlocks (documented by Verizon).
pub const PLATFORM_LOCKS_AT: u8 = 5;

/// The number of events that are held for a driver that does not drain them; the
/// oldest are dropped first (our choice).
pub const MAX_EVENTS: usize = 64;

/// The longest backoff of token fetches and logins, whatever the service asks for (our
/// choice). A longer `Retry-After` comes from the page of an outage, and the backoff must
/// not last longer than the outage. [`Session::retry_now`](super::Session::retry_now) ends
/// it earlier.
pub const LONGEST_REQUESTED_BACKOFF: Duration = Duration::from_secs(10 * 60);

/// The time by which a lease outlasts its operation's deadline, so that a driver
/// that runs into the deadline has the time to say so (our choice).
pub(super) const LEASE_GRACE: Duration = Duration::from_secs(5);

/// The longest lease of an operation, whatever its deadline is (our choice).
pub(super) const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

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

/// The time after which one short-lived session is forgotten, if there was none since
/// (our choice).
pub(super) const COOLDOWN_FORGETS_EVERY: Duration = Duration::from_secs(60 * 60);

/// The longest login cooldown (our choice).
pub(super) const LONGEST_COOLDOWN: Duration = Duration::from_secs(20 * 60);

/// The number of logins that may have failed since the last success before only
/// [`unblock`](super::Session::unblock) allows another one: one less than lock the
/// user name.
pub(super) const MOST_FAILED_LOGINS: usize = PLATFORM_LOCKS_AT as usize - 1;

/// The shortest time between a login that was certainly not judged and the next
/// (our choice).
pub(super) const UNJUDGED_LOGIN_INTERVAL: Duration = Duration::from_secs(1);

/// The pause after a first service check; it doubles with each further one (our
/// choice).
pub(super) const FIRST_CHECK_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause between two service checks, whatever the settings say: what a
/// snapshot may hold (our choice).
pub(super) const LONGEST_CHECK_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The time for which the API is taken to respond after a check found so (our
/// choice).
pub(super) const RESPONSIVE_FOR: Duration = Duration::from_secs(30);

/// The number of refused credentials that are remembered; the oldest are forgotten
/// first (our choice).
pub(super) const MAX_REFUSED: usize = 8;

/// The number of counted logins and resets that are remembered: more than ever
/// count, also where histories of several stores are merged (our choice).
pub(super) const MAX_COUNTED: usize = 16;

/// The number of ids that are remembered as settled; the oldest are forgotten first
/// (our choice).
pub(super) const MAX_SETTLED: usize = 64;

/// The number of results of operations that are held for the calls that wait for
/// them; the oldest are dropped first (our choice: operations come one at a time,
/// and whoever waits looks after each).
pub(super) const MAX_RESULTS: usize = 8;

/// The greatest number of an operation, a password epoch or a revision that a
/// snapshot may hold: more than ever begin, and the greatest that every JSON reader
/// holds exactly.
pub(super) const GREATEST_NUMBER: u64 = (1 << 53) - 1;

/// The number of requests of one call after which it makes no service check any more:
/// far more than there are while time passes between two checks (our choice).
pub(super) const MAX_CHECKED_ATTEMPTS: u32 = 100;

/// The number of times that a call tries to save to a store because others were
/// faster: far more than any number of honest processes needs (our choice).
pub(super) const MAX_CONFLICTS: u32 = 1000;

/// The time for which calls wait for another call of their process that loads or
/// saves; then they do it themselves (our choice).
pub(super) const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// The time for which a store that failed is not asked again (our choice).
pub(super) const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The longest time for which the last use of a session is not saved, and the part of
/// it that varies (our choice).
pub(super) const USE_SAVED_EVERY: Duration = Duration::from_secs(5 * 60);

/// The number of replays of one call on tokens that it did not get itself, where many
/// processes share the session (our choice).
pub(super) const MAX_SHARED_REPLAYS: u32 = 3;

/// The time for which 401s that name nothing open no further login, after one that came
/// on a session just opened (our choice).
pub(super) const UNNAMED_PAUSE: Duration = Duration::from_secs(30 * 60);

/// The time between two token fetches for a 401 that names nothing (our choice).
pub(super) const UNNAMED_BEARER_INTERVAL: Duration = Duration::from_secs(60);

/// The settings of a session. The guide says [which one to change, and
/// when](crate::guide::settings). Start from the default and change what differs:
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
    /// The number of logins with one password that may fail without a reason before the
    /// login guard is blocked. If all of them were lost, so that nobody knows whether any
    /// was judged, one more is made when the API responds, and another one hours later. 2 by
    /// default: one mistake and one retry, and two more are left before the platform locks.
    pub max_failed_logins: MaxFailedLogins,

    /// The time between a login that failed or was lost and the next with the same
    /// password. 30 seconds by default, and never less than one second.
    pub login_interval: Duration,

    /// The time before one more login, after as many were lost as
    /// [`max_failed_logins`](Self::max_failed_logins) allows. 30 minutes by default. It is
    /// made earlier if the API was down in between and responds again.
    #[doc(alias = "probe")]
    pub first_probe_after: Duration,

    /// The time before the next login, if that one is lost too. 2 hours by default.
    pub next_probe_after: Duration,

    /// The longest pause between two service checks. A service check asks the API whether
    /// it responds, before one more login is made. 10 minutes by default; at least a second
    /// and at most a day.
    pub longest_check_pause: Duration,

    /// The places, besides the environment, that may get the tokens, such as other
    /// products of ThingSpace. None by default.
    pub trusted_origins: Vec<TrustedOrigin>,

    /// The scopes to ask for with the bearer token, separated by spaces. `None` by default:
    /// then the service gives all that the application has.
    pub scope: Option<String>,

    /// The time before its end at which a bearer token is renewed: clocks may
    /// differ, and a request takes time on its way. 60 seconds by default. A
    /// token that lives no longer than this is used to its end.
    #[doc(alias = "expiry")]
    #[doc(alias = "refresh")]
    pub clock_skew: Duration,

    /// The time without use after which a session is taken for dead, and a login
    /// is made before the next call. 19 minutes by default. A session token lives for 20
    /// minutes without use (documented by Verizon). The minute in between is for clocks that
    /// differ, and for the time that a request takes on its way.
    #[doc(alias = "idle")]
    #[doc(alias = "keep-alive")]
    #[doc(alias = "expiry")]
    pub idle_timeout: Duration,

    /// The time that one request may take, from its sending to the end of its
    /// response. 30 seconds by default.
    #[doc(alias = "timeout")]
    pub attempt_timeout: Duration,

    /// The time that a whole call may take, with everything that it waits for.
    /// Unlimited by default; [`Call::with_deadline`](super::Call::with_deadline)
    /// sets it for one call. If the call has begun a login, that goes on: it belongs to the
    /// session.
    #[doc(alias = "timeout")]
    #[doc(alias = "deadline")]
    pub call_timeout: Option<Duration>,

    /// The number of failures after which a call gives up. 3 by default.
    #[doc(alias = "retry")]
    pub max_attempts: NonZeroU32,

    /// The backoff after a first failure, doubled with each further one. Half a
    /// second by default. The actual backoff is between half of it and all of it.
    #[doc(alias = "jitter")]
    pub first_backoff: Duration,

    /// The longest such backoff. 30 seconds by default.
    pub longest_backoff: Duration,

    /// The longest that a call waits for the service to be ready again,
    /// whatever `Retry-After` says. A call that would have to wait longer ends
    /// with the failure that made it wait. 60 seconds by default.
    #[doc(alias = "rate limit")]
    #[doc(alias = "retry-after")]
    pub longest_wait: Duration,

    /// The largest body of a response that is accepted, in bytes. 16 MiB by default.
    pub max_body: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_failed_logins: MaxFailedLogins::default(),
            login_interval: Duration::from_secs(30),
            first_probe_after: Duration::from_secs(30 * 60),
            next_probe_after: Duration::from_secs(2 * 60 * 60),
            longest_check_pause: Duration::from_secs(10 * 60),
            trusted_origins: Vec::new(),
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
