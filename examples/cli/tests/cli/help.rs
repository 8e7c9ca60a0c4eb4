//! Help, completions and the manual page.

use std::process::Command;

use crate::stage::*;

#[test]
fn the_exit_codes_and_the_credentials_are_explained() {
    let stage = Stage::new();
    let help = stage.run(&["--help"]).succeeds();
    for part in [
        "3  the login guard is blocked; nothing was sent",
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
