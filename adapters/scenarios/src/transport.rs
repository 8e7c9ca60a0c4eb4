//! Network failures: the request was never sent, or its outcome is unknown.

use std::{
    io::{Read, Write},
    time::Instant,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use thingspace_core::{Environment, ErrorKind, session::OperationKind};
use thingspace_simulator::Call;

use crate::{
    Client,
    alone::run_alone,
    stage::{
        LONG, Stage, account, connections_to, devices, server_that, settings_with_short_timeouts,
        unused_address,
    },
};

/// The base address of a service that is not there while what is returned with it lives.
fn nowhere() -> (Environment, impl Sized) {
    let (address, held) = unused_address();
    (format!("http://{address}/api").parse().unwrap(), held)
}

/// Asserts that the outcome of a request to this server is unknown: that of a token
/// fetch, without which no login is sent, and that of a call.
fn assert_outcome_unknown<C: Client>(server: &Environment) {
    let stage = Stage::<C>::new();
    let client = stage.builder().environment(server.clone());
    let error = client.build().unwrap().log_in().unwrap_err();
    assert!(error.transport().unwrap().may_have_left(), "{error}");
    assert_eq!(error.prerequisite(), Some(OperationKind::TokenFetch));

    let client = stage.client();
    client.log_in().unwrap();
    let client = stage.moved(&client, server.clone());
    let error = client.call(devices()).unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert!(error.transport().unwrap().may_have_left(), "{error}");
    assert_eq!(error.prerequisite(), None);
}

pub(crate) fn a_request_without_a_connection_was_never_sent<C: Client>() {
    let stage = Stage::<C>::new();
    let (nowhere, _held) = nowhere();
    let client = stage.builder().environment(nowhere).build().unwrap();
    for error in [
        client.call(account()).unwrap_err(),
        client.log_in().unwrap_err(),
    ] {
        assert!(error.is_never_sent(), "{error}");
        assert!(!error.transport().unwrap().may_have_left(), "{error}");
    }
    assert_eq!(
        client.session(|session| session.login_guard().failed_logins),
        0
    );
}

pub(crate) fn law_2_a_login_without_a_connection_does_not_count<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    client.log_out().unwrap();
    let (nowhere, _held) = nowhere();

    // With a bearer token, at an address that accepts nothing.
    let client = stage.moved(&client, nowhere);
    for _ in 0..5 {
        let error = client.log_in().unwrap_err();
        assert!(error.is_never_sent(), "{error}");
    }
    assert_eq!(
        client.session(|session| session.login_guard().failed_logins),
        0
    );
}

#[allow(clippy::extra_unused_type_parameters, reason = "all scenarios have it")]
pub(crate) fn law_9_a_request_to_this_machine_does_not_go_through_a_proxy<C: Client>() {
    let (proxy, _held) = unused_address();
    let proxy = format!("http://{proxy}");
    run_alone(&["session::", "redirects::"], |process| {
        process
            .env("ALL_PROXY", proxy)
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
    });
}

pub(crate) fn a_request_to_an_unknown_host_was_never_sent<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage
        .builder()
        .environment("https://thingspace.invalid/api".parse().unwrap())
        .settings(settings_with_short_timeouts())
        .build()
        .unwrap();
    let error = client.log_in().unwrap_err();
    assert!(error.is_never_sent(), "{error}");
    assert!(!error.transport().unwrap().may_have_left(), "{error}");
}

pub(crate) fn a_response_that_breaks_off_leaves_the_outcome_unknown<C: Client>() {
    let halves = [
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc",
    ];
    for half in halves {
        let breaks_off = server_that(move |mut stream, _| {
            stream.write_all(half.as_bytes()).unwrap();
        });
        assert_outcome_unknown::<C>(&breaks_off);
    }
}

pub(crate) fn a_response_that_is_not_http_leaves_the_outcome_unknown<C: Client>() {
    let smtp = server_that(|mut stream, _| {
        stream.write_all(b"220 smtp.example ESMTP\r\n").unwrap();
    });
    assert_outcome_unknown::<C>(&smtp);
}

pub(crate) fn law_2_a_login_whose_connection_is_reset_counts<C: Client>() {
    let stage = Stage::<C>::new();
    let bearer = r#"{"access_token":"b","token_type":"Bearer","expires_in":3600}"#;
    // Unread bytes at the end of a connection reset it.
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
        // The login uses the same connection, or a new one.
        stream.peek(&mut [0]).ok();
    });
    let builder = stage.builder().observer(stage.impatience());
    let client = builder.environment(resets).build().unwrap();
    for _ in 0..5 {
        client.log_in().unwrap_err();
    }
    assert_eq!(
        client.session(|session| session.login_guard().failed_logins),
        2
    );
    let error = client.log_in().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::BackingOff { .. }),
        "{error}"
    );
}

pub(crate) fn law_6_a_stale_connection_costs_an_idempotent_call_nothing<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(account()).unwrap();
    stage.server.close_idle();
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen(Call::Account), 2);
}

/// Some stacks notice in time only by chance that a connection has ended. A request on
/// such a connection is lost or never sent. But it is not executed twice, and no success
/// is reported for it.
pub(crate) fn law_6_a_stale_connection_executes_no_call_twice<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(devices()).unwrap();
    stage.server.close_idle();
    let was_executed = match client.call(devices()) {
        Ok(_) => 1,
        Err(error) => {
            assert!(error.is_outcome_unknown(), "{error}");
            0
        }
    };
    assert_eq!(stage.seen(Call::Devices), 1 + was_executed);
    client.call(devices()).unwrap();
    assert_eq!(stage.seen(Call::Devices), 2 + was_executed);
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
    assert_eq!(
        client.session(|session| session.login_guard().failed_logins),
        0
    );
}

pub(crate) fn every_method_is_sent_with_a_body_and_without<C: Client>() {
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
            // The service refuses only the unknown path.
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
