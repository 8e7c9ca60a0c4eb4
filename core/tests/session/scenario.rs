//! A stage for stories about a session: the test plays the service, the
//! network and the clock.
//!
//! A [`Scenario`] is a session and the time. An [`Actor`] is a call and the
//! driver that carries it. What an actor is expected to do next is asserted by
//! [`sends`](Actor::sends), [`waits`](Actor::waits) and [`ends`](Actor::ends);
//! what it is told by [`hears`](Actor::hears).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    AppCredentials, Credentials, Environment, Error, Session, Step, Timestamp, TransportError,
    UserCredentials,
    session::{Attempt, Call, Event, Settings, Store, Task, Transmit, Wait},
};

pub const MILLISECOND: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);

/// A session and the time.
#[derive(Clone)]
pub struct Scenario {
    pub session: Session,
    pub now: Timestamp,
    /// Where it is kept, if other processes share it.
    pub store: Option<Arc<dyn Store>>,
}

impl Scenario {
    /// A session that has never been open.
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        let Self { session, now, .. } = Self::with_seed(42);
        Self {
            session: session.with_settings(settings),
            now,
            store: None,
        }
    }

    pub fn with_seed(seed: u64) -> Self {
        Self {
            session: Session::new(Environment::mock(), credentials("IMgr8"), seed),
            now: Timestamp::from_millis(1_700_000_000_000),
            store: None,
        }
    }

    /// One process of several that share what is in this store. It starts now.
    pub fn sharing(store: &Arc<impl Store + 'static>) -> Self {
        Self::sharing_with(store, "IMgr8")
    }

    /// The same, with this for the password.
    pub fn sharing_with(store: &Arc<impl Store + 'static>, password: &str) -> Self {
        let mut scenario = Self::new();
        if let Some(kept) = store.load().unwrap() {
            let restored = Session::restore(kept, Environment::mock(), credentials(password));
            scenario.session = restored.unwrap();
        }
        scenario.store = Some(store.clone());
        scenario
    }

    /// A session that is open with the bearer token `bearer-1` and the session
    /// token `session-1`, just now.
    pub fn open() -> Self {
        Self::open_with(Settings::default())
    }

    pub fn open_with(settings: Settings) -> Self {
        let mut scenario = Self::with(settings);
        let mut call = Actor::log_in();
        call.sends(&mut scenario, What::TokenFetch);
        call.hears(&mut scenario, bearer("bearer-1"));
        call.sends(&mut scenario, What::LogIn);
        call.hears(&mut scenario, session("session-1"));
        call.ends(&mut scenario).unwrap();
        scenario.events();
        scenario
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Stops a millisecond before it has passed.
    pub fn almost_pass(&mut self, time: Duration) {
        self.pass(time.saturating_sub(MILLISECOND));
    }

    pub fn pass_until(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
    }

    /// What has happened since this was last asked.
    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// What a store would keep, but for the version and the time of the last use.
    pub fn at_rest(&self) -> serde_json::Value {
        let mut stored = serde_json::to_value(self.session.snapshot()).unwrap();
        let memory = &mut stored["thingspace-session-1"]["memory"];
        memory["version"].take();
        if let Some(open) = memory["open"].as_object_mut() {
            open.remove("used").expect("no time of the last use");
        }
        stored
    }

    /// Does something to the session, and sees to it that a store would hear of
    /// the change, if it is one.
    #[track_caller]
    pub fn watch<R>(&mut self, act: impl FnOnce(&mut Session, Timestamp) -> R) -> R {
        let before = self.clone();
        let result = act(&mut self.session, self.now);
        let (old, new) = (before.session.version(), self.session.version());
        assert!(new >= old, "the version shrank");
        if new == old {
            assert_eq!(self.at_rest(), before.at_rest(), "nobody would save this");
        }
        result
    }

    /// Ends the process and starts it again with what a store has kept.
    pub fn restart(&mut self, password: &str) {
        let stored = serde_json::to_string(&self.session.snapshot()).unwrap();
        let settings = self.session.settings().clone();
        let snapshot = serde_json::from_str(&stored).unwrap();
        let session = Session::restore(snapshot, Environment::mock(), credentials(password));
        self.session = session.unwrap().with_settings(settings);
    }
}

/// The usual settings but for this.
pub fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

pub fn credentials(password: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new("key", "secret").unwrap(),
        UserCredentials::new("zbeeblebrox", password).unwrap(),
    )
}

/// A call, and the driver that carries it.
pub struct Actor<T: Task> {
    pub call: Call<T>,
    out: Option<Attempt>,
}

impl Actor<Request<Bytes>> {
    /// Wants a piece of work done that may be done twice.
    pub fn reads() -> Self {
        Self::new(Request::get("/m2m/v1/work").body(Bytes::new()).unwrap())
    }

    /// Wants a piece of work done that must not be done twice.
    pub fn writes() -> Self {
        Self::new(Request::post("/m2m/v1/work").body(Bytes::new()).unwrap())
    }
}

impl Actor<thingspace_core::session::OpenSession> {
    pub fn log_in() -> Self {
        Self::new(thingspace_core::session::OpenSession)
    }
}

impl Actor<thingspace_core::session::EndSession> {
    pub fn log_out() -> Self {
        Self::new(thingspace_core::session::EndSession)
    }
}

impl Actor<thingspace_core::session::ChangePassword> {
    pub fn reset_password() -> Self {
        Self::new(thingspace_core::session::ChangePassword)
    }
}

impl<T: Task> Actor<T>
where
    T::Output: std::fmt::Debug,
{
    pub fn new(task: T) -> Self {
        Self {
            call: Call::new(task),
            out: None,
        }
    }

    /// Ends at this moment at the latest.
    pub fn until(self, deadline: Timestamp) -> Self {
        Self {
            call: self.call.with_deadline(deadline),
            ..self
        }
    }

    /// Steps, and is told to send this. Gives what it sends.
    #[track_caller]
    pub fn sends(&mut self, scenario: &mut Scenario, what: What) -> Transmit {
        match self.step(scenario) {
            Step::Send(transmit) => {
                assert_eq!(What::of(&transmit.request), what);
                transmit
            }
            other => panic!("expected to send {what:?}, got {other:?}"),
        }
    }

    /// Steps, and is told to wait.
    #[track_caller]
    pub fn waits(&mut self, scenario: &mut Scenario) -> Wait {
        match self.step(scenario) {
            Step::Wait(wait) => {
                assert!(wait.until > scenario.now, "a wait that is over at once");
                wait
            }
            other => panic!("expected to wait, got {other:?}"),
        }
    }

    /// Steps, and is done.
    #[track_caller]
    pub fn ends(&mut self, scenario: &mut Scenario) -> Result<T::Output, Error> {
        match self.step(scenario) {
            Step::Done(result) => result,
            other => panic!("expected to be done, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn fails(&mut self, scenario: &mut Scenario) -> Error {
        match self.step(scenario) {
            Step::Done(Err(error)) => error,
            other => panic!("expected to fail, got {other:?}"),
        }
    }

    /// Fetches a bearer token.
    #[track_caller]
    pub fn fetches(&mut self, scenario: &mut Scenario, token: &str) {
        self.sends(scenario, What::TokenFetch);
        self.hears(scenario, bearer(token));
    }

    /// Logs in.
    #[track_caller]
    pub fn logs_in(&mut self, scenario: &mut Scenario, token: &str) {
        self.sends(scenario, What::LogIn);
        self.hears(scenario, session(token));
    }

    /// Goes out with its work, and is done.
    #[track_caller]
    pub fn works(&mut self, scenario: &mut Scenario) -> T::Output {
        self.sends(scenario, What::Work);
        self.hears(scenario, done());
        self.ends(scenario).unwrap()
    }

    /// Tells the call what came of its last request.
    #[track_caller]
    pub fn hears(&mut self, scenario: &mut Scenario, heard: Heard) {
        let attempt = self.out.expect("nothing was sent");
        self.hears_of(scenario, attempt, heard);
    }

    /// Tells the call what came of one of its requests.
    pub fn hears_of(&mut self, scenario: &mut Scenario, attempt: Attempt, heard: Heard) {
        let call = &mut self.call;
        let store = scenario.store.clone();
        scenario.watch(|session, now| match store {
            Some(store) => call.receive_in(&*store, session, now, attempt, heard),
            None => call.receive(session, now, attempt, heard),
        });
    }

    pub fn abandons(&mut self, scenario: &mut Scenario) {
        let call = &mut self.call;
        let store = scenario.store.clone();
        scenario.watch(|session, _| match store {
            Some(store) => call.abandon_in(&*store, session),
            None => call.abandon(session),
        });
    }

    /// Steps, whatever comes of it.
    #[track_caller]
    pub fn step(&mut self, scenario: &mut Scenario) -> Step<T::Output> {
        let call = &mut self.call;
        let store = scenario.store.clone();
        let step = scenario.watch(|session, now| match store {
            Some(store) => call.step_in(&*store, session, now),
            None => call.step(session, now),
        });
        if let Step::Send(transmit) = &step {
            self.out = Some(transmit.attempt);
        }
        step
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    TokenFetch,
    LogIn,
    LogOut,
    Reset,
    Work,
}

impl What {
    pub fn of(request: &Request<Bytes>) -> Self {
        match request.uri().path() {
            "/api/ts/v1/oauth2/token" => Self::TokenFetch,
            "/api/m2m/v1/session/login" => Self::LogIn,
            "/api/m2m/v1/session/logout" => Self::LogOut,
            "/api/m2m/v1/session/password/actions/reset" => Self::Reset,
            "/api/m2m/v1/work" => Self::Work,
            other => panic!("a request to {other}"),
        }
    }
}

/// The tokens that a request carries, in the clear.
pub fn tokens(transmit: &Transmit) -> (&str, &str) {
    let header = |name: &str| {
        let value = transmit.request.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap())
    };
    (header("authorization"), header("vz-m2m-token"))
}

pub type Heard = Result<Response<Bytes>, TransportError>;

pub fn answer(status: u16, body: &str) -> Heard {
    let response = Response::builder().status(status);
    Ok(response
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap())
}

pub fn done() -> Heard {
    answer(200, r#"{"work":"done"}"#)
}

/// A bearer token for an hour.
pub fn bearer(token: &str) -> Heard {
    bearer_for(token, 3600)
}

pub fn bearer_for(token: &str, seconds: u64) -> Heard {
    let body =
        format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#);
    answer(200, &body)
}

pub fn session(token: &str) -> Heard {
    answer(200, &format!(r#"{{"sessionToken":"{token}"}}"#))
}

pub fn new_password(password: &str) -> Heard {
    answer(200, &format!(r#"{{"newPassword":"{password}"}}"#))
}

/// The API refuses.
pub fn refused(code: &str) -> Heard {
    let body = format!(r#"{{"errorCode":"UnifiedWebService.{code}","errorMessage":"message"}}"#);
    answer(400, &body)
}

pub fn session_expired() -> Heard {
    refused("REQUEST_FAILED.SessionToken.Expired")
}

pub fn wrong_password() -> Heard {
    refused("INPUT_INVALID.Password.Incorrect")
}

/// The gateway refuses the bearer token.
pub fn bearer_fault() -> Heard {
    answer(
        401,
        r#"{"fault":{"code":900901,"message":"Invalid Credentials","description":"d"}}"#,
    )
}

pub fn throttled(retry_after: &str) -> Heard {
    let response = Response::builder()
        .status(429)
        .header("retry-after", retry_after);
    Ok(response.body(Bytes::new()).unwrap())
}

/// Nobody knows what became of it.
pub fn lost() -> Heard {
    Err(TransportError::unknown("the connection broke"))
}

/// It certainly did not leave.
pub fn not_sent() -> Heard {
    Err(TransportError::not_sent("no route"))
}
