//! Clients that are slow, endless, garbled, or gone: they harm themselves alone.

use std::time::Duration;

use thingspace_proxy::{Proxy, Rules, Server};
use thingspace_simulator::{Call, Fault};
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::stage::*;

const MOMENT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_no_whole_head_is_cut_off() {
    let stage = Stage::new();
    let server = Server::new(Proxy::new(client(&stage), Rules::new())).head_timeout(MOMENT);
    let proxy = Running::of(server);
    let silent = Reply::read(proxy.connect().await);
    let slow = proxy.send_raw(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    let trickling = async {
        let (stream, mut sink) = proxy.connect().await.into_split();
        let trickle = async {
            sink.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n")
                .await
                .unwrap();
            while sink.write_all(b"x-more: 1\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::join!(Reply::read(stream), trickle).0
    };
    // It has sent a whole request, and sends no other one.
    let idle = proxy.send_raw(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let cut_off = timeout(MOMENT * 100, async {
        tokio::join!(silent, slow, trickling, idle)
    });
    let (silent, slow, trickling, idle) = cut_off.await.unwrap();
    for reply in [silent, slow, trickling] {
        assert!(matches!(reply.status, 0 | 408), "{reply:?}");
    }
    idle.expect_response(200);
    proxy.get(ACCOUNT).await.expect_response(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_heads_and_bodies_are_cut_off() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    for head in [
        "GET /livez HTTP/1.1\r\nhost: localhost\r\n",
        "POST /api/m2m/x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        let (stream, mut sink) = proxy.connect().await.into_split();
        let endless = async {
            sink.write_all(head.as_bytes()).await.unwrap();
            let piece = if head.contains("chunked") {
                format!("1000\r\n{}\r\n", "a".repeat(0x1000))
            } else {
                format!("x-more: {}\r\n", "a".repeat(0x1000))
            };
            while sink.write_all(piece.as_bytes()).await.is_ok() {}
        };
        let (reply, ()) = tokio::join!(Reply::read(stream), endless);
        assert!(matches!(reply.status, 0 | 413 | 431), "{reply:?}");
    }
    assert_eq!(stage.seen_in_all(), 0);
    proxy.get(ACCOUNT).await.expect_response(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbled_requests_reach_nobody() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    for garbled in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /api/m2m/v1/x HTTP/1.1\r\nhost localhost\r\n\r\n",
        b"GET /api/m2m/v1/x HTTP/1.1\nhost: localhost\x00\n\n",
        b"POST /api/m2m/v1/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/m2m/v1/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /api/m2m/v1/x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: identity, x\r\n\r\n",
        b"\xff\xfe\xfd\r\n\r\n",
    ] {
        let reply = proxy.send_raw(garbled).await;
        assert!(matches!(reply.status, 0 | 400), "{reply:?}");
    }
    assert_eq!(stage.seen_in_all(), 0);
    proxy.get(ACCOUNT).await.expect_response(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_not_be_smuggled_behind_another() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    let smuggled = format!("GET {ACCOUNT} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let length = smuggled.len() + 5;
    let request = format!(
        "POST /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n{smuggled}"
    );
    proxy.send_raw(request.as_bytes()).await;
    assert_eq!(stage.seen_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_disconnects_during_the_login_harms_no_other() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    stage.inject(Call::LogIn, Fault::Delay(Duration::from_millis(500)));
    let mut gone = Vec::new();
    for _ in 0..20 {
        let mut stream = proxy.connect().await;
        let request = format!("GET {ACCOUNT} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        gone.push(stream);
    }
    while stage.seen(Call::LogIn) == 0 {
        tokio::task::yield_now().await;
    }
    drop(gone);
    proxy.get(ACCOUNT).await.expect_response(200);
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_does_not_hold_its_connection_for_ever() {
    let stage = Stage::new();
    let server = Server::new(Proxy::new(client(&stage), Rules::new()));
    let proxy = Running::of(server.write_timeout(MOMENT).max_connections(1));
    let mut stream = proxy.connect().await;
    // Responses fill the buffers on the way until the proxy can write no more.
    let request = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1000);
    let flood = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(Duration::from_secs(60), flood).await.unwrap();
    while proxy.get("/livez").await.status != 200 {}
}
