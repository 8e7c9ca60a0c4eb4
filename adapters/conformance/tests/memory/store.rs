//! A store in memory, and what may be wrong with it.

use std::{
    fmt,
    marker::PhantomData,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_lite::future::yield_now;
use thingspace_conformance::{Can, Frozen, Opened, Place};
use thingspace_core::{
    StoreError,
    session::{
        AsyncStore, Loaded, POLL_INTERVAL, Revision, Saved, Snapshot, Store, StoreFuture, Watcher,
    },
};

/// Something that is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    IgnoresWhatWasSeen,
    IgnoresWhatWasSeenIfAwaited,
    ComparesVersionsAlone,
    SavesForThoseWhoSawMore,
    SavesAtopOfNothing,
    LooksBeforeItLocks,
    TakesConflictsForErrors,
    SaysThatItSaves,
    KeepsWhatItLoaded,
    KeepsWhatWasLost,
    CutsOffWhatIsLong,
    TakesDamageForNothing,
    OverwritesDamage,
    IsAlwaysNew,
    IsAsOldAsThePlace,
    TellsNobody,
    TellsTheFirstAlone,
    IsSeldomLookedAt,
    WaitsForEver,
    NeverWorksAgain,
    BreaksOffHalfway,
    StaysBusyWhenDropped,
    ShowsItsContent,
    ShowsItsContentInErrors,
}

/// The flaw of a store, as a type.
pub(crate) trait Flawed: Send + Sync + 'static {
    const FLAW: Flaw;
}

/// A store without a flaw.
pub(crate) struct Sound;

impl Flawed for Sound {
    const FLAW: Flaw = Flaw::None;
}

/// The longest that an access waits for a place that hangs.
const BOUND: Duration = Duration::from_millis(50);

/// A place in memory.
pub(crate) struct Memory<F>(Arc<Contents>, PhantomData<F>);

struct Contents {
    start: Instant,
    /// The lead of its clock.
    ahead: Mutex<Duration>,
    /// The text, and when it was saved, counted from the start.
    saved: Mutex<Option<(String, Duration)>>,
    watchers: Mutex<Vec<Watcher>>,
    hangs: Mutex<bool>,
    thawed: Condvar,
    is_busy: AtomicBool,
}

impl Contents {
    fn now(&self) -> Duration {
        self.start.elapsed() + *self.ahead.lock().unwrap()
    }

    fn tell(&self, flaw: Flaw) {
        let watchers = self.watchers.lock().unwrap().clone();
        let most = match flaw {
            Flaw::TellsNobody | Flaw::IsSeldomLookedAt => 0,
            Flaw::TellsTheFirstAlone => 1,
            _ => usize::MAX,
        };
        for watcher in watchers.iter().take(most).filter_map(Watcher::upgrade) {
            watcher();
        }
    }
}

impl<F: Flawed> Place for Memory<F> {
    fn new() -> Self {
        let contents = Contents {
            start: Instant::now(),
            ahead: Mutex::default(),
            saved: Mutex::default(),
            watchers: Mutex::default(),
            hangs: Mutex::default(),
            thawed: Condvar::new(),
            is_busy: AtomicBool::new(false),
        };
        Self(Arc::new(contents), PhantomData)
    }

    fn open(&self) -> Opened {
        let store = || Register {
            contents: Arc::clone(&self.0),
            flaw: F::FLAW,
            loaded: Mutex::default(),
            has_failed: AtomicBool::new(false),
        };
        Opened::both(store(), store())
    }

    fn read(&self) -> Option<String> {
        let saved = self.0.saved.lock().unwrap();
        saved.as_ref().map(|(text, _)| text.clone())
    }

    fn write(&self, text: Option<&str>) {
        let now = self.0.now();
        *self.0.saved.lock().unwrap() = text.map(|text| (text.to_owned(), now));
    }

    fn let_pass(&self, time: Duration) -> Can<()> {
        *self.0.ahead.lock().unwrap() += time;
        Can::Yes(())
    }

    fn freeze(&self) -> Can<Frozen<'_>> {
        *self.0.hangs.lock().unwrap() = true;
        Can::Yes(Frozen::all(BOUND, Thaw(&self.0)))
    }

    fn wakes(&self) -> Can<()> {
        match F::FLAW {
            Flaw::IsSeldomLookedAt => Can::No("it tells nobody"),
            _ => Can::Yes(()),
        }
    }
}

/// Thaws a place when it is dropped.
struct Thaw<'a>(&'a Contents);

impl Drop for Thaw<'_> {
    fn drop(&mut self) {
        *self.0.hangs.lock().unwrap() = false;
        self.0.thawed.notify_all();
    }
}

/// A store on such a place.
struct Register {
    contents: Arc<Contents>,
    flaw: Flaw,
    /// What was loaded last.
    loaded: Mutex<Option<Loaded>>,
    has_failed: AtomicBool,
}

impl Register {
    /// Waits while the place hangs.
    fn reach(&self) -> Result<(), StoreError> {
        if self.flaw == Flaw::NeverWorksAgain && self.has_failed.load(Ordering::SeqCst) {
            return Err(StoreError::new("it was down"));
        }
        let bound = match self.flaw {
            Flaw::WaitsForEver => Duration::MAX,
            _ => BOUND,
        };
        let hangs = self.contents.hangs.lock().unwrap();
        let thawed = self
            .contents
            .thawed
            .wait_timeout_while(hangs, bound, |hangs| *hangs);
        if thawed.unwrap().1.timed_out() {
            self.has_failed.store(true, Ordering::SeqCst);
            return Err(StoreError::new("it hangs"));
        }
        Ok(())
    }

    /// Reads what is saved.
    fn parse(&self, text: &str) -> Result<Option<Snapshot>, StoreError> {
        match serde_json::from_str(text) {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(_) if self.flaw == Flaw::TakesDamageForNothing => Ok(None),
            Err(_) if self.flaw == Flaw::ShowsItsContentInErrors => Err(StoreError::new(text)),
            Err(error) => Err(StoreError::new(error)),
        }
    }

    fn find(&self) -> Result<Option<Loaded>, StoreError> {
        self.reach()?;
        let mut last = self.loaded.lock().unwrap();
        let saved = self.contents.saved.lock().unwrap().clone();
        if last.is_some() && self.flaw == Flaw::KeepsWhatItLoaded {
            return Ok(last.clone());
        }
        let Some((text, at)) = saved else {
            return Ok(last.clone().filter(|_| self.flaw == Flaw::KeepsWhatWasLost));
        };
        let now = self.contents.now();
        let age = match self.flaw {
            Flaw::IsAlwaysNew => Duration::ZERO,
            Flaw::IsAsOldAsThePlace => now,
            _ => now.saturating_sub(at),
        };
        let loaded = self.parse(&text)?.map(|snapshot| Loaded { snapshot, age });
        last.clone_from(&loaded);
        Ok(loaded)
    }

    /// Returns true if what is there is what was seen.
    fn is_seen(&self, seen: Option<Revision>, there: Option<&str>) -> Result<bool, StoreError> {
        let there = match there.map(|there| self.parse(there)) {
            Some(Err(_)) if self.flaw == Flaw::OverwritesDamage => return Ok(true),
            Some(there) => there?.map(|there| there.revision()),
            None => None,
        };
        let version = |revision: Option<Revision>| revision.map(|revision| revision.version);
        Ok(match self.flaw {
            Flaw::IgnoresWhatWasSeen => true,
            Flaw::ComparesVersionsAlone => version(seen) == version(there),
            Flaw::SavesForThoseWhoSawMore => {
                seen == there || (there.is_some() && version(seen) > version(there))
            }
            Flaw::SavesAtopOfNothing => there.is_none() || seen == there,
            _ => seen == there,
        })
    }

    fn replace(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.reach()?;
        let mut text = serde_json::to_string(snapshot).unwrap();
        if self.flaw == Flaw::CutsOffWhatIsLong {
            text.truncate(1 << 15);
        }
        let mut saved = self.contents.saved.lock().unwrap();
        let is_seen = self.is_seen(seen, saved.as_ref().map(|(text, _)| &**text))?;
        if self.flaw == Flaw::LooksBeforeItLocks {
            drop(saved);
            thread::sleep(Duration::from_millis(1));
            saved = self.contents.saved.lock().unwrap();
        }
        if !is_seen && self.flaw == Flaw::TakesConflictsForErrors {
            return Err(StoreError::new("somebody else was faster"));
        }
        if !is_seen {
            return Ok(Saved::Conflict);
        }
        if self.flaw != Flaw::SaysThatItSaves {
            *saved = Some((text, self.contents.now()));
        }
        drop(saved);
        self.contents.tell(self.flaw);
        Ok(Saved::Saved)
    }
}

impl Store for Register {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.find()
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        self.replace(seen, snapshot)
    }

    fn poll_interval(&self) -> Duration {
        match self.flaw {
            Flaw::IsSeldomLookedAt => Duration::from_secs(60),
            _ => POLL_INTERVAL,
        }
    }

    fn watch(&self, watcher: Watcher) {
        self.contents.watchers.lock().unwrap().push(watcher);
    }
}

/// The one that is awaited: it awaits something before each access, and after it.
impl AsyncStore for Register {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(async {
            if self.flaw == Flaw::StaysBusyWhenDropped {
                if self.contents.is_busy.swap(true, Ordering::SeqCst) {
                    return Err(StoreError::new("somebody else is at it"));
                }
                yield_now().await;
                self.contents.is_busy.store(false, Ordering::SeqCst);
            }
            yield_now().await;
            let found = self.find();
            yield_now().await;
            found
        })
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(async move {
            yield_now().await;
            if self.flaw == Flaw::BreaksOffHalfway {
                let whole = self.contents.saved.lock().unwrap().clone();
                if let Some((text, at)) = whole.clone() {
                    let half = text[..text.len() / 2].to_owned();
                    *self.contents.saved.lock().unwrap() = Some((half, at));
                    yield_now().await;
                    *self.contents.saved.lock().unwrap() = whole;
                }
            }
            let seen = match self.flaw {
                Flaw::IgnoresWhatWasSeenIfAwaited => {
                    self.find()?.map(|found| found.snapshot.revision())
                }
                _ => seen,
            };
            let saved = self.replace(seen, snapshot);
            yield_now().await;
            saved
        })
    }

    fn poll_interval(&self) -> Duration {
        Store::poll_interval(self)
    }

    fn watch(&self, watcher: Watcher) {
        Store::watch(self, watcher);
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.flaw == Flaw::ShowsItsContent {
            return f.debug_list().entry(&self.contents.saved).finish();
        }
        f.debug_struct("Register").finish_non_exhaustive()
    }
}
