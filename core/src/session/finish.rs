//! Finishing an operation: what its result means for the session.
//!
//! The result goes to the session by the operation's id, whoever brings it, and
//! whether the call that began the operation still waits or not.

use bytes::Bytes;
use http::Response;

use super::{
    error::{Error, ErrorKind},
    event::Event,
    failure::{Failure, Reason},
    guard::BlockReason,
    machine::Session,
    memory::{Bearer, FailedOperation, Open},
    new_password::{NewPassword, NotAwaited},
    operation::{Operation, OperationKind},
    received,
    results::OperationResult,
    settings::{BEARER_LIFETIME, SHORTEST_BEARER_USE},
    step::Completion,
};
use crate::{
    SessionToken, Timestamp,
    api::{Endpoint, LogIn, LogOut, RequestBearerToken, ResetPassword, oauth::BearerTokenResponse},
    response::Refusal,
    transport::TransportError,
};

impl Session {
    /// Takes the result of an operation, whoever brings it.
    ///
    /// A result that is not waited for, because it came before, or too late and
    /// another operation has begun, changes nothing; a new password is never
    /// lost.
    pub fn receive(
        &mut self,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let result = received::read(result, self.settings.max_body, now);
        if operation.id == self.memory.settled {
            return self.receive_again(operation, result);
        }
        let is_latest = self.settle(operation.id);
        match operation.kind {
            OperationKind::TokenFetch if is_latest => {
                self.token_fetch_finished(now, operation, result);
            }
            OperationKind::LogIn if is_latest => self.login_finished(now, operation, result),
            OperationKind::TokenFetch | OperationKind::LogIn => {}
            OperationKind::LogOut | OperationKind::PasswordReset => {
                let result = self.session_call_finished(now, operation, is_latest, result);
                let result = match result {
                    Ok(completion) => OperationResult::Completed(completion),
                    Err(error) => OperationResult::Failed(error),
                };
                self.results.push(operation.id, operation.kind, result);
            }
        }
    }

    /// Gives an operation up, of which nothing more will be heard: for a driver
    /// that can't let it run to its end. A login stays counted, and a reset leaves
    /// the password in doubt.
    ///
    /// Close the connection first: a login that reaches the service later, after
    /// another one succeeded, is counted by the platform alone.
    pub fn abandon(&mut self, now: Timestamp, operation: Operation) {
        self.lose(now, operation.id, operation.kind);
    }

    /// Confirms the new password that a reset brought: the session uses it from
    /// now on, and logins are made again. Do this when the password is saved.
    ///
    /// Fails, and changes nothing, if it is not awaited: it is confirmed already,
    /// or other credentials were given since.
    pub fn confirm(&mut self, new: &NewPassword) -> Result<(), NotAwaited> {
        // Others may not know yet that the reset has ended, if a store could not save it.
        let in_progress = self.memory.lease;
        let in_progress = in_progress.is_some_and(|lease| {
            lease.operation == new.reset && lease.kind == OperationKind::PasswordReset
        });
        if !in_progress && !self.memory.guard.is_in_doubt_of(new.reset) {
            return Err(NotAwaited);
        }
        if in_progress {
            self.settle(new.reset);
        }
        self.credentials.user = self.credentials.user.with_password(new.password.clone());
        self.begin_password_epoch();
        self.results.new_password = None;
        self.events.push(Event::PasswordChanged);
        self.reopen_guard(|session| session.memory.guard.unblock(false));
        Ok(())
    }

    /// Ends an operation of which nothing more will be heard, if it is in
    /// progress.
    pub(super) fn lose(&mut self, now: Timestamp, operation: u64, kind: OperationKind) {
        let in_progress = self
            .memory
            .lease
            .take_if(|lease| lease.operation == operation);
        if in_progress.is_none() {
            return;
        }
        self.memory.touch();
        let is_latest = operation == self.memory.operations;
        let result = match kind {
            OperationKind::LogIn if is_latest => {
                self.login_lost(Failure::of(kind, now, Reason::Unknown));
                OperationResult::Lost
            }
            OperationKind::LogOut | OperationKind::PasswordReset => {
                let error = Error::transport_failed(TransportError::silence());
                OperationResult::Failed(
                    self.session_call_failed(now, operation, kind, is_latest, error),
                )
            }
            OperationKind::LogIn | OperationKind::TokenFetch => OperationResult::Lost,
        };
        self.results.push(operation, kind, result);
    }

    /// Ends an operation whose result came. Returns true if the result counts: it
    /// is the first, no other operation has begun since, and the credentials are
    /// the same.
    fn settle(&mut self, operation: u64) -> bool {
        self.memory
            .lease
            .take_if(|lease| lease.operation == operation);
        self.memory.touch();
        let is_latest = operation == self.memory.operations;
        if is_latest {
            self.memory.settled = operation;
        }
        is_latest
    }

    /// Takes another result of an operation. It changes nothing, but that a new
    /// password is not lost.
    fn receive_again(&mut self, operation: Operation, result: Result<Response<Bytes>, Error>) {
        let Operation { id, kind, .. } = operation;
        let first = self.results.of(id).map(|finished| &finished.result);
        let has_failed = matches!(first, Some(OperationResult::Failed(_)));
        if kind != OperationKind::PasswordReset || !has_failed {
            return;
        }
        let is_latest = id == self.memory.operations;
        let new = result.and_then(|response| self.password_reset(id, is_latest, response));
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
        match parse::<RequestBearerToken>(result) {
            Ok(response) => self.take_bearer(now, operation, response),
            Err(error) => {
                let error = error.map_kind(|kind| match kind {
                    ErrorKind::Refused(refusal) if refusal.names_app() => {
                        ErrorKind::AppRefused(refusal)
                    }
                    other => other,
                });
                self.token_not_got(now, operation, error);
            }
        }
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
        self.recover();
        self.events.push(Event::BearerFetched { renew_at });
    }

    fn login_finished(
        &mut self,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, Error>,
    ) {
        let error = match parse::<LogIn<'_>>(result) {
            Ok(response) => return self.take_session(operation, response.session_token),
            Err(error) => error,
        };
        if error.is_never_sent() {
            self.login_not_judged();
            return self.token_not_got(now, operation, error);
        }
        let error = error.map_kind(|kind| match kind {
            ErrorKind::Refused(refusal) if refusal.is_bearer_fault() => {
                self.login_not_judged();
                self.bearer_refused(operation.bearer);
                ErrorKind::BearerRefused(refusal)
            }
            ErrorKind::Refused(refusal) | ErrorKind::Throttled { refusal, .. }
                if refusal.names_credentials() =>
            {
                self.login_refused(now, refusal)
            }
            ErrorKind::Refused(refusal) if !refusal.is_transient() => {
                self.login_refused(now, refusal)
            }
            other => {
                self.login_lost(Failure::of(OperationKind::LogIn, now, other.reason()));
                other
            }
        });
        self.token_not_got(now, operation, error);
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
        self.memory.guard.succeed();
        self.recover();
        self.events.push(Event::LoggedIn);
    }

    /// Notes that a token fetch or login failed: those who waited for it learn of
    /// it, and the next one is delayed if the failure may pass.
    fn token_not_got(&mut self, now: Timestamp, operation: Operation, mut error: Error) {
        let failure = Failure::of(operation.kind, now, error.kind().reason());
        if error.is_transient() {
            let requested = error.requested_retry(now);
            let until = self.back_off(now, requested, failure.clone());
            error = error.put_off(until);
        }
        let failure = Failure::of(operation.kind, now, error.kind().reason());
        self.memory.failed = Some(FailedOperation {
            operation: operation.id,
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
        is_latest: bool,
        result: Result<Response<Bytes>, Error>,
    ) -> Result<Completion, Error> {
        let Operation {
            id,
            kind,
            sent_at,
            bearer,
            session,
        } = operation;
        let error = match result {
            Ok(response) => {
                self.session_used(session, sent_at);
                let completed = if kind == OperationKind::LogOut {
                    self.logged_out(session, response)
                } else {
                    self.password_reset(id, is_latest, response)
                };
                match completed {
                    Ok(completion) => return Ok(completion),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        self.request_refused(now, (bearer, session), sent_at, &error);
        Err(self.session_call_failed(now, id, kind, is_latest, error))
    }

    /// Notes what the error of a request says of the tokens that it carried.
    pub(super) fn request_refused(
        &mut self,
        now: Timestamp,
        (bearer, session): (u64, u64),
        sent_at: Timestamp,
        error: &Error,
    ) {
        match error.kind() {
            ErrorKind::Refused(refusal) if refusal.is_bearer_fault() => {
                self.bearer_refused(bearer);
            }
            ErrorKind::Refused(refusal) if refusal.is_session_refusal() => {
                self.session_refused(session, now, refusal);
            }
            _ if error.code().is_some() => self.session_used(session, sent_at),
            _ => {}
        }
    }

    /// Ends the session that a logout ended.
    fn logged_out(
        &mut self,
        generation: u64,
        response: Response<Bytes>,
    ) -> Result<Completion, Error> {
        let confirmed = LogOut::parse(response)?.into_body().session_token;
        let ended = self
            .memory
            .open_of(generation)
            .map(|open| open.token.clone());
        if ended.is_some() {
            self.memory.open = None;
            self.events.push(Event::LoggedOut);
            self.memory.touch();
        }
        Ok(Completion::LoggedOut(confirmed.or(ended)))
    }

    /// Takes a new password. Until it is confirmed, no login is made.
    fn password_reset(
        &mut self,
        reset: u64,
        is_latest: bool,
        response: Response<Bytes>,
    ) -> Result<Completion, Error> {
        let password = ResetPassword::parse(response)?.into_body().new_password;
        let new = NewPassword { password, reset };
        // That of an older reset may be of no use any more; the caller has it all the same.
        if is_latest || self.memory.guard.is_in_doubt_of(reset) {
            self.memory
                .guard
                .doubt(reset, BlockReason::AwaitingConfirmation);
            self.events.push(Event::PasswordReset);
            self.report_blocked(BlockReason::AwaitingConfirmation);
            self.results.new_password = Some(new.clone());
        }
        Ok(Completion::PasswordReset(new))
    }

    /// The error of a logout or password reset, after what it means for the
    /// session.
    fn session_call_failed(
        &mut self,
        now: Timestamp,
        operation: u64,
        kind: OperationKind,
        is_latest: bool,
        error: Error,
    ) -> Error {
        if kind != OperationKind::PasswordReset {
            return error;
        }
        if error.is_outcome_unknown() {
            if is_latest {
                self.password_lost(operation, Failure::of(kind, now, error.kind().reason()));
            }
            return error.with_password_in_doubt();
        }
        error.map_kind(|error| match error {
            ErrorKind::Refused(refusal) | ErrorKind::Throttled { refusal, .. }
                if refusal.names_credentials() && is_latest =>
            {
                let failure = ErrorKind::Refused(refusal.clone()).reason();
                self.memory.guard.remember(Failure::of(kind, now, failure));
                self.credentials_refused(refusal)
            }
            other => other,
        })
    }

    /// Refunds a login that certainly was not judged.
    fn login_not_judged(&mut self) {
        self.memory.guard.refund();
        self.memory.touch();
    }

    /// Notes that a login has an unknown outcome; it stays counted.
    fn login_lost(&mut self, failure: Failure) {
        self.memory.guard.remember(failure);
        let attempts_left = self.login_guard().attempts_left;
        self.events.push(Event::LoginLost { attempts_left });
        self.report_spent_budget();
    }

    /// Notes that a login was refused; it stays counted. Returns the error that it
    /// is.
    fn login_refused(&mut self, now: Timestamp, refusal: Refusal) -> ErrorKind {
        let code = refusal.code().cloned();
        let brief = super::failure::Brief::of(&refusal);
        let names_credentials = refusal.names_credentials();
        let reason = if names_credentials {
            Reason::CredentialsRefused(brief)
        } else {
            Reason::LoginRefused(brief)
        };
        self.memory
            .guard
            .remember(Failure::of(OperationKind::LogIn, now, reason));
        if names_credentials {
            self.events.push(Event::LoginRefused {
                code,
                attempts_left: 0,
            });
            return self.credentials_refused(refusal);
        }
        let guard = self.login_guard();
        let attempts_left = guard.attempts_left;
        self.events.push(Event::LoginRefused {
            code,
            attempts_left,
        });
        self.report_spent_budget();
        ErrorKind::LoginRefused { guard, refusal }
    }

    /// Blocks the guard, since the service named the credentials as wrong. Returns
    /// the error that it is.
    fn credentials_refused(&mut self, refusal: Refusal) -> ErrorKind {
        let code = refusal.code().cloned();
        let reason = BlockReason::WrongCredentials { code };
        self.memory.guard.block(reason.clone());
        self.report_blocked(reason);
        ErrorKind::WrongCredentials {
            guard: self.login_guard(),
            refusal,
        }
    }

    /// Puts the password in doubt, since the response to this reset is lost.
    fn password_lost(&mut self, reset: u64, failure: Failure) {
        self.memory.guard.remember(failure);
        let reason = BlockReason::PasswordInDoubt;
        if self.login_guard().blocked != Some(reason.clone()) {
            self.memory.guard.doubt(reset, reason.clone());
            self.report_blocked(reason);
        }
        self.memory.touch();
    }

    fn report_blocked(&mut self, reason: BlockReason) {
        self.events.push(Event::LoginsBlocked { reason });
        self.memory.touch();
    }

    fn report_spent_budget(&mut self) {
        if let Some(reason @ BlockReason::BudgetSpent) = self.login_guard().blocked {
            self.events.push(Event::LoginsBlocked { reason });
        }
    }
}

/// The typed response to an endpoint of the session's own.
fn parse<E: Endpoint>(result: Result<Response<Bytes>, Error>) -> Result<E::Output, Error> {
    Ok(E::parse(result?)?.into_body())
}
