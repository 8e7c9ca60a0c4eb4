//! Snapshots as a store may return them: any bytes at all.

use std::{fmt::Write, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Session, SessionBuilder, Step,
    Timestamp, TransportError, UserCredentials,
    session::{OtherSession, PLATFORM_LOCKS_AT, Settings, Snapshot, SnapshotError},
};

use crate::{response::assert_hides, wire::assert_one_request};

/// The name of a snapshot's only field.
pub(crate) const FORMAT: &str = "thingspace-session-3";

/// The greatest number of an operation or a password epoch that a snapshot may hold.
pub(crate) const GREATEST_NUMBER: u64 = (1 << 53) - 1;

/// More than the operations that begin in one life.
const MOST_OPERATIONS: u64 = 1000;

/// The number of logins that may have failed, or may have, since the last success,
/// unless somebody unblocks the guard.
pub(crate) const MOST_LOGINS: u64 = PLATFORM_LOCKS_AT as u64 - 1;

/// Reads `data` as a snapshot. It must be refused with an error that shows nothing of
/// it, or be accepted as a whole. An accepted snapshot stays the same when it is saved
/// and loaded again, and only its owner can continue it, at any time of the clock and
/// however old it is, unless it has values that no session ever had. The session that
/// continues it makes no more logins than may fail. It can drive every call to its end,
/// also with a restart before each step, as long as it is not at the end of its range.
pub fn snapshot(data: &[u8]) {
    let snapshot: Snapshot = match serde_json::from_slice(data) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            assert_hides(&format!("{error} {error:?}"), data, "");
            return;
        }
    };
    let stored = serde_json::to_value(&snapshot).unwrap();
    assert!(again(&snapshot) == snapshot);
    if let Ok(given) = serde_json::from_slice(data) {
        assert!(stands_in(&stored, &given), "a value was made up");
    }

    let Some(owner) = Owner::of(&stored) else {
        return;
    };
    let saved_at = snapshot.saved_at();
    let restored = owner.restore(&snapshot, Duration::ZERO, saved_at);
    if owner.environment.to_string() != stored[FORMAT]["environment"] {
        assert_eq!(restored.unwrap_err(), OtherSession::Environment.into());
        return;
    }
    assert_belongs_to(&snapshot, &owner);
    let session = match restored {
        Ok(session) => session,
        Err(error) => return assert_eq!(error, SnapshotError::Damaged),
    };
    let taken_again = serde_json::to_value(session.snapshot(saved_at)).unwrap();
    assert_eq!(taken_again[FORMAT]["memory"], stored[FORMAT]["memory"]);
    assert_hides_tokens(&session, &snapshot, &owner);

    let logins = logins_left(&stored[FORMAT]);
    for start in [0, 1_700_000_000_000, u64::MAX] {
        let start = Timestamp::from_millis(start);
        for age in [Duration::ZERO, Duration::from_secs(40), Duration::MAX] {
            let restored = || owner.restore_steady(&snapshot, age, start);
            let straight = Life::new(restored(), &owner, logins, start, false).lived();
            if nears_the_end(&stored[FORMAT]["memory"]) {
                continue;
            }
            let restarted = Life::new(restored(), &owner, logins, start, true).lived();
            for (straight, restarted) in straight.lines().zip(restarted.lines()) {
                assert_eq!(straight, restarted, "law 11");
            }
            assert_eq!(straight.len(), restarted.len(), "law 11");
        }
    }
}

/// The owner of a snapshot.
pub(crate) struct Owner {
    pub(crate) environment: Environment,
    credentials: Credentials,
}

impl Owner {
    /// The owner that a snapshot names, if there can be such a one.
    pub(crate) fn of(stored: &Value) -> Option<Self> {
        let contents = &stored[FORMAT];
        let text = |name: &str| contents[name].as_str().unwrap();
        let environment = text("environment").parse().ok()?;
        let app = AppCredentials::new(text("key"), "secret").ok()?;
        let user = UserCredentials::new(text("username"), "password").ok()?;
        Some(Self {
            environment,
            credentials: Credentials::new(app, user),
        })
    }

    pub(crate) fn builder(&self) -> SessionBuilder {
        SessionBuilder::new(self.credentials.clone()).environment(self.environment.clone())
    }

    /// Restores the session from a snapshot of this age.
    pub(crate) fn restore(
        &self,
        snapshot: &Snapshot,
        age: Duration,
        now: Timestamp,
    ) -> Result<Session, SnapshotError> {
        let builder = self.builder().snapshot(snapshot.clone(), age, now);
        builder.build()
    }

    /// Returns true if a snapshot is another session's.
    pub(crate) fn of_another(&self, snapshot: &Snapshot) -> bool {
        let restored = self.restore(snapshot, Duration::ZERO, snapshot.saved_at());
        matches!(restored, Err(SnapshotError::Other(_)))
    }

    /// Restores the session without jitter, which is the process's own and not saved.
    fn restore_steady(&self, snapshot: &Snapshot, age: Duration, now: Timestamp) -> Session {
        let builder = self.builder().snapshot(snapshot.clone(), age, now);
        builder.settings(steady()).build().unwrap()
    }
}

/// Settings without jitter.
pub(crate) fn steady() -> Settings {
    let mut settings = Settings::default();
    settings.first_backoff = Duration::ZERO;
    settings
}

/// Returns true if everything in `stored` is also in `given`, in any form that serde
/// reads. The details of a saved refusal may differ, since they are only shown.
fn stands_in(stored: &Value, given: &Value) -> bool {
    match (stored, given) {
        (Value::Object(stored), Value::Object(given)) => stored.iter().all(|(name, stored)| {
            let is_detail = matches!(
                name.as_str(),
                "Api" | "Gateway" | "WrongCredentials" | "CantBeSent"
            );
            let found = given.get(name);
            found.is_some_and(|given| is_detail || stands_in(stored, given))
        }),
        (Value::Object(stored), Value::Array(given)) => stored.len() == given.len(),
        (Value::Array(stored), Value::Array(given)) => {
            let mut pairs = stored.iter().zip(given);
            stored.len() == given.len() && pairs.all(|(stored, given)| stands_in(stored, given))
        }
        (Value::String(name), Value::Object(given)) => given.contains_key(name),
        (stored, given) => stored == given,
    }
}

/// Returns true if the numbers of a life that continues this one may become greater than
/// a snapshot may hold. No session comes so far, and none that does can be restored.
fn nears_the_end(memory: &Value) -> bool {
    let greatest = memory["operations"]
        .as_u64()
        .max(memory["password_epoch"].as_u64());
    greatest > Some(GREATEST_NUMBER - MOST_OPERATIONS)
}

/// Counts, in a naive way, the logins that may be made at most.
fn logins_left(contents: &Value) -> u64 {
    let guard = &contents["memory"]["guard"];
    let counted = guard["counted"].as_array().unwrap().len() as u64;
    let unblocked = &guard["unblocked"];
    let is_unblocked = unblocked.is_object() && unblocked["login"].is_null();
    MOST_LOGINS.saturating_sub(counted) + u64::from(is_unblocked)
}

/// Saves and loads a snapshot.
fn again(snapshot: &Snapshot) -> Snapshot {
    let stored = serde_json::to_vec(snapshot).unwrap();
    let again = serde_json::from_slice(&stored).unwrap();
    assert_eq!(serde_json::to_vec(&again).unwrap(), stored);
    again
}

/// Asserts that a session with other tokens has the same `Debug` output.
fn assert_hides_tokens(session: &Session, snapshot: &Snapshot, owner: &Owner) {
    let mut masked = serde_json::to_value(snapshot).unwrap();
    for holder in ["bearer", "open"] {
        if let Some(token) = masked[FORMAT]["memory"][holder].get_mut("token") {
            *token = "other".into();
        }
    }
    let masked: Snapshot = serde_json::from_value(masked).unwrap();
    let looks = |snapshot: &Snapshot| format!("{snapshot:?} {snapshot:#?}");
    assert_eq!(looks(&masked), looks(snapshot));
    let other = owner.restore(&masked, Duration::ZERO, masked.saved_at());
    let looks = |session: &Session| format!("{session:?} {session:#?}");
    assert_eq!(looks(&other.unwrap()), looks(session));
}

/// Asserts that no other environment, application or user can continue the session.
fn assert_belongs_to(snapshot: &Snapshot, owner: &Owner) {
    let restored = |environment: &Environment, credentials: &Credentials| {
        let other = Owner {
            environment: environment.clone(),
            credentials: credentials.clone(),
        };
        other
            .restore(snapshot, Duration::ZERO, snapshot.saved_at())
            .map(drop)
    };
    let Owner {
        environment,
        credentials,
    } = owner;
    let elsewhere = "https://elsewhere.example".parse().unwrap();
    if *environment != elsewhere {
        assert_eq!(
            restored(&elsewhere, credentials),
            Err(OtherSession::Environment.into())
        );
    }
    let mut other = credentials.clone();
    other.app = AppCredentials::new(format!("{}+", credentials.app.key()), "secret").unwrap();
    assert_eq!(restored(environment, &other), Err(OtherSession::App.into()));
    let mut other = credentials.clone();
    let username = format!("{}+", credentials.username().unwrap());
    other.user = Some(UserCredentials::new(username, "password").unwrap());
    assert_eq!(
        restored(environment, &other),
        Err(OtherSession::User.into())
    );
}

/// A restored session, and everything that its drivers see of it.
struct Life<'a> {
    session: Session,
    owner: &'a Owner,
    now: Timestamp,
    /// True if the process ends and starts again before each step.
    restarts: bool,
    /// True if the process holds the result of an operation for the call that began it.
    /// A call does not outlive its process, so a restart would end it.
    has_result: bool,
    /// The number of logins that may still be sent before one succeeds.
    logins: u64,
    seen: String,
}

/// The behaviour of the service.
#[derive(Clone, Copy)]
pub(crate) enum Service {
    Honest,
    /// Refuses the session of each call, and each login without a clear reason.
    Refusing,
    Silent,
}

impl<'a> Life<'a> {
    fn new(
        session: Session,
        owner: &'a Owner,
        logins: u64,
        now: Timestamp,
        restarts: bool,
    ) -> Self {
        Self {
            session,
            owner,
            now,
            restarts,
            has_result: false,
            logins,
            seen: String::new(),
        }
    }

    fn lived(mut self) -> String {
        self.lost(Call::log_in());
        self.work("GET", Service::Honest);
        self.work("POST", Service::Refusing);
        self.lost(Call::log_out());
        self.call(Call::log_out(), Service::Silent);
        self.call(Call::log_in(), Service::Honest);
        self.call(Call::reset_password(), Service::Silent);
        self.call(Call::reset_password(), Service::Honest);
        self.work("GET", Service::Honest);
        self.seen
    }

    fn work(&mut self, method: &str, service: Service) {
        let request = Request::builder().method(method).uri("/m2m/v1/work");
        let request = request.body(Bytes::new()).unwrap();
        match Call::to(request, self.session.environment()) {
            Ok(call) => self.call(call, service),
            Err(error) => assert_message(&error.to_string()),
        }
    }

    /// Begins a call that is lost after its first step.
    fn lost(&mut self, mut call: Call) {
        let _ = self.step(&mut call);
    }

    /// Drives a call to its end.
    fn call(&mut self, mut call: Call, service: Service) {
        const MOST_STEPS: u32 = 250;
        for _ in 0..MOST_STEPS {
            match self.step(&mut call) {
                Step::Send(transmit) => {
                    self.now = self.now + Duration::from_millis(50);
                    let result = service.respond(&transmit.request);
                    if is(&transmit.request, "login") && result.as_ref().is_ok_and(is_success) {
                        // Nothing counts any more.
                        self.logins = MOST_LOGINS;
                    }
                    let before = self.session.clone();
                    self.has_result = transmit.attempt.operation().is_some();
                    call.receive(&mut self.session, self.now, transmit.attempt, result);
                    self.assert_version_grows(&before);
                }
                Step::Wait(wait) => {
                    assert!(wait.until > self.now, "the wait has no end in the future");
                    self.now = wait.until;
                }
                Step::Done(Ok(Completion::PasswordReset(new))) => {
                    assert!(self.session.login_guard().blocked.is_some(), "law 8");
                    let before = self.session.clone();
                    self.session.confirm(&new).unwrap();
                    self.assert_version_grows(&before);
                    let credentials = self.session.credentials();
                    assert_eq!(credentials.password().unwrap(), new.password());
                    return;
                }
                Step::Done(Ok(_)) => return,
                Step::Done(Err(error)) => return assert_message(&error.to_string()),
            }
        }
        panic!("law 12: no end");
    }

    /// Drives a call by one step, perhaps in a restarted process.
    fn step(&mut self, call: &mut Call) -> Step {
        let has_result = std::mem::take(&mut self.has_result);
        if self.restarts && !has_result {
            let snapshot = self.session.snapshot(self.now);
            let saved = again(&snapshot);
            assert!(saved == snapshot);
            let owner = Owner {
                environment: self.owner.environment.clone(),
                credentials: self.session.credentials().clone(),
            };
            self.session = owner.restore_steady(&saved, Duration::ZERO, self.now);
        }
        let before = self.session.clone();
        let step = call.step(&mut self.session, self.now);
        self.assert_version_grows(&before);
        self.see(&step);
        if let Step::Send(transmit) = &step {
            assert_one_request(&transmit.request);
            if is(&transmit.request, "login") {
                assert!(self.logins > 0, "law 2");
                self.logins -= 1;
            }
        }
        step
    }

    /// Notes all that a driver sees. The name of an operation is drawn from the process's
    /// own seed; the version, and the name of a call, are the process's own.
    fn see(&mut self, step: &Step) {
        let session = &self.session;
        match step {
            Step::Send(transmit) => {
                let operation = transmit.attempt.operation();
                let kind = operation.map(|operation| operation.kind());
                write!(
                    self.seen,
                    "send {kind:?} {:?} {:?} ",
                    transmit.deadline, transmit.request
                )
            }
            Step::Done(Ok(Completion::PasswordReset(new))) => {
                write!(self.seen, "{:?} ", new.password())
            }
            Step::Wait(wait) => write!(self.seen, "wait {:?} {:?} ", wait.reason, wait.until),
            Step::Done(result) => write!(self.seen, "{result:?} "),
        }
        .unwrap();
        writeln!(
            self.seen,
            "{:?} {:?} {:?} {:?} {:?}",
            session.bearer_renewal(),
            session.opened_at(),
            session.last_used(),
            session.operation(),
            session.login_guard()
        )
        .unwrap();
    }

    /// Asserts that the version grows with each change, except of the time of the last
    /// use.
    fn assert_version_grows(&self, before: &Session) {
        let (old, new) = (before.version(), self.session.version());
        assert!(new >= old);
        if new == old && before.last_used() == self.session.last_used() {
            assert!(
                before.snapshot(self.now) == self.session.snapshot(self.now),
                "a change without a new version would not be saved"
            );
        }
    }
}

impl Service {
    pub(crate) fn respond(
        self,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let (status, body) = match self {
            Self::Silent => return Err(TransportError::unknown("no response")),
            _ if is(request, "token") => (200, r#"{"access_token":"b","expires_in":3600}"#),
            Self::Refusing if is(request, "login") => (400, r#"{"errorCode":"S.Unclear"}"#),
            Self::Refusing => (
                400,
                r#"{"errorCode":"S.REQUEST_FAILED.SessionToken.Expired"}"#,
            ),
            Self::Honest if is(request, "login") => (200, r#"{"sessionToken":"s"}"#),
            Self::Honest if is(request, "reset") => (200, r#"{"newPassword":"p"}"#),
            Self::Honest if !request.headers().contains_key("vz-m2m-token") => (
                400,
                r#"{"errorCode":"S.REQUEST_FAILED.SessionToken.Invalid"}"#,
            ),
            Self::Honest => (200, "{}"),
        };
        let response = Response::builder().status(status);
        Ok(response.body(Bytes::from(body)).unwrap())
    }
}

fn is_success(response: &Response<Bytes>) -> bool {
    response.status().is_success()
}

pub(crate) fn assert_message(message: &str) {
    assert!(!message.contains(char::is_control), "{message:?}");
}

pub(crate) fn is(request: &Request<Bytes>, call: &str) -> bool {
    request.uri().path().rsplit('/').next() == Some(call)
}
