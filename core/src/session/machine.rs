//! The face of the machine: a session, and what its owner does with it.

use std::fmt;

use http::HeaderValue;

use super::{
    backoff::Jitter,
    call_id::CallId,
    checked_address::CheckedAddress,
    event::{Event, Events},
    guard::{BlockReason, LoginGuard},
    memory::Memory,
    new_password::NewPassword,
    nonce::Nonces,
    operation::{OperationId, OperationKind},
    results::Results,
    settings::Settings,
    sharing::Sharing,
    snapshot::{OtherSession, Revision, Snapshot},
    tag::Tag,
};
use crate::{BearerToken, Credentials, Environment, SessionToken, Timestamp};

/// One user's session with ThingSpace, shared by any number of
/// [`Call`](super::Call)s.
///
/// It is plain data: put it into a mutex, or wherever your calls can share it.
///
/// See the guide for its [words](crate::guide::glossary), its
/// [settings](crate::guide::settings) and its [limits](crate::guide::limits).
#[doc(alias = "token cache")]
#[doc(alias = "VerizonClient")]
#[doc(alias = "keep-alive")]
#[doc(alias = "expiry")]
#[derive(Clone)]
pub struct Session {
    pub(super) environment: Environment,
    pub(super) credentials: Credentials,
    pub(super) settings: Settings,
    pub(super) user_agent: HeaderValue,
    pub(super) checked_address: CheckedAddress,
    pub(super) memory: Memory,
    /// The password epoch that the credentials here are of.
    pub(super) password_epoch: u64,
    pub(super) events: Events,
    pub(super) results: Results,
    pub(super) jitter: Jitter,
    pub(super) nonces: Nonces,
    /// The operation that this process has sent and has no result of.
    pub(super) in_flight: Option<OperationId>,
    /// The name of the call that has begun last.
    pub(super) last_call: CallId,
    pub(super) sharing: Option<Sharing>,
}

impl Session {
    pub(super) const USER_AGENT: HeaderValue =
        HeaderValue::from_static(concat!("thingspace/", env!("CARGO_PKG_VERSION")));

    /// A session that is not open yet. Nothing is sent until a call needs it.
    /// [`SessionBuilder`](super::SessionBuilder) makes one with other settings, or
    /// continues one from a snapshot.
    ///
    /// `seed` is the source of the jitter of backoffs, and of the names of operations.
    /// Give every process a different random number.
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
        mut memory: Memory,
        seed: u64,
        user_agent: HeaderValue,
    ) -> Self {
        let mut nonces = Nonces::new(seed);
        if memory.guard.salt == 0 {
            memory.guard.salt = nonces.next();
        }
        Self {
            environment,
            credentials,
            settings,
            user_agent,
            checked_address: CheckedAddress::default(),
            password_epoch: memory.password_epoch,
            memory,
            events: Events::default(),
            results: Results::default(),
            jitter: Jitter::new(seed),
            nonces,
            in_flight: None,
            last_call: CallId::NONE,
            sharing: None,
        }
    }

    /// Uses other credentials of the same application and user from now on.
    ///
    /// - If the password is another one, the login guard is open to it: it may fail as
    ///   often as the settings allow. But no login is made that could lock the user name,
    ///   and none with a password that was refused before.
    /// - The same credentials again change nothing.
    /// - If the application's secret is another one, the bearer token is not used any more.
    /// - If a login is in progress, its result is not used, also if it succeeds.
    /// - Other processes that share the session make no login with the old password. They
    ///   need this one as well.
    ///
    /// Fails, and changes nothing, if the application's key or the user's name is
    /// another one: another user is another session.
    pub fn set_credentials(&mut self, credentials: Credentials) -> Result<(), OtherSession> {
        let (key, username) = (self.credentials.app.key(), self.credentials.username());
        OtherSession::check(key, username, &credentials)?;
        let before = self.reported_reason();
        let old = std::mem::replace(&mut self.credentials, credentials);
        let new = &self.credentials;
        if old == *new {
            return Ok(());
        }
        if old.app != new.app {
            self.memory.end_bearer();
        }
        if old.user != new.user {
            self.end_doubts();
            // One that lags behind others catches up with them if it is given their
            // password. With any other it goes ahead of them.
            if self.memory.epoch_password == Some(self.tag()) {
                self.password_epoch = self.memory.password_epoch;
            } else {
                self.begin_password_epoch();
            }
            self.report_reopened(before.as_ref());
        }
        // A reset that is in progress decides on the password, whoever gave one
        // meanwhile. Of any other operation, nothing is used.
        if self.operation() != Some(OperationKind::PasswordReset) {
            self.memory.operations = self.memory.operations.saturating_add(1);
        }
        self.memory.touch();
        if let Some(sharing) = &mut self.sharing {
            sharing.given = self.memory.changes;
        }
        Ok(())
    }

    /// Allows one login with the present credentials, whatever has failed before. If that
    /// login fails or is lost, the guard is blocked again. To unblock twice still allows
    /// only one login.
    ///
    /// Do this only if you know why logins failed, and that this one will succeed. The
    /// platform's own count goes on, and so does [`LoginGuard::failed_logins`]. At
    /// [`PLATFORM_LOCKS_AT`](super::PLATFORM_LOCKS_AT) the user name is locked. See
    /// [what to do](crate::guide::errors#the-login-guard-is-blocked) for each reason.
    #[doc(alias = "re-arm")]
    pub fn unblock(&mut self) {
        let before = self.reported_reason();
        let (id, tag) = (self.next_name(), self.tag());
        self.memory.guard.unblock(id, tag);
        self.report_reopened(before.as_ref());
        if let Some(sharing) = &mut self.sharing {
            sharing.unblocked = (self.memory.changes, id);
        }
    }

    /// Ends the wait before the next token fetch or login: a backoff, a time that the
    /// service asked for, or a login cooldown. Call this only if you know that its cause is
    /// gone. It does not change the login guard. Returns true if there was a wait.
    pub fn retry_now(&mut self) -> bool {
        if self.memory.delay.take().is_none() {
            return false;
        }
        self.memory.failures = 0;
        // Others learn that it is over.
        if self.memory.lease.is_none() {
            self.memory.operations = self.memory.operations.saturating_add(1);
        }
        self.memory.touch();
        true
    }

    /// The end of the wait before the next token fetch or login, if there is one that is
    /// not over: a backoff, a time that the service asked for, or a login cooldown. The
    /// login guard may delay the next login further.
    pub fn delayed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.memory.delay(now).map(|(until, _)| until)
    }

    /// Takes the oldest event from the queue, if there is one. Take all events after each
    /// step, and after the machine has received a response.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Everything that must outlive the process, as of now.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let revision = Revision::default();
        let memory = self.memory.clone();
        Snapshot::of(revision, now, &self.environment, &self.credentials, memory)
    }

    /// The version of the session. It grows whenever the contents of a snapshot
    /// change. If a step has made it grow, save before you execute the step, and wake the
    /// calls that wait. (The time of the last use makes it grow only once a minute. So a
    /// busy session need not be saved with every call.)
    pub const fn version(&self) -> u64 {
        self.memory.version
    }

    /// The environment that its calls go to.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The credentials in use. After a confirmed reset they have the new password.
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The settings of the session.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The state of the login guard, for the credentials in use.
    pub fn login_guard(&self) -> LoginGuard {
        let guard = &self.memory.guard;
        guard.state(self.tag(), self.password_outdated(), &self.settings)
    }

    /// The new password of a reset that is not [confirmed](Self::confirm) here, if its
    /// response came to this process. It is here also if the call that asked for the reset
    /// was dropped.
    pub const fn new_password(&self) -> Option<&NewPassword> {
        self.results.new_password.as_ref()
    }

    /// The bearer token, if there is one.
    pub fn bearer_token(&self) -> Option<&BearerToken> {
        self.bearer().map(|(token, _)| token)
    }

    /// The time at which the bearer token will be renewed, if there is one.
    #[doc(alias = "refresh")]
    #[doc(alias = "expires_in")]
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

    /// The bearer token that there is, whatever its age.
    pub(super) fn bearer(&self) -> Option<(&BearerToken, OperationId)> {
        if let Some(fixed) = self.credentials.app.fixed_token() {
            return Some((fixed, OperationId::default()));
        }
        let bearer = self.memory.bearer.as_ref()?;
        Some((&bearer.token, bearer.generation))
    }

    /// The tag of the password in use.
    pub(super) fn tag(&self) -> Tag {
        Tag::of_any(self.credentials.password(), self.memory.guard.salt)
    }

    /// A name for what begins next.
    pub(super) fn next_name(&mut self) -> OperationId {
        OperationId {
            number: self.memory.operations.saturating_add(1),
            nonce: self.nonces.next(),
        }
    }

    /// Takes back every doubt about the password, but that of a reset in progress: that
    /// one decides on the password, whoever gave one meanwhile.
    pub(super) fn end_doubts(&mut self) {
        let guard = &mut self.memory.guard;
        let lease = self.memory.lease;
        let reset = lease.filter(|lease| lease.kind == OperationKind::PasswordReset);
        let in_progress = reset.filter(|reset| !guard.awaits_confirmation(reset.operation));
        guard.end_doubts(in_progress.map(|reset| reset.operation));
        if reset.is_some() && in_progress.is_none() {
            self.memory.lease = None;
        }
    }

    /// Begins a password epoch: the password here is one that no other process
    /// has.
    pub(super) fn begin_password_epoch(&mut self) {
        self.memory.password_epoch = self.memory.password_epoch.saturating_add(1);
        self.memory.epoch_password = Some(self.tag());
        self.password_epoch = self.memory.password_epoch;
    }

    /// The reason why no login is made, once it is reported: a reset in progress is not,
    /// since logins wait for it.
    pub(super) fn reported_reason(&self) -> Option<BlockReason> {
        use BlockReason::{AwaitingConfirmation, PasswordInDoubt};
        let reason = self.login_guard().blocked?;
        let is_of_lease = self
            .memory
            .lease
            .is_some_and(|lease| self.memory.guard.is_in_doubt_only_of(lease.operation));
        let is_doubt = matches!(reason, AwaitingConfirmation | PasswordInDoubt);
        (!(is_doubt && is_of_lease)).then_some(reason)
    }

    /// Reports what somebody has changed by name about logins, which were blocked for
    /// this reason before.
    pub(super) fn report_reopened(&mut self, before: Option<&BlockReason>) {
        match self.reported_reason() {
            None if before.is_some() => self.events.push(Event::LoginsUnblocked),
            // It was not reported yet.
            Some(reason) if before != Some(&reason) => {
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
