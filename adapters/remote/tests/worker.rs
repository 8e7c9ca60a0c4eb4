//! The thread of a store, on a server in memory that fails when a story wants it to.

#![cfg(test)]

use std::{
    collections::VecDeque,
    error::Error as _,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
        mpsc::{self, Sender},
    },
    time::{Duration, Instant},
};

use futures_lite::future::{block_on, poll_once};
use thingspace_core::{
    AppCredentials, Credentials, SessionBuilder, StoreError, Timestamp, UserCredentials,
    session::{AsyncStore, Loaded, Saved, Snapshot, Store},
};
use thingspace_remote::{
    BoxError, Changes, Connection, Limits, Problem, Record, RemoteError, RemoteStore, Save, Server,
};
use tokio::sync::Notify;

/// A time longer than anything takes here, even on the busiest machine.
const LONG: Duration = Duration::from_secs(20);

/// A server in memory. All clones are one server.
#[derive(Clone, Default)]
struct Memory(Arc<State>);

#[derive(Default)]
struct State {
    row: Mutex<Option<(String, String)>>,
    /// What happens to the next accesses, and to the next connections.
    accesses: Mutex<VecDeque<Fate>>,
    connections: Mutex<VecDeque<Fate>>,
    connected: AtomicU32,
    /// The number of connections that are open.
    open: AtomicU32,
    loads: AtomicU32,
    saves: AtomicU32,
    /// Notified when a held access is to go on.
    go_on: Notify,
    changes: Mutex<Option<Changes>>,
    /// Told when the server's thread has ended.
    ended: Mutex<Option<Sender<()>>>,
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Works,
    Breaks,
    Hangs,
    /// It takes place, and nobody hears of it.
    IsLost,
    /// It goes on when it is told to.
    IsHeld,
}

impl State {
    async fn meet(&self, fates: &Mutex<VecDeque<Fate>>) -> Result<Fate, BoxError> {
        let fate = fates.lock().unwrap().pop_front().unwrap_or(Fate::Works);
        match fate {
            Fate::Breaks => return Err("it broke".into()),
            Fate::Hangs => pending().await,
            Fate::IsHeld => self.go_on.notified().await,
            Fate::Works | Fate::IsLost => {}
        }
        Ok(fate)
    }
}

struct Connected(Arc<State>);

impl Server for Memory {
    type Connection = Connected;

    fn name(&self) -> String {
        "memory at home".to_owned()
    }

    async fn connect(&self, changes: Changes) -> Result<Connected, BoxError> {
        self.0.connected.fetch_add(1, SeqCst);
        self.0.meet(&self.0.connections).await?;
        self.0.open.fetch_add(1, SeqCst);
        *self.0.changes.lock().unwrap() = Some(changes);
        Ok(Connected(Arc::clone(&self.0)))
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, SeqCst);
    }
}

impl Connection for Connected {
    async fn load(&mut self) -> Result<Option<Record>, BoxError> {
        self.0.loads.fetch_add(1, SeqCst);
        self.0.meet(&self.0.accesses).await?;
        let row = self.0.row.lock().unwrap().clone();
        Ok(row.map(|(revision, snapshot)| Record {
            revision,
            snapshot: snapshot.into(),
            age: Duration::from_secs(7),
        }))
    }

    async fn save(&mut self, save: &Save) -> Result<Saved, BoxError> {
        self.0.saves.fetch_add(1, SeqCst);
        let fate = self.0.meet(&self.0.accesses).await?;
        let saved = {
            let mut row = self.0.row.lock().unwrap();
            let had = row.as_ref().map(|(revision, _)| revision.clone());
            if had == save.seen {
                *row = Some((save.revision.clone(), save.snapshot.to_string()));
                Saved::Saved
            } else if had.as_ref() == Some(&save.revision) {
                Saved::Saved
            } else {
                Saved::Conflict
            }
        };
        if let Fate::IsLost = fate {
            pending::<()>().await;
        }
        Ok(saved)
    }
}

/// Ends with the thread that has the server.
struct Ends(Memory);

impl Server for Ends {
    type Connection = Connected;

    fn name(&self) -> String {
        self.0.name()
    }

    async fn connect(&self, changes: Changes) -> Result<Connected, BoxError> {
        self.0.connect(changes).await
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(ended) = self.0.0.ended.lock().unwrap().take() {
            // Nobody may wait for it.
            ended.send(()).ok();
        }
    }
}

impl Memory {
    fn meets(&self, fates: &[Fate]) {
        *self.0.accesses.lock().unwrap() = fates.iter().copied().collect();
    }

    fn is_met_by(&self, fates: &[Fate]) {
        *self.0.connections.lock().unwrap() = fates.iter().copied().collect();
    }

    fn store(&self) -> RemoteStore {
        self.store_with(|_| {})
    }

    fn store_with(&self, change: impl FnOnce(&mut Limits)) -> RemoteStore {
        let mut limits = Limits::default();
        change(&mut limits);
        RemoteStore::new(Ends(self.clone()), limits).unwrap()
    }

    fn counts(&self) -> [u32; 3] {
        let State {
            connected,
            loads,
            saves,
            ..
        } = &*self.0;
        [connected, loads, saves].map(|count| count.load(SeqCst))
    }
}

fn hasty(limits: &mut Limits) {
    limits.access = Duration::from_millis(200);
}

fn snapshot() -> Snapshot {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let session = SessionBuilder::new(Credentials::new(app, user)).seed(42);
    let session = session.build().unwrap();
    session.snapshot(Timestamp::from_millis(1_700_000_000_000))
}

fn save(store: &RemoteStore) -> Result<Saved, StoreError> {
    Store::save(store, None, &snapshot())
}

fn load(store: &RemoteStore) -> Result<Option<Loaded>, StoreError> {
    Store::load(store)
}

/// The problem that an access met.
#[track_caller]
fn problem<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    let error = result.unwrap_err();
    let error: &RemoteError = error.source().unwrap().downcast_ref().unwrap();
    assert_eq!(error.server(), "memory at home");
    assert!(error.to_string().starts_with("memory at home: "));
    match error.problem() {
        Problem::TimedOut(limit) => format!("timed out after {limit:?}"),
        Problem::Unreachable(source) => format!("unreachable: {source}"),
        Problem::Failed(source) => format!("failed: {source}"),
        Problem::NoSession(source) => format!("no session: {source}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_is_saved_is_loaded_with_the_age_that_the_server_tells() {
    let memory = Memory::default();
    let store = memory.store();
    assert_eq!(memory.counts(), [0, 0, 0]);
    assert_eq!(load(&store).unwrap(), None);
    assert_eq!(save(&store).unwrap(), Saved::Saved);
    let loaded = load(&store).unwrap().unwrap();
    assert_eq!(loaded.snapshot, snapshot());
    assert_eq!(loaded.age, Duration::from_secs(7));
    assert_eq!(memory.counts(), [1, 2, 1]);
}

#[test]
fn a_connection_that_broke_is_replaced_at_once() {
    let memory = Memory::default();
    let store = memory.store();
    load(&store).unwrap();
    memory.meets(&[Fate::Breaks]);
    load(&store).unwrap();
    memory.meets(&[Fate::Breaks]);
    assert_eq!(save(&store).unwrap(), Saved::Saved);
    assert_eq!(memory.counts(), [3, 3, 2]);
    assert_eq!(memory.0.open.load(SeqCst), 1);
}

#[test]
fn a_connection_that_hangs_is_replaced_while_there_is_time() {
    let memory = Memory::default();
    let store = memory.store_with(|limits| limits.access = Duration::from_secs(2));
    load(&store).unwrap();
    memory.meets(&[Fate::Hangs]);
    load(&store).unwrap();
    // It took place before nothing was heard of it: then it is no conflict.
    memory.meets(&[Fate::IsLost]);
    assert_eq!(save(&store).unwrap(), Saved::Saved);
    assert_eq!(memory.counts(), [3, 3, 2]);
}

#[test]
fn an_error_of_a_fresh_connection_is_reported_and_the_next_access_connects_again() {
    let memory = Memory::default();
    let store = memory.store();
    memory.is_met_by(&[Fate::Breaks]);
    assert_eq!(problem(load(&store)), "unreachable: it broke");
    memory.meets(&[Fate::Breaks]);
    assert_eq!(problem(load(&store)), "failed: it broke");
    memory.meets(&[Fate::Breaks]);
    assert_eq!(problem(save(&store)), "failed: it broke");
    assert_eq!(load(&store).unwrap(), None);
    assert_eq!(memory.counts(), [4, 2, 1]);
}

#[test]
fn every_access_ends_in_time() {
    let memory = Memory::default();
    let store = memory.store_with(hasty);
    let started = Instant::now();
    memory.is_met_by(&[Fate::Hangs]);
    assert_eq!(problem(load(&store)), "timed out after 200ms");
    memory.meets(&[Fate::Hangs]);
    assert_eq!(problem(save(&store)), "timed out after 200ms");
    // The connection that is left is dead, and so is the next one.
    memory.meets(&[Fate::Works, Fate::Hangs, Fate::Hangs]);
    load(&store).unwrap();
    assert_eq!(problem(load(&store)), "timed out after 200ms");
    assert!(started.elapsed() < LONG);
    load(&store).unwrap();
}

#[test]
fn law_14_an_access_that_was_given_up_before_it_began_is_not_made() {
    let memory = Memory::default();
    let store = memory.store();
    memory.meets(&[Fate::IsHeld]);
    let mut held = Box::pin(AsyncStore::load(&store));
    let snapshot = snapshot();
    let mut given_up = AsyncStore::save(&store, None, &snapshot);
    assert!(block_on(poll_once(&mut held)).is_none());
    assert!(block_on(poll_once(&mut given_up)).is_none());
    drop(given_up);
    memory.0.go_on.notify_one();
    assert_eq!(block_on(held).unwrap(), None);
    assert_eq!(load(&store).unwrap(), None);
    assert_eq!(memory.counts(), [1, 2, 0]);
}

#[test]
fn law_14_an_access_that_was_given_up_runs_to_its_end() {
    let memory = Memory::default();
    let store = memory.store();
    memory.meets(&[Fate::IsHeld]);
    let snapshot = snapshot();
    let mut given_up = AsyncStore::save(&store, None, &snapshot);
    while memory.counts()[2] == 0 {
        assert!(block_on(poll_once(&mut given_up)).is_none());
    }
    drop(given_up);
    memory.0.go_on.notify_one();
    assert_eq!(load(&store).unwrap().unwrap().snapshot, snapshot);
    assert_eq!(memory.counts(), [1, 1, 1]);
}

#[test]
fn a_record_that_is_no_session_is_refused() {
    let memory = Memory::default();
    let store = memory.store();
    save(&store).unwrap();
    let (revision, text) = memory.0.row.lock().unwrap().clone().unwrap();
    for (revision, text) in [
        (&*revision, "{\"hush\":1}"),
        (&*revision, ""),
        ("7-7", &*text),
    ] {
        *memory.0.row.lock().unwrap() = Some((revision.to_owned(), text.to_owned()));
        let problem = problem(load(&store));
        assert!(problem.starts_with("no session"), "{problem}");
        assert!(!problem.contains("hush"));
    }
}

/// Waits until no connection is open.
#[track_caller]
fn is_closed(memory: &Memory) {
    let started = Instant::now();
    while memory.0.open.load(SeqCst) > 0 {
        assert!(started.elapsed() < LONG);
        std::thread::yield_now();
    }
}

#[test]
fn an_idle_connection_is_closed_and_made_again() {
    let memory = Memory::default();
    let store = memory.store_with(|limits| limits.idle = Duration::from_millis(1));
    load(&store).unwrap();
    is_closed(&memory);
    load(&store).unwrap();
    assert_eq!(memory.counts(), [2, 2, 0]);
}

#[test]
fn others_are_reported_and_one_self_is_not() {
    let memory = Memory::default();
    let store = memory.store();
    let (tell, told) = mpsc::channel();
    let watcher: Arc<dyn Fn() + Send + Sync> = Arc::new(move || tell.send(()).unwrap());
    Store::watch(&store, Arc::downgrade(&watcher));
    // What was saved while there was no connection, nobody has heard of.
    save(&store).unwrap();
    assert_eq!(told.try_iter().count(), 1);

    let changes = memory.0.changes.lock().unwrap().clone().unwrap();
    let (own, _) = memory.0.row.lock().unwrap().clone().unwrap();
    changes.saved(&own);
    assert_eq!(told.try_iter().count(), 0);
    changes.saved("8-0000000000000008");
    assert_eq!(told.try_iter().count(), 1);
    drop(watcher);
    changes.saved("9-0000000000000009");
    assert!(told.recv().is_err());
}

#[test]
fn the_thread_ends_with_the_last_of_its_stores() {
    let memory = Memory::default();
    let (tell, told) = mpsc::channel();
    *memory.0.ended.lock().unwrap() = Some(tell);
    let store = memory.store();
    let clone = store.clone();
    load(&store).unwrap();
    drop(store);
    assert_eq!(load(&clone).unwrap(), None);
    assert!(told.try_recv().is_err());
    assert_eq!(format!("{clone:?}"), "RemoteStore(\"memory at home\")");
    drop(clone);
    told.recv_timeout(LONG).unwrap();
    is_closed(&memory);
}
