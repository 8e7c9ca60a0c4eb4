//! What the library may take, measured by what others take for the same.

use crate::works::{
    BEARER, CALL, ENDPOINT, HAND, LOG_IN, LOG_IN_ANSWER, LOG_OUT, LOG_OUT_ANSWER, OAUTH2, OURS,
    OURS_BESIDE, OURS_LATE, OURS_UNSEEN, RESET, RESET_ANSWER,
};

/// What each work of the library may take at most.
pub(crate) const GOALS: &[Goal] = &[
    Goal::times(LOG_IN, HAND, 110, 3),
    Goal::times(LOG_IN_ANSWER, HAND, 125, 1),
    Goal::times(LOG_OUT, HAND, 110, 3),
    Goal::times(LOG_OUT_ANSWER, HAND, 125, 1),
    Goal::times(RESET, HAND, 110, 3),
    Goal::times(RESET_ANSWER, HAND, 125, 1),
    Goal::times(BEARER, HAND, 115, 4),
    Goal::times(BEARER, OAUTH2, 33, 4),
    // What the machine adds to the endpoint alone: no allocation.
    Goal::call(OURS, ENDPOINT, 100, 1500),
    // It does not grow. One in a hundred is for what the allocator does elsewhere.
    Goal::call(OURS_LATE, OURS, 101, 0),
    Goal::call(OURS_UNSEEN, OURS, 101, 0),
    Goal::call(OURS_BESIDE, OURS, 101, 0),
];

/// What a work may take, measured by another that does the same.
pub(crate) struct Goal {
    pub(crate) work: &'static str,
    pub(crate) by: &'static str,
    /// By whom the other is done.
    pub(crate) over: &'static str,
    /// So much of the other's instructions, and so many more.
    pub(crate) percent: u64,
    pub(crate) more: u64,
    /// As many as the other's, if it does not say.
    pub(crate) allocations: Option<u64>,
}

impl Goal {
    const fn times(work: &'static str, over: &'static str, percent: u64, allocations: u64) -> Self {
        Self {
            work,
            by: OURS,
            over,
            percent,
            more: 0,
            allocations: Some(allocations),
        }
    }

    const fn call(by: &'static str, over: &'static str, percent: u64, more: u64) -> Self {
        Self {
            work: CALL,
            by,
            over,
            percent,
            more,
            allocations: None,
        }
    }
}
