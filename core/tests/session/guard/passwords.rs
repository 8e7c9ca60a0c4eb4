//! Passwords that were refused, other ones, and what an operator may decide.

use super::*;

/// A session after this many logins of other passwords that the service refused.
fn after_wrong_passwords(number: u32) -> Scenario {
    let mut s = before_login();
    for guess in 0..number {
        s.is_given(&format!("guess {guess}"));
        failed_login(&mut s, wrong_password());
    }
    assert_eq!(s.session.login_guard().failed_logins, number);
    s
}

/// Checks that no login is made with the password in use, for this reason.
#[track_caller]
fn assert_blocked(s: &mut Scenario, expected: impl Fn(&BlockReason) -> bool) {
    let error = Actor::log_in().fails(s);
    assert!(error.is_blocked() && error.is_never_sent(), "{error}");
    let reason = error.login_guard().unwrap().blocked.as_ref().unwrap();
    assert!(expected(reason), "{reason:?}");
}

fn is_wrong(reason: &BlockReason) -> bool {
    matches!(reason, BlockReason::WrongCredentials { .. })
}

fn is_spent(reason: &BlockReason) -> bool {
    *reason == BlockReason::BudgetSpent
}

/// Logs in with the password in use, and out again.
#[track_caller]
fn logs_in_and_out(s: &mut Scenario) {
    let mut call = Actor::log_in();
    if needs_bearer(s) {
        fetches_bearer(&mut call, s, "another");
    }
    call.logs_in(s, "session-1");
    call.ends(s).unwrap();
    let mut out = Actor::log_out();
    out.sends(s, Purpose::LogOut);
    out.receives(s, done());
    out.ends(s).unwrap();
    s.events();
}

/// A program that tries one password after the other, whatever comes of each.
#[test]
fn law_2_ten_wrong_passwords_in_a_row_never_make_a_fifth_login() {
    let results: [fn(u32) -> Received; 5] = [
        |_| wrong_password(),
        |_| unclear(),
        |_| lost(),
        |_| response(503, ""),
        |guess| match guess % 3 {
            0 => wrong_password(),
            1 => unclear(),
            _ => lost(),
        },
    ];
    for result in results {
        for waits in [false, true] {
            let mut s = before_login();
            let mut logins = 0;
            for guess in 0..10 {
                s.is_given(&format!("guess {guess}"));
                if s.session.login_guard().blocked.is_none() {
                    failed_login(&mut s, result(guess));
                    logins += 1;
                }
                if waits {
                    s.pass(DAY);
                }
            }
            assert_eq!(logins, 4, "of 5 that would lock the user name");
            s.is_given("right");
            assert_blocked(&mut s, is_spent);
            s.unblocks();
            logs_in_and_out(&mut s);
            assert_eq!(s.session.login_guard().failed_logins, 0);
        }
    }
}

#[test]
fn law_3_a_password_that_was_refused_stays_so_when_it_is_given_again() {
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    for _ in 0..3 {
        s.is_given("other");
        assert_eq!(s.session.login_guard().blocked, None);
        s.is_given("IMgr8");
        assert_blocked(&mut s, is_wrong);
    }
    assert_eq!(s.session.login_guard().failed_logins, 1);
    // Nor does time make it right.
    s.pass(365 * DAY);
    assert_blocked(&mut s, is_wrong);
}

/// A cron job whose secret is rotated, and comes back by mistake.
#[test]
fn law_3_passwords_are_known_again_by_the_next_run_of_a_program() {
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    s.restart("IMgr8");
    assert_blocked(&mut s, is_wrong);
    s.restart("other");
    logs_in_and_out(&mut s);
    s.restart("IMgr8");
    assert_blocked(&mut s, is_wrong);
    s.restart("other");
    logs_in_and_out(&mut s);
}

#[test]
fn law_2_another_password_has_a_budget_of_its_own_within_that_of_the_user_name() {
    let mut s = before_login();
    failed_login(&mut s, unclear());
    s.pass(LOGIN_INTERVAL);
    failed_login(&mut s, unclear());
    assert_blocked(&mut s, is_spent);

    s.is_given("other");
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (2, 2));
    failed_login(&mut s, unclear());
    assert_eq!(s.session.login_guard().attempts_left, 1);
    // The first one has none left.
    s.is_given("IMgr8");
    assert_blocked(&mut s, is_spent);
    s.is_given("third");
    assert_eq!(s.session.login_guard().attempts_left, 1, "and not two");
    failed_login(&mut s, unclear());
    for password in ["IMgr8", "other", "third", "fourth"] {
        s.is_given(password);
        assert_blocked(&mut s, is_spent);
    }
}

#[test]
fn law_3_a_refusal_outlives_the_success_of_another_password() {
    let mut s = after_wrong_passwords(2);
    s.is_given("right");
    logs_in_and_out(&mut s);
    assert_eq!(s.session.login_guard().failed_logins, 0);
    for wrong in ["guess 0", "guess 1"] {
        s.is_given(wrong);
        assert_blocked(&mut s, is_wrong);
    }
    // The platform's count has begun anew, and so has that of the guard.
    for guess in 2..6 {
        s.is_given(&format!("guess {guess}"));
        failed_login(&mut s, wrong_password());
        assert_eq!(s.session.login_guard().failed_logins, guess - 1);
    }
    s.is_given("right");
    assert_blocked(&mut s, is_spent);
}

#[test]
fn law_16_a_refusal_that_outlives_a_success_says_what_came_before() {
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    let refused = s.now;
    s.pass(MINUTE);
    s.is_given("right");
    logs_in_and_out(&mut s);
    assert_eq!(s.session.login_guard().last_failure, None);

    s.pass(MINUTE);
    s.is_given("IMgr8");
    let mut restarted = s.clone();
    restarted.restart("IMgr8");
    for s in [&mut s, &mut restarted] {
        let error = Actor::log_in().fails(s);
        let because = error.because().unwrap();
        assert_eq!(because.operation(), Some(OperationKind::LogIn));
        assert_eq!(
            (because.at(), because.status().unwrap().as_u16()),
            (refused, 400)
        );
        assert!(
            because
                .code()
                .unwrap()
                .is("INPUT_INVALID.Password.Incorrect")
        );
        assert!(
            error
                .to_string()
                .ends_with(&format!("before that, {because}")),
            "{error}"
        );
    }
}

#[test]
fn law_3_a_password_that_succeeds_is_no_longer_taken_for_wrong() {
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    s.unblocks();
    logs_in_and_out(&mut s);
    assert_eq!(s.session.login_guard().blocked, None);
    s.restart("IMgr8");
    logs_in_and_out(&mut s);
}

#[test]
fn law_3_the_last_eight_refusals_are_remembered() {
    let mut s = before_login();
    for guess in 0..9 {
        s.is_given(&format!("guess {guess}"));
        failed_login(&mut s, wrong_password());
        s.is_given("right");
        logs_in_and_out(&mut s);
    }
    for guess in 1..9 {
        s.is_given(&format!("guess {guess}"));
        assert_blocked(&mut s, is_wrong);
    }
    s.is_given("guess 0");
    assert_eq!(s.session.login_guard().blocked, None);
}

#[test]
fn law_3_at_four_nothing_but_unblocking_reopens() {
    let mut s = after_wrong_passwords(4);
    s.pass(7 * DAY);
    for password in ["another", "guess 0", "IMgr8"] {
        s.is_given(password);
        let error = Actor::log_in().fails(&mut s);
        assert!(error.is_blocked(), "{error}");
        s.restart(password);
        let error = Actor::log_in().fails(&mut s);
        assert!(error.is_blocked(), "{error}");
    }
    s.unblocks();
    assert_eq!(s.session.login_guard().attempts_left, 1);
    fetches_bearer(&mut Actor::log_in(), &mut s, "bearer-2");
    Actor::log_in().logs_in(&mut s, "session-1");
    assert_eq!(s.session.login_guard().failed_logins, 0);
}

#[test]
fn law_3_an_unblock_is_one_login_however_often_it_is_given() {
    for (received, expected) in [
        (lost(), is_spent as fn(&BlockReason) -> bool),
        (response(503, ""), is_spent),
        (unclear(), is_spent),
        (wrong_password(), is_wrong),
    ] {
        let mut s = after_wrong_passwords(4);
        s.is_given("right");
        for _ in 0..5 {
            s.unblocks();
        }
        let guard = s.session.login_guard();
        assert_eq!((guard.failed_logins, guard.attempts_left), (4, 1));
        assert_eq!((guard.next_login, guard.blocked), (None, None));
        failed_login(&mut s, received);
        let guard = s.session.login_guard();
        assert_eq!((guard.failed_logins, guard.attempts_left), (5, 0));
        assert_blocked(&mut s, expected);
        s.pass(7 * DAY);
        assert_blocked(&mut s, expected);
        s.restart("right");
        assert_blocked(&mut s, expected);
        // One more by name.
        s.unblocks();
        fetches_bearer(&mut Actor::log_in(), &mut s, "bearer-2");
        Actor::log_in().sends(&mut s, Purpose::LogIn);
    }
}

#[test]
fn law_3_an_unblocked_login_that_is_in_progress_is_the_one() {
    let mut s = after_wrong_passwords(4);
    s.unblocks();
    let login = Actor::log_in().begins(&mut s, Purpose::LogIn);
    assert_eq!(s.session.login_guard().attempts_left, 0);
    // The process dies.
    s.restart("guess 3");
    let mut call = Actor::log_in();
    call.waits_out(&mut s);
    assert!(call.fails(&mut s).is_blocked());
    assert_eq!(s.session.login_guard().failed_logins, 5);
    // It is known now that nobody judged it, and still it was the one.
    s.receives(login, not_sent());
    assert_eq!(s.session.login_guard().failed_logins, 4);
    assert_blocked(&mut s, is_spent);
}

#[test]
fn law_3_an_unblocked_login_that_was_not_judged_may_be_made_again() {
    for received in not_judged() {
        let mut s = after_wrong_passwords(4);
        s.unblocks();
        let case = format!("{received:?}");
        for _ in 0..3 {
            failed_login(&mut s, received.clone());
            let guard = s.session.login_guard();
            assert_eq!((guard.failed_logins, guard.attempts_left), (4, 1), "{case}");
            assert_eq!(guard.blocked, None, "{case}");
            s.pass(MINUTE);
        }
        failed_login(&mut s, lost());
        assert_blocked(&mut s, is_spent);
    }
}

#[test]
fn law_3_an_unblock_is_for_the_password_of_whoever_gives_it() {
    let mut s = after_wrong_passwords(4);
    s.is_given("mine");
    s.unblocks();
    s.is_given("other");
    assert_blocked(&mut s, is_spent);
    s.is_given("guess 0");
    assert_blocked(&mut s, is_wrong);
    s.is_given("mine");
    Actor::log_in().sends(&mut s, Purpose::LogIn);
}

/// An operator who unblocks for the right host as often as he likes, and a host with a
/// stale password.
#[test]
fn law_2_a_stale_host_spends_nothing_of_what_is_unblocked_for_the_right_one() {
    let store = Register::new();
    let mut stale = Scenario::sharing_with(&store, "stale");
    fetches_bearer(&mut Actor::log_in(), &mut stale, "bearer-1");
    failed_login(&mut stale, wrong_password());
    let mut right = Scenario::sharing_with(&store, "right");
    for _ in 0..20 {
        right.pass(HOUR);
        right.unblocks();
        stale.now = right.now;
        let error = Actor::log_in().fails(&mut stale);
        assert!(
            error.is_wrong_credentials() && error.is_never_sent(),
            "{error}"
        );
        logs_in_and_out(&mut right);
        assert_eq!(right.session.login_guard().failed_logins, 0);
    }
}

#[test]
fn law_3_a_success_or_a_refusal_ends_an_unblock_that_was_not_used() {
    for (received, blocks) in [(session("session-1"), false), (wrong_password(), true)] {
        let mut s = before_login();
        let login = Actor::log_in().begins(&mut s, Purpose::LogIn);
        s.unblocks();
        s.receives(login, received);
        assert_eq!(s.session.login_guard().blocked.is_some(), blocks);
        if !blocks {
            // It is not saved up for later.
            let mut out = Actor::log_out();
            out.sends(&mut s, Purpose::LogOut);
            out.receives(&mut s, done());
            assert_eq!(s.session.login_guard().attempts_left, 2);
            failed_login(&mut s, wrong_password());
        }
        assert_blocked(&mut s, is_wrong);
    }
}

#[test]
fn unblocking_is_possible_before_the_guard_is_blocked_and_makes_a_probe_early() {
    let mut s = after_two_lost_logins();
    assert_eq!(s.session.login_guard().attempts_left, 0);
    s.unblocks();
    let guard = s.session.login_guard();
    assert_eq!((guard.attempts_left, guard.next_login), (1, None));
    assert_eq!(s.events(), [], "nothing was blocked");
    failed_login(&mut s, lost());
    assert_blocked(&mut s, is_spent);
}

#[test]
fn law_11_a_guard_that_was_unblocked_often_fits_into_a_snapshot() {
    let mut s = before_login();
    for _ in 0..40 {
        s.unblocks();
        failed_login(&mut s, wrong_password());
        s.restart("IMgr8");
        assert_blocked(&mut s, is_wrong);
    }
}

#[test]
fn what_opens_and_blocks_the_guard_is_reported() {
    let code = "INPUT_INVALID.Password.Incorrect";
    let mut s = before_login();
    failed_login(&mut s, wrong_password());
    s.events();
    s.is_given("other");
    assert_eq!(s.reported(), [event::logins_unblocked()]);
    s.is_given("IMgr8");
    assert_eq!(s.reported(), [event::logins_blocked_by_refusal(code)]);
    s.unblocks();
    assert_eq!(s.reported(), [event::logins_unblocked()]);
    failed_login(&mut s, lost());
    let spent = event::logins_blocked(&BlockReason::BudgetSpent);
    assert_eq!(s.reported(), [event::login_lost(0), spent]);
}
