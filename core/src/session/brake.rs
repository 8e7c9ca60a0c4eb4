//! The brake on login storms.
//!
//! Two programs that share one user name may end each other's sessions: each
//! login kills the other's session, whose owner logs in again, and so on, as
//! fast as the network allows. (Reported from the field: a session was refused
//! 96 seconds after its issue while a second holder was active.) So sessions
//! that die young make logins pause, longer with each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A session that is refused within this time after its login died young.
pub const YOUNG: Duration = Duration::from_secs(5 * 60);

/// How many sessions in a row may die young without a pause.
pub const FREE_DEATHS: u32 = 2;

/// The pause after one more; it doubles with each further one.
pub const FIRST_BRAKE: Duration = Duration::from_secs(60);

/// The longest such pause.
pub const LONGEST_BRAKE: Duration = Duration::from_secs(20 * 60);

/// How many sessions in a row died young.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Brake(u32);

impl Brake {
    /// A session was refused at this age: for how long logins pause, if they do.
    pub(super) fn died(&mut self, age: Duration) -> Option<Duration> {
        if age >= YOUNG {
            self.0 = 0;
            return None;
        }
        self.0 = self.0.saturating_add(1);
        let doublings = self.0.checked_sub(FREE_DEATHS + 1)?.min(31);
        Some(
            FIRST_BRAKE
                .saturating_mul(1 << doublings)
                .min(LONGEST_BRAKE),
        )
    }

    /// A session was of use at this age.
    pub(super) fn lived(&mut self, age: Duration) {
        if age >= YOUNG {
            self.0 = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_5_sessions_that_keep_dying_young_make_logins_pause_longer_and_longer() {
        let mut brake = Brake::default();
        let age = Duration::from_secs(96);
        let pauses: Vec<_> = (0..8).map(|_| brake.died(age)).collect();
        let minutes = |n: u64| Some(Duration::from_secs(60 * n));
        assert_eq!(
            pauses,
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
        brake.lived(YOUNG);
        assert_eq!(brake.died(age), None);
    }
}
