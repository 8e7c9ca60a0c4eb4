//! What a human at a terminal gets to see. `script` of util-linux plays the
//! terminal.

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

/// Reads on until this is said. Gives all that was said.
fn until(child: &mut Child, part: &str) -> String {
    let mut said = String::new();
    let mut bytes = BufReader::new(child.stdout.as_mut().unwrap()).bytes();
    while !said.contains(part) {
        let byte = bytes
            .next()
            .unwrap_or_else(|| panic!("no {part:?}: {said}"));
        said.push(char::from(byte.unwrap()));
    }
    said
}

#[test]
fn a_wait_is_shown_at_a_terminal_and_nowhere_else() {
    let stage = Stage::new();
    stage.inject(Call::LogIn, Fault::Hang);
    let mut first = stage.command(&["login"]).spawn().unwrap();
    wait_for(|| stage.seen(Call::LogIn) == 1);
    let mut piped = stage.command(&["login"]).spawn().unwrap();
    let mut shown = at_terminal(&stage, &["login"]);
    until(
        &mut shown,
        "Waiting for the login of another call, until 20",
    );
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

    stage.run(&["logout"]).succeeds();
    stage.inject(Call::LogIn, asked);
    let mut shown = at_terminal(&stage, &["login"]);
    until(
        &mut shown,
        "Waiting for the next try after a failure, until 20",
    );
    until(&mut shown, "A session was opened");
    assert!(shown.wait().unwrap().success());
}

#[test]
fn a_guard_is_opened_by_who_says_yes() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    for (answer, code) in [("\n", 3), ("n\n", 3), ("yes\n", 0)] {
        let mut rearm = at_terminal(&stage, &["rearm"]);
        until(&mut rearm, "Open it? [y/N]");
        let mut stdin = rearm.stdin.take().unwrap();
        stdin.write_all(answer.as_bytes()).unwrap();
        // Kept open, since its end would be an answer too.
        assert_eq!(rearm.wait().unwrap().code(), Some(code), "{answer:?}");
    }
    assert!(stage.status()["gate"]["closed"].is_null());
}
