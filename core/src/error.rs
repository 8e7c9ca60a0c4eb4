//! What went wrong, sorted by what a caller can do about it.
//!
//! Every error knows the [`Fate`] of the call: whether it may have been carried
//! out. `Display` is one sentence that says what happened and what to do next,
//! and never repeats what the service or the network said in its own words.

use std::{error::Error as StdError, fmt, sync::Arc};

use bytes::Bytes;
use http::StatusCode;
use thiserror::Error;

use crate::{
    Password, Timestamp,
    answer::{Kept, Malformed},
    refusal::{ErrorCode, Refusal},
    session::{FlightKind, Gate, GateReason},
};

/// Why a call did not give what was asked for.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The request is not one that may be sent, and was not.
    #[error("the request was not sent: {0}")]
    Request(#[from] RequestError),

    /// A login is needed and the login guard allows none.
    #[error("no login is made, because the login guard is closed: {0}")]
    GateClosed(Gate),

    /// The service named the user's credentials as what is wrong; the login
    /// guard is closed.
    #[error("the user's credentials were refused ({refusal}): {gate}")]
    WrongCredentials {
        /// The login guard after it.
        gate: Gate,
        /// What the service said.
        refusal: Box<Refusal>,
    },

    /// A login was refused without naming the credentials. It counts as a
    /// failed login.
    #[error("the login was refused ({refusal}), perhaps for its credentials: {gate}")]
    LoginRefused {
        /// The login guard after it.
        gate: Gate,
        /// What the service said.
        refusal: Box<Refusal>,
    },

    /// The OAuth endpoint gives this application no bearer token.
    #[error(
        "no bearer token is given to this application ({0}); check its key and secret in the ThingSpace portal"
    )]
    AppRefused(Box<Refusal>),

    /// A bearer token was refused, and so was the one fetched in its place.
    #[error(
        "a fresh bearer token was refused ({0}); check that the application may use this API, then call again"
    )]
    BearerRefused(Box<Refusal>),

    /// A session token was refused, and so was the one of the login after it.
    #[error(
        "a fresh session was refused ({0}); look for another program that logs in with the same user name, then call again"
    )]
    SessionRefused(Box<Refusal>),

    /// Too many calls: the service asks to wait longer than a call waits.
    #[error("too many calls ({refusal}); call again at {until}")]
    Throttled {
        /// When to call again; the moment of the answer if it named none.
        until: Timestamp,
        /// What the service said.
        refusal: Box<Refusal>,
    },

    /// Sessions keep being refused right after login, so logins pause, and for
    /// longer than a call waits. Nothing was sent.
    #[error(
        "nothing was sent, because new sessions keep dying and logins pause until {until}; look for another program that logs in with the same user name"
    )]
    Braked {
        /// When a login is made again.
        until: Timestamp,
    },

    /// Token fetches or logins have failed and pause for longer than a call
    /// waits. Nothing was sent.
    #[error(
        "nothing was sent, because earlier calls failed and a pause lasts until {until}; call again then"
    )]
    Paused {
        /// When one is tried again.
        until: Timestamp,
    },

    /// The service refused the call.
    #[error("the call was refused: {refusal}; {advice}", refusal = .0, advice = advice(.0))]
    Refused(Box<Refusal>),

    /// The service said yes in a way that makes no sense.
    #[error(
        "the answer makes no sense: {malformed}; the call may have been carried out, look before you repeat it"
    )]
    Malformed {
        /// The part that is wrong.
        malformed: Malformed,
        /// The whole answer; see [`Error::response`].
        answer: Answer,
    },

    /// The request did not leave this machine, however often it was tried.
    #[error("the request was never sent; check the network and call again")]
    NeverSent(#[source] TransportError),

    /// The request left and no answer came.
    #[error("no answer came, so the call may have been carried out; look before you repeat it")]
    FateUnknown(#[source] TransportError),

    /// A password reset left and its answer did not come or made no sense: the
    /// password may be another one now, which nobody knows. No login is made
    /// until the caller decides; an open session goes on.
    #[error(
        "the password may have been reset and its answer is lost; no login is made until other credentials are given or the login guard is re-armed"
    )]
    PasswordUnknown(#[source] Box<Error>),

    /// The password was reset, and whoever was to keep the new one could not. No
    /// login is made until the caller decides; an open session goes on.
    #[error(
        "the password was reset and the new one could not be kept; take it from this error, which holds the only copy"
    )]
    PasswordNotKept {
        /// The new password.
        password: Password,
        /// Why it could not be kept.
        source: StoreError,
    },

    /// The session that many processes share could not be read or kept, so the
    /// call was not sent.
    #[error(
        "the call was not sent, because the session's store failed; mend the store, then call again"
    )]
    Store(#[source] StoreError),

    /// The call's deadline passed.
    #[error(
        "the deadline passed before the call was done ({fate}); give it more time or call again"
    )]
    TimedOut {
        /// What is known of the request.
        fate: Fate,
    },

    /// A token that the call needs could not be had, so the call was not sent.
    #[error(
        "the call was not sent, because {prerequisite} failed: {}",
        Reason(error)
    )]
    Prerequisite {
        /// What was to be had first.
        prerequisite: FlightKind,
        /// Why it was not.
        error: Box<Error>,
        /// What the HTTP stack said, if that was why.
        source: Option<TransportError>,
    },

    /// The last try was certainly not carried out, but an earlier one may have been.
    #[error("an earlier try may have been carried out; then this happened: {error}")]
    SentBefore {
        /// What became of the last try.
        error: Box<Error>,
        /// What the HTTP stack said, if that was why.
        source: Option<TransportError>,
    },

    /// The call has given its result already, or was abandoned.
    #[error("the call is over; make a new one")]
    Over,
}

impl Error {
    /// That a success answer makes no sense.
    pub(crate) fn malformed(malformed: Malformed, response: http::Response<Bytes>) -> Self {
        Self::Malformed {
            malformed,
            answer: Answer(Box::new(Kept(response))),
        }
    }

    /// Whether the call may have been carried out.
    pub fn fate(&self) -> Fate {
        match self {
            Self::Refused(refusal) if refusal.leaves_fate_open() => Fate::Unknown,
            Self::Refused(_)
            | Self::WrongCredentials { .. }
            | Self::LoginRefused { .. }
            | Self::AppRefused(_)
            | Self::BearerRefused(_)
            | Self::SessionRefused(_)
            | Self::Throttled { .. } => Fate::Refused,
            Self::Malformed { .. }
            | Self::FateUnknown(_)
            | Self::PasswordUnknown(_)
            | Self::PasswordNotKept { .. }
            | Self::SentBefore { .. } => Fate::Unknown,
            Self::TimedOut { fate } => *fate,
            Self::Request(_)
            | Self::GateClosed(_)
            | Self::Braked { .. }
            | Self::Paused { .. }
            | Self::NeverSent(_)
            | Self::Prerequisite { .. }
            | Self::Store(_)
            | Self::Over => Fate::NeverSent,
        }
    }

    /// Whether the call certainly did not reach the service.
    pub fn is_never_sent(&self) -> bool {
        self.fate() == Fate::NeverSent
    }

    /// Whether the call may have been carried out, or not.
    pub fn is_fate_unknown(&self) -> bool {
        self.fate() == Fate::Unknown
    }

    /// Whether the service named the user's credentials as what is wrong, now
    /// or in an earlier login.
    pub fn is_wrong_credentials(&self) -> bool {
        match self.root() {
            Self::WrongCredentials { .. } => true,
            Self::GateClosed(gate) => {
                matches!(gate.closed, Some(GateReason::WrongCredentials { .. }))
            }
            _ => false,
        }
    }

    /// Whether the service refuses the application's key and secret.
    pub fn is_wrong_app(&self) -> bool {
        matches!(self.root(), Self::AppRefused(_))
    }

    /// The login guard, where this is about a login: why it is closed, how many
    /// attempts are left and what reopens it.
    pub fn gate(&self) -> Option<&Gate> {
        match self.root() {
            Self::GateClosed(gate)
            | Self::WrongCredentials { gate, .. }
            | Self::LoginRefused { gate, .. } => Some(gate),
            _ => None,
        }
    }

    /// Whether the login guard is closed: no login is made until it is opened
    /// again.
    pub fn is_gate_closed(&self) -> bool {
        self.gate().is_some_and(|gate| gate.closed.is_some())
    }

    /// Whether a session was refused even after a new login.
    pub fn is_session_refused(&self) -> bool {
        matches!(self.root(), Self::SessionRefused(_))
    }

    /// Whether a bearer token was refused even after it was renewed.
    pub fn is_bearer_refused(&self) -> bool {
        matches!(self.root(), Self::BearerRefused(_))
    }

    /// When to call again, where the service or the machine named a time.
    pub fn retry_at(&self) -> Option<Timestamp> {
        match self.root() {
            Self::Throttled { until, .. } | Self::Braked { until } | Self::Paused { until } => {
                Some(*until)
            }
            _ => None,
        }
    }

    /// Whether there are too many calls; [`retry_at`](Self::retry_at) says
    /// until when.
    pub fn is_throttled(&self) -> bool {
        matches!(self.root(), Self::Throttled { .. })
    }

    /// Whether the service says that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self.root(), Self::Refused(refusal) if refusal.is_not_found())
    }

    /// Whether an answer made no sense.
    pub fn is_malformed(&self) -> bool {
        matches!(self.root(), Self::Malformed { .. })
    }

    /// Whether the call's own deadline ended it.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }

    /// What the service said when it refused.
    ///
    /// A call that shared another call's login or token fetch knows the status
    /// and the code of that refusal, but not its body.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self.root() {
            Self::WrongCredentials { refusal, .. }
            | Self::LoginRefused { refusal, .. }
            | Self::Throttled { refusal, .. }
            | Self::AppRefused(refusal)
            | Self::BearerRefused(refusal)
            | Self::SessionRefused(refusal)
            | Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The API's error code, if it was the API that refused.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.refusal().and_then(Refusal::code)
    }

    /// What the HTTP stack said, if it was the one that failed; its own words are
    /// among the [sources](StdError::source) of that.
    pub fn transport(&self) -> Option<&TransportError> {
        match self.root() {
            Self::NeverSent(error) | Self::FateUnknown(error) => Some(error),
            _ => None,
        }
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(http::Response::status)
    }

    /// The whole answer as it came, if there was one, with whatever it holds:
    /// the body of a success that made no sense may be the only copy of a
    /// password.
    pub fn response(&self) -> Option<&http::Response<Bytes>> {
        match self.root() {
            Self::Malformed { answer, .. } => Some(answer.response()),
            other => other.refusal().map(Refusal::response),
        }
    }

    /// That the task was not sent, because what it needed first could not be had.
    pub(crate) fn because(prerequisite: FlightKind, error: Self) -> Self {
        Self::Prerequisite {
            prerequisite,
            source: error.transport().cloned(),
            error: Box::new(error),
        }
    }

    /// The same, at the end of a call of which an earlier try had this fate.
    pub(crate) fn after(self, fate: Fate) -> Self {
        if fate == Fate::Unknown && !self.is_fate_unknown() {
            return Self::SentBefore {
                source: self.transport().cloned(),
                error: Box::new(self),
            };
        }
        self
    }

    /// The error below those that only say what it came to.
    fn root(&self) -> &Self {
        match self {
            Self::Prerequisite { error, .. }
            | Self::PasswordUnknown(error)
            | Self::SentBefore { error, .. } => error.root(),
            other => other,
        }
    }
}

/// What is known of a request after an error, from certain to uncertain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It did not reach the service: it was certainly not carried out.
    NeverSent,
    /// The service refused it: it was not carried out.
    Refused,
    /// It left, and may have been carried out.
    Unknown,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverSent => "it was never sent",
            Self::Refused => "it was refused",
            Self::Unknown => "it may have been carried out",
        })
    }
}

/// The answer that made no sense. Its `Debug` shows the status and the length.
#[derive(Clone)]
pub struct Answer(Box<Kept>);

impl Answer {
    /// The answer as it came.
    pub const fn response(&self) -> &http::Response<Bytes> {
        &self.0.0
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a request may not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Its path is none, or leads out of the base address.
    #[error("its path is not one under the environment's base address; give one like /m2m/v1/…")]
    Path,
    /// It goes to another origin than the environment's, where tokens must not
    /// go.
    #[error(
        "it goes to another origin than the environment's, where no token may go; give a path alone"
    )]
    Origin,
    /// It is one of the session's own calls, which would go past the login
    /// guard.
    #[error(
        "it is a call that opens, ends or re-keys a session, which only the session itself may make; use OpenSession, EndSession or ChangePassword"
    )]
    SessionCall,
    /// Something in it can't be put into a request.
    #[error("its {0} can't be put into a request; look for line ends and other control characters")]
    Part(&'static str),
}

/// That an HTTP stack has no answer to give, and what it knows of the request.
#[derive(Clone, Debug)]
pub struct TransportError {
    left: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// The request certainly did not leave: no byte of it was handed to a
    /// connection. When in doubt, it is [`unknown`](Self::unknown).
    pub fn not_sent(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            left: false,
            source: Some(Arc::from(source.into())),
        }
    }

    /// Nobody knows whether the request was carried out.
    pub fn unknown(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            left: true,
            source: Some(Arc::from(source.into())),
        }
    }

    /// That nothing was heard of a request, or of the program that sent it.
    pub(crate) const fn silence() -> Self {
        Self {
            left: true,
            source: None,
        }
    }

    pub(crate) const fn recalled(left: bool) -> Self {
        Self { left, source: None }
    }

    /// Whether the request may have left.
    pub const fn may_have_left(&self) -> bool {
        self.left
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.left, &self.source) {
            (false, _) => "the HTTP stack could not send the request",
            (true, Some(_)) => "the HTTP stack sent the request and got no answer",
            (true, None) => "nothing was heard of the request",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// That something which was to be kept could not be, or can't be read.
#[derive(Clone, Debug)]
pub struct StoreError(Arc<dyn StdError + Send + Sync>);

impl StoreError {
    /// Because of this.
    pub fn new(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was to be kept could not be written or read")
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

/// Why a token could not be had, and what to do next: other than for a call of the
/// caller's own, nothing has to be looked after.
struct Reason<'a>(&'a Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Error::FateUnknown(_) => f.write_str("no answer came; call again"),
            Error::Malformed { malformed, .. } => {
                write!(
                    f,
                    "the answer makes no sense: {malformed}; call again later"
                )
            }
            Error::Refused(refusal) if refusal.may_pass() => {
                write!(f, "{refusal}; call again later")
            }
            error => error.fmt(f),
        }
    }
}

/// What to do next about a refusal that this crate has no rule for.
fn advice(refusal: &Refusal) -> &'static str {
    let status = refusal.status();
    if status.is_redirection() {
        return "redirects are not followed, because tokens would go elsewhere; check the environment's base address";
    }
    if refusal.is_not_found() {
        return "check the path and the names in it";
    }
    if refusal.leaves_fate_open() {
        return "it may have been carried out; look before you repeat it";
    }
    "correct the request before you repeat it"
}
