//! Acquire: getting the tokens.
//!
//! Fetches the bearer and logs in, one operation at a time, within the login
//! guard, the cooldown and the backoff. It knows nothing of the request that
//! wants the tokens: a call asks it for them and reports which were refused.
//!
//! ```text
//!        ┌────── bearer stale or refused ──────┐
//!        ▼                                     │
//!   fetch bearer ──▶ login guard ──▶ log in ──▶ both tokens
//!        ▲              │ blocked      ▲       │
//!     backoff           ▼              └───────┘ session idle or refused
//!        ▲            error
//!        └── failed, may pass
//! ```

use bytes::Bytes;
use http::Request;

use super::{
    error::Error,
    event::Event,
    machine::Session,
    memory::Delay,
    operation::{Lease, Operation, OperationKind},
    settings::LEASE_GRACE,
    span::Span,
};
use crate::{
    Timestamp,
    api::{Authorization, Endpoint, LogIn, LogOut, RequestBearerToken, ResetPassword, complete},
};

/// The state of the tokens, for a call that asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acquisition {
    /// Both tokens are there.
    Ready,
    /// An operation is in progress.
    InProgress(Lease),
    /// The login guard is blocked.
    Blocked,
    /// Token fetches and logins are delayed until then.
    Delayed(Timestamp),
    /// This operation is to begin.
    Begin(OperationKind),
}

impl Session {
    /// Expires what has run out by `now`: the lease of an operation that had no
    /// result in time, and a session that was not used for too long. Every step
    /// does so by itself; this is for those who look at a session that nobody
    /// drives.
    pub fn expire(&mut self, now: Timestamp) {
        self.expire_lease(now);
        self.usable_session(now, 0);
    }

    /// Expires the lease of an operation that had no result in time, and keeps a
    /// clock that was set back from prolonging anything.
    pub(super) fn expire_lease(&mut self, now: Timestamp) {
        let delay = self.memory.delay.as_mut();
        if delay.is_some_and(|delay| delay.span_mut().rebase(now)) {
            self.memory.touch();
        }
        let Some(lease) = self.memory.lease.as_mut() else {
            return;
        };
        if lease.span.rebase(now) {
            self.memory.touch();
            return;
        }
        if lease.span.rest(now).is_none() {
            let Lease {
                operation, kind, ..
            } = *lease;
            self.events.push(Event::LeaseExpired { kind });
            self.lose(now, operation, kind);
        }
    }

    /// Asks for both tokens. A bearer or session that the call itself got by its
    /// `own` operation is used, however short its life.
    pub(super) fn acquire(&mut self, now: Timestamp, own: u64) -> Acquisition {
        let open = self.memory.open.is_some();
        let kind = if self.usable_bearer(now, own).is_none() {
            OperationKind::TokenFetch
        } else if open {
            return Acquisition::Ready;
        } else {
            OperationKind::LogIn
        };
        if let Some(lease) = self.memory.lease {
            return Acquisition::InProgress(lease);
        }
        if !open && self.login_is_blocked() {
            return Acquisition::Blocked;
        }
        match self.memory.delay(now) {
            Some((until, _)) => Acquisition::Delayed(until),
            None => Acquisition::Begin(kind),
        }
    }

    /// Begins an operation, which must be allowed to. A login is counted here,
    /// before it is sent.
    ///
    /// Returns the operation and its request.
    pub(super) fn begin(
        &mut self,
        kind: OperationKind,
        now: Timestamp,
    ) -> Result<(Operation, Request<Bytes>), Error> {
        let request = self.request_for(kind)?;
        self.memory.operations = self.memory.operations.saturating_add(1);
        let generation_of = |wanted: bool, generation: Option<u64>| match generation {
            Some(generation) if wanted => generation,
            _ => 0,
        };
        let (bearer, open) = (self.memory.bearer.as_ref(), self.memory.open.as_ref());
        let with_bearer = kind != OperationKind::TokenFetch;
        let with_session = matches!(kind, OperationKind::LogOut | OperationKind::PasswordReset);
        let operation = Operation {
            id: self.memory.operations,
            kind,
            sent_at: now,
            bearer: generation_of(with_bearer, bearer.map(|bearer| bearer.generation)),
            session: generation_of(with_session, open.map(|open| open.generation)),
        };
        self.memory.lease = Some(Lease {
            operation: operation.id,
            kind,
            span: self.lease_of(&operation),
        });
        if kind == OperationKind::LogIn {
            self.memory.guard.count();
        }
        self.memory.touch();
        Ok((operation, request))
    }

    /// The time for which an operation holds its lease.
    pub(super) fn lease_of(&self, operation: &Operation) -> Span {
        let length = self.settings.attempt_timeout.saturating_add(LEASE_GRACE);
        Span::new(operation.sent_at, length)
    }

    fn request_for(&self, kind: OperationKind) -> Result<Request<Bytes>, Error> {
        let user = &self.credentials.user;
        let bearer = || self.bearer_token().ok_or_else(Error::finished);
        let tokens =
            || Ok::<_, Error>((bearer()?, self.session_token().ok_or_else(Error::finished)?));
        match kind {
            OperationKind::TokenFetch => {
                let scope = self.settings.scope.clone();
                self.request(RequestBearerToken { scope }, &self.credentials.app)
            }
            OperationKind::LogIn => self.request(LogIn::new(user), bearer()?),
            OperationKind::LogOut => self.request(LogOut, tokens()?),
            OperationKind::PasswordReset => {
                self.request(ResetPassword::new(user.password()), tokens()?)
            }
        }
    }

    fn request<E: Endpoint>(
        &self,
        endpoint: E,
        tokens: <E::Auth as Authorization>::Tokens<'_>,
    ) -> Result<Request<Bytes>, Error> {
        let mut request = endpoint.build(&self.environment)?;
        complete(&mut request, Some(&self.user_agent));
        E::Auth::authorize(tokens, request.headers_mut());
        Ok(request)
    }

    /// Returns true if no login may be made here.
    pub(super) fn login_is_blocked(&self) -> bool {
        self.guard_is_blocked() || self.password_outdated()
    }
}

impl Delay {
    /// The error of a call that would have to wait longer than calls wait.
    pub(super) fn error(&self, until: Timestamp) -> Error {
        use super::error::ErrorKind::{BackingOff, CoolingDown};
        let because = match self {
            Self::Backoff { because, .. } | Self::Cooldown { because, .. } => because.clone(),
        };
        Error::new(match self {
            Self::Backoff { .. } => BackingOff { until, because },
            Self::Cooldown { .. } => CoolingDown { until, because },
        })
    }
}
