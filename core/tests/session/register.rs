//! A store in memory, which fails when a story wants it to.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use thingspace_core::{
    Session, StoreError, Timestamp,
    session::{Loaded, POLL_INTERVAL, Revision, Saved, Snapshot},
};

use crate::scenario::builder;

/// A register in memory, with a clock of its own: the latest time of those who use
/// it, unless it is set.
#[derive(Default)]
pub struct Register {
    content: Mutex<Option<(String, Timestamp)>>,
    clock: AtomicU64,
    broken: AtomicBool,
    /// True if saves take place and fail all the same.
    forgets_to_say: AtomicBool,
    /// True if somebody is always faster.
    overtaken: AtomicBool,
    /// The act of somebody faster, just before the next snapshot is saved.
    faster: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    pub loads: AtomicU32,
    pub saves: AtomicU32,
    processes: AtomicU64,
}

impl Register {
    pub const POLL: Duration = POLL_INTERVAL;

    pub fn new() -> std::sync::Arc<Self> {
        std::sync::Arc::default()
    }

    /// A seed that no other process has.
    pub fn next_seed(&self) -> u64 {
        self.processes.fetch_add(1, Relaxed) + 1
    }

    pub fn breaks(&self) {
        self.broken.store(true, Relaxed);
    }

    pub fn is_mended(&self) {
        self.broken.store(false, Relaxed);
        self.forgets_to_say.store(false, Relaxed);
    }

    /// From now on, saves take place and fail all the same.
    pub fn forgets_to_say(&self) {
        self.forgets_to_say.store(true, Relaxed);
    }

    /// From now on, somebody else is always faster to save.
    pub fn is_always_overtaken(&self) {
        self.overtaken.store(true, Relaxed);
    }

    pub fn has_somebody_faster(&self, faster: impl FnOnce() + Send + 'static) {
        *self.faster.lock().unwrap() = Some(Box::new(faster));
    }

    /// The text that it holds, if it holds any.
    pub fn text(&self) -> Option<String> {
        self.content
            .lock()
            .unwrap()
            .as_ref()
            .map(|(text, _)| text.clone())
    }

    /// Replaces what it holds, as a restored backup does.
    pub fn is_restored_to(&self, text: Option<String>) {
        let now = Timestamp::from_millis(self.clock.load(Relaxed));
        *self.content.lock().unwrap() = text.map(|text| (text, now));
    }

    /// The session of a process that starts from what it holds.
    #[track_caller]
    pub fn session_of(&self, password: &str) -> Session {
        let now = Timestamp::from_millis(self.clock.load(Relaxed));
        let Loaded { snapshot, age } = self.loads(now).unwrap().expect("nothing is saved");
        let builder = builder(password).snapshot(snapshot, age, now);
        builder.build().unwrap()
    }

    pub fn loads(&self, now: Timestamp) -> Result<Option<Loaded>, StoreError> {
        self.works()?;
        let now = self.now(now);
        self.loads.fetch_add(1, Relaxed);
        let content = self.content.lock().unwrap();
        let loaded = content.as_ref().map(|(text, saved_at)| {
            let snapshot = serde_json::from_str(text).map_err(StoreError::new)?;
            let age = now.since(*saved_at);
            Ok(Loaded { snapshot, age })
        });
        loaded.transpose()
    }

    pub fn saves(
        &self,
        now: Timestamp,
        seen: Option<Revision>,
        snapshot: &Snapshot,
    ) -> Result<Saved, StoreError> {
        self.works()?;
        let faster = self.faster.lock().unwrap().take();
        if let Some(faster) = faster {
            faster();
        }
        let had = self.content.lock().unwrap().as_ref().map(|(text, _)| {
            serde_json::from_str::<Snapshot>(text).map_or(Revision::default(), |had| had.revision())
        });
        if had != seen || self.overtaken.load(Relaxed) {
            return Ok(Saved::Conflict);
        }
        let text = serde_json::to_string(snapshot).unwrap();
        *self.content.lock().unwrap() = Some((text, self.now(now)));
        self.saves.fetch_add(1, Relaxed);
        if self.forgets_to_say.load(Relaxed) {
            return Err(StoreError::new("the connection broke"));
        }
        Ok(Saved::Saved)
    }

    fn now(&self, now: Timestamp) -> Timestamp {
        let now = now.as_millis();
        Timestamp::from_millis(self.clock.fetch_max(now, Relaxed).max(now))
    }

    fn works(&self) -> Result<(), StoreError> {
        if self.broken.load(Relaxed) {
            return Err(StoreError::new("the disk is full"));
        }
        Ok(())
    }
}
