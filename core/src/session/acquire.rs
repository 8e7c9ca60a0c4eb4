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
//!        ▲          │   │ blocked      ▲       │
//!     backoff    check  ▼              └───────┘ session idle or refused
//!        ▲     service error
//!        └── failed, may pass
//! ```

use bytes::Bytes;
use http::Request;

use super::{
    check::Next,
    error::{Error, ErrorKind},
    event::Event,
    failure::{Failure, Reason},
    guard::Permission,
    machine::Session,
    memory::Delay,
    operation::{Lease, Operation, OperationId, OperationKind},
    settings::{LEASE_GRACE, LONGEST_LEASE},
    span::Span,
    step::WaitReason,
};
use crate::{
    Timestamp,
    api::{
        Authorization, CallTokens, Endpoint, LogIn, LogOut, RequestBearerToken, ResetPassword,
        WithBearer, complete,
    },
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
    /// Token fetches or logins are delayed until then.
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
        self.usable_session(now, OperationId::default());
    }

    /// Expires the lease of an operation that had no result in time, and keeps a
    /// clock that was set back from prolonging anything.
    pub(super) fn expire_lease(&mut self, now: Timestamp) {
        if self.memory.rebase(now) {
            self.memory.touch();
        }
        if let Some(sharing) = &mut self.sharing {
            sharing.rebase(now);
            if self.memory.lease.is_none() && sharing.hidden.is_some() {
                self.memory.lease = sharing.unhide(now);
                self.memory.touch();
            }
        }
        let Some(lease) = self.memory.lease else {
            return;
        };
        // The store says how old the lease of another process is: a clock here may have
        // jumped.
        if lease.span.rest(now).is_none() && !self.must_load(now) {
            if self.store_error(now).is_some() && !self.holds_lease() {
                // Passed over until the store is back, and says how old it is.
                self.memory.lease = None;
                self.memory.touch();
                return;
            }
            let Lease {
                operation, kind, ..
            } = lease;
            // A reset whose new password is not confirmed had its result.
            if !self.memory.guard.awaits_confirmation(operation) {
                self.events.push(Event::LeaseExpired { kind });
            }
            // It was lost then, however late that is noticed.
            self.lose(lease.span.end(), operation, kind);
        }
    }

    /// Asks for the tokens of a call. A bearer or session that the call itself got by its
    /// `own` operation is used, however short its life.
    pub(super) fn acquire(
        &mut self,
        now: Timestamp,
        own: OperationId,
        tokens: CallTokens,
    ) -> Acquisition {
        let has_bearer = self.usable_bearer(now, own).is_some();
        let has_session = self.memory.open.is_some() || tokens == CallTokens::Bearer;
        if has_bearer && has_session {
            return Acquisition::Ready;
        }
        if let Some(lease) = self.memory.lease {
            return Acquisition::InProgress(lease);
        }
        let wanted = if has_session {
            Next::LogIn
        } else {
            match self.next_login(now) {
                Ok(Next::Later(until)) => {
                    let delayed = self
                        .memory
                        .delay(now)
                        .map_or(until, |(other, _)| other.max(until));
                    return Acquisition::Delayed(delayed);
                }
                Ok(next) => next,
                Err(Blocked) => return Acquisition::Blocked,
            }
        };
        if let Some((until, _)) = self.memory.delay(now) {
            return Acquisition::Delayed(until);
        }
        Acquisition::Begin(match wanted {
            _ if !has_bearer => OperationKind::TokenFetch,
            Next::Check => OperationKind::ServiceCheck,
            _ => OperationKind::LogIn,
        })
    }

    /// Asks the login guard for a login.
    fn next_login(&self, now: Timestamp) -> Result<Next, Blocked> {
        let guard = &self.memory.guard;
        match guard.permission(self.tag(), self.password_outdated(), &self.settings) {
            Permission::From(at) if now >= at => Ok(Next::LogIn),
            Permission::From(at) => Ok(Next::Later(at)),
            Permission::Probe { due, may_be_early } => Ok(guard.probe(now, due, may_be_early)),
            Permission::Blocked(_) => Err(Blocked),
        }
    }

    /// What a call waits for that may not begin an operation before `until`, and its
    /// error if that is too long.
    pub(super) fn delayed(&self, now: Timestamp, until: Timestamp) -> (WaitReason, Error) {
        match self.memory.delay(now) {
            Some((_, delay @ Delay::Cooldown { .. })) => (WaitReason::Cooldown, delay.error(until)),
            Some((_, delay)) => (WaitReason::Backoff, delay.error(until)),
            None => {
                let unknown = || Failure::of(OperationKind::LogIn, now, Reason::Unknown);
                let because = self
                    .memory
                    .guard
                    .last_failure()
                    .cloned()
                    .unwrap_or_else(unknown);
                let error = Error::new(ErrorKind::BackingOff { until, because });
                (WaitReason::Backoff, error)
            }
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
        let (operation, request) = self.prepare(kind, now)?;
        self.memory.begin(&operation, self.lease_of(&operation));
        self.in_flight = Some(operation.id);
        Ok((operation, request))
    }

    /// Prepares an operation that is to begin, and its request.
    pub(super) fn prepare(
        &mut self,
        kind: OperationKind,
        now: Timestamp,
    ) -> Result<(Operation, Request<Bytes>), Error> {
        let request = self.request_for(kind)?;
        let id = self.next_name();
        let generation_of = |wanted: bool, generation: Option<OperationId>| match generation {
            Some(generation) if wanted => generation,
            _ => OperationId::default(),
        };
        let (bearer, open) = (self.memory.bearer.as_ref(), self.memory.open.as_ref());
        let with_bearer = kind != OperationKind::TokenFetch;
        let with_session = matches!(kind, OperationKind::LogOut | OperationKind::PasswordReset);
        let operation = Operation {
            id,
            kind,
            sent_at: now,
            bearer: generation_of(with_bearer, bearer.map(|bearer| bearer.generation)),
            session: generation_of(with_session, open.map(|open| open.generation)),
            password: self.tag(),
        };
        Ok((operation, request))
    }

    /// The time for which an operation holds its lease.
    pub(super) fn lease_of(&self, operation: &Operation) -> Span {
        let length = self.settings.attempt_timeout.saturating_add(LEASE_GRACE);
        Span::new(operation.sent_at, length.min(LONGEST_LEASE))
    }

    fn request_for(&self, kind: OperationKind) -> Result<Request<Bytes>, Error> {
        let user = || {
            let user = self.credentials.user.as_ref();
            user.ok_or_else(|| Error::new(ErrorKind::NoUser))
        };
        let bearer = || self.bearer_token().ok_or_else(Error::finished);
        let tokens =
            || Ok::<_, Error>((bearer()?, self.session_token().ok_or_else(Error::finished)?));
        match kind {
            OperationKind::TokenFetch => {
                let scope = self.settings.scope.clone();
                self.request(RequestBearerToken { scope }, &self.credentials.app)
            }
            OperationKind::LogIn => self.request(LogIn::new(user()?), bearer()?),
            OperationKind::LogOut => self.request(LogOut, tokens()?),
            OperationKind::PasswordReset => {
                self.request(ResetPassword::new(user()?.password()), tokens()?)
            }
            OperationKind::ServiceCheck => {
                let mut request = LogOut.build(&self.environment)?;
                complete(&mut request, Some(&self.user_agent));
                WithBearer::authorize(bearer()?, request.headers_mut());
                Ok(request)
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
}

/// The login guard is blocked.
struct Blocked;

impl Delay {
    /// The error of a call that would have to wait longer than calls wait.
    pub(super) fn error(&self, until: Timestamp) -> Error {
        use ErrorKind::{BackingOff, CoolingDown};
        let because = match self {
            Self::Backoff { because, .. } | Self::Cooldown { because, .. } => because.clone(),
        };
        Error::new(match self {
            Self::Backoff { .. } => BackingOff { until, because },
            Self::Cooldown { .. } => CoolingDown { until, because },
        })
    }
}
