//! `proxy`: where it listens, who it takes, its log, and its end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    process::{Child, Command},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use thingspace_simulator::{Call, Fault, Simulator};

use crate::stage::*;

pub(crate) const CALL: &str = "/api/m2m/v1/accounts/0000123456-00001";

const RESET: &str = "/api/m2m/v1/session/password/actions/reset";

/// A proxy that runs.
pub(crate) struct Proxy<'a> {
    stage: &'a Stage,
    child: Option<Child>,
    port: u16,
}

impl<'a> Proxy<'a> {
    pub(crate) fn start(stage: &'a Stage, args: &[&str]) -> Self {
        Self::of(stage, &mut stage.command(&[&["proxy"], args].concat()))
    }

    /// Starts the proxy by this command.
    pub(crate) fn of(stage: &'a Stage, command: &mut Command) -> Self {
        let mut proxy = Self {
            stage,
            child: Some(command.spawn().unwrap()),
            port: 0,
        };
        let out = proxy.child.as_mut().unwrap().stdout.take().unwrap();
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://127.0.0.1:");
        let port = address.and_then(|rest| rest.strip_suffix("/api"));
        proxy.port = port.map_or(0, |port| port.parse().unwrap());
        proxy
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().unwrap().id();
        kill(Pid::from_raw(id.try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end. Nothing that it wrote has a secret.
    pub(crate) fn end(mut self) -> Ran {
        self.stage.finish(self.child.take().unwrap())
    }

    pub(crate) fn stop(self) -> Ran {
        self.signal(Signal::SIGTERM);
        self.end()
    }

    /// Kills it. What it wrote has no secret.
    pub(crate) fn kill(self) {
        self.signal(Signal::SIGKILL);
        self.end().was_killed();
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.get_with(path, "")
    }

    /// Asks for a reset, as an SDK does.
    pub(crate) fn reset(&self) -> (u16, String) {
        let mut stream = self.connect();
        ask_for_reset(&mut stream);
        reply(stream)
    }

    fn get_with(&self, path: &str, headers: &str) -> (u16, String) {
        let mut stream = self.connect();
        ask(&mut stream, path, headers);
        reply(stream)
    }
}

impl Drop for Proxy<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// Sends the request for a reset.
pub(crate) fn ask_for_reset(stream: &mut impl Write) {
    let body = r#"{"oldPassword":"dummy"}"#;
    let length = body.len();
    write!(
        stream,
        "PUT {RESET} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

pub(crate) fn ask(stream: &mut impl Write, path: &str, headers: &str) {
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
    )
    .unwrap();
}

pub(crate) fn reply(mut stream: impl Read) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The lines of the log with this event.
pub(crate) fn logged(ran: &Ran, event: &str) -> Vec<Value> {
    let lines = ran.stderr.lines();
    let lines = lines.filter(|line| !line.starts_with("thingspace:"));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == event).collect()
}

#[test]
fn programs_call_through_it_and_share_the_session_with_other_commands() {
    let stage = Stage::open();
    let proxy = Proxy::start(&stage, &[]);
    let (status, body) = proxy.get(&format!("{CALL}?secret=of-the-query"));
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(Simulator::ACCOUNT));
    assert_eq!(proxy.get("/livez").0, 200);
    assert_eq!(proxy.get("/readyz").0, 200);
    let (status, page) = proxy.get("/metrics");
    assert_eq!(status, 200);
    assert!(page.contains("thingspace_guard_open 1"), "{page}");
    assert!(page.contains("http_client_request_duration_seconds_bucket"));

    let ran = proxy.stop().succeeds();
    assert_eq!(logged(&ran, "listening").len(), 1);
    let requests = logged(&ran, "request");
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0]["path"], CALL);
    assert_eq!(requests[0]["status"], 200);
    assert!(!ran.stderr.contains("of-the-query"));
    assert_eq!(logged(&ran, "ended")[0]["cut_off"], 0);
    stage.run(&["call", "GET", ACCOUNT]).succeeds();
    assert_eq!((stage.seen(Call::LogIn), stage.seen(Call::LogOut)), (1, 0));
}

#[test]
fn proxies_share_one_session_whichever_was_asked_first() {
    let stage = Stage::new();
    let (first, second) = (Proxy::start(&stage, &[]), Proxy::start(&stage, &[]));
    // All of them have asked before any has a response.
    let streams = [&first, &second, &first, &second].map(|proxy| {
        let mut stream = proxy.connect();
        ask(&mut stream, CALL, "");
        stream
    });
    for stream in streams {
        assert_eq!(reply(stream).0, 200);
    }
    first.stop().succeeds();
    assert_eq!(second.get(CALL).0, 200);
    second.stop().succeeds();
    assert_eq!((stage.seen(Call::LogIn), stage.done(Call::Account)), (1, 5));
}

#[test]
fn a_proxy_that_is_open_to_the_network_without_a_secret_warns() {
    let stage = Stage::new();
    let address = ["--allow-remote-clients-unencrypted", "127.0.0.1"];
    let ran = Proxy::start(&stage, &address).stop().succeeds();
    assert_eq!(logged(&ran, "open_to_network")[0]["level"], "warn");
    let ran = Proxy::start(&stage, &[]).stop().succeeds();
    assert!(logged(&ran, "open_to_network").is_empty());
}

#[test]
fn the_address_is_printed_as_json_too() {
    let stage = Stage::new();
    let mut child = stage.command(&["proxy", "--json"]).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    child.kill().unwrap();
    stage.finish(child).was_killed();
    let printed: Value = serde_json::from_str(&line).unwrap();
    let base = printed["base"].as_str().unwrap();
    assert!(base.starts_with("http://127.0.0.1:"), "{base}");
    assert_eq!(printed["socket"], Value::Null);
}

#[test]
fn a_unix_socket_has_its_mode_and_is_removed_at_the_end() {
    let stage = Stage::new();
    let path = stage.at("proxy.sock");
    let shown = path.to_str().unwrap();
    let proxy = Proxy::start(&stage, &["--socket", shown, "--socket-mode", "660"]);
    assert_eq!(mode(&path), 0o660);
    let mut stream = UnixStream::connect(&path).unwrap();
    ask(&mut stream, CALL, "");
    assert_eq!(reply(stream).0, 200);
    proxy.stop().succeeds();
    assert!(!path.exists());
}

#[test]
fn it_is_not_ready_while_the_guard_is_blocked_and_a_hangup_gives_it_another_password() {
    let stage = Stage::new();
    let right = stage.password();
    stage.write("password", "wrong");
    let proxy = Proxy::start(&stage, &[]);
    let (status, body) = proxy.get(CALL);
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("wrong_credentials"), "{body}");
    let (status, body) = proxy.get("/readyz");
    assert_eq!(status, 503);
    assert!(body.contains("credentials are wrong"), "{body}");
    assert_eq!(proxy.get("/livez").0, 200);

    // A file that others may read is no reason to end.
    set_mode(&stage.write("password", &right), 0o644);
    proxy.signal(Signal::SIGHUP);
    set_mode(&stage.at("password"), 0o600);
    wait_for(|| {
        proxy.signal(Signal::SIGHUP);
        proxy.get("/readyz").0 == 200
    });
    assert_eq!(proxy.get(CALL).0, 200);
    let ran = proxy.stop().succeeds();
    let reloaded = logged(&ran, "reloaded");
    assert_eq!(reloaded[0]["changed"], true);
    assert!(reloaded[1..].iter().all(|line| line["changed"] == false));
    assert!(!logged(&ran, "logins_blocked").is_empty());
    assert_eq!((stage.seen(Call::LogIn), stage.done(Call::LogIn)), (2, 1));
}

#[test]
fn it_learns_from_the_store_what_other_commands_did() {
    let stage = Stage::new();
    let right = stage.password();
    stage.write("password", "wrong");
    stage.run(&["login"]).ends_with(1);
    let proxy = Proxy::start(&stage, &[]);
    assert_eq!(proxy.get("/readyz").0, 503);
    stage.write("password", &right);
    stage.run(&["login"]).succeeds();
    // Its own password is still the wrong one, but the session is open. It looks at the
    // store now and then.
    wait_for(|| proxy.get(CALL).0 == 200);
    assert_eq!(proxy.get("/readyz").0, 503);
    assert_eq!((stage.seen(Call::LogIn), stage.done(Call::LogIn)), (2, 1));
}

#[test]
fn it_becomes_ready_when_another_command_unblocks_the_guard() {
    let stage = Stage::new();
    stage.write("password", "grflbk");
    stage.run(&["login"]).ends_with(1);
    let proxy = Proxy::start(&stage, &[]);
    assert_eq!(proxy.get("/readyz").0, 503);
    stage.run(&["unblock", "--yes"]).succeeds();
    // A supervisor asks now and then, and sends no call meanwhile.
    wait_for(|| proxy.get("/readyz").0 == 200);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn a_call_in_progress_ends_before_the_proxy_does() {
    let stage = Stage::open();
    let proxy = Proxy::start(&stage, &[]);
    stage.inject(Call::Account, Fault::Delay(Duration::from_millis(500)));
    let mut stream = proxy.connect();
    ask(&mut stream, CALL, "");
    wait_for(|| stage.seen(Call::Account) == 1);
    let ran = proxy.stop().succeeds();
    assert_eq!(reply(stream).0, 200);
    assert_eq!(logged(&ran, "ended")[0]["cut_off"], 0);
}

#[test]
fn calls_that_outlast_the_limit_are_cut_off_and_reported() {
    let stage = Stage::open();
    let proxy = Proxy::start(&stage, &["--drain", "0"]);
    stage.inject(Call::Account, Fault::Hang);
    let mut stream = proxy.connect();
    ask(&mut stream, CALL, "");
    wait_for(|| stage.seen(Call::Account) == 1);
    let ran = proxy.stop().ends_with(5);
    assert_eq!(logged(&ran, "ended")[0]["cut_off"], 1);
}

#[test]
fn a_proxy_that_was_killed_leaves_the_session_to_the_next_one() {
    let stage = Stage::new();
    let first = Proxy::start(&stage, &[]);
    assert_eq!(first.get(CALL).0, 200);
    // Saved beside the call, a moment later.
    wait_for(|| stage.session().opened_at().is_some());
    let socket = stage.at("proxy.sock");
    let socket = socket.to_str().unwrap();
    let second = Proxy::start(&stage, &["--socket", socket]);
    for proxy in [first, second] {
        proxy.kill();
    }
    // The socket that the second one left behind is no hindrance.
    let third = Proxy::start(&stage, &["--socket", socket]);
    let mut stream = UnixStream::connect(socket).unwrap();
    ask(&mut stream, CALL, "");
    assert_eq!(reply(stream).0, 200);
    third.stop().succeeds();
    assert_eq!((stage.seen(Call::LogIn), stage.done(Call::LogIn)), (1, 1));
}

#[test]
fn a_proxy_that_is_killed_during_the_login_leaves_a_count_and_no_lock() {
    let stage = Stage::new();
    for _ in 0..2 {
        stage.inject(Call::LogIn, Fault::Hang);
        let seen = stage.seen(Call::LogIn);
        let proxy = Proxy::start(&stage, &[]);
        let mut stream = proxy.connect();
        ask(&mut stream, CALL, "");
        wait_for(|| stage.seen(Call::LogIn) > seen);
        proxy.kill();
        stage.pass(MINUTE);
    }
    let status = stage.status();
    assert_eq!(status["login_guard"]["failed_logins"], 2, "{status}");
}

#[test]
fn a_proxy_that_is_killed_while_it_gives_a_response_on_does_not_end_it_as_a_whole() {
    const LENGTH: usize = 8 * 1024 * 1024;
    let stage = Stage::open();
    let long = http::Response::new(vec![b'x'; LENGTH].into());
    stage.inject(Call::Account, Fault::Replace(long));
    let proxy = Proxy::start(&stage, &[]);
    let mut stream = proxy.connect();
    ask(&mut stream, CALL, "");
    // It has begun, and more is on its way than fits into the buffers.
    stream.read_exact(&mut [0; 4096]).unwrap();
    proxy.kill();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < LENGTH, "{} bytes", rest.len());

    let proxy = Proxy::start(&stage, &[]);
    assert_eq!(proxy.get(CALL).0, 200);
    proxy.stop().succeeds();
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[test]
fn its_rules_are_given_as_options() {
    let stage = Stage::open();
    let args = [
        "--require-header",
        "X-Secret",
        "--accept",
        "GET /api/m2m/v1/accounts",
        "--reject",
        "/api/m2m/v1/accounts/other",
        "--allow-host",
        "proxy.internal",
    ];
    let file = stage.write("header", "open sesame\n");
    stage.is_secret("open sesame");
    let mut command = stage.command(&[&["proxy"], &args[..]].concat());
    command.env("THINGSPACE_PROXY_HEADER_FILE", file);
    let mut proxy = Proxy {
        stage: &stage,
        child: Some(command.spawn().unwrap()),
        port: 0,
    };
    let out = proxy.child.as_mut().unwrap().stdout.take().unwrap();
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).unwrap();
    let port = line.trim().trim_end_matches("/api").rsplit(':').next();
    proxy.port = port.unwrap().parse().unwrap();

    let secret = "x-secret: open sesame\r\n";
    assert_eq!(proxy.get(CALL).0, 403);
    assert_eq!(proxy.get_with(CALL, secret).0, 200);
    assert_eq!(proxy.get_with("/api/m2m/v1/devices", secret).0, 403);
    let other = "/api/m2m/v1/accounts/other";
    assert_eq!(proxy.get_with(other, secret).0, 403);
    let page = format!("{secret}origin: https://evil.example\r\n");
    assert_eq!(proxy.get_with(CALL, &page).0, 403);
    let ran = proxy.stop().succeeds();
    let errors = logged(&ran, "request");
    let errors = errors.iter().map(|line| line["error"].as_str());
    let errors: Vec<_> = errors.collect();
    let expected = [
        Some("header_required"),
        None,
        Some("rejected"),
        Some("rejected"),
        Some("from_web_page"),
    ];
    assert_eq!(errors, expected);
}

#[test]
fn what_makes_no_sense_is_refused_before_it_listens() {
    let stage = Stage::new();
    let refused = |args: &[&str], part: &str| {
        let args = [&["proxy"], args].concat();
        stage.run(&args).ends_with(2).reports(part);
    };
    refused(&["--require-header", "x-secret"], "THINGSPACE_PROXY_HEADER");
    refused(&["--accept", "/m2m"], "/api");
    refused(&["--socket-mode", "999"], "chmod");
    refused(&["--socket", "a", "--port", "1"], "cannot be used with");
    refused(&["--socket", "missing/a"], "check that its folder exists");
    refused(
        &["--socket", "a", "--socket-group", "no-such-group"],
        "no group",
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    refused(&["--port", &port], "choose another port");
    assert_eq!(stage.seen_in_all(), 0);
}
