//! Callbacks that the simulator delivers to a listener on this machine.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use thingspace_simulator::{Call, Server, Simulator};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A server with a user, who is logged in.
struct Stage {
    server: Server,
    bearer: String,
    session: String,
}

impl Stage {
    fn new(simulator: Simulator) -> Self {
        let mut stage = Self {
            server: Server::start(simulator).unwrap(),
            bearer: String::new(),
            session: String::new(),
        };
        let token = Request::post("/api/ts/v1/oauth2/token")
            .header(
                "authorization",
                "Basic c2ltdWxhdGVkLWtleTpzaW11bGF0ZWQtc2VjcmV0",
            )
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials".into());
        stage.bearer = stage.respond(&token.unwrap())["access_token"].to_text();
        let body = json!({"username": Simulator::USERNAME, "password": Simulator::PASSWORD});
        stage.session = stage.post("/session/login", &body)["sessionToken"].to_text();
        stage
    }

    /// Gives a request to the simulator without the port.
    fn respond(&self, request: &Request<Bytes>) -> Value {
        let now = self.server.now();
        let reply = self
            .server
            .with(|simulator| simulator.respond(now, request));
        let response: Response<Bytes> = reply.into_response().unwrap();
        assert_eq!(response.status(), 200, "{:?}", response.body());
        serde_json::from_slice(response.body()).unwrap()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = Request::post(format!("/api/m2m/v1{path}"))
            .header("authorization", format!("Bearer {}", self.bearer))
            .header("vz-m2m-token", &self.session)
            .header("content-type", "application/json")
            .body(body.to_string().into());
        self.respond(&request.unwrap())
    }

    fn register(&self, url: &str) {
        let body = json!({"name": "CarrierService", "url": url, "username": "slartibartfast",
            "password": "fjords"});
        let path = format!("/callbacks/{}", Simulator::ACCOUNT);
        self.post(&path, &body);
    }

    fn suspend(&self, number: u32) -> String {
        let id = json!({"id": format!("99{:013}", 100_000_000 + number), "kind": "imei"});
        let body = json!({"devices": [{"deviceIds": [id]}]});
        self.post("/devices/actions/suspend", &body)["requestId"].to_text()
    }

    /// Waits until a count has this value. The time is generous: a poll, not a pause.
    fn wait_for(&self, count: impl Fn(&Simulator) -> u64, value: u64) {
        for _ in 0..3000 {
            if self.server.with(|simulator| count(simulator)) == value {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "{:?}",
            self.server.with(|simulator| simulator.counts().clone())
        );
    }
}

trait ToText {
    fn to_text(&self) -> String;
}

impl ToText for Value {
    fn to_text(&self) -> String {
        self.as_str().unwrap().to_owned()
    }
}

/// A listener, which takes one connection after the other.
struct Listener(TcpListener);

impl Listener {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}/callback?of=ours", self.0.local_addr().unwrap())
    }

    /// Receives a message, and responds with this status line unless it is empty.
    fn take(&self, status: &str) -> (String, Value) {
        let (mut stream, _) = self.0.accept().unwrap();
        let (head, body) = receive(&mut stream);
        if !status.is_empty() {
            let response = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(response.as_bytes()).unwrap();
        }
        (head, body)
    }
}

fn receive(stream: &mut TcpStream) -> (String, Value) {
    let mut received = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "closed");
        received.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8(received.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            if let Ok(body) = serde_json::from_str(body) {
                return (head.to_owned(), body);
            }
        }
    }
}

#[test]
fn a_message_is_delivered_when_its_time_has_come() {
    let stage = Stage::new(Simulator::new(1));
    let listener = Listener::new();
    stage.register(&listener.url());
    let id = stage.suspend(1);

    stage.server.advance(5 * SECOND);

    let (head, body) = listener.take("204 No Content");
    assert!(
        head.starts_with("POST /callback?of=ours HTTP/1.1\r\n"),
        "{head}"
    );
    let host = format!("host: {}\r\n", listener.0.local_addr().unwrap());
    assert!(head.contains(&host), "{head}");
    assert_eq!(body["requestId"], id.as_str());
    assert_eq!(body["password"], "fjords");
    assert_eq!(body["status"], "Success");
    stage.wait_for(|simulator| simulator.counts().callbacks_accepted, 1);
}

#[test]
fn a_message_is_delivered_by_the_clock_alone() {
    let simulator = Simulator::new(1).request_time(Duration::from_millis(50));
    let stage = Stage::new(simulator);
    let listener = Listener::new();
    stage.register(&listener.url());
    stage.suspend(1);
    listener.take("200 OK");
}

#[test]
fn a_message_that_was_refused_is_delivered_again() {
    let stage = Stage::new(Simulator::new(1));
    let listener = Listener::new();
    stage.register(&listener.url());
    stage.suspend(1);
    stage.server.advance(5 * SECOND);

    for (count, status) in [(1, "503 Service Unavailable"), (2, ""), (3, "200 OK")] {
        let (_, body) = listener.take(status);
        assert_eq!(body["callbackCount"], count);
        stage.server.advance(5 * MINUTE);
    }
    stage.wait_for(|simulator| simulator.counts().callbacks_accepted, 1);
}

#[test]
fn only_a_listener_on_this_machine_gets_a_message() {
    for url in [
        "http://192.0.2.1:9001/",
        "http://example.org/",
        "https://localhost/",
    ] {
        let stage = Stage::new(Simulator::new(1));
        stage.register(url);
        stage.suspend(1);
        for wait in [5 * SECOND, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE] {
            let sent = |simulator: &Simulator| simulator.counts().callbacks_sent;
            let before = stage.server.with(|simulator| sent(simulator));
            stage.server.advance(wait);
            if before < 4 {
                stage.wait_for(sent, before + 1);
            }
        }
        stage.wait_for(|simulator| simulator.counts().callbacks_archived, 1);
    }
}

#[test]
fn many_messages_are_delivered_at_once() {
    let stage = Stage::new(Simulator::new(1).devices(500));
    let listener = Listener::new();
    stage.register(&listener.url());
    let mut ids: Vec<_> = (1..=500).map(|number| stage.suspend(number)).collect();
    stage.server.advance(5 * SECOND);

    let mut told: Vec<_> = (0..500)
        .map(|_| listener.take("200 OK").1["requestId"].to_text())
        .collect();

    ids.sort();
    told.sort();
    assert_eq!(ids, told);
    stage.wait_for(|simulator| simulator.counts().callbacks_accepted, 500);
    let suspends = stage
        .server
        .with(|simulator| simulator.counts().done(Call::SuspendServiceForDevices));
    assert_eq!(suspends, 500);
}
