//! Service checks: asking the API whether it responds, before a login is risked
//! on a service that is down.
//!
//! After logins of unknown outcome, only few more are made, far apart. None of
//! them is to be wasted on an outage that goes on. So the API is asked something
//! first that can be no failed login: a logout without a session token.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    nullable,
    settings::{FIRST_CHECK_PAUSE, LONGEST_CHECK_PAUSE, RESPONSIVE_FOR, UNJUDGED_LOGIN_INTERVAL},
    span::{Shift, Span},
};
use crate::Timestamp;

/// The service checks since the last login that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checks {
    /// The number of them.
    made: u32,
    /// True if one of them found that the API does not respond.
    found_down: bool,
    /// True if the last of them found out nothing.
    found_nothing: bool,
    /// The time before which no other is made.
    #[serde(deserialize_with = "nullable::present")]
    pause: Option<Span>,
    /// The time for which the last one, by which the API responds, is taken as
    /// true.
    #[serde(deserialize_with = "nullable::present")]
    responsive: Option<Span>,
}

/// The next thing to do about a login that has to wait for the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Log in.
    LogIn,
    /// Make a service check.
    Check,
    /// Neither before this time.
    Later(Timestamp),
}

impl Checks {
    /// No check yet since a login failed at this time.
    pub(super) fn after_login(now: Timestamp) -> Self {
        Self {
            pause: Some(Span::new(now, FIRST_CHECK_PAUSE)),
            ..Self::default()
        }
    }

    /// Returns the next thing to do for a login that is due at this time, or as soon
    /// as the API responds again if it `may_be_early`.
    pub(super) fn next(&self, now: Timestamp, due: Timestamp, may_be_early: bool) -> Next {
        let responds = self.responsive.and_then(|span| span.rest(now)).is_some();
        if responds && (now >= due || may_be_early && self.found_down) {
            return Next::LogIn;
        }
        let Some(until) = self.pause.and_then(|span| span.rest(now)) else {
            return Next::Check;
        };
        // A service that responded is asked again at the latest when the login is due.
        match self.responsive {
            Some(_) if now >= due => Next::Check,
            Some(_) => Next::Later(until.min(due)),
            None => Next::Later(until),
        }
    }

    /// Notes the result of a check. The pause after it is no longer than `longest`.
    pub(super) fn made(&mut self, now: Timestamp, responds: bool, longest: Duration) {
        self.pause_longer(now, longest);
        self.responsive = responds.then(|| Span::new(now, RESPONSIVE_FOR));
        self.found_down |= !responds;
        self.found_nothing = false;
    }

    /// Notes that a check found out nothing, since its bearer was refused: with another
    /// one the next may be made soon. If that one finds out nothing either, it is no
    /// fault of the bearer's.
    pub(super) fn found_nothing(&mut self, now: Timestamp, longest: Duration) {
        if std::mem::replace(&mut self.found_nothing, true) {
            self.pause_longer(now, longest);
        } else {
            self.pause = Some(Span::new(now, UNJUDGED_LOGIN_INTERVAL));
        }
        self.responsive = None;
    }

    fn pause_longer(&mut self, now: Timestamp, longest: Duration) {
        let doublings = self.made.min(31);
        self.made = self.made.saturating_add(1);
        let pause = FIRST_CHECK_PAUSE
            .saturating_mul(1 << doublings)
            .min(longest)
            .clamp(UNJUDGED_LOGIN_INTERVAL, LONGEST_CHECK_PAUSE);
        self.pause = Some(Span::new(now, pause));
    }

    /// Keeps a clock that was set back from prolonging anything. Returns true if it
    /// was.
    pub(super) fn rebase(&mut self, now: Timestamp) -> bool {
        let spans = [&mut self.pause, &mut self.responsive];
        let rebased = spans.map(|span| span.as_mut().is_some_and(|span| span.rebase(now)));
        rebased.contains(&true)
    }

    /// The checks as seen by another clock.
    pub(super) fn shifted(self, shift: Shift) -> Self {
        let by_other = |span: Option<Span>| span.map(|span| span.shifted(shift));
        Self {
            pause: by_other(self.pause),
            responsive: by_other(self.responsive),
            ..self
        }
    }

    /// Returns true if the others are as many, and found out the same.
    pub(super) fn are_as_many_as(&self, other: &Self) -> bool {
        let found = |checks: &Self| (checks.made, checks.found_down, checks.found_nothing);
        found(self) == found(other)
    }

    /// The ones of two that know more.
    pub(super) fn merged(self, other: Self) -> Self {
        if other.made > self.made { other } else { self }
    }

    pub(super) fn is_impossible(&self, saved_at: Timestamp) -> bool {
        let spans = [self.pause, self.responsive];
        spans
            .iter()
            .flatten()
            .any(|span| span.is_impossible(saved_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);
    const LONGEST: Duration = Duration::from_secs(600);

    fn start() -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000)
    }

    /// A login that is due in an hour.
    fn due() -> Timestamp {
        start() + 60 * MINUTE
    }

    /// The pause until the next check, after which nothing else comes.
    #[track_caller]
    fn pause(checks: &Checks, now: Timestamp, due: Timestamp) -> Duration {
        let Next::Later(until) = checks.next(now, due, true) else {
            panic!("no pause");
        };
        assert_eq!(checks.next(until, due, true), Next::Check);
        until.since(now)
    }

    #[test]
    fn the_pauses_grow_up_to_ten_minutes() {
        let mut now = start();
        let far = start() + 600 * MINUTE;
        for responds in [true, false] {
            let mut checks = Checks::after_login(now);
            for seconds in [30, 30, 60, 120, 240, 480, 600, 600, 600] {
                let pause = pause(&checks, now, far);
                assert_eq!(pause.as_secs(), seconds);
                now = now + pause;
                checks.made(now, responds, LONGEST);
            }
        }
    }

    #[test]
    fn a_login_that_is_due_is_made_if_the_api_responds() {
        let mut checks = Checks::after_login(start());
        checks.made(due(), true, LONGEST);
        for may_be_early in [true, false] {
            assert_eq!(checks.next(due(), due(), may_be_early), Next::LogIn);
            // What a check found is true for half a minute.
            let late = due() + 29 * SECOND;
            assert_eq!(checks.next(late, due(), may_be_early), Next::LogIn);
            let too_late = due() + 30 * SECOND;
            assert_eq!(checks.next(too_late, due(), may_be_early), Next::Check);
        }
        checks.made(due(), false, LONGEST);
        assert!(matches!(checks.next(due(), due(), true), Next::Later(_)));
    }

    #[test]
    fn a_service_that_responds_is_asked_again_when_the_login_is_due() {
        let mut checks = Checks::after_login(start());
        let mut now = start();
        for _ in 0..8 {
            now = now + pause(&checks, now, due());
            checks.made(now, true, LONGEST);
        }
        let soon = now + SECOND;
        assert_eq!(checks.next(now, soon, false), Next::Later(soon));
        assert_eq!(checks.next(soon, soon, false), Next::LogIn);
        let later = now + MINUTE;
        assert_eq!(checks.next(now, later, false), Next::Later(later));
        assert_eq!(checks.next(later, later, false), Next::Check);
    }

    #[test]
    fn a_login_is_made_early_only_after_the_api_was_down() {
        let mut checks = Checks::after_login(start());
        checks.made(start(), true, LONGEST);
        assert_eq!(pause(&checks, start(), due()), 30 * SECOND);
        checks.made(start(), false, LONGEST);
        assert_eq!(pause(&checks, start(), due()), MINUTE);
        checks.made(start(), true, LONGEST);
        assert_eq!(checks.next(start(), due(), true), Next::LogIn);
        assert!(matches!(checks.next(start(), due(), false), Next::Later(_)));
    }

    #[test]
    fn a_check_that_found_out_nothing_is_made_again_soon_and_once() {
        let mut checks = Checks::after_login(start());
        for seconds in [1, 30, 60, 120, 240, 480, 600, 600] {
            checks.found_nothing(start(), LONGEST);
            assert_eq!(pause(&checks, start(), due()).as_secs(), seconds);
        }
        // It says nothing about the API.
        checks.made(start(), true, LONGEST);
        assert!(matches!(checks.next(start(), due(), true), Next::Later(_)));
        checks.found_nothing(start(), LONGEST);
        assert_eq!(pause(&checks, start(), due()), SECOND);
        assert_eq!(checks.next(due(), due(), true), Next::Check);
    }

    #[test]
    fn of_two_processes_the_one_that_asked_more_knows_more() {
        let mut one = Checks::after_login(start());
        let other = one.clone();
        one.made(start(), false, LONGEST);
        assert_eq!(one.clone().merged(other.clone()), one);
        assert_eq!(other.merged(one.clone()), one);
    }

    #[test]
    fn law_12_a_clock_set_back_prolongs_no_pause() {
        let mut checks = Checks::after_login(start());
        checks.made(start(), true, LONGEST);
        let back = Timestamp::from_millis(5);
        assert!(checks.rebase(back));
        assert!(!checks.rebase(back));
        assert_eq!(pause(&checks, back, start()), 30 * SECOND);
        assert!(!checks.is_impossible(back));
        assert!(checks.is_impossible(Timestamp::from_millis(4)));
    }

    #[test]
    fn checks_are_seen_by_another_clock() {
        let mut checks = Checks::after_login(start());
        checks.made(start(), false, LONGEST);
        let shift = Shift {
            from: start(),
            to: due(),
        };
        assert_eq!(pause(&checks.shifted(shift), due(), due()), 30 * SECOND);
    }
}
