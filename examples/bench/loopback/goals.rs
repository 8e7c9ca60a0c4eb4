//! The goals: what a contender may take at most, measured by another that makes the
//! same calls.

use crate::contenders::{FLOOR, HYPER, REQWEST, REQWEST_TEXT};

pub(crate) const GOALS: &[Goal] = &[
    Goal {
        of: HYPER,
        over: FLOOR,
        percent: 90,
    },
    Goal {
        of: HYPER,
        over: REQWEST,
        percent: 50,
    },
    Goal {
        of: HYPER,
        over: REQWEST_TEXT,
        percent: 50,
    },
];

/// The most that a contender may take: a share of another's instructions, and no
/// allocation more.
pub(crate) struct Goal {
    pub(crate) of: &'static str,
    pub(crate) over: &'static str,
    /// The share, in percent.
    pub(crate) percent: u64,
}
