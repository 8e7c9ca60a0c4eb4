//! What the service saw and did, so that a test can hold a client to account
//! from the server's side.

use std::collections::BTreeMap;

use crate::Call;

/// What happened at the service since it was made.
///
/// A request is counted as seen when it arrives, whatever comes of it, and as
/// done when it was carried out, whether or not its answer reached the client.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bearer tokens that were made.
    pub bearers_issued: u64,
    /// Times that a bearer token was asked for while an earlier one was still
    /// good, and was handed out again.
    pub bearers_repeated: u64,
    /// Good bearer tokens that a client revoked.
    pub bearers_revoked: u64,
    /// Logins that were refused for a wrong username or password. Logins that
    /// met a lock are not among them.
    pub failed_logins: u64,
    /// Logins that were refused because the username was locked.
    pub locked_logins: u64,
    /// Requests that named another host than the service's own. Nothing is
    /// counted while the service has not been told
    /// [its own](crate::Simulator::authority).
    pub misdirected: u64,
    seen: BTreeMap<Call, u64>,
    done: BTreeMap<Call, u64>,
}

impl Counts {
    /// Requests for `call` that arrived.
    pub fn seen(&self, call: Call) -> u64 {
        self.seen.get(&call).copied().unwrap_or_default()
    }

    /// Requests for `call` that were carried out.
    pub fn done(&self, call: Call) -> u64 {
        self.done.get(&call).copied().unwrap_or_default()
    }

    /// Requests of every kind that arrived.
    pub fn seen_in_all(&self) -> u64 {
        self.seen.values().sum()
    }

    pub(crate) fn see(&mut self, call: Call) {
        *self.seen.entry(call).or_default() += 1;
    }

    pub(crate) fn finish(&mut self, call: Call) {
        *self.done.entry(call).or_default() += 1;
    }
}
