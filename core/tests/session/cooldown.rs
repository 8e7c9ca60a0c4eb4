//! Two holders of one user name that end each other's sessions.

use std::time::Duration;

use thingspace_core::{
    Step, Timestamp,
    session::{Event, OperationKind, WaitReason},
};

use crate::scenario::*;

/// The age from which on a session is not short-lived.
const LONG_LIVED: Duration = Duration::from_secs(5 * 60);

/// The number of short-lived sessions in a row that delay no login.
const FREE: usize = 2;

/// The first cooldown, and the longest.
const FIRST: Duration = MINUTE;
const LONGEST: Duration = Duration::from_secs(20 * 60);

/// A call whose session turns out to be ended by another's login. It is sent 96
/// seconds after the session was opened.
#[track_caller]
fn kicked_out(s: &mut Scenario) -> Actor {
    s.pass(96 * SECOND);
    let mut call = Actor::reads();
    call.sends(s, Purpose::Work);
    call.receives(s, refused("INPUT_INVALID.SessionToken.Invalid"));
    call
}

/// A session that is open with a bearer token for a day, after as many
/// short-lived ones as delay no login.
fn before_the_cooldown() -> Scenario {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer_for("bearer-1", 24 * 3600));
    call.logs_in(&mut s, "session-1");
    call.ends(&mut s).unwrap();
    for _ in 0..FREE {
        let mut call = kicked_out(&mut s);
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
    s.events();
    s
}

/// The end of the login cooldown, as the events report it.
fn cools_down_until(s: &mut Scenario) -> Option<Timestamp> {
    s.events().into_iter().find_map(|event| match event {
        Event::CoolingDown { until, .. } => Some(until),
        _ => None,
    })
}

#[test]
fn law_5_short_lived_sessions_in_a_row_delay_the_next_login() {
    let mut s = before_the_cooldown();
    let mut call = kicked_out(&mut s);
    let until = s.now + FIRST;
    assert_eq!(
        s.reported(),
        [
            event::session_refused(),
            event::cooling_down(until),
            event::replayed()
        ]
    );
    for call in [&mut call, &mut Actor::writes()] {
        let wait = call.waits(&mut s);
        assert_eq!((wait.reason, wait.until), (WaitReason::Cooldown, until));
    }
    s.almost_pass(FIRST);
    call.waits(&mut s);
}

#[test]
fn law_12_after_the_cooldown_all_calls_go_on() {
    let mut s = before_the_cooldown();
    let mut first = kicked_out(&mut s);
    let mut second = Actor::writes();
    let until = first.waits(&mut s).until;
    second.waits(&mut s);
    s.pass_until(until);
    first.logs_in(&mut s, "session-4");
    first.works(&mut s);
    second.works(&mut s);
}

#[test]
fn law_5_the_cooldown_doubles_up_to_the_longest() {
    let mut s = before_the_cooldown();
    let mut expected = FIRST;
    for _ in 0..8 {
        kicked_out(&mut s);
        let until = cools_down_until(&mut s).expect("no cooldown");
        assert_eq!(until.since(s.now), expected);
        s.pass_until(until);
        let mut next = Actor::log_in();
        next.logs_in(&mut s, "another");
        next.ends(&mut s).unwrap();
        expected = LONGEST.min(expected * 2);
    }
    assert_eq!(expected, LONGEST);
}

#[test]
fn a_cooldown_that_is_longer_than_a_call_waits_ends_it_and_says_when_to_call_again() {
    let mut s = before_the_cooldown();
    let mut call = kicked_out(&mut s);
    let until = call.waits(&mut s).until;
    s.pass_until(until);
    call.logs_in(&mut s, "session-4");
    call.works(&mut s);

    kicked_out(&mut s);
    let until = s.now + 2 * FIRST;
    let error = Actor::reads().fails(&mut s);
    assert!(error.is_never_sent() && !error.is_blocked());
    assert_eq!(error.retry_at(), Some(until));
    assert_eq!(
        error.to_string(),
        format!(
            "nothing was sent, because new sessions keep being refused and logins cool down until {until} (the session was refused (400 UnifiedWebService.INPUT_INVALID.SessionToken.Invalid) at {now}); look for another program that logs in with the same user name",
            now = s.now
        )
    );
    // When the rest of it is short enough, a call waits again.
    s.pass(FIRST);
    assert_eq!(Actor::reads().waits(&mut s).until, until);
}

#[test]
fn a_session_that_is_used_for_long_starts_the_count_anew() {
    let mut s = before_the_cooldown();
    s.pass(LONG_LIVED);
    Actor::reads().works(&mut s);
    // It is not even refused, but idle for too long.
    s.pass(HOUR);
    let mut next = Actor::log_in();
    next.logs_in(&mut s, "another");
    next.ends(&mut s).unwrap();
    for _ in 0..FREE {
        let mut call = kicked_out(&mut s);
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
    assert_eq!(cools_down_until(&mut s), None);
    kicked_out(&mut s);
    assert_eq!(cools_down_until(&mut s), Some(s.now + FIRST));
}

#[test]
fn a_session_that_is_refused_after_five_minutes_is_not_short_lived() {
    let mut s = before_the_cooldown();
    for _ in 0..10 {
        s.pass(LONG_LIVED);
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, session_expired());
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
    assert_eq!(cools_down_until(&mut s), None);
}

#[test]
fn a_bearer_that_is_fetched_during_the_cooldown_does_not_end_it() {
    let mut s = before_the_cooldown();
    s.pass(96 * SECOND);
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, Purpose::Work);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, bearer_fault());
    first.sends(&mut s, Purpose::TokenFetch);
    second.receives(&mut s, session_expired());
    let until = cools_down_until(&mut s).unwrap();

    first.receives(&mut s, bearer("bearer-2"));
    for call in [&mut first, &mut second] {
        let wait = call.waits(&mut s);
        assert_eq!((wait.reason, wait.until), (WaitReason::Cooldown, until));
    }
}

#[test]
fn a_backoff_that_the_service_asked_for_is_not_cut_short_by_the_cooldown() {
    let mut s = before_the_cooldown();
    s.pass(96 * SECOND);
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, Purpose::Work);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, bearer_fault());
    first.sends(&mut s, Purpose::TokenFetch);
    first.receives(&mut s, throttled("600"));
    let asked = s.now + 10 * MINUTE;
    second.receives(&mut s, session_expired());

    s.pass(FIRST);
    let error = second.fails(&mut s);
    assert!(error.retry_at().unwrap() >= asked, "{error}");
    s.pass_until(asked + MINUTE);
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn law_5_the_cooldown_outlives_the_process() {
    let mut s = before_the_cooldown();
    kicked_out(&mut s);
    let until = cools_down_until(&mut s).unwrap();
    s.restart("IMgr8");
    assert_eq!(Actor::reads().waits(&mut s).until, until);
    s.pass_until(until);
    Actor::reads().sends(&mut s, Purpose::LogIn);
}

#[test]
fn the_cooldown_is_about_logins_and_delays_no_call_that_has_a_session() {
    let mut s = before_the_cooldown();
    let mut call = kicked_out(&mut s);
    let until = call.waits(&mut s).until;
    s.pass_until(until);
    call.logs_in(&mut s, "session-4");
    call.works(&mut s);
    for _ in 0..10 {
        Actor::reads().works(&mut s);
    }
}

#[test]
fn a_session_that_was_ended_on_purpose_is_not_short_lived() {
    let mut s = Scenario::open();
    for _ in 0..10 {
        let mut out = Actor::log_out();
        out.sends(&mut s, Purpose::LogOut);
        out.receives(&mut s, session("another"));
        out.ends(&mut s).unwrap();
        let mut call = Actor::reads();
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
}

/// A cooldown that begins while a token fetch is in progress, which then fails.
fn cooling_down_while_a_fetch_fails(received: Received) -> (Scenario, Timestamp) {
    let mut s = before_the_cooldown();
    s.pass(96 * SECOND);
    let (mut reader, mut writer) = (Actor::reads(), Actor::writes());
    reader.sends(&mut s, Purpose::Work);
    writer.sends(&mut s, Purpose::Work);
    writer.receives(&mut s, bearer_fault());
    writer.sends(&mut s, Purpose::TokenFetch);
    reader.receives(&mut s, refused("INPUT_INVALID.SessionToken.Invalid"));
    let until = cools_down_until(&mut s).unwrap();
    writer.receives(&mut s, received);
    (s, until)
}

#[test]
fn law_5_a_fetch_that_fails_does_not_shorten_the_cooldown() {
    let (mut s, until) = cooling_down_while_a_fetch_fails(response(503, ""));
    let wait = Actor::reads().waits(&mut s);
    assert_eq!((wait.reason, wait.until), (WaitReason::Cooldown, until));
}

#[test]
fn a_fetch_that_is_throttled_for_longer_outlasts_the_cooldown() {
    let (mut s, until) = cooling_down_while_a_fetch_fails(throttled("3600"));
    let error = Actor::reads().fails(&mut s);
    assert!(error.retry_at().unwrap() > until, "{error}");
}

/// A read that gets whatever it needs, and does not wait for it. The first session that
/// it uses is refused, if `kicked_out`.
#[track_caller]
fn works_at_once(s: &mut Scenario, kicked_out: bool) {
    let (mut call, mut refuses) = (Actor::reads(), kicked_out);
    loop {
        match call.step(s) {
            Step::Send(sent) => {
                let received = match Purpose::of(&sent.request) {
                    Purpose::TokenFetch => bearer("bearer"),
                    Purpose::LogIn => session("session"),
                    _ if std::mem::take(&mut refuses) => session_expired(),
                    _ => done(),
                };
                call.receives(s, received);
            }
            Step::Wait(wait) => panic!("a delay: {wait:?}"),
            Step::Done(result) => {
                result.unwrap();
                return;
            }
        }
    }
}

#[test]
fn law_5_one_short_lived_session_a_week_delays_no_login_for_a_year() {
    // On most days the session is used for ten minutes, or for so short a time that
    // nobody sees it live for long.
    for minutes in [10, 2] {
        let mut s = Scenario::new();
        for day in 0..365 {
            for _ in 0..minutes {
                works_at_once(&mut s, false);
                s.pass(MINUTE);
            }
            s.pass(HOUR);
            if day % 7 == 0 {
                works_at_once(&mut s, false);
                s.pass(96 * SECOND);
                works_at_once(&mut s, true);
            }
            assert_eq!(cools_down_until(&mut s), None, "day {day}");
            s.pass(22 * HOUR);
        }
    }
}

#[test]
fn law_5_an_hour_without_a_short_lived_session_makes_the_next_cooldown_shorter() {
    for (pause, expected) in [(59 * MINUTE, 2 * FIRST), (HOUR, FIRST)] {
        let mut s = before_the_cooldown();
        kicked_out(&mut s);
        let until = cools_down_until(&mut s).unwrap();
        let kicked_out_at = s.now;
        s.pass_until(until);
        s.restart("IMgr8");
        s.pass_until(kicked_out_at + pause.saturating_sub(96 * SECOND));
        let mut next = Actor::log_in();
        next.logs_in(&mut s, "another");
        next.ends(&mut s).unwrap();
        kicked_out(&mut s);
        assert_eq!(cools_down_until(&mut s), Some(s.now + expected));
    }
}

#[test]
fn law_5_a_logout_on_purpose_and_the_calls_that_raced_it_delay_nothing() {
    let mut s = Scenario::open();
    for _ in 0..10 {
        let (mut first, mut second) = (Actor::reads(), Actor::writes());
        first.sends(&mut s, Purpose::Work);
        second.sends(&mut s, Purpose::Work);
        let mut out = Actor::log_out();
        out.sends(&mut s, Purpose::LogOut);
        // The service has ended it already, and does not say so yet.
        first.receives(&mut s, session_expired());
        assert_eq!(first.waits(&mut s).reason, logging_out());
        out.receives(&mut s, session("session-1"));
        out.ends(&mut s).unwrap();
        second.receives(&mut s, session_expired());
        first.logs_in(&mut s, "another");
        first.works(&mut s);
        second.works(&mut s);
        assert_eq!(cools_down_until(&mut s), None);
    }
}

fn logging_out() -> WaitReason {
    WaitReason::Operation(OperationKind::LogOut)
}

#[test]
fn law_5_a_logout_whose_first_response_was_lost_delays_nothing() {
    let mut s = Scenario::open();
    for _ in 0..10 {
        let mut out = Actor::log_out();
        out.sends(&mut s, Purpose::LogOut);
        out.receives(&mut s, lost());
        out.waits_out(&mut s);
        out.sends(&mut s, Purpose::LogOut);
        // The first one had ended it.
        out.receives(&mut s, session_expired());
        assert_eq!(out.ends_logged_out(&mut s), None);
        works_at_once(&mut s, false);
        assert_eq!(cools_down_until(&mut s), None);
    }
}

#[test]
fn a_cooldown_is_ended_by_name() {
    let mut s = before_the_cooldown();
    let mut call = kicked_out(&mut s);
    call.waits(&mut s);
    s.watch(|session, _| session.retry_now());
    call.logs_in(&mut s, "session-4");
    call.works(&mut s);
    // The sessions that were short-lived stay counted.
    kicked_out(&mut s);
    let until = s.events().iter().find_map(|event| match event {
        Event::CoolingDown { until, .. } if *until > s.now + FIRST => Some(*until),
        _ => None,
    });
    assert_eq!(until, Some(s.now + 2 * FIRST));
}
