//! What a store gives back in the place of a snapshot.

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

use crate::{answer::assert_hides, wire::assert_one_request};

/// The name of the only entry of a snapshot.
const FORMAT: &str = "thingspace-session-1";

/// How many logins may fail, or be lost, in a row, unless told otherwise.
const MAX_LOGINS: u64 = 2;

/// Reads `data` as a snapshot. It is refused without a word of what it holds, or
/// taken whole: it survives being stored again, belongs to whom it says, and the
/// session that is restored from it can be driven on, to the end of every call,
/// with a restart at every step or without.
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
        assert!(stands_in(&stored, &given), "what was not there was made up");
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

/// Whether all that is `stored` was `given`, in whatever form serde reads it. What a
/// remembered refusal said is only shown, and may be missing.
fn stands_in(stored: &Value, given: &Value) -> bool {
    match (stored, given) {
        (Value::Object(stored), Value::Object(given)) => stored.iter().all(|(name, stored)| {
            let is_said = matches!(name.as_str(), "Api" | "Gateway" | "WrongCredentials");
            let found = given.get(name);
            found.is_some_and(|given| is_said || stands_in(stored, given))
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

/// How many logins may still be made, as anybody would count them.
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
    // Not the one that could lock the user name.
    left.min(u64::from(PLATFORM_LOCKS_AT - 1).saturating_sub(count("failed")))
}

/// A snapshot that was stored and read back.
fn again(snapshot: &Snapshot) -> Snapshot {
    let stored = serde_json::to_vec(snapshot).unwrap();
    let again = serde_json::from_slice(&stored).unwrap();
    assert_eq!(serde_json::to_vec(&again).unwrap(), stored);
    again
}

/// With other tokens in it, everything looks the same.
fn assert_hides_tokens(session: &Session, stored: &Value) {
    let mut masked = stored.clone();
    for kept in ["bearer", "open"] {
        if let Some(token) = masked[FORMAT]["memory"][kept].get_mut("token") {
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

/// Nobody else is given it.
fn assert_belongs_to(snapshot: &Snapshot, environment: &Environment, credentials: &Credentials) {
    let take = |environment: &Environment, credentials: &Credentials| {
        let taken = Session::restore(snapshot.clone(), environment.clone(), credentials.clone());
        taken.map(drop)
    };
    let elsewhere = "https://elsewhere.example".parse().unwrap();
    if *environment != elsewhere {
        assert_eq!(
            take(&elsewhere, credentials),
            Err(RestoreError::Environment)
        );
    }
    let mut other = credentials.clone();
    other.app = AppCredentials::new(format!("{}+", credentials.app.key()), "secret").unwrap();
    assert_eq!(take(environment, &other), Err(RestoreError::App));
    let mut other = credentials.clone();
    let username = format!("{}+", credentials.user.username());
    other.user = UserCredentials::new(username, "password").unwrap();
    assert_eq!(take(environment, &other), Err(RestoreError::User));
}

/// A session that goes on, and all that its drivers see of it.
struct Life {
    session: Session,
    now: Timestamp,
    /// Whether the process ends and starts again before every step.
    restarts: bool,
    /// Logins that may still be sent before one succeeds.
    logins: u64,
    seen: String,
}

/// What becomes of a request.
#[derive(Clone, Copy)]
enum Service {
    Honest,
    /// Refuses the session of every call, and every login without a reason.
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
        self.forgotten(OpenSession);
        self.call(work("GET"), Service::Honest);
        self.call(work("POST"), Service::Refusing);
        self.forgotten(EndSession);
        self.call(EndSession, Service::Silent);
        self.call(OpenSession, Service::Honest);
        self.call(ChangePassword, Service::Silent);
        self.seen
    }

    /// A call of which nothing is heard after its first step.
    fn forgotten<T: Task>(&mut self, task: T)
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
                    let heard = self.heard(&transmit.request, service);
                    let before = self.session.clone();
                    call.receive(&mut self.session, self.now, transmit.attempt, heard);
                    assert_told(&before, &self.session);
                }
                Step::Wait(wait) => {
                    assert!(wait.until > self.now, "a wait for nothing");
                    self.now = wait.until;
                }
                Step::Done(Ok(_)) => return,
                Step::Done(Err(error)) => {
                    let told = error.to_string();
                    assert!(!told.contains(char::is_control), "{told:?}");
                    return;
                }
            }
        }
        panic!("law 12: no end");
    }

    /// Lets a call do one step, perhaps in a process of its own.
    fn step<T: Task>(&mut self, call: &mut Call<T>) -> Step<T::Output>
    where
        T::Output: Debug,
    {
        if self.restarts {
            let snapshot = self.session.snapshot();
            let kept = again(&snapshot);
            assert!(kept == snapshot);
            let environment = self.session.environment().clone();
            let credentials = self.session.credentials().clone();
            self.session = Session::restore(kept, environment, credentials).unwrap();
        }
        let before = self.session.clone();
        let step = call.step(&mut self.session, self.now);
        assert_told(&before, &self.session);
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

    fn heard(
        &mut self,
        request: &Request<Bytes>,
        service: Service,
    ) -> Result<Response<Bytes>, TransportError> {
        self.now = self.now + Duration::from_millis(50);
        let (status, body) = match service {
            Service::Silent => return Err(TransportError::unknown("silence")),
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

/// Whatever has changed, but for the time of the last use, the version tells of it.
fn assert_told(before: &Session, after: &Session) {
    let (old, new) = (before.version(), after.version());
    assert!(new >= old);
    // One that was already the largest can't grow.
    if new == old && old < u64::MAX && before.last_used() == after.last_used() {
        assert!(
            before.snapshot() == after.snapshot(),
            "nobody would save this"
        );
    }
}

fn is(request: &Request<Bytes>, call: &str) -> bool {
    request.uri().path().rsplit('/').next() == Some(call)
}
