//! The machine: a session that opens itself, stays alive, survives its own
//! expiry and never locks its user out.
//!
//! A [`Session`] is two tokens, a count of failed logins, and at most one
//! flight under way. It does nothing by itself. A [`Call`] is one thing that a
//! caller wants; its [`step`](Call::step) says what to do next, and all of it
//! is either [`Send`](Step::Send), [`Wait`](Step::Wait) or
//! [`Done`](Step::Done).
//!
//! ```text
//!              ┌──────────── bearer stale or refused ────────────┐
//!              ▼                                                 │
//!        fetch bearer ──▶ login guard ──▶ log in ──▶ the call itself ──▶ done
//!              ▲             │ closed        ▲             │
//!            pause           ▼               └─────────────┤ session idle
//!              ▲           error                           │ or refused
//!              └────────────── failed, may pass ───────────┘
//! ```
//!
//! Everything that a session remembers is in its [`Snapshot`]; the
//! [version](Session::version) grows when that changes.

mod brake;
mod call;
mod event;
mod failure;
mod flight;
mod guard;
mod observe;
mod retry;
mod settings;
mod snapshot;
mod store;
mod task;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use self::{
    brake::Brake,
    event::Events,
    failure::Failure,
    flight::Flight,
    guard::Guard,
    retry::{Jitter, Span},
};
pub use self::{
    brake::{FIRST_BRAKE, FREE_DEATHS, LONGEST_BRAKE, YOUNG},
    call::{Attempt, Call, Step, Transmit, Wait, WaitReason},
    event::{Event, MAX_EVENTS},
    flight::FlightKind,
    guard::{Gate, GateReason},
    observe::{Exchange, Observer, Outcome},
    retry::LONGEST_PAUSE,
    settings::{
        BEARER_LIFETIME, IDLE_TIMEOUT, MaxFailedLogins, PLATFORM_LOCKS_AT, Settings, SettingsError,
    },
    snapshot::{RestoreError, Snapshot},
    store::{Saved, Store},
    task::{ChangePassword, ChangePasswordKept, EndSession, OpenSession, Task},
};
use crate::{
    BearerToken, Credentials, Environment, Error, Password, SessionToken, Timestamp,
    api::oauth::BearerTokenResponse, refusal::Refusal,
};

/// The shortest time that a fetched bearer token is used, whatever lifetime the
/// service gives it: so that a token given out at its very end does not set off
/// one fetch after the other.
const SHORTEST_BEARER_USE: Duration = Duration::from_secs(1);

/// How far the time of a session's last use may run ahead of the last one that
/// the [version](Session::version) told of.
const USE_GRAIN: Duration = Duration::from_secs(60);

/// One user's session with ThingSpace, shared by any number of [`Call`]s.
///
/// It is plain data: put it into a mutex, a file, or wherever your calls meet.
#[derive(Clone)]
pub struct Session {
    environment: Environment,
    credentials: Credentials,
    settings: Settings,
    memory: Memory,
    /// Which of the passwords that there have been the credentials hold.
    password: u64,
    events: Events,
}

/// What outlives the process.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    version: u64,
    /// How many flights have been started. Tokens carry the number of the
    /// flight that brought them: their generation.
    flights: u64,
    #[serde(deserialize_with = "snapshot::present")]
    flight: Option<Flight>,
    #[serde(deserialize_with = "snapshot::present")]
    bearer: Option<Bearer>,
    #[serde(deserialize_with = "snapshot::present")]
    open: Option<Open>,
    /// How many other passwords resets have brought, or callers given.
    passwords: u64,
    guard: Guard,
    /// How the guards stood of users that were given before, the last one last.
    former: Vec<Former>,
    brake: Brake,
    /// Token fetches and logins that failed in a row.
    failures: u32,
    #[serde(deserialize_with = "snapshot::present")]
    pause: Option<Pause>,
    #[serde(deserialize_with = "snapshot::present")]
    failure: Option<Failure>,
    jitter: Jitter,
}

/// A user that was given before, and left a guard that is not as new.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Former {
    username: String,
    guard: Guard,
}

/// Of how many former users the guard is remembered: of more than are ever given in
/// turn.
const MOST_FORMER: usize = 100;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Bearer {
    token: BearerToken,
    generation: u64,
    renew_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    token: SessionToken,
    generation: u64,
    since: Timestamp,
    used: Timestamp,
    /// The last use that the version told of.
    told: Timestamp,
}

/// Why no flight takes off, and until when.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pause {
    span: Span,
    braked: bool,
}

/// What came of a flight that landed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Landing {
    /// Nothing newer has happened: what it brings back counts.
    Fresh,
    /// Another flight has started since, or the credentials are others.
    Stale,
}

impl Session {
    /// A session that is not open yet. Nothing is sent until a call asks for
    /// it.
    ///
    /// `seed` is where the jitter of pauses comes from: give every process
    /// another one, so that many that failed together do not come back
    /// together.
    pub fn new(environment: Environment, credentials: Credentials, seed: u64) -> Self {
        Self::with_memory(environment, credentials, Memory::new(seed))
    }

    /// The session that a snapshot was taken of, with its tokens, its login
    /// guard and its jitter as they were.
    ///
    /// A closed guard stays closed: a snapshot does not hold the password, so
    /// nobody can know whether `credentials` are other ones.
    ///
    /// Fails if the snapshot is of another environment, application or user.
    pub fn restore(
        snapshot: Snapshot,
        environment: Environment,
        credentials: Credentials,
    ) -> Result<Self, RestoreError> {
        let memory = snapshot.open(&environment, &credentials)?;
        Ok(Self::with_memory(environment, credentials, memory))
    }

    fn with_memory(environment: Environment, credentials: Credentials, memory: Memory) -> Self {
        Self {
            environment,
            credentials,
            settings: Settings::default(),
            password: memory.passwords,
            memory,
            events: Events::default(),
        }
    }

    /// The same session with other settings.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Uses other credentials from now on.
    ///
    /// If the user's differ, the login guard opens and allows as many logins as
    /// may fail, but none that could lock the user name, even if it was re-armed; the
    /// same ones again change nothing. Another user name ends the use of the open
    /// session, and one that was given before finds its guard as it was; another
    /// application ends the use of the bearer token. What a login that is under way
    /// brings back is not taken. Processes that share the session make no login with
    /// the password that they have until they are given this one.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        let old = std::mem::replace(&mut self.credentials, credentials);
        let new = &self.credentials;
        if old == *new {
            return;
        }
        let flight = self.memory.flight.map(|flight| flight.kind);
        if old.app != new.app {
            self.memory.bearer = None;
        }
        let same_user = old.user.username() == new.user.username();
        if !same_user {
            let former = old.user.username().to_owned();
            self.open_gate(|session| session.change_user(former));
            self.go_ahead();
            self.memory.open = None;
        } else if old.user != new.user {
            // One that lags behind others, whose password is good, catches up with
            // them. Any other goes ahead of them.
            let catches_up = self.password_outdated() && self.guard().closed.is_none();
            self.open_gate(|session| {
                if catches_up {
                    session.memory.guard.take_back_rearming();
                } else {
                    session.memory.guard.reopen();
                }
            });
            if !catches_up {
                self.go_ahead();
            }
        }
        // A reset that is under way decides on the password, whoever gave one meanwhile.
        if !(same_user && flight == Some(FlightKind::PasswordReset)) {
            self.memory.flights = self.memory.flights.saturating_add(1);
        }
        self.touch();
    }

    /// Opens the login guard with the credentials as they are: allows as many
    /// logins again as may fail.
    ///
    /// Do this only when you know why logins failed and that they will not
    /// again: the platform's own count goes on, and [`Gate::failed_logins`] with
    /// it; at [`PLATFORM_LOCKS_AT`] the user name is locked.
    #[doc(alias = "re-arm")]
    pub fn rearm(&mut self) {
        let logging_in = self
            .memory
            .flight
            .is_some_and(|flight| flight.kind == FlightKind::LogIn);
        self.open_gate(|session| session.memory.guard.rearm(logging_in));
    }

    /// Lets the time be `now`, for those who look at a session that nobody
    /// drives: a flight that did not come back in time is lost, and a session
    /// that was not used for too long is over. Every step does so by itself.
    pub fn age(&mut self, now: Timestamp) {
        self.catch_up(now);
        self.usable_session(now, 0);
    }

    /// The oldest event that nobody has seen, if there is one.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Everything that must outlive the process.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self)
    }

    /// Grows whenever that changes what a snapshot holds: save before you act on
    /// a step that made it grow, and wake calls that wait. (The time of the last
    /// use alone makes it grow once a minute, so that a busy session need not be
    /// saved with every call.)
    pub const fn version(&self) -> u64 {
        self.memory.version
    }

    /// Where its calls go.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The credentials in use; after a reset, with the new password.
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What it goes by.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How the login guard stands.
    pub fn gate(&self) -> Gate {
        let mut gate = self.guard();
        if self.password_outdated() && gate.closed.is_none() {
            gate.attempts_left = 0;
            gate.closed = Some(GateReason::PasswordOutdated);
        }
        gate
    }

    /// The bearer token, if there is one.
    pub fn bearer_token(&self) -> Option<&BearerToken> {
        self.memory.bearer.as_ref().map(|bearer| &bearer.token)
    }

    /// When the bearer token will be renewed, if there is one.
    pub fn bearer_renewal(&self) -> Option<Timestamp> {
        self.memory.bearer.as_ref().map(|bearer| bearer.renew_at)
    }

    /// The token of the open session, if one is open as far as is known.
    pub fn session_token(&self) -> Option<&SessionToken> {
        self.memory.open.as_ref().map(|open| &open.token)
    }

    /// When the open session was opened.
    pub fn opened_at(&self) -> Option<Timestamp> {
        self.memory.open.as_ref().map(|open| open.since)
    }

    /// When the open session was last used with success.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.memory.open.as_ref().map(|open| open.used)
    }

    /// What is under way, if anything is.
    pub fn flight(&self) -> Option<FlightKind> {
        self.memory.flight.map(|flight| flight.kind)
    }
}

/// What calls do with a session.
impl Session {
    /// Lets the time be `now`: ends the lease of a flight whose carrier did not
    /// come back, and keeps a clock that was set back from prolonging anything.
    fn catch_up(&mut self, now: Timestamp) {
        let pause = self.memory.pause.as_mut();
        if pause.is_some_and(|pause| pause.span.rebase(now)) {
            self.touch();
        }
        let Some(flight) = self.memory.flight.as_mut() else {
            return;
        };
        if flight.lease.rebase(now) {
            self.touch();
            return;
        }
        if flight.lease.rest(now).is_none() {
            let Flight { id, kind, .. } = *flight;
            self.events.push(Event::FlightLapsed { kind });
            self.lose(id);
        }
    }

    /// The bearer token to use now, if there is one. One that this call fetched
    /// itself is used, however short its life.
    fn usable_bearer(&self, now: Timestamp, own: u64) -> Option<(&BearerToken, u64)> {
        let bearer = self.memory.bearer.as_ref()?;
        (now < bearer.renew_at || bearer.generation == own)
            .then_some((&bearer.token, bearer.generation))
    }

    /// The session token to use now, if a session is open and not idle for too
    /// long.
    fn usable_session(&mut self, now: Timestamp, own: u64) -> Option<&SessionToken> {
        let open = self.memory.open.as_ref()?;
        if now.since(open.used) >= self.settings.idle_timeout && open.generation != own {
            self.memory.open = None;
            self.events.push(Event::SessionIdle);
            self.touch();
        }
        self.session_token()
    }

    /// Until when no flight takes off, and why.
    fn pause(&self, now: Timestamp) -> Option<(Timestamp, Pause)> {
        let pause = self.memory.pause?;
        Some((pause.span.rest(now)?, pause))
    }

    /// Starts a flight. A login is counted here, before it is sent.
    fn take_off(&mut self, kind: FlightKind, now: Timestamp, deadline: Timestamp) -> u64 {
        self.memory.flights = self.memory.flights.saturating_add(1);
        let id = self.memory.flights;
        self.memory.flight = Some(Flight::new(id, kind, now, deadline));
        if kind == FlightKind::LogIn {
            self.memory.guard.charge();
        }
        self.touch();
        id
    }

    /// Ends a flight whose carrier is back.
    fn land(&mut self, id: u64) -> Landing {
        if self.memory.flight.is_some_and(|flight| flight.id == id) {
            self.memory.flight = None;
        }
        self.touch();
        if id == self.memory.flights {
            Landing::Fresh
        } else {
            Landing::Stale
        }
    }

    /// Ends a flight of which nothing more will be heard. A login stays
    /// counted; a reset leaves the password in doubt.
    fn lose(&mut self, id: u64) {
        let Some(flight) = self.memory.flight.filter(|flight| flight.id == id) else {
            return;
        };
        let landing = self.land(id);
        match flight.kind {
            FlightKind::LogIn if landing == Landing::Fresh => self.login_lost(),
            FlightKind::PasswordReset if landing == Landing::Fresh => self.password_unknown(id),
            _ => {}
        }
    }

    /// What a flight that set out at `sent` brought back.
    fn bearer_fetched(
        &mut self,
        generation: u64,
        sent: Timestamp,
        now: Timestamp,
        answer: BearerTokenResponse,
    ) {
        let lifetime = answer.expires_in.unwrap_or(BEARER_LIFETIME);
        let use_for = match lifetime.checked_sub(self.settings.clock_skew) {
            Some(rest) if !rest.is_zero() => rest,
            // Asked for again within its hour, the same token comes back (documented by
            // Verizon): near its end there is nothing to be had by renewing it early.
            _ => lifetime,
        };
        let renew_at = (sent + use_for).max(now + SHORTEST_BEARER_USE);
        self.memory.bearer = Some(Bearer {
            token: answer.access_token,
            generation,
            renew_at,
        });
        self.recovered();
        self.events.push(Event::BearerFetched { renew_at });
    }

    fn logged_in(&mut self, generation: u64, sent: Timestamp, token: SessionToken) {
        self.memory.open = Some(Open {
            token,
            generation,
            since: sent,
            used: sent,
            told: sent,
        });
        self.memory.guard.succeeded();
        self.recovered();
        self.events.push(Event::LoggedIn);
    }

    /// A flight succeeded: what failed before no longer counts. A brake stays:
    /// it is about sessions that die, not about flights that fail.
    fn recovered(&mut self) {
        self.memory.failures = 0;
        self.memory.pause = self.memory.pause.filter(|pause| pause.braked);
        self.touch();
    }

    /// A call with the session of this generation was answered.
    fn used(&mut self, generation: u64, sent: Timestamp) {
        let Some(open) = self.open_of(generation) else {
            return;
        };
        let age = sent.since(open.since);
        open.used = open.used.max(sent);
        let tell = open.used.since(open.told) >= USE_GRAIN;
        if tell {
            open.told = open.used;
            self.memory.brake.lived(age);
            self.touch();
        }
    }

    /// The bearer token of this generation was refused.
    fn bearer_refused(&mut self, generation: u64) {
        if self
            .memory
            .bearer
            .as_ref()
            .is_some_and(|bearer| bearer.generation == generation)
        {
            self.memory.bearer = None;
            self.events.push(Event::BearerRefused);
            self.touch();
        }
    }

    /// The session of this generation was refused.
    fn session_refused(&mut self, generation: u64, now: Timestamp) {
        let Some(open) = self.open_of(generation) else {
            return;
        };
        let age = now.since(open.since);
        self.memory.open = None;
        self.events.push(Event::SessionRefused);
        if let Some(length) = self.memory.brake.died(age) {
            // A pause that the service asked for is not cut short.
            let asked = self.pause(now).map(|(until, _)| until.since(now));
            let span = Span::new(now, length.max(asked.unwrap_or_default()));
            self.memory.pause = Some(Pause { span, braked: true });
            self.events.push(Event::Braked { until: span.end() });
        }
        self.touch();
    }

    /// The session of this generation was ended on purpose.
    fn logged_out(&mut self, generation: u64) {
        if self.open_of(generation).is_some() {
            self.memory.open = None;
            self.events.push(Event::LoggedOut);
            self.touch();
        }
    }

    /// A login certainly was not judged.
    fn login_not_judged(&mut self) {
        self.memory.guard.give_back();
        self.touch();
    }

    /// A login has an unknown fate; it stays counted.
    fn login_lost(&mut self) {
        let attempts_left = self.gate().attempts_left;
        self.events.push(Event::LoginLost { attempts_left });
        self.tell_of_spent_budget();
    }

    /// A login was refused; it stays counted. Says what that means.
    fn login_refused(&mut self, refusal: Box<Refusal>) -> Error {
        let code = refusal.code().cloned();
        if refusal.names_credentials() {
            self.events.push(Event::LoginRefused {
                code,
                attempts_left: 0,
            });
            return self.credentials_refused(refusal);
        }
        let gate = self.gate();
        let attempts_left = gate.attempts_left;
        self.events.push(Event::LoginRefused {
            code,
            attempts_left,
        });
        self.tell_of_spent_budget();
        Error::LoginRefused { gate, refusal }
    }

    /// The service named the credentials as what is wrong. Says what that means.
    fn credentials_refused(&mut self, refusal: Box<Refusal>) -> Error {
        let code = refusal.code().cloned();
        self.close(GateReason::WrongCredentials { code });
        Error::WrongCredentials {
            gate: self.gate(),
            refusal,
        }
    }

    fn password_changed(&mut self, password: Password) {
        self.credentials.user = self.credentials.user.with_password(password);
        self.go_ahead();
        self.events.push(Event::PasswordChanged);
        self.open_gate(|session| session.memory.guard.rearm(false));
    }

    /// The answer to this reset is lost.
    fn password_unknown(&mut self, reset: u64) {
        if self.gate().closed != Some(GateReason::PasswordUnknown) {
            self.memory.guard.doubt(reset);
            self.closed(GateReason::PasswordUnknown);
        }
    }

    /// The password is one that no other process has.
    fn go_ahead(&mut self) {
        self.memory.passwords = self.memory.passwords.saturating_add(1);
        self.password = self.memory.passwords;
    }

    /// How the login guard stands for all who share it.
    fn guard(&self) -> Gate {
        self.memory.guard.gate(self.settings.max_failed_logins)
    }

    /// Whether another process has reset the password or was given another one,
    /// and this one has not been given it.
    fn password_outdated(&self) -> bool {
        self.password != self.memory.passwords
    }

    fn tell_of_outdated_password(&mut self) {
        let reason = GateReason::PasswordOutdated;
        self.events.push(Event::GateClosed { reason });
    }

    /// Lets the guard of the user before be, and takes up the one of the user of now.
    fn change_user(&mut self, username: String) {
        let memory = &mut self.memory;
        let user = self.credentials.user.username();
        let known = memory.former.iter().position(|one| one.username == user);
        let own = known.map(|known| memory.former.remove(known).guard);
        let mut guard = std::mem::replace(&mut memory.guard, own.unwrap_or_default());
        let flight = memory.flight.map(|flight| flight.kind);
        guard.leave(flight == Some(FlightKind::PasswordReset));
        if guard != Guard::default() {
            memory.former.push(Former { username, guard });
        }
        if memory.former.len() > MOST_FORMER {
            memory.former.remove(0);
        }
    }

    /// Opens the gate, as far as `open` does: the password that is here is the one
    /// to use.
    fn open_gate(&mut self, open: impl FnOnce(&mut Self)) {
        let before = self.gate().closed;
        open(self);
        self.password = self.memory.passwords;
        match self.gate().closed {
            None if before.is_some() => self.events.push(Event::GateOpened),
            // Nobody has been told yet.
            Some(reason) if before.as_ref() != Some(&reason) => {
                self.events.push(Event::GateClosed { reason });
            }
            _ => {}
        }
        self.touch();
    }

    fn close(&mut self, reason: GateReason) {
        self.memory.guard.close(reason.clone());
        self.closed(reason);
    }

    fn closed(&mut self, reason: GateReason) {
        self.events.push(Event::GateClosed { reason });
        self.touch();
    }

    fn tell_of_spent_budget(&mut self) {
        if let Some(reason @ GateReason::BudgetSpent) = self.gate().closed {
            self.events.push(Event::GateClosed { reason });
        }
    }

    /// A flight failed: those who waited for it shall know.
    fn flight_failed(&mut self, id: u64, kind: FlightKind, error: &Error) {
        self.memory.failure = Some(Failure::new(id, kind, error));
        self.touch();
    }

    /// A flight failed in a way that may pass: when the next one may start.
    fn pause_flights(&mut self, now: Timestamp, asked: Option<Timestamp>) -> Timestamp {
        self.memory.failures = self.memory.failures.saturating_add(1);
        let until = self
            .retry_time(self.memory.failures, now, asked)
            .min(now + LONGEST_PAUSE);
        if self.pause(now).is_none_or(|(other, _)| other < until) {
            let span = Span::new(now, until.since(now));
            self.memory.pause = Some(Pause {
                span,
                braked: false,
            });
            self.events.push(Event::Paused { until });
        }
        until
    }

    /// When to try again after a number of failures in a row, not before the
    /// service `asked` for it.
    fn retry_time(&mut self, failures: u32, now: Timestamp, asked: Option<Timestamp>) -> Timestamp {
        let until = match asked {
            Some(asked) => asked + self.memory.jitter.up_to(self.settings.first_backoff),
            None => now + self.memory.jitter.backoff(&self.settings, failures),
        };
        self.touch();
        until
    }

    fn open_of(&mut self, generation: u64) -> Option<&mut Open> {
        self.memory
            .open
            .as_mut()
            .filter(|open| open.generation == generation)
    }

    fn touch(&mut self) {
        self.memory.version = self.memory.version.saturating_add(1);
    }
}

impl Memory {
    fn new(seed: u64) -> Self {
        Self {
            version: 0,
            flights: 0,
            flight: None,
            bearer: None,
            open: None,
            passwords: 0,
            guard: Guard::default(),
            former: Vec::new(),
            brake: Brake::default(),
            failures: 0,
            pause: None,
            failure: None,
            jitter: Jitter::new(seed),
        }
    }
}

/// Shows how it stands, and no secret.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("environment", &self.environment)
            .field("version", &self.version())
            .field("bearer_renewal", &self.bearer_renewal())
            .field("opened_at", &self.opened_at())
            .field("last_used", &self.last_used())
            .field("flight", &self.flight())
            .field("gate", &self.gate())
            .finish_non_exhaustive()
    }
}
