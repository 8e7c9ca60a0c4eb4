//! A session that many share: tasks or threads, and processes by a store.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
    time::Duration,
};

use bytes::Bytes;
use event_listener::EventListener;
use http::Response;
use thingspace_core::{
    Environment, Session, Step, StoreError, Timestamp, TransportError,
    session::{Attempt, Call, Event, Exchange, ExchangeResult, Observer, Operation, Store, Wait},
};

use crate::{clock::Clock, exchange::Ended};

/// A session behind a lock, with its store, its clock and its observer.
pub(crate) struct Shared {
    session: Mutex<Session>,
    /// Notified whenever the session has changed.
    changed: event_listener::Event,
    /// The place where other processes find the session.
    store: Option<Box<dyn Store>>,
    environment: Environment,
    clock: Clock,
    observer: Box<dyn Observer>,
}

impl Shared {
    pub(crate) fn new(
        session: Session,
        store: Option<Box<dyn Store>>,
        clock: Clock,
        observer: Box<dyn Observer>,
    ) -> Self {
        Self {
            environment: session.environment().clone(),
            session: Mutex::new(session),
            changed: event_listener::Event::new(),
            store,
            clock,
            observer,
        }
    }

    /// Locks the session. Nothing is to be done meanwhile that takes time.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Session> {
        // The session is left consistent by whatever panicked: nothing in the core unwinds.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the session, or changes it. Then wakes those who wait, if it has
    /// changed, and reports the events.
    pub(crate) fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R {
        let (result, events) = self.change(look);
        report(self.observer(), events);
        result
    }

    /// [`session`](Self::session), on what the store has, if there is one, and with
    /// every change saved.
    pub(crate) fn transact<R>(
        &self,
        mut act: impl FnMut(&mut Session) -> R,
    ) -> Result<R, StoreError> {
        self.session(|session| match &self.store {
            Some(store) => session.transact(&**store, act),
            None => Ok(act(session)),
        })
    }

    /// Takes a step of a call. If there is nothing to do but wait, `changed` listens
    /// for a change of the session from this moment on.
    pub(crate) fn step(
        &self,
        call: &mut Call,
        now: Timestamp,
        changed: &mut Option<EventListener>,
    ) -> Step {
        let mut session = self.lock();
        let step = self.notifying(&mut session, |session| match &self.store {
            Some(store) => call.step_in(&**store, session, now),
            None => call.step(session, now),
        });
        if matches!(step, Step::Wait(_)) {
            *changed = Some(self.changed.listen());
        }
        let events = unlock(session);
        match &step {
            // It began an operation, which is nobody's own: the observer's panics end
            // nothing.
            Step::Send(transmit) if transmit.attempt.operation().is_some() => {
                report(&self.quiet_observer(), events);
            }
            _ => report(self.observer(), events),
        }
        step
    }

    /// Gives the result of a call's own request to the call, then reports the
    /// exchange's end and the events.
    pub(crate) fn receive(
        &self,
        call: &mut Call,
        attempt: Attempt,
        ended: &Ended,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let ((), events) = self.change(|session| match &self.store {
            Some(store) => call.receive_in(&**store, session, ended.at(), attempt, result),
            None => call.receive(session, ended.at(), attempt, result),
        });
        ended.report(self.observer());
        report(self.observer(), events);
    }

    /// Gives the result of an operation to the session, then reports the exchange's
    /// end and the events.
    pub(crate) fn finish(
        &self,
        operation: Operation,
        ended: &Ended,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let ((), events) = self.change(|session| self.take(session, ended.at(), operation, result));
        ended.report(&self.quiet_observer());
        report(&self.quiet_observer(), events);
    }

    /// Ends an operation that was never sent.
    pub(crate) fn fail(&self, operation: Operation, never_sent: TransportError) {
        let now = self.now();
        self.session(|session| self.take(session, now, operation, Err(never_sent)));
    }

    /// Gives up an operation of which nothing more will be heard.
    pub(crate) fn abandon(&self, operation: Operation) {
        let now = self.now();
        let ((), events) = self.change(|session| match &self.store {
            Some(store) => session.abandon_in(&**store, now, operation),
            None => session.abandon(now, operation),
        });
        report(&self.quiet_observer(), events);
    }

    fn take(
        &self,
        session: &mut Session,
        now: Timestamp,
        operation: Operation,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        match &self.store {
            Some(store) => session.receive_in(&**store, now, operation, result),
            None => session.receive(now, operation, result),
        }
    }

    /// Changes the session, and notifies those who wait if it has changed. Returns the
    /// events, to be reported with nothing locked.
    fn change<R>(&self, change: impl FnOnce(&mut Session) -> R) -> (R, Vec<Event>) {
        let mut session = self.lock();
        let result = self.notifying(&mut session, change);
        (result, unlock(session))
    }

    fn notifying<R>(&self, session: &mut Session, change: impl FnOnce(&mut Session) -> R) -> R {
        let version = session.version();
        let result = change(session);
        if session.version() != version {
            self.changed.notify(usize::MAX);
        }
        result
    }

    /// Returns the time for which a call waits if nothing is heard of a change: what
    /// other processes change in a store has to be looked for.
    pub(crate) fn time_until(&self, wait: &Wait) -> Duration {
        let timeout = wait.until.since(self.now());
        let store = self.store.as_ref();
        store.map_or(timeout, |store| timeout.min(store.poll_interval()))
    }

    /// The place that calls go to.
    pub(crate) const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The time, which never runs backwards.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The observer, whose panics end the call that it is called from.
    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.observer
    }

    /// The observer without its panics: for operations, which are nobody's own.
    pub(crate) fn quiet_observer(&self) -> impl Observer + '_ {
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

/// Returns the events of the session, which is locked no more.
fn unlock(mut session: MutexGuard<'_, Session>) -> Vec<Event> {
    std::iter::from_fn(|| session.poll_event()).collect()
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
