//! Injected faults, with and without the execution of the request.

use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Response, StatusCode};
use serde_json::json;
use thingspace_simulator::{Call, Fault, Form, Part, Reply, Simulator};

use crate::service::*;

fn login_request(service: &mut Service) -> http::Request<Bytes> {
    let bearer = service.bearer();
    login(
        &bearer,
        &json!({"username": Simulator::USERNAME, "password": Simulator::PASSWORD}),
    )
}

/// Logs in with `fault` injected. Returns the reply, and true if the login was
/// executed.
fn log_in_with(fault: Fault) -> (Reply, bool) {
    let mut service = Service::new();
    let request = login_request(&mut service);
    service.simulator.inject(Call::LogIn, fault);

    let reply = service.reply(&request);

    let counts = service.simulator.counts();
    assert_eq!(counts.seen(Call::LogIn), 1);
    let executed = counts.done(Call::LogIn) == 1;
    let sessions = service.simulator.open_sessions(service.now);
    assert_eq!(sessions, usize::from(executed));
    assert_eq!(service.simulator.faults_left(), 0);
    (reply, executed)
}

/// Returns the response to a login with `fault` injected. The login must not
/// have been executed.
fn response_with(fault: Fault) -> Response<Bytes> {
    let (reply, executed) = log_in_with(fault);
    assert!(!executed);
    let Reply::Response(response) = reply else {
        panic!("{reply:?}");
    };
    response
}

#[test]
fn a_dropped_request_may_have_been_executed_or_not() {
    let (before, executed) = log_in_with(Fault::Drop);
    assert!(matches!(before, Reply::Dropped));
    assert!(!executed);

    let (after, executed) = log_in_with(Fault::Drop.after_acting());
    assert!(matches!(after, Reply::Dropped));
    assert!(executed);
}

#[test]
fn a_hung_request_may_have_been_executed_or_not() {
    let (reply, executed) = log_in_with(Fault::Hang);
    assert!(matches!(reply, Reply::Hung));
    assert!(!executed);

    let (reply, executed) = log_in_with(Fault::Hang.after_acting());
    assert!(matches!(reply, Reply::Hung));
    assert!(executed);
}

#[test]
fn a_late_response_is_the_normal_one() {
    let (reply, executed) = log_in_with(Fault::Delay(Duration::from_secs(5)));
    assert!(executed);
    let Reply::Late(delay, response) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(delay, Duration::from_secs(5));
    assert_eq!(response.status(), 200);
    assert!(response.body().starts_with(b"{\"sessionToken\":"));
}

#[test]
fn a_response_can_break_off() {
    let (reply, executed) = log_in_with(Fault::CutShort);
    assert!(executed);
    let Reply::CutShort(response) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(response.status(), 200);
}

#[test]
fn a_response_can_break_off_with_the_statement_that_nothing_was_processed() {
    let (reply, executed) = log_in_with(Fault::RefusedMidway);
    assert!(executed);
    let Reply::RefusedMidway(response) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(response.status(), 200);
}

#[test]
fn a_response_can_come_to_a_halt() {
    let (reply, executed) = log_in_with(Fault::Stall);
    assert!(executed);
    let Reply::Stalled(response) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(response.status(), 200);
}

#[test]
fn a_response_without_a_body_is_dropped_instead_of_cut_short() {
    let mut service = Service::new();
    service.simulator.inject(Call::RevokeToken, Fault::CutShort);
    let form = "grant_type=client_credentials&token=x";
    let revoke = with_form(post(REVOKE).header("authorization", BASIC), form);

    assert!(matches!(service.reply(&revoke), Reply::Dropped));
    assert_eq!(service.simulator.counts().done(Call::RevokeToken), 1);
}

#[test]
fn a_refused_request_was_not_executed() {
    let (reply, executed) = log_in_with(Fault::RefusedStream);
    assert!(matches!(reply, Reply::Refused));
    assert!(!executed);
    assert!(reply.into_response().is_none());
}

#[test]
fn the_last_response_on_a_connection_is_the_normal_one() {
    let (reply, executed) = log_in_with(Fault::GoAway);
    assert!(executed);
    assert!(matches!(reply, Reply::Last(_)));
    assert_eq!(reply.into_response().unwrap().status(), 200);
}

#[test]
fn a_proxy_can_send_pages_garbage_or_nothing() {
    let page = response_with(Fault::Html(StatusCode::BAD_GATEWAY));
    assert_eq!(page.status(), 502);
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.body().starts_with(b"<html>"));

    let garbage = response_with(Fault::Garbage);
    assert_eq!(garbage.status(), 200);
    assert!(std::str::from_utf8(garbage.body()).is_err());

    let empty = response_with(Fault::Empty);
    assert_eq!(empty.status(), 200);
    assert!(empty.body().is_empty());

    let status = response_with(Fault::Status(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(status.status(), 503);
    assert!(status.body().is_empty());
}

#[test]
fn a_body_can_be_endless() {
    let (reply, executed) = log_in_with(Fault::Endless);
    assert!(!executed);
    let Reply::Endless(response) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(response.status(), 200);
    assert!(!response.body().is_empty());
}

#[test]
fn a_client_can_be_throttled() {
    let without_header = response_with(Fault::Throttled { retry_after: None });
    assert_eq!(without_header.status(), 429);
    assert!(without_header.headers().get("retry-after").is_none());

    let with_header = response_with(Fault::Throttled {
        retry_after: Some(HeaderValue::from_static("soon")),
    });
    assert_eq!(with_header.headers()["retry-after"], "soon");

    let fault = response_with(Fault::ThrottledOut);
    assert_eq!(fault.status(), 429);
    let body: serde_json::Value = serde_json::from_slice(fault.body()).unwrap();
    assert_eq!(body["fault"]["code"], "900800");
}

#[test]
fn a_client_can_be_redirected() {
    let elsewhere = HeaderValue::from_static("http://example.com/");
    let redirect = response_with(Fault::Redirect(elsewhere));
    assert_eq!(redirect.status(), 307);
    assert_eq!(redirect.headers()["location"], "http://example.com/");
}

#[test]
fn a_response_can_be_replaced_by_any_other() {
    let mut teapot = Response::new(Bytes::from_static(b"short and stout"));
    *teapot.status_mut() = StatusCode::IM_A_TEAPOT;

    let response = response_with(Fault::Replace(teapot.clone()));
    assert_eq!(response.status(), 418);
    assert_eq!(response.body(), teapot.body());

    let (reply, executed) = log_in_with(Fault::Replace(teapot).after_acting());
    assert!(executed);
    assert_eq!(reply.into_response().unwrap().status(), 418);
}

#[test]
fn a_reset_can_be_executed_and_its_password_lost() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service
        .simulator
        .inject(Call::ResetPassword, Fault::Drop.after_acting());
    let body = json!({"oldPassword": Simulator::PASSWORD});
    let request = with_json(tokens.authorize(put(RESET)), &body);

    assert!(service.reply(&request).into_response().is_none());

    assert_ne!(service.simulator.reveal_password(), Simulator::PASSWORD);
}

#[test]
fn a_failed_login_counts_even_if_a_fault_hides_the_refusal() {
    let mut service = Service::new();
    service
        .simulator
        .inject(Call::LogIn, Fault::Empty.after_acting());

    let response = service.try_log_in(Simulator::USERNAME, "grflbk");

    assert_eq!(response.status, 200);
    assert_eq!(service.simulator.consecutive_failures(), 1);
    assert_eq!(service.simulator.counts().done(Call::LogIn), 0);
}

#[test]
fn faults_apply_to_their_call_in_order() {
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
fn a_fault_for_any_call_applies_to_the_next_request_in_its_turn() {
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
fn a_fault_before_acting_is_no_use_of_the_session() {
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

#[test]
fn an_outage_lasts_until_it_ends() {
    let out = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
    for (part, reaches_login, reaches_bearer) in [
        (Part::Everything, true, true),
        (Part::Api, true, false),
        (Part::One(Call::LogIn), true, false),
        (Part::One(Call::Account), false, false),
    ] {
        let mut service = Service::new();
        let login = login_request(&mut service);
        let requests = [(login, reaches_login), (bearer_request(), reaches_bearer)];
        service.simulator.begin_outage(part, out.clone());
        for _ in 0..3 {
            for (request, is_reached) in &requests {
                let status = if *is_reached { 503 } else { 200 };
                assert_eq!(service.send(request).status, status, "{part:?}");
            }
            service.pass(MINUTE);
        }
        service.simulator.end_outages();
        for (request, _) in &requests {
            assert_ne!(service.send(request).status, 503, "{part:?}");
        }
    }
}

#[test]
fn a_queued_fault_comes_before_an_outage_and_the_latest_outage_decides() {
    let mut service = Service::new();
    let request = login_request(&mut service);
    let status = |status| Fault::Status(StatusCode::from_u16(status).unwrap());
    service.simulator.begin_outage(Part::Api, status(503));
    service
        .simulator
        .begin_outage(Part::One(Call::LogIn), Fault::Hang);
    service.simulator.inject(Call::LogIn, status(502));
    assert_eq!(service.send(&request).status, 502);
    assert!(matches!(service.reply(&request), Reply::Hung));
    assert_eq!(service.simulator.counts().done(Call::LogIn), 0);
}

#[test]
fn tokens_can_be_refused_in_every_form() {
    for form in Form::ALL {
        let response = response_with(Fault::TokensRefused(form));
        let status = if form == Form::DeviceLocation {
            400
        } else {
            401
        };
        assert_eq!(response.status(), status, "{form:?}");
        let is_bare = matches!(form, Form::Unnamed | Form::GatewayChallenge);
        assert_eq!(response.body().is_empty(), is_bare, "{form:?}");
        let challenges = response.headers().contains_key("www-authenticate");
        assert_eq!(challenges, form == Form::GatewayChallenge, "{form:?}");
    }
}
