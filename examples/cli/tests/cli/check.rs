//! `check`: whether key, secret, user name and password are right.

use http::StatusCode;
use serde_json::json;
use thingspace_simulator::{Call, Fault, Simulator};

use crate::stage::*;

#[test]
fn right_ones_open_a_session_for_all() {
    let stage = Stage::new();
    let ran = stage.run(&["check", "--yes"]).succeeds();
    for line in [
        "Key        right",
        "Secret     right",
        "User name  right",
        "Password   right",
    ] {
        assert!(ran.text().contains(line), "{ran:?}");
    }
    assert!(ran.stderr.contains("The check needs a login"), "{ran:?}");
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 1);
    // No device was touched.
    assert_eq!(stage.seen(Call::Devices), 0);
}

#[test]
fn the_open_session_is_given_up_for_another_one() {
    let stage = Stage::open();
    let before = stage.tokens();
    let checked = stage.run(&["check", "--yes", "--json"]).succeeds().json();
    let all = ["key", "secret", "user_name", "password"];
    for part in all {
        assert_eq!(checked["credentials"][part], "right");
    }
    assert_ne!(stage.tokens()[1], before[1]);
    assert_eq!(stage.seen(Call::BearerToken), 2);
    assert_eq!(stage.seen(Call::LogIn), 2);
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn it_says_what_it_costs_and_asks() {
    let stage = Stage::open();
    let asked = stage.seen_in_all();
    stage
        .run(&["check"])
        .ends_with(2)
        .reports("--yes")
        .reports("It gives up the session that has been open since 20");
    assert_eq!(stage.seen_in_all(), asked);
}

#[test]
fn a_wrong_secret_costs_no_login_and_no_session() {
    let stage = Stage::open();
    let mut check = stage.command(&["check", "--yes"]);
    check.env("THINGSPACE_SECRET", "grflbk");
    stage
        .finish(check.spawn().unwrap())
        .ends_with(1)
        .reports("check its key and secret")
        .reports("Secret     this or the key is wrong; the service does not tell which")
        .reports("Password   not known");
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.status()["session"]["open"], true);
}

#[test]
fn a_wrong_password_is_told_from_a_wrong_key_and_costs_one_login() {
    for (code, username, password) in [
        (
            "Credentials.Invalid",
            "one_of_both_is_wrong",
            "one_of_both_is_wrong",
        ),
        ("Password.Invalid", "unknown", "wrong"),
        ("Username.Unknown", "wrong", "unknown"),
    ] {
        let code = format!("UnifiedWebService.INPUT_INVALID.{code}");
        let stage = Stage::of(Simulator::new(42).refusal_code(code));
        stage.write("password", "grflbk");
        stage.is_secret("grflbk");
        let error = stage
            .run(&["check", "--yes", "--json"])
            .ends_with(1)
            .error();
        assert_eq!(
            error["credentials"],
            json!({ "key": "right", "secret": "right", "user_name": username, "password": password })
        );
        assert!(
            error["code"].is_string() && error["status"].is_u64(),
            "{error}"
        );

        // It is known now, so another check makes no login.
        stage
            .run(&["check", "--yes"])
            .ends_with(3)
            .reports("nothing was checked, because the login guard is blocked")
            .reports("Before that, the login was refused (4");
        assert_eq!(stage.seen(Call::LogIn), 1);
        assert_eq!(stage.seen(Call::BearerToken), 1);
    }
}

#[test]
fn a_login_without_a_response_is_not_made_again() {
    for open in [false, true] {
        for fault in [Fault::Drop, Fault::Status(StatusCode::BAD_GATEWAY)] {
            let stage = if open { Stage::open() } else { Stage::new() };
            let before = stage.seen(Call::LogIn);
            stage.inject(Call::LogIn, fault);
            let ran = stage.run(&["check", "--yes", "--json"]);
            assert!(matches!(ran.code, Some(1 | 4 | 5)), "{ran:?}");
            let error = ran.error();
            assert_eq!(
                error["credentials"],
                json!({ "key": "right", "secret": "right", "user_name": "unknown", "password": "unknown" })
            );
            assert_eq!(stage.seen(Call::LogIn), before + 1);

            // The login guard lets no other one follow at once.
            let asked = stage.seen_in_all();
            stage.run(&["check", "--yes"]).ends_with(4).reports(
                "the login guard allows no login now; it is open to logins, the next one from 20",
            );
            assert_eq!(stage.seen_in_all(), asked);
        }
    }
}

#[test]
fn a_service_that_is_down_leaves_everything_unknown_and_the_session_open() {
    let stage = Stage::open();
    stage.inject(Call::BearerToken, Fault::Status(StatusCode::BAD_GATEWAY));
    let error = stage
        .run(&["check", "--yes", "--json"])
        .ends_with(1)
        .error();
    assert_eq!(error["credentials"]["key"], "unknown");
    assert_eq!(error["credentials"]["password"], "unknown");
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.status()["session"]["open"], true);
}

#[test]
fn a_password_from_before_a_reset_is_not_tried() {
    let stage = Stage::open();
    stage.run(&["reset-password", "--to", "other"]).succeeds();
    stage
        .run(&["check", "--yes"])
        .ends_with(3)
        .reports("the password given is the one from before the reset");
    assert_eq!(stage.seen(Call::LogIn), 1);
}
