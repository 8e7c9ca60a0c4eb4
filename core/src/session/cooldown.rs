//! The login cooldown, which ends login storms.
//!
//! Two programs that share one user name may end each other's sessions: each
//! login kills the other's session, whose owner logs in again, and so on, as
//! fast as the network allows. (Reported from the field: a session was refused
//! 96 seconds after its issue while a second holder was active.) So short-lived
//! sessions delay the next login, longer with each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::settings::{
    COOLDOWN_FORGETS_EVERY, FIRST_COOLDOWN, FREE_SHORT_LIVED_SESSIONS, LONGEST_COOLDOWN,
    SHORT_LIVED_SESSION,
};

/// The number of short-lived sessions in a row. One is forgotten with each hour that
/// has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Cooldown(u32);

impl Cooldown {
    /// Counts a session that was refused at this age, so long after the last short-lived
    /// one. Returns how long the next login is delayed, if it is.
    pub(super) fn refused_at(&mut self, age: Duration, since_last: Duration) -> Option<Duration> {
        if age >= SHORT_LIVED_SESSION {
            self.0 = 0;
            return None;
        }
        let hours = since_last.as_secs() / COOLDOWN_FORGETS_EVERY.as_secs();
        let forgotten = u32::try_from(hours).unwrap_or(u32::MAX);
        self.0 = self.0.saturating_sub(forgotten).saturating_add(1);
        let doublings = self.0.checked_sub(FREE_SHORT_LIVED_SESSIONS + 1)?.min(31);
        Some(
            FIRST_COOLDOWN
                .saturating_mul(1 << doublings)
                .min(LONGEST_COOLDOWN),
        )
    }

    /// Notes that a session was of use at this age.
    pub(super) fn used_at(&mut self, age: Duration) {
        if age >= SHORT_LIVED_SESSION {
            self.0 = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_5_short_lived_sessions_delay_logins_longer_and_longer() {
        let mut cooldown = Cooldown::default();
        let age = Duration::from_secs(96);
        let refused = |_| cooldown.refused_at(age, age);
        let delays: Vec<_> = (0..8).map(refused).collect();
        let minutes = |n: u64| Some(Duration::from_secs(60 * n));
        assert_eq!(
            delays,
            [
                None,
                None,
                minutes(1),
                minutes(2),
                minutes(4),
                minutes(8),
                minutes(16),
                minutes(20)
            ]
        );
        cooldown.used_at(SHORT_LIVED_SESSION);
        assert_eq!(cooldown.refused_at(age, age), None);
    }

    #[test]
    fn a_short_lived_session_is_forgotten_with_each_hour_that_has_none() {
        let age = Duration::from_secs(96);
        let hours = |n: u64| Duration::from_secs(3600 * n);
        let mut cooldown = Cooldown::default();
        for _ in 0..100 {
            assert_eq!(cooldown.refused_at(age, hours(24 * 7)), None);
        }
        for delay in [None, Some(60), Some(120), Some(240)] {
            let delay = delay.map(Duration::from_secs);
            assert_eq!(cooldown.refused_at(age, age), delay);
        }
        assert_eq!(cooldown.refused_at(age, hours(2)), Some(hours(2) / 60));
    }
}
