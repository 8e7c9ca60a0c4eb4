//! `call`: any call, and its response as it came.

use std::process::Stdio;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use thingspace_simulator::{Call, Fault};

use crate::stage::*;

const DEVICES: &str = "/m2m/v1/devices/actions/list";

#[test]
fn a_response_is_written_as_it_came() {
    let stage = Stage::new();
    let response = stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(response.json()["accountName"], "0000123456-00001");
    assert_eq!(response.stderr, "");

    let bytes = Bytes::from_static(b"\x00\xff\xfe\r\n{\"a\":\x80");
    let odd = Response::new(bytes.clone());
    stage.inject(Call::Account, Fault::Replace(odd));
    let response = stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(response.stdout, bytes);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn the_head_of_a_response_is_written_before_the_body() {
    let stage = Stage::open();
    let response = stage.run(&["call", "GET", ACCOUNT, "--include"]).succeeds();
    let (head, body) = response.text().split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("\r\ncontent-type: application/json"),
        "{head}"
    );
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["accountName"], "0000123456-00001");
}

#[test]
fn a_response_is_reported_as_json() {
    let stage = Stage::open();
    let response = stage.run(&["call", "GET", ACCOUNT, "--json"]).succeeds();
    let response = response.json();
    assert_eq!(response["status"], 200);
    assert_eq!(response["headers"]["content-type"][0], "application/json");
    assert_eq!(response["body"]["json"]["accountName"], "0000123456-00001");
    for (body, shown) in [
        (&b"plain"[..], json!({ "text": "plain" })),
        (b"\xff\x00", json!({ "base64": "/wA=" })),
        (b"", json!({ "text": "" })),
    ] {
        let body = Response::new(Bytes::from_static(body));
        stage.inject(Call::Account, Fault::Replace(body));
        let response = stage.run(&["call", "GET", ACCOUNT, "--json"]).succeeds();
        assert_eq!(response.json()["body"], shown);
    }
}

#[test]
fn a_body_is_given_in_three_ways() {
    let stage = Stage::open();
    let query = r#"{"accountName":"0000123456-00001"}"#;
    stage.write("query", query);
    let devices = |data, input: &str| {
        let args = ["call", "POST", DEVICES, "--data", data];
        let response = stage.run_with_input(&args, input.as_bytes()).succeeds();
        response.json()["devices"].as_array().unwrap().len()
    };
    assert_eq!(devices(query, ""), 5);
    assert_eq!(devices("@query", ""), 5);
    assert_eq!(devices("-", query), 5);
    stage
        .run(&["call", "POST", DEVICES, "--data", "@nothing"])
        .ends_with(2)
        .reports("the body can't be read");
}

#[test]
fn a_header_of_the_callers_is_sent() {
    let stage = Stage::open();
    let args = ["call", "POST", DEVICES, "--data", "{}", "--header"];
    stage
        .run(&[&args[..], &["Content-Type: text/plain"]].concat())
        .ends_with(1)
        .reports("415");
    for wrong in ["no colon", "na me: x", "name: \u{7f}"] {
        stage.run(&[&args[..], &[wrong]].concat()).ends_with(2);
    }
}

#[test]
fn a_refusal_is_shown_with_its_response() {
    let stage = Stage::open();
    let other = "/m2m/v1/accounts/other";
    stage
        .run(&["call", "GET", other])
        .ends_with(1)
        .reports("AccountNotFound");
    let error = stage.run(&["call", "GET", other, "--json"]).error();
    assert_eq!(error["exit_code"], 1);
    assert_eq!(error["outcome"], "refused");
    assert_eq!(error["status"], 400);
    let code = "UnifiedWebService.REQUEST_FAILED.AccountNotFound";
    assert_eq!(error["code"], code);
    assert_eq!(error["response"]["json"]["errorCode"], code);
}

#[test]
fn a_refusal_writes_no_control_characters_to_a_terminal() {
    let stage = Stage::open();
    let mut page = Response::new(Bytes::from_static(b"\x1b]0;owned\x07\x1b[2J\xc2\x9b2J"));
    *page.status_mut() = StatusCode::BAD_REQUEST;
    for format in ["--include", "--json"] {
        stage.inject(Call::Account, Fault::Replace(page.clone()));
        let ran = stage.run(&["call", "GET", ACCOUNT, format]).ends_with(1);
        let has_controls = ran.stderr.contains(['\x1b', '\u{9b}']);
        assert!(!has_controls, "{ran:?}");
    }
}

#[test]
fn a_call_without_a_response_has_an_unknown_outcome() {
    let stage = Stage::open();
    stage.inject(Call::Devices, Fault::Drop);
    stage
        .run(&["call", "POST", DEVICES, "--data", "{}"])
        .ends_with(5)
        .reports("look before you retry it");
}

#[test]
fn a_call_that_is_not_allowed_is_not_made() {
    let stage = Stage::new();
    for path in [
        "no/slash",
        "/../x",
        "https://elsewhere.example/m2m",
        "/m2m/\u{e4}",
    ] {
        stage.run(&["call", "GET", path]).ends_with(2);
    }
    for (path, advice) in [
        ("m2m/v1/devices", "does not begin with a slash"),
        ("m2m", "does not begin with a slash"),
        ("/api/m2m/v1/devices", "its path begins with /api"),
        ("/m2m/v1/a b", "percent-encode it"),
    ] {
        let refused = stage.run(&["call", "GET", path]).ends_with(2);
        refused.reports(advice);
    }
    stage
        .run(&["call", "PUT", "/m2m/v1/session/password/actions/reset"])
        .ends_with(2)
        .reports("only the session itself")
        .reports("thingspace login, logout and reset-password");
    stage.run(&["call", "G E T", ACCOUNT]).ends_with(2);
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn a_session_that_ended_is_opened_again() {
    let stage = Stage::open();
    stage
        .server
        .with(thingspace_simulator::Simulator::forget_sessions);
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.done(Call::LogIn), 2);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let stage = Stage::open();
    let mut child = stage.command(&["call", "GET", ACCOUNT]).spawn().unwrap();
    drop(child.stdout.take());
    stage.finish(child).succeeds();
}

#[test]
fn a_response_that_can_not_be_written_is_a_failure() {
    let stage = Stage::open();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let mut call = stage.command(&["call", "GET", ACCOUNT]);
    call.stdout(Stdio::from(full.unwrap()));
    stage
        .finish(call.spawn().unwrap())
        .ends_with(5)
        .reports("the command was executed, but");
}
