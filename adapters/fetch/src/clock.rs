//! The clock: a time that never runs backwards.

use std::time::Duration;

use thingspace_core::Timestamp;

/// A clock that never runs backwards.
///
/// It follows every step forward of the system's clock, as after a sleep of the machine.
/// While the system's clock is behind, it goes on at the pace of the steady one. A host
/// without a steady clock stands still meanwhile.
#[derive(Default)]
pub(crate) struct Clock {
    /// The times of both clocks, in milliseconds, when the first input came.
    started: Option<(u64, u64)>,
    /// The steps forward of the system's clock since then, in milliseconds.
    ahead: u64,
    latest: Timestamp,
}

impl Clock {
    /// Takes the time of both clocks, in milliseconds. Returns the time.
    pub(crate) fn now(&mut self, system: u64, steady: Option<u64>) -> Timestamp {
        let now = match steady {
            Some(steady) => self.forward(system, steady),
            None => Timestamp::from_millis(system),
        };
        self.latest = self.latest.max(now);
        self.latest
    }

    fn forward(&mut self, system: u64, steady: u64) -> Timestamp {
        let (started_at, started) = *self.started.get_or_insert((system, steady));
        let elapsed = steady.saturating_sub(started);
        let regular = started_at.saturating_add(elapsed);
        self.ahead = self.ahead.max(system.saturating_sub(regular));
        Timestamp::from_millis(started_at) + Duration::from_millis(elapsed + self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_follows_the_system_forward_and_never_back() {
        let mut clock = Clock::default();
        for (steady, system, now) in [
            (0, 1_000, 1_000),
            // Set forward by a minute, as after a sleep.
            (10, 61_010, 61_010),
            // Set back by a day: it goes on.
            (20, 0, 61_020),
            (1_020, 1_000, 62_020),
            // Ahead again.
            (1_030, 100_000, 100_000),
        ] {
            let then = clock.now(system, Some(steady));
            assert_eq!(then, Timestamp::from_millis(now));
        }
    }

    #[test]
    fn a_clock_of_ones_own_stands_still_while_it_runs_backwards() {
        let mut clock = Clock::default();
        let times = [5, 3, 4, 6].map(|time| clock.now(time, None).as_millis());
        assert_eq!(times, [5, 5, 5, 6]);
    }
}
