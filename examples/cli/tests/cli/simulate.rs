//! `simulate`: settings to talk to it with, and faults.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command},
};

use serde_json::Value;

use crate::stage::*;

/// A simulator of the program's own, stopped at the end.
struct Own(Child);

impl Own {
    /// Gives what it says first as well.
    fn start(stage: &Stage, args: &[&str], lines: usize) -> (Self, Vec<String>) {
        let mut child = stage
            .command(&[&["simulate"], args].concat())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let said = out.lines().take(lines).map(Result::unwrap).collect();
        (Self(child), said)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The program, with what a simulator said it takes.
fn with(stage: &Stage, settings: &[String], args: &[&str]) -> Command {
    let mut command = stage.command(args);
    command.env_remove("THINGSPACE_PASSWORD_FILE");
    for line in settings {
        let setting = line.strip_prefix("export ").unwrap();
        let (name, value) = setting.split_once('=').unwrap();
        command.env(name, value);
    }
    command
}

#[test]
fn its_settings_are_all_that_it_takes() {
    let stage = Stage::new();
    let (_own, settings) = Own::start(&stage, &[], 5);
    let mut call = with(&stage, &settings, &["call", "GET", ACCOUNT]);
    stage.finish(call.spawn().unwrap()).succeeds();
    assert_eq!(stage.seen_in_all(), 0, "the other one was asked");
}

#[test]
fn its_settings_are_told_to_a_machine() {
    let stage = Stage::new();
    let (_own, said) = Own::start(&stage, &["--json"], 1);
    let settings: BTreeMap<String, Value> = serde_json::from_str(&said[0]).unwrap();
    assert_eq!(settings.len(), 5);
    assert_eq!(settings["THINGSPACE_USERNAME"], "zbeeblebrox");
}

#[test]
fn it_misbehaves_as_told() {
    let stage = Stage::new();
    let faults = [
        "--fault",
        "login:drop:after",
        "--fault",
        "account:status=418",
    ];
    let (_own, settings) = Own::start(&stage, &faults, 5);
    let run = |args: &[&str]| stage.finish(with(&stage, &settings, args).spawn().unwrap());
    run(&["call", "GET", ACCOUNT]).ends_with(1).complains("418");
    run(&["call", "GET", ACCOUNT]).succeeds();
}

#[test]
fn what_it_does_not_know_it_refuses() {
    let stage = Stage::new();
    for fault in [
        "",
        "login",
        "marvin:drop",
        "login:sulk",
        "login:delay=x",
        "login:drop:before",
        "any:drop:after:x",
    ] {
        stage.run(&["simulate", "--fault", fault]).ends_with(2);
    }
    let port = stage.server.port().to_string();
    stage
        .run(&["simulate", "--port", &port])
        .ends_with(2)
        .complains("no port");
}
