//! The steps of a call: what the machine asks of its driver.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};

use super::{
    call_id::CallId,
    error::Error,
    new_password::NewPassword,
    operation::{Operation, OperationKind},
    snapshot::{Revision, Snapshot},
};
use crate::{BearerToken, SessionToken, Timestamp};

/// The next thing to do for a call.
// A box around the request would cost every call an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
#[must_use = "a request that is not sent is waited for, and a login among them is counted"]
pub enum Step {
    /// Send this, then give the result to [`Call::receive`](super::Call::receive).
    Send(Transmit),
    /// There is nothing to do for now. Step again at the time that it names, or when the
    /// session's [version](super::Session::version) has changed.
    Wait(Wait),
    /// The call has finished with this result.
    Done(Result<Completion, Error>),
}

/// The next thing to do for a call on a session that many processes share.
///
/// The docs of [`Store`](super::Store) show the loop that executes these steps.
// A box around the request would cost every call an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
#[must_use = "a request that is not sent is waited for, and a login among them is counted"]
pub enum SharedStep {
    /// Send this, as for [`Step::Send`].
    Send(Transmit),
    /// There is nothing to do for now, as for [`Step::Wait`].
    Wait(Wait),
    /// Load what the [store](super::Store) has, then give it to
    /// [`Call::loaded`](super::Call::loaded).
    Load,
    /// Save this to the store, in place of the revision that was seen, then give the
    /// result to [`Call::saved`](super::Call::saved).
    Save {
        /// The revision that is replaced; `None` if there is to be nothing yet.
        seen: Option<Revision>,
        /// The snapshot to save.
        snapshot: Snapshot,
    },
    /// The call has finished with this result.
    Done(Result<Completion, Error>),
}

/// The steps that either kind has, so that each is made in its final place.
pub(super) trait AnyStep: Sized {
    fn send(transmit: Transmit) -> Self;
    fn done(result: Result<Completion, Error>) -> Self;
    /// The request to be sent, if it is one.
    fn transmit(&mut self) -> Option<&mut Transmit>;
    /// The same as this step, if there is one.
    fn other(step: SharedStep) -> Option<Self>;
}

impl AnyStep for Step {
    fn send(transmit: Transmit) -> Self {
        Self::Send(transmit)
    }

    fn done(result: Result<Completion, Error>) -> Self {
        Self::Done(result)
    }

    fn transmit(&mut self) -> Option<&mut Transmit> {
        match self {
            Self::Send(transmit) => Some(transmit),
            _ => None,
        }
    }

    fn other(step: SharedStep) -> Option<Self> {
        match step {
            SharedStep::Send(transmit) => Some(Self::Send(transmit)),
            SharedStep::Wait(wait) => Some(Self::Wait(wait)),
            SharedStep::Done(result) => Some(Self::Done(result)),
            SharedStep::Load | SharedStep::Save { .. } => None,
        }
    }
}

impl AnyStep for SharedStep {
    fn send(transmit: Transmit) -> Self {
        Self::Send(transmit)
    }

    fn done(result: Result<Completion, Error>) -> Self {
        Self::Done(result)
    }

    fn transmit(&mut self) -> Option<&mut Transmit> {
        match self {
            Self::Send(transmit) => Some(transmit),
            _ => None,
        }
    }

    fn other(step: SharedStep) -> Option<Self> {
        Some(step)
    }
}

/// A request to be sent. `Debug` shows its method and path, but no header and no body.
#[non_exhaustive]
pub struct Transmit {
    /// The request, complete except for the headers that every HTTP stack adds by itself.
    /// Send it to its address, and follow no redirect.
    pub request: Request<Bytes>,
    /// The time at which to give up. Then report that its outcome is unknown.
    pub deadline: Timestamp,
    /// The number of bytes of the response's body to read. Stop there and return what you
    /// have. It is one more than the longest body that is accepted, so a longer one is
    /// noticed.
    pub read_limit: usize,
    /// The attempt that its result belongs to.
    pub attempt: Attempt,
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmit")
            .field("method", self.request.method())
            .field("path", &self.request.uri().path())
            .field("deadline", &self.deadline)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// One attempt of a call to send a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub(super) call: CallId,
    pub(super) number: u32,
    pub(super) operation: Option<Operation>,
}

impl Attempt {
    /// The call that it is of: the one that began the operation, if it is for one, whoever
    /// waits for that.
    pub const fn call(self) -> CallId {
        self.call
    }

    /// The number of the attempt among its call's, from 1. Token fetches and
    /// logins count.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// The operation of the session that the request is for; `None` if it is the
    /// call's own request.
    ///
    /// An operation has its own full deadline, also if the call's is shorter. If a driver
    /// can, it runs the operation on a task or thread of its own, and gives the result to
    /// [`Session::receive`](super::Session::receive). Then the operation goes on if the
    /// call is dropped.
    pub const fn operation(self) -> Option<Operation> {
        self.operation
    }
}

/// A reason to do nothing for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The call that waits.
    pub call: CallId,
    /// The time at which to step again at the latest.
    pub until: Timestamp,
    /// The thing that is waited for.
    pub reason: WaitReason,
}

impl Wait {
    pub(super) const fn new(call: CallId, until: Timestamp, reason: WaitReason) -> Self {
        Self {
            call,
            until,
            reason,
        }
    }
}

/// The thing that a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// An operation of the session is in progress.
    Operation(OperationKind),
    /// Something failed in a way that may pass.
    Backoff,
    /// Sessions keep being refused right after login.
    Cooldown,
    /// The driver has the call's request and has not given its result.
    Response,
    /// Another call of this process is loading from the store, or saves to it.
    Store,
}

/// Says what is waited for.
impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(kind) => write!(f, "{kind} in progress"),
            Self::Backoff => f.write_str("the next attempt after a failure"),
            Self::Cooldown => f.write_str("the next login, since sessions keep being refused"),
            Self::Response => f.write_str("a response"),
            Self::Store => f.write_str("the session's store"),
        }
    }
}

/// The result of a call that succeeded.
// A box around the response would cost every call an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Completion {
    /// The response to a request, with a status of success.
    Response(Response<Bytes>),
    /// The token of the session that is open now.
    LoggedIn(SessionToken),
    /// Both tokens, as a request would carry them now.
    Acquired {
        /// The bearer token.
        bearer: BearerToken,
        /// The token of the session that is open.
        session: SessionToken,
    },
    /// The token of the session that was ended; `None` if no session was open.
    LoggedOut(Option<SessionToken>),
    /// The new password after a reset.
    PasswordReset(NewPassword),
    /// The session and its store know the same.
    Synced,
}

impl Completion {
    /// The response to a request.
    ///
    /// Fails if the call was one of the session's own.
    #[inline]
    pub fn into_response(self) -> Result<Response<Bytes>, Error> {
        match self {
            Self::Response(response) => Ok(response),
            _ => Err(Error::finished()),
        }
    }

    /// The token of the session that [`Call::log_in`](super::Call::log_in) found
    /// open or opened.
    ///
    /// Fails if the call was another one.
    pub fn into_logged_in(self) -> Result<SessionToken, Error> {
        match self {
            Self::LoggedIn(token) => Ok(token),
            _ => Err(Error::finished()),
        }
    }

    /// Both tokens that [`Call::acquire_tokens`](super::Call::acquire_tokens) found or
    /// got.
    ///
    /// Fails if the call was another one.
    pub fn into_tokens(self) -> Result<(BearerToken, SessionToken), Error> {
        match self {
            Self::Acquired { bearer, session } => Ok((bearer, session)),
            _ => Err(Error::finished()),
        }
    }

    /// The token of the session that [`Call::log_out`](super::Call::log_out)
    /// ended; `None` if no session was open.
    ///
    /// Fails if the call was another one.
    pub fn into_logged_out(self) -> Result<Option<SessionToken>, Error> {
        match self {
            Self::LoggedOut(token) => Ok(token),
            _ => Err(Error::finished()),
        }
    }

    /// Takes note that [`Call::sync`](super::Call::sync) is done.
    ///
    /// Fails if the call was another one.
    pub fn into_synced(self) -> Result<(), Error> {
        match self {
            Self::Synced => Ok(()),
            _ => Err(Error::finished()),
        }
    }

    /// The new password that
    /// [`Call::reset_password`](super::Call::reset_password) brought.
    ///
    /// Fails if the call was another one.
    pub fn into_new_password(self) -> Result<NewPassword, Error> {
        match self {
            Self::PasswordReset(new) => Ok(new),
            _ => Err(Error::finished()),
        }
    }
}
