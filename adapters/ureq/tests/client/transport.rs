//! What is known of a request when the network fails: that it was not sent, or
//! nothing.

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    time::Instant,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use thingspace_simulator::{Call, Server};
use thingspace_ureq::core::Environment;

use crate::stage::{LONG, Stage, account, devices, impatient, server_that};

/// An address where nobody listens, for as long as the connection is kept that
/// goes out from it.
fn deserted() -> (Environment, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let address = stream.local_addr().unwrap();
    (format!("http://{address}/api").parse().unwrap(), stream)
}

#[test]
fn what_no_connection_was_made_for_was_never_sent() {
    let stage = Stage::new();
    let (nowhere, _kept) = deserted();
    let client = stage.builder().environment(nowhere).build().unwrap();
    let error = client.call(account()).unwrap_err();
    assert!(error.is_never_sent(), "{error}");
    assert!(client.log_in().unwrap_err().is_never_sent());
    assert_eq!(client.session(|session| session.gate().failed_logins), 0);
}

#[test]
fn law_2_a_login_that_no_connection_was_made_for_does_not_count() {
    let stage = Stage::new();
    let client = stage.client();
    client.log_in().unwrap();
    client.log_out().unwrap();
    drop(stage);
    for _ in 0..5 {
        assert!(client.log_in().unwrap_err().is_never_sent());
    }
    assert_eq!(client.session(|session| session.gate().failed_logins), 0);
}

#[test]
fn law_9_a_proxy_for_the_way_out_does_not_hear_what_stays_on_this_machine() {
    let (_, proxy) = deserted();
    let proxy = format!("http://{}", proxy.local_addr().unwrap());
    // Variables are the whole process's, so these stories are told in one of their own.
    let stories = Command::new(env::current_exe().unwrap())
        .args(["session::", "redirects::"])
        .env("ALL_PROXY", proxy)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&stories.stdout);
    assert!(stories.status.success(), "{told}");
    assert!(!told.contains("ok. 0 passed"), "{told}");
}

#[test]
fn what_goes_to_a_name_that_nobody_has_was_never_sent() {
    let stage = Stage::new();
    let client = stage
        .builder()
        .environment("https://thingspace.invalid/api".parse().unwrap())
        .settings(impatient())
        .build()
        .unwrap();
    let error = client.log_in().unwrap_err();
    assert!(error.is_never_sent(), "{error}");
}

#[test]
fn half_an_answer_is_none() {
    let stage = Stage::new();
    let halves = [
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc",
    ];
    for half in halves {
        let breaks_off = server_that(move |mut stream, _| {
            stream.write_all(half.as_bytes()).unwrap();
        });
        let client = stage.builder().environment(breaks_off).build().unwrap();
        let error = client.log_in().unwrap_err();
        assert!(error.is_fate_unknown(), "{half}: {error}");
    }
}

#[test]
fn what_is_no_http_is_no_answer() {
    let stage = Stage::new();
    let babbles = server_that(|mut stream, _| {
        stream.write_all(b"220 smtp.example ESMTP\r\n").unwrap();
    });
    let client = stage.builder().environment(babbles).build().unwrap();
    let error = client.log_in().unwrap_err();
    assert!(error.is_fate_unknown(), "{error}");
}

#[test]
fn law_2_a_login_whose_connection_is_reset_counts() {
    let stage = Stage::new();
    let bearer = r#"{"access_token":"b","token_type":"Bearer","expires_in":3600}"#;
    let resets = server_that(move |mut stream, first| {
        if !first.starts_with(b"POST /api/ts/") {
            return;
        }
        let mut request = first.to_vec();
        while !request.ends_with(b"client_credentials") {
            let mut more = [0; 64];
            let length = stream.read(&mut more).unwrap();
            request.extend_from_slice(&more[..length]);
        }
        let length = bearer.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + bearer).as_bytes()).unwrap();
        // The login is left unread when the connection ends, which resets it.
        stream.peek(&mut [0]).unwrap();
    });
    let client = stage.builder().environment(resets).build().unwrap();
    for _ in 0..5 {
        client.log_in().unwrap_err();
    }
    assert_eq!(client.session(|session| session.gate().failed_logins), 2);
    assert!(client.log_in().unwrap_err().is_gate_closed());
}

#[test]
fn connections_that_went_stale_cost_nothing() {
    let mut stage = Stage::new();
    let client = stage.client();
    for request in [account, devices] {
        client.call(request()).unwrap();
        let port = stage.server.port();
        let service = stage.server.with(|service| service.clone());
        // Closes every connection, and forgets nothing else.
        drop(stage.server);
        stage.server = Server::start_on(port, service).unwrap();
        client.call(request()).unwrap();
    }
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::Account), 2);
    assert_eq!(stage.seen(Call::Devices), 2);
}

#[test]
fn a_service_that_speaks_no_tls_is_an_error() {
    let stage = Stage::new();
    let secure = format!("https://127.0.0.1:{}/api", stage.server.port());
    let client = stage
        .builder()
        .environment(secure.parse().unwrap())
        .build()
        .unwrap();
    let start = Instant::now();
    client.log_in().unwrap_err();
    assert!(start.elapsed() < LONG);
    assert_eq!(stage.seen_in_all(), 0);
    assert_eq!(client.session(|session| session.gate().failed_logins), 0);
}

#[test]
fn every_method_goes_out_with_a_body_and_without() {
    let stage = Stage::new();
    let client = stage.client();
    client.log_in().unwrap();
    let methods = [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::from_bytes(b"QUERY").unwrap(),
    ];
    let mut sent = 0;
    for method in methods {
        for body in ["", "{}"] {
            let request = Request::builder()
                .method(method.clone())
                .uri("/m2m/v1/whatever")
                .body(Bytes::from(body))
                .unwrap();
            let error = client.call(request).unwrap_err();
            // The service knows no such path, and does not mind the rest.
            assert_eq!(
                error.status(),
                Some(StatusCode::BAD_REQUEST),
                "{method} {body}: {error}"
            );
            sent += 1;
            assert_eq!(stage.seen(Call::Unknown), sent, "{method} {body}");
        }
    }
}
