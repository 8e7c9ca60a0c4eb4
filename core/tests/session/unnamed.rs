//! 401s in every form: those that name a token, and those that name nothing.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use thingspace_core::{
    Call, CallOptions, Environment,
    api::DeadSession,
    response::Refusal,
    session::{Event, OperationKind},
};

use crate::scenario::*;

/// A 401 that names nothing.
fn unnamed() -> Received {
    response(401, "")
}

/// The forms in which the gateway refuses a bearer token, beside the JSON fault.
fn gateway_forms() -> [Received; 2] {
    [
        r#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900901</ams:code></ams:fault>"#,
        r#"{"code":"900901","message":"Invalid Credentials","description":"d"}"#,
    ]
    .map(|body| response(401, body))
}

/// An open session whose tokens are all from before the call.
fn open() -> Scenario {
    let mut s = Scenario::open();
    s.pass(10 * MINUTE);
    s
}

#[test]
fn law_5_a_401_that_names_nothing_costs_a_bearer_then_a_login_then_it_is_the_requests_own() {
    let mut s = open();
    let mut call = Actor::writes();
    call.is_refused(&mut s, unnamed());
    call.fetches(&mut s, "bearer-2");
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-2", "session-1"));
    call.receives(&mut s, unnamed());
    call.logs_in(&mut s, "session-2");
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-2", "session-2"));
    call.receives(&mut s, unnamed());
    let error = call.fails(&mut s);
    assert_eq!(error.status(), Some(http::StatusCode::UNAUTHORIZED));
    assert!(!error.is_bearer_refused() && !error.is_session_refused());
    assert!(!error.is_outcome_unknown());
    // Both tokens stay.
    let work = Actor::reads().sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-2", "session-2"));
}

#[test]
fn law_5_a_token_that_was_stale_is_found_by_a_401_that_names_nothing() {
    for stale_session in [false, true] {
        let mut s = open();
        let mut call = Actor::writes();
        call.is_refused(&mut s, unnamed());
        call.fetches(&mut s, "bearer-2");
        if stale_session {
            call.is_refused(&mut s, unnamed());
            call.logs_in(&mut s, "session-2");
        }
        assert_eq!(call.works(&mut s).status(), 200);
    }
}

#[test]
fn law_14_whoever_asks_for_what_is_always_answered_401_harms_nobody() {
    let mut s = open();
    let mut logins = 0;
    let mut fetches = 0;
    for _ in 0..240 {
        let mut call = Actor::writes();
        loop {
            match call.step(&mut s) {
                thingspace_core::Step::Send(sent) => match Purpose::of(&sent.request) {
                    Purpose::TokenFetch => {
                        fetches += 1;
                        call.receives(&mut s, bearer(&format!("bearer-{fetches}")));
                    }
                    Purpose::LogIn => {
                        logins += 1;
                        call.receives(&mut s, session(&format!("session-{logins}")));
                    }
                    _ => call.receives(&mut s, unnamed()),
                },
                thingspace_core::Step::Done(result) => {
                    assert!(!result.unwrap_err().is_outcome_unknown());
                    break;
                }
                thingspace_core::Step::Wait(wait) => panic!("{wait:?}"),
            }
        }
        assert_eq!(s.session.login_guard().failed_logins, 0);
        Actor::reads().works(&mut s);
        s.pass(15 * SECOND);
    }
    // For an hour: a login every half hour, and a bearer token a minute.
    assert!(logins <= 2, "{logins}");
    assert!(fetches <= 61, "{fetches}");
    // No session died: logins are not delayed.
    let mut call = Actor::reads();
    call.is_refused(&mut s, session_expired());
    call.logs_in(&mut s, "session-9");
}

#[test]
fn law_5_a_session_just_opened_is_not_opened_again() {
    let mut s = Scenario::new();
    let mut call = Actor::writes();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    call.is_refused(&mut s, unnamed());
    assert_eq!(call.fails(&mut s).refusal().unwrap().status(), 401);
    assert_eq!(s.session.session_token().unwrap().expose(), "session-1");
}

#[test]
fn that_401s_open_no_login_outlives_the_process_and_half_an_hour_ends_it() {
    let mut s = Scenario::new();
    let mut call = Actor::writes();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    call.is_refused(&mut s, unnamed());
    call.fails(&mut s);
    s.restart("IMgr8");
    for (time, opens) in [(29 * MINUTE, false), (2 * MINUTE, true)] {
        let mut past = Duration::ZERO;
        while past < time {
            s.pass(MINUTE);
            past += MINUTE;
            Actor::reads().works(&mut s);
        }
        let mut call = Actor::writes();
        call.is_refused(&mut s, unnamed());
        call.fetches(&mut s, "bearer-2");
        call.is_refused(&mut s, unnamed());
        if opens {
            call.sends(&mut s, Purpose::LogIn);
        } else {
            assert!(!call.fails(&mut s).is_outcome_unknown());
        }
    }
}

#[test]
fn law_4_every_form_of_the_gateway_costs_a_bearer_on_a_call_on_a_login_and_on_a_logout() {
    for form in 0..2 {
        let fault = || gateway_forms().into_iter().nth(form).unwrap();
        let mut s = open();
        let mut call = Actor::writes();
        call.is_refused(&mut s, fault());
        call.fetches(&mut s, "bearer-2");
        call.works(&mut s);

        let mut s = Scenario::new();
        let mut call = Actor::log_in();
        call.fetches(&mut s, "bearer-1");
        call.sends(&mut s, Purpose::LogIn);
        call.receives(&mut s, fault());
        assert_eq!(s.session.login_guard().failed_logins, 0);
        call.waits_out(&mut s);
        call.fetches(&mut s, "bearer-2");
        call.logs_in(&mut s, "session-1");
        call.ends(&mut s).unwrap();

        let mut call = Actor::log_out();
        call.sends(&mut s, Purpose::LogOut);
        call.receives(&mut s, fault());
        call.fetches(&mut s, "bearer-3");
        call.sends(&mut s, Purpose::LogOut);
        call.receives(&mut s, session("session-1"));
        assert!(call.ends_logged_out(&mut s).is_some());
    }
}

#[test]
fn a_401_that_names_nothing_counts_as_a_failed_login_and_brings_a_new_bearer() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, unnamed());
    let error = call.fails(&mut s);
    assert_eq!(error.status(), Some(http::StatusCode::UNAUTHORIZED));
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (1, 1));
    s.pass(30 * SECOND);
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-2");
    call.logs_in(&mut s, "session-1");
    call.ends(&mut s).unwrap();
}

#[test]
fn a_session_counts_as_ended_whatever_401_its_logout_gets() {
    let mut s = open();
    let mut call = Actor::log_out();
    call.sends(&mut s, Purpose::LogOut);
    call.receives(&mut s, unnamed());
    call.fetches(&mut s, "bearer-2");
    call.sends(&mut s, Purpose::LogOut);
    call.receives(&mut s, unnamed());
    assert_eq!(call.ends_logged_out(&mut s), None);
    assert!(s.session.session_token().is_none());

    let mut s = open();
    let mut call = Actor::log_out();
    call.sends(&mut s, Purpose::LogOut);
    call.receives(&mut s, bearer_fault());
    call.fetches(&mut s, "bearer-2");
    call.sends(&mut s, Purpose::LogOut);
    call.receives(&mut s, bearer_fault());
    assert!(call.fails(&mut s).is_bearer_refused());
    assert!(s.session.session_token().is_none());
}

#[test]
fn a_reset_is_not_sent_again_after_a_401_that_names_nothing() {
    let mut s = open();
    let mut call = Actor::reset_password();
    call.sends(&mut s, Purpose::Reset);
    call.receives(&mut s, unnamed());
    assert!(!call.fails(&mut s).is_password_in_doubt());
    assert_eq!(s.session.login_guard().failed_logins, 1);
}

/// A call of Device Location.
fn locates() -> Actor {
    let address = "https://mock.thingspace.verizon.com/api/loc/v1/locations";
    Actor::requests(Request::post(address).body(Bytes::new()).unwrap()).unwrap()
}

fn location_refuses(message: &str) -> Received {
    let body = format!(r#"{{"errorCode":"INVALID_PARAMETER","errorMessage":"{message}"}}"#);
    response(400, &body)
}

#[test]
fn law_5_a_dead_session_is_recognised_where_another_product_tells_it() {
    let mut s = open();
    let mut call = locates();
    call.sends(&mut s, Purpose::Work);
    let dead = "UWS verification failure (The Session has expired.)";
    call.receives(&mut s, location_refuses(dead));
    assert_eq!(s.events(), [Event::SessionRefused, Event::Replayed]);
    call.logs_in(&mut s, "session-2");
    assert_eq!(call.works(&mut s).status(), 200);
}

#[test]
fn a_refusal_by_another_product_is_no_sign_that_the_session_lives() {
    let mut s = open();
    let used = s.session.last_used();
    s.pass(MINUTE);
    let mut call = locates();
    call.is_refused(&mut s, location_refuses("Unknown device."));
    call.fails(&mut s);
    assert_eq!(s.session.last_used(), used);
    // One by Connectivity Management is.
    let mut call = Actor::writes();
    call.is_refused(&mut s, refused("INPUT_INVALID.Device.Unknown"));
    call.fails(&mut s);
    assert_eq!(s.session.last_used(), Some(s.now));
}

#[test]
fn a_form_of_ones_own_is_data_beside_the_call() {
    const GONE: &[DeadSession] = &[DeadSession::new("SESSION_GONE").with_status(403)];
    let mut s = open();
    let mut options = CallOptions::once();
    options.dead_session = &GONE;
    let address = Environment::mock().uri("/loc/v1/locations").unwrap();
    let request = Request::get(address).body(Bytes::new()).unwrap();
    let mut call = Actor::new(Call::new(request, options));
    call.is_refused(&mut s, response(403, r#"{"errorCode":"SESSION_GONE"}"#));
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
}

#[test]
fn tokens_that_were_refused_elsewhere_are_reported_by_name() {
    let mut s = open();
    let by = Refusal::read(session_expired().unwrap());
    let token = s.session.session_token().unwrap().clone();
    let bearer = s.session.bearer_token().unwrap().clone();
    let now = s.now;
    s.session.session_token_refused(now, &token, &by);
    s.session.bearer_token_refused(&bearer);
    assert_eq!(s.events(), [Event::SessionRefused, Event::BearerRefused]);
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-2");
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
    // Of those that are not in use any more, nothing is known here.
    s.session.session_token_refused(now, &token, &by);
    s.session.bearer_token_refused(&bearer);
    assert_eq!(s.session.operation(), None::<OperationKind>);
    Actor::reads().works(&mut s);
}

#[test]
fn law_7_a_session_that_somebody_forgets_is_no_death_and_a_newer_one_goes_on() {
    let mut s = open();
    let first = s.session.session_token().unwrap().clone();
    // However often and however soon it is done, no login is delayed.
    for number in 2..10 {
        let token = s.session.session_token().unwrap().clone();
        assert!(s.session.forget_session_token(&token));
        assert!(s.session.session_token().is_none());
        let mut call = Actor::reads();
        call.logs_in(&mut s, &format!("session-{number}"));
        call.works(&mut s);
        // Of an older one, nothing is known any more.
        assert!(!s.session.forget_session_token(&token));
        assert!(!s.session.forget_session_token(&first));
        Actor::reads().works(&mut s);
    }
    assert_eq!(s.session.login_guard().failed_logins, 0);
}

#[test]
fn law_5_calls_that_a_stale_bearer_was_refused_for_at_once_cost_one_bearer_and_no_login() {
    let mut s = open();
    let mut calls = [Actor::writes(), Actor::reads(), Actor::writes()];
    for call in &mut calls {
        call.sends(&mut s, Purpose::Work);
    }
    for call in &mut calls {
        call.receives(&mut s, unnamed());
    }
    calls[0].fetches(&mut s, "bearer-2");
    for call in &mut calls {
        let work = call.sends(&mut s, Purpose::Work);
        assert_eq!(tokens(&work), ("Bearer bearer-2", "session-1"));
        call.receives(&mut s, done());
        call.ends_with_response(&mut s);
    }
}

#[test]
fn law_5_a_session_that_another_call_has_replaced_costs_a_replay_and_no_login() {
    let mut s = open();
    let (mut first, mut second) = (Actor::writes(), Actor::writes());
    first.sends(&mut s, Purpose::Work);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, session_expired());
    first.logs_in(&mut s, "session-2");
    first.sends(&mut s, Purpose::Work);
    // From now on, such 401s open no login.
    first.receives(&mut s, unnamed());
    first.fails(&mut s);
    second.receives(&mut s, unnamed());
    second.fetches(&mut s, "bearer-2");
    second.works(&mut s);

    // The one that comes late has the session that is over.
    let (mut early, mut late) = (Actor::writes(), Actor::writes());
    early.sends(&mut s, Purpose::Work);
    late.sends(&mut s, Purpose::Work);
    early.receives(&mut s, session_expired());
    early.logs_in(&mut s, "session-3");
    early.works(&mut s);
    late.receives(&mut s, unnamed());
    let work = late.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-2", "session-3"));
    late.receives(&mut s, done());
    late.ends_with_response(&mut s);
}

#[test]
fn law_5_a_session_that_the_call_opened_is_new_also_after_another_bearer() {
    let mut s = Scenario::new();
    let mut call = Actor::writes();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    call.is_refused(&mut s, bearer_fault());
    call.fetches(&mut s, "bearer-2");
    call.is_refused(&mut s, unnamed());
    call.fails(&mut s);
    assert_eq!(s.session.session_token().unwrap().expose(), "session-1");
}

#[test]
fn law_11_a_process_that_starts_again_fetches_no_other_bearer_within_the_minute() {
    let mut s = open();
    let mut call = Actor::writes();
    call.is_refused(&mut s, unnamed());
    call.fetches(&mut s, "bearer-2");
    call.works(&mut s);
    s.restart("IMgr8");
    for (time, purpose) in [(59 * SECOND, Purpose::LogIn), (SECOND, Purpose::TokenFetch)] {
        s.pass(time);
        let mut s = s.clone();
        let mut call = Actor::writes();
        call.is_refused(&mut s, unnamed());
        call.sends(&mut s, purpose);
    }
}
