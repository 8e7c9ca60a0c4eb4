//! What calls that waited for a flight learn of its failure.
//!
//! A hundred calls may wait for one login. When it fails, each must know why
//! without making the same mistake again. The session remembers the last
//! failure in a form that fits into a snapshot: the kind, the status and the
//! code, but not the answer itself.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{flight::FlightKind, guard::Gate};
use crate::{
    Error, Timestamp, TransportError,
    answer::{Malformed, Problem},
    refusal::{Refusal, Shape},
};

/// The last flight that failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) flight: u64,
    pub(super) errand: FlightKind,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    NeverSent,
    FateUnknown,
    Malformed,
    Throttled(Timestamp, Brief),
    AppRefused(Brief),
    BearerRefused(Brief),
    LoginRefused(Brief),
    Refused(Brief),
}

/// As much of a refusal as is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Brief {
    status: u16,
    shape: Shape,
}

impl Failure {
    pub(super) fn new(flight: u64, errand: FlightKind, error: &Error) -> Self {
        let kind = match error {
            Error::NeverSent(_) => Kind::NeverSent,
            Error::Malformed { .. } => Kind::Malformed,
            Error::Throttled { until, refusal } => Kind::Throttled(*until, Brief::of(refusal)),
            Error::AppRefused(refusal) => Kind::AppRefused(Brief::of(refusal)),
            Error::BearerRefused(refusal) => Kind::BearerRefused(Brief::of(refusal)),
            Error::LoginRefused { refusal, .. } | Error::WrongCredentials { refusal, .. } => {
                Kind::LoginRefused(Brief::of(refusal))
            }
            Error::Refused(refusal) => Kind::Refused(Brief::of(refusal)),
            _ => Kind::FateUnknown,
        };
        Self {
            flight,
            errand,
            kind,
        }
    }

    /// The error for a call that waited.
    pub(super) fn error(&self, gate: Gate) -> Error {
        match &self.kind {
            Kind::NeverSent => Error::NeverSent(TransportError::recalled(false)),
            Kind::FateUnknown => Error::FateUnknown(TransportError::recalled(true)),
            Kind::Malformed => Error::malformed(
                Malformed::new("the answer", Problem::Kind),
                http::Response::default(),
            ),
            Kind::Throttled(until, brief) => Error::Throttled {
                until: *until,
                refusal: brief.refusal(),
            },
            Kind::AppRefused(brief) => Error::AppRefused(brief.refusal()),
            Kind::BearerRefused(brief) => Error::BearerRefused(brief.refusal()),
            Kind::LoginRefused(brief) => Error::LoginRefused {
                gate,
                refusal: brief.refusal(),
            },
            Kind::Refused(brief) => Error::Refused(brief.refusal()),
        }
    }
}

impl Brief {
    fn of(refusal: &Refusal) -> Self {
        Self {
            status: refusal.status().as_u16(),
            shape: refusal.shape().clone().without_messages(),
        }
    }

    fn refusal(&self) -> Box<Refusal> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        Box::new(Refusal::recalled(status, self.shape.clone()))
    }
}
