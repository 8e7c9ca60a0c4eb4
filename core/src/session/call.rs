//! One call, on its way through a session.
//!
//! The contract for a driver is short. Nothing breaks if a driver makes a mistake: a step
//! at the wrong time says what it waits for, a result that nobody waits for is dropped, and
//! an operation without a result is lost when its lease expires.
//!
//! 1. `step`, and do what it says.
//! 2. After [`Step::Send`], `receive` the result, with its attempt.
//!
//! The driver of a session that many processes share has two more arms: after
//! [`SharedStep::Load`](super::SharedStep::Load) it gives what the store has to `loaded`, and after [`SharedStep::Save`](super::SharedStep::Save)
//! the store's word to `saved`.
//!
//! A call may be dropped at any point. If it had begun an operation of the
//! session's, the result of that still belongs to the session: see
//! [`Attempt::operation`].

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Response};

use super::{
    call_id::CallId,
    execute::{Execution, Purpose},
    machine::Session,
    operation::OperationKind,
    step::{Attempt, SharedStep, Step},
    store::{Loaded, Saved},
};
use crate::{
    Environment, Timestamp,
    api::{CallOptions, Endpoint, OfSession},
    environment::RequestError,
    transport::{StoreError, TransportError},
};

/// A call: a request of the caller's, or one of the session's own calls.
///
/// The token fetch, the login, a replay after an expired token, the retries and
/// the backoffs between them come out of the same [`step`](Self::step) as the request
/// itself.
///
/// A driver steps the call, does what the [`Step`] says, and
/// [gives](Self::receive) the result of each request to the call. A call may be dropped at
/// any point. If it had begun an operation, such as a login, its result still belongs to
/// the session: see [`Attempt::operation`].
///
/// The guide has the [words](crate::guide::glossary#calls) and the
/// [errors](crate::guide::errors).
#[derive(Clone)]
pub struct Call {
    pub(super) purpose: Purpose,
    pub(super) execution: Execution,
}

impl Call {
    /// A call that sends this request, at its full address, with the tokens that its
    /// options name.
    #[inline]
    pub const fn new(request: Request<Bytes>, options: CallOptions) -> Self {
        Self::with_purpose(Purpose::Request { request, options })
    }

    /// A call to an endpoint, whose request is built here.
    ///
    /// Fails if the endpoint can't build it.
    pub fn to<E>(endpoint: E, environment: &Environment) -> Result<Self, RequestError>
    where
        E: Endpoint<Auth: OfSession>,
    {
        let options = CallOptions {
            tokens: E::Auth::TOKENS,
            ..endpoint.options()
        };
        Self::built(
            endpoint.build_for_session(environment),
            environment,
            options,
        )
    }

    /// The same for all endpoints, so that a program has it once.
    #[inline(never)]
    fn built(
        request: Result<Request<Bytes>, RequestError>,
        environment: &Environment,
        options: CallOptions,
    ) -> Result<Self, RequestError> {
        // It is looked at where it is: a request is large to move.
        if let Ok(request) = &request {
            environment.check_path(request.uri())?;
        }
        let mut built = Ok(Self::new(request?, options));
        if let Ok(call) = &mut built {
            call.execution.may_be_path = true;
        }
        built
    }

    /// A call that opens a session, unless one is open.
    #[doc(alias = "login_using_post")]
    #[doc(alias = "re-login")]
    pub const fn log_in() -> Self {
        Self::with_purpose(Purpose::LogIn)
    }

    /// A call that gets the tokens that are missing, and has no request of its own. It is
    /// for programs that use the tokens elsewhere. If a token is refused there, report it by
    /// [`Session::session_token_refused`] or [`Session::bearer_token_refused`].
    pub const fn acquire_tokens() -> Self {
        Self::with_purpose(Purpose::Acquire)
    }

    /// A call that ends the session. If no session is open, that is no error.
    #[doc(alias = "logout_using_post")]
    pub const fn log_out() -> Self {
        Self::with_purpose(Purpose::LogOut)
    }

    /// A call that resets the password to a random one, which is then to be
    /// [confirmed](Session::confirm).
    ///
    /// It is sent once. If the response is lost, the call ends with an error that
    /// [says so](super::Error::is_password_in_doubt), and no login is made until
    /// the caller decides.
    #[doc(alias = "reset_using_put")]
    pub const fn reset_password() -> Self {
        Self::with_purpose(Purpose::ResetPassword)
    }

    /// A call that loads what other processes have saved, and saves what the store does not
    /// have. Then other processes know what was [confirmed](Session::confirm) or
    /// [unblocked](Session::unblock) here, and this process knows what they did. Without a
    /// store it does nothing.
    pub const fn sync() -> Self {
        Self::with_purpose(Purpose::Sync)
    }

    #[inline]
    const fn with_purpose(purpose: Purpose) -> Self {
        Self {
            purpose,
            execution: Execution::new(),
        }
    }

    /// Ends the call at this time at the latest, whatever it waits for. Without a deadline,
    /// the session's [`call_timeout`](super::Settings::call_timeout) counts from the first
    /// step. (If the driver gives no result of a request in time, the call waits five
    /// seconds longer.)
    ///
    /// It does not end an operation that the call has begun.
    #[doc(alias = "timeout")]
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Timestamp) -> Self {
        self.execution.deadline = Some(deadline);
        self
    }

    /// The same call, sent by other options than its endpoint's.
    ///
    /// Nothing changes for a call of the session's own.
    #[must_use]
    pub const fn with_options(mut self, options: CallOptions) -> Self {
        if let Purpose::Request { options: own, .. } = &mut self.purpose {
            *own = options;
        }
        self
    }

    /// The name of the call; `None` before its first step.
    pub fn id(&self) -> Option<CallId> {
        Some(self.execution.id).filter(|id| *id != CallId::NONE)
    }

    /// The purpose of the call, by a name that does not change, for logs and metrics:
    /// `request`, `acquire_tokens`, `sync`, or that of an
    /// [operation](OperationKind::name), `login`, `logout` or `password_reset`.
    pub const fn purpose(&self) -> &'static str {
        match &self.purpose {
            Purpose::Request { .. } => "request",
            Purpose::LogIn => OperationKind::LogIn.name(),
            Purpose::Acquire => "acquire_tokens",
            Purpose::LogOut => OperationKind::LogOut.name(),
            Purpose::ResetPassword => OperationKind::PasswordReset.name(),
            Purpose::Sync => "sync",
        }
    }

    /// The method of the request that it sends; `None` if it is one of the session's own.
    pub fn method(&self) -> Option<&Method> {
        match &self.purpose {
            Purpose::Request { request, .. } => Some(request.method()),
            _ => None,
        }
    }

    /// The path of the request that it sends, without its query; `None` if it is one of the
    /// session's own. Before the first step, it may be one under the environment's base.
    pub fn path(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Request { request, .. } => Some(request.uri().path()),
            _ => None,
        }
    }

    /// The number of requests that it was given to send. Token fetches and logins count.
    pub const fn attempts(&self) -> u32 {
        self.execution.attempts
    }

    /// Returns the next thing to do.
    ///
    /// A call that has finished says so with
    /// [`ErrorKind::CallFinished`](super::ErrorKind::CallFinished). A session that is
    /// [shared](super::SessionBuilder::shared) is stepped with
    /// [`step_shared`](Self::step_shared): where that would ask for its store, the call
    /// ends here with [`ErrorKind::Store`](super::ErrorKind::Store).
    pub fn step(&mut self, session: &mut Session, now: Timestamp) -> Step {
        self.execution.step(&mut self.purpose, session, now)
    }

    /// Returns the next thing to do for a session that many processes share.
    pub fn step_shared(&mut self, session: &mut Session, now: Timestamp) -> SharedStep {
        self.execution.step(&mut self.purpose, session, now)
    }

    /// Takes the result of the request of this attempt.
    ///
    /// A result that is not waited for, because it came before or came too late,
    /// changes nothing. That of an operation goes to the session, as by
    /// [`Session::receive`].
    pub fn receive(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        if let Some(operation) = attempt.operation {
            return session.receive(now, operation, result);
        }
        let purpose = &self.purpose;
        self.execution
            .receive(purpose, session, now, attempt.number, result);
    }

    /// Takes what the store had after [`SharedStep::Load`](super::SharedStep::Load): `None` if it has nothing.
    ///
    /// The call ends with an error if the store fails, or if the snapshot belongs to another
    /// session. It also does if the snapshot is damaged, unless this process knows what it
    /// must hold.
    pub fn loaded(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        result: Result<Option<Loaded>, StoreError>,
    ) {
        self.execution.loaded(&self.purpose, session, now, result);
    }

    /// Gives up the call while the driver loads or saves for it, so that other calls need not
    /// wait for that. An operation that was about to begin never begins. Without this, other
    /// calls wait for two seconds, or for the lease of the operation.
    pub fn abandon(&mut self, session: &mut Session) {
        self.execution.abandon(session);
    }

    /// Takes the store's result after [`SharedStep::Save`](super::SharedStep::Save).
    pub fn saved(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        result: Result<Saved, StoreError>,
    ) {
        self.execution.saved(&self.purpose, session, now, result);
    }
}

/// Shows all that decides what it does next, and nothing of what it carries.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("purpose", &self.path().unwrap_or(self.purpose()))
            .field("execution", &self.execution)
            .finish()
    }
}
