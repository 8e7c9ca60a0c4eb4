//! A window of messages that are known.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Duration,
};

use super::key::CallbackKey;
use crate::Timestamp;

/// A window of the messages that came last, to recognise those that are sent again.
///
/// It is bounded in number and in time, and holds 16 bytes of each message. A message is
/// sent three times more within 15 minutes if it gets no 2xx, as documented; an hour
/// leaves room for delays. A process that restarts has a new window: where a message must
/// not count twice, let the store that saves it refuse a [key](CallbackKey) that it has.
///
/// Record a message when it is saved, and no sooner: one that is recorded and then not
/// saved would be lost, since ThingSpace would get a 2xx for the next try.
pub struct Duplicates {
    capacity: usize,
    length: Duration,
    known: BTreeMap<u128, Timestamp>,
    /// The oldest first.
    order: VecDeque<(Timestamp, u128)>,
}

impl Duplicates {
    /// Creates a window of this many messages, each of them known for this long.
    pub const fn new(capacity: usize, length: Duration) -> Self {
        Self {
            capacity,
            length,
            known: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Returns true if this message was recorded, and is still in the window.
    pub fn is_known(&self, key: &CallbackKey, now: Timestamp) -> bool {
        let recorded = self.known.get(&key.digest());
        recorded.is_some_and(|&recorded| !self.is_over(recorded, now))
    }

    /// Records a message that is saved. Returns true if it was not known. The oldest is
    /// forgotten if there are too many.
    pub fn record(&mut self, key: &CallbackKey, now: Timestamp) -> bool {
        while let Some(&(recorded, oldest)) = self.order.front() {
            if !self.is_over(recorded, now) {
                break;
            }
            self.order.pop_front();
            self.known.remove(&oldest);
        }
        let digest = key.digest();
        if self.is_known(key, now) {
            return false;
        }
        // One that is over may stand behind one that is not, if the clock was set back.
        if self.known.insert(digest, now).is_some() {
            self.order.retain(|&(_, known)| known != digest);
        }
        self.order.push_back((now, digest));
        while self.order.len() > self.capacity {
            if let Some((_, oldest)) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        true
    }

    /// The number of messages in the window.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Returns true if no message is in the window.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn is_over(&self, recorded: Timestamp, now: Timestamp) -> bool {
        now.since(recorded) >= self.length
    }
}

impl fmt::Debug for Duplicates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplicates")
            .field("capacity", &self.capacity)
            .field("length", &self.length)
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}
