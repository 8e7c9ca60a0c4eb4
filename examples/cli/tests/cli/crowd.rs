//! Many processes at once.

use thingspace_file::Lock;
use thingspace_simulator::{Call, Fault};

use crate::stage::*;

#[test]
fn law_1_fifty_processes_at_once_make_one_login() {
    let stage = Stage::new();
    let crowd: Vec<_> = (0..50)
        .map(|_| stage.command(&["call", "GET", ACCOUNT]).spawn().unwrap())
        .collect();
    for process in crowd {
        stage.finish(process).succeeds();
    }
    assert_eq!(stage.seen(Call::BearerToken), 1);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), 50);
}

#[test]
fn law_2_fifty_processes_with_a_wrong_password_make_one_failed_login() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    let crowd: Vec<_> = (0..50)
        .map(|_| stage.command(&["login"]).spawn().unwrap())
        .collect();
    for process in crowd {
        assert!(matches!(stage.finish(process).code, Some(1 | 3)));
    }
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn fifty_processes_lose_their_session_and_make_one_more_login() {
    let stage = Stage::open();
    stage
        .server
        .with(thingspace_simulator::Simulator::forget_sessions);
    let crowd: Vec<_> = (0..50)
        .map(|_| stage.command(&["call", "GET", ACCOUNT]).spawn().unwrap())
        .collect();
    for process in crowd {
        stage.finish(process).succeeds();
    }
    assert_eq!(stage.seen(Call::LogIn), 2);
}

#[test]
fn the_file_is_not_locked_while_a_request_is_in_flight() {
    let stage = Stage::new();
    let lock = stage.at("state/session.json.lock");
    for (args, call) in [
        (&["login"][..], Call::LogIn),
        (&["call", "GET", ACCOUNT], Call::Account),
        (&["reset-password", "--to", "password"], Call::ResetPassword),
    ] {
        stage.inject(call, Fault::Hang);
        let mut slow = stage.command(args).spawn().unwrap();
        wait_for(|| stage.seen(call) == 1);
        // The result of the request before is being saved, perhaps.
        wait_for(|| Lock::attempt(&lock).unwrap().is_some());
        slow.kill().unwrap();
        stage.finish(slow).was_killed();
        stage.pass(MINUTE);
    }
}

#[test]
fn of_two_resets_at_once_one_is_made() {
    let stage = Stage::open();
    stage.inject(Call::ResetPassword, Fault::Hang);
    let args = ["reset-password", "--to", "password", "--timeout", "2"];
    let first = stage.command(&args).spawn().unwrap();
    wait_for(|| stage.seen(Call::ResetPassword) == 1);
    stage
        .run(&args)
        .ends_with(2)
        .reports("another process is resetting the password");
    stage.finish(first).ends_with(5);
    assert_eq!(stage.seen(Call::ResetPassword), 1);
}
