//! The program killed at every step. A step is each system call by which it writes
//! a file or sends something, on any of its threads; each one has a run of its own,
//! and the kill comes as the call begins. Between these steps the program does nothing
//! that is visible from outside.

use std::{
    cell::Cell,
    fmt, fs,
    io::Read,
    os::unix::{net::UnixStream, process::ExitStatusExt},
    path::Path,
    process::ExitStatus,
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use thingspace_simulator::{Call, Simulator};

use crate::{
    proxy::{self, Proxy},
    stage::*,
    traced::{STEPS, Step, signal_at},
};

/// The point at which a run was ended.
struct At {
    step: &'static str,
    nth: usize,
    /// The steps that it has made.
    made: Vec<Step>,
}

impl At {
    /// Returns true if the new password was written into this draft. Before that, space
    /// is reserved there, and the old one may have been written there to prove that it can
    /// be: what is no reservation sets the length first.
    fn is_after_the_draft(&self, draft: &str) -> bool {
        let of_draft = self.made.iter().filter(|step| step.file.ends_with(draft));
        let mut names = of_draft.map(|step| step.name);
        let (mut before, mut is_reserved) = ("", false);
        names.any(|name| {
            let is_reservation = name == "write" && before != "ftruncate";
            let is_filled = name == "write" && before == "ftruncate" && is_reserved;
            is_reserved |= is_reservation;
            before = name;
            is_filled
        })
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.step, self.nth)?;
        match self.made.last() {
            Some(last) => write!(f, ", after {} {}", last.name, last.file),
            None => Ok(()),
        }
    }
}

fn kill_at_every_step(
    before: impl Fn() -> Stage,
    args: &[&str],
    then: impl Fn(&Stage, &At),
) -> usize {
    end_at_every_step(Signal::SIGKILL, before, args, then)
}

/// A request to a proxy.
type Request = fn(&mut UnixStream);

/// Runs a proxy once for each of its steps that may change anything, during this request,
/// and kills it there. Calls `then` each time. Returns the number of times.
fn kill_a_proxy_at_every_step(
    before: impl Fn() -> Stage,
    args: &[&str],
    request: Request,
    then: impl Fn(&Stage, &At),
) -> usize {
    let args = [&["proxy", "--socket", "proxy.sock"], args].concat();
    let steps = STEPS.iter().map(|(step, _)| *step);
    let steps = steps.filter(|step| !step.starts_with("open"));
    let run = |stage: &Stage, step: &'static str, nth| {
        let socket = stage.at("proxy.sock");
        let meanwhile = |proxy| {
            thread::spawn(move || request_and_end(&socket, request, proxy));
        };
        let command = stage.command(&args);
        signal_at(&command, step, nth, Signal::SIGKILL, meanwhile)
    };
    at_every_step(steps, before, run, then)
}

/// Makes a request to a proxy once it listens, then ends the proxy if it is still there.
fn request_and_end(socket: &Path, request: Request, proxy: Pid) {
    let goes_on = || kill(proxy, None).is_ok();
    while goes_on() {
        if let Ok(mut stream) = UnixStream::connect(socket) {
            request(&mut stream);
            let _ = stream.read_to_end(&mut Vec::new());
            let _ = kill(proxy, Signal::SIGTERM);
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs the program once for each of its steps, and sends it a signal there that
/// ends it. Calls `then` each time, with what the program left behind. Returns the
/// number of times.
fn end_at_every_step(
    signal: Signal,
    before: impl Fn() -> Stage,
    args: &[&str],
    then: impl Fn(&Stage, &At),
) -> usize {
    let run = |stage: &Stage, step: &'static str, nth| {
        signal_at(&stage.command(args), step, nth, signal, |_| {})
    };
    at_every_step(STEPS.iter().map(|(step, _)| *step), before, run, then)
}

fn at_every_step(
    steps: impl Iterator<Item = &'static str>,
    before: impl Fn() -> Stage,
    run: impl Fn(&Stage, &'static str, usize) -> (ExitStatus, Vec<Step>),
    then: impl Fn(&Stage, &At),
) -> usize {
    let mut kills = 0;
    for step in steps {
        for nth in 1.. {
            let stage = before();
            let (end, made) = run(&stage, step, nth);
            // Otherwise it has come to its own end.
            if end.signal().is_none() {
                assert!(end.code() < Some(2), "{end}");
                break;
            }
            stage.settle();
            then(&stage, &At { step, nth, made });
            kills += 1;
        }
    }
    kills
}

/// Asserts that nothing but the session is left, and that it is whole.
fn assert_tidy(stage: &Stage, at: &At) {
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
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
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
    let kill = |before: &dyn Fn() -> Stage, then: &dyn Fn(&Stage, &At)| {
        kill_at_every_step(before, &RESET, then)
    };
    assert_saved_after_kills(before, kill);
}

fn assert_saved_after_kills(
    before: impl Fn() -> Stage,
    kill: impl Fn(&dyn Fn() -> Stage, &dyn Fn(&Stage, &At)) -> usize,
) {
    // Every stage begins with the same one.
    let stage = before();
    let old = &stage.password();
    let resets = stage.seen(Call::ResetPassword);
    let lost = Cell::new(0);
    let kills = kill(&before, &|stage, at| {
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
            Some("lost") => {
                assert!(is_reset && holds("password", old), "{at}");
                let advice = status["reset"]["advice"].as_str().unwrap();
                assert!(advice.contains("have Verizon reset the password"), "{at}");
            }
            reported => panic!("{at}: {reported:?}"),
        }
        // It is lost if the program was killed between the response and the first
        // write.
        let is_lost = is_reset && matches!(reported, Some("none" | "lost"));
        assert!(!(is_lost && at.is_after_the_draft("/password.new")), "{at}");
        lost.set(lost.get() + u32::from(is_lost));

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
    // Few steps are between the response and the first write.
    assert!((1..10).contains(&lost.get()), "{} lost", lost.get());
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
        let is_drafted = at.is_after_the_draft("/session.json.password.new");
        match status["reset"]["new_password"].as_str() {
            Some("handed_over") => {
                wait_for(|| stage.read("vault").as_deref() == Some(&new));
            }
            Some("being_handed_over") => assert_eq!(beside("password"), new, "{at}"),
            Some("drafted") => assert_eq!(beside("password.new"), new, "{at}"),
            Some("none") => assert!(!is_reset || !is_drafted, "{at}"),
            Some("lost") => assert!(is_reset && !is_drafted, "{at}"),
            reported => assert!(reported.is_none() && !is_reset, "{at}: {reported:?}"),
        }
    });
    assert!(kills > 40, "{kills} kills");
}

#[test]
fn a_killed_proxy_leaves_a_session_that_the_next_one_uses() {
    let call: Request = |stream| proxy::ask(stream, proxy::CALL, "");
    let kills = kill_a_proxy_at_every_step(Stage::new, &[], call, |stage, at| {
        let sent = stage.seen(Call::LogIn);
        stage.pass(MINUTE);
        // What the killed one left behind of its socket is no hindrance.
        let next = Proxy::start(stage, &["--socket", "proxy.sock"]);
        let mut stream = UnixStream::connect(stage.at("proxy.sock")).unwrap();
        call(&mut stream);
        assert_eq!(proxy::reply(stream).0, 200, "{at}");
        next.stop().succeeds();
        assert!(stage.seen(Call::LogIn) <= sent + 1, "{at}");
        assert_eq!(stage.status()["login_guard"]["failed_logins"], 0, "{at}");
        let failed = stage.server.with(|service| service.counts().failed_logins);
        assert_eq!(failed, 0, "{at}");
        assert_tidy(stage, at);
    });
    assert!(kills > 40, "{kills} kills");
}

#[test]
fn law_8_a_proxy_that_is_killed_during_a_reset_never_leaves_the_operator_with_neither() {
    let args = ["--allow-reset-to", "password"];
    let kill = |before: &dyn Fn() -> Stage, then: &dyn Fn(&Stage, &At)| {
        kill_a_proxy_at_every_step(before, &args, proxy::ask_for_reset, then)
    };
    assert_saved_after_kills(Stage::open, kill);
}
