//! The login guard: a user name is never locked by this machine.

use thingspace_core::{
    UserCredentials,
    session::{Event, GateReason, MaxFailedLogins, Settings},
};

use crate::scenario::*;

/// A session that has a bearer token and needs a login.
fn before_login() -> Scenario {
    before_login_with(Settings::default())
}

fn before_login_with(settings: Settings) -> Scenario {
    let mut s = Scenario::with(settings);
    let mut call = Actor::log_in();
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, bearer("bearer-1"));
    s.events();
    s
}

/// One login that is answered so; gives the error that the call ends with.
fn failed_login(s: &mut Scenario, heard: Heard) -> thingspace_core::Error {
    let mut call = Actor::log_in();
    call.sends(s, What::LogIn);
    call.hears(s, heard);
    call.fails(s)
}

#[test]
fn law_2_no_more_logins_fail_than_the_budget_allows() {
    for max in 1..=4 {
        let mut settings = Settings::default();
        settings.max_failed_logins = MaxFailedLogins::new(max).unwrap();
        let mut s = before_login_with(settings);
        for failed in 1..=u32::from(max) {
            let error = failed_login(&mut s, refused("REQUEST_FAILED.Unclear"));
            let gate = error.gate().unwrap();
            assert_eq!(gate.failed_logins, failed);
            assert_eq!(gate.attempts_left, u32::from(max) - failed);
        }
        let error = Actor::log_in().fails(&mut s);
        assert_eq!(error.gate().unwrap().closed, Some(GateReason::BudgetSpent));
        assert!(error.is_gate_closed() && error.is_never_sent());
    }
}

#[test]
fn law_2_a_login_is_counted_before_it_is_sent() {
    let mut s = before_login();
    let before = s.session.version();
    Actor::log_in().sends(&mut s, What::LogIn);
    assert_eq!(s.session.gate().failed_logins, 1);
    assert!(s.session.version() > before, "nobody would save it");

    // The process dies here, twice.
    s.restart("IMgr8");
    s.pass(MINUTE);
    Actor::log_in().sends(&mut s, What::LogIn);
    s.restart("IMgr8");
    s.pass(MINUTE);
    assert!(Actor::log_in().fails(&mut s).is_gate_closed());
}

#[test]
fn law_2_a_login_that_is_abandoned_or_lost_stays_counted() {
    let mut s = before_login();
    let mut abandoned = Actor::log_in();
    abandoned.sends(&mut s, What::LogIn);
    abandoned.abandons(&mut s);
    let mut lost_one = Actor::log_in();
    lost_one.sends(&mut s, What::LogIn);
    lost_one.hears(&mut s, lost());
    assert!(lost_one.fails(&mut s).is_gate_closed());
    assert_eq!(
        s.events()[..2],
        [
            Event::LoginLost { attempts_left: 1 },
            Event::LoginLost { attempts_left: 0 }
        ]
    );
}

#[test]
fn law_2_every_answer_that_is_not_a_success_counts() {
    for heard in [
        answer(500, ""),
        answer(503, "<html>"),
        answer(408, ""),
        answer(302, ""),
        answer(403, r#"{"fault":{"code":900908}}"#),
        answer(404, ""),
        answer(401, "not the gateway's shape"),
        answer(200, ""),
        answer(200, r#"{"sessionToken":""}"#),
        answer(200, "<html>"),
        throttled("1"),
    ] {
        let mut s = before_login();
        let mut call = Actor::log_in();
        call.sends(&mut s, What::LogIn);
        let told = format!("{heard:?}");
        call.hears(&mut s, heard);
        assert_eq!(s.session.gate().failed_logins, 1, "{told}");
    }
}

#[test]
fn law_2_a_login_that_never_left_is_given_back() {
    let mut s = before_login();
    for _ in 0..10 {
        let mut call = Actor::log_in();
        call.sends(&mut s, What::LogIn);
        call.hears(&mut s, not_sent());
        assert_eq!(s.session.gate().failed_logins, 0);
        s.pass(MINUTE);
    }
}

#[test]
fn law_2_a_success_starts_the_count_anew() {
    let mut s = before_login();
    failed_login(&mut s, refused("REQUEST_FAILED.Unclear"));
    let mut call = Actor::log_in();
    call.sends(&mut s, What::LogIn);
    call.hears(&mut s, session("session-1"));
    call.ends(&mut s).unwrap();
    assert_eq!(s.session.gate().failed_logins, 0);
    assert_eq!(s.session.gate().attempts_left, 2);
}

#[test]
fn law_3_a_refusal_that_names_the_credentials_closes_the_gate_at_once() {
    let mut s = before_login();
    let error = failed_login(&mut s, wrong_password());
    assert!(error.is_wrong_credentials() && error.is_gate_closed());
    assert!(error.code().unwrap().is("INPUT_INVALID.Password.Incorrect"));

    s.pass(24 * HOUR);
    let error = Actor::reads().fails(&mut s);
    assert!(error.is_wrong_credentials() && error.is_never_sent());
    let Some(GateReason::WrongCredentials { code }) = &error.gate().unwrap().closed else {
        panic!("{error}");
    };
    assert!(
        code.as_ref()
            .unwrap()
            .is("INPUT_INVALID.Password.Incorrect")
    );
}

#[test]
fn law_3_other_credentials_open_the_gate_and_the_same_ones_do_not() {
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    s.session.set_credentials(credentials("IMgr8"));
    assert!(Actor::log_in().fails(&mut s).is_gate_closed());

    s.session.set_credentials(credentials("right"));
    let mut call = Actor::log_in();
    let login = call.sends(&mut s, What::LogIn);
    assert!(
        login
            .request
            .body()
            .windows(7)
            .any(|part| part == b"\"right\"")
    );
    assert_eq!(
        s.session.gate().failed_logins,
        2,
        "the platform's count goes on"
    );
}

/// Somebody who guesses, or a wrong password that is rolled out to many programs.
#[test]
fn law_2_no_number_of_other_credentials_makes_the_login_that_locks_the_user_name() {
    let mut s = before_login();
    for failed in 1..=4 {
        s.session
            .set_credentials(credentials(&format!("guess {failed}")));
        failed_login(&mut s, wrong_password());
        assert_eq!(s.session.gate().failed_logins, failed);
    }
    s.events();
    s.session.set_credentials(credentials("right"));
    let reason = GateReason::BudgetSpent;
    assert_eq!(s.session.gate().closed.as_ref(), Some(&reason));
    assert_eq!(s.events(), [Event::GateClosed { reason }]);
    assert!(Actor::log_in().fails(&mut s).is_never_sent());

    s.session.rearm();
    assert_eq!(s.events(), [Event::GateOpened]);
    let mut call = Actor::log_in();
    call.logs_in(&mut s, "session-1");
    assert_eq!(s.session.gate().failed_logins, 0);
}

/// A program that falls back on another user, and tries the first one again.
#[test]
fn law_2_a_user_who_comes_back_finds_the_guard_as_it_was() {
    let mut s = before_login();
    let first = s.session.credentials().clone();
    let mut second = first.clone();
    second.user = UserCredentials::new("trillian", "Tricia").unwrap();
    failed_login(&mut s, wrong_password());
    let closed = s.session.gate();

    s.session.set_credentials(second.clone());
    assert_eq!(s.session.gate().closed, None);
    assert_eq!(s.session.gate().failed_logins, 0);
    let mut login = Actor::log_in();
    login.logs_in(&mut s, "session-1");
    login.ends(&mut s).unwrap();
    s.events();

    s.session.set_credentials(first);
    assert_eq!(s.session.gate(), closed);
    let reason = closed.closed.unwrap();
    assert_eq!(s.events(), [Event::GateClosed { reason }]);
    s.restart("IMgr8");
    assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
    s.session.rearm();
    failed_login(&mut s, wrong_password());
    assert_eq!(s.session.gate().failed_logins, 2);
}

#[test]
fn law_2_a_hundred_users_who_take_turns_are_remembered() {
    let mut s = before_login();
    let first = s.session.credentials().clone();
    failed_login(&mut s, wrong_password());
    for number in 1..=100 {
        let mut other = first.clone();
        other.user = UserCredentials::new(format!("user {number}"), "IMgr8").unwrap();
        s.session.set_credentials(other);
        failed_login(&mut s, wrong_password());
    }
    s.session.set_credentials(first);
    assert_eq!(s.session.gate().failed_logins, 1);
    assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
}

#[test]
fn law_3_only_re_arming_by_name_opens_the_gate_for_the_same_credentials() {
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    s.restart("IMgr8");
    assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
    s.session.rearm();
    assert_eq!(s.events(), [Event::GateOpened]);
    Actor::log_in().sends(&mut s, What::LogIn);
}

#[test]
fn a_hundred_calls_that_wait_for_a_wrong_password_cost_one_login() {
    let mut s = before_login();
    let mut calls: Vec<_> = (0..100).map(|_| Actor::reads()).collect();
    let (first, others) = calls.split_first_mut().unwrap();
    first.sends(&mut s, What::LogIn);
    for call in others.iter_mut() {
        call.waits(&mut s);
    }
    first.hears(&mut s, wrong_password());
    for call in &mut calls {
        assert!(call.fails(&mut s).is_wrong_credentials());
    }
    assert_eq!(s.session.gate().failed_logins, 1);
}

#[test]
fn law_4_a_bearer_fault_is_never_held_against_the_password() {
    let mut s = before_login();
    let mut call = Actor::log_in();
    call.sends(&mut s, What::LogIn);
    call.hears(&mut s, bearer_fault());
    assert_eq!(s.session.gate().failed_logins, 0);

    // It costs a new bearer and one more try.
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, bearer("bearer-2"));
    let login = call.sends(&mut s, What::LogIn);
    assert_eq!(tokens(&login).0, "Bearer bearer-2");
    call.hears(&mut s, bearer_fault());
    assert_eq!(s.session.gate().failed_logins, 0);
    assert!(call.fails(&mut s).is_bearer_refused());
}

#[test]
fn re_arming_while_a_login_is_under_way_keeps_it_counted() {
    let mut s = before_login();
    let mut call = Actor::log_in();
    call.sends(&mut s, What::LogIn);
    s.session.rearm();
    assert_eq!(s.session.gate().attempts_left, 1);
}

#[test]
fn what_a_login_with_earlier_credentials_brings_back_is_not_taken() {
    for heard in [session("of the earlier ones"), wrong_password(), lost()] {
        let mut s = before_login();
        let mut call = Actor::log_in();
        call.sends(&mut s, What::LogIn);
        s.session.set_credentials(credentials("right"));

        // It is still the one login that may be under way.
        let mut other = Actor::log_in();
        other.waits(&mut s);
        call.hears(&mut s, heard);
        assert!(s.session.session_token().is_none());
        assert_eq!(s.session.gate().closed, None);
        other.sends(&mut s, What::LogIn);
    }
}

#[test]
fn a_login_with_earlier_credentials_that_is_given_up_is_none_of_the_new_ones() {
    let mut s = before_login();
    let mut call = Actor::log_in();
    call.sends(&mut s, What::LogIn);
    s.session.set_credentials(credentials("right"));
    call.abandons(&mut s);
    assert_eq!(s.events(), []);
    assert_eq!(s.session.gate().attempts_left, 2);
}

#[test]
fn law_3_a_refusal_that_names_the_credentials_closes_the_gate_whatever_its_status() {
    for status in [400, 401, 403, 429, 500, 503] {
        let mut s = before_login();
        let body = r#"{"errorCode":"S.INPUT_INVALID.Password.Incorrect"}"#;
        let error = failed_login(&mut s, answer(status, body));
        assert!(error.is_wrong_credentials(), "{status}: {error}");
        assert!(s.session.gate().closed.is_some(), "{status}");
    }
}
