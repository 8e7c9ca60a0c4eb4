//! Snapshots as a store may return them: any bytes at all.

use std::{fmt::Write, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Session, SessionBuilder, Step,
    Timestamp, TransportError, UserCredentials,
    session::{OtherSession, PLATFORM_LOCKS_AT, Settings, Snapshot},
};

use crate::{response::assert_hides, wire::assert_one_request};

/// The name of a snapshot's only field.
const FORMAT: &str = "thingspace-session-2";

/// The default number of logins that may fail or be lost in a row.
const MAX_LOGINS: u64 = 2;

/// Reads `data` as a snapshot. It must be refused with an error that shows nothing of
/// it, or be accepted as a whole. An accepted snapshot stays the same when it is saved
/// and loaded again, and only its owner can continue it. The session that continues it
/// can drive every call to its end, also with a restart before each step.
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

    let owner = &stored[FORMAT];
    let text = |name: &str| owner[name].as_str().unwrap();
    let (Ok(environment), Ok(app), Ok(user)) = (
        text("environment").parse::<Environment>(),
        AppCredentials::new(text("key"), "secret"),
        UserCredentials::new(text("username"), "password"),
    ) else {
        return;
    };
    let credentials = Credentials::new(app, user);
    let restored = restore(snapshot.clone(), &environment, &credentials);
    if environment.to_string() != text("environment") {
        assert_eq!(restored.unwrap_err(), OtherSession::Environment);
        return;
    }
    let session = restored.unwrap();
    assert!(session.snapshot() == snapshot);
    assert_eq!(session.version(), snapshot.version());
    assert_hides_tokens(&session, &stored);
    assert_belongs_to(&snapshot, &environment, &credentials);

    let logins = logins_left(owner);
    let steady = restore_steady(snapshot, &session);
    for start in [0, 1_700_000_000_000, u64::MAX] {
        let start = Timestamp::from_millis(start);
        Life::new(session.clone(), logins, start, false).lived();
        let straight = Life::new(steady.clone(), logins, start, false).lived();
        let restarted = Life::new(steady.clone(), logins, start, true).lived();
        assert_eq!(straight, restarted, "law 11");
    }
}

fn restore(
    snapshot: Snapshot,
    environment: &Environment,
    credentials: &Credentials,
) -> Result<Session, OtherSession> {
    SessionBuilder::new(credentials.clone())
        .environment(environment.clone())
        .snapshot(snapshot)
        .build()
}

/// Restores the session without jitter, which is the process's own and not saved.
fn restore_steady(snapshot: Snapshot, session: &Session) -> Session {
    let mut settings = Settings::default();
    settings.first_backoff = Duration::ZERO;
    let session = SessionBuilder::new(session.credentials().clone())
        .environment(session.environment().clone())
        .snapshot(snapshot)
        .settings(settings)
        .build();
    session.unwrap()
}

/// Returns true if everything in `stored` is also in `given`, in any form that serde
/// reads. The details of a saved refusal may differ, since they are only shown.
fn stands_in(stored: &Value, given: &Value) -> bool {
    match (stored, given) {
        (Value::Object(stored), Value::Object(given)) => stored.iter().all(|(name, stored)| {
            let is_detail = matches!(name.as_str(), "Api" | "Gateway" | "WrongCredentials");
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

/// Counts, in a naive way, the logins that may still be made.
fn logins_left(owner: &Value) -> u64 {
    let guard = &owner["memory"]["guard"];
    let count = |name: &str| guard[name].as_u64().unwrap();
    if !guard["blocked"].is_null() {
        return 0;
    }
    let left = MAX_LOGINS.saturating_sub(count("spent"));
    if guard["unblocked"] == true {
        return left;
    }
    // The login that could lock the user name is never made.
    left.min(u64::from(PLATFORM_LOCKS_AT - 1).saturating_sub(count("failed")))
}

/// Saves and loads a snapshot.
fn again(snapshot: &Snapshot) -> Snapshot {
    let stored = serde_json::to_vec(snapshot).unwrap();
    let again = serde_json::from_slice(&stored).unwrap();
    assert_eq!(serde_json::to_vec(&again).unwrap(), stored);
    again
}

/// Asserts that a session with other tokens has the same `Debug` output.
fn assert_hides_tokens(session: &Session, stored: &Value) {
    let mut masked = stored.clone();
    for holder in ["bearer", "open"] {
        if let Some(token) = masked[FORMAT]["memory"][holder].get_mut("token") {
            *token = "other".into();
        }
    }
    let masked: Snapshot = serde_json::from_value(masked).unwrap();
    let looks = |snapshot: &Snapshot| format!("{snapshot:?} {snapshot:#?}");
    assert_eq!(looks(&masked), looks(&session.snapshot()));
    let other = restore(masked, session.environment(), session.credentials());
    let looks = |session: &Session| format!("{session:?} {session:#?}");
    assert_eq!(looks(&other.unwrap()), looks(session));
}

/// Asserts that no other environment, application or user can continue the session.
fn assert_belongs_to(snapshot: &Snapshot, environment: &Environment, credentials: &Credentials) {
    let restored = |environment: &Environment, credentials: &Credentials| {
        restore(snapshot.clone(), environment, credentials).map(drop)
    };
    let elsewhere = "https://elsewhere.example".parse().unwrap();
    if *environment != elsewhere {
        assert_eq!(
            restored(&elsewhere, credentials),
            Err(OtherSession::Environment)
        );
    }
    let mut other = credentials.clone();
    other.app = AppCredentials::new(format!("{}+", credentials.app.key()), "secret").unwrap();
    assert_eq!(restored(environment, &other), Err(OtherSession::App));
    let mut other = credentials.clone();
    let username = format!("{}+", credentials.user.username());
    other.user = UserCredentials::new(username, "password").unwrap();
    assert_eq!(restored(environment, &other), Err(OtherSession::User));
}

/// A restored session, and everything that its drivers see of it.
struct Life {
    session: Session,
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
enum Service {
    Honest,
    /// Refuses the session of each call, and each login without a clear reason.
    Refusing,
    Silent,
}

impl Life {
    fn new(session: Session, logins: u64, now: Timestamp, restarts: bool) -> Self {
        Self {
            session,
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
        const MOST_STEPS: u32 = 60;
        for _ in 0..MOST_STEPS {
            match self.step(&mut call) {
                Step::Send(transmit) => {
                    let result = self.send(&transmit.request, service);
                    let before = self.session.clone();
                    self.has_result = transmit.attempt.operation().is_some();
                    call.receive(&mut self.session, self.now, transmit.attempt, result);
                    assert_version_grows(&before, &self.session);
                }
                Step::Wait(wait) => {
                    assert!(wait.until > self.now, "the wait has no end in the future");
                    self.now = wait.until;
                }
                Step::Done(Ok(Completion::PasswordReset(new))) => {
                    assert!(self.session.login_guard().blocked.is_some(), "law 8");
                    let before = self.session.clone();
                    self.session.confirm(&new).unwrap();
                    assert_version_grows(&before, &self.session);
                    assert_eq!(self.session.credentials().user.password(), new.password());
                    // The password is right, so as many logins may fail again.
                    self.logins = MAX_LOGINS;
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
            let snapshot = self.session.snapshot();
            let saved = again(&snapshot);
            assert!(saved == snapshot);
            self.session = restore_steady(saved, &self.session);
        }
        let before = self.session.clone();
        let step = call.step(&mut self.session, self.now);
        assert_version_grows(&before, &self.session);
        writeln!(self.seen, "{step:?} {:?}", self.session).unwrap();
        if let Step::Send(transmit) = &step {
            assert_one_request(&transmit.request);
            if is(&transmit.request, "login") {
                assert!(self.logins > 0, "law 2");
                self.logins -= 1;
            }
        }
        step
    }

    fn send(
        &mut self,
        request: &Request<Bytes>,
        service: Service,
    ) -> Result<Response<Bytes>, TransportError> {
        self.now = self.now + Duration::from_millis(50);
        let (status, body) = match service {
            Service::Silent => return Err(TransportError::unknown("no response")),
            _ if is(request, "token") => (200, r#"{"access_token":"b","expires_in":3600}"#),
            Service::Refusing if is(request, "login") => (400, r#"{"errorCode":"S.Unclear"}"#),
            Service::Refusing => (
                400,
                r#"{"errorCode":"S.REQUEST_FAILED.SessionToken.Expired"}"#,
            ),
            Service::Honest if is(request, "login") => {
                self.logins = MAX_LOGINS;
                (200, r#"{"sessionToken":"s"}"#)
            }
            Service::Honest if is(request, "reset") => (200, r#"{"newPassword":"p"}"#),
            Service::Honest => (200, "{}"),
        };
        let response = Response::builder().status(status);
        Ok(response.body(Bytes::from(body)).unwrap())
    }
}

fn assert_message(message: &str) {
    assert!(!message.contains(char::is_control), "{message:?}");
}

/// Asserts that the version grows with each change, except of the time of the last use.
fn assert_version_grows(before: &Session, after: &Session) {
    let (old, new) = (before.version(), after.version());
    assert!(new >= old);
    // The largest version can't grow.
    if new == old && old < u64::MAX && before.last_used() == after.last_used() {
        assert!(
            before.snapshot() == after.snapshot(),
            "a change without a new version would not be saved"
        );
    }
}

fn is(request: &Request<Bytes>, call: &str) -> bool {
    request.uri().path().rsplit('/').next() == Some(call)
}
