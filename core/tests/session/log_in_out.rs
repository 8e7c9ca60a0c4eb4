//! Opening and ending a session by name.

use std::time::Duration;

use thingspace_core::{
    ErrorKind,
    session::{Call, Event, OperationKind, WaitReason},
};

use crate::scenario::*;

#[test]
fn opening_a_session_that_is_open_sends_nothing() {
    let mut s = Scenario::open();
    let before = s.session.version();
    let token = Actor::log_in().ends_logged_in(&mut s);
    assert_eq!(token.expose(), "session-1");
    assert_eq!(s.session.version(), before);
}

#[test]
fn opening_a_session_gives_its_token() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    assert_eq!(call.ends_logged_in(&mut s).expose(), "session-1");
    assert_eq!(s.session.opened_at(), Some(s.now));
}

#[test]
fn tokens_for_somebody_else_are_those_of_a_request_and_nothing_is_sent_that_is_not_needed() {
    let mut s = Scenario::new();
    let mut call = Actor::new(Call::acquire_tokens());
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    let tokens = |call: &mut Actor, s: &mut Scenario| {
        let (bearer, session) = call.ends(s).unwrap().into_tokens().unwrap();
        (bearer.expose().to_owned(), session.expose().to_owned())
    };
    let first = ("bearer-1".to_owned(), "session-1".to_owned());
    assert_eq!(tokens(&mut call, &mut s), first);
    let mut again = Actor::new(Call::acquire_tokens());
    assert_eq!(tokens(&mut again, &mut s), first);

    // The session is in use, and the bearer token about to end.
    for _ in 0..6 {
        s.pass(Duration::from_secs(9 * 60));
        Actor::reads().works(&mut s);
    }
    s.pass(Duration::from_secs(6 * 60));
    let mut later = Actor::new(Call::acquire_tokens());
    later.fetches(&mut s, "bearer-2");
    let second = ("bearer-2".to_owned(), "session-1".to_owned());
    assert_eq!(tokens(&mut later, &mut s), second);
}

#[test]
fn law_1_an_explicit_login_shares_the_operation_with_others() {
    let mut s = Scenario::new();
    let (mut named, mut other) = (Actor::log_in(), Actor::reads());
    other.sends(&mut s, Purpose::TokenFetch);
    named.waits(&mut s);
    other.receives(&mut s, bearer("bearer-1"));
    named.sends(&mut s, Purpose::LogIn);
    let wait = other.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Operation(OperationKind::LogIn));
    named.receives(&mut s, session("session-1"));
    other.works(&mut s);
    assert_eq!(named.ends_logged_in(&mut s).expose(), "session-1");
    // A second one has it as well.
    assert_eq!(Actor::log_in().ends_logged_in(&mut s).expose(), "session-1");
}

#[test]
fn an_explicit_login_ends_with_the_error_of_the_login_itself() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, unclear());
    let error = call.fails(&mut s);
    assert_eq!(
        error.to_string(),
        "the login was refused (400 UnifiedWebService.REQUEST_FAILED.Unclear), perhaps for its credentials: 1 of the logins that may fail are left; check the credentials before the next (1 failed since the last success; the platform locks the user name at 5)"
    );
    assert!(!error.is_never_sent());

    // For another call it is a reason not to be sent.
    s.pass(LOGIN_INTERVAL);
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-2");
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, unclear());
    let error = call.fails(&mut s);
    assert!(error.is_never_sent());
    assert!(
        error
            .to_string()
            .starts_with("the call was not sent, because the login failed: the login was refused"),
        "{error}"
    );
}

#[test]
fn a_completion_is_of_the_kind_of_its_call_and_of_no_other() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, new_password("Wh0a"));
    let mut read = Actor::reads();
    read.sends(&mut s, Purpose::Work);
    read.receives(&mut s, done());
    let calls = [reset, read, Actor::log_in()];
    for (number, mut call) in calls.into_iter().enumerate() {
        let completion = call.ends(&mut s).unwrap();
        let is = [
            completion.clone().into_new_password().is_ok(),
            completion.clone().into_response().is_ok(),
            completion.clone().into_logged_in().is_ok(),
            completion.into_logged_out().is_ok(),
        ];
        let only = [0, 1, 2, 3].map(|kind| kind == number);
        assert_eq!(is, only);
    }
    let new = s.session.new_password().cloned().unwrap();
    s.confirms(&new);
    let mut out = Actor::log_out();
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, session("session-1"));
    let completion = out.ends(&mut s).unwrap();
    assert!(completion.clone().into_synced().is_err());
    let error = completion.clone().into_response().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::CallFinished), "{error}");
    assert!(completion.into_logged_out().unwrap().is_some());
}

#[test]
fn ending_a_session_where_none_is_open_sends_nothing() {
    let mut s = Scenario::new();
    assert_eq!(Actor::log_out().ends_logged_out(&mut s), None);
    assert_eq!((s.session.version(), s.events()), (0, vec![]));
}

#[test]
fn ending_a_session_that_was_idle_for_too_long_sends_nothing() {
    let mut s = Scenario::open();
    s.pass(19 * MINUTE);
    assert_eq!(Actor::log_out().ends_logged_out(&mut s), None);
    assert_eq!(s.events(), [Event::SessionIdle]);
}

#[test]
fn ending_a_session_gives_its_token_and_ends_it() {
    for body in [r#"{"sessionToken":"session-1"}"#, "", "{}"] {
        let mut s = Scenario::open();
        let mut out = Actor::log_out();
        let sent = out.sends(&mut s, Purpose::LogOut);
        assert_eq!(tokens(&sent), ("Bearer bearer-1", "session-1"));
        assert_eq!(s.session.operation(), Some(OperationKind::LogOut));
        out.receives(&mut s, response(200, body));
        let ended = out.ends_logged_out(&mut s);
        assert_eq!(ended.unwrap().expose(), "session-1", "{body:?}");
        assert_eq!(s.events(), [Event::LoggedOut]);
        assert!(s.session.session_token().is_none());
        // The bearer token is the application's and stays.
        let mut call = Actor::reads();
        call.logs_in(&mut s, "session-2");
        call.works(&mut s);
    }
}

#[test]
fn calls_that_come_while_a_session_is_being_ended_wait_and_log_in_anew() {
    let mut s = Scenario::open();
    let mut out = Actor::log_out();
    out.sends(&mut s, Purpose::LogOut);
    let (mut first, mut second) = (Actor::reads(), Actor::log_in());
    for wait in [first.waits(&mut s), second.waits(&mut s)] {
        assert_eq!(wait.reason, WaitReason::Operation(OperationKind::LogOut));
    }
    out.receives(&mut s, session("session-1"));
    first.logs_in(&mut s, "session-2");
    first.works(&mut s);
    assert_eq!(second.ends_logged_in(&mut s).expose(), "session-2");
    assert_eq!(out.ends_logged_out(&mut s).unwrap().expose(), "session-1");
}

#[test]
fn two_that_end_the_session_at_once_send_one_logout() {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::log_out(), Actor::log_out());
    first.sends(&mut s, Purpose::LogOut);
    second.waits(&mut s);
    first.receives(&mut s, session("session-1"));
    assert_eq!(second.ends_logged_out(&mut s), None);
}

#[test]
fn a_logout_waits_for_a_reset_that_is_in_progress_or_not_confirmed() {
    for is_confirmed in [true, false] {
        let mut s = Scenario::open();
        let (mut reset, mut out) = (Actor::reset_password(), Actor::log_out());
        let lease = reset.sends(&mut s, Purpose::Reset).deadline + 5 * SECOND;
        out.waits(&mut s);
        reset.receives(&mut s, new_password("Wh0a"));
        let new = reset.ends_with_password(&mut s);
        let wait = out.waits(&mut s);
        let kind = OperationKind::PasswordReset;
        assert_eq!(
            (wait.reason, wait.until),
            (WaitReason::Operation(kind), lease)
        );
        if is_confirmed {
            s.confirms(&new);
        } else {
            s.pass_until(lease);
        }
        out.sends(&mut s, Purpose::LogOut);
    }
}

#[test]
fn a_session_that_turns_out_to_have_ended_is_ended() {
    let mut s = Scenario::open();
    let mut out = Actor::log_out();
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, session_expired());
    assert_eq!(out.ends_logged_out(&mut s), None);
    assert!(s.session.session_token().is_none());
}

#[test]
fn a_stale_bearer_costs_a_logout_one_replay() {
    let mut s = Scenario::open();
    let mut out = Actor::log_out();
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, bearer_fault());
    out.fetches(&mut s, "bearer-2");
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, session("session-1"));
    assert!(out.ends_logged_out(&mut s).is_some());
}

#[test]
fn law_6_a_lost_logout_is_retried_since_twice_is_the_same_as_once() {
    let mut s = Scenario::open();
    let mut out = Actor::log_out();
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, lost());
    let wait = out.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Backoff);
    s.pass_until(wait.until);
    out.sends(&mut s, Purpose::LogOut);
    // The first one had arrived.
    out.receives(&mut s, refused("INPUT_INVALID.SessionToken.Invalid"));
    assert_eq!(out.ends_logged_out(&mut s), None);
}

#[test]
fn a_logout_that_stays_lost_says_so_and_the_next_use_shows_what_became_of_the_session() {
    let mut s = Scenario::open();
    let mut out = Actor::log_out();
    for _ in 0..2 {
        out.sends(&mut s, Purpose::LogOut);
        out.receives(&mut s, lost());
        let wait = out.waits(&mut s);
        s.pass_until(wait.until);
    }
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, lost());
    assert!(out.fails(&mut s).is_outcome_unknown());

    let mut call = Actor::writes();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
}

#[test]
fn law_12_calls_do_not_wait_for_ever_for_a_logout_that_nothing_is_heard_of() {
    let mut s = Scenario::open();
    Actor::log_out().sends(&mut s, Purpose::LogOut);
    let mut call = Actor::reads();
    let wait = call.waits(&mut s);
    s.pass_until(wait.until);
    call.works(&mut s);

    let logout = Actor::log_out().begins(&mut s, Purpose::LogOut);
    s.abandons(logout);
    Actor::reads().works(&mut s);
}

#[test]
fn law_7_a_late_confirmation_of_a_logout_does_not_end_a_newer_session() {
    for body in [r#"{"sessionToken":"session-1"}"#, ""] {
        let mut s = Scenario::open();
        let mut out = Actor::log_out();
        out.sends(&mut s, Purpose::LogOut);
        let mut call = Actor::reads();
        let wait = call.waits(&mut s);
        s.pass_until(wait.until);
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, session_expired());
        call.logs_in(&mut s, "session-2");

        out.receives(&mut s, response(200, body));
        let ended = out.ends_logged_out(&mut s);
        assert!(
            ended.is_none_or(|ended| ended.expose() == "session-1"),
            "that one goes on"
        );
        let work = call.sends(&mut s, Purpose::Work);
        assert_eq!(tokens(&work).1, "session-2");
    }
}

#[test]
fn a_session_can_be_ended_while_logins_are_blocked() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, lost());
    reset.fails(&mut s);
    let mut out = Actor::log_out();
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, session("session-1"));
    assert!(out.ends_logged_out(&mut s).is_some());
    assert_eq!(Actor::log_out().ends_logged_out(&mut s), None);
    assert!(Actor::log_in().fails(&mut s).is_blocked());
}
