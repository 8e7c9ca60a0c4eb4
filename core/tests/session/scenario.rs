//! A stage for stories about a session: the test plays the service, the
//! network and the clock.
//!
//! A [`Scenario`] is a session and the time. An [`Actor`] is a call and the
//! driver that carries it. What an actor is expected to do next is asserted by
//! [`sends`](Actor::sends), [`waits`](Actor::waits) and [`ends`](Actor::ends);
//! results are given to it by [`receives`](Actor::receives).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Error, RequestError, Session,
    SessionBuilder, SessionToken, SharedStep, Step, Timestamp, TransportError, UserCredentials,
    session::{
        Attempt, Event, NewPassword, NotAwaited, Operation, Settings, Snapshot, Transmit, Wait,
    },
};

pub use crate::register::Register;

pub const MILLISECOND: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
/// The name of a snapshot's only field.
pub const FORMAT: &str = "thingspace-session-3";

pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// The time between a login that failed and the next with the same password.
pub const LOGIN_INTERVAL: Duration = Duration::from_secs(30);

/// A session and the time.
#[derive(Clone)]
pub struct Scenario {
    pub session: Session,
    pub now: Timestamp,
    /// The place where it is saved, if other processes share it.
    pub store: Option<Arc<Register>>,
    /// The number of times that the process was started again.
    generation: u64,
    /// The time by which its clock is ahead of the store's, in milliseconds.
    ahead: i64,
}

impl Scenario {
    /// A session that has never been open.
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        Self::with_seed(42, settings)
    }

    pub fn with_seed(seed: u64, settings: Settings) -> Self {
        Self::of(builder("IMgr8").seed(seed).settings(settings))
    }

    /// A session that is built like this.
    pub fn of(builder: SessionBuilder) -> Self {
        Self {
            session: builder.build().unwrap(),
            now: Timestamp::from_millis(1_700_000_000_000),
            store: None,
            generation: 100,
            ahead: 0,
        }
    }

    /// One process of several that share what is in this store. It starts now.
    pub fn sharing(store: &Arc<Register>) -> Self {
        Self::sharing_with(store, "IMgr8")
    }

    /// One process of several that share what is in this store, with this
    /// password.
    pub fn sharing_with(store: &Arc<Register>, password: &str) -> Self {
        let builder = builder(password)
            .shared(Register::POLL)
            .seed(store.next_seed());
        let mut scenario = Self::of(builder);
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
        call.fetches(&mut scenario, "bearer-1");
        call.logs_in(&mut scenario, "session-1");
        call.ends(&mut scenario).unwrap();
        scenario.events();
        scenario
    }

    /// The store that other processes share.
    #[track_caller]
    pub fn store(&self) -> Arc<Register> {
        self.store.clone().expect("no store")
    }

    /// The time by the store's clock.
    pub fn store_time(&self) -> Timestamp {
        let now = i64::try_from(self.now.as_millis()).unwrap();
        Timestamp::from_millis(u64::try_from(now - self.ahead).unwrap())
    }

    /// Sets the clock of the process ahead by this. No time passes.
    pub fn jumps_ahead(&mut self, by: Duration) {
        self.now = self.now + by;
        self.ahead += i64::try_from(by.as_millis()).unwrap();
    }

    /// Sets the clock of the process back by this. No time passes.
    pub fn jumps_back(&mut self, by: Duration) {
        let by_millis = u64::try_from(by.as_millis()).unwrap();
        self.now = Timestamp::from_millis(self.now.as_millis() - by_millis);
        self.ahead -= i64::try_from(by.as_millis()).unwrap();
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

    /// The events since this was last asked.
    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// The events since this was last asked, as [`event`] writes them.
    pub fn reported(&mut self) -> Vec<String> {
        let events = self.events();
        events.iter().map(|event| format!("{event:?}")).collect()
    }

    /// The content of a snapshot, but for the time of the last use.
    pub fn at_rest(&self) -> serde_json::Value {
        let mut stored = serde_json::to_value(self.session.snapshot(self.now)).unwrap();
        let memory = &mut stored[FORMAT]["memory"];
        if let Some(open) = memory["open"].as_object_mut() {
            open.remove("used").expect("no time of the last use");
        }
        stored
    }

    /// Does something to the session, and checks that a store would notice the
    /// change, if it is one.
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

    /// Gives the result of an operation to the session, whoever began it.
    #[track_caller]
    pub fn receives(&mut self, operation: Operation, received: Received) {
        self.watch(|session, now| session.receive(now, operation, received));
        self.saves_what_is_unsaved();
    }

    /// Gives an operation up.
    #[track_caller]
    pub fn abandons(&mut self, operation: Operation) {
        self.watch(|session, now| session.abandon(now, operation));
        self.saves_what_is_unsaved();
    }

    /// Confirms a new password. It must be awaited.
    #[track_caller]
    pub fn confirms(&mut self, new: &NewPassword) {
        self.watch(|session, _| session.confirm(new)).unwrap();
        self.saves_what_is_unsaved();
    }

    /// Uses another password from now on.
    #[track_caller]
    pub fn is_given(&mut self, password: &str) {
        self.watch(|session, _| session.set_credentials(credentials(password)))
            .unwrap();
        self.saves_what_is_unsaved();
    }

    /// Allows one login by name.
    #[track_caller]
    pub fn unblocks(&mut self) {
        self.watch(|session, _| session.unblock());
        self.saves_what_is_unsaved();
    }

    /// Saves what the store does not have, as a driver does after everything that
    /// changes the session. A store that fails is left alone.
    #[track_caller]
    pub fn saves_what_is_unsaved(&mut self) {
        if self.session.is_unsaved(self.now) {
            let _ = self.syncs();
        }
    }

    /// Learns some time later what others have saved.
    #[track_caller]
    pub fn learns(&mut self) {
        self.pass(Register::POLL);
        self.syncs().unwrap();
    }

    /// Loads what others have saved, and saves what they do not have.
    #[track_caller]
    pub fn syncs(&mut self) -> Result<(), Error> {
        let mut sync = Actor::new(Call::sync());
        match sync.step(self) {
            Step::Done(result) => result?.into_synced(),
            // The store failed: it is tried again later.
            Step::Wait(_) => Ok(()),
            other @ Step::Send(_) => panic!("expected to be done, got {other:?}"),
        }
    }

    /// Ends the process and starts it again with what a store has saved.
    #[track_caller]
    pub fn restart(&mut self, password: &str) {
        let snapshot = self.saved();
        let settings = self.session.settings().clone();
        self.generation += 1;
        let builder = builder(password)
            .settings(settings)
            .seed(self.generation)
            .snapshot(snapshot, Duration::ZERO, self.now);
        self.session = builder.build().unwrap();
    }

    /// The snapshot of the session, as it comes back from a disk.
    pub fn saved(&self) -> Snapshot {
        let stored = serde_json::to_string(&self.session.snapshot(self.now)).unwrap();
        serde_json::from_str(&stored).unwrap()
    }

    /// Continues the session with other settings.
    #[must_use]
    pub fn continued_with(&self, settings: Settings) -> Self {
        let builder =
            builder("IMgr8")
                .settings(settings)
                .snapshot(self.saved(), Duration::ZERO, self.now);
        Self {
            session: Self::of(builder).session,
            ..self.clone()
        }
    }
}

/// Checks that a confirmation was refused.
#[track_caller]
pub fn assert_not_awaited(confirmed: Result<(), NotAwaited>) {
    assert!(confirmed.is_err(), "it was awaited");
}

/// The builder of the session of all stories.
pub fn builder(password: &str) -> SessionBuilder {
    SessionBuilder::new(credentials(password)).environment(Environment::mock())
}

/// The usual settings but for this.
pub fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

pub fn credentials(password: &str) -> Credentials {
    credentials_of("zbeeblebrox", password)
}

pub fn credentials_of(username: &str, password: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new("key", "secret").unwrap(),
        UserCredentials::new(username, password).unwrap(),
    )
}

/// A call, and the driver that carries it.
pub struct Actor {
    pub call: Call,
    in_flight: Option<Attempt>,
}

impl Actor {
    pub const fn new(call: Call) -> Self {
        Self {
            call,
            in_flight: None,
        }
    }

    /// Wants a piece of work done that may be done twice.
    pub fn reads() -> Self {
        let request = Request::get("/m2m/v1/work").body(Bytes::new());
        Self::requests(request.unwrap()).unwrap()
    }

    /// Wants a piece of work done that must not be done twice.
    pub fn writes() -> Self {
        let request = Request::post("/m2m/v1/work").body(Bytes::new());
        Self::requests(request.unwrap()).unwrap()
    }

    /// Wants this request sent, as long as it can be built.
    pub fn requests(request: Request<Bytes>) -> Result<Self, RequestError> {
        Call::to(request, &Environment::mock()).map(Self::new)
    }

    pub const fn log_in() -> Self {
        Self::new(Call::log_in())
    }

    pub const fn log_out() -> Self {
        Self::new(Call::log_out())
    }

    pub const fn reset_password() -> Self {
        Self::new(Call::reset_password())
    }

    /// Ends at this moment at the latest.
    pub fn until(self, deadline: Timestamp) -> Self {
        Self {
            call: self.call.with_deadline(deadline),
            ..self
        }
    }

    /// Steps, and has this to send.
    #[track_caller]
    pub fn sends(&mut self, scenario: &mut Scenario, purpose: Purpose) -> Transmit {
        match self.step(scenario) {
            Step::Send(transmit) => {
                assert_eq!(Purpose::of(&transmit.request), purpose);
                let is_operation = transmit.attempt.operation().is_some();
                assert_eq!(is_operation, purpose != Purpose::Work);
                transmit
            }
            other => panic!("expected to send {purpose:?}, got {other:?}"),
        }
    }

    /// Steps, and begins this operation of the session's.
    #[track_caller]
    pub fn begins(&mut self, scenario: &mut Scenario, purpose: Purpose) -> Operation {
        let transmit = self.sends(scenario, purpose);
        transmit.attempt.operation().expect("no operation")
    }

    /// Steps, and has to wait.
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

    /// Steps, and has finished.
    #[track_caller]
    pub fn ends(&mut self, scenario: &mut Scenario) -> Result<Completion, Error> {
        match self.step(scenario) {
            Step::Done(result) => result,
            other => panic!("expected to have finished, got {other:?}"),
        }
    }

    /// Steps, and has the response to its request.
    #[track_caller]
    pub fn ends_with_response(&mut self, scenario: &mut Scenario) -> Response<Bytes> {
        let completion = self.ends(scenario).unwrap();
        completion.into_response().unwrap()
    }

    /// Steps, and has the token of the session that is open now.
    #[track_caller]
    pub fn ends_logged_in(&mut self, scenario: &mut Scenario) -> SessionToken {
        let completion = self.ends(scenario).unwrap();
        completion.into_logged_in().unwrap()
    }

    /// Steps, and has the token of the session that was ended, if one was open.
    #[track_caller]
    pub fn ends_logged_out(&mut self, scenario: &mut Scenario) -> Option<SessionToken> {
        let completion = self.ends(scenario).unwrap();
        completion.into_logged_out().unwrap()
    }

    /// Steps, and has the new password.
    #[track_caller]
    pub fn ends_with_password(&mut self, scenario: &mut Scenario) -> NewPassword {
        let completion = self.ends(scenario).unwrap();
        completion.into_new_password().unwrap()
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
        self.sends(scenario, Purpose::TokenFetch);
        self.receives(scenario, bearer(token));
    }

    /// Logs in.
    #[track_caller]
    pub fn logs_in(&mut self, scenario: &mut Scenario, token: &str) {
        self.sends(scenario, Purpose::LogIn);
        self.receives(scenario, session(token));
    }

    /// Logs in, and no response comes.
    #[track_caller]
    pub fn loses_login(&mut self, scenario: &mut Scenario) {
        self.sends(scenario, Purpose::LogIn);
        self.receives(scenario, lost());
    }

    /// Asks the API whether it responds, and receives this.
    #[track_caller]
    pub fn checks(&mut self, scenario: &mut Scenario, received: Received) {
        self.sends(scenario, Purpose::Check);
        self.receives(scenario, received);
    }

    /// Waits until it has something else to do.
    #[track_caller]
    pub fn waits_out(&mut self, scenario: &mut Scenario) {
        let until = self.waits(scenario).until;
        scenario.pass_until(until);
    }

    /// The call's own request is sent, and refused like this.
    #[track_caller]
    pub fn is_refused(&mut self, scenario: &mut Scenario, received: Received) {
        self.sends(scenario, Purpose::Work);
        self.receives(scenario, received);
    }

    /// Sends its own request, and ends with the response.
    #[track_caller]
    pub fn works(&mut self, scenario: &mut Scenario) -> Response<Bytes> {
        self.sends(scenario, Purpose::Work);
        self.receives(scenario, done());
        self.ends_with_response(scenario)
    }

    /// Resets the password to this one, and confirms it.
    #[track_caller]
    pub fn resets_to(&mut self, scenario: &mut Scenario, password: &str) {
        self.sends(scenario, Purpose::Reset);
        self.receives(scenario, new_password(password));
        let new = self.ends_with_password(scenario);
        assert_eq!(new.password().expose(), password);
        scenario.confirms(&new);
    }

    /// Gives the call the result of its last request.
    #[track_caller]
    pub fn receives(&mut self, scenario: &mut Scenario, received: Received) {
        let attempt = self.in_flight.expect("nothing was sent");
        self.receives_for(scenario, attempt, received);
    }

    /// Gives the call the result of one of its requests.
    #[track_caller]
    pub fn receives_for(&mut self, scenario: &mut Scenario, attempt: Attempt, received: Received) {
        let call = &mut self.call;
        scenario.watch(|session, now| call.receive(session, now, attempt, received));
        scenario.saves_what_is_unsaved();
    }

    /// Steps, whatever the step is, and does what the store is asked for.
    #[track_caller]
    pub fn step(&mut self, scenario: &mut Scenario) -> Step {
        loop {
            match self.step_alone(scenario) {
                SharedStep::Load => {
                    let loaded = scenario.store().loads(scenario.store_time());
                    self.call
                        .loaded(&mut scenario.session, scenario.now, loaded);
                }
                SharedStep::Save { seen, snapshot } => {
                    let time = scenario.store_time();
                    let saved = scenario.store().saves(time, seen, &snapshot);
                    self.call.saved(&mut scenario.session, scenario.now, saved);
                }
                SharedStep::Send(transmit) => return Step::Send(transmit),
                SharedStep::Wait(wait) => return Step::Wait(wait),
                SharedStep::Done(result) => return Step::Done(result),
            }
        }
    }

    /// Steps once: the store is not asked.
    #[track_caller]
    pub fn step_alone(&mut self, scenario: &mut Scenario) -> SharedStep {
        let call = &mut self.call;
        let step = scenario.watch(|session, now| call.step_shared(session, now));
        if let SharedStep::Send(transmit) = &step {
            self.in_flight = Some(transmit.attempt);
        }
        step
    }
}

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    TokenFetch,
    LogIn,
    LogOut,
    Reset,
    Check,
    Work,
}

impl Purpose {
    pub const ALL: [Self; 6] = [
        Self::TokenFetch,
        Self::LogIn,
        Self::LogOut,
        Self::Reset,
        Self::Check,
        Self::Work,
    ];

    pub fn of(request: &Request<Bytes>) -> Self {
        match request.uri().path() {
            "/api/ts/v1/oauth2/token" => Self::TokenFetch,
            "/api/m2m/v1/session/login" => Self::LogIn,
            "/api/m2m/v1/session/logout" if !request.headers().contains_key("vz-m2m-token") => {
                Self::Check
            }
            "/api/m2m/v1/session/logout" => Self::LogOut,
            "/api/m2m/v1/session/password/actions/reset" => Self::Reset,
            "/api/m2m/v1/work" | "/api/loc/v1/locations" => Self::Work,
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

/// The body of a request, as text.
pub fn body(transmit: &Transmit) -> &str {
    std::str::from_utf8(transmit.request.body()).unwrap()
}

/// The result of a request, as an HTTP stack gives it.
pub type Received = Result<Response<Bytes>, TransportError>;

pub fn response(status: u16, body: &str) -> Received {
    let response = Response::builder().status(status);
    Ok(response
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap())
}

pub fn done() -> Received {
    response(200, r#"{"work":"done"}"#)
}

/// A bearer token for an hour.
pub fn bearer(token: &str) -> Received {
    bearer_for(token, 3600)
}

pub fn bearer_for(token: &str, seconds: u64) -> Received {
    let body =
        format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#);
    response(200, &body)
}

pub fn session(token: &str) -> Received {
    response(200, &format!(r#"{{"sessionToken":"{token}"}}"#))
}

pub fn new_password(password: &str) -> Received {
    response(200, &format!(r#"{{"newPassword":"{password}"}}"#))
}

/// A refusal by the API.
pub fn refused(code: &str) -> Received {
    let body = format!(r#"{{"errorCode":"UnifiedWebService.{code}","errorMessage":"message"}}"#);
    response(400, &body)
}

pub fn session_expired() -> Received {
    refused("REQUEST_FAILED.SessionToken.Expired")
}

pub fn wrong_password() -> Received {
    refused("INPUT_INVALID.Password.Incorrect")
}

/// A refusal of a login that does not name the credentials.
pub fn unclear() -> Received {
    refused("REQUEST_FAILED.Unclear")
}

/// The API's response to a service check: it asks for a session token.
pub fn api_responds() -> Received {
    refused("INPUT_INVALID.SessionToken.Missing")
}

/// A refusal of the bearer token by the gateway.
pub fn bearer_fault() -> Received {
    response(
        401,
        r#"{"fault":{"code":900901,"message":"Invalid Credentials","description":"d"}}"#,
    )
}

pub fn throttled(retry_after: &str) -> Received {
    let response = Response::builder()
        .status(429)
        .header("retry-after", retry_after);
    Ok(response.body(Bytes::new()).unwrap())
}

/// No response to a request that may have been executed.
pub fn lost() -> Received {
    Err(TransportError::unknown("the connection broke"))
}

/// No response to a request that certainly did not leave.
pub fn not_sent() -> Received {
    Err(TransportError::not_sent("no route"))
}

/// Events, as `Debug` writes them: those that carry data can't be made outside
/// of the core.
pub mod event {
    use std::fmt::Debug;

    use thingspace_core::{
        ErrorCode, Timestamp,
        session::{BlockReason, Event, OperationKind},
    };

    pub fn bearer_fetched(renew_at: Timestamp) -> String {
        format!("BearerFetched {{ renew_at: {renew_at:?} }}")
    }

    pub fn bearer_refused() -> String {
        written(&Event::BearerRefused)
    }

    pub fn logged_in() -> String {
        written(&Event::LoggedIn)
    }

    pub fn session_idle() -> String {
        written(&Event::SessionIdle)
    }

    pub fn session_refused() -> String {
        written(&Event::SessionRefused)
    }

    pub fn store_failed() -> String {
        written(&Event::StoreFailed)
    }

    pub fn replayed() -> String {
        written(&Event::Replayed)
    }

    pub fn login_refused(code: &str, attempts_left: u32) -> String {
        let code = code_of(code);
        format!("LoginRefused {{ status: 400, code: {code:?}, attempts_left: {attempts_left} }}")
    }

    pub fn login_lost(attempts_left: u32) -> String {
        format!("LoginLost {{ attempts_left: {attempts_left} }}")
    }

    pub fn logins_blocked(reason: &BlockReason) -> String {
        format!("LoginsBlocked {{ reason: {reason:?} }}")
    }

    pub fn logins_blocked_by_refusal(code: &str) -> String {
        let code = code_of(code);
        format!("LoginsBlocked {{ reason: WrongCredentials {{ code: {code:?} }} }}")
    }

    pub fn logins_unblocked() -> String {
        written(&Event::LoginsUnblocked)
    }

    pub fn password_reset() -> String {
        written(&Event::PasswordReset)
    }

    pub fn password_changed() -> String {
        written(&Event::PasswordChanged)
    }

    pub fn logged_out() -> String {
        written(&Event::LoggedOut)
    }

    pub fn cooling_down(until: Timestamp) -> String {
        format!("CoolingDown {{ until: {until:?} }}")
    }

    pub fn backing_off(until: Timestamp) -> String {
        format!("BackingOff {{ until: {until:?} }}")
    }

    pub fn lease_expired(kind: OperationKind) -> String {
        format!("LeaseExpired {{ kind: {kind:?} }}")
    }

    /// A code as [`refused`](super::refused) sends it.
    fn code_of(code: &str) -> Option<ErrorCode> {
        ErrorCode::read(&format!("UnifiedWebService.{code}"))
    }

    fn written(event: &impl Debug) -> String {
        format!("{event:?}")
    }
}
