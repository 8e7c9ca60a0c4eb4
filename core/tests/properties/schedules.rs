//! The machine under random schedules: any number of calls, answers of every
//! kind, lost drivers, restarts, changed credentials. Whatever happens, the laws
//! hold, and with an honest service every call ends.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use proptest::{collection::vec, prelude::*};
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Session, Step, Timestamp, TransportError,
    UserCredentials,
    session::{Attempt, ChangePassword, EndSession, GateReason, OpenSession, Task, Transmit},
};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const MAX_FAILED: u32 = 2;

/// What a schedule may do next. Numbers choose among the calls there are.
#[derive(Clone, Debug)]
enum Act {
    Want(Wish),
    Step(usize),
    Hear(usize, Word),
    Abandon(usize),
    Forget(usize),
    Pass(u64),
    Restart,
    Rearm,
    NewPassword,
}

#[derive(Clone, Copy, Debug)]
enum Wish {
    Read,
    Write,
    Open,
    End,
    Change,
}

/// What may come back of a request.
#[derive(Clone, Copy, Debug)]
enum Word {
    Fine,
    BearerFault,
    SessionRefused,
    WrongCredentials,
    Unclear,
    Throttled,
    Outage,
    Nonsense,
    Lost,
    NotSent,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    TokenFetch,
    LogIn,
    LogOut,
    Reset,
    Work,
}

fn errand(request: &Request<Bytes>) -> Errand {
    match request.uri().path().rsplit('/').next() {
        Some("token") => Errand::TokenFetch,
        Some("login") => Errand::LogIn,
        Some("logout") => Errand::LogOut,
        Some("reset") => Errand::Reset,
        _ => Errand::Work,
    }
}

/// The answer of a service that says `word`.
fn answer(errand: Errand, word: Word, number: u64) -> Result<Response<Bytes>, TransportError> {
    let (status, body) = match word {
        Word::Fine => (
            200,
            match errand {
                Errand::TokenFetch => {
                    format!(r#"{{"access_token":"b{number}","expires_in":3600}}"#)
                }
                Errand::LogIn => format!(r#"{{"sessionToken":"s{number}"}}"#),
                Errand::Reset => format!(r#"{{"newPassword":"p{number}"}}"#),
                Errand::LogOut | Errand::Work => "{}".to_owned(),
            },
        ),
        Word::BearerFault => (401, r#"{"fault":{"code":900901}}"#.to_owned()),
        Word::SessionRefused => refusal("REQUEST_FAILED.SessionToken.Expired"),
        Word::WrongCredentials => refusal("INPUT_INVALID.Password.Wrong"),
        Word::Unclear => refusal("REQUEST_FAILED.Unclear"),
        Word::Throttled => (429, String::new()),
        Word::Outage => (503, "<html>".to_owned()),
        Word::Nonsense => (200, "<html>".to_owned()),
        Word::Lost => return Err(TransportError::unknown("lost")),
        Word::NotSent => return Err(TransportError::not_sent("not sent")),
    };
    Ok(Response::builder()
        .status(status)
        .body(Bytes::from(body))
        .unwrap())
}

fn refusal(code: &str) -> (u16, String) {
    (400, format!(r#"{{"errorCode":"S.{code}"}}"#))
}

/// A call of any kind, with its output forgotten.
trait Driven {
    fn step(&mut self, session: &mut Session, now: Timestamp) -> Step<()>;
    fn receive(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        heard: Result<Response<Bytes>, TransportError>,
    );
    fn abandon(&mut self, session: &mut Session);
}

impl<T: Task> Driven for Call<T> {
    fn step(&mut self, session: &mut Session, now: Timestamp) -> Step<()> {
        match Call::step(self, session, now) {
            Step::Send(transmit) => Step::Send(transmit),
            Step::Wait(wait) => Step::Wait(wait),
            Step::Done(result) => Step::Done(result.map(drop)),
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
}

/// A request that somebody has sent and not heard of.
#[derive(Clone, Copy)]
struct Out {
    attempt: Attempt,
    errand: Errand,
    deadline: Timestamp,
    /// Which credentials it was sent with.
    credentials: u64,
}

struct Actor {
    call: Box<dyn Driven>,
    out: Option<Out>,
    resets: u32,
}

struct World {
    session: Session,
    now: Timestamp,
    actors: Vec<Actor>,
    /// Requests of drivers that are never heard of again.
    lost: Vec<Out>,
    credentials: u64,
    /// Logins that failed or may have, as anybody would count them.
    failed: u32,
    answers: u64,
}

impl World {
    fn new() -> Self {
        Self {
            session: Session::new(Environment::mock(), credentials(0), 1),
            now: START,
            actors: Vec::new(),
            lost: Vec::new(),
            credentials: 0,
            failed: 0,
            answers: 0,
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Want(wish) => self.want(wish),
            Act::Step(which) => self.with(which, Self::step),
            Act::Hear(which, word) => self.with(which, |world, actor| world.hear(actor, word)),
            Act::Abandon(which) => self.with(which, |world, actor| {
                actor.call.abandon(&mut world.session);
                actor.out = None;
                false
            }),
            Act::Forget(which) => self.with(which, |world, actor| {
                world.lost.extend(actor.out);
                false
            }),
            Act::Pass(millis) => self.now = self.now + Duration::from_millis(millis),
            Act::Restart => self.restart(),
            Act::Rearm => {
                self.session.rearm();
                self.failed = u32::from(self.logging_in());
            }
            Act::NewPassword => {
                self.credentials += 1;
                self.session.set_credentials(credentials(self.credentials));
                self.failed = 0;
            }
        }
    }

    fn want(&mut self, wish: Wish) {
        let request = |method: &str| {
            let request = Request::builder().method(method).uri("/m2m/v1/work");
            request.body(Bytes::new()).unwrap()
        };
        let call: Box<dyn Driven> = match wish {
            Wish::Read => Box::new(Call::new(request("GET"))),
            Wish::Write => Box::new(Call::new(request("POST"))),
            Wish::Open => Box::new(Call::new(OpenSession)),
            Wish::End => Box::new(Call::new(EndSession)),
            Wish::Change => Box::new(Call::new(ChangePassword)),
        };
        self.actors.push(Actor {
            call,
            out: None,
            resets: 0,
        });
    }

    /// Lets one actor do something; it stays if that says so.
    fn with(&mut self, which: usize, act: impl FnOnce(&mut Self, &mut Actor) -> bool) {
        if self.actors.is_empty() {
            return;
        }
        let which = which % self.actors.len();
        let mut actor = self.actors.swap_remove(which);
        if act(self, &mut actor) {
            self.actors.push(actor);
        }
    }

    fn step(&mut self, actor: &mut Actor) -> bool {
        match actor.call.step(&mut self.session, self.now) {
            Step::Send(transmit) => {
                self.sent(actor, &transmit);
                true
            }
            Step::Wait(wait) => {
                assert!(wait.until > self.now, "a wait for nothing");
                true
            }
            Step::Done(_) => false,
        }
    }

    fn sent(&mut self, actor: &mut Actor, transmit: &Transmit) {
        let out = Out {
            attempt: transmit.attempt,
            errand: errand(&transmit.request),
            deadline: transmit.deadline,
            credentials: self.credentials,
        };
        // What it sent before and never heard of is given up.
        actor.out = None;
        if matches!(out.errand, Errand::TokenFetch | Errand::LogIn) {
            assert!(!self.under_way(), "law 1: a second flight");
        }
        if out.errand == Errand::LogIn {
            self.failed += 1;
            assert!(self.failed <= MAX_FAILED, "law 2: {} logins", self.failed);
        }
        if out.errand == Errand::Reset {
            actor.resets += 1;
        }
        assert_eq!(
            transmit.request.uri().host(),
            Some("mock.thingspace.verizon.com")
        );
        actor.out = Some(out);
    }

    fn hear(&mut self, actor: &mut Actor, word: Word) -> bool {
        let Some(out) = actor.out.take() else {
            return true;
        };
        self.answers += 1;
        let heard = answer(out.errand, word, self.answers);
        let before = self.session.gate();
        let (session, now) = (&mut self.session, self.now);
        actor.call.receive(session, now, out.attempt, heard);

        let current = out.credentials == self.credentials;
        let gate = self.session.gate();
        match (out.errand, word) {
            (Errand::LogIn, Word::Fine) => self.failed = gate.failed_logins.min(self.failed),
            (Errand::LogIn, Word::NotSent | Word::BearerFault) if current => {
                self.failed = self.failed.saturating_sub(1);
            }
            (Errand::LogIn, Word::WrongCredentials) if current && now < out.deadline => {
                let reason = matches!(gate.closed, Some(GateReason::WrongCredentials { .. }));
                assert!(reason, "law 3: {gate} after {before}");
            }
            (Errand::Reset, Word::Lost | Word::Outage | Word::Nonsense) if now < out.deadline => {
                assert!(gate.closed.is_some(), "law 8: {gate}");
            }
            _ => {}
        }
        if out.errand == Errand::Reset && !matches!(word, Word::BearerFault | Word::SessionRefused)
        {
            let again = actor.call.step(&mut self.session, self.now);
            assert!(matches!(again, Step::Done(_)), "law 6: {again:?}");
            return false;
        }
        assert!(actor.resets <= 3, "law 5 and 6");
        true
    }

    /// The process dies and starts again from what was kept.
    fn restart(&mut self) {
        let out = self.actors.drain(..).filter_map(|actor| actor.out);
        self.lost.extend(out);
        let kept = serde_json::to_vec(&self.session.snapshot()).unwrap();
        let snapshot = serde_json::from_slice(&kept).unwrap();
        let credentials = self.session.credentials().clone();
        self.session = Session::restore(snapshot, Environment::mock(), credentials).unwrap();
    }

    /// Whether a token fetch or login is under way, or may be for all that anybody
    /// knows.
    fn under_way(&self) -> bool {
        self.flights().next().is_some()
    }

    fn logging_in(&self) -> bool {
        self.flights().any(|out| out.errand == Errand::LogIn)
    }

    fn flights(&self) -> impl Iterator<Item = &Out> {
        let alive = self.actors.iter().filter_map(|actor| actor.out.as_ref());
        alive
            .chain(&self.lost)
            .filter(|out| matches!(out.errand, Errand::TokenFetch | Errand::LogIn))
            .filter(|out| self.now < out.deadline)
    }

    /// An honest service from here on: whatever is wanted comes to an end.
    fn everything_ends(&mut self) {
        for round in 0.. {
            let Some(mut actor) = self.actors.pop() else {
                return;
            };
            assert!(
                round < 10_000,
                "law 12: {} calls never end",
                self.actors.len() + 1
            );
            let stays = if actor.out.is_some() {
                self.hear(&mut actor, Word::Fine)
            } else {
                self.step(&mut actor)
            };
            if stays {
                self.actors.insert(0, actor);
            }
            self.now = self.now + Duration::from_millis(500);
        }
    }
}

fn credentials(number: u64) -> Credentials {
    Credentials::new(
        AppCredentials::new("key", "secret").unwrap(),
        UserCredentials::new("user", format!("password {number}")).unwrap(),
    )
}

fn act() -> impl Strategy<Value = Act> {
    let wish = prop::sample::select(vec![
        Wish::Read,
        Wish::Read,
        Wish::Write,
        Wish::Open,
        Wish::End,
        Wish::Change,
    ]);
    let word = prop::sample::select(vec![
        Word::Fine,
        Word::Fine,
        Word::Fine,
        Word::BearerFault,
        Word::SessionRefused,
        Word::WrongCredentials,
        Word::Unclear,
        Word::Throttled,
        Word::Outage,
        Word::Nonsense,
        Word::Lost,
        Word::NotSent,
    ]);
    let which = 0..4_usize;
    prop_oneof![
        3 => wish.prop_map(Act::Want),
        10 => which.clone().prop_map(Act::Step),
        8 => (which.clone(), word).prop_map(|(which, word)| Act::Hear(which, word)),
        1 => which.clone().prop_map(Act::Abandon),
        1 => which.prop_map(Act::Forget),
        2 => prop_oneof![0..2_000_u64, 0..70_000_u64, 0..4_000_000_u64].prop_map(Act::Pass),
        1 => Just(Act::Restart),
        1 => Just(Act::Rearm),
        1 => Just(Act::NewPassword),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_laws_hold_under_any_schedule(acts in vec(act(), 1..150)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
        }
        world.everything_ends();
    }
}
