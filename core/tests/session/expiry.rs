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

/// What a service answers that has no fault.
fn honestly(what: What) -> Heard {
    match what {
        What::TokenFetch => bearer("bearer"),
        What::LogIn => session("session"),
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
    assert_eq!(
        s.events(),
        [Event::BearerFetched {
            renew_at: s.now + 59 * MINUTE
        }]
    );
    let work = call.sends(&mut s, What::Work);
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
    Actor::reads().sends(&mut s, What::TokenFetch);
}

#[test]
fn the_life_of_a_bearer_counts_from_when_it_was_asked_for() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.sends(&mut s, What::TokenFetch);
    let asked = s.now;
    s.pass(20 * SECOND);
    call.hears(&mut s, bearer("bearer-1"));
    assert_eq!(s.session.bearer_renewal(), Some(asked + 59 * MINUTE));
}

#[test]
fn a_bearer_that_lives_no_longer_than_the_skew_is_used_to_its_end() {
    for seconds in [60, 30, 5] {
        let mut s = never_idle();
        s.pass(HOUR);
        let mut call = Actor::reads();
        call.sends(&mut s, What::TokenFetch);
        call.hears(&mut s, bearer_for("short", seconds));
        call.works(&mut s);
        let life = u32::try_from(seconds).unwrap() * SECOND;
        s.almost_pass(life);
        Actor::reads().works(&mut s);
        s.pass(MILLISECOND);
        Actor::reads().sends(&mut s, What::TokenFetch);
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
        call.sends(&mut s, What::TokenFetch);
        call.hears(&mut s, answer(200, body));
        assert_eq!(s.session.bearer_renewal(), Some(s.now + 59 * MINUTE));
    }
}

#[test]
fn law_12_a_bearer_without_a_life_is_used_by_whoever_fetched_it() {
    for life in ["0", "-5", "0.001", "\"0\""] {
        let body = format!(r#"{{"access_token":"dead","expires_in":{life}}}"#);
        let mut s = Scenario::new();
        let mut call = Actor::reads();
        let mut sent = Vec::new();
        // The service takes ten seconds for everything, and so does the driver.
        while sent.last() != Some(&What::Work) && sent.len() < 10 {
            let Step::Send(transmit) = call.step(&mut s) else {
                panic!("expected to send");
            };
            sent.push(What::of(&transmit.request));
            s.pass(10 * SECOND);
            let heard = match sent.last() {
                Some(What::TokenFetch) => answer(200, &body),
                Some(&what) => honestly(what),
                None => unreachable!(),
            };
            call.hears(&mut s, heard);
            s.pass(10 * SECOND);
        }
        call.ends(&mut s).unwrap();
        let count = |what| sent.iter().filter(|&&sent| sent == what).count();
        assert_eq!(count(What::LogIn), 1, "{life}: {sent:?}");
        assert!(count(What::TokenFetch) <= 2, "{life}: {sent:?}");
    }
}

#[test]
fn a_bearer_without_a_life_does_not_set_off_a_storm_of_fetches() {
    let mut s = never_idle();
    s.pass(HOUR);
    let mut first = Actor::reads();
    first.sends(&mut s, What::TokenFetch);
    first.hears(&mut s, bearer_for("dead", 0));
    for _ in 0..100 {
        Actor::reads().works(&mut s);
    }
}

#[test]
fn law_10_a_bearer_that_lives_for_ever_is_taken_for_one_that_does() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, What::TokenFetch);
    call.hears(
        &mut s,
        answer(200, r#"{"access_token":"bearer-1","expires_in":1e300}"#),
    );
    assert_eq!(s.session.bearer_renewal(), Some(Timestamp::MAX));
    call.sends(&mut s, What::LogIn);
}

#[test]
fn the_same_bearer_handed_out_again_with_less_time_left_is_no_error() {
    let mut s = never_idle();
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    s.pass(40 * MINUTE);
    call.hears(&mut s, bearer_fault());
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, bearer_for("bearer-1", 1200));
    let work = call.sends(&mut s, What::Work);
    assert_eq!(tokens(&work).0, "Bearer bearer-1");
    assert_eq!(s.session.bearer_renewal(), Some(s.now + 19 * MINUTE));
}

#[test]
fn a_session_that_was_idle_for_19_minutes_is_not_tried_again() {
    let mut s = Scenario::open();
    s.almost_pass(19 * MINUTE);
    Actor::reads().sends(&mut s, What::Work);
    s.pass(MILLISECOND);
    let mut call = Actor::reads();
    call.sends(&mut s, What::LogIn);
    assert_eq!(s.events(), [Event::SessionIdle]);
    call.hears(&mut s, session("session-2"));
    let work = call.sends(&mut s, What::Work);
    assert_eq!(tokens(&work), ("Bearer bearer-1", "session-2"));
}

#[test]
fn how_long_a_session_may_be_idle_is_a_setting() {
    let mut s = Scenario::open_with(settings(|s| s.idle_timeout = 5 * MINUTE));
    s.almost_pass(5 * MINUTE);
    Actor::reads().works(&mut s);
    s.pass(5 * MINUTE);
    Actor::reads().sends(&mut s, What::LogIn);
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
        let work = call.sends(&mut s, What::Work);
        assert_eq!(tokens(&work).1, "session-1");
        call.hears(&mut s, done());
        call.ends(&mut s).unwrap();
        assert_eq!(s.session.last_used(), Some(s.now));
    }
    assert_eq!(s.session.opened_at(), opened);
}

#[test]
fn the_idle_time_counts_from_when_the_last_use_was_sent() {
    let mut s = Scenario::open();
    s.pass(10 * MINUTE);
    let sent = s.now;
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    s.pass(20 * SECOND);
    call.hears(&mut s, done());
    assert_eq!(s.session.last_used(), Some(sent));
}

#[test]
fn only_what_the_service_itself_answered_counts_as_a_use() {
    for (heard, counts) in [
        (done(), true),
        (answer(204, ""), true),
        (refused("INPUT_INVALID.Parameter"), true),
        (answer(404, "<html>"), false),
        (answer(503, ""), false),
        (throttled("1"), false),
        (bearer_fault(), false),
        (lost(), false),
        (not_sent(), false),
    ] {
        let mut s = Scenario::open();
        let opened = s.now;
        s.pass(MINUTE);
        let mut call = Actor::reads();
        call.sends(&mut s, What::Work);
        let told = format!("{heard:?}");
        call.hears(&mut s, heard);
        let used = if counts { s.now } else { opened };
        assert_eq!(s.session.last_used(), Some(used), "{told}");
    }
}

#[test]
fn a_session_that_ended_sooner_than_foreseen_costs_a_login_and_no_error() {
    let mut s = Scenario::open();
    s.pass(15 * MINUTE);
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.hears(&mut s, session_expired());
    assert_eq!(s.events(), [Event::SessionRefused]);
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
                        // The first answer to each is lost.
                        let heard = if transmit.attempt.number() % 2 == 1 {
                            answer(503, "")
                        } else {
                            honestly(What::of(&transmit.request))
                        };
                        call.hears(&mut s, heard);
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
fn law_12_a_clock_set_back_does_not_prolong_a_pause() {
    // The pause of one call.
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.hears(&mut s, throttled("30"));
    call.waits(&mut s);
    s.now = Timestamp::default();
    let wait = call.waits(&mut s);
    assert!(wait.until.since(s.now) < 31 * SECOND);
    s.pass_until(wait.until);
    call.sends(&mut s, What::Work);

    // The pause of all that need a token.
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, throttled("30"));
    s.now = Timestamp::default();
    let wait = Actor::reads().waits(&mut s);
    assert!(wait.until.since(s.now) < 31 * SECOND);
    s.pass_until(wait.until);
    Actor::reads().sends(&mut s, What::TokenFetch);
}

#[test]
fn law_12_a_clock_set_back_does_not_prolong_the_wait_for_an_answer() {
    let mut s = Scenario::open();
    let mut call = Actor::writes();
    call.sends(&mut s, What::Work);
    s.now = Timestamp::default();
    let wait = call.waits(&mut s);
    assert_eq!(wait.reason, WaitReason::Answer);
    assert!(wait.until.since(s.now) <= MINUTE);
    s.pass_until(wait.until);
    assert!(call.fails(&mut s).is_fate_unknown());
}

#[test]
fn a_clock_set_forward_costs_new_tokens_and_no_more() {
    let mut s = Scenario::open();
    s.pass(365 * 24 * HOUR);
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-2");
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
    assert_eq!(s.session.gate().failed_logins, 0);

    // Set right again, they go on being used.
    s.now = Scenario::new().now;
    Actor::reads().works(&mut s);
}
