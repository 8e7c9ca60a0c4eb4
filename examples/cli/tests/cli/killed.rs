//! The program killed while a request is in flight: the next one continues.

use thingspace_simulator::{Call, Fault};

use crate::stage::*;

/// Kills the program during a call, which the service executes or does not.
fn killed_during(args: &[&str], call: Call, executed: bool) -> Stage {
    let stage = Stage::new();
    let fault = if executed {
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
    for executed in [false, true] {
        let stage = killed_during(&["login"], Call::BearerToken, executed);
        assert_eq!(stage.status()["operation"], "token_fetch");
        stage.pass(MINUTE);
        stage.run(&["login"]).succeeds();
        assert_eq!(stage.seen(Call::LogIn), 1);
    }
}

#[test]
fn law_2_during_the_login_which_stays_counted() {
    for executed in [false, true] {
        let stage = killed_during(&["login"], Call::LogIn, executed);
        assert_eq!(stage.status()["login_guard"]["failed_logins"], 1);
        stage.pass(MINUTE);
        assert_eq!(stage.status()["login_guard"]["failed_logins"], 1);
        stage.run(&["login"]).succeeds();
        assert_eq!(stage.status()["login_guard"]["failed_logins"], 0);
    }
}

#[test]
fn law_2_repeated_kills_spend_no_more_logins_than_may_fail() {
    let stage = killed_during(&["login"], Call::LogIn, false);
    stage.pass(MINUTE);
    stage.inject(Call::LogIn, Fault::Hang);
    stage.kill_when_seen(&["login"], Call::LogIn, 2);
    stage.pass(MINUTE);
    for _ in 0..3 {
        stage
            .run(&["login", "--wait", "0"])
            .ends_with(4)
            .reports("allow one login at once: thingspace unblock");
    }
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.status()["login_guard"]["state"], "probing");

    // Half an hour later one more is made, since the service responds.
    stage.age(30 * MINUTE);
    stage.run(&["login"]).succeeds();
    assert_eq!(stage.seen(Call::LogIn), 3);
}

#[test]
fn during_the_call_itself() {
    let stage = Stage::new();
    stage.inject(Call::Account, Fault::Hang.after_acting());
    // The session that it opened is saved beside the call.
    let is_open = || stage.session().opened_at().is_some();
    stage.kill_when(&["call", "GET", ACCOUNT], || {
        stage.seen(Call::Account) == 1 && is_open()
    });
    // The next one need not wait for it.
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
    for executed in [false, true] {
        let args = ["reset-password", "--to", "password"];
        let stage = killed_during(&args, Call::ResetPassword, executed);
        assert_eq!(stage.status()["operation"], "password_reset");
        stage.pass(MINUTE);

        let status = stage.status();
        assert_eq!(status["login_guard"]["blocked"], "password_in_doubt");
        assert_eq!(status["reset"]["new_password"], "none");
        assert_eq!(
            stage.read("password").unwrap(),
            thingspace_simulator::Simulator::PASSWORD
        );
        stage.run(&["logout"]).succeeds();
        stage
            .run(&["login"])
            .ends_with(3)
            .reports("left no new password");
        assert_eq!(stage.seen(Call::LogIn), 1);
        stage.run(&["unblock", "--yes"]).succeeds();
        stage.run(&["login"]).ends_with(i32::from(executed));
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
    assert_eq!(status["login_guard"]["blocked"], "awaiting_confirmation");
    assert_eq!(status["reset"]["new_password"], "being_handed_over");
    let saved = stage.read("state/session.json.password").unwrap();
    assert_eq!(saved.trim(), stage.password());

    stage.write("password", saved.trim());
    stage.run(&["logout"]).succeeds();
    stage
        .run(&["login"])
        .ends_with(3)
        .reports("session.json.password");
    stage.run(&["unblock", "--yes"]).succeeds();
    stage.run(&["login"]).succeeds();
}
