//! Misbehaviour on demand, and whether the request took effect all the same.

use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Response, StatusCode};
use serde_json::json;
use thingspace_simulator::{Call, Fault, Reply, Simulator};

use crate::service::*;

fn login_request(service: &mut Service) -> http::Request<Bytes> {
    let bearer = service.bearer();
    login(
        &bearer,
        &json!({"username": Simulator::USERNAME, "password": Simulator::PASSWORD}),
    )
}

/// What a login meets when `fault` befalls it, and whether it took effect.
fn befall(fault: Fault) -> (Reply, bool) {
    let mut service = Service::new();
    let request = login_request(&mut service);
    service.simulator.inject(Call::LogIn, fault);

    let reply = service.reply(&request);

    let counts = service.simulator.counts();
    assert_eq!(counts.seen(Call::LogIn), 1);
    let acted = counts.done(Call::LogIn) == 1;
    let sessions = service.simulator.open_sessions(service.now);
    assert_eq!(sessions, usize::from(acted));
    assert_eq!(service.simulator.faults_left(), 0);
    (reply, acted)
}

/// The answer when `fault` befalls a login, which must not have acted.
fn answer(fault: Fault) -> Response<Bytes> {
    let (reply, acted) = befall(fault);
    assert!(!acted);
    let Reply::Answer(response) = reply else {
        panic!("{reply:?}");
    };
    response
}

#[test]
fn a_dropped_request_may_have_acted_or_not() {
    let (before, acted) = befall(Fault::Drop);
    assert!(matches!(before, Reply::Dropped));
    assert!(!acted);

    let (after, acted) = befall(Fault::Drop.after_acting());
    assert!(matches!(after, Reply::Dropped));
    assert!(acted);
}

#[test]
fn a_hung_request_may_have_acted_or_not() {
    let (reply, acted) = befall(Fault::Hang);
    assert!(matches!(reply, Reply::Hung));
    assert!(!acted);

    let (reply, acted) = befall(Fault::Hang.after_acting());
    assert!(matches!(reply, Reply::Hung));
    assert!(acted);
}

#[test]
fn a_late_answer_is_the_right_one() {
    let (reply, acted) = befall(Fault::Delay(Duration::from_secs(5)));
    assert!(acted);
    let Reply::Late(delay, response) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(delay, Duration::from_secs(5));
    assert_eq!(response.status(), 200);
    assert!(response.body().starts_with(b"{\"sessionToken\":"));
}

#[test]
fn an_answer_can_break_off() {
    let (reply, acted) = befall(Fault::CutShort);
    assert!(acted);
    let Reply::CutShort(response) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(response.status(), 200);
}

#[test]
fn an_answer_without_a_body_breaks_off_whole() {
    let mut service = Service::new();
    service.simulator.inject(Call::RevokeToken, Fault::CutShort);
    let form = "grant_type=client_credentials&token=x";
    let revoke = with_form(post(REVOKE).header("authorization", BASIC), form);

    assert!(matches!(service.reply(&revoke), Reply::Dropped));
    assert_eq!(service.simulator.counts().done(Call::RevokeToken), 1);
}

#[test]
fn a_refused_request_has_not_acted() {
    let (reply, acted) = befall(Fault::RefusedStream);
    assert!(matches!(reply, Reply::Refused));
    assert!(!acted);
    assert!(reply.into_answer().is_none());
}

#[test]
fn the_last_answer_on_a_connection_is_the_right_one() {
    let (reply, acted) = befall(Fault::GoAway);
    assert!(acted);
    assert!(matches!(reply, Reply::Last(_)));
    assert_eq!(reply.into_answer().unwrap().status(), 200);
}

#[test]
fn a_proxy_speaks_its_own_language() {
    let page = answer(Fault::Html(StatusCode::BAD_GATEWAY));
    assert_eq!(page.status(), 502);
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.body().starts_with(b"<html>"));

    let garbage = answer(Fault::Garbage);
    assert_eq!(garbage.status(), 200);
    assert!(std::str::from_utf8(garbage.body()).is_err());

    let empty = answer(Fault::Empty);
    assert_eq!(empty.status(), 200);
    assert!(empty.body().is_empty());

    let status = answer(Fault::Status(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(status.status(), 503);
    assert!(status.body().is_empty());
}

#[test]
fn a_body_can_be_endless() {
    let (reply, acted) = befall(Fault::Endless);
    assert!(!acted);
    let Reply::Endless(response) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(response.status(), 200);
    assert!(!response.body().is_empty());
}

#[test]
fn a_client_can_be_told_to_slow_down() {
    let silent = answer(Fault::Throttled { retry_after: None });
    assert_eq!(silent.status(), 429);
    assert!(silent.headers().get("retry-after").is_none());

    let told = answer(Fault::Throttled {
        retry_after: Some(HeaderValue::from_static("soon")),
    });
    assert_eq!(told.headers()["retry-after"], "soon");

    let fault = answer(Fault::ThrottledOut);
    assert_eq!(fault.status(), 429);
    let body: serde_json::Value = serde_json::from_slice(fault.body()).unwrap();
    assert_eq!(body["fault"]["code"], "900800");
}

#[test]
fn a_client_can_be_sent_elsewhere() {
    let elsewhere = HeaderValue::from_static("http://example.com/");
    let redirect = answer(Fault::Redirect(elsewhere));
    assert_eq!(redirect.status(), 307);
    assert_eq!(redirect.headers()["location"], "http://example.com/");
}

#[test]
fn an_answer_can_be_any_at_all() {
    let mut teapot = Response::new(Bytes::from_static(b"short and stout"));
    *teapot.status_mut() = StatusCode::IM_A_TEAPOT;

    let response = answer(Fault::Replace(teapot.clone()));
    assert_eq!(response.status(), 418);
    assert_eq!(response.body(), teapot.body());

    let (reply, acted) = befall(Fault::Replace(teapot).after_acting());
    assert!(acted);
    assert_eq!(reply.into_answer().unwrap().status(), 418);
}

#[test]
fn a_reset_can_be_carried_out_and_its_password_lost() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service
        .simulator
        .inject(Call::ResetPassword, Fault::Drop.after_acting());
    let body = json!({"oldPassword": Simulator::PASSWORD});
    let request = with_json(tokens.stamp(put(RESET)), &body);

    assert!(service.reply(&request).into_answer().is_none());

    assert_ne!(service.simulator.reveal_password(), Simulator::PASSWORD);
}

#[test]
fn a_fault_after_acting_refuses_what_would_have_been_refused() {
    let mut service = Service::new();
    service
        .simulator
        .inject(Call::LogIn, Fault::Empty.after_acting());

    let answer = service.try_log_in(Simulator::USERNAME, "grflbk");

    assert_eq!(answer.status, 200);
    assert_eq!(service.simulator.consecutive_failures(), 1);
    assert_eq!(service.simulator.counts().done(Call::LogIn), 0);
}

#[test]
fn faults_wait_for_their_call_and_come_in_order() {
    let mut service = Service::new();
    let tokens = service.log_in();
    for status in [500, 502, 503] {
        let fault = Fault::Status(StatusCode::from_u16(status).unwrap());
        service.simulator.inject(Call::Account, fault);
    }

    assert_eq!(service.devices(&tokens, &json!({})).status, 200);
    for status in [500, 502, 503, 200] {
        assert_eq!(service.account(&tokens).status, status);
    }
}

#[test]
fn a_fault_for_any_call_befalls_the_next_in_its_turn() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service
        .simulator
        .inject(Call::Account, Fault::Status(StatusCode::BAD_GATEWAY));
    service
        .simulator
        .inject_any(Fault::Status(StatusCode::GATEWAY_TIMEOUT));

    assert_eq!(service.account(&tokens).status, 502);
    assert_eq!(service.account(&tokens).status, 504);
    assert_eq!(service.account(&tokens).status, 200);

    service
        .simulator
        .inject_any(Fault::Status(StatusCode::GATEWAY_TIMEOUT));
    assert_eq!(service.send(&without_body(get("/nowhere"))).status, 504);
}

#[test]
fn a_fault_before_acting_keeps_a_session_no_longer() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.pass(19 * MINUTE);
    service
        .simulator
        .inject(Call::Account, Fault::Status(StatusCode::BAD_GATEWAY));
    service.account(&tokens);

    service.pass(MINUTE);

    service
        .account(&tokens)
        .assert_refused("REQUEST_FAILED.SessionToken.Expired");
}
