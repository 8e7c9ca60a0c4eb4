//! The store: a register with compare-and-swap that makes one access after the other.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    time::Duration,
};

use thingspace_core::session::{Loaded, Revision, Saved, Snapshot};

/// The time to the store or back.
pub(crate) const TO_STORE: Duration = Duration::from_micros(500);
/// The time that it takes for one access: it makes 10,000 in a second.
const ACCESS: Duration = Duration::from_micros(100);
/// The time without an access after which a process closes its connection.
const CONNECTION_IDLE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Store {
    saved: Option<(Snapshot, Duration)>,
    /// The time at which it has made all accesses that were asked for.
    free_at: Duration,
    pub(crate) loads: Rate,
    pub(crate) saves: Rate,
    pub(crate) conflicts: u64,
    pub(crate) longest_access: Duration,
    /// The accesses of the last minute.
    accesses: VecDeque<(Duration, usize)>,
    /// The last access of each process that has a connection.
    connected: HashMap<usize, Duration>,
    pub(crate) most_connected: usize,
    /// The time of all connections together.
    connected_for: Duration,
    last_access: Duration,
}

impl Store {
    /// Takes an access of a process. Returns the time at which it is made.
    pub(crate) fn access(&mut self, now: Duration, process: usize) -> Duration {
        let made_at = self.free_at.max(now + TO_STORE) + ACCESS;
        self.free_at = made_at;
        self.longest_access = self
            .longest_access
            .max((made_at + TO_STORE).saturating_sub(now));

        let passed = now.saturating_sub(self.last_access);
        self.connected_for += passed * u32::try_from(self.connected.len()).unwrap_or(u32::MAX);
        self.last_access = now;
        self.accesses.push_back((now, process));
        self.connected.insert(process, now);
        let is_idle = |(at, _): &(Duration, usize)| *at + CONNECTION_IDLE < now;
        while let Some((at, process)) = self.accesses.front().copied().filter(is_idle) {
            self.accesses.pop_front();
            if self.connected.get(&process) == Some(&at) {
                self.connected.remove(&process);
            }
        }
        self.most_connected = self.most_connected.max(self.connected.len());
        made_at
    }

    /// Loads what is saved, with its age by the store's own clock.
    pub(crate) fn load(&mut self, now: Duration) -> Option<Loaded> {
        self.loads.count(now);
        self.saved.as_ref().map(|(snapshot, saved_at)| Loaded {
            snapshot: snapshot.clone(),
            age: now.saturating_sub(*saved_at),
        })
    }

    pub(crate) fn save(
        &mut self,
        now: Duration,
        seen: Option<Revision>,
        snapshot: Snapshot,
    ) -> Saved {
        if self.revision() != seen {
            self.conflicts += 1;
            return Saved::Conflict;
        }
        self.saves.count(now);
        self.saved = Some((snapshot, now));
        Saved::Saved
    }

    pub(crate) fn revision(&self) -> Option<Revision> {
        self.saved.as_ref().map(|(saved, _)| saved.revision())
    }

    /// The number of connections, on the average until the last access.
    pub(crate) fn mean_connected(&self) -> u128 {
        self.connected_for.as_millis() / self.last_access.as_millis().max(1)
    }
}

/// A number of things, and the most of them in any second.
#[derive(Default)]
pub(crate) struct Rate {
    pub(crate) total: u64,
    pub(crate) peak: u64,
    second: u64,
    in_second: u64,
}

impl Rate {
    fn count(&mut self, now: Duration) {
        if mem::replace(&mut self.second, now.as_secs()) != now.as_secs() {
            self.in_second = 0;
        }
        self.total += 1;
        self.in_second += 1;
        self.peak = self.peak.max(self.in_second);
    }
}
