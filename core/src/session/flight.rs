//! One flight at a time: of a session's token fetch, login, logout and password
//! reset, at most one is under way, whoever carries it.
//!
//! A flight has a lease. If its carrier neither lands it nor gives it up before
//! the lease ends, it is taken for lost and another may start.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::retry::Span;
use crate::Timestamp;

/// How much longer than its request a flight may take, so that a carrier that
/// runs into the request's timeout has the time to say so.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// What only one call at a time may do for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FlightKind {
    /// Fetching a bearer token.
    TokenFetch,
    /// Logging in.
    LogIn,
    /// Logging out.
    LogOut,
    /// Resetting the password.
    PasswordReset,
}

impl fmt::Display for FlightKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokenFetch => "the token fetch",
            Self::LogIn => "the login",
            Self::LogOut => "the logout",
            Self::PasswordReset => "the password reset",
        })
    }
}

/// The flight that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flight {
    /// Which of the session's flights it is, from 1. What it brings back is of
    /// this generation.
    pub(super) id: u64,
    pub(super) kind: FlightKind,
    pub(super) lease: Span,
}

impl Flight {
    pub(super) fn new(id: u64, kind: FlightKind, now: Timestamp, deadline: Timestamp) -> Self {
        Self {
            id,
            kind,
            lease: Span::new(now, deadline.since(now) + GRACE),
        }
    }
}
