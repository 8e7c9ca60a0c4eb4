//! What is waited for is reported, also where there is no terminal.

use std::io::{BufRead, BufReader, Read};

use http::HeaderValue;
use serde_json::Value;
use thingspace_simulator::{Call, Fault};

use crate::stage::*;

/// The first line on the standard error of a command that has to wait for half a minute,
/// and all that follows until it is killed.
fn first_line(options: &[&str]) -> (String, String) {
    let stage = Stage::new();
    let asked = Fault::Throttled {
        retry_after: Some(HeaderValue::from(30)),
    };
    stage.inject(Call::BearerToken, asked);
    let mut login = stage
        .command(&[&["login"], options].concat())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(login.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    login.kill().unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    login.wait().unwrap();
    (line, rest)
}

#[test]
fn a_long_wait_is_reported_once() {
    let (line, rest) = first_line(&[]);
    assert!(
        line.starts_with("Waiting for the next attempt after a failure, until 20"),
        "{line}"
    );
    assert_eq!(rest, "");
}

#[test]
fn a_long_wait_is_reported_as_json() {
    let (line, _) = first_line(&["--json"]);
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["waiting"]["for"], "the next attempt after a failure");
    assert!(line["waiting"]["until"].as_str().unwrap().ends_with('Z'));
}
