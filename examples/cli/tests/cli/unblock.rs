//! `unblock`: the login guard is unblocked after a warning and a confirmation.

use thingspace_simulator::{Call, Fault};

use crate::stage::*;

/// A user whose login guard is blocked.
fn blocked() -> Stage {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    stage
}

#[test]
fn a_guard_that_is_open_to_logins_stays_as_it_is() {
    let stage = Stage::open();
    stage
        .run(&["unblock"])
        .succeeds()
        .prints("The login guard is open to logins.");
    assert_eq!(stage.run(&["unblock", "--json"]).json()["unblocked"], false);
}

#[test]
fn it_explains_the_risk_and_asks() {
    let stage = blocked();
    stage
        .run(&["unblock"])
        .ends_with(2)
        .reports("--yes")
        .reports("1 have failed or got lost");
    stage.run(&["login"]).ends_with(3);
    stage
        .run(&["unblock", "--yes"])
        .succeeds()
        .prints("allows one login with these credentials");
    stage.run(&["login"]).ends_with(1);
    assert_eq!(stage.seen(Call::LogIn), 2);
    // It was the one login that was allowed.
    stage.run(&["login"]).ends_with(3);
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn it_is_for_the_credentials_that_it_is_given() {
    let stage = blocked();
    stage.run(&["unblock", "--yes"]).succeeds();
    stage.write("password", "blfrgk");
    stage.run(&["login"]).ends_with(1);
    stage
        .run(&["login"])
        .ends_with(3)
        .reports("unblock it with: thingspace unblock");
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    assert_eq!(stage.seen(Call::LogIn), 3);
}

#[test]
fn unblocking_twice_allows_no_two_logins() {
    let stage = blocked();
    stage.run(&["unblock", "--yes"]).succeeds();
    stage
        .run(&["unblock", "--yes"])
        .succeeds()
        .prints("The login guard is open to logins.");
    stage.run(&["login"]).ends_with(1);
    stage.run(&["login"]).ends_with(3);
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn it_takes_the_password_and_no_other_secret_and_reports_as_json() {
    let stage = blocked();
    let mut unblock = stage.command(&["unblock", "--yes", "--json"]);
    unblock.env_remove("THINGSPACE_SECRET");
    unblock.env_remove("THINGSPACE_PASSWORD_FILE");
    let unblocked = stage.finish(unblock.spawn().unwrap()).ends_with(2);
    let message = &unblocked.error()["message"];
    assert!(message.as_str().unwrap().contains("THINGSPACE_PASSWORD"));

    let mut unblock = stage.command(&["unblock", "--yes", "--json"]);
    unblock.env_remove("THINGSPACE_SECRET");
    let unblocked = stage.finish(unblock.spawn().unwrap()).succeeds();
    assert_eq!(unblocked.stderr, "");
    let unblocked = unblocked.json();
    assert_eq!(unblocked["unblocked"], true);
    assert_eq!(unblocked["login_guard"]["failed_logins"], 1);
    assert_eq!(unblocked["login_guard"]["attempts_left"], 1);
}

#[test]
fn it_warns_when_the_user_name_may_be_locked() {
    let stage = blocked();
    for _ in 0..3 {
        stage
            .run(&["unblock"])
            .ends_with(2)
            .reports("the user name stays unlocked even if that one fails too");
        stage.run(&["unblock", "--yes"]).succeeds();
        stage.run(&["login"]).ends_with(1);
    }
    stage
        .run(&["unblock"])
        .ends_with(2)
        .reports("4 have failed")
        .reports("the user name is locked, and only Verizon's support unlocks it");
}

#[test]
fn nothing_is_sent() {
    let stage = blocked();
    let before = stage.seen_in_all();
    stage.run(&["unblock", "--yes"]).succeeds();
    assert_eq!(stage.seen_in_all(), before);
}

#[test]
fn it_waits_for_the_end_of_a_reset_that_was_killed() {
    let stage = Stage::open();
    stage.inject(Call::ResetPassword, Fault::Hang);
    let args = ["reset-password", "--to", "password", "--timeout", "1"];
    stage.kill_when_seen(&args, Call::ResetPassword, 1);
    assert_eq!(stage.status()["operation"], "password_reset");
    // Unblocked earlier, the guard would be blocked again once the reset counts as
    // lost.
    stage.run(&["unblock", "--yes"]).succeeds();
    let status = stage.status();
    assert!(status["operation"].is_null(), "{status}");
    assert!(status["login_guard"]["blocked"].is_null(), "{status}");
    stage.run(&["logout"]).succeeds();
    stage.run(&["login"]).succeeds();
}
