//! The store: one file, replaced as a whole by whoever has seen what it held.

use std::path::{Path, PathBuf};

use thingspace_core::{
    StoreError,
    session::{Saved, Snapshot, Store},
};
use zeroize::Zeroizing;

use crate::{Draft, FileError, Lock, error::Problem, folder, private::read_plain};

/// How many bytes a session's file may hold. More than any session needs.
pub const MAX_STATE: usize = 128 * 1024;

/// A session that the processes of one machine share, kept in a file as JSON.
///
/// The file has mode 0600 and is in a folder of its own with mode 0700; anything
/// else that stands there is refused, and left as it is. Nothing is made until
/// there is something to keep.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
    lock: PathBuf,
}

impl FileStore {
    /// A store in this file. Beside it there will be a lock, whose name ends in
    /// `.lock`, and while something is written a [draft](Draft), in `.new`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let lock = folder::beside(&path, ".lock");
        Self { path, lock }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<Option<Snapshot>, FileError> {
        if !folder::check(folder::of(&self.path))? {
            return Ok(None);
        }
        let Some(text) = read_plain(&self.path, MAX_STATE)? else {
            return Ok(None);
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| FileError::new(&self.path, Problem::NoSession(error)))
    }

    fn replace(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, FileError> {
        // Held while files are read and written, and for nothing else.
        let _lock = Lock::wait(&self.lock)?;
        if self.read()?.as_ref().map(Snapshot::version) != seen {
            return Ok(Saved::Overtaken);
        }
        let refuse = |problem| FileError::new(&self.path, problem);
        let text = serde_json::to_vec(snapshot).map(Zeroizing::new);
        let text = text.map_err(|error| refuse(Problem::NoSession(error)))?;
        if text.len() > MAX_STATE {
            let limit = MAX_STATE;
            return Err(refuse(Problem::TooLarge { limit }));
        }
        let mut draft = Draft::begin(&self.path)?;
        draft.fill(&text)?;
        draft.publish()?;
        Ok(Saved::Kept)
    }
}

impl Store for FileStore {
    fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.read()?)
    }

    fn save(&self, seen: Option<u64>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        Ok(self.replace(seen, snapshot)?)
    }
}
