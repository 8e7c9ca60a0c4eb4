//! The time of a stage's clients, and an observer that lets it pass.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use thingspace_core::{
    Timestamp,
    session::{Observer, Wait, WaitReason},
};

/// The time of a stage's clients, for observers that take their time.
#[derive(Clone, Default)]
pub struct ClientsTime(
    /// The lead of the clients' clock over the system's, in milliseconds.
    Arc<AtomicU64>,
);

impl ClientsTime {
    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        let ahead = Duration::from_millis(self.0.load(Ordering::Relaxed));
        Timestamp::from(SystemTime::now()) + ahead
    }

    /// Advances the clients' time to this one, if it has not come yet.
    fn pass_until(&self, at: Timestamp) {
        let ahead = at.since(SystemTime::now().into());
        let millis = u64::try_from(ahead.as_millis()).unwrap();
        self.0.fetch_max(millis, Ordering::Relaxed);
    }

    /// Advances the clients' time, but not the service's.
    pub fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

/// An observer that lets the clients' time pass when they back off for longer.
pub struct Impatience(pub(crate) ClientsTime);

impl Observer for Impatience {
    fn waiting(&self, wait: &Wait) {
        let rest = wait.until.since(self.0.now());
        if wait.reason == WaitReason::Backoff && rest > Duration::from_millis(100) {
            self.0.pass_until(wait.until);
        }
    }
}
