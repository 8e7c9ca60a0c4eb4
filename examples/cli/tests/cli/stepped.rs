//! The program killed at every step. A step is each system call by which it writes
//! a file or sends something; each one has a run of its own, and the kill comes as
//! the call begins. Between these steps the program does nothing that is visible
//! from outside.
//!
//! strace kills it there.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

use thingspace_simulator::{Call, Simulator};

use crate::stage::*;

/// The system calls that open, write, save, name and lock files, and those that
/// send and receive. Those with a question mark are not on every machine.
const STEPS: [&str; 16] = [
    "?open",
    "openat",
    "?mkdir",
    "?mkdirat",
    "flock",
    "write",
    "ftruncate",
    "fsync",
    "?rename",
    "?renameat",
    "?renameat2",
    "?unlink",
    "?unlinkat",
    "connect",
    "sendto",
    "recvfrom",
];

fn kill_at_every_step(
    before: impl Fn() -> Stage,
    args: &[&str],
    then: impl Fn(&Stage, &str),
) -> usize {
    end_at_every_step("KILL", before, args, then)
}

/// Runs the program once for each of its steps, and sends it a signal there that
/// ends it. Calls `then` each time, with what the program left behind. Returns the
/// number of times.
fn end_at_every_step(
    signal: &str,
    before: impl Fn() -> Stage,
    args: &[&str],
    then: impl Fn(&Stage, &str),
) -> usize {
    let mut kills = 0;
    for step in STEPS {
        for nth in 1.. {
            let stage = before();
            let at = format!("{step} {nth}");
            if !is_ended(&stage, args, step, nth, signal) {
                break;
            }
            stage.settle();
            then(&stage, &at);
            kills += 1;
        }
    }
    kills
}

/// Returns true if the program came to its `nth` such step, and the signal ended it
/// there. Otherwise it has come to its own end.
fn is_ended(stage: &Stage, args: &[&str], step: &str, nth: u32, signal: &str) -> bool {
    let program = stage.command(args);
    let mut strace = Command::new("strace");
    stage.furnish(&mut strace);
    strace
        .args(["-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={step}"))
        .arg("-e")
        .arg(format!("inject={step}:signal={signal}:when={nth}"))
        .arg(program.get_program())
        .args(program.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // strace ends as what it watches does.
    let status = strace.status().expect("strace is to be installed");
    assert!(status.signal().is_some() || status.code() < Some(2));
    status.signal().is_some()
}

/// Asserts that nothing but the session is left, and that it is whole.
fn assert_tidy(stage: &Stage, at: &str) {
    let left = ["session.json", "session.json.lock"];
    assert_eq!(stage.beside_state(), left, "{at}");
}

#[test]
fn a_killed_login_is_not_forgotten_and_the_next_one_continues() {
    let kills = kill_at_every_step(Stage::new, &["login"], |stage, at| {
        let status = stage.status();
        let is_open = status["session"]["open"] == true;
        let failed = status["login_guard"]["failed_logins"].as_u64().unwrap();
        let sent = stage.seen(Call::LogIn);
        assert!(
            is_open || failed >= sent,
            "{at}: {sent} sent, {failed} known"
        );

        stage.pass(MINUTE);
        stage.run(&["login"]).succeeds();
        assert!(stage.seen(Call::LogIn) <= sent + 1, "{at}");
        assert_eq!(stage.status()["login_guard"]["failed_logins"], 0, "{at}");
        assert_tidy(stage, at);
    });
    assert!(kills > 40, "{kills} kills");
}

#[test]
fn law_2_with_a_wrong_password_kills_never_cost_more_logins_than_may_fail() {
    let wrong = || {
        let stage = Stage::new();
        stage.write("password", "grflbk");
        stage
    };
    let kills = kill_at_every_step(wrong, &["login"], |stage, at| {
        for _ in 0..4 {
            stage.pass(MINUTE);
            let ran = stage.run(&["login"]);
            assert!(matches!(ran.code, Some(1 | 3)), "{at}: {ran:?}");
        }
        assert!(stage.seen(Call::LogIn) <= 2, "{at}");
    });
    assert!(kills > 40, "{kills} kills");
}

#[test]
fn a_killed_call_leaves_a_session_that_the_next_one_uses() {
    let ended = || {
        let stage = Stage::open();
        stage.server.with(Simulator::forget_sessions);
        stage
    };
    let kills = kill_at_every_step(ended, &["call", "GET", ACCOUNT], |stage, at| {
        stage.pass(MINUTE);
        stage.run(&["call", "GET", ACCOUNT]).succeeds();
        assert_eq!(stage.status()["login_guard"]["failed_logins"], 0, "{at}");
        assert!(stage.seen(Call::LogIn) <= 3, "{at}");
        assert_tidy(stage, at);
    });
    assert!(kills > 40, "{kills} kills");
}

const RESET: [&str; 3] = ["reset-password", "--to", "password"];

#[test]
fn law_8_a_killed_reset_never_leaves_the_operator_with_neither() {
    assert_saved_at_every_step(Stage::open);
}

#[test]
fn law_8_nor_does_one_that_comes_before_the_next_login() {
    assert_saved_at_every_step(|| {
        let stage = Stage::open();
        stage.run(&RESET).succeeds();
        stage
    });
}

/// An operator who has no patience, a shell that is closed, a machine that goes
/// down: their signals are deferred until the new password is saved.
#[test]
fn law_8_a_reset_that_is_asked_to_end_saves_the_new_password_first() {
    for signal in ["HUP", "INT", "TERM"] {
        let ends = end_at_every_step(signal, Stage::open, &RESET, |stage, at| {
            let right = stage.password();
            let saved = stage.read("password").unwrap();
            assert_eq!(saved.trim_end(), right, "{signal} at {at}");
        });
        assert!(ends > 40, "{ends} ends by {signal}");
    }
}

/// Asserts that after a killed reset, the old password or the new one is where it
/// is reported to be.
fn assert_saved_at_every_step(before: impl Fn() -> Stage) {
    // Every stage begins with the same one.
    let stage = before();
    let old = &stage.password();
    let resets = stage.seen(Call::ResetPassword);
    let kills = kill_at_every_step(before, &RESET, |stage, at| {
        let new = stage.password();
        let is_reset = new != *old;
        let holds = |name: &str, password: &str| {
            let held = stage.read(name).unwrap_or_default();
            held.trim_end_matches('\0').trim_end() == password
        };
        assert!(holds("password", old) || holds("password.old", old), "{at}");

        // The report is true.
        stage.pass(MINUTE);
        let status = stage.status();
        let reported = status["reset"]["new_password"].as_str();
        assert!(!is_reset || reported.is_some(), "{at}: {status}");
        match reported {
            Some("saved") => assert!(holds("password", &new), "{at}"),
            Some("drafted") => {
                assert!(holds("password.new", &new), "{at}");
                fs::rename(stage.at("password.new"), stage.at("password")).unwrap();
            }
            Some("none") | None => assert!(holds("password", old), "{at}"),
            reported => panic!("{at}: {reported:?}"),
        }
        // It is lost if the program was killed between the response and the first
        // write.
        let is_lost = is_reset && reported == Some("none");
        assert!(!(is_lost && is_after_the_draft(at)), "{at}");

        // Nor does it cost a login that was not asked for.
        stage.run(&["logout"]).succeeds();
        let ran = stage.run(&["login"]);
        if ran.code == Some(3) {
            assert!(ran.stderr.contains("thingspace unblock"), "{at}: {ran:?}");
            stage.run(&["unblock", "--yes"]).succeeds();
            let ran = stage.run(&["login"]);
            assert_eq!(ran.code, Some(i32::from(is_lost)), "{at}: {ran:?}");
        } else {
            assert_eq!(ran.code, Some(0), "{at}: {ran:?}");
        }
        let failed = stage.server.with(|service| service.counts().failed_logins);
        assert_eq!(failed, u64::from(is_lost), "{at}");
        assert!(stage.seen(Call::ResetPassword) <= resets + 1, "{at}");
        if !is_lost {
            assert!(stage.status()["reset"].is_null(), "{at}");
            assert!(!stage.at("password.old").exists(), "{at}");
            stage.run(&RESET).succeeds();
        }
    });
    assert!(kills > 40, "{kills} kills");
}

#[test]
fn a_killed_login_after_a_reset_never_reports_the_password_as_lost() {
    let reset = || {
        let stage = Stage::open();
        stage.run(&RESET).succeeds();
        stage.run(&["logout"]).succeeds();
        stage
    };
    let kills = kill_at_every_step(reset, &["login"], |stage, at| {
        let status = stage.status();
        let reported = status["reset"]["new_password"].as_str();
        assert!(matches!(reported, None | Some("saved")), "{at}: {status}");
        stage.pass(MINUTE);
        stage.run(&["login"]).succeeds();
    });
    assert!(kills > 40, "{kills} kills");
}

#[test]
fn law_8_a_reset_that_is_killed_while_it_hands_the_new_password_over() {
    let args = ["reset-password", "--command", "sh", "-c", "cat > vault"];
    let kills = kill_at_every_step(Stage::open, &args, |stage, at| {
        let new = stage.password();
        let is_reset = new != Simulator::PASSWORD;
        stage.pass(MINUTE);
        let beside = |name: &str| {
            let held = stage.read(&format!("state/session.json.{name}"));
            held.unwrap_or_default().trim().to_owned()
        };
        let status = stage.status();
        match status["reset"]["new_password"].as_str() {
            Some("handed_over") => {
                wait_for(|| stage.read("vault").as_deref() == Some(&new));
            }
            Some("being_handed_over") => assert_eq!(beside("password"), new, "{at}"),
            Some("drafted") => assert_eq!(beside("password.new"), new, "{at}"),
            Some("none") => assert!(!is_reset || !is_after_the_draft(at), "{at}"),
            reported => assert!(reported.is_none() && !is_reset, "{at}: {reported:?}"),
        }
    });
    assert!(kills > 40, "{kills} kills");
}

/// Returns true if a step that follows the response comes after the new password
/// was written.
fn is_after_the_draft(at: &str) -> bool {
    ["?rename", "fsync"].iter().any(|step| at.starts_with(step))
}
