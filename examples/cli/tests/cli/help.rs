//! Help, completions and the manual page.

use std::process::Command;

use crate::stage::*;

#[test]
fn the_exit_codes_and_the_credentials_are_explained() {
    let stage = Stage::new();
    let help = stage.run(&["--help"]).succeeds();
    for part in [
        "3  the login guard is blocked, and this command made no login",
        "SSL_CERT_FILE",
        "--deadline",
        "5  outcome unknown",
        "THINGSPACE_PASSWORD",
        "--credentials",
    ] {
        assert!(help.text().contains(part), "{part}");
    }
}

#[test]
fn a_usage_error_is_reported_as_json() {
    let stage = Stage::new();
    for args in [
        &["call", "--json"][..],
        &["login", "--json", "--timeout", "never"],
        &["simulate", "--json", "--fault", "x"],
    ] {
        let error = stage.run(args).ends_with(2).reports("").error();
        assert_eq!(error["exit_code"], 2);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("--help") && !message.starts_with("error"),
            "{message}"
        );
    }
    stage.run(&["call"]).ends_with(2).reports("error: ");
}

const DEVICES: &str = "/m2m/v1/devices/actions/list";

#[test]
fn global_options_stand_before_the_command_and_after_it() {
    let stage = Stage::open();
    let file = stage.state();
    let file = file.to_str().unwrap();
    for args in [
        &["--json", "--state", file, "status"][..],
        &["--state", file, "status", "--json"],
        &["--json", "status", "--state", file],
    ] {
        let status = stage.program().args(args).spawn().unwrap();
        let status = stage.finish(status).succeeds().json();
        assert_eq!(status["session"]["open"], true, "{args:?}");
    }
    // Given before, they hold where the command has a default.
    stage.inject(
        thingspace_simulator::Call::Devices,
        thingspace_simulator::Fault::Hang,
    );
    let args = ["--timeout", "1", "--wait=0", "--json", "--state", file];
    let call = [&args[..], &["call", "POST", DEVICES, "--data", "{}"]].concat();
    let call = stage.program().args(call).spawn().unwrap();
    let error = stage.finish(call).ends_with(5).error();
    assert_eq!(error["outcome"], "unknown");
}

#[test]
fn a_command_or_option_that_is_unknown_suggests_another_one() {
    let stage = Stage::new();
    for (args, suggestion) in [
        (&["lgoin"][..], "'login'"),
        (&["reset-pasword"], "'reset-password'"),
        (&["login", "--verbos"], "'--verbose'"),
    ] {
        let ran = stage.program().args(args).spawn().unwrap();
        let ran = stage.finish(ran).ends_with(2);
        assert!(ran.stderr.contains(suggestion), "{ran:?}");
    }
}

#[test]
fn help_is_wrapped_by_words() {
    let stage = Stage::new();
    for args in [
        &["--help"][..],
        &["reset-password", "--help"],
        &["help", "check"],
    ] {
        for (columns, longest) in [(None, 100), (Some("60"), 60)] {
            let mut help = stage.program();
            help.args(args)
                .envs(columns.map(|columns| ("COLUMNS", columns)));
            let help = stage.finish(help.spawn().unwrap()).succeeds();
            for line in help.text().lines() {
                let is_short = line.chars().count() <= longest;
                assert!(is_short || line.starts_with("Usage:"), "{line}");
            }
            assert!(help.text().contains("standard error"), "no word is broken");
        }
    }
}

#[test]
fn each_command_has_a_manual_page_in_a_folder() {
    let stage = Stage::new();
    let folder = stage.at("man/man1");
    written(&["man", folder.to_str().unwrap()]);
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let help = stage.run(&["--help"]).succeeds();
    let (_, commands) = help.text().split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let mut expected = vec!["thingspace.1".to_owned()];
    for line in commands.lines().filter(|line| !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        expected.push(format!("thingspace-{name}.1"));
    }
    expected.sort();
    assert_eq!(names, expected);
    let page = std::fs::read_to_string(folder.join("thingspace-reset-password.1")).unwrap();
    assert!(
        page.contains(".TH thingspace") && page.contains("\\-\\-to"),
        "{page}"
    );
}

fn written(args: &[&str]) -> String {
    let program = Command::new(env!("CARGO_BIN_EXE_thingspace"))
        .args(args)
        .output();
    let output = program.unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = written(&["completions", shell]);
        assert!(script.contains("reset-password"), "{shell}");
    }
}

#[test]
fn the_manual_page_has_every_command_and_the_exit_codes() {
    let page = written(&["man"]);
    for part in [
        "reset\\-password",
        "unblock",
        "simulate",
        "outcome unknown",
        "\\-\\-include",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
