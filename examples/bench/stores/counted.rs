//! A store whose accesses are counted and timed, and which wakes those who wait, or not.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use thingspace_core::{
    StoreError,
    session::{Loaded, Revision, Saved, Snapshot, Store, Watcher},
};

/// The times that accesses took, in milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Accesses {
    pub(crate) loads: Vec<f64>,
    pub(crate) saves: Vec<f64>,
}

/// A store whose accesses are counted.
#[derive(Clone)]
pub(crate) struct Counted {
    store: Arc<dyn Store>,
    accesses: Arc<Mutex<Accesses>>,
    /// The interval at which it is looked at, if it is not to wake anybody.
    polled: Option<Duration>,
}

impl Counted {
    pub(crate) fn new(store: Arc<dyn Store>, polled: Option<Duration>) -> Self {
        Self {
            store,
            accesses: Arc::default(),
            polled,
        }
    }

    /// The accesses since this was asked last.
    pub(crate) fn take(&self) -> Accesses {
        std::mem::take(&mut *self.accesses.lock().unwrap())
    }

    fn note(&self, started: Instant, of: impl Fn(&mut Accesses) -> &mut Vec<f64>) {
        let took = started.elapsed().as_secs_f64() * 1000.0;
        of(&mut self.accesses.lock().unwrap()).push(took);
    }
}

impl Store for Counted {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let started = Instant::now();
        let loaded = self.store.load();
        self.note(started, |accesses| &mut accesses.loads);
        loaded
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        let started = Instant::now();
        let saved = self.store.save(seen, snapshot);
        self.note(started, |accesses| &mut accesses.saves);
        saved
    }

    fn poll_interval(&self) -> Duration {
        self.polled.unwrap_or_else(|| self.store.poll_interval())
    }

    fn watch(&self, watcher: Watcher) {
        if self.polled.is_none() {
            self.store.watch(watcher);
        }
    }
}
