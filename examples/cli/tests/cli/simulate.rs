//! `simulate`: the settings to use it, and faults.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command},
};

use serde_json::Value;

use crate::stage::*;

/// A simulator that the program runs, stopped at the end.
struct Own(Child);

impl Own {
    /// Starts it, and returns the first lines of its output as well.
    fn start(stage: &Stage, args: &[&str], count: usize) -> (Self, Vec<String>) {
        let mut child = stage
            .command(&[&["simulate"], args].concat())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let lines = out.lines().take(count).map(Result::unwrap).collect();
        (Self(child), lines)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The program, with the settings that a simulator printed.
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
fn its_settings_are_enough_to_use_it() {
    let stage = Stage::new();
    let (_own, settings) = Own::start(&stage, &[], 5);
    let mut call = with(&stage, &settings, &["call", "GET", ACCOUNT]);
    stage.finish(call.spawn().unwrap()).succeeds();
    assert_eq!(stage.seen_in_all(), 0, "the other one was asked");
}

#[test]
fn a_password_that_was_reset_outlives_it() {
    let stage = Stage::new();
    stage.is_secret("IMgr8");
    let args = ["--password-file", "theirs"];
    let run = |settings: &[String], args: &[&str]| {
        let mut program = with(&stage, settings, args);
        program.env("XDG_STATE_HOME", stage.at("state"));
        stage.finish(program.spawn().unwrap()).succeeds();
    };
    {
        let (_own, settings) = Own::start(&stage, &args, 5);
        assert!(settings[4].starts_with("export THINGSPACE_PASSWORD_FILE=/"));
        assert_eq!(mode(&stage.at("theirs")), 0o600);
        run(&settings, &["reset-password", "--to", "theirs"]);
    }
    std::fs::remove_dir_all(stage.at("state")).unwrap();
    let (_own, settings) = Own::start(&stage, &args, 5);
    assert_ne!(stage.read("theirs").unwrap(), "IMgr8\n");
    run(&settings, &["login"]);
}

#[test]
fn its_settings_are_printed_as_json() {
    let stage = Stage::new();
    let (_own, lines) = Own::start(&stage, &["--json"], 1);
    let settings: BTreeMap<String, Value> = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(settings.len(), 5);
    assert_eq!(settings["THINGSPACE_USERNAME"], "zbeeblebrox");
}

#[test]
fn it_injects_the_faults_that_were_requested() {
    let stage = Stage::new();
    let faults = [
        "--fault",
        "login:drop:after",
        "--fault",
        "account:status=418",
    ];
    let (_own, settings) = Own::start(&stage, &faults, 5);
    let run = |args: &[&str]| stage.finish(with(&stage, &settings, args).spawn().unwrap());
    run(&["call", "GET", ACCOUNT, "--wait", "0"])
        .ends_with(4)
        .reports("the login");
    stage.age(MINUTE);
    run(&["call", "GET", ACCOUNT]).ends_with(1).reports("418");
    run(&["call", "GET", ACCOUNT]).succeeds();
}

#[test]
fn an_unknown_fault_is_refused() {
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
        .reports("no port");
}
