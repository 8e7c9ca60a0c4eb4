//! A blocking store on a thread of its own.

#![cfg(test)]

use std::{
    error::Error as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use futures_lite::future::{block_on, poll_once, zip};
use thingspace_driver::{
    OnThread,
    core::{
        AppCredentials, Credentials, SessionBuilder, StoreError, Timestamp,
        session::{AsyncStore, Loaded, Revision, Saved, Snapshot, Store, Watcher},
    },
};

/// A store that says when an access begins, and ends it when it may.
struct Held {
    begins: Sender<&'static str>,
    may_end: Mutex<Receiver<()>>,
    saves: Arc<AtomicU64>,
    watchers: Mutex<Vec<Watcher>>,
}

/// The other end of such a store.
struct Holder {
    begun: Receiver<&'static str>,
    ends: Sender<()>,
    saves: Arc<AtomicU64>,
}

impl Held {
    fn new() -> (OnThread<Self>, Holder) {
        let (begins, begun) = mpsc::channel();
        let (ends, may_end) = mpsc::channel();
        let saves = Arc::<AtomicU64>::default();
        let held = Self {
            begins,
            may_end: Mutex::new(may_end),
            saves: Arc::clone(&saves),
            watchers: Mutex::default(),
        };
        let holder = Holder { begun, ends, saves };
        (OnThread::new(held).unwrap(), holder)
    }

    fn access(&self, which: &'static str) {
        self.begins.send(which).unwrap();
        self.may_end.lock().unwrap().recv().unwrap();
    }
}

impl Holder {
    fn saves(&self) -> u64 {
        self.saves.load(Ordering::SeqCst)
    }
}

impl Store for Held {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        assert_eq!(thread::current().name(), Some("thingspace-store"));
        self.access("load");
        Ok(None)
    }

    fn save(&self, seen: Option<Revision>, _snapshot: &Snapshot) -> Result<Saved, StoreError> {
        assert_eq!(seen, None, "on purpose");
        self.access("save");
        self.saves.fetch_add(1, Ordering::SeqCst);
        Ok(Saved::Saved)
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(42)
    }

    fn watch(&self, watcher: Watcher) {
        self.watchers.lock().unwrap().push(watcher);
    }
}

fn snapshot() -> Snapshot {
    let app = AppCredentials::new("key", "secret").unwrap();
    let session = SessionBuilder::new(Credentials::of_app(app)).build();
    session.unwrap().snapshot(Timestamp::default())
}

#[test]
fn an_access_is_awaited_without_blocking() {
    let (store, holder) = Held::new();
    let mut loading = store.load();
    assert!(block_on(poll_once(&mut loading)).is_none());
    assert_eq!(holder.begun.recv().unwrap(), "load");
    assert!(block_on(poll_once(&mut loading)).is_none());
    holder.ends.send(()).unwrap();
    assert_eq!(block_on(loading).unwrap(), None);
}

#[test]
fn many_wait_for_their_accesses_and_each_gets_its_own() {
    let (store, holder) = Held::new();
    let snapshot = snapshot();
    for _ in 0..3 {
        holder.ends.send(()).unwrap();
    }
    let both = zip(store.save(None, &snapshot), store.load());
    let all = zip(both, store.save(None, &snapshot));
    let ((first, loaded), second) = block_on(all);
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        (Saved::Saved, Saved::Saved)
    );
    assert_eq!(loaded.unwrap(), None);
}

#[test]
fn law_14_an_access_that_has_begun_is_not_broken_off_by_a_future_that_is_dropped() {
    let (store, holder) = Held::new();
    let snapshot = snapshot();
    let mut saving = store.save(None, &snapshot);
    assert!(block_on(poll_once(&mut saving)).is_none());
    assert_eq!(holder.begun.recv().unwrap(), "save");
    drop(saving);
    holder.ends.send(()).unwrap();

    // The next one comes after it.
    holder.ends.send(()).unwrap();
    block_on(store.load()).unwrap();
    assert_eq!(holder.saves(), 1);
}

#[test]
fn law_14_an_access_whose_future_is_dropped_before_it_has_begun_is_never_made() {
    let (store, holder) = Held::new();
    let snapshot = snapshot();
    drop(store.save(None, &snapshot));
    let mut loading = store.load();
    assert!(block_on(poll_once(&mut loading)).is_none());
    assert_eq!(holder.begun.recv().unwrap(), "load");
    // The thread is busy with the load.
    let mut saving = store.save(None, &snapshot);
    assert!(block_on(poll_once(&mut saving)).is_none());
    drop(saving);
    holder.ends.send(()).unwrap();
    block_on(loading).unwrap();
    holder.ends.send(()).unwrap();
    block_on(store.load()).unwrap();
    assert_eq!(holder.saves(), 0);
}

#[test]
fn law_14_a_store_that_panics_fails_and_is_asked_again() {
    let (store, holder) = Held::new();
    let panics = Some(Revision::default());
    for _ in 0..2 {
        let error = block_on(store.save(panics, &snapshot())).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "the store panicked");
    }
    holder.ends.send(()).unwrap();
    assert_eq!(
        block_on(store.save(None, &snapshot())).unwrap(),
        Saved::Saved
    );
}

#[test]
fn a_store_that_is_dropped_ends_its_thread_after_what_it_has_begun() {
    let (store, holder) = Held::new();
    let mut loading = store.load();
    assert!(block_on(poll_once(&mut loading)).is_none());
    assert_eq!(holder.begun.recv().unwrap(), "load");
    drop(loading);
    // Nobody waits for the access.
    drop(store);
    holder.ends.send(()).unwrap();
    // The thread has dropped the store.
    assert!(holder.begun.recv().is_err());
}

#[test]
fn watchers_and_the_interval_are_those_of_the_store() {
    let (store, _holder) = Held::new();
    assert_eq!(store.poll_interval(), Duration::from_millis(42));
    let watcher: Arc<dyn Fn() + Send + Sync> = Arc::new(|| {});
    store.watch(Arc::downgrade(&watcher));
    assert_eq!(Arc::weak_count(&watcher), 1);
}

#[test]
fn a_future_that_was_polled_on_one_thread_goes_on_on_another() {
    let (store, holder) = Held::new();
    thread::scope(|scope| {
        let mut loading = store.load();
        assert!(block_on(poll_once(&mut loading)).is_none());
        let loading = scope.spawn(|| block_on(loading));
        holder.ends.send(()).unwrap();
        assert_eq!(loading.join().unwrap().unwrap(), None);
    });
}
