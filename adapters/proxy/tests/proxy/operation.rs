//! The proxy as a daemon: where it listens, its probes, and its end.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::{Duration, Instant},
};

use thingspace_proxy::{Listener, ListenerError, Proxy, Rules, Server, SocketAccess};
use thingspace_simulator::{Call, Fault};
use tokio::{io::AsyncWriteExt, net::UnixStream};

use crate::stage::*;

fn server(stage: &Stage) -> Server<Proxy<thingspace_proxy::thingspace_hyper::Pooled>> {
    Server::new(Proxy::new(client(stage), Rules::new()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_has_its_mode_and_group_and_is_removed_at_the_end() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.sock");
    let group = fs::metadata(folder.path()).unwrap().gid();
    let access = SocketAccess::owner().mode(0o660).group(group);
    let listener = Listener::unix(&path, access).unwrap();
    let proxy = Running::on(server(&stage), listener);
    let found = fs::metadata(&path).unwrap();
    assert_eq!(
        (found.permissions().mode() & 0o777, found.gid()),
        (0o660, group)
    );
    let request = format!("GET {ACCOUNT} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let stream = UnixStream::connect(&path).await.unwrap();
    exchange(stream, request.as_bytes())
        .await
        .expect_response(200);

    let error = Listener::unix(&path, SocketAccess::owner()).unwrap_err();
    assert!(matches!(error, ListenerError::InUse { .. }), "{error}");
    assert_eq!(proxy.end().await.cut_off, 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_socket_that_nobody_serves_is_replaced_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listener = Listener::unix(&path, SocketAccess::owner()).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(listener);
    fs::write(&path, "a file").unwrap();
    let error = Listener::unix(&path, SocketAccess::owner()).unwrap_err();
    assert!(matches!(error, ListenerError::NoSocket { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"a file");
    let nowhere = folder.path().join("missing/proxy.sock");
    let error = Listener::unix(nowhere, SocketAccess::owner()).unwrap_err();
    assert!(matches!(error, ListenerError::Socket { .. }), "{error}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let first = Listener::loopback(0).unwrap();
    let address = first.address().unwrap();
    assert!(address.ip().is_loopback());
    let error = Listener::loopback(address.port()).unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_those_of_the_program() {
    let stage = Stage::new();
    let proxy = Proxy::new(client(&stage), Rules::new()).metrics(|| "a_total 1\n".to_owned());
    let proxy = Running::of(Server::new(proxy));
    let reply = proxy.get("/metrics").await.expect_response(200);
    assert_eq!(reply.body, "a_total 1\n");
    let kind = reply.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_calls_in_progress_finish_and_the_session_stays_open() {
    let stage = Stage::new();
    let proxy = Running::of(server(&stage));
    proxy.get(ACCOUNT).await.expect_response(200);
    stage.inject(Call::Account, Fault::Delay(Duration::from_millis(500)));
    let idle = proxy.connect().await;
    let mut busy = proxy.connect().await;
    let request = format!("GET {ACCOUNT} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    busy.write_all(request.as_bytes()).await.unwrap();
    while stage.seen(Call::Account) < 2 {
        tokio::task::yield_now().await;
    }
    let address = proxy.address;
    let (drained, reply, nothing) = tokio::join!(proxy.end(), Reply::read(busy), Reply::read(idle));
    reply.expect_response(200);
    assert_eq!((drained.cut_off, nothing.status), (0, 0));
    tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(stage.seen(Call::LogOut), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_limit_what_hangs_is_cut_off() {
    let stage = Stage::new();
    let proxy = Running::of(server(&stage).drain(Duration::from_millis(200)));
    proxy.get(ACCOUNT).await.expect_response(200);
    stage.inject(Call::Devices, Fault::Hang);
    let mut stream = proxy.connect().await;
    let request =
        format!("POST {DEVICES} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{{}}");
    stream.write_all(request.as_bytes()).await.unwrap();
    while stage.seen(Call::Devices) == 0 {
        tokio::task::yield_now().await;
    }
    let start = Instant::now();
    let drained = proxy.end().await;
    assert_eq!(drained.cut_off, 1);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(Reply::read(stream).await.status, 0);
}
