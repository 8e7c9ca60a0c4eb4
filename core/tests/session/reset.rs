//! The password reset: its answer is the only copy of the new password.

use std::fmt::Write;

use thingspace_core::{
    Error,
    session::{Event, FlightKind, GateReason, WaitReason},
};

use crate::scenario::*;

/// Everything that leaves the password in doubt.
fn doubts() -> [Heard; 9] {
    [
        lost(),
        answer(500, ""),
        answer(503, "<html>"),
        answer(408, ""),
        answer(302, ""),
        answer(200, ""),
        answer(200, "{}"),
        answer(200, r#"{"newPassword":""}"#),
        answer(200, r#"{"newpassword":"lost"}"#),
    ]
}

/// The password in a body, and the name of its field.
fn body(transmit: &thingspace_core::session::Transmit) -> &str {
    std::str::from_utf8(transmit.request.body()).unwrap()
}

/// An open session whose password is in doubt, and what the reset ended with.
fn in_doubt(heard: Heard) -> (Scenario, Error) {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    reset.hears(&mut s, heard);
    let error = reset.fails(&mut s);
    (s, error)
}

/// The password is in doubt: the open session goes on, and no login is spent.
#[track_caller]
fn assert_in_doubt(s: &mut Scenario) {
    assert_eq!(
        s.session.gate().closed,
        Some(GateReason::PasswordUnknown),
        "the gate"
    );
    Actor::reads().works(s);
    Actor::log_in().ends(s).unwrap();

    let mut later = s.clone();
    later.pass(20 * MINUTE);
    let error = Actor::writes().fails(&mut later);
    assert!(error.is_gate_closed() && error.is_never_sent(), "{error}");
    assert_eq!(
        error.gate().unwrap().closed,
        Some(GateReason::PasswordUnknown)
    );
    assert_eq!(later.session.gate().failed_logins, 0);
}

#[test]
fn a_reset_gives_the_new_password_and_the_session_goes_on_with_it() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, What::Reset);
    assert_eq!(body(&sent), r#"{"oldPassword":"IMgr8"}"#);
    assert_eq!(tokens(&sent), ("Bearer bearer-1", "session-1"));
    assert_eq!(s.session.flight(), Some(FlightKind::PasswordReset));

    let before = s.session.version();
    reset.hears(&mut s, new_password("Wh0a"));
    assert!(s.session.version() > before, "nobody would save it");
    assert_eq!(reset.ends(&mut s).unwrap().expose(), "Wh0a");
    assert_eq!(s.session.credentials().user.password().expose(), "Wh0a");
    assert_eq!(s.session.credentials().user.username(), "zbeeblebrox");
    assert_eq!(s.events(), [Event::PasswordChanged]);

    Actor::reads().works(&mut s);
    s.pass(20 * MINUTE);
    let login = Actor::log_in().sends(&mut s, What::LogIn);
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
    reset.sends(&mut s, What::Reset);
    reset.hears(&mut s, new_password("Wh0a"));
    reset.ends(&mut s).unwrap();
}

#[test]
fn law_6_a_reset_is_sent_once_whatever_becomes_of_it() {
    for heard in doubts().into_iter().chain([
        not_sent(),
        throttled("1"),
        refused("REQUEST_FAILED.Unclear"),
        answer(404, ""),
    ]) {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, What::Reset);
        reset.hears(&mut s, heard);
        // Done, not waiting and not sending.
        reset.fails(&mut s);
    }
}

#[test]
fn law_8_after_a_reset_of_unknown_fate_no_login_is_spent() {
    for heard in doubts() {
        let told = format!("{heard:?}");
        let (mut s, error) = in_doubt(heard);
        assert!(matches!(error, Error::PasswordUnknown(_)), "{told}");
        assert!(error.is_fate_unknown(), "{told}");
        assert_eq!(
            s.events(),
            [Event::GateClosed {
                reason: GateReason::PasswordUnknown
            }],
            "{told}"
        );
        assert_in_doubt(&mut s);
        assert_eq!(
            error.to_string(),
            "the password may have been reset and its answer is lost; no login is made until other credentials are given or the login guard is re-armed"
        );
    }
}

#[test]
fn law_8_a_reset_that_is_abandoned_leaves_the_password_in_doubt() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    reset.abandons(&mut s);
    assert_in_doubt(&mut s);
    assert_eq!(reset.fails(&mut s).to_string(), Error::Over.to_string());
}

#[test]
fn law_8_a_reset_whose_carrier_is_never_heard_of_again_leaves_the_password_in_doubt() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, What::Reset);
    drop(reset);
    s.pass_until(sent.deadline + MINUTE);
    Actor::reads().works(&mut s);
    assert_eq!(
        s.events(),
        [
            Event::FlightLapsed {
                kind: FlightKind::PasswordReset
            },
            Event::GateClosed {
                reason: GateReason::PasswordUnknown
            }
        ]
    );
    assert_in_doubt(&mut s);
}

#[test]
fn law_8_a_reset_that_nothing_is_heard_of_says_so_itself() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    let lapse = reset.waits(&mut s).until;
    s.pass_until(lapse);
    let error = reset.fails(&mut s);
    assert!(matches!(error, Error::PasswordUnknown(_)), "{error}");
    assert_in_doubt(&mut s);
}

#[test]
fn law_8_a_process_that_is_killed_during_a_reset_knows_of_it_when_it_is_back() {
    for late in [MINUTE, 24 * HOUR] {
        let mut s = Scenario::open_with(settings(|s| s.idle_timeout = 48 * HOUR));
        Actor::reset_password().sends(&mut s, What::Reset);
        s.restart("IMgr8");
        s.pass(late);
        let mut call = Actor::reads();
        if s.session.bearer_renewal().unwrap() <= s.now {
            call.fetches(&mut s, "bearer-2");
        }
        call.works(&mut s);
        assert_eq!(s.session.gate().closed, Some(GateReason::PasswordUnknown));
        s.restart("IMgr8");
        s.pass(48 * HOUR);
        let error = Actor::reads().fails(&mut s);
        assert!(error.is_gate_closed() && error.is_never_sent(), "{error}");
    }
}

#[test]
fn law_8_a_process_that_is_back_while_a_reset_may_be_under_way_makes_no_login() {
    let mut s = Scenario::open();
    s.almost_pass(19 * MINUTE);
    Actor::reset_password().sends(&mut s, What::Reset);
    s.restart("IMgr8");
    s.pass(SECOND);
    let mut call = Actor::reads();
    let wait = call.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Flight(FlightKind::PasswordReset));
    s.pass_until(wait.until);
    assert!(call.fails(&mut s).is_gate_closed());
}

#[test]
fn law_8_the_right_password_opens_the_gate_again() {
    let (mut s, _) = in_doubt(lost());
    s.pass(20 * MINUTE);
    Actor::reads().fails(&mut s);
    s.events();
    s.watch(|session, _| session.set_credentials(credentials("Wh0a")));
    assert_eq!(s.events(), [Event::GateOpened]);
    let login = Actor::log_in().sends(&mut s, What::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn law_8_re_arming_tries_the_old_password() {
    let (mut s, _) = in_doubt(lost());
    s.pass(20 * MINUTE);
    // The same credentials are no decision.
    s.watch(|session, _| session.set_credentials(credentials("IMgr8")));
    Actor::reads().fails(&mut s);
    s.watch(|session, _| session.rearm());
    let login = Actor::log_in().sends(&mut s, What::LogIn);
    assert!(body(&login).contains("IMgr8"));
}

#[test]
fn law_8_another_reset_may_clear_up_the_doubt() {
    let (mut s, _) = in_doubt(lost());
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    reset.hears(&mut s, new_password("Wh0a"));
    assert_eq!(reset.ends(&mut s).unwrap().expose(), "Wh0a");
    assert_eq!(s.session.gate().closed, None);
    s.pass(20 * MINUTE);
    let login = Actor::log_in().sends(&mut s, What::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn a_refusal_that_names_the_old_password_closes_the_gate() {
    for code in [
        "INPUT_INVALID.OldPassword.Incorrect",
        "REQUEST_FAILED.User.Locked",
    ] {
        let (mut s, error) = in_doubt(refused(code));
        assert!(error.is_wrong_credentials() && !error.is_fate_unknown());
        assert!(error.code().unwrap().is(code));
        assert!(matches!(
            s.session.gate().closed,
            Some(GateReason::WrongCredentials { .. })
        ));
        Actor::reads().works(&mut s);
        s.pass(20 * MINUTE);
        assert!(Actor::reads().fails(&mut s).is_wrong_credentials());
    }
}

#[test]
fn a_refusal_for_another_reason_leaves_the_password_as_it_was() {
    for heard in [
        refused("INPUT_INVALID.Request.InvalidCharacter"),
        answer(403, r#"{"fault":{"code":900908}}"#),
        answer(404, ""),
        throttled("1"),
        throttled("3600"),
        not_sent(),
    ] {
        let told = format!("{heard:?}");
        let (mut s, error) = in_doubt(heard);
        assert!(!error.is_fate_unknown(), "{told}");
        assert_eq!(s.session.gate().closed, None, "{told}");
        assert_eq!(s.events(), [], "{told}");
        s.pass(20 * MINUTE);
        let login = Actor::log_in().sends(&mut s, What::LogIn);
        assert!(body(&login).contains("IMgr8"), "{told}");
    }
}

#[test]
fn a_reset_that_was_throttled_or_not_sent_says_so() {
    let (s, error) = in_doubt(throttled("20"));
    assert!(error.is_throttled());
    assert_eq!(error.retry_at(), Some(s.now + 20 * SECOND));
    let (_, error) = in_doubt(not_sent());
    assert!(error.is_never_sent());
}

#[test]
fn law_5_a_stale_session_or_bearer_costs_a_reset_one_replay_each() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    reset.hears(&mut s, session_expired());
    reset.logs_in(&mut s, "session-2");
    reset.sends(&mut s, What::Reset);
    reset.hears(&mut s, bearer_fault());
    reset.fetches(&mut s, "bearer-2");
    let sent = reset.sends(&mut s, What::Reset);
    assert_eq!(tokens(&sent), ("Bearer bearer-2", "session-2"));
    reset.hears(&mut s, new_password("Wh0a"));
    assert_eq!(reset.ends(&mut s).unwrap().expose(), "Wh0a");
}

#[test]
fn law_5_a_session_or_bearer_that_is_refused_twice_ends_a_reset_without_doubt() {
    for (stale, is_session) in [(session_expired(), true), (bearer_fault(), false)] {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        for round in 0..2 {
            reset.sends(&mut s, What::Reset);
            reset.hears(&mut s, stale.clone());
            match (round, is_session) {
                (0, true) => reset.logs_in(&mut s, "session-2"),
                (0, false) => reset.fetches(&mut s, "bearer-2"),
                _ => {}
            }
        }
        let error = reset.fails(&mut s);
        assert_eq!(error.is_session_refused(), is_session);
        assert_eq!(error.is_bearer_refused(), !is_session);
        assert_eq!(s.session.gate().closed, None);
    }
}

#[test]
fn two_resets_at_once_are_made_one_after_the_other() {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reset_password(), Actor::reset_password());
    first.sends(&mut s, What::Reset);
    let wait = second.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Flight(FlightKind::PasswordReset));
    first.hears(&mut s, new_password("Wh0a"));
    let sent = second.sends(&mut s, What::Reset);
    assert_eq!(body(&sent), r#"{"oldPassword":"Wh0a"}"#);
    second.hears(&mut s, new_password("Wh0b"));
    assert_eq!(first.ends(&mut s).unwrap().expose(), "Wh0a");
    assert_eq!(second.ends(&mut s).unwrap().expose(), "Wh0b");
    assert_eq!(s.session.credentials().user.password().expose(), "Wh0b");
}

#[test]
fn other_calls_keep_using_the_session_while_a_reset_is_under_way() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    for _ in 0..10 {
        Actor::writes().works(&mut s);
    }
    Actor::log_in().ends(&mut s).unwrap();
}

#[test]
fn a_login_that_is_needed_while_a_reset_is_under_way_waits_for_the_new_password() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.hears(&mut s, session_expired());
    for call in [&mut call, &mut Actor::writes()] {
        let wait = call.waits(&mut s);
        assert_eq!(wait.reason, WaitReason::Flight(FlightKind::PasswordReset));
    }
    reset.hears(&mut s, new_password("Wh0a"));
    let login = call.sends(&mut s, What::LogIn);
    assert!(body(&login).contains("Wh0a"));
}

#[test]
fn a_login_that_is_needed_while_a_reset_is_under_way_is_not_made_if_that_is_lost() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.hears(&mut s, session_expired());
    call.waits(&mut s);
    reset.hears(&mut s, lost());
    assert!(call.fails(&mut s).is_gate_closed());
}

#[test]
fn law_10_a_lost_password_is_kept_in_the_answer_and_never_shown() {
    let lost = r#"{"newpassword":"hush","oldPassword":"hush"}"#;
    for heard in [
        answer(200, lost),
        answer(200, "{\"newPassword\":\"hush"),
        answer(500, r#"{"newPassword":"hush"}"#),
    ] {
        let expected = heard.as_ref().unwrap().body().clone();
        let (_, error) = in_doubt(heard);
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
fn a_late_answer_to_a_reset_that_was_given_up_still_brings_the_new_password() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, What::Reset);
    s.pass_until(sent.deadline + MINUTE);
    Actor::reads().works(&mut s);
    assert_eq!(s.session.gate().closed, Some(GateReason::PasswordUnknown));

    reset.hears(&mut s, new_password("Wh0a"));
    assert_eq!(reset.ends(&mut s).unwrap().expose(), "Wh0a");
    assert_eq!(s.session.gate().closed, None);
    assert_eq!(s.session.credentials().user.password().expose(), "Wh0a");
}

#[test]
fn a_late_answer_to_a_reset_brings_the_new_password_whatever_was_fetched_meanwhile() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, What::Reset);
    s.pass_until(sent.deadline + MINUTE);
    let mut other = Actor::reads();
    other.sends(&mut s, What::Work);
    other.hears(&mut s, bearer_fault());
    other.fetches(&mut s, "bearer-2");

    reset.hears(&mut s, new_password("Wh0a"));
    assert_eq!(reset.ends(&mut s).unwrap().expose(), "Wh0a");
    assert_eq!(s.session.credentials().user.password().expose(), "Wh0a");
    assert_eq!(s.session.gate().closed, None);
}

#[test]
fn a_reset_of_an_earlier_user_does_not_touch_the_one_of_now() {
    for heard in [new_password("Wh0a"), lost()] {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, What::Reset);
        let other = thingspace_core::Credentials::new(
            thingspace_core::AppCredentials::new("key", "secret").unwrap(),
            thingspace_core::UserCredentials::new("trillian", "towel").unwrap(),
        );
        s.watch(|session, _| session.set_credentials(other));
        reset.hears(&mut s, heard.clone());
        match reset.ends(&mut s) {
            Ok(password) => assert_eq!(password.expose(), "Wh0a"),
            Err(error) => assert!(matches!(error, Error::PasswordUnknown(_))),
        }
        assert_eq!(s.session.gate().closed, None, "{heard:?}");
        let login = Actor::log_in().sends(&mut s, What::LogIn);
        assert_eq!(
            body(&login),
            r#"{"username":"trillian","password":"towel"}"#
        );
    }
}

/// What the reset brings is told to its caller alone.
#[test]
fn law_8_a_user_who_comes_back_to_a_reset_that_was_under_way_is_in_doubt() {
    for heard in [new_password("Wh0a"), lost()] {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, What::Reset);
        let first = s.session.credentials().clone();
        let mut second = first.clone();
        second.user = thingspace_core::UserCredentials::new("trillian", "towel").unwrap();
        s.session.set_credentials(second);
        s.session.set_credentials(first);
        reset.hears(&mut s, heard);
        let in_doubt = Some(GateReason::PasswordUnknown);
        assert_eq!(s.session.gate().closed, in_doubt);
        assert!(Actor::log_in().fails(&mut s).is_never_sent());
    }
}

#[test]
fn a_reset_that_is_under_way_decides_on_the_password_whoever_gave_one_meanwhile() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    s.watch(|session, _| session.set_credentials(credentials("guess")));
    reset.hears(&mut s, new_password("Wh0a"));
    reset.ends(&mut s).unwrap();
    assert_eq!(s.session.credentials().user.password().expose(), "Wh0a");
}

#[test]
fn a_reset_is_not_made_behind_a_closed_gate_when_it_needs_a_login() {
    let (mut s, _) = in_doubt(lost());
    s.pass(20 * MINUTE);
    let error = Actor::reset_password().fails(&mut s);
    assert!(error.is_gate_closed() && error.is_never_sent());
}

#[test]
fn a_lost_reset_of_another_users_password_leaves_this_ones_alone() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    let mut other = s.session.credentials().clone();
    other.user = thingspace_core::UserCredentials::new("trillian", "Tricia").unwrap();
    s.session.set_credentials(other);
    reset.abandons(&mut s);
    assert_eq!(s.session.gate().closed, None);
}

/// Whether the platform counts it as a failed login is not known.
#[test]
fn law_3_a_reset_whose_old_password_was_refused_is_not_made_again() {
    let (mut s, _) = in_doubt(lost());
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, What::Reset);
    reset.hears(&mut s, wrong_password());
    assert!(reset.fails(&mut s).is_wrong_credentials());

    let error = Actor::reset_password().fails(&mut s);
    assert!(error.is_wrong_credentials() && error.is_never_sent());
    // The session that is open goes on.
    Actor::writes().works(&mut s);
    s.session.rearm();
    Actor::reset_password().sends(&mut s, What::Reset);
}
