//! The world around the machine: callers, drivers that carry their calls, a
//! service that may say anything, a network, a store, and a clock that may be
//! set back.
//!
//! A schedule is a list of [`Act`]s. It is read as a script: `Want(One, Read)`,
//! `Step(0)`, `Hear(0, BearerFault)`. The [`Model`] runs beside the machine, and
//! the two are compared after every act.

use std::{fmt::Write, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Error, Password, Session, SessionToken, Step,
    Timestamp, TransportError, UserCredentials,
    session::{
        Attempt, BEARER_LIFETIME, ChangePassword, EndSession, Event, FlightKind, LONGEST_PAUSE,
        OpenSession, Settings, Snapshot, Task, Transmit, WaitReason,
    },
};

use super::model::Model;

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// One thing that happens. A number says to which of the calls that are not
/// over yet, counted round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Somebody wants this, and this driver carries it.
    Want(Driver, Wish),
    /// The same, within so many seconds.
    WantWithin(Driver, Wish, u64),
    Step(usize),
    /// The driver says what came of the request that it was last told to send.
    Hear(usize, Word),
    /// The driver steps the call, and if that sends something, says this of it.
    Carry(usize, Word),
    /// The driver says it of an earlier one, of a call that may be over.
    HearLate(usize, Word),
    Abandon(usize),
    /// A driver dies with all the calls that it has begun, and says nothing.
    Die(Driver),
    /// Milliseconds go by.
    Pass(u64),
    /// The clock is set back by so many milliseconds.
    SetBack(u64),
    /// The session is made anew from what the store has kept, and the calls go
    /// on with it.
    Reload,
    /// The same, and all drivers have died.
    Restart,
    Rearm,
    Give(Other),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    One,
    Two,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    #[default]
    Read,
    Write,
    Open,
    End,
    Change,
}

/// What of the credentials is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    Nothing,
    Password,
    User,
    App,
}

/// What may come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Fine,
    /// A bearer token that lives for half a minute; otherwise as `Fine`.
    Brief,
    /// A bearer token of which nobody says how long it lives.
    Undated,
    /// The same bearer token as the last time; otherwise as `Fine`.
    Repeated,
    BearerFault,
    SessionRefused,
    WrongCredentials,
    /// The same, with the status 429.
    WrongAndThrottled,
    /// A refusal by the API that names nothing.
    Unclear,
    InvalidClient,
    Throttled,
    /// With a Retry-After of so many seconds.
    ThrottledFor(u32),
    Outage,
    OutageFor(u32),
    Moved,
    Nonsense,
    Empty,
    Lost,
    NotSent,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    TokenFetch,
    LogIn,
    LogOut,
    Reset,
    Work,
}

impl Errand {
    /// What the session calls it, if only one of it may be under way.
    pub fn kind(self) -> Option<FlightKind> {
        match self {
            Self::TokenFetch => Some(FlightKind::TokenFetch),
            Self::LogIn => Some(FlightKind::LogIn),
            Self::LogOut => Some(FlightKind::LogOut),
            Self::Reset => Some(FlightKind::PasswordReset),
            Self::Work => None,
        }
    }
}

/// Runs a schedule, and then sees every call to its end.
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
        let word = Word::read(how);
        match kind {
            0..=39 => Self::Step(who),
            40..=89 => Self::Carry(who, word),
            90..=154 => Self::Hear(who, word),
            155..=184 => Self::Want(driver, Wish::read(how)),
            185..=192 => {
                let seconds = [5, 20, 40, 90][usize::from(which % 4)];
                Self::WantWithin(driver, Wish::read(how), seconds)
            }
            193..=199 => Self::HearLate(who, word),
            200..=207 => Self::Abandon(who),
            208..=213 => Self::Die(driver),
            214..=233 => {
                let longest = [2_000, 70_000, 400_000, 4_000_000][who];
                Self::Pass(longest / 256 * (u64::from(how) + 1))
            }
            234..=237 => {
                let longest = [2_000, 70_000, 4_000_000, 90_000_000][who];
                Self::SetBack(longest / 256 * (u64::from(how) + 1))
            }
            238..=243 => Self::Reload,
            244 => Self::Restart,
            245..=251 => Self::Rearm,
            252.. => {
                use Other::{App, Nothing, Password, User};
                Self::Give([Password, Password, Nothing, App, User][usize::from(how % 5)])
            }
        }
    }
}

impl Wish {
    fn read(byte: u8) -> Self {
        use Wish::{Change, End, Open, Read, Write};
        [Read, Write, Read, Open, Change, End][usize::from(byte % 6)]
    }

    pub fn may_be_done_twice(self) -> bool {
        matches!(self, Self::Read | Self::Open | Self::End)
    }

    /// What its own request is for, if it has one.
    pub fn errand(self) -> Option<Errand> {
        match self {
            Self::Read | Self::Write => Some(Errand::Work),
            Self::Open => None,
            Self::End => Some(Errand::LogOut),
            Self::Change => Some(Errand::Reset),
        }
    }
}

impl Word {
    const COMMON: [Self; 12] = [
        Self::Lost,
        Self::BearerFault,
        Self::SessionRefused,
        Self::NotSent,
        Self::WrongCredentials,
        Self::Unclear,
        Self::ThrottledFor(20),
        Self::Outage,
        Self::Brief,
        Self::Nonsense,
        Self::BearerFault,
        Self::SessionRefused,
    ];

    const RARE: [Self; 10] = [
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
    ];

    /// Every other answer is a good one, or nothing would ever be open.
    fn read(byte: u8) -> Self {
        let place = usize::from(byte);
        match place {
            0..128 => Self::Fine,
            128..224 => Self::COMMON[place % 12],
            _ => Self::RARE[place % 10],
        }
    }

    /// Whether the API says with it that the credentials are wrong.
    pub fn names_credentials(self) -> bool {
        matches!(self, Self::WrongCredentials | Self::WrongAndThrottled)
    }

    /// Whether it is the API itself that answers so, and takes the session for a
    /// living one.
    pub fn is_of_the_api(self) -> bool {
        use Word::{Brief, Empty, Fine, Nonsense, Repeated, Unclear, Undated};
        let fine = matches!(self, Fine | Brief | Undated | Repeated | Nonsense | Empty);
        fine || self.names_credentials() || self == Unclear
    }

    /// How long a bearer token lives that is given with it.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::Brief => Duration::from_secs(30),
            _ => BEARER_LIFETIME,
        }
    }

    /// How long the service asks not to be called.
    pub fn asks(self) -> Option<Duration> {
        match self {
            Self::ThrottledFor(seconds) | Self::OutageFor(seconds) => {
                Some(Duration::from_secs(seconds.into()))
            }
            _ => None,
        }
    }

    /// What the driver hears; `token` is the one that is given, where one is.
    pub fn said(self, errand: Errand, token: &str) -> Result<Response<Bytes>, TransportError> {
        let (status, body) = match self {
            Self::Fine | Self::Brief | Self::Undated | Self::Repeated => (200, {
                match errand {
                    Errand::TokenFetch if self == Self::Undated => {
                        format!(r#"{{"access_token":"{token}"}}"#)
                    }
                    Errand::TokenFetch => {
                        let seconds = self.lifetime().as_secs();
                        format!(r#"{{"access_token":"{token}","expires_in":{seconds}}}"#)
                    }
                    Errand::LogIn => format!(r#"{{"sessionToken":"{token}"}}"#),
                    Errand::Reset => format!(r#"{{"newPassword":"{token}"}}"#),
                    Errand::LogOut | Errand::Work => "{}".to_owned(),
                }
            }),
            Self::BearerFault => (401, r#"{"fault":{"code":900901}}"#.to_owned()),
            Self::SessionRefused => (400, code("REQUEST_FAILED.SessionToken.Expired")),
            Self::WrongCredentials => (400, code("INPUT_INVALID.Password.Wrong")),
            Self::WrongAndThrottled => (429, code("REQUEST_FAILED.UserLocked")),
            Self::Unclear => (400, code("REQUEST_FAILED.Unclear")),
            Self::InvalidClient => (401, r#"{"error":"invalid_client"}"#.to_owned()),
            Self::Throttled | Self::ThrottledFor(_) => (429, String::new()),
            Self::Outage | Self::OutageFor(_) => (503, "<html>".to_owned()),
            Self::Moved => (302, String::new()),
            Self::Nonsense => (200, "<html>".to_owned()),
            Self::Empty => (200, String::new()),
            Self::Lost => return Err(TransportError::unknown("lost")),
            Self::NotSent => return Err(TransportError::not_sent("not sent")),
        };
        let mut answer = Response::builder().status(status);
        if let Some(asks) = self.asks() {
            answer = answer.header("retry-after", asks.as_secs());
        }
        Ok(answer.body(Bytes::from(body)).unwrap())
    }
}

fn code(code: &str) -> String {
    format!(r#"{{"errorCode":"S.{code}"}}"#)
}

/// A request, as far as it can be seen on the wire.
pub struct Letter {
    pub errand: Errand,
    pub to: String,
    pub authorization: HeaderValue,
    pub session: Option<String>,
    pub body: String,
    pub deadline: Timestamp,
}

impl Letter {
    pub fn of(transmit: &Transmit) -> Self {
        let request = &transmit.request;
        let errand = match request.uri().path() {
            "/api/ts/v1/oauth2/token" => Errand::TokenFetch,
            "/api/m2m/v1/session/login" => Errand::LogIn,
            "/api/m2m/v1/session/logout" => Errand::LogOut,
            "/api/m2m/v1/session/password/actions/reset" => Errand::Reset,
            "/api/m2m/v1/work" => Errand::Work,
            other => panic!("law 9: a request to {other}"),
        };
        let session = request.headers().get("vz-m2m-token");
        Self {
            errand,
            to: request.uri().to_string(),
            authorization: request.headers()["authorization"].clone(),
            session: session.map(|token| token.to_str().unwrap().to_owned()),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
            deadline: transmit.deadline,
        }
    }
}

/// A call of any kind, with what it gives made readable.
trait Carried {
    fn step(&mut self, session: &mut Session, now: Timestamp) -> Step<Option<String>>;
    fn receive(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        heard: Result<Response<Bytes>, TransportError>,
    );
    fn abandon(&mut self, session: &mut Session);
    fn copy(&self) -> Box<dyn Carried + Send + Sync>;
    fn show(&self) -> String;
}

impl<T> Carried for Call<T>
where
    T: Task<Output: Gives + Clone + Send + Sync> + Clone + Send + Sync + 'static,
{
    fn step(&mut self, session: &mut Session, now: Timestamp) -> Step<Option<String>> {
        match Call::step(self, session, now) {
            Step::Send(transmit) => Step::Send(transmit),
            Step::Wait(wait) => Step::Wait(wait),
            Step::Done(result) => Step::Done(result.map(Gives::gives)),
        }
    }

    fn receive(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        heard: Result<Response<Bytes>, TransportError>,
    ) {
        Call::receive(self, session, now, attempt, heard);
    }

    fn abandon(&mut self, session: &mut Session) {
        Call::abandon(self, session);
    }

    fn copy(&self) -> Box<dyn Carried + Send + Sync> {
        Box::new(self.clone())
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}

/// What a call gives, in the clear.
trait Gives {
    fn gives(self) -> Option<String>;
}

impl Gives for Response<Bytes> {
    fn gives(self) -> Option<String> {
        None
    }
}

impl Gives for SessionToken {
    fn gives(self) -> Option<String> {
        Some(self.expose().to_owned())
    }
}

impl Gives for Option<SessionToken> {
    fn gives(self) -> Option<String> {
        self.and_then(Gives::gives)
    }
}

impl Gives for Password {
    fn gives(self) -> Option<String> {
        Some(self.expose().to_owned())
    }
}

/// A call, and what its driver knows of it.
struct Actor {
    call: Box<dyn Carried + Send + Sync>,
    wish: Wish,
    driver: Driver,
    out: Option<(Attempt, Errand)>,
    /// What it sent before.
    old: Vec<(Attempt, Errand)>,
    started: bool,
    over: bool,
    /// Whether it ended well.
    well: bool,
}

impl Clone for Actor {
    fn clone(&self) -> Self {
        Self {
            call: self.call.copy(),
            old: self.old.clone(),
            ..*self
        }
    }
}

#[derive(Clone)]
pub struct World {
    session: Session,
    now: Timestamp,
    actors: Vec<Actor>,
    /// What the store has: saved whenever the version has changed.
    kept: Snapshot,
    model: Model,
    /// How many tokens and passwords have been given out, and which of them was the
    /// last bearer token.
    names: u32,
    bearer: u32,
    /// All that could be seen, where somebody asks for it.
    seen: Option<String>,
}

impl World {
    pub fn new(settings: Settings) -> Self {
        let credentials = Credentials::new(
            AppCredentials::new("key", "secret").unwrap(),
            UserCredentials::new("user", "p~0").unwrap(),
        );
        let model = Model::new(settings.clone(), credentials.clone());
        let session = Session::new(Environment::mock(), credentials, 1).with_settings(settings);
        Self {
            kept: session.snapshot(),
            session,
            now: START,
            actors: Vec::new(),
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
            Act::Step(which) => self.with(which, Self::step),
            Act::Hear(which, word) => self.with(which, |world, who| world.hear(who, word)),
            Act::Carry(which, word) => self.with(which, |world, who| {
                world.step(who);
                world.hear(who, word);
            }),
            Act::HearLate(which, word) => self.hear_late(which, &[word]),
            Act::Abandon(which) => self.with(which, Self::abandon),
            Act::Die(driver) => self.die(driver),
            Act::Pass(millis) => self.set_clock(self.now + Duration::from_millis(millis)),
            Act::SetBack(millis) => {
                let now = self.now.as_millis().saturating_sub(millis);
                self.set_clock(Timestamp::from_millis(now));
            }
            Act::Reload => self.reload(),
            Act::Restart => {
                self.die(Driver::One);
                self.die(Driver::Two);
                self.reload();
            }
            Act::Rearm => {
                self.session.rearm();
                self.model.rearms();
            }
            Act::Give(other) => self.give(other),
        }
        self.take_events();
        if !matches!(act, Act::Reload | Act::Restart) {
            self.assert_told(&before);
        }
        if self.kept.version() != self.session.version() {
            self.kept = self.session.snapshot();
        }
        self.model.agrees(&self.session);
    }

    /// Law 12: with an honest service from here on, every call ends, and the
    /// session serves as it should.
    pub fn finish(&mut self) {
        self.settle();
        let longest = u64::try_from(LONGEST_PAUSE.as_millis()).unwrap();
        self.act(Act::Pass(200 * longest));
        for _ in 0..2 {
            self.act(Act::Want(Driver::One, Wish::Read));
            self.settle();
            if self.actors.last().is_some_and(|last| last.well) {
                return;
            }
            // Only a closed gate may have kept it from that.
            self.act(Act::Rearm);
        }
        panic!("law 12: the session is of no use any more");
    }

    /// Answers everything well, until nobody wants anything. (Calls that only one
    /// at a time may make take a few rounds each.)
    fn settle(&mut self) {
        for _ in 0..20 * (5 + self.alive().count()) {
            let alive: Vec<_> = self.alive().collect();
            if alive.is_empty() {
                return;
            }
            let mut waits = Vec::new();
            for who in alive {
                if self.actors[who].out.is_some() {
                    self.hear(who, Word::Fine);
                }
                waits.extend(self.step(who));
                self.model.agrees(&self.session);
            }
            // Those who wait are woken by whatever the others do.
            let everybody_waits = waits.len() == self.alive().count();
            if let (true, Some(until)) = (everybody_waits, waits.into_iter().min()) {
                self.set_clock(until);
            }
        }
        let left: Vec<_> = self
            .alive()
            .map(|who| self.actors[who].call.show())
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

    fn set_clock(&mut self, now: Timestamp) {
        self.now = now;
        self.model.sees(now);
    }

    fn want(&mut self, driver: Driver, wish: Wish, deadline: Option<Timestamp>) {
        fn call<T>(task: T, deadline: Option<Timestamp>) -> Box<dyn Carried + Send + Sync>
        where
            T: Task<Output: Gives + Clone + Send + Sync> + Clone + Send + Sync + 'static,
        {
            let call = Call::new(task);
            Box::new(match deadline {
                Some(deadline) => call.with_deadline(deadline),
                None => call,
            })
        }
        let work = |method: &str| {
            let request = Request::builder().method(method).uri("/m2m/v1/work");
            request.body(Bytes::new()).unwrap()
        };
        let call = match wish {
            Wish::Read => call(work("GET"), deadline),
            Wish::Write => call(work("POST"), deadline),
            Wish::Open => call(OpenSession, deadline),
            Wish::End => call(EndSession, deadline),
            Wish::Change => call(ChangePassword, deadline),
        };
        self.model.wants(wish, deadline);
        self.actors.push(Actor {
            call,
            wish,
            driver,
            out: None,
            old: Vec::new(),
            started: false,
            over: false,
            well: false,
        });
    }

    /// Steps a call; says until when it waits, if it does.
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
            Step::Done(Err(error)) => format!("{error:?} {error}"),
            other => format!("{other:?}"),
        });
        let silent = matches!(&step, Step::Wait(wait) if wait.reason == WaitReason::Answer);
        if !silent {
            self.model.steps(now, who, &events);
        }
        let actor = &mut self.actors[who];
        match step {
            Step::Send(transmit) => {
                let letter = Letter::of(&transmit);
                self.model.sends(now, who, &letter);
                actor.old.extend(actor.out.take());
                actor.out = Some((transmit.attempt, letter.errand));
                None
            }
            Step::Wait(wait) => {
                self.model.waits(now, who, wait);
                Some(wait.until)
            }
            Step::Done(result) => {
                match &result {
                    Ok(gives) => self.model.succeeds(who, gives.as_deref()),
                    Err(error) => self.model.fails(now, who, error),
                }
                actor.well = result.is_ok();
                self.ends(who);
                None
            }
        }
    }

    /// A call that is over says so, and does nothing more.
    fn ends(&mut self, who: usize) {
        let (now, before, actor) = (self.now, self.session.snapshot(), &mut self.actors[who]);
        actor.over = true;
        actor.old.extend(actor.out.take());
        let step = actor.call.step(&mut self.session, now);
        let over = matches!(step, Step::Done(Err(Error::Over)));
        assert!(over, "law 12: a call that is over says {step:?}");
        assert!(self.session.snapshot() == before, "law 12: and does more");
    }

    fn hear(&mut self, who: usize, word: Word) {
        let Some((attempt, errand)) = self.actors[who].out.take() else {
            return;
        };
        let token = self.token(errand, word);
        let (now, actor) = (self.now, &mut self.actors[who]);
        actor.old.push((attempt, errand));
        let heard = word.said(errand, &token);
        actor.call.receive(&mut self.session, now, attempt, heard);
        let events = self.take_events();
        self.model.hears(now, who, (word, &token), &events);
    }

    /// Law 7, for a call itself: an answer that nobody waits for changes nothing.
    fn hear_late(&mut self, which: usize, words: &[Word]) {
        let who = which.checked_rem(self.actors.len());
        let late = who.and_then(|who| Some((who, *self.actors[who].old.last()?)));
        let Some((who, (attempt, errand))) = late else {
            return;
        };
        let (before, shown) = (self.session.snapshot(), self.actors[who].call.show());
        for word in words {
            let heard = word.said(errand, &self.token(errand, *word));
            let call = &mut self.actors[who].call;
            call.receive(&mut self.session, self.now, attempt, heard);
        }
        let unchanged = self.session.snapshot() == before && self.actors[who].call.show() == shown;
        assert!(unchanged, "law 7: {words:?} that nobody waits for");
        assert_eq!(self.take_events(), [], "law 7: an answer nobody waits for");
    }

    /// The token or password that the service gives with this answer.
    fn token(&mut self, errand: Errand, word: Word) -> String {
        let kind = match errand {
            Errand::TokenFetch => 'b',
            Errand::LogIn | Errand::LogOut => 's',
            Errand::Reset => 'p',
            Errand::Work => return String::new(),
        };
        if kind == 'b' && word == Word::Repeated {
            return format!("b~{}", self.bearer);
        }
        self.names += 1;
        if kind == 'b' {
            self.bearer = self.names;
        }
        format!("{kind}~{}", self.names)
    }

    fn abandon(&mut self, who: usize) {
        let actor = &mut self.actors[who];
        actor.call.abandon(&mut self.session);
        self.model.abandons(who);
        self.ends(who);
    }

    fn die(&mut self, driver: Driver) {
        for (who, actor) in self.actors.iter_mut().enumerate() {
            if actor.driver == driver && actor.started && !actor.over {
                actor.over = true;
                actor.old.clear();
                self.model.forgets(who);
            }
        }
    }

    fn reload(&mut self) {
        let text = serde_json::to_string(&self.kept).unwrap();
        let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
        assert!(snapshot == self.kept, "law 11: something is lost: {text}");
        self.restore(snapshot);
        self.model.restarts(&self.session);
    }

    /// The same world, with a session that was made anew from its snapshot.
    pub fn reborn(&self) -> Self {
        let text = self.at_rest();
        let mut other = self.clone();
        other.restore(serde_json::from_str(&text).unwrap());
        other
    }

    /// What a store would keep, in the format that the world uses.
    pub fn at_rest(&self) -> String {
        serde_json::to_string(&self.session.snapshot()).unwrap()
    }

    /// Sees what can be seen of an act, beginning with the whole session.
    pub fn watch(&mut self, act: Act) -> String {
        self.seen = Some(format!("{act:?} {:?}\n", self.session));
        self.act(act);
        let seen = self.seen.take().unwrap();
        seen + &format!("{:?} {}", self.session, self.at_rest())
    }

    fn restore(&mut self, snapshot: Snapshot) {
        let credentials = self.session.credentials().clone();
        let session = Session::restore(snapshot, Environment::mock(), credentials).unwrap();
        self.session = session.with_settings(self.session.settings().clone());
    }

    fn give(&mut self, other: Other) {
        self.names += 1;
        let Credentials { app, user } = self.session.credentials().clone();
        let credentials = match other {
            Other::Nothing => Credentials::new(app, user),
            Other::Password => {
                let password = Password::new(format!("p~{}", self.names)).unwrap();
                Credentials::new(app, user.with_password(password))
            }
            Other::User => {
                // One of two, who take turns.
                let name = match user.username() {
                    "user" => "u~0",
                    _ => "user",
                };
                let password = user.password().expose();
                Credentials::new(app, UserCredentials::new(name, password).unwrap())
            }
            Other::App => {
                let key = format!("k~{}", self.names);
                Credentials::new(AppCredentials::new(key, "secret").unwrap(), user)
            }
        };
        self.session.set_credentials(credentials.clone());
        self.model.gives(&credentials);
    }

    fn take_events(&mut self) -> Vec<Event> {
        let events: Vec<_> = std::iter::from_fn(|| self.session.poll_event()).collect();
        self.see(|| format!("{events:?}"));
        events
    }

    /// Somebody who saves whenever the version has changed misses nothing but the
    /// time of the last use.
    fn assert_told(&self, before: &Session) {
        let (old, new) = (before.version(), self.session.version());
        assert!(new >= old, "law 11: the version shrank");
        if new == old && before.snapshot() != self.session.snapshot() {
            let rest = |session: &Session| {
                let mut kept = serde_json::to_value(session.snapshot()).unwrap();
                let open = &mut kept["thingspace-session-1"]["memory"]["open"];
                if let Some(open) = open.as_object_mut() {
                    open.remove("used");
                }
                kept
            };
            assert_eq!(
                rest(before),
                rest(&self.session),
                "law 11: nobody saves this"
            );
        }
    }

    /// What each call that is not over has out.
    pub fn under_way(&self) -> impl Iterator<Item = Option<Errand>> {
        let errand = |who: usize| self.actors[who].out.map(|(_, errand)| errand);
        self.alive().map(errand)
    }

    /// How long it is until something changes by itself.
    pub fn next_change(&self) -> Option<Duration> {
        let later = self.model.instants().filter(|instant| *instant > self.now);
        later.min().map(|instant| instant.since(self.now))
    }

    /// Everything that decides what may happen next, as a text that is the same
    /// for states that no future can tell apart.
    pub fn show(&self) -> String {
        let snapshot = self.session.snapshot();
        let mut text = serde_json::to_string(&snapshot).unwrap();
        if self.kept != snapshot {
            text += &serde_json::to_string(&self.kept).unwrap();
        }
        let Credentials { app, user } = self.session.credentials();
        for part in [app.key(), user.username(), user.password().expose()] {
            write!(text, " {part}").unwrap();
        }
        for who in self.alive() {
            let actor = &self.actors[who];
            write!(
                text,
                "{:?}{:?}{}",
                actor.wish,
                actor.driver,
                actor.call.show()
            )
            .unwrap();
        }
        text + &self.model.show()
    }

    pub fn credentials(&self) -> &Credentials {
        self.session.credentials()
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Law 11, and law 7 for a call itself, in any state.
    pub fn assert_sound(&self) {
        let mut copy = self.clone();
        copy.act(Act::Reload);
        for who in self.alive() {
            copy.hear_late(who, &[Word::Fine, Word::WrongCredentials, Word::Lost]);
        }
    }

    fn see(&mut self, what: impl FnOnce() -> String) {
        if let Some(seen) = &mut self.seen {
            writeln!(seen, "{}", what()).unwrap();
        }
    }
}
