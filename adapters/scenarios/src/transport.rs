//! What is known of a request when the network fails: that it was not sent, or
//! nothing.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use thingspace_core::Environment;
use thingspace_simulator::Call;

use crate::{
    Client,
    alone::tell_alone,
    stage::{LONG, Stage, account, connections_to, devices, impatient, server_that},
};

/// An address where nobody listens, for as long as the connection is kept that
/// goes out from it.
fn deserted() -> (Environment, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let address = stream.local_addr().unwrap();
    (format!("http://{address}/api").parse().unwrap(), stream)
}

pub(crate) fn what_no_connection_was_made_for_was_never_sent<C: Client>() {
    let stage = Stage::<C>::new();
    let (nowhere, _kept) = deserted();
    let client = stage.builder().environment(nowhere).build().unwrap();
    let error = client.call(account()).unwrap_err();
    assert!(error.is_never_sent(), "{error}");
    assert!(client.log_in().unwrap_err().is_never_sent());
    assert_eq!(client.session(|session| session.gate().failed_logins), 0);
}

pub(crate) fn law_2_a_login_that_no_connection_was_made_for_does_not_count<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    client.log_out().unwrap();
    let (nowhere, _kept) = deserted();

    // The same session, with its bearer token, where nobody listens.
    let snapshot = client.session(|session| session.snapshot());
    let snapshot = serde_json::to_string(&snapshot).unwrap();
    let moved = snapshot.replace(stage.server.base(), &nowhere.to_string());
    let mut options = stage.options();
    options.environment = nowhere;
    options.snapshot = Some(serde_json::from_str(&moved).unwrap());
    let client = C::build(options).unwrap();
    for _ in 0..5 {
        let error = client.log_in().unwrap_err();
        assert!(error.is_never_sent(), "{error}");
    }
    assert_eq!(client.session(|session| session.gate().failed_logins), 0);
}

#[allow(clippy::extra_unused_type_parameters, reason = "as all have it")]
pub(crate) fn law_9_a_proxy_for_the_way_out_does_not_hear_what_stays_on_this_machine<C: Client>() {
    let (_, proxy) = deserted();
    let proxy = format!("http://{}", proxy.local_addr().unwrap());
    tell_alone(&["session::", "redirects::"], |process| {
        process
            .env("ALL_PROXY", proxy)
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
    });
}

pub(crate) fn what_goes_to_a_name_that_nobody_has_was_never_sent<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage
        .builder()
        .environment("https://thingspace.invalid/api".parse().unwrap())
        .settings(impatient())
        .build()
        .unwrap();
    let error = client.log_in().unwrap_err();
    assert!(error.is_never_sent(), "{error}");
}

pub(crate) fn half_an_answer_is_none<C: Client>() {
    let stage = Stage::<C>::new();
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

pub(crate) fn what_is_no_http_is_no_answer<C: Client>() {
    let stage = Stage::<C>::new();
    let babbles = server_that(|mut stream, _| {
        stream.write_all(b"220 smtp.example ESMTP\r\n").unwrap();
    });
    let client = stage.builder().environment(babbles).build().unwrap();
    let error = client.log_in().unwrap_err();
    assert!(error.is_fate_unknown(), "{error}");
}

pub(crate) fn law_2_a_login_whose_connection_is_reset_counts<C: Client>() {
    let stage = Stage::<C>::new();
    let bearer = r#"{"access_token":"b","token_type":"Bearer","expires_in":3600}"#;
    // What is left unread when a connection ends, resets it.
    let resets = connections_to(move |mut stream| {
        let mut first = [0; 16];
        stream.read_exact(&mut first).unwrap();
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
        // The login comes over the same connection, or over one of its own.
        stream.peek(&mut [0]).ok();
    });
    let client = stage.builder().environment(resets).build().unwrap();
    for _ in 0..5 {
        client.log_in().unwrap_err();
    }
    assert_eq!(client.session(|session| session.gate().failed_logins), 2);
    assert!(client.log_in().unwrap_err().is_gate_closed());
}

pub(crate) fn law_6_a_connection_that_went_stale_costs_a_question_nothing<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(account()).unwrap();
    stage.server.close_idle();
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::Account), 2);
}

/// Whether a stack notices in time that a connection has ended is chance for
/// some. What was given to one is lost, or was never sent: but done twice it is
/// not, and nobody is told that it was done.
pub(crate) fn law_6_a_connection_that_went_stale_has_nothing_done_twice<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(devices()).unwrap();
    stage.server.close_idle();
    let was_done = match client.call(devices()) {
        Ok(_) => 1,
        Err(error) => {
            assert!(error.is_fate_unknown(), "{error}");
            0
        }
    };
    assert_eq!(stage.seen(Call::Devices), 1 + was_done);
    client.call(devices()).unwrap();
    assert_eq!(stage.seen(Call::Devices), 2 + was_done);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

pub(crate) fn a_service_that_speaks_no_tls_is_an_error<C: Client>() {
    let stage = Stage::<C>::new();
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

pub(crate) fn every_method_goes_out_with_a_body_and_without<C: Client>() {
    let stage = Stage::<C>::new();
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
