//! The bearer token: valid for an hour from its first issue, and the same one
//! within that hour.

use std::time::Duration;

use thingspace_simulator::Call;

use crate::service::*;

#[test]
fn a_key_and_secret_get_a_bearer_for_an_hour() {
    let mut service = Service::new();

    let response = service.send(&bearer_request());

    assert_eq!(response.status, 200);
    assert_eq!(response.json()["expires_in"], 3600);
    assert_eq!(response.json()["token_type"], "Bearer");
    assert_eq!(response.text("access_token").len(), 32);
    assert!(response.json().get("scope").is_none());
    assert_eq!(service.simulator.counts().bearers_issued, 1);
}

#[test]
fn a_requested_scope_is_granted() {
    let form = "scope=ts.read+ts.write&grant_type=client_credentials";
    let request = post(TOKEN).header("authorization", BASIC);

    let response = Service::new().send(&with_form(request, form));

    assert_eq!(response.text("scope"), "ts.read ts.write");
}

#[test]
fn within_the_hour_the_same_bearer_is_returned_with_the_time_left() {
    let mut service = Service::new();
    let first = service.bearer();

    service.pass(45 * MINUTE);
    let again = service.send(&bearer_request());
    assert_eq!(again.text("access_token"), first);
    assert_eq!(again.json()["expires_in"], 900);

    service.pass(just_under(15));
    let last = service.send(&bearer_request());
    assert_eq!(last.text("access_token"), first);
    assert_eq!(last.json()["expires_in"], 0);

    service.pass(MILLISECOND);
    let new = service.send(&bearer_request());
    assert_ne!(new.text("access_token"), first);
    assert_eq!(new.json()["expires_in"], 3600);

    let counts = service.simulator.counts();
    assert_eq!(counts.bearers_issued, 2);
    assert_eq!(counts.bearers_repeated, 2);
    assert_eq!(counts.done(Call::BearerToken), 4);
}

#[test]
fn a_bearer_of_an_hour_ago_is_refused_without_counting_a_failed_login() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.pass(60 * MINUTE);

    let login = login(
        &tokens.bearer,
        &serde_json::json!({"username": "zbeeblebrox"}),
    );

    service.send(&login).assert_fault(401, "900901");
    assert_eq!(service.simulator.consecutive_failures(), 0);
}

#[test]
fn a_revoked_bearer_is_invalid_at_once() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let form = format!("grant_type=client_credentials&token={}", tokens.bearer);
    let revoke = with_form(post(REVOKE).header("authorization", BASIC), &form);
    let response = service.send(&revoke);
    assert_eq!(response.status, 200);
    assert!(response.body.is_empty());

    service.account(&tokens).assert_fault(401, "900901");
    assert_ne!(service.bearer(), tokens.bearer);
    assert_eq!(service.simulator.counts().bearers_revoked, 1);
}

#[test]
fn revoking_an_unknown_bearer_is_no_error_and_ends_nothing() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let form = "grant_type=client_credentials&token=d7bc43e9acc31aba9654fc5cd0d8c520";
    let revoke = with_form(post(REVOKE).header("authorization", BASIC), form);
    assert_eq!(service.send(&revoke).status, 200);

    assert_eq!(service.account(&tokens).status, 200);
    assert_eq!(service.simulator.counts().bearers_revoked, 0);
    assert_eq!(service.simulator.counts().done(Call::RevokeToken), 1);
}

#[test]
fn revoking_requires_a_token() {
    let form = "grant_type=client_credentials";
    let revoke = with_form(post(REVOKE).header("authorization", BASIC), form);

    let response = Service::new().send(&revoke);

    response.assert_oauth(400, "invalid_request");
}

#[test]
fn a_wrong_key_or_secret_is_an_invalid_client() {
    for basic in [
        "c2ltdWxhdGVkLWtleTpzZWNyZXQ=", // simulated-key:secret
        "a2V5OnNpbXVsYXRlZC1zZWNyZXQ=", // key:simulated-secret
        "a2V5",                         // key
        "/////w==",                     // not UTF-8
        "%%%",                          // not Base64
        "",
    ] {
        let request = post(TOKEN).header("authorization", format!("Basic {basic}"));
        let mut service = Service::new();

        let response = service.send(&with_form(request, "grant_type=client_credentials"));

        response.assert_oauth(401, "invalid_client");
        assert_eq!(response.headers["www-authenticate"], "Basic");
        assert_eq!(service.simulator.counts().done(Call::BearerToken), 0);
    }
}

#[test]
fn a_missing_basic_header_is_a_gateway_fault() {
    let bare = with_form(post(TOKEN), "grant_type=client_credentials");
    Service::new().send(&bare).assert_fault(401, "900902");

    let other = post(TOKEN).header("authorization", "Bearer abc");
    let other = with_form(other, "grant_type=client_credentials");
    Service::new().send(&other).assert_fault(401, "900902");
}

#[test]
fn the_grant_type_must_be_client_credentials() {
    for (form, error) in [
        ("scope=ts.read", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
    ] {
        let request = post(TOKEN).header("authorization", BASIC);
        let response = Service::new().send(&with_form(request, form));
        response.assert_oauth(400, error);
    }
}

#[test]
fn a_form_without_its_media_type_is_ignored() {
    let request = post(TOKEN).header("authorization", BASIC);
    let request = with_body(request, "grant_type=client_credentials");

    let response = Service::new().send(&request);

    response.assert_oauth(400, "invalid_request");
}

#[test]
fn schemes_and_media_types_are_compared_without_case() {
    let request = post(TOKEN)
        .header("authorization", BASIC.replace("Basic", "bASIC"))
        .header(
            "content-type",
            "Application/X-WWW-form-urlencoded; charset=UTF-8",
        );
    let mut service = Service::new();
    let response = service.send(&with_body(request, "grant_type=client_credentials"));
    let bearer = response.text("access_token");

    let request = post(LOGIN)
        .header("authorization", format!("bearer {bearer}"))
        .header("content-type", "application/JSON;charset=utf-8");
    let body = r#"{"username":"zbeeblebrox","password":"IMgr8"}"#;

    assert_eq!(service.send(&with_body(request, body)).status, 200);
}

#[test]
fn a_gateway_that_forgot_its_bearer_issues_a_new_one() {
    let mut service = Service::new();
    let tokens = service.log_in();

    service.simulator.forget_bearers();

    service.account(&tokens).assert_fault(401, "900901");
    let bearer = service.bearer();
    assert_ne!(bearer, tokens.bearer);
    let tokens = Tokens { bearer, ..tokens };
    assert_eq!(service.account(&tokens).status, 200);
}

#[test]
fn the_same_seed_makes_the_same_tokens() {
    let (mut one, mut other) = (Service::new(), Service::new());
    assert_eq!(one.log_in(), other.log_in());

    let mut third = Service::with(thingspace_simulator::Simulator::new(43));
    assert_ne!(third.log_in(), one.log_in());
}

#[test]
fn a_clock_that_is_set_back_expires_nothing() {
    let mut service = Service::new();
    let tokens = service.log_in();

    service.now = thingspace_core::Timestamp::default();
    assert_eq!(service.send(&bearer_request()).json()["expires_in"], 3600);
    assert_eq!(service.account(&tokens).status, 200);

    service.now = thingspace_core::Timestamp::from_millis(1_700_000_000_000);
    service.pass(Duration::from_secs(60));
    assert_eq!(service.account(&tokens).status, 200);
}
