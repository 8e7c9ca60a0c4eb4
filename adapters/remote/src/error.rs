//! The errors of a store on a server.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use thingspace_core::StoreError;
use thiserror::Error;

use crate::BoxError;

/// An error of a store on a server. `Display` names the server, and shows nothing of what
/// it holds.
///
/// If a save fails, it may have taken place all the same.
#[derive(Debug)]
pub struct RemoteError {
    server: Arc<str>,
    problem: Problem,
}

/// The reason why a store on a server could not load or save.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// Nothing was heard of it in time.
    #[error("no response within {0:?}; check that it runs, and the network in between")]
    TimedOut(Duration),
    /// It can't be connected to.
    #[error("it could not be connected to; check its address, its user and that it runs")]
    Unreachable(#[source] BoxError),
    /// It reported an error, or the connection broke.
    #[error("it failed to load or save")]
    Failed(#[source] BoxError),
    /// It holds something that is no session.
    #[error(
        "it holds no session that can be read, which is left as it is; use the version that wrote it, or remove it, which forgets its session and its count of failed logins"
    )]
    NoSession(#[source] BoxError),
    /// Nothing can be sent to it any more.
    #[error("the thread of the store has ended; build the store again")]
    Ended,
}

impl RemoteError {
    pub(crate) const fn new(server: Arc<str>, problem: Problem) -> Self {
        Self { server, problem }
    }

    /// The server's name.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The reason.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.server, self.problem)
    }
}

impl StdError for RemoteError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.problem.source()
    }
}

impl From<RemoteError> for StoreError {
    fn from(error: RemoteError) -> Self {
        Self::new(error)
    }
}
