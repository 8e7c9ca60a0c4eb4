//! Events: what happened, for logs, metrics and audits.
//!
//! The machine puts events into a small queue that a driver drains with
//! [`Session::poll_event`](super::Session::poll_event) after each step. No event
//! holds a secret.

use std::{collections::VecDeque, fmt};

use http::StatusCode;

use super::{guard::BlockReason, operation::OperationKind, settings::MAX_EVENTS};
use crate::{Timestamp, response::ErrorCode};

/// Something that happened to a session. `Display` says it in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A bearer token was fetched.
    #[doc(alias = "refresh")]
    #[non_exhaustive]
    BearerFetched {
        /// The time at which it will be renewed.
        renew_at: Timestamp,
    },
    /// The bearer token was refused; another will be fetched.
    BearerRefused,
    /// A session was opened.
    LoggedIn,
    /// The session was not used for so long that it is taken for dead.
    #[doc(alias = "expiry")]
    SessionIdle,
    /// The service refused the session token; another login will be made.
    SessionRefused,
    /// A login was refused.
    #[non_exhaustive]
    LoginRefused {
        /// The status of the response.
        status: StatusCode,
        /// The code by which it was.
        code: Option<ErrorCode>,
        /// The number of logins that may still fail.
        attempts_left: u32,
    },
    /// No response to a login came, or none that says whether it was judged; it
    /// counts as failed.
    #[non_exhaustive]
    LoginLost {
        /// The number of logins that may still fail.
        attempts_left: u32,
    },
    /// No login will be made until the login guard is unblocked.
    #[non_exhaustive]
    LoginsBlocked {
        /// The reason.
        reason: BlockReason,
    },
    /// Other credentials were given, or the login guard was unblocked: logins are
    /// made again.
    LoginsUnblocked,
    /// The password was reset; the new one is to be confirmed.
    PasswordReset,
    /// A new password was confirmed, and the session uses it from now on.
    PasswordChanged,
    /// The session was ended.
    LoggedOut,
    /// Sessions keep being refused right after login: no login is made until
    /// then.
    #[non_exhaustive]
    CoolingDown {
        /// The time at which logins are made again.
        until: Timestamp,
    },
    /// A token fetch or login failed in a way that may pass: the next one is made
    /// then.
    #[non_exhaustive]
    BackingOff {
        /// The time at which the next one is made.
        until: Timestamp,
    },
    /// No result of this operation came before its lease expired; another may
    /// begin.
    #[non_exhaustive]
    LeaseExpired {
        /// The operation's kind.
        kind: OperationKind,
    },
    /// A request or logout was refused for a stale token; it will be sent again with
    /// another one.
    Replayed,
    /// A request or logout that failed in a way that may pass is sent again, after its
    /// backoff.
    Retried,
    /// Another process was faster to save: what the store has now is loaded.
    StoreConflict,
    /// The store could not load or save, or had what can't be used.
    StoreFailed,
}

impl Event {
    /// The event's name, which does not change, for metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BearerFetched { .. } => "bearer_fetched",
            Self::BearerRefused => "bearer_refused",
            Self::LoggedIn => "logged_in",
            Self::SessionIdle => "session_idle",
            Self::SessionRefused => "session_refused",
            Self::LoginRefused { .. } => "login_refused",
            Self::LoginLost { .. } => "login_lost",
            Self::LoginsBlocked { .. } => "logins_blocked",
            Self::LoginsUnblocked => "logins_unblocked",
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::LoggedOut => "logged_out",
            Self::CoolingDown { .. } => "cooling_down",
            Self::BackingOff { .. } => "backing_off",
            Self::LeaseExpired { .. } => "lease_expired",
            Self::Replayed => "replayed",
            Self::Retried => "retried",
            Self::StoreConflict => "store_conflict",
            Self::StoreFailed => "store_failed",
        }
    }

    /// The number of logins that may still fail, if the event is about a login that did.
    pub const fn attempts_left(&self) -> Option<u32> {
        match self {
            Self::LoginRefused { attempts_left, .. } | Self::LoginLost { attempts_left } => {
                Some(*attempts_left)
            }
            _ => None,
        }
    }

    /// The status of the response by which a login was refused.
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::LoginRefused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The code by which a login was refused, or the credentials.
    pub const fn code(&self) -> Option<&ErrorCode> {
        match self {
            Self::LoginRefused { code, .. } => code.as_ref(),
            Self::LoginsBlocked { reason } => reason.code(),
            _ => None,
        }
    }

    /// The reason why no login is made.
    pub const fn reason(&self) -> Option<&BlockReason> {
        match self {
            Self::LoginsBlocked { reason } => Some(reason),
            _ => None,
        }
    }

    /// The time at which the next token fetch or login is made, if it waits until then.
    pub const fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::CoolingDown { until } | Self::BackingOff { until } => Some(*until),
            _ => None,
        }
    }

    /// The operation that the event is about, if it names one.
    pub const fn operation(&self) -> Option<OperationKind> {
        match self {
            Self::LeaseExpired { kind } => Some(*kind),
            _ => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BearerFetched { .. } => f.write_str("a bearer token was fetched"),
            Self::BearerRefused => f.write_str("the bearer token was refused"),
            Self::LoggedIn => f.write_str("logged in"),
            Self::SessionIdle => f.write_str("the session was idle for too long"),
            Self::SessionRefused => f.write_str("the session token was refused"),
            Self::LoginRefused {
                code,
                attempts_left,
                ..
            } => {
                f.write_str("a login was refused")?;
                if let Some(code) = code {
                    write!(f, " ({code})")?;
                }
                write!(f, "; {attempts_left} more may fail")
            }
            Self::LoginLost { attempts_left } => {
                write!(
                    f,
                    "a login had no usable response; {attempts_left} more may fail"
                )
            }
            Self::LoginsBlocked { reason } => write!(f, "no login will be made: {reason}"),
            Self::LoginsUnblocked => f.write_str("logins are made again"),
            Self::PasswordReset => {
                f.write_str("the password was reset; the new one is to be confirmed")
            }
            Self::PasswordChanged => f.write_str("the new password is in use"),
            Self::LoggedOut => f.write_str("logged out"),
            Self::CoolingDown { .. } => {
                f.write_str("sessions keep being refused after login; logins cool down")
            }
            Self::BackingOff { .. } => f.write_str("a token could not be had; backing off"),
            Self::LeaseExpired { kind } => {
                write!(f, "{kind} had no result before its lease expired")
            }
            Self::Replayed => f.write_str("a request will be sent again with another token"),
            Self::Retried => f.write_str("a request that failed is sent again"),
            Self::StoreConflict => f.write_str("another process was faster to save the session"),
            Self::StoreFailed => f.write_str("the store could not save or load the session"),
        }
    }
}

/// The queue of events. Not part of a snapshot: an event is reported once, to
/// whoever drives.
#[derive(Clone, Debug, Default)]
pub(super) struct Events(VecDeque<Event>);

impl Events {
    pub(super) fn push(&mut self, event: Event) {
        if self.0.len() == MAX_EVENTS {
            self.0.pop_front();
        }
        self.0.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_nobody_drains_keeps_the_newest() {
        let mut events = Events::default();
        events.push(Event::LoggedOut);
        for _ in 0..MAX_EVENTS {
            events.push(Event::LoggedIn);
        }
        assert_eq!(events.0.len(), MAX_EVENTS);
        assert_eq!(events.pop(), Some(Event::LoggedIn));
    }
}
