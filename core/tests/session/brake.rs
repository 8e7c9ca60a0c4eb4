//! Two holders of one user name that end each other's sessions.

use thingspace_core::session::{Event, FIRST_BRAKE, FREE_DEATHS, LONGEST_BRAKE, WaitReason, YOUNG};

use crate::scenario::*;

/// A call whose session turns out to be ended by another's login. It goes out
/// 96 seconds after the session was opened.
#[track_caller]
fn kicked_out(s: &mut Scenario) -> Actor<http::Request<bytes::Bytes>> {
    s.pass(96 * SECOND);
    let mut call = Actor::reads();
    call.sends(s, What::Work);
    call.hears(s, refused("INPUT_INVALID.SessionToken.Invalid"));
    call
}

/// Open with a bearer token for a day, and kicked out as often as is free.
fn before_the_brake() -> Scenario {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, bearer_for("bearer-1", 24 * 3600));
    call.logs_in(&mut s, "session-1");
    call.ends(&mut s).unwrap();
    for _ in 0..FREE_DEATHS {
        let mut call = kicked_out(&mut s);
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
    s.events();
    s
}

/// Until when logins pause, as the events tell it.
fn braked_until(s: &mut Scenario) -> Option<thingspace_core::Timestamp> {
    s.events().into_iter().find_map(|event| match event {
        Event::Braked { until } => Some(until),
        _ => None,
    })
}

#[test]
fn law_5_sessions_that_keep_dying_young_make_logins_pause() {
    let mut s = before_the_brake();
    let mut call = kicked_out(&mut s);
    let until = s.now + FIRST_BRAKE;
    assert_eq!(s.events(), [Event::SessionRefused, Event::Braked { until }]);
    for call in [&mut call, &mut Actor::writes()] {
        let wait = call.waits(&mut s);
        assert_eq!((wait.reason, wait.until), (WaitReason::Brake, until));
    }
    s.almost_pass(FIRST_BRAKE);
    call.waits(&mut s);
}

#[test]
fn law_12_after_the_pause_things_go_on() {
    let mut s = before_the_brake();
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
fn law_5_the_pauses_grow_up_to_the_longest() {
    let mut s = before_the_brake();
    let mut expected = FIRST_BRAKE;
    for _ in 0..8 {
        kicked_out(&mut s);
        let until = braked_until(&mut s).expect("no brake");
        assert_eq!(until.since(s.now), expected);
        s.pass_until(until);
        let mut next = Actor::log_in();
        next.logs_in(&mut s, "another");
        next.ends(&mut s).unwrap();
        expected = LONGEST_BRAKE.min(expected * 2);
    }
    assert_eq!(expected, LONGEST_BRAKE);
}

#[test]
fn a_pause_that_is_longer_than_a_call_waits_ends_it_and_says_when_to_come_back() {
    let mut s = before_the_brake();
    let mut call = kicked_out(&mut s);
    let until = call.waits(&mut s).until;
    s.pass_until(until);
    call.logs_in(&mut s, "session-4");
    call.works(&mut s);

    kicked_out(&mut s);
    let until = s.now + 2 * FIRST_BRAKE;
    let error = Actor::reads().fails(&mut s);
    assert!(error.is_never_sent() && !error.is_gate_closed());
    assert_eq!(error.retry_at(), Some(until));
    assert_eq!(
        error.to_string(),
        format!(
            "nothing was sent, because new sessions keep dying and logins pause until {until}; look for another program that logs in with the same user name"
        )
    );
    // When the rest of it is short enough, a call waits again.
    s.pass(FIRST_BRAKE);
    assert_eq!(Actor::reads().waits(&mut s).until, until);
}

#[test]
fn a_session_that_lives_long_starts_the_count_anew() {
    let mut s = before_the_brake();
    s.pass(YOUNG);
    Actor::reads().works(&mut s);
    // It is not even refused, but forgotten.
    s.pass(HOUR);
    let mut next = Actor::log_in();
    next.logs_in(&mut s, "another");
    next.ends(&mut s).unwrap();
    for _ in 0..FREE_DEATHS {
        let mut call = kicked_out(&mut s);
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
    assert_eq!(braked_until(&mut s), None);
    kicked_out(&mut s);
    assert_eq!(braked_until(&mut s), Some(s.now + FIRST_BRAKE));
}

#[test]
fn a_session_that_is_refused_at_a_ripe_age_did_not_die_young() {
    let mut s = before_the_brake();
    for _ in 0..10 {
        s.pass(YOUNG);
        let mut call = Actor::reads();
        call.sends(&mut s, What::Work);
        call.hears(&mut s, session_expired());
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
    assert_eq!(braked_until(&mut s), None);
}

#[test]
fn a_bearer_that_is_fetched_while_the_brake_is_on_does_not_release_it() {
    let mut s = before_the_brake();
    s.pass(96 * SECOND);
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, What::Work);
    second.sends(&mut s, What::Work);
    first.hears(&mut s, bearer_fault());
    first.sends(&mut s, What::TokenFetch);
    second.hears(&mut s, session_expired());
    let until = braked_until(&mut s).unwrap();

    first.hears(&mut s, bearer("bearer-2"));
    for call in [&mut first, &mut second] {
        let wait = call.waits(&mut s);
        assert_eq!((wait.reason, wait.until), (WaitReason::Brake, until));
    }
}

#[test]
fn a_pause_that_the_service_asked_for_is_not_cut_short_by_the_brake() {
    let mut s = before_the_brake();
    s.pass(96 * SECOND);
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, What::Work);
    second.sends(&mut s, What::Work);
    first.hears(&mut s, bearer_fault());
    first.sends(&mut s, What::TokenFetch);
    first.hears(&mut s, throttled("600"));
    let asked = s.now + 10 * MINUTE;
    second.hears(&mut s, session_expired());

    s.pass(FIRST_BRAKE);
    let error = second.fails(&mut s);
    assert!(error.retry_at().unwrap() >= asked, "{error}");
    s.pass_until(asked + MINUTE);
    Actor::reads().sends(&mut s, What::TokenFetch);
}

#[test]
fn law_5_the_brake_outlives_the_process() {
    let mut s = before_the_brake();
    kicked_out(&mut s);
    let until = braked_until(&mut s).unwrap();
    s.restart("IMgr8");
    assert_eq!(Actor::reads().waits(&mut s).until, until);
    s.pass_until(until);
    Actor::reads().sends(&mut s, What::LogIn);
}

#[test]
fn the_brake_is_about_sessions_and_holds_back_no_call_that_has_one() {
    let mut s = before_the_brake();
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
fn a_session_that_was_ended_on_purpose_did_not_die() {
    let mut s = Scenario::open();
    for _ in 0..10 {
        let mut out = Actor::log_out();
        out.sends(&mut s, What::LogOut);
        out.hears(&mut s, session("another"));
        out.ends(&mut s).unwrap();
        let mut call = Actor::reads();
        call.logs_in(&mut s, "another");
        call.works(&mut s);
    }
}

/// The brake goes on while a token fetch is under way, which then fails.
fn braked_while_a_fetch_fails(heard: Heard) -> (Scenario, thingspace_core::Timestamp) {
    let mut s = before_the_brake();
    s.pass(96 * SECOND);
    let (mut reader, mut writer) = (Actor::reads(), Actor::writes());
    reader.sends(&mut s, What::Work);
    writer.sends(&mut s, What::Work);
    writer.hears(&mut s, bearer_fault());
    writer.sends(&mut s, What::TokenFetch);
    reader.hears(&mut s, refused("INPUT_INVALID.SessionToken.Invalid"));
    let until = braked_until(&mut s).unwrap();
    writer.hears(&mut s, heard);
    (s, until)
}

#[test]
fn law_5_a_fetch_that_fails_does_not_shorten_the_brake() {
    let (mut s, until) = braked_while_a_fetch_fails(answer(503, ""));
    let wait = Actor::reads().waits(&mut s);
    assert_eq!((wait.reason, wait.until), (WaitReason::Brake, until));
}

#[test]
fn a_fetch_that_is_throttled_for_longer_outlasts_the_brake() {
    let (mut s, until) = braked_while_a_fetch_fails(throttled("3600"));
    let error = Actor::reads().fails(&mut s);
    assert!(error.retry_at().unwrap() > until, "{error}");
}
