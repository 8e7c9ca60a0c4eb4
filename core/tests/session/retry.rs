//! Retries: of which calls, how often, and after which backoff.

use std::{num::NonZeroU32, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    Call, CallOptions, Endpoint, Environment, Error, ErrorKind, InvalidResponse, Outcome,
    RequestError, Step, WithSession, api,
    session::{Event, LONGEST_REQUESTED_BACKOFF, OperationKind, WaitReason},
};

use crate::scenario::*;

/// Work whose response must be a number.
struct Count;

impl Endpoint for Count {
    type Auth = WithSession;
    type Output = u32;

    fn build(self, at: &Environment) -> Result<Request<Bytes>, RequestError> {
        Ok(Request::get(at.uri("/m2m/v1/work")?)
            .body(Bytes::new())
            .unwrap())
    }

    fn read(response: &Response<Bytes>) -> Result<u32, InvalidResponse> {
        Ok(serde_json::from_slice(response.body())?)
    }

    fn options(&self) -> CallOptions {
        CallOptions::idempotent()
    }
}

fn attempts(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Failures that may pass, after which nobody knows if the work was done.
fn outages() -> [Received; 6] {
    [
        lost(),
        response(500, ""),
        response(502, "<html>Bad Gateway</html>"),
        response(503, r#"{"errorCode":"S.REQUEST_FAILED.Down"}"#),
        response(504, ""),
        response(408, ""),
    ]
}

/// One call that receives this; gives the error that it ends with at once.
#[track_caller]
fn refused_at_once(mut call: Actor, received: Received) -> Error {
    let mut s = Scenario::open();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, received);
    let error = call.fails(&mut s);
    assert!(!error.is_timed_out(), "{error}");
    error
}

/// The backoffs of a call that goes on failing.
fn backoffs(seed: u64, longest_backoff: Duration) -> Vec<Duration> {
    let settings = settings(|s| {
        s.max_attempts = attempts(9);
        s.longest_backoff = longest_backoff;
    });
    let mut s = Scenario::with_seed(seed, settings);
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    (1..9)
        .map(|_| {
            call.sends(&mut s, Purpose::Work);
            call.receives(&mut s, response(503, ""));
            let wait = call.waits(&mut s);
            assert_eq!(wait.reason, WaitReason::Backoff);
            let backoff = wait.until.since(s.now);
            s.pass_until(wait.until);
            backoff
        })
        .collect()
}

#[test]
fn law_6_a_call_that_may_be_executed_twice_is_retried_after_an_outage() {
    for outage in outages() {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        let case = format!("{outage:?}");
        let first = call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, outage);
        let wait = call.waits(&mut s);
        assert_eq!(wait.reason, WaitReason::Backoff, "{case}");
        s.pass_until(wait.until);
        let second = call.sends(&mut s, Purpose::Work);
        assert_eq!(second.attempt.number(), first.attempt.number() + 1);
        call.receives(&mut s, done());
        call.ends(&mut s).unwrap();
    }
}

/// It may be the earlier attempt that leaves nothing to be found.
#[test]
fn law_6_a_refusal_does_not_make_an_earlier_attempt_undone() {
    for outage in outages() {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, outage);
        let wait = call.waits(&mut s);
        s.pass_until(wait.until);
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, response(404, ""));
        let error = call.fails(&mut s);
        assert!(
            error.is_outcome_unknown() && error.is_not_found(),
            "{error}"
        );
        let said = error.to_string();
        assert!(said.starts_with(
            "an earlier attempt may have been executed; then this happened: the call was refused"
        ));
    }
}

#[test]
fn law_6_a_call_that_must_not_be_executed_twice_is_not_when_its_outcome_is_unknown() {
    for outage in outages() {
        let error = refused_at_once(Actor::writes(), outage);
        assert!(error.is_outcome_unknown(), "{error}");
        assert!(error.to_string().contains("look before you retry it"));
    }
}

#[test]
fn a_call_that_certainly_did_not_leave_is_retried_whatever_it_is() {
    for mut call in [Actor::reads(), Actor::writes()] {
        let mut s = Scenario::open();
        for _ in 0..2 {
            call.sends(&mut s, Purpose::Work);
            call.receives(&mut s, not_sent());
            let wait = call.waits(&mut s);
            s.pass_until(wait.until);
        }
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, not_sent());
        let error = call.fails(&mut s);
        assert!(error.is_never_sent());
        assert_eq!(
            error.to_string(),
            "the request was never sent; check the network and call again"
        );
    }
}

#[test]
fn a_call_gives_up_after_as_many_failures_as_are_set() {
    for number in [1, 2, 5] {
        let mut s = Scenario::open_with(settings(|s| s.max_attempts = attempts(number)));
        let mut call = Actor::reads();
        for attempt in 1..=number {
            call.sends(&mut s, Purpose::Work);
            call.receives(&mut s, response(500 + u16::try_from(attempt).unwrap(), ""));
            if attempt < number {
                let wait = call.waits(&mut s);
                s.pass_until(wait.until);
            }
        }
        let error = call.fails(&mut s);
        assert_eq!(
            error.status().unwrap(),
            500 + u16::try_from(number).unwrap()
        );
        assert!(error.is_outcome_unknown());
    }
}

#[test]
fn a_call_that_was_sent_once_is_never_said_to_be_never_sent() {
    // Lost first, and then the network is gone.
    let mut s = Scenario::open_with(settings(|s| s.max_attempts = attempts(2)));
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, lost());
    let wait = call.waits(&mut s);
    s.pass_until(wait.until);
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, not_sent());
    let error = call.fails(&mut s);
    assert!(!error.is_never_sent(), "{error}");
}

#[test]
fn a_call_that_was_sent_once_is_not_said_to_be_never_sent_because_a_token_could_not_be_had() {
    let mut s = Scenario::open_with(settings(|s| s.max_attempts = attempts(2)));
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, lost());
    let wait = call.waits(&mut s);
    s.pass_until(wait.until);
    s.pass(HOUR);
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, response(401, r#"{"error":"invalid_client"}"#));
    let error = call.fails(&mut s);
    assert!(error.is_wrong_app(), "{error}");
    assert!(!error.is_never_sent(), "{error}");
}

#[test]
fn backoffs_grow_up_to_the_longest_and_vary_in_their_upper_half() {
    let longest = Duration::from_secs(8);
    let mut full = Duration::from_millis(500);
    for backoff in backoffs(42, longest) {
        assert!(
            backoff >= full / 2 && backoff <= full,
            "{backoff:?} of {full:?}"
        );
        full = longest.min(full * 2);
    }
}

#[test]
fn law_11_the_same_seed_makes_the_same_backoffs_and_another_makes_others() {
    let longest = Duration::from_secs(30);
    assert_eq!(backoffs(1, longest), backoffs(1, longest));
    assert_ne!(backoffs(1, longest), backoffs(2, longest));
    let mut distinct: Vec<_> = (0..20).map(|seed| backoffs(seed, longest)[0]).collect();
    distinct.sort();
    distinct.dedup();
    assert!(distinct.len() > 10, "{distinct:?}");
}

#[test]
fn too_many_calls_are_retried_when_the_service_asks_for_it() {
    let dated = |after: &str, date: Option<&str>| {
        let mut response = Response::builder().status(429).header("retry-after", after);
        if let Some(date) = date {
            response = response.header("date", date);
        }
        Ok(response.body(Bytes::new()).unwrap())
    };
    for received in [
        throttled("20"),
        throttled(" 20 "),
        // The scenario begins at 22:13:20.
        dated("Tue, 14 Nov 2023 22:13:40 GMT", None),
        // It does not matter which clock is wrong.
        dated(
            "Tue, 14 Nov 2000 01:00:20 GMT",
            Some("Tue, 14 Nov 2000 01:00:00 GMT"),
        ),
    ] {
        for mut call in [Actor::reads(), Actor::writes()] {
            let mut s = Scenario::open();
            call.sends(&mut s, Purpose::Work);
            let asked = s.now + 20 * SECOND;
            call.receives(&mut s, received.clone());
            let wait = call.waits(&mut s);
            assert_eq!(wait.reason, WaitReason::Backoff);
            assert!(wait.until >= asked, "earlier than asked");
            assert!(wait.until.since(asked) < SECOND, "much later than asked");
            s.pass_until(wait.until);
            call.works(&mut s);
        }
    }
}

#[test]
fn too_many_calls_are_retried_after_a_backoff_if_the_service_names_no_time() {
    for received in [
        response(429, ""),
        response(429, "<html>"),
        throttled("soon"),
        throttled("-1"),
        throttled(""),
        response(
            503,
            r#"{"fault":{"code":900802,"message":"throttled out"}}"#,
        ),
        response(403, r#"{"fault":{"code":"900800"}}"#),
    ] {
        for mut call in [Actor::reads(), Actor::writes()] {
            let mut s = Scenario::open();
            call.sends(&mut s, Purpose::Work);
            call.receives(&mut s, received.clone());
            let wait = call.waits(&mut s);
            assert!(wait.until.since(s.now) <= SECOND, "{received:?}");
            s.pass_until(wait.until);
            call.works(&mut s);
        }
    }
}

#[test]
fn a_time_that_has_passed_is_no_reason_to_call_again_at_once_for_ever() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    let past = "Thu, 01 Jan 1970 00:00:00 GMT";
    let mut sent = 0;
    let error = loop {
        match call.step(&mut s) {
            Step::Send(_) => {
                sent += 1;
                assert!(sent < 10, "a loop");
                call.receives(&mut s, throttled(past));
            }
            Step::Wait(wait) => s.pass_until(wait.until),
            Step::Done(result) => break result.unwrap_err(),
        }
    };
    assert!(error.is_throttled());
    assert_eq!(sent, 3);
}

#[test]
fn a_call_that_would_have_to_wait_too_long_ends_and_says_when_to_call_again() {
    for asked in ["3600", "99999999999999999999999"] {
        for mut call in [Actor::reads(), Actor::writes()] {
            let mut s = Scenario::open();
            call.sends(&mut s, Purpose::Work);
            call.receives(&mut s, throttled(asked));
            let error = call.fails(&mut s);
            assert!(error.is_throttled(), "{error}");
            assert!(error.retry_at().unwrap() >= s.now + HOUR);
            assert_eq!(error.outcome(), Outcome::Refused, "it reached the service");
            assert_eq!(error.status().unwrap(), 429);
        }
    }
}

#[test]
fn how_long_a_call_waits_for_the_service_is_a_setting() {
    let mut s = Scenario::open_with(settings(|s| s.longest_wait = 2 * HOUR));
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, throttled("3600"));
    let wait = call.waits(&mut s);
    assert!(wait.until >= s.now + HOUR);
}

#[test]
fn a_token_fetch_that_is_throttled_delays_every_call_that_needs_one() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, throttled("20"));
    let asked = s.now + 20 * SECOND;
    for mut call in [call, Actor::reads()] {
        let wait = call.waits(&mut s);
        assert_eq!(wait.reason, WaitReason::Backoff);
        assert!(wait.until >= asked);
    }
    let [Event::BackingOff { until, .. }] = s.events()[..] else {
        panic!("no event");
    };
    assert!(until >= asked);
}

#[test]
fn a_token_fetch_that_is_throttled_for_long_ends_every_call_that_needs_one() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, throttled("600"));
    let error = call.fails(&mut s);
    assert!(error.is_throttled() && error.is_never_sent(), "{error}");
    let asked = s.now + 10 * MINUTE;
    assert!(error.retry_at().unwrap() >= asked);

    // One that comes later learns when to call again as well.
    s.pass(MINUTE);
    let error = Actor::reads().fails(&mut s);
    assert!(error.is_never_sent());
    assert!(error.retry_at().unwrap() >= asked);
    assert!(
        error
            .to_string()
            .starts_with("nothing was sent, because the session is backing off until"),
        "{error}"
    );

    s.pass_until(error.retry_at().unwrap());
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn law_12_the_service_is_asked_again_after_ten_minutes_whatever_it_asked_for() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, throttled("99999999999999999999"));
    let error = call.fails(&mut s);
    assert_eq!(error.retry_at(), Some(s.now + LONGEST_REQUESTED_BACKOFF));
    s.pass(LONGEST_REQUESTED_BACKOFF);
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn law_9_a_redirect_is_neither_followed_nor_retried() {
    for status in [301, 302, 303, 307, 308] {
        for call in [Actor::reads(), Actor::writes()] {
            let response = Response::builder()
                .status(status)
                .header("location", "https://evil.example/api/m2m/v1/work")
                .body(Bytes::new())
                .unwrap();
            let error = refused_at_once(call, Ok(response));
            assert_eq!(error.status().unwrap(), status);
            assert!(
                error.to_string().ends_with(
                    "redirects are not followed, because tokens would go elsewhere; check the environment's base address"
                ),
                "{error}"
            );
        }
    }
}

#[test]
fn a_resource_that_is_not_there_is_said_to_be_not_there() {
    for received in [
        response(404, ""),
        response(404, r#"{"errorCode":"S.REQUEST_FAILED.NotFound"}"#),
        response(
            400,
            r#"{"fault":{"code":900906,"message":"No matching resource"}}"#,
        ),
    ] {
        let error = refused_at_once(Actor::reads(), received);
        assert!(error.is_not_found() && !error.is_outcome_unknown());
        assert!(
            error
                .to_string()
                .ends_with("check the path and the names in it"),
            "{error}"
        );
    }
}

#[test]
fn any_other_refusal_ends_the_call_at_once() {
    for received in [
        refused("INPUT_INVALID.Request.InvalidCharacter"),
        response(400, ""),
        response(403, r#"{"fault":{"code":"900908"}}"#),
        response(405, "<html>"),
        response(409, "{}"),
        response(411, ""),
        response(422, "[]"),
    ] {
        for call in [Actor::reads(), Actor::writes()] {
            let error = refused_at_once(call, received.clone());
            assert!(!error.is_not_found() && !error.is_throttled());
            assert_eq!(error.outcome(), Outcome::Refused);
            assert_eq!(error.retry_at(), None);
            let advice = match error.refusal().unwrap().fault() {
                Some(_) => "check in the ThingSpace portal that the application may use this API",
                None => "correct the request before you retry it",
            };
            assert!(error.to_string().ends_with(advice), "{error}");
        }
    }
    let error = refused_at_once(
        Actor::writes(),
        refused("INPUT_INVALID.Request.InvalidCharacter"),
    );
    assert_eq!(
        error.to_string(),
        "the call was refused: 400 UnifiedWebService.INPUT_INVALID.Request.InvalidCharacter; ThingSpace takes some characters nowhere, such as ' < and \\; correct the request before you retry it"
    );
    assert_eq!(error.refusal().unwrap().message(), Some("message"));
}

#[test]
fn a_success_with_an_invalid_response_is_not_retried_and_is_the_callers_to_read() {
    let counted = |body: &str| {
        let mut s = Scenario::open();
        let mut call = Actor::new(Call::to(Count, &Environment::mock()).unwrap());
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, response(200, body));
        // The machine reads nothing of it, and the endpoint does after the last step.
        Count::parse(call.ends_with_response(&mut s))
    };
    for body in ["", "<html>", "[", "\"seven\"", "-1"] {
        let error = counted(body).unwrap_err();
        assert!(matches!(error, api::Error::Invalid { .. }), "{error}");
        assert_eq!(error.response().body(), body);
        assert!(error.refusal().is_none());
        let error = Error::from(error);
        assert!(
            error.is_invalid_response() && error.is_outcome_unknown(),
            "{error}"
        );
        assert_eq!(error.response().unwrap().body(), body);
    }
    assert_eq!(*counted("7").unwrap().body(), 7);
}

#[test]
fn a_success_says_why_it_can_not_be_read_and_nothing_of_what_it_holds() {
    for (body, why) in [
        (
            "\"hush\"",
            "the body has another shape than documented (line 1, column 6): invalid type: string, expected u32",
        ),
        (
            "-1",
            "the body has another shape than documented (line 1, column 2): invalid value: integer, expected u32",
        ),
        ("hush", "the body is not JSON (line 1, column 1)"),
    ] {
        let error = Count::parse(response(200, body).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), format!("the response is invalid: {why}"));
        let error = Error::from(error);
        assert_eq!(
            error.to_string(),
            format!(
                "the response is invalid: {why}; the call may have been executed, look before you retry it"
            )
        );
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
}

#[test]
fn law_10_no_more_of_a_response_is_read_than_is_taken_and_one_byte() {
    let mut s = Scenario::with(settings(|s| s.max_body = 1000));
    let mut call = Actor::reads();
    assert_eq!(call.sends(&mut s, Purpose::TokenFetch).read_limit, 1001);
    call.receives(&mut s, bearer("bearer-1"));
    assert_eq!(call.sends(&mut s, Purpose::LogIn).read_limit, 1001);
    call.receives(&mut s, session("session-1"));
    assert_eq!(call.sends(&mut s, Purpose::Work).read_limit, 1001);
}

#[test]
fn law_10_a_success_that_is_too_long_is_not_taken() {
    let limited = || Scenario::open().continued_with(settings(|s| s.max_body = 10));
    let mut s = limited();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, response(200, "0123456789"));
    assert_eq!(call.ends_with_response(&mut s).body(), "0123456789");

    for call in [Actor::reads(), Actor::writes()] {
        let (mut s, mut call) = (limited(), call);
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, response(200, "0123456789a"));
        let error = call.fails(&mut s);
        assert!(error.is_invalid_response() && error.is_outcome_unknown());
        assert_eq!(
            error.to_string(),
            "the response is invalid: the body is longer than the 10 bytes that are read; the call may have been executed, look before you retry it"
        );
    }
}

#[test]
fn law_10_a_refusal_that_is_too_long_is_a_refusal_that_says_nothing() {
    let mut s = Scenario::open().continued_with(settings(|s| s.max_body = 10));
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    let error = call.fails(&mut s);
    assert_eq!(
        (error.status().unwrap().as_u16(), error.code()),
        (400, None)
    );
    assert!(!error.is_invalid_response() && !error.is_session_refused());
    assert!(s.session.session_token().is_some(), "nothing says it ended");
}

#[test]
fn law_10_a_token_in_a_response_that_is_too_long_is_not_taken() {
    let mut s = Scenario::with(settings(|s| s.max_body = 100));
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer(&"b".repeat(100)));
    assert!(s.session.bearer_token().is_none());
    call.waits(&mut s);
}

#[test]
fn the_errors_of_a_call_say_what_happened_and_what_to_do() {
    let error = refused_at_once(Actor::writes(), lost());
    assert_eq!(
        error.to_string(),
        "no response came, so the call may have been executed; look before you retry it"
    );
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(
        cause.to_string(),
        "the HTTP stack sent the request and got no response"
    );
    assert_eq!(cause.source().unwrap().to_string(), "the connection broke");
    assert_eq!(
        refused_at_once(Actor::writes(), response(500, "<html>")).to_string(),
        "the call was refused: 500 (in no shape that ThingSpace documents); it may have been executed; look before you retry it"
    );

    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, response(401, r#"{"error":"invalid_client"}"#));
    assert_eq!(
        call.fails(&mut s).to_string(),
        "neither a login nor the call was sent, because the token fetch failed: no bearer token is given to this application (401 invalid_client); check its key and secret in the ThingSpace portal"
    );
}

#[test]
fn a_session_without_a_limit_on_bodies_says_so_without_overflow() {
    let mut s = Scenario::with(settings(|s| s.max_body = usize::MAX));
    let sent = Actor::reads().sends(&mut s, Purpose::TokenFetch);
    assert_eq!(sent.read_limit, usize::MAX);
}

#[test]
fn a_call_that_waited_learns_which_operation_failed() {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, Purpose::Work);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, session_expired());
    first.sends(&mut s, Purpose::LogIn);
    // It will need a token fetch, and a login after that.
    second.receives(&mut s, bearer_fault());
    second.waits(&mut s);
    first.receives(&mut s, unclear());
    let error = second.fails(&mut s);
    assert!(error.login_guard().is_some(), "it is about a login");
    assert_eq!(error.prerequisite(), Some(OperationKind::LogIn));
    assert!(!error.to_string().contains("the token fetch"), "{error}");
}

#[test]
fn the_stacks_own_words_are_at_the_end_of_the_chain() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    for _ in 0..3 {
        call.sends(&mut s, Purpose::TokenFetch);
        call.receives(&mut s, not_sent());
        s.pass(MINUTE);
    }
    let error = call.fails(&mut s);
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    assert_eq!(cause.to_string(), "no route");
}

#[test]
fn a_backoff_of_years_is_one_of_ten_minutes() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, throttled("999999999"));
    assert!(call.fails(&mut s).is_throttled());
    s.pass(8 * MINUTE);
    assert!(Actor::reads().fails(&mut s).retry_at().is_some());
    s.pass(2 * MINUTE);
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
}

#[test]
fn the_reason_why_a_token_could_not_be_had_leaves_no_doubt_about_the_call() {
    for (received, why) in [
        (lost(), "no response came; call again"),
        (
            response(503, ""),
            "503 (in no shape that ThingSpace documents); call again later",
        ),
        (
            response(200, "yes"),
            "the response is invalid: the body is not JSON (line 1, column 1); call again later",
        ),
        (
            response(302, ""),
            "302 (in no shape that ThingSpace documents); redirects are not followed, because tokens would go elsewhere; check the environment's base address",
        ),
    ] {
        let mut s = Scenario::with(settings(|s| s.max_attempts = attempts(1)));
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::TokenFetch);
        call.receives(&mut s, received);
        let error = call.fails(&mut s);
        let said =
            format!("neither a login nor the call was sent, because the token fetch failed: {why}");
        assert_eq!(error.to_string(), said);
        assert!(error.is_never_sent());
    }
}

#[test]
fn a_token_fetch_that_was_lost_is_not_held_against_the_login_after_it() {
    let mut s = Scenario::new();
    let mut login = Actor::log_in();
    login.sends(&mut s, Purpose::TokenFetch);
    login.receives(&mut s, lost());
    let wait = login.waits(&mut s);
    s.pass_until(wait.until);
    login.fetches(&mut s, "bearer-1");
    login.sends(&mut s, Purpose::LogIn);
    login.receives(&mut s, wrong_password());
    let error = login.fails(&mut s);
    assert!(
        matches!(error.kind(), ErrorKind::WrongCredentials { .. }),
        "{error}"
    );
    assert_eq!(error.outcome(), Outcome::Refused);
}

#[test]
fn law_12_an_outages_page_that_asks_for_a_day_delays_no_call_for_more_than_ten_minutes() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    let page = Response::builder()
        .status(503)
        .header("retry-after", "86400");
    call.receives(&mut s, Ok(page.body(Bytes::from("<html>")).unwrap()));
    call.fails(&mut s);
    let longest = s.now + 10 * MINUTE;
    for mut call in [Actor::reads(), Actor::writes(), Actor::log_in()] {
        let error = call.fails(&mut s);
        assert!(error.is_never_sent(), "{error}");
        assert!(error.retry_at().unwrap() <= longest, "{error}");
    }
    s.pass_until(longest);
    let mut call = Actor::reads();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    call.works(&mut s);
}

#[test]
fn a_backoff_is_ended_by_name_and_the_next_one_is_as_short_as_the_first() {
    let mut s = Scenario::with(settings(|s| {
        s.max_attempts = attempts(1);
        s.first_backoff = 10 * SECOND;
    }));
    for received in [not_sent(), not_sent(), not_sent(), throttled("600")] {
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::TokenFetch);
        call.receives(&mut s, received);
        call.fails(&mut s);
        if !s.events().is_empty() {
            s.watch(|session, _| session.retry_now());
        }
    }
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, not_sent());
    call.fails(&mut s);
    let wait = Actor::reads().waits(&mut s);
    assert!(wait.until <= s.now + 10 * SECOND, "{wait:?}");
    // A call that waits goes on at once.
    let mut call = Actor::reads();
    call.waits(&mut s);
    s.watch(|session, _| session.retry_now());
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    call.works(&mut s);
}

#[test]
fn who_ends_a_backoff_where_there_is_none_changes_nothing() {
    let mut s = Scenario::open();
    let (before, version) = (s.at_rest(), s.session.version());
    s.session.retry_now();
    assert_eq!((s.at_rest(), s.session.version()), (before, version));
}

#[test]
fn law_2_who_ends_a_backoff_by_name_leaves_the_login_guard_as_it_is() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, throttled("600"));
    call.fails(&mut s);
    let guard = s.session.login_guard();
    assert_eq!((guard.failed_logins, guard.attempts_left), (1, 1));
    s.watch(|session, _| session.retry_now());
    assert_eq!(s.session.login_guard(), guard);
    // The backoff of ten minutes is over, and the guard's half minute is not.
    let wait = Actor::log_in().waits(&mut s);
    assert_eq!(Some(wait.until), guard.next_login);

    s.pass_until(wait.until);
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, wrong_password());
    assert!(call.fails(&mut s).is_wrong_credentials());
    s.watch(|session, _| session.retry_now());
    assert!(Actor::log_in().fails(&mut s).is_blocked());
}
