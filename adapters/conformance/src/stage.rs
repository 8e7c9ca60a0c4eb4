//! The stage that all laws play on: a place, and the processes that share it.

use std::{
    cell::Cell,
    error::Error,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use futures_lite::future::block_on;
use thingspace_core::{
    StoreError,
    session::{Loaded, Revision, Saved, Snapshot},
};

use crate::{
    place::{Face, Opened, Place},
    snapshots::{SECRET, next},
};

/// The time that anything may take that is not late yet: no law rests on a machine that is
/// fast.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A place, and the kind of store that its processes have.
pub(crate) struct Stage<P> {
    pub(crate) place: Arc<P>,
    face: usize,
}

/// A process: a store of its own on the place.
pub(crate) struct Process<P> {
    place: Arc<P>,
    face: Face,
}

impl<P> Clone for Process<P> {
    fn clone(&self) -> Self {
        Self {
            place: Arc::clone(&self.place),
            face: self.face.clone(),
        }
    }
}

impl<P: Place> Stage<P> {
    /// Checks a law on a new place for each kind of store that there is.
    pub(crate) fn each(law: impl Fn(&Self)) {
        let Opened(faces) = P::new().open();
        for face in 0..faces.len() {
            let place = Arc::new(P::new());
            law(&Self { place, face });
        }
    }

    /// Starts one more process.
    pub(crate) fn process(&self) -> Process<P> {
        let Opened(mut faces) = self.place.open();
        Process {
            place: Arc::clone(&self.place),
            face: faces.swap_remove(self.face),
        }
    }

    /// Starts one more process for each kind of store that there is.
    pub(crate) fn processes(&self) -> Vec<Process<P>> {
        let Opened(faces) = self.place.open();
        let process = |face| Process {
            place: Arc::clone(&self.place),
            face,
        };
        faces.into_iter().map(process).collect()
    }

    /// The text that is saved.
    pub(crate) fn text(&self) -> String {
        self.place.read().expect("something is saved")
    }
}

impl<P: Place> Process<P> {
    pub(crate) fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let _entered = self.place.enter();
        without_secrets(block_on(self.face.store.load()))
    }

    pub(crate) fn save(
        &self,
        seen: Option<Revision>,
        snapshot: &Snapshot,
    ) -> Result<Saved, StoreError> {
        let _entered = self.place.enter();
        without_secrets(block_on(self.face.store.save(seen, snapshot)))
    }

    /// Loads what is there, if anything is.
    #[track_caller]
    pub(crate) fn find(&self) -> Option<Loaded> {
        match self.load() {
            Ok(found) => found,
            Err(error) => panic!("nothing could be loaded: {}", chain(&error)),
        }
    }

    /// Loads the snapshot that is there.
    #[track_caller]
    pub(crate) fn saved(&self) -> Snapshot {
        self.find().expect("something is saved").snapshot
    }

    /// The revision of what is saved.
    #[track_caller]
    pub(crate) fn revision(&self) -> Option<Revision> {
        self.find().map(|found| found.snapshot.revision())
    }

    /// Asserts that a save of somebody who has seen this takes place.
    #[track_caller]
    pub(crate) fn takes(&self, seen: Option<Revision>, snapshot: &Snapshot) {
        match self.save(seen, snapshot) {
            Ok(Saved::Saved) => {}
            Ok(Saved::Conflict) => panic!("a save that has seen what is saved is a conflict"),
            Err(error) => panic!("nothing could be saved: {}", chain(&error)),
        }
    }

    /// Asserts that a save of somebody who has seen this is a conflict.
    #[track_caller]
    pub(crate) fn refuses(&self, seen: Option<Revision>, snapshot: &Snapshot) {
        match self.save(seen, snapshot) {
            Ok(Saved::Conflict) => {}
            Ok(Saved::Saved) => panic!("a save that has seen {seen:?} takes place"),
            Err(error) => panic!("a conflict is an error: {}", chain(&error)),
        }
    }

    /// Changes what is saved.
    #[track_caller]
    pub(crate) fn change(&self) -> Snapshot {
        let seen = self.revision();
        let next = next(seen);
        self.takes(seen, &next);
        next
    }

    /// Changes what is saved as soon as the store works: whatever has broken off before may
    /// still be on its way.
    #[track_caller]
    pub(crate) fn change_in_the_end(&self) -> Snapshot {
        let mut changed = None;
        until("the store works again", || {
            let Ok(found) = self.load() else {
                return false;
            };
            let seen = found.map(|found| found.snapshot.revision());
            let next = next(seen);
            let is_saved = matches!(self.save(seen, &next), Ok(Saved::Saved));
            changed = is_saved.then_some(next);
            is_saved
        });
        changed.expect("it was changed")
    }

    pub(crate) const fn face(&self) -> &Face {
        &self.face
    }

    pub(crate) const fn place(&self) -> &Arc<P> {
        &self.place
    }
}

thread_local! {
    /// The time that the laws of this thread wait for something that must happen.
    static PATIENCE_HERE: Cell<Duration> = const { Cell::new(PATIENCE) };
}

/// Lets the laws of this thread wait no longer than this for something that must happen:
/// for tests of stores that are known to be broken.
#[doc(hidden)]
pub fn set_patience(patience: Duration) {
    PATIENCE_HERE.set(patience);
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < PATIENCE_HERE.get(),
            "never happens: {what}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// Says why a law has nothing to check.
pub(crate) fn nothing_to_check(why: &str) {
    println!("nothing to check: {why}");
}

/// Asserts that an error shows nothing that is secret.
#[track_caller]
fn without_secrets<T>(result: Result<T, StoreError>) -> Result<T, StoreError> {
    if let Err(error) = &result {
        assert_shows_no_secret(&format!("{error:?} {}", chain(error)));
    }
    result
}

/// Asserts that a text shows nothing that is secret. Does not repeat it.
#[track_caller]
pub(crate) fn assert_shows_no_secret(text: &str) {
    assert!(!text.contains(SECRET), "a secret is shown");
}

/// The messages of an error and of its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
