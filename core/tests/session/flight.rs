//! One flight for any number of calls.

use thingspace_core::session::{FlightKind, WaitReason};

use crate::scenario::*;

#[test]
fn a_first_call_fetches_a_bearer_logs_in_and_goes_out_with_both_tokens() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, bearer("bearer-1"));
    let login = call.sends(&mut s, What::LogIn);
    assert_eq!(tokens(&login), ("Bearer bearer-1", ""));
    call.hears(&mut s, session("session-1"));
    let work = call.sends(&mut s, What::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-1", "session-1"));
    call.hears(&mut s, done());
    assert_eq!(call.ends(&mut s).unwrap().body(), r#"{"work":"done"}"#);
}

#[test]
fn law_1_any_number_of_calls_make_one_token_fetch_and_one_login() {
    let mut s = Scenario::new();
    let mut calls: Vec<_> = (0..100).map(|_| Actor::reads()).collect();
    let (first, others) = calls.split_first_mut().unwrap();

    for (flight, what, brought) in [
        (FlightKind::TokenFetch, What::TokenFetch, bearer("bearer-1")),
        (FlightKind::LogIn, What::LogIn, session("session-1")),
    ] {
        first.sends(&mut s, what);
        for call in others.iter_mut() {
            assert_eq!(call.waits(&mut s).reason, WaitReason::Flight(flight));
        }
        let before = s.session.version();
        first.hears(&mut s, brought);
        assert!(s.session.version() > before, "those who wait are not woken");
    }
    for call in &mut calls {
        call.sends(&mut s, What::Work);
    }
}

#[test]
fn law_1_a_flight_that_is_abandoned_is_taken_over_at_once() {
    let mut s = Scenario::new();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, What::TokenFetch);
    second.waits(&mut s);
    assert!(!first.call.is_over());
    first.abandons(&mut s);
    second.sends(&mut s, What::TokenFetch);
    assert!(first.call.is_over());
}

#[test]
fn law_1_a_flight_whose_carrier_is_never_heard_of_again_is_taken_over_after_its_lease() {
    let mut s = Scenario::new();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    let sent = first.sends(&mut s, What::TokenFetch);
    let wait = second.waits(&mut s);
    assert!(wait.until > sent.deadline, "the carrier has time to say so");
    drop(first);
    s.pass_until(wait.until);
    second.sends(&mut s, What::TokenFetch);
}

#[test]
fn law_1_a_clock_set_back_does_not_prolong_the_lease() {
    let mut s = Scenario::new();
    s.pass(24 * HOUR);
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, What::TokenFetch);
    drop(first);
    s.now = Scenario::new().now;
    let wait = second.waits(&mut s);
    assert!(wait.until.since(s.now) < MINUTE);
    s.pass_until(wait.until);
    second.sends(&mut s, What::TokenFetch);
}

#[test]
fn law_7_a_late_answer_to_a_flight_that_was_taken_over_is_dropped() {
    let mut s = Scenario::open();
    s.pass(HOUR);
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, What::TokenFetch);
    let lease = second.waits(&mut s).until;
    s.pass_until(lease);
    second.sends(&mut s, What::TokenFetch);
    second.hears(&mut s, bearer("newer"));
    first.hears(&mut s, bearer("older"));
    assert_eq!(s.session.bearer_token().unwrap().expose(), "newer");
}

#[test]
fn a_late_answer_to_a_flight_that_nobody_took_over_is_used() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    let sent = call.sends(&mut s, What::TokenFetch);
    s.pass_until(sent.deadline + 4 * SECOND);
    call.hears(&mut s, bearer("bearer-1"));
    call.sends(&mut s, What::LogIn);
}

#[test]
fn law_7_an_answer_that_comes_twice_counts_once() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    let fetch = call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, bearer("bearer-1"));
    call.hears(&mut s, bearer("bearer-2"));
    assert_eq!(s.session.bearer_token().unwrap().expose(), "bearer-1");

    // Nor is it taken for the answer to the next request.
    call.sends(&mut s, What::LogIn);
    call.hears_of(&mut s, fetch.attempt, bearer("bearer-1"));
    assert_eq!(s.session.flight(), Some(FlightKind::LogIn));
}

#[test]
fn a_step_out_of_turn_says_that_an_answer_is_waited_for() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    let sent = call.sends(&mut s, What::Work);
    let wait = call.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Answer);
    assert!(wait.until >= sent.deadline);
}

#[test]
fn law_12_a_request_that_nothing_is_heard_of_counts_as_lost() {
    let mut s = Scenario::open();
    let mut call = Actor::writes();
    call.sends(&mut s, What::Work);
    let lapse = call.waits(&mut s).until;
    s.pass_until(lapse);
    assert!(call.fails(&mut s).is_fate_unknown());
}

#[test]
fn a_call_that_is_over_says_so() {
    let mut s = Scenario::open();
    let mut call = Actor::log_in();
    call.ends(&mut s).unwrap();
    assert!(call.call.is_over());
    let error = call.fails(&mut s);
    assert_eq!(error.to_string(), "the call is over; make a new one");
}

#[test]
fn law_12_calls_that_waited_for_a_flight_that_was_refused_share_its_error() {
    let mut s = Scenario::new();
    let mut calls: Vec<_> = (0..10).map(|_| Actor::reads()).collect();
    let (first, others) = calls.split_first_mut().unwrap();
    first.sends(&mut s, What::TokenFetch);
    for call in others.iter_mut() {
        call.waits(&mut s);
    }
    first.hears(&mut s, answer(401, r#"{"error":"invalid_client"}"#));
    for call in &mut calls {
        let error = call.fails(&mut s);
        assert!(error.is_wrong_app() && error.is_never_sent(), "{error}");
        assert_eq!(error.status().unwrap(), 401);
    }
    // One that comes later tries for itself.
    Actor::reads().sends(&mut s, What::TokenFetch);
}

#[test]
fn law_12_calls_that_waited_through_an_outage_give_up_together() {
    let mut s = Scenario::new();
    let mut calls: Vec<_> = (0..10).map(|_| Actor::reads()).collect();
    for _ in 0..3 {
        let (first, others) = calls.split_first_mut().unwrap();
        first.sends(&mut s, What::TokenFetch);
        for call in others.iter_mut() {
            call.waits(&mut s);
        }
        first.hears(&mut s, answer(503, "<html>"));
        s.pass(30 * SECOND);
    }
    for call in &mut calls {
        let error = call.fails(&mut s);
        assert!(error.is_never_sent(), "{error}");
        assert_eq!(error.status().unwrap(), 503);
    }
}
