//! Any schedule, checked from the service's side: several processes share one
//! session through a store, with any number of calls, requests that travel,
//! arrive late or get lost, calls that are dropped, faults of the service and of the
//! store, processes that die, and an operator who gives passwords. Whatever happens,
//! the service is not harmed.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use proptest::{collection::vec, prelude::*, sample::Index};
use thingspace_core::{
    Completion, Session, SharedStep, StoreError, Timestamp, TransportError,
    session::{Attempt, Loaded, NewPassword, Operation, POLL_INTERVAL, Revision, Saved, Snapshot},
};
use thingspace_simulator::{Call, Simulator};

use crate::{
    faults::{CALLS, faults},
    world::*,
};

/// The number of logins that may fail between two successes, with whatever passwords.
const MOST_FAILED_LOGINS: u32 = 4;

/// The time for which a driver tries to save what a response brought.
const SYNC_TIMEOUT: Duration = Duration::from_secs(30);

const PROCESSES: usize = 2;

/// Passwords that are not the right one.
const WRONG: [&str; 4] = ["grflbk", "Grflbk", "grflbk1", "IMgr8?"];

/// An act of a schedule. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Act {
    /// Somebody wants something of a process, within so many seconds if it says so.
    Want(usize, Wish, Option<u64>),
    /// A call goes on.
    Step(Index),
    /// A call goes on, and what it asks for has its result at once.
    Go(Index, Way),
    /// The store does what a call asks of it, or fails.
    Store(Index, Storing),
    /// A call learns what the store did.
    Tell(Index),
    /// A request reaches the service.
    Arrive(Index),
    /// A result reaches the machine.
    Receive(Index, Way),
    /// A connection breaks.
    Break(Index, Way),
    /// A call is dropped. If it has begun an operation, that goes on.
    Drop(Index),
    /// A driver abandons an operation, whether its call lives or not.
    Abandon(Index),
    /// A new password is saved and confirmed, in any process.
    Confirm(Index, usize),
    /// So many seconds go by.
    Pass(u64),
    /// The service will misbehave: this fault of those there are.
    Misbehave(Index, Index),
    /// A process dies with all its calls, and another starts in its place.
    Die(usize),
    /// The operator gives a process the password, or a wrong one by mistake.
    Give(usize, Option<Index>),
    /// The operator unblocks the login guard of a process that has the right password.
    Unblock(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Read,
    List,
    Open,
    End,
    Reset,
    Sync,
}

/// The way in which the store does what it is asked for.
#[derive(Clone, Copy, Debug)]
enum Storing {
    Works,
    /// It fails, and has done nothing.
    Fails,
    /// It fails, and has done it.
    FailsToSay,
}

/// The way on which the result of an operation reaches the machine. (A call's own
/// request has only one.)
#[derive(Clone, Copy, Debug)]
enum Way {
    /// By the session.
    Session,
    /// By the call that began it, or the session if that call is gone.
    Call,
    /// By both, one after the other.
    Twice,
}

/// The store that the processes share, and the time of its last save.
#[derive(Default)]
struct Register(Option<(Snapshot, Timestamp)>);

impl Register {
    fn load(&self, now: Timestamp) -> Option<Loaded> {
        let (snapshot, saved_at) = self.0.clone()?;
        let age = now.since(saved_at);
        Some(Loaded { snapshot, age })
    }

    fn save(&mut self, now: Timestamp, seen: Option<Revision>, snapshot: &Snapshot) -> Saved {
        if self.0.as_ref().map(|(saved, _)| saved.revision()) != seen {
            return Saved::Conflict;
        }
        self.0 = Some((snapshot.clone(), now));
        Saved::Saved
    }
}

/// An access to the store that a call has asked for.
enum Access {
    Load,
    Save(Option<Revision>, Box<Snapshot>),
    Loaded(Result<Option<Loaded>, StoreError>),
    Saved(Result<Saved, StoreError>),
}

/// A request that somebody has sent.
struct Sent {
    what: Call,
    request: Request<Bytes>,
    attempt: Attempt,
    deadline: Timestamp,
    read_limit: usize,
    /// The result, and the time from which on it is there.
    result: Option<(Timestamp, Received)>,
    /// True if the driver has abandoned it, and it may arrive all the same.
    abandoned: bool,
}

/// A call, and its request that is on the way.
struct Actor {
    process: usize,
    wish: Wish,
    call: thingspace_core::Call,
    sent: Option<Sent>,
    access: Option<Access>,
    /// The number of times that its own request was executed.
    executed: u64,
    /// True if it has sent a reset that may have been executed.
    reset_in_doubt: bool,
}

/// A request whose call is gone, or does not wait for it any more.
struct Stray {
    /// The process that can still take the result; none if it is dead, or has
    /// abandoned the request.
    process: Option<usize>,
    sent: Sent,
}

struct Stage {
    service: Simulator,
    store: Register,
    processes: Vec<Session>,
    now: Timestamp,
    actors: Vec<Actor>,
    strays: Vec<Stray>,
    /// The new passwords that calls have brought.
    new_passwords: Vec<NewPassword>,
    /// The password that the operator has saved.
    saved: String,
    /// True if the operator may have let a wrong password be used.
    careless: bool,
    /// The number of processes that were started.
    started: u64,
}

impl Stage {
    /// With or without the right password, and with a service that says why it
    /// refuses a login, or does not.
    fn new(right: bool, outspoken: bool) -> Self {
        let mut service = Simulator::new(7).authority("mock.thingspace.verizon.com");
        if !outspoken {
            service = service.refusal_code("UnifiedWebService.REQUEST_FAILED.Unexplained");
        }
        let saved = if right { Simulator::PASSWORD } else { WRONG[0] };
        let mut started = 0;
        let mut start = || {
            started += 1;
            shared(saved, started, POLL_INTERVAL)
        };
        Self {
            service,
            store: Register::default(),
            processes: [(); PROCESSES].map(|()| start()).into(),
            now: Timestamp::from_millis(1_700_000_000_000),
            actors: Vec::new(),
            strays: Vec::new(),
            new_passwords: Vec::new(),
            saved: saved.to_owned(),
            careless: !right,
            started,
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Want(process, wish, timeout) => self.want(*process, *wish, *timeout),
            Act::Step(which) => {
                if let Some(mut actor) = self.take_actor(*which) {
                    if self.step(&mut actor) {
                        self.actors.push(actor);
                    }
                }
            }
            Act::Go(which, way) => {
                if !self.actors.is_empty() {
                    self.go(which.index(self.actors.len()), *way);
                }
            }
            Act::Store(which, storing) => {
                if !self.actors.is_empty() {
                    self.access(which.index(self.actors.len()), *storing);
                }
            }
            Act::Tell(which) => {
                if !self.actors.is_empty() {
                    self.tell(which.index(self.actors.len()));
                }
            }
            Act::Arrive(which) => {
                if let Some(which) = self.sender(*which) {
                    self.arrive(which);
                }
            }
            Act::Receive(which, way) => {
                if let Some(which) = self.sender(*which) {
                    self.receive(which, *way);
                }
            }
            Act::Break(which, way) => {
                if let Some(which) = self.sender(*which) {
                    self.break_connection(which, *way);
                }
            }
            Act::Drop(which) => {
                if let Some(actor) = self.take_actor(*which) {
                    self.leave(actor.process, actor.sent);
                }
            }
            Act::Abandon(which) => {
                if let Some(which) = self.sender(*which) {
                    self.abandon(which);
                }
            }
            Act::Confirm(which, process) => self.confirm(*which, *process),
            Act::Pass(seconds) => self.now = self.now + Duration::from_secs(*seconds),
            Act::Misbehave(call, fault) => {
                let faults = faults();
                let fault = fault.get(&faults).clone();
                self.service.inject(*call.get(&CALLS), fault);
            }
            Act::Die(process) => self.die(*process),
            Act::Give(process, wrong) => self.give(*process, *wrong),
            Act::Unblock(process) => self.unblock(*process),
        }
        self.assert_unharmed();
    }

    fn want(&mut self, process: usize, wish: Wish, timeout: Option<u64>) {
        let mut call = match wish {
            Wish::Read => account(),
            Wish::List => devices(),
            Wish::Open => thingspace_core::Call::log_in(),
            Wish::End => thingspace_core::Call::log_out(),
            Wish::Reset => thingspace_core::Call::reset_password(),
            Wish::Sync => thingspace_core::Call::sync(),
        };
        if let Some(seconds) = timeout {
            call = call.with_deadline(self.now + Duration::from_secs(seconds));
        }
        self.actors.push(Actor {
            process,
            wish,
            call,
            sent: None,
            access: None,
            executed: 0,
            reset_in_doubt: false,
        });
    }

    fn take_actor(&mut self, which: Index) -> Option<Actor> {
        let actors = self.actors.len();
        (actors > 0).then(|| self.actors.swap_remove(which.index(actors)))
    }

    /// Chooses an actor or, numbered after them, a stray.
    fn sender(&self, which: Index) -> Option<usize> {
        let senders = self.actors.len() + self.strays.len();
        (senders > 0).then(|| which.index(senders))
    }

    /// Lets an actor go on, with an honest network and store; it becomes the last.
    fn go(&mut self, which: usize, way: Way) {
        let mut actor = self.actors.remove(which);
        let is_idle = actor.sent.is_none() && actor.access.is_none();
        if is_idle && !self.step(&mut actor) {
            return;
        }
        self.actors.push(actor);
        let last = self.actors.len() - 1;
        self.access(last, Storing::Works);
        self.tell(last);
        self.arrive(last);
        self.receive(last, way);
    }

    /// Lets the store do what this actor asks of it.
    fn access(&mut self, which: usize, storing: Storing) {
        let (store, now) = (&mut self.store, self.now);
        let Some(access) = &mut self.actors[which].access else {
            return;
        };
        let works = matches!(storing, Storing::Works);
        let failure = || StoreError::new("it is out of order");
        *access = match access {
            Access::Load if works => Access::Loaded(Ok(store.load(now))),
            Access::Load => Access::Loaded(Err(failure())),
            Access::Save(..) if matches!(storing, Storing::Fails) => Access::Saved(Err(failure())),
            Access::Save(seen, snapshot) => {
                let saved = store.save(now, *seen, snapshot);
                Access::Saved(if works { Ok(saved) } else { Err(failure()) })
            }
            Access::Loaded(_) | Access::Saved(_) => return,
        };
    }

    /// Tells an actor what the store did, if it has done it.
    fn tell(&mut self, which: usize) {
        let actor = &mut self.actors[which];
        let session = &mut self.processes[actor.process];
        match actor.access.take() {
            Some(Access::Loaded(loaded)) => actor.call.loaded(session, self.now, loaded),
            Some(Access::Saved(saved)) => actor.call.saved(session, self.now, saved),
            waits => actor.access = waits,
        }
    }

    /// Saves what this process has to save, beside its calls.
    fn sync(&mut self, process: usize) {
        let is_syncing = |actor: &Actor| actor.process == process && actor.wish == Wish::Sync;
        if self.processes[process].is_unsaved(self.now) && !self.actors.iter().any(is_syncing) {
            self.want(process, Wish::Sync, Some(SYNC_TIMEOUT.as_secs()));
        }
    }

    /// Steps a call. Returns true if it has not finished.
    fn step(&mut self, actor: &mut Actor) -> bool {
        let session = &mut self.processes[actor.process];
        match actor.call.step_shared(session, self.now) {
            SharedStep::Load => {
                actor.access = Some(Access::Load);
                true
            }
            SharedStep::Save { seen, snapshot } => {
                actor.access = Some(Access::Save(seen, Box::new(snapshot)));
                true
            }
            SharedStep::Send(transmit) => {
                // It does not wait any more for what it sent before.
                self.leave(actor.process, actor.sent.take());
                let sent = Sent {
                    what: what(&transmit.request),
                    request: transmit.request,
                    attempt: transmit.attempt,
                    deadline: transmit.deadline,
                    read_limit: transmit.read_limit,
                    result: None,
                    abandoned: false,
                };
                self.assert_alone(&sent);
                if sent.what == Call::ResetPassword {
                    assert!(
                        !actor.reset_in_doubt,
                        "law 6: a reset of unknown outcome was sent again"
                    );
                    actor.reset_in_doubt = true;
                }
                actor.sent = Some(sent);
                true
            }
            SharedStep::Wait(wait) => {
                assert!(wait.until > self.now, "a wait for nothing");
                true
            }
            SharedStep::Done(result) => {
                self.leave(actor.process, actor.sent.take());
                match (actor.wish, result) {
                    (Wish::Read | Wish::List, Ok(Completion::Response(_)))
                    | (Wish::Open, Ok(Completion::LoggedIn(_)))
                    | (Wish::End, Ok(Completion::LoggedOut(_)))
                    | (Wish::Sync, Ok(Completion::Synced))
                    | (_, Err(_)) => {}
                    (Wish::Reset, Ok(Completion::PasswordReset(new))) => {
                        self.new_passwords.push(new);
                    }
                    (wish, Ok(other)) => panic!("{wish:?} gave {other:?}"),
                }
                false
            }
        }
    }

    /// Leaves a request behind whose call does not wait for it any more.
    fn leave(&mut self, process: usize, sent: Option<Sent>) {
        let stray = |sent| Stray {
            process: Some(process),
            sent,
        };
        self.strays.extend(sent.map(stray));
    }

    /// Lets the request of this actor or stray reach the service.
    fn arrive(&mut self, which: usize) {
        let (service, now) = (&mut self.service, self.now);
        let alive = self.actors.len();
        let mut of_a_stray = 0;
        let (sent, wish, executed) = if let Some(actor) = self.actors.get_mut(which) {
            (actor.sent.as_mut(), Some(actor.wish), &mut actor.executed)
        } else {
            let stray = &mut self.strays[which - alive];
            (Some(&mut stray.sent), None, &mut of_a_stray)
        };
        // After its deadline its connection is gone.
        let Some(sent) = sent.filter(|sent| sent.result.is_none() && now < sent.deadline) else {
            return;
        };
        let before = service.counts().done(sent.what);
        let reply = service.respond(now, &sent.request);
        let own = match sent.what {
            Call::Devices => Some(Wish::List),
            Call::ResetPassword => Some(Wish::Reset),
            _ => None,
        };
        if own.is_some() && own == wish {
            *executed += service.counts().done(sent.what) - before;
            assert!(*executed <= 1, "law 6: {wish:?} was executed twice");
        }
        sent.result = Some(result_of(reply, now, sent.deadline, sent.read_limit));
        if sent.what == Call::LogIn {
            // An abandoned login arrives before the next one or not at all.
            let is_gone = |sent: &Sent| sent.abandoned && sent.result.is_none();
            self.strays.retain(|stray| !is_gone(&stray.sent));
        }
    }

    /// Gives the result of this actor's or stray's request to the machine, if it is
    /// there.
    fn receive(&mut self, which: usize, way: Way) {
        let now = self.now;
        let result = self.sent_by(which).and_then(|sent| match &sent.result {
            Some((from, result)) if now >= *from => Some(result.clone()),
            _ if now >= sent.deadline => Some(Err(TransportError::unknown("timed out"))),
            _ => None,
        });
        if let Some(result) = result {
            self.give_result(which, way, result);
        }
    }

    fn break_connection(&mut self, which: usize, way: Way) {
        let error = self.sent_by(which).map(|sent| match sent.result {
            None => TransportError::not_sent("no route"),
            Some(_) => TransportError::unknown("cut off"),
        });
        if let Some(error) = error {
            self.give_result(which, way, Err(error));
        }
    }

    fn sent_by(&self, which: usize) -> Option<&Sent> {
        match self.actors.get(which) {
            Some(actor) => actor.sent.as_ref(),
            None => Some(&self.strays[which - self.actors.len()].sent),
        }
    }

    fn give_result(&mut self, which: usize, way: Way, result: Received) {
        let now = self.now;
        let Some(actor) = self.actors.get_mut(which) else {
            let stray = self.strays.swap_remove(which - self.actors.len());
            let operation = stray.sent.attempt.operation();
            if let (Some(process), Some(operation)) = (stray.process, operation) {
                self.operation_received(process, operation, way, result);
            }
            return;
        };
        let Some(sent) = actor.sent.take() else {
            return;
        };
        if sent.what == Call::ResetPassword {
            actor.reset_in_doubt = may_be_executed(&result);
        }
        let (process, attempt) = (actor.process, sent.attempt);
        let session = &mut self.processes[process];
        match (attempt.operation(), way) {
            (Some(operation), Way::Session) => session.receive(now, operation, result),
            (Some(operation), Way::Twice) => {
                session.receive(now, operation, result.clone());
                actor.call.receive(session, now, attempt, result);
            }
            (Some(_), Way::Call) | (None, _) => {
                actor.call.receive(session, now, attempt, result);
            }
        }
        self.sync(process);
    }

    fn operation_received(
        &mut self,
        process: usize,
        operation: Operation,
        way: Way,
        result: Received,
    ) {
        let session = &mut self.processes[process];
        if matches!(way, Way::Twice) {
            session.receive(self.now, operation, result.clone());
        }
        session.receive(self.now, operation, result);
        self.sync(process);
    }

    /// Abandons the operation of this actor or stray, if it has one.
    fn abandon(&mut self, which: usize) {
        let alive = self.actors.len();
        let taken = if let Some(actor) = self.actors.get_mut(which) {
            let sent = actor
                .sent
                .take_if(|sent| sent.attempt.operation().is_some());
            sent.map(|sent| (actor.process, sent))
        } else {
            let stray = &self.strays[which - alive];
            let has_operation = stray.sent.attempt.operation().is_some();
            stray.process.filter(|_| has_operation).map(|process| {
                let stray = self.strays.swap_remove(which - alive);
                (process, stray.sent)
            })
        };
        let Some((process, mut sent)) = taken else {
            return;
        };
        let Some(operation) = sent.attempt.operation() else {
            return;
        };
        self.processes[process].abandon(self.now, operation);
        self.sync(process);
        // A login may arrive all the same, since it is counted. Whoever abandons a reset has
        // seen to it that it does not.
        if sent.what == Call::LogIn {
            sent.abandoned = true;
            self.strays.push(Stray {
                process: None,
                sent,
            });
        }
    }

    /// Saves a new password that somebody has, and confirms it in this process. One
    /// that is not awaited is not used.
    fn confirm(&mut self, which: Index, process: usize) {
        let unclaimed = self.processes.iter().filter_map(Session::new_password);
        let all: Vec<_> = self.new_passwords.iter().chain(unclaimed).collect();
        if all.is_empty() {
            return;
        }
        let new = (*which.get(&all)).clone();
        let session = &mut self.processes[process];
        let is_in_use = session.credentials().password().unwrap() == new.password();
        // Once more says nothing.
        if session.confirm(&new).is_ok() && !is_in_use {
            self.sync(process);
            let is_right = new.password().expose() == self.service.reveal_password();
            // Another process may have reset it again since, of which this one learns
            // before it makes a login.
            if is_right || self.careless {
                new.password().expose().clone_into(&mut self.saved);
            }
        }
    }

    fn die(&mut self, process: usize) {
        let (dead, alive): (Vec<_>, Vec<_>) = std::mem::take(&mut self.actors)
            .into_iter()
            .partition(|actor| actor.process == process);
        self.actors = alive;
        for actor in dead {
            self.leave(process, actor.sent);
        }
        for stray in &mut self.strays {
            stray.process.take_if(|its| *its == process);
        }
        self.started += 1;
        self.processes[process] = shared(&self.saved, self.started, POLL_INTERVAL);
    }

    fn give(&mut self, process: usize, wrong: Option<Index>) {
        let password = match wrong {
            None => self.service.reveal_password().to_owned(),
            Some(which) => (*which.get(&WRONG)).to_owned(),
        };
        let session = &mut self.processes[process];
        session.set_credentials(credentials(&password)).unwrap();
        self.sync(process);
        self.careless |= wrong.is_some();
        self.saved = password;
    }

    /// Unblocks the guard of a process, whose password the operator has compared.
    fn unblock(&mut self, process: usize) {
        let session = &mut self.processes[process];
        let password = session.credentials().password().unwrap();
        if password.expose() == self.service.reveal_password() {
            session.unblock();
            self.sync(process);
            self.careless = true;
        }
    }

    /// Every request that may still be on the way.
    fn under_way(&self) -> impl Iterator<Item = &Sent> {
        let of_actors = self.actors.iter().filter_map(|actor| actor.sent.as_ref());
        let all = of_actors.chain(self.strays.iter().map(|stray| &stray.sent));
        all.filter(|sent| self.now < sent.deadline)
    }

    /// Asserts that no other operation is in progress, if this is one.
    fn assert_alone(&self, sent: &Sent) {
        // What is sent too late never leaves.
        if sent.attempt.operation().is_none() || self.now >= sent.deadline {
            return;
        }
        for other in self.under_way() {
            let is_over = other.abandoned || other.attempt.operation().is_none();
            let (one, two) = (other.what, sent.what);
            assert!(is_over, "law 1: {one:?} and {two:?} at once");
        }
    }

    /// Asserts what must be true of the service at any time.
    fn assert_unharmed(&mut self) {
        let failed = self.service.consecutive_failures();
        assert!(
            failed <= MOST_FAILED_LOGINS,
            "law 2: {failed} failed logins"
        );
        assert!(!self.service.is_locked(), "law 2: the user name is locked");
        let counts = self.service.counts();
        assert!(
            self.careless || counts.failed_logins == 0,
            "law 8: a login with a password that a reset has changed"
        );
        assert_eq!(counts.misdirected, 0, "law 9");
    }

    /// Lets everybody go on while nothing new goes wrong.
    fn assert_everything_ends(&mut self) {
        for _ in 0..20_000 {
            if self.actors.is_empty() {
                return;
            }
            self.go(0, Way::Call);
            self.now = self.now + Duration::from_millis(700);
            self.assert_unharmed();
        }
        let calls: Vec<_> = self.actors.iter().map(|actor| &actor.call).collect();
        panic!("law 12: calls never end: {calls:?}");
    }

    /// Asserts that everything goes on with the password that is right.
    fn assert_nothing_is_broken(&mut self) {
        self.now = self.now + 48 * HOUR;
        let right = self.service.reveal_password().to_owned();
        let session = &mut self.processes[0];
        session.set_credentials(credentials(&right)).unwrap();
        for _ in 0..100 {
            self.processes[0].unblock();
            self.want(0, Wish::List, None);
            let listed = self.service.counts().done(Call::Devices);
            self.assert_everything_ends();
            if self.service.counts().done(Call::Devices) > listed {
                return;
            }
            // A fault that nobody has met yet.
            self.now = self.now + 48 * HOUR;
        }
        panic!("the session never opens again");
    }
}

/// Returns true if a request with this result may have been executed.
fn may_be_executed(result: &Received) -> bool {
    match result {
        Ok(response) => !response.status().is_client_error() || response.status() == 408,
        Err(error) => error.may_have_left(),
    }
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
    let timeout = || prop::option::weighted(0.2, 0..90_u64);
    let process = || 0..PROCESSES;
    let which = any::<Index>;
    let way = || prop::sample::select(vec![Way::Session, Way::Session, Way::Call, Way::Twice]);
    let storing = prop_oneof![
        8 => Just(Storing::Works),
        1 => Just(Storing::Fails),
        1 => Just(Storing::FailsToSay),
    ];
    let usual = prop_oneof![
        4 => (process(), wish, timeout())
            .prop_map(|(process, wish, timeout)| Act::Want(process, wish, timeout)),
        12 => (which(), way()).prop_map(|(which, way)| Act::Go(which, way)),
        6 => which().prop_map(Act::Step),
        4 => (which(), storing).prop_map(|(which, storing)| Act::Store(which, storing)),
        4 => which().prop_map(Act::Tell),
        4 => which().prop_map(Act::Arrive),
        4 => (which(), way()).prop_map(|(which, way)| Act::Receive(which, way)),
        1 => (which(), way()).prop_map(|(which, way)| Act::Break(which, way)),
        1 => which().prop_map(Act::Drop),
        1 => which().prop_map(Act::Abandon),
        2 => (which(), process()).prop_map(|(which, process)| Act::Confirm(which, process)),
        3 => prop_oneof![0..3_u64, 0..70_u64, 0..4000_u64].prop_map(Act::Pass),
        1 => (which(), which()).prop_map(|(call, fault)| Act::Misbehave(call, fault)),
        1 => process().prop_map(Act::Die),
    ];
    let operator = prop_oneof![
        3 => (process(), any::<Option<Index>>()).prop_map(|(process, wrong)| Act::Give(process, wrong)),
        1 => process().prop_map(Act::Unblock),
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
        stage.assert_everything_ends();
        stage.assert_nothing_is_broken();
    }
}
