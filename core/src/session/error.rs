//! The error of a call: what can become of it, sorted by what a caller can do
//! about it.
//!
//! An [`Error`] has a [kind](Error::kind), the [`Outcome`] of the call (it may
//! have been executed, or not), and the operation that the call needed first, if
//! that is what failed. `Display` says what happened and what to do next. It
//! never repeats its [source](StdError::source), nor what the service or the
//! network said in its own words.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{
    failure::{Brief, Failure, Reason},
    guard::{BlockReason, LoginGuard},
    new_password::{NewPassword, NotAwaited},
    operation::OperationKind,
};
use crate::{
    Timestamp, api,
    environment::RequestError,
    response::{ErrorCode, InvalidResponse, Problem, Refusal, Shape, Unread},
    transport::{StoreError, TransportError},
};

/// The error of a call: what happened, whether the call may have been executed, and what
/// to do next.
///
/// - [`outcome`](Self::outcome) says whether the call may have been executed.
/// - [`kind`](Self::kind), and the methods that begin with `is_`, say what happened.
/// - [`retry_at`](Self::retry_at) says when to call again, if that is known.
/// - `Display` says what happened and what to do next, without a secret.
///
/// The guide has [a table](crate::guide::errors): when you see this error, do that.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    outcome: Outcome,
    prerequisite: Option<OperationKind>,
    password_in_doubt: bool,
}

/// The kind of an [`Error`].
///
/// The guide says [what to do about each kind](crate::guide::errors#by-kind).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request may not be sent, and was not sent.
    Request(RequestError),

    /// The call needs a session, and the credentials are only those of an application: they
    /// have no user name and no password.
    NoUser,

    /// A login, or a password reset, is needed, and the login guard does not allow it.
    #[non_exhaustive]
    Blocked {
        /// The login guard, with the last failure before it was blocked.
        guard: LoginGuard,
    },

    /// The service named the user's credentials as wrong; the login guard is
    /// blocked for them.
    #[doc(alias = "401")]
    #[non_exhaustive]
    WrongCredentials {
        /// The login guard after it.
        guard: LoginGuard,
        /// The refusal.
        refusal: Refusal,
    },

    /// A login was refused without naming the credentials. It counts as a failed
    /// login.
    #[non_exhaustive]
    LoginRefused {
        /// The login guard after it.
        guard: LoginGuard,
        /// The refusal.
        refusal: Refusal,
    },

    /// The OAuth endpoint gives this application no bearer token.
    AppRefused(Refusal),

    /// A bearer token was refused, and so was the one fetched in its place.
    #[doc(alias = "401")]
    BearerRefused(Refusal),

    /// A session token was refused, and so was the token of the login after that.
    #[doc(alias = "401")]
    SessionRefused(Refusal),

    /// Too many calls: the service asks to wait longer than a call waits.
    #[doc(alias = "rate limit")]
    #[doc(alias = "429")]
    #[non_exhaustive]
    Throttled {
        /// The time at which to call again. If the service named none, it is the time of the
        /// response.
        retry_at: Timestamp,
        /// The refusal.
        refusal: Refusal,
    },

    /// Sessions keep being refused soon after their login, so logins are delayed for longer
    /// than a call waits. Nothing was sent.
    #[non_exhaustive]
    CoolingDown {
        /// The time at which a login is made again.
        until: Timestamp,
        /// The last refusal of a session.
        because: Failure,
    },

    /// Token fetches or logins have failed, and the backoff is longer than a call waits.
    /// Nothing was sent.
    #[doc(alias = "backoff")]
    #[non_exhaustive]
    BackingOff {
        /// The time at which the next token fetch or login is made.
        until: Timestamp,
        /// The last failure.
        because: Failure,
    },

    /// The service refused the call.
    Refused(Refusal),

    /// The service accepted the call with an invalid response.
    #[non_exhaustive]
    InvalidResponse {
        /// The part that is invalid.
        invalid: InvalidResponse,
        /// The whole response, unchanged. It may hold a secret.
        response: Unread,
    },

    /// The request did not leave this machine, also when it was retried.
    NeverSent(TransportError),

    /// The request left and no response came.
    NoResponse(TransportError),

    /// The session that many processes share could not be loaded or saved.
    Store(StoreError),

    /// The password was reset, but the new one could not be saved. Or the store could not
    /// save that the session uses the new one. No login is made until the new password is
    /// confirmed; an open session goes on.
    #[non_exhaustive]
    NotConfirmed {
        /// The new password. Save it, and confirm it again.
        new: NewPassword,
        /// The error of the code that was to save the password, or of the store.
        source: StoreError,
    },

    /// A new password was confirmed that is not awaited.
    NotAwaited(NotAwaited),

    /// The call's deadline passed.
    #[doc(alias = "timeout")]
    #[doc(alias = "deadline")]
    TimedOut,

    /// The call has returned its result already, or its result is of another
    /// kind.
    CallFinished,
}

/// The outcome of a call that failed, from certain to uncertain.
///
/// The guide says [what to do about each](crate::guide::errors#by-outcome).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The request did not reach the service: it was certainly not executed.
    NeverSent,
    /// The service refused the request: it was not executed.
    Refused,
    /// The request left, and may have been executed.
    Unknown,
}

impl Outcome {
    /// The outcome's name, which does not change, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeverSent => "never_sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverSent => "it was never sent",
            Self::Refused => "it was refused",
            Self::Unknown => "it may have been executed",
        })
    }
}

impl Error {
    pub(super) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            outcome: kind.outcome(),
            kind,
            prerequisite: None,
            password_in_doubt: false,
        }))
    }

    pub(super) fn finished() -> Self {
        Self::new(ErrorKind::CallFinished)
    }

    /// The error of a request that an HTTP stack had no response to.
    pub(super) fn transport_failed(error: TransportError) -> Self {
        Self::new(if error.may_have_left() {
            ErrorKind::NoResponse(error)
        } else {
            ErrorKind::NeverSent(error)
        })
    }

    /// The error of a new password whose confirmation the store could not save; it
    /// holds the password.
    pub fn not_confirmed(new: NewPassword, source: StoreError) -> Self {
        Self::new(ErrorKind::NotConfirmed { new, source })
    }

    /// The same error of a call that was to save the confirmation of this new password:
    /// it holds the password.
    #[must_use]
    pub fn of_confirming(self, new: &NewPassword) -> Self {
        match self.into_kind() {
            ErrorKind::Store(source) => Self::not_confirmed(new.clone(), source),
            kind => Self::new(kind),
        }
    }

    /// The same error of a call of which nothing was sent, since this operation
    /// failed, which it needed first.
    pub(super) fn for_want_of(mut self, prerequisite: OperationKind) -> Self {
        self.0.prerequisite = Some(prerequisite);
        self.0.outcome = Outcome::NeverSent;
        self
    }

    /// The same error at the end of a call of which an earlier attempt had this
    /// outcome.
    pub(super) fn after(mut self, earlier: Outcome) -> Self {
        if earlier == Outcome::Unknown || self.is_timed_out() {
            self.0.outcome = self.0.outcome.max(earlier);
        }
        self
    }

    /// The same error of a password reset that leaves the password in doubt.
    pub(super) fn with_password_in_doubt(mut self) -> Self {
        self.0.password_in_doubt = true;
        self
    }

    /// The same error with the time at which the call is retried.
    pub(super) fn put_off(mut self, until: Timestamp) -> Self {
        if let ErrorKind::Throttled { retry_at, .. } = &mut self.0.kind {
            *retry_at = until;
        }
        self
    }

    /// The error's kind.
    pub const fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns the error's kind, and consumes the error.
    pub fn into_kind(self) -> ErrorKind {
        self.0.kind
    }

    /// The outcome of the call: it may have been executed, or not.
    pub const fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The operation that failed before the call could be sent, such as a login. `None` if
    /// the call itself failed.
    pub const fn prerequisite(&self) -> Option<OperationKind> {
        self.0.prerequisite
    }

    /// Returns true if the call certainly did not reach the service.
    pub fn is_never_sent(&self) -> bool {
        self.outcome() == Outcome::NeverSent
    }

    /// Returns true if nobody knows whether the call was executed.
    pub fn is_outcome_unknown(&self) -> bool {
        self.outcome() == Outcome::Unknown
    }

    /// Returns true if a password reset was sent and its response is lost. The password may
    /// have changed, and then nobody knows it. No login is made until the caller decides;
    /// an open session goes on.
    pub const fn is_password_in_doubt(&self) -> bool {
        self.0.password_in_doubt
    }

    /// Returns true if the service named the user's credentials as wrong, now or
    /// in an earlier login.
    pub fn is_wrong_credentials(&self) -> bool {
        match self.kind() {
            ErrorKind::WrongCredentials { .. } => true,
            ErrorKind::Blocked { guard } => {
                matches!(guard.blocked, Some(BlockReason::WrongCredentials { .. }))
            }
            _ => false,
        }
    }

    /// Returns true if the service refuses the application's key and secret.
    pub const fn is_wrong_app(&self) -> bool {
        matches!(self.kind(), ErrorKind::AppRefused(_))
    }

    /// The login guard, if the error is about a login: why it is blocked, how many
    /// attempts are left, what unblocks it and what failed last.
    pub const fn login_guard(&self) -> Option<&LoginGuard> {
        match self.kind() {
            ErrorKind::Blocked { guard }
            | ErrorKind::WrongCredentials { guard, .. }
            | ErrorKind::LoginRefused { guard, .. } => Some(guard),
            _ => None,
        }
    }

    /// Returns true if the login guard is blocked: no login is made until it is
    /// unblocked.
    pub fn is_blocked(&self) -> bool {
        self.login_guard()
            .is_some_and(|guard| guard.blocked.is_some())
    }

    /// The failure that came before, if the login guard is blocked, or token fetches and
    /// logins are backing off or cooling down.
    pub const fn because(&self) -> Option<&Failure> {
        match self.kind() {
            ErrorKind::Blocked { guard } => guard.last_failure.as_ref(),
            ErrorKind::CoolingDown { because, .. } | ErrorKind::BackingOff { because, .. } => {
                Some(because)
            }
            _ => None,
        }
    }

    /// Returns true if a session was refused even after a new login.
    pub const fn is_session_refused(&self) -> bool {
        matches!(self.kind(), ErrorKind::SessionRefused(_))
    }

    /// Returns true if a bearer token was refused even after it was renewed.
    pub const fn is_bearer_refused(&self) -> bool {
        matches!(self.kind(), ErrorKind::BearerRefused(_))
    }

    /// The time at which to call again, if the service or the machine named one.
    #[doc(alias = "retry_after")]
    #[doc(alias = "retry")]
    pub const fn retry_at(&self) -> Option<Timestamp> {
        match self.kind() {
            ErrorKind::Throttled { retry_at, .. } => Some(*retry_at),
            ErrorKind::CoolingDown { until, .. } | ErrorKind::BackingOff { until, .. } => {
                Some(*until)
            }
            _ => None,
        }
    }

    /// Returns true if there were too many calls. [`retry_at`](Self::retry_at) says when to
    /// call again.
    #[doc(alias = "rate limit")]
    pub const fn is_throttled(&self) -> bool {
        matches!(self.kind(), ErrorKind::Throttled { .. })
    }

    /// Returns true if the service says that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::Refused(refusal) if refusal.is_not_found())
    }

    /// Returns true if a response was invalid.
    pub const fn is_invalid_response(&self) -> bool {
        matches!(self.kind(), ErrorKind::InvalidResponse { .. })
    }

    /// Returns success if the error is only that a new password is not awaited, and any
    /// other error unchanged. For callers that confirm a reset: if other credentials were
    /// given in the meantime, those are to be used.
    pub fn unless_not_awaited(self) -> Result<(), Self> {
        match self.kind() {
            ErrorKind::NotAwaited(_) => Ok(()),
            _ => Err(self),
        }
    }

    /// Returns true if the call's own deadline ended it.
    pub const fn is_timed_out(&self) -> bool {
        matches!(self.kind(), ErrorKind::TimedOut)
    }

    /// The refusal of the service, if it refused.
    ///
    /// A process that shared another process's login or token fetch knows the
    /// status and the code of that refusal, but not its body.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self.kind() {
            ErrorKind::WrongCredentials { refusal, .. }
            | ErrorKind::LoginRefused { refusal, .. }
            | ErrorKind::Throttled { refusal, .. }
            | ErrorKind::AppRefused(refusal)
            | ErrorKind::BearerRefused(refusal)
            | ErrorKind::SessionRefused(refusal)
            | ErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The API's error code, if it was the API that refused.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.refusal().and_then(Refusal::code)
    }

    /// The HTTP stack's error, if the stack failed. Its own message is among the
    /// [sources](StdError::source) of that error.
    pub const fn transport(&self) -> Option<&TransportError> {
        match self.kind() {
            ErrorKind::NeverSent(error) | ErrorKind::NoResponse(error) => Some(error),
            _ => None,
        }
    }

    /// The HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(Response::status)
    }

    /// The whole response, unchanged, if there was one. It may hold a secret: the body of an
    /// invalid response, or the part of one that broke off, may be the only copy of a
    /// password.
    pub fn response(&self) -> Option<&Response<Bytes>> {
        match self.kind() {
            ErrorKind::NoResponse(error) => error.part(),
            ErrorKind::InvalidResponse { response, .. } => Some(response.response()),
            _ => self.refusal().map(Refusal::response),
        }
    }

    /// Returns true if the same may succeed a little later. A token fetch or
    /// login whose response is invalid is taken for an outage on the way.
    pub(super) fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::Throttled { .. }
            | ErrorKind::NeverSent(_)
            | ErrorKind::NoResponse(_)
            | ErrorKind::InvalidResponse { .. } => true,
            ErrorKind::Refused(refusal) => refusal.is_transient(),
            _ => false,
        }
    }

    /// The same error of another kind.
    pub(super) fn map_kind(self, map: impl FnOnce(ErrorKind) -> ErrorKind) -> Self {
        let Inner {
            kind,
            outcome: _,
            prerequisite,
            password_in_doubt,
        } = *self.0;
        let kind = map(kind);
        Self(Box::new(Inner {
            outcome: kind.outcome(),
            kind,
            prerequisite,
            password_in_doubt,
        }))
    }

    /// The error for a call that waited for an operation of which only this much
    /// is remembered.
    pub(super) fn remembered(reason: &Reason, guard: LoginGuard) -> Self {
        Self::new(match reason {
            Reason::NeverSent => ErrorKind::NeverSent(TransportError::remembered(false)),
            Reason::Unknown => ErrorKind::NoResponse(TransportError::remembered(true)),
            Reason::Invalid => ErrorKind::InvalidResponse {
                invalid: InvalidResponse::new("the response", Problem::Kind),
                response: Unread::new(Response::default()),
            },
            Reason::Throttled { retry_at, by } => ErrorKind::Throttled {
                retry_at: *retry_at,
                refusal: by.refusal(),
            },
            Reason::AppRefused(by) => ErrorKind::AppRefused(by.refusal()),
            Reason::BearerRefused(by) => ErrorKind::BearerRefused(by.refusal()),
            Reason::CredentialsRefused(by) => ErrorKind::WrongCredentials {
                guard,
                refusal: by.refusal(),
            },
            Reason::LoginRefused(by) => ErrorKind::LoginRefused {
                guard,
                refusal: by.refusal(),
            },
            Reason::SessionRefused(by) => ErrorKind::SessionRefused(by.refusal()),
            Reason::Refused(by) => ErrorKind::Refused(by.refusal()),
        })
    }
}

/// Shows the kind, the outcome and what was needed first, and no secret.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", self.kind())
            .field("outcome", &self.outcome())
            .field("prerequisite", &self.prerequisite())
            .field("password_in_doubt", &self.is_password_in_doubt())
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        if self.is_password_in_doubt() {
            return write!(
                f,
                "the password may have been reset, but {}; no login is made until other credentials are given or the login guard is unblocked",
                Happened(kind)
            );
        }
        if let Some(prerequisite) = self.prerequisite() {
            let unsent = match prerequisite {
                OperationKind::TokenFetch => "neither a login nor the call was sent",
                _ => "the call was not sent",
            };
            return write!(
                f,
                "{unsent}, because {prerequisite} failed: {}",
                Needed(kind)
            );
        }
        if self.is_outcome_unknown() && kind.outcome() != Outcome::Unknown {
            f.write_str("an earlier attempt may have been executed; then this happened: ")?;
        }
        kind.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            ErrorKind::NeverSent(error) | ErrorKind::NoResponse(error) => Some(error),
            ErrorKind::Store(source) | ErrorKind::NotConfirmed { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<NotAwaited> for Error {
    fn from(error: NotAwaited) -> Self {
        Self::new(ErrorKind::NotAwaited(error))
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Self::new(ErrorKind::Request(error))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(ErrorKind::Store(error))
    }
}

impl From<api::Error> for Error {
    #[cold]
    #[inline(never)]
    fn from(error: api::Error) -> Self {
        Self::new(error.into())
    }
}

impl From<api::Error> for ErrorKind {
    fn from(error: api::Error) -> Self {
        match error {
            api::Error::Refused(refusal) => Self::Refused(*refusal),
            api::Error::Invalid { invalid, response } => {
                Self::InvalidResponse { invalid, response }
            }
        }
    }
}

impl ErrorKind {
    /// The outcome of a call that ends with this kind and had no other attempt.
    fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(refusal) if refusal.leaves_outcome_unknown() => Outcome::Unknown,
            Self::Refused(_)
            | Self::WrongCredentials { .. }
            | Self::LoginRefused { .. }
            | Self::AppRefused(_)
            | Self::BearerRefused(_)
            | Self::SessionRefused(_)
            | Self::Throttled { .. } => Outcome::Refused,
            Self::InvalidResponse { .. } | Self::NoResponse(_) | Self::NotConfirmed { .. } => {
                Outcome::Unknown
            }
            Self::NotAwaited(_)
            | Self::Request(_)
            | Self::NoUser
            | Self::Blocked { .. }
            | Self::CoolingDown { .. }
            | Self::BackingOff { .. }
            | Self::NeverSent(_)
            | Self::Store(_)
            | Self::TimedOut
            | Self::CallFinished => Outcome::NeverSent,
        }
    }

    /// The part of an operation's error that a snapshot remembers.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::NeverSent(_) => Reason::NeverSent,
            Self::InvalidResponse { .. } => Reason::Invalid,
            Self::Throttled { retry_at, refusal } => Reason::Throttled {
                retry_at: *retry_at,
                by: Brief::of(refusal),
            },
            Self::AppRefused(refusal) => Reason::AppRefused(Brief::of(refusal)),
            Self::BearerRefused(refusal) => Reason::BearerRefused(Brief::of(refusal)),
            Self::WrongCredentials { refusal, .. } => {
                Reason::CredentialsRefused(Brief::of(refusal))
            }
            Self::LoginRefused { refusal, .. } => Reason::LoginRefused(Brief::of(refusal)),
            Self::SessionRefused(refusal) => Reason::SessionRefused(Brief::of(refusal)),
            Self::Refused(refusal) => Reason::Refused(Brief::of(refusal)),
            _ => Reason::Unknown,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "the request was not sent: {error}"),
            Self::NoUser => f.write_str(
                "nothing was sent: the call takes a session, and only an application's credentials were given; give a user's as well, or make the call with the bearer token alone",
            ),
            Self::Blocked { guard } => {
                write!(
                    f,
                    "nothing was sent, because the login guard is blocked: {guard}"
                )?;
                match &guard.last_failure {
                    Some(failure) => write!(f, "; before that, {failure}"),
                    None => Ok(()),
                }
            }
            Self::WrongCredentials { guard, refusal } => {
                write!(f, "the user's credentials were refused ({refusal}): {guard}")
            }
            Self::LoginRefused { guard, refusal } if refusal.names_characters() => {
                write!(f, "the login was refused ({refusal}) for a character: {guard}")
            }
            Self::LoginRefused { guard, refusal } => write!(
                f,
                "the login was refused ({refusal}), perhaps for its credentials: {guard}"
            ),
            Self::AppRefused(refusal) => write!(
                f,
                "no bearer token is given to this application ({refusal}); {}",
                advice_on_app(refusal)
            ),
            Self::BearerRefused(refusal) => write!(
                f,
                "a fresh bearer token was refused ({refusal}); check that the application may use this API, then call again"
            ),
            Self::SessionRefused(refusal) => write!(
                f,
                "a fresh session was refused ({refusal}); look for another program that logs in with the same user name, then call again"
            ),
            Self::Throttled { retry_at, refusal } => {
                write!(f, "too many calls ({refusal}); call again at {retry_at}")
            }
            Self::CoolingDown { until, because } => write!(
                f,
                "nothing was sent, because new sessions keep being refused and logins cool down until {until} ({because}); look for another program that logs in with the same user name"
            ),
            Self::BackingOff { until, because } => write!(
                f,
                "nothing was sent, because the session is backing off until {until} ({because}); call again then"
            ),
            Self::Refused(refusal) => {
                write!(f, "the call was refused: {refusal}; {}", advice(refusal))
            }
            Self::InvalidResponse { invalid, .. } => write!(
                f,
                "the response is invalid: {invalid}; the call may have been executed, look before you retry it"
            ),
            Self::NeverSent(_) => {
                f.write_str("the request was never sent; check the network and call again")
            }
            Self::NoResponse(_) => write!(
                f,
                "{}, so the call may have been executed; look before you retry it",
                Happened(self)
            ),
            Self::Store(_) => f.write_str(
                "the session's store failed, and what it had to save first was not sent; mend the store, then call again",
            ),
            Self::NotConfirmed { .. } => f.write_str(
                "the password was reset, but the new one is not confirmed; take it from this error, save it, and confirm it again",
            ),
            Self::NotAwaited(error) => error.fmt(f),
            Self::TimedOut => f.write_str(
                "the deadline passed before the call was done; give it more time or call again",
            ),
            Self::CallFinished => f.write_str("the call has finished; make a new one"),
        }
    }
}

/// The event behind an error, without advice.
struct Happened<'a>(&'a ErrorKind);

impl fmt::Display for Happened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ErrorKind::NoResponse(error) => f.write_str(match error.part() {
                Some(_) => "only a part of the response came",
                None => "no response came",
            }),
            ErrorKind::InvalidResponse { invalid, .. } => {
                write!(f, "the response is invalid: {invalid}")
            }
            ErrorKind::Refused(refusal) => write!(f, "the response was {refusal}"),
            other => other.fmt(f),
        }
    }
}

/// The reason why an operation failed that a call needed first, and what to do
/// next: unlike after a call of the caller's own, nothing has to be looked after.
struct Needed<'a>(&'a ErrorKind);

impl fmt::Display for Needed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ErrorKind::NoResponse(_) => write!(f, "{}; call again", Happened(self.0)),
            ErrorKind::InvalidResponse { .. } => {
                write!(f, "{}; call again later", Happened(self.0))
            }
            ErrorKind::Refused(refusal) if refusal.is_transient() => {
                write!(f, "{refusal}; call again later")
            }
            ErrorKind::Refused(refusal) => match advice_on_the_way(refusal) {
                Some(advice) => write!(f, "{refusal}; {advice}"),
                // The request is this crate's own.
                None => write!(f, "{refusal}; check the environment's base address"),
            },
            other => other.fmt(f),
        }
    }
}

/// The advice about an application that is given no token, by what its refusal names
/// (RFC 6749 §5.2).
fn advice_on_app(refusal: &Refusal) -> &'static str {
    let error = match refusal.shape() {
        Shape::OAuth(error) => error.error.as_str(),
        _ => "",
    };
    match error {
        "invalid_scope" => "check the scopes in the settings",
        "invalid_request" | "unsupported_grant_type" => {
            "check the environment's base address, since the token endpoint there does not take the request"
        }
        _ => "check its key and secret in the ThingSpace portal",
    }
}

/// The advice about a refusal that was made before the API saw the request.
fn advice_on_the_way(refusal: &Refusal) -> Option<&'static str> {
    let status = refusal.status();
    if status.is_redirection() {
        return Some(
            "redirects are not followed, because tokens would go elsewhere; check the environment's base address",
        );
    }
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Some(
            "a proxy on the way wants a user name and password of its own; give them to the HTTP stack",
        );
    }
    match refusal.shape() {
        Shape::Gateway(_) if status == StatusCode::FORBIDDEN => {
            Some("check in the ThingSpace portal that the application may use this API")
        }
        Shape::Other if status == StatusCode::FORBIDDEN => {
            Some("look for a firewall or proxy on the way that does not let it pass")
        }
        _ => None,
    }
}

/// The advice about a refusal that this crate has no rule for.
fn advice(refusal: &Refusal) -> &'static str {
    if let Some(advice) = advice_on_the_way(refusal) {
        return advice;
    }
    if refusal.names_characters() {
        return "ThingSpace takes some characters nowhere, such as ' < and \\; correct the request before you retry it";
    }
    if refusal.is_not_found() {
        return "check the path and the names in it";
    }
    if refusal.leaves_outcome_unknown() {
        return "it may have been executed; look before you retry it";
    }
    "correct the request before you retry it"
}
