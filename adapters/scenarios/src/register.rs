//! A store in memory, which counts what it does, and fails or panics when it is told to.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use thingspace_core::{
    StoreError, Timestamp,
    session::{Loaded, Revision, Saved, Snapshot, Store},
};

use crate::time::ClientsTime;

/// A place that several processes share. All clones are one place.
#[derive(Clone)]
pub struct Register(Arc<Contents>, Arc<Accesses>);

/// The number of loads and of saves.
#[derive(Default)]
struct Accesses {
    loads: AtomicU64,
    saves: AtomicU64,
}

struct Contents {
    time: ClientsTime,
    /// The text of what is saved, and the time of its saving.
    saved: Mutex<Option<(String, Timestamp)>>,
    is_down: AtomicBool,
    is_overtaken: AtomicBool,
    fails: Mutex<Fails>,
    load_that_panics: AtomicU64,
    save_that_panics: AtomicU64,
}

/// The function that says whether a save fails, by what is to be saved.
type Fails = Box<dyn FnMut(&Snapshot) -> bool + Send>;

impl Register {
    pub(crate) fn new(time: ClientsTime) -> Self {
        let contents = Contents {
            time,
            saved: Mutex::default(),
            is_down: AtomicBool::new(false),
            is_overtaken: AtomicBool::new(false),
            fails: Mutex::new(Box::new(|_| false)),
            load_that_panics: AtomicU64::new(0),
            save_that_panics: AtomicU64::new(0),
        };
        Self(Arc::new(contents), Arc::default())
    }

    /// Returns the same place, whose accesses are counted apart.
    #[must_use]
    pub fn counted_apart(&self) -> Self {
        Self(Arc::clone(&self.0), Arc::default())
    }

    /// The number of loads and of saves so far, also of those that failed.
    pub fn accesses(&self) -> (u64, u64) {
        (self.1.loads.load(Relaxed), self.1.saves.load(Relaxed))
    }

    /// Lets nothing work from now on, or everything.
    pub fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Relaxed);
    }

    /// Lets somebody else be faster than the next save.
    pub fn overtake(&self) {
        self.0.is_overtaken.store(true, Relaxed);
    }

    /// Lets the saves fail from now on for which this is true.
    pub fn fail_saves(&self, fails: impl FnMut(&Snapshot) -> bool + Send + 'static) {
        *self.0.fails.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(fails);
    }

    /// Lets the load of this number, and the save of this number, panic: 1 is the next.
    pub fn panic_at(&self, load: Option<u64>, save: Option<u64>) {
        let (loads, saves) = self.accesses();
        let number = |so_far, number: Option<u64>| number.map_or(0, |number| so_far + number);
        self.0.load_that_panics.store(number(loads, load), Relaxed);
        self.0.save_that_panics.store(number(saves, save), Relaxed);
    }

    /// What is saved.
    pub fn saved(&self) -> Option<Snapshot> {
        let saved = self.0.saved.lock().unwrap();
        saved.as_ref().map(|(text, _)| parse(text).unwrap())
    }

    /// Counts an access, and fails or panics if it is to.
    fn check(&self, accesses: &AtomicU64, panics: &AtomicU64) -> Result<(), StoreError> {
        let number = accesses.fetch_add(1, Relaxed) + 1;
        assert_ne!(number, panics.load(Relaxed), "on purpose");
        if self.0.is_down.load(Relaxed) {
            return Err(StoreError::new("it is gone"));
        }
        Ok(())
    }
}

impl Store for Register {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.check(&self.1.loads, &self.0.load_that_panics)?;
        let saved = self.0.saved.lock().unwrap().clone();
        let Some((text, saved_at)) = saved else {
            return Ok(None);
        };
        Ok(Some(Loaded {
            snapshot: parse(&text)?,
            age: self.0.time.now().since(saved_at),
        }))
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.check(&self.1.saves, &self.0.save_that_panics)?;
        let mut saved = self.0.saved.lock().unwrap();
        let there = saved.as_ref().map(|(text, _)| parse(text)).transpose()?;
        let is_overtaken = self.0.is_overtaken.swap(false, Relaxed);
        if is_overtaken || there.map(|there| there.revision()) != seen {
            return Ok(Saved::Conflict);
        }
        let mut fails = self.0.fails.lock().unwrap_or_else(PoisonError::into_inner);
        if fails(snapshot) {
            return Err(StoreError::new("it is full"));
        }
        let text = serde_json::to_string(snapshot).map_err(StoreError::new)?;
        *saved = Some((text, self.0.time.now()));
        Ok(Saved::Saved)
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(1)
    }
}

/// Shows how often it was used.
impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (loads, saves) = self.accesses();
        f.debug_struct("Register")
            .field("loads", &loads)
            .field("saves", &saves)
            .finish_non_exhaustive()
    }
}

fn parse(text: &str) -> Result<Snapshot, StoreError> {
    serde_json::from_str(text).map_err(StoreError::new)
}

/// Returns true if a session is open in this snapshot.
pub(crate) fn is_open(snapshot: &Snapshot) -> bool {
    !memory(snapshot)["open"].is_null()
}

/// Returns true if a new password awaits its confirmation in this snapshot.
pub(crate) fn awaits_confirmation(snapshot: &Snapshot) -> bool {
    let memory = memory(snapshot);
    let doubts = memory["guard"]["doubts"].as_array().unwrap();
    doubts
        .iter()
        .any(|doubt| doubt["awaits_confirmation"] == true)
}

/// The memory of a session, as it is saved.
fn memory(snapshot: &Snapshot) -> serde_json::Value {
    let saved = serde_json::to_value(snapshot).unwrap();
    let contents = saved.as_object().unwrap().values().next().unwrap();
    contents["memory"].clone()
}

#[cfg(test)]
mod tests {
    use thingspace_conformance::{Can, Frozen, Opened, Place};
    use thingspace_driver::OnThread;

    use super::*;

    impl Place for Register {
        fn new() -> Self {
            Self::new(ClientsTime::default())
        }

        fn open(&self) -> Opened {
            let on_thread = OnThread::new(self.counted_apart()).unwrap();
            Opened::both(self.counted_apart(), on_thread)
        }

        fn read(&self) -> Option<String> {
            let saved = self.0.saved.lock().unwrap();
            saved.as_ref().map(|(text, _)| text.clone())
        }

        fn write(&self, text: Option<&str>) {
            let now = self.0.time.now();
            *self.0.saved.lock().unwrap() = text.map(|text| (text.to_owned(), now));
        }

        fn let_pass(&self, time: Duration) -> Can<()> {
            self.0.time.pass(time);
            Can::Yes(())
        }

        fn freeze(&self) -> Can<Frozen<'_>> {
            Can::No("nobody holds its lock for long")
        }

        fn wakes(&self) -> Can<()> {
            Can::No("it is looked at every millisecond")
        }
    }

    thingspace_conformance::all!(Register);
}
