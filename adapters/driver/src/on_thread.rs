//! A blocking store, for a client that awaits.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use event_listener::Event;
use thingspace_core::{
    StoreError,
    session::{AsyncStore, Loaded, Revision, Saved, Snapshot, Store, StoreFuture, Watcher},
};

/// A blocking store as one that is awaited: it runs on a thread of its own, and its
/// futures are ready when that says so. They need no runtime, and run on any.
///
/// A future that is dropped never breaks an access off: the thread ends what it has begun,
/// and leaves what it has not.
///
/// A store that panics fails, and is asked again by the next access.
///
/// The thread makes one access at a time. When this is dropped, it ends the one that it
/// makes, if any, and then itself; nobody waits for that.
#[doc(alias = "spawn_blocking")]
pub struct OnThread<S> {
    store: Arc<S>,
    accesses: Sender<Access<S>>,
}

/// An access, which the thread makes.
type Access<S> = Box<dyn FnOnce(&S) + Send>;

impl<S: Store + 'static> OnThread<S> {
    /// Starts the thread of a store.
    ///
    /// Fails if no thread can be had.
    pub fn new(store: S) -> io::Result<Self> {
        let (accesses, queue) = mpsc::channel::<Access<S>>();
        let store = Arc::new(store);
        let theirs = Arc::clone(&store);
        let thread = thread::Builder::new().name("thingspace-store".into());
        thread.spawn(move || {
            for access in queue {
                // Whoever waits for it learns that it has ended without a result. The panic
                // has been printed by the hook.
                let _ = catch_unwind(AssertUnwindSafe(|| access(&theirs)));
            }
        })?;
        Ok(Self { store, accesses })
    }

    /// Makes an access on the thread.
    async fn on_thread<T: Send + 'static>(
        &self,
        access: impl FnOnce(&S) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let outcome = Arc::new(Outcome::default());
        let ends = Ends(Arc::downgrade(&outcome));
        let sent = self.accesses.send(Box::new(move |store| {
            if ends.is_awaited() {
                let result = access(store);
                ends.with(result);
            }
        }));
        sent.map_err(|_| StoreError::new("the thread of the store is gone"))?;
        outcome.wait().await
    }
}

/// The result of an access, as soon as there is one.
struct Outcome<T> {
    result: Mutex<Option<Result<T, StoreError>>>,
    ended: Event,
}

impl<T> Default for Outcome<T> {
    fn default() -> Self {
        Self {
            result: Mutex::default(),
            ended: Event::new(),
        }
    }
}

impl<T> Outcome<T> {
    fn take(&self) -> Option<Result<T, StoreError>> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        result.take()
    }

    async fn wait(&self) -> Result<T, StoreError> {
        loop {
            let ended = self.ended.listen();
            if let Some(result) = self.take() {
                return result;
            }
            ended.await;
        }
    }
}

/// The end of an access, on its thread. If it is dropped without a result, the store has
/// panicked.
struct Ends<T>(Weak<Outcome<T>>);

impl<T> Ends<T> {
    /// Returns true if somebody waits for the result.
    fn is_awaited(&self) -> bool {
        self.0.strong_count() > 0
    }

    fn with(&self, result: Result<T, StoreError>) {
        if let Some(outcome) = self.0.upgrade() {
            let mut ended = outcome
                .result
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            // The first one counts.
            ended.get_or_insert(result);
            drop(ended);
            outcome.ended.notify(usize::MAX);
        }
    }
}

impl<T> Drop for Ends<T> {
    fn drop(&mut self) {
        self.with(Err(StoreError::new("the store panicked")));
    }
}

impl<S: Store + 'static> AsyncStore for OnThread<S> {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(self.on_thread(S::load))
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        let snapshot = snapshot.clone();
        Box::pin(self.on_thread(move |store| store.save(seen, &snapshot)))
    }

    fn poll_interval(&self) -> Duration {
        self.store.poll_interval()
    }

    fn watch(&self, watcher: Watcher) {
        self.store.watch(watcher);
    }
}

impl<S: fmt::Debug> fmt::Debug for OnThread<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnThread").field(&self.store).finish()
    }
}
