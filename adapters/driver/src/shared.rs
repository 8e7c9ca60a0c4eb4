//! A session that many threads or tasks share.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
};

use thingspace_core::{
    Environment, Session, Step, Timestamp,
    session::{Event, Exchange, ExchangeResult, Observer, Operation, Wait},
};

use crate::{Ended, clock::Clock};

/// A session behind a lock, with its clock and its observer.
pub struct Shared {
    session: Mutex<Session>,
    environment: Environment,
    clock: Clock,
    observer: Box<dyn Observer>,
    /// Wakes those who wait for a change of the session.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    pub(crate) fn new(
        session: Session,
        clock: Clock,
        observer: Box<dyn Observer>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            environment: session.environment().clone(),
            session: Mutex::new(session),
            clock,
            observer,
            wake: Box::new(wake),
        }
    }

    /// Locks the session, for those who wait with the lock. Nothing is to be done
    /// meanwhile that takes time.
    pub fn lock(&self) -> MutexGuard<'_, Session> {
        // The session is left consistent by whatever panicked: nothing in the core unwinds.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the session, or changes it. Then wakes those who wait, if it has
    /// changed, and reports the events.
    pub fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        let (result, events) = self.change(look);
        report(self.observer(), events);
        result
    }

    /// Takes a step of a call. If it began an operation, which is nobody's own, the
    /// observer's panics end nothing.
    pub fn step(&self, step: impl FnOnce(&mut Session) -> Step) -> Step {
        let (step, events) = self.change(step);
        match &step {
            Step::Send(transmit) if transmit.attempt.operation().is_some() => {
                report(&self.quiet_observer(), events);
            }
            _ => report(self.observer(), events),
        }
        step
    }

    /// Gives the session the result of an exchange, then reports the exchange's end
    /// and the events.
    pub fn finish(
        &self,
        observer: &dyn Observer,
        ended: &Ended,
        receive: impl FnOnce(&mut Session),
    ) {
        let ((), events) = self.change(receive);
        ended.report(observer);
        report(observer, events);
    }

    /// Gives up an operation of which nothing more will be heard.
    pub fn abandon(&self, operation: Operation) {
        let now = self.now();
        let ((), events) = self.change(|session| session.abandon(now, operation));
        report(&self.quiet_observer(), events);
    }

    /// Changes the session, and wakes those who wait if it has changed. Returns the
    /// events, to be reported with nothing locked.
    fn change<R>(&self, change: impl FnOnce(&mut Session) -> R) -> (R, Vec<Event>) {
        let mut session = self.lock();
        let version = session.version();
        let result = change(&mut session);
        if session.version() != version {
            (self.wake)();
        }
        let events = std::iter::from_fn(|| session.poll_event()).collect();
        (result, events)
    }

    /// The place that calls go to.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The time, which never runs backwards.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The observer, whose panics end the call that it is called from.
    pub fn observer(&self) -> &dyn Observer {
        &*self.observer
    }

    /// The observer without its panics: for operations, which are nobody's own.
    pub fn quiet_observer(&self) -> impl Observer + '_ {
        Quiet(&*self.observer)
    }
}

/// Shows the session, unless it is in use, perhaps by the one who wants it shown.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.session.try_lock() {
            Ok(session) => session.fmt(f),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().fmt(f),
            Err(TryLockError::WouldBlock) => f.write_str("in use"),
        }
    }
}

fn report(observer: &dyn Observer, events: Vec<Event>) {
    for event in events {
        // An observer that panics within a panic would end the process.
        if !thread::panicking() {
            observer.event(&event);
        }
    }
}

/// An observer whose panics end nothing.
struct Quiet<'a>(&'a dyn Observer);

impl Quiet<'_> {
    fn call(&self, observe: impl FnOnce(&dyn Observer)) {
        // The panic has been printed by the hook; there is nobody else to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| observe(self.0)));
    }
}

impl Observer for Quiet<'_> {
    fn event(&self, event: &Event) {
        self.call(|observer| observer.event(event));
    }

    fn waiting(&self, wait: &Wait) {
        self.call(|observer| observer.waiting(wait));
    }

    fn sending(&self, exchange: &Exchange) {
        self.call(|observer| observer.sending(exchange));
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.call(|observer| observer.received(exchange, result));
    }
}
