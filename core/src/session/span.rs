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

    /// Returns true if this moment is within the span: not before it, as when a clock was
    /// set back.
    pub(super) fn has(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.end()
    }

    /// The span as seen by another clock.
    pub(super) fn shifted(self, shift: Shift) -> Self {
        Self {
            from: shift.of(self.from),
            ..self
        }
    }

    /// Returns true if nothing of it can have been measured by an honest process that
    /// saved it then.
    pub(super) fn is_impossible(&self, saved_at: Timestamp) -> bool {
        self.from > saved_at || self.millis > LONGEST_SPAN_MILLIS
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

/// The longest span that a snapshot may hold: longer than any that the machine makes,
/// the longest of which, a lease by the settings, is a day.
const LONGEST_SPAN_MILLIS: u64 = 2 * 24 * 60 * 60 * 1000;

/// The way from one clock to another: the moment at which a snapshot was saved, by
/// both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Shift {
    /// Returns a moment of the one clock by the other.
    pub(super) fn of(self, moment: Timestamp) -> Timestamp {
        let before = self.from.since(moment);
        if before.is_zero() {
            self.to + moment.since(self.from)
        } else {
            self.to.before(before)
        }
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

    #[test]
    fn a_span_lasts_as_long_by_another_clock() {
        let (here, there) = (1_000_000, 50_000_000);
        for (from, to) in [(here, there), (there, here), (here, here)] {
            let at = |base: u64, later: i64| {
                Timestamp::from_millis(base.checked_add_signed(later).unwrap())
            };
            let shift = Shift {
                from: at(from, 0),
                to: at(to, 0),
            };
            for moment in [-5000, -1, 0, 1, 5000] {
                assert_eq!(shift.of(at(from, moment)), at(to, moment));
            }
            let span = Span::new(at(from, -400), Duration::from_secs(1));
            assert_eq!(span.shifted(shift).end(), at(to, 600));
        }
    }

    #[test]
    fn what_no_clock_can_show_is_shown_as_its_end() {
        let to_the_start = Shift {
            from: Timestamp::from_millis(1000),
            to: Timestamp::default(),
        };
        let moment = Timestamp::from_millis(500);
        assert_eq!(to_the_start.of(moment), Timestamp::default());
        let to_the_end = Shift {
            from: moment,
            to: Timestamp::MAX,
        };
        let later = Timestamp::from_millis(1000);
        assert_eq!(to_the_end.of(later), Timestamp::MAX);
    }

    #[test]
    fn law_15_a_span_that_nobody_can_have_measured_is_noticed() {
        let now = Timestamp::from_millis(1_000_000);
        let day = Duration::from_secs(24 * 60 * 60);
        assert!(!Span::new(now, day * 2).is_impossible(now));
        assert!(Span::new(now, day * 2 + Duration::from_millis(1)).is_impossible(now));
        let later = now + Duration::from_millis(1);
        assert!(Span::new(later, day).is_impossible(now));
        assert!(Span::new(now, Duration::MAX).is_impossible(now));
    }
}
