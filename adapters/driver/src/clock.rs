//! The clock: a time that never runs backwards.
//!
//! A system's clock may be set back or forward at any moment. The machine holds
//! whatever it is told, but a deadline that moves away is of no use to anybody.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Instant, SystemTime},
};

use thingspace_core::Timestamp;

/// A clock of one's own.
pub(crate) type OwnClock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock that never runs backwards.
pub(crate) struct Clock {
    source: Source,
    /// The latest time that it has told, in milliseconds.
    latest: AtomicU64,
}

enum Source {
    /// The system's, from which it follows every step forward, as after a sleep of
    /// the machine. While the system's clock is behind, it goes on at the pace of
    /// the monotonic one.
    System {
        started: Instant,
        started_at: Timestamp,
        /// The steps forward of the system's clock since then, in milliseconds.
        ahead: AtomicU64,
    },
    /// One of the caller's own.
    Own(OwnClock),
}

impl Clock {
    pub(crate) fn new(own: Option<OwnClock>) -> Self {
        Self {
            source: own.map_or_else(
                || Source::System {
                    started: Instant::now(),
                    started_at: SystemTime::now().into(),
                    ahead: AtomicU64::new(0),
                },
                Source::Own,
            ),
            latest: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let now = match &self.source {
            Source::System {
                started,
                started_at,
                ahead,
            } => forward(
                *started_at + started.elapsed(),
                ahead,
                SystemTime::now().into(),
            ),
            Source::Own(clock) => clock(),
        };
        let latest = self.latest.fetch_max(now.as_millis(), Ordering::Relaxed);
        now.max(Timestamp::from_millis(latest))
    }

    /// The time that was read some time ago, or the latest one that was told since.
    pub(crate) fn caught_up(&self, then: Timestamp) -> Timestamp {
        then.max(Timestamp::from_millis(self.latest.load(Ordering::Relaxed)))
    }
}

/// Returns the time by a monotonic clock that follows the system's steps forward.
fn forward(monotonic: Timestamp, ahead: &AtomicU64, system: Timestamp) -> Timestamp {
    let step = system.as_millis().saturating_sub(monotonic.as_millis());
    let known = ahead.load(Ordering::Relaxed);
    let ahead = if step > known {
        ahead.fetch_max(step, Ordering::Relaxed).max(step)
    } else {
        known
    };
    Timestamp::from_millis(monotonic.as_millis().saturating_add(ahead))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_clock_follows_the_system_forward_and_never_back() {
        let ahead = AtomicU64::new(0);
        for (monotonic, system, now) in [
            (1_000, 1_000, 1_000),
            // Set forward by a minute, as after a sleep.
            (1_010, 61_010, 61_010),
            // Set back by a day: it goes on.
            (1_020, 0, 61_020),
            (2_020, 1_000, 62_020),
            // Ahead again.
            (2_030, 100_000, 100_000),
        ] {
            assert_eq!(forward(at(monotonic), &ahead, at(system)), at(now));
        }
    }

    #[test]
    fn a_clock_of_ones_own_stands_still_while_it_runs_backwards() {
        let times = AtomicU64::new(0);
        let clock = Clock::new(Some(Box::new(move || {
            at([5, 3, 4, 6][usize::try_from(times.fetch_add(1, Ordering::Relaxed)).unwrap()])
        })));
        assert_eq!([(); 4].map(|()| clock.now()), [at(5), at(5), at(5), at(6)]);
    }
}
