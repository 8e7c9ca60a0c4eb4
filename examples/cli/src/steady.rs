//! The store for a password reset: a file that can't be read any more does not end
//! the wait for a reset that was sent.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use thingspace_file::FileStore;
use thingspace_ureq::core::{
    StoreError,
    session::{Saved, Snapshot, Store},
};

/// The store of a session's file that loads what was there before, if the file can't
/// be read any more.
///
/// A call that waits looks at the store now and then, and ends if that fails. A reset
/// is not to end so: its response brings the only copy of the new password. Nothing
/// more is sent because of it, since what is to be sent must be saved first, and the
/// file takes that only in place of what was loaded from it.
pub(crate) struct SteadyStore {
    file: FileStore,
    last: Mutex<Option<Snapshot>>,
}

impl SteadyStore {
    pub(crate) const fn new(file: FileStore) -> Self {
        Self {
            file,
            last: Mutex::new(None),
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Snapshot>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for SteadyStore {
    fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        let mut last = self.last();
        match (self.file.load(), &*last) {
            (Ok(Some(loaded)), _) => {
                *last = Some(loaded.clone());
                Ok(Some(loaded))
            }
            (Err(_), Some(last)) => Ok(Some(last.clone())),
            (loaded, _) => loaded,
        }
    }

    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        let saved = self.file.save(seen, snapshot)?;
        if saved == Saved::Saved {
            *self.last() = Some(snapshot.clone());
        }
        Ok(saved)
    }

    fn poll_interval(&self) -> Duration {
        self.file.poll_interval()
    }
}
