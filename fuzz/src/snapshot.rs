//! Snapshots as a store may return them: any bytes at all.

use std::{fmt::Debug, fmt::Write, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Session, Step, Timestamp, TransportError,
    UserCredentials,
    session::{
        ChangePassword, EndSession, OpenSession, PLATFORM_LOCKS_AT, RestoreError, Snapshot, Task,
    },
};

use crate::{response::assert_hides, wire::assert_one_request};

/// The name of a snapshot's only field.
const FORMAT: &str = "thingspace-session-1";

/// The default number of logins that may fail or be lost in a row.
const MAX_LOGINS: u64 = 2;

/// Reads `data` as a snapshot. It must be refused with an error that shows nothing of
/// it, or be accepted as a whole. An accepted snapshot stays the same when it is saved
/// and loaded again, and only its owner can restore it. The session that is restored
/// from it can drive every call to its end, also with a restart before each step.
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
    let restored = Session::restore(snapshot.clone(), environment.clone(), credentials.clone());
    if environment.to_string() != text("environment") {
        assert_eq!(restored.unwrap_err(), RestoreError::Environment);
        return;
    }
    let session = restored.unwrap();
    assert!(session.snapshot() == snapshot);
    assert_eq!(session.version(), snapshot.version());
    assert_hides_tokens(&session, &stored);
    assert_belongs_to(&snapshot, &environment, &credentials);

    let logins = logins_left(owner);
    for start in [0, 1_700_000_000_000, u64::MAX] {
        let start = Timestamp::from_millis(start);
        let straight = Life::new(session.clone(), logins, start, false).lived();
        let restarted = Life::new(session.clone(), logins, start, true).lived();
        assert_eq!(straight, restarted, "law 11");
    }
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
    if !guard["closed"].is_null() {
        return 0;
    }
    let left = MAX_LOGINS.saturating_sub(count("spent"));
    if guard["rearmed"] == true {
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
    let environment = session.environment().clone();
    let other = Session::restore(masked, environment, session.credentials().clone());
    let looks = |session: &Session| format!("{session:?} {session:#?}");
    assert_eq!(looks(&other.unwrap()), looks(session));
}

/// Asserts that no other environment, application or user can restore the snapshot.
fn assert_belongs_to(snapshot: &Snapshot, environment: &Environment, credentials: &Credentials) {
    let restore = |environment: &Environment, credentials: &Credentials| {
        let restored = Session::restore(snapshot.clone(), environment.clone(), credentials.clone());
        restored.map(drop)
    };
    let elsewhere = "https://elsewhere.example".parse().unwrap();
    if *environment != elsewhere {
        assert_eq!(
            restore(&elsewhere, credentials),
            Err(RestoreError::Environment)
        );
    }
    let mut other = credentials.clone();
    other.app = AppCredentials::new(format!("{}+", credentials.app.key()), "secret").unwrap();
    assert_eq!(restore(environment, &other), Err(RestoreError::App));
    let mut other = credentials.clone();
    let username = format!("{}+", credentials.user.username());
    other.user = UserCredentials::new(username, "password").unwrap();
    assert_eq!(restore(environment, &other), Err(RestoreError::User));
}

/// A restored session, and everything that its drivers see of it.
struct Life {
    session: Session,
    now: Timestamp,
    /// True if the process ends and starts again before each step.
    restarts: bool,
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
            logins,
            seen: String::new(),
        }
    }

    fn lived(mut self) -> String {
        let work = |method: &str| {
            let request = Request::builder().method(method).uri("/m2m/v1/work");
            request.body(Bytes::new()).unwrap()
        };
        self.lost(OpenSession);
        self.call(work("GET"), Service::Honest);
        self.call(work("POST"), Service::Refusing);
        self.lost(EndSession);
        self.call(EndSession, Service::Silent);
        self.call(OpenSession, Service::Honest);
        self.call(ChangePassword, Service::Silent);
        self.seen
    }

    /// Begins a call that is lost after its first step.
    fn lost<T: Task>(&mut self, task: T)
    where
        T::Output: Debug,
    {
        let _ = self.step(&mut Call::new(task));
    }

    /// Drives a call to its end.
    fn call<T: Task>(&mut self, task: T, service: Service)
    where
        T::Output: Debug,
    {
        const MOST_STEPS: u32 = 60;
        let mut call = Call::new(task);
        for _ in 0..MOST_STEPS {
            let step = self.step(&mut call);
            match step {
                Step::Send(transmit) => {
                    let result = self.send(&transmit.request, service);
                    let before = self.session.clone();
                    call.receive(&mut self.session, self.now, transmit.attempt, result);
                    assert_version_grows(&before, &self.session);
                }
                Step::Wait(wait) => {
                    assert!(wait.until > self.now, "the wait has no end in the future");
                    self.now = wait.until;
                }
                Step::Done(Ok(_)) => return,
                Step::Done(Err(error)) => {
                    let message = error.to_string();
                    assert!(!message.contains(char::is_control), "{message:?}");
                    return;
                }
            }
        }
        panic!("law 12: no end");
    }

    /// Drives a call by one step, perhaps in a restarted process.
    fn step<T: Task>(&mut self, call: &mut Call<T>) -> Step<T::Output>
    where
        T::Output: Debug,
    {
        if self.restarts {
            let snapshot = self.session.snapshot();
            let saved = again(&snapshot);
            assert!(saved == snapshot);
            let environment = self.session.environment().clone();
            let credentials = self.session.credentials().clone();
            self.session = Session::restore(saved, environment, credentials).unwrap();
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
            Service::Honest => (200, "{}"),
        };
        let response = Response::builder().status(status);
        Ok(response.body(Bytes::from(body)).unwrap())
    }
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
