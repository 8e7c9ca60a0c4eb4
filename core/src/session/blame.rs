//! The tokens that a refusal blames, among those that its request carried.

use super::error::{Error, ErrorKind};
use crate::api::DeadSession;

/// What an error says of the tokens that its request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// The bearer token was refused.
    Bearer,
    /// The session is over.
    Session,
    /// Somebody refused the request with a 401 that names nothing.
    Unnamed,
    /// Neither: the API has refused the request for something else.
    Request,
    /// It says nothing of them.
    Nothing,
}

impl Blame {
    /// Reads an error. Forms of products other than Connectivity Management may tell it
    /// that the session is over.
    pub(super) fn of(error: &Error, dead_session: &[DeadSession]) -> Self {
        match error.kind() {
            ErrorKind::Refused(by) if by.is_bearer_fault() => Self::Bearer,
            ErrorKind::Refused(by)
                if by.is_session_refusal() || dead_session.iter().any(|it| it.is_told_by(by)) =>
            {
                Self::Session
            }
            ErrorKind::Refused(by) if by.status() == http::StatusCode::UNAUTHORIZED => {
                Self::Unnamed
            }
            _ if error.code().is_some() => Self::Request,
            _ => Self::Nothing,
        }
    }
}
