//! The store: a handle of the thread that has the connection.

use std::{fmt, io, sync::Arc, time::Duration};

use futures_lite::future::block_on;
use thingspace_core::{
    StoreError,
    session::{AsyncStore, Loaded, Revision, Saved, Snapshot, Store, StoreFuture, Watcher},
};
use tokio::{
    sync::{
        mpsc::{UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::Instant,
};

use crate::{
    Changes, Limits, Problem, Record, RemoteError, Save, Server,
    server::text_of,
    worker::{self, Asked, Job},
};

/// A store on a [`Server`]. It blocks or is awaited, with any runtime or none.
///
/// All clones are one store, with one thread and one connection at most. The thread ends
/// when the last clone is dropped.
#[derive(Clone)]
pub struct RemoteStore {
    server: Arc<str>,
    jobs: UnboundedSender<Job>,
    changes: Changes,
    poll: Duration,
}

impl RemoteStore {
    /// Creates a store on this server. It connects when it is first used.
    ///
    /// Fails if the system gives no thread.
    pub fn new<S: Server>(server: S, limits: Limits) -> io::Result<Self> {
        let (jobs, asked) = unbounded_channel();
        let store = Self {
            server: server.name().into(),
            jobs,
            changes: Changes::default(),
            poll: limits.poll,
        };
        worker::start(server, store.changes.clone(), limits, asked)?;
        Ok(store)
    }

    /// The server's name, without a password.
    pub fn server(&self) -> &str {
        &self.server
    }

    async fn find(&self) -> Result<Option<Loaded>, RemoteError> {
        let record = self.ask(Job::Load).await?;
        let loaded = record.map(Record::read).transpose();
        loaded.map_err(|error| self.error(Problem::NoSession(error)))
    }

    async fn replace(
        &self,
        seen: Option<Revision>,
        snapshot: &Snapshot,
    ) -> Result<Saved, RemoteError> {
        let save = Save {
            seen: seen.map(text_of),
            revision: text_of(snapshot.revision()),
            snapshot: snapshot
                .to_json()
                .map_err(|error| self.error(Problem::NoSession(error.into())))?,
        };
        self.ask(|asked| Job::Save(save, asked)).await
    }

    /// Asks the thread for an access, and waits for its end.
    async fn ask<T>(&self, job: impl FnOnce(Asked<T>) -> Job) -> Result<T, RemoteError> {
        let (reply, result) = oneshot::channel();
        let at = Instant::now();
        let is_asked = self.jobs.send(job(Asked { at, reply }));
        let result = match is_asked {
            Ok(()) => result.await.unwrap_or(Err(Problem::Ended)),
            Err(_) => Err(Problem::Ended),
        };
        result.map_err(|problem| self.error(problem))
    }

    fn error(&self, problem: Problem) -> RemoteError {
        RemoteError::new(Arc::clone(&self.server), problem)
    }
}

impl Record {
    /// Reads the snapshot. Fails if it is none, or not of its revision.
    fn read(self) -> Result<Loaded, crate::BoxError> {
        let snapshot: Snapshot = serde_json::from_str(&self.snapshot)?;
        if text_of(snapshot.revision()) != self.revision {
            return Err("its revision is not the one that it is saved under".into());
        }
        Ok(Loaded {
            snapshot,
            age: self.age,
        })
    }
}

impl Store for RemoteStore {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        Ok(block_on(self.find())?)
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        Ok(block_on(self.replace(seen, snapshot))?)
    }

    fn poll_interval(&self) -> Duration {
        self.poll
    }

    fn watch(&self, watcher: Watcher) {
        self.changes.watch(watcher);
    }
}

impl AsyncStore for RemoteStore {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(async { Ok(self.find().await?) })
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(async move { Ok(self.replace(seen, snapshot).await?) })
    }

    fn poll_interval(&self) -> Duration {
        self.poll
    }

    fn watch(&self, watcher: Watcher) {
        self.changes.watch(watcher);
    }
}

/// Shows the server.
impl fmt::Debug for RemoteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteStore").field(&self.server).finish()
    }
}
