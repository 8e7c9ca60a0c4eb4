//! Execute: using the tokens.
//!
//! Puts the tokens on a call's request, sends it, replays it once after a
//! stale token, retries what may be retried, and keeps the outcome and the
//! deadline. It asks [acquire](super::acquire) for the tokens and reports which
//! were refused.

use bytes::Bytes;
use http::Request;

use super::{
    acquire::Acquisition,
    error::{Error, ErrorKind, Outcome},
    guard::BlockReason,
    machine::Session,
    memory::Delay,
    operation::{Operation, OperationKind},
    received,
    results::{Finished, OperationResult},
    settings::LEASE_GRACE,
    span::Span,
    step::{Attempt, Completion, Step, Transmit, Wait, WaitReason},
};
use crate::{
    Timestamp,
    api::{Authorization, CallOptions, WithSession, complete},
    environment::RequestError,
    transport::TransportError,
};

/// The purpose of a call.
// A box around the request would cost every call an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Clone)]
pub(super) enum Purpose {
    /// A request of the caller's own. It stays here, since a replay needs it
    /// again.
    Request {
        request: Request<Bytes>,
        options: CallOptions,
    },
    /// Opening a session, unless one is open.
    LogIn,
    /// Ending the session.
    LogOut,
    /// Resetting the password.
    ResetPassword,
}

/// The progress of a call.
#[derive(Clone, Debug)]
pub(super) struct Execution {
    state: State,
    pub(super) deadline: Option<Timestamp>,
    /// The number of requests sent, of all purposes.
    attempts: u32,
    /// The number of failures that might have passed.
    failures: u32,
    bearer_replayed: bool,
    session_replayed: bool,
    /// The last operation that this call began itself.
    began: u64,
    /// True if that was a login.
    began_login: bool,
    /// The last of them that brought a token: that is used, however short its life.
    own: u64,
    /// The last failure that might have passed.
    last: Option<Error>,
    /// The least certain outcome of an attempt.
    outcome: Outcome,
}

/// The state of a call.
#[derive(Clone, Debug)]
enum State {
    /// The call was not stepped yet.
    New,
    /// The call needs tokens, or has just got them. It waited for this operation
    /// of the session, if for any.
    Acquiring { waited_for: Option<u64> },
    /// The call's own request is with the driver.
    InFlight(InFlight),
    /// The logout or password reset that this call began is in progress. Its result
    /// is waited for whatever others do to its lease.
    Operating {
        operation: Operation,
        patience: Span,
    },
    /// The call's own request, logout or reset failed in a way that may pass.
    BackingOff { span: Span },
    /// The result is there and was not given yet.
    Finishing(Result<Completion, Error>),
    /// The result has been given.
    Finished,
}

/// A request that is with the driver.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    attempt: u32,
    sent_at: Timestamp,
    /// The time for which its result is waited for.
    patience: Span,
    /// The generations of the tokens that it carries.
    bearer: u64,
    session: u64,
}

impl Execution {
    pub(super) const fn new() -> Self {
        Self {
            state: State::New,
            deadline: None,
            attempts: 0,
            failures: 0,
            bearer_replayed: false,
            session_replayed: false,
            began: 0,
            began_login: false,
            own: 0,
            last: None,
            outcome: Outcome::NeverSent,
        }
    }

    pub(super) fn step(
        &mut self,
        purpose: &mut Purpose,
        session: &mut Session,
        now: Timestamp,
    ) -> Step {
        match &mut self.state {
            State::Finishing(_) | State::Finished => return self.finish(),
            State::InFlight(in_flight) => {
                in_flight.patience.rebase(now);
                if let Some(until) = in_flight.patience.rest(now) {
                    return Step::Wait(Wait::new(until, WaitReason::Response));
                }
                let silence = Err(TransportError::silence());
                let attempt = in_flight.attempt;
                self.receive(purpose, session, now, attempt, silence);
                if matches!(self.state, State::Finishing(_)) {
                    return self.finish();
                }
            }
            State::New => {
                self.state = State::Acquiring { waited_for: None };
                if let Err(error) = self.start(purpose, session, now) {
                    return self.finish_with(Err(error));
                }
            }
            State::Acquiring { .. } | State::Operating { .. } | State::BackingOff { .. } => {}
        }
        session.expire_lease(now);
        self.take_result(purpose, session, now);
        if matches!(self.state, State::Finishing(_)) {
            return self.finish();
        }
        match (self.advance(purpose, session, now), purpose) {
            (Ok(Some(step)), _) => step,
            (Ok(None), Purpose::Request { request, .. }) => self.send(request, session, now),
            (Ok(None), _) => self.finish_with(Err(Error::finished())),
            (Err(error), _) => self.finish_with(Err(error)),
        }
    }

    /// Takes the result of the call's own request.
    pub(super) fn receive(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
        attempt: u32,
        result: Result<http::Response<Bytes>, TransportError>,
    ) {
        let State::InFlight(in_flight) = self.state else {
            return;
        };
        if in_flight.attempt != attempt {
            return;
        }
        match received::read(result, session.settings.max_body, now) {
            Ok(response) => {
                session.session_used(in_flight.session, in_flight.sent_at);
                self.state = State::Finishing(Ok(Completion::Response(response)));
            }
            Err(error) => {
                let tokens = (in_flight.bearer, in_flight.session);
                session.request_refused(now, tokens, in_flight.sent_at, &error);
                self.attempt_failed(purpose, session, now, error);
            }
        }
    }

    /// Ends the call with an error, unless its result is there.
    pub(super) fn fail(&mut self, error: Error) {
        if !matches!(self.state, State::Finishing(_)) {
            self.state = State::Finishing(Err(error));
        }
    }

    /// Returns true if there is nothing to do but to wait for an operation that this
    /// call began itself.
    pub(super) fn awaits_own_operation(&self, session: &Session, now: Timestamp) -> bool {
        match self.state {
            State::Operating { .. } => true,
            State::Acquiring { waited_for } => session.memory.lease.is_some_and(|lease| {
                lease.operation == self.began
                    && waited_for == Some(self.began)
                    && session.results.of(self.began).is_none()
                    && lease.span.rest(now).is_some()
            }),
            _ => false,
        }
    }

    /// Returns true if this attempt's result is waited for.
    pub(super) const fn awaits(&self, attempt: u32) -> bool {
        matches!(&self.state, State::InFlight(in_flight) if in_flight.attempt == attempt)
    }

    pub(super) const fn is_finishing(&self) -> bool {
        matches!(self.state, State::Finishing(_))
    }

    fn start(&mut self, purpose: &Purpose, session: &Session, now: Timestamp) -> Result<(), Error> {
        let timeout = session.settings.call_timeout;
        self.deadline = self.deadline.or(timeout.map(|timeout| now + timeout));
        match purpose {
            // No login is spent on a request that may not be sent anyway.
            Purpose::Request { request, .. } if session.memory.open.is_none() => {
                Ok(check(session, request)?)
            }
            _ => Ok(()),
        }
    }

    /// Returns the next step, or nothing if it is time to send the caller's request:
    /// that step is made in its final place, since it is large to move.
    fn advance(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Option<Step>, Error> {
        if let State::Operating {
            operation,
            patience,
        } = self.state
        {
            if self.is_too_late(now) {
                self.outcome = Outcome::Unknown;
                return Err(Error::new(ErrorKind::TimedOut));
            }
            return Ok(Some(
                self.wait(patience.end(), WaitReason::Operation(operation.kind)),
            ));
        }
        if self.is_too_late(now) {
            if matches!(purpose, Purpose::LogIn) {
                self.outcome = self.outcome.max(self.outcome_of_login(session));
            }
            return Err(Error::new(ErrorKind::TimedOut));
        }
        if let State::BackingOff { span } = &mut self.state {
            span.rebase(now);
            if let Some(until) = span.rest(now) {
                let error = self.last.clone().unwrap_or_else(Error::finished);
                return self
                    .hold(session, now, until, WaitReason::Backoff, error)
                    .map(Some);
            }
            self.state = State::Acquiring { waited_for: None };
        }
        if session.has_brought_token(self.began) {
            self.own = self.began;
        }
        let lease = session.memory.lease;
        if let Some(lease) = lease.filter(|lease| lease.kind == OperationKind::LogOut) {
            return Ok(Some(
                self.wait(lease.span.end(), WaitReason::Operation(lease.kind)),
            ));
        }
        let open = session.usable_session(now, self.own);
        match (purpose, open) {
            (Purpose::LogIn, Some(token)) => {
                let token = token.clone();
                return Ok(Some(self.finish_with(Ok(Completion::LoggedIn(token)))));
            }
            (Purpose::LogOut, None) => {
                return Ok(Some(self.finish_with(Ok(Completion::LoggedOut(None)))));
            }
            _ => {}
        }
        let acquisition = session.acquire(now, self.own);
        if acquisition != Acquisition::Ready {
            return self.acquire(purpose, session, now, acquisition).map(Some);
        }
        let kind = match purpose {
            Purpose::Request { .. } => return Ok(None),
            Purpose::LogIn => return Err(Error::finished()),
            Purpose::LogOut => OperationKind::LogOut,
            Purpose::ResetPassword => {
                let guard = session.login_guard();
                // A doubt that a lost reset has left, another one may clear up. Nobody knows
                // whether the platform counts one with a wrong password as a failed login.
                let may_be_right =
                    matches!(guard.blocked, None | Some(BlockReason::PasswordInDoubt));
                if session.password_outdated() || !may_be_right {
                    return Err(Error::new(ErrorKind::Blocked { guard }));
                }
                OperationKind::PasswordReset
            }
        };
        match session.memory.lease {
            Some(lease) => Ok(Some(
                self.wait(lease.span.end(), WaitReason::Operation(lease.kind)),
            )),
            None => self.begin(session, now, kind).map(Some),
        }
    }

    /// Gets on with the tokens that are not there.
    #[cold]
    fn acquire(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
        acquisition: Acquisition,
    ) -> Result<Step, Error> {
        self.learn_from_operation(purpose, session, acquisition)?;
        match acquisition {
            Acquisition::Ready => Err(Error::finished()),
            Acquisition::InProgress(lease) => {
                self.state = State::Acquiring {
                    waited_for: Some(lease.operation),
                };
                Ok(self.wait(lease.span.end(), WaitReason::Operation(lease.kind)))
            }
            Acquisition::Blocked => Err(Error::new(ErrorKind::Blocked {
                guard: session.login_guard(),
            })),
            Acquisition::Delayed(until) => {
                let Some(delay) = &session.memory.delay else {
                    return Err(Error::finished());
                };
                let (reason, error) = match (delay, &self.last) {
                    (Delay::Backoff { .. }, Some(last)) => (WaitReason::Backoff, last.clone()),
                    (Delay::Backoff { .. }, None) => (WaitReason::Backoff, delay.error(until)),
                    (Delay::Cooldown { .. }, _) => (WaitReason::Cooldown, delay.error(until)),
                };
                self.hold(session, now, until, reason, error)
            }
            Acquisition::Begin(kind) => self.begin(session, now, kind),
        }
    }

    /// Takes the failure of an operation that this call waited for as its own, so
    /// that a hundred calls do not make one mistake a hundred times.
    fn learn_from_operation(
        &mut self,
        purpose: &Purpose,
        session: &Session,
        acquisition: Acquisition,
    ) -> Result<(), Error> {
        let State::Acquiring {
            waited_for: Some(waited_for),
        } = self.state
        else {
            return Ok(());
        };
        // The failure of a logout or reset is its caller's alone.
        let finished = session.results.of(waited_for).filter(|finished| {
            matches!(
                finished.kind,
                OperationKind::TokenFetch | OperationKind::LogIn
            )
        });
        if finished.is_none()
            && matches!(acquisition, Acquisition::InProgress(lease) if lease.operation == waited_for)
        {
            return Ok(());
        }
        self.state = State::Acquiring { waited_for: None };
        let failed = session.memory.failed.as_ref();
        let failed = failed.filter(|failed| failed.operation >= waited_for);
        let (kind, error) = match (finished, failed) {
            (
                Some(Finished {
                    kind,
                    result: OperationResult::Failed(error),
                    ..
                }),
                _,
            ) => (Some(*kind), error.clone()),
            // Others take over what a driver lost; only its own call fails by it.
            (
                Some(Finished {
                    kind,
                    result: OperationResult::Lost,
                    ..
                }),
                _,
            ) if waited_for == self.began => {
                let silence = TransportError::silence();
                (Some(*kind), Error::transport_failed(silence))
            }
            (_, Some(failed)) => {
                let error = match session.results.of(failed.operation) {
                    Some(Finished {
                        result: OperationResult::Failed(error),
                        ..
                    }) => error.clone(),
                    _ => Error::remembered(&failed.failure.reason, session.login_guard()),
                };
                (failed.failure.operation(), error)
            }
            _ => return Ok(()),
        };
        match kind {
            Some(kind) => self.operation_failed(purpose, session, kind, error),
            None => Err(error),
        }
    }

    /// Notes what the failure of an operation means for a call that needed it.
    /// Fails if it ends the call.
    fn operation_failed(
        &mut self,
        purpose: &Purpose,
        session: &Session,
        kind: OperationKind,
        error: Error,
    ) -> Result<(), Error> {
        if error.is_bearer_refused() && !std::mem::replace(&mut self.bearer_replayed, true) {
            return Ok(());
        }
        let is_transient = error.is_transient();
        let is_asked_for = matches!(purpose, Purpose::LogIn) && kind == OperationKind::LogIn;
        let error = if is_asked_for {
            error
        } else {
            error.for_want_of(kind)
        };
        self.outcome = self.outcome.max(error.outcome());
        self.failures = self.failures.saturating_add(1);
        if !is_transient || self.failures >= session.settings.max_attempts.get() {
            return Err(error);
        }
        self.last = Some(error);
        Ok(())
    }

    /// Takes the result of the logout or password reset that this call began, if it
    /// is there.
    pub(super) fn take_result(&mut self, purpose: &Purpose, session: &mut Session, now: Timestamp) {
        let State::Operating {
            operation,
            patience,
        } = &mut self.state
        else {
            return;
        };
        patience.rebase(now);
        let is_awaited = patience.rest(now).is_some();
        let error = match session.results.of(operation.id).map(|done| &done.result) {
            Some(OperationResult::Completed(completion)) => {
                self.state = State::Finishing(Ok(completion.clone()));
                return;
            }
            Some(OperationResult::Failed(error)) => error.clone(),
            Some(OperationResult::Lost) | None if is_awaited => return,
            Some(OperationResult::Lost) | None => {
                let silence = Error::transport_failed(TransportError::silence());
                match purpose {
                    Purpose::ResetPassword => silence.with_password_in_doubt(),
                    _ => silence,
                }
            }
        };
        self.attempt_failed(purpose, session, now, error);
    }

    /// The outcome of the login that this call began and has not learned of.
    fn outcome_of_login(&self, session: &Session) -> Outcome {
        let is_waited_for =
            matches!(self.state, State::Acquiring { waited_for } if waited_for == Some(self.began));
        if !is_waited_for || !self.began_login {
            return Outcome::NeverSent;
        }
        match session.results.of(self.began).map(|done| &done.result) {
            Some(OperationResult::Failed(error)) => error.outcome(),
            _ => Outcome::Unknown,
        }
    }

    /// Begins an operation of the session's.
    #[cold]
    fn begin(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        kind: OperationKind,
    ) -> Result<Step, Error> {
        let (operation, request) = session.begin(kind, now)?;
        self.began = operation.id;
        self.began_login = kind == OperationKind::LogIn;
        self.state = match kind {
            OperationKind::TokenFetch | OperationKind::LogIn => State::Acquiring {
                waited_for: Some(operation.id),
            },
            OperationKind::LogOut | OperationKind::PasswordReset => State::Operating {
                operation,
                patience: session.lease_of(&operation),
            },
        };
        self.attempts = self.attempts.saturating_add(1);
        Ok(Step::Send(Transmit {
            request,
            deadline: now + session.settings.attempt_timeout,
            read_limit: session.settings.max_body.saturating_add(1),
            attempt: Attempt {
                number: self.attempts,
                operation: Some(operation),
            },
        }))
    }

    /// Sends the caller's request.
    fn send(&mut self, request: &mut Request<Bytes>, session: &Session, now: Timestamp) -> Step {
        let (Some(bearer), Some(open)) = (&session.memory.bearer, &session.memory.open) else {
            return self.finish_with(Err(Error::finished()));
        };
        if let Err(error) = check(session, request) {
            return self.finish_with(Err(error.into()));
        }
        let deadline = now + session.settings.attempt_timeout;
        let deadline = self.deadline.map_or(deadline, |own| own.min(deadline));
        self.attempts = self.attempts.saturating_add(1);
        self.state = State::InFlight(InFlight {
            attempt: self.attempts,
            sent_at: now,
            patience: Span::new(now, deadline.since(now).saturating_add(LEASE_GRACE)),
            bearer: bearer.generation,
            session: open.generation,
        });
        // Completed in its final place, since a request is large to move.
        let mut step = Step::Send(Transmit {
            request: request.clone(),
            deadline,
            read_limit: session.settings.max_body.saturating_add(1),
            attempt: Attempt {
                number: self.attempts,
                operation: None,
            },
        });
        if let Step::Send(Transmit { request: sent, .. }) = &mut step {
            // Headers that were put together have room for more; a copy of them has not.
            std::mem::swap(sent.headers_mut(), request.headers_mut());
            complete(sent, Some(&session.user_agent));
            WithSession::authorize((&bearer.token, &open.token), sent.headers_mut());
        }
        step
    }

    /// Notes what the failure of the call's own request, logout or reset means:
    /// a replay, a retry, or the end of the call.
    fn attempt_failed(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
        error: Error,
    ) {
        let bearer_fault = matches!(error.kind(), ErrorKind::Refused(by) if by.is_bearer_fault());
        let session_refusal =
            matches!(error.kind(), ErrorKind::Refused(by) if by.is_session_refusal());
        let is_replayed = if bearer_fault {
            !std::mem::replace(&mut self.bearer_replayed, true)
        } else {
            session_refusal && !std::mem::replace(&mut self.session_replayed, true)
        };
        if is_replayed {
            self.outcome = self.outcome.max(Outcome::Refused);
            self.state = State::Acquiring { waited_for: None };
            return;
        }
        let error = error.map_kind(|kind| match kind {
            ErrorKind::Refused(refusal) if bearer_fault => ErrorKind::BearerRefused(refusal),
            ErrorKind::Refused(refusal) if session_refusal => ErrorKind::SessionRefused(refusal),
            other => other,
        });
        self.outcome = self.outcome.max(error.outcome());
        self.failures = self.failures.saturating_add(1);
        let is_harmless = !error.is_outcome_unknown() || purpose.is_idempotent();
        let is_retried = purpose.is_retried()
            && is_harmless
            && error.is_transient()
            && !error.is_invalid_response();
        if !is_retried || self.failures >= session.settings.max_attempts.get() {
            self.state = State::Finishing(Err(error));
            return;
        }
        let requested = error.requested_retry(now);
        let until = session.retry_time(self.failures, now, requested);
        self.state = State::BackingOff {
            span: Span::until(now, until),
        };
        self.last = Some(error.put_off(until));
    }

    fn is_too_late(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// Waits, but not beyond the call's deadline.
    fn wait(&self, until: Timestamp, reason: WaitReason) -> Step {
        let until = self.deadline.map_or(until, |deadline| deadline.min(until));
        Step::Wait(Wait::new(until, reason))
    }

    /// Waits, or ends with `error` if that would take too long.
    fn hold(
        &self,
        session: &Session,
        now: Timestamp,
        until: Timestamp,
        reason: WaitReason,
        error: Error,
    ) -> Result<Step, Error> {
        let settings = &session.settings;
        // The jitter on top of what the service asked for is not held against it.
        let longest = settings.longest_wait.saturating_add(settings.first_backoff);
        let too_long = until.since(now) > longest;
        let too_late = self.deadline.is_some_and(|deadline| deadline <= until);
        if too_long || too_late {
            return Err(error);
        }
        Ok(self.wait(until, reason))
    }

    fn finish_with(&mut self, result: Result<Completion, Error>) -> Step {
        self.state = State::Finishing(result);
        self.finish()
    }

    /// Gives the result, once.
    fn finish(&mut self) -> Step {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Finishing(result) => {
                Step::Done(result.map_err(|error| error.after(self.outcome)))
            }
            _ => Step::Done(Err(Error::finished())),
        }
    }
}

impl Purpose {
    /// Returns true if twice is the same as once.
    const fn is_idempotent(&self) -> bool {
        match self {
            Self::Request { options, .. } => options.idempotent,
            Self::LogIn | Self::LogOut => true,
            Self::ResetPassword => false,
        }
    }

    /// Returns true if it is retried after a failure that may pass.
    const fn is_retried(&self) -> bool {
        !matches!(self, Self::ResetPassword)
    }
}

/// Checks that a request may be sent with the session's tokens: it goes to the
/// environment, and is none of the calls that open, end or re-key the session,
/// which would pass the login guard by.
fn check(session: &Session, request: &Request<Bytes>) -> Result<(), RequestError> {
    /// The place of those calls, in whatever version.
    const SESSION_CALLS: &[Option<&str>] = &[Some("m2m"), None, Some("session")];

    session.environment.check_call(request.uri(), SESSION_CALLS)
}
