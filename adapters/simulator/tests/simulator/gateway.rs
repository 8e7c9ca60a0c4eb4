//! Checks before a call: bearers, paths, lengths, characters, hosts.

use bytes::Bytes;
use http::{Request, Version};
use serde_json::json;
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

const ILLEGAL: &str = "INPUT_INVALID.Request.InvalidCharacter";

#[test]
fn every_api_call_requires_a_bearer() {
    for request in [
        post(LOGIN),
        post(LOGOUT),
        put(RESET),
        get(ACCOUNT),
        post(DEVICES),
    ] {
        let missing = Service::new().send(&without_body(request));
        missing.assert_fault(401, "900902");
    }
    for request in [
        post(LOGIN),
        post(LOGOUT),
        put(RESET),
        get(ACCOUNT),
        post(DEVICES),
    ] {
        let request = request.header("authorization", "Bearer d7bc43e9acc31aba9654fc5cd0d8c520");
        let wrong = Service::new().send(&without_body(request));
        wrong.assert_fault(401, "900901");
    }
}

#[test]
fn a_bearer_in_another_scheme_is_missing() {
    let mut service = Service::new();
    let bearer = service.bearer();
    for authorization in [
        format!("Basic {bearer}"),
        bearer.clone(),
        "Bearer".to_owned(),
    ] {
        let request = post(LOGOUT).header("authorization", authorization);
        service
            .send(&without_body(request))
            .assert_fault(401, "900902");
    }
}

#[test]
fn unknown_paths_and_methods_are_no_resource() {
    let mut service = Service::new();
    for request in [
        get(LOGIN),
        put(LOGIN),
        post(RESET),
        get(DEVICES),
        post(ACCOUNT),
        get("/api"),
        get("/"),
        get("/m2m/v1/session/login"),
        post("/api/m2m/v1/session/login/"),
        post("/apim2m/v1/session/login"),
        get("/api/m2m/v1/accounts/"),
        get("/api/m2m/v1/accounts/0000123456-00001/devices"),
        get("/api/m2m/v2/devices"),
    ] {
        let response = service.send(&without_body(request));
        response.assert_fault(400, "900906");
    }
    assert_eq!(service.simulator.counts().seen(Call::Unknown), 13);
    assert_eq!(service.simulator.counts().seen_in_all(), 13);
}

#[test]
fn the_prefix_can_be_changed_or_removed() {
    let mut service = Service::with(Simulator::new(1).prefix("/mirror/api"));
    service.send(&bearer_request()).assert_fault(400, "900906");

    let mut service = Service::with(Simulator::new(1).prefix(""));
    let request = post("/ts/v1/oauth2/token").header("authorization", BASIC);
    let request = with_form(request, "grant_type=client_credentials");
    assert_eq!(service.send(&request).status, 200);
}

#[test]
fn an_absolute_uri_works_like_a_path() {
    let mut service = Service::new();
    let mut request = bearer_request();
    *request.uri_mut() = "https://thingspace.verizon.com/api/ts/v1/oauth2/token"
        .parse()
        .unwrap();

    assert_eq!(service.send(&request).status, 200);
}

#[test]
fn a_post_or_put_without_a_body_requires_a_length() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for request in [post(LOGOUT), put(RESET), post(TOKEN), post("/elsewhere")] {
        let request = tokens.authorize(request).body(Bytes::new()).unwrap();
        assert_eq!(service.send(&request).status, 411);
    }
    assert_eq!(service.simulator.open_sessions(service.now), 1);

    let mut http2 = tokens.authorize(post(LOGOUT)).body(Bytes::new()).unwrap();
    *http2.version_mut() = Version::HTTP_2;
    assert_eq!(service.send(&http2).status, 200);
}

#[test]
fn a_wrong_length_is_refused() {
    let mut service = Service::new();
    for wrong in ["0", "28", "-1", "many"] {
        let mut request = bearer_request();
        request
            .headers_mut()
            .insert("content-length", wrong.parse().unwrap());
        assert_eq!(service.send(&request).status, 400);
    }
}

#[test]
fn lengths_can_be_ignored() {
    let mut service = Service::with(Simulator::new(1).content_length_required(false));
    let tokens = service.log_in();

    let request = tokens.authorize(post(LOGOUT)).body(Bytes::new()).unwrap();

    assert_eq!(service.send(&request).status, 200);
}

#[test]
fn illegal_characters_are_found_in_decoded_json() {
    let mut service = Service::new();
    let bearer = service.bearer();
    let send = |service: &mut Service, body: &str| {
        let request = post(LOGIN)
            .header("authorization", format!("Bearer {bearer}"))
            .header("content-type", "application/json");
        service.send(&with_body(request, body))
    };

    for body in [
        r#"{"username":"O'Brien"}"#,
        r#"{"username":"O\u0027Brien"}"#,
        r#"{"username":"a<b"}"#,
        r#"{"username":"a\\b"}"#,
        r#"{"user'name":"zbeeblebrox"}"#,
        r#"{"username":"zbeeblebrox","more":[{"deep":["<"]}]}"#,
    ] {
        send(&mut service, body).assert_refused(ILLEGAL);
    }
    assert_eq!(service.simulator.counts().failed_logins, 0);

    // The backslashes here are JSON's own.
    let right = r#"{"username":"zbee\u0062lebrox","password":"IMgr8","note":"\"\n\/"}"#;
    assert_eq!(send(&mut service, right).status, 200);
}

#[test]
fn illegal_characters_are_found_in_the_address() {
    let mut service = Service::new();
    let tokens = service.log_in();

    for path in [
        "/api/m2m/v1/accounts/O'Brien",
        "/api/m2m/v1/accounts/O%27Brien",
        "/api/m2m/v1/accounts/%3Cb",
        "/api/m2m/v1/accounts/a%5cb",
        "/api/m2m/v1/accounts/0000123456-00001?note=a%27b",
    ] {
        let request = tokens.authorize(get(path));
        service.send(&without_body(request)).assert_refused(ILLEGAL);
    }
}

#[test]
fn json_requires_its_media_type() {
    let mut service = Service::new();
    let bearer = service.bearer();
    let request = post(LOGIN).header("authorization", format!("Bearer {bearer}"));
    let request = with_form(request, r#"{"username":"zbeeblebrox"}"#);

    assert_eq!(service.send(&request).status, 415);
    assert_eq!(service.simulator.consecutive_failures(), 0);
}

#[test]
fn requests_for_another_host_are_executed_and_counted() {
    let mut service = Service::with(Simulator::new(1).authority("localhost:8080"));
    let at = |uri: &str| {
        let mut request = bearer_request();
        *request.uri_mut() = uri.parse().unwrap();
        request
    };
    let host = |name: &str| {
        let mut request = bearer_request();
        request.headers_mut().insert("host", name.parse().unwrap());
        request
    };

    service.send(&at("http://LOCALHOST:8080/api/ts/v1/oauth2/token"));
    service.send(&host("localhost:8080"));
    assert_eq!(service.simulator.counts().misdirected, 0);

    let response = service.send(&at("http://localhost/api/ts/v1/oauth2/token"));
    assert_eq!(response.status, 200);
    service.send(&host("example.com"));
    service.send(&bearer_request());
    assert_eq!(service.simulator.counts().misdirected, 3);
}

#[test]
fn deep_nesting_is_refused() {
    let mut service = Service::new();
    let bearer = service.bearer();
    let request: http::request::Builder = Request::post(LOGIN)
        .header("authorization", format!("Bearer {bearer}"))
        .header("content-type", "application/json");

    let response = service.send(&with_body(request, &"[".repeat(100_000)));

    response.assert_refused("REQUEST_FAILED.UnexpectedError");
}

#[test]
fn the_first_failed_check_decides_the_refusal() {
    let mut service = Service::new();
    let bearer = service.bearer();

    // The session is missing and the body is invalid. The session is checked first.
    let request = post(DEVICES).header("authorization", format!("Bearer {bearer}"));
    let response = service.send(&with_json(request, &json!({"accountName": "O'Brien"})));

    response.assert_refused("REQUEST_FAILED.SessionToken.Format");
}
