//! Headers: every client sends the same ones.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::Request;
use thingspace_core::Environment;

use crate::{
    Client,
    stage::{Stage, account, connections_to, devices},
};

/// A request as it arrived: its method and path, and its headers by their lower-case
/// names.
struct Arrived {
    target: String,
    headers: BTreeMap<String, String>,
}

type Log = Arc<Mutex<Vec<Arrived>>>;

/// Starts a service that accepts every request and logs it.
fn service() -> (Environment, Log) {
    let log = Log::default();
    let arrived = Arc::clone(&log);
    let environment = connections_to(move |mut stream| {
        let mut requests = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = read(&mut requests) {
            let target = request.target.clone();
            arrived.lock().unwrap().push(request);
            respond(&mut stream, &target);
        }
    });
    (environment, log)
}

/// Reads a whole request. Returns `None` at the end of the connection.
fn read(stream: &mut impl BufRead) -> Option<Arrived> {
    let mut lines: Vec<String> = Vec::new();
    while lines.last().is_none_or(|line| !line.is_empty()) {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        lines.push(line.trim_end().to_owned());
    }
    let target = lines[0].strip_suffix(" HTTP/1.1").unwrap().to_owned();
    let mut headers = BTreeMap::new();
    for line in &lines[1..lines.len() - 1] {
        let (name, value) = line.split_once(": ").unwrap();
        let twice = headers.insert(name.to_lowercase(), value.to_owned());
        assert_eq!(twice, None, "{target}: {name}");
    }
    let length = headers.get("content-length");
    let length = length.map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).ok()?;
    Some(Arrived { target, headers })
}

fn respond(stream: &mut TcpStream, target: &str) {
    let body = match target.rsplit('/').next().unwrap() {
        "token" => r#"{"access_token":"cf1b","token_type":"Bearer","expires_in":3600}"#,
        "login" | "logout" => r#"{"sessionToken":"bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#,
        "reset" => r#"{"newPassword":"Wh0a1545a84d"}"#,
        _ => "{}",
    };
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).unwrap();
}

/// The user agent of all requests that have no other.
const USER_AGENT: &str = concat!("thingspace/", env!("CARGO_PKG_VERSION"));

pub(crate) fn all_clients_send_the_same_headers<C: Client>() {
    let stage = Stage::<C>::new();
    let (environment, log) = service();
    let client = stage.builder().environment(environment).build().unwrap();
    client.call(account()).unwrap();
    client.call(devices()).unwrap();
    let bare = Request::post("/m2m/v1/whatever").body(Bytes::new());
    client.call(bare.unwrap()).unwrap();
    client.reset_password().unwrap();
    client.log_out().unwrap();

    let with_body = &[
        "accept",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ][..];
    let with_body_and_session = &[with_body, &["vz-m2m-token"]].concat();
    let without_body = &[
        "accept",
        "authorization",
        "host",
        "user-agent",
        "vz-m2m-token",
    ];
    let with_empty_body = &[
        "accept",
        "authorization",
        "content-length",
        "host",
        "user-agent",
        "vz-m2m-token",
    ];
    let expected: [(&str, &[&str]); 7] = [
        ("POST /api/ts/v1/oauth2/token", with_body),
        ("POST /api/m2m/v1/session/login", with_body),
        ("GET /api/m2m/v1/accounts/0000123456-00001", without_body),
        (
            "POST /api/m2m/v1/devices/actions/list",
            with_body_and_session,
        ),
        ("POST /api/m2m/v1/whatever", with_empty_body),
        (
            "PUT /api/m2m/v1/session/password/actions/reset",
            with_body_and_session,
        ),
        ("POST /api/m2m/v1/session/logout", with_empty_body),
    ];
    let log = log.lock().unwrap();
    for (arrived, (target, names)) in log.iter().zip(expected) {
        assert_eq!(arrived.target, target);
        let arrived_names: Vec<_> = arrived.headers.keys().collect();
        assert_eq!(arrived_names, names, "{target}");
        assert_eq!(arrived.headers["user-agent"], USER_AGENT, "{target}");
        assert_eq!(arrived.headers["accept"], "application/json", "{target}");
    }
    assert_eq!(log.len(), expected.len());
}

pub(crate) fn a_request_keeps_its_own_user_agent<C: Client>() {
    let stage = Stage::<C>::new();
    let (environment, log) = service();
    let client = stage.builder().environment(environment).build().unwrap();
    let mut request = account();
    let own = "fleet/7".parse().unwrap();
    request.headers_mut().insert("user-agent", own);
    client.call(request).unwrap();
    let log = log.lock().unwrap();
    let agents = log.iter().map(|arrived| &*arrived.headers["user-agent"]);
    assert!(agents.eq([USER_AGENT, USER_AGENT, "fleet/7"]));
}
