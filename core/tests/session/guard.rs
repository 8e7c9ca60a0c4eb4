//! The login guard: a user name is never locked by this machine.

use thingspace_core::{
    Error, ErrorKind, Session,
    session::{
        BlockReason, MaxFailedLogins, OperationKind, OtherSession, Settings, Wait, WaitReason,
    },
};

use crate::scenario::*;

mod passwords;
mod probes;

/// A session that has a bearer token for a week and needs a login.
fn before_login() -> Scenario {
    before_login_with(Settings::default())
}

fn before_login_with(settings: Settings) -> Scenario {
    let mut s = Scenario::with(settings);
    fetches_bearer(&mut Actor::log_in(), &mut s, "bearer-1");
    s.events();
    s
}

/// Returns true if the bearer token has to be fetched before anything else.
fn needs_bearer(s: &Scenario) -> bool {
    let renew_at = s.session.bearer_renewal();
    renew_at.is_none_or(|renew_at| renew_at <= s.now)
}

/// Fetches a bearer token for a week.
#[track_caller]
fn fetches_bearer(call: &mut Actor, s: &mut Scenario, token: &str) {
    call.sends(s, Purpose::TokenFetch);
    call.receives(s, bearer_for(token, 7 * 24 * 3600));
}

/// One login that has this result; gives the error that the call ends with, since it
/// has no time for another one.
#[track_caller]
fn failed_login(s: &mut Scenario, received: Received) -> Error {
    let mut call = Actor::log_in().until(s.now + SECOND);
    if needs_bearer(s) {
        fetches_bearer(&mut call, s, "another");
    }
    call.sends(s, Purpose::LogIn);
    call.receives(s, received);
    call.fails(s)
}

/// Waits as long as a call has to.
#[track_caller]
fn sits_out(s: &mut Scenario, wait: Wait) {
    assert!(wait.until > s.now, "a wait that is over at once");
    s.pass_until(wait.until);
}

/// A session after two logins of which nobody knows whether they were judged.
fn after_two_lost_logins() -> Scenario {
    let mut s = before_login();
    failed_login(&mut s, lost());
    s.pass(LOGIN_INTERVAL);
    failed_login(&mut s, lost());
    s.events();
    s
}

/// Results that leave it unknown whether a login was judged.
fn uncertain() -> Vec<Received> {
    vec![
        lost(),
        response(500, ""),
        response(503, "<html>"),
        response(503, r#"{"errorCode":"S.REQUEST_FAILED.Down"}"#),
        response(408, ""),
        response(425, ""),
        response(429, ""),
        response(408, r#"{"errorCode":"S.REQUEST_FAILED.Slow"}"#),
        response(425, r#"{"errorCode":"S.REQUEST_FAILED.Early"}"#),
        response(429, r#"{"errorCode":"S.REQUEST_FAILED.Many"}"#),
        throttled("1"),
        response(302, ""),
        // In no shape that the API has.
        response(400, ""),
        response(403, "<html>"),
        response(404, ""),
        response(405, r#"{"error":"no"}"#),
        // Nonsense.
        response(200, ""),
        response(200, r#"{"sessionToken":""}"#),
        response(200, "<html>"),
        response(200, r#"{"errorMessage":"no"}"#),
    ]
}

/// Results by which somebody judged a login, and did not say what is wrong.
fn judged() -> Vec<Received> {
    vec![
        unclear(),
        response(404, r#"{"errorCode":"S.REQUEST_FAILED.NotFound"}"#),
        response(403, r#"{"errorMessage":"no"}"#),
        // With the status of a success, a code is a code.
        response(200, r#"{"errorCode":"S.REQUEST_FAILED.Unclear"}"#),
        response(
            200,
            r#"{"status":"FAILED","errorCode":"DeserializationFailed"}"#,
        ),
        response(401, r#"{"errorCode":"S.REQUEST_FAILED.Permission"}"#),
        response(401, ""),
        response(401, "not the gateway's shape"),
        response(401, r#"{"error":"invalid_client"}"#),
    ]
}

/// Results that prove that a login was not judged.
fn not_judged() -> Vec<Received> {
    let challenge = http::Response::builder()
        .status(401)
        .header("www-authenticate", r#"Bearer error="invalid_token""#);
    vec![
        not_sent(),
        bearer_fault(),
        response(401, r#"{"fault":{}}"#),
        response(401, r#"{"error":"invalid_token"}"#),
        Ok(challenge.body(bytes::Bytes::new()).unwrap()),
        response(429, r#"{"fault":{"code":900800}}"#),
        response(503, r#"{"fault":{"code":900802}}"#),
        response(403, r#"{"fault":{"code":900908}}"#),
        response(400, r#"{"code":"900901","message":"m","description":"d"}"#),
        response(503, "<fault><code>900802</code></fault>"),
    ]
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
            s.pass(LOGIN_INTERVAL);
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
    let mut call = Actor::log_in();
    for _ in ["for the lease", "for the next login"] {
        call.waits_out(&mut s);
    }
    call.sends(&mut s, Purpose::LogIn);
    s.restart("IMgr8");
    assert_eq!(s.session.login_guard().failed_logins, 2);
    Actor::log_in().waits_out(&mut s);
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (2, 0));
}

#[test]
fn law_2_a_login_that_is_abandoned_or_lost_stays_counted() {
    let mut s = before_login();
    let abandoned = Actor::log_in().begins(&mut s, Purpose::LogIn);
    s.abandons(abandoned);
    let next = s.now + LOGIN_INTERVAL;
    assert_eq!(
        s.reported(),
        [event::login_lost(1), event::backing_off(next)]
    );

    s.pass(LOGIN_INTERVAL);
    let error = failed_login(&mut s, lost());
    assert!(error.is_outcome_unknown() && !error.is_blocked(), "{error}");
    let next = s.now + 30 * MINUTE;
    assert_eq!(
        s.reported(),
        [event::login_lost(0), event::backing_off(next)]
    );
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (2, 0));
    assert_eq!((guard.next_login, guard.blocked), (Some(next), None));
    let error = Actor::log_in().until(s.now + SECOND).fails(&mut s);
    assert!(error.is_never_sent() && !error.is_blocked(), "{error}");
}

#[test]
fn law_2_every_response_that_is_not_a_success_and_no_proof_of_the_contrary_counts() {
    for received in uncertain().into_iter().chain(judged()) {
        let mut s = before_login();
        let case = format!("{received:?}");
        let error = failed_login(&mut s, received);
        assert!(!error.is_blocked(), "{case}");
        let guard = s.session.login_guard();
        assert_eq!((guard.failed_logins, guard.attempts_left), (1, 1), "{case}");
        assert!(guard.last_failure.is_some(), "{case}");
    }
}

#[test]
fn law_2_after_a_login_that_counts_the_next_comes_half_a_minute_later() {
    for received in uncertain().into_iter().chain(judged()) {
        let mut s = before_login();
        let case = format!("{received:?}");
        failed_login(&mut s, received);
        let next = s.now + LOGIN_INTERVAL;
        assert_eq!(s.session.login_guard().next_login, Some(next), "{case}");
        let mut call = Actor::log_in();
        let wait = call.waits(&mut s);
        assert_eq!((wait.until, wait.reason), (next, WaitReason::Backoff));
        s.almost_pass(LOGIN_INTERVAL);
        call.waits(&mut s);
        s.pass(MILLISECOND);
        if s.session.bearer_token().is_none() {
            fetches_bearer(&mut call, &mut s, "bearer-2");
        }
        call.logs_in(&mut s, "session-1");
        call.ends(&mut s).unwrap();
        let guard = s.session.login_guard();
        assert_eq!((guard.failed_logins, guard.attempts_left), (0, 2), "{case}");
    }
}

#[test]
fn law_2_a_login_that_the_service_wants_later_is_made_later() {
    for (received, asked) in [
        (throttled("45"), 45),
        (throttled("600"), 600),
        // No longer than ten minutes.
        (throttled("3600"), 600),
    ] {
        let mut s = before_login();
        failed_login(&mut s, received);
        let asked = s.now + asked * SECOND;
        s.almost_pass(asked.since(s.now));
        Actor::log_in().waits(&mut s);
        s.pass(SECOND);
        Actor::log_in().sends(&mut s, Purpose::LogIn);
    }
}

#[test]
fn law_16_a_call_that_can_not_wait_for_the_next_login_says_what_came_before() {
    let mut s = before_login();
    failed_login(
        &mut s,
        response(503, r#"{"errorCode":"S.REQUEST_FAILED.Down"}"#),
    );
    let failed = s.now;
    s.pass(SECOND);
    let error = Actor::reads().until(s.now + SECOND).fails(&mut s);
    assert!(matches!(error.kind(), ErrorKind::BackingOff { .. }));
    assert!(error.is_never_sent());
    assert_eq!(error.retry_at(), Some(failed + LOGIN_INTERVAL));
    let because = error.because().unwrap();
    assert_eq!(because.operation(), Some(OperationKind::LogIn));
    assert_eq!(
        (because.at(), because.status().unwrap().as_u16()),
        (failed, 503)
    );
    assert!(because.code().unwrap().is("REQUEST_FAILED.Down"));
    assert_eq!(
        error.to_string(),
        format!(
            "nothing was sent, because the session is backing off until {} (the login was refused (503 S.REQUEST_FAILED.Down) at {failed}); call again then",
            failed + LOGIN_INTERVAL
        )
    );
}

#[test]
fn law_2_after_a_login_that_was_judged_the_next_has_a_new_bearer() {
    for received in judged() {
        let mut s = before_login();
        let case = format!("{received:?}");
        failed_login(&mut s, received);
        assert!(s.session.bearer_token().is_none(), "{case}");
        s.pass(LOGIN_INTERVAL);
        let mut call = Actor::reads();
        fetches_bearer(&mut call, &mut s, "bearer-2");
        let login = call.sends(&mut s, Purpose::LogIn);
        assert_eq!(tokens(&login), ("Bearer bearer-2", ""), "{case}");
    }
    // After one of which nobody knows, it has the same.
    for received in uncertain() {
        let mut s = before_login();
        failed_login(&mut s, received);
        s.pass(LOGIN_INTERVAL);
        let login = Actor::reads().sends(&mut s, Purpose::LogIn);
        assert_eq!(tokens(&login), ("Bearer bearer-1", ""));
    }
}

/// Others have the bearer of before as well.
#[test]
fn law_2_after_a_login_that_was_judged_all_processes_take_a_new_bearer() {
    let store = Register::new();
    let mut here = Scenario::sharing(&store);
    let mut there = Scenario::sharing(&store);
    fetches_bearer(&mut Actor::log_in(), &mut here, "bearer-1");
    there.learns();
    assert!(there.session.bearer_token().is_some());
    failed_login(&mut here, unclear());
    for s in [&mut here, &mut there] {
        s.pass(MINUTE);
        s.syncs().unwrap();
        assert!(s.session.bearer_token().is_none());
    }
    Actor::reads().sends(&mut there, Purpose::TokenFetch);
}

#[test]
fn law_2_two_logins_of_which_one_was_judged_block_the_guard_for_good() {
    let judged = || judged().swap_remove(0);
    for (first, second) in [
        (judged(), judged()),
        (judged(), lost()),
        (lost(), judged()),
        (response(401, ""), response(503, "")),
    ] {
        let mut s = before_login();
        failed_login(&mut s, first);
        s.pass(LOGIN_INTERVAL);
        failed_login(&mut s, second);
        assert_eq!(
            s.session.login_guard().blocked,
            Some(BlockReason::BudgetSpent)
        );
        for _ in 0..7 {
            s.pass(DAY);
            let error = Actor::reads().fails(&mut s);
            assert!(error.is_blocked() && error.is_never_sent(), "{error}");
        }
    }
}

#[test]
fn law_2_the_reason_for_a_spent_budget_is_the_last_login_of_it() {
    let mut s = before_login();
    failed_login(&mut s, unclear());
    s.pass(LOGIN_INTERVAL);
    let error = failed_login(&mut s, unclear());
    let reason = BlockReason::BudgetSpent;
    assert_eq!(error.login_guard().unwrap().blocked, Some(reason.clone()));
    assert!(s.reported().ends_with(&[
        event::login_refused("REQUEST_FAILED.Unclear", 0),
        event::logins_blocked(&reason)
    ]));
}

#[test]
fn law_2_a_login_that_certainly_was_not_judged_is_refunded() {
    for received in not_judged() {
        let mut s = before_login();
        let case = format!("{received:?}");
        for _ in 0..10 {
            let error = failed_login(&mut s, received.clone());
            assert!(
                !error.is_blocked() && !error.is_wrong_credentials(),
                "{case}"
            );
            let guard = s.session.login_guard();
            assert_eq!((guard.failed_logins, guard.attempts_left), (0, 2), "{case}");
            assert_eq!((guard.next_login, guard.blocked), (None, None), "{case}");
            s.pass(MINUTE);
        }
    }
}

/// The calls of a program that makes one after the other, for ten minutes. Gives the
/// times of their logins.
fn logins_of_a_busy_program(
    s: &mut Scenario,
    received: &Received,
) -> Vec<thingspace_core::Timestamp> {
    let end = s.now + 10 * MINUTE;
    let mut logins = Vec::new();
    while s.now < end {
        let mut call = Actor::reads();
        loop {
            match call.step(s) {
                thingspace_core::Step::Send(sent)
                    if Purpose::of(&sent.request) == Purpose::LogIn =>
                {
                    logins.push(s.now);
                    assert!(logins.len() < 1000, "a storm of logins");
                    call.receives(s, received.clone());
                }
                thingspace_core::Step::Send(_) => call.receives(s, bearer("another")),
                thingspace_core::Step::Wait(wait) => sits_out(s, wait),
                thingspace_core::Step::Done(_) => break,
            }
        }
        s.pass(10 * MILLISECOND);
    }
    logins
}

#[test]
fn law_4_logins_that_are_not_judged_come_slower_and_slower_and_never_two_within_a_second() {
    for received in not_judged() {
        let mut s = before_login();
        let logins = logins_of_a_busy_program(&mut s, &received);
        let pauses = logins.windows(2).map(|two| two[1].since(two[0]));
        let pauses: Vec<_> = pauses.collect();
        assert!(
            pauses.iter().all(|pause| *pause >= SECOND),
            "{received:?}: {pauses:?}"
        );
        let (first, last) = pauses.split_at(pauses.len() / 2);
        assert!(
            first.iter().max() > first.iter().min(),
            "{received:?}: {pauses:?}"
        );
        let longest = Settings::default().longest_backoff;
        assert!(
            last.iter().all(|pause| *pause >= longest / 2),
            "{received:?}: {pauses:?}"
        );
        assert_eq!(s.session.login_guard().failed_logins, 0);

        s.pass(longest);
        let mut call = Actor::reads();
        if s.session.bearer_token().is_none() {
            call.fetches(&mut s, "bearer-2");
        }
        call.logs_in(&mut s, "session-1");
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
    s.pass(LOGIN_INTERVAL);
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-2");
    call.logs_in(&mut s, "session-1");
    call.ends(&mut s).unwrap();
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (0, 2));
    assert_eq!(guard.next_login, None);
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

    s.unblocks();
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
            let before = s.session.snapshot(s.now);
            let set =
                |session: &mut thingspace_core::Session| session.set_credentials(other.clone());
            assert_eq!(s.watch(|session, _| set(session)), Err(reason));
            assert!(s.session.snapshot(s.now) == before);
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
    first.unblocks();
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
    s.unblocks();
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
    s.unblocks();
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

    // It costs a new bearer and one more attempt, a second later.
    assert_eq!(call.waits(&mut s).until, s.now + SECOND);
    s.pass(SECOND);
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
    s.unblocks();
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
    assert_eq!(s.reported(), [event::login_lost(2)]);
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (1, 2));
    assert_eq!((guard.next_login, guard.blocked), (None, None));
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

/// Some services refuse with the status of a success.
#[test]
fn law_3_a_refusal_with_the_status_of_a_success_blocks_if_it_names_the_credentials() {
    let mut s = before_login();
    let body = r#"{"errorCode":"S.INPUT_INVALID.Password.Incorrect","errorMessage":"3 of 5"}"#;
    let error = failed_login(&mut s, response(200, body));
    assert!(
        error.is_wrong_credentials() && error.is_blocked(),
        "{error}"
    );
    assert_eq!(error.status().unwrap(), 200);
    assert_eq!(error.response().unwrap().body(), body);
    let failure = s.session.login_guard().last_failure.unwrap();
    assert_eq!(failure.status().unwrap(), 200);
    assert!(
        failure
            .code()
            .unwrap()
            .is("INPUT_INVALID.Password.Incorrect")
    );
    assert!(Actor::reads().fails(&mut s).is_wrong_credentials());
}

#[test]
fn law_3_credentials_that_the_service_does_not_take_are_blocked_and_the_reason_says_so() {
    let code = "INPUT_INVALID.Request.InvalidCharacter";
    let mut s = before_login();
    let error = failed_login(&mut s, refused(code));
    let said = "ThingSpace does not take some characters, such as ' < and \\, and one of them is in the credentials; have the password changed, then give the new one (1 failed since the last success; the platform locks the user name at 5)";
    assert_eq!(
        error.to_string(),
        format!("the login was refused (400 UnifiedWebService.{code}) for a character: {said}")
    );
    assert!(error.is_blocked() && !error.is_wrong_credentials());
    let Some(BlockReason::CantBeSent { code: known, .. }) = s.session.login_guard().blocked else {
        panic!("{error}");
    };
    assert!(known.unwrap().is(code));

    s.pass(DAY);
    let error = Actor::reads().fails(&mut s);
    assert!(
        error.is_blocked() && error.to_string().contains(said),
        "{error}"
    );
    s.is_given("other");
    let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("\"other\""));
    // Only a 4xx says so.
    let mut s = before_login();
    let body = format!(r#"{{"errorCode":"S.{code}"}}"#);
    failed_login(&mut s, response(503, &body));
    assert_eq!(s.session.login_guard().blocked, None);
}

/// A login that was lost, and a second one that is in progress when the result of the
/// first comes.
fn two_logins() -> (Scenario, [thingspace_core::session::Operation; 2]) {
    let mut s = before_login();
    let first = Actor::log_in().begins(&mut s, Purpose::LogIn);
    s.pass(MINUTE);
    s.watch(Session::expire);
    s.pass(LOGIN_INTERVAL);
    let second = Actor::log_in().begins(&mut s, Purpose::LogIn);
    assert_eq!(s.session.login_guard().failed_logins, 2);
    s.events();
    (s, [first, second])
}

#[test]
fn law_3_a_late_refusal_that_names_the_credentials_blocks_them() {
    for received in [
        wrong_password(),
        response(200, r#"{"errorCode":"S.INPUT_INVALID.Password.Incorrect"}"#),
        refused("INPUT_INVALID.Request.InvalidCharacter"),
    ] {
        // While the second is in progress, and after it failed.
        for second_fails in [false, true] {
            let (mut s, [first, second]) = two_logins();
            if second_fails {
                s.receives(second, lost());
                s.events();
            }
            s.receives(first, received.clone());
            let guard = s.session.login_guard();
            assert!(guard.blocked.is_some());
            assert_eq!(guard.failed_logins, 2, "it counts once");
            assert_eq!(
                s.reported(),
                [event::logins_blocked(guard.blocked.as_ref().unwrap())]
            );
            let failure = guard.last_failure.unwrap();
            assert_eq!((failure.at(), failure.status().is_some()), (s.now, true));
            s.receives(second, lost());
            assert!(Actor::log_in().fails(&mut s).is_blocked());
        }
    }
}

#[test]
fn law_2_a_late_success_or_proof_settles_only_its_own() {
    for received in not_judged().into_iter().chain([session("late")]) {
        let (mut s, [first, second]) = two_logins();
        let case = format!("{received:?}");
        s.receives(first, received.clone());
        assert_eq!(s.session.login_guard().failed_logins, 1, "{case}");
        assert!(s.session.session_token().is_none(), "{case}");
        assert_eq!(s.session.operation(), Some(OperationKind::LogIn), "{case}");
        // Once.
        s.receives(first, received);
        assert_eq!(s.session.login_guard().failed_logins, 1, "{case}");
        s.receives(second, lost());
        let guard = s.session.login_guard();
        assert_eq!((guard.failed_logins, guard.attempts_left), (1, 1), "{case}");
    }
}

#[test]
fn law_2_a_late_refusal_that_names_nothing_changes_only_its_own_login() {
    for received in uncertain().into_iter().chain(judged()) {
        let (mut s, [first, second]) = two_logins();
        let case = format!("{received:?}");
        s.receives(first, received);
        assert_eq!(s.session.login_guard().failed_logins, 2, "{case}");
        assert_eq!(s.session.operation(), Some(OperationKind::LogIn), "{case}");
        s.receives(second, session("session-2"));
        assert_eq!(s.session.login_guard().failed_logins, 0, "{case}");
        Actor::reads().works(&mut s);
    }
}

/// A refusal of a login before a success is of no use after it, unless it names the
/// credentials.
#[test]
fn law_3_a_late_refusal_after_a_success_blocks_only_if_it_names_the_credentials() {
    for (received, blocks) in [
        (wrong_password(), true),
        (unclear(), false),
        (lost(), false),
        (not_sent(), false),
    ] {
        let (mut s, [first, second]) = two_logins();
        s.receives(second, session("session-2"));
        s.receives(first, received);
        let guard = s.session.login_guard();
        assert_eq!(guard.failed_logins, 0);
        assert_eq!(guard.blocked.is_some(), blocks);
        assert_eq!(guard.last_failure.is_some(), blocks);
        // The open session goes on.
        Actor::reads().works(&mut s);
    }
}
