//! Requests: how long they took, and which were sent again.

use bytes::Bytes;
use http::{Request, StatusCode};
use thingspace_scenarios::{account, devices};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::story::Story;

/// The key of the durations of requests by this method, for this purpose, that had this
/// status or failed in this way.
fn durations(method: &str, purpose: &str, result: Result<u16, &str>) -> String {
    let (error, status) = match result {
        Ok(status) if status < 400 => (None, Some(status)),
        Ok(status) => (Some(status.to_string()), Some(status)),
        Err(error) => (Some(error.to_owned()), None),
    };
    let error = error.map_or_else(String::new, |error| format!("error.type={error:?},"));
    let status = status.map_or_else(String::new, |status| {
        format!(r#",http.response.status_code="{status}""#)
    });
    format!(
        "http.client.request.duration{{{error}http.request.method={method:?}{status},thingspace.purpose={purpose:?}}}"
    )
}

#[test]
fn each_request_is_timed_by_its_purpose() {
    let story = Story::new();
    let client = story.client();
    client.call(account()).unwrap();
    client.call(devices()).unwrap();
    client.call(devices()).unwrap();
    client.reset_password().unwrap();
    client.log_out().unwrap();
    for (method, purpose, times) in [
        ("POST", "token_fetch", 1),
        ("POST", "login", 1),
        ("GET", "call", 1),
        ("POST", "call", 2),
        ("PUT", "password_reset", 1),
        ("POST", "logout", 1),
    ] {
        for took in story.assert_timed(&durations(method, purpose, Ok(200)), times) {
            assert!((0.0..30.0).contains(&took), "{took} s");
        }
    }
}

#[test]
fn a_session_that_ended_costs_a_replay() {
    let story = Story::new();
    let client = story.client();
    client.call(account()).unwrap();
    story.assert_counted("thingspace.replays", 0);
    story.stage.server.with(Simulator::forget_sessions);
    client.call(account()).unwrap();
    story.assert_counted("thingspace.replays", 1);
    story.assert_counted(r#"thingspace.logins{outcome="succeeded"}"#, 2);
    story.assert_counted(r#"thingspace.events{event="session_refused"}"#, 1);
    story.assert_counted("thingspace.retries", 0);
}

#[test]
fn a_request_that_failed_is_retried() {
    let story = Story::new();
    let client = story.client();
    client.log_in().unwrap();
    let busy = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
    story.stage.inject(Call::Account, busy);
    client.call(account()).unwrap();
    story.assert_counted("thingspace.retries", 1);
    story.assert_counted("thingspace.replays", 0);
    story.assert_timed(&durations("GET", "call", Ok(503)), 1);
    story.assert_timed(&durations("GET", "call", Ok(200)), 1);
}

#[test]
fn a_request_without_a_response_says_in_which_way_it_failed() {
    let story = Story::new();
    let client = story.client();
    client.log_in().unwrap();
    story.stage.inject(Call::Devices, Fault::Drop);
    client.call(devices()).unwrap_err();
    story.assert_timed(&durations("POST", "call", Err("no_response")), 1);
    story.stage.inject(Call::Devices, Fault::CutShort);
    client.call(devices()).unwrap_err();
    story.assert_timed(&durations("POST", "call", Err("broken_off")), 1);

    let nowhere = "http://127.0.0.1:1/api".parse().unwrap();
    let mut options = story.stage.options();
    options.environment = nowhere;
    let client = story.client_of(options);
    client.log_in().unwrap_err();
    let never_sent = durations("POST", "token_fetch", Err("never_sent"));
    story.assert_timed(&never_sent, 3);
}

#[test]
fn a_method_of_the_callers_own_making_is_no_label() {
    let story = Story::new();
    let client = story.client();
    for method in ["BREW", "WHEN"] {
        let request = Request::builder().method(method).uri("/m2m/v1/coffee");
        client
            .call(request.body(Bytes::new()).unwrap())
            .unwrap_err();
    }
    story.assert_timed(&durations("_OTHER", "call", Ok(400)), 2);
}
