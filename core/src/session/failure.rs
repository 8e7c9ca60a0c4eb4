//! The record of a failure: what a session remembers of it for those who come
//! later.
//!
//! A hundred calls may wait for one login. When it fails, each must know why
//! without making the same mistake again; and who learns hours later that
//! logins are blocked must learn what came first. The record fits into a
//! snapshot: the kind, the time, the status and the code, but not the response.

use std::{fmt, mem};

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{operation::OperationKind, span::Shift};
use crate::{
    Timestamp,
    response::{ErrorCode, Refusal, Shape},
};

/// The record of a failure: what failed, when, and the status and code of the response, if
/// one came. `Display` says it in one sentence.
///
/// An error that says "blocked", "backing off" or "cooling down" has one: see
/// [`Error::because`](super::Error::because).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    #[serde(deserialize_with = "super::nullable::present")]
    operation: Option<OperationKind>,
    at: Timestamp,
    pub(super) reason: Reason,
}

/// The reason of a failure, as far as others need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reason {
    NeverSent,
    Unknown,
    Invalid,
    Throttled { retry_at: Timestamp, by: Brief },
    AppRefused(Brief),
    BearerRefused(Brief),
    CredentialsRefused(Brief),
    LoginRefused(Brief),
    SessionRefused(Brief),
    Refused(Brief),
}

/// The part of a refusal that is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Brief {
    status: u16,
    shape: Shape,
}

impl Failure {
    /// The failure of an operation.
    pub(super) const fn of(operation: OperationKind, at: Timestamp, reason: Reason) -> Self {
        Self {
            operation: Some(operation),
            at,
            reason,
        }
    }

    /// The refusal of a session token, by which the session ended.
    pub(super) fn of_session(at: Timestamp, refusal: &Refusal) -> Self {
        Self {
            operation: None,
            at,
            reason: Reason::SessionRefused(Brief::of(refusal)),
        }
    }

    /// The failure as seen by another clock.
    pub(super) fn shifted(mut self, shift: Shift) -> Self {
        self.at = shift.of(self.at);
        if let Reason::Throttled { retry_at, .. } = &mut self.reason {
            *retry_at = shift.of(*retry_at);
        }
        self
    }

    /// Keeps a clock that was set back from putting it into the future. Returns true if
    /// it was.
    pub(super) fn rebase(&mut self, now: Timestamp) -> bool {
        let set_back = self.at > now;
        self.at = self.at.min(now);
        set_back
    }

    /// Returns true if it is the same failure of the same operation, the time left aside.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.operation == other.operation
            && mem::discriminant(&self.reason) == mem::discriminant(&other.reason)
            && self.status() == other.status()
    }

    /// The operation that failed; `None` if it was a call's request whose session
    /// token was refused.
    pub const fn operation(&self) -> Option<OperationKind> {
        self.operation
    }

    /// The time at which it failed.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The HTTP status of the refusal; `None` if there was none.
    pub fn status(&self) -> Option<StatusCode> {
        self.brief().map(Brief::status)
    }

    /// The API's error code, if it was the API that refused.
    pub fn code(&self) -> Option<&ErrorCode> {
        match &self.brief()?.shape {
            Shape::Api(error) => error.error_code.as_ref(),
            _ => None,
        }
    }

    fn brief(&self) -> Option<&Brief> {
        match &self.reason {
            Reason::NeverSent | Reason::Unknown | Reason::Invalid => None,
            Reason::Throttled { by, .. }
            | Reason::AppRefused(by)
            | Reason::BearerRefused(by)
            | Reason::CredentialsRefused(by)
            | Reason::LoginRefused(by)
            | Reason::SessionRefused(by)
            | Reason::Refused(by) => Some(by),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(kind) => kind.fmt(f)?,
            None => f.write_str("the session")?,
        }
        match (&self.reason, self.brief()) {
            (Reason::NeverSent, _) => f.write_str(" was never sent")?,
            (Reason::Invalid, _) => f.write_str(" had an invalid response")?,
            (_, Some(by)) => write!(f, " was refused ({} {})", by.status, by.shape)?,
            (_, None) => f.write_str(" had no response")?,
        }
        write!(f, " at {}", self.at)
    }
}

impl Brief {
    pub(super) fn of(refusal: &Refusal) -> Self {
        Self {
            status: refusal.status().as_u16(),
            shape: refusal.shape().clone().without_messages(),
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// The refusal, as far as it is remembered.
    pub(super) fn refusal(&self) -> Refusal {
        Refusal::remembered(self.status(), self.shape.clone())
    }
}
