//! The world of many processes.
//!
//! A schedule is a list of [`Act`]s, each of which is one thing that happens
//! somewhere: a call is stepped, the store does what a call asked for, the call is
//! told, a request leaves, the service serves it, its response arrives. Between
//! any two of them anything else may happen, and any time may pass: a process that
//! is not chosen is paused.
//!
//! Time is the true time, by which the store and the service live. Each host has a
//! clock of its own, which is off by its offset, and may jump.

use std::{collections::BTreeMap, ops::AddAssign, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Error, ErrorKind, Session,
    SessionBuilder, SharedStep, StoreError, Timestamp, TransportError, UserCredentials,
    session::{
        Attempt, Event, Loaded, NewPassword, OperationKind, Revision, Saved, Settings, Snapshot,
        Transmit, Wait, WaitReason,
    },
};

use crate::{
    MINUTE, SECOND,
    known::Known,
    millis,
    service::{Asked, Coming, Down, Meaning, Received, Service, Serving, lost},
    store::{self, Fault, Id, Read, Record, Store, Storing},
};

pub const START: u64 = 1_700_000_000_000;

/// The time for which an operation holds its lease.
pub const LEASE: u64 = 35 * SECOND;

/// The time that its request may take.
const ATTEMPT_TIMEOUT: u64 = 30 * SECOND;

/// The interval at which calls that wait look at the store.
pub const POLL: u64 = SECOND;

/// The time for which a driver tries to save.
const SYNC_TIMEOUT: u64 = 30 * SECOND;

/// The time for which calls wait for an access to the store by another one.
const STORE_PATIENCE: u64 = 2 * SECOND;

/// The longest time that a call waits for the service to be ready again.
const LONGEST_WAIT: u64 = MINUTE + SECOND / 2;

/// The time between two logins with the same password of which the first may have
/// failed.
const LOGIN_INTERVAL: u64 = 30 * SECOND;

/// One thing that happens. A number selects one of what there is, counted round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A caller on this host makes this call.
    Want(usize, Wish),
    /// The host saves what it has not saved yet, if it is time to.
    Sync(usize),
    /// The call takes a step.
    Step(usize),
    /// The store does what the call has asked for.
    Store(usize, Storing),
    /// The call is told what the store did.
    Tell(usize),
    /// A request leaves its host.
    Post(usize),
    /// The service has a request that has left.
    Serve(usize, Serving),
    /// The result of a request arrives at its process.
    Deliver(usize),
    /// The driver learns that there will be no response: the request was never sent if
    /// it has not left.
    Lose(usize),
    /// The next thing happens that an honest world does with this call.
    Go(usize),
    /// The next thing happens that an honest world does with this request.
    Carry(usize),
    /// The caller drops the call. An executor goes on with an operation of it.
    Drop(usize),
    /// The caller panics: nothing more is done about the call nor its operation.
    Vanish(usize),
    /// The driver gives an operation up, and closes its connection.
    Abandon(usize),
    /// The host stops until so many other things have happened.
    Pause(usize, usize),
    /// The process dies, and another one starts with nothing but the store.
    Crash(usize),
    Pass(u64),
    /// The host's clock jumps ahead.
    Jump(usize, u64),
    /// The host's clock is set back: it stands still until the same moment comes again.
    SetBack(usize, u64),
    Unblock(usize),
    /// An operator gives the host the right password, and unblocks its guard.
    Help(usize),
    Give(usize, Password),
    Confirm(usize),
    Break(usize, Fault),
    StoreIsDown(bool),
    IsDown(Down),
    /// The service ends all sessions, or all bearer tokens.
    EndSessions,
    EndBearers,
    /// Somebody changes the password at the service.
    Rotate,
}

/// The call that a caller makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Read,
    Write,
    LogIn,
    LogOut,
    Reset,
    Sync,
}

/// The password that somebody gives to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// The one that the service takes.
    Right,
    /// The one of the beginning.
    Old,
    Wrong,
}

#[derive(Clone, Debug)]
pub struct World {
    pub now: u64,
    pub hosts: Vec<Arc<Host>>,
    pub callers: Vec<Arc<Caller>>,
    pub messages: Vec<Arc<Message>>,
    pub store: Store,
    pub service: Service,
    /// The moments at which the store took each operation.
    saved: BTreeMap<u64, u64>,
    /// The moments at which each was drafted, from which its own process counts.
    drafted: BTreeMap<u64, u64>,
    /// The time that accesses to the store have taken: so much older than it seems may
    /// be what was loaded, and what was loaded from what others had loaded.
    lag: u64,
    /// The time at which the last operation began without the store.
    began_alone: u64,
    leases: Vec<Lease>,
    /// The time of each login, and its password.
    logins: BTreeMap<Id, (u64, String)>,
    pub passwords: Vec<String>,
    settings: Settings,
    /// False as soon as the store has lost, or made up, something.
    is_honest: bool,
    /// True as soon as a clock has jumped.
    has_jumped: bool,
    names: usize,
    unblocked: usize,
    pub tally: Tally,
    /// The results of the calls that have ended, for stories.
    pub results: Vec<(usize, Result<Completion, Error>)>,
    pub keeps_results: bool,
}

/// What happened, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Operations that a process sent while another one held the lease, since it had
    /// been paused for longer than its own.
    pub overlaps: usize,
    /// Logins that came to the service after a later one had succeeded.
    pub stragglers: usize,
    pub operations: usize,
    pub logins: usize,
    pub resets: usize,
    pub checks: usize,
    pub loads: usize,
    pub saves: usize,
    pub conflicts: usize,
    pub store_errors: usize,
    pub done: usize,
    pub blocked: usize,
    pub failed: usize,
    /// The times that a driver gave up saving.
    pub unsaved: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self {
            overlaps,
            stragglers,
            operations,
            logins,
            resets,
            checks,
            loads,
            saves,
            conflicts,
            store_errors,
            done,
            blocked,
            failed,
            unsaved,
        } = other;
        self.overlaps += overlaps;
        self.stragglers += stragglers;
        self.operations += operations;
        self.logins += logins;
        self.resets += resets;
        self.checks += checks;
        self.loads += loads;
        self.saves += saves;
        self.conflicts += conflicts;
        self.store_errors += store_errors;
        self.done += done;
        self.blocked += blocked;
        self.failed += failed;
        self.unsaved += unsaved;
    }
}

/// A host, and the process on it.
#[derive(Clone, Debug)]
pub struct Host {
    pub session: Session,
    pub process: usize,
    pub offset: i64,
    /// The time that the process was fed last.
    clock: u64,
    /// The time for which its clock has stood still.
    stood: u64,
    /// The moment at which its clock has jumped last.
    jumped_at: u64,
    /// The number of acts for which it is stopped.
    paused: usize,
    pub branch: usize,
    pub known: Known,
    /// The session token that it had last, the name of its login, and its last use.
    open: Option<(String, Timestamp)>,
    generation: Id,
    /// True if it may lose its session by what happens now.
    may_lose: bool,
    fed_at: u64,
    /// The last failure of the store that this process was told.
    store_failed: Option<u64>,
    /// The last moment at which this process was told what the store has, and the
    /// revision that it saw.
    told: Option<u64>,
    seen: Option<u64>,
    /// The last results of operations.
    results: Vec<(Id, Meaning)>,
}

/// A call, and the driver that carries it.
#[derive(Clone)]
pub struct Caller {
    pub name: usize,
    pub host: usize,
    pub wish: Wish,
    call: Call,
    asked: Option<Access>,
    /// True if the last thing that it asked for was to save, and that failed.
    could_not_save: bool,
    /// The number of passwords that had been given when it asked.
    given: usize,
    /// The version of the session when it stepped last.
    version: u64,
    /// The time before which it has nothing to do.
    pub waits: Option<Wait>,
}

/// An access to the store.
#[derive(Clone, Debug)]
enum Access {
    Load,
    Save(Option<Revision>, Snapshot, u64),
    Loaded(Result<Option<Loaded>, StoreError>, Option<Arc<Record>>, u64),
    Saved(Result<Saved, StoreError>, u64),
}

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Message {
    name: usize,
    host: usize,
    /// The process that waits for its result; none if nobody does.
    process: Option<usize>,
    caller: usize,
    pub asked: Asked,
    attempt: Attempt,
    id: Id,
    /// The moment at which its process drafted it, by its own clock.
    sent_at: u64,
    deadline: u64,
    pub place: Place,
    /// True if somebody allowed this login by name.
    is_unblocked: bool,
    /// True if it never has a response.
    hangs: bool,
}

#[derive(Clone, Debug)]
pub enum Place {
    InHand,
    OnTheWay,
    Served(Received, Meaning),
}

/// The lease of an operation, as long as it runs by the store's clock.
#[derive(Clone, Debug)]
struct Lease {
    id: Id,
    host: usize,
    process: usize,
    from: u64,
    /// The time from which its own process counts, by its own clock.
    sent_at: u64,
}

impl World {
    /// Hosts whose clocks are off by so many milliseconds, with the right password.
    pub fn new(offsets: &[i64]) -> Self {
        let right = "p~0";
        let hosts: Vec<_> = offsets.iter().map(|offset| (*offset, right)).collect();
        Self::with(&hosts, Settings::default())
    }

    /// Hosts whose clocks are off by so many milliseconds, with these passwords; the
    /// right one is `p~0`.
    pub fn with(hosts: &[(i64, &str)], settings: Settings) -> Self {
        let passwords = ["p~0", "old"].map(str::to_owned).to_vec();
        let mut world = Self {
            now: START,
            hosts: Vec::new(),
            callers: Vec::new(),
            messages: Vec::new(),
            store: Store::new(),
            service: Service::new("p~0"),
            saved: BTreeMap::new(),
            drafted: BTreeMap::new(),
            lag: 0,
            began_alone: 0,
            leases: Vec::new(),
            logins: BTreeMap::new(),
            passwords,
            settings,
            is_honest: true,
            has_jumped: false,
            names: 0,
            unblocked: 0,
            tally: Tally::default(),
            results: Vec::new(),
            keeps_results: false,
        };
        for (offset, password) in hosts {
            world.add_host(*offset, password);
        }
        world
    }

    pub fn add_host(&mut self, offset: i64, password: &str) {
        let process = self.name();
        self.learn_password(password);
        let session = self.session(process, password);
        self.hosts.push(Arc::new(Host {
            session,
            process,
            offset,
            clock: 0,
            stood: 0,
            jumped_at: 0,
            paused: 0,
            branch: 0,
            known: Known::default(),
            open: None,
            generation: Id::default(),
            may_lose: false,
            fed_at: START,
            store_failed: None,
            told: None,
            seen: None,
            results: Vec::new(),
        }));
    }

    fn session(&self, seed: usize, password: &str) -> Session {
        SessionBuilder::new(credentials(password))
            .environment(Environment::mock())
            .settings(self.settings.clone())
            .seed(u64::try_from(seed).unwrap())
            .shared(millis(POLL))
            .build()
            .unwrap()
    }

    fn name(&mut self) -> usize {
        self.names += 1;
        self.names
    }

    fn learn_password(&mut self, password: &str) {
        if !self.passwords.iter().any(|known| known == password) {
            self.passwords.push(password.to_owned());
        }
    }

    /// The host, with its clock at the present.
    pub fn host(&mut self, which: usize) -> &mut Host {
        let now = self.now;
        let host = Arc::make_mut(&mut self.hosts[which]);
        host.feed(now);
        host
    }

    pub fn act(&mut self, act: Act) {
        for host in &mut self.hosts {
            if host.paused > 0 {
                Arc::make_mut(host).paused -= 1;
            }
        }
        match act {
            Act::Want(host, wish) => {
                let host = host % self.hosts.len();
                self.want(host, wish);
            }
            Act::Sync(host) => {
                let host = host % self.hosts.len();
                self.sync(host);
            }
            Act::Step(who) => self.with_caller(who, Self::step),
            Act::Store(who, storing) => self.with_caller(who, |world, who| {
                world.access(who, storing);
            }),
            Act::Tell(who) => self.with_caller(who, Self::tell),
            Act::Go(who) => self.with_caller(who, |world, who| {
                world.go(who);
            }),
            Act::Drop(who) => self.with_caller(who, Self::drop_call),
            Act::Vanish(who) => self.with_caller(who, Self::vanish),
            Act::Post(which) => self.with_message(which, Self::post),
            Act::Serve(which, serving) => self.with_message(which, |world, which| {
                world.serve(which, serving);
            }),
            Act::Deliver(which) => self.with_message(which, Self::deliver),
            Act::Lose(which) => self.with_message(which, Self::lose),
            Act::Carry(which) => self.with_message(which, |world, which| {
                world.carry(which);
            }),
            Act::Abandon(which) => self.with_message(which, Self::abandon),
            Act::Pause(host, acts) => {
                let host = host % self.hosts.len();
                self.host(host).paused = acts;
            }
            Act::Crash(host) => self.crash(host % self.hosts.len()),
            Act::Pass(time) => self.now += time,
            Act::Jump(host, time) => {
                self.has_jumped = true;
                let (host, now) = (host % self.hosts.len(), self.now);
                let host = self.host(host);
                host.offset += i64::try_from(time).unwrap();
                host.jumped_at = now;
            }
            Act::SetBack(host, time) => {
                let (host, now) = (host % self.hosts.len(), self.now);
                let host = self.host(host);
                host.offset -= i64::try_from(time).unwrap();
                host.jumped_at = now;
            }
            Act::Unblock(host) => self.unblock(host % self.hosts.len()),
            Act::Help(host) => {
                let host = host % self.hosts.len();
                self.give(host, Password::Right);
                self.unblock(host);
                if self.service.is_locked {
                    self.service.unlock();
                }
            }
            Act::Give(host, password) => self.give(host % self.hosts.len(), password),
            Act::Confirm(host) => self.confirm(host % self.hosts.len()),
            Act::Break(branch, fault) => self.break_store(branch, fault),
            Act::StoreIsDown(is_down) => self.store.is_down = is_down,
            Act::IsDown(down) => self.service.down = down,
            Act::EndSessions => self.service.end_sessions(),
            Act::EndBearers => self.service.end_bearers(),
            Act::Rotate => {
                let password = format!("r~{}", self.name());
                self.learn_password(&password);
                self.service.password = password;
            }
        }
        self.assert_no_token_is_lost();
    }

    fn with_caller(&mut self, who: usize, act: impl FnOnce(&mut Self, usize)) {
        if let Some(who) = who.checked_rem(self.callers.len())
            && self.hosts[self.callers[who].host].paused == 0
        {
            act(self, who);
        }
    }

    fn with_message(&mut self, which: usize, act: impl FnOnce(&mut Self, usize)) {
        let Some(which) = which.checked_rem(self.messages.len()) else {
            return;
        };
        let message = &self.messages[which];
        let is_away = matches!(message.place, Place::OnTheWay);
        if is_away || self.hosts[message.host].paused == 0 {
            act(self, which);
        }
    }

    /// A caller makes a call. Returns its name.
    pub fn want(&mut self, host: usize, wish: Wish) -> usize {
        let name = self.name();
        let call = match wish {
            // As drivers do, it tries for a while.
            Wish::Sync => Call::sync().with_deadline(self.host(host).now() + millis(SYNC_TIMEOUT)),
            wish => wish.call(),
        };
        self.callers.push(Arc::new(Caller {
            name,
            host,
            wish,
            call,
            asked: None,
            could_not_save: false,
            given: 0,
            version: 0,
            waits: None,
        }));
        name
    }

    pub fn sync(&mut self, host: usize) {
        let is_at_it = |caller: &Arc<Caller>| caller.host == host && caller.wish == Wish::Sync;
        let now = self.host(host).now();
        if self.hosts[host].session.is_unsaved(now) && !self.callers.iter().any(is_at_it) {
            self.want(host, Wish::Sync);
        }
    }

    /// The place of the caller of this name, if its call has not ended.
    pub fn find(&self, name: usize) -> Option<usize> {
        self.callers.iter().position(|caller| caller.name == name)
    }

    fn step(&mut self, who: usize) {
        if self.callers[who].asked.is_some() {
            return;
        }
        let host = self.callers[who].host;
        let now = self.host(host).now();
        let has_tokens = self.hosts[host].has_usable_tokens(now);
        let caller = Arc::make_mut(&mut self.callers[who]);
        let session = &mut Arc::make_mut(&mut self.hosts[host]).session;
        caller.waits = None;
        while session.poll_event().is_some() {}
        let before = session.operation().map(|_| session.clone());
        let step = caller.call.step_shared(session, now);
        caller.version = session.version();
        // Who could not save has to find out what became of that.
        let is_steady =
            !caller.could_not_save && matches!(caller.wish, Wish::Read | Wish::Write | Wish::LogIn);
        // (The end of a token fetch may show that somebody logs out.)
        if is_steady && has_tokens && self.hosts[host].has_usable_tokens(now) {
            let caller = &self.callers[who];
            let needs_store = match &step {
                SharedStep::Load | SharedStep::Save { .. } => true,
                SharedStep::Wait(wait) => wait.reason == WaitReason::Store,
                _ => false,
            };
            assert!(
                !needs_store,
                "law 15: an open session asks for its store: {step:?}: {caller:?}"
            );
        }
        self.assert_no_lease_is_cut_short(host, before.as_ref());
        let caller = Arc::make_mut(&mut self.callers[who]);
        match step {
            SharedStep::Send(transmit) => self.sends(who, &transmit),
            SharedStep::Wait(wait) => {
                caller.waits = Some(wait);
                self.assert_wait_is_short(who, wait, now);
            }
            SharedStep::Load => {
                caller.asked = Some(Access::Load);
                self.tally.loads += 1;
            }
            SharedStep::Save { seen, snapshot } => {
                caller.asked = Some(Access::Save(seen, snapshot, self.now));
                caller.given = self.hosts[host].known.given;
                self.tally.saves += 1;
            }
            SharedStep::Done(result) => {
                let (name, is_sync) = (caller.name, caller.wish == Wish::Sync);
                self.callers.remove(who);
                match &result {
                    Ok(_) => self.tally.done += 1,
                    Err(_) if is_sync => self.tally.unsaved += 1,
                    Err(error) => {
                        let is_finished = matches!(error.kind(), ErrorKind::CallFinished);
                        assert!(!is_finished, "law 12: a call ends with {error:?}");
                        let is_blocked = error.is_blocked();
                        self.tally.blocked += usize::from(is_blocked);
                        self.tally.failed += usize::from(!is_blocked);
                    }
                }
                if self.keeps_results {
                    self.results.push((name, result));
                }
            }
        }
    }

    /// A process is told to send a request.
    fn sends(&mut self, who: usize, transmit: &Transmit) {
        let (host, caller) = (self.callers[who].host, self.callers[who].name);
        let asked = Asked::read(&transmit.request);
        let operation = transmit.attempt.operation();
        let id = operation.map_or(Id::default(), |operation| id_of(&format!("{operation:?}")));
        let name = self.name();
        let now = self.now;
        // Its own process counts from the draft.
        let sent_at = transmit.deadline.as_millis() - ATTEMPT_TIMEOUT;
        let process = self.hosts[host].process;
        let is_reset = matches!(asked, Asked::Reset { .. });
        let mut is_unblocked = false;
        if operation.is_some() {
            self.tally.operations += 1;
            self.tally.logins += usize::from(matches!(asked, Asked::LogIn { .. }));
            self.tally.resets += usize::from(is_reset);
            self.tally.checks += usize::from(matches!(asked, Asked::Check { .. }));
            if let Some(from) = self.saved.get(&id.nonce).copied() {
                self.leases.retain(|lease| now < lease.from + LEASE);
                self.leases.push(Lease {
                    id,
                    host,
                    process,
                    from,
                    sent_at,
                });
            } else {
                self.assert_needs_no_lease(host, &asked);
                self.drafted.insert(id.nonce, now);
                self.began_alone = now;
            }
        }
        if let Asked::LogIn { password, .. } | Asked::Reset { password, .. } = &asked {
            let early = self.early_login(host, id, password).filter(|_| !is_reset);
            let known = &mut Arc::make_mut(&mut self.hosts[host]).known;
            is_unblocked = known.begins(id, password, is_reset, early);
            self.logins.insert(id, (now, password.clone()));
        }
        self.messages.push(Arc::new(Message {
            name,
            host,
            process: Some(process),
            caller,
            asked,
            attempt: transmit.attempt,
            id,
            sent_at,
            deadline: transmit.deadline.as_millis(),
            place: Place::InHand,
            is_unblocked,
            hangs: false,
        }));
    }

    /// What spends is saved before it is sent. Only a token fetch for an open session
    /// goes on without a store, if that failed a moment ago.
    fn assert_needs_no_lease(&self, host: usize, asked: &Asked) {
        let Host {
            session,
            store_failed,
            ..
        } = &*self.hosts[host];
        let is_fetch = *asked == Asked::Bearer && session.session_token().is_some();
        let now = self.hosts[host].now().as_millis();
        let has_failed = store_failed.is_some_and(|at| now <= at + SECOND);
        let is_lawful = is_fetch && has_failed;
        assert!(
            is_lawful,
            "law 2: {asked:?} is sent, and the store has it not"
        );
    }

    /// Law 2: between two logins with one password is half a minute, if the first may
    /// have failed.
    fn early_login(&self, host: usize, id: Id, password: &str) -> Option<String> {
        if self.has_jumped || !self.is_honest {
            return None;
        }
        let mut earlier = self.hosts[host].known.counting().filter_map(|earlier| {
            let (at, other) = self.logins.get(&earlier)?;
            (other == password && earlier != id).then_some(*at)
        });
        let at = earlier.find(|at| self.now < at + LOGIN_INTERVAL)?;
        Some(format!("law 2: two logins within {} ms", self.now - at))
    }

    fn assert_wait_is_short(&self, who: usize, wait: Wait, now: Timestamp) {
        let caller = &self.callers[who];
        let host = &self.hosts[caller.host];
        let length = u64::try_from(wait.until.since(now).as_millis()).unwrap();
        let is_own = self.messages.iter().any(|message| {
            message.process == Some(host.process) && message.attempt.operation().is_some()
        });
        let longest = match wait.reason {
            WaitReason::Operation(_) if is_own => LEASE,
            WaitReason::Operation(_) => LEASE.max(POLL),
            WaitReason::Store => STORE_PATIENCE,
            WaitReason::Response => LEASE,
            _ => LONGEST_WAIT,
        };
        assert!(length <= longest, "law 14: {wait:?} for {length} ms");
        if let WaitReason::Operation(_) = wait.reason
            && self.is_honest
            && !is_own
        {
            // Nobody waits for a process that is dead.
            let last = self.saved.values().max().copied().unwrap_or_default();
            let last = last.max(self.began_alone);
            // Who stands still passes leases on as younger than they are.
            let stood: u64 = self.hosts.iter().map(|host| host.stood).sum();
            let end = last + LEASE + POLL + stood + self.lag;
            assert!(
                self.now <= end,
                "law 1: {wait:?}, {} ms after the last lease",
                self.now - last
            );
        }
    }

    /// The store does what the call has asked for.
    fn access(&mut self, who: usize, storing: Storing) {
        let host = self.callers[who].host;
        let branch = self.hosts[host].branch;
        let now = self.now;
        let caller = Arc::make_mut(&mut self.callers[who]);
        match caller.asked.take() {
            Some(Access::Load) => {
                let loaded = match storing {
                    Storing::Fine => self.store.load(branch),
                    _ => Err(store::down()),
                };
                let record = loaded.as_ref().ok().cloned().flatten();
                let loaded = loaded.map(|record| record.map(|record| record.loaded(now)));
                caller.asked = Some(Access::Loaded(loaded, record, now));
            }
            Some(Access::Save(seen, snapshot, asked_at)) => {
                self.lag += now - asked_at;
                let revision = snapshot.revision();
                let saved = self.store.save(branch, now, seen, snapshot, storing);
                caller.asked = Some(Access::Saved(saved, revision.nonce));
                let record = self.store.record(branch);
                let read = record.filter(|record| record.revision() == revision);
                if let Some(read) = read.and_then(|record| record.read.as_ref())
                    && let Some(lease) = &read.lease
                    && !self.saved.contains_key(&lease.operation.nonce)
                {
                    let id = lease.operation;
                    self.saved.insert(id.nonce, now);
                    self.drafted.entry(id.nonce).or_insert(asked_at);
                    let is_sent = self.messages.iter().any(|message| message.id == id);
                    if !is_sent {
                        Arc::make_mut(&mut self.hosts[host]).known.drafts(id);
                    }
                }
            }
            other => caller.asked = other,
        }
    }

    /// The call is told what the store did.
    fn tell(&mut self, who: usize) {
        let host = self.callers[who].host;
        self.host(host);
        let now = self.hosts[host].now();
        let caller = Arc::make_mut(&mut self.callers[who]);
        let host = Arc::make_mut(&mut self.hosts[host]);
        let failed = match caller.asked.take() {
            Some(Access::Loaded(loaded, record, at)) => {
                // Who could not save, and finds that nothing was saved, takes the store
                // for down.
                if std::mem::take(&mut caller.could_not_save) {
                    host.store_failed = Some(now.as_millis());
                }
                self.lag += self.now - at;
                let failed = loaded.is_err();
                if !failed {
                    host.told = Some(now.as_millis());
                }
                let record = record.as_ref();
                if !failed {
                    host.seen = record.map(|record| record.revision().nonce);
                }
                if let Some(read) = record.and_then(|record| record.read.as_ref()) {
                    let running = read.lease.as_ref().map(|lease| lease.operation);
                    let running = running.filter(|id| {
                        let from = self.saved.get(&id.nonce);
                        from.is_some_and(|from| self.now < from + LEASE)
                    });
                    let own = host.password().to_owned();
                    host.known.loads(read, running, &own, &self.passwords);
                    host.learns_of_sessions(read);
                }
                caller.call.loaded(&mut host.session, now, loaded);
                failed
            }
            Some(Access::Saved(saved, nonce)) => {
                self.tally.conflicts += usize::from(matches!(saved, Ok(Saved::Conflict)));
                let failed = saved.is_err();
                caller.could_not_save = failed;
                if matches!(saved, Ok(Saved::Saved)) {
                    host.seen = Some(nonce);
                    host.known.has_saved(caller.given);
                }
                if !failed {
                    host.told = Some(now.as_millis());
                }
                caller.call.saved(&mut host.session, now, saved);
                failed
            }
            other => {
                caller.asked = other;
                false
            }
        };
        if failed {
            self.tally.store_errors += 1;
            host.store_failed = Some(now.as_millis());
        }
    }

    /// A request leaves its host.
    fn post(&mut self, which: usize) {
        let now = self.now;
        let message = Arc::make_mut(&mut self.messages[which]);
        if !matches!(message.place, Place::InHand) {
            return;
        }
        message.place = Place::OnTheWay;
        message.hangs = self.service.never_responds(now, &message.asked);
        let Some(from) = self.saved.get(&message.id.nonce).copied() else {
            return;
        };
        if message.attempt.operation().is_none() || !self.is_honest {
            return;
        }
        let own_end = message.sent_at + LEASE;
        let (id, process) = (message.id, message.process);
        let host = message.host;
        let was_paused = now >= from + LEASE || self.hosts[host].clock_at(now) >= own_end;
        let running = self.leases.iter().find(|lease| {
            let owner = &self.hosts[lease.host];
            let runs = self.lease_runs(owner, lease.from, lease.sent_at);
            lease.id != id && Some(lease.process) != process && runs
        });
        if let Some(running) = running {
            assert!(
                was_paused,
                "law 1: {:?} is sent while another process's lease runs: {running:?}",
                self.messages[which]
            );
            self.tally.overlaps += 1;
        }
    }

    /// The service has a request.
    fn serve(&mut self, which: usize, serving: Serving) {
        let now = self.now;
        let message = &self.messages[which];
        if !matches!(message.place, Place::OnTheWay) {
            return;
        }
        if serving == Serving::Honestly && message.hangs {
            // The service has it, and the driver gives it up when it is time.
            let is_over = self.hosts[message.host].clock_at(now) >= message.deadline;
            if !is_over {
                return;
            }
        }
        // A login that comes after a later one had succeeded is counted by the platform
        // alone.
        let is_overtaken = self
            .service
            .last_success
            .is_some_and(|last| message.id < last);
        if is_overtaken && message.asked.is_counted() {
            let from = self.saved.get(&message.id.nonce).copied();
            let owner = &self.hosts[message.host];
            let is_late = from.is_none_or(|from| !self.lease_runs(owner, from, message.sent_at));
            let is_lawful = is_late || !self.is_honest;
            assert!(is_lawful, "law 1: {message:?} comes after a later one");
            self.tally.stragglers += 1;
        }
        let coming = Coming {
            id: message.id,
            is_overtaken,
            is_unblocked: message.is_unblocked,
        };
        let asked = message.asked.clone();
        let serving = match serving {
            Serving::Honestly if message.hangs => Serving::LostCounted,
            serving => serving,
        };
        let (received, meaning) = self.service.serve(now, coming, &asked, serving);
        let message = Arc::make_mut(&mut self.messages[which]);
        message.place = Place::Served(received, meaning);
        if message.process.is_none() {
            self.messages.remove(which);
        }
        let password = self.service.password.clone();
        self.learn_password(&password);
        if self.is_honest {
            let failed = self.service.failed;
            assert!(failed <= 4, "law 2: the service has {failed} failed logins");
            let allowed = self.service.allowed_failed;
            assert!(
                allowed <= self.unblocked,
                "law 3: {allowed} logins failed that somebody allowed, {} times",
                self.unblocked
            );
        }
    }

    /// Returns true if a lease still runs that was saved at this time.
    fn lease_runs(&self, owner: &Host, from: u64, sent_at: u64) -> bool {
        // A jump within the moment for which what was loaded is new is not noticed. By then
        // the request is given up.
        let length = if self.has_jumped {
            ATTEMPT_TIMEOUT
        } else {
            LEASE
        };
        // Who jumps with its own lease says itself how much of it is left.
        let has_jumped = owner.jumped_at + LEASE >= from;
        self.now < from + length && owner.clock_at(self.now) < sent_at + LEASE && !has_jumped
    }

    /// The result of a request arrives at its process.
    fn deliver(&mut self, which: usize) {
        let message = Arc::clone(&self.messages[which]);
        let Place::Served(received, meaning) = &message.place else {
            return;
        };
        self.messages.remove(which);
        self.receive(&message, received.clone(), meaning);
    }

    fn lose(&mut self, which: usize) {
        let message = Arc::clone(&self.messages[which]);
        self.messages.remove(which);
        let (received, meaning) = match message.place {
            Place::InHand => {
                let received = Err(TransportError::not_sent("no route"));
                (received, Meaning::Unjudged)
            }
            Place::OnTheWay | Place::Served(..) => (lost(), Meaning::Uncertain),
        };
        self.receive(&message, received, &meaning);
    }

    fn receive(&mut self, message: &Message, received: Received, meaning: &Meaning) {
        let Message {
            host, attempt, id, ..
        } = *message;
        if message.process != Some(self.hosts[host].process) {
            return;
        }
        let now = self.host(host).now();
        let carrier = self.find(message.caller);
        let in_force = message.asked.is_counted().then(|| {
            let snapshot = self.hosts[host].session.snapshot(now);
            store::read(&snapshot).guard.unblocked
        });
        let in_force = in_force.flatten();
        let host = Arc::make_mut(&mut self.hosts[host]);
        let carrier = carrier.map(|who| Arc::make_mut(&mut self.callers[who]));
        match (carrier, attempt.operation()) {
            (Some(caller), _) => {
                caller.waits = None;
                caller
                    .call
                    .receive(&mut host.session, now, attempt, received);
            }
            (None, Some(operation)) => host.session.receive(now, operation, received),
            (None, None) => {}
        }
        if attempt.operation().is_some() {
            // A reset that waits for its confirmation is over, too: who is given a password
            // need not wait for that.
            self.leases.retain(|lease| lease.id != id);
        }
        if let Some(unblocked) = in_force {
            let after = store::read(&host.session.snapshot(now)).guard.unblocked;
            if after.is_none_or(|after| after.id != unblocked.id) {
                host.known.ends_unblocking(unblocked.id);
            }
        }
        host.learns_of_result(message, meaning);
        if attempt.operation().is_some() {
            host.results.push((id, meaning.clone()));
            let excess = host.results.len().saturating_sub(2);
            host.results.drain(..excess);
        }
    }

    fn abandon(&mut self, which: usize) {
        let message = Arc::clone(&self.messages[which]);
        let Message {
            host, attempt, id, ..
        } = *message;
        let Some(operation) = attempt.operation() else {
            return;
        };
        self.messages.remove(which);
        if message.process != Some(self.hosts[host].process) {
            return;
        }
        let host = self.host(host);
        let now = host.now();
        host.session.abandon(now, operation);
        self.leases.retain(|lease| lease.id != id);
    }

    /// Removes the messages of a caller that nobody carries any more.
    fn drop_messages(&mut self, orphaned: impl Fn(&Message) -> bool) {
        self.messages.retain_mut(|message| {
            if !orphaned(message) {
                return true;
            }
            Arc::make_mut(message).process = None;
            matches!(message.place, Place::OnTheWay)
        });
    }

    fn drop_call(&mut self, who: usize) {
        let caller = self.callers.remove(who);
        self.drop_messages(|message| {
            message.caller == caller.name && message.attempt.operation().is_none()
        });
    }

    fn vanish(&mut self, who: usize) {
        let caller = self.callers.remove(who);
        self.drop_messages(|message| message.caller == caller.name);
    }

    pub fn crash(&mut self, host: usize) {
        self.host(host);
        let dead = self.hosts[host].process;
        self.callers.retain(|caller| caller.host != host);
        self.drop_messages(|message| message.process == Some(dead));
        let process = self.name();
        let password = self.hosts[host].password().to_owned();
        let session = self.session(process, &password);
        let host = Arc::make_mut(&mut self.hosts[host]);
        host.session = session;
        host.process = process;
        host.known = Known::default();
        host.open = None;
        host.generation = Id::default();
        host.store_failed = None;
        host.told = None;
        host.seen = None;
        host.results.clear();
    }

    fn unblock(&mut self, host: usize) {
        self.unblocked += 1;
        let host = self.host(host);
        host.session.unblock();
        let password = host.password().to_owned();
        let read = store::read(&host.session.snapshot(host.now()));
        let begun = read.lease.map(|lease| lease.operation);
        host.known.unblocks(&password, begun, read.operations);
    }

    fn give(&mut self, host: usize, password: Password) {
        let password = match password {
            Password::Right => self.service.password.clone(),
            Password::Old => "old".to_owned(),
            Password::Wrong => format!("w~{}", self.name()),
        };
        self.give_this(host, &password);
    }

    pub fn give_this(&mut self, host: usize, password: &str) {
        self.learn_password(password);
        let process = self.hosts[host].process;
        let host = self.host(host);
        if host.password() == password {
            return;
        }
        host.session.set_credentials(credentials(password)).unwrap();
        host.known.is_given_password();
        // The lease of a reset that was to be confirmed is of no use any more.
        self.leases.retain(|lease| lease.process != process);
    }

    fn confirm(&mut self, host: usize) {
        let process = self.hosts[host].process;
        let host = self.host(host);
        let Some(new) = host.session.new_password().cloned() else {
            return;
        };
        if host.confirm(&new) {
            self.leases.retain(|lease| lease.process != process);
        }
    }

    fn break_store(&mut self, branch: usize, fault: Fault) {
        self.is_honest = false;
        match fault {
            Fault::Emptied => self.store.empty(branch),
            Fault::RolledBack(saves) => self.store.roll_back(branch, saves),
            Fault::Forked => self.store.fork(),
            Fault::Joined(which) => self.store.join(which),
            Fault::Impossible(kind) => self.store.damage(branch, kind),
        }
        if matches!(fault, Fault::Forked) {
            self.see_branches(|host| host);
        } else if matches!(fault, Fault::Joined(_)) {
            self.see_branches(|_| 0);
        }
    }

    fn see_branches(&mut self, branch: impl Fn(usize) -> usize) {
        for (which, host) in self.hosts.iter_mut().enumerate() {
            Arc::make_mut(host).branch = branch(which);
        }
    }

    /// The next thing happens that an honest world does with a call: it is driven
    /// on, or its request carried. Returns false if there is nothing to do for now.
    pub fn go(&mut self, who: usize) -> bool {
        let Caller {
            name,
            host,
            asked,
            waits,
            ..
        } = &*self.callers[who];
        let (name, host) = (*name, *host);
        match asked {
            Some(Access::Load | Access::Save(..)) => {
                self.access(who, Storing::Fine);
                return true;
            }
            Some(Access::Loaded(..) | Access::Saved(..)) => {
                self.tell(who);
                return true;
            }
            None => {}
        }
        let waits = *waits;
        if let Some(which) = self.message_of(name)
            && self.carry(which)
        {
            return true;
        }
        let now = self.host(host).now();
        if waits.is_some_and(|wait| now < wait.until) && self.has_nothing_new(who) {
            return false;
        }
        self.step(who);
        true
    }

    /// Returns true if nothing has happened since the call began to wait, as far as its
    /// process knows: it has stepped at this moment already.
    fn has_nothing_new(&self, who: usize) -> bool {
        let caller = &self.callers[who];
        caller.version == self.hosts[caller.host].session.version()
    }

    fn message_of(&self, caller: usize) -> Option<usize> {
        self.messages
            .iter()
            .rposition(|message| message.caller == caller)
    }

    /// The next thing happens that an honest world does with a request.
    pub fn carry(&mut self, which: usize) -> bool {
        match self.messages[which].place {
            Place::InHand => self.post(which),
            Place::OnTheWay => {
                let hangs = self.messages[which].hangs;
                let deadline = self.messages[which].deadline;
                let host = self.messages[which].host;
                if hangs && self.hosts[host].clock_at(self.now) < deadline {
                    return false;
                }
                self.serve(which, Serving::Honestly);
            }
            Place::Served(..) => self.deliver(which),
        }
        true
    }
}

impl World {
    /// Law 1: a lease lasts as long as it is meant to, by whatever clock.
    fn assert_no_lease_is_cut_short(&mut self, host: usize, before: Option<&Session>) {
        while let Some(event) = self.host(host).session.poll_event() {
            let Event::LeaseExpired { kind, .. } = event else {
                continue;
            };
            let before = before.map(|session| store::read(&session.snapshot(Timestamp::MAX)));
            let lease = before.and_then(|read| read.lease);
            let Some(from) = lease.and_then(|lease| self.drafted.get(&lease.operation.nonce))
            else {
                continue;
            };
            let is_over = self.now >= from + LEASE || self.has_jumped || !self.is_honest;
            let age = self.now - from;
            assert!(is_over, "law 1: the lease of {kind} expires after {age} ms");
        }
    }

    /// Law 15: what a process has, it does not lose but for a reason.
    fn assert_no_token_is_lost(&mut self) {
        let idle_timeout = self.settings.idle_timeout;
        for host in &mut self.hosts {
            let token = host.session.session_token();
            let last_used = host.session.last_used().unwrap_or_default();
            let is_same = match (&host.open, token) {
                (Some((had, used)), Some(token)) => had == token.expose() && *used == last_used,
                (had, token) => had.is_none() && token.is_none(),
            };
            if is_same && !host.may_lose {
                continue;
            }
            let token = token.map(|token| token.expose().to_owned());
            let host = Arc::make_mut(host);
            let open = token.map(|token| (token, last_used));
            if let Some((had, used)) = &host.open
                && open.as_ref().is_none_or(|(token, _)| token != had)
            {
                let is_idle = host.now().since(*used) >= idle_timeout;
                let is_lawful = host.may_lose || is_idle;
                assert!(is_lawful, "law 15: the session {had} is lost for {open:?}");
            }
            host.open = open;
            host.may_lose = false;
        }
    }

    /// What one process knows and what another one knows come to the same, whoever
    /// learns from whom, and learning it twice changes nothing.
    pub fn assert_merging_is_sound(&mut self) {
        for host in 0..self.hosts.len() {
            self.host(host);
        }
        let now = Timestamp::from_millis(self.now);
        let snapshots = self.hosts.iter().map(|host| {
            let snapshot = host.session.snapshot(host.now());
            // By one clock for all.
            let merged = self.merged(host.password(), &[&snapshot], now);
            merged.snapshot(now)
        });
        let snapshots: Vec<_> = snapshots.collect();
        let password = self.service.password.clone();
        let counts = |session: &Session| {
            let read = store::read(&session.snapshot(now));
            let mut counted: Vec<_> = read.guard.counted.iter().map(|one| one.id).collect();
            counted.sort_unstable();
            let doubts: Vec<_> = read.guard.doubts.iter().map(|one| one.reset).collect();
            (counted, doubts, session.login_guard().failed_logins)
        };
        let pairs = snapshots.iter().zip(snapshots.iter().skip(1));
        for (one, other) in pairs {
            let there = self.merged(&password, &[one, other], now);
            let back = self.merged(&password, &[other, one], now);
            assert_eq!(counts(&there), counts(&back), "law 15: the order decides");
            let twice = self.merged(&password, &[one, other, other], now);
            let [once, twice] =
                [&there, &twice].map(|session| store::without_revision(&session.snapshot(now)));
            assert_eq!(
                once, twice,
                "law 15: what is known already changes something"
            );
        }
        if let [one, two, three, ..] = &*snapshots {
            let apart = self.merged(&password, &[two, three], now).snapshot(now);
            let together = self.merged(&password, &[one, &apart], now);
            let in_turn = self.merged(&password, &[one, two, three], now);
            let (together, in_turn) = (counts(&together), counts(&in_turn));
            assert_eq!(together, in_turn, "law 15: who learned first decides");
        }
    }

    /// A session that has loaded these snapshots one after the other.
    fn merged(&self, password: &str, snapshots: &[&Snapshot], now: Timestamp) -> Session {
        let (first, rest) = snapshots.split_first().unwrap();
        let mut session = SessionBuilder::new(credentials(password))
            .environment(Environment::mock())
            .settings(self.settings.clone())
            .snapshot((*first).clone(), Duration::ZERO, now)
            .shared(Duration::ZERO)
            .build()
            .unwrap();
        for snapshot in rest {
            let mut call = Call::sync();
            let step = call.step_shared(&mut session, now);
            assert!(matches!(step, SharedStep::Load), "{step:?}");
            let loaded = Loaded {
                snapshot: (*snapshot).clone(),
                age: Duration::ZERO,
            };
            call.loaded(&mut session, now, Ok(Some(loaded)));
        }
        session
    }

    /// Lets the world be honest from now on.
    pub fn heals(&mut self) {
        self.service.down = Down::Nothing;
        self.service.hangs = false;
        self.store.is_down = false;
        let knows =
            |host: &Arc<Host>| store::read(&host.session.snapshot(host.now())).operations > 0;
        for branch in 0..2 {
            // Nobody knows better than what is damaged: somebody has to remove it.
            let mut hosts = self.hosts.iter().filter(|host| host.branch % 2 == branch);
            if self.store.is_damaged(branch) && !hosts.any(knows) {
                self.store.empty(branch);
            }
        }
    }

    /// Drives everything honestly until all calls have ended. Law 12: that takes no
    /// longer than this.
    pub fn finish_within(&mut self, limit: u64) {
        self.finish_until(limit, |world| {
            world.callers.is_empty() && world.messages.is_empty()
        });
    }

    fn finish_until(&mut self, limit: u64, is_done: impl Fn(&Self) -> bool) {
        // For who stands still, no time passes.
        let still = self.hosts.iter().map(|host| {
            let clock = self.now.saturating_add_signed(host.offset);
            host.clock.saturating_sub(clock)
        });
        let end = self.now + limit + still.max().unwrap_or_default();
        let mut rounds = 0;
        let unsaved = self.tally.unsaved;
        while !is_done(self) {
            // A driver that could not save tries it with the next operation.
            let goes_on = self.round(self.tally.unsaved == unsaved);
            rounds += 1;
            let callers = &self.callers;
            assert!(rounds < 20_000, "law 12: this never ends: {callers:?}");
            if goes_on {
                continue;
            }
            let next = self.next_moment();
            let next = next.unwrap_or_else(|| panic!("law 12: nobody goes on: {callers:?}"));
            assert!(next <= end, "law 12: it takes too long: {callers:?}");
            self.now = next;
        }
    }

    /// Lets everything go on once that can. Returns false if nothing can.
    fn round(&mut self, syncs: bool) -> bool {
        let mut goes_on = false;
        let names: Vec<_> = self.callers.iter().map(|caller| caller.name).collect();
        for name in names {
            if let Some(who) = self.find(name) {
                goes_on |= self.go(who);
            }
            self.assert_no_token_is_lost();
        }
        let names: Vec<_> = self.messages.iter().map(|message| message.name).collect();
        for name in names {
            let which = self
                .messages
                .iter()
                .position(|message| message.name == name);
            let which = which.filter(|which| self.find(self.messages[*which].caller).is_none());
            if let Some(which) = which {
                goes_on |= self.carry(which);
            }
            self.assert_no_token_is_lost();
        }
        for host in 0..self.hosts.len() {
            if syncs && !self.store.is_down {
                self.sync(host);
            }
        }
        goes_on
    }

    /// The next moment at which anything changes by itself.
    pub fn next_moment(&self) -> Option<u64> {
        let waits = self.callers.iter().filter_map(|caller| {
            let until = caller.waits?.until.as_millis();
            Some(self.hosts[caller.host].true_time_of(until))
        });
        let hanging = self
            .messages
            .iter()
            .filter(|message| matches!(message.place, Place::OnTheWay) && message.hangs);
        let deadlines =
            hanging.map(|message| self.hosts[message.host].true_time_of(message.deadline));
        waits.chain(deadlines).map(|at| at.max(self.now + 1)).min()
    }

    pub fn has_reset_on_its_way(&self) -> bool {
        let mut messages = self.messages.iter();
        messages.any(|message| {
            matches!(
                (&message.asked, &message.place),
                (Asked::Reset { .. }, Place::OnTheWay)
            )
        })
    }

    /// Returns true if the store has taken a login that this call is to begin, and
    /// the call is told.
    pub fn has_saved_login(&self, caller: usize) -> bool {
        self.find(caller).is_some_and(|who| {
            let shown = format!("{:?}", self.callers[who].call);
            shown.contains("Drafted(") && shown.contains("kind: LogIn")
        })
    }

    /// Makes a call and drives it, and everything else, until it has ended.
    pub fn call(&mut self, host: usize, wish: Wish) -> Result<Completion, Error> {
        self.keeps_results = true;
        self.now += SECOND;
        let name = self.want(host, wish);
        if self.store.is_down {
            self.finish_until(20 * MINUTE, |world| world.find(name).is_none());
        } else {
            self.finish_within(20 * MINUTE);
        }
        let result = self.results.drain(..).find(|(ended, _)| *ended == name);
        result.unwrap().1
    }

    /// Law 12: whatever happened, every host works again when an operator helps.
    pub fn assert_works_again(&mut self) {
        self.heals();
        self.act(Act::Break(0, Fault::Joined(0)));
        if self.store.is_damaged(0) {
            self.store.empty(0);
        }
        self.service.unlock();
        self.service.is_exclusive = false;
        self.finish_within(20 * MINUTE);
        for host in 0..self.hosts.len() {
            self.give(host, Password::Right);
            let works = (0..30).any(|_| {
                self.unblock(host);
                let result = self.call(host, Wish::Read);
                self.now += 5 * MINUTE;
                result.is_ok()
            });
            assert!(
                works,
                "law 12: host {host} never works again: {:?}",
                self.hosts[host].session
            );
        }
    }
}

impl Host {
    /// Feeds the clock: it never goes back.
    fn feed(&mut self, now: u64) {
        let clock = self.clock_at(now);
        let progress = if self.clock == 0 {
            now - self.fed_at
        } else {
            clock - self.clock
        };
        self.stood += (now - self.fed_at).saturating_sub(progress);
        self.fed_at = now;
        self.clock = clock;
    }

    /// The time that its process was fed last.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock)
    }

    fn clock_at(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.offset).max(self.clock)
    }

    /// The true time at which its clock shows this.
    fn true_time_of(&self, clock: u64) -> u64 {
        clock.saturating_add_signed(-self.offset)
    }

    pub fn password(&self) -> &str {
        self.session.credentials().password().unwrap().expose()
    }

    pub fn has_usable_tokens(&self, now: Timestamp) -> bool {
        let has_bearer = self.session.bearer_renewal().is_some_and(|at| now < at);
        let idle_timeout = self.session.settings().idle_timeout;
        let last_used = self.session.last_used();
        // While it is being logged out, it is not open.
        let is_ending = self.session.operation() == Some(OperationKind::LogOut);
        has_bearer && !is_ending && last_used.is_some_and(|used| now.since(used) < idle_timeout)
    }

    /// Confirms a new password. Returns false if it is not awaited.
    fn confirm(&mut self, new: &NewPassword) -> bool {
        let is_confirmed = self.session.confirm(new).is_ok();
        if is_confirmed {
            self.known.confirms(new.password().expose());
        }
        is_confirmed
    }

    /// Learns of the sessions that others have opened and ended.
    fn learns_of_sessions(&mut self, read: &Read) {
        let newer = read.open.as_ref().map(|open| open.generation);
        let newer = newer.filter(|newer| self.open.is_none() || *newer > self.generation);
        self.may_lose |= newer.is_some() || read.ended_session >= self.generation;
        self.generation = newer.unwrap_or(self.generation);
    }

    /// Learns what the result of a request means.
    fn learns_of_result(&mut self, message: &Message, meaning: &Meaning) {
        let id = message.id;
        let has = |session: &Session, token: &str| {
            session
                .session_token()
                .is_some_and(|known| known.expose() == token)
        };
        match (&message.asked, meaning) {
            (Asked::LogIn { password, .. }, Meaning::Done(token)) => {
                if has(&self.session, token) {
                    self.known.succeeds(id, password);
                    self.generation = id;
                    self.may_lose = true;
                } else {
                    self.known.refunds(id, password);
                }
            }
            (Asked::LogIn { password, .. }, Meaning::Unjudged)
            | (Asked::Reset { password, .. }, Meaning::Done(_)) => {
                self.known.refunds(id, password);
            }
            (
                Asked::LogIn { password, .. } | Asked::Reset { password, .. },
                Meaning::EndsCredentials,
            ) => {
                self.known.is_refused(id, password);
                self.known.ends_doubt(id);
            }
            (Asked::Reset { password, .. }, Meaning::Unjudged) => {
                self.known.refunds(id, password);
                self.known.ends_doubt(id);
            }
            (
                Asked::Reset {
                    session, password, ..
                },
                Meaning::EndsSession,
            ) => {
                // The session was judged, and not the password.
                self.known.refunds(id, password);
                self.known.ends_doubt(id);
                self.may_lose |= self.open.as_ref().is_some_and(|(open, _)| open == session);
            }
            (Asked::Reset { .. }, Meaning::Refused) => self.known.ends_doubt(id),
            (Asked::LogOut { session, .. } | Asked::Work { session, .. }, Meaning::EndsSession) => {
                self.may_lose |= self.open.as_ref().is_some_and(|(open, _)| open == session);
            }
            _ => {}
        }
    }
}

/// What a caller's driver has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Step,
    /// The store has to do what was asked for.
    Access,
    /// The call has to be told what the store did.
    Tell,
}

impl Caller {
    pub fn task(&self) -> Task {
        match self.asked {
            None => Task::Step,
            Some(Access::Load | Access::Save(..)) => Task::Access,
            Some(Access::Loaded(..) | Access::Saved(..)) => Task::Tell,
        }
    }
}

impl World {
    /// Returns true if a step of this call may do something.
    pub fn has_something_to_do(&self, who: usize) -> bool {
        let caller = &self.callers[who];
        let host = &self.hosts[caller.host];
        let now = Timestamp::from_millis(host.clock_at(self.now));
        let waits = caller.waits.is_some_and(|wait| now < wait.until);
        !waits || !self.has_nothing_new(who)
    }

    /// Returns true if the host has something to save, and is not at it.
    pub fn has_to_sync(&self, host: usize) -> bool {
        let is_at_it = |caller: &Arc<Caller>| caller.host == host && caller.wish == Wish::Sync;
        let now = Timestamp::from_millis(self.hosts[host].clock_at(self.now));
        self.hosts[host].session.is_unsaved(now) && !self.callers.iter().any(is_at_it)
    }

    /// Everything that decides what may happen next, in parts: each with the time by
    /// which it is written.
    pub fn show(&self) -> Vec<(u64, String)> {
        let mut parts = Vec::new();
        for host in &self.hosts {
            let now = host.clock_at(self.now);
            let at = Timestamp::from_millis(now);
            let session = serde_json::to_string(&host.session.snapshot(at)).unwrap();
            let recently = |at: Option<u64>, length: u64| at.filter(|at| now < at + length);
            let rest = format!(
                "{:?} {:?} {} {} {:?} {:?} {:?} {} {}",
                recently(host.told, POLL),
                recently(host.store_failed, SECOND),
                host.session.is_unsaved(at),
                host.branch,
                host.seen,
                host.results,
                host.session.login_guard().blocked,
                host.password(),
                host.known.show(),
            );
            parts.push((now, session));
            parts.push((now, rest));
        }
        for caller in &self.callers {
            let host = &self.hosts[caller.host];
            let now = host.clock_at(self.now);
            let waits = caller
                .waits
                .is_some_and(|wait| now < wait.until.as_millis());
            let has_new = caller.version != host.session.version();
            let asked = match &caller.asked {
                Some(Access::Loaded(loaded, ..)) => {
                    let revision = loaded.as_ref().map(|loaded| {
                        let loaded = loaded.as_ref();
                        loaded.map(|loaded| (loaded.snapshot.revision().nonce, loaded.age))
                    });
                    format!("{:?}", revision.ok())
                }
                Some(Access::Save(seen, snapshot, _)) => {
                    let [seen, new] = [*seen, Some(snapshot.revision())]
                        .map(|revision| revision.map(|revision| revision.nonce));
                    format!("{seen:?} {new:?}")
                }
                Some(Access::Saved(saved, nonce)) => format!("{:?} {nonce}", saved.as_ref().ok()),
                Some(Access::Load) | None => String::new(),
            };
            let Caller {
                host, wish, call, ..
            } = &**caller;
            let shown = format!("{host} {wish:?} {waits} {has_new} {asked} {call:?}");
            parts.push((now, shown));
        }
        for message in &self.messages {
            let Message {
                host,
                process,
                asked,
                attempt,
                place,
                is_unblocked,
                ..
            } = &**message;
            let place = match place {
                Place::Served(_, meaning) => format!("{meaning:?}"),
                other => format!("{other:?}"),
            };
            let is_awaited = *process == Some(self.hosts[*host].process);
            let of = self
                .callers
                .iter()
                .position(|one| one.name == message.caller);
            let shown = format!(
                "{host} {is_awaited} {of:?} {asked:?} {:?} {place} {is_unblocked}",
                attempt.operation()
            );
            parts.push((self.hosts[*host].clock_at(self.now), shown));
        }
        parts.extend(self.store.show(self.now));
        let rest = format!(
            "{} {} {}",
            self.service.show(self.now),
            self.is_honest,
            self.has_jumped
        );
        parts.push((self.now, rest));
        parts
    }
}

impl Message {
    pub fn is_in_hand(&self) -> bool {
        matches!(self.place, Place::InHand)
    }

    pub fn is_on_its_way(&self) -> bool {
        matches!(self.place, Place::OnTheWay)
    }

    pub fn is_login_in_hand(&self) -> bool {
        matches!(
            (&self.asked, &self.place),
            (Asked::LogIn { .. }, Place::InHand)
        )
    }

    pub fn is_login_on_its_way(&self) -> bool {
        matches!(
            (&self.asked, &self.place),
            (Asked::LogIn { .. }, Place::OnTheWay)
        )
    }
}

impl Wish {
    fn call(self) -> Call {
        let work = |method: &str| {
            let request = Request::builder().method(method).uri("/m2m/v1/work");
            Call::to(request.body(Bytes::new()).unwrap(), &Environment::mock()).unwrap()
        };
        match self {
            Self::Read => work("GET"),
            Self::Write => work("POST"),
            Self::LogIn => Call::log_in(),
            Self::LogOut => Call::log_out(),
            Self::Reset => Call::reset_password(),
            Self::Sync => unreachable!("it has a deadline"),
        }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            host,
            wish,
            call,
            asked,
            waits,
            ..
        } = self;
        write!(f, "{wish:?} on {host}, {waits:?}, {asked:?}: {call:?}")
    }
}

fn credentials(password: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new("key", "secret").unwrap(),
        UserCredentials::new("zbeeblebrox", password).unwrap(),
    )
}

/// The name of an operation, from how it is shown.
fn id_of(shown: &str) -> Id {
    let number = |label: &str| {
        let (_, rest) = shown.split_once(label).unwrap();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
        rest[..end].parse().unwrap()
    };
    Id {
        number: number("number: "),
        nonce: number("nonce: "),
    }
}
