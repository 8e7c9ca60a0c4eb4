//! Calls that have no time to lose.

use std::time::Duration;

use thingspace_core::{
    Fate,
    session::{Event, WaitReason},
};

use crate::scenario::*;

/// The fate that a call was timed out with.
#[track_caller]
fn fate(error: &thingspace_core::Error) -> Fate {
    assert!(error.is_timed_out(), "{error}");
    error.fate()
}

#[test]
fn no_request_may_take_longer_than_its_call() {
    let mut s = Scenario::new();
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::reads().until(deadline);
    assert_eq!(call.sends(&mut s, What::TokenFetch).deadline, deadline);
    s.pass(3 * SECOND);
    call.hears(&mut s, bearer("bearer-1"));
    assert_eq!(call.sends(&mut s, What::LogIn).deadline, deadline);
    s.pass(3 * SECOND);
    call.hears(&mut s, session("session-1"));
    assert_eq!(call.sends(&mut s, What::Work).deadline, deadline);
}

#[test]
fn a_request_may_not_take_longer_because_its_call_may() {
    let mut s = Scenario::open_with(settings(|s| s.attempt_timeout = 7 * SECOND));
    let sent = Actor::reads().until(s.now + HOUR).sends(&mut s, What::Work);
    assert_eq!(sent.deadline, s.now + 7 * SECOND);
}

#[test]
fn the_time_for_every_call_is_a_setting_and_counts_from_its_first_step() {
    let mut s = Scenario::open_with(settings(|s| s.call_timeout = Some(10 * SECOND)));
    let mut call = Actor::reads();
    s.pass(MINUTE);
    let deadline = s.now + 10 * SECOND;
    assert_eq!(call.sends(&mut s, What::Work).deadline, deadline);
    s.pass(9 * SECOND);
    call.hears(&mut s, not_sent());
    let wait = call.waits(&mut s);
    s.pass_until(wait.until);
    // It does not start anew with the second attempt.
    assert_eq!(call.sends(&mut s, What::Work).deadline, deadline);

    // A call's own goes before it.
    let own = s.now + MINUTE;
    let sent = Actor::reads().until(own).sends(&mut s, What::Work);
    assert_eq!(sent.deadline, s.now + 30 * SECOND);
}

#[test]
fn a_call_that_comes_too_late_sends_nothing() {
    let mut s = Scenario::new();
    let before = s.session.version();
    let error = Actor::reads().until(s.now).fails(&mut s);
    assert_eq!(fate(&error), Fate::NeverSent);
    assert_eq!(s.session.version(), before);
    assert_eq!(
        error.to_string(),
        "the deadline passed before the call was done (it was never sent); give it more time or call again"
    );
}

#[test]
fn nobody_waits_for_a_flight_beyond_its_own_deadline() {
    let mut s = Scenario::new();
    let mut carrier = Actor::reads();
    carrier.sends(&mut s, What::TokenFetch);
    let deadline = s.now + 5 * SECOND;
    let mut hasty = Actor::writes().until(deadline);
    assert_eq!(hasty.waits(&mut s).until, deadline);
    s.pass_until(deadline);
    assert_eq!(fate(&hasty.fails(&mut s)), Fate::NeverSent);
    // The carrier is not disturbed.
    carrier.hears(&mut s, bearer("bearer-1"));
    carrier.logs_in(&mut s, "session-1");
    carrier.works(&mut s);
}

#[test]
fn nobody_waits_for_a_logout_or_a_reset_beyond_its_own_deadline() {
    for logs_out in [true, false] {
        let mut s = Scenario::open();
        let deadline = s.now + 5 * SECOND;
        let until = if logs_out {
            Actor::log_out().sends(&mut s, What::LogOut);
            Actor::reads().until(deadline).waits(&mut s).until
        } else {
            Actor::reset_password().sends(&mut s, What::Reset);
            Actor::log_out().until(deadline).waits(&mut s).until
        };
        assert_eq!(until, deadline);
    }
}

#[test]
fn the_others_are_not_harmed_when_the_carrier_of_a_flight_runs_out_of_time() {
    let mut s = Scenario::new();
    let deadline = s.now + 5 * SECOND;
    let mut hasty = Actor::writes().until(deadline);
    let sent = hasty.sends(&mut s, What::TokenFetch);
    let mut patient = Actor::writes();
    let wait = patient.waits(&mut s);
    assert!(wait.until.since(sent.deadline) <= 10 * SECOND);

    s.pass_until(sent.deadline);
    hasty.hears(&mut s, lost());
    assert_eq!(fate(&hasty.fails(&mut s)), Fate::NeverSent);
    let wait = patient.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Backoff);
    s.pass_until(wait.until);
    patient.fetches(&mut s, "bearer-1");
    patient.logs_in(&mut s, "session-1");
    patient.works(&mut s);
}

#[test]
fn the_others_are_not_harmed_when_the_carrier_of_a_flight_is_never_heard_of_again() {
    let mut s = Scenario::new();
    let mut hasty = Actor::writes().until(s.now + 5 * SECOND);
    hasty.sends(&mut s, What::TokenFetch);
    drop(hasty);
    let mut patient = Actor::writes();
    let wait = patient.waits(&mut s);
    assert!(wait.until.since(s.now) <= 15 * SECOND);
    s.pass_until(wait.until);
    patient.sends(&mut s, What::TokenFetch);
}

#[test]
fn law_2_a_login_that_a_deadline_cuts_short_counts() {
    let mut s = Scenario::new();
    let deadline = s.now + 5 * SECOND;
    let mut hasty = Actor::writes().until(deadline);
    hasty.fetches(&mut s, "bearer-1");
    hasty.sends(&mut s, What::LogIn);
    s.pass_until(deadline);
    hasty.hears(&mut s, lost());
    assert_eq!(fate(&hasty.fails(&mut s)), Fate::NeverSent);
    assert_eq!(s.session.gate().failed_logins, 1);
}

#[test]
fn a_login_by_name_that_a_deadline_cuts_short_may_have_been_carried_out() {
    let mut s = Scenario::new();
    let deadline = s.now + 5 * SECOND;
    let mut hasty = Actor::log_in().until(deadline);
    hasty.fetches(&mut s, "bearer-1");
    hasty.sends(&mut s, What::LogIn);
    s.pass_until(deadline);
    hasty.hears(&mut s, lost());
    let error = hasty.fails(&mut s);
    assert!(!error.is_never_sent(), "{error}");
}

#[test]
fn a_backoff_that_would_end_after_the_deadline_ends_the_call_at_once_with_the_last_error() {
    let mut s = Scenario::open();
    let mut call = Actor::reads().until(s.now + 10 * SECOND);
    call.sends(&mut s, What::Work);
    call.hears(&mut s, throttled("20"));
    let error = call.fails(&mut s);
    assert!(error.is_throttled(), "{error}");
    assert!(error.retry_at().unwrap() >= s.now + 20 * SECOND);

    let mut call = Actor::reads().until(s.now + Duration::from_millis(200));
    call.sends(&mut s, What::Work);
    call.hears(&mut s, answer(503, ""));
    let error = call.fails(&mut s);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
    assert!(error.is_fate_unknown(), "{error}");
}

#[test]
fn a_pause_of_all_that_would_end_after_the_deadline_ends_the_call_at_once() {
    let mut s = Scenario::new();
    let mut call = Actor::reads().until(s.now + 10 * SECOND);
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, throttled("20"));
    let error = call.fails(&mut s);
    assert!(error.is_throttled() && error.is_never_sent(), "{error}");

    // One that had no part in it is told when to come back.
    let error = Actor::reads().until(s.now + 10 * SECOND).fails(&mut s);
    assert!(error.is_never_sent());
    assert!(error.retry_at().unwrap() >= s.now + 20 * SECOND);
    // One that has the time waits.
    Actor::reads().until(s.now + 30 * SECOND).waits(&mut s);
}

#[test]
fn what_was_sent_before_the_deadline_may_have_been_carried_out() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::reads().until(deadline);
    call.sends(&mut s, What::Work);
    s.pass_until(deadline);
    call.hears(&mut s, lost());
    let error = call.fails(&mut s);
    assert_eq!(fate(&error), Fate::Unknown);
    assert_eq!(
        error.to_string(),
        "the deadline passed before the call was done (it may have been carried out); give it more time or call again"
    );

    // What must not be done twice ends with its own error.
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::writes().until(deadline);
    call.sends(&mut s, What::Work);
    s.pass_until(deadline);
    call.hears(&mut s, lost());
    assert!(call.fails(&mut s).is_fate_unknown());
}

#[test]
fn what_was_refused_before_the_deadline_was_not_carried_out() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::reads().until(deadline);
    call.sends(&mut s, What::Work);
    call.hears(&mut s, throttled("1"));
    call.waits(&mut s);
    s.pass_until(deadline);
    assert_eq!(fate(&call.fails(&mut s)), Fate::Refused);

    let mut call = Actor::reads().until(s.now + 10 * SECOND);
    call.sends(&mut s, What::Work);
    call.hears(&mut s, not_sent());
    call.waits(&mut s);
    s.pass(10 * SECOND);
    assert_eq!(fate(&call.fails(&mut s)), Fate::NeverSent);
}

#[test]
fn an_answer_that_comes_in_time_is_given_even_if_it_is_asked_for_too_late() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::writes().until(deadline);
    call.sends(&mut s, What::Work);
    call.hears(&mut s, done());
    s.pass_until(deadline + MINUTE);
    call.ends(&mut s).unwrap();
}

#[test]
fn a_reset_that_a_deadline_cuts_short_leaves_the_password_in_doubt() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut reset = Actor::reset_password().until(deadline);
    assert_eq!(reset.sends(&mut s, What::Reset).deadline, deadline);
    s.pass_until(deadline);
    reset.hears(&mut s, lost());
    let error = reset.fails(&mut s);
    assert!(matches!(error, thingspace_core::Error::PasswordUnknown(_)));
    assert!(matches!(s.events()[..], [Event::GateClosed { .. }]));
}

#[test]
fn a_brake_that_would_last_beyond_the_deadline_ends_the_call_at_once() {
    let mut s = Scenario::open();
    for _ in 0..2 {
        let mut call = Actor::reads();
        call.sends(&mut s, What::Work);
        call.hears(&mut s, session_expired());
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
    let mut call = Actor::reads().until(s.now + 30 * SECOND);
    call.sends(&mut s, What::Work);
    call.hears(&mut s, session_expired());
    let error = call.fails(&mut s);
    assert_eq!(error.retry_at(), Some(s.now + MINUTE));
    assert!(error.to_string().contains("new sessions keep dying"));
}
