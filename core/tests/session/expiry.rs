//! Tokens that end by themselves, and clocks that do not go as they should.

use std::num::NonZeroU32;

use thingspace_core::{
    Step, Timestamp,
    session::{Event, WaitReason},
};

use crate::scenario::*;

/// An open session that does not become idle for a day.
fn never_idle() -> Scenario {
    Scenario::open_with(settings(|s| s.idle_timeout = 24 * HOUR))
}

/// The response of a service that has no fault.
fn honest(purpose: Purpose) -> Received {
    match purpose {
        Purpose::TokenFetch => bearer("bearer"),
        Purpose::LogIn => session("session"),
        _ => done(),
    }
}

#[test]
fn a_bearer_is_renewed_before_it_ends() {
    let mut s = never_idle();
    s.almost_pass(59 * MINUTE);
    Actor::reads().works(&mut s);
    s.pass(MILLISECOND);
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-2");
    let renew_at = s.now + 59 * MINUTE;
    assert_eq!(s.reported(), [event::bearer_fetched(renew_at)]);
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-2", "session-1"));
}

#[test]
fn how_long_before_its_end_a_bearer_is_renewed_is_a_setting() {
    let mut s = Scenario::open_with(settings(|s| {
        s.idle_timeout = 24 * HOUR;
        s.clock_skew = 10 * MINUTE;
    }));
    s.almost_pass(50 * MINUTE);
    Actor::reads().works(&mut s);
    s.pass(MILLISECOND);
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn the_life_of_a_bearer_counts_from_the_sending_of_its_request() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::TokenFetch);
    let asked = s.now;
    s.pass(20 * SECOND);
    call.receives(&mut s, bearer("bearer-1"));
    assert_eq!(s.session.bearer_renewal(), Some(asked + 59 * MINUTE));
}

#[test]
fn a_bearer_that_lives_no_longer_than_the_skew_is_used_to_its_end() {
    for seconds in [60, 30, 5] {
        let mut s = never_idle();
        s.pass(HOUR);
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::TokenFetch);
        call.receives(&mut s, bearer_for("short", seconds));
        call.works(&mut s);
        let life = u32::try_from(seconds).unwrap() * SECOND;
        s.almost_pass(life);
        Actor::reads().works(&mut s);
        s.pass(MILLISECOND);
        Actor::reads().sends(&mut s, Purpose::TokenFetch);
    }
}

#[test]
fn a_bearer_that_says_nothing_of_its_life_lives_an_hour() {
    for body in [
        r#"{"access_token":"bearer-1"}"#,
        r#"{"access_token":"bearer-1","expires_in":null}"#,
    ] {
        let mut s = Scenario::new();
        let mut call = Actor::log_in();
        call.sends(&mut s, Purpose::TokenFetch);
        call.receives(&mut s, response(200, body));
        assert_eq!(s.session.bearer_renewal(), Some(s.now + 59 * MINUTE));
    }
}

#[test]
fn law_12_a_bearer_without_a_life_is_used_by_the_call_that_fetched_it() {
    for life in ["0", "-5", "0.001", "\"0\""] {
        let body = format!(r#"{{"access_token":"dead","expires_in":{life}}}"#);
        let mut s = Scenario::new();
        let mut call = Actor::reads();
        let mut sent = Vec::new();
        // The service takes ten seconds for everything, and so does the driver.
        while sent.last() != Some(&Purpose::Work) && sent.len() < 10 {
            let Step::Send(transmit) = call.step(&mut s) else {
                panic!("expected to send");
            };
            sent.push(Purpose::of(&transmit.request));
            s.pass(10 * SECOND);
            let received = match sent.last() {
                Some(Purpose::TokenFetch) => response(200, &body),
                Some(&purpose) => honest(purpose),
                None => unreachable!(),
            };
            call.receives(&mut s, received);
            s.pass(10 * SECOND);
        }
        call.ends(&mut s).unwrap();
        let count = |purpose| sent.iter().filter(|&&sent| sent == purpose).count();
        assert_eq!(count(Purpose::LogIn), 1, "{life}: {sent:?}");
        assert!(count(Purpose::TokenFetch) <= 2, "{life}: {sent:?}");
    }
}

#[test]
fn law_12_a_bearer_that_ends_while_a_login_fails_is_used_by_the_call_that_fetched_it() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer_for("dead", 0));
    call.sends(&mut s, Purpose::LogIn);
    s.pass(10 * SECOND);
    call.receives(&mut s, response(503, ""));
    let wait = call.waits(&mut s);
    s.pass_until(wait.until);
    call.logs_in(&mut s, "session-1");
}

#[test]
fn a_bearer_without_a_life_does_not_set_off_a_storm_of_fetches() {
    let mut s = never_idle();
    s.pass(HOUR);
    let mut first = Actor::reads();
    first.sends(&mut s, Purpose::TokenFetch);
    first.receives(&mut s, bearer_for("dead", 0));
    for _ in 0..100 {
        Actor::reads().works(&mut s);
    }
}

#[test]
fn law_10_a_bearer_that_lives_for_ever_is_taken_for_one_that_does() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(
        &mut s,
        response(200, r#"{"access_token":"bearer-1","expires_in":1e300}"#),
    );
    assert_eq!(s.session.bearer_renewal(), Some(Timestamp::MAX));
    call.sends(&mut s, Purpose::LogIn);
}

#[test]
fn the_same_bearer_given_out_again_with_less_time_left_is_no_error() {
    let mut s = never_idle();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    s.pass(40 * MINUTE);
    call.receives(&mut s, bearer_fault());
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer_for("bearer-1", 1200));
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work).0, "Bearer bearer-1");
    assert_eq!(s.session.bearer_renewal(), Some(s.now + 19 * MINUTE));
}

#[test]
fn a_refused_bearer_that_is_given_out_again_in_its_last_second_is_waited_for() {
    for life in [1, 0] {
        let mut s = never_idle();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, bearer_fault());
        for _ in 0..2 {
            call.sends(&mut s, Purpose::TokenFetch);
            call.receives(&mut s, bearer_for("bearer-1", life));
            let wait = call.waits(&mut s);
            assert!(wait.until.since(s.now) <= SECOND);
            s.pass_until(wait.until);
        }
        call.fetches(&mut s, "bearer-2");
        let work = call.sends(&mut s, Purpose::Work);
        assert_eq!(tokens(&work).0, "Bearer bearer-2");
        call.receives(&mut s, done());
        call.ends_with_response(&mut s);
    }
}

#[test]
fn law_12_a_service_that_gives_every_bearer_no_time_is_waited_for_twice_and_then_believed() {
    let mut s = never_idle();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, bearer_fault());
    for _ in 0..2 {
        call.sends(&mut s, Purpose::TokenFetch);
        call.receives(&mut s, bearer_for("another", 0));
        let wait = call.waits(&mut s);
        s.pass_until(wait.until);
    }
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer_for("another", 0));
    call.works(&mut s);
}

#[test]
fn a_call_that_has_no_time_for_the_next_bearer_says_what_came_in_its_place() {
    let mut s = never_idle();
    let mut call = Actor::reads().until(s.now + MILLISECOND);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, bearer_fault());
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer_for("bearer-1", 1));
    let error = call.fails(&mut s);
    assert!(!error.is_bearer_refused());
    assert_eq!(
        error.to_string(),
        "neither a login nor the call was sent, because the token fetch failed: the response is invalid: access_token ends at once, and is perhaps the one that was refused; call again later"
    );
}

#[test]
fn a_session_that_was_idle_for_19_minutes_is_not_tried_again() {
    let mut s = Scenario::open();
    s.almost_pass(19 * MINUTE);
    Actor::reads().sends(&mut s, Purpose::Work);
    s.pass(MILLISECOND);
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::LogIn);
    assert_eq!(s.events(), [Event::SessionIdle]);
    call.receives(&mut s, session("session-2"));
    let work = call.sends(&mut s, Purpose::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-1", "session-2"));
}

#[test]
fn how_long_a_session_may_be_idle_is_a_setting() {
    let mut s = Scenario::open_with(settings(|s| s.idle_timeout = 5 * MINUTE));
    s.almost_pass(5 * MINUTE);
    Actor::reads().works(&mut s);
    s.pass(5 * MINUTE);
    Actor::reads().sends(&mut s, Purpose::LogIn);
}

#[test]
fn a_session_that_is_used_every_10_minutes_never_logs_in_again() {
    let mut s = Scenario::open();
    let opened = s.session.opened_at();
    for _ in 0..6 * 24 {
        s.pass(10 * MINUTE);
        let mut call = Actor::reads();
        if s.session.bearer_renewal().unwrap() <= s.now {
            call.fetches(&mut s, "another");
        }
        let work = call.sends(&mut s, Purpose::Work);
        assert_eq!(tokens(&work).1, "session-1");
        call.receives(&mut s, done());
        call.ends(&mut s).unwrap();
        assert_eq!(s.session.last_used(), Some(s.now));
    }
    assert_eq!(s.session.opened_at(), opened);
}

#[test]
fn the_idle_time_counts_from_the_sending_of_the_last_use() {
    let mut s = Scenario::open();
    s.pass(10 * MINUTE);
    let sent = s.now;
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    s.pass(20 * SECOND);
    call.receives(&mut s, done());
    assert_eq!(s.session.last_used(), Some(sent));
}

#[test]
fn only_a_response_of_the_service_itself_counts_as_a_use() {
    for (received, counts) in [
        (done(), true),
        (response(204, ""), true),
        (refused("INPUT_INVALID.Parameter"), true),
        (response(404, "<html>"), false),
        (response(503, ""), false),
        (throttled("1"), false),
        (bearer_fault(), false),
        (lost(), false),
        (not_sent(), false),
    ] {
        let mut s = Scenario::open();
        let opened = s.now;
        s.pass(MINUTE);
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        let case = format!("{received:?}");
        call.receives(&mut s, received);
        let used = if counts { s.now } else { opened };
        assert_eq!(s.session.last_used(), Some(used), "{case}");
    }
}

#[test]
fn a_session_that_ended_sooner_than_foreseen_costs_a_login_and_no_error() {
    let mut s = Scenario::open();
    s.pass(15 * MINUTE);
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    assert_eq!(s.events(), [Event::SessionRefused, Event::Replayed]);
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
}

#[test]
fn law_12_a_clock_that_jumps_makes_no_call_hang_or_fail() {
    let start = Scenario::new().now;
    let jumps = [
        Timestamp::default(),
        Timestamp::from_millis(start.as_millis() - 1),
        start + 12 * SECOND,
        start + 24 * HOUR,
        Timestamp::from_millis(u64::MAX - 1),
        Timestamp::MAX,
    ];
    for jump in jumps {
        for at in 0..12 {
            let mut s = Scenario::with(settings(|s| s.max_attempts = NonZeroU32::MAX));
            let mut call = Actor::reads();
            let mut results = 0;
            for moment in 0..40 {
                match call.step(&mut s) {
                    Step::Send(transmit) => {
                        if moment == at {
                            s.now = jump;
                        }
                        // The first response to each is lost.
                        let received = if transmit.attempt.number() % 2 == 1 {
                            response(503, "")
                        } else {
                            honest(Purpose::of(&transmit.request))
                        };
                        call.receives(&mut s, received);
                    }
                    Step::Wait(wait) => {
                        assert!(wait.until.since(s.now) <= MINUTE, "{jump:?} {at}");
                        s.pass_until(wait.until);
                    }
                    Step::Done(result) => {
                        result.unwrap();
                        results += 1;
                        break;
                    }
                }
                if moment == at {
                    s.now = jump;
                }
            }
            assert_eq!(results, 1, "{jump:?} at {at}");
        }
    }
}

#[test]
fn law_12_a_clock_set_back_does_not_prolong_a_backoff() {
    // The backoff of one call.
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, throttled("30"));
    call.waits(&mut s);
    s.now = Timestamp::default();
    let wait = call.waits(&mut s);
    assert!(wait.until.since(s.now) < 31 * SECOND);
    s.pass_until(wait.until);
    call.sends(&mut s, Purpose::Work);

    // The backoff of all that need a token.
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, throttled("30"));
    s.now = Timestamp::default();
    let wait = Actor::reads().waits(&mut s);
    assert!(wait.until.since(s.now) < 31 * SECOND);
    s.pass_until(wait.until);
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn law_12_a_clock_set_back_does_not_prolong_the_wait_for_a_response() {
    let mut s = Scenario::open();
    let mut call = Actor::writes();
    call.sends(&mut s, Purpose::Work);
    s.now = Timestamp::default();
    let wait = call.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Response);
    assert!(wait.until.since(s.now) <= MINUTE);
    s.pass_until(wait.until);
    assert!(call.fails(&mut s).is_outcome_unknown());
}

#[test]
fn a_clock_set_forward_costs_new_tokens_and_no_more() {
    let mut s = Scenario::open();
    s.pass(365 * 24 * HOUR);
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-2");
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
    assert_eq!(s.session.login_guard().failed_logins, 0);

    // Set right again, they go on being used.
    s.now = Scenario::new().now;
    Actor::reads().works(&mut s);
}
