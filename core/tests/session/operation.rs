//! One operation at a time, for any number of calls: it belongs to the session.

use std::time::Duration;

use thingspace_core::{
    Session,
    session::{BlockReason, Operation, OperationKind, WaitReason},
};

use crate::scenario::*;

/// A session that has a bearer token, and a login that is in progress. The call
/// that began it is gone.
fn logging_in() -> (Scenario, Operation) {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    let login = call.begins(&mut s, Purpose::LogIn);
    s.events();
    (s, login)
}

#[test]
fn a_first_call_fetches_a_bearer_logs_in_and_is_sent_with_both_tokens() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer("bearer-1"));
    let login = call.sends(&mut s, Purpose::LogIn);
    assert_eq!(tokens(&login), ("Bearer bearer-1", ""));
    call.receives(&mut s, session("session-1"));
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-1", "session-1"));
    call.receives(&mut s, done());
    assert_eq!(call.ends_with_response(&mut s).body(), r#"{"work":"done"}"#);
}

#[test]
fn law_1_any_number_of_calls_make_one_token_fetch_and_one_login() {
    let mut s = Scenario::new();
    let mut calls: Vec<_> = (0..100).map(|_| Actor::reads()).collect();
    let (first, others) = calls.split_first_mut().unwrap();

    for (kind, purpose, brought) in [
        (
            OperationKind::TokenFetch,
            Purpose::TokenFetch,
            bearer("bearer-1"),
        ),
        (OperationKind::LogIn, Purpose::LogIn, session("session-1")),
    ] {
        let operation = first.begins(&mut s, purpose);
        assert_eq!(operation.kind(), kind);
        for call in others.iter_mut() {
            assert_eq!(call.waits(&mut s).reason, WaitReason::Operation(kind));
        }
        // The call that began it waits like all others.
        assert_eq!(first.waits(&mut s).reason, WaitReason::Operation(kind));
        let before = s.session.version();
        first.receives(&mut s, brought);
        assert!(s.session.version() > before, "those who wait are not woken");
    }
    for call in &mut calls {
        call.sends(&mut s, Purpose::Work);
    }
}

#[test]
fn the_result_of_an_operation_goes_to_the_session_whoever_brings_it() {
    let mut s = Scenario::new();
    let (mut first, mut second) = (Actor::reads(), Actor::log_in());
    let fetch = first.begins(&mut s, Purpose::TokenFetch);
    s.receives(fetch, bearer("bearer-1"));
    assert_eq!(s.session.bearer_token().unwrap().expose(), "bearer-1");
    let login = second.begins(&mut s, Purpose::LogIn);
    s.receives(login, session("session-1"));
    first.works(&mut s);
    assert_eq!(second.ends_logged_in(&mut s).expose(), "session-1");

    let mut out = Actor::log_out();
    let logout = out.begins(&mut s, Purpose::LogOut);
    s.receives(logout, session("session-1"));
    assert!(s.session.session_token().is_none());
    assert_eq!(out.ends_logged_out(&mut s).unwrap().expose(), "session-1");

    // Even another call may bring it.
    let login = Actor::log_in().sends(&mut s, Purpose::LogIn).attempt;
    let mut courier = Actor::writes();
    courier.waits(&mut s);
    courier.receives_for(&mut s, login, session("session-2"));
    courier.works(&mut s);
}

/// A program whose calls have 100 ms, and a service whose login takes 1.5 s.
#[test]
fn law_14_a_login_goes_on_when_the_call_that_began_it_runs_out_of_time() {
    let mut s = Scenario::new();
    let start = s.now;
    let deadline = start + Duration::from_millis(100);
    let mut hasty = Actor::reads().until(deadline);
    hasty.fetches(&mut s, "bearer-1");
    let login = hasty.begins(&mut s, Purpose::LogIn);
    let wait = hasty.waits(&mut s);
    assert_eq!(wait.until, deadline);
    assert_eq!(wait.reason, WaitReason::Operation(OperationKind::LogIn));
    s.pass_until(deadline);
    let error = hasty.fails(&mut s);
    assert!(error.is_timed_out() && error.is_never_sent(), "{error}");

    // So it is for all that come meanwhile.
    for _ in 0..13 {
        let mut call = Actor::reads().until(s.now + Duration::from_millis(100));
        call.waits(&mut s);
        s.pass(Duration::from_millis(100));
        assert!(call.fails(&mut s).is_timed_out());
    }
    assert_eq!(s.session.login_guard().failed_logins, 1, "in progress");

    s.pass(Duration::from_millis(100));
    s.receives(login, session("session-1"));
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (0, 2));
    assert_eq!(guard.last_failure, None);
    let mut next = Actor::reads().until(s.now + Duration::from_millis(100));
    next.works(&mut s);
    assert_eq!(
        s.reported(),
        [
            event::bearer_fetched(start + 59 * MINUTE),
            event::logged_in()
        ]
    );
}

#[test]
fn law_14_a_login_succeeds_although_the_call_that_began_it_was_dropped() {
    let (mut s, login) = logging_in();
    let mut other = Actor::writes();
    other.waits(&mut s);
    s.receives(login, session("session-1"));
    assert_eq!(s.reported(), [event::logged_in()]);
    assert_eq!(s.session.login_guard().failed_logins, 0);
    other.works(&mut s);
}

#[test]
fn the_deadline_of_an_operation_is_its_own_and_full_although_the_calls_is_shorter() {
    let mut s = Scenario::with(settings(|s| {
        s.attempt_timeout = 20 * SECOND;
        s.call_timeout = Some(SECOND);
    }));
    let mut hasty = Actor::log_in();
    let fetch = hasty.sends(&mut s, Purpose::TokenFetch);
    assert_eq!(fetch.deadline, s.now + 20 * SECOND);
    hasty.receives(&mut s, bearer("bearer-1"));
    s.almost_pass(SECOND);
    let login = hasty.sends(&mut s, Purpose::LogIn);
    assert_eq!(login.deadline, s.now + 20 * SECOND);
    hasty.receives(&mut s, session("session-1"));
    hasty.ends(&mut s).unwrap();
    for (mut hasty, purpose) in [
        (Actor::reset_password(), Purpose::Reset),
        (Actor::log_out(), Purpose::LogOut),
    ] {
        let sent = hasty.sends(&mut s, purpose);
        assert_eq!(sent.deadline, s.now + 20 * SECOND);
        hasty.receives(&mut s, not_sent());
    }
}

#[test]
fn law_1_an_operation_that_is_abandoned_is_begun_anew_at_once() {
    let mut s = Scenario::new();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    let fetch = first.begins(&mut s, Purpose::TokenFetch);
    second.waits(&mut s);
    s.abandons(fetch);
    assert_eq!(s.session.operation(), None);
    second.sends(&mut s, Purpose::TokenFetch);
    // The call that began the first one goes on as well.
    first.waits(&mut s);
    second.receives(&mut s, bearer("bearer-1"));
    first.logs_in(&mut s, "session-1");
    first.works(&mut s);
    second.works(&mut s);
}

#[test]
fn abandoning_an_operation_that_has_ended_changes_nothing() {
    let (mut s, login) = logging_in();
    s.receives(login, session("session-1"));
    let before = s.session.snapshot(s.now);
    s.abandons(login);
    assert!(s.session.snapshot(s.now) == before);
    assert_eq!(s.reported(), [event::logged_in()]);
}

#[test]
fn law_1_an_operation_that_nothing_is_heard_of_ends_with_its_lease() {
    let mut s = Scenario::new();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    let sent = first.sends(&mut s, Purpose::TokenFetch);
    let wait = second.waits(&mut s);
    assert!(wait.until > sent.deadline, "the driver has time to say so");
    drop(first);
    s.pass_until(wait.until);
    second.sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn law_1_a_clock_set_back_does_not_prolong_the_lease() {
    let mut s = Scenario::new();
    s.pass(24 * HOUR);
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, Purpose::TokenFetch);
    drop(first);
    s.now = Scenario::new().now;
    let wait = second.waits(&mut s);
    assert!(wait.until.since(s.now) < MINUTE);
    s.pass_until(wait.until);
    second.sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn law_7_a_late_result_of_an_operation_that_was_begun_anew_is_dropped() {
    let mut s = Scenario::open();
    s.pass(HOUR);
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, Purpose::TokenFetch);
    let lease = second.waits(&mut s).until;
    s.pass_until(lease);
    second.sends(&mut s, Purpose::TokenFetch);
    second.receives(&mut s, bearer("newer"));
    first.receives(&mut s, bearer("older"));
    assert_eq!(s.session.bearer_token().unwrap().expose(), "newer");
}

#[test]
fn law_7_a_late_result_while_another_operation_is_in_progress_is_dropped() {
    let (mut s, first) = logging_in();
    let lease = Actor::log_in().waits(&mut s).until;
    s.pass_until(lease);
    Actor::log_in().waits_out(&mut s);
    let second = Actor::log_in().begins(&mut s, Purpose::LogIn);
    assert_eq!(s.session.login_guard().failed_logins, 2);
    s.receives(first, session("older"));
    assert_eq!(s.session.operation(), Some(OperationKind::LogIn));
    assert!(s.session.session_token().is_none());
    s.receives(first, not_sent());
    assert_eq!(s.session.login_guard().failed_logins, 1, "its own alone");
    s.receives(second, session("newer"));
    assert_eq!(s.session.session_token().unwrap().expose(), "newer");
}

#[test]
fn a_late_result_before_the_lease_expires_is_used() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    let sent = call.sends(&mut s, Purpose::TokenFetch);
    s.pass_until(sent.deadline + 4 * SECOND);
    call.receives(&mut s, bearer("bearer-1"));
    call.sends(&mut s, Purpose::LogIn);
}

#[test]
fn a_late_result_after_the_lease_expired_is_used_if_nothing_was_begun_since() {
    let (mut s, login) = logging_in();
    let lease = s.now + 35 * SECOND;
    s.pass(MINUTE);
    s.watch(Session::expire);
    assert_eq!(s.session.operation(), None);
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (1, 1));
    assert_eq!(
        s.reported(),
        [
            event::lease_expired(OperationKind::LogIn),
            event::login_lost(1),
            event::backing_off(lease + LOGIN_INTERVAL)
        ]
    );

    s.receives(login, session("session-1"));
    assert_eq!(s.session.login_guard().failed_logins, 0);
    assert_eq!(s.reported(), [event::logged_in()]);
    Actor::reads().works(&mut s);
}

#[test]
fn law_3_a_refusal_that_names_the_credentials_blocks_also_if_it_comes_late() {
    let (mut s, login) = logging_in();
    s.pass(MINUTE);
    s.watch(Session::expire);
    s.events();
    s.receives(login, wrong_password());
    assert_eq!(
        s.reported(),
        [
            event::login_refused("INPUT_INVALID.Password.Incorrect", 0),
            event::logins_blocked_by_refusal("INPUT_INVALID.Password.Incorrect"),
        ]
    );
    assert_eq!(s.session.login_guard().failed_logins, 1, "it counts once");
}

#[test]
fn law_2_a_late_proof_that_a_login_never_left_refunds_it_once() {
    let (mut s, login) = logging_in();
    s.pass(MINUTE);
    s.watch(Session::expire);
    assert_eq!(s.session.login_guard().failed_logins, 1);
    for _ in 0..3 {
        s.receives(login, not_sent());
        assert_eq!(s.session.login_guard().failed_logins, 0);
    }
}

#[test]
fn law_7_a_result_that_comes_twice_counts_once() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    let fetch = call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer("bearer-1"));
    call.receives(&mut s, bearer("bearer-2"));
    assert_eq!(s.session.bearer_token().unwrap().expose(), "bearer-1");

    // Nor is it taken for the result of the next request.
    call.sends(&mut s, Purpose::LogIn);
    call.receives_for(&mut s, fetch.attempt, bearer("bearer-1"));
    assert_eq!(s.session.operation(), Some(OperationKind::LogIn));
}

/// The budget after one failed login, and a second one that is in progress.
fn second_login() -> (Scenario, Operation) {
    let (mut s, login) = logging_in();
    s.receives(login, lost());
    s.pass(LOGIN_INTERVAL);
    let login = Actor::log_in().begins(&mut s, Purpose::LogIn);
    assert_eq!(s.session.login_guard().failed_logins, 2);
    s.events();
    (s, login)
}

#[test]
fn law_2_a_second_result_of_a_login_refunds_nothing() {
    for first in [not_sent(), bearer_fault()] {
        for second in [
            not_sent(),
            bearer_fault(),
            lost(),
            unclear(),
            wrong_password(),
        ] {
            let (mut s, login) = second_login();
            s.receives(login, first.clone());
            let guard = s.session.login_guard();
            assert_eq!((guard.failed_logins, guard.attempts_left), (1, 1));
            s.events();
            s.receives(login, second.clone());
            assert_eq!(s.session.login_guard(), guard, "{first:?} {second:?}");
            assert_eq!(s.events(), [], "{first:?} {second:?}");
        }
    }
}

#[test]
fn law_7_a_second_result_of_an_operation_changes_nothing() {
    let results = [
        ("a session token", session("session-2")),
        ("a bearer token", bearer("bearer-2")),
        ("a new password", new_password("Wh0b")),
        ("a refusal", unclear()),
        ("a refusal of the credentials", wrong_password()),
        ("a refusal of the session", session_expired()),
        ("a refusal of the bearer", bearer_fault()),
        ("too many calls", throttled("20")),
        ("no response", lost()),
        ("never sent", not_sent()),
    ];
    let begun = |purpose| match purpose {
        Purpose::LogIn => second_login(),
        Purpose::TokenFetch => {
            let mut s = Scenario::new();
            let fetch = Actor::log_in().begins(&mut s, purpose);
            (s, fetch)
        }
        Purpose::LogOut => {
            let mut s = Scenario::open();
            let logout = Actor::log_out().begins(&mut s, purpose);
            (s, logout)
        }
        _ => {
            let mut s = Scenario::open();
            let reset = Actor::reset_password().begins(&mut s, purpose);
            (s, reset)
        }
    };
    let mut changed = Vec::new();
    for kind in [
        Purpose::TokenFetch,
        Purpose::LogIn,
        Purpose::LogOut,
        Purpose::Reset,
    ] {
        for (first, first_result) in &results {
            for (second, second_result) in &results {
                let (mut s, operation) = begun(kind);
                s.receives(operation, first_result.clone());
                s.events();
                let before = s.at_rest();
                let new = s.session.new_password().cloned();
                s.receives(operation, second_result.clone());
                // A new password alone is never lost.
                if kind == Purpose::Reset && *second == "a new password" && new.is_none() {
                    assert!(s.session.new_password().is_some(), "{first}");
                    continue;
                }
                let is_same = s.at_rest() == before && s.events().is_empty();
                if !is_same || s.session.new_password() != new.as_ref() {
                    changed.push(format!("{kind:?} with {first}, then {second}"));
                }
            }
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn a_step_out_of_turn_says_that_a_response_is_waited_for() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    let sent = call.sends(&mut s, Purpose::Work);
    assert_eq!(sent.attempt.operation(), None);
    let wait = call.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Response);
    assert!(wait.until >= sent.deadline);
}

#[test]
fn law_12_a_request_that_nothing_is_heard_of_counts_as_lost() {
    let mut s = Scenario::open();
    let mut call = Actor::writes();
    call.sends(&mut s, Purpose::Work);
    let end = call.waits(&mut s).until;
    s.pass_until(end);
    assert!(call.fails(&mut s).is_outcome_unknown());
}

#[test]
fn law_12_a_token_fetch_that_nothing_is_heard_of_is_a_failure_of_the_call_that_began_it() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    for _ in 0..3 {
        call.sends(&mut s, Purpose::TokenFetch);
        let end = call.waits(&mut s).until;
        s.pass_until(end);
    }
    let error = call.fails(&mut s);
    assert_eq!(error.prerequisite(), Some(OperationKind::TokenFetch));
    assert!(error.is_never_sent(), "{error}");
}

#[test]
fn a_call_that_has_finished_says_so() {
    let mut s = Scenario::open();
    let mut call = Actor::log_in();
    call.ends(&mut s).unwrap();
    let error = call.fails(&mut s);
    assert_eq!(error.to_string(), "the call has finished; make a new one");
}

#[test]
fn law_12_calls_that_waited_for_an_operation_that_was_refused_share_its_error() {
    let mut s = Scenario::new();
    let mut calls: Vec<_> = (0..10).map(|_| Actor::reads()).collect();
    let (first, others) = calls.split_first_mut().unwrap();
    first.sends(&mut s, Purpose::TokenFetch);
    for call in others.iter_mut() {
        call.waits(&mut s);
    }
    let body = r#"{"error":"invalid_client","error_description":"who?"}"#;
    first.receives(&mut s, response(401, body));
    for call in &mut calls {
        let error = call.fails(&mut s);
        assert!(error.is_wrong_app() && error.is_never_sent(), "{error}");
        assert_eq!(error.status().unwrap(), 401);
        assert_eq!(error.refusal().unwrap().message(), Some("who?"));
        assert_eq!(error.response().unwrap().body(), body);
    }
    // One that comes later tries for itself.
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn law_12_calls_that_waited_through_an_outage_give_up_together() {
    let mut s = Scenario::new();
    let mut calls: Vec<_> = (0..10).map(|_| Actor::reads()).collect();
    for _ in 0..3 {
        let (first, others) = calls.split_first_mut().unwrap();
        first.sends(&mut s, Purpose::TokenFetch);
        for call in others.iter_mut() {
            call.waits(&mut s);
        }
        first.receives(&mut s, response(503, "<html>"));
        s.pass(30 * SECOND);
    }
    for call in &mut calls {
        let error = call.fails(&mut s);
        assert!(error.is_never_sent(), "{error}");
        assert_eq!(error.status().unwrap(), 503);
        assert_eq!(error.response().unwrap().body(), "<html>");
    }
}

#[test]
fn law_5_a_login_refused_for_its_bearer_costs_every_call_that_waited_one_replay() {
    let mut s = Scenario::new();
    let mut calls: Vec<_> = (0..10).map(|_| Actor::reads()).collect();
    for round in ["bearer-1", "bearer-2"] {
        let (first, others) = calls.split_first_mut().unwrap();
        s.pass(SECOND);
        first.fetches(&mut s, round);
        first.sends(&mut s, Purpose::LogIn);
        for call in others.iter_mut() {
            call.waits(&mut s);
        }
        first.receives(&mut s, bearer_fault());
    }
    for call in &mut calls {
        let error = call.fails(&mut s);
        assert!(
            error.is_bearer_refused() && error.is_never_sent(),
            "{error}"
        );
        assert_eq!(error.prerequisite(), Some(OperationKind::LogIn));
    }
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.blocked), (0, None));
}

#[test]
fn law_8_an_operation_of_every_kind_can_be_abandoned() {
    let mut s = Scenario::new();
    let fetch = Actor::log_in().begins(&mut s, Purpose::TokenFetch);
    s.abandons(fetch);
    assert_eq!((s.session.operation(), s.events()), (None, vec![]));

    let (mut s, login) = logging_in();
    s.abandons(login);
    let next = s.now + LOGIN_INTERVAL;
    assert_eq!(
        s.reported(),
        [event::login_lost(1), event::backing_off(next)]
    );
    assert_eq!(s.session.login_guard().failed_logins, 1);
    s.pass(LOGIN_INTERVAL);
    Actor::log_in().sends(&mut s, Purpose::LogIn);

    let mut s = Scenario::open();
    let logout = Actor::log_out().begins(&mut s, Purpose::LogOut);
    s.abandons(logout);
    assert_eq!((s.session.operation(), s.events()), (None, vec![]));
    Actor::reads().works(&mut s);

    let mut s = Scenario::open();
    let reset = Actor::reset_password().begins(&mut s, Purpose::Reset);
    s.abandons(reset);
    let reason = BlockReason::PasswordInDoubt;
    assert_eq!(s.reported(), [event::logins_blocked(&reason)]);
    Actor::reads().works(&mut s);
}
