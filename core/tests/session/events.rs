//! The events of a session.

use thingspace_core::{
    Call,
    session::{BlockReason, Event, MAX_EVENTS, OperationKind},
};

use crate::scenario::*;

/// A call that finds its session refused and logs in anew.
fn relogs_in(s: &mut Scenario) {
    let mut call = Actor::reads();
    call.sends(s, Purpose::Work);
    call.receives(s, session_expired());
    call.logs_in(s, "another");
    call.works(s);
}

#[test]
fn a_day_in_the_life_of_a_session_is_reported_in_order() {
    let mut s = Scenario::new();
    let morning = s.now;
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    call.works(&mut s);
    relogs_in(&mut s);

    s.pass(20 * MINUTE);
    let mut call = Actor::reads();
    call.logs_in(&mut s, "session-3");
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, bearer_fault());
    call.fetches(&mut s, "bearer-2");
    let noon = s.now;
    call.works(&mut s);

    Actor::reset_password().resets_to(&mut s, "Wh0a");
    let mut out = Actor::log_out();
    out.sends(&mut s, Purpose::LogOut);
    out.receives(&mut s, session("session-3"));

    assert_eq!(
        s.reported(),
        [
            event::bearer_fetched(morning + 59 * MINUTE),
            event::logged_in(),
            event::session_refused(),
            event::replayed(),
            event::logged_in(),
            event::session_idle(),
            event::logged_in(),
            event::bearer_refused(),
            event::replayed(),
            event::bearer_fetched(noon + 59 * MINUTE),
            event::password_reset(),
            event::password_changed(),
            event::logged_out(),
        ]
    );
}

#[test]
fn a_bad_day_in_the_life_of_a_session_is_reported_in_order() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, response(503, ""));
    let until = call.waits(&mut s).until;
    assert_eq!(s.reported(), [event::backing_off(until)]);
    assert_eq!(s.session.delayed_until(s.now), Some(until));

    s.pass_until(until);
    assert_eq!(s.session.delayed_until(s.now), None);
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer_for("bearer-1", 24 * 3600));
    call.sends(&mut s, Purpose::LogIn);
    s.events();
    call.receives(&mut s, unclear());
    let next = s.now + LOGIN_INTERVAL;
    s.pass(LOGIN_INTERVAL);
    let renew_at = s.now + 24 * HOUR.saturating_sub(MINUTE / 24);
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer_for("bearer-2", 24 * 3600));
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, wrong_password());
    assert_eq!(
        s.reported(),
        [
            event::login_refused("REQUEST_FAILED.Unclear", 1),
            event::backing_off(next),
            event::bearer_fetched(renew_at),
            event::login_refused("INPUT_INVALID.Password.Incorrect", 0),
            event::logins_blocked_by_refusal("INPUT_INVALID.Password.Incorrect"),
        ]
    );

    s.is_given("right");
    let mut call = Actor::log_in();
    let sent = call.sends(&mut s, Purpose::LogIn);
    drop(call);
    let lease = sent.deadline + 5 * SECOND;
    s.pass_until(lease + LOGIN_INTERVAL);
    let mut call = Actor::log_in();
    call.logs_in(&mut s, "session-1");
    relogs_in(&mut s);
    relogs_in(&mut s);
    assert_eq!(
        s.reported(),
        [
            event::logins_unblocked(),
            event::lease_expired(OperationKind::LogIn),
            event::login_lost(1),
            event::backing_off(lease + LOGIN_INTERVAL),
            event::logged_in(),
            event::session_refused(),
            event::replayed(),
            event::logged_in(),
            event::session_refused(),
            event::replayed(),
            event::logged_in(),
        ]
    );
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    let until = s.now + MINUTE;
    assert_eq!(
        s.reported(),
        [
            event::session_refused(),
            event::cooling_down(until),
            event::replayed()
        ]
    );
}

#[test]
fn a_retry_is_reported_when_its_backoff_is_over() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, response(503, ""));
    let until = call.waits(&mut s).until;
    assert_eq!(s.events(), []);
    s.pass_until(until);
    call.works(&mut s);
    assert_eq!(s.events(), [Event::Retried]);
}

#[test]
fn a_save_that_is_tried_again_is_no_retry() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    store.breaks();
    let mut sync = Actor::new(Call::sync());
    let until = sync.waits(&mut s).until;
    store.is_mended();
    s.pass_until(until);
    sync.ends(&mut s).unwrap();
    assert_eq!(s.events(), [Event::StoreFailed]);
}

#[test]
fn a_request_that_is_not_sent_again_is_no_retry() {
    let mut s = Scenario::open();
    let mut call = Actor::writes();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, response(503, ""));
    call.fails(&mut s);
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, response(503, ""));
    call.waits(&mut s);
    drop(call);
    assert_eq!(s.events(), []);
}

#[test]
fn a_second_fault_of_the_same_token_is_no_replay() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    for bearer in ["bearer-2", "bearer-3"] {
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, bearer_fault());
        if bearer == "bearer-2" {
            call.fetches(&mut s, bearer);
        }
    }
    call.fails(&mut s);
    let replayed = |event: &&Event| **event == Event::Replayed;
    assert_eq!(s.events().iter().filter(replayed).count(), 1);
}

#[test]
fn each_failure_and_conflict_of_the_store_is_reported() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    store.breaks();
    s.syncs().unwrap();
    assert_eq!(s.events(), [Event::StoreFailed]);

    store.is_mended();
    s.pass(MINUTE);
    store.forgets_to_say();
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::TokenFetch);
    assert_eq!(s.events(), [Event::StoreFailed], "of a save");

    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    store.is_always_overtaken();
    let mut call = Actor::log_in();
    call.fails(&mut s);
    let events = s.events();
    assert!(events.len() > 1, "{events:?}");
    assert!(events.iter().all(|event| *event == Event::StoreConflict));
}

#[test]
fn a_budget_that_is_spent_is_reported_after_the_login_that_spent_it() {
    for (received, event, is_blocked) in [
        (
            unclear(),
            event::login_refused("REQUEST_FAILED.Unclear", 0),
            true,
        ),
        (lost(), event::login_lost(0), false),
        (response(200, "{}"), event::login_lost(0), false),
    ] {
        let mut s = Scenario::new();
        for _ in 0..2 {
            s.pass(MINUTE);
            let mut call = Actor::log_in();
            if s.session.bearer_token().is_none() {
                call.fetches(&mut s, "bearer-1");
            }
            s.events();
            call.sends(&mut s, Purpose::LogIn);
            call.receives(&mut s, received.clone());
        }
        // Of what nobody judged, one more login comes half an hour later.
        let next = if is_blocked {
            event::logins_blocked(&BlockReason::BudgetSpent)
        } else {
            event::backing_off(s.now + 30 * MINUTE)
        };
        assert_eq!(s.reported(), [event, next]);
    }
}

#[test]
fn a_guard_that_a_lost_reset_blocked_is_reported_to_be_blocked_once() {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, Purpose::Reset);
    s.pass_until(sent.deadline + MINUTE);
    Actor::reads().works(&mut s);
    // Its call comes to the same end a little later, and the result later still.
    reset.fails(&mut s);
    reset.receives(&mut s, lost());
    let blocked = s
        .events()
        .into_iter()
        .filter(|event| matches!(event, Event::LoginsBlocked { .. }));
    assert_eq!(blocked.count(), 1);
}

#[test]
fn a_change_of_nothing_is_no_event() {
    let mut s = Scenario::open();
    Actor::reads().works(&mut s);
    Actor::log_in().ends(&mut s).unwrap();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, response(404, ""));
    call.fails(&mut s);
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    drop(call);
    s.is_given("IMgr8");
    assert_eq!(s.events(), []);
}

#[test]
fn events_that_nobody_drains_are_held_up_to_a_number_and_the_oldest_go_first() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session");
    for _ in 0..MAX_EVENTS {
        let mut out = Actor::log_out();
        out.sends(&mut s, Purpose::LogOut);
        out.receives(&mut s, session("session"));
        Actor::log_in().logs_in(&mut s, "session");
    }
    let events = s.events();
    assert_eq!(events.len(), MAX_EVENTS);
    let oldest = |event: &Event| matches!(event, Event::BearerFetched { .. });
    assert!(!events.iter().any(oldest), "the oldest");
    assert_eq!(events.last(), Some(&Event::LoggedIn), "the newest");
    assert_eq!(s.session.poll_event(), None);
}

/// The events that happened, each with its sentence.
#[track_caller]
fn with_sentences<const N: usize>(
    s: &mut Scenario,
    sentences: [&'static str; N],
) -> Vec<(Event, &'static str)> {
    let events = s.events();
    assert_eq!(events.len(), N, "{events:?}");
    events.into_iter().zip(sentences).collect()
}

/// The events that carry no data.
fn plain_events() -> Vec<(Event, &'static str)> {
    vec![
        (Event::BearerRefused, "the bearer token was refused"),
        (Event::LoggedIn, "logged in"),
        (Event::SessionIdle, "the session was idle for too long"),
        (Event::SessionRefused, "the session token was refused"),
        (Event::LoginsUnblocked, "logins are made again"),
        (
            Event::PasswordReset,
            "the password was reset; the new one is to be confirmed",
        ),
        (Event::PasswordChanged, "the new password is in use"),
        (Event::LoggedOut, "logged out"),
        (
            Event::Replayed,
            "a request will be sent again with another token",
        ),
        (Event::Retried, "a request that failed is sent again"),
        (
            Event::StoreConflict,
            "another process was faster to save the session",
        ),
        (
            Event::StoreFailed,
            "the store could not save or load the session",
        ),
    ]
}

/// The events of token fetches and logins.
fn login_events() -> Vec<(Event, &'static str)> {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, response(503, ""));
    let mut all = with_sentences(&mut s, ["a token could not be had; backing off"]);
    s.pass(MINUTE);
    call.fetches(&mut s, "bearer-1");
    all.extend(with_sentences(&mut s, ["a bearer token was fetched"]));

    let mut unnamed = s.clone();
    let mut other = Actor::log_in();
    other.sends(&mut unnamed, Purpose::LogIn);
    other.receives(&mut unnamed, response(401, "<html>"));
    let sentences = [
        "a login was refused; 1 more may fail",
        "a token could not be had; backing off",
    ];
    all.extend(with_sentences(&mut unnamed, sentences));
    unnamed.pass(LOGIN_INTERVAL);
    let mut other = Actor::log_in();
    other.fetches(&mut unnamed, "bearer-2");
    unnamed.events();
    other.loses_login(&mut unnamed);
    let sentences = [
        "a login had no usable response; 0 more may fail",
        "no login will be made: as many logins failed or were lost as may; find out why, then unblock the guard for one more, or give other credentials",
    ];
    all.extend(with_sentences(&mut unnamed, sentences));

    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, wrong_password());
    let sentences = [
        "a login was refused (UnifiedWebService.INPUT_INVALID.Password.Incorrect); 0 more may fail",
        "no login will be made: the service says that the credentials are wrong; give other ones, or unblock the guard if you know that they are right",
    ];
    all.extend(with_sentences(&mut s, sentences));
    all
}

/// The events of passwords that are reset or given elsewhere.
fn password_events() -> Vec<(Event, &'static str)> {
    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    let sent = reset.sends(&mut s, Purpose::Reset);
    let mut late = s.clone();
    late.pass_until(sent.deadline + MINUTE);
    Actor::reads().works(&mut late);
    let sentences = [
        "the password reset had no result before its lease expired",
        "no login will be made: the response to a password reset is lost, so the password may be wrong; give the right one, or unblock the guard to try the old one",
    ];
    let mut all = with_sentences(&mut late, sentences);

    reset.receives(&mut s, new_password("Wh0a"));
    let sentence = "the password was reset; the new one is to be confirmed";
    all.extend(with_sentences(&mut s, [sentence]));
    s.pass(MINUTE);
    s.session.expire(s.now);
    let sentence = "no login will be made: a password reset brought a new password that is not confirmed; confirm it, or give the right one";
    all.extend(with_sentences(&mut s, [sentence]));

    let store = Register::new();
    let mut other = Scenario::sharing(&store);
    let mut outdated = Scenario::sharing(&store);
    other.syncs().unwrap();
    outdated.syncs().unwrap();
    other.is_given("another");
    outdated.pass(SECOND);
    outdated.syncs().unwrap();
    let sentence = "no login will be made: another process has reset the password or was given another one; give that one here too, or unblock the guard if the one here is right";
    all.extend(with_sentences(&mut outdated, [sentence]));
    all
}

/// The events of leases and cooldowns.
fn lease_and_cooldown_events() -> Vec<(Event, &'static str)> {
    let mut s = Scenario::open();
    let sent = Actor::log_out().sends(&mut s, Purpose::LogOut);
    s.session.expire(sent.deadline + 5 * SECOND);
    let sentence = "the logout had no result before its lease expired";
    let mut all = with_sentences(&mut s, [sentence]);
    let mut s = Scenario::new();
    let sent = Actor::log_in().sends(&mut s, Purpose::TokenFetch);
    s.session.expire(sent.deadline + 5 * SECOND);
    let sentence = "the token fetch had no result before its lease expired";
    all.extend(with_sentences(&mut s, [sentence]));

    let mut s = Scenario::open();
    relogs_in(&mut s);
    relogs_in(&mut s);
    s.events();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    let sentences = [
        "the session token was refused",
        "sessions keep being refused after login; logins cool down",
        "a request will be sent again with another token",
    ];
    all.extend(with_sentences(&mut s, sentences));
    all
}

#[test]
fn every_event_says_what_happened_in_one_sentence() {
    let all = [
        plain_events(),
        login_events(),
        password_events(),
        lease_and_cooldown_events(),
    ]
    .concat();
    let mut names: Vec<_> = all.iter().map(|(event, _)| event.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 19, "of 19 kinds: {names:?}");
    for (event, sentence) in all {
        assert_eq!(event.to_string(), sentence);
        // The name is the one in the code, as metrics write it.
        let debug = format!("{event:?}");
        let camel = debug.split(' ').next().unwrap();
        let snake = camel.chars().flat_map(|c| {
            let parted = c.is_ascii_uppercase().then_some('_');
            parted.into_iter().chain([c.to_ascii_lowercase()])
        });
        assert!(snake.skip(1).eq(event.name().chars()), "{}", event.name());
    }
}
