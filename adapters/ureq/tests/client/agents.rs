//! An agent of the caller's own is used, or the ready-made one as it is configured, and
//! the rules hold all the same.

use std::{
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use thingspace_scenarios::{
    BoxedObserver, Client, EventSender, LONG, account, connections_resume_tls_sessions, devices,
    server_that,
};
use thingspace_simulator::{Call, Fault};
use thingspace_ureq::{
    agent,
    ureq::{Agent, Proxy, SendBody, middleware::MiddlewareNext},
};

use crate::blocking::{Blocking, Stage, builder, trusting};

#[test]
fn every_request_goes_through_the_agent_of_the_caller() {
    let stage = Stage::new();
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let count = move |request: Request<SendBody<'_>>, next: MiddlewareNext<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        next.handle(request)
    };
    let agent = Agent::config_builder().middleware(count).build();
    let client = Blocking::with_agent(stage.options(), agent);
    client.call(account()).unwrap();
    client.reset_password().unwrap();
    client.log_out().unwrap();
    assert_eq!(sent.load(Ordering::Relaxed), 5);
    assert_eq!(stage.seen_in_all(), 5);
}

#[test]
fn an_agent_with_roots_of_the_callers_resumes_tls_sessions() {
    connections_resume_tls_sessions(|mut options| {
        let tls = trusting(&options.root.take().unwrap());
        let config = Agent::config_builder().tls_config(tls).build();
        Blocking::with_agent(options, agent(config))
    });
}

#[test]
fn the_ready_made_agent_is_configured_and_the_rules_hold_all_the_same() {
    let stage = Stage::new();
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let count = move |request: Request<SendBody<'_>>, next: MiddlewareNext<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        next.handle(request)
    };
    let builder = builder(stage.options())
        .configure(|agent| agent.middleware(count).user_agent("ours"))
        .configure(|agent| agent.http_status_as_error(true).max_redirects(10));
    let client = Blocking::of(builder);
    client.call(account()).unwrap();
    assert_eq!(sent.load(Ordering::Relaxed), 3);
    stage.inject(Call::Devices, Fault::Html(StatusCode::NOT_FOUND));
    let error = client.call(devices()).unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
}

#[test]
fn requests_go_through_the_proxy_that_the_builder_is_given() {
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let proxy = server_that(|mut stream, _| stream.write_all(refusal).unwrap()).to_string();
    let proxy = Proxy::new(proxy.trim_end_matches("/api")).unwrap();
    let stage = Stage::new();
    let client = Blocking::of(builder(stage.options()).proxy(Some(proxy)));
    let error = client.log_in().unwrap_err();
    assert!(!error.transport().unwrap().may_have_left(), "{error}");
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn a_configuration_that_is_less_patient_keeps_its_own_limits() {
    let stage = Stage::new();
    let short = Some(Duration::from_secs(1));
    let builder = builder(stage.options()).configure(move |agent| agent.timeout_global(short));
    let client = Blocking::of(builder);
    client.log_in().unwrap();
    stage.inject(Call::Devices, Fault::Hang);
    let start = Instant::now();
    assert!(client.call(devices()).unwrap_err().is_outcome_unknown());
    assert!(start.elapsed() < LONG);
}

#[test]
fn a_middleware_of_the_caller_can_change_a_response() {
    let stage = Stage::new();
    let mark = |request: Request<SendBody<'_>>, next: MiddlewareNext<'_>| {
        let mut response = next.handle(request)?;
        let mark = HeaderValue::from_static("through here");
        response.headers_mut().insert("x-came", mark);
        Ok(response)
    };
    let agent = Agent::config_builder().middleware(mark).build();
    let client = Blocking::with_agent(stage.options(), agent);
    let response = client.call(account()).unwrap();
    assert_eq!(response.headers()["x-came"], "through here");
}

#[test]
fn every_status_is_a_response_though_the_agent_takes_some_for_errors() {
    let stage = Stage::new();
    let agent = Agent::config_builder().http_status_as_error(true).build();
    let client = Blocking::with_agent(stage.options(), agent);
    for status in [400, 402, 403, 404, 500, 503, 599] {
        let status = StatusCode::from_u16(status).unwrap();
        stage.inject(Call::Devices, Fault::Html(status));
        let error = client.call(devices()).unwrap_err();
        assert_eq!(error.status(), Some(status));
        let page = error.response().unwrap().body();
        assert!(page.starts_with(b"<html>"));
    }
    let nobodys = Request::get("/m2m/v1/accounts/nobodys").body(Bytes::new());
    let error = client.call(nobodys.unwrap()).unwrap_err();
    assert!(error.code().unwrap().is("REQUEST_FAILED.AccountNotFound"));
}

#[test]
fn an_agent_that_is_less_patient_keeps_its_own_limits() {
    let short = Some(Duration::from_secs(1));
    let impatient = [
        Agent::config_builder().timeout_global(short),
        Agent::config_builder().timeout_per_call(short),
        Agent::config_builder().timeout_recv_response(short),
    ];
    for agent in impatient {
        let stage = Stage::new();
        let client = Blocking::with_agent(stage.options(), agent.build());
        client.log_in().unwrap();
        stage.inject(Call::Devices, Fault::Hang);
        let start = Instant::now();
        assert!(client.call(devices()).unwrap_err().is_outcome_unknown());
        assert!(start.elapsed() < LONG);
        assert_eq!(stage.seen(Call::Devices), 1);
    }
}

#[test]
fn a_middleware_that_panics_during_the_login_loses_that_login_and_no_call() {
    let stage = Stage::new();
    let is_first = AtomicBool::new(true);
    let break_once = move |request: Request<SendBody<'_>>, next: MiddlewareNext<'_>| {
        let is_login = request.uri().path().ends_with("/login");
        assert!(!is_login || !is_first.swap(false, Ordering::Relaxed));
        next.handle(request)
    };
    let agent = Agent::config_builder().middleware(break_once).build();
    let (events, reported) = EventSender::new();
    let mut options = stage.options();
    options.observer = BoxedObserver::new((stage.impatience(), events));
    let client = Blocking::with_agent(options, agent);
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 1);
    // It may have been sent, so it counted until the next one succeeded.
    let lost = reported.iter().any(|event| event.name() == "login_lost");
    assert!(lost);
    client.session(|session| assert_eq!(session.login_guard().failed_logins, 0));
}

#[test]
fn a_middleware_that_panics_during_a_call_ends_that_call_alone() {
    let stage = Stage::new();
    let is_first = AtomicBool::new(true);
    let break_once = move |request: Request<SendBody<'_>>, next: MiddlewareNext<'_>| {
        let is_list = request.uri().path().ends_with("/list");
        assert!(!is_list || !is_first.swap(false, Ordering::Relaxed));
        next.handle(request)
    };
    let agent = Agent::config_builder().middleware(break_once).build();
    let client = Blocking::with_agent(stage.options(), agent);
    let unlucky = catch_unwind(AssertUnwindSafe(|| client.call(devices())));
    assert!(unlucky.is_err());
    client.call(devices()).unwrap();
    assert_eq!((stage.seen(Call::LogIn), stage.seen(Call::Devices)), (1, 1));
}
