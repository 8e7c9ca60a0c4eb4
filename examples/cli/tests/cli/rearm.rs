//! `rearm`: the guard opens for who knows what it risks.

use thingspace_simulator::{Call, Fault};

use crate::stage::*;

/// A user whose guard is closed.
fn closed() -> Stage {
    let stage = Stage::new();
    let right = stage.password();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    stage.write("password", &right);
    stage
}

#[test]
fn an_open_guard_stays_as_it_is() {
    let stage = Stage::open();
    stage
        .run(&["rearm"])
        .succeeds()
        .says("The login guard is open.");
    assert_eq!(stage.run(&["rearm", "--json"]).json()["opened"], false);
}

#[test]
fn it_asks_and_says_what_it_risks() {
    let stage = closed();
    stage
        .run(&["rearm"])
        .ends_with(2)
        .complains("--yes")
        .complains("1 have failed or got lost");
    stage.run(&["login"]).ends_with(3);
    stage
        .run(&["rearm", "--yes"])
        .succeeds()
        .says("2 logins may fail");
    stage.run(&["login"]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn it_takes_no_secret_and_tells_a_machine() {
    let stage = closed();
    let mut rearm = stage.command(&["rearm", "--yes", "--json"]);
    rearm.env_remove("THINGSPACE_SECRET");
    rearm.env_remove("THINGSPACE_PASSWORD_FILE");
    let rearmed = stage.finish(rearm.spawn().unwrap()).succeeds();
    assert_eq!(rearmed.stderr, "");
    let rearmed = rearmed.json();
    assert_eq!(rearmed["opened"], true);
    assert_eq!(rearmed["gate"]["failed_logins"], 1);
    assert_eq!(rearmed["gate"]["attempts_left"], 2);
}

#[test]
fn it_says_when_the_user_name_may_be_locked() {
    let stage = closed();
    stage.write("password", "grflbk");
    for _ in 0..2 {
        stage.run(&["rearm", "--yes"]).succeeds();
        stage.run(&["login"]).ends_with(1);
    }
    stage
        .run(&["rearm"])
        .ends_with(2)
        .complains("3 have failed")
        .complains("the user name is locked, and only Verizon's support unlocks it");
}

#[test]
fn nothing_is_sent() {
    let stage = closed();
    let before = stage.seen_in_all();
    stage.run(&["rearm", "--yes"]).succeeds();
    assert_eq!(stage.seen_in_all(), before);
}

#[test]
fn it_waits_for_the_end_of_a_reset_that_was_killed() {
    let stage = Stage::open();
    stage.inject(Call::ResetPassword, Fault::Hang);
    let args = ["reset-password", "--to", "password", "--timeout", "1"];
    stage.kill_when_seen(&args, Call::ResetPassword, 1);
    assert_eq!(stage.status()["under_way"], "password_reset");
    // Opened before, the guard would close when the reset is given up for lost.
    stage.run(&["rearm", "--yes"]).succeeds();
    let status = stage.status();
    assert!(status["under_way"].is_null(), "{status}");
    assert!(status["gate"]["closed"].is_null(), "{status}");
    stage.run(&["logout"]).succeeds();
    stage.run(&["login"]).succeeds();
}
