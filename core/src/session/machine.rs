//! The face of the machine: a session, and what its owner does with it.

use std::fmt;

use http::HeaderValue;

use super::{
    backoff::Jitter,
    event::{Event, Events},
    guard::{BlockReason, LoginGuard},
    memory::Memory,
    new_password::NewPassword,
    operation::OperationKind,
    results::Results,
    settings::Settings,
    snapshot::{OtherSession, Snapshot},
};
use crate::{BearerToken, Credentials, Environment, SessionToken, Timestamp};

/// One user's session with ThingSpace, shared by any number of
/// [`Call`](super::Call)s.
///
/// It is plain data: put it into a mutex, a file, or wherever your calls meet.
#[doc(alias = "token cache")]
#[derive(Clone)]
pub struct Session {
    pub(super) environment: Environment,
    pub(super) credentials: Credentials,
    pub(super) settings: Settings,
    pub(super) user_agent: HeaderValue,
    pub(super) memory: Memory,
    /// The password epoch that the credentials here are of.
    pub(super) password_epoch: u64,
    pub(super) events: Events,
    pub(super) results: Results,
    pub(super) jitter: Jitter,
}

impl Session {
    pub(super) const USER_AGENT: HeaderValue =
        HeaderValue::from_static(concat!("thingspace/", env!("CARGO_PKG_VERSION")));

    /// A session that is not open yet. Nothing is sent until a call asks for it.
    /// [`SessionBuilder`](super::SessionBuilder) makes one with other settings, or
    /// continues one from a snapshot.
    ///
    /// `seed` is the source of the jitter of backoffs: give every process another
    /// one, so that many that failed together do not come back together.
    pub fn new(environment: Environment, credentials: Credentials, seed: u64) -> Self {
        Self::assemble(
            environment,
            credentials,
            Settings::default(),
            Memory::default(),
            seed,
            Self::USER_AGENT,
        )
    }

    pub(super) fn assemble(
        environment: Environment,
        credentials: Credentials,
        settings: Settings,
        memory: Memory,
        seed: u64,
        user_agent: HeaderValue,
    ) -> Self {
        Self {
            environment,
            credentials,
            settings,
            user_agent,
            password_epoch: memory.password_epoch,
            memory,
            events: Events::default(),
            results: Results::default(),
            jitter: Jitter::new(seed),
        }
    }

    /// Uses other credentials of the same application and user from now on.
    ///
    /// If the user's differ, the login guard is unblocked and allows as many
    /// logins as may fail, but none that could lock the user name, even if it was
    /// [unblocked](Self::unblock) by name; the same ones again change nothing.
    /// Another secret of the application ends the use of the bearer token. A
    /// login that is in progress is not used when it succeeds. Processes that
    /// share the session make no login with the password that they have until
    /// they are given this one.
    ///
    /// Fails, and changes nothing, if the application's key or the user's name is
    /// another one: another user is another session.
    pub fn set_credentials(&mut self, credentials: Credentials) -> Result<(), OtherSession> {
        let (key, username) = (self.credentials.app.key(), self.credentials.user.username());
        OtherSession::check(key, username, &credentials)?;
        let old = std::mem::replace(&mut self.credentials, credentials);
        let new = &self.credentials;
        if old == *new {
            return Ok(());
        }
        if old.app != new.app {
            self.memory.bearer = None;
        }
        if old.user != new.user {
            // One that lags behind others, whose password is good, catches up with
            // them. Any other goes ahead of them.
            let catches_up = self.password_outdated() && !self.guard_is_blocked();
            self.reopen_guard(|session| {
                if catches_up {
                    session.memory.guard.take_back_unblocking();
                } else {
                    session.memory.guard.reopen();
                }
            });
            if !catches_up {
                self.begin_password_epoch();
            }
        }
        // A reset that is in progress decides on the password, whoever gave one
        // meanwhile. Of any other operation, nothing is used.
        if self.operation() != Some(OperationKind::PasswordReset) {
            self.memory.operations = self.memory.operations.saturating_add(1);
        }
        self.memory.touch();
        Ok(())
    }

    /// Unblocks the login guard with the credentials as they are: allows as many
    /// logins again as may fail.
    ///
    /// Do this only when you know why logins failed and that they will not
    /// again: the platform's own count goes on, and
    /// [`LoginGuard::failed_logins`] with it; at
    /// [`PLATFORM_LOCKS_AT`](super::PLATFORM_LOCKS_AT) the user name is locked.
    #[doc(alias = "re-arm")]
    pub fn unblock(&mut self) {
        let logging_in = self.operation() == Some(OperationKind::LogIn);
        self.reopen_guard(|session| session.memory.guard.unblock(logging_in));
    }

    /// The oldest event that nobody has seen, if there is one. Drain the events
    /// after each step, and after the machine has the response.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Everything that must outlive the process.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.environment, &self.credentials, &self.memory)
    }

    /// The version of the session. It grows whenever the contents of a snapshot
    /// change: save before you act on a step that made it grow, and wake calls
    /// that wait. (The time of the last use alone makes it grow once a minute, so
    /// that a busy session need not be saved with every call.)
    pub const fn version(&self) -> u64 {
        self.memory.version
    }

    /// The place that its calls go to.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The credentials in use; after a reset that was confirmed, with the new
    /// password.
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The numbers that tune it.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The state of the login guard.
    pub fn login_guard(&self) -> LoginGuard {
        let mut guard = self.memory.guard.state(self.settings.max_failed_logins);
        if self.password_outdated() && guard.blocked.is_none() {
            guard.attempts_left = 0;
            guard.blocked = Some(BlockReason::PasswordOutdated);
        }
        guard
    }

    /// The new password that a reset brought and that is not
    /// [confirmed](Self::confirm) here, if it came to this process: also when
    /// nobody waited for it any more.
    pub const fn new_password(&self) -> Option<&NewPassword> {
        self.results.new_password.as_ref()
    }

    /// The bearer token, if there is one.
    pub fn bearer_token(&self) -> Option<&BearerToken> {
        self.memory.bearer.as_ref().map(|bearer| &bearer.token)
    }

    /// The time at which the bearer token will be renewed, if there is one.
    #[doc(alias = "refresh")]
    pub fn bearer_renewal(&self) -> Option<Timestamp> {
        self.memory.bearer.as_ref().map(|bearer| bearer.renew_at)
    }

    /// The token of the open session, if one is open as far as is known.
    pub fn session_token(&self) -> Option<&SessionToken> {
        self.memory.open.as_ref().map(|open| &open.token)
    }

    /// The time at which the open session was opened.
    pub fn opened_at(&self) -> Option<Timestamp> {
        self.memory.open.as_ref().map(|open| open.since)
    }

    /// The time at which the open session was last used with success.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.memory.open.as_ref().map(|open| open.used)
    }

    /// The operation in progress, if there is one.
    pub fn operation(&self) -> Option<OperationKind> {
        self.memory.lease.map(|lease| lease.kind)
    }

    /// Returns true if another process has reset the password or was given
    /// another one, and this one has not been given it.
    pub(super) const fn password_outdated(&self) -> bool {
        self.password_epoch != self.memory.password_epoch
    }

    /// Returns true if the guard is blocked for all who share it.
    pub(super) fn guard_is_blocked(&self) -> bool {
        self.memory
            .guard
            .is_blocked(self.settings.max_failed_logins)
    }

    /// Begins a password epoch: the password here is one that no other process
    /// has.
    pub(super) fn begin_password_epoch(&mut self) {
        self.memory.password_epoch = self.memory.password_epoch.saturating_add(1);
        self.password_epoch = self.memory.password_epoch;
    }

    /// Reopens the guard, as far as `reopen` does: the password here is the one to
    /// use.
    pub(super) fn reopen_guard(&mut self, reopen: impl FnOnce(&mut Self)) {
        let before = self.login_guard().blocked;
        reopen(self);
        self.password_epoch = self.memory.password_epoch;
        match self.login_guard().blocked {
            None if before.is_some() => self.events.push(Event::LoginsUnblocked),
            // It was not reported yet.
            Some(reason) if before.as_ref() != Some(&reason) => {
                self.events.push(Event::LoginsBlocked { reason });
            }
            _ => {}
        }
        self.memory.touch();
    }
}

/// Shows the session's state, and no secret.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("environment", &self.environment)
            .field("version", &self.version())
            .field("bearer_renewal", &self.bearer_renewal())
            .field("opened_at", &self.opened_at())
            .field("last_used", &self.last_used())
            .field("operation", &self.operation())
            .field("login_guard", &self.login_guard())
            .finish_non_exhaustive()
    }
}
