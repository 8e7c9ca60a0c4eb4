//! The limits: what a contender may take at most, measured by another that makes the
//! same calls.

use crate::contenders::{
    FLOOR, HYPER, HYPER_PATH, REQWEST, REQWEST_TEXT, UREQ, UREQ_FLOOR, UREQ_OWN, UREQ_PATH,
    UREQ_TIMED,
};

pub(crate) const LIMITS: &[Limit] = &[
    Limit::goal(HYPER, FLOOR, 90),
    Limit::goal(HYPER, REQWEST, 50),
    Limit::goal(HYPER, REQWEST_TEXT, 50),
    // The goal of 105 % is missed without a timeout, and more than met with one.
    Limit::guard(UREQ, UREQ_FLOOR, 110),
    Limit::guard(UREQ, UREQ_TIMED, 81),
    Limit::guard(UREQ_PATH, UREQ_FLOOR, 111),
    Limit::guard(UREQ_OWN, UREQ_FLOOR, 115),
    // A path has no goal of its own.
    Limit::guard(HYPER_PATH, FLOOR, 89),
];

/// The most that a contender may take: a share of another's instructions, and no
/// allocation more.
pub(crate) struct Limit {
    pub(crate) of: &'static str,
    pub(crate) over: &'static str,
    pub(crate) share: Share,
}

/// A share of another's instructions, in percent.
pub(crate) enum Share {
    /// A goal.
    Goal(u64),
    /// A record, and 5 % of it.
    Recorded(u64),
}

impl Share {
    /// The most that is allowed, in hundredths of a percent.
    pub(crate) const fn most(&self) -> u64 {
        match self {
            Self::Goal(percent) => 100 * *percent,
            Self::Recorded(percent) => 105 * *percent,
        }
    }
}

impl Limit {
    const fn goal(of: &'static str, over: &'static str, percent: u64) -> Self {
        let share = Share::Goal(percent);
        Self { of, over, share }
    }

    const fn guard(of: &'static str, over: &'static str, percent: u64) -> Self {
        let share = Share::Recorded(percent);
        Self { of, over, share }
    }
}
