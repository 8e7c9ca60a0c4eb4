//! The thread of a store: it has the connection, and makes one access after the other.
//!
//! An access belongs to the thread, and not to whoever asked for it. So nobody who gives
//! up breaks off what was begun, and no runtime of the caller's is needed.

use thingspace_core::session::Saved;
use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot},
    time::{Instant, timeout, timeout_at},
};

use crate::{BoxError, Changes, Connection, Limits, Problem, Record, Save, Server};

/// An access that somebody asked for.
pub(crate) enum Job {
    Load(Asked<Option<Record>>),
    Save(Save, Asked<Saved>),
}

/// The end of an access, as it is asked for.
pub(crate) struct Asked<T> {
    pub(crate) at: Instant,
    pub(crate) reply: oneshot::Sender<Result<T, Problem>>,
}

/// The one that makes the accesses.
struct Worker<S: Server> {
    server: S,
    changes: Changes,
    limits: Limits,
    connection: Option<S::Connection>,
}

impl<S: Server> Worker<S> {
    /// Makes accesses until nobody can ask for any more.
    async fn run(mut self, mut jobs: UnboundedReceiver<Job>) {
        loop {
            let job = if self.connection.is_none() {
                jobs.recv().await
            } else if let Ok(job) = timeout(self.limits.idle, jobs.recv()).await {
                job
            } else {
                self.connection = None;
                continue;
            };
            match job {
                None => return,
                Some(Job::Load(asked)) => {
                    let load = async |connection: &mut S::Connection| connection.load().await;
                    self.access(asked, load).await;
                }
                Some(Job::Save(save, asked)) => {
                    self.changes.saving(&save.revision);
                    let save = async |connection: &mut S::Connection| connection.save(&save).await;
                    self.access(asked, save).await;
                }
            }
        }
    }

    /// Makes an access, unless nobody waits for it any more.
    async fn access<T>(
        &mut self,
        asked: Asked<T>,
        access: impl AsyncFn(&mut S::Connection) -> Result<T, BoxError>,
    ) {
        if asked.reply.is_closed() {
            return;
        }
        let limit = self.limits.access;
        let result = match timeout_at(asked.at + limit, self.attempt(asked.at, access)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::TimedOut(limit)),
        };
        if result.is_err() {
            self.connection = None;
        }
        // Whoever asked may have given up.
        let _ = asked.reply.send(result);
    }

    async fn attempt<T>(
        &mut self,
        asked_at: Instant,
        access: impl AsyncFn(&mut S::Connection) -> Result<T, BoxError>,
    ) -> Result<T, Problem> {
        if let Some(connection) = self.connection.as_mut().filter(|one| !one.is_closed()) {
            // It may be dead, which only its use tells: then there is time for another.
            let patience = asked_at + self.limits.access / 2;
            if let Ok(Ok(done)) = timeout_at(patience, access(connection)).await {
                return Ok(done);
            }
        }
        self.connection = None;
        let connected = self.server.connect(self.changes.clone()).await;
        let connection = self
            .connection
            .insert(connected.map_err(Problem::Unreachable)?);
        // Nothing was heard of others while there was no connection.
        self.changes.missed();
        access(connection).await.map_err(Problem::Failed)
    }
}

/// Starts the worker of a server, on a thread of its own.
///
/// Fails if the system gives no thread, or nothing to wait with.
pub(crate) fn start<S: Server>(
    server: S,
    changes: Changes,
    limits: Limits,
    jobs: UnboundedReceiver<Job>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let work = move || {
        let worker = Worker {
            server,
            changes,
            limits,
            connection: None,
        };
        runtime.block_on(worker.run(jobs));
    };
    std::thread::Builder::new()
        .name("thingspace-store".to_owned())
        .spawn(work)?;
    Ok(())
}
