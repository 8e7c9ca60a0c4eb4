//! Backoff: how long to wait after a failure that may pass.
//!
//! The wait doubles with each failure in a row and varies, so that many clients
//! that failed together do not come back together. The core draws no random
//! number: the variation comes from the seed that the driver gave.

use std::time::Duration;

use super::settings::Settings;

/// The source of the variation (jitter) of backoffs: the driver's seed, and
/// nothing else. It is the process's own and in no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the backoff after the `failures`-th failure in a row (from 1):
    /// doubled with each, bounded, and somewhere in its upper half.
    pub(super) fn backoff(&mut self, settings: &Settings, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let full = settings
            .first_backoff
            .saturating_mul(1 << doublings)
            .min(settings.longest_backoff);
        let half = full / 2;
        half + self.up_to(full.saturating_sub(half))
    }

    /// Returns something between nothing and `longest`.
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
    fn backoffs_double_up_to_the_longest_and_vary_in_their_upper_half() {
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
                let backoff = jitter.backoff(&settings, failures).as_millis();
                assert!(
                    (full / 2..=full).contains(&backoff),
                    "{failures}: {backoff}"
                );
                seen.push(backoff);
            }
            seen.dedup();
            assert!(seen.len() > 25, "{failures}: {seen:?}");
        }
    }

    #[test]
    fn law_11_the_same_seed_gives_the_same_backoffs() {
        let backoffs = |seed| {
            let mut jitter = Jitter::new(seed);
            [1, 2, 3].map(|n| jitter.backoff(&Settings::default(), n))
        };
        assert_eq!(backoffs(1), backoffs(1));
        assert_ne!(backoffs(1), backoffs(2));
    }
}
