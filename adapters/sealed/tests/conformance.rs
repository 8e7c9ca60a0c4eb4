//! The laws that every store keeps, around another store.

#![cfg(test)]
#![cfg(unix)]

use std::{
    fs::{self, DirBuilder, File},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
    time::Duration,
};

use tempfile::TempDir;
use thingspace_conformance::{Can, Frozen, Opened, Place};
use thingspace_driver::OnThread;
use thingspace_file::{FileStore, Lock};
use thingspace_sealed::{Sealed, SealingKey};

/// The longest that a save waits for the lock: of a machine that may be slow.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// A file that is sealed, in a folder of its own.
struct SealedFile {
    /// Removed at the end of the test.
    _root: TempDir,
    folder: PathBuf,
    file: PathBuf,
}

impl SealedFile {
    fn store(&self) -> FileStore {
        FileStore::new(&self.file).lock_timeout(LOCK_TIMEOUT)
    }
}

fn key() -> SealingKey {
    SealingKey::from(&[7; 32])
}

impl Place for SealedFile {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("state");
        Self {
            file: folder.join("session.json"),
            folder,
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
        fs::read_to_string(&self.file).ok()
    }

    fn write(&self, text: Option<&str>) {
        fs::remove_file(&self.file).ok();
        let Some(text) = text else {
            return;
        };
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        made.unwrap();
        let file = File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&self.file);
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn let_pass(&self, time: Duration) -> Can<()> {
        let file = File::options().append(true).open(&self.file).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(modified - time).unwrap();
        Can::Yes(())
    }

    fn freeze(&self) -> Can<Frozen<'_>> {
        let lock = Lock::wait(
            &self.folder.join("session.json.lock"),
            Duration::from_secs(60),
        );
        Can::Yes(Frozen::saves(LOCK_TIMEOUT, lock.unwrap()))
    }

    fn wakes(&self) -> Can<()> {
        Can::No("nobody tells a process that a file was written")
    }
}

thingspace_conformance::all!(SealedFile);
