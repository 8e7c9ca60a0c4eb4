//! Stretches of time that hold whatever the clock does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A stretch of time that survives a clock that is set back: it never lasts
/// longer than it was meant to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    from: Timestamp,
    millis: u64,
}

impl Span {
    pub(super) fn new(from: Timestamp, length: Duration) -> Self {
        Self {
            from,
            millis: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The span from one moment to another; none if the other is not later.
    pub(super) fn until(from: Timestamp, end: Timestamp) -> Self {
        Self::new(from, end.since(from))
    }

    pub(super) fn end(&self) -> Timestamp {
        self.from + Duration::from_millis(self.millis)
    }

    /// Returns the span's end if it is still ahead.
    pub(super) fn rest(&self, now: Timestamp) -> Option<Timestamp> {
        (now < self.end()).then(|| self.end())
    }

    /// Starts anew if `now` is before the span's start. Returns true if it did.
    pub(super) fn rebase(&mut self, now: Timestamp) -> bool {
        let set_back = now < self.from;
        if set_back {
            self.from = now;
        }
        set_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_does_not_prolong_a_span() {
        let start = Timestamp::from_millis(1_000_000);
        let mut span = Span::new(start, Duration::from_secs(1));
        let back = Timestamp::from_millis(5);
        assert!(span.rebase(back));
        assert_eq!(span.rest(back), Some(back + Duration::from_secs(1)));
        assert!(!span.rebase(back + Duration::from_millis(1)));
        assert_eq!(span.rest(back + Duration::from_secs(1)), None);
    }
}
