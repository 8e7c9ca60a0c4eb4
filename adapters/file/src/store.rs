//! The store: one file, always replaced as a whole, and only by a process that has
//! seen its current content (compare-and-swap).

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use thingspace_core::{
    StoreError,
    session::{Loaded, Revision, Saved, Snapshot, Store},
};

use crate::{Draft, FileError, Lock, error::Problem, folder, lock, private::read_plain};

/// The largest allowed size of a session's file in bytes. No session needs so much.
pub const MAX_STATE: usize = 128 * 1024;

/// The time for which a save waits for the lock, unless it is told otherwise.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// A [`Store`] that saves a session as JSON in a file, for all processes of one
/// machine.
///
/// The file has mode 0600, and its folder has mode 0700. Anything else at its path
/// is refused and left as it is. The file and the folder are created by the first
/// save.
///
/// A session is as old as the file system says: its file's time is compared with that
/// of the lock, which each load touches. So the folder must be writable.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
    lock: PathBuf,
    lock_timeout: Duration,
}

impl FileStore {
    /// Creates a store for the file at `path`. Beside the file there will be a lock,
    /// whose name ends in `.lock`, and during a save a [draft](Draft), whose name
    /// ends in `.new`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let lock = folder::beside(&path, ".lock");
        Self {
            path,
            lock,
            lock_timeout: LOCK_TIMEOUT,
        }
    }

    /// Sets the time for which a save waits for other processes that save; five seconds
    /// by default. Then it fails: nothing is saved, and a process that was stopped in the
    /// middle of a save stops nobody else.
    #[must_use]
    pub fn lock_timeout(self, timeout: Duration) -> Self {
        Self {
            lock_timeout: timeout,
            ..self
        }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Loads the session, with its age by the clock of the file system.
    fn find(&self) -> Result<Option<Loaded>, FileError> {
        let Some((snapshot, saved)) = self.read()? else {
            return Ok(None);
        };
        // A clock that was set back since makes nothing younger than new.
        let age = lock::now(&self.lock)?.duration_since(saved);
        Ok(Some(Loaded {
            snapshot,
            age: age.unwrap_or_default(),
        }))
    }

    /// Reads the session, and the time at which it was saved.
    fn read(&self) -> Result<Option<(Snapshot, SystemTime)>, FileError> {
        if !folder::check(folder::of(&self.path))? {
            return Ok(None);
        }
        let Some(file) = read_plain(&self.path, MAX_STATE)? else {
            return Ok(None);
        };
        let snapshot = serde_json::from_slice(&file.contents)
            .map_err(|error| FileError::new(&self.path, Problem::NoSession(error)))?;
        Ok(Some((snapshot, file.modified)))
    }

    fn replace(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, FileError> {
        // Held only while files are read and written.
        let _lock = Lock::wait(&self.lock, self.lock_timeout)?;
        if self.read()?.map(|(saved, _)| saved.revision()) != seen {
            return Ok(Saved::Conflict);
        }
        let refuse = |problem| FileError::new(&self.path, problem);
        let text = snapshot.to_json();
        let text = text.map_err(|error| refuse(Problem::NoSession(error)))?;
        if text.len() > MAX_STATE {
            let limit = MAX_STATE;
            return Err(refuse(Problem::TooLarge { limit }));
        }
        let mut draft = Draft::begin(&self.path)?;
        draft.fill(text.as_bytes())?;
        draft.publish()?;
        Ok(Saved::Saved)
    }
}

impl Store for FileStore {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        Ok(self.find()?)
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        Ok(self.replace(seen, snapshot)?)
    }
}
