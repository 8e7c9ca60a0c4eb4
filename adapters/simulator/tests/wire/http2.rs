//! HTTP/2 on the port of HTTP/1.1, by prior knowledge.

use std::thread;
use std::time::{Duration, Instant};

use h2::Reason;
use http::{StatusCode, Version};
use thingspace_simulator::{Call, Fault, Server, Simulator};

use crate::client::*;

fn start() -> Server {
    Server::start(Simulator::new(42)).unwrap()
}

/// Returns the error of a request with `fault` injected. The next request on
/// the connection must succeed.
fn fail_with(fault: Fault) -> (Server, hyper::Error) {
    let server = start();
    server.with(|s| s.inject_any(fault));
    let client = Client::connect(&server);
    let error = client.send().unwrap_err();
    assert_eq!(client.send().unwrap().status(), 200, "one stream was reset");
    (server, error)
}

#[test]
fn both_versions_are_served_on_one_port() {
    let server = start();
    let response = Client::connect(&server).send().unwrap();

    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), Version::HTTP_2);
    assert!(response.body().starts_with(b"{\"access_token\":"));
    let counts = server.with(|s| s.counts().clone());
    assert_eq!(counts.done(Call::BearerToken), 1);
    assert_eq!(counts.misdirected, 0);
}

#[test]
fn ten_thousand_requests_at_once_are_counted_one_by_one() {
    const CROWD: usize = 10_000;
    let server = start();

    let responses = Client::connect(&server).send_all(CROWD);

    assert_eq!(responses.len(), CROWD);
    for response in responses {
        assert_eq!(response.unwrap().status(), 200);
    }
    let counts = server.with(|s| s.counts().clone());
    assert_eq!(counts.seen(Call::BearerToken), 10_000);
    assert_eq!(counts.done(Call::BearerToken), 10_000);
    assert_eq!(counts.bearers_issued, 1);
}

#[test]
fn faults_reset_single_streams() {
    let server = start();
    for _ in 0..1000 {
        server.with(|s| s.inject_any(Fault::Drop));
        server.with(|s| s.inject_any(Fault::RefusedStream));
    }

    let responses = Client::connect(&server).send_all(3000);

    let whole = responses.iter().filter(|response| response.is_ok()).count();
    assert_eq!(whole, 1000);
    let counts = server.with(|s| s.counts().clone());
    assert_eq!(counts.seen(Call::BearerToken), 3000);
    assert_eq!(counts.done(Call::BearerToken), 1000);
}

#[test]
fn a_dropped_request_gets_no_response() {
    let (server, error) = fail_with(Fault::Drop);
    assert_eq!(reason(&error), Some(Reason::INTERNAL_ERROR));
    assert_eq!(server.with(|s| s.counts().bearers_issued), 1);
    assert_eq!(server.with(|s| s.counts().bearers_repeated), 0);

    let (server, error) = fail_with(Fault::Drop.after_acting());
    assert_eq!(reason(&error), Some(Reason::INTERNAL_ERROR));
    assert_eq!(server.with(|s| s.counts().bearers_repeated), 1);
}

#[test]
fn a_refused_request_is_reported_as_not_processed() {
    let (server, error) = fail_with(Fault::RefusedStream);
    assert_eq!(reason(&error), Some(Reason::REFUSED_STREAM));
    let counts = server.with(|s| s.counts().clone());
    assert_eq!(counts.seen(Call::BearerToken), 2);
    assert_eq!(counts.done(Call::BearerToken), 1);
}

#[test]
fn a_response_breaks_off_half_way() {
    let server = start();
    server.with(|s| s.inject_any(Fault::CutShort));
    let client = Client::connect(&server);

    let (announced, read) = client.read_up_to(usize::MAX);

    assert!(read > 0);
    assert_eq!(announced.unwrap() / 2, read as u64);
    assert_eq!(client.send().unwrap().status(), 200);
}

#[test]
fn a_response_that_has_begun_can_be_reported_as_not_processed() {
    let (server, error) = fail_with(Fault::RefusedMidway);
    assert_eq!(reason(&error), Some(Reason::REFUSED_STREAM));
    let counts = server.with(|s| s.counts().clone());
    assert_eq!(counts.done(Call::BearerToken), 2);
}

#[test]
fn an_endless_body_continues_until_the_client_leaves() {
    const ENOUGH: usize = 4 * 1024 * 1024;
    let server = start();
    server.with(|s| s.inject_any(Fault::Endless));
    let client = Client::connect(&server);

    let (announced, read) = client.read_up_to(ENOUGH);

    assert_eq!(announced, None);
    assert!(read >= ENOUGH);

    assert_eq!(client.send().unwrap().status(), 200);
}

#[test]
fn a_hung_request_does_not_delay_others() {
    let server = start();
    server.with(|s| s.inject_any(Fault::Hang));
    let client = Client::connect(&server);
    client.send_and_forget();
    while server.with(|s| s.faults_left()) > 0 {
        thread::yield_now();
    }

    assert_eq!(client.send().unwrap().status(), 200);
}

#[test]
fn a_late_response_is_late() {
    let server = start();
    let delay = Duration::from_millis(30);
    server.with(|s| s.inject_any(Fault::Delay(delay)));
    let client = Client::connect(&server);

    let sent = Instant::now();
    let response = client.send().unwrap();

    assert_eq!(response.status(), 200);
    assert!(sent.elapsed() >= delay);
}

#[test]
fn a_body_needs_no_length() {
    let server = start();
    let client = Client::connect(&server);
    let response = client.post_nothing("/m2m/v1/session/logout");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn a_connection_goes_away_after_its_last_response() {
    let server = start();
    server.with(|s| s.inject_any(Fault::GoAway));
    let mut client = Client::connect(&server);

    assert_eq!(client.send().unwrap().status(), 200);

    // The GOAWAY came before the response, so this request was never sent.
    assert!(client.send().is_err());
    client.wait_for_end();
    let counts = server.with(|s| s.counts().clone());
    assert_eq!(counts.seen(Call::BearerToken), 1);
    assert_eq!(counts.done(Call::BearerToken), 1);
    assert_eq!(Client::connect(&server).send().unwrap().status(), 200);
}

#[test]
fn idle_connections_are_closed_while_their_clients_do_not_run() {
    let server = start();
    let mut clients = [(); 3].map(|()| Client::connect(&server));
    for client in &clients {
        client.send().unwrap();
    }

    server.close_idle();

    for client in &mut clients {
        assert!(client.send().is_err());
        client.wait_for_end();
    }
    assert_eq!(server.with(|s| s.counts().seen_in_all()), 3);
    assert_eq!(Client::connect(&server).send().unwrap().status(), 200);
}

#[test]
fn idle_connections_are_closed_while_their_clients_run() {
    let server = start();
    let mut client = Client::connect(&server);
    client.send().unwrap();

    thread::scope(|scope| {
        scope.spawn(|| server.close_idle());
        client.wait_for_end();
    });
}

#[test]
fn a_busy_connection_is_closed_after_its_response() {
    let server = start();
    server.with(|s| s.inject_any(Fault::Delay(Duration::from_millis(30))));
    let mut client = Client::connect(&server);

    thread::scope(|scope| {
        scope.spawn(|| {
            while server.with(|s| s.faults_left()) > 0 {
                thread::yield_now();
            }
            server.close_idle();
        });
        assert_eq!(client.send().unwrap().status(), 200);
        client.wait_for_end();
    });
}
