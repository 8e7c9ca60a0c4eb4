//! The password reset, in two halves: its response is the only copy of the new
//! password, and the session uses it once it is confirmed.

use std::fmt::Write;

use thingspace_core::{
    Error, Session, Step,
    session::{BlockReason, NewPassword, OperationKind, OtherSession, WaitReason},
};

use crate::scenario::*;

/// All results that leave the password in doubt.
fn doubts() -> [Received; 9] {
    [
        lost(),
        response(500, ""),
        response(503, "<html>"),
        response(408, ""),
        response(302, ""),
        response(200, ""),
        response(200, "{}"),
        response(200, r#"{"newPassword":""}"#),
        response(200, r#"{"newpassword":"lost"}"#),
    ]
}

/// An open session after a reset with this result, and the error that the reset
/// ended with.
fn reset_with(received: Received) -> (Scenario, Error) {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, received);
    let error = reset.fails(&mut s);
    (s, error)
}

/// An open session after a reset that is not confirmed, and the new password.
fn unconfirmed() -> (Scenario, NewPassword) {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, new_password("Wh0a"));
    let new = reset.ends_with_password(&mut s);
    (s, new)
}

/// Checks that the password is in doubt: the open session goes on, and no login
/// is spent.
#[track_caller]
fn assert_in_doubt(s: &mut Scenario) {
    assert_blocked(s, &BlockReason::PasswordInDoubt);
}

/// Checks that logins are blocked for this reason: the open session goes on, and
/// no login is spent.
#[track_caller]
fn assert_blocked(s: &mut Scenario, reason: &BlockReason) {
    assert_eq!(s.session.login_guard().blocked.as_ref(), Some(reason));
    Actor::reads().works(s);
    Actor::log_in().ends(s).unwrap();

    let mut later = s.clone();
    later.pass(20 * MINUTE);
    let error = Actor::writes().fails(&mut later);
    assert!(error.is_blocked() && error.is_never_sent(), "{error}");
    assert_eq!(error.login_guard().unwrap().blocked.as_ref(), Some(reason));
    assert_eq!(
        later.session.login_guard().failed_logins,
        s.session.login_guard().failed_logins
    );
}

#[test]
fn a_reset_gives_the_new_password_and_the_session_uses_it_once_it_is_confirmed() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, Purpose::Reset);
    assert_eq!(body(&sent), r#"{"oldPassword":"IMgr8"}"#);
    assert_eq!(tokens(&sent), ("Bearer bearer-1", "session-1"));
    assert_eq!(s.session.operation(), Some(OperationKind::PasswordReset));

    let before = s.session.version();
    reset.receives(&mut s, new_password("Wh0a"));
    assert!(s.session.version() > before, "nobody would save it");
    let new = reset.ends_with_password(&mut s);
    assert_eq!(new.password().expose(), "Wh0a");
    assert_eq!(
        s.session.credentials().password().unwrap().expose(),
        "IMgr8"
    );
    assert_eq!(s.session.new_password(), Some(&new));
    assert_eq!(s.reported(), [event::password_reset()]);
    let guard = s.session.login_guard();
    assert_eq!(guard.blocked, Some(BlockReason::AwaitingConfirmation));
    assert_eq!(guard.failed_logins, 0);

    let before = s.session.version();
    s.confirms(&new);
    assert!(s.session.version() > before, "nobody would save it");
    assert_eq!(s.session.credentials().password().unwrap().expose(), "Wh0a");
    assert_eq!(s.session.credentials().username().unwrap(), "zbeeblebrox");
    assert_eq!(s.session.new_password(), None);
    assert_eq!(s.session.login_guard().blocked, None);
    assert_eq!(s.reported(), [event::password_changed()]);
    assert_eq!(new.into_password().expose(), "Wh0a");

    Actor::reads().works(&mut s);
    s.pass(20 * MINUTE);
    let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
    assert_eq!(
        body(&login),
        r#"{"username":"zbeeblebrox","password":"Wh0a"}"#
    );
}

#[test]
fn a_reset_opens_a_session_where_none_is() {
    let mut s = Scenario::new();
    let mut reset = Actor::reset_password();
    reset.fetches(&mut s, "bearer-1");
    reset.logs_in(&mut s, "session-1");
    reset.resets_to(&mut s, "Wh0a");
}

#[test]
fn law_8_an_unconfirmed_reset_blocks_logins_while_the_open_session_goes_on() {
    let (mut s, new) = unconfirmed();
    assert_blocked(&mut s, &BlockReason::AwaitingConfirmation);
    // Nor is another reset made, whose old password may be either one.
    let error = Actor::reset_password().fails(&mut s);
    assert!(error.is_blocked() && error.is_never_sent(), "{error}");

    // A process that starts anew finds it so.
    let mut restarted = s.clone();
    restarted.restart("IMgr8");
    assert_blocked(&mut restarted, &BlockReason::AwaitingConfirmation);
    assert_eq!(restarted.session.new_password(), None);

    for mut s in [s, restarted] {
        s.pass(20 * MINUTE);
        s.confirms(&new);
        let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
        assert!(body(&login).contains("Wh0a"));
    }
}

#[test]
fn law_8_the_last_resort_of_an_unconfirmed_reset_is_the_callers_to_choose() {
    let (unconfirmed, _) = unconfirmed();
    for (decides, password) in [
        ((|s| s.is_given("Wh0a")) as fn(&mut Scenario), "Wh0a"),
        (|s| s.unblocks(), "IMgr8"),
    ] {
        let mut s = unconfirmed.clone();
        s.pass(MINUTE);
        s.watch(Session::expire);
        s.events();
        decides(&mut s);
        assert_eq!(s.reported(), [event::logins_unblocked()]);
        s.pass(20 * MINUTE);
        let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
        assert!(body(&login).contains(password));
    }
}

/// Whoever could not save the confirmation makes it again.
#[test]
fn a_new_password_that_is_confirmed_again_changes_nothing() {
    let (mut s, new) = unconfirmed();
    s.confirms(&new);
    s.events();
    let before = s.session.snapshot(s.now);
    for _ in 0..3 {
        s.confirms(&new);
    }
    assert!(s.session.snapshot(s.now) == before);
    assert_eq!(s.events(), []);
    assert_eq!(s.session.credentials(), &credentials("Wh0a"));
}

#[test]
fn law_7_a_second_response_to_a_reset_that_is_confirmed_changes_nothing() {
    let mut s = Scenario::open();
    let reset = Actor::reset_password().begins(&mut s, Purpose::Reset);
    s.receives(reset, new_password("Wh0a"));
    let new = s.session.new_password().cloned().unwrap();
    s.confirms(&new);
    s.events();
    s.receives(reset, new_password("Wh0a"));
    assert_eq!(s.session.new_password(), None);
    assert_eq!(s.session.login_guard().blocked, None);
    assert_eq!(s.events(), []);
}

#[test]
fn a_new_password_is_not_confirmed_after_other_credentials_were_given() {
    let (mut s, new) = unconfirmed();
    s.is_given("another");
    s.events();
    let before = s.session.snapshot(s.now);
    let late = s.watch(|session, _| session.confirm(&new));
    assert_not_awaited(late);
    assert!(s.session.snapshot(s.now) == before);
    assert_eq!(s.events(), []);
    assert_eq!(s.session.credentials(), &credentials("another"));

    assert_eq!(
        late.unwrap_err().to_string(),
        "this new password is not awaited; another reset was made, or other credentials were given since"
    );

    // Nor after the old one has turned out to be right.
    let (mut s, new) = unconfirmed();
    s.pass(20 * MINUTE);
    s.unblocks();
    let mut unblocked = s.clone();
    Actor::log_in().logs_in(&mut s, "session-2");
    let late = s.watch(|session, _| session.confirm(&new));
    assert_not_awaited(late);
    assert_eq!(s.session.credentials(), &credentials("IMgr8"));
    // As long as nobody has tried, it may be right.
    unblocked.confirms(&new);
    let login = Actor::log_in().sends(&mut unblocked, Purpose::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn law_14_a_new_password_whose_call_is_gone_is_in_the_session() {
    let mut s = Scenario::open();
    assert_eq!(s.session.new_password(), None);
    let reset = Actor::reset_password().begins(&mut s, Purpose::Reset);
    s.receives(reset, new_password("Wh0a"));
    let new = s.session.new_password().cloned().unwrap();
    assert_eq!(new.password().expose(), "Wh0a");
    s.confirms(&new);
    assert_eq!(s.session.new_password(), None);
    s.pass(20 * MINUTE);
    let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn a_new_password_that_is_confirmed_before_its_call_looks_is_given_to_the_call_as_well() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, new_password("Wh0a"));
    let new = s.session.new_password().cloned().unwrap();
    s.confirms(&new);
    assert_eq!(reset.ends_with_password(&mut s), new);
    assert_eq!(s.session.credentials().password().unwrap().expose(), "Wh0a");
}

#[test]
fn law_6_a_reset_is_sent_once_whatever_its_result_is() {
    for received in
        doubts()
            .into_iter()
            .chain([not_sent(), throttled("1"), unclear(), response(404, "")])
    {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, Purpose::Reset);
        reset.receives(&mut s, received);
        // Done, not waiting and not sending.
        reset.fails(&mut s);
    }
}

#[test]
fn law_8_after_a_reset_of_unknown_outcome_no_login_is_spent() {
    let happened = [
        "no response came",
        "the response was 500 (in no shape that ThingSpace documents)",
        "the response was 503 (in no shape that ThingSpace documents)",
        "the response was 408 (in no shape that ThingSpace documents)",
        "the response was 302 (in no shape that ThingSpace documents)",
        "the response is invalid: the body is missing",
        "the response is invalid: newPassword is missing",
        "the response is invalid: newPassword is missing",
        "the response is invalid: newPassword is missing",
    ];
    for (received, happened) in doubts().into_iter().zip(happened) {
        let case = format!("{received:?}");
        let (mut s, error) = reset_with(received);
        assert!(error.is_password_in_doubt(), "{case}");
        assert!(error.is_outcome_unknown(), "{case}");
        let reason = BlockReason::PasswordInDoubt;
        assert_eq!(s.reported(), [event::logins_blocked(&reason)], "{case}");
        assert_in_doubt(&mut s);
        assert_eq!(
            error.to_string(),
            format!(
                "the password may have been reset, but {happened}; no login is made until other credentials are given or the login guard is unblocked"
            )
        );
    }
}

#[test]
fn law_8_a_reset_that_is_abandoned_leaves_the_password_in_doubt() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let operation = reset.begins(&mut s, Purpose::Reset);
    s.abandons(operation);
    assert_in_doubt(&mut s);
    let error = reset.fails(&mut s);
    assert!(error.is_password_in_doubt(), "{error}");
}

#[test]
fn law_8_a_reset_that_nothing_is_heard_of_leaves_the_password_in_doubt() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, Purpose::Reset);
    drop(reset);
    s.pass_until(sent.deadline + MINUTE);
    Actor::reads().works(&mut s);
    assert_eq!(
        s.reported(),
        [
            event::lease_expired(OperationKind::PasswordReset),
            event::logins_blocked(&BlockReason::PasswordInDoubt),
        ]
    );
    assert_in_doubt(&mut s);
}

#[test]
fn law_8_the_call_of_a_reset_that_nothing_is_heard_of_says_so_itself() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    let end = reset.waits(&mut s).until;
    s.pass_until(end);
    let error = reset.fails(&mut s);
    assert!(error.is_password_in_doubt(), "{error}");
    assert_in_doubt(&mut s);
}

#[test]
fn law_8_a_process_that_is_killed_during_a_reset_knows_of_it_when_it_is_back() {
    for late in [MINUTE, 24 * HOUR] {
        let mut s = Scenario::open_with(settings(|s| s.idle_timeout = 48 * HOUR));
        Actor::reset_password().sends(&mut s, Purpose::Reset);
        s.restart("IMgr8");
        s.pass(late);
        let mut call = Actor::reads();
        if s.session.bearer_renewal().unwrap() <= s.now {
            call.fetches(&mut s, "bearer-2");
        }
        call.works(&mut s);
        assert_eq!(
            s.session.login_guard().blocked,
            Some(BlockReason::PasswordInDoubt)
        );
        s.restart("IMgr8");
        s.pass(48 * HOUR);
        let error = Actor::reads().fails(&mut s);
        assert!(error.is_blocked() && error.is_never_sent(), "{error}");
    }
}

#[test]
fn law_8_a_process_that_is_back_while_a_reset_may_be_in_progress_makes_no_login() {
    let mut s = Scenario::open();
    s.almost_pass(19 * MINUTE);
    Actor::reset_password().sends(&mut s, Purpose::Reset);
    s.restart("IMgr8");
    s.pass(SECOND);
    let mut call = Actor::reads();
    let wait = call.waits(&mut s);
    assert_eq!(
        wait.reason,
        WaitReason::Operation(OperationKind::PasswordReset)
    );
    s.pass_until(wait.until);
    assert!(call.fails(&mut s).is_blocked());
}

#[test]
fn law_8_the_right_password_unblocks_logins() {
    let (mut s, _) = reset_with(lost());
    s.pass(20 * MINUTE);
    Actor::reads().fails(&mut s);
    s.events();
    s.is_given("Wh0a");
    assert_eq!(s.reported(), [event::logins_unblocked()]);
    let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn law_8_unblocking_tries_the_old_password() {
    let (mut s, _) = reset_with(lost());
    s.pass(20 * MINUTE);
    // The same credentials are no decision.
    s.is_given("IMgr8");
    Actor::reads().fails(&mut s);
    s.unblocks();
    let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("IMgr8"));
}

#[test]
fn law_8_another_reset_may_clear_up_the_doubt() {
    let (mut s, _) = reset_with(lost());
    Actor::reset_password().resets_to(&mut s, "Wh0a");
    assert_eq!(s.session.login_guard().blocked, None);
    s.pass(20 * MINUTE);
    let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn law_3_a_refusal_that_names_the_old_password_blocks_logins() {
    for code in [
        "INPUT_INVALID.OldPassword.Incorrect",
        "REQUEST_FAILED.User.Locked",
    ] {
        let (mut s, error) = reset_with(refused(code));
        assert!(error.is_wrong_credentials() && !error.is_outcome_unknown());
        assert!(error.code().unwrap().is(code));
        let reported = event::logins_blocked_by_refusal(code);
        assert!(s.reported().contains(&reported));
        assert!(matches!(
            s.session.login_guard().blocked,
            Some(BlockReason::WrongCredentials { .. })
        ));
        Actor::reads().works(&mut s);
        s.pass(20 * MINUTE);
        assert!(Actor::reads().fails(&mut s).is_wrong_credentials());
    }
}

/// Nobody knows whether the platform counts it: only what was not judged is refunded.
#[test]
fn law_2_a_refusal_for_another_reason_leaves_the_password_as_it_was_and_counts() {
    for (received, counts) in [
        (refused("REQUEST_FAILED.Unclear"), 1),
        (response(401, ""), 1),
        (response(404, ""), 1),
        (throttled("1"), 1),
        (throttled("3600"), 1),
        (response(403, r#"{"fault":{"code":900908}}"#), 0),
        (response(429, r#"{"fault":{"code":900800}}"#), 0),
        (not_sent(), 0),
    ] {
        let case = format!("{received:?}");
        let (mut s, error) = reset_with(received);
        assert!(!error.is_outcome_unknown(), "{case}");
        assert!(!error.is_password_in_doubt(), "{case}");
        assert_eq!(s.session.login_guard().blocked, None, "{case}");
        assert_eq!(s.session.login_guard().failed_logins, counts, "{case}");
        assert_eq!(s.events(), [], "{case}");
        s.pass(20 * MINUTE);
        let login = Actor::log_in().sends(&mut s, Purpose::LogIn);
        assert!(body(&login).contains("IMgr8"), "{case}");
    }
}

#[test]
fn a_reset_that_was_throttled_or_not_sent_says_so() {
    let (s, error) = reset_with(throttled("20"));
    assert!(error.is_throttled());
    assert_eq!(error.retry_at(), Some(s.now + 20 * SECOND));
    let (_, error) = reset_with(not_sent());
    assert!(error.is_never_sent());
}

#[test]
fn law_5_a_stale_session_or_bearer_costs_a_reset_one_replay_each() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, session_expired());
    reset.logs_in(&mut s, "session-2");
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, bearer_fault());
    reset.fetches(&mut s, "bearer-2");
    let sent = reset.sends(&mut s, Purpose::Reset);
    assert_eq!(tokens(&sent), ("Bearer bearer-2", "session-2"));
    reset.receives(&mut s, new_password("Wh0a"));
    let new = reset.ends_with_password(&mut s);
    assert_eq!(new.password().expose(), "Wh0a");
}

#[test]
fn law_5_a_session_or_bearer_that_is_refused_twice_ends_a_reset_without_doubt() {
    for (stale, is_session) in [(session_expired(), true), (bearer_fault(), false)] {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        for round in 0..2 {
            reset.sends(&mut s, Purpose::Reset);
            reset.receives(&mut s, stale.clone());
            match (round, is_session) {
                (0, true) => reset.logs_in(&mut s, "session-2"),
                (0, false) => reset.fetches(&mut s, "bearer-2"),
                _ => {}
            }
        }
        let error = reset.fails(&mut s);
        assert_eq!(error.is_session_refused(), is_session);
        assert_eq!(error.is_bearer_refused(), !is_session);
        assert_eq!(s.session.login_guard().blocked, None);
    }
}

#[test]
fn two_resets_at_once_are_made_one_after_the_other() {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reset_password(), Actor::reset_password());
    first.sends(&mut s, Purpose::Reset);
    let wait = second.waits(&mut s);
    assert_eq!(
        wait.reason,
        WaitReason::Operation(OperationKind::PasswordReset)
    );
    first.receives(&mut s, new_password("Wh0a"));
    let new = first.ends_with_password(&mut s);
    s.confirms(&new);
    let sent = second.sends(&mut s, Purpose::Reset);
    assert_eq!(body(&sent), r#"{"oldPassword":"Wh0a"}"#);
    second.receives(&mut s, new_password("Wh0b"));
    let newer = second.ends_with_password(&mut s);
    assert_eq!(newer.password().expose(), "Wh0b");
    let older = s.watch(|session, _| session.confirm(&new));
    assert_not_awaited(older);
    s.confirms(&newer);
    assert_eq!(s.session.credentials().password().unwrap().expose(), "Wh0b");
}

#[test]
fn other_calls_keep_using_the_session_while_a_reset_is_in_progress() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    for _ in 0..10 {
        Actor::writes().works(&mut s);
    }
    Actor::log_in().ends(&mut s).unwrap();
}

#[test]
fn a_login_that_is_needed_while_a_reset_is_in_progress_waits_for_the_new_password() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    for call in [&mut call, &mut Actor::writes()] {
        let wait = call.waits(&mut s);
        assert_eq!(
            wait.reason,
            WaitReason::Operation(OperationKind::PasswordReset)
        );
    }
    reset.receives(&mut s, new_password("Wh0a"));
    let new = reset.ends_with_password(&mut s);
    s.confirms(&new);
    let login = call.sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn law_8_a_login_that_is_needed_after_a_reset_is_not_made_before_the_confirmation() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.waits(&mut s);
    reset.receives(&mut s, new_password("Wh0a"));
    // It waits as long as the lease lasts, and not for ever.
    let wait = call.waits(&mut s);
    let kind = OperationKind::PasswordReset;
    assert_eq!(wait.reason, WaitReason::Operation(kind));
    assert_eq!(wait.until, s.now + 35 * SECOND);
    s.events();
    s.pass_until(wait.until);
    let error = call.fails(&mut s);
    let reason = BlockReason::AwaitingConfirmation;
    assert_eq!(error.login_guard().unwrap().blocked, Some(reason.clone()));
    assert!(error.is_never_sent());
    assert_eq!(s.reported(), [event::logins_blocked(&reason)]);

    // The confirmation comes late, but it comes.
    let new = reset.ends_with_password(&mut s);
    s.confirms(&new);
    assert_eq!(
        s.reported(),
        [event::password_changed(), event::logins_unblocked()]
    );
    let login = Actor::reads().sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn law_8_a_login_that_is_needed_while_a_reset_is_in_progress_is_not_made_if_that_is_lost() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.waits(&mut s);
    reset.receives(&mut s, lost());
    assert!(call.fails(&mut s).is_blocked());
}

#[test]
fn law_10_a_lost_password_is_in_the_response_and_never_shown() {
    let lost = r#"{"newpassword":"hush","oldPassword":"hush"}"#;
    for received in [
        response(200, lost),
        response(200, "{\"newPassword\":\"hush"),
        response(500, r#"{"newPassword":"hush"}"#),
    ] {
        let expected = received.as_ref().unwrap().body().clone();
        let (_, error) = reset_with(received);
        assert_eq!(error.response().unwrap().body(), &expected);
        let mut shown = format!("{error} {error:?} {error:#?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            write!(shown, "{error} {error:?}").unwrap();
            cause = error.source();
        }
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[test]
fn a_late_response_to_a_reset_whose_lease_expired_still_brings_the_new_password() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, Purpose::Reset);
    s.pass_until(sent.deadline + MINUTE);
    Actor::reads().works(&mut s);
    assert_eq!(
        s.session.login_guard().blocked,
        Some(BlockReason::PasswordInDoubt)
    );

    reset.receives(&mut s, new_password("Wh0a"));
    assert_eq!(
        s.session.login_guard().blocked,
        Some(BlockReason::AwaitingConfirmation)
    );
    let new = reset.ends_with_password(&mut s);
    s.confirms(&new);
    assert_eq!(s.session.login_guard().blocked, None);
    assert_eq!(s.session.credentials().password().unwrap().expose(), "Wh0a");
}

#[test]
fn a_late_response_to_a_reset_brings_the_new_password_whatever_was_fetched_meanwhile() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, Purpose::Reset);
    s.pass_until(sent.deadline + MINUTE);
    let mut other = Actor::reads();
    other.sends(&mut s, Purpose::Work);
    other.receives(&mut s, bearer_fault());
    other.fetches(&mut s, "bearer-2");

    reset.receives(&mut s, new_password("Wh0a"));
    let new = reset.ends_with_password(&mut s);
    s.confirms(&new);
    assert_eq!(s.session.credentials().password().unwrap().expose(), "Wh0a");
    assert_eq!(s.session.login_guard().blocked, None);
}

/// Another user's session is another one, and its password stays as it was.
#[test]
fn law_8_another_user_is_refused_while_a_reset_is_in_progress_and_nothing_changes() {
    for received in [new_password("Wh0a"), lost()] {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, Purpose::Reset);
        let before = s.session.snapshot(s.now);
        let other = credentials_of("trillian", "towel");
        let refused = s.watch(|session, _| session.set_credentials(other));
        assert_eq!(refused, Err(OtherSession::User));
        assert!(s.session.snapshot(s.now) == before);

        reset.receives(&mut s, received);
        match reset.ends(&mut s) {
            Ok(completion) => {
                let new = completion.into_new_password().unwrap();
                assert_eq!(new.password().expose(), "Wh0a");
                assert_blocked(&mut s, &BlockReason::AwaitingConfirmation);
                let other = credentials_of("trillian", "towel");
                let refused = s.watch(|session, _| session.set_credentials(other));
                assert_eq!(refused, Err(OtherSession::User));
                assert_blocked(&mut s, &BlockReason::AwaitingConfirmation);
                s.confirms(&new);
            }
            Err(error) => {
                assert!(error.is_password_in_doubt(), "{error}");
                assert_in_doubt(&mut s);
            }
        }
        assert_eq!(s.session.credentials().username().unwrap(), "zbeeblebrox");
    }
}

/// The caller who comes back to the password of before, while a reset is in
/// progress, is in doubt as well.
#[test]
fn law_8_a_password_that_comes_back_to_a_reset_in_progress_is_in_doubt() {
    for (received, reason) in [
        (new_password("Wh0a"), BlockReason::AwaitingConfirmation),
        (lost(), BlockReason::PasswordInDoubt),
    ] {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, Purpose::Reset);
        s.is_given("towel");
        s.is_given("IMgr8");
        reset.receives(&mut s, received);
        assert_blocked(&mut s, &reason);
    }
}

#[test]
fn a_reset_that_is_in_progress_decides_on_the_password_whoever_gave_one_meanwhile() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    s.is_given("guess");
    reset.receives(&mut s, new_password("Wh0a"));
    assert_blocked(&mut s, &BlockReason::AwaitingConfirmation);
    let new = reset.ends_with_password(&mut s);
    s.confirms(&new);
    assert_eq!(s.session.credentials().password().unwrap().expose(), "Wh0a");
}

#[test]
fn a_reset_that_needs_a_login_is_not_made_while_logins_are_blocked() {
    let (mut s, _) = reset_with(lost());
    s.pass(20 * MINUTE);
    let error = Actor::reset_password().fails(&mut s);
    assert!(error.is_blocked() && error.is_never_sent());
}

/// It is not known if the platform counts it as a failed login.
#[test]
fn law_3_a_reset_whose_old_password_was_refused_is_not_made_again() {
    let (mut s, _) = reset_with(lost());
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, wrong_password());
    assert!(reset.fails(&mut s).is_wrong_credentials());

    let error = Actor::reset_password().fails(&mut s);
    assert!(error.is_wrong_credentials() && error.is_never_sent());
    // The session that is open goes on.
    Actor::writes().works(&mut s);
    s.unblocks();
    Actor::reset_password().sends(&mut s, Purpose::Reset);
}

#[test]
fn law_8_the_password_is_in_doubt_before_a_reset_leaves() {
    let mut s = Scenario::open();
    Actor::reset_password().sends(&mut s, Purpose::Reset);
    let mut restarted = s.clone();
    restarted.restart("IMgr8");
    for s in [&mut s, &mut restarted] {
        let guard = s.session.login_guard();
        assert_eq!(guard.blocked, Some(BlockReason::PasswordInDoubt));
        assert_eq!((guard.failed_logins, guard.attempts_left), (1, 0));
        assert_eq!(s.events(), [], "logins wait for it");
    }
}

/// Nobody knows whether the platform counts a wrong old password.
#[test]
fn law_2_no_number_of_resets_counts_more_than_four() {
    for received in [
        lost(),
        response(503, ""),
        response(200, "{}"),
        refused("REQUEST_FAILED.Unclear"),
        response(404, ""),
        throttled("1"),
    ] {
        let case = format!("{received:?}");
        let mut s = Scenario::open();
        let mut resets = 0;
        for _ in 0..10 {
            let mut reset = Actor::reset_password();
            let Step::Send(_) = reset.step(&mut s) else {
                continue;
            };
            resets += 1;
            reset.receives(&mut s, received.clone());
            reset.fails(&mut s);
        }
        assert!(resets <= 4, "{case}: {resets}");
        assert_eq!(s.session.login_guard().failed_logins, resets, "{case}");
        let error = Actor::reset_password().fails(&mut s);
        assert!(
            error.is_blocked() && error.is_never_sent(),
            "{case}: {error}"
        );
        s.restart("IMgr8");
        assert!(Actor::reset_password().fails(&mut s).is_blocked());
        Actor::reads().works(&mut s);
    }
}

#[test]
fn law_3_an_unblock_is_used_up_by_a_reset_as_by_a_login() {
    for (received, failed) in [(lost(), 2), (unclear(), 2), (not_sent(), 1)] {
        let case = format!("{received:?}");
        let (mut s, _) = reset_with(wrong_password());
        s.unblocks();
        s.unblocks();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, Purpose::Reset);
        reset.receives(&mut s, received);
        reset.fails(&mut s);
        assert_eq!(s.session.login_guard().failed_logins, failed, "{case}");
        let mut again = Actor::reset_password();
        if failed == 1 {
            // That one was not judged.
            again.sends(&mut s, Purpose::Reset);
        } else {
            assert!(again.fails(&mut s).is_blocked(), "{case}");
            s.pass(20 * MINUTE);
            assert!(Actor::log_in().fails(&mut s).is_blocked(), "{case}");
        }
    }
}

/// Whoever unblocks while a reset is in progress does not know what comes of it.
#[test]
fn law_8_an_unblock_before_the_end_of_a_reset_allows_no_login_after_it() {
    for (received, reason) in [
        (new_password("Wh0a"), BlockReason::AwaitingConfirmation),
        (lost(), BlockReason::PasswordInDoubt),
    ] {
        for is_before in [true, false] {
            let mut s = Scenario::open();
            let mut reset = Actor::reset_password();
            if is_before {
                s.unblocks();
            }
            reset.sends(&mut s, Purpose::Reset);
            if !is_before {
                s.unblocks();
            }
            reset.receives(&mut s, received.clone());
            s.pass(20 * MINUTE);
            let error = Actor::log_in().fails(&mut s);
            let blocked = error.login_guard().unwrap().blocked.clone();
            // It was the one that was allowed.
            let is_spent = is_before && reason == BlockReason::PasswordInDoubt;
            let expected = if is_spent {
                BlockReason::BudgetSpent
            } else {
                reason.clone()
            };
            assert_eq!(blocked, Some(expected));
            // By name again it is.
            s.unblocks();
            Actor::log_in().sends(&mut s, Purpose::LogIn);
        }
    }
}

#[test]
fn law_8_credentials_that_are_given_for_an_unconfirmed_password_are_used_at_once() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    reset.receives(&mut s, new_password("Wh0a"));
    call.waits(&mut s);
    s.is_given("Wh0a");
    let login = call.sends(&mut s, Purpose::LogIn);
    assert!(body(&login).contains("Wh0a"));
    call.receives(&mut s, session("session-2"));
    call.works(&mut s);
    // Its own call still has the password, however late it looks.
    s.pass(HOUR);
    let new = reset.ends_with_password(&mut s);
    assert_eq!(new.password().expose(), "Wh0a");
}

#[test]
fn a_late_new_password_after_other_credentials_were_given_is_the_callers_alone() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    s.pass(MINUTE);
    s.watch(Session::expire);
    s.is_given("another");
    s.events();
    reset.receives(&mut s, new_password("Wh0a"));
    assert_eq!(
        (s.session.login_guard().blocked, s.events()),
        (None, vec![])
    );
    let new = reset.ends_with_password(&mut s);
    assert_eq!(new.password().expose(), "Wh0a");
    let late = s.watch(|session, _| session.confirm(&new));
    assert_not_awaited(late);
    assert_eq!(s.session.credentials(), &credentials("another"));
}

#[test]
fn law_8_a_refusal_that_ends_a_doubt_does_not_outlive_a_new_password() {
    let mut s = Scenario::open();
    let reset = Actor::reset_password().begins(&mut s, Purpose::Reset);
    s.receives(reset, unclear());
    assert_eq!(s.session.login_guard().blocked, None);
    s.receives(reset, new_password("Wh0a"));
    let reason = BlockReason::AwaitingConfirmation;
    assert_eq!(s.session.login_guard().blocked, Some(reason));
    let new = s.session.new_password().cloned().unwrap();
    s.confirms(&new);
    assert_eq!(s.session.credentials(), &credentials("Wh0a"));
}

#[test]
fn law_3_a_reset_that_is_refused_with_the_status_of_a_success_blocks_and_leaves_no_doubt() {
    let body = r#"{"errorCode":"S.INPUT_INVALID.OldPassword.Incorrect"}"#;
    let (mut s, error) = reset_with(response(200, body));
    assert!(!error.is_password_in_doubt() && !error.is_outcome_unknown());
    assert!(error.is_wrong_credentials());
    assert_eq!(error.response().unwrap().body(), body);
    let error = Actor::reset_password().fails(&mut s);
    assert!(
        error.is_wrong_credentials() && error.is_never_sent(),
        "{error}"
    );
    let because = error.because().unwrap();
    assert_eq!(because.operation(), Some(OperationKind::PasswordReset));
    assert_eq!(because.status().unwrap().as_u16(), 200);
    assert!(
        because
            .code()
            .unwrap()
            .is("INPUT_INVALID.OldPassword.Incorrect")
    );
}

#[test]
fn law_3_a_password_with_characters_that_are_not_taken_is_not_reset_again() {
    let code = "INPUT_INVALID.Request.InvalidCharacter";
    let (mut s, error) = reset_with(refused(code));
    assert!(!error.is_password_in_doubt() && !error.is_outcome_unknown());
    assert!(error.code().unwrap().is(code));
    let blocked = s.session.login_guard().blocked;
    assert!(
        matches!(blocked, Some(BlockReason::CantBeSent { .. })),
        "{blocked:?}"
    );
    assert!(Actor::reset_password().fails(&mut s).is_blocked());
    Actor::reads().works(&mut s);
}

#[test]
fn law_5_a_stale_session_or_bearer_is_not_held_against_the_old_password() {
    for stale in [session_expired(), bearer_fault()] {
        let mut s = Scenario::open();
        let reset = Actor::reset_password().begins(&mut s, Purpose::Reset);
        s.receives(reset, stale);
        let guard = s.session.login_guard();
        assert_eq!((guard.failed_logins, guard.attempts_left), (0, 2));
        assert_eq!((guard.next_login, guard.blocked), (None, None));
    }
}

#[test]
fn the_password_of_before_is_known_to_be_outdated() {
    let (mut s, new) = unconfirmed();
    s.confirms(&new);
    s.events();
    s.is_given("IMgr8");
    let reason = BlockReason::PasswordOutdated;
    assert_eq!(s.session.login_guard().blocked.as_ref(), Some(&reason));
    assert_eq!(s.reported(), [event::logins_blocked(&reason)]);
    s.is_given("Wh0a");
    assert_eq!(s.reported(), [event::logins_unblocked()]);
    s.pass(20 * MINUTE);
    Actor::log_in().sends(&mut s, Purpose::LogIn);
}
