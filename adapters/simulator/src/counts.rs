//! Counts of what the service received and did. With them a test checks a
//! client's behaviour from the server's side.

use std::collections::BTreeMap;

use crate::call::Call;

/// The counts of a simulator since it was created.
///
/// Every request is counted as seen when it arrives. A request is also counted
/// as done if it was executed, even if its response did not reach the client.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bearer tokens that were issued.
    pub bearers_issued: u64,
    /// Requests for a bearer token that got the earlier token again, because it
    /// was still valid.
    pub bearers_repeated: u64,
    /// Valid bearer tokens that a client revoked.
    pub bearers_revoked: u64,
    /// Logins that were refused for a wrong username or password. Logins to a
    /// locked username are not counted here.
    pub failed_logins: u64,
    /// Logins that were refused because the username was locked.
    pub locked_logins: u64,
    /// Callbacks that were sent, each time counted.
    pub callbacks_sent: u64,
    /// Callbacks that the listener accepted.
    pub callbacks_accepted: u64,
    /// Callbacks that no listener accepted, however often they were sent.
    pub callbacks_archived: u64,
    /// Requests for another host than the service's own. Stays zero while the
    /// service has no [host of its own](crate::Simulator::authority).
    pub misdirected: u64,
    seen: BTreeMap<Call, u64>,
    done: BTreeMap<Call, u64>,
}

impl Counts {
    /// Returns the number of requests for `call` that arrived.
    pub fn seen(&self, call: Call) -> u64 {
        self.seen.get(&call).copied().unwrap_or_default()
    }

    /// Returns the number of requests for `call` that were executed.
    pub fn done(&self, call: Call) -> u64 {
        self.done.get(&call).copied().unwrap_or_default()
    }

    /// Returns the number of requests of every kind that arrived.
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
