//! The store as one process sees it: what is saved, what is refused, and what is
//! left as it is.

#![cfg(test)]

mod drafts;
mod refused;
mod saved;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use tempfile::TempDir;
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Error, Session, SessionBuilder, SharedStep,
    Timestamp, UserCredentials,
    session::{POLL_INTERVAL, Revision, Snapshot, Store},
};
use thingspace_file::FileStore;

/// A file for a session, and its folder. Neither exists at first.
struct Place {
    /// The temporary folder, removed at the end of the test.
    _root: TempDir,
    folder: PathBuf,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("state/thingspace");
        Self {
            file: folder.join("session.json"),
            folder,
            _root: root,
        }
    }

    /// Creates a place whose file holds a session of version 1.
    fn with_session() -> Self {
        let place = Self::new();
        change(&place.store()).unwrap();
        place
    }

    /// Creates a place whose file has this content.
    fn with(contents: &[u8]) -> Self {
        let place = Self::new();
        fs::create_dir_all(&place.folder).unwrap();
        set_mode(&place.folder, 0o700);
        fs::write(&place.file, contents).unwrap();
        set_mode(&place.file, 0o600);
        place
    }

    fn store(&self) -> FileStore {
        FileStore::new(&self.file)
    }

    /// The sorted names of the folder's entries.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// A session of this process, which shares it with others.
fn session() -> Session {
    session_in(Environment::mock())
}

fn session_in(environment: Environment) -> Session {
    seeded(42, environment)
}

fn seeded(seed: u64, environment: Environment) -> Session {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    SessionBuilder::new(Credentials::new(app, user))
        .environment(environment)
        .shared(POLL_INTERVAL)
        .seed(seed)
        .build()
        .unwrap()
}

/// The time by the clock of this process, which is nobody else's.
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A snapshot of a session that was never saved.
fn snapshot() -> Snapshot {
    session().snapshot(NOW)
}

/// Brings the session and the store to know the same.
fn sync(session: &mut Session, store: &dyn Store) -> Result<(), Error> {
    // What fails is not retried in a time that stands still.
    let mut call = Call::sync().with_deadline(NOW + POLL_INTERVAL);
    loop {
        match call.step_shared(session, NOW) {
            SharedStep::Load => call.loaded(session, NOW, store.load()),
            SharedStep::Save { seen, snapshot } => {
                call.saved(session, NOW, store.save(seen, &snapshot));
            }
            SharedStep::Done(result) => return result?.into_synced(),
            step => panic!("{step:?}"),
        }
    }
}

/// Changes the session in the store, as one more process. Returns its new version.
fn change(store: &dyn Store) -> Result<u64, String> {
    static PROCESSES: AtomicU64 = AtomicU64::new(0);
    let seed = PROCESSES.fetch_add(1, Ordering::Relaxed);
    let mut session = seeded(seed, Environment::mock());
    session.unblock();
    sync(&mut session, store).map_err(|error| chain(&error))?;
    Ok(saved(store).version)
}

/// The revision that the store has.
fn saved(store: &dyn Store) -> Revision {
    store.load().unwrap().unwrap().snapshot.revision()
}

/// The messages of an error and of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
