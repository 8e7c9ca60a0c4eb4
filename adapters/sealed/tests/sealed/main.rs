//! Stories of a sealed store: what others see of it, what is refused, how keys are changed,
//! and what a session makes of all that.

#![cfg(test)]

mod contents;
mod keys;
mod machine;
mod process;

use std::{
    error::Error as StdError,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use thingspace_core::{
    StoreError, Timestamp,
    session::{Loaded, Revision, Saved, Snapshot, Store, Watcher},
};
use thingspace_sealed::{SealError, Sealed, SealingKey};

use crate::process::opened_session;

/// A store in memory, and the time of all who use it. All clones are one store, and whoever
/// has one sees what is in it.
#[derive(Clone, Debug)]
struct Register(Arc<Mutex<Contents>>);

#[derive(Debug)]
struct Contents {
    saved: Option<(Snapshot, Timestamp)>,
    now: Timestamp,
}

impl Register {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Contents {
            saved: None,
            now: Timestamp::from_millis(1_700_000_000_000),
        })))
    }

    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn pass(&self, time: Duration) {
        let now = &mut self.lock().now;
        *now = *now + time;
    }

    /// What is saved.
    fn saved(&self) -> Option<Snapshot> {
        let contents = self.lock();
        contents.saved.as_ref().map(|(saved, _)| saved.clone())
    }

    /// The content of the sealed snapshot that is saved.
    fn content(&self) -> String {
        let saved = self.saved().unwrap();
        saved.sealed().expect("not sealed").to_owned()
    }

    /// Puts this in place of what is saved, whatever that is.
    fn put(&self, snapshot: Snapshot) {
        let mut contents = self.lock();
        contents.saved = Some((snapshot, contents.now));
    }

    /// Changes the content, and leaves the revision as it is.
    fn tamper(&self, content: impl Into<String>) {
        let saved = self.saved().unwrap();
        self.put(saved.seal(content.into()));
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const INTERVAL: Duration = Duration::from_millis(3);

impl Store for Register {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let contents = self.lock();
        Ok(contents.saved.as_ref().map(|(snapshot, saved_at)| Loaded {
            snapshot: snapshot.clone(),
            age: contents.now.since(*saved_at),
        }))
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        if self.saved().as_ref().map(Snapshot::revision) != seen {
            return Ok(Saved::Conflict);
        }
        self.put(snapshot.clone());
        Ok(Saved::Saved)
    }

    fn poll_interval(&self) -> Duration {
        INTERVAL
    }

    fn watch(&self, watcher: Watcher) {
        // Everything that is to be told is told at once.
        if let Some(watcher) = watcher.upgrade() {
            watcher();
        }
    }
}

/// A key that is the same in each run.
fn key(number: u8) -> SealingKey {
    SealingKey::from(&[number; 32])
}

/// A register and a sealed store around it, with the key of this number.
fn sealed(number: u8) -> (Register, Sealed<Register>) {
    let register = Register::new();
    let store = Sealed::new(register.clone(), key(number));
    (register, store)
}

/// The same with a session in it, which is open. Returns that, too.
fn sealed_session(number: u8) -> (Register, Sealed<Register>, Snapshot) {
    let (register, store) = sealed(number);
    let session = opened_session(0);
    assert_eq!(store.save(None, &session).unwrap(), Saved::Saved);
    (register, store, session)
}

/// What a store has.
fn load(store: &impl Store) -> Option<Snapshot> {
    store.load().unwrap().map(|loaded| loaded.snapshot)
}

/// The reason why a store refuses what it has.
fn refusal(store: &impl Store) -> StoreError {
    store.load().unwrap_err()
}

/// The reason why a sealed store refused something.
fn seal_error(error: &StoreError) -> &SealError {
    let source = error.source().unwrap();
    source
        .downcast_ref()
        .unwrap_or_else(|| panic!("{source:?}"))
}

/// The messages of an error and of its causes.
fn chain(error: &dyn StdError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
