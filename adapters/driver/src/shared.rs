//! A session that many share: tasks or threads, and processes by a store.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use event_listener::EventListener;
use http::Response;
use thingspace_core::{
    Environment, Session, SharedStep, Timestamp, TransportError,
    session::{
        AsyncStore, Attempt, Call, CallId, CallResult, Event, Exchange, ExchangeResult, Observer,
        Operation, Revision, Saved, Snapshot, Wait,
    },
};

use crate::{clock::Clock, exchange::Ended};

/// A session behind a lock, with its store, its clock and its observer.
pub(crate) struct Shared {
    session: Mutex<Session>,
    /// Notified whenever the session has changed, or its store may have.
    changed: Arc<event_listener::Event>,
    /// The place where other processes find the session.
    store: Option<Watched>,
    /// The number of those who wanted to save what the store does not have, since one of
    /// them began to; 0 if nobody is at it.
    syncs: AtomicU64,
    environment: Environment,
    clock: Clock,
    observer: Box<dyn Observer>,
}

impl Shared {
    pub(crate) fn new(
        session: Session,
        store: Option<Box<dyn AsyncStore>>,
        clock: Clock,
        observer: Box<dyn Observer>,
    ) -> Self {
        let changed = Arc::new(event_listener::Event::new());
        Self {
            environment: session.environment().clone(),
            session: Mutex::new(session),
            store: store.map(|store| Watched::new(store, Arc::clone(&changed))),
            changed,
            syncs: AtomicU64::new(0),
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
        report(self.observer(), None, events);
        result
    }

    /// Takes a step of a call, at this time or the latest one that was told since. If there
    /// is nothing to do but wait, `changed` listens for a change of the session from this
    /// moment on.
    pub(crate) fn step(
        &self,
        call: &mut Call,
        now: Timestamp,
        changed: &mut Option<EventListener>,
    ) -> SharedStep {
        let is_new = call.id().is_none();
        let mut session = self.lock();
        let now = self.clock.caught_up(now);
        let may_have_changed = |store: &Watched| store.may_have_changed.load(Ordering::SeqCst);
        if let Some(store) = self.store.as_ref().filter(|store| may_have_changed(store)) {
            store.may_have_changed.store(false, Ordering::SeqCst);
            session.store_changed();
        }
        let step = self.notifying(&mut session, |session| call.step_shared(session, now));
        if matches!(step, SharedStep::Wait(_)) {
            *changed = Some(self.changed.listen());
            // It may have changed before anybody listened.
            if self.store.as_ref().is_some_and(may_have_changed) {
                self.changed.notify(usize::MAX);
            }
        }
        let events = unlock(session);
        let report = |observer: &dyn Observer| {
            if is_new {
                observer.began(call);
            }
            report(observer, call.id(), events);
        };
        match &step {
            // It began an operation, which is nobody's own: the observer's panics end
            // nothing.
            SharedStep::Send(transmit) if transmit.attempt.operation().is_some() => {
                report(&self.quiet_observer());
            }
            _ => report(self.observer()),
        }
        step
    }

    /// Gives the result of a call's own request to the call, then reports the
    /// exchange's end and the events.
    pub(crate) fn receive(
        &self,
        call: &mut Call,
        attempt: Attempt,
        mut ended: Ended,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let ((), events) = self.change_at(ended.at(), |session, now| {
            ended.look(session, &result);
            call.receive(session, now, attempt, result);
        });
        ended.report(self.observer());
        report(self.observer(), call.id(), events);
    }

    /// Loads what the store has, and gives it to a call.
    pub(crate) async fn load(&self, call: &mut Call) {
        let access = Access::new(self, call);
        let loaded = match &self.store {
            Some(Watched { store, .. }) => store.load().await,
            None => Ok(None),
        };
        access.end(|call, session, now| call.loaded(session, now, loaded));
    }

    /// Saves a snapshot to the store, and gives its word to a call.
    pub(crate) async fn save(&self, call: &mut Call, seen: Option<Revision>, snapshot: &Snapshot) {
        let access = Access::new(self, call);
        let saved = match &self.store {
            Some(Watched { store, .. }) => store.save(seen, snapshot).await,
            None => Ok(Saved::Saved),
        };
        access.end(|call, session, now| call.saved(session, now, saved));
    }

    /// Returns true if there is something to save, and nobody is at it: then the caller
    /// is to [sync](Self::syncing) it. Otherwise whoever is at it does so once more.
    pub(crate) fn begins_to_sync(&self) -> bool {
        self.store.is_some()
            && self.lock().is_unsaved(self.now())
            && self.syncs.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Lets others sync when this is dropped.
    pub(crate) fn syncing(&self) -> Syncing<'_> {
        Syncing {
            syncs: &self.syncs,
            is_over: false,
        }
    }

    /// Gives the result of an operation to the session, then reports the exchange's
    /// end and the events.
    pub(crate) fn finish(
        &self,
        operation: Operation,
        mut ended: Ended,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let ((), events) = self.change_at(ended.at(), |session, now| {
            ended.look(session, &result);
            session.receive(now, operation, result);
        });
        ended.report(&self.quiet_observer());
        report(&self.quiet_observer(), Some(ended.call()), events);
    }

    /// Ends an operation that a call began and that was never sent.
    pub(crate) fn fail(&self, operation: Operation, call: CallId, never_sent: TransportError) {
        let ((), events) = self.change_at(self.now(), |session, now| {
            session.receive(now, operation, Err(never_sent));
        });
        report(self.observer(), Some(call), events);
    }

    /// Gives up an operation that a call began and of which nothing more will be heard.
    pub(crate) fn abandon(&self, operation: Operation, call: CallId) {
        let ((), events) = self.change_at(self.now(), |session, now| {
            session.abandon(now, operation);
        });
        report(&self.quiet_observer(), Some(call), events);
    }

    /// Changes the session, and notifies those who wait if it has changed. Returns the
    /// events, to be reported with nothing locked.
    fn change<R>(&self, change: impl FnOnce(&mut Session) -> R) -> (R, Vec<Event>) {
        let mut session = self.lock();
        let result = self.notifying(&mut session, change);
        (result, unlock(session))
    }

    /// Changes the session at the time that was read before it was locked, or at the latest
    /// one that was told since: it never runs backwards for the session either, however
    /// long a thread, or the machine, slept in between.
    fn change_at<R>(
        &self,
        then: Timestamp,
        change: impl FnOnce(&mut Session, Timestamp) -> R,
    ) -> (R, Vec<Event>) {
        self.change(|session| change(session, self.clock.caught_up(then)))
    }

    fn notifying<R>(&self, session: &mut Session, change: impl FnOnce(&mut Session) -> R) -> R {
        let version = session.version();
        let result = change(session);
        if session.version() != version {
            self.changed.notify(usize::MAX);
        }
        result
    }

    /// Reports the end of a call to the observer, whose panics end nothing: the result is
    /// there.
    pub(crate) fn ended(&self, call: &Call, result: &CallResult<'_>) {
        self.quiet_observer().ended(call, result);
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

/// A store, and what is known of its changes.
struct Watched {
    store: Box<dyn AsyncStore>,
    /// True if others may have changed it since a step was taken.
    may_have_changed: Arc<AtomicBool>,
    /// The function that the store tells, which lives as long as this.
    _watcher: Arc<dyn Fn() + Send + Sync>,
}

impl Watched {
    /// The store, which notifies those who wait for a change.
    fn new(store: Box<dyn AsyncStore>, changed: Arc<event_listener::Event>) -> Self {
        let may_have_changed = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&may_have_changed);
        let watcher: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            told.store(true, Ordering::SeqCst);
            changed.notify(usize::MAX);
        });
        store.watch(Arc::downgrade(&watcher));
        Self {
            store,
            may_have_changed,
            _watcher: watcher,
        }
    }
}

/// A call that the store is asked for. If its caller gives it up meanwhile, or the
/// store panics, others need not wait for it.
struct Access<'a> {
    shared: &'a Shared,
    call: Option<&'a mut Call>,
}

impl<'a> Access<'a> {
    const fn new(shared: &'a Shared, call: &'a mut Call) -> Self {
        let call = Some(call);
        Self { shared, call }
    }

    /// Gives the store's word to the call.
    fn end(mut self, give: impl FnOnce(&mut Call, &mut Session, Timestamp)) {
        let now = self.shared.now();
        if let Some(call) = self.call.take() {
            let shared = self.shared;
            let ((), events) = shared.change_at(now, |session, now| give(call, session, now));
            report(shared.observer(), call.id(), events);
        }
    }
}

impl Drop for Access<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            let ((), events) = self.shared.change(|session| call.abandon(session));
            report(&self.shared.quiet_observer(), call.id(), events);
        }
    }
}

/// The one who saves what the store does not have.
pub(crate) struct Syncing<'a> {
    syncs: &'a AtomicU64,
    is_over: bool,
}

impl Syncing<'_> {
    /// The number of those who want it by now.
    pub(crate) fn wanted(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Returns true if nobody wants it but those who were counted, and lets others sync
    /// then.
    pub(crate) fn ends(&mut self, wanted: u64) -> bool {
        let ended = self
            .syncs
            .compare_exchange(wanted, 0, Ordering::Relaxed, Ordering::Relaxed);
        self.is_over = ended.is_ok();
        self.is_over
    }
}

impl Drop for Syncing<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.syncs.store(0, Ordering::Relaxed);
        }
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

#[inline]
fn report(observer: &dyn Observer, call: Option<CallId>, events: Vec<Event>) {
    // Few calls have any.
    if !events.is_empty() {
        report_each(observer, call, events);
    }
}

fn report_each(observer: &dyn Observer, call: Option<CallId>, events: Vec<Event>) {
    for event in events {
        // An observer that panics within a panic would end the process.
        if !thread::panicking() {
            observer.event(&event, call);
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
    fn began(&self, call: &Call) {
        self.call(|observer| observer.began(call));
    }

    fn ended(&self, call: &Call, result: &CallResult<'_>) {
        self.call(|observer| observer.ended(call, result));
    }

    fn event(&self, event: &Event, call: Option<CallId>) {
        self.call(|observer| observer.event(event, call));
    }

    fn waiting(&self, wait: &Wait) {
        self.call(|observer| observer.waiting(wait));
    }

    fn waited(&self, wait: &Wait, took: Duration) {
        self.call(|observer| observer.waited(wait, took));
    }

    fn sending(&self, exchange: &Exchange) {
        self.call(|observer| observer.sending(exchange));
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.call(|observer| observer.received(exchange, result));
    }
}
