//! The simulated service on a port, with plain sockets as clients.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde_json::Value;
use thingspace_simulator::{Call, Fault, Server, Simulator};

const BEARER: &str = "POST /api/ts/v1/oauth2/token HTTP/1.1\r\n\
    Host: 127.0.0.1\r\n\
    Authorization: Basic c2ltdWxhdGVkLWtleTpzaW11bGF0ZWQtc2VjcmV0\r\n\
    Content-Type: application/x-www-form-urlencoded\r\n\
    Content-Length: 29\r\n\r\n\
    grant_type=client_credentials";

/// A connection, with the bytes that were read and not yet used.
struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// The received part of a response.
struct Received {
    head: String,
    body: Vec<u8>,
}

impl Client {
    fn connect(server: &Server) -> Self {
        Self {
            stream: TcpStream::connect(("127.0.0.1", server.port())).unwrap(),
            unread: Vec::new(),
        }
    }

    fn write(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    /// Sends a request and reads the response, using its `Content-Length`.
    fn send(&mut self, request: &str) -> Received {
        self.write(request);
        self.read()
    }

    fn read(&mut self) -> Received {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.receive(), "closed: {:?}", self.unread);
        };
        let head: Vec<_> = self.unread.drain(..end).collect();
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length && self.receive() {}
        let body = self.unread.drain(..length.min(self.unread.len()));
        let body = body.collect();
        Received { head, body }
    }

    /// Returns true if the connection has ended and nothing is left to read.
    fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.receive()
    }

    /// Reads more bytes. Returns false if the connection has ended, even by an
    /// error.
    fn receive(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer).unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..read]);
        read > 0
    }
}

impl Received {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn length(&self) -> usize {
        let length = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        length.unwrap().parse().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap().to_owned()
    }
}

fn start() -> Server {
    Server::start(Simulator::new(42)).unwrap()
}

fn log_in(client: &mut Client) -> (String, String) {
    let bearer = client.send(BEARER).text("access_token");
    let session = client.send(&login(&bearer)).text("sessionToken");
    (bearer, session)
}

fn login(bearer: &str) -> String {
    format!(
        "POST /api/m2m/v1/session/login HTTP/1.1\r\n\
        Host: 127.0.0.1\r\n\
        Authorization: Bearer {bearer}\r\n\
        Content-Type: application/json\r\n\
        Content-Length: 45\r\n\r\n\
        {{\"username\":\"zbeeblebrox\",\"password\":\"IMgr8\"}}"
    )
}

fn account(bearer: &str, session: &str) -> String {
    format!(
        "GET /api/m2m/v1/accounts/0000123456-00001 HTTP/1.1\r\n\
        Host: 127.0.0.1\r\n\
        Authorization: Bearer {bearer}\r\n\
        VZ-M2M-Token: {session}\r\n\r\n"
    )
}

#[test]
fn a_session_works_over_one_connection() {
    let server = start();
    let mut client = Client::connect(&server);

    let (bearer, session) = log_in(&mut client);
    let response = client.send(&account(&bearer, &session));

    assert_eq!(response.status(), 200);
    assert!(response.head.contains("content-type: application/json"));
    assert_eq!(response.text("accountName"), Simulator::ACCOUNT);
    assert_eq!(server.with(|s| s.counts().seen_in_all()), 3);
}

#[test]
fn the_base_has_the_port_and_the_prefix() {
    let server = start();
    let port = server.port();
    assert_eq!(server.base(), format!("http://127.0.0.1:{port}/api"));

    let server = Server::start(Simulator::new(42).prefix("")).unwrap();
    assert!(server.base().ends_with(&format!(":{}", server.port())));
}

#[test]
fn time_can_be_advanced() {
    let server = start();
    let mut client = Client::connect(&server);
    let (bearer, session) = log_in(&mut client);
    let before = server.now();

    server.advance(Duration::from_secs(20 * 60));

    assert!(server.now().since(before) >= Duration::from_secs(20 * 60));
    let response = client.send(&account(&bearer, &session));
    assert!(
        response
            .text("errorCode")
            .ends_with(".SessionToken.Expired")
    );

    server.advance(Duration::MAX);
    server.advance(Duration::MAX);
    let response = client.send(&account(&bearer, &session));
    assert_eq!(response.json()["fault"]["code"], "900901");
}

#[test]
fn a_dropped_request_gets_no_response() {
    let server = start();
    server.with(|s| s.inject(Call::BearerToken, Fault::Drop));
    let mut client = Client::connect(&server);

    client.write(BEARER);

    assert!(client.is_closed());
    assert_eq!(server.with(|s| s.counts().bearers_issued), 0);
    assert_eq!(Client::connect(&server).send(BEARER).status(), 200);
}

#[test]
fn a_request_dropped_after_acting_gets_no_response_either() {
    let server = start();
    server.with(|s| s.inject_any(Fault::Drop.after_acting()));
    let mut client = Client::connect(&server);

    client.write(BEARER);

    assert!(client.is_closed());
    assert_eq!(server.with(|s| s.counts().bearers_issued), 1);
}

#[test]
fn a_refused_request_is_dropped_over_http1() {
    let server = start();
    server.with(|s| s.inject_any(Fault::RefusedStream));
    let mut client = Client::connect(&server);

    client.write(BEARER);

    assert!(client.is_closed());
    assert_eq!(server.with(|s| s.counts().bearers_issued), 0);
}

#[test]
fn a_connection_goes_away_after_its_last_response() {
    let server = start();
    server.with(|s| s.inject_any(Fault::GoAway));
    let mut client = Client::connect(&server);

    let response = client.send(BEARER);

    assert_eq!(response.status(), 200);
    assert!(response.head.contains("connection: close"));
    assert!(client.is_closed());
    assert_eq!(server.with(|s| s.counts().bearers_issued), 1);
}

#[test]
fn idle_connections_are_closed_without_notice() {
    let server = start();
    let mut fresh = Client::connect(&server);
    let mut halting = Client::connect(&server);
    halting.write("POST /api");
    let mut idle = Client::connect(&server);
    let response = idle.send(BEARER);
    assert!(!response.head.contains("connection: close"));

    server.close_idle();

    // The race of a client that has not seen the end yet.
    idle.stream.write_all(BEARER.as_bytes()).ok();
    assert!(idle.is_closed());
    assert!(fresh.is_closed());
    assert!(halting.is_closed());
    assert_eq!(server.with(|s| s.counts().seen_in_all()), 1);
    assert_eq!(Client::connect(&server).send(BEARER).status(), 200);
}

#[test]
fn a_busy_connection_is_closed_after_its_response() {
    let server = start();
    let mut idle = Client::connect(&server);
    idle.send(BEARER);
    let mut busy = Client::connect(&server);
    let (head, body) = BEARER.split_once("\r\n\r\n").unwrap();
    let waiting = busy.send(&format!("{head}\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(waiting.status(), 100);

    std::thread::scope(|scope| {
        scope.spawn(|| server.close_idle());
        assert!(idle.is_closed());
        assert_eq!(busy.send(body).status(), 200);
        assert!(busy.is_closed());
    });
}

#[test]
fn close_idle_without_connections_returns_at_once() {
    let server = start();
    server.close_idle();
    server.close_idle();
}

#[test]
fn a_response_breaks_off_half_way() {
    let server = start();
    server.with(|s| s.inject_any(Fault::CutShort));
    let mut client = Client::connect(&server);

    let response = client.send(BEARER);

    assert_eq!(response.status(), 200);
    assert!(!response.body.is_empty());
    assert_eq!(response.body.len(), response.length() / 2);
    assert!(client.is_closed());
}

#[test]
fn a_response_comes_to_a_halt_half_way_and_its_connection_stays_open() {
    // The same seed gives the same token.
    let whole = Client::connect(&start()).send(BEARER).body;
    let server = start();
    server.with(|s| s.inject_any(Fault::Stall));
    let mut client = Client::connect(&server);

    client.write(BEARER);
    let half = &whole[..whole.len() / 2];
    while !client.unread.ends_with(half) {
        assert!(client.receive(), "closed: {:?}", client.unread);
    }
    assert_eq!(Client::connect(&server).send(BEARER).status(), 200);

    client.unread.clear();
    drop(server);
    assert!(client.is_closed(), "more than half: {:?}", client.unread);
}

#[test]
fn an_endless_body_continues_until_the_client_leaves() {
    let server = start();
    server.with(|s| s.inject_any(Fault::Endless));
    let mut client = Client::connect(&server);

    client.write(BEARER);
    while client.unread.len() < 4 * 1024 * 1024 {
        assert!(client.receive());
    }
    client.stream.shutdown(Shutdown::Both).unwrap();

    assert_eq!(Client::connect(&server).send(BEARER).status(), 200);
}

#[test]
fn a_late_response_is_late() {
    let server = start();
    let delay = Duration::from_millis(30);
    server.with(|s| s.inject_any(Fault::Delay(delay)));
    let mut client = Client::connect(&server);

    let sent = Instant::now();
    let response = client.send(BEARER);

    assert_eq!(response.status(), 200);
    assert!(sent.elapsed() >= delay);
}

#[test]
fn a_hung_request_does_not_delay_others_and_ends_with_the_server() {
    let server = start();
    server.with(|s| s.inject_any(Fault::Hang));
    let mut hung = Client::connect(&server);
    hung.write(BEARER);
    while server.with(|s| s.faults_left()) > 0 {
        std::thread::yield_now();
    }

    assert_eq!(Client::connect(&server).send(BEARER).status(), 200);

    drop(server);
    assert!(hung.is_closed());
}

#[test]
fn a_dropped_server_closes_its_connections_and_frees_its_port() {
    let server = start();
    let port = server.port();
    let mut client = Client::connect(&server);
    client.send(BEARER);

    drop(server);

    assert!(client.is_closed());
    let again = Server::start_on(port, Simulator::new(42)).unwrap();
    assert_eq!(again.port(), port);
    assert_eq!(Client::connect(&again).send(BEARER).status(), 200);
}

#[test]
fn a_taken_port_is_refused() {
    let server = start();
    assert!(Server::start_on(server.port(), Simulator::new(1)).is_err());
}

#[test]
fn many_connections_are_served_at_once() {
    let server = start();
    let mut crowd: Vec<_> = (0..300).map(|_| Client::connect(&server)).collect();

    for client in &mut crowd {
        client.write(BEARER);
    }
    for client in &mut crowd {
        assert_eq!(client.read().status(), 200);
    }

    let counts = server.with(|s| s.counts().clone());
    assert_eq!(counts.bearers_issued, 1);
    assert_eq!(counts.bearers_repeated, 299);
}

#[test]
fn a_post_without_a_length_gets_411() {
    let server = start();
    let mut client = Client::connect(&server);
    let post = "POST /api/m2m/v1/session/logout HTTP/1.1\r\nHost: 127.0.0.1\r\n";

    let silent = client.send(&format!("{post}\r\n"));
    assert_eq!(silent.status(), 411);

    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(client.send(&chunked).status(), 411);

    let declared = client.send(&format!("{post}Content-Length: 0\r\n\r\n"));
    assert_eq!(declared.status(), 401);
}

#[test]
fn a_body_in_chunks_is_read_whole() {
    let server = start();
    let request = BEARER
        .replace("Content-Length: 29", "Transfer-Encoding: chunked")
        .replace("grant_type=", "b\r\ngrant_type=\r\n12\r\n");
    let request = format!("{request}\r\n0\r\n\r\n");

    assert_eq!(Client::connect(&server).send(&request).status(), 200);
}

#[test]
fn a_body_of_more_than_a_mebibyte_is_too_large() {
    const MEBIBYTE: usize = 1024 * 1024;
    let server = start();
    let request = |length: usize| {
        let body = "x".repeat(length);
        format!(
            "POST /elsewhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };

    let mut client = Client::connect(&server);
    assert_eq!(client.send(&request(MEBIBYTE)).status(), 400);
    assert_eq!(client.send(&request(MEBIBYTE + 1)).status(), 413);
}

#[test]
fn requests_for_another_host_are_counted() {
    let server = start();
    let own = format!("Host: 127.0.0.1:{}", server.port());
    let mut client = Client::connect(&server);

    client.send(&BEARER.replace("Host: 127.0.0.1", &own));
    assert_eq!(server.with(|s| s.counts().misdirected), 0);

    client.send(BEARER);
    assert_eq!(server.with(|s| s.counts().misdirected), 1);
}

#[test]
fn invalid_http_does_not_disturb_others() {
    let server = start();
    let mut client = Client::connect(&server);
    client.write("\u{16}\u{3}\u{1} hello\r\n\r\n");
    while client.receive() {}

    assert_eq!(Client::connect(&server).send(BEARER).status(), 200);
}

#[test]
fn a_panic_inside_with_does_not_stop_the_service() {
    let server = start();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        server.with(|_| panic!("a test failed"));
    }));
    assert!(panicked.is_err());

    assert_eq!(Client::connect(&server).send(BEARER).status(), 200);
    assert_eq!(server.with(|s| s.counts().bearers_issued), 1);
}

#[test]
fn each_request_and_its_reply_are_logged() {
    let (log, logged) = std::sync::mpsc::channel();
    let log = std::sync::Mutex::new(log);
    let server = Server::start_logged(0, Simulator::new(42), move |request, reply| {
        let status = reply
            .clone()
            .into_response()
            .map(|response| response.status());
        let path = request.uri().path().to_owned();
        log.lock().unwrap().send((path, status)).unwrap();
    })
    .unwrap();
    server.with(|service| service.inject(Call::BearerToken, Fault::Drop));
    Client::connect(&server).write(BEARER);
    let path = || "/api/ts/v1/oauth2/token".to_owned();
    assert_eq!(logged.recv().unwrap(), (path(), None));
    Client::connect(&server).send(BEARER);
    assert_eq!(logged.recv().unwrap(), (path(), Some(http::StatusCode::OK)));
}
