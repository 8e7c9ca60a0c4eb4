//! A session that many threads or tasks share.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
};

use thingspace_core::{
    Environment, Session, Step, Timestamp,
    session::{Event, Exchange, ExchangeResult, Observer, Wait},
};

use crate::{Ended, clock::Clock};

/// A session behind a lock, with its clock and its observer.
pub struct Shared {
    session: Mutex<Session>,
    environment: Environment,
    clock: Clock,
    observer: Box<dyn Observer>,
}

impl Shared {
    pub(crate) fn new(session: Session, clock: Clock, observer: Box<dyn Observer>) -> Self {
        Self {
            environment: session.environment().clone(),
            session: Mutex::new(session),
            clock,
            observer,
        }
    }

    /// Locks the session for one step, or for a look. Nothing is to be done
    /// meanwhile that takes time.
    pub fn lock(&self) -> Locked<'_> {
        // The session is left consistent by whatever panicked: nothing in the core unwinds.
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        Locked {
            version: session.version(),
            shared: self,
            session,
        }
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

/// A session that is locked. It is unlocked when this is dropped, or
/// [reports](Self::report).
pub struct Locked<'a> {
    shared: &'a Shared,
    session: MutexGuard<'a, Session>,
    version: u64,
}

impl<'a> Locked<'a> {
    /// Returns true if the session has changed since it was locked: then those who
    /// wait are to be woken.
    pub fn has_changed(&self) -> bool {
        self.session.version() != self.version
    }

    /// Unlocks the session and reports the events since the last time, after the
    /// end of the exchange that brought them, if there was one.
    pub fn report(mut self, observer: &dyn Observer, ended: Option<&Ended>) {
        let events: Vec<Event> = std::iter::from_fn(|| self.session.poll_event()).collect();
        drop(self.session);
        if let Some(ended) = ended {
            ended.report(observer);
        }
        for event in events {
            // An observer that panics within a panic would end the process.
            if !thread::panicking() {
                observer.event(&event);
            }
        }
    }

    /// Unlocks the session and reports the events to its observer.
    pub fn unlock(self) {
        let shared = self.shared;
        self.report(shared.observer(), None);
    }

    /// Unlocks the session after a step and reports the events to its observer. If
    /// the step began an operation, which is nobody's own, the observer's panics end
    /// nothing.
    pub fn report_step(self, step: &Step) {
        let shared = self.shared;
        match step {
            Step::Send(transmit) if transmit.attempt.operation().is_some() => {
                self.report(&shared.quiet_observer(), None);
            }
            _ => self.unlock(),
        }
    }

    /// The lock itself, for those who wait with it.
    pub fn into_guard(self) -> MutexGuard<'a, Session> {
        self.session
    }
}

impl Deref for Locked<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
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
