//! Execute: using the tokens.
//!
//! Puts the tokens on a call's request, sends it, replays it once after a
//! stale token, retries what may be retried, and keeps the outcome and the
//! deadline. It asks [acquire](super::acquire) for the tokens and reports which
//! were refused.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request};
use thiserror::Error as ThisError;

use super::{
    acquire::Acquisition,
    blame::Blame,
    call_id::CallId,
    error::{Error, ErrorKind, Outcome},
    event::Event,
    guard::BlockReason,
    machine::Session,
    memory::Open,
    operation::{Lease, Operation, OperationId, OperationKind},
    results::{Finished, OperationResult},
    settings::{
        LEASE_GRACE, MAX_CHECKED_ATTEMPTS, MAX_CONFLICTS, MAX_SHARED_REPLAYS, PLATFORM_LOCKS_AT,
    },
    shared::{Draft, Saving},
    span::Span,
    step::{AnyStep, Attempt, Completion, SharedStep, Transmit, Wait, WaitReason},
    store::{Loaded, Saved},
};
use crate::{
    BearerToken, Environment, Timestamp,
    api::{Authorization, CallOptions, CallTokens, WithBearer, WithSession, complete},
    environment::{RequestError, TrustedOrigin},
    transport::{StoreError, TransportError},
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
    /// Getting the tokens that are missing, for somebody who uses them elsewhere.
    Acquire,
    /// Ending the session.
    LogOut,
    /// Resetting the password.
    ResetPassword,
    /// Bringing the session and its store to know the same.
    Sync,
}

/// The progress of a call.
#[derive(Clone, Debug)]
pub(super) struct Execution {
    state: State,
    /// The name of the call, once it has begun.
    pub(super) id: CallId,
    pub(super) deadline: Option<Timestamp>,
    /// True if the address may be a path alone: it was checked that it can be completed.
    pub(super) may_be_path: bool,
    /// The number of requests sent, of all purposes.
    pub(super) attempts: u32,
    /// The number of failures that might have passed.
    failures: u32,
    replayed: Replayed,
    /// The last operation that this call began itself.
    began: OperationId,
    /// The kind of that.
    began_kind: Option<OperationKind>,
    /// The last of them that brought a token: that is used, however short its life.
    own: OperationId,
    /// The last login that this call began.
    login: OperationId,
    /// The number of replays on tokens that others had got.
    shared_replays: u32,
    /// The number of times that others were faster to save.
    conflicts: u32,
    /// The operation that was in progress when it was told what the store has, if it has
    /// not gone on since.
    has_loaded: Option<OperationId>,
    /// True if it has saved the session as it was.
    has_saved: bool,
    /// The last failure that might have passed.
    last: Option<Error>,
    /// The least certain outcome of an attempt.
    outcome: Outcome,
}

/// The tokens whose refusal has cost the call its own replay.
#[derive(Clone, Copy, Debug)]
struct Replayed {
    bearer: bool,
    session: bool,
}

/// The state of a call.
#[derive(Clone, Debug)]
enum State {
    /// The call was not stepped yet.
    New,
    /// The call needs tokens, or has just got them. It waited for this operation
    /// of the session, if for any.
    Acquiring { waited_for: Option<OperationId> },
    /// The driver loads what the store has. The call waited for this operation.
    Loading {
        access: u64,
        waited_for: Option<OperationId>,
    },
    /// The driver saves an operation that is to begin.
    Drafting(Box<Draft>),
    /// The driver loads to find out whether an operation was saved, after an error that
    /// did not say.
    LookingUp {
        access: u64,
        draft: Box<Draft>,
        error: StoreError,
    },
    /// An operation is saved, and may be sent.
    Drafted(Box<Draft>),
    /// The driver saves the session as it is.
    Saving(Box<Saving>),
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
    bearer: OperationId,
    session: OperationId,
}

impl Execution {
    pub(super) const fn new() -> Self {
        Self {
            state: State::New,
            id: CallId::NONE,
            deadline: None,
            may_be_path: false,
            attempts: 0,
            failures: 0,
            replayed: Replayed {
                bearer: false,
                session: false,
            },
            began: OperationId {
                number: 0,
                nonce: 0,
            },
            began_kind: None,
            own: OperationId {
                number: 0,
                nonce: 0,
            },
            login: OperationId {
                number: 0,
                nonce: 0,
            },
            shared_replays: 0,
            conflicts: 0,
            has_loaded: None,
            has_saved: false,
            last: None,
            outcome: Outcome::NeverSent,
        }
    }

    /// Makes the next step, in its final place: a request is large to move.
    pub(super) fn step<S: AnyStep>(
        &mut self,
        purpose: &mut Purpose,
        session: &mut Session,
        now: Timestamp,
    ) -> S {
        match &mut self.state {
            State::Finishing(_) | State::Finished => return self.finish(),
            State::InFlight(in_flight) => {
                in_flight.patience.rebase(now);
                if let Some(until) = in_flight.patience.rest(now) {
                    let wait = Wait::new(self.id, until, WaitReason::Response);
                    return self.other(session, SharedStep::Wait(wait));
                }
                let silence = Err(TransportError::silence());
                let attempt = in_flight.attempt;
                self.receive(purpose, session, now, attempt, silence);
                if matches!(self.state, State::Finishing(_)) {
                    return self.finish();
                }
            }
            State::Loading { .. } | State::LookingUp { .. } => {
                return self.other(session, SharedStep::Load);
            }
            State::Drafting(draft) => {
                let step = save(&draft.saving);
                return self.other(session, step);
            }
            State::Saving(saving) => {
                let step = save(saving);
                return self.other(session, step);
            }
            State::Drafted(_) => {
                let acquiring = State::Acquiring { waited_for: None };
                if let State::Drafted(draft) = std::mem::replace(&mut self.state, acquiring) {
                    let Draft {
                        operation, request, ..
                    } = *draft;
                    if session.may_send(now, &operation) {
                        let step = self.begun(session, operation, request);
                        return self.other(session, step);
                    }
                    session.drop_draft(&operation);
                }
            }
            State::New => {
                session.last_call = session.last_call.next();
                self.id = session.last_call;
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
            (Ok(Some(step)), _) => self.other(session, step),
            (Ok(None), Purpose::Request { request, options }) => {
                self.send(request, options.tokens, session, now)
            }
            (Ok(None), _) => self.finish_with(Err(Error::finished())),
            (Err(error), _) => self.finish_with(Err(error)),
        }
    }

    /// Makes a step that is not one of a call with an open session.
    #[cold]
    fn other<S: AnyStep>(&mut self, session: &mut Session, step: SharedStep) -> S {
        S::other(step).unwrap_or_else(|| {
            self.abandon(session);
            S::done(Err(StoreError::new(NoStore::Unknown).into()))
        })
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
        match session.read(result, now) {
            Ok(response) => {
                session.session_used(in_flight.session, in_flight.sent_at);
                self.state = State::Finishing(Ok(Completion::Response(response)));
            }
            Err(error) => {
                let tokens = (in_flight.bearer, in_flight.session);
                let blame = purpose.blame(session, &error);
                session.request_refused(now, tokens, in_flight.sent_at, &error, blame);
                self.attempt_failed(purpose, session, now, tokens, error, blame);
            }
        }
    }

    #[inline]
    fn start(
        &mut self,
        purpose: &mut Purpose,
        session: &Session,
        now: Timestamp,
    ) -> Result<(), Error> {
        match purpose {
            Purpose::Request { request, .. } if self.may_be_path => {
                complete_address(session, request)?;
            }
            _ => {}
        }
        let timeout = session.settings.call_timeout;
        self.deadline = self.deadline.or(timeout.map(|timeout| now + timeout));
        if session.memory.open.is_some() {
            return Ok(());
        }
        if purpose.tokens() == CallTokens::Both && session.credentials.user.is_none() {
            return Err(Error::new(ErrorKind::NoUser));
        }
        // No login is spent on a request that may not be sent anyway.
        if let Purpose::Request { request, .. } = purpose {
            check(session, request)?;
        }
        Ok(())
    }

    /// Returns the next step, or nothing if it is time to send the caller's request:
    /// that step is made in its final place, since it is large to move.
    fn advance(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Option<SharedStep>, Error> {
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
            if !purpose.is_sync() {
                session.events.push(Event::Retried);
            }
        }
        if purpose.is_sync() {
            return Ok(Some(self.sync_with_store(session, now)));
        }
        if self.began_kind.is_some() && session.has_brought_token(self.began) {
            self.own = self.began;
        }
        let has_loaded = self.has_loaded.is_some() && self.has_just_loaded(session, now);
        let has_tokens = self.needs_no_store(purpose, session, now);
        if has_tokens && matches!(purpose, Purpose::Request { .. }) {
            return Ok(None);
        }
        if !has_loaded && !has_tokens && session.must_load(now) {
            return Ok(Some(self.load(session, now)));
        }
        let tokens = purpose.tokens();
        let lease = session.memory.lease.filter(|_| tokens == CallTokens::Both);
        if let Some(lease) = lease.filter(|lease| lease.kind == OperationKind::LogOut) {
            let until = session.look_again(&lease, now);
            return Ok(Some(self.wait(until, WaitReason::Operation(lease.kind))));
        }
        let open = match tokens {
            CallTokens::Both => session.usable_session(now, self.own),
            CallTokens::Bearer => None,
        };
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
        let acquisition = session.acquire(now, self.own, tokens);
        if acquisition != Acquisition::Ready {
            return self.acquire(purpose, session, now, acquisition).map(Some);
        }
        let kind = match purpose {
            Purpose::Request { .. } => return Ok(None),
            Purpose::Acquire => return Ok(Some(self.finish_with(acquired(session)))),
            Purpose::LogIn | Purpose::Sync => return Err(Error::finished()),
            Purpose::LogOut => OperationKind::LogOut,
            Purpose::ResetPassword => {
                let guard = session.login_guard();
                // A doubt that a lost reset has left, another one may clear up. Nobody knows
                // whether the platform counts one with a wrong password as a failed login.
                let is_harmless =
                    guard.failed_logins.saturating_add(1) < u32::from(PLATFORM_LOCKS_AT);
                let may_be_right = match guard.blocked {
                    None => true,
                    Some(BlockReason::PasswordInDoubt) => is_harmless,
                    Some(_) => false,
                };
                if !may_be_right {
                    return Err(Error::new(ErrorKind::Blocked { guard }));
                }
                OperationKind::PasswordReset
            }
        };
        match session.memory.lease {
            Some(lease) => {
                let until = session.look_again(&lease, now);
                Ok(Some(self.wait(until, WaitReason::Operation(lease.kind))))
            }
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
    ) -> Result<SharedStep, Error> {
        self.learn_from_operation(purpose, session, acquisition)?;
        match acquisition {
            Acquisition::Ready => Err(Error::finished()),
            Acquisition::InProgress(lease) => {
                self.state = State::Acquiring {
                    waited_for: Some(lease.operation),
                };
                let until = session.look_again(&lease, now);
                Ok(self.wait(until, WaitReason::Operation(lease.kind)))
            }
            Acquisition::Blocked => Err(Error::new(ErrorKind::Blocked {
                guard: session.login_guard(),
            })),
            Acquisition::Delayed(until) => {
                let (reason, error) = session.delayed(now, until);
                let error = match &self.last {
                    Some(last) if reason == WaitReason::Backoff => last.clone(),
                    _ => error,
                };
                self.hold(session, now, until, reason, error)
            }
            // No time passes: a call that asks for ever would never end.
            Acquisition::Begin(OperationKind::ServiceCheck)
                if self.attempts >= MAX_CHECKED_ATTEMPTS =>
            {
                Err(session.delayed(now, now).1)
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
        // Who has another password fails by no login but with that.
        let failed = failed.filter(|failed| {
            failed.failure.operation() != Some(OperationKind::LogIn)
                || failed.password == session.tag()
        });
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
        if error.is_bearer_refused() && !std::mem::replace(&mut self.replayed.bearer, true) {
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
        let tokens = (operation.bearer, operation.session);
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
        let blame = Blame::of(&error, &[]);
        self.attempt_failed(purpose, session, now, tokens, error, blame);
    }

    /// The outcome of the login that this call began and has not learned of.
    fn outcome_of_login(&self, session: &Session) -> Outcome {
        let is_waited_for =
            matches!(self.state, State::Acquiring { waited_for } if waited_for == Some(self.began));
        if !is_waited_for || self.began_kind != Some(OperationKind::LogIn) {
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
    ) -> Result<SharedStep, Error> {
        let is_open = session.memory.open.is_some();
        let goes_on = kind == OperationKind::TokenFetch && is_open;
        match session.store_error(now) {
            // A store that is down stops no open session.
            Some(_) if goes_on => {}
            Some(error) => return Err(error.clone().into()),
            None if session.sharing.is_none() => {}
            None => return self.draft(session, now, kind),
        }
        let (operation, request) = session.begin(kind, now)?;
        Ok(self.begun(session, operation, request))
    }

    /// Asks for an operation to be saved that is to begin.
    fn draft(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        kind: OperationKind,
    ) -> Result<SharedStep, Error> {
        match session.begin_access(now) {
            Ok(access) => {
                let draft = session.draft(access, kind, now)?;
                let step = save(&draft.saving);
                self.state = State::Drafting(Box::new(draft));
                Ok(step)
            }
            Err(until) => Ok(self.wait(until, WaitReason::Store)),
        }
    }

    /// Sends an operation that has begun.
    #[cold]
    fn begun(
        &mut self,
        session: &Session,
        operation: Operation,
        request: Request<Bytes>,
    ) -> SharedStep {
        let kind = operation.kind;
        self.began = operation.id;
        self.began_kind = Some(kind);
        if kind == OperationKind::LogIn {
            self.login = operation.id;
        }
        self.state = match kind {
            OperationKind::TokenFetch | OperationKind::LogIn | OperationKind::ServiceCheck => {
                State::Acquiring {
                    waited_for: Some(operation.id),
                }
            }
            OperationKind::LogOut | OperationKind::PasswordReset => State::Operating {
                operation,
                patience: session.lease_of(&operation),
            },
        };
        self.attempts = self.attempts.saturating_add(1);
        SharedStep::Send(Transmit {
            request,
            deadline: operation.sent_at + session.settings.attempt_timeout,
            read_limit: session.settings.max_body.saturating_add(1),
            attempt: Attempt {
                call: self.id,
                number: self.attempts,
                operation: Some(operation),
            },
        })
    }

    /// Returns true if this process alone can tell what is next: the tokens are there
    /// that the call needs.
    fn needs_no_store(&self, purpose: &Purpose, session: &mut Session, now: Timestamp) -> bool {
        let logs_out = |lease: Lease| lease.kind == OperationKind::LogOut;
        matches!(
            purpose,
            Purpose::Request { .. } | Purpose::LogIn | Purpose::Acquire
        ) && session.usable_bearer(now, self.own).is_some()
            && (purpose.tokens() == CallTokens::Bearer
                || !session.memory.lease.is_some_and(logs_out)
                    && session.usable_session(now, self.own).is_some())
    }

    /// Returns true, once, if this call was told what the store has just before this
    /// step: however slow its driver is, it goes on with that. (But not if an operation
    /// has ended since, or a lease has run out, which the store alone can tell, or if
    /// the store has changed.)
    fn has_just_loaded(&mut self, session: &Session, now: Timestamp) -> bool {
        let lease = session.memory.lease;
        let has_run_out = lease.is_some_and(|lease| lease.span.rest(now).is_none());
        self.has_loaded.take() == Some(in_progress(session)) && !has_run_out && !session.is_outrun()
    }

    /// Asks for what the store has.
    #[cold]
    fn load(&mut self, session: &mut Session, now: Timestamp) -> SharedStep {
        match session.begin_access(now) {
            Ok(access) => {
                let waited_for = match self.state {
                    State::Acquiring { waited_for } => waited_for,
                    _ => None,
                };
                self.state = State::Loading { access, waited_for };
                SharedStep::Load
            }
            Err(until) => self.wait(until, WaitReason::Store),
        }
    }

    /// Brings the session and its store to know the same.
    #[cold]
    fn sync_with_store(&mut self, session: &mut Session, now: Timestamp) -> SharedStep {
        if session.sharing.is_none() {
            return self.finish_with(Ok(Completion::Synced));
        }
        if !self.has_just_loaded(session, now) && !session.is_fresh(now) {
            return self.load(session, now);
        }
        // A session that is used all the time is never saved as it is.
        if session.is_synced() || self.has_saved && !session.has_changes() {
            return self.finish_with(Ok(Completion::Synced));
        }
        match session.begin_access(now) {
            Ok(access) => {
                let saving = session.saving(access, now);
                let step = save(&saving);
                self.state = State::Saving(Box::new(saving));
                step
            }
            Err(until) => self.wait(until, WaitReason::Store),
        }
    }

    /// Takes what the store has.
    pub(super) fn loaded(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
        result: Result<Option<Loaded>, StoreError>,
    ) {
        match std::mem::replace(&mut self.state, State::Acquiring { waited_for: None }) {
            State::Loading { access, waited_for } => match session.load(now, access, result) {
                Ok(_) => {
                    session.expire_lease(now);
                    self.has_loaded = Some(in_progress(session));
                    self.state = State::Acquiring { waited_for };
                }
                // What an open session needs can be had without the store.
                Err(_) if session.memory.open.is_some() && !purpose.is_sync() => {
                    self.state = State::Acquiring { waited_for };
                }
                Err(error) => self.store_failed(purpose, session, now, error),
            },
            State::LookingUp {
                access,
                draft,
                error,
            } => match session.load(now, access, result) {
                Ok(revision) if session.has_draft(&draft, revision) => {
                    session.is_saved(now, &draft.saving);
                    self.draft_saved(session, now, draft);
                }
                Ok(_) => {
                    session.drop_draft(&draft.operation);
                    session.store_failed(now, &error);
                }
                Err(_) => {
                    session.drop_draft(&draft.operation);
                    self.state = State::Finishing(Err(error.into()));
                }
            },
            other => self.state = other,
        }
    }

    /// Takes the store's word on what was to be saved.
    pub(super) fn saved(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
        result: Result<Saved, StoreError>,
    ) {
        match std::mem::replace(&mut self.state, State::Acquiring { waited_for: None }) {
            State::Drafting(draft) => match session.save_ended(now, &draft.saving, result) {
                Ok(true) => self.draft_saved(session, now, draft),
                Ok(false) => self.overtaken(),
                Err(error) => {
                    if let Ok(access) = session.begin_access(now) {
                        self.state = State::LookingUp {
                            access,
                            draft,
                            error,
                        };
                    } else {
                        session.drop_draft(&draft.operation);
                        self.state = State::Finishing(Err(error.into()));
                    }
                }
            },
            State::Saving(saving) => match session.save_ended(now, &saving, result) {
                Ok(true) => self.has_saved = true,
                Ok(false) => self.overtaken(),
                Err(error) => self.store_failed(purpose, session, now, error),
            },
            other => self.state = other,
        }
    }

    /// Gives up what the call was about to begin, and its access to the store.
    pub(super) fn abandon(&mut self, session: &mut Session) {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Loading { access, .. } => session.end_access(access),
            State::Saving(saving) => session.end_access(saving.access),
            State::LookingUp { access, draft, .. } => {
                session.end_access(access);
                session.drop_draft(&draft.operation);
            }
            State::Drafting(draft) | State::Drafted(draft) => {
                session.end_access(draft.saving.access);
                session.drop_draft(&draft.operation);
            }
            _ => {}
        }
    }

    fn draft_saved(&mut self, session: &mut Session, now: Timestamp, draft: Box<Draft>) {
        if session.begin_drafted(now, &draft.operation) {
            self.state = State::Drafted(draft);
        } else {
            self.overtaken();
        }
    }

    /// Notes that another process was faster to save, or something else came first.
    fn overtaken(&mut self) {
        self.conflicts = self.conflicts.saturating_add(1);
        if self.conflicts >= MAX_CONFLICTS {
            self.state = State::Finishing(Err(StoreError::new(NoStore::Conflicts).into()));
        }
    }

    /// Notes that the store failed. What is only to be saved is tried again, as long as
    /// there is time.
    fn store_failed(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
        error: StoreError,
    ) {
        self.failures = self.failures.saturating_add(1);
        let has_time =
            self.deadline.is_some() || self.failures < session.settings.max_attempts.get();
        if !purpose.is_sync() || !has_time {
            self.state = State::Finishing(Err(error.into()));
            return;
        }
        let until = session.retry_time(self.failures, now, None);
        self.state = State::BackingOff {
            span: Span::until(now, until),
        };
        self.last = Some(error.into());
    }

    /// Sends the caller's request.
    #[inline]
    fn send<S: AnyStep>(
        &mut self,
        request: &mut Request<Bytes>,
        tokens: CallTokens,
        session: &mut Session,
        now: Timestamp,
    ) -> S {
        let trusted_header = match check_once(session, request) {
            Ok(trusted_header) => trusted_header,
            Err(error) => return self.finish_with(Err(error.into())),
        };
        let open = match tokens {
            CallTokens::Both => session.memory.open.as_ref(),
            CallTokens::Bearer => None,
        };
        let (Some((bearer, generation)), true) = (
            session.bearer(),
            open.is_some() || tokens == CallTokens::Bearer,
        ) else {
            return self.finish_with(Err(Error::finished()));
        };
        let deadline = now + session.settings.attempt_timeout;
        let deadline = self.deadline.map_or(deadline, |own| own.min(deadline));
        self.attempts = self.attempts.saturating_add(1);
        self.state = State::InFlight(InFlight {
            attempt: self.attempts,
            sent_at: now,
            patience: Span::new(now, deadline.since(now).saturating_add(LEASE_GRACE)),
            bearer: generation,
            session: open.map_or_else(OperationId::default, |open| open.generation),
        });
        let mut step = S::send(Transmit {
            request: request.clone(),
            deadline,
            read_limit: session.settings.max_body.saturating_add(1),
            attempt: Attempt {
                call: self.id,
                number: self.attempts,
                operation: None,
            },
        });
        if let Some(Transmit { request: sent, .. }) = step.transmit() {
            // Headers that were put together have room for more; a copy of them has not.
            std::mem::swap(sent.headers_mut(), request.headers_mut());
            complete(sent, Some(&session.user_agent));
            match (open, trusted_header) {
                (Some(open), None) => {
                    WithSession::authorize((bearer, &open.token), sent.headers_mut());
                }
                (open, header) => authorize_otherwise(sent.headers_mut(), bearer, open, header),
            }
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
        tokens: (OperationId, OperationId),
        error: Error,
        blame: Blame,
    ) {
        // One that was given and not fetched is the only one that there is.
        let is_replaceable = session.credentials.app.fixed_token().is_none();
        let is_of_tokens = match blame {
            Blame::Bearer => is_replaceable,
            Blame::Session => purpose.tokens() == CallTokens::Both,
            _ => false,
        };
        let is_replayed = match blame {
            _ if is_of_tokens && self.replays_shared(session) => true,
            Blame::Bearer => is_of_tokens && !std::mem::replace(&mut self.replayed.bearer, true),
            Blame::Session => is_of_tokens && !std::mem::replace(&mut self.replayed.session, true),
            Blame::Unnamed => self.replays_unnamed(purpose, session, now, tokens),
            Blame::Request | Blame::Nothing => false,
        };
        if is_replayed {
            self.outcome = self.outcome.max(Outcome::Refused);
            self.state = State::Acquiring { waited_for: None };
            session.events.push(Event::Replayed);
            return;
        }
        if matches!(purpose, Purpose::LogOut) && matches!(blame, Blame::Bearer | Blame::Unnamed) {
            session.give_up_session(tokens.1);
        }
        if matches!((purpose, blame), (Purpose::LogOut, Blame::Unnamed)) {
            self.state = State::Finishing(Ok(Completion::LoggedOut(None)));
            return;
        }
        let error = error.map_kind(|kind| match (blame, kind) {
            (Blame::Bearer, ErrorKind::Refused(refusal)) => ErrorKind::BearerRefused(refusal),
            (Blame::Session, ErrorKind::Refused(refusal)) => ErrorKind::SessionRefused(refusal),
            (_, other) => other,
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

    /// Returns true if a request is to be replayed after a 401 that names nothing: it costs
    /// another bearer token, then a login. If a session just opened has the same, it is the
    /// request's own.
    fn replays_unnamed(
        &mut self,
        purpose: &Purpose,
        session: &mut Session,
        now: Timestamp,
        (bearer, open): (OperationId, OperationId),
    ) -> bool {
        if matches!(purpose, Purpose::ResetPassword) {
            return false;
        }
        let takes_session = purpose.tokens() == CallTokens::Both;
        if takes_session && open == self.login {
            session.clear_of_suspicion(now);
            return false;
        }
        if bearer != self.own && !self.replayed.bearer && session.suspect_bearer(bearer, now) {
            self.replayed.bearer = true;
            return true;
        }
        let is_request = matches!(purpose, Purpose::Request { .. });
        if is_request && takes_session && !self.replayed.session {
            self.replayed.session = session.suspect_session(open, now);
            return self.replayed.session;
        }
        false
    }

    /// Returns true if tokens were refused that this call did not get itself, in a
    /// session that others share: they may have got other ones already.
    fn replays_shared(&mut self, session: &Session) -> bool {
        let is_own = self.began != OperationId::default();
        if session.sharing.is_none() || is_own || self.shared_replays >= MAX_SHARED_REPLAYS {
            return false;
        }
        self.shared_replays = self.shared_replays.saturating_add(1);
        true
    }

    fn is_too_late(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// Waits, but not beyond the call's deadline.
    fn wait(&self, until: Timestamp, reason: WaitReason) -> SharedStep {
        let until = self.deadline.map_or(until, |deadline| deadline.min(until));
        SharedStep::Wait(Wait::new(self.id, until, reason))
    }

    /// Waits, or ends with `error` if that would take too long.
    fn hold(
        &self,
        session: &Session,
        now: Timestamp,
        until: Timestamp,
        reason: WaitReason,
        error: Error,
    ) -> Result<SharedStep, Error> {
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

    fn finish_with<S: AnyStep>(&mut self, result: Result<Completion, Error>) -> S {
        self.state = State::Finishing(result);
        self.finish()
    }

    /// Gives the result, once.
    #[inline]
    fn finish<S: AnyStep>(&mut self) -> S {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Finishing(result) => S::done(result.map_err(|error| error.after(self.outcome))),
            _ => S::done(Err(Error::finished())),
        }
    }
}

impl Purpose {
    /// The tokens that it takes.
    const fn tokens(&self) -> CallTokens {
        match self {
            Self::Request { options, .. } => options.tokens,
            Self::LogIn | Self::Acquire | Self::LogOut | Self::ResetPassword => CallTokens::Both,
            // It sends nothing.
            Self::Sync => CallTokens::Bearer,
        }
    }

    /// What an error of the caller's request says of the tokens. Outside of Connectivity
    /// Management, a refusal is no sign that the session is alive.
    fn blame(&self, session: &Session, error: &Error) -> Blame {
        let Self::Request { request, options } = self else {
            return Blame::of(error, &[]);
        };
        match Blame::of(error, options.dead_session) {
            Blame::Request if !session.environment.is_below(request.uri(), "m2m") => Blame::Nothing,
            blame => blame,
        }
    }

    const fn is_sync(&self) -> bool {
        matches!(self, Self::Sync)
    }

    /// Returns true if twice is the same as once.
    const fn is_idempotent(&self) -> bool {
        match self {
            Self::Request { options, .. } => options.idempotent,
            Self::LogIn | Self::Acquire | Self::LogOut | Self::Sync => true,
            Self::ResetPassword => false,
        }
    }

    /// Returns true if it is retried after a failure that may pass.
    const fn is_retried(&self) -> bool {
        !matches!(self, Self::ResetPassword)
    }
}

/// The tokens of a session that has both.
#[cold]
fn acquired(session: &Session) -> Result<Completion, Error> {
    match (session.bearer_token(), session.session_token()) {
        (Some(bearer), Some(token)) => Ok(Completion::Acquired {
            bearer: bearer.clone(),
            session: token.clone(),
        }),
        _ => Err(Error::finished()),
    }
}

/// The operation in progress; the default for none.
fn in_progress(session: &Session) -> OperationId {
    let lease = session.memory.lease;
    lease.map_or_else(OperationId::default, |lease| lease.operation)
}

/// Puts the bearer token alone on a request, or both tokens for another place.
#[cold]
fn authorize_otherwise(
    headers: &mut HeaderMap,
    bearer: &BearerToken,
    open: Option<&Open>,
    session_header: Option<HeaderName>,
) {
    WithBearer::authorize(bearer, headers);
    if let (Some(open), Some(name)) = (open, session_header) {
        headers.insert(name, open.token.header());
    }
}

/// Asks for a snapshot to be saved.
fn save(saving: &Saving) -> SharedStep {
    SharedStep::Save {
        seen: saving.seen,
        snapshot: saving.snapshot.clone(),
    }
}

/// The place of the calls that open, end or re-key a session, in whatever version.
const SESSION_CALLS: &[Option<&str>] = &[Some("m2m"), None, Some("session")];

/// The reason why the store is of no use to a call, although it did not fail.
#[derive(Debug, ThisError)]
enum NoStore {
    #[error("other processes keep changing the session")]
    Conflicts,
    #[error("the session is shared, and its driver knows no store")]
    Unknown,
}

/// Completes the address of a request, if it is a path alone.
#[inline]
fn complete_address(session: &Session, request: &mut Request<Bytes>) -> Result<(), RequestError> {
    let environment = &session.environment;
    if let Some(path) = Environment::path_alone(request.uri()) {
        let address = match session.checked_address.of(path, environment) {
            Some(address) => address.clone(),
            None => environment.complete(path)?,
        };
        *request.uri_mut() = address;
    }
    Ok(())
}

/// The same [`check`], but not of the address that has passed it last. Returns the header of the
/// session token, if the request goes to a place that the caller trusts.
#[inline]
fn check_once(
    session: &mut Session,
    request: &Request<Bytes>,
) -> Result<Option<HeaderName>, RequestError> {
    if session.checked_address.is(request.uri()) {
        return Ok(None);
    }
    let trusted = check(session, request)?.map(|trusted| trusted.session_header.clone());
    if trusted.is_none() {
        session.checked_address.remember(request.uri());
    }
    Ok(trusted)
}

/// Checks that a request may be sent with the session's tokens: it goes to the
/// environment, or to a place that the caller trusts, which is returned; and it is none of
/// the calls that open, end or re-key a session, which would pass the login guard by.
fn check<'a>(
    session: &'a Session,
    request: &Request<Bytes>,
) -> Result<Option<&'a TrustedOrigin>, RequestError> {
    match session.environment.check_call(request.uri(), SESSION_CALLS) {
        Ok(()) => Ok(None),
        Err(RequestError::Origin) => trusted_place(session, request).map(Some),
        Err(error) => Err(error),
    }
}

/// The place that the caller trusts where a request goes.
#[cold]
fn trusted_place<'a>(
    session: &'a Session,
    request: &Request<Bytes>,
) -> Result<&'a TrustedOrigin, RequestError> {
    // The first that it is below decides.
    for trusted in &session.settings.trusted_origins {
        match trusted.check_call(request.uri(), SESSION_CALLS) {
            Err(RequestError::Origin | RequestError::Path) => {}
            checked => return checked.map(|()| trusted),
        }
    }
    Err(RequestError::Origin)
}
