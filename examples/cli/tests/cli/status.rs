//! `status`: what is known without asking.

use thingspace_simulator::{Call, Fault};

use crate::stage::*;

#[test]
fn nobody_is_asked_and_nothing_is_made() {
    let stage = Stage::new();
    stage
        .run(&["status"])
        .succeeds()
        .says("none is open")
        .says("Login guard   open");
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
    ran.says("open since 20").says("until 20");
}

#[test]
fn a_machine_is_told_everything() {
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
    assert!(status["under_way"].is_null());
    assert!(status["reset"].is_null());
    assert_eq!(status["gate"]["closed"], serde_json::Value::Null);
    assert_eq!(status["gate"]["failed_logins"], 0);
    assert_eq!(status["gate"]["attempts_left"], 2);
    assert_eq!(status["gate"]["platform_locks_at"], 5);
}

#[test]
fn what_another_process_has_under_way_is_told() {
    let stage = Stage::new();
    stage.inject(Call::LogIn, Fault::Hang);
    stage.kill_when_seen(&["login"], Call::LogIn, 1);
    let status = stage.status();
    assert_eq!(status["under_way"], "login");
    assert_eq!(status["gate"]["failed_logins"], 1);
    stage
        .run(&["status"])
        .succeeds()
        .says("Under way     the login");
    stage.pass(MINUTE);
    assert!(stage.status()["under_way"].is_null());
}

#[test]
fn a_session_that_was_idle_for_too_long_is_over() {
    let stage = Stage::open();
    stage.pass(20 * MINUTE);
    assert_eq!(stage.status()["session"]["open"], false);
}

#[test]
fn a_closed_guard_says_what_opens_it() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    stage
        .run(&["status"])
        .succeeds()
        .says("closed: the service says that the credentials are wrong")
        .says("1 failed since the last success, 0 more may fail")
        .says("open it with: thingspace rearm");
}
