//! The session's file: its owner, its place, and the files that are refused.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use thingspace_simulator::{Call, Simulator};

use crate::stage::*;

#[test]
fn it_is_for_its_owner_alone() {
    let stage = Stage::open();
    assert_eq!(mode(&stage.at("state")), 0o700);
    assert_eq!(mode(&stage.state()), 0o600);
    assert_eq!(stage.beside_state(), ["session.json", "session.json.lock"]);
}

#[test]
fn each_environment_user_and_key_has_its_own_by_default() {
    let stage = Stage::new();
    let login = |change: &[(&str, &str)], code| {
        let mut login = std::process::Command::new(env!("CARGO_BIN_EXE_thingspace"));
        stage.furnish(&mut login);
        login.arg("login").envs(change.iter().copied());
        stage.finish(login.spawn().unwrap()).ends_with(code);
    };
    let names = |folder: &str| {
        let entries = fs::read_dir(stage.at(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names
            .filter(|name| name.strip_suffix(".lock").is_none())
            .collect();
        names.sort();
        names
    };
    login(&[], 0);
    login(&[], 0);
    login(&[("THINGSPACE_USERNAME", "../marvin")], 1);
    login(&[("THINGSPACE_KEY", "other,key")], 1);
    let environment = format!("http%3A%2F%2F127.0.0.1%3A{}%2Fapi", stage.server.port());
    let own = ".local/state/thingspace";
    assert_eq!(
        names(own),
        [
            format!("{environment},..%2Fmarvin,simulated-key.json"),
            format!("{environment},zbeeblebrox,other%2Ckey.json"),
            format!("{environment},zbeeblebrox,simulated-key.json"),
        ]
    );
    assert_eq!(mode(&stage.at(own)), 0o700);

    let elsewhere = stage.at("xdg");
    login(&[("XDG_STATE_HOME", elsewhere.to_str().unwrap())], 0);
    assert_eq!(names("xdg/thingspace").len(), 1);
    login(&[("XDG_STATE_HOME", "relative")], 0);
    assert!(!stage.at("relative").exists());
}

#[test]
fn a_long_key_has_a_file_that_is_found_again() {
    let key = "k".repeat(300);
    let stage = Stage::of(Simulator::new(42).application(key.as_str(), Simulator::SECRET));
    for command in ["login", "login", "status"] {
        let mut program = stage.program();
        program.arg(command).env("THINGSPACE_KEY", &key);
        stage.finish(program.spawn().unwrap()).succeeds();
    }
    assert_eq!(stage.seen(Call::LogIn), 1);
    let mut reset = stage.program();
    reset.args(["reset-password", "--command", "sh", "-c", "cat > vault"]);
    reset.env("THINGSPACE_KEY", &key);
    stage.finish(reset.spawn().unwrap()).succeeds();
    assert_eq!(stage.read("vault").unwrap(), stage.password());
}

/// Every command but `simulate` refuses the session's file for this reason, asks
/// the service nothing and leaves the file alone.
#[track_caller]
fn assert_refused(stage: &Stage, reason: &str) {
    let before = fs::read(stage.state()).ok();
    let asked = stage.seen_in_all();
    for args in [
        &["status"][..],
        &["login"],
        &["logout"],
        &["unblock", "--yes"],
        &["call", "GET", ACCOUNT],
        &["reset-password", "--to", "password"],
    ] {
        let ran = stage.run(args).ends_with(2).reports(reason);
        assert!(ran.stderr.starts_with("thingspace: "), "{ran:?}");
        let ran = stage.run(&[args, &["--json"]].concat()).ends_with(2);
        assert_eq!(ran.error()["exit_code"], 2);
    }
    assert_eq!(fs::read(stage.state()).ok(), before);
    assert_eq!(stage.seen_in_all(), asked);
    assert_eq!(stage.read("password"), Some(stage.password()));
    assert!(!stage.at("password.new").exists());
}

#[test]
fn one_that_is_damaged_is_refused() {
    for damaged in ["", "{", "hush", "{\"thingspace-session-3\":{}}"] {
        let stage = Stage::open();
        fs::write(stage.state(), damaged).unwrap();
        assert_refused(&stage, "holds no session that can be read");
    }
}

#[test]
fn one_from_a_newer_version_is_refused() {
    let stage = Stage::open();
    let text = fs::read_to_string(stage.state()).unwrap();
    let newer = text.replace("thingspace-session-3", "thingspace-session-4");
    fs::write(stage.state(), newer).unwrap();
    assert_refused(&stage, "use the version that wrote it");
}

#[test]
fn one_with_impossible_values_is_refused() {
    let stage = Stage::open();
    let text = fs::read(stage.state()).unwrap();
    let mut saved: Value = serde_json::from_slice(&text).unwrap();
    saved["thingspace-session-3"]["memory"]["operations"] = u64::MAX.into();
    fs::write(stage.state(), saved.to_string()).unwrap();
    assert_refused(&stage, "holds values that no session ever had");
    assert_refused(&stage, stage.state().to_str().unwrap());
}

/// Two sessions that begin alike would give one name to two logins.
#[test]
fn no_two_are_alike() {
    let names = [Stage::open(), Stage::open()].map(|stage| {
        let text = fs::read(stage.state()).unwrap();
        let saved: Value = serde_json::from_slice(&text).unwrap();
        let contents = &saved["thingspace-session-3"];
        let nonce = |of: &Value| of["nonce"].as_u64().unwrap();
        let salt = contents["memory"]["guard"]["salt"].as_u64().unwrap();
        [
            salt,
            nonce(&contents["revision"]),
            nonce(&contents["memory"]["open"]["generation"]),
            nonce(&contents["memory"]["bearer"]["generation"]),
        ]
    });
    let all: BTreeSet<_> = names.as_flattened().iter().collect();
    assert_eq!(all.len(), 8, "{names:?}");
}

#[test]
fn one_of_another_user_key_or_environment_is_refused() {
    let stage = Stage::open();
    for (from, to, reason) in [
        ("zbeeblebrox", "marvin", "another user name"),
        ("simulated-key", "other-key", "another application key"),
        ("127.0.0.1", "127.0.0.2", "another environment"),
    ] {
        let text = fs::read_to_string(stage.state()).unwrap();
        fs::write(stage.state(), text.replace(from, to)).unwrap();
        assert_refused(&stage, reason);
        // The message names the file.
        assert_refused(&stage, stage.state().to_str().unwrap());
        fs::write(stage.state(), text).unwrap();
    }
}

#[test]
fn one_that_is_open_to_others_is_refused() {
    let stage = Stage::open();
    set_mode(&stage.state(), 0o640);
    assert_refused(&stage, "is open to others");
    set_mode(&stage.state(), 0o600);
    set_mode(&stage.at("state"), 0o750);
    assert_refused(&stage, "chmod 700");
}

#[test]
fn one_that_can_not_be_written_sends_nothing() {
    let stage = Stage::new();
    // Where its folder should be.
    stage.write("state", "");
    let login = stage.run(&["login"]).ends_with(2);
    login.reports("is not a folder");
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn the_next_process_uses_the_tokens_of_the_last_one() {
    let stage = Stage::open();
    stage.server.with(Simulator::forget_bearers);
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.seen(Call::BearerToken), 2);
    assert_eq!(stage.seen(Call::LogIn), 1);
}
