//! The output at a terminal, which `script` of util-linux provides.

use std::{
    io::{BufReader, Read, Write},
    process::{Child, Command, Stdio},
};

use http::HeaderValue;
use thingspace_simulator::{Call, Fault};

use crate::stage::*;

/// The program at a terminal.
fn at_terminal(stage: &Stage, args: &[&str]) -> Child {
    let program = stage.command(args);
    let words = [program.get_program()]
        .into_iter()
        .chain(program.get_args());
    let line: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
    let mut script = Command::new("script");
    stage.furnish(&mut script);
    script
        .args(["-qec", &line.join(" "), "/dev/null"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("script is to be installed")
}

/// Reads until this part is printed. Returns all that was printed.
fn until(child: &mut Child, part: &str) -> String {
    let mut printed = String::new();
    let mut bytes = BufReader::new(child.stdout.as_mut().unwrap()).bytes();
    while !printed.contains(part) {
        let byte = bytes
            .next()
            .unwrap_or_else(|| panic!("no {part:?}: {printed}"));
        printed.push(char::from(byte.unwrap()));
    }
    printed
}

#[test]
fn a_wait_is_shown_at_a_terminal_and_nowhere_else() {
    let stage = Stage::new();
    stage.inject(Call::LogIn, Fault::Hang);
    let mut first = stage.command(&["login"]).spawn().unwrap();
    wait_for(|| stage.seen(Call::LogIn) == 1);
    let mut piped = stage.command(&["login"]).spawn().unwrap();
    let mut shown = at_terminal(&stage, &["login"]);
    until(&mut shown, "Waiting for the login in progress");
    piped.kill().unwrap();
    assert_eq!(stage.finish(piped).stderr, "");
    for child in [&mut first, &mut shown] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_backoff_is_shown_at_a_terminal_and_nowhere_else() {
    let asked = Fault::Throttled {
        retry_after: Some(HeaderValue::from(1)),
    };
    let stage = Stage::new();
    stage.inject(Call::BearerToken, asked.clone());
    assert_eq!(stage.run(&["login"]).succeeds().stderr, "");

    let stage = Stage::new();
    stage.inject(Call::BearerToken, asked);
    let mut shown = at_terminal(&stage, &["login"]);
    until(
        &mut shown,
        "Waiting for the next attempt after a failure, until 20",
    );
    until(&mut shown, "A session was opened");
    assert!(shown.wait().unwrap().success());
}

#[test]
fn a_guard_is_unblocked_after_a_yes() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    for (reply, code) in [("\n", 3), ("n\n", 3), ("yes\n", 0)] {
        let mut unblock = at_terminal(&stage, &["unblock"]);
        until(&mut unblock, "Unblock it? [y/N]");
        let mut stdin = unblock.stdin.take().unwrap();
        stdin.write_all(reply.as_bytes()).unwrap();
        // The input stays open, since its end would be a reply too.
        assert_eq!(unblock.wait().unwrap().code(), Some(code), "{reply:?}");
    }
    assert!(stage.status()["login_guard"]["blocked"].is_null());
}

#[test]
fn a_body_ends_with_a_line_end_at_a_terminal() {
    let stage = Stage::open();
    let mut shown = at_terminal(&stage, &["call", "GET", ACCOUNT]);
    until(&mut shown, "}\r\n");
    assert!(shown.wait().unwrap().success());
}

#[test]
fn the_credentials_are_checked_after_a_yes() {
    let stage = Stage::open();
    for (reply, code, logins) in [("n\n", 4, 1), ("y\n", 0, 2)] {
        let mut check = at_terminal(&stage, &["check"]);
        until(&mut check, "Check the credentials? [y/N]");
        let mut stdin = check.stdin.take().unwrap();
        stdin.write_all(reply.as_bytes()).unwrap();
        assert_eq!(check.wait().unwrap().code(), Some(code), "{reply:?}");
        assert_eq!(stage.seen(Call::LogIn), logins);
    }
}

#[test]
fn a_simulator_reports_each_request_at_a_terminal() {
    let stage = Stage::new();
    let mut simulator = at_terminal(&stage, &["simulate"]);
    let printed = until(&mut simulator, "/api\r\n");
    let (_, base) = printed.split_once("THINGSPACE_BASE_URL=").unwrap();
    let mut login = stage.command(&["login"]);
    login
        .env("THINGSPACE_BASE_URL", base.trim())
        .env_remove("THINGSPACE_PASSWORD_FILE")
        .env(
            "THINGSPACE_PASSWORD",
            thingspace_simulator::Simulator::PASSWORD,
        );
    stage.finish(login.spawn().unwrap()).succeeds();
    let logged = until(
        &mut simulator,
        " POST /api/m2m/v1/session/login: 200 OK\r\n",
    );
    assert!(
        logged.contains(" POST /api/ts/v1/oauth2/token: 200 OK\r\n"),
        "{logged}"
    );
    simulator.kill().unwrap();
    simulator.wait().unwrap();
}
