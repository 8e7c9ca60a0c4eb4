//! Calls that pass: what goes to the service, and what comes back.

use std::{
    io::Write,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use thingspace_proxy::{
    Proxy, Rules, Server,
    thingspace_hyper::{Builder, core::Environment},
};
use thingspace_scenarios::IDLE;
use thingspace_simulator::{Call, Simulator};

use crate::stage::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_passes_with_a_session_that_the_client_knows_nothing_of() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    let reply = proxy.get(ACCOUNT).await.expect_response(200);
    assert_eq!(reply.json()["accountName"], Simulator::ACCOUNT);
    let reply = proxy.post(DEVICES).await.expect_response(200);
    assert!(reply.json()["devices"].is_array());
    assert_eq!((stage.seen(Call::LogIn), stage.seen_in_all()), (1, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_or_bearer_that_has_ended_is_replaced_behind_the_proxy() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    proxy.get(ACCOUNT).await.expect_response(200);
    stage.server.with(Simulator::forget_sessions);
    proxy.post(DEVICES).await.expect_response(200);
    stage.pass(IDLE * 4);
    proxy.get(ACCOUNT).await.expect_response(200);
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (3, 0));
    assert_eq!(stage.done(Call::Devices), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_service_is_given_back_as_it_is() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    let reply = proxy.get("/api/m2m/v1/accounts/other").await;
    let status = reply.status;
    assert!((400..500).contains(&status), "{reply:?}");
    let reply = reply.expect_response(status);
    assert!(reply.json()["errorCode"].is_string());
}

/// A service that has one response to everything, and keeps the requests.
fn service_with(response: &'static str) -> (Environment, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    let environment = service(move |request, stream| {
        kept.lock().unwrap().push(request);
        stream.write_all(response.as_bytes()).unwrap();
        ControlFlow::Continue(())
    });
    (environment, requests)
}

fn proxy_to(environment: Environment, rules: Rules) -> Running {
    let mut options = Stage::new().options();
    options.environment = environment;
    let client = Builder::new(options.into_config()).build().unwrap();
    Running::of(Server::new(Proxy::new(client, rules)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credentials_and_the_connection_of_a_client_go_no_further() {
    let (environment, requests) = service_with("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let rules = Rules::new().require_header("x-secret".parse().unwrap(), "open sesame");
    let proxy = proxy_to(environment, rules);
    let headers = "authorization: Bearer dummy\r\nvz-m2m-token: dummy\r\ncookie: a=dummy\r\n\
        x-secret: open sesame\r\nconnection: x-hop\r\nx-hop: dummy\r\nkeep-alive: dummy\r\n\
        proxy-authorization: dummy\r\nte: trailers\r\naccept-encoding: gzip\r\n\
        expect: 100-continue\r\nx-http-method-override: DELETE\r\nx-original-url: /dummy\r\nx-mine: 1\r\nx-mine: 2\r\nuser-agent: snake/1\r\n";
    let path = "/api/m2m/v1/a%20b?c=d%2Fe&f";
    let reply = proxy.send("PUT", path, headers, "body").await;
    // The permission to send the body comes first.
    assert_eq!(reply.status, 100, "{reply:?}");
    assert!(reply.body.starts_with("HTTP/1.1 200"), "{reply:?}");
    let requests = requests.lock().unwrap().concat().to_lowercase();
    assert!(requests.starts_with("put /api/m2m/v1/a%20b?c=d%2fe&f http/1.1\r\n"));
    for passes in [
        "authorization: bearer true-bearer",
        "vz-m2m-token: true-session",
        "x-mine: 1",
        "x-mine: 2",
        "user-agent: snake/1",
        "content-length: 4",
        "\r\n\r\nbody",
    ] {
        assert!(requests.contains(passes), "{passes}: {requests}");
    }
    for kept_back in [
        "dummy",
        "sesame",
        "x-secret",
        "x-hop",
        "override",
        "x-original",
        "cookie",
        "te:",
        "expect",
        "encoding",
        "keep-alive",
    ] {
        assert!(!requests.contains(kept_back), "{kept_back}: {requests}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_keeps_its_status_headers_and_body() {
    let (environment, _) = service_with(
        "HTTP/1.1 203 Whatever\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n\
         set-cookie: a=1\r\nset-cookie: b=2\r\ncontent-type: text/csv\r\n\
         thingspace-proxy-error: forged\r\ncontent-length: 4\r\n\r\na,b\n",
    );
    let proxy = proxy_to(environment, Rules::new());
    let reply = proxy.get("/api/m2m/v1/x").await.expect_response(203);
    assert_eq!(reply.body, "a,b\n");
    assert_eq!(reply.headers["content-type"], "text/csv");
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 2);
    assert_eq!(reply.headers["content-length"], "4");
    assert!(!reply.headers.contains_key("x-hop"));
    assert!(!reply.headers.contains_key("keep-alive"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_keeps_the_length_of_the_body_that_it_does_not_have() {
    let (environment, _) = service_with("HTTP/1.1 200 OK\r\ncontent-length: 4321\r\n\r\n");
    let proxy = proxy_to(environment, Rules::new());
    let reply = proxy.send("HEAD", "/api/m2m/v1/x", "", "").await;
    let reply = reply.expect_response(200);
    assert_eq!(reply.headers["content-length"], "4321");
    assert_eq!(reply.body, "");
}
