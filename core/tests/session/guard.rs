//! The login guard: a user name is never locked by this machine.

use thingspace_core::session::{
    BlockReason, MaxFailedLogins, OperationKind, OtherSession, Settings,
};

use crate::scenario::*;

/// A session that has a bearer token and needs a login.
fn before_login() -> Scenario {
    before_login_with(Settings::default())
}

fn before_login_with(settings: Settings) -> Scenario {
    let mut s = Scenario::with(settings);
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    s.events();
    s
}

/// One login that has this result; gives the error that the call ends with.
fn failed_login(s: &mut Scenario, received: Received) -> thingspace_core::Error {
    let mut call = Actor::log_in();
    call.sends(s, Purpose::LogIn);
    call.receives(s, received);
    call.fails(s)
}

#[test]
fn law_2_no_more_logins_fail_than_the_budget_allows() {
    for max in 1..=4 {
        let mut settings = Settings::default();
        settings.max_failed_logins = MaxFailedLogins::new(max).unwrap();
        let mut s = before_login_with(settings);
        for failed in 1..=u32::from(max) {
            let error = failed_login(&mut s, unclear());
            let guard = error.login_guard().unwrap();
            assert_eq!(guard.failed_logins, failed);
            assert_eq!(guard.attempts_left, u32::from(max) - failed);
        }
        let error = Actor::log_in().fails(&mut s);
        assert_eq!(
            error.login_guard().unwrap().blocked,
            Some(BlockReason::BudgetSpent)
        );
        assert!(error.is_blocked() && error.is_never_sent());
    }
}

#[test]
fn law_2_a_login_is_counted_before_it_is_sent() {
    let mut s = before_login();
    let before = s.session.version();
    Actor::log_in().sends(&mut s, Purpose::LogIn);
    assert_eq!(s.session.login_guard().failed_logins, 1);
    assert!(s.session.version() > before, "nobody would save it");

    // The process dies here, twice.
    s.restart("IMgr8");
    s.pass(MINUTE);
    Actor::log_in().sends(&mut s, Purpose::LogIn);
    s.restart("IMgr8");
    s.pass(MINUTE);
    assert!(Actor::log_in().fails(&mut s).is_blocked());
}

#[test]
fn law_2_a_login_that_is_abandoned_or_lost_stays_counted() {
    let mut s = before_login();
    let abandoned = Actor::log_in().begins(&mut s, Purpose::LogIn);
    s.abandons(abandoned);
    let mut lost_one = Actor::log_in();
    lost_one.sends(&mut s, Purpose::LogIn);
    lost_one.receives(&mut s, lost());
    let error = lost_one.fails(&mut s);
    assert!(error.is_blocked() && error.is_outcome_unknown(), "{error}");
    let error = Actor::log_in().fails(&mut s);
    assert!(error.is_blocked() && error.is_never_sent(), "{error}");
    assert_eq!(
        s.reported()[..3],
        [
            event::login_lost(1),
            event::login_lost(0),
            event::logins_blocked(&BlockReason::BudgetSpent),
        ]
    );
}

#[test]
fn law_2_every_response_that_is_not_a_success_counts() {
    for received in [
        response(500, ""),
        response(503, "<html>"),
        response(408, ""),
        response(302, ""),
        response(403, r#"{"fault":{"code":900908}}"#),
        response(404, ""),
        response(401, "not the gateway's shape"),
        response(200, ""),
        response(200, r#"{"sessionToken":""}"#),
        response(200, "<html>"),
        throttled("1"),
    ] {
        let mut s = before_login();
        let mut call = Actor::log_in();
        call.sends(&mut s, Purpose::LogIn);
        let case = format!("{received:?}");
        call.receives(&mut s, received);
        assert_eq!(s.session.login_guard().failed_logins, 1, "{case}");
    }
}

#[test]
fn law_2_a_login_that_never_left_is_refunded() {
    let mut s = before_login();
    for _ in 0..10 {
        let mut call = Actor::log_in();
        call.sends(&mut s, Purpose::LogIn);
        call.receives(&mut s, not_sent());
        assert_eq!(s.session.login_guard().failed_logins, 0);
        s.pass(MINUTE);
    }
}

#[test]
fn law_2_a_success_starts_the_count_anew() {
    let mut s = before_login();
    failed_login(&mut s, unclear());
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, session("session-1"));
    call.ends(&mut s).unwrap();
    assert_eq!(s.session.login_guard().failed_logins, 0);
    assert_eq!(s.session.login_guard().attempts_left, 2);
}

#[test]
fn law_3_a_refusal_that_names_the_credentials_blocks_logins_at_once() {
    let mut s = before_login();
    let error = failed_login(&mut s, wrong_password());
    assert!(error.is_wrong_credentials() && error.is_blocked());
    assert!(error.code().unwrap().is("INPUT_INVALID.Password.Incorrect"));

    s.pass(24 * HOUR);
    let error = Actor::reads().fails(&mut s);
    assert!(error.is_wrong_credentials() && error.is_never_sent());
    let Some(BlockReason::WrongCredentials { code, .. }) = &error.login_guard().unwrap().blocked
    else {
        panic!("{error}");
    };
    assert!(
        code.as_ref()
            .unwrap()
            .is("INPUT_INVALID.Password.Incorrect")
    );
}

#[test]
fn law_3_other_credentials_unblock_logins_and_the_same_ones_do_not() {
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    s.is_given("IMgr8");
    assert!(Actor::log_in().fails(&mut s).is_blocked());

    s.is_given("right");
    let mut call = Actor::log_in();
    let login = call.sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("\"right\""));
    assert_eq!(
        s.session.login_guard().failed_logins,
        2,
        "the platform's count goes on"
    );
}

/// A guesser, or a wrong password that is rolled out to many programs.
#[test]
fn law_2_no_number_of_other_credentials_makes_the_login_that_locks_the_user_name() {
    let mut s = before_login();
    for failed in 1..=4 {
        s.is_given(&format!("guess {failed}"));
        failed_login(&mut s, wrong_password());
        assert_eq!(s.session.login_guard().failed_logins, failed);
    }
    s.events();
    s.is_given("right");
    let reason = BlockReason::BudgetSpent;
    assert_eq!(s.session.login_guard().blocked.as_ref(), Some(&reason));
    assert_eq!(s.reported(), [event::logins_blocked(&reason)]);
    assert!(Actor::log_in().fails(&mut s).is_never_sent());

    s.watch(|session, _| session.unblock());
    assert_eq!(s.reported(), [event::logins_unblocked()]);
    let mut call = Actor::log_in();
    call.logs_in(&mut s, "session-1");
    assert_eq!(s.session.login_guard().failed_logins, 0);
}

/// A program that falls back on another user.
#[test]
fn law_2_another_user_or_another_application_is_refused_and_nothing_changes() {
    let mut other_key = credentials("right");
    other_key.app = thingspace_core::AppCredentials::new("other", "secret").unwrap();
    for (other, reason) in [
        (credentials_of("trillian", "Tricia"), OtherSession::User),
        (other_key, OtherSession::App),
    ] {
        let open = Scenario::open();
        let mut blocked = before_login();
        failed_login(&mut blocked, wrong_password());
        blocked.events();
        let mut in_progress = before_login();
        let login = Actor::log_in().begins(&mut in_progress, Purpose::LogIn);

        for s in [&open, &blocked, &in_progress] {
            let mut s = s.clone();
            let before = s.session.snapshot();
            let set =
                |session: &mut thingspace_core::Session| session.set_credentials(other.clone());
            assert_eq!(s.watch(|session, _| set(session)), Err(reason));
            assert!(s.session.snapshot() == before);
            assert_eq!(s.session.credentials(), &credentials("IMgr8"));
            assert_eq!(s.events(), []);
        }
        // The login that was in progress is still the session's own.
        let set = in_progress.session.set_credentials(other);
        assert_eq!(set, Err(reason));
        in_progress.receives(login, session("session-1"));
        Actor::reads().works(&mut in_progress);
    }
}

/// A program that falls back on another user, each with a session of its own, and
/// tries the first one again.
#[test]
fn law_2_a_user_who_comes_back_finds_the_guard_as_it_was() {
    let mut first = before_login();
    failed_login(&mut first, wrong_password());
    let blocked = first.session.login_guard();

    let second = thingspace_core::SessionBuilder::new(credentials_of("trillian", "Tricia"));
    let mut second = Scenario::of(second.environment(thingspace_core::Environment::mock()));
    assert_eq!(second.session.login_guard().failed_logins, 0);
    let mut login = Actor::log_in();
    login.fetches(&mut second, "bearer-1");
    login.logs_in(&mut second, "session-1");
    login.ends(&mut second).unwrap();

    assert_eq!(first.session.login_guard(), blocked);
    first.restart("IMgr8");
    assert_eq!(first.session.login_guard(), blocked);
    assert!(Actor::log_in().fails(&mut first).is_wrong_credentials());
    first.watch(|session, _| session.unblock());
    failed_login(&mut first, wrong_password());
    assert_eq!(first.session.login_guard().failed_logins, 2);
}

/// A hundred wrong passwords in turn, the first one again among them.
#[test]
fn law_2_no_number_of_passwords_that_take_turns_makes_the_guard_forget() {
    let mut s = before_login();
    let mut logins = 0;
    for number in 0..=100 {
        s.is_given(&format!("guess {}", number % 10));
        if s.session.login_guard().blocked.is_none() {
            failed_login(&mut s, wrong_password());
            logins += 1;
        }
        assert_eq!(s.session.login_guard().failed_logins, logins);
        assert!(Actor::log_in().fails(&mut s).is_never_sent());
    }
    assert_eq!(logins, 4, "of 5 that would lock the user name");
}

#[test]
fn law_16_a_guard_that_is_blocked_remembers_the_last_failure() {
    let mut s = before_login();
    assert_eq!(s.session.login_guard().last_failure, None);
    failed_login(&mut s, unclear());
    let first = s.now;
    let failure = s.session.login_guard().last_failure.unwrap();
    assert_eq!(failure.operation(), Some(OperationKind::LogIn));
    assert_eq!(
        (failure.at(), failure.status().unwrap().as_u16()),
        (first, 400)
    );
    assert!(failure.code().unwrap().is("REQUEST_FAILED.Unclear"));

    s.pass(MINUTE);
    failed_login(&mut s, lost());
    let failure = s.session.login_guard().last_failure.unwrap();
    assert_eq!((failure.at(), failure.status()), (s.now, None));
    assert_eq!(failure.code(), None);

    // A success starts anew.
    s.watch(|session, _| session.unblock());
    s.pass(MINUTE);
    assert_eq!(s.session.login_guard().last_failure, Some(failure));
    let mut login = Actor::log_in();
    login.logs_in(&mut s, "session-1");
    assert_eq!(s.session.login_guard().last_failure, None);
}

#[test]
fn law_3_only_unblocking_by_name_allows_logins_with_the_same_credentials() {
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    s.restart("IMgr8");
    assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
    s.watch(|session, _| session.unblock());
    assert_eq!(s.reported(), [event::logins_unblocked()]);
    Actor::log_in().sends(&mut s, Purpose::LogIn);
}

#[test]
fn a_hundred_calls_that_wait_for_a_wrong_password_cost_one_login() {
    let mut s = before_login();
    let mut calls: Vec<_> = (0..100).map(|_| Actor::reads()).collect();
    let (first, others) = calls.split_first_mut().unwrap();
    first.sends(&mut s, Purpose::LogIn);
    for call in others.iter_mut() {
        call.waits(&mut s);
    }
    first.receives(&mut s, wrong_password());
    for call in &mut calls {
        let error = call.fails(&mut s);
        assert!(
            error.is_wrong_credentials() && error.is_never_sent(),
            "{error}"
        );
        assert_eq!(error.refusal().unwrap().message(), Some("message"));
    }
    assert_eq!(s.session.login_guard().failed_logins, 1);
}

#[test]
fn law_4_a_bearer_fault_is_never_held_against_the_password() {
    let mut s = before_login();
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, bearer_fault());
    assert_eq!(s.session.login_guard().failed_logins, 0);

    // It costs a new bearer and one more attempt.
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer("bearer-2"));
    let login = call.sends(&mut s, Purpose::LogIn);
    assert_eq!(tokens(&login).0, "Bearer bearer-2");
    call.receives(&mut s, bearer_fault());
    assert_eq!(s.session.login_guard().failed_logins, 0);
    assert!(call.fails(&mut s).is_bearer_refused());
}

#[test]
fn law_2_unblocking_while_a_login_is_in_progress_keeps_it_counted() {
    let mut s = before_login();
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::LogIn);
    s.watch(|session, _| session.unblock());
    assert_eq!(s.session.login_guard().attempts_left, 1);
}

#[test]
fn the_result_of_a_login_with_earlier_credentials_is_not_used() {
    for received in [session("of the earlier ones"), wrong_password(), lost()] {
        let mut s = before_login();
        let mut call = Actor::log_in();
        call.sends(&mut s, Purpose::LogIn);
        s.is_given("right");

        // It is still the one login that may be in progress.
        let mut other = Actor::log_in();
        other.waits(&mut s);
        call.receives(&mut s, received);
        assert!(s.session.session_token().is_none());
        assert_eq!(s.session.login_guard().blocked, None);
        other.sends(&mut s, Purpose::LogIn);
    }
}

#[test]
fn a_login_with_earlier_credentials_that_is_abandoned_is_none_of_the_new_ones() {
    let mut s = before_login();
    let login = Actor::log_in().begins(&mut s, Purpose::LogIn);
    s.is_given("right");
    s.abandons(login);
    assert_eq!(s.events(), []);
    assert_eq!(s.session.login_guard().attempts_left, 2);
}

#[test]
fn law_3_a_refusal_that_names_the_credentials_blocks_logins_whatever_its_status() {
    for status in [400, 401, 403, 429, 500, 503] {
        let mut s = before_login();
        let body = r#"{"errorCode":"S.INPUT_INVALID.Password.Incorrect"}"#;
        let error = failed_login(&mut s, response(status, body));
        assert!(error.is_wrong_credentials(), "{status}: {error}");
        assert!(s.session.login_guard().blocked.is_some(), "{status}");
    }
}
