//! The error for a request that may not be sent.

use thiserror::Error;

/// The reason why a request may not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Its path is not one under the base address, or escapes the base, or holds what
    /// can't stand in an address.
    #[error("its path is not one under the environment's base address; give one like /m2m/v1/…")]
    Path,
    /// Its path does not begin with a slash.
    #[error("its path does not begin with a slash; give one like /m2m/v1/…")]
    Relative,
    /// Its path repeats the end of the base address.
    #[error(
        "its path begins with /api, and so the environment's base address would have that twice; leave it out and give one like /m2m/v1/…"
    )]
    BaseTwice,
    /// It goes to another origin than the environment's, where tokens must not
    /// go.
    #[error(
        "it goes to another origin than the environment's, where no token may go; give a path alone"
    )]
    Origin,
    /// It is one of the session's own calls, which would bypass the login guard.
    #[error(
        "it is a call that opens, ends or re-keys a session, which only the session itself may make; use the session's own calls: log_in, log_out or reset_password"
    )]
    SessionCall,
    /// Its body can't be written as JSON.
    #[error(
        "its body can't be written as JSON; look for a map whose keys are neither texts nor numbers"
    )]
    NotJson,
    /// The named part of it can't be put into a request.
    #[error("its {0} can't be put into a request; look for line ends and other control characters")]
    Part(&'static str),
}
