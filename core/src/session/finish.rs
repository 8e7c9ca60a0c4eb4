//! Finishing an operation: what its result means for the session.
//!
//! The result goes to the session by the operation's id, whoever brings it, and
//! whether the call that began the operation still waits or not.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::{
    blame::Blame,
    error::{Error, ErrorKind},
    event::Event,
    failure::{Brief, Failure, Reason},
    guard::BlockReason,
    machine::Session,
    memory::{Bearer, FailedOperation, Open},
    new_password::{NewPassword, NotAwaited},
    operation::{Operation, OperationId, OperationKind},
    results::OperationResult,
    settings::{BEARER_LIFETIME, MAX_RESULTS, SHORTEST_BEARER_USE, UNJUDGED_LOGIN_INTERVAL},
    step::Completion,
    tag::Tag,
    verdict::Verdict,
};
use crate::{
    SessionToken, Timestamp,
    api::{Endpoint, LogIn, LogOut, RequestBearerToken, ResetPassword, oauth::BearerTokenResponse},
    response::{InvalidResponse, Problem, Refusal, Unread},
    transport::TransportError,
};

impl Session {
    /// Takes the result of an operation.
    ///
    /// A result may come twice, or so late that another operation has begun. Then it changes
    /// only what is known of its own login: that one may be refunded, and credentials that
    /// it names as wrong are not used again. A new password is never lost.
    pub fn receive(
        &mut self,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let result = self.read(result, now);
        // The salt of the tags may have changed since it began.
        let password = self.memory.guard.tag_of(operation.id);
        let operation = Operation {
            password: password.unwrap_or(operation.password),
            ..operation
        };
        if operation.id == self.memory.settled {
            return self.receive_again(operation, result);
        }
        let is_latest = self.settle(&operation);
        match operation.kind {
            OperationKind::TokenFetch if is_latest => {
                self.token_fetch_finished(now, operation, result);
            }
            OperationKind::LogIn if is_latest => self.login_finished(now, operation, result),
            OperationKind::LogIn => self.login_came_late(now, operation, result),
            OperationKind::ServiceCheck if is_latest => {
                self.service_checked(now, operation, &result);
            }
            OperationKind::TokenFetch | OperationKind::ServiceCheck => {}
            OperationKind::LogOut | OperationKind::PasswordReset => {
                let result = self.session_call_finished(now, operation, result);
                let result = match result {
                    Ok(completion) => OperationResult::Completed(completion),
                    Err(error) => OperationResult::Failed(error),
                };
                self.results.push(operation.id, operation.kind, result);
            }
        }
    }

    /// Gives up an operation whose result will not come. This is for a driver that can't let
    /// it run to its end. A login stays counted, and a reset leaves the password in doubt.
    ///
    /// Close the connection first. Otherwise the login may reach the service later, after
    /// another one succeeded, and then only the platform counts it.
    pub fn abandon(&mut self, now: Timestamp, operation: Operation) {
        self.has_ended(operation.id);
        self.lose(now, operation.id, operation.kind);
    }

    /// Confirms the new password of a reset: the session uses it from now on, and logins
    /// are made again. Do this when the password is saved. To confirm it twice does no harm.
    ///
    /// Fails, and changes nothing, if it is not awaited, because another reset was made or
    /// other credentials were given in the meantime.
    pub fn confirm(&mut self, new: &NewPassword) -> Result<(), NotAwaited> {
        let is_in_use = self.credentials.password() == Some(&new.password);
        if is_in_use && !self.memory.guard.is_in_doubt() {
            return Ok(());
        }
        if !self.memory.guard.is_last_in_doubt(new.reset) {
            return Err(NotAwaited);
        }
        let before = self.reported_reason();
        self.memory
            .lease
            .take_if(|lease| lease.operation == new.reset);
        let (name, old) = (self.next_name(), self.tag());
        self.credentials = self.credentials.with_password(new.password.clone());
        self.results.new_password = None;
        self.events.push(Event::PasswordChanged);
        let tag = self.tag();
        let guard = &mut self.memory.guard;
        guard.end_doubts(None);
        // Whoever still has the old password need not try it.
        guard.refuse(name, old, BlockReason::PasswordOutdated, None);
        guard.accept(tag);
        self.begin_password_epoch();
        self.report_reopened(before.as_ref());
        Ok(())
    }

    /// Ends an operation of which nothing more will be heard, if it is in
    /// progress.
    pub(super) fn lose(&mut self, now: Timestamp, operation: OperationId, kind: OperationKind) {
        let in_progress = self
            .memory
            .lease
            .take_if(|lease| lease.operation == operation);
        if in_progress.is_none() {
            return;
        }
        self.has_ended(operation);
        self.memory.touch();
        let result = match kind {
            OperationKind::LogIn => {
                self.login_lost(operation, Failure::of(kind, now, Reason::Unknown));
                OperationResult::Lost
            }
            OperationKind::PasswordReset if self.memory.guard.awaits_confirmation(operation) => {
                return self.report_blocked();
            }
            OperationKind::LogOut | OperationKind::PasswordReset => {
                let error = Error::transport_failed(TransportError::silence());
                OperationResult::Failed(match kind {
                    OperationKind::PasswordReset => {
                        self.reset_failed(now, operation, None, true, error)
                    }
                    _ => error,
                })
            }
            OperationKind::ServiceCheck => {
                let longest = self.settings.longest_check_pause;
                self.memory.guard.checks_mut().made(now, false, longest);
                OperationResult::Lost
            }
            OperationKind::TokenFetch => OperationResult::Lost,
        };
        self.results.push(operation, kind, result);
    }

    /// Ends an operation whose result came. Returns true if the result counts: it
    /// is the first, no other operation has begun since, and the credentials are
    /// the same.
    fn settle(&mut self, operation: &Operation) -> bool {
        self.has_ended(operation.id);
        // The lease of a reset lasts until its new password is confirmed.
        if operation.kind != OperationKind::PasswordReset {
            self.memory
                .lease
                .take_if(|lease| lease.operation == operation.id);
        }
        self.memory.touch();
        let is_latest = operation.id.number == self.memory.operations;
        if is_latest {
            self.memory.settled = operation.id;
        }
        is_latest
    }

    /// Notes that nothing more will be heard of an operation of this process.
    pub(super) fn has_ended(&mut self, operation: OperationId) {
        self.in_flight.take_if(|in_flight| *in_flight == operation);
        if let Some(sharing) = &mut self.sharing {
            if sharing.ended.len() == MAX_RESULTS {
                sharing.ended.pop_front();
            }
            sharing.ended.push_back(operation);
        }
    }

    /// Takes another result of an operation. It changes nothing, but that a new
    /// password is not lost.
    fn receive_again(&mut self, operation: Operation, result: Result<Response<Bytes>, Error>) {
        let Operation { id, kind, .. } = operation;
        let first = self.results.of(id).map(|finished| &finished.result);
        let Some(OperationResult::Failed(error)) = first else {
            return;
        };
        if kind != OperationKind::PasswordReset {
            return;
        }
        let is_new = |response: &Response<Bytes>| ResetPassword::parse(response.clone()).is_ok();
        if !error.is_outcome_unknown() && result.as_ref().is_ok_and(is_new) {
            // It was reset after all.
            self.memory.guard.doubt(id);
        }
        let new = result.and_then(|response| self.password_reset(id, response));
        if let Ok(completion) = new {
            let result = OperationResult::Completed(completion);
            self.results.push(id, kind, result);
        }
    }

    fn token_fetch_finished(
        &mut self,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, Error>,
    ) {
        match self.parse::<RequestBearerToken>(result) {
            Ok(response) if self.is_refused_again(&response) => {
                let error = Error::new(ErrorKind::InvalidResponse {
                    invalid: InvalidResponse::new("access_token", Problem::Ending),
                    response: Unread::new(Response::default()),
                });
                self.token_not_got(now, operation, false, error);
            }
            Ok(response) => self.take_bearer(now, operation, response),
            Err(error) => {
                let error = error.map_kind(|kind| match kind {
                    ErrorKind::Refused(refusal) if refusal.names_app() => {
                        ErrorKind::AppRefused(refusal)
                    }
                    other => other,
                });
                self.token_not_got(now, operation, false, error);
            }
        }
    }

    /// Returns true if a bearer token was refused, and the one in its place is about to
    /// end: asked in its last second, the service gives the refused one out again
    /// (reported from the field). So it is waited for the next, but not for long: some
    /// services do not know how long a token lives.
    fn is_refused_again(&self, response: &BearerTokenResponse) -> bool {
        const MAX_WAITS: u32 = 2;

        let memory = &self.memory;
        let was_refused = memory.bearer.is_none() && memory.ended_bearer != OperationId::default();
        let ends = response
            .expires_in
            .is_some_and(|lifetime| lifetime <= SHORTEST_BEARER_USE);
        was_refused && ends && memory.failures < MAX_WAITS
    }

    fn take_bearer(&mut self, now: Timestamp, operation: Operation, response: BearerTokenResponse) {
        let lifetime = response.expires_in.unwrap_or(BEARER_LIFETIME);
        let use_for = match lifetime.checked_sub(self.settings.clock_skew) {
            Some(rest) if !rest.is_zero() => rest,
            // Asked for again within its hour, the same token comes back (documented by
            // Verizon): near its end there is nothing to be had by renewing it early.
            _ => lifetime,
        };
        let renew_at = (operation.sent_at + use_for).max(now + SHORTEST_BEARER_USE);
        self.memory.bearer = Some(Bearer {
            token: response.access_token,
            generation: operation.id,
            renew_at,
        });
        // It proves nothing about logins that fail for their bearer: their backoff grows on.
        let failed = self.memory.failed.as_ref();
        let is_of_login =
            failed.is_some_and(|last| last.failure.operation() == Some(OperationKind::LogIn));
        let failures = if is_of_login { self.memory.failures } else { 0 };
        self.recover();
        self.memory.failures = failures;
        self.events.push(Event::BearerFetched { renew_at });
    }

    fn login_finished(
        &mut self,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, Error>,
    ) {
        let error = match self.parse::<LogIn<'_>>(result) {
            Ok(response) => return self.take_session(operation, response.session_token),
            Err(error) => error,
        };
        let verdict = verdict(&error);
        let failure = Failure::of(OperationKind::LogIn, now, error.kind().reason());
        match verdict {
            Verdict::NotJudged => self.memory.guard.refund(operation.id),
            Verdict::Uncertain => self.login_lost(operation.id, failure),
            Verdict::Judged | Verdict::CantBeSent | Verdict::WrongCredentials => {}
        }
        let error = error.map_kind(|kind| match (verdict, kind) {
            (Verdict::NotJudged, ErrorKind::Refused(refusal)) if refusal.is_bearer_fault() => {
                self.bearer_refused(operation.bearer);
                ErrorKind::BearerRefused(refusal)
            }
            (Verdict::Judged | Verdict::CantBeSent | Verdict::WrongCredentials, kind) => {
                self.login_refused(now, &operation, verdict, kind)
            }
            (_, kind) => kind,
        });
        self.token_not_got(now, operation, verdict == Verdict::NotJudged, error);
    }

    /// Takes the result of a login after which another operation has begun: nothing
    /// is used of it.
    fn login_came_late(
        &mut self,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, Error>,
    ) {
        let Operation {
            id,
            kind,
            bearer,
            password,
            ..
        } = operation;
        let Err(error) = self.parse::<LogIn<'_>>(result) else {
            return self.memory.guard.settle_success(id);
        };
        match verdict(&error) {
            Verdict::NotJudged => {
                self.memory.guard.refund(id);
                let tokens = (bearer, OperationId::default());
                self.request_refused(now, tokens, now, &error, Blame::of(&error, &[]));
            }
            verdict => {
                let failure = Failure::of(kind, now, error.kind().reason());
                let before = self.login_guard().blocked;
                self.memory.guard.fail(id, password, verdict, failure);
                if self.login_guard().blocked != before {
                    self.report_blocked();
                }
            }
        }
    }

    /// Takes the result of a service check.
    fn service_checked(
        &mut self,
        now: Timestamp,
        operation: Operation,
        result: &Result<Response<Bytes>, Error>,
    ) {
        let refusal = result.as_ref().err().and_then(Error::refusal);
        let longest = self.settings.longest_check_pause;
        if refusal.is_some_and(Refusal::is_bearer_fault) {
            self.bearer_refused(operation.bearer);
            self.memory.guard.checks_mut().found_nothing(now, longest);
        } else {
            let responds = refusal.is_some_and(Refusal::is_session_refusal);
            self.memory.guard.checks_mut().made(now, responds, longest);
        }
        self.results
            .push(operation.id, operation.kind, OperationResult::Lost);
    }

    fn take_session(&mut self, operation: Operation, token: SessionToken) {
        let since = operation.sent_at;
        self.memory.open = Some(Open {
            token,
            generation: operation.id,
            since,
            used: since,
            reported: since,
        });
        self.memory.guard.succeed(&operation);
        if operation.password == self.tag() {
            self.password_epoch = self.memory.password_epoch;
            self.memory.epoch_password = Some(operation.password);
        }
        self.recover();
        self.events.push(Event::LoggedIn);
    }

    /// Notes that a token fetch or login failed: those who waited for it learn of
    /// it, and the next one is delayed if the failure may pass, or `is_uncounted`.
    fn token_not_got(
        &mut self,
        now: Timestamp,
        operation: Operation,
        is_uncounted: bool,
        mut error: Error,
    ) {
        let failure = Failure::of(operation.kind, now, error.kind().reason());
        let requested = error.requested_retry(now);
        let is_login = operation.kind == OperationKind::LogIn;
        // A login that counts is followed by the next one when the guard says so.
        let backs_off = if is_login {
            is_uncounted || requested.is_some() && error.is_transient()
        } else {
            error.is_transient()
        };
        if backs_off {
            let interval = if is_login {
                UNJUDGED_LOGIN_INTERVAL
            } else {
                Duration::ZERO
            };
            let until = self.back_off(
                now,
                requested,
                operation.sent_at.min(now) + interval,
                failure,
            );
            error = error.put_off(until);
        }
        let failure = Failure::of(operation.kind, now, error.kind().reason());
        self.memory.failed = Some(FailedOperation {
            operation: operation.id,
            password: operation.password,
            failure,
        });
        self.results
            .push(operation.id, operation.kind, OperationResult::Failed(error));
        self.memory.touch();
    }

    /// The result of a logout or password reset, for the call that asked for it.
    fn session_call_finished(
        &mut self,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, Error>,
    ) -> Result<Completion, Error> {
        let Operation {
            id,
            kind,
            sent_at,
            bearer,
            session,
            password,
        } = operation;
        let is_reset = kind == OperationKind::PasswordReset;
        let error = match result {
            Ok(response) => {
                self.session_used(session, sent_at);
                let completed = if is_reset {
                    self.password_reset(id, response)
                } else {
                    self.logged_out(session, response)
                };
                match completed {
                    Ok(completion) => return Ok(completion),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        let blame = Blame::of(&error, &[]);
        if !is_reset && blame == Blame::Session {
            // An earlier logout of the same call may have ended it.
            self.session_found_ended(session);
            return Err(error);
        }
        self.request_refused(now, (bearer, session), sent_at, &error, blame);
        if !is_reset {
            return Err(error);
        }
        let lease = self.memory.lease.take_if(|lease| lease.operation == id);
        Err(self.reset_failed(now, id, Some(password), lease.is_some(), error))
    }

    /// Notes what the error of a request says of the tokens that it carried.
    pub(super) fn request_refused(
        &mut self,
        now: Timestamp,
        (bearer, session): (OperationId, OperationId),
        sent_at: Timestamp,
        error: &Error,
        blame: Blame,
    ) {
        match (blame, error.refusal()) {
            (Blame::Bearer, _) => self.bearer_refused(bearer),
            (Blame::Session, Some(refusal)) => self.session_refused(session, now, refusal),
            (Blame::Request, _) => self.session_used(session, sent_at),
            _ => {}
        }
    }

    /// Ends the session of this generation, which a logout was refused for: whatever was
    /// meant, it is not used any more.
    pub(super) fn give_up_session(&mut self, generation: OperationId) {
        if self.memory.open_of(generation).is_some() {
            self.memory.end_session();
            self.events.push(Event::LoggedOut);
            self.memory.touch();
        }
    }

    /// Ends the session that a logout ended.
    fn logged_out(
        &mut self,
        generation: OperationId,
        response: Response<Bytes>,
    ) -> Result<Completion, Error> {
        let confirmed = self.parse::<LogOut>(Ok(response))?.session_token;
        let ended = self
            .memory
            .open_of(generation)
            .map(|open| open.token.clone());
        if ended.is_some() {
            self.memory.end_session();
            self.events.push(Event::LoggedOut);
            self.memory.touch();
        }
        Ok(Completion::LoggedOut(confirmed.or(ended)))
    }

    /// Takes a new password. Until it is confirmed, no login is made: others wait for
    /// that as long as the lease lasts.
    fn password_reset(
        &mut self,
        reset: OperationId,
        response: Response<Bytes>,
    ) -> Result<Completion, Error> {
        let password = self.parse::<ResetPassword<'_>>(Ok(response))?.new_password;
        let new = NewPassword { password, reset };
        self.memory.guard.settle_success(reset);
        // If the caller has decided meanwhile, it is of no use any more; the caller has
        // it all the same.
        if self.memory.guard.is_in_doubt_of(reset) {
            self.memory.guard.await_confirmation(reset);
            self.events.push(Event::PasswordReset);
            self.results.new_password = Some(new.clone());
        }
        self.memory.touch();
        Ok(Completion::PasswordReset(new))
    }

    /// The error of a password reset, after what it means for the session. Before, it
    /// `was_in_progress`, or its lease had expired.
    fn reset_failed(
        &mut self,
        now: Timestamp,
        reset: OperationId,
        password: Option<Tag>,
        was_in_progress: bool,
        error: Error,
    ) -> Error {
        let kind = OperationKind::PasswordReset;
        let verdict = match verdict(&error) {
            // The session token was, and not the password.
            Verdict::Judged if error.refusal().is_some_and(Refusal::is_session_refusal) => {
                Verdict::NotJudged
            }
            verdict => verdict,
        };
        let before = self.login_guard().blocked;
        let guard = &mut self.memory.guard;
        if verdict == Verdict::NotJudged {
            guard.refund(reset);
        } else if let Some(password) = password.or_else(|| guard.tag_of(reset)) {
            let failure = Failure::of(kind, now, error.kind().reason());
            guard.fail(reset, password, verdict, failure);
        }
        if error.is_outcome_unknown() {
            if self.memory.guard.is_in_doubt_of(reset) {
                self.memory.guard.remain_in_doubt();
                if was_in_progress {
                    self.report_blocked();
                }
                self.memory.touch();
            }
            return error.with_password_in_doubt();
        }
        self.memory.guard.end_doubt(reset);
        let guard = self.login_guard();
        if guard.blocked.is_some() && guard.blocked != before {
            self.report_blocked();
        }
        error.map_kind(|error| match error {
            ErrorKind::Refused(refusal) | ErrorKind::Throttled { refusal, .. }
                if verdict == Verdict::WrongCredentials =>
            {
                ErrorKind::WrongCredentials { guard, refusal }
            }
            other => other,
        })
    }

    /// Notes that a login has an unknown outcome; it stays counted.
    fn login_lost(&mut self, login: OperationId, failure: Failure) {
        let Some(tag) = self.memory.guard.tag_of(login) else {
            return;
        };
        self.memory
            .guard
            .fail(login, tag, Verdict::Uncertain, failure);
        let attempts_left = self.login_guard().attempts_left;
        self.events.push(Event::LoginLost { attempts_left });
        self.report_next_login();
    }

    /// Notes that a login was refused; it stays counted. Returns the error that it
    /// is.
    fn login_refused(
        &mut self,
        now: Timestamp,
        operation: &Operation,
        verdict: Verdict,
        kind: ErrorKind,
    ) -> ErrorKind {
        let refusal = match kind {
            ErrorKind::Refused(refusal) | ErrorKind::Throttled { refusal, .. } => refusal,
            other => return other,
        };
        let brief = Brief::of(&refusal);
        let names_credentials = verdict == Verdict::WrongCredentials;
        let reason = if names_credentials {
            Reason::CredentialsRefused(brief)
        } else {
            Reason::LoginRefused(brief)
        };
        let failure = Failure::of(operation.kind, now, reason);
        self.memory
            .guard
            .fail(operation.id, operation.password, verdict, failure);
        let bearer = self.memory.bearer.as_ref();
        if verdict == Verdict::Judged
            && bearer.is_some_and(|bearer| bearer.generation == operation.bearer)
        {
            // It may have been the bearer after all.
            self.memory.end_bearer();
        }
        let guard = self.login_guard();
        self.events.push(Event::LoginRefused {
            status: refusal.status(),
            code: refusal.code().cloned(),
            attempts_left: guard.attempts_left,
        });
        self.report_next_login();
        if names_credentials {
            ErrorKind::WrongCredentials { guard, refusal }
        } else {
            ErrorKind::LoginRefused { guard, refusal }
        }
    }

    /// The typed response to an endpoint of the session's own.
    fn parse<E: Endpoint>(
        &self,
        result: Result<Response<Bytes>, Error>,
    ) -> Result<E::Output, Error> {
        let parsed = E::parse(result?).map(Response::into_body);
        parsed.map_err(|error| match error.into() {
            ErrorKind::Refused(refusal) => Error::new(ErrorKind::Refused(self.censored(refusal))),
            kind => Error::new(kind),
        })
    }

    /// Reports what the guard says of the next login.
    fn report_next_login(&mut self) {
        match self.login_guard().next_login {
            Some(until) => self.events.push(Event::BackingOff { until }),
            None => self.report_blocked(),
        }
    }

    fn report_blocked(&mut self) {
        if let Some(reason) = self.login_guard().blocked {
            self.events.push(Event::LoginsBlocked { reason });
        }
        self.memory.touch();
    }
}

/// The verdict on a login or reset that failed with this error.
fn verdict(error: &Error) -> Verdict {
    match error.kind() {
        ErrorKind::NeverSent(_) => Verdict::NotJudged,
        ErrorKind::Refused(refusal) | ErrorKind::Throttled { refusal, .. } => Verdict::on(refusal),
        _ => Verdict::Uncertain,
    }
}
