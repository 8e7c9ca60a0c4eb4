//! What happened, for logs, metrics and audits.
//!
//! The machine puts events into a small queue that a driver drains with
//! [`Session::poll_event`](super::Session::poll_event). No event holds a secret.

use std::{collections::VecDeque, fmt};

use super::{FlightKind, GateReason};
use crate::{Timestamp, refusal::ErrorCode};

/// How many events are kept for a driver that does not drain them; the oldest
/// are dropped first.
pub const MAX_EVENTS: usize = 64;

/// Something that happened to a session. `Display` says it in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A bearer token was fetched.
    BearerFetched {
        /// When it will be renewed.
        renew_at: Timestamp,
    },
    /// The bearer token was refused; another will be fetched.
    BearerRefused,
    /// A session was opened.
    LoggedIn,
    /// The session was not used for so long that it is taken for dead.
    SessionIdle,
    /// The service refused the session token; another login will be made.
    SessionRefused,
    /// A login was refused.
    LoginRefused {
        /// The code by which it was.
        code: Option<ErrorCode>,
        /// How many logins may still fail.
        attempts_left: u32,
    },
    /// No answer to a login came, or none that says what became of it; it
    /// counts as failed.
    LoginLost {
        /// How many logins may still fail.
        attempts_left: u32,
    },
    /// No login will be made until the gate is opened again.
    GateClosed {
        /// Why.
        reason: GateReason,
    },
    /// Other credentials were given, or the guard was re-armed: logins are made
    /// again.
    GateOpened,
    /// The password was reset, and the new one is used from now on.
    PasswordChanged,
    /// The session was ended.
    LoggedOut,
    /// Sessions keep dying right after login: no login is made until then.
    Braked {
        /// When one is made again.
        until: Timestamp,
    },
    /// A token fetch or login failed in a way that may pass: the next is made
    /// then.
    Paused {
        /// When one is made again.
        until: Timestamp,
    },
    /// Whoever carried this did not come back in time; another may take over.
    FlightLapsed {
        /// What was carried.
        kind: FlightKind,
    },
}

impl Event {
    /// A name for it that does not change, for metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BearerFetched { .. } => "bearer_fetched",
            Self::BearerRefused => "bearer_refused",
            Self::LoggedIn => "logged_in",
            Self::SessionIdle => "session_idle",
            Self::SessionRefused => "session_refused",
            Self::LoginRefused { .. } => "login_refused",
            Self::LoginLost { .. } => "login_lost",
            Self::GateClosed { .. } => "gate_closed",
            Self::GateOpened => "gate_opened",
            Self::PasswordChanged => "password_changed",
            Self::LoggedOut => "logged_out",
            Self::Braked { .. } => "braked",
            Self::Paused { .. } => "paused",
            Self::FlightLapsed { .. } => "flight_lapsed",
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
            } => {
                f.write_str("a login was refused")?;
                if let Some(code) = code {
                    write!(f, " ({code})")?;
                }
                write!(f, "; {attempts_left} more may fail")
            }
            Self::LoginLost { attempts_left } => {
                write!(f, "a login got no answer; {attempts_left} more may fail")
            }
            Self::GateClosed { reason } => write!(f, "no login will be made: {reason}"),
            Self::GateOpened => f.write_str("logins are made again"),
            Self::PasswordChanged => f.write_str("the password was changed"),
            Self::LoggedOut => f.write_str("logged out"),
            Self::Braked { .. } => f.write_str("sessions keep dying after login; logins pause"),
            Self::Paused { .. } => f.write_str("a token could not be had; a pause is made"),
            Self::FlightLapsed { kind } => write!(f, "{kind} did not come back in time"),
        }
    }
}

/// The queue. Not part of a snapshot: an event is told once, to whoever drives.
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
