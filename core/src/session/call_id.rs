//! The name of a call, by which its reports are told from those of others.

use std::fmt;

/// The name of a call: the number of calls that had begun in its session, it among them,
/// when it took its first step. Each process counts for itself, from 1.
///
/// All its attempts carry it, and so do the token fetches and logins that it begins.
#[doc(alias = "request_id")]
#[doc(alias = "correlation_id")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl CallId {
    /// The name of a call that has not begun.
    pub(super) const NONE: Self = Self(0);

    /// The name of the call that begins after this one.
    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
