//! `status`: the saved state, without a request to the service.

use thingspace_simulator::{Call, Fault};

use crate::stage::*;

#[test]
fn nothing_is_sent_and_nothing_is_made() {
    let stage = Stage::new();
    stage
        .run(&["status"])
        .succeeds()
        .prints("none is open")
        .prints("Login guard   open to logins");
    assert_eq!(stage.seen_in_all(), 0);
    assert!(!stage.at("state").exists());
}

#[test]
fn it_takes_no_secret() {
    let stage = Stage::open();
    let mut status = stage.command(&["status"]);
    status.env_remove("THINGSPACE_SECRET");
    status.env_remove("THINGSPACE_PASSWORD_FILE");
    let ran = stage.finish(status.spawn().unwrap()).succeeds();
    ran.prints("open since 20").prints("until 20");
}

#[test]
fn everything_is_reported_as_json() {
    let stage = Stage::open();
    let status = stage.status();
    assert_eq!(status["environment"], stage.server.base());
    assert_eq!(status["state"], stage.state().to_str().unwrap());
    assert_eq!(status["session"]["open"], true);
    assert_eq!(
        status["session"]["opened_at"],
        status["session"]["last_used"]
    );
    assert!(status["bearer_until"].is_string());
    assert!(status["operation"].is_null());
    assert!(status["reset"].is_null());
    assert_eq!(status["login_guard"]["blocked"], serde_json::Value::Null);
    assert_eq!(status["login_guard"]["failed_logins"], 0);
    assert_eq!(status["login_guard"]["attempts_left"], 2);
    assert_eq!(status["login_guard"]["platform_locks_at"], 5);
}

#[test]
fn an_operation_of_another_process_is_reported() {
    let stage = Stage::new();
    stage.inject(Call::LogIn, Fault::Hang);
    stage.kill_when_seen(&["login"], Call::LogIn, 1);
    let status = stage.status();
    assert_eq!(status["operation"], "login");
    assert_eq!(status["login_guard"]["failed_logins"], 1);
    stage
        .run(&["status"])
        .succeeds()
        .prints("In progress   the login");
    stage.pass(MINUTE);
    assert!(stage.status()["operation"].is_null());
}

#[test]
fn it_shows_what_the_login_guard_does() {
    let stage = Stage::new();
    for shown in ["open to logins, the next one from 20", "probing: "] {
        stage.inject(Call::LogIn, Fault::Drop);
        stage.run(&["login", "--wait", "0"]).ends_with(5);
        stage.run(&["status"]).succeeds().prints(shown);
        stage.age(MINUTE);
    }
    stage
        .run(&["status"])
        .succeeds()
        .prints("allow one login at once");
    assert_eq!(stage.status()["login_guard"]["attempts_left"], 0);
}

#[test]
fn the_login_guard_is_shown_for_the_password_given() {
    let stage = Stage::new();
    let right = stage.password();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    assert_eq!(stage.status()["login_guard"]["state"], "blocked");
    stage.write("password", &right);
    let status = stage.status();
    assert_eq!(status["login_guard"]["state"], "open");
    assert_eq!(status["password_given"], true);

    let mut status = stage.command(&["status"]);
    status.env_remove("THINGSPACE_PASSWORD_FILE");
    stage
        .finish(status.spawn().unwrap())
        .succeeds()
        .prints("Last failure  the login was refused (4")
        .prints("since none is given");
}

#[test]
fn a_session_that_was_idle_for_too_long_has_ended() {
    let stage = Stage::open();
    stage.pass(20 * MINUTE);
    assert_eq!(stage.status()["session"]["open"], false);
}

#[test]
fn a_blocked_guard_is_reported_with_what_unblocks_it() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    stage
        .run(&["status"])
        .succeeds()
        .prints("blocked: the service says that the credentials are wrong")
        .prints("1 failed since the last success, 0 more may fail")
        .prints("Last failure  the login was refused (4")
        .prints("Another password is tried without that")
        .prints("unblock it with: thingspace unblock");
    let guard = &stage.status()["login_guard"];
    assert_eq!(guard["blocked"], "wrong_credentials");
    assert_eq!(guard["last_failure"]["operation"], "login");
    assert!(guard["last_failure"]["code"].is_string(), "{guard}");

    // Once a login has succeeded, it is of no interest.
    stage.write("password", &stage.password());
    stage.run(&["login"]).succeeds();
    assert!(stage.status()["login_guard"]["last_failure"].is_null());
}
