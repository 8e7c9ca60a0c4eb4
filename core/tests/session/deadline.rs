//! Calls that have no time to lose.

use std::time::Duration;

use thingspace_core::{
    ErrorKind, Outcome,
    session::{BlockReason, OperationKind, WaitReason},
};

use crate::scenario::*;

/// The outcome of a call whose deadline passed.
#[track_caller]
fn outcome(error: &thingspace_core::Error) -> Outcome {
    assert!(error.is_timed_out(), "{error}");
    error.outcome()
}

#[test]
fn a_calls_own_request_may_not_take_longer_than_the_call_and_an_operation_may() {
    let mut s = Scenario::new();
    let start = s.now;
    let deadline = start + 10 * SECOND;
    let mut call = Actor::reads().until(deadline);
    let fetch = call.sends(&mut s, Purpose::TokenFetch);
    assert_eq!(fetch.deadline, start + 30 * SECOND);
    s.pass(3 * SECOND);
    call.receives(&mut s, bearer("bearer-1"));
    let login = call.sends(&mut s, Purpose::LogIn);
    assert_eq!(login.deadline, start + 33 * SECOND);
    s.pass(3 * SECOND);
    call.receives(&mut s, session("session-1"));
    assert_eq!(call.sends(&mut s, Purpose::Work).deadline, deadline);
}

#[test]
fn a_request_may_not_take_longer_because_its_call_may() {
    let mut s = Scenario::open_with(settings(|s| s.attempt_timeout = 7 * SECOND));
    let mut call = Actor::reads().until(s.now + HOUR);
    let sent = call.sends(&mut s, Purpose::Work);
    assert_eq!(sent.deadline, s.now + 7 * SECOND);
}

#[test]
fn the_time_for_every_call_is_a_setting_and_counts_from_its_first_step() {
    let mut s = Scenario::open_with(settings(|s| s.call_timeout = Some(10 * SECOND)));
    let mut call = Actor::reads();
    s.pass(MINUTE);
    let deadline = s.now + 10 * SECOND;
    assert_eq!(call.sends(&mut s, Purpose::Work).deadline, deadline);
    s.pass(9 * SECOND);
    call.receives(&mut s, not_sent());
    let wait = call.waits(&mut s);
    s.pass_until(wait.until);
    // It does not start anew with the second attempt.
    assert_eq!(call.sends(&mut s, Purpose::Work).deadline, deadline);

    // A call's own goes before it.
    let own = s.now + MINUTE;
    let sent = Actor::reads().until(own).sends(&mut s, Purpose::Work);
    assert_eq!(sent.deadline, s.now + 30 * SECOND);
}

#[test]
fn a_call_that_comes_too_late_sends_nothing() {
    let mut s = Scenario::new();
    let before = s.session.version();
    let error = Actor::reads().until(s.now).fails(&mut s);
    assert_eq!(outcome(&error), Outcome::NeverSent);
    assert_eq!(s.session.version(), before);
    assert_eq!(
        error.to_string(),
        "the deadline passed before the call was done; give it more time or call again"
    );
}

#[test]
fn no_call_waits_for_an_operation_beyond_its_own_deadline() {
    let mut s = Scenario::new();
    let mut first = Actor::reads();
    first.sends(&mut s, Purpose::TokenFetch);
    let deadline = s.now + 5 * SECOND;
    let mut hasty = Actor::writes().until(deadline);
    assert_eq!(hasty.waits(&mut s).until, deadline);
    s.pass_until(deadline);
    assert_eq!(outcome(&hasty.fails(&mut s)), Outcome::NeverSent);
    // The call that began the operation is not disturbed.
    first.receives(&mut s, bearer("bearer-1"));
    first.logs_in(&mut s, "session-1");
    first.works(&mut s);
}

#[test]
fn no_call_waits_for_a_logout_or_a_reset_beyond_its_own_deadline() {
    for logs_out in [true, false] {
        let mut s = Scenario::open();
        let deadline = s.now + 5 * SECOND;
        let until = if logs_out {
            Actor::log_out().sends(&mut s, Purpose::LogOut);
            Actor::reads().until(deadline).waits(&mut s).until
        } else {
            Actor::reset_password().sends(&mut s, Purpose::Reset);
            Actor::log_out().until(deadline).waits(&mut s).until
        };
        assert_eq!(until, deadline);
    }
}

#[test]
fn law_14_the_others_are_not_harmed_when_the_call_that_began_an_operation_runs_out_of_time() {
    let mut s = Scenario::new();
    let deadline = s.now + 5 * SECOND;
    let mut hasty = Actor::writes().until(deadline);
    let fetch = hasty.begins(&mut s, Purpose::TokenFetch);
    assert_eq!(hasty.waits(&mut s).until, deadline);
    let mut patient = Actor::writes();
    patient.waits(&mut s);

    s.pass_until(deadline);
    assert_eq!(outcome(&hasty.fails(&mut s)), Outcome::NeverSent);
    // The operation goes on.
    let wait = patient.waits(&mut s);
    assert_eq!(
        wait.reason,
        WaitReason::Operation(OperationKind::TokenFetch)
    );
    s.receives(fetch, bearer("bearer-1"));
    patient.logs_in(&mut s, "session-1");
    patient.works(&mut s);
}

#[test]
fn law_14_the_others_are_not_harmed_when_an_operation_is_lost_after_its_call_ran_out_of_time() {
    let mut s = Scenario::new();
    let deadline = s.now + 5 * SECOND;
    let mut hasty = Actor::writes().until(deadline);
    let sent = hasty.sends(&mut s, Purpose::TokenFetch);
    let mut patient = Actor::writes();
    let wait = patient.waits(&mut s);
    assert!(wait.until.since(sent.deadline) <= 10 * SECOND);

    s.pass_until(deadline);
    assert_eq!(outcome(&hasty.fails(&mut s)), Outcome::NeverSent);
    s.pass_until(sent.deadline);
    s.receives(sent.attempt.operation().unwrap(), lost());
    let wait = patient.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Backoff);
    s.pass_until(wait.until);
    patient.fetches(&mut s, "bearer-1");
    patient.logs_in(&mut s, "session-1");
    patient.works(&mut s);
}

#[test]
fn law_14_the_others_are_not_harmed_when_the_call_that_began_an_operation_is_dropped() {
    let mut s = Scenario::new();
    let mut hasty = Actor::writes().until(s.now + 5 * SECOND);
    let sent = hasty.sends(&mut s, Purpose::TokenFetch);
    drop(hasty);
    let mut patient = Actor::writes();
    let wait = patient.waits(&mut s);
    assert_eq!(wait.until, sent.deadline + 5 * SECOND);
    s.pass_until(wait.until);
    patient.sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn law_2_a_login_whose_call_runs_out_of_time_stays_counted_until_its_result_comes() {
    for (received, failed_logins) in [(session("session-1"), 0), (lost(), 1), (not_sent(), 0)] {
        let mut s = Scenario::new();
        let deadline = s.now + 5 * SECOND;
        let mut hasty = Actor::writes().until(deadline);
        hasty.fetches(&mut s, "bearer-1");
        let login = hasty.begins(&mut s, Purpose::LogIn);
        s.pass_until(deadline);
        assert_eq!(outcome(&hasty.fails(&mut s)), Outcome::NeverSent);
        assert_eq!(s.session.login_guard().failed_logins, 1);
        s.receives(login, received);
        assert_eq!(s.session.login_guard().failed_logins, failed_logins);
    }
}

#[test]
fn law_2_a_login_that_is_lost_in_time_counts() {
    let mut s = Scenario::new();
    let deadline = s.now + 5 * SECOND;
    let mut hasty = Actor::writes().until(deadline);
    hasty.fetches(&mut s, "bearer-1");
    hasty.sends(&mut s, Purpose::LogIn);
    s.pass_until(deadline);
    hasty.receives(&mut s, lost());
    assert_eq!(outcome(&hasty.fails(&mut s)), Outcome::NeverSent);
    assert_eq!(s.session.login_guard().failed_logins, 1);
}

#[test]
fn a_login_by_name_that_a_deadline_cuts_short_may_have_been_executed() {
    for result_came in [true, false] {
        let mut s = Scenario::new();
        let deadline = s.now + 5 * SECOND;
        let mut hasty = Actor::log_in().until(deadline);
        hasty.fetches(&mut s, "bearer-1");
        hasty.sends(&mut s, Purpose::LogIn);
        s.pass_until(deadline);
        if result_came {
            hasty.receives(&mut s, lost());
        }
        let error = hasty.fails(&mut s);
        assert!(!error.is_never_sent(), "{result_came}: {error}");
    }
}

#[test]
fn a_backoff_that_would_end_after_the_deadline_ends_the_call_at_once_with_the_last_error() {
    let mut s = Scenario::open();
    let mut call = Actor::reads().until(s.now + 10 * SECOND);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, throttled("20"));
    let error = call.fails(&mut s);
    assert!(error.is_throttled(), "{error}");
    assert!(error.retry_at().unwrap() >= s.now + 20 * SECOND);

    let mut call = Actor::reads().until(s.now + Duration::from_millis(200));
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, response(503, ""));
    let error = call.fails(&mut s);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
    assert!(error.is_outcome_unknown(), "{error}");
}

#[test]
fn a_backoff_of_the_session_that_would_end_after_the_deadline_ends_the_call_at_once() {
    let mut s = Scenario::new();
    let mut call = Actor::reads().until(s.now + 10 * SECOND);
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, throttled("20"));
    let error = call.fails(&mut s);
    assert!(error.is_throttled() && error.is_never_sent(), "{error}");

    // One that had no part in it learns when to call again.
    let error = Actor::reads().until(s.now + 10 * SECOND).fails(&mut s);
    assert!(error.is_never_sent());
    assert!(error.retry_at().unwrap() >= s.now + 20 * SECOND);
    // One that has the time waits.
    Actor::reads().until(s.now + 30 * SECOND).waits(&mut s);
}

#[test]
fn a_request_that_was_sent_before_the_deadline_may_have_been_executed() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::reads().until(deadline);
    call.sends(&mut s, Purpose::Work);
    s.pass_until(deadline);
    call.receives(&mut s, lost());
    let error = call.fails(&mut s);
    assert_eq!(outcome(&error), Outcome::Unknown);
    assert_eq!(
        error.to_string(),
        "an earlier attempt may have been executed; then this happened: the deadline passed before the call was done; give it more time or call again"
    );

    // A call that must not be executed twice ends with its own error.
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::writes().until(deadline);
    call.sends(&mut s, Purpose::Work);
    s.pass_until(deadline);
    call.receives(&mut s, lost());
    let error = call.fails(&mut s);
    assert!(
        error.is_outcome_unknown() && !error.is_timed_out(),
        "{error}"
    );
}

#[test]
fn a_request_that_was_refused_before_the_deadline_was_not_executed() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::reads().until(deadline);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, throttled("1"));
    call.waits(&mut s);
    s.pass_until(deadline);
    assert_eq!(outcome(&call.fails(&mut s)), Outcome::Refused);

    let mut call = Actor::reads().until(s.now + 10 * SECOND);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, not_sent());
    call.waits(&mut s);
    s.pass(10 * SECOND);
    assert_eq!(outcome(&call.fails(&mut s)), Outcome::NeverSent);
}

#[test]
fn a_response_that_comes_in_time_is_given_even_if_it_is_asked_for_too_late() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut call = Actor::writes().until(deadline);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, done());
    s.pass_until(deadline + MINUTE);
    assert_eq!(call.ends_with_response(&mut s).body(), r#"{"work":"done"}"#);

    // A new password, above all.
    let deadline = s.now + 10 * SECOND;
    let mut reset = Actor::reset_password().until(deadline);
    reset.sends(&mut s, Purpose::Reset);
    s.pass_until(deadline);
    reset.receives(&mut s, new_password("Wh0a"));
    s.pass_until(deadline + MINUTE);
    let new = reset.ends_with_password(&mut s);
    assert_eq!(new.password().expose(), "Wh0a");
}

#[test]
fn law_8_a_reset_that_is_lost_at_its_calls_deadline_leaves_the_password_in_doubt() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut reset = Actor::reset_password().until(deadline);
    let sent = reset.sends(&mut s, Purpose::Reset);
    assert_eq!(sent.deadline, s.now + 30 * SECOND, "the operation's own");
    s.pass_until(deadline);
    reset.receives(&mut s, lost());
    let error = reset.fails(&mut s);
    assert!(error.is_password_in_doubt(), "{error}");
    let reason = BlockReason::PasswordInDoubt;
    assert_eq!(s.reported(), [event::logins_blocked(&reason)]);
}

#[test]
fn law_14_a_reset_goes_on_when_its_call_runs_out_of_time() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut reset = Actor::reset_password().until(deadline);
    let operation = reset.begins(&mut s, Purpose::Reset);
    assert_eq!(reset.waits(&mut s).until, deadline);
    s.pass_until(deadline);
    let error = reset.fails(&mut s);
    assert_eq!(outcome(&error), Outcome::Unknown);
    assert_eq!(s.session.operation(), Some(OperationKind::PasswordReset));
    assert_eq!(s.events(), []);

    s.receives(operation, new_password("Wh0a"));
    let new = s.session.new_password().cloned().unwrap();
    assert_eq!(new.password().expose(), "Wh0a");
    s.confirms(&new);
    assert_eq!(s.session.credentials().password().unwrap().expose(), "Wh0a");
}

#[test]
fn a_logout_goes_on_when_its_call_runs_out_of_time() {
    let mut s = Scenario::open();
    let deadline = s.now + 10 * SECOND;
    let mut out = Actor::log_out().until(deadline);
    let operation = out.begins(&mut s, Purpose::LogOut);
    s.pass_until(deadline);
    assert_eq!(outcome(&out.fails(&mut s)), Outcome::Unknown);
    s.receives(operation, session("session-1"));
    assert!(s.session.session_token().is_none());
    assert_eq!(s.reported(), [event::logged_out()]);
}

/// An open session after as many short-lived ones as delay no login.
fn before_a_cooldown() -> Scenario {
    let mut s = Scenario::open();
    for _ in 0..2 {
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, session_expired());
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
    s
}

#[test]
fn a_cooldown_that_would_last_beyond_the_deadline_ends_the_call_at_once() {
    let mut s = before_a_cooldown();
    let mut call = Actor::reads().until(s.now + 30 * SECOND);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    let error = call.fails(&mut s);
    assert_eq!(error.retry_at(), Some(s.now + MINUTE));
    assert!(
        error
            .to_string()
            .contains("new sessions keep being refused")
    );
}

#[test]
fn a_cooldown_is_what_ends_a_call_also_if_something_else_failed_before() {
    let mut s = before_a_cooldown();
    let mut call = Actor::reads().until(s.now + 30 * SECOND);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, response(503, ""));
    call.waits_out(&mut s);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    let error = call.fails(&mut s);
    assert!(
        matches!(error.kind(), ErrorKind::CoolingDown { .. }),
        "{error}"
    );
}
