//! `login` and `logout`.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use thingspace_scenarios::unused_address;
use thingspace_simulator::{Call, Fault};

use crate::stage::*;

#[test]
fn a_login_opens_a_session_that_the_next_login_uses() {
    let stage = Stage::new();
    stage.run(&["login"]).succeeds().prints("was opened at 20");
    stage
        .run(&["login"])
        .succeeds()
        .prints("has been open since 20");
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::BearerToken), 1);
}

#[test]
fn a_login_is_reported_as_json() {
    let stage = Stage::new();
    let first = stage.run(&["login", "--json"]).succeeds().json();
    let second = stage.run(&["login", "--json"]).succeeds().json();
    assert_eq!(first["opened"], true);
    assert_eq!(second["opened"], false);
    // The session's file is some milliseconds older each time that it is read.
    let opened_at = |login: &Value| {
        let time = login["opened_at"].as_str().unwrap();
        humantime::parse_rfc3339(time).unwrap()
    };
    let moved = opened_at(&second).duration_since(opened_at(&first));
    assert!(moved.unwrap() <= Duration::from_secs(1));
    assert!(first["opened_at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_logout_ends_the_session_for_all() {
    let stage = Stage::open();
    stage
        .run(&["logout"])
        .succeeds()
        .prints("The session is over.");
    stage
        .run(&["logout"])
        .succeeds()
        .prints("No session was open.");
    assert_eq!(stage.done(Call::LogOut), 1);
    stage.run(&["login"]).succeeds();
    assert_eq!(stage.run(&["logout", "--json"]).json()["ended"], true);
    assert_eq!(stage.run(&["logout", "--json"]).json()["ended"], false);
    assert_eq!(stage.done(Call::LogIn), 2);
}

#[test]
fn a_login_that_is_refused_blocks_the_guard() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.is_secret("grflbk");
    stage
        .run(&["login"])
        .ends_with(1)
        .reports("the user's credentials were refused");
    stage
        .run(&["login"])
        .ends_with(3)
        .reports("the login guard is blocked")
        .reports("before that, the login was refused (4")
        .reports("unblock it with: thingspace unblock");
    let ran = stage.run(&["call", "GET", ACCOUNT, "--json"]).ends_with(3);
    let error = ran.error();
    assert_eq!(error["exit_code"], 3);
    assert_eq!(error["outcome"], "never_sent");
    assert_eq!(error["login_guard"]["blocked"], "wrong_credentials");
    assert_eq!(error["login_guard"]["failed_logins"], 1);
    let because = &error["because"];
    assert_eq!(because["operation"], "login");
    assert!(because["status"].is_u64() && because["code"].is_string());
    assert!(because["at"].as_str().unwrap().ends_with('Z'), "{because}");
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn a_login_that_blocks_the_guard_tells_its_own_reason() {
    for (fault, code, status) in [
        (Fault::Drop, 4, Value::Null),
        (Fault::Status(StatusCode::BAD_GATEWAY), 1, json!(502)),
    ] {
        let stage = Stage::new();
        let right = stage.password();
        for number in 0..3 {
            stage.write("password", &format!("grflbk{number}"));
            stage.run(&["login"]).ends_with(1);
        }
        // No fourth one may fail.
        stage.write("password", &right);
        stage.inject(Call::LogIn, fault);
        let call = ["call", "GET", ACCOUNT, "--json"];
        let error = stage.run(&call).ends_with(code).error();
        assert_eq!(error["login_guard"]["blocked"], "budget_spent");
        assert_eq!(error["logins_made"], 1);
        assert_eq!(error["status"], status);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("the login of this command failed: the login "),
            "{message}"
        );
        let causes = error["causes"].as_array().unwrap();
        assert_eq!(causes.is_empty(), status.is_number(), "{error}");
        assert_eq!(stage.seen(Call::LogIn), 4);

        // The next one makes none.
        let error = stage.run(&call).ends_with(3).error();
        assert_eq!(error["logins_made"], 0);
        assert_eq!(error["status"], Value::Null);
        assert_eq!(error["because"]["status"], status);
        assert_eq!(stage.seen(Call::LogIn), 4);
    }
}

#[test]
fn the_code_of_a_refusal_is_told_where_the_same_call_blocks_the_guard() {
    let stage = Stage::new();
    let right = stage.password();
    for number in 0..3 {
        stage.write("password", &format!("grflbk{number}"));
        stage.run(&["login"]).ends_with(1);
    }
    stage.write("password", &right);
    let body = r#"{"errorCode":"REQUEST_FAILED.Backend.Down","errorMessage":"hush"}"#;
    stage.is_secret("hush");
    let mut refusal = Response::new(Bytes::from_static(body.as_bytes()));
    *refusal.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    stage.inject(Call::LogIn, Fault::Replace(refusal));
    let call = ["call", "GET", ACCOUNT, "--json"];
    let error = stage.run(&call).ends_with(1).error();
    assert_eq!(error["login_guard"]["blocked"], "budget_spent");
    assert_eq!(error["status"], 503);
    assert_eq!(error["code"], "REQUEST_FAILED.Backend.Down");
    assert_eq!(stage.seen(Call::LogIn), 4);
}

#[test]
fn each_thing_is_said_once_and_in_the_words_of_a_shell() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    let said = |ran: &Ran| {
        for word in [
            "unblock the guard",
            "log_in",
            "HTTP stack",
            "other credentials",
        ] {
            assert!(!ran.stderr.contains(word), "{word}: {ran:?}");
        }
        for word in [
            "credentials",
            "thingspace unblock",
            "since the last success",
            "refused (",
        ] {
            let count = ran.stderr.matches(word).count();
            assert!(count <= 1, "{count} times {word}: {ran:?}");
        }
    };
    said(&stage.run(&["login"]).ends_with(1));
    said(&stage.run(&["login"]).ends_with(3));
    said(&stage.run(&["call", "GET", ACCOUNT]).ends_with(3));
    said(
        &stage
            .run(&["call", "POST", "/m2m/v1/session/login"])
            .ends_with(2),
    );

    let (nowhere, _held) = unused_address();
    let base = format!("http://{nowhere}/api");
    let mut login = stage.program();
    login.arg("login").env("THINGSPACE_BASE_URL", base);
    let ran = stage.finish(login.spawn().unwrap()).ends_with(4);
    said(&ran);
    assert_eq!(
        ran.stderr.matches("onnection refused").count(),
        1,
        "{ran:?}"
    );
}

#[test]
fn a_wrong_application_is_refused() {
    let stage = Stage::new();
    let mut login = stage.command(&["login"]);
    login.env("THINGSPACE_SECRET", "grflbk");
    stage
        .finish(login.spawn().unwrap())
        .ends_with(1)
        .reports("check its key and secret");
    assert_eq!(stage.seen(Call::LogIn), 0);
}

#[test]
fn a_login_without_a_response_has_an_unknown_outcome_and_counts() {
    let stage = Stage::new();
    for (failed, state) in [(1, "waiting"), (2, "probing")] {
        stage.inject(Call::LogIn, Fault::Drop.after_acting());
        stage
            .run(&["login", "--wait", "0"])
            .ends_with(5)
            .reports("may have been executed");
        // The next login is not made at once.
        stage.run(&["login", "--wait", "0"]).ends_with(4);
        let guard = &stage.status()["login_guard"];
        assert_eq!(guard["failed_logins"], failed);
        assert_eq!(guard["state"], state);
        assert!(guard["next_login"].is_string(), "{guard}");
        assert!(guard["blocked"].is_null(), "{guard}");
        assert_eq!(stage.seen(Call::LogIn), failed);
        stage.age(MINUTE);
    }
    let error = stage
        .run(&["login", "--wait", "0", "--json"])
        .ends_with(4)
        .error();
    assert_eq!(error["outcome"], "never_sent");
    assert_eq!(error["because"]["operation"], "login");
    assert!(error["retry_at"].is_string(), "{error}");
    assert_eq!(stage.seen(Call::LogIn), 2);

    // Who knows better need not wait for half an hour.
    stage.run(&["unblock", "--yes"]).succeeds();
    stage.run(&["login"]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 3);
}

#[test]
fn another_password_is_tried_and_one_that_was_refused_is_not() {
    let stage = Stage::new();
    let right = stage.password();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    stage.run(&["login"]).ends_with(3);

    // As when a secret is rotated: the jobs go on by themselves.
    stage.write("password", &right);
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 2);

    stage.write("password", "grflbk");
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    stage.run(&["logout"]).succeeds();
    stage
        .run(&["login"])
        .ends_with(3)
        .reports("the service says that the credentials are wrong")
        .reports("Another password is tried without that");
    assert_eq!(stage.seen(Call::LogIn), 2);
    stage.write("password", &right);
    stage.run(&["login"]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 3);
}

#[test]
fn law_2_ten_wrong_passwords_one_after_the_other_never_lock_the_user_name() {
    let stage = Stage::new();
    let right = stage.password();
    for number in 0..10 {
        stage.write("password", &format!("grflbk{number}"));
        let code = if number < 4 { 1 } else { 3 };
        stage.run(&["login"]).ends_with(code);
        stage.run(&["login"]).ends_with(3);
    }
    stage.write("password", &right);
    stage
        .run(&["login"])
        .ends_with(3)
        .reports("One more failed login would lock the user name");
    assert_eq!(stage.seen(Call::LogIn), 4);
    stage.run(&["unblock", "--yes"]).succeeds();
    stage.run(&["login"]).succeeds();
}

#[test]
fn a_session_that_is_used_by_one_process_after_the_other_stays_open() {
    let stage = Stage::open();
    for _ in 0..3 {
        stage.age(15 * MINUTE);
        stage.server.advance(15 * MINUTE);
        stage.run(&["call", "GET", ACCOUNT]).succeeds();
    }
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn a_backoff_that_is_too_long_to_wait_for_sends_nothing() {
    let stage = Stage::new();
    let asked = Fault::Throttled {
        retry_after: Some(HeaderValue::from(600)),
    };
    stage.inject(Call::BearerToken, asked);
    stage.run(&["login"]).ends_with(1);
    let error = stage.run(&["login", "--json"]).ends_with(4).error();
    assert_eq!(error["outcome"], "never_sent");
    assert!(error["retry_at"].is_string(), "{error}");
    assert_eq!(error["because"]["operation"], "token_fetch");
    assert_eq!(error["because"]["status"], 429);
    assert_eq!(stage.seen_in_all(), 1);
}

#[test]
fn a_request_that_was_never_sent_is_reported_so() {
    let stage = Stage::new();
    let (nowhere, _held) = unused_address();
    let base = format!("http://{nowhere}/api");
    let mut login = stage.command(&["login", "--json"]);
    login.env("THINGSPACE_BASE_URL", base);
    let error = stage.finish(login.spawn().unwrap()).ends_with(4).error();
    assert_eq!(error["outcome"], "never_sent");
    assert!(!error["causes"].as_array().unwrap().is_empty());
}
