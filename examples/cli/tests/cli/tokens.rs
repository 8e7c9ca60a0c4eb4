//! `tokens`: the two tokens, for programs that call by themselves.

use bytes::Bytes;
use http::{Request, StatusCode};
use thingspace_simulator::Call;

use crate::stage::*;

/// The status of a call that another program makes with these tokens.
fn status_with(stage: &Stage, bearer: &str, session: &str) -> StatusCode {
    let request = Request::get(format!("{}{ACCOUNT}", stage.server.base()))
        .header("host", format!("127.0.0.1:{}", stage.server.port()))
        .header("authorization", format!("Bearer {bearer}"))
        .header("vz-m2m-token", session)
        .body(Bytes::new())
        .unwrap();
    let now = stage.server.now();
    let reply = stage.server.with(|service| service.respond(now, &request));
    reply.into_response().unwrap().status()
}

#[test]
fn another_program_calls_with_them() {
    let stage = Stage::new();
    let ran = stage.tokens_by(&[]).succeeds();
    assert_eq!(ran.stderr, "");
    let lines: Vec<_> = ran.text().lines().collect();
    let [bearer, session] = lines[..] else {
        panic!("{ran:?}");
    };
    assert_eq!(status_with(&stage, bearer, session), StatusCode::OK);
    assert_eq!(
        status_with(&stage, bearer, "other"),
        StatusCode::BAD_REQUEST
    );

    // They are those of the session that all share.
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!(stage.tokens_by(&[]).succeeds().stdout, ran.stdout);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::BearerToken), 1);
}

#[test]
fn they_are_printed_as_another_program_takes_them() {
    let stage = Stage::open();
    let tokens = stage.tokens();
    let (bearer, session) = (&tokens[0], &tokens[1]);
    assert_eq!(
        stage.tokens_by(&["--headers"]).succeeds().text(),
        format!("Authorization: Bearer {bearer}\nVZ-M2M-Token: {session}\n")
    );
    let json = stage.tokens_by(&["--json"]).succeeds().json();
    assert_eq!(json["bearer_token"], **bearer);
    assert_eq!(json["session_token"], **session);
    assert!(json["bearer_until"].as_str().unwrap().starts_with("20"));

    let script = stage.tokens_by(&["--shell"]).succeeds();
    let show = format!(
        "{}echo \"$THINGSPACE_BEARER_TOKEN $THINGSPACE_SESSION_TOKEN\"",
        script.text()
    );
    let shown = std::process::Command::new("sh")
        .args(["-c", &show])
        .output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    assert_eq!(shown, format!("{bearer} {session}\n"));
    stage
        .tokens_by(&["--headers", "--json"])
        .ends_with(2)
        .reports("printed in one form");
    stage.tokens_by(&["--headers", "--shell"]).ends_with(2);
}

#[test]
fn none_is_printed_where_none_was_got() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.is_secret("grflbk");
    stage
        .tokens_by(&[])
        .ends_with(1)
        .reports("the user's credentials were refused");
    stage.tokens_by(&[]).ends_with(3).reports("");
    assert_eq!(stage.seen(Call::LogIn), 1);
}
