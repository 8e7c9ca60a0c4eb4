//! Any schedule, checked from the service's side: several processes share one
//! session through a store, with any number of calls, requests that travel,
//! arrive late or get lost, faults of the service, processes that die, and an
//! operator who gives passwords. Whatever happens, the service is not harmed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use proptest::{collection::vec, prelude::*, sample::Index};
use thingspace_core::{
    Error, Password, Session, Step, StoreError, Timestamp, TransportError,
    session::{
        Attempt, ChangePassword, EndSession, GateReason, OpenSession, Saved, Snapshot, Store, Task,
    },
};
use thingspace_simulator::{Call, Reply, Simulator};

use crate::{
    faults::{CALLS, faults},
    world::*,
};

/// How many logins may fail between two successes.
const BUDGET: u32 = 2;

const PROCESSES: usize = 2;

/// Passwords that are not the right one.
const WRONG: [&str; 4] = ["grflbk", "Grflbk", "grflbk1", "IMgr8?"];

/// What may happen next. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Act {
    /// Somebody wants something of a process.
    Want(usize, Wish),
    /// A call goes on.
    Step(Index),
    /// A call goes on, and hears at once what came of its request.
    Go(Index),
    /// A request reaches the service.
    Arrive(Index),
    /// A call hears what came of its request.
    Hear(Index),
    /// A connection breaks.
    Break(Index),
    /// A call is given up.
    GiveUp(Index),
    /// So many seconds go by.
    Pass(u64),
    /// The service will misbehave: this fault of those there are.
    Misbehave(Index, Index),
    /// A process dies with all its calls, and another starts in its place.
    Die(usize),
    /// The operator gives a process the password, or one that he takes for it.
    Give(usize, Option<Index>),
    /// The operator re-arms the login guard.
    Rearm(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Read,
    List,
    Open,
    End,
    Reset,
}

/// Where the processes meet.
#[derive(Default)]
struct Register(Mutex<Option<Snapshot>>);

impl Store for Register {
    fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        let mut kept = self.0.lock().unwrap();
        if kept.as_ref().map(Snapshot::version) != seen {
            return Ok(Saved::Overtaken);
        }
        *kept = Some(snapshot.clone());
        Ok(Saved::Kept)
    }
}

/// A call of any kind.
trait Driven {
    fn step(&mut self, store: &Register, session: &mut Session, now: Timestamp) -> Step<()>;
    fn receive(
        &mut self,
        store: &Register,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        result: Heard,
    );
    fn give_up(&mut self, store: &Register, session: &mut Session);
}

type Heard = Result<Response<Bytes>, TransportError>;

impl<T: Task> Driven for thingspace_core::Call<T> {
    fn step(&mut self, store: &Register, session: &mut Session, now: Timestamp) -> Step<()> {
        match self.step_in(store, session, now) {
            Step::Send(transmit) => Step::Send(transmit),
            Step::Wait(wait) => Step::Wait(wait),
            Step::Done(result) => Step::Done(result.map(drop)),
        }
    }

    fn receive(
        &mut self,
        store: &Register,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        result: Heard,
    ) {
        self.receive_in(store, session, now, attempt, result);
    }

    fn give_up(&mut self, store: &Register, session: &mut Session) {
        self.abandon_in(store, session);
    }
}

/// A request, wherever it is.
struct Out {
    what: Call,
    request: Request<Bytes>,
    attempt: Attempt,
    deadline: Timestamp,
    read_limit: usize,
    /// What comes back, and from when on.
    back: Option<(Timestamp, Heard)>,
}

struct Actor {
    process: usize,
    wish: Wish,
    call: Box<dyn Driven>,
    out: Option<Out>,
    /// How often its own request was carried out.
    carried_out: u64,
    /// Whether its own request had an unknown fate.
    unknown: bool,
}

struct Stage {
    service: Simulator,
    store: Arc<Register>,
    processes: Vec<Session>,
    now: Timestamp,
    actors: Vec<Actor>,
    /// Requests of processes that are dead.
    orphans: Vec<Out>,
    /// The password as the operator keeps it.
    kept: Arc<Mutex<String>>,
    /// Whether the operator may have let a wrong password be used.
    careless: bool,
    /// Failed logins that the service had counted, or may have had under way,
    /// when the operator last did something about it; none if he has done
    /// nothing since the last success.
    forgiven: Option<u32>,
}

impl Stage {
    /// With or without the right password, and with a service that says why it
    /// refuses a login, or does not.
    fn new(right: bool, outspoken: bool) -> Self {
        let mut service = Simulator::new(7).authority("mock.thingspace.verizon.com");
        if !outspoken {
            service = service.refusal_code("UnifiedWebService.REQUEST_FAILED.Unexplained");
        }
        let kept = if right { Simulator::PASSWORD } else { WRONG[0] };
        Self {
            service,
            store: Arc::default(),
            processes: (0..PROCESSES)
                .map(|number| session(kept, number as u64))
                .collect(),
            now: Timestamp::from_millis(1_700_000_000_000),
            actors: Vec::new(),
            orphans: Vec::new(),
            kept: Arc::new(Mutex::new(kept.to_owned())),
            careless: !right,
            forgiven: None,
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Want(process, wish) => self.want(*process, *wish),
            Act::Step(which) => self.with(*which, Self::step),
            Act::Go(which) => {
                if !self.actors.is_empty() {
                    self.go(which.index(self.actors.len()));
                }
            }
            Act::Arrive(which) => {
                let all = self.actors.len() + self.orphans.len();
                if all > 0 {
                    self.arrive(which.index(all));
                }
            }
            Act::Hear(which) => self.with(*which, |stage, actor| {
                stage.hear(actor);
                true
            }),
            Act::Break(which) => self.with(*which, |stage, actor| {
                stage.breaks(actor);
                true
            }),
            Act::GiveUp(which) => self.with(*which, |stage, actor| {
                let session = &mut stage.processes[actor.process];
                actor.call.give_up(&stage.store, session);
                false
            }),
            Act::Pass(seconds) => self.now = self.now + Duration::from_secs(*seconds),
            Act::Misbehave(call, fault) => {
                let faults = faults();
                let fault = fault.get(&faults).clone();
                self.service.inject(*call.get(&CALLS), fault);
            }
            Act::Die(process) => self.die(*process),
            Act::Give(process, wrong) => {
                let password = match wrong {
                    None => self.service.reveal_password().to_owned(),
                    Some(which) => (*which.get(&WRONG)).to_owned(),
                };
                let other = credentials(&password);
                let (before, mut opens) = (self.forgiven, true);
                self.operate(*process, |session| {
                    // One that has it, or catches up with others, opens nothing.
                    let outdated = Some(GateReason::PasswordOutdated);
                    opens = *session.credentials() != other && session.gate().closed != outdated;
                    session.set_credentials(other.clone());
                });
                if !opens {
                    self.forgiven = before;
                }
                self.careless |= wrong.is_some();
                *self.kept.lock().unwrap() = password;
            }
            // He finds out first what went wrong before.
            Act::Rearm(process) if self.forgiven.is_none() => {
                self.operate(*process, Session::rearm);
                self.careless = true;
            }
            Act::Rearm(_) => {}
        }
        self.is_unharmed();
    }

    fn want(&mut self, process: usize, wish: Wish) {
        let call: Box<dyn Driven> = match wish {
            Wish::Read => Box::new(thingspace_core::Call::new(account())),
            Wish::List => Box::new(thingspace_core::Call::new(devices())),
            Wish::Open => Box::new(thingspace_core::Call::new(OpenSession)),
            Wish::End => Box::new(thingspace_core::Call::new(EndSession)),
            Wish::Reset => {
                let kept = Arc::clone(&self.kept);
                let keep = move |new: &Password| {
                    new.expose().clone_into(&mut kept.lock().unwrap());
                    Ok(())
                };
                Box::new(thingspace_core::Call::new(ChangePassword::kept_by(keep)))
            }
        };
        self.actors.push(Actor {
            process,
            wish,
            call,
            out: None,
            carried_out: 0,
            unknown: false,
        });
    }

    /// Lets one actor do something; it stays if that says so.
    fn with(&mut self, which: Index, act: impl FnOnce(&mut Self, &mut Actor) -> bool) {
        if self.actors.is_empty() {
            return;
        }
        let mut actor = self.actors.swap_remove(which.index(self.actors.len()));
        if act(self, &mut actor) {
            self.actors.push(actor);
        }
    }

    /// Lets an actor go on, with an honest network; it becomes the last.
    fn go(&mut self, which: usize) {
        let mut actor = self.actors.remove(which);
        if actor.out.is_none() && !self.step(&mut actor) {
            return;
        }
        self.actors.push(actor);
        let last = self.actors.len() - 1;
        self.arrive(last);
        let mut actor = self.actors.remove(last);
        self.hear(&mut actor);
        self.actors.push(actor);
    }

    fn step(&mut self, actor: &mut Actor) -> bool {
        let session = &mut self.processes[actor.process];
        match actor.call.step(&self.store, session, self.now) {
            Step::Send(transmit) => {
                let out = Out {
                    what: what(&transmit.request),
                    request: transmit.request,
                    attempt: transmit.attempt,
                    deadline: transmit.deadline,
                    read_limit: transmit.read_limit,
                    back: None,
                };
                // What it sent before and heard nothing of is given up.
                actor.out = None;
                assert!(
                    out.what != Call::LogIn || self.logins_under_way() == 0,
                    "law 1: two logins at once"
                );
                let again = actor.unknown && out.what == Call::ResetPassword;
                assert!(!again, "law 6: a reset of unknown fate was sent again");
                actor.out = Some(out);
                true
            }
            Step::Wait(_) => true,
            Step::Done(_) => false,
        }
    }

    /// Every request that somebody may still be carrying.
    fn outs(&self) -> impl Iterator<Item = &Out> {
        let alive = self.actors.iter().filter_map(|actor| actor.out.as_ref());
        alive.chain(&self.orphans)
    }

    fn is_logging_in(&self, out: &Out) -> bool {
        out.what == Call::LogIn && self.now < out.deadline
    }

    /// The request of this actor or, counted on, orphan reaches the service.
    fn arrive(&mut self, which: usize) {
        let (service, now) = (&mut self.service, self.now);
        let alive = self.actors.len();
        let mut of_the_dead = 0;
        let (out, wish, carried_out) = match self.actors.get_mut(which) {
            Some(actor) => (actor.out.as_mut(), Some(actor.wish), &mut actor.carried_out),
            None => (self.orphans.get_mut(which - alive), None, &mut of_the_dead),
        };
        // Behind its deadline its connection is gone.
        let Some(out) = out.filter(|out| out.back.is_none() && now < out.deadline) else {
            return;
        };
        let before = service.counts().done(out.what);
        let reply = service.respond(now, &out.request);
        let own = match out.what {
            Call::Devices => Some(Wish::List),
            Call::ResetPassword => Some(Wish::Reset),
            _ => None,
        };
        if own.is_some() && own == wish {
            *carried_out += service.counts().done(out.what) - before;
            assert!(*carried_out <= 1, "law 6: {wish:?} was carried out twice");
        }
        out.back = Some(comes_back(out, now, reply));
    }

    fn hear(&mut self, actor: &mut Actor) {
        let Some(out) = &mut actor.out else { return };
        let heard = match out.back.take() {
            Some((from, heard)) if self.now >= from => heard,
            _ if self.now >= out.deadline => Err(TransportError::unknown("timed out")),
            early => {
                out.back = early;
                return;
            }
        };
        self.told(actor, heard);
    }

    fn breaks(&mut self, actor: &mut Actor) {
        let Some(out) = &actor.out else { return };
        let heard = match out.back {
            None => TransportError::not_sent("no route"),
            Some(_) => TransportError::unknown("cut off"),
        };
        self.told(actor, Err(heard));
    }

    fn told(&mut self, actor: &mut Actor, heard: Heard) {
        let Some(out) = actor.out.take() else { return };
        let lost = matches!(&heard, Err(error) if error.may_have_left());
        actor.unknown |= lost && out.what == Call::ResetPassword;
        let session = &mut self.processes[actor.process];
        let (store, now) = (&self.store, self.now);
        actor.call.receive(store, session, now, out.attempt, heard);
    }

    fn die(&mut self, process: usize) {
        let (dead, alive) = std::mem::take(&mut self.actors)
            .into_iter()
            .partition(|actor| actor.process == process);
        self.actors = alive;
        let dead: Vec<Actor> = dead;
        self.orphans
            .extend(dead.into_iter().filter_map(|actor| actor.out));
        let password = self.kept.lock().unwrap();
        self.processes[process] = match self.store.load().unwrap() {
            Some(kept) => restored(kept, &password),
            None => session(&password, 9),
        };
    }

    /// An operator does something about a guard.
    fn operate(&mut self, process: usize, act: impl FnMut(&mut Session)) {
        let session = &mut self.processes[process];
        session.transact(&*self.store, act).unwrap();
        let failed = self.service.consecutive_failures();
        self.forgiven = Some(failed + self.logins_under_way());
    }

    fn logins_under_way(&self) -> u32 {
        let logins = self.outs().filter(|out| self.is_logging_in(out));
        u32::try_from(logins.count()).unwrap()
    }

    /// What must be true of the service at any time.
    fn is_unharmed(&mut self) {
        let failed = self.service.consecutive_failures();
        // One that was forgiven on its way may still fail.
        if failed == 0 && self.logins_under_way() == 0 {
            self.forgiven = None;
        }
        let held_against = failed.saturating_sub(self.forgiven.unwrap_or_default());
        assert!(held_against <= BUDGET, "law 2: {failed} failed logins");
        assert!(!self.service.is_locked(), "law 2: the user name is locked");
        let counts = self.service.counts();
        assert!(
            self.careless || counts.failed_logins == 0,
            "law 8: a login with a password that a reset has changed"
        );
        assert_eq!(counts.misdirected, 0, "law 9");
    }

    /// Everybody goes on, and nothing new goes wrong.
    fn everything_ends(&mut self) {
        for _ in 0..20_000 {
            if self.actors.is_empty() {
                return;
            }
            self.go(0);
            self.now = self.now + Duration::from_millis(700);
            self.is_unharmed();
        }
        panic!("law 12: {} calls never end", self.actors.len());
    }

    /// With the password that is right, everything goes on.
    fn nothing_is_broken(&mut self) {
        self.now = self.now + 48 * HOUR;
        let right = self.service.reveal_password().to_owned();
        let session = &mut self.processes[0];
        let give = |session: &mut Session| {
            session.set_credentials(credentials(&right));
            session.rearm();
        };
        session.transact(&*self.store, give).unwrap();
        for _ in 0..100 {
            match run(&mut self.service, session, &mut self.now, account()) {
                Ok(_) => return,
                // Faults that nobody has met yet.
                Err(Error::GateClosed(_)) => session.rearm(),
                Err(_) => self.now = self.now + 48 * HOUR,
            }
            assert!(!self.service.is_locked(), "law 2: the user name is locked");
        }
        panic!("the session never opens again");
    }
}

/// What comes back over a network that is as good or bad as the reply, and when.
fn comes_back(out: &Out, now: Timestamp, reply: Reply) -> (Timestamp, Heard) {
    let heard = match reply {
        Reply::Response(answer) | Reply::Last(answer) => Ok(answer),
        Reply::Late(delay, answer) if now + delay < out.deadline => {
            return (now + delay, Ok(answer));
        }
        Reply::Late(..) | Reply::Hung => {
            return (out.deadline, Err(TransportError::unknown("timed out")));
        }
        Reply::Endless(answer) => {
            let endless = answer.body().iter().copied().cycle();
            let body = endless.take(out.read_limit).collect::<Vec<_>>();
            Ok(answer.map(|_| body.into()))
        }
        Reply::Refused => Err(TransportError::not_sent("refused")),
        Reply::CutShort(_) | Reply::Dropped => Err(TransportError::unknown("cut off")),
    };
    (now, heard)
}

fn what(request: &Request<Bytes>) -> Call {
    match request.uri().path().rsplit('/').next() {
        Some("token") => Call::BearerToken,
        Some("login") => Call::LogIn,
        Some("logout") => Call::LogOut,
        Some("reset") => Call::ResetPassword,
        Some("list") => Call::Devices,
        _ => Call::Account,
    }
}

fn act(operated: bool) -> impl Strategy<Value = Act> {
    let wish = prop::sample::select(vec![
        Wish::Read,
        Wish::Read,
        Wish::List,
        Wish::List,
        Wish::Open,
        Wish::End,
        Wish::Reset,
        Wish::Reset,
    ]);
    let process = || 0..PROCESSES;
    let which = any::<Index>;
    let usual = prop_oneof![
        4 => (process(), wish).prop_map(|(process, wish)| Act::Want(process, wish)),
        12 => which().prop_map(Act::Go),
        6 => which().prop_map(Act::Step),
        4 => which().prop_map(Act::Arrive),
        4 => which().prop_map(Act::Hear),
        1 => which().prop_map(Act::Break),
        1 => which().prop_map(Act::GiveUp),
        3 => prop_oneof![0..3_u64, 0..70_u64, 0..4000_u64].prop_map(Act::Pass),
        1 => (which(), which()).prop_map(|(call, fault)| Act::Misbehave(call, fault)),
        1 => process().prop_map(Act::Die),
    ];
    let operator = prop_oneof![
        3 => (process(), any::<Option<Index>>()).prop_map(|(process, wrong)| Act::Give(process, wrong)),
        1 => process().prop_map(Act::Rearm),
    ];
    prop_oneof![18 => usual, u32::from(operated) => operator]
}

fn schedule() -> impl Strategy<Value = Vec<Act>> {
    any::<bool>().prop_flat_map(|operated| vec(act(operated), 1..200))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_schedule_harms_the_service(
        right in prop::bool::weighted(0.7),
        outspoken in any::<bool>(),
        acts in schedule(),
    ) {
        let mut stage = Stage::new(right, outspoken);
        for act in &acts {
            stage.act(act);
        }
        stage.everything_ends();
        stage.nothing_is_broken();
    }
}
