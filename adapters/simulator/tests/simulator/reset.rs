//! The reset: a new random password, effective at once and returned only once.

use serde_json::json;
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

const WRONG: &str = "INPUT_INVALID.Credentials.Invalid";

#[test]
fn the_new_password_is_effective_at_once() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let new = service
        .reset(&tokens, Simulator::PASSWORD)
        .text("newPassword");

    assert_eq!(new.len(), 12);
    assert!(new.chars().all(|c| c.is_ascii_alphanumeric()));
    assert_eq!(service.simulator.reveal_password(), new);
    service
        .try_log_in(Simulator::USERNAME, Simulator::PASSWORD)
        .assert_refused(WRONG);
    assert_eq!(service.try_log_in(Simulator::USERNAME, &new).status, 200);
    assert_eq!(service.simulator.counts().done(Call::ResetPassword), 1);
}

#[test]
fn a_second_reset_with_the_first_password_is_refused() {
    let mut service = Service::new();
    let tokens = service.log_in();
    let new = service
        .reset(&tokens, Simulator::PASSWORD)
        .text("newPassword");

    let again = service.reset(&tokens, Simulator::PASSWORD);

    again.assert_refused(WRONG);
    assert_eq!(service.simulator.reveal_password(), new);
    assert_ne!(service.reset(&tokens, &new).text("newPassword"), new);
}

#[test]
fn a_wrong_old_password_is_no_failed_login() {
    let mut service = Service::new();
    let tokens = service.log_in();

    for _ in 0..6 {
        service.reset(&tokens, "grflbk").assert_refused(WRONG);
    }

    assert!(!service.simulator.is_locked());
    assert_eq!(service.simulator.counts().failed_logins, 0);
    assert_eq!(service.simulator.reveal_password(), Simulator::PASSWORD);
}

#[test]
fn the_old_password_is_required() {
    let mut service = Service::new();
    let tokens = service.log_in();

    let response = service.send(&with_json(tokens.authorize(put(RESET)), &json!({})));

    response.assert_refused("REQUEST_FAILED.UnexpectedError");
}

#[test]
fn sessions_survive_a_reset_unless_set_otherwise() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.reset(&tokens, Simulator::PASSWORD);
    assert_eq!(service.account(&tokens).status, 200);

    let mut service = Service::with(Simulator::new(42).reset_ends_sessions(true));
    let tokens = service.log_in();
    let response = service.reset(&tokens, Simulator::PASSWORD);
    assert_eq!(response.status, 200);
    service
        .account(&tokens)
        .assert_refused("INPUT_INVALID.SessionToken.Invalid");
}

#[test]
fn a_reset_requires_a_session() {
    let mut service = Service::new();
    let bearer = service.bearer();
    let request = put(RESET).header("authorization", format!("Bearer {bearer}"));

    let response = service.send(&with_json(request, &json!({"oldPassword": "IMgr8"})));

    response.assert_refused("REQUEST_FAILED.SessionToken.Format");
    assert_eq!(service.simulator.reveal_password(), Simulator::PASSWORD);
}
