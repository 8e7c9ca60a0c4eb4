//! The program killed while a request is under way: the next one carries on.

use thingspace_simulator::{Call, Fault};

use crate::stage::*;

/// What is under way when the program is killed, and whether the service carried
/// it out all the same.
fn killed_during(args: &[&str], call: Call, carried_out: bool) -> Stage {
    let stage = Stage::new();
    let fault = if carried_out {
        Fault::Hang.after_acting()
    } else {
        Fault::Hang
    };
    stage.inject(call, fault);
    stage.kill_when_seen(args, call, 1);
    stage
}

#[test]
fn during_the_token_fetch() {
    for carried_out in [false, true] {
        let stage = killed_during(&["login"], Call::BearerToken, carried_out);
        assert_eq!(stage.status()["under_way"], "token_fetch");
        stage.pass(MINUTE);
        stage.run(&["login"]).succeeds();
        assert_eq!(stage.seen(Call::LogIn), 1);
    }
}

#[test]
fn law_2_during_the_login_which_stays_counted() {
    for carried_out in [false, true] {
        let stage = killed_during(&["login"], Call::LogIn, carried_out);
        assert_eq!(stage.status()["gate"]["failed_logins"], 1);
        stage.pass(MINUTE);
        assert_eq!(stage.status()["gate"]["failed_logins"], 1);
        stage.run(&["login"]).succeeds();
        assert_eq!(stage.status()["gate"]["failed_logins"], 0);
    }
}

#[test]
fn law_2_whoever_kills_again_and_again_spends_no_more_logins_than_may_fail() {
    let stage = killed_during(&["login"], Call::LogIn, false);
    stage.pass(MINUTE);
    stage.inject(Call::LogIn, Fault::Hang);
    stage.kill_when_seen(&["login"], Call::LogIn, 2);
    stage.pass(MINUTE);
    for _ in 0..3 {
        stage.run(&["login"]).ends_with(3);
    }
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn during_the_call_itself() {
    let stage = killed_during(&["call", "GET", ACCOUNT], Call::Account, true);
    // Nobody need wait for it.
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn during_the_logout() {
    let stage = Stage::open();
    stage.inject(Call::LogOut, Fault::Hang.after_acting());
    stage.kill_when_seen(&["logout"], Call::LogOut, 1);
    stage.pass(MINUTE);
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn law_8_during_the_reset() {
    for carried_out in [false, true] {
        let args = ["reset-password", "--to", "password"];
        let stage = killed_during(&args, Call::ResetPassword, carried_out);
        assert_eq!(stage.status()["under_way"], "password_reset");
        stage.pass(MINUTE);

        let status = stage.status();
        assert_eq!(status["gate"]["closed"], "password_unknown");
        assert_eq!(status["reset"]["new_password"], "none");
        assert_eq!(
            stage.read("password").unwrap(),
            thingspace_simulator::Simulator::PASSWORD
        );
        stage.run(&["logout"]).succeeds();
        stage
            .run(&["login"])
            .ends_with(3)
            .complains("left no new password");
        assert_eq!(stage.seen(Call::LogIn), 1);
        stage.run(&["rearm", "--yes"]).succeeds();
        stage.run(&["login"]).ends_with(i32::from(carried_out));
    }
}

#[test]
fn while_another_program_is_given_the_new_password() {
    let stage = Stage::open();
    // It kills who started it, before it has taken anything.
    let args = ["reset-password", "--command", "sh", "-c", "kill -9 $PPID"];
    stage.run(&args).was_killed();
    stage.pass(MINUTE);
    let status = stage.status();
    assert_eq!(status["gate"]["closed"], "password_unknown");
    assert_eq!(status["reset"]["new_password"], "being_handed_over");
    let kept = stage.read("state/session.json.password").unwrap();
    assert_eq!(kept.trim(), stage.password());

    stage.write("password", kept.trim());
    stage.run(&["logout"]).succeeds();
    stage
        .run(&["login"])
        .ends_with(3)
        .complains("session.json.password");
    stage.run(&["rearm", "--yes"]).succeeds();
    stage.run(&["login"]).succeeds();
}
