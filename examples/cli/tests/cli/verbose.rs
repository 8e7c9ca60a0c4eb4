//! `--verbose`: each request, wait and event, without secrets.

use serde_json::Value;
use thingspace_simulator::{Call, Fault, Simulator};

use crate::stage::*;

#[test]
fn each_attempt_and_event_is_reported() {
    let stage = Stage::new();
    let ran = stage
        .run(&["call", "GET", &format!("{ACCOUNT}?a=hush"), "--verbose"])
        .succeeds();
    for part in [
        "> POST /api/ts/v1/oauth2/token (the token fetch, attempt 1)\n",
        "< 200 OK after 0.",
        "* a bearer token was fetched\n",
        "> POST /api/m2m/v1/session/login (the login, attempt 2)\n",
        "* logged in\n",
        "> GET /api/m2m/v1/accounts/0000123456-00001 (the call, attempt 3)\n",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    assert_eq!(ran.json()["accountName"], "0000123456-00001");

    // A replay is seen.
    stage.server.with(Simulator::forget_sessions);
    let ran = stage.run(&["call", "GET", ACCOUNT, "-v"]).succeeds();
    for part in [
        "< 400 Bad Request (UnifiedWebService.INPUT_INVALID.SessionToken.Invalid) after",
        "* the session token was refused",
        "(the login,",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
}

#[test]
fn everything_is_reported_as_json_a_line_each() {
    let stage = Stage::new();
    stage.inject(Call::Devices, Fault::Drop);
    let args = [
        "call",
        "POST",
        "/m2m/v1/devices/actions/list",
        "--data",
        "{}",
    ];
    let ran = stage
        .run(&[&args[..], &["--json", "--verbose"]].concat())
        .ends_with(5);
    let lines: Vec<Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["sending"]["operation"], "token_fetch");
    assert_eq!(lines[0]["sending"]["call"], 1);
    assert!(
        lines
            .iter()
            .any(|line| line["event"]["name"] == "logged_in")
    );
    let lost = lines.iter().find(|line| line["received"]["sent"] == true);
    assert!(lost.unwrap()["received"]["causes"][0].is_string());
    assert_eq!(lines.last().unwrap()["error"]["exit_code"], 5);
}

#[test]
fn without_it_nothing_is_reported() {
    let stage = Stage::new();
    assert_eq!(stage.run(&["login"]).succeeds().stderr, "");
}
