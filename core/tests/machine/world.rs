//! The world around the machine: callers, drivers, a service that may respond
//! anything, a network, a store, and a clock that may be set back.
//!
//! A schedule is a list of [`Act`]s. It reads as a script: `Want(One, Read)`,
//! `Step(0)`, `Receive(0, BearerFault)`. The [`Model`] runs beside the machine,
//! and the two are compared after every act.
//!
//! The result of an operation (a token fetch, login, logout or reset) comes to
//! the session in one of three ways: through the call that began it
//! ([`Act::Receive`]), directly, as an executor brings it ([`Act::Deliver`]), also
//! when the call was dropped, or never, because the driver died: then its lease
//! expires.
//!
//! The world knows one thing that no clock shows: how much time has truly passed.

use std::{fmt::Write, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Error, Password, Session, SessionBuilder, Step,
    Timestamp, TransportError, UserCredentials,
    session::{
        Attempt, Completion, ErrorKind, Event, NewPassword, Operation, OperationKind, OtherSession,
        Settings, Snapshot, Transmit, WaitReason,
    },
};

use super::model::Model;

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The name of a snapshot's only field.
pub const FORMAT: &str = "thingspace-session-3";

/// One thing that happens. A number selects one of the calls that are not over
/// yet, or one of the operations, counted round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A caller makes this call, and this driver drives it.
    Want(Driver, Wish),
    /// A caller makes this call with a deadline in so many seconds.
    WantWithin(Driver, Wish, u64),
    Step(usize),
    /// The call receives the result of the request that it had sent last.
    Receive(usize, Reply),
    /// The driver steps the call, and if there is a request on its way, the call
    /// receives this.
    Drive(usize, Reply),
    /// The call, which may be over, receives the result of an earlier request of
    /// its own.
    ReceiveLate(usize, Reply),
    /// The session receives the result of an operation, perhaps after its lease
    /// has expired.
    Deliver(usize, Reply),
    /// The session receives another result of an operation.
    DeliverAgain(usize, Reply),
    /// The caller drops the call. Nothing happens to an operation that it began.
    Drop(usize),
    /// A driver gives an operation up.
    Abandon(usize),
    /// A driver dies with all its calls and operations, and says nothing.
    Die(Driver),
    /// Milliseconds go by.
    Pass(u64),
    /// The clock is set back by so many milliseconds.
    SetBack(u64),
    /// Somebody looks at the session that nobody drives.
    Look,
    /// All drivers die. After so many milliseconds, a session is built from what was
    /// saved.
    Restart(u64),
    /// The same with these credentials, which a command was started with.
    RestartWith(u64, Other),
    /// The same where the clock differs by so many milliseconds.
    Move(u64, i64),
    Unblock,
    /// Somebody knows that the pause before the next token fetch or login is over.
    RetryNow,
    /// One of the new passwords that came is confirmed, perhaps too late or once
    /// more. If it is taken, that is done twice.
    Confirm(usize),
    /// A new password of another session is confirmed.
    ConfirmForeign,
    Give(Other),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    One,
    Two,
}

/// The call that a caller makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    #[default]
    Read,
    Write,
    /// Another product than Connectivity Management is asked.
    Locate,
    LogIn,
    LogOut,
    Reset,
}

/// The part of the credentials that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    Nothing,
    /// A password that was never used.
    Password,
    /// One of the passwords that were used before; the first is the last one.
    Again(usize),
    /// The application's secret.
    Secret,
    /// The user's name: that is another session.
    User,
    /// The application's key: that is another session.
    App,
}

/// The result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Fine,
    /// A bearer token that lives for half a minute; otherwise as `Fine`.
    Brief,
    /// A bearer token without a lifetime.
    Undated,
    /// A bearer token that was given before; otherwise as `Fine`.
    Repeated,
    BearerFault,
    SessionRefused,
    WrongCredentials,
    /// `WrongCredentials` with the status 429.
    WrongAndThrottled,
    /// `WrongCredentials` with the status of a success.
    WrongInSuccess,
    /// The API takes a character of the request for illegal.
    Character,
    /// A refusal by the API that names nothing.
    Unclear,
    InvalidClient,
    /// A 401 without a body.
    Unnamed,
    /// A 401 of the API that names nothing.
    Unauthorized,
    /// A product's own form of a dead session. Where it is not known, a refusal by
    /// the API that names nothing.
    DeadElsewhere,
    /// The gateway lets the request not through, and does not blame the bearer.
    Gateway,
    /// The gateway has had too many calls.
    GatewayThrottled,
    /// A proxy's page, with a status that blames the request.
    Page,
    Throttled,
    /// With a Retry-After of so many seconds.
    ThrottledFor(u32),
    Outage,
    OutageFor(u32),
    Moved,
    /// A success with an invalid body.
    Invalid,
    Empty,
    Lost,
    NotSent,
}

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    TokenFetch,
    LogIn,
    LogOut,
    Reset,
    /// A logout without a session token: it asks whether the API responds.
    Check,
    Work,
}

impl Purpose {
    /// The kind of the operation that it is, if it is one.
    pub fn kind(self) -> Option<OperationKind> {
        match self {
            Self::TokenFetch => Some(OperationKind::TokenFetch),
            Self::LogIn => Some(OperationKind::LogIn),
            Self::LogOut => Some(OperationKind::LogOut),
            Self::Reset => Some(OperationKind::PasswordReset),
            Self::Check => Some(OperationKind::ServiceCheck),
            Self::Work => None,
        }
    }

    /// Returns true if it is an operation that gets a token.
    pub fn gets_token(self) -> bool {
        matches!(self, Self::TokenFetch | Self::LogIn)
    }

    /// Returns true if it is an operation on the way to the tokens.
    pub fn is_for_tokens(self) -> bool {
        self.gets_token() || self == Self::Check
    }

    /// Returns true if the service may count it as a failed login.
    pub fn shows_password(self) -> bool {
        matches!(self, Self::LogIn | Self::Reset)
    }

    /// The reply of an honest service that is well.
    pub fn honest(self) -> Reply {
        match self {
            Self::Check => Reply::SessionRefused,
            _ => Reply::Fine,
        }
    }
}

/// Runs a schedule, and then drives every call to its end.
pub fn run(acts: &[Act]) {
    let mut world = World::new(Settings::default());
    for act in acts {
        world.act(*act);
    }
    world.finish();
}

impl Act {
    /// The schedule that any bytes stand for: three to each act.
    pub fn read_all(bytes: &[u8]) -> Vec<Self> {
        let acts = bytes.chunks_exact(3);
        acts.map(|act| Self::read([act[0], act[1], act[2]]))
            .collect()
    }

    /// The act that three bytes stand for. Each triple is one; the smaller its
    /// bytes, the plainer it is.
    pub fn read([kind, which, how]: [u8; 3]) -> Self {
        let who = usize::from(which % 4);
        let driver = [Driver::One, Driver::Two][usize::from(which >> 2) % 2];
        let reply = Reply::read(how);
        match kind {
            0..=39 => Self::Step(who),
            40..=89 => Self::Drive(who, reply),
            90..=141 => Self::Receive(who, reply),
            142..=154 => Self::Deliver(who, reply),
            155..=184 => Self::Want(driver, Wish::read(how)),
            185..=192 => {
                let seconds = [5, 20, 40, 90][usize::from(which % 4)];
                Self::WantWithin(driver, Wish::read(how), seconds)
            }
            193..=195 => Self::ReceiveLate(who, reply),
            196..=199 => Self::DeliverAgain(who, reply),
            200..=203 => Self::Drop(who),
            204 => Self::Look,
            205..=207 => Self::Abandon(who),
            208..=213 => Self::Die(driver),
            214..=233 => {
                let longest = [2_000, 70_000, 400_000, 4_000_000][who];
                Self::Pass(longest / 256 * (u64::from(how) + 1))
            }
            234..=237 => {
                let longest = [2_000, 70_000, 4_000_000, 90_000_000][who];
                Self::SetBack(longest / 256 * (u64::from(how) + 1))
            }
            238..=243 => {
                let lay = [0, 1_000, 40_000, 4_000_000][who] / 256 * (u64::from(how) + 1);
                match kind {
                    238..=240 => Self::Restart(lay),
                    241 => Self::RestartWith(lay, Other::Password),
                    242 => Self::RestartWith(lay, Other::Again(who)),
                    _ => {
                        let skew = [-90_000_000, -40_000, 40_000, 90_000_000];
                        Self::Move(lay, skew[usize::from(which >> 3) % 4])
                    }
                }
            }
            244..=246 => Self::Unblock,
            247 => Self::RetryNow,
            248..=250 => Self::Confirm(who),
            251 => Self::ConfirmForeign,
            252.. => {
                use Other::{Again, App, Nothing, Password, Secret, User};
                let again = Again(who);
                let others = [Password, Password, again, again, Nothing, Secret, User, App];
                Self::Give(others[usize::from(how % 8)])
            }
        }
    }
}

impl Wish {
    fn read(byte: u8) -> Self {
        use Wish::{Locate, LogIn, LogOut, Read, Reset, Write};
        [Read, Write, Read, LogIn, Reset, LogOut, Locate][usize::from(byte % 7)]
    }

    /// Returns true if twice is the same as once.
    pub fn is_idempotent(self) -> bool {
        matches!(self, Self::Read | Self::LogIn | Self::LogOut)
    }

    /// The purpose of its own request, if it has one.
    pub fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Read | Self::Write | Self::Locate => Some(Purpose::Work),
            Self::LogIn => None,
            Self::LogOut => Some(Purpose::LogOut),
            Self::Reset => Some(Purpose::Reset),
        }
    }

    pub fn call(self) -> Call {
        let work = |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path);
            Call::to(request.body(Bytes::new()).unwrap(), &Environment::mock()).unwrap()
        };
        match self {
            Self::Read => work("GET", "/m2m/v1/work"),
            Self::Write => work("POST", "/m2m/v1/work"),
            Self::Locate => work("POST", "/loc/v1/work"),
            Self::LogIn => Call::log_in(),
            Self::LogOut => Call::log_out(),
            Self::Reset => Call::reset_password(),
        }
    }
}

impl Reply {
    const COMMON: [Self; 14] = [
        Self::Lost,
        Self::BearerFault,
        Self::SessionRefused,
        Self::NotSent,
        Self::WrongCredentials,
        Self::Unclear,
        Self::ThrottledFor(20),
        Self::Outage,
        Self::Brief,
        Self::Invalid,
        Self::BearerFault,
        Self::SessionRefused,
        Self::Unnamed,
        Self::Unnamed,
    ];

    const RARE: [Self; 17] = [
        Self::Undated,
        Self::Repeated,
        Self::WrongAndThrottled,
        Self::InvalidClient,
        Self::Throttled,
        Self::ThrottledFor(90),
        Self::ThrottledFor(1_000_000),
        Self::OutageFor(30),
        Self::Moved,
        Self::Empty,
        Self::WrongInSuccess,
        Self::Character,
        Self::Gateway,
        Self::GatewayThrottled,
        Self::Page,
        Self::Unauthorized,
        Self::DeadElsewhere,
    ];

    /// Every other reply is a good one, or nothing would ever be open.
    fn read(byte: u8) -> Self {
        let place = usize::from(byte);
        match place {
            0..128 => Self::Fine,
            128..224 => Self::COMMON[place % 14],
            _ => Self::RARE[place % 17],
        }
    }

    /// Returns true if it is a valid response of success.
    pub fn is_good(self) -> bool {
        matches!(
            self,
            Self::Fine | Self::Brief | Self::Undated | Self::Repeated
        )
    }

    /// Returns true if the API says with it that the credentials are wrong.
    pub fn names_credentials(self) -> bool {
        matches!(
            self,
            Self::WrongCredentials | Self::WrongAndThrottled | Self::WrongInSuccess
        )
    }

    /// The API's code in it.
    pub fn full_code(self) -> Option<&'static str> {
        match self {
            Self::SessionRefused => Some("S.REQUEST_FAILED.SessionToken.Expired"),
            Self::Unclear | Self::Unauthorized => Some("S.REQUEST_FAILED.Unclear"),
            Self::DeadElsewhere => Some("INVALID_PARAMETER"),
            other => other.code(),
        }
    }

    /// The code by which it blames the credentials.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::WrongCredentials | Self::WrongInSuccess => Some("S.INPUT_INVALID.Password.Wrong"),
            Self::WrongAndThrottled => Some("S.REQUEST_FAILED.UserLocked"),
            Self::Character => Some("S.INPUT_INVALID.Request.InvalidCharacter"),
            _ => None,
        }
    }

    /// Returns true if it is the API itself that responds so, and takes the
    /// session for a living one.
    pub fn is_of_the_api(self) -> bool {
        let is_success = self.status() == Some(200);
        is_success || self.code().is_some() || matches!(self, Self::Unclear | Self::DeadElsewhere)
    }

    /// The lifetime of a bearer token that is given with it.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::Brief => Duration::from_secs(30),
            // As documented; the response does not say.
            _ => Duration::from_secs(60 * 60),
        }
    }

    /// The time for which the service asks not to be called.
    pub fn requested_backoff(self) -> Option<Duration> {
        match self {
            Self::ThrottledFor(seconds) | Self::OutageFor(seconds) => {
                Some(Duration::from_secs(seconds.into()))
            }
            _ => None,
        }
    }

    /// The status of the response, if it is one.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Fine
            | Self::Brief
            | Self::Undated
            | Self::Repeated
            | Self::Invalid
            | Self::WrongInSuccess
            | Self::Empty => Some(200),
            Self::Moved => Some(302),
            Self::SessionRefused
            | Self::WrongCredentials
            | Self::Character
            | Self::Unclear
            | Self::DeadElsewhere => Some(400),
            Self::BearerFault | Self::InvalidClient | Self::Unnamed | Self::Unauthorized => {
                Some(401)
            }
            Self::Gateway => Some(403),
            Self::Page => Some(404),
            Self::WrongAndThrottled
            | Self::Throttled
            | Self::ThrottledFor(_)
            | Self::GatewayThrottled => Some(429),
            Self::Outage | Self::OutageFor(_) => Some(503),
            Self::Lost | Self::NotSent => None,
        }
    }

    /// The result that the driver has; `token` is the one that is given, where one
    /// is.
    pub fn result(self, purpose: Purpose, token: &str) -> Result<Response<Bytes>, TransportError> {
        let body = match self {
            Self::Fine | Self::Brief | Self::Undated | Self::Repeated => match purpose {
                Purpose::TokenFetch if self == Self::Undated => {
                    format!(r#"{{"access_token":"{token}"}}"#)
                }
                Purpose::TokenFetch => {
                    let seconds = self.lifetime().as_secs();
                    format!(r#"{{"access_token":"{token}","expires_in":{seconds}}}"#)
                }
                Purpose::LogIn => format!(r#"{{"sessionToken":"{token}"}}"#),
                Purpose::Reset => format!(r#"{{"newPassword":"{token}"}}"#),
                Purpose::LogOut | Purpose::Check | Purpose::Work => "{}".to_owned(),
            },
            Self::BearerFault => r#"{"fault":{"code":900901}}"#.to_owned(),
            Self::Gateway => "<fault><code>900908</code></fault>".to_owned(),
            Self::GatewayThrottled => r#"{"code":"900802","message":"m"}"#.to_owned(),
            Self::SessionRefused
            | Self::WrongCredentials
            | Self::WrongAndThrottled
            | Self::WrongInSuccess
            | Self::Character
            | Self::Unauthorized
            | Self::Unclear => format!(r#"{{"errorCode":"{}"}}"#, self.full_code().unwrap()),
            Self::InvalidClient => r#"{"error":"invalid_client"}"#.to_owned(),
            Self::DeadElsewhere => {
                let message = "UWS verification failure (The Session has expired.)";
                let code = self.full_code().unwrap();
                format!(r#"{{"errorCode":"{code}","errorMessage":"{message}"}}"#)
            }
            Self::Throttled | Self::ThrottledFor(_) | Self::Moved | Self::Empty | Self::Unnamed => {
                String::new()
            }
            Self::Outage | Self::OutageFor(_) | Self::Invalid | Self::Page => "<html>".to_owned(),
            Self::Lost => return Err(TransportError::unknown("lost")),
            Self::NotSent => return Err(TransportError::not_sent("not sent")),
        };
        let mut response = Response::builder().status(self.status().unwrap());
        if let Some(backoff) = self.requested_backoff() {
            response = response.header("retry-after", backoff.as_secs());
        }
        Ok(response.body(Bytes::from(body)).unwrap())
    }
}

/// A request, as far as it can be seen on the wire.
pub struct Letter {
    pub purpose: Purpose,
    pub to: String,
    pub authorization: HeaderValue,
    pub session: Option<String>,
    pub body: String,
    pub deadline: Timestamp,
}

impl Letter {
    pub fn of(transmit: &Transmit) -> Self {
        let request = &transmit.request;
        let session = request.headers().get("vz-m2m-token");
        let purpose = match request.uri().path() {
            "/api/ts/v1/oauth2/token" => Purpose::TokenFetch,
            "/api/m2m/v1/session/login" => Purpose::LogIn,
            "/api/m2m/v1/session/logout" if session.is_none() => Purpose::Check,
            "/api/m2m/v1/session/logout" => Purpose::LogOut,
            "/api/m2m/v1/session/password/actions/reset" => Purpose::Reset,
            "/api/m2m/v1/work" | "/api/loc/v1/work" => Purpose::Work,
            other => panic!("law 9: a request to {other}"),
        };
        let kind = transmit
            .attempt
            .operation()
            .map(|operation| operation.kind());
        assert_eq!(kind, purpose.kind(), "law 1: the operation of a request");
        Self {
            purpose,
            to: request.uri().to_string(),
            authorization: request.headers()["authorization"].clone(),
            session: session.map(|token| token.to_str().unwrap().to_owned()),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
            deadline: transmit.deadline,
        }
    }
}

/// A call, and what its driver knows of it.
#[derive(Clone)]
struct Actor {
    call: Call,
    wish: Wish,
    driver: Driver,
    /// Its own request that is on its way.
    in_flight: Option<Attempt>,
    /// The own requests before that.
    old: Vec<Attempt>,
    started: bool,
    dropped: bool,
    over: bool,
    /// True if it ended well.
    well: bool,
}

/// An operation that has begun.
#[derive(Clone)]
struct Begun {
    operation: Operation,
    attempt: Attempt,
    purpose: Purpose,
    /// The call that began it.
    by: usize,
    way: Way,
}

/// The way of an operation's request and its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    /// A result has come.
    Arrived,
    /// Nothing will ever be heard of it.
    Gone,
}

#[derive(Clone)]
pub struct World {
    session: Session,
    now: Timestamp,
    /// The time that has truly passed, whatever the clock says.
    elapsed: Duration,
    actors: Vec<Actor>,
    operations: Vec<Begun>,
    /// The new passwords that came, each with its reset.
    passwords: Vec<(NewPassword, usize)>,
    /// A new password of another session.
    foreign: NewPassword,
    /// The snapshot that was saved: whenever the version has changed.
    saved: Saved,
    model: Model,
    /// The number of tokens and passwords that have been given out, and the last
    /// bearer token among them.
    names: u32,
    bearer: u32,
    /// All passwords that were used, in the order of their last use.
    used_passwords: Vec<String>,
    /// The number of sessions that were built: each draws from a seed of its own.
    built: u64,
    /// All that could be seen, where somebody asks for it.
    seen: Option<String>,
}

/// A snapshot, and when it was saved.
#[derive(Clone)]
struct Saved {
    snapshot: Snapshot,
    version: u64,
    last_used: Option<Timestamp>,
    elapsed: Duration,
}

impl World {
    pub fn new(settings: Settings) -> Self {
        let credentials = Credentials::new(
            AppCredentials::new("key", "secret").unwrap(),
            UserCredentials::new("user", "p~0").unwrap(),
        );
        let model = Model::new(settings.clone(), credentials.clone());
        let session = SessionBuilder::new(credentials)
            .environment(Environment::mock())
            .settings(settings)
            .seed(1)
            .build()
            .unwrap();
        Self {
            saved: Saved {
                snapshot: session.snapshot(START),
                version: session.version(),
                last_used: None,
                elapsed: Duration::ZERO,
            },
            foreign: foreign(&session),
            used_passwords: vec![
                session
                    .credentials()
                    .password()
                    .unwrap()
                    .expose()
                    .to_owned(),
            ],
            built: 1,
            session,
            now: START,
            elapsed: Duration::ZERO,
            actors: Vec::new(),
            operations: Vec::new(),
            passwords: Vec::new(),
            model,
            names: 0,
            bearer: 0,
            seen: None,
        }
    }

    pub fn act(&mut self, act: Act) {
        let before = self.session.clone();
        match act {
            Act::Want(driver, wish) => self.want(driver, wish, None),
            Act::WantWithin(driver, wish, seconds) => {
                let deadline = self.now + Duration::from_secs(seconds);
                self.want(driver, wish, Some(deadline));
            }
            Act::Step(which) => self.with(which, |world, who| {
                world.step(who);
            }),
            Act::Receive(which, reply) => {
                self.with(which, |world, who| world.receive(who, reply));
            }
            Act::Drive(which, reply) => self.with(which, |world, who| {
                world.step(who);
                world.receive(who, reply);
            }),
            Act::ReceiveLate(which, reply) => self.receive_late(which, &[reply]),
            Act::Deliver(which, reply) => self.deliver_any(which, reply),
            Act::DeliverAgain(which, reply) => self.deliver_again(which, reply),
            Act::Drop(which) => self.with(which, Self::drop_call),
            Act::Abandon(which) => self.abandon(which),
            Act::Die(driver) => self.die(driver),
            Act::Pass(millis) => self.pass(Duration::from_millis(millis)),
            Act::SetBack(millis) => {
                let now = self.now.as_millis().saturating_sub(millis);
                self.set_clock(Timestamp::from_millis(now));
            }
            Act::Look => self.look(),
            Act::Restart(lay) => self.restart(lay, 0, Other::Nothing),
            Act::RestartWith(lay, other) => self.restart(lay, 0, other),
            Act::Move(lay, skew) => self.restart(lay, skew, Other::Nothing),
            Act::Unblock => {
                self.session.unblock();
                self.model.unblocks();
            }
            Act::RetryNow => {
                self.session.retry_now();
                self.model.retries_now();
            }
            Act::Confirm(which) => self.confirm_any(which),
            Act::ConfirmForeign => self.confirm_foreign(),
            Act::Give(other) => self.give(other),
        }
        self.take_events();
        let is_restart = matches!(act, Act::Restart(_) | Act::RestartWith(..) | Act::Move(..));
        if !is_restart {
            self.assert_version_grows(&before);
        }
        if is_restart || self.saved.version != self.session.version() {
            self.save();
        }
        self.notes_password();
        self.model.agrees(self.now, &self.session);
    }

    fn save(&mut self) {
        self.saved = Saved {
            snapshot: self.session.snapshot(self.now),
            version: self.session.version(),
            last_used: self.session.last_used(),
            elapsed: self.elapsed,
        };
    }

    fn notes_password(&mut self) {
        let password = self.session.credentials().password().unwrap().expose();
        if self
            .used_passwords
            .last()
            .is_none_or(|last| last != password)
        {
            let password = password.to_owned();
            self.used_passwords.retain(|used| *used != password);
            self.used_passwords.push(password);
        }
    }

    /// Law 12: with an honest service from here on, every call ends, and the
    /// session serves as it should.
    pub fn finish(&mut self) {
        self.settle();
        self.act(Act::Pass(200 * 24 * 60 * 60 * 1000));
        for _ in 0..4 {
            self.act(Act::Want(Driver::One, Wish::Read));
            self.settle();
            if self.actors.last().is_some_and(|last| last.well) {
                return;
            }
            // Only a blocked guard may have kept it from that. Whoever has the new
            // password confirms it; whoever has not decides.
            let guard = self.session.login_guard();
            assert!(guard.blocked.is_some(), "law 12: it fails with {guard:?}");
            match self.awaited().last() {
                Some(newest) => self.confirm(*newest),
                None => self.act(Act::Unblock),
            }
        }
        panic!("law 12: the session is of no use any more");
    }

    /// Responds honestly to everything, until all calls are over. (Operations, which
    /// only one at a time may be, take a few rounds each.)
    fn settle(&mut self) {
        for _ in 0..40 * (5 + self.alive().count()) {
            for operation in self.on_their_way() {
                let honest = self.operations[operation].purpose.honest();
                self.deliver(operation, honest);
            }
            let alive: Vec<_> = self.alive().collect();
            if alive.is_empty() {
                return;
            }
            let mut waits = Vec::new();
            for who in alive {
                self.receive(who, Reply::Fine);
                waits.extend(self.step(who));
                self.model.agrees(self.now, &self.session);
            }
            // Those who wait are woken by whatever the others do.
            let everybody_waits = waits.len() == self.alive().count();
            if let (true, Some(until)) = (everybody_waits, waits.into_iter().min()) {
                self.pass(until.since(self.now));
            }
        }
        let left: Vec<_> = self
            .alive()
            .map(|who| format!("{:?}", self.actors[who].call))
            .collect();
        panic!("law 12: calls never end: {left:#?}");
    }

    fn alive(&self) -> impl Iterator<Item = usize> {
        let alive = self.actors.iter().enumerate();
        alive.filter(|(_, actor)| !actor.over).map(|(who, _)| who)
    }

    fn with<R>(&mut self, which: usize, act: impl FnOnce(&mut Self, usize) -> R) {
        let alive = self.alive().count();
        let who = which.checked_rem(alive);
        if let Some(who) = who.and_then(|which| self.alive().nth(which)) {
            act(self, who);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.elapsed += time;
        self.set_clock(self.now + time);
    }

    fn set_clock(&mut self, now: Timestamp) {
        self.now = now;
        self.model.sees(now);
    }

    fn want(&mut self, driver: Driver, wish: Wish, deadline: Option<Timestamp>) {
        let call = match deadline {
            Some(deadline) => wish.call().with_deadline(deadline),
            None => wish.call(),
        };
        self.model.wants(wish, deadline);
        self.actors.push(Actor {
            call,
            wish,
            driver,
            in_flight: None,
            old: Vec::new(),
            started: false,
            dropped: false,
            over: false,
            well: false,
        });
    }

    /// Steps a call. Returns until when it waits, if it does.
    fn step(&mut self, who: usize) -> Option<Timestamp> {
        let (now, actor) = (self.now, &mut self.actors[who]);
        actor.started = true;
        let step = actor.call.step(&mut self.session, now);
        let events = self.take_events();
        self.see(|| match &step {
            Step::Send(transmit) => {
                let Letter {
                    to,
                    session,
                    body,
                    authorization,
                    ..
                } = Letter::of(transmit);
                let bearer = authorization.to_str().unwrap();
                format!("{transmit:?} {to} {bearer} {session:?} {body}")
            }
            Step::Done(Err(error)) => facts(error),
            other => format!("{other:?}"),
        });
        let silent = matches!(&step, Step::Wait(wait) if wait.reason == WaitReason::Response);
        if !silent {
            self.model.steps(now, who, &events);
            self.model.hears_of_time(now, &self.session);
        }
        let actor = &mut self.actors[who];
        match step {
            Step::Send(transmit) => {
                let Transmit { attempt, .. } = transmit;
                let letter = Letter::of(&transmit);
                self.model.sends(now, self.elapsed, who, &letter);
                actor.old.extend(actor.in_flight.take());
                if let Some(operation) = attempt.operation() {
                    self.operations.push(Begun {
                        operation,
                        attempt,
                        purpose: letter.purpose,
                        by: who,
                        way: Way::Open,
                    });
                } else {
                    actor.in_flight = Some(attempt);
                }
                None
            }
            Step::Wait(wait) => {
                self.model.waits(now, who, wait);
                Some(wait.until)
            }
            Step::Done(result) => {
                match &result {
                    Ok(completion) => {
                        let reset = self.model.succeeds(who, given(completion).as_deref());
                        if let (Completion::PasswordReset(new), Some(reset)) = (completion, reset) {
                            self.has_new_password(new.clone(), reset);
                        }
                    }
                    Err(error) => self.model.fails(now, who, error),
                }
                self.actors[who].well = result.is_ok();
                self.ends(who);
                None
            }
        }
    }

    /// A call that is over says so, and does nothing more.
    fn ends(&mut self, who: usize) {
        let (now, before) = (self.now, self.session.snapshot(self.now));
        let actor = &mut self.actors[who];
        actor.over = true;
        actor.old.extend(actor.in_flight.take());
        let step = actor.call.step(&mut self.session, now);
        let over = matches!(&step, Step::Done(Err(error)) if matches!(error.kind(), ErrorKind::CallFinished));
        assert!(over, "law 12: a call that is over says {step:?}");
        let unchanged = self.session.snapshot(now) == before;
        assert!(unchanged, "law 12: and does more");
    }

    /// The call receives the result of its own request, or of the last operation
    /// that it has begun, if that is on its way.
    fn receive(&mut self, who: usize, reply: Reply) {
        let actor = &mut self.actors[who];
        let Some(attempt) = actor.in_flight.take() else {
            let mut begun = self.operations.iter();
            let last = begun.rposition(|begun| begun.by == who && begun.way == Way::Open);
            if let Some(operation) = last {
                self.take_result(operation, reply, true);
            }
            return;
        };
        let now = self.now;
        actor.old.push(attempt);
        let result = reply.result(Purpose::Work, "");
        actor.call.receive(&mut self.session, now, attempt, result);
        let events = self.take_events();
        self.model.receives(now, who, reply, &events);
    }

    /// The session receives the result of an operation, without the call that
    /// began it.
    fn deliver(&mut self, operation: usize, reply: Reply) {
        self.take_result(operation, reply, false);
    }

    fn deliver_any(&mut self, which: usize, reply: Reply) {
        let on_their_way = self.on_their_way();
        let operation = which.checked_rem(on_their_way.len());
        if let Some(operation) = operation.map(|which| on_their_way[which]) {
            self.deliver(operation, reply);
        }
    }

    /// An operation's result comes to the session, through the call or not: that is
    /// the same, also if the call is over.
    fn take_result(&mut self, which: usize, reply: Reply, through_the_call: bool) {
        let now = self.now;
        let Begun {
            operation,
            attempt,
            purpose,
            by,
            ..
        } = self.operations[which];
        let token = self.token(purpose, reply);
        let result = reply.result(purpose, &token);
        self.operations[which].way = Way::Arrived;

        let (mut other, actor) = (self.session.clone(), &mut self.actors[by]);
        let shown = format!("{:?}", actor.call);
        if through_the_call {
            other.receive(now, operation, result.clone());
            actor.call.receive(&mut self.session, now, attempt, result);
        } else {
            self.session.receive(now, operation, result.clone());
            if !actor.dropped {
                actor.call.receive(&mut other, now, attempt, result);
            }
        }
        assert_eq!(shown, format!("{:?}", actor.call), "law 14: a call's own");
        let same = self.session.snapshot(now) == other.snapshot(now);
        assert!(same || actor.dropped, "law 14: it matters who brings it");

        let events = self.take_events();
        self.model.finishes(now, which, (reply, &token), &events);
        let new = self.session.new_password().cloned();
        if let Some(new) = new.filter(|new| new.password().expose() == token) {
            self.has_new_password(new, which);
        }
    }

    fn has_new_password(&mut self, new: NewPassword, reset: usize) {
        if !self.passwords.iter().any(|(known, _)| *known == new) {
            self.passwords.push((new, reset));
        }
    }

    fn deliver_again(&mut self, which: usize, reply: Reply) {
        let arrived = |(_, begun): &(usize, &Begun)| begun.way == Way::Arrived;
        let begun = self.operations.iter().enumerate().filter(arrived);
        let arrived: Vec<_> = begun.map(|(operation, _)| operation).collect();
        let operation = which.checked_rem(arrived.len());
        let Some(operation) = operation.map(|which| arrived[which]) else {
            return;
        };
        // A new password is not lost that comes after all.
        if self.model.takes_again(operation, reply) == Some(true) {
            self.deliver(operation, reply);
        } else {
            self.repeat(operation, &[reply]);
        }
    }

    /// Law 7: a second result of an operation changes nothing.
    fn repeat(&mut self, which: usize, replies: &[Reply]) {
        let Begun {
            operation, purpose, ..
        } = self.operations[which];
        let (before, new) = (
            self.session.snapshot(self.now),
            self.session.new_password().cloned(),
        );
        for reply in replies {
            if self.model.takes_again(which, *reply) == Some(false) {
                let result = reply.result(purpose, &self.token(purpose, *reply));
                self.session.receive(self.now, operation, result);
            }
        }
        let after = self.session.snapshot(self.now);
        let unchanged = after == before || json(&after) == json(&before);
        assert!(unchanged, "law 7: {replies:?} for {operation:?}, again");
        let unchanged = self.session.new_password() == new.as_ref();
        assert!(unchanged, "law 8: {replies:?} for {operation:?}, again");
        assert_eq!(self.take_events(), [], "law 7: a result that came before");
    }

    /// Law 7, for a call's own request: a result that is not waited for changes
    /// nothing.
    fn receive_late(&mut self, which: usize, replies: &[Reply]) {
        let who = which.checked_rem(self.actors.len());
        let late = who.and_then(|who| Some((who, *self.actors[who].old.last()?)));
        let Some((who, attempt)) = late else {
            return;
        };
        let call = &mut self.actors[who].call;
        let (before, shown) = (self.session.snapshot(self.now), format!("{call:?}"));
        for reply in replies {
            let result = reply.result(Purpose::Work, "");
            call.receive(&mut self.session, self.now, attempt, result);
        }
        let unchanged = self.session.snapshot(self.now) == before && format!("{call:?}") == shown;
        assert!(unchanged, "law 7: {replies:?} that nobody waits for");
        assert_eq!(self.take_events(), [], "law 7: a result nobody waits for");
    }

    /// The token or password that the service gives with this reply.
    fn token(&mut self, purpose: Purpose, reply: Reply) -> String {
        let kind = match purpose {
            Purpose::TokenFetch => 'b',
            Purpose::LogIn | Purpose::LogOut | Purpose::Check => 's',
            Purpose::Reset => 'p',
            Purpose::Work => return String::new(),
        };
        if kind == 'b' && reply == Reply::Repeated {
            return format!("b~{}", self.bearer);
        }
        self.names += 1;
        if kind == 'b' {
            self.bearer = self.names;
        }
        format!("{kind}~{}", self.names)
    }

    fn drop_call(&mut self, who: usize) {
        let actor = &mut self.actors[who];
        (actor.dropped, actor.over) = (true, true);
        actor.old.clear();
        self.model.drops(who);
    }

    /// Gives an operation up. If it is in progress no longer, that changes nothing.
    fn abandon(&mut self, which: usize) {
        let Some(which) = which.checked_rem(self.operations.len()) else {
            return;
        };
        let newest_first = self.operations.len() - 1 - which;
        let operation = self.operations[newest_first].operation;
        let before = self.session.snapshot(self.now);
        self.session.abandon(self.now, operation);
        if !self.model.abandons(self.now, newest_first) {
            let unchanged = self.session.snapshot(self.now) == before;
            assert!(unchanged, "law 7: {operation:?} is given up in vain");
        }
    }

    fn die(&mut self, driver: Driver) {
        for (who, actor) in self.actors.iter_mut().enumerate() {
            if actor.driver != driver || !actor.started {
                continue;
            }
            actor.old.clear();
            if !actor.over {
                (actor.dropped, actor.over) = (true, true);
                self.model.drops(who);
            }
            for (which, begun) in self.operations.iter_mut().enumerate() {
                if begun.by == who && begun.way == Way::Open {
                    begun.way = Way::Gone;
                    self.model.loses_sight_of(which);
                }
            }
        }
    }

    /// Lets go of what has run out, without a call that steps.
    fn look(&mut self) {
        self.session.expire(self.now);
        let events = self.take_events();
        self.model.runs_out(self.now, &events);
        self.model.agrees(self.now, &self.session);
    }

    /// All drivers die, and what was saved lies for some milliseconds. Then a session
    /// is built from it, by a clock that differs by `skew`.
    fn restart(&mut self, lay: u64, skew: i64, other: Other) {
        self.die(Driver::One);
        self.die(Driver::Two);
        self.pass(Duration::from_millis(lay));
        let now = self.now.as_millis().checked_add_signed(skew).unwrap();
        let now = Timestamp::from_millis(now);
        if skew != 0 {
            // The deadlines of calls that nobody has driven yet are of the old clock.
            let alive: Vec<_> = self.alive().collect();
            for who in alive {
                self.drop_call(who);
            }
        }
        let age = self.elapsed.checked_sub(self.saved.elapsed).unwrap();
        let (snapshot, saved_at) = (
            carried(&self.saved.snapshot),
            self.saved.snapshot.saved_at(),
        );
        let (credentials, _) = self.credentials_with(other);
        self.now = now;
        self.rebuild(snapshot, age, credentials);
        let at_saving = i128::from(now.as_millis()) - i128::try_from(age.as_millis()).unwrap();
        let shift = i64::try_from(at_saving - i128::from(saved_at.as_millis())).unwrap();
        self.model.restarts(&self.session, saved_at, shift);
        self.model.sees(now);
    }

    fn rebuild(&mut self, snapshot: Snapshot, age: Duration, credentials: Credentials) {
        self.built += 1;
        self.session = SessionBuilder::new(credentials)
            .environment(Environment::mock())
            .settings(self.session.settings().clone())
            .snapshot(snapshot, age, self.now)
            .seed(self.built)
            .build()
            .unwrap();
    }

    /// A copy of the world, with a session that was built from its snapshot. Calls that
    /// have not looked yet at what only their process knows (that a logout or reset
    /// succeeded, or that a login of theirs was lost) die with their process, in
    /// both worlds, and nobody brings the results again that it has had.
    pub fn reborn(&mut self) -> Self {
        self.look();
        let alive: Vec<_> = self.alive().collect();
        for who in alive {
            if self.model.has_news_of_its_process(who) {
                self.drop_call(who);
            }
        }
        for begun in &mut self.operations {
            if begun.way == Way::Arrived {
                begun.way = Way::Gone;
            }
        }
        let mut other = self.clone();
        let snapshot = self.session.snapshot(self.now);
        let credentials = self.session.credentials().clone();
        other.rebuild(carried(&snapshot), Duration::ZERO, credentials);
        other.model.restarts(&other.session, self.now, 0);
        self.save();
        other.save();
        other
    }

    /// Drops the calls that have not looked yet at the end of the operation that
    /// they waited for.
    pub fn drop_calls_with_news(&mut self) {
        let alive: Vec<_> = self.alive().collect();
        for who in alive {
            if self.model.has_news(who) {
                self.drop_call(who);
            }
        }
    }

    /// The session at rest, in the format that the world uses.
    pub fn at_rest(&self) -> String {
        serde_json::to_string(&self.session.snapshot(self.now)).unwrap()
    }

    /// Sees what can be seen of an act, beginning with the whole session.
    pub fn watch(&mut self, act: Act) -> String {
        self.seen = Some(format!("{act:?} {:?}\n", self.session));
        self.act(act);
        let seen = self.seen.take().unwrap();
        // What was taken back is ordered by names, which are drawn by lot.
        let mut at_rest = json(&self.session.snapshot(self.now));
        let settled = &mut at_rest[FORMAT]["memory"]["guard"]["settled"];
        let settled = settled.as_array_mut().unwrap();
        for one in settled.iter_mut() {
            let (kind, id) = one.as_object().unwrap().iter().next().unwrap();
            *one = serde_json::json!(format!("{} {kind}", id["number"]));
        }
        settled.sort_by_key(ToString::to_string);
        without_chance(&(seen + &format!("{:?} {at_rest}", self.session)))
    }

    /// The new passwords that may be confirmed now, the oldest first.
    pub fn awaited(&self) -> Vec<usize> {
        let passwords = self.passwords.iter().enumerate();
        let awaited = passwords.filter(|(_, (_, reset))| self.model.awaits(*reset));
        awaited.map(|(which, _)| which).collect()
    }

    fn confirm_any(&mut self, which: usize) {
        if let Some(which) = which.checked_rem(self.passwords.len()) {
            self.confirm(which);
        }
    }

    /// Confirms a new password: the session uses it if it is awaited. One that it
    /// uses already may be confirmed again.
    fn confirm(&mut self, which: usize) {
        let (new, reset) = self.passwords[which].clone();
        if self.model.awaits(reset) {
            self.session.confirm(&new).unwrap();
            self.model.confirms(new.password());
            self.confirm_again(&new);
        } else if self.model.has_confirmed(new.password()) {
            self.confirm_again(&new);
        } else {
            self.confirm_in_vain(&new);
        }
    }

    fn confirm_again(&mut self, new: &NewPassword) {
        let before = self.session.snapshot(self.now);
        self.session.confirm(new).unwrap();
        let unchanged = self.session.snapshot(self.now) == before;
        assert!(unchanged, "law 8: {new:?} is confirmed again");
    }

    fn confirm_foreign(&mut self) {
        let foreign = self.foreign.clone();
        self.confirm_in_vain(&foreign);
    }

    /// A new password that is not awaited is refused, and changes nothing.
    fn confirm_in_vain(&mut self, new: &NewPassword) {
        let (before, newest) = (
            self.session.snapshot(self.now),
            self.session.new_password().cloned(),
        );
        let refused = self.session.confirm(new).is_err();
        assert!(refused, "law 8: {new:?} is confirmed, which is not awaited");
        let unchanged = self.session.snapshot(self.now) == before;
        assert!(
            unchanged,
            "law 8: {new:?} is refused, and changes something"
        );
        let unchanged = self.session.new_password() == newest.as_ref();
        assert!(unchanged, "law 8: {new:?} is refused, and another is lost");
    }

    /// The credentials in use with something else, and the reason why the session
    /// can't use them.
    fn credentials_with(&mut self, other: Other) -> (Credentials, Option<OtherSession>) {
        let Credentials { app, user } = self.session.credentials().clone();
        let user = user.unwrap();
        let with_password = |password: &str| {
            let password = Password::new(password).unwrap();
            (
                Credentials::new(app.clone(), user.with_password(password)),
                None,
            )
        };
        match other {
            Other::Nothing => (Credentials::new(app, user), None),
            Other::Password => {
                self.names += 1;
                with_password(&format!("p~{}", self.names))
            }
            Other::Again(which) => {
                let earlier = self.used_passwords.len() - 1;
                match which.checked_rem(earlier) {
                    Some(which) => with_password(&self.used_passwords[earlier - 1 - which]),
                    None => (Credentials::new(app, user), None),
                }
            }
            Other::Secret => {
                self.names += 1;
                let secret = format!("secret {}", self.names);
                let app = AppCredentials::new(app.key(), secret).unwrap();
                (Credentials::new(app, user), None)
            }
            Other::User => {
                let user = UserCredentials::new("another", "p~0").unwrap();
                (Credentials::new(app, user), Some(OtherSession::User))
            }
            Other::App => {
                let app = AppCredentials::new("another", "secret").unwrap();
                (Credentials::new(app, user), Some(OtherSession::App))
            }
        }
    }

    fn give(&mut self, other: Other) {
        let (credentials, refused) = self.credentials_with(other);
        let before = self.session.snapshot(self.now);
        let given = self.session.set_credentials(credentials.clone());
        assert_eq!(given.err(), refused, "law 8: {other:?} is given");
        if refused.is_none() {
            self.model.gives(&credentials);
        } else {
            let unchanged = self.session.snapshot(self.now) == before;
            assert!(
                unchanged,
                "law 8: {other:?} is refused, and changes something"
            );
        }
    }

    fn take_events(&mut self) -> Vec<Event> {
        let events: Vec<_> = std::iter::from_fn(|| self.session.poll_event()).collect();
        self.see(|| format!("{events:?}"));
        events
    }

    /// Asserts that one who saves whenever the version has changed misses nothing but
    /// the time of the last use.
    fn assert_version_grows(&self, before: &Session) {
        let (old, new) = (before.version(), self.session.version());
        assert!(new >= old, "law 11: the version shrank");
        let now = self.now;
        if new == old && before.snapshot(now) != self.session.snapshot(now) {
            let rest = |session: &Session| {
                let mut saved = json(&session.snapshot(now));
                let open = &mut saved[FORMAT]["memory"]["open"];
                if let Some(open) = open.as_object_mut() {
                    open.remove("used");
                }
                saved
            };
            let unchanged = rest(before) == rest(&self.session);
            assert!(unchanged, "law 11: nobody saves this");
        }
    }

    /// The number of calls that are not over, and those of them whose own request
    /// is on its way.
    pub fn calls(&self) -> (usize, Vec<usize>) {
        let alive = self.alive().enumerate();
        let in_flight = alive.filter(|(_, who)| self.actors[*who].in_flight.is_some());
        (
            self.alive().count(),
            in_flight.map(|(which, _)| which).collect(),
        )
    }

    /// Returns true if a backoff or cooldown was begun that nothing has ended.
    pub fn is_delayed(&self) -> bool {
        self.model.is_delayed()
    }

    /// Returns true if an operation is in progress.
    pub fn is_busy(&self) -> bool {
        self.session.operation().is_some()
    }

    /// The purposes of the operations that are on their way.
    pub fn purposes(&self) -> impl Iterator<Item = Purpose> {
        let on_their_way = self.on_their_way().into_iter();
        on_their_way.map(|which| self.operations[which].purpose)
    }

    fn on_their_way(&self) -> Vec<usize> {
        let begun = self.operations.iter().enumerate();
        let on_their_way = begun.filter(|(_, begun)| begun.way == Way::Open);
        on_their_way.map(|(which, _)| which).collect()
    }

    /// The time until something changes by itself.
    pub fn next_change(&self) -> Option<Duration> {
        let later = self.model.instants().filter(|instant| *instant > self.now);
        later.min().map(|instant| instant.since(self.now))
    }

    /// Everything that decides what may happen next, as a text. Of the snapshot, what
    /// only matters to other processes is left out, and times that are only shown.
    pub fn show(&self) -> String {
        let mut text = essence(&self.at_rest());
        let is_used = self.session.last_used();
        if self.saved.last_used != is_used {
            write!(text, "used {:?}", self.saved.last_used).unwrap();
        }
        let Credentials { app, user } = self.session.credentials();
        let user = user.as_ref().unwrap();
        for part in [app.key(), user.username(), user.password().expose()] {
            write!(text, " {part}").unwrap();
        }
        if let Some(before) = self.used_passwords.iter().rev().nth(1) {
            write!(text, " {before}").unwrap();
        }
        for who in self.alive() {
            let Actor {
                wish, driver, call, ..
            } = &self.actors[who];
            write!(text, "{wish:?}{driver:?}{call:?}").unwrap();
        }
        for which in self.on_their_way() {
            let Begun { operation, by, .. } = &self.operations[which];
            write!(text, "{operation:?}{:?}", self.actors[*by].driver).unwrap();
        }
        for which in self.awaited() {
            let (new, _) = &self.passwords[which];
            write!(text, "{new:?}{}", new.password().expose()).unwrap();
        }
        text + &self.model.show()
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Law 11, and laws 7 and 8 for what comes late, again or in vain, in any
    /// state.
    pub fn assert_sound(&self) {
        let mut copy = self.clone();
        copy.assert_survives_a_restart();
        for who in self.alive() {
            copy.receive_late(who, &[Reply::Fine, Reply::WrongCredentials, Reply::Lost]);
        }
        let replies = [
            Reply::SessionRefused,
            Reply::WrongCredentials,
            Reply::Lost,
            Reply::Fine,
        ];
        for (which, begun) in self.operations.iter().enumerate() {
            if begun.way == Way::Arrived {
                copy.repeat(which, &replies);
            }
        }
        for (new, reset) in &self.passwords {
            let is_in_use = self.model.has_confirmed(new.password());
            if !self.model.awaits(*reset) && !is_in_use {
                copy.confirm_in_vain(new);
            }
        }
        copy.confirm_foreign();
        for other in [Other::Nothing, Other::User, Other::App] {
            copy.give(other);
        }
    }

    /// Law 11: a session at rest is the same when it is built again, whoever has a
    /// clock that differs.
    fn assert_survives_a_restart(&self) {
        let (age, skew) = (Duration::from_secs(5), Duration::from_secs(86_400));
        let rebuilt = |snapshot: Snapshot, age: Duration, now: Timestamp| {
            let builder = SessionBuilder::new(self.session.credentials().clone());
            let builder = builder.environment(Environment::mock());
            builder.snapshot(snapshot, age, now).build().unwrap()
        };
        let (here, there) = (self.now + age, self.now + skew);
        let other = rebuilt(self.session.snapshot(self.now), age, there);
        let back = rebuilt(other.snapshot(there), Duration::ZERO, here);
        let unchanged = self.session.snapshot(here) == back.snapshot(here);
        assert!(unchanged, "law 11: it is another one at rest");
    }

    fn see(&mut self, what: impl FnOnce() -> String) {
        if let Some(seen) = &mut self.seen {
            writeln!(seen, "{}", what()).unwrap();
        }
    }
}

/// The new password of another session, whose operations have names of their own.
fn foreign(session: &Session) -> NewPassword {
    let mut snapshot = json(&session.snapshot(START));
    let memory = &mut snapshot[FORMAT]["memory"];
    let renew_at = Timestamp::MAX;
    let generation = serde_json::json!({"number": 0, "nonce": 0});
    memory["bearer"] =
        serde_json::json!({"token": "b", "generation": generation, "renew_at": renew_at});
    memory["open"] = serde_json::json!({
        "token": "s", "generation": generation, "since": START, "used": START, "reported": START,
    });
    let mut other = SessionBuilder::new(session.credentials().clone())
        .environment(Environment::mock())
        .snapshot(
            serde_json::from_value(snapshot).unwrap(),
            Duration::ZERO,
            START,
        )
        .seed(u64::MAX)
        .build()
        .unwrap();
    let mut call = Call::reset_password();
    let Step::Send(transmit) = call.step(&mut other, START) else {
        panic!("a reset is sent");
    };
    let result = Reply::Fine.result(Purpose::Reset, "foreign");
    call.receive(&mut other, START, transmit.attempt, result);
    other.new_password().unwrap().clone()
}

/// A snapshot after its way to a file and back.
fn carried(snapshot: &Snapshot) -> Snapshot {
    let text = serde_json::to_string(snapshot).unwrap();
    let back: Snapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(json(&back), json(snapshot), "law 11: something is lost");
    back
}

/// The part of a snapshot that decides what one process does: what only matters to
/// others, when they merge it with theirs, is left out. The times at which a login or
/// reset counted get a name of their own, so that they are told from those of failures,
/// which are only shown.
fn essence(snapshot: &str) -> String {
    const ONLY_FOR_OTHERS: [&str; 13] = [
        "revision",
        "saved_at",
        "environment",
        "key",
        "username",
        "salt",
        "ended_bearer",
        "ended_session",
        "password_epoch",
        "epoch_password",
        // What was taken back, but for refusals, which may come again.
        "Counted",
        "Doubt",
        "Unblocked",
    ];
    let mut essence = String::with_capacity(snapshot.len());
    let (mut before_last, mut last) = ("", "");
    let mut rest = snapshot;
    while let Some((before, after)) = rest.split_once('"') {
        let (word, after) = after.split_once('"').unwrap();
        essence += before;
        rest = after;
        if ONLY_FOR_OTHERS.contains(&word) && rest.starts_with(':') {
            rest = after_value(rest);
        } else if word == "at" && before_last == "verdict" {
            essence += "since";
        } else {
            essence += word;
        }
        (before_last, last) = (last, word);
    }
    (essence + rest).replace("{},", "").replace("{}", "")
}

/// The rest of a text after the JSON value at its start, and a comma.
fn after_value(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c| {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        depth < 0 || (depth == 0 && c == ',')
    });
    let rest = &text[end.unwrap()..];
    rest.strip_prefix(',').unwrap_or(rest)
}

fn json(snapshot: &Snapshot) -> serde_json::Value {
    serde_json::to_value(snapshot).unwrap()
}

/// A text without what is drawn by lot and what only counts for this process:
/// nonces are named in the order in which they appear, and versions and the names of calls
/// are left out.
pub fn without_chance(text: &str) -> String {
    const NONCES: [&str; 4] = ["nonce", "Refused", "id", "salt"];
    let mut names: Vec<&str> = Vec::new();
    let mut shown = String::with_capacity(text.len());
    let mut label = "";
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        if first.is_ascii_digit() {
            let (digits, after) = rest.split_at(end(|c| c.is_ascii_digit()));
            if ["version", "CallId"].contains(&label) {
                shown.push('_');
            } else if NONCES.contains(&label) && digits != "0" {
                let known = names.iter().position(|known| *known == digits);
                let place = known.unwrap_or_else(|| {
                    names.push(digits);
                    names.len() - 1
                });
                write!(shown, "#{place}").unwrap();
            } else {
                shown += digits;
            }
            rest = after;
        } else if first.is_ascii_alphabetic() {
            let word = |c: char| c.is_ascii_alphanumeric() || "_~".contains(c);
            let (name, after) = rest.split_at(rest.find(|c| !word(c)).unwrap_or(rest.len()));
            label = name;
            shown += name;
            rest = after;
        } else {
            shown.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    shown
}

/// The token or password that a call gives, in the clear.
fn given(completion: &Completion) -> Option<String> {
    match completion {
        Completion::LoggedIn(token) | Completion::LoggedOut(Some(token)) => {
            Some(token.expose().to_owned())
        }
        Completion::PasswordReset(new) => Some(new.password().expose().to_owned()),
        _ => None,
    }
}

/// All that an error says, but for the body of the response and what came of the
/// guard since: those are of the process in which it happened.
fn facts(error: &Error) -> String {
    let kind = format!("{:?}", error.kind());
    let kind = kind.split(|c: char| !c.is_alphanumeric()).next();
    format!(
        "{kind:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        error.outcome(),
        error.prerequisite(),
        error.status(),
        error.code(),
        error.retry_at(),
        error.because(),
        error.is_password_in_doubt(),
    )
}
