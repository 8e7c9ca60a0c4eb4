//! Tokens that are refused: what they cost.

use thingspace_core::session::Event;

use crate::scenario::*;

/// Every code with which the API refuses a session token.
const SESSION_CODES: [&str; 5] = [
    "REQUEST_FAILED.SessionToken.Expired",
    "REQUEST_FAILED.SessionToken.Format",
    "INPUT_INVALID.SessionToken.Invalid",
    "REQUEST_FAILED.SessionToken.NobodyHasSeenThis",
    "INPUT_INVALID.sessiontoken.invalid",
];

/// Every response with which the gateway refuses a bearer token.
fn bearer_faults() -> [Received; 5] {
    [
        bearer_fault(),
        response(401, r#"{"fault":{"code":"900901"}}"#),
        response(401, r#"{"fault":{"code":900902}}"#),
        response(401, r#"{"fault":{"code":"of the future"}}"#),
        response(401, r#"{"error":"invalid_token"}"#),
    ]
}

#[test]
fn law_5_a_stale_session_costs_one_replay() {
    for code in SESSION_CODES {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, refused(code));
        assert!(s.session.session_token().is_none(), "{code}");
        call.logs_in(&mut s, "session-2");
        let work = call.sends(&mut s, Purpose::Work);
        assert_eq!(tokens(&work), ("Bearer bearer-1", "session-2"), "{code}");
        call.receives(&mut s, done());
        call.ends(&mut s).unwrap();
    }
}

#[test]
fn law_5_a_session_that_is_refused_twice_ends_the_call() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.logs_in(&mut s, "session-2");
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    let error = call.fails(&mut s);
    assert!(error.is_session_refused() && !error.is_bearer_refused());
    assert!(!error.is_outcome_unknown(), "{error}");
    assert!(
        error
            .code()
            .unwrap()
            .is("REQUEST_FAILED.SessionToken.Expired")
    );
    assert!(s.session.session_token().is_none());
    assert_eq!(
        error.to_string(),
        "a fresh session was refused (400 UnifiedWebService.REQUEST_FAILED.SessionToken.Expired); look for another program that logs in with the same user name, then call again"
    );
}

#[test]
fn law_5_a_stale_bearer_costs_one_replay() {
    for fault in bearer_faults() {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        let case = format!("{fault:?}");
        call.receives(&mut s, fault);
        let events = [Event::BearerRefused, Event::Replayed];
        assert_eq!(s.events(), events, "{case}");
        call.fetches(&mut s, "bearer-2");
        let work = call.sends(&mut s, Purpose::Work);
        assert_eq!(tokens(&work), ("Bearer bearer-2", "session-1"), "{case}");
        call.receives(&mut s, done());
        call.ends(&mut s).unwrap();
    }
}

#[test]
fn law_5_a_bearer_that_is_refused_twice_ends_the_call() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, bearer_fault());
    // The service gives the same one out again.
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, bearer_fault());
    let error = call.fails(&mut s);
    assert!(error.is_bearer_refused() && !error.is_session_refused());
    assert!(!error.is_outcome_unknown(), "{error}");
    assert_eq!(error.refusal().unwrap().fault(), Some(900_901));
    assert_eq!(
        s.session.session_token().unwrap().expose(),
        "session-1",
        "the session is not to blame"
    );
}

#[test]
fn law_5_a_stale_bearer_and_a_stale_session_cost_one_replay_each() {
    for bearer_first in [true, false] {
        let mut s = Scenario::open();
        let mut call = Actor::writes();
        for bearer_now in [bearer_first, !bearer_first] {
            call.sends(&mut s, Purpose::Work);
            if bearer_now {
                call.receives(&mut s, bearer_fault());
                call.fetches(&mut s, "bearer-2");
            } else {
                call.receives(&mut s, session_expired());
                call.logs_in(&mut s, "session-2");
            }
        }
        let work = call.sends(&mut s, Purpose::Work);
        assert_eq!(tokens(&work), ("Bearer bearer-2", "session-2"));
        call.receives(&mut s, bearer_fault());
        assert!(call.fails(&mut s).is_bearer_refused());
    }
}

#[test]
fn a_bearer_that_is_refused_at_the_login_that_a_replay_needs_costs_the_bearers_replay() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, bearer_fault());
    call.waits_out(&mut s);
    call.fetches(&mut s, "bearer-2");
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
    assert_eq!(s.session.login_guard().failed_logins, 0);
}

#[test]
fn a_call_that_must_not_be_executed_twice_is_replayed_as_well_since_it_was_refused() {
    let mut s = Scenario::open();
    let mut call = Actor::writes();
    let first = call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.logs_in(&mut s, "session-2");
    let second = call.sends(&mut s, Purpose::Work);
    assert_eq!(first.request.method(), second.request.method());
    assert!(second.attempt.number() > first.attempt.number());
    call.receives(&mut s, bearer_fault());
    call.fetches(&mut s, "bearer-2");
    call.works(&mut s);
}

#[test]
fn law_7_a_refusal_of_an_older_session_does_not_disturb_a_newer_one() {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reads(), Actor::writes());
    first.sends(&mut s, Purpose::Work);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, session_expired());
    first.logs_in(&mut s, "session-2");
    s.events();

    second.receives(&mut s, session_expired());
    assert_eq!(s.session.session_token().unwrap().expose(), "session-2");
    assert_eq!(s.events(), [Event::Replayed]);
    for call in [&mut first, &mut second] {
        let work = call.sends(&mut s, Purpose::Work);
        assert_eq!(tokens(&work).1, "session-2");
    }
}

#[test]
fn law_7_a_refusal_of_an_older_bearer_does_not_disturb_a_newer_one() {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reads(), Actor::writes());
    first.sends(&mut s, Purpose::Work);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, bearer_fault());
    // Even if the newer one has the same letters.
    first.fetches(&mut s, "bearer-1");
    s.events();

    second.receives(&mut s, bearer_fault());
    assert!(s.session.bearer_token().is_some());
    assert_eq!(s.events(), [Event::Replayed]);
    first.works(&mut s);
    second.works(&mut s);
}

#[test]
fn law_7_a_success_with_an_older_session_is_no_use_of_the_newer_one() {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, Purpose::Work);
    s.pass(MINUTE);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, session_expired());
    s.pass(MINUTE);
    first.logs_in(&mut s, "session-2");
    let opened = s.now;
    second.receives(&mut s, done());
    second.ends(&mut s).unwrap();
    assert_eq!(s.session.last_used(), Some(opened));
}

#[test]
fn law_1_a_hundred_calls_whose_session_is_refused_make_one_login() {
    let mut s = Scenario::open();
    let mut calls: Vec<_> = (0..100).map(|_| Actor::writes()).collect();
    for call in &mut calls {
        call.sends(&mut s, Purpose::Work);
    }
    let mut events = Vec::new();
    for call in &mut calls {
        call.receives(&mut s, session_expired());
        events.extend(s.events());
    }
    let (first, others) = calls.split_first_mut().unwrap();
    first.sends(&mut s, Purpose::LogIn);
    for call in others.iter_mut() {
        call.waits(&mut s);
    }
    first.receives(&mut s, session("session-2"));
    for call in &mut calls {
        call.works(&mut s);
    }
    events.extend(s.events());
    let count = |one| events.iter().filter(|event| **event == one).count();
    assert_eq!(count(Event::SessionRefused), 1);
    assert_eq!(count(Event::Replayed), 100);
}

/// Calls that wait for a login do not own its result: a bearer that is refused at
/// it costs each of them its replay of a bearer, and the replay of a session is
/// still theirs.
#[test]
fn law_5_a_call_that_waited_for_a_login_spends_its_own_replay_on_the_bearer() {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, Purpose::Work);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, session_expired());
    second.receives(&mut s, session_expired());
    first.sends(&mut s, Purpose::LogIn);
    second.waits(&mut s);
    first.receives(&mut s, bearer_fault());
    second.waits_out(&mut s);
    second.fetches(&mut s, "bearer-2");
    second.logs_in(&mut s, "session-2");
    for call in [&mut first, &mut second] {
        call.sends(&mut s, Purpose::Work);
    }
    second.receives(&mut s, bearer_fault());
    let error = second.fails(&mut s);
    assert!(error.is_bearer_refused(), "{error}");
    assert_eq!(error.prerequisite(), None);
    first.receives(&mut s, done());
    first.ends(&mut s).unwrap();
    assert_eq!(s.session.operation(), None);
}

#[test]
fn law_5_a_401_that_names_no_token_is_the_requests_own_if_fresh_tokens_change_nothing() {
    for body in [
        "",
        "<html>Unauthorized</html>",
        r#"{"error":"invalid_client"}"#,
        r#"{"errorCode":"S.REQUEST_FAILED.Permission","errorMessage":"m"}"#,
    ] {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, response(401, body));
        call.fetches(&mut s, "bearer-2");
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, response(401, body));
        call.logs_in(&mut s, "session-2");
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, response(401, body));
        let error = call.fails(&mut s);
        assert!(!error.is_bearer_refused() && !error.is_session_refused());
        assert!(!error.is_wrong_credentials() && !error.is_wrong_app());
        assert!(error.refusal().is_some() && !error.is_outcome_unknown());
        Actor::reads().works(&mut s);
    }
}

#[test]
fn a_refusal_with_a_code_of_the_gateway_that_blames_no_token_is_one_like_any_other() {
    for received in [
        response(403, r#"{"fault":{"code":900908}}"#),
        response(400, r#"{"fault":{"code":900901}}"#),
    ] {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, received);
        let error = call.fails(&mut s);
        assert!(!error.is_bearer_refused() && !error.is_session_refused());
        assert!(!error.is_wrong_credentials() && !error.is_wrong_app());
        assert!(error.refusal().is_some() && !error.is_outcome_unknown());
        Actor::reads().works(&mut s);
    }
}
