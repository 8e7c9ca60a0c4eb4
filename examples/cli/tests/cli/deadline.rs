//! `--deadline` bounds the whole command.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use thingspace_simulator::{Call, Fault};

use crate::stage::*;

/// Far more than a deadline of a second takes, and less than all else that is waited for.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_login_that_hangs_ends_with_it_and_counts() {
    let stage = Stage::new();
    stage.inject(Call::LogIn, Fault::Hang);
    let start = Instant::now();
    let error = stage
        .run(&["login", "--deadline", "1", "--json"])
        .ends_with(5)
        .error();
    assert!(start.elapsed() < SOON);
    assert_eq!(error["outcome"], "unknown");
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.status()["login_guard"]["failed_logins"], 1);
}

#[test]
fn a_wait_for_another_process_ends_with_it() {
    let stage = Stage::new();
    stage.inject(Call::LogIn, Fault::Hang);
    let mut other = stage.command(&["login"]).spawn().unwrap();
    wait_for(|| stage.seen(Call::LogIn) == 1);
    let start = Instant::now();
    stage
        .run(&["call", "GET", ACCOUNT, "--deadline", "1"])
        .ends_with(4)
        .reports("--deadline");
    assert!(start.elapsed() < SOON);
    other.kill().unwrap();
    stage.finish(other).was_killed();
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn an_input_that_does_not_end_ends_with_it() {
    let stage = Stage::open();
    let asked = stage.seen_in_all();
    let args = [
        "call",
        "POST",
        "/m2m/v1/devices/actions/list",
        "--data",
        "-",
    ];
    let mut call = stage.command(&[&args[..], &["--deadline", "1"]].concat());
    let mut call = call.stdin(Stdio::piped()).spawn().unwrap();
    let stdin = call.stdin.take();
    stage
        .finish(call)
        .ends_with(4)
        .reports("the deadline of the command has passed");
    drop(stdin);
    assert_eq!(stage.seen_in_all(), asked);
}

#[test]
fn a_reset_that_has_begun_is_brought_to_its_end() {
    let stage = Stage::open();
    let slow = "sleep 4; cat > vault";
    let args = [
        "reset-password",
        "--deadline",
        "1",
        "--command",
        "sh",
        "-c",
        slow,
    ];
    stage.run(&args).succeeds();
    assert_eq!(stage.read("vault").unwrap(), stage.password());
}
