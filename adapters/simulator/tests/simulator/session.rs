//! The session token: valid while it is used, ended by idle time or a later
//! login.

use serde_json::json;
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

const EXPIRED: &str = "REQUEST_FAILED.SessionToken.Expired";
const MISSING: &str = "REQUEST_FAILED.SessionToken.Format";
const INVALID: &str = "INPUT_INVALID.SessionToken.Invalid";

/// Returns the session of `tokens` with a bearer that is valid now.
fn renewed(service: &mut Service, tokens: &Tokens) -> Tokens {
    Tokens {
        bearer: service.bearer(),
        session: tokens.session.clone(),
    }
}

#[test]
fn a_session_lives_as_long_as_it_is_used() {
    let mut service = Service::new();
    let tokens = service.log_in();

    for _ in 0..100 {
        service.pass(just_under(20));
        let tokens = renewed(&mut service, &tokens);
        assert_eq!(service.account(&tokens).status, 200);
    }

    assert_eq!(service.simulator.counts().done(Call::Account), 100);
}

#[test]
fn twenty_minutes_without_use_end_it() {
    let mut service = Service::new();
    let tokens = service.log_in();

    service.pass(20 * MINUTE);

    service.account(&tokens).assert_refused(EXPIRED);
    assert_eq!(service.simulator.open_sessions(service.now), 0);
}

#[test]
fn a_refused_request_is_no_use_of_the_session() {
    let mut service = Service::new();
    let tokens = service.log_in();

    service.pass(19 * MINUTE);
    let refused = service.devices(&tokens, &json!({"accountName": "0000000000-00001"}));
    assert_eq!(refused.status, 400);
    service.pass(MINUTE);

    service.account(&tokens).assert_refused(EXPIRED);
}

#[test]
fn the_header_is_required_and_must_have_the_token() {
    let mut service = Service::new();
    let bearer = service.log_in().bearer;
    let with = |token: &str| {
        let tokens = Tokens {
            bearer: bearer.clone(),
            session: token.to_owned(),
        };
        account_request(&tokens)
    };

    let mut without = with("");
    without.headers_mut().remove("vz-m2m-token");
    service.send(&without).assert_refused(MISSING);
    service.send(&with("")).assert_refused(MISSING);
    for token in [
        "bcce3ea6-fe4f-4952-bacf-eadd80718e83",
        "not a GUID",
        "\u{e9}",
    ] {
        service.send(&with(token)).assert_refused(INVALID);
    }
}

#[test]
fn a_later_login_replaces_the_session() {
    let mut service = Service::new();
    let first = service.log_in();
    service.pass(MINUTE);
    let second = service.log_in();

    service.account(&first).assert_refused(INVALID);
    assert_eq!(service.account(&second).status, 200);
    assert_eq!(service.simulator.open_sessions(service.now), 1);
}

#[test]
fn a_failed_login_replaces_nothing() {
    let mut service = Service::new();
    let tokens = service.log_in();

    service.fail_logins(1);

    assert_eq!(service.account(&tokens).status, 200);
}

#[test]
fn sessions_can_be_set_to_live_side_by_side() {
    let mut service = Service::with(Simulator::new(7).sessions_replace_each_other(false));
    let first = service.log_in();
    service.pass(10 * MINUTE);
    let second = service.log_in();
    assert_eq!(service.simulator.open_sessions(service.now), 2);

    service.pass(10 * MINUTE);

    service.account(&first).assert_refused(EXPIRED);
    assert_eq!(service.account(&second).status, 200);
    assert_eq!(service.simulator.open_sessions(service.now), 1);
}

#[test]
fn logout_ends_the_session_and_returns_its_token() {
    let mut service = Service::with(Simulator::new(7).sessions_replace_each_other(false));
    let tokens = service.log_in();
    let other = service.log_in();

    let response = service.log_out(&tokens);

    assert_eq!(response.text("sessionToken"), tokens.session);
    service.account(&tokens).assert_refused(INVALID);
    service.log_out(&tokens).assert_refused(INVALID);
    assert_eq!(service.account(&other).status, 200);
    assert_eq!(service.simulator.counts().done(Call::LogOut), 1);
}

#[test]
fn sessions_can_be_forgotten() {
    let mut service = Service::new();
    let tokens = service.log_in();

    service.simulator.forget_sessions();

    service.account(&tokens).assert_refused(INVALID);
}

#[test]
fn a_logout_without_a_session_token_ends_nothing_and_says_that_the_api_responds() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let mut request = without_body(tokens.authorize(post(LOGOUT)));
    request.headers_mut().remove("vz-m2m-token");

    for _ in 0..10 {
        service.send(&request).assert_refused(MISSING);
    }

    assert_eq!(service.account(&tokens).status, 200);
    assert!(!service.simulator.is_locked());
    assert_eq!(service.simulator.consecutive_failures(), 0);
    assert_eq!(service.simulator.counts().done(Call::LogOut), 0);
}
