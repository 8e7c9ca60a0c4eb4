//! The laws that every store keeps, around another store.

#![cfg(test)]
#![cfg(unix)]

use std::time::Duration;

use tempfile::TempDir;
use thingspace_conformance::{Can, Frozen, Opened, Place, SavedFile};
use thingspace_driver::OnThread;
use thingspace_file::{FileStore, Lock};
use thingspace_sealed::{Sealed, SealingKey};

/// The longest that a save waits for the lock: of a machine that may be slow.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// A file that is sealed, in a folder of its own.
struct SealedFile {
    /// Removed at the end of the test.
    _root: TempDir,
    file: SavedFile,
}

impl SealedFile {
    fn store(&self) -> FileStore {
        FileStore::new(self.file.path()).lock_timeout(LOCK_TIMEOUT)
    }
}

fn key() -> SealingKey {
    SealingKey::from(&[7; 32])
}

impl Place for SealedFile {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self {
            file: SavedFile::below(root.path()),
            _root: root,
        }
    }

    fn open(&self) -> Opened {
        let awaited = OnThread::new(self.store()).unwrap();
        Opened::both(
            Sealed::new(self.store(), key()),
            Sealed::new(awaited, key()),
        )
    }

    fn read(&self) -> Option<String> {
        self.file.read()
    }

    fn write(&self, text: Option<&str>) {
        self.file.write(text);
    }

    fn let_pass(&self, time: Duration) -> Can<()> {
        self.file.let_pass(time)
    }

    fn freeze(&self) -> Can<Frozen<'_>> {
        let lock = Lock::wait(
            &self.file.path().with_extension("json.lock"),
            Duration::from_secs(60),
        );
        Can::Yes(Frozen::saves(LOCK_TIMEOUT, lock.unwrap()))
    }

    fn wakes(&self) -> Can<()> {
        Can::No("nobody tells a process that a file was written")
    }
}

thingspace_conformance::all!(SealedFile);
