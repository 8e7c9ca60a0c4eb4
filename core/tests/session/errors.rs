//! The errors of calls: each says what happened, what came before, and what to
//! do next.

use std::{error::Error as _, num::NonZeroU32};

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    Call, CallOptions, Error, ErrorCode, ErrorKind, InvalidResponse, Outcome, Step, StoreError,
    Timestamp, TransportError, api,
    response::Problem,
    session::{BlockReason, Failure, MaxFailedLogins, OperationKind},
};

use crate::scenario::*;

const CODE: &str = "UnifiedWebService.REQUEST_FAILED.Unclear";

/// A session without retries that has a bearer token, and the error of its first
/// login, which has this result.
fn after_login(received: Received) -> (Scenario, Error) {
    let mut s = Scenario::with(settings(|s| s.max_attempts = NonZeroU32::MIN));
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, received);
    let error = call.fails(&mut s);
    (s, error)
}

/// Checks that a failure is of this operation, moment, status and code.
#[track_caller]
fn assert_because(
    error: &Error,
    operation: Option<OperationKind>,
    at: Timestamp,
    refusal: Option<(u16, &str)>,
) {
    let because = error.because().expect("no reason");
    assert_eq!(because.operation(), operation);
    assert_eq!(because.at(), at);
    assert_eq!(
        because.status().map(|status| status.as_u16()),
        refusal.map(|(status, _)| status)
    );
    assert_eq!(
        because.code().map(ToString::to_string),
        refusal.map(|(_, code)| code.to_owned())
    );
    // It is in the sentence, and once.
    let said = error.to_string();
    assert_eq!(said.matches(&because.to_string()).count(), 1, "{said}");
}

#[test]
fn law_16_an_error_that_says_blocked_says_what_came_before() {
    let (mut s, _) = after_login(unclear());
    let mut call = Actor::log_in();
    s.pass(MINUTE);
    call.fetches(&mut s, "bearer-2");
    call.sends(&mut s, Purpose::LogIn);
    s.pass(SECOND);
    call.receives(&mut s, unclear());
    call.fails(&mut s);
    let failed = s.now;

    s.pass(50 * MINUTE);
    let mut restarted = s.clone();
    restarted.restart("IMgr8");
    for s in [&mut s, &mut restarted] {
        let error = Actor::reads().fails(s);
        assert!(error.is_blocked() && error.is_never_sent());
        let login = Some(OperationKind::LogIn);
        assert_because(&error, login, failed, Some((400, CODE)));
        assert_eq!(
            error.to_string(),
            format!(
                "nothing was sent, because the login guard is blocked: as many logins failed or were lost as may; find out why, then unblock the guard for one more, or give other credentials (2 failed since the last success; the platform locks the user name at 5); before that, the login was refused (400 {CODE}) at {failed}"
            )
        );
    }
}

#[test]
fn law_16_a_login_that_was_lost_is_a_reason_as_well() {
    let (mut s, _) = after_login(lost());
    s.pass(MINUTE);
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, response(200, "{}"));
    let error = call.fails(&mut s);
    assert!(error.is_invalid_response(), "{error}");
    let failed = s.now;
    let mut restarted = s.clone();
    restarted.restart("IMgr8");
    for s in [&mut s, &mut restarted] {
        let error = Actor::reads().until(s.now + SECOND).fails(s);
        assert!(error.is_never_sent() && !error.is_blocked(), "{error}");
        assert_because(&error, Some(OperationKind::LogIn), failed, None);
        let until = error.retry_at().unwrap();
        assert_eq!(
            error.to_string(),
            format!(
                "nothing was sent, because the session is backing off until {until} (the login had an invalid response at {failed}); call again then"
            )
        );
    }

    // One that was allowed by name, and lost, blocks the guard.
    s.unblocks();
    let mut call = Actor::log_in();
    call.loses_login(&mut s);
    let failed = s.now;
    let error = Actor::reads().fails(&mut s);
    assert!(error.is_blocked(), "{error}");
    assert_because(&error, Some(OperationKind::LogIn), failed, None);
    assert!(
        error.to_string().ends_with(&format!(
            "; before that, the login had no response at {failed}"
        )),
        "{error}"
    );
}

#[test]
fn law_16_a_guard_that_a_reset_blocked_says_so() {
    for (received, refusal) in [
        (lost(), None),
        (
            refused("INPUT_INVALID.OldPassword.Incorrect"),
            Some((400, "UnifiedWebService.INPUT_INVALID.OldPassword.Incorrect")),
        ),
    ] {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, Purpose::Reset);
        reset.receives(&mut s, received);
        reset.fails(&mut s);
        let failed = s.now;
        s.pass(20 * MINUTE);
        let mut restarted = s.clone();
        restarted.restart("IMgr8");
        for s in [&mut s, &mut restarted] {
            let error = Actor::reads().fails(s);
            assert!(error.is_blocked());
            let reset = Some(OperationKind::PasswordReset);
            assert_because(&error, reset, failed, refusal);
        }
    }
}

#[test]
fn law_16_an_error_that_says_backing_off_says_what_came_before() {
    for (received, refusal) in [
        (throttled("600"), Some((429, None))),
        (unavailable(Some(CODE)), Some((503, Some(CODE)))),
    ] {
        let mut s = Scenario::new();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::TokenFetch);
        s.pass(SECOND);
        let failed = s.now;
        call.receives(&mut s, received);
        call.fails(&mut s);

        s.pass(MINUTE);
        let mut restarted = s.clone();
        restarted.restart("IMgr8");
        for s in [&mut s, &mut restarted] {
            let error = Actor::reads().fails(s);
            assert!(matches!(error.kind(), ErrorKind::BackingOff { .. }));
            assert!(error.is_never_sent());
            let until = error.retry_at().unwrap();
            assert!(until >= failed + 10 * MINUTE);
            let because = error.because().unwrap();
            assert_eq!(because.operation(), Some(OperationKind::TokenFetch));
            assert_eq!(because.at(), failed);
            let status = because.status().map(|status| status.as_u16());
            let code = because.code().map(ErrorCode::as_str);
            assert_eq!(status.map(|status| (status, code)), refusal);
            assert_eq!(
                error.to_string(),
                format!(
                    "nothing was sent, because the session is backing off until {until} ({because}); call again then"
                )
            );
        }
    }
}

/// A refusal that may pass, and asks for an hour.
fn unavailable(code: Option<&str>) -> Received {
    let body = code.map_or(String::new(), |code| format!(r#"{{"errorCode":"{code}"}}"#));
    let response = http::Response::builder()
        .status(503)
        .header("retry-after", "3600");
    Ok(response.body(Bytes::from(body)).unwrap())
}

#[test]
fn law_16_an_error_that_says_cooling_down_says_what_came_before() {
    let mut s = Scenario::open();
    for round in 0..4 {
        s.pass(96 * SECOND);
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, session_expired());
        if round == 2 {
            let wait = call.waits(&mut s);
            s.pass_until(wait.until);
        }
        if round < 3 {
            call.logs_in(&mut s, "another");
            call.works(&mut s);
        }
    }
    let refused = s.now;
    s.pass(SECOND);
    let mut restarted = s.clone();
    restarted.restart("IMgr8");
    for s in [&mut s, &mut restarted] {
        let error = Actor::reads().fails(s);
        let ErrorKind::CoolingDown { until, .. } = error.kind() else {
            panic!("{error}");
        };
        assert_eq!(*until, refused + 2 * MINUTE);
        let code = "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired";
        assert_because(&error, None, refused, Some((400, code)));
        assert_eq!(
            error.to_string(),
            format!(
                "nothing was sent, because new sessions keep being refused and logins cool down until {until} (the session was refused (400 {code}) at {refused}); look for another program that logs in with the same user name"
            )
        );
    }
}

#[test]
fn a_login_whose_token_fetch_failed_says_that_no_login_was_sent() {
    for received in [
        lost(),
        not_sent(),
        response(503, ""),
        response(200, "yes"),
        throttled("3600"),
        response(401, r#"{"error":"invalid_client"}"#),
    ] {
        let mut s = Scenario::with(settings(|s| s.max_attempts = NonZeroU32::MIN));
        let mut login = Actor::log_in();
        login.sends(&mut s, Purpose::TokenFetch);
        let case = format!("{received:?}");
        login.receives(&mut s, received);
        let error = login.fails(&mut s);
        assert_eq!(
            error.prerequisite(),
            Some(OperationKind::TokenFetch),
            "{case}"
        );
        assert_eq!(error.outcome(), Outcome::NeverSent, "{case}");
        assert!(
            error.is_never_sent() && !error.is_outcome_unknown(),
            "{case}"
        );
        assert!(
            error.to_string().starts_with(
                "neither a login nor the call was sent, because the token fetch failed: "
            ),
            "{error}"
        );
        assert_eq!(s.session.login_guard().failed_logins, 0);
    }
}

/// The error of a call whose first request of this purpose is refused so.
fn refused_at(purpose: Purpose, received: &Received) -> Error {
    let mut s = Scenario::with(settings(|s| s.max_attempts = NonZeroU32::MIN));
    let mut call = match purpose {
        Purpose::LogOut => Actor::log_out(),
        Purpose::Reset => Actor::reset_password(),
        _ => Actor::reads(),
    };
    if purpose == Purpose::LogOut {
        s = Scenario::open_with(s.session.settings().clone());
    } else if purpose != Purpose::TokenFetch {
        call.fetches(&mut s, "bearer-1");
        if purpose != Purpose::LogIn {
            call.logs_in(&mut s, "session-1");
        }
    }
    call.sends(&mut s, purpose);
    call.receives(&mut s, received.clone());
    call.fails(&mut s)
}

/// What somebody on the way says, each with a word of the advice about it.
fn on_the_way() -> Vec<(Received, &'static str)> {
    vec![
        (response(407, ""), "a proxy on the way wants a user name"),
        (response(407, "<html>"), "give them to the HTTP stack"),
        (response(403, "<html>blocked</html>"), "look for a firewall"),
        (response(403, ""), "look for a firewall or proxy on the way"),
        (response(302, ""), "check the environment's base address"),
    ]
}

#[test]
fn what_a_proxy_or_firewall_says_blames_neither_request_nor_application() {
    for purpose in [
        Purpose::TokenFetch,
        Purpose::LogIn,
        Purpose::Work,
        Purpose::LogOut,
        Purpose::Reset,
    ] {
        for (received, advice) in on_the_way() {
            let error = refused_at(purpose, &received);
            let said = error.to_string();
            // A reset that a redirect answered may have been made, and that comes first.
            if !error.is_password_in_doubt() {
                assert!(said.contains(advice), "{purpose:?}: {said}");
            }
            for blamed in ["key and secret", "correct the request", "may use this API"] {
                assert!(!said.contains(blamed), "{purpose:?}: {said}");
            }
            assert!(!error.is_wrong_app() && !error.is_wrong_credentials());
        }
    }
}

#[test]
fn a_refused_token_fetch_says_what_to_check() {
    let portal = "check its key and secret in the ThingSpace portal";
    let base = "check the environment's base address";
    for (status, body, is_wrong_app, advice) in [
        (401, r#"{"error":"invalid_client"}"#, true, portal),
        (400, r#"{"error":"unauthorized_client"}"#, true, portal),
        (401, "", true, portal),
        (
            403,
            "<ams:fault><ams:code>900908</ams:code></ams:fault>",
            true,
            portal,
        ),
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            true,
            "check the scopes in the settings",
        ),
        (400, r#"{"error":"unsupported_grant_type"}"#, true, base),
        (400, r#"{"error":"invalid_request"}"#, true, base),
        (401, "<html>", false, base),
        (404, "<html>", false, base),
        (405, "", false, base),
        (403, "<html>", false, "look for a firewall"),
    ] {
        let error = refused_at(Purpose::TokenFetch, &response(status, body));
        let said = error.to_string();
        assert_eq!(error.is_wrong_app(), is_wrong_app, "{said}");
        assert!(said.contains(advice), "{said}");
        assert_eq!(said.contains(portal), advice == portal, "{said}");
    }
}

#[test]
fn characters_that_thingspace_does_not_take_are_named() {
    let received = refused("INPUT_INVALID.Request.InvalidCharacter");
    for purpose in [Purpose::LogIn, Purpose::Work, Purpose::Reset] {
        let said = refused_at(purpose, &received).to_string();
        assert!(
            said.contains("ThingSpace") && said.contains("such as ' < and \\"),
            "{purpose:?}: {said}"
        );
        let is_login = purpose == Purpose::LogIn;
        assert_eq!(said.contains("is in the credentials"), is_login, "{said}");
        assert!(!said.contains("perhaps for its credentials"), "{said}");
    }
}

#[test]
fn an_api_that_the_application_may_not_use_is_not_the_requests_fault() {
    for body in [
        r#"{"fault":{"code":900908}}"#,
        r#"{"code":"900908","message":"Resource forbidden"}"#,
        "<ams:fault><ams:code>900908</ams:code></ams:fault>",
    ] {
        for purpose in [Purpose::LogIn, Purpose::Work] {
            let said = refused_at(purpose, &response(403, body)).to_string();
            let advice = "check in the ThingSpace portal that the application may use this API";
            assert!(said.ends_with(advice), "{purpose:?}: {said}");
        }
    }
}

#[test]
fn a_response_that_broke_off_is_not_said_to_be_missing() {
    let part = response(200, "{\"wo").unwrap();
    let received = Err(TransportError::broken_off(part, "reset by peer"));
    let error = refused_at(Purpose::Work, &received);
    assert_eq!(error.response().unwrap().body(), "{\"wo");
    assert_eq!(
        error.to_string(),
        "only a part of the response came, so the call may have been executed; look before you retry it"
    );
    let said = refused_at(Purpose::Reset, &received).to_string();
    assert!(said.contains("only a part of the response came;"), "{said}");
    let said = refused_at(Purpose::LogIn, &received).to_string();
    assert!(
        said.ends_with("only a part of the response came; call again"),
        "{said}"
    );
}

#[test]
fn a_refusal_with_the_status_of_a_success_is_one() {
    let body = r#"{"errorCode":"S.REQUEST_FAILED.Unclear","errorMessage":"m"}"#;
    for purpose in [
        Purpose::LogIn,
        Purpose::Work,
        Purpose::LogOut,
        Purpose::Reset,
    ] {
        let error = refused_at(purpose, &response(200, body));
        assert!(error.code().unwrap().is("REQUEST_FAILED.Unclear"));
        assert_eq!(error.status().unwrap(), 200, "{purpose:?}");
        assert!(!error.is_outcome_unknown() && !error.is_password_in_doubt());
    }
    // A dead session is told, and a new one used.
    let mut s = Scenario::open();
    let mut call = Actor::writes();
    call.sends(&mut s, Purpose::Work);
    let expired = session_expired().unwrap().map(|body| body);
    call.receives(&mut s, Ok(Response::new(expired.into_body())));
    call.logs_in(&mut s, "session-2");
    call.works(&mut s);
}

#[test]
fn a_success_of_another_product_that_has_a_field_of_this_name_is_its_callers() {
    for body in [
        r#"{"devices":[],"errorCode":"S.REQUEST_FAILED.Unclear"}"#,
        r#"{"errorCode":"0","errorMessage":"Success"}"#,
        r#"{"errorCode":null,"requestId":"r"}"#,
        r#"[{"errorCode":"S.REQUEST_FAILED.Unclear"}]"#,
    ] {
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, response(200, body));
        assert_eq!(call.ends_with_response(&mut s).body(), body);
    }
}

#[test]
fn a_login_that_failed_is_what_an_explicit_login_asked_for_and_what_others_needed() {
    for (received, explicit) in [
        (lost(), Outcome::Unknown),
        (response(503, ""), Outcome::Unknown),
        (unclear(), Outcome::Refused),
        (wrong_password(), Outcome::Refused),
        (not_sent(), Outcome::NeverSent),
    ] {
        let mut s = Scenario::with(settings(|s| s.max_attempts = NonZeroU32::MIN));
        let (mut named, mut other) = (Actor::log_in(), Actor::reads());
        named.fetches(&mut s, "bearer-1");
        named.sends(&mut s, Purpose::LogIn);
        other.waits(&mut s);
        let case = format!("{received:?}");
        named.receives(&mut s, received);
        let error = named.fails(&mut s);
        assert_eq!(error.prerequisite(), None, "{case}");
        assert_eq!(error.outcome(), explicit, "{case}");
        let error = other.fails(&mut s);
        assert_eq!(error.prerequisite(), Some(OperationKind::LogIn), "{case}");
        assert_eq!(error.outcome(), Outcome::NeverSent, "{case}");
        assert!(
            error
                .to_string()
                .starts_with("the call was not sent, because the login failed: "),
            "{error}"
        );
    }
}

#[test]
fn calls_that_waited_for_a_login_get_the_whole_refusal() {
    let body = r#"{"errorCode":"S.INPUT_INVALID.Password","errorMessage":"3 of 5"}"#;
    let mut s = Scenario::new();
    let (mut first, mut second, mut third) = (Actor::log_in(), Actor::writes(), Actor::log_in());
    first.fetches(&mut s, "bearer-1");
    let login = first.begins(&mut s, Purpose::LogIn);
    second.waits(&mut s);
    third.waits(&mut s);
    // Even if the call that began it is gone.
    drop(first);
    s.receives(login, response(400, body));
    for call in [&mut second, &mut third] {
        let error = call.fails(&mut s);
        assert!(matches!(error.kind(), ErrorKind::WrongCredentials { .. }));
        assert_eq!(error.refusal().unwrap().message(), Some("3 of 5"));
        assert_eq!(error.response().unwrap().body(), body);
        assert_eq!(error.status().unwrap(), 400);
        assert!(error.code().unwrap().is("INPUT_INVALID.Password"));
    }
    // One that comes later learns that logins are blocked, and why.
    let error = Actor::log_in().fails(&mut s);
    assert!(matches!(error.kind(), ErrorKind::Blocked { .. }), "{error}");
    assert!(error.is_wrong_credentials());
    assert_because(
        &error,
        Some(OperationKind::LogIn),
        s.now,
        Some((400, "S.INPUT_INVALID.Password")),
    );
}

#[test]
fn another_process_gets_the_status_and_the_code_of_the_refusal() {
    for (received, kind) in [
        (wrong_password(), "WrongCredentials"),
        (unclear(), "LoginRefused"),
    ] {
        let mut here = Scenario::new();
        let (mut first, mut there_waits) = (Actor::log_in(), Actor::writes());
        first.fetches(&mut here, "bearer-1");
        let login = first.begins(&mut here, Purpose::LogIn);
        // It looked before the result came, and looks at the snapshot of after it.
        there_waits.waits(&mut here.clone());
        let expected = received.clone().unwrap();
        here.receives(login, received);
        let mut there = here.clone();
        there.restart("IMgr8");

        let error = there_waits.fails(&mut there);
        let shown = format!("{:?}", error.kind());
        assert!(shown.starts_with(kind), "{shown}");
        assert_eq!(error.prerequisite(), Some(OperationKind::LogIn));
        assert_eq!(error.status(), Some(expected.status()));
        let here_said = first.fails(&mut here);
        assert_eq!(error.code(), here_said.code());
        assert_eq!(error.login_guard(), here_said.login_guard());
        assert_eq!(here_said.refusal().unwrap().message(), Some("message"));
        assert_eq!(error.refusal().unwrap().message(), None);
        assert_eq!(error.response().unwrap().body(), "");
    }
}

/// The error of a call that sends its own request once and receives this.
fn of_request(mut call: Actor, received: &Received) -> Error {
    let mut s = Scenario::open_with(settings(|s| s.max_attempts = NonZeroU32::MIN));
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, received.clone());
    call.fails(&mut s)
}

/// An error of every kind, with the kind's name.
fn every_kind() -> Vec<(&'static str, Error)> {
    let mut all = Vec::new();

    let foreign = Request::get("https://evil.example/api").body(Bytes::new());
    let call = Call::new(foreign.unwrap(), CallOptions::once());
    let error = Actor::new(call).fails(&mut Scenario::open());
    all.push(("Request", error));

    let (mut s, error) = after_login(wrong_password());
    all.push(("WrongCredentials", error));
    all.push(("Blocked", Actor::reads().fails(&mut s)));
    all.push(("LoginRefused", after_login(unclear()).1));

    for (name, received) in [
        ("AppRefused", response(401, r#"{"error":"invalid_client"}"#)),
        ("Throttled", throttled("3600")),
    ] {
        let mut s = Scenario::new();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::TokenFetch);
        call.receives(&mut s, received);
        all.push((name, call.fails(&mut s)));
        if name == "Throttled" {
            all.push(("BackingOff", Actor::reads().fails(&mut s)));
        }
    }

    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, bearer_fault());
    call.fetches(&mut s, "bearer-2");
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, bearer_fault());
    all.push(("BearerRefused", call.fails(&mut s)));

    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    call.logs_in(&mut s, "session-2");
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    all.push(("SessionRefused", call.fails(&mut s)));
    let mut call = Actor::reads();
    call.logs_in(&mut s, "session-3");
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, session_expired());
    let hasty = Actor::reads().until(s.now + SECOND).fails(&mut s);
    all.push(("CoolingDown", hasty));

    let mut s = Scenario::open().continued_with(settings(|s| s.max_body = 1));
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(&mut s, done());
    all.push(("InvalidResponse", call.fails(&mut s)));

    for (name, received) in [
        ("Refused", response(404, "")),
        ("Refused", response(503, "")),
        ("Refused", response(302, "")),
        ("Refused", unclear()),
        ("Throttled", throttled("3600")),
        ("NeverSent", not_sent()),
        ("NoResponse", lost()),
    ] {
        all.push((name, of_request(Actor::writes(), &received)));
    }

    let store = Register::new();
    store.breaks();
    let mut s = Scenario::sharing(&store);
    all.push(("Store", Actor::reads().fails(&mut s)));

    let mut s = Scenario::open();
    let mut reset = Actor::reset_password();
    reset.sends(&mut s, Purpose::Reset);
    reset.receives(&mut s, new_password("Wh0a"));
    let new = reset.ends_with_password(&mut s);
    let unsaved = Error::not_confirmed(new.clone(), StoreError::new("the disk is full"));
    all.push(("NotConfirmed", unsaved));
    s.is_given("another");
    let late = s.session.confirm(&new).unwrap_err();
    all.push(("NotAwaited", late.into()));

    let mut s = Scenario::open();
    let mut late = Actor::reads().until(s.now);
    all.push(("TimedOut", late.fails(&mut s)));
    all.push(("CallFinished", late.fails(&mut s)));
    all
}

/// The errors that say more than their kind: what was needed first, an earlier
/// attempt, a password in doubt.
fn more_than_a_kind() -> Vec<Error> {
    let mut all = Vec::new();
    for received in [
        lost(),
        not_sent(),
        response(503, ""),
        response(200, "{}"),
        unclear(),
        wrong_password(),
        throttled("3600"),
        response(302, ""),
    ] {
        for purpose in [Purpose::TokenFetch, Purpose::LogIn, Purpose::Reset] {
            let mut s = Scenario::with(settings(|s| s.max_attempts = NonZeroU32::MIN));
            let mut call = match purpose {
                Purpose::Reset => Actor::reset_password(),
                _ => Actor::reads(),
            };
            if purpose != Purpose::TokenFetch {
                call.fetches(&mut s, "bearer-1");
            }
            if purpose == Purpose::Reset {
                call.logs_in(&mut s, "session-1");
            }
            call.sends(&mut s, purpose);
            call.receives(&mut s, received.clone());
            all.push(call.fails(&mut s));
        }
        if received
            .as_ref()
            .is_ok_and(|response| response.status().is_success())
        {
            continue;
        }
        let mut s = Scenario::open();
        let mut call = Actor::reads();
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, lost());
        let wait = call.waits(&mut s);
        s.pass_until(wait.until);
        call.sends(&mut s, Purpose::Work);
        call.receives(&mut s, received);
        let error = loop {
            match call.step(&mut s) {
                Step::Wait(wait) => s.pass_until(wait.until),
                Step::Send(_) => call.receives(&mut s, not_sent()),
                Step::Done(result) => break result.unwrap_err(),
            }
        };
        all.push(error);
    }
    all
}

#[test]
fn every_kind_of_error_has_its_name_and_its_outcome() {
    let mut names = Vec::new();
    for (name, error) in every_kind() {
        let shown = format!("{:?}", error.kind());
        let end = shown.find([' ', '(']).unwrap_or(shown.len());
        assert_eq!(&shown[..end], name);
        names.push(name);
        let never = matches!(
            name,
            "Request"
                | "Blocked"
                | "CoolingDown"
                | "BackingOff"
                | "NeverSent"
                | "Store"
                | "NotAwaited"
                | "TimedOut"
                | "CallFinished"
        ) || error.prerequisite().is_some();
        assert_eq!(error.is_never_sent(), never, "{name}: {error}");
        assert_eq!(
            error.clone().unless_not_awaited().is_ok(),
            name == "NotAwaited"
        );
        let reached = error.clone().into_kind();
        assert!(format!("{reached:?}").starts_with(name));
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 19, "of 19 kinds: {names:?}");
}

/// The parts of a sentence between its marks.
fn clauses(said: &str) -> Vec<&str> {
    let clauses = said.split(['(', ')', ':', ';', ',']).map(str::trim);
    clauses.filter(|clause| clause.len() > 3).collect()
}

#[test]
fn an_error_never_says_what_its_source_says_nor_the_services_own_words() {
    let errors = every_kind().into_iter().map(|(_, error)| error);
    for error in errors.chain(more_than_a_kind()) {
        let said = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            assert!(!said.contains(&text), "{said:?} contains {text:?}");
            source = cause.source();
        }
        assert!(!said.contains("message"), "the service's own words: {said}");
    }
}

#[test]
fn an_error_says_each_thing_once() {
    let errors = every_kind().into_iter().map(|(_, error)| error);
    let mut twice = Vec::new();
    for error in errors.chain(more_than_a_kind()) {
        let mut said = error.to_string();
        // Two moments may well be of one day.
        let moments = [error.retry_at(), error.because().map(Failure::at)];
        for moment in moments.into_iter().flatten() {
            said = said.replacen(&moment.to_string(), "", 1);
        }
        let mut clauses = clauses(&said);
        let all = clauses.len();
        clauses.sort_unstable();
        clauses.dedup();
        let code = error.code().or_else(|| error.because()?.code());
        let is_said_once = |code: &ErrorCode| said.matches(code.as_str()).count() == 1;
        if clauses.len() != all || !code.is_none_or(is_said_once) {
            twice.push(said);
        }
    }
    assert!(twice.is_empty(), "{twice:#?}");
}

#[test]
fn an_error_knows_by_itself_if_it_has_a_source() {
    for (name, error) in every_kind() {
        let has_source = matches!(name, "NeverSent" | "NoResponse" | "Store" | "NotConfirmed");
        assert_eq!(error.source().is_some(), has_source, "{name}");
        let is_transport = matches!(name, "NeverSent" | "NoResponse");
        assert_eq!(error.transport().is_some(), is_transport, "{name}");
    }
}

#[test]
fn an_outcome_says_what_became_of_a_call() {
    for (received, outcome, said) in [
        (not_sent(), Outcome::NeverSent, "it was never sent"),
        (response(404, ""), Outcome::Refused, "it was refused"),
        (lost(), Outcome::Unknown, "it may have been executed"),
    ] {
        let error = of_request(Actor::writes(), &received);
        assert_eq!(error.outcome(), outcome);
        assert_eq!(outcome.to_string(), said);
        assert!(format!("{error:?}").contains(&format!("{outcome:?}")));
    }
}

#[test]
fn only_errors_about_what_came_before_have_a_reason() {
    for (name, error) in every_kind() {
        let has_reason = matches!(name, "Blocked" | "CoolingDown" | "BackingOff");
        assert_eq!(error.because().is_some(), has_reason, "{name}");
    }
}

#[test]
fn another_process_is_told_of_a_token_fetch_what_became_of_it() {
    for (received, kind) in [
        (not_sent(), "NeverSent"),
        (lost(), "NoResponse"),
        (response(401, r#"{"error":"invalid_client"}"#), "AppRefused"),
        (response(403, ""), "Refused"),
    ] {
        let once = settings(|s| s.max_attempts = NonZeroU32::MIN);
        let mut here = Scenario::with(once.clone());
        let (mut first, mut there_waits) = (Actor::reads(), Actor::writes());
        let fetch = first.begins(&mut here, Purpose::TokenFetch);
        there_waits.waits(&mut here.clone());
        here.receives(fetch, received);
        let mut there = here.continued_with(once);
        let error = there_waits.fails(&mut there);
        let shown = format!("{:?}", error.kind());
        assert!(shown.starts_with(kind), "{shown}");
        assert_eq!(error.prerequisite(), Some(OperationKind::TokenFetch));
        assert!(first.fails(&mut here).is_never_sent() && error.is_never_sent());
    }
}

#[test]
fn an_error_of_an_endpoint_becomes_the_error_of_a_call() {
    use thingspace_core::{Endpoint, api::LogIn};
    let refused = LogIn::parse(unclear().unwrap()).unwrap_err();
    assert!(matches!(refused, api::Error::Refused(_)));
    let said = refused.to_string();
    let error = Error::from(refused);
    assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error}");
    assert_eq!(error.code().unwrap().as_str(), CODE);
    assert!(error.to_string().starts_with(&said), "{error}");

    let invalid = LogIn::parse(response(200, "{}").unwrap()).unwrap_err();
    let error = Error::from(invalid);
    let ErrorKind::InvalidResponse { invalid, .. } = error.kind() else {
        panic!("{error}");
    };
    let missing = InvalidResponse::new("sessionToken", Problem::Missing);
    assert_eq!(invalid, &missing);
    assert_eq!(error.response().unwrap().body(), "{}");
}

#[test]
fn an_error_that_is_not_about_blocked_logins_does_not_say_so() {
    let (_, error) = after_login(unclear());
    assert!(!error.is_blocked() && !error.is_wrong_credentials());
    assert_eq!(error.login_guard().unwrap().attempts_left, 1);
    assert_eq!(error.because(), None);

    let settings = settings(|s| s.max_failed_logins = MaxFailedLogins::new(1).unwrap());
    let mut s = Scenario::with(settings);
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, unclear());
    let error = call.fails(&mut s);
    assert!(error.is_blocked() && !error.is_never_sent());
    let reason = Some(BlockReason::BudgetSpent);
    assert_eq!(error.login_guard().unwrap().blocked, reason);
}

#[test]
fn a_call_whose_login_was_lost_is_told_all_of_the_one_that_came_after_it() {
    let mut s = Scenario::new();
    let mut first = Actor::log_in();
    first.fetches(&mut s, "bearer-1");
    let lost = first.begins(&mut s, Purpose::LogIn);
    let mut waits = Actor::writes();
    waits.waits(&mut s);
    s.abandons(lost);
    drop(first);
    s.pass(MINUTE);
    let mut second = Actor::log_in();
    second.sends(&mut s, Purpose::LogIn);
    second.receives(&mut s, unclear());
    let error = waits.fails(&mut s);
    assert_eq!(error.refusal().unwrap().message(), Some("message"));
}
