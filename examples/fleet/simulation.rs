//! The processes, and the event loop that drives them all.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    mem,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Session, SessionBuilder, SharedStep, Timestamp,
    TransportError, UserCredentials,
    session::{Attempt, Loaded, PLATFORM_LOCKS_AT, Revision, Saved, Settings, Snapshot, Transmit},
};
use thingspace_simulator::{Call as Kind, Simulator};

use crate::{
    Result,
    store::{Store, TO_STORE},
};

/// The time to the service or back.
const TO_SERVICE: Duration = Duration::from_millis(100);
/// The greatest difference between two clocks.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60 * 60);
/// The beginning of the simulation by the service's clock.
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The way in which processes that wait learn of what others have saved.
#[derive(Clone, Copy)]
pub(crate) enum Sharing {
    /// They look once in this interval.
    Polling(Duration),
    /// The store notifies them, and they look once in this interval for what they missed.
    Waking(Duration),
}

/// The things that happen to the service, in the order of their times.
type Script = Vec<(Duration, fn(&mut Simulator))>;

pub(crate) struct Plan<F> {
    processes: usize,
    sharing: Sharing,
    pub(crate) starts_at: Duration,
    /// The time over which the processes start.
    start: Duration,
    /// Says when a process makes its next call.
    next_call: F,
    pub(crate) script: Script,
    pub(crate) settings: Settings,
}

impl<F: Fn(Duration, &mut Random) -> Option<Duration>> Plan<F> {
    pub(crate) fn new(processes: usize, sharing: Sharing, start: Duration, next_call: F) -> Self {
        Self {
            processes,
            sharing,
            starts_at: Duration::ZERO,
            start,
            next_call,
            script: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Runs the event loop until nothing is left to do.
    pub(crate) fn run(&self) -> Result<Run> {
        let (Sharing::Polling(poll_interval) | Sharing::Waking(poll_interval)) = self.sharing;
        let session = SessionBuilder::new(Credentials::new(
            AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
            UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
        ))
        .environment(Environment::mock())
        .settings(self.settings.clone())
        .shared(poll_interval);
        let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
        let account = Call::to(account, &Environment::mock())?;

        let mut random = Random(42);
        let mut run = Run::new(matches!(self.sharing, Sharing::Waking(_)));
        let mut processes = Vec::with_capacity(self.processes);
        for number in 0..self.processes {
            let offset = random.up_to(CLOCKS_DIFFER);
            let mut process = Process {
                number,
                start: START + offset,
                session: session.clone().seed(random.next()).build()?,
                call: None,
                sync: None,
                heard: 0,
            };
            let at = self.starts_at + random.up_to(self.start);
            process.begin(&mut run, Which::Call, account.clone(), at);
            processes.push(process);
        }

        let mut script = self.script.iter().peekable();
        while let Some(Reverse((now, event))) = run.events.pop() {
            while let Some((_, act)) = script.next_if(|(at, _)| *at <= now) {
                act(&mut run.service);
            }
            run.now = now;
            match event {
                Event::Notice { saver } => {
                    if let Some(saver) = processes.get_mut(saver) {
                        saver.heard += u64::from(saver.heard == run.notices);
                    }
                    run.notices += 1;
                    for (number, which) in mem::take(&mut run.waiting) {
                        if let Some(process) = processes.get_mut(number) {
                            process.wake(&mut run, which);
                        }
                    }
                }
                Event::Due(number, which) => {
                    let Some(process) = processes.get_mut(number) else {
                        continue;
                    };
                    let has_ended = process.go_on(&mut run, which);
                    if has_ended && which == Which::Call {
                        if let Some(at) = (self.next_call)(now, &mut random) {
                            process.begin(&mut run, Which::Call, account.clone(), at);
                        }
                    }
                }
            }
        }
        let is_done = |process: &Process| process.call.is_none() && process.sync.is_none();
        assert!(processes.iter().all(is_done), "a call never ended");
        Ok(run)
    }
}

/// A process: a session, a call, and beside it one that saves what the call has brought.
struct Process {
    number: usize,
    /// The beginning of the simulation by its clock.
    start: Timestamp,
    session: Session,
    call: Option<Task>,
    sync: Option<Task>,
    /// The number of notices from the store that it has heard.
    heard: u64,
}

/// One of the two calls of a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    Call,
    Sync,
}

struct Task {
    call: Call,
    began: Duration,
    /// The time of what is next.
    due: Duration,
    next: Next,
}

/// The next thing that happens to a call.
enum Next {
    Step,
    EndOfWait,
    /// An access or a request has arrived where it goes to.
    Load,
    Save(Option<Revision>, Box<Snapshot>),
    Serve(Box<Transmit>),
    /// Its result has come back.
    Loaded(Option<Loaded>),
    Saved(Saved),
    Receive(Attempt, Result<Response<Bytes>, TransportError>),
}

impl Process {
    fn begin(&mut self, run: &mut Run, which: Which, call: Call, at: Duration) {
        let task = Task {
            call,
            began: at,
            due: at,
            next: Next::Step,
        };
        self.put(run, which, task);
    }

    fn task(&mut self, which: Which) -> &mut Option<Task> {
        match which {
            Which::Call => &mut self.call,
            Which::Sync => &mut self.sync,
        }
    }

    fn put(&mut self, run: &mut Run, which: Which, task: Task) {
        run.events
            .push(Reverse((task.due, Event::Due(self.number, which))));
        *self.task(which) = Some(task);
    }

    /// Ends the wait of a call, if it waits.
    fn wake(&mut self, run: &mut Run, which: Which) {
        let task = self.task(which);
        if let Some(mut task) = task.take_if(|task| matches!(task.next, Next::EndOfWait)) {
            task.due = run.now;
            self.put(run, which, task);
        }
    }

    /// Does what is due for a call. Returns true if it has ended.
    fn go_on(&mut self, run: &mut Run, which: Which) -> bool {
        // It may have been woken before this was due.
        let Some(mut task) = self.task(which).take_if(|task| task.due == run.now) else {
            return false;
        };
        let now = self.start + run.now;
        let version = self.session.version();
        match mem::replace(&mut task.next, Next::Step) {
            Next::Step | Next::EndOfWait => {}
            Next::Load => {
                task.next = Next::Loaded(run.store.load(run.now));
                task.due = run.now + TO_STORE;
            }
            Next::Save(seen, snapshot) => {
                task.next = Next::Saved(run.save(self.number, seen, *snapshot));
                task.due = run.now + TO_STORE;
            }
            Next::Serve(transmit) => {
                let result = run.serve(&transmit.request);
                let silence = transmit.deadline.since(now);
                let way = if result.is_ok() { TO_SERVICE } else { silence };
                task.due = run.now + way;
                task.next = Next::Receive(transmit.attempt, result);
            }
            Next::Loaded(loaded) => task.call.loaded(&mut self.session, now, Ok(loaded)),
            Next::Saved(saved) => task.call.saved(&mut self.session, now, Ok(saved)),
            Next::Receive(attempt, result) => {
                task.call.receive(&mut self.session, now, attempt, result);
                self.save_news(run);
            }
        }
        let has_ended = matches!(task.next, Next::Step) && self.step(run, which, &mut task);
        if !has_ended {
            self.put(run, which, task);
        }
        // Whoever waits in the same process looks at what has changed.
        if self.session.version() != version {
            self.wake(run, Which::Call);
            self.wake(run, Which::Sync);
        }
        has_ended
    }

    /// Takes the next step of a call. Returns true if it has ended.
    fn step(&mut self, run: &mut Run, which: Which, task: &mut Task) -> bool {
        let now = self.start + run.now;
        if mem::replace(&mut self.heard, run.notices) != run.notices {
            self.session.store_changed();
        }
        (task.due, task.next) = match task.call.step_shared(&mut self.session, now) {
            SharedStep::Send(transmit) => (run.now + TO_SERVICE, Next::Serve(Box::new(transmit))),
            SharedStep::Wait(wait) => {
                run.waiting.insert((self.number, which));
                (run.now + wait.until.since(now), Next::EndOfWait)
            }
            SharedStep::Load => (run.store.access(run.now, self.number), Next::Load),
            SharedStep::Save { seen, snapshot } => {
                let at = run.store.access(run.now, self.number);
                (at, Next::Save(seen, Box::new(snapshot)))
            }
            SharedStep::Done(result) => {
                if which == Which::Call {
                    run.call_ended(task.began, result.is_ok());
                }
                return true;
            }
        };
        false
    }

    /// Saves what a response has brought, beside the call that goes on.
    fn save_news(&mut self, run: &mut Run) {
        let now = self.start + run.now;
        if self.sync.is_none() && self.session.is_unsaved(now) {
            let deadline = now + self.session.settings().attempt_timeout;
            let sync = Call::sync().with_deadline(deadline);
            self.begin(run, Which::Sync, sync, run.now);
        }
    }
}

/// All that is outside of the processes, and what was counted there.
pub(crate) struct Run {
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, Event)>>,
    /// The calls that wait.
    waiting: BTreeSet<(usize, Which)>,
    wakes: bool,
    notices: u64,
    pub(crate) store: Store,
    pub(crate) service: Simulator,
    /// The logins in a row of which nobody knows whether they count as failed.
    in_doubt: u64,
    pub(crate) most_in_doubt: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) last_failure: Duration,
    pub(crate) longest_call: Duration,
}

/// An event of the loop, at a time. Of those at one time, the order is that of the variants.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The store's notice of a save arrives, at all processes but the one that saved.
    Notice { saver: usize },
    /// The time has come for what is next of a call of this process.
    Due(usize, Which),
}

impl Run {
    fn new(wakes: bool) -> Self {
        Self {
            wakes,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            waiting: BTreeSet::new(),
            notices: 0,
            store: Store::default(),
            service: Simulator::new(42),
            in_doubt: 0,
            most_in_doubt: 0,
            succeeded: 0,
            failed: 0,
            last_failure: Duration::ZERO,
            longest_call: Duration::ZERO,
        }
    }

    fn save(&mut self, saver: usize, seen: Option<Revision>, snapshot: Snapshot) -> Saved {
        let result = self.store.save(self.now, seen, snapshot);
        if self.wakes && result == Saved::Saved {
            let notice = Event::Notice { saver };
            self.events.push(Reverse((self.now + TO_STORE, notice)));
        }
        result
    }

    /// Serves a request; an error if no response ever comes.
    fn serve(&mut self, request: &Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let logins = |service: &Simulator| {
            let counts = service.counts();
            (counts.seen(Kind::LogIn), counts.done(Kind::LogIn))
        };
        let (seen, done) = logins(&self.service);
        // The service has a clock of its own, too.
        let now = START + self.now;
        let response = self.service.respond(now, request).into_response();
        let (seen_now, done_now) = logins(&self.service);
        self.in_doubt += seen_now - seen;
        if done_now > done {
            self.in_doubt = 0;
        }
        self.most_in_doubt = self.most_in_doubt.max(self.in_doubt);
        response.ok_or_else(|| TransportError::unknown("no response"))
    }

    fn call_ended(&mut self, began: Duration, is_success: bool) {
        self.longest_call = self.longest_call.max(self.now.saturating_sub(began));
        if is_success {
            self.succeeded += 1;
        } else {
            self.failed += 1;
            self.last_failure = self.now;
        }
    }

    pub(crate) fn logins(&self) -> u64 {
        self.service.counts().done(Kind::LogIn)
    }

    /// Asserts what must hold whatever happened.
    pub(crate) fn assert_safe(&self) {
        let most = u64::from(PLATFORM_LOCKS_AT) - 1;
        assert!(self.most_in_doubt <= most, "logins beyond the budget");
        assert!(!self.service.is_locked(), "the user name is locked");
        let version = self.store.revision().map(|revision| revision.version);
        assert_eq!(version, Some(self.store.saves.total), "a save was lost");
    }

    pub(crate) fn assert_all_succeeded(&self, logins: u64) {
        self.assert_safe();
        assert_eq!(self.failed, 0, "a call failed");
        assert_eq!(self.logins(), logins, "more logins than needed");
    }
}

/// A source of numbers that look random, and are the same in every run (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        let part = u32::try_from(self.next() >> 32).unwrap_or_default();
        longest.mul_f64(f64::from(part) / f64::from(u32::MAX))
    }
}
