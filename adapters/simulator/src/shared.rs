//! What the connections of a server, and the delivery of its callbacks, share with it.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use thingspace_core::Timestamp;
use tokio::sync::Notify;

use crate::tracker::{ConnectionTracker, TrackedConnection};
use crate::{Reply, Simulator};

/// The state that the connections share with the server.
pub(crate) struct Shared {
    simulator: Mutex<Simulator>,
    /// The time by which the service's clock is ahead of the system's.
    ahead: Mutex<Duration>,
    tracker: Mutex<ConnectionTracker>,
    /// Wakes the delivery of callbacks.
    change: Notify,
    log: Log,
}

/// Takes note of a request and its reply.
pub(crate) type Log = Box<dyn Fn(&Request<Bytes>, &Reply) + Send + Sync>;

impl Shared {
    pub(crate) fn new(simulator: Simulator, log: Log) -> Self {
        Self {
            simulator: Mutex::new(simulator),
            ahead: Mutex::default(),
            tracker: Mutex::default(),
            change: Notify::new(),
            log,
        }
    }

    /// Locks the simulator. A test that panicked inside `with` must not stop the
    /// others, so a poisoned lock is used all the same.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Simulator) -> R) -> R {
        let mut simulator = self
            .simulator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        act(&mut simulator)
    }

    /// The same for what may make callbacks due.
    pub(crate) fn change<R>(&self, act: impl FnOnce(&mut Simulator) -> R) -> R {
        let result = self.with(act);
        self.change.notify_one();
        result
    }

    /// Moves the service's clock forward.
    pub(crate) fn advance(&self, time: Duration) {
        {
            let mut ahead = self.ahead();
            *ahead = ahead.saturating_add(time);
        }
        self.change.notify_one();
    }

    /// Closes every connection as soon as it is idle, and waits for that.
    pub(crate) fn close_idle(&self) {
        let tracker = mem::take(&mut *self.tracker());
        tracker.close_all();
    }

    /// Gives a request to the simulator, and reports its reply.
    pub(crate) fn respond(&self, request: &Request<Bytes>) -> Reply {
        let now = self.now();
        let (reply, is_waiting) = self.with(|simulator| {
            let reply = simulator.respond(now, request);
            (reply, simulator.next_event().is_some())
        });
        if is_waiting {
            self.change.notify_one();
        }
        (self.log)(request, &reply);
        reply
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now()) + *self.ahead()
    }

    /// Waits until callbacks may have become due.
    pub(crate) async fn changed(&self) {
        self.change.notified().await;
    }

    pub(crate) fn track_connection(&self) -> TrackedConnection {
        self.tracker().track()
    }

    fn ahead(&self) -> MutexGuard<'_, Duration> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tracker(&self) -> MutexGuard<'_, ConnectionTracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
