//! The rules: who may ask, and for what.

use std::time::Duration;

use thingspace_proxy::{Proxy, Rules, Server};
use tokio::io::AsyncWriteExt;

use crate::stage::*;

#[tokio::test(flavor = "multi_thread")]
async fn only_requests_for_known_hosts_are_taken() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new().host("proxy.internal"));
    let port = proxy.address.port();
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "[::1]:80",
        "proxy.internal",
    ] {
        let request = format!("GET /livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        proxy
            .send_raw(request.as_bytes())
            .await
            .expect_response(200);
    }
    for hosts in [
        "host: evil.example\r\n".to_owned(),
        format!("host: evil.example:{port}\r\n"),
        "host: localhost.evil.example\r\n".to_owned(),
        "host: a@localhost\r\n".to_owned(),
        "host: localhost\r\nhost: localhost\r\n".to_owned(),
        "host:\r\n".to_owned(),
        String::new(),
    ] {
        for path in ["/livez", ACCOUNT] {
            let request = format!("GET {path} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
            let reply = proxy.send_raw(request.as_bytes()).await;
            reply.expect_error(403, "unknown_host", "never_sent");
        }
    }
    // An address that names its host counts, too.
    let request = format!(
        "GET http://evil.example{ACCOUNT} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    );
    let reply = proxy.send_raw(request.as_bytes()).await;
    reply.expect_error(403, "unknown_host", "never_sent");
    assert_eq!(stage.seen_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_web_page_sends_is_taken() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    for header in [
        "origin: https://evil.example\r\n",
        "origin: null\r\n",
        "origin: http://localhost\r\n",
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-origin\r\n",
        "sec-fetch-site: none\r\nsec-fetch-site: same-site\r\n",
    ] {
        for path in ["/livez", ACCOUNT, "/api/m2m/v1/session/login"] {
            let reply = proxy.send("POST", path, header, "{}").await;
            reply.expect_error(403, "from_web_page", "never_sent");
        }
    }
    // Somebody typed the address.
    let reply = proxy.send("GET", "/livez", "sec-fetch-site: none\r\n", "");
    reply.await.expect_response(200);
    assert_eq!(stage.seen_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_header_is_needed_for_all_but_the_probes() {
    let stage = Stage::new();
    let rules = Rules::new().require_header("x-secret".parse().unwrap(), "open sesame");
    let proxy = Running::new(&stage, rules);
    for header in [
        "",
        "x-secret: \r\n",
        "x-secret: open\r\n",
        "x-secret: open sesamE\r\n",
        "x-secret: open sesame!\r\n",
        "x-secret: open sesame\r\nx-secret: open sesame\r\n",
    ] {
        for path in [ACCOUNT, "/metrics", "/elsewhere"] {
            let reply = proxy.send("GET", path, header, "").await;
            let reply = reply.expect_error(403, "header_required", "never_sent");
            assert!(!reply.body.contains("sesame"));
        }
    }
    proxy.get("/livez").await.expect_response(200);
    proxy.get("/readyz").await.expect_response(200);
    assert_eq!(stage.seen_in_all(), 0);
    let reply = proxy.send("GET", ACCOUNT, "X-Secret: open sesame\r\n", "");
    reply.await.expect_response(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_calls_that_are_accepted_and_not_rejected_pass() {
    let stage = Stage::new();
    let rules = Rules::new()
        .accept("GET /api/m2m".parse().unwrap())
        .accept("/api/m2m/v1/devices".parse().unwrap())
        .reject("/api/m2m/v1/devices/actions/delete".parse().unwrap())
        .reject("DELETE".parse().unwrap());
    let proxy = Running::new(&stage, rules);
    proxy.get(ACCOUNT).await.expect_response(200);
    proxy.post(DEVICES).await.expect_response(200);
    for (method, path) in [
        ("POST", ACCOUNT),
        ("HEAD", ACCOUNT),
        ("GET", "/api/other"),
        ("GET", "/api/m2mother"),
        ("GET", "/api/M2M/v1"),
        ("DELETE", "/api/m2m/v1/devices/1"),
        ("POST", "/api/m2m/v1/devices/actions/delete"),
        ("POST", "/api/m2m/v1/devices/actions/delete/"),
        ("POST", "/api/m2m/v1/devices/actions/Delete/x"),
        ("POST", "/api/m2m/v1/devices/actions/%64elete?a=b"),
        ("GET", "/api/m2m/v1/devices/actions/delete"),
    ] {
        let reply = proxy.send(method, path, "", "").await;
        if method == "HEAD" {
            assert_eq!(reply.headers["thingspace-proxy-error"], "rejected");
        } else {
            reply.expect_error(403, "rejected", "never_sent");
        }
    }
    for path in [
        "/api/m2m/v1/devices/x/../actions/delete",
        "/api/m2m/v1/devices/x/%2e%2e/actions/delete",
        "/api/m2m/v1/devices//actions/delete",
        "/api/m2m/v1/devices/actions%2fdelete",
        "/api/m2m/v1/devices/actions/delete;a=b",
        "/api/m2m/v1/devices/actions/%2564elete",
    ] {
        let reply = proxy.post(path).await;
        reply.expect_error(400, "path", "never_sent");
    }
    // What is served here takes no rule.
    proxy
        .post("/api/ts/v1/oauth2/token")
        .await
        .expect_response(200);
    assert_eq!(stage.seen_in_all(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_elsewhere_and_methods_of_proxies_are_refused() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    for path in ["/", "/m2m/v1/devices", "/apis", "/api", "/metrics"] {
        let reply = proxy.get(path).await;
        reply.expect_error(404, "no_such_path", "never_sent");
    }
    let reply = proxy.get("/api/api/m2m/v1").await;
    reply.expect_error(400, "request", "never_sent");
    let reply = proxy.send("TRACE", ACCOUNT, "", "").await;
    reply.expect_error(405, "method", "never_sent");
    let reply = proxy.send("CONNECT", "localhost:443", "", "").await;
    assert_eq!(reply.status, 405);
    let reply = proxy.post("/livez").await;
    reply.expect_error(405, "method", "never_sent");
    assert_eq!(stage.seen_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_beyond_the_limits_are_refused() {
    let stage = Stage::new();
    let rules = Rules::new().max_body(100).max_header_bytes(1000);
    let proxy = Running::new(&stage, rules);
    let header = format!("x-long: {}\r\n", "a".repeat(1000));
    let reply = proxy.send("GET", ACCOUNT, &header, "").await;
    reply.expect_error(431, "head_too_large", "never_sent");
    let long = format!("{ACCOUNT}?{}", "a".repeat(1000));
    let reply = proxy.get(&long).await;
    reply.expect_error(431, "head_too_large", "never_sent");

    let body = "a".repeat(101);
    let reply = proxy.send("POST", DEVICES, "", &body).await;
    reply.expect_error(413, "body_too_large", "never_sent");
    let chunked = "POST /api/m2m/v1/session/login HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n65\r\n";
    let request = format!("{chunked}{body}\r\n0\r\n\r\n");
    let reply = proxy.send_raw(request.as_bytes());
    reply
        .await
        .expect_error(413, "body_too_large", "never_sent");
    assert_eq!(stage.seen_in_all(), 0);
    let body = format!("{{{}}}", " ".repeat(98));
    proxy
        .send("POST", DEVICES, "", &body)
        .await
        .expect_response(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_or_breaks_off_is_refused() {
    let stage = Stage::new();
    let rules = Rules::new().body_timeout(Duration::from_millis(200));
    let proxy = Running::new(&stage, rules);
    let head = format!("POST {DEVICES} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{{");
    let reply = proxy.send_raw(head.as_bytes()).await;
    reply.expect_error(408, "body_too_slow", "never_sent");
    let head =
        "POST /api/m2m/x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    let reply = proxy.send_raw(head.as_bytes()).await;
    reply.expect_error(400, "body_broken", "never_sent");
    assert_eq!(stage.seen_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_limit_learns_so() {
    let stage = Stage::new();
    let server = Server::new(Proxy::new(client(&stage), Rules::new())).max_connections(2);
    let proxy = Running::of(server);
    let (mut first, second) = (proxy.connect().await, proxy.connect().await);
    first.write_all(b"GET /livez").await.unwrap();
    let reply = proxy.get("/livez").await;
    reply.expect_error(503, "too_many_connections", "never_sent");
    drop(second);
    drop(first);
    loop {
        // The proxy has seen the end of the others a moment later.
        if proxy.get("/livez").await.status == 200 {
            break;
        }
    }
}
