//! The bearer token: an hour from first issue, the same one within it.

use std::time::Duration;

use thingspace_simulator::Call;

use crate::service::*;

#[test]
fn a_key_and_secret_get_a_bearer_for_an_hour() {
    let mut service = Service::new();

    let answer = service.send(&bearer_request());

    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["expires_in"], 3600);
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(answer.text("access_token").len(), 32);
    assert!(answer.json().get("scope").is_none());
    assert_eq!(service.simulator.counts().bearers_issued, 1);
}

#[test]
fn a_scope_that_was_asked_for_is_granted() {
    let form = "scope=ts.read+ts.write&grant_type=client_credentials";
    let request = post(TOKEN).header("authorization", BASIC);

    let answer = Service::new().send(&with_form(request, form));

    assert_eq!(answer.text("scope"), "ts.read ts.write");
}

#[test]
fn within_the_hour_the_same_bearer_is_handed_out_with_what_is_left() {
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
fn a_bearer_of_an_hour_ago_is_wrong_and_says_nothing_of_the_password() {
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
fn a_revoked_bearer_ends_at_once() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let form = format!("grant_type=client_credentials&token={}", tokens.bearer);
    let revoke = with_form(post(REVOKE).header("authorization", BASIC), &form);
    let answer = service.send(&revoke);
    assert_eq!(answer.status, 200);
    assert!(answer.body.is_empty());

    service.account(&tokens).assert_fault(401, "900901");
    assert_ne!(service.bearer(), tokens.bearer);
    assert_eq!(service.simulator.counts().bearers_revoked, 1);
}

#[test]
fn revoking_a_bearer_that_is_not_there_is_no_error_and_ends_nothing() {
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
fn revoking_takes_a_token() {
    let form = "grant_type=client_credentials";
    let revoke = with_form(post(REVOKE).header("authorization", BASIC), form);

    let answer = Service::new().send(&revoke);

    answer.assert_oauth(400, "invalid_request");
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

        let answer = service.send(&with_form(request, "grant_type=client_credentials"));

        answer.assert_oauth(401, "invalid_client");
        assert_eq!(answer.headers["www-authenticate"], "Basic");
        assert_eq!(service.simulator.counts().done(Call::BearerToken), 0);
    }
}

#[test]
fn no_basic_header_is_the_gateways_fault() {
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
        let answer = Service::new().send(&with_form(request, form));
        answer.assert_oauth(400, error);
    }
}

#[test]
fn a_form_that_does_not_say_that_it_is_one_is_not_read() {
    let request = post(TOKEN).header("authorization", BASIC);
    let request = with_body(request, "grant_type=client_credentials");

    let answer = Service::new().send(&request);

    answer.assert_oauth(400, "invalid_request");
}

#[test]
fn schemes_and_media_types_compare_without_case() {
    let request = post(TOKEN)
        .header("authorization", BASIC.replace("Basic", "bASIC"))
        .header(
            "content-type",
            "Application/X-WWW-form-urlencoded; charset=UTF-8",
        );
    let mut service = Service::new();
    let answer = service.send(&with_body(request, "grant_type=client_credentials"));
    let bearer = answer.text("access_token");

    let request = post(LOGIN)
        .header("authorization", format!("bearer {bearer}"))
        .header("content-type", "application/JSON;charset=utf-8");
    let body = r#"{"username":"zbeeblebrox","password":"IMgr8"}"#;

    assert_eq!(service.send(&with_body(request, body)).status, 200);
}

#[test]
fn a_gateway_that_forgot_hands_out_a_new_bearer() {
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
fn a_clock_that_was_set_back_does_no_harm() {
    let mut service = Service::new();
    let tokens = service.log_in();

    service.now = thingspace_core::Timestamp::default();
    assert_eq!(service.send(&bearer_request()).json()["expires_in"], 3600);
    assert_eq!(service.account(&tokens).status, 200);

    service.now = thingspace_core::Timestamp::from_millis(1_700_000_000_000);
    service.pass(Duration::from_secs(60));
    assert_eq!(service.account(&tokens).status, 200);
}
