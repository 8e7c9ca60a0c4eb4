//! How long to wait, and what is worth waiting for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::Timestamp;

/// The longest that a session keeps all its calls from fetching tokens or logging
/// in because the service asked for it: a longer `Retry-After` is taken for a
/// mistake, and the service asked again after this time (our choice).
pub const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// A stretch of time that survives a clock that is set back: it never lasts
/// longer than it was meant to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    from: Timestamp,
    millis: u64,
}

impl Span {
    pub(super) fn new(from: Timestamp, length: Duration) -> Self {
        Self {
            from,
            millis: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn end(&self) -> Timestamp {
        self.from + Duration::from_millis(self.millis)
    }

    /// When it ends, if it has not.
    pub(super) fn rest(&self, now: Timestamp) -> Option<Timestamp> {
        (now < self.end()).then(|| self.end())
    }

    /// Starts anew if `now` is before its start; says whether it did.
    pub(super) fn rebase(&mut self, now: Timestamp) -> bool {
        let set_back = now < self.from;
        if set_back {
            self.from = now;
        }
        set_back
    }
}

/// Where jitter comes from: the caller's seed, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The pause after the `failures`-th failure in a row (from 1): doubled with
    /// each, bounded, and somewhere in its upper half, so that many clients that
    /// failed together do not come back together.
    pub(super) fn backoff(&mut self, settings: &Settings, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let full = settings
            .first_backoff
            .saturating_mul(1 << doublings)
            .min(settings.longest_backoff);
        let half = full / 2;
        half + self.up_to(full.saturating_sub(half))
    }

    /// Something between nothing and `longest`.
    pub(super) fn up_to(&mut self, longest: Duration) -> Duration {
        let mut random = fastrand::Rng::with_seed(self.0);
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let chosen = random.u64(0..=millis);
        self.0 = random.get_seed();
        Duration::from_millis(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_vary_in_their_upper_half() {
        let settings = Settings::default();
        let mut jitter = Jitter::new(7);
        for (failures, full) in [
            (1, 500),
            (2, 1000),
            (3, 2000),
            (7, 30_000),
            (u32::MAX, 30_000),
        ] {
            let mut seen = Vec::new();
            for _ in 0..50 {
                let pause = jitter.backoff(&settings, failures).as_millis();
                assert!((full / 2..=full).contains(&pause), "{failures}: {pause}");
                seen.push(pause);
            }
            seen.dedup();
            assert!(seen.len() > 25, "{failures}: {seen:?}");
        }
    }

    #[test]
    fn law_11_the_same_seed_gives_the_same_pauses() {
        let pauses = |seed| {
            let mut jitter = Jitter::new(seed);
            [1, 2, 3].map(|n| jitter.backoff(&Settings::default(), n))
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }

    #[test]
    fn a_clock_set_back_does_not_prolong_a_span() {
        let start = Timestamp::from_millis(1_000_000);
        let mut span = Span::new(start, Duration::from_secs(1));
        let back = Timestamp::from_millis(5);
        assert!(span.rebase(back));
        assert_eq!(span.rest(back), Some(back + Duration::from_secs(1)));
        assert!(!span.rebase(back + Duration::from_millis(1)));
        assert_eq!(span.rest(back + Duration::from_secs(1)), None);
    }
}
