//! Long responses, which are given on while they arrive.

use std::{
    env, fs,
    future::Future,
    io::ErrorKind,
    net,
    ops::ControlFlow,
    process::Command,
    time::{Duration, Instant},
};

use thingspace_proxy::{
    Proxy, Rules, Server,
    core::session::Settings,
    thingspace_hyper::{Builder, Pooled},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::stage::*;

const PATH: &str = "/api/m2m/v1/x";
const PIECE: usize = 64 * 1024;

/// A proxy before a service whose responses the test writes.
struct Written {
    proxy: Running,
    calls: UnboundedReceiver<net::TcpStream>,
}

impl Written {
    fn new(settings: Settings) -> Self {
        Self::of(settings, |server| server)
    }

    fn of(
        settings: Settings,
        change: impl FnOnce(Server<Proxy<Pooled>>) -> Server<Proxy<Pooled>>,
    ) -> Self {
        let (sender, calls) = unbounded_channel();
        let mut options = Stage::new().options();
        options.settings = settings;
        options.environment = service(move |_, stream| {
            sender.send(stream.try_clone().unwrap()).unwrap_or_default();
            ControlFlow::Break(())
        });
        let client = Builder::new(options.into_config()).build().unwrap();
        let proxy = Running::of(change(Server::new(Proxy::new(client, Rules::new()))));
        Self { proxy, calls }
    }

    /// The connection of a call that has reached the service.
    async fn call(&mut self) -> TcpStream {
        let stream = within(self.calls.recv()).await.unwrap();
        stream.set_nonblocking(true).unwrap();
        TcpStream::from_std(stream).unwrap()
    }

    /// Makes a call. Returns the client's end and the service's, which has sent this.
    async fn begin(&mut self, response: &str) -> (TcpStream, TcpStream) {
        let mut client = self.proxy.connect().await;
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut service = self.call().await;
        service.write_all(response.as_bytes()).await.unwrap();
        (client, service)
    }
}

fn with_short_timeouts() -> Settings {
    let mut settings = Settings::default();
    settings.attempt_timeout = Duration::from_secs(1);
    settings
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(60), future)
        .await
        .expect("within a minute")
}

/// Reads the head of a response, and no more.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(stream.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

/// Reads this many bytes of a body.
async fn take(stream: &mut (impl AsyncRead + Unpin), length: usize) {
    let mut bytes = vec![0; length];
    within(stream.read_exact(&mut bytes)).await.unwrap();
    assert!(bytes.iter().all(|&byte| byte == b'x'));
}

/// Asserts that a connection is closed, with nothing more on it.
async fn expect_closed(stream: &mut (impl AsyncRead + Unpin)) {
    match within(stream.read(&mut [0; 16])).await {
        Ok(length) => assert_eq!(length, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

fn ok(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n")
}

fn piece() -> String {
    "x".repeat(PIECE)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_the_beginning_before_the_service_has_sent_the_end() {
    let mut written = Written::new(Settings::default());
    let (mut client, mut service) = written.begin(&(ok(10 * PIECE) + &piece())).await;
    let head = head(&mut client).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = format!("content-length: {}\r\n", 10 * PIECE);
    assert!(head.contains(&length), "{head}");
    take(&mut client, PIECE).await;
    for _ in 1..10 {
        service.write_all(piece().as_bytes()).await.unwrap();
        take(&mut client, PIECE).await;
    }
    // Both connections go on.
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    self::head(&mut service).await;
    service.write_all(ok(0).as_bytes()).await.unwrap();
    assert!(self::head(&mut client).await.contains("content-length: 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_ends_as_the_services_does() {
    let mut written = Written::new(Settings::default());
    let begun = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{PIECE:x}\r\n{}\r\n",
        piece()
    );
    for is_whole in [true, false] {
        let (mut client, mut service) = written.begin(&begun).await;
        let head = head(&mut client).await;
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        assert!(!head.contains("content-length"), "{head}");
        let end = if is_whole {
            "1\r\nx\r\n0\r\n\r\n"
        } else {
            "1\r\nx\r\n"
        };
        service.write_all(end.as_bytes()).await.unwrap();
        if is_whole {
            let mut body = Vec::new();
            while !body.ends_with(b"\r\n0\r\n\r\n") {
                body.push(within(client.read_u8()).await.unwrap());
            }
            let sent = String::from_utf8(body).unwrap().matches('x').count();
            assert_eq!(sent, PIECE + 1);
        } else {
            service.shutdown().await.unwrap();
            let mut body = Vec::new();
            // The end may be a reset.
            let _ = within(client.read_to_end(&mut body)).await;
            assert!(!body.ends_with(b"0\r\n\r\n"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_breaks_off_the_clients_connection() {
    let mut written = Written::new(Settings::default());
    let (mut client, mut service) = written.begin(&(ok(10 * PIECE) + &piece())).await;
    head(&mut client).await;
    take(&mut client, PIECE).await;
    service.shutdown().await.unwrap();
    expect_closed(&mut client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_sends_nothing_more_is_given_up() {
    let mut written = Written::new(with_short_timeouts());
    let (mut client, mut service) = written.begin(&(ok(10 * PIECE) + &piece())).await;
    head(&mut client).await;
    take(&mut client, PIECE).await;
    expect_closed(&mut client).await;
    expect_closed(&mut service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_never_given_on_as_a_whole() {
    let mut settings = Settings::default();
    settings.max_body = 2 * PIECE;
    let mut written = Written::new(settings);
    // One that says so is refused at once.
    let body = "x".repeat(2 * PIECE + 1);
    let (client, _service) = written.begin(&(ok(3 * PIECE) + &body)).await;
    let mut client = tokio::io::BufReader::new(client);
    let refused = head(&mut client).await;
    assert!(refused.starts_with("http/1.1 502"), "{refused}");
    assert!(refused.contains("thingspace-proxy-error: invalid_response"));

    for (length, is_whole) in [(2 * PIECE, true), (2 * PIECE + 1, false)] {
        let chunked = format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{PIECE:x}\r\n{}\r\n",
            piece()
        );
        let (mut client, mut service) = written.begin(&chunked).await;
        head(&mut client).await;
        let rest = length - PIECE;
        let rest = format!("{rest:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(rest));
        // The proxy may have hung up meanwhile.
        service.write_all(rest.as_bytes()).await.unwrap_or_default();
        let (mut body, mut bytes) = (Vec::new(), vec![0; PIECE]);
        while !body.ends_with(b"0\r\n\r\n") {
            match within(client.read(&mut bytes)).await {
                Ok(0) | Err(_) => break,
                Ok(length) => body.extend_from_slice(&bytes[..length]),
            }
        }
        assert_eq!(body.ends_with(b"0\r\n\r\n"), is_whole, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_has_more_time_than_an_attempt() {
    let settings = with_short_timeouts();
    let attempt_timeout = settings.attempt_timeout;
    let mut written = Written::new(settings);
    let pieces = 200;
    let (mut client, mut service) = written.begin(&ok(pieces * PIECE)).await;
    let sending = tokio::spawn(async move {
        for _ in 0..pieces {
            service.write_all(piece().as_bytes()).await.unwrap();
        }
        service
    });
    let started = Instant::now();
    head(&mut client).await;
    for number in 0..pieces {
        if number < 3 {
            // It is busy with the last one.
            tokio::time::sleep(attempt_timeout / 2).await;
        }
        take(&mut client, PIECE).await;
    }
    assert!(started.elapsed() > attempt_timeout);
    drop(sending.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_response_to_it_alone() {
    let mut written = Written::new(Settings::default());
    let (mut leaving, mut unheard) = written.begin(&(ok(10 * PIECE) + &piece())).await;
    let (mut staying, mut heard) = written.begin(&(ok(2 * PIECE) + &piece())).await;
    head(&mut leaving).await;
    head(&mut staying).await;
    drop(leaving);
    expect_closed(&mut unheard).await;
    heard.write_all(piece().as_bytes()).await.unwrap();
    take(&mut staying, 2 * PIECE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_bodies_that_are_on_their_way_arrive_whole() {
    let mut written = Written::new(Settings::default());
    let (mut client, mut service) = written.begin(&(ok(2 * PIECE) + &piece())).await;
    head(&mut client).await;
    take(&mut client, PIECE).await;
    let address = written.proxy.address;
    let end = tokio::spawn(written.proxy.end());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    service.write_all(piece().as_bytes()).await.unwrap();
    take(&mut client, PIECE).await;
    expect_closed(&mut client).await;
    assert_eq!(within(end).await.unwrap().cut_off, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_limit_a_body_that_goes_on_is_cut_off() {
    let mut written = Written::of(Settings::default(), |server| server.drain(Duration::ZERO));
    let (mut client, _service) = written.begin(&(ok(2 * PIECE) + &piece())).await;
    head(&mut client).await;
    assert_eq!(written.proxy.end().await.cut_off, 1);
    take(&mut client, PIECE).await;
    expect_closed(&mut client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_streamed_is_read_whole_and_retried_as_ever() {
    let mut written = Written::new(Settings::default());
    // Refusals, whatever their status, and what a client of HTTP/1.0 asks for.
    let long = "x".repeat(2 * PIECE);
    let over = format!(
        r#"{{"errorCode":"UnifiedWebService.REQUEST_FAILED.SessionToken.Expired","errorMessage":"{long}"}}"#
    );
    let over = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{over}",
        over.len()
    );
    let (mut client, _first) = written.begin(&over).await;
    // It is made again on another session.
    let mut service = written.call().await;
    let refused = r#"{"errorCode":"S.INPUT_INVALID.Y","errorMessage":""#;
    let length = refused.len() + long.len() + 2;
    let begun = format!("HTTP/1.1 400 No\r\ncontent-length: {length}\r\n\r\n{refused}");
    service.write_all(begun.as_bytes()).await.unwrap();
    let nothing = timeout(Duration::from_millis(50), client.read_u8()).await;
    assert!(nothing.is_err(), "it is read whole first");
    service.write_all(long.as_bytes()).await.unwrap();
    service.write_all(b"\"}").await.unwrap();
    let head = head(&mut client).await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
    assert!(
        head.contains(&format!("content-length: {length}")),
        "{head}"
    );
    let mut body = vec![0; length];
    within(client.read_exact(&mut body)).await.unwrap();
    assert!(body.starts_with(refused.as_bytes()) && body.ends_with(b"\"}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_old_version_gets_whole_bodies() {
    let mut written = Written::new(Settings::default());
    let mut client = written.proxy.connect().await;
    let request = format!("GET {PATH} HTTP/1.0\r\nhost: localhost\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut service = written.call().await;
    let whole = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{PIECE:x}\r\n{}\r\n0\r\n\r\n",
        piece()
    );
    service.write_all(whole.as_bytes()).await.unwrap();
    let reply = Reply::read(client).await.expect_response(200);
    assert_eq!(reply.headers["content-length"], PIECE.to_string());
    assert_eq!(reply.body.len(), PIECE);
}

#[test]
fn a_long_body_takes_no_memory_of_its_length() {
    // In a process of its own, where nobody else uses memory.
    let ran = Command::new(env::current_exe().unwrap())
        .args(["--exact", "streaming::a_long_body", "--ignored"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started in a process of its own"]
async fn a_long_body() {
    const LONG: usize = 64 * 1024 * 1024;
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.unwrap().trim().trim_end_matches(" kB");
        peak.parse::<usize>().unwrap() * 1024
    };
    let mut settings = Settings::default();
    settings.max_body = LONG;
    let mut written = Written::new(settings);
    let (mut client, mut service) = written.begin(&ok(LONG)).await;
    let before = peak();
    let sending = tokio::spawn(async move {
        for _ in 0..LONG / PIECE {
            service.write_all(piece().as_bytes()).await.unwrap();
        }
        service
    });
    head(&mut client).await;
    for _ in 0..LONG / PIECE {
        take(&mut client, PIECE).await;
    }
    let rise = peak() - before;
    assert!(rise < LONG / 4, "{rise} bytes");
    drop(sending.await.unwrap());
}
