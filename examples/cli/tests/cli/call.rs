//! `call`: any call, and its answer as it came.

use std::process::Stdio;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use thingspace_simulator::{Call, Fault};

use crate::stage::*;

const DEVICES: &str = "/m2m/v1/devices/actions/list";

#[test]
fn an_answer_goes_out_as_it_came() {
    let stage = Stage::new();
    let answer = stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(answer.json()["accountName"], "0000123456-00001");
    assert_eq!(answer.stderr, "");

    let bytes = Bytes::from_static(b"\x00\xff\xfe\r\n{\"a\":\x80");
    let odd = Response::new(bytes.clone());
    stage.inject(Call::Account, Fault::Replace(odd));
    let answer = stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(answer.stdout, bytes);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn the_head_of_an_answer_goes_before_it() {
    let stage = Stage::open();
    let answer = stage.run(&["call", "GET", ACCOUNT, "--include"]).succeeds();
    let (head, body) = answer.text().split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("\r\ncontent-type: application/json"),
        "{head}"
    );
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["accountName"], "0000123456-00001");
}

#[test]
fn an_answer_tells_a_machine() {
    let stage = Stage::open();
    let answer = stage.run(&["call", "GET", ACCOUNT, "--json"]).succeeds();
    let answer = answer.json();
    assert_eq!(answer["status"], 200);
    assert_eq!(answer["headers"]["content-type"][0], "application/json");
    assert_eq!(answer["body"]["json"]["accountName"], "0000123456-00001");
    for (body, told) in [
        (&b"plain"[..], json!({ "text": "plain" })),
        (b"\xff\x00", json!({ "base64": "/wA=" })),
        (b"", json!({ "text": "" })),
    ] {
        let body = Response::new(Bytes::from_static(body));
        stage.inject(Call::Account, Fault::Replace(body));
        let answer = stage.run(&["call", "GET", ACCOUNT, "--json"]).succeeds();
        assert_eq!(answer.json()["body"], told);
    }
}

#[test]
fn a_body_is_given_in_three_ways() {
    let stage = Stage::open();
    let question = r#"{"accountName":"0000123456-00001"}"#;
    stage.write("question", question);
    let asked = |data, input: &str| {
        let args = ["call", "POST", DEVICES, "--data", data];
        let answer = stage.run_with_input(&args, input.as_bytes()).succeeds();
        answer.json()["devices"].as_array().unwrap().len()
    };
    assert_eq!(asked(question, ""), 5);
    assert_eq!(asked("@question", ""), 5);
    assert_eq!(asked("-", question), 5);
    stage
        .run(&["call", "POST", DEVICES, "--data", "@nothing"])
        .ends_with(2)
        .complains("the body can't be read");
}

#[test]
fn a_header_of_the_callers_goes_along() {
    let stage = Stage::open();
    let args = ["call", "POST", DEVICES, "--data", "{}", "--header"];
    stage
        .run(&[&args[..], &["Content-Type: text/plain"]].concat())
        .ends_with(1)
        .complains("415");
    for wrong in ["no colon", "na me: x", "name: \u{7f}"] {
        stage.run(&[&args[..], &[wrong]].concat()).ends_with(2);
    }
}

#[test]
fn what_the_service_refuses_is_shown_beside_the_answer() {
    let stage = Stage::open();
    let other = "/m2m/v1/accounts/other";
    stage
        .run(&["call", "GET", other])
        .ends_with(1)
        .complains("AccountNotFound");
    let error = stage.run(&["call", "GET", other, "--json"]).error();
    assert_eq!(error["exit_code"], 1);
    assert_eq!(error["fate"], "refused");
    assert_eq!(error["status"], 400);
    let code = "UnifiedWebService.REQUEST_FAILED.AccountNotFound";
    assert_eq!(error["code"], code);
    assert_eq!(error["answer"]["json"]["errorCode"], code);
}

#[test]
fn a_refusal_commands_no_terminal() {
    let stage = Stage::open();
    let mut page = Response::new(Bytes::from_static(b"\x1b]0;owned\x07\x1b[2J\xc2\x9b2J"));
    *page.status_mut() = StatusCode::BAD_REQUEST;
    for format in ["--include", "--json"] {
        stage.inject(Call::Account, Fault::Replace(page.clone()));
        let ran = stage.run(&["call", "GET", ACCOUNT, format]).ends_with(1);
        let commands = ran.stderr.contains(['\x1b', '\u{9b}']);
        assert!(!commands, "{ran:?}");
    }
}

#[test]
fn a_call_without_an_answer_has_an_unknown_fate() {
    let stage = Stage::open();
    stage.inject(Call::Devices, Fault::Drop);
    stage
        .run(&["call", "POST", DEVICES, "--data", "{}"])
        .ends_with(5)
        .complains("look before you repeat it");
}

#[test]
fn a_call_that_may_not_be_made_is_not() {
    let stage = Stage::new();
    for path in [
        "no/slash",
        "/../x",
        "https://elsewhere.example/m2m",
        "/m2m/\u{e4}",
    ] {
        stage.run(&["call", "GET", path]).ends_with(2);
    }
    stage
        .run(&["call", "PUT", "/m2m/v1/session/password/actions/reset"])
        .ends_with(2)
        .complains("only the session itself")
        .complains("thingspace login, logout and reset-password");
    stage.run(&["call", "G E T", ACCOUNT]).ends_with(2);
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn a_session_that_died_is_opened_anew() {
    let stage = Stage::open();
    stage
        .server
        .with(thingspace_simulator::Simulator::forget_sessions);
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.done(Call::LogIn), 2);
}

#[test]
fn somebody_who_has_read_enough_is_no_error() {
    let stage = Stage::open();
    let mut child = stage.command(&["call", "GET", ACCOUNT]).spawn().unwrap();
    drop(child.stdout.take());
    stage.finish(child).succeeds();
}

#[test]
fn an_answer_that_can_not_be_written_is_not_taken_for_done() {
    let stage = Stage::open();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let mut call = stage.command(&["call", "GET", ACCOUNT]);
    call.stdout(Stdio::from(full.unwrap()));
    stage
        .finish(call.spawn().unwrap())
        .ends_with(5)
        .complains("the command was carried out, but");
}
