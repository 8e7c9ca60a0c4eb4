//! The goals: what the library may take at most, measured by what others take for
//! the same.

use crate::works::{
    BEARER, CALL, ENDPOINT_COPIED, ENDPOINT_COPIED_FULL, ENDPOINT_COPIED_NAMED, HAND, LOG_IN,
    LOG_IN_RESPONSE, LOG_OUT, LOG_OUT_RESPONSE, OAUTH2, OURS, OURS_BESIDE, OURS_FULL,
    OURS_FULL_TEXT, OURS_LATE, OURS_NAMED, OURS_TEXT, OURS_UNSEEN, RESET, RESET_RESPONSE,
};

/// The goal of each work of the library.
pub(crate) const GOALS: &[Goal] = &[
    Goal::times(LOG_IN, HAND, 110, 3),
    Goal::times(LOG_IN_RESPONSE, HAND, 125, 1),
    Goal::times(LOG_OUT, HAND, 110, 3),
    Goal::times(LOG_OUT_RESPONSE, HAND, 125, 1),
    Goal::times(RESET, HAND, 110, 3),
    Goal::times(RESET_RESPONSE, HAND, 125, 1),
    Goal::times(BEARER, HAND, 115, 4),
    Goal::times(BEARER, OAUTH2, 33, 4),
    // The machine's own part, beyond the endpoint and the copy of the request that it
    // has to keep. No allocation.
    Goal::call(OURS, ENDPOINT_COPIED, 100, 1000),
    Goal::call(OURS_NAMED, ENDPOINT_COPIED_NAMED, 100, 1000),
    // Here the machine adds a user agent, which the endpoint alone does not have.
    Goal::call(OURS_FULL, ENDPOINT_COPIED_FULL, 100, 1150),
    // A path costs no more than a full address, where either is read for the call.
    Goal::call(OURS_TEXT, OURS_FULL_TEXT, 100, 0),
    // One that was read before is looked up, and not put together again.
    Goal::call(OURS, OURS_FULL, 100, 375),
    // It does not grow. One in a hundred is for what the allocator does elsewhere.
    Goal::call(OURS_LATE, OURS, 101, 0),
    Goal::call(OURS_UNSEEN, OURS, 101, 0),
    Goal::call(OURS_BESIDE, OURS, 101, 0),
];

/// The bytes of machine code that each further endpoint of a program may add.
pub(crate) const FURTHER_ENDPOINT: u64 = 1_000;

/// The most that a work may take, measured by another that does the same.
pub(crate) struct Goal {
    pub(crate) work: &'static str,
    pub(crate) by: &'static str,
    /// The one who does the other.
    pub(crate) over: &'static str,
    /// The share of the other's instructions, in percent, and how many more.
    pub(crate) percent: u64,
    pub(crate) more: u64,
    /// As many as the other's, if not given.
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
